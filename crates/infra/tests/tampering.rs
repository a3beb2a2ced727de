//! What somebody does to an audit log with the database in their hands is found: at once, or by what was kept elsewhere.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use haat_domain::audit::{AuditFilter, Chain, Link, Recorded, verify_chain};
use haat_domain::authz::{Action, Role};
use haat_domain::catalog::create_product;
use haat_domain::testing::{TestShop, details};
use haat_infra::testing::{Engine, Raw, TestDatabase};

/// Whoever owns the tables may do all of this on PostgreSQL, whatever the application may.
const OPEN_SQLITE: &str = "DROP TRIGGER audit_log_is_not_edited; DROP TRIGGER audit_log_is_not_cut;
  DROP TRIGGER audit_log_is_not_overwritten";
const OPEN_POSTGRES: &str = "ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;
  ALTER TABLE audit_heads NO FORCE ROW LEVEL SECURITY";

/// A log of nine entries, another store's of six, and the hand that changes them.
struct Scene {
    shop: TestShop,
    other: TestShop,
    hand: Raw,
    _database: TestDatabase,
}

impl Scene {
    fn new(engine: Engine) -> Option<Self> {
        let database = TestDatabase::new(engine)?;
        let store = database.store();
        let open = |name, lamps| {
            let shop = TestShop::open(store.clone(), name, "INR");
            for lamp in 0..lamps {
                shop.clock.advance(60);
                let lamp = details(&format!("Lamp {lamp}"), "1", None);
                shop.act(Role::Owner, move |cx| create_product(cx, lamp)).unwrap();
            }
            shop
        };
        let (shop, other) = (open("Bazaar", 5), open("Other", 2));
        let mut hand = database.connect();
        let opened = if engine == Engine::Sqlite { OPEN_SQLITE } else { OPEN_POSTGRES };
        hand.run(opened).unwrap();
        Some(Self { shop, other, hand, _database: database })
    }

    /// Runs statements in which `MINE` is the store, and `OTHER` the other one.
    fn tamper(&mut self, sql: &str) {
        let number = |shop: &TestShop| shop.tenant.id.to_string();
        let sql = sql.replace("MINE", &number(&self.shop)).replace("OTHER", &number(&self.other));
        self.hand.run(&sql).unwrap();
    }

    fn verify(&self, kept: Option<(i64, &Link)>) -> Chain {
        verify(&self.shop, kept)
    }

    fn entries(&self) -> Vec<Recorded> {
        let read = |cx: &mut haat_domain::cx::Cx<'_>| {
            cx.enter(Action::ReadAudit)?.tx.audit().page(&AuditFilter::default(), false, None, 100)
        };
        self.shop.act(Role::Owner, read).unwrap()
    }

    /// Makes all links and the head anew, as whoever knows how it is done.
    fn relink(&mut self) {
        let (mut link, mut last) = (Link::start(), 0);
        for Recorded { number, entry, .. } in self.entries() {
            (link, last) = (link.next(self.shop.tenant.id, number, &entry), number);
            self.tamper(&format!(
                "UPDATE audit_log SET link = '{link}' WHERE tenant_id = MINE AND number = {number}"
            ));
        }
        self.tamper(&format!(
            "UPDATE audit_heads SET last_number = {last}, link = '{link}' WHERE tenant_id = MINE"
        ));
    }
}

fn verify(shop: &TestShop, kept: Option<(i64, &Link)>) -> Chain {
    let kept = kept.map(|(number, link)| (number, link.clone()));
    let verify = move |cx: &mut haat_domain::cx::Cx<'_>| {
        verify_chain(cx, kept.as_ref().map(|(number, link)| (*number, link)))
    };
    shop.act(Role::Owner, verify).unwrap()
}

