//! Which crates of the workspace may depend on which, and on what they must not, however indirectly.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

/// All the dependencies that one crate of the workspace may have on others of it.
const ALLOWED: &[(&str, &[&str])] = &[
    ("haat-domain", &[]),
    // The testkit behind a feature: see `UNSHIPPED`.
    ("haat-infra", &["haat-domain", "haat-testkit"]),
    ("haat-app", &["haat-domain"]),
    ("haat-admin", &["haat-app", "haat-domain"]),
    ("haat-api", &["haat-admin", "haat-app", "haat-domain", "haat-infra"]),
    ("haat-testkit", &[]),
    ("xtask", &["haat-testkit"]),
];

/// What the tests of any crate may depend on besides.
const ALLOWED_IN_TESTS: &str = "haat-testkit";

/// What `haat` is not built from, as long as nobody asks for a feature: what tests use, and what needs more of the
/// machine than a C compiler.
const UNSHIPPED: &[&str] = &["haat-testkit", "openssl-sys", "opentelemetry"];

/// What a crate must not reach; `*` at the end of a name stands for any ending.
const UNREACHABLE: &[(&str, &[&str])] = &[
    (
        "haat-domain",
        &[
            "diesel*",
            "r2d2",
            "actix-*",
            "tokio",
            "bcrypt",
            "jsonwebtoken",
            "utoipa*",
            "libsqlite3-sys",
            "pq-sys",
        ],
    ),
    ("haat-infra", &["actix-*", "utoipa*", "prometheus-client", "opentelemetry*", "tracing-opentelemetry"]),
    (
        "haat-app",
        &[
            "diesel*",
            "r2d2",
            "actix-*",
            "utoipa*",
            "prometheus-client",
            "opentelemetry*",
            "tracing-opentelemetry",
        ],
    ),
    ("haat-admin", &["diesel*", "r2d2", "bcrypt", "jsonwebtoken", "utoipa*"]),
];

/// What a crate must not name itself, though it reaches it; its tests and examples may.
const UNNAMED: &[(&str, &[&str])] = &[("haat-api", &["diesel", "r2d2"])];

/// The crates of the workspace and all that they depend on, by name.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    workspace: BTreeSet<String>,
    /// What goes into a build, build scripts' dependencies included.
    built: BTreeMap<String, BTreeSet<String>>,
    tests: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Reads what `cargo metadata` prints.
    pub(crate) fn from_metadata(json: &[u8]) -> Result<Self, String> {
        let metadata: Metadata = serde_json::from_slice(json)
            .map_err(|error| format!("`cargo metadata` is not understood: {error}"))?;
        let names: BTreeMap<_, _> =
            metadata.packages.into_iter().map(|package| (package.id, package.name)).collect();
        let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());

        let mut graph = Self {
            workspace: metadata.workspace_members.iter().map(|id| name(id)).collect(),
            ..Self::default()
        };
        for node in &metadata.resolve.nodes {
            for dependency in &node.deps {
                for DepKind { kind } in &dependency.dep_kinds {
                    let edges =
                        if kind.as_deref() == Some("dev") { &mut graph.tests } else { &mut graph.built };
                    edges.entry(name(&node.id)).or_default().insert(name(&dependency.pkg));
                }
            }
        }
        Ok(graph)
    }

    /// The shortest way from `start` to a crate that `matches`.
    fn path(&self, start: &str, matches: impl Fn(&str) -> bool) -> Option<Vec<&str>> {
        let mut seen = BTreeSet::new();
        let mut queue: VecDeque<Vec<&str>> =
            self.built.get_key_value(start).map(|(start, _)| vec![start.as_str()]).into_iter().collect();
        while let Some(path) = queue.pop_front() {
            let last = path.last().copied().unwrap_or_default();
            if matches(last) {
                return Some(path);
            }
            for next in self.built.get(last).into_iter().flatten() {
                if seen.insert(next) {
                    queue.push_back([path.as_slice(), &[next]].concat());
                }
            }
        }
        None
    }
}

/// A sentence for each crate that `haat` must not be built from and is, by a list of crates at one `name version` a
/// line, as `cargo tree` prints it.
pub(crate) fn unshipped(tree: &str) -> Vec<String> {
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let shipped = UNSHIPPED.iter().filter(|name| names.contains(*name));
    shipped
        .map(|name| format!("haat must not be built from {name}: cargo tree -p haat-api -e no-dev -i {name}"))
        .collect()
}

