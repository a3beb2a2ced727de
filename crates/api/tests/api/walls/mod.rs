//! Every operation of the OpenAPI document, called as every role, with ids of every kind: what the policy's table says
//! is what the server does, and nobody learns whether another store's thing exists.

pub(crate) mod maker;
mod references;

use crate::support::{Answer, Client, PASSWORD, Shop, User, World, number};
use haat_api::operations::{OPERATIONS, Rule, rule};
use haat_domain::authz::{Action, Realm, Role, Verdict, verdict};
use maker::{Maker, Victims};
use serde_json::{Value, json};
use std::collections::BTreeSet;

cases! { every_operation_asks_the_policy, every_open_operation_answers_a_stranger }

/// PostgreSQL as a role that row-level security does not hold back: the filters of the statements stand alone. The
/// other way round, without the filters, `cargo xtask test` runs `walls::postgres` in a build of its own.
#[cfg(not(feature = "rls-only"))]
mod filters_alone {
    #[test]
    fn every_operation_asks_the_policy() {
        crate::support::on_filters_alone(super::every_operation_asks_the_policy);
    }
}

/// An operation of the document.
struct Operation {
    id: String,
    method: String,
    path: String,
    has_body: bool,
    statuses: Vec<u16>,
    document: Value,
}

impl Operation {
    fn has_id(&self) -> bool {
        self.path.contains("{id}")
    }

    fn path(&self, id: &str) -> String {
        self.path.replace("{id}", id)
    }
}

fn operations() -> Vec<Operation> {
    let document = haat_api::openapi::document();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let statuses = operation["responses"].as_object().unwrap();
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                has_body: operation.get("requestBody").is_some(),
                statuses: statuses.keys().map(|status| status.parse().unwrap()).collect(),
                document: operation.clone(),
            });
        }
    }
    all
}

#[test]
fn the_document_and_the_table_of_rules_name_the_same_operations() {
    let documented: BTreeSet<_> = operations().into_iter().map(|operation| operation.id).collect();
    let ruled: BTreeSet<_> = OPERATIONS.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(documented, ruled);
}

/// Somebody who calls every operation.
struct Person<'w> {
    label: &'static str,
    role: Role,
    client: Client,
    user: Option<&'w User>,
    /// The store they may act in, if any.
    home: Option<&'w Shop>,
    /// A store that is none of their business.
    away: &'w Shop,
    /// Why nothing they ask is even considered.
    shut_out: Option<&'static str>,
}

impl Person<'_> {
    /// The answer that the policy gives, where it gives one whatever is asked for.
    fn refusal(&self, action: Action) -> Option<(u16, &'static str)> {
        if let Some(why) = self.shut_out {
            return Some((401, why));
        }
        match verdict(self.role, action) {
            Verdict::Deny if self.role == Role::Anonymous => Some((401, "not_authenticated")),
            Verdict::Deny => Some((403, "permission_denied")),
            Verdict::Allow | Verdict::Public | Verdict::Own => {
                let outside = action.realm() == Realm::Store && self.home.is_none();
                outside.then_some((403, "store_required"))
            }
        }
    }
}

fn people<'w>(
    world: &World,
    one: &'w Shop,
    two: &'w Shop,
    admin: &'w User,
    outcasts: &'w Outcasts,
) -> Vec<Person<'w>> {
    let member = |label, role, user: &'w User, home, away| Person {
        label,
        role,
        client: (**user).clone(),
        user: Some(user),
        home: Some(home),
        away,
        shut_out: None,
    };
    let stranger = world.anonymous();
    vec![
        member("owner", Role::Owner, &one.owner, one, two),
        member("staff", Role::Staff, &one.staff, one, two),
        member("customer", Role::Customer, &one.customer, one, two),
        member("owner of the other store", Role::Owner, &two.owner, two, one),
        Person {
            client: two.owner.inside(&one.slug),
            ..member("intruder", Role::Owner, &two.owner, two, one)
        },
        Person {
            client: admin.inside(&one.slug),
            ..member("admin inside", Role::Superuser, admin, one, two)
        },
        Person { home: None, ..member("admin outside", Role::Superuser, admin, one, two) },
        Person {
            label: "stranger",
            role: Role::Anonymous,
            client: stranger,
            user: None,
            home: None,
            away: two,
            shut_out: None,
        },
        Person {
            shut_out: Some("store_suspended"),
            ..member("owner of a suspended store", Role::Owner, &outcasts.closed.owner, one, two)
        },
        Person {
            shut_out: Some("account_inactive"),
            ..member("deactivated owner", Role::Owner, &outcasts.deactivated, one, two)
        },
    ]
}

/// People whose tokens were good once.
pub(crate) struct Outcasts {
    pub(crate) closed: Shop,
    pub(crate) deactivated: User,
}

impl Outcasts {
    pub(crate) fn new(world: &World, one: &Shop, admin: &User) -> Self {
        let closed = world.open("Gamma");
        admin.post(&format!("/api/platform/tenants/{}/suspend/", closed.id), &json!({})).must(200);
        let body = json!({"username": "former", "password": PASSWORD, "role": "owner", "email": "former@example.com"});
        let former = one.owner.post("/api/users/", &body).must(201).id();
        let deactivated = world.log_in("former", &one.name);
        one.owner.patch(&format!("/api/users/{former}/"), &json!({"is_active": false})).must(200);
        Self { closed, deactivated }
    }
}

pub(crate) const RANDOM: &str = "876543219";
pub(crate) const NONE_AT_ALL: [&str; 7] =
    ["0", "-1", "9223372036854775808", "9223372036854775807", "abc", "1.0", "%F0%9F%98%80"];