fn on_each_engine(test: impl Fn(Scene)) {
    [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(Scene::new).for_each(test);
}

/// Does each of these to a log of its own, and expects this fault; the other store's log has none.
fn assert_found(cases: &[(&str, &str)]) {
    for (sql, fault) in cases {
        on_each_engine(|mut scene| {
            scene.tamper(sql);
            assert_eq!(scene.verify(None).fault.as_deref(), Some(*fault), "{sql}");
            assert_eq!(verify(&scene.other, None).fault, None, "{sql}");
        });
    }
}

#[test]
fn an_untouched_log_has_no_fault() {
    on_each_engine(|scene| {
        let entries = scene.entries();
        let last = entries.last().unwrap();
        let whole = Chain { entries: 9, link: last.link.clone(), fault: None };
        assert_eq!(scene.verify(None), whole);
        for row in &entries {
            assert_eq!(scene.verify(Some((row.number, &row.link))), whole, "{}", row.number);
        }
        assert_eq!(scene.verify(Some((0, &Link::start()))), whole, "before anything was written");
        let fault = scene.verify(Some((9, &entries[7].link))).fault;
        assert_eq!(fault.as_deref(), Some("the log up to entry 9 is not what it was"));
        let fault = scene.verify(Some((10, &last.link))).fault;
        assert_eq!(fault.as_deref(), Some("entry 10 was there, and is no more"));
    });
}

#[test]
fn an_edited_entry_is_found() {
    const CHANGES: [&str; 14] = [
        "facts_after = replace(facts_after, 'Lamp 1', 'Lamp 2')",
        "facts_after = '{}'",
        "facts_before = '{\"name\":\"Bell\"}'",
        "actor_id = actor_id + 1",
        "actor_id = NULL",
        "actor_name = 'staff'",
        "actor_name = 'Owner'",
        "actor_role = 'staff'",
        "action = 'product.update'",
        "object_kind = 'order'",
        "object_id = object_id + 1",
        "object_kind = NULL, object_id = NULL",
        "request_id = ''",
        "link = upper(link)",
    ];
    on_each_engine(|mut scene| {
        let time = match scene.hand {
            Raw::Sqlite(_) => "at = at + 1",
            Raw::Postgres(_) => "at = at + interval '1 microsecond'",
        };
        for change in CHANGES.into_iter().chain([time]) {
            scene.tamper("DROP TABLE IF EXISTS saved; CREATE TABLE saved AS SELECT * FROM audit_log");
            scene.tamper(&format!("UPDATE audit_log SET {change} WHERE tenant_id = MINE AND number = 6"));
            let fault = scene.verify(None).fault;
            assert_eq!(fault.as_deref(), Some("entry 6 is not as it was written"), "{change}");
            scene.tamper("DELETE FROM audit_log; INSERT INTO audit_log SELECT * FROM saved");
            assert_eq!(scene.verify(None).fault, None, "put back after {change}");
        }
    });
}

#[test]
fn a_deleted_entry_is_found() {
    assert_found(&[
        ("DELETE FROM audit_log WHERE tenant_id = MINE AND number = 5", "entry 5 is missing"),
        ("DELETE FROM audit_log WHERE tenant_id = MINE AND number = 1", "entry 1 is missing"),
        ("DELETE FROM audit_log WHERE tenant_id = MINE AND number = 9", "entry 9 is missing"),
        ("DELETE FROM audit_log WHERE tenant_id = MINE AND number > 7", "entry 8 is missing"),
        ("DELETE FROM audit_log WHERE tenant_id = MINE", "entry 1 is missing"),
        // With those behind it moved up.
        (
            "DELETE FROM audit_log WHERE tenant_id = MINE AND number = 9;
             UPDATE audit_heads SET last_number = 8 WHERE tenant_id = MINE",
            "entry 8 is not the last one that was written",
        ),
        (
            "DELETE FROM audit_log WHERE tenant_id = MINE AND number = 5;
             UPDATE audit_log SET number = number + 100 WHERE tenant_id = MINE AND number > 5;
             UPDATE audit_log SET number = number - 101 WHERE tenant_id = MINE AND number > 5;
             UPDATE audit_heads SET last_number = 8 WHERE tenant_id = MINE",
            "entry 5 is not as it was written",
        ),
    ]);
}

/// Copies an entry, to be the one of this number.
fn copy(from: i64, to: i64) -> String {
    format!(
        "INSERT INTO audit_log (tenant_id, number, at, actor_id, actor_name, actor_role, action, object_kind,
           object_id, request_id, facts_before, facts_after, link)
         SELECT tenant_id, {to}, at, actor_id, actor_name, actor_role, action, object_kind, object_id,
           request_id, facts_before, facts_after, link
         FROM audit_log WHERE tenant_id = MINE AND number = {from}"
    )
}

#[test]
fn an_inserted_entry_is_found() {
    let shift = "UPDATE audit_log SET number = number + 100 WHERE tenant_id = MINE AND number > 5;
                 UPDATE audit_log SET number = number - 99 WHERE tenant_id = MINE AND number > 5;
                 UPDATE audit_heads SET last_number = 10 WHERE tenant_id = MINE";
    let middle = format!("{shift}; {}", copy(5, 6));
    let counted = format!("{}; UPDATE audit_heads SET last_number = 10 WHERE tenant_id = MINE", copy(9, 10));
    let headless = "DELETE FROM audit_heads WHERE tenant_id = MINE";
    assert_found(&[
        (&middle, "entry 6 is not as it was written"),
        (&counted, "entry 10 is not as it was written"),
        (&copy(9, 10), "entry 10 stands where nothing was written"),
        (&copy(9, 1000), "entry 1000 stands where nothing was written"),
        (&copy(1, 0), "entry 0 stands where nothing was written"),
        (&copy(1, -7), "entry -7 stands where nothing was written"),
        (headless, "entry 1 stands where nothing was written"),
    ]);
}