/// A sentence for each rule that the graph breaks.
pub(crate) fn violations(graph: &Graph) -> Vec<String> {
    let mut violations = Vec::new();
    for member in &graph.workspace {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == member) else {
            violations.push(format!("{member} has no rule: say in {} what it may depend on", file!()));
            continue;
        };
        let within = |edges: &BTreeMap<String, BTreeSet<String>>| {
            let edges = edges.get(member).into_iter().flatten();
            edges
                .filter(|to| graph.workspace.contains(*to) && !allowed.contains(&to.as_str()))
                .cloned()
                .collect()
        };
        let (built, tests): (Vec<_>, Vec<_>) = (within(&graph.built), within(&graph.tests));
        for to in built {
            violations.push(format!("{member} must not depend on {to}"));
        }
        for to in tests.iter().filter(|to| *to != member && *to != ALLOWED_IN_TESTS) {
            violations.push(format!("{member}'s tests must not depend on {to}"));
        }
    }
    for (member, unreachable) in UNREACHABLE {
        for pattern in *unreachable {
            let matches = |name: &str| {
                pattern.strip_suffix('*').map_or(name == *pattern, |start| name.starts_with(start))
            };
            if let Some(path) = graph.path(member, matches) {
                violations.push(format!("{member} must not reach {pattern}: {}", path.join(" -> ")));
            }
        }
    }
    for (member, unnamed) in UNNAMED {
        let named = graph.built.get(*member).into_iter().flatten();
        for name in named.filter(|name| unnamed.contains(&name.as_str())) {
            violations.push(format!("{member} must not name {name} but in tests and examples"));
        }
    }
    violations
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Deserialize)]
struct DepKind {
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph from lines like `a -> b`, or `a ~> b` for what only the tests of `a` depend on.
    fn graph(workspace: &[&str], lines: &[&str]) -> Graph {
        let mut graph =
            Graph { workspace: workspace.iter().map(ToString::to_string).collect(), ..Graph::default() };
        for line in lines {
            let (edges, (from, to)) = match line.split_once(" ~> ") {
                Some(names) => (&mut graph.tests, names),
                None => (&mut graph.built, line.split_once(" -> ").unwrap()),
            };
            edges.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        graph
    }

    #[test]
    fn what_the_rules_allow_passes() {
        let graph = graph(
            &["haat-api", "haat-domain", "haat-infra", "haat-testkit", "xtask"],
            &[
                "haat-api -> haat-domain",
                "haat-api -> haat-infra",
                "haat-api -> actix-web",
                "haat-api ~> diesel",
                "haat-infra -> haat-domain",
                "haat-infra -> diesel",
                "haat-infra ~> haat-testkit",
                "haat-domain -> jiff",
                "haat-domain ~> haat-domain",
                "haat-domain ~> tokio",
                "xtask -> haat-testkit",
            ],
        );
        assert_eq!(violations(&graph), Vec::<String>::new());
    }

    #[test]
    fn every_broken_rule_is_named() {
        let graph = graph(
            &["haat-api", "haat-domain", "haat-infra", "haat-new", "haat-testkit"],
            &[
                "haat-api -> diesel",
                "haat-domain -> helper",
                "helper -> other",
                "other -> helper",
                "other -> actix-rt",
                "haat-domain -> haat-testkit",
                "haat-domain ~> haat-infra",
                "haat-infra -> haat-domain",
            ],
        );
        assert_eq!(
            violations(&graph),
            [
                "haat-domain must not depend on haat-testkit",
                "haat-domain's tests must not depend on haat-infra",
                "haat-new has no rule: say in crates/xtask/src/dependencies.rs what it may depend on",
                "haat-domain must not reach actix-*: haat-domain -> helper -> other -> actix-rt",
                "haat-infra must not reach actix-*: haat-infra -> haat-domain -> helper -> other -> actix-rt",
                "haat-api must not name diesel but in tests and examples",
            ]
        );
    }

    #[test]
    fn what_must_not_ship_is_named() {
        assert_eq!(unshipped("haat-api v0.1.0 (/haat)\ntempfile-like v3.0.0\n"), Vec::<String>::new());
        assert_eq!(
            unshipped("haat-api v0.1.0 (/haat)\nopenssl-sys v0.9.0\nopenssl-sys v0.9.0 (*)\n"),
            ["haat must not be built from openssl-sys: cargo tree -p haat-api -e no-dev -i openssl-sys"]
        );
    }

    #[test]
    fn metadata_is_read_by_kind_of_dependency() {
        let graph = Graph::from_metadata(
            br#"{
                "packages": [{"id": "1", "name": "haat-infra"}, {"id": "2", "name": "cc"}, {"id": "3", "name": "proptest"}],
                "workspace_members": ["1"],
                "resolve": {"nodes": [{"id": "1", "deps": [
                    {"pkg": "2", "dep_kinds": [{"kind": "build"}]},
                    {"pkg": "3", "dep_kinds": [{"kind": "dev"}]}
                ]}]}
            }"#,
        )
        .unwrap();
        assert_eq!(graph.workspace, BTreeSet::from(["haat-infra".to_owned()]));
        assert_eq!(
            graph.built,
            BTreeMap::from([("haat-infra".to_owned(), BTreeSet::from(["cc".to_owned()]))])
        );
        assert_eq!(
            graph.tests,
            BTreeMap::from([("haat-infra".to_owned(), BTreeSet::from(["proptest".to_owned()]))])
        );
    }
}
