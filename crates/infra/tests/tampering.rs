//! Whoever gets at the database itself may change the audit log, but not unnoticed: the first thing that is not as it
//! was written is named.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use haat_domain::audit::{Chain, verify_chain};
use haat_domain::authz::Role;
use haat_domain::catalog::create_product;
use haat_domain::error::Result;
use haat_domain::testing::{TestShop, details};
use haat_infra::testing::{Engine, Raw, TestDatabase};

/// A store with ten entries in its log: four people, six products.
fn open_shop(database: &TestDatabase, name: &str) -> TestShop {
    let shop = TestShop::open(database.store(), name, "INR");
    shop.act(Role::Owner, |cx| {
        (0..6).try_for_each(|number| {
            create_product(cx, details(&format!("Lamp {number}"), "1", None)).map(drop)
        })
    })
    .unwrap();
    shop
}

fn verified(shop: &TestShop) -> Result<Chain> {
    shop.act(Role::Owner, verify_chain)
}

/// Changes what it likes: on SQLite without the triggers, on PostgreSQL as the owner of the tables, in the store.
fn tamper(database: &TestDatabase, shop: &TestShop, sql: &str) {
    let mut raw = database.connect();
    match &raw {
        Raw::Sqlite(_) => {
            for trigger in ["edited", "cut", "overwritten"] {
                raw.run(&format!("DROP TRIGGER IF EXISTS audit_log_is_not_{trigger}")).unwrap();
            }
        }
        Raw::Postgres(_) => raw.run(&format!("SET app.tenant_id = '{}'", shop.tenant.id)).unwrap(),
    }
    raw.run(&sql.replace("{mine}", &format!("tenant_id = {}", shop.tenant.id))).expect(sql);
}

