//! The policy as a table in `docs/authorization.md`: whoever changes the one sees the other change in review.
//! `UPDATE_GOLDEN=1 cargo test -p haat-domain --test policy_matrix` writes it.

use haat_domain::authz::{Action, Realm, Role, Verdict, verdict};
use std::collections::BTreeSet;
use std::path::Path;

const BEGIN: &str = "<!-- policy:begin -->\n";
const END: &str = "<!-- policy:end -->";

fn table() -> String {
    let head = format!(
        "| action | upon | {} |\n|---|---|{}\n",
        Role::ALL.map(Role::name).join(" | "),
        "---|".repeat(5)
    );
    let rows = Action::ALL.iter().map(|action| {
        let verdicts = Role::ALL.map(|role| match verdict(role, *action) {
            Verdict::Allow => "Allow",
            Verdict::Public => "Public",
            Verdict::Own => "Own",
            Verdict::Deny => "–",
        });
        let realm = match action.realm() {
            Realm::Door => "door",
            Realm::Account => "account",
            Realm::Store => "store",
            Realm::Platform => "platform",
        };
        format!("| `{action}` | {realm} | {} |\n", verdicts.join(" | "))
    });
    head + &rows.collect::<String>()
}

#[expect(
    clippy::disallowed_methods,
    reason = "UPDATE_GOLDEN is for whoever runs the tests, not for the program"
)]
fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

#[test]
fn golden_policy_matrix_is_the_documented_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/authorization.md");
    let document = std::fs::read_to_string(&path).expect("docs/authorization.md");
    let (front, rest) = document.split_once(BEGIN).expect("the mark where the table begins");
    let (written, back) = rest.split_once(END).expect("the mark where the table ends");
    if updating() {
        std::fs::write(&path, format!("{front}{BEGIN}{}{END}{back}", table())).expect("a document to write");
    } else {
        assert_eq!(written, table(), "the policy has changed: UPDATE_GOLDEN=1 writes docs/authorization.md");
    }
}

#[test]
fn no_two_actions_share_a_name() {
    let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
    assert_eq!(names.len(), Action::ALL.len());
}

#[test]
fn whom_nobody_knows_may_only_knock() {
    for action in Action::ALL {
        let knocks = verdict(Role::Anonymous, *action) != Verdict::Deny;
        assert_eq!(knocks, action.realm() == Realm::Door, "{action}");
    }
}

#[test]
fn the_installation_is_the_platform_admins_alone() {
    for action in Action::ALL.iter().filter(|action| action.realm() == Realm::Platform) {
        for role in Role::ALL {
            assert_eq!(verdict(role, *action) == Verdict::Allow, role == Role::Superuser, "{role} {action}");
        }
    }
}

#[test]
fn everybody_known_has_an_account_of_their_own() {
    for action in Action::ALL.iter().filter(|action| action.realm() == Realm::Account) {
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Anonymous) {
            assert_eq!(verdict(role, *action), Verdict::Own, "{role} {action}");
        }
    }
}

#[test]
fn staff_may_no_more_than_owners_and_customers_no_more_than_staff() {
    let reach = |role, action| match verdict(role, action) {
        Verdict::Deny => 0,
        Verdict::Own | Verdict::Public => 1,
        Verdict::Allow => 2,
    };
    for action in Action::ALL {
        let [owner, staff, customer] =
            [Role::Owner, Role::Staff, Role::Customer].map(|role| reach(role, *action));
        assert!(customer <= staff && staff <= owner, "{action}");
    }
}