#[test]
fn entries_that_have_changed_places_are_found() {
    let swap = |one: i64, other: i64| {
        format!(
            "UPDATE audit_log SET number = 1000 WHERE tenant_id = MINE AND number = {one};
             UPDATE audit_log SET number = {one} WHERE tenant_id = MINE AND number = {other};
             UPDATE audit_log SET number = {other} WHERE tenant_id = MINE AND number = 1000"
        )
    };
    assert_found(&[
        (&swap(5, 6), "entry 5 is not as it was written"),
        (&swap(1, 9), "entry 1 is not as it was written"),
        (&swap(8, 9), "entry 8 is not as it was written"),
    ]);
}

#[test]
fn another_stores_log_is_found() {
    on_each_engine(|mut scene| {
        assert_eq!(verify(&scene.other, None).entries, 6);
        scene.tamper(
            "DELETE FROM audit_log WHERE tenant_id = MINE; DELETE FROM audit_heads WHERE tenant_id = MINE;
             UPDATE audit_log SET tenant_id = MINE WHERE tenant_id = OTHER;
             UPDATE audit_heads SET tenant_id = MINE WHERE tenant_id = OTHER",
        );
        let fault = scene.verify(None).fault;
        assert_eq!(fault.as_deref(), Some("entry 1 is not as it was written"));
    });
}

#[test]
fn a_log_that_was_made_anew_is_found_by_what_was_kept() {
    on_each_engine(|mut scene| {
        let kept = scene.entries();
        scene.tamper(
            "UPDATE audit_log SET facts_after = replace(facts_after, 'Lamp 1', 'Lamp 2')
             WHERE tenant_id = MINE AND number = 6",
        );
        assert!(scene.verify(None).fault.is_some());
        scene.relink();
        assert_eq!(scene.verify(None).fault, None, "there is nothing to tell it by");
        for row in &kept {
            let fault = scene.verify(Some((row.number, &row.link))).fault;
            let wanted = format!("the log up to entry {} is not what it was", row.number);
            assert_eq!(fault, (row.number >= 6).then_some(wanted));
        }
    });
}

#[test]
fn a_log_that_was_cut_is_found_by_what_was_kept() {
    on_each_engine(|mut scene| {
        let kept = scene.entries();
        let missing = |scene: &Scene, left: i64| {
            assert_eq!(scene.verify(None).fault, None, "there is nothing to tell it by");
            for row in &kept {
                let fault = scene.verify(Some((row.number, &row.link))).fault;
                let wanted = format!("entry {} was there, and is no more", row.number);
                assert_eq!(fault, (row.number > left).then_some(wanted));
            }
        };
        scene.tamper("DELETE FROM audit_log WHERE tenant_id = MINE AND number > 7");
        scene.relink();
        missing(&scene, 7);
        scene.tamper(
            "DELETE FROM audit_log WHERE tenant_id = MINE; DELETE FROM audit_heads WHERE tenant_id = MINE",
        );
        missing(&scene, 0);
        // Even if it has grown again since.
        for lamp in 0..9 {
            let lamp = details(&format!("Bell {lamp}"), "1", None);
            scene.shop.act(Role::Owner, move |cx| create_product(cx, lamp)).unwrap();
        }
        let fault = scene.verify(Some((9, &kept[8].link))).fault;
        assert_eq!(fault.as_deref(), Some("the log up to entry 9 is not what it was"));
    });
}

#[test]
fn an_entry_that_cannot_be_read_any_more_passes_for_no_sound_log() {
    for edit in ["facts_after = 'no JSON'", "facts_after = '[]'", "action = 'no.such'", "actor_role = 'king'"]
    {
        on_each_engine(|mut scene| {
            scene.tamper(&format!("UPDATE audit_log SET {edit} WHERE tenant_id = MINE AND number = 6"));
            let error = scene.shop.act(Role::Owner, |cx| verify_chain(cx, None)).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains("audit_log") && cause.contains('6'), "{edit}: {cause}");
        });
    }
}