fn every_operation_asks_the_policy(world: &World) {
    let (one, two, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let (maker, outcasts) = (Maker::new(world, &admin), Outcasts::new(world, &one, &admin));
    let mut called = BTreeSet::new();
    let victims = [Victims::new(&maker, &one), Victims::new(&maker, &two)];
    let victim = |shop: &Shop| victims.iter().find(|all| all.shop.id == shop.id).unwrap();
    let others_order = |shop: &Shop| {
        let product = shop.product("A brick", "1.50", None);
        shop.other.post("/api/orders/", &json!({"product": product, "quantity": 1})).must(201).id()
    };
    let others = [others_order(&one), others_order(&two)].map(|id| id.to_string());

    for operation in operations() {
        let Some(Rule::Needs(action)) = rule(&operation.id) else { continue };
        for person in people(world, &one, &two, &admin, &outcasts) {
            let asked = format!("{} as {}", operation.id, person.label);
            if let Some(refusal) = person.refusal(action) {
                let own = victim(&one).id(&operation.path);
                let foreign = victim(&two).id(&operation.path);
                let ids = [own.as_str(), &foreign, RANDOM].into_iter().chain(NONE_AT_ALL);
                refused_whatever_is_asked(&maker, &operation, &person, refusal, ids);
                continue;
            }
            let home = person.home.unwrap_or(person.away);
            accepted(&maker, &operation, &person, home, &asked);
            called.insert(operation.id.clone());
            references::tell_nothing(&maker, &operation, &person, home, victim(person.away));
            if operation.has_id() {
                let foreign = victim(person.away).id(&operation.path);
                let mut strange = vec![foreign.as_str()];
                if verdict(person.role, action) == Verdict::Own && operation.path.contains("orders") {
                    strange.extend(others.iter().map(String::as_str));
                }
                strange.extend(NONE_AT_ALL);
                unknown(&maker, &operation, &person, home, &strange);
            }
        }
    }
    victims.iter().for_each(Victims::are_unharmed);
    let needing = OPERATIONS.iter().filter(|(_, rule)| matches!(rule, Rule::Needs(_)));
    let needing: BTreeSet<_> = needing.map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(called, needing, "an operation that nobody was let call proves nothing");
}

fn refused_whatever_is_asked<'i>(
    maker: &Maker<'_>,
    operation: &Operation,
    person: &Person<'_>,
    (status, code): (u16, &str),
    ids: impl Iterator<Item = &'i str>,
) {
    let good = maker.body(&operation.id, person.home.unwrap_or(person.away));
    for id in if operation.has_id() { ids.collect() } else { vec![""] } {
        let path = operation.path(id);
        let answer = person.client.call(&operation.method, &path, good.as_ref()).refused(status, code);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{path} as {}", person.label);
        if operation.has_body {
            for bad in ["{", "[]", r#"{"name": 7, "status": 7, "quantity": "x", "email": 7}"#] {
                person.client.raw(&operation.method, &path, bad).refused(status, code);
            }
        }
    }
}

/// What is permitted succeeds, or the refusals prove nothing.
fn accepted(maker: &Maker<'_>, operation: &Operation, person: &Person<'_>, home: &Shop, asked: &str) {
    let id = if operation.has_id() { maker.thing(&operation.path, home).to_string() } else { String::new() };
    let body = maker.body(&operation.id, home);
    let client = match person.user {
        Some(user) if operation.id == "logout" => person.client.with(&again(maker.world, user, person, home)),
        _ => person.client.clone(),
    };
    let path = operation.path(&id);
    let answer = client.call(&operation.method, &path, body.as_ref());
    assert!((200..300).contains(&answer.status), "{asked}: {}", answer.text);
    assert!(operation.statuses.contains(&answer.status), "{asked}: {} is not documented", answer.status);
    assert!(answer.header("cache-control").is_some(), "{asked}: no Cache-Control");
    if operation.has_body {
        person.client.raw(&operation.method, &path, "{").refused(400, "malformed_json");
    }
}

/// A token of a session of its own, to be ended.
fn again(world: &World, user: &User, person: &Person<'_>, home: &Shop) -> String {
    let mut body = json!({"username": user.username, "password": PASSWORD});
    if person.role != Role::Superuser {
        body["store"] = json!(home.name);
    }
    world.anonymous().post("/api/auth/login/", &body).must(200).text_of("access").to_owned()
}

/// What there is elsewhere answers exactly like what there is not.
fn unknown(maker: &Maker<'_>, operation: &Operation, person: &Person<'_>, home: &Shop, ids: &[&str]) {
    let body = maker.body(&operation.id, home);
    let ask = |id: &str| -> Answer {
        person.client.call(&operation.method, &operation.path(id), body.as_ref()).refused(404, "not_found")
    };
    let nothing = ask(RANDOM).essence();
    for id in ids {
        assert_eq!(ask(id).essence(), nothing, "{} {id} as {}", operation.id, person.label);
    }
}

fn every_open_operation_answers_a_stranger(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = Maker::new(world, &admin);
    for operation in operations() {
        if matches!(rule(&operation.id), Some(Rule::Needs(_))) {
            continue;
        }
        let body = maker.body(&operation.id, &shop);
        let answer = world.anonymous().call(&operation.method, &operation.path, body.as_ref());
        assert!(matches!(answer.status, 200 | 201), "{}: {}", operation.id, answer.text);
        assert!(operation.statuses.contains(&answer.status), "{}", operation.id);
        if operation.has_body {
            world.anonymous().raw(&operation.method, &operation.path, "{").refused(400, "malformed_json");
        }
    }
    assert_eq!(number(&shop.owner.get("/api/auth/me/").must(200).json["tenant"]), shop.id);
}