/// What is said after this was done to the log of a store of ten entries, on each engine.
fn told(sql: &str, fault: Option<&str>) {
    for database in [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(TestDatabase::new) {
        let (shop, other) = (open_shop(&database, "Shop"), open_shop(&database, "Other"));
        let before = verified(&shop).unwrap();
        assert_eq!((before.entries, before.fault), (10, None), "an untouched log");
        tamper(&database, &shop, sql);
        let chain = verified(&shop).unwrap();
        assert_eq!(chain.fault.as_deref(), fault, "{sql}");
        assert_eq!(verified(&other).unwrap().fault, None, "{sql}: another store's log is untouched");
    }
}

/// A copy of an entry under another number.
fn copy(from: i64, to: i64) -> String {
    format!(
        "INSERT INTO audit_log SELECT tenant_id, {to}, at, actor_id, actor_name, actor_role, action, object_kind,
           object_id, request_id, facts_before, facts_after, link FROM audit_log WHERE {{mine}} AND number = {from}"
    )
}

#[test]
fn an_untouched_log_has_no_fault() {
    told("SELECT 1", None);
}

#[test]
fn an_edited_entry_is_named_whatever_was_edited() {
    for edit in [
        "facts_after = '{\"name\": \"Bell\"}'",
        "facts_after = '{}'",
        "facts_before = '{\"name\": \"Bell\"}'",
        "actor_name = 'nobody'",
        "actor_id = NULL",
        "actor_id = actor_id + 1",
        "actor_role = 'staff'",
        "action = 'product.update'",
        "object_id = object_id + 1",
        "object_kind = 'order'",
        "object_kind = NULL, object_id = NULL",
        "request_id = ''",
        "link = ''",
    ] {
        told(
            &format!("UPDATE audit_log SET {edit} WHERE {{mine}} AND number = 6"),
            Some("entry 6 is not as it was written"),
        );
    }
}

#[test]
fn another_time_of_an_entry_is_noticed() {
    for database in [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(TestDatabase::new) {
        let shop = open_shop(&database, "Shop");
        let earlier = match database.connect() {
            Raw::Sqlite(_) => "at - 1",
            Raw::Postgres(_) => "at - interval '1 microsecond'",
        };
        tamper(
            &database,
            &shop,
            &format!("UPDATE audit_log SET at = {earlier} WHERE {{mine}} AND number = 3"),
        );
        assert_eq!(verified(&shop).unwrap().fault.as_deref(), Some("entry 3 is not as it was written"));
    }
}

#[test]
fn of_many_faults_the_first_is_named() {
    told(
        "UPDATE audit_log SET actor_name = 'nobody' WHERE {mine} AND number IN (4, 5, 9)",
        Some("entry 4 is not as it was written"),
    );
}

#[test]
fn a_missing_entry_is_named_wherever_it_stood() {
    for (gone, first) in [("= 1", 1), ("= 5", 5), ("IN (5, 6, 8)", 5), ("= 10", 10), ("> 7", 8), ("> 0", 1)] {
        told(
            &format!("DELETE FROM audit_log WHERE {{mine}} AND number {gone}"),
            Some(&format!("entry {first} is missing")),
        );
    }
}

#[test]
fn closing_the_gap_is_noticed() {
    told(
        "DELETE FROM audit_log WHERE {mine} AND number = 10;
         UPDATE audit_log SET number = 10 WHERE {mine} AND number = 9;
         UPDATE audit_log SET number = 9 WHERE {mine} AND number = 8;
         UPDATE audit_log SET number = 8 WHERE {mine} AND number = 7",
        Some("entry 7 is missing"),
    );
    told(
        "DELETE FROM audit_log WHERE {mine} AND number = 9;
         UPDATE audit_log SET number = 9 WHERE {mine} AND number = 10;
         UPDATE audit_heads SET last_number = 9 WHERE {mine}",
        Some("entry 9 is not as it was written"),
    );
}

#[test]
fn cutting_the_end_and_its_count_is_noticed_by_the_last_link() {
    told(
        "DELETE FROM audit_log WHERE {mine} AND number > 8; UPDATE audit_heads SET last_number = 8 WHERE {mine}",
        Some("entry 8 is not the last one that was written"),
    );
    // Whoever rewinds the link as well leaves a log that is sound in itself: that is what the link is written down
    // elsewhere for.
    for database in [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(TestDatabase::new) {
        let shop = open_shop(&database, "Shop");
        let noted = verified(&shop).unwrap();
        tamper(
            &database,
            &shop,
            "DELETE FROM audit_log WHERE {mine} AND number > 8;
             UPDATE audit_heads SET last_number = 8,
               link = (SELECT link FROM audit_log WHERE {mine} AND number = 8) WHERE {mine}",
        );
        let chain = verified(&shop).unwrap();
        assert_eq!((chain.entries, &chain.fault), (8, &None));
        assert_ne!(chain.link, noted.link);
    }
}

#[test]
fn an_inserted_entry_is_named_before_between_and_behind() {
    told(&copy(3, 0), Some("entry 0 was inserted"));
    told(&copy(3, -5), Some("entry -5 was inserted"));
    told(&copy(10, 11), Some("entry 11 was inserted"));
    told(&copy(10, 15), Some("entry 15 was inserted"));
    told(
        &format!(
            "UPDATE audit_log SET number = 11 WHERE {{mine}} AND number = 10; {}; \
             UPDATE audit_heads SET last_number = 11 WHERE {{mine}}",
            copy(9, 10)
        ),
        Some("entry 10 is not as it was written"),
    );
}

#[test]
fn two_entries_that_changed_places_are_noticed() {
    told(
        "UPDATE audit_log SET number = 99 WHERE {mine} AND number = 6;
         UPDATE audit_log SET number = 6 WHERE {mine} AND number = 7;
         UPDATE audit_log SET number = 7 WHERE {mine} AND number = 99",
        Some("entry 6 is not as it was written"),
    );
}

#[test]
fn an_entry_that_cannot_be_read_any_more_passes_for_no_sound_log() {
    for edit in ["facts_after = 'no JSON'", "facts_after = '[]'", "action = 'no.such'", "actor_role = 'king'"]
    {
        for database in [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(TestDatabase::new) {
            let shop = open_shop(&database, "Shop");
            tamper(&database, &shop, &format!("UPDATE audit_log SET {edit} WHERE {{mine}} AND number = 6"));
            let error = verified(&shop).expect_err(edit);
            let cause = std::error::Error::source(&error).expect("a cause for the log").to_string();
            assert!(cause.contains("audit_log") && cause.contains('6'), "{edit}: {cause}");
        }
    }
}
