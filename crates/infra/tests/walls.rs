//! PostgreSQL's walls between tenants: what the application's role may not do, and that a missing wall is noticed.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use haat_domain::authz::{Action, Role};
use haat_domain::catalog::create_product;
use haat_domain::error::Error;
use haat_domain::idempotency::{Claim, IdempotencyKey};
use haat_domain::identity::invite;
use haat_domain::ids::UserId;
use haat_domain::orders::place_order;
use haat_domain::testing::{TestShop, details, email, order_of};
use haat_infra::db::{Options, check_walls};
use haat_infra::testing::{Engine, Raw, TestDatabase};

const TENANT_TABLES: [&str; 10] = [
    "users",
    "sessions",
    "invitations",
    "products",
    "order_counters",
    "orders",
    "order_lines",
    "audit_log",
    "audit_heads",
    "idempotency_keys",
];

fn database() -> Option<TestDatabase> {
    TestDatabase::new(Engine::Postgres)
}

fn faults(database: &TestDatabase) -> Vec<String> {
    check_walls(database.url(), database.options()).unwrap()
}

fn faults_of_role(database: &TestDatabase, role: &str) -> Vec<String> {
    let mut options = Options::default();
    role.clone_into(&mut options.postgres.role);
    check_walls(database.url(), &options).unwrap()
}

/// A store with at least one row in each tenant's table.
fn open_shop(database: &TestDatabase, name: &str) -> TestShop {
    let shop = TestShop::open(database.store(), name, "INR");
    let product = shop.act(Role::Owner, |cx| create_product(cx, details("Lamp", "9", Some(5)))).unwrap().id;
    shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(product, 1)]))).unwrap();
    shop.act(Role::Owner, |cx| {
        invite(cx, email("guest@example.com"), Role::Staff, [7; 16])?;
        let (shop, key) =
            (cx.enter(Action::PlaceOrder)?, IdempotencyKey::parse("key").map_err(Error::internal)?);
        let claim = Claim { key, fingerprint: String::new() };
        shop.tx.replays().claim(UserId::new(1), &claim, shop.now, shop.now.plus_seconds(-1))
    })
    .unwrap();
    shop
}

/// As the program works: in the application's role, and in a tenant if one is given.
fn app(database: &TestDatabase, tenant: Option<&TestShop>) -> Raw {
    let mut raw = database.connect();
    raw.run("SET ROLE haat_app").unwrap();
    if let Some(shop) = tenant {
        raw.run(&format!("SET app.tenant_id = '{}'", shop.tenant.id)).unwrap();
    }
    raw
}

fn count(raw: &mut Raw, table: &str, condition: &str) -> String {
    raw.lines(&format!("SELECT count(*)::text FROM {table} WHERE {condition}")).unwrap().remove(0)
}

/// Why it was refused.
fn refusal(raw: &mut Raw, sql: &str) -> String {
    raw.run(sql).expect_err(sql).to_string()
}

/// Tries what finds no row, if it is permitted at all.
fn attempt(raw: &mut Raw, sql: &str) {
    if let Err(error) = raw.run(sql) {
        assert!(error.to_string().contains("permission denied"), "{sql}: {error}");
    }
}

#[test]
fn a_fresh_database_has_no_fault() {
    let Some(database) = database() else { return };
    assert_eq!(faults(&database), [""; 0]);
}

#[test]
fn the_list_of_tenants_tables_is_whole() {
    let Some(database) = database() else { return };
    let all = "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public'
               AND column_name = 'tenant_id' AND table_name <> 'login_names' ORDER BY 1";
    let mut known = TENANT_TABLES;
    known.sort_unstable();
    assert_eq!(database.connect().lines(all).unwrap(), known);
}

#[test]
fn a_table_without_forced_row_level_security_is_a_fault() {
    let Some(database) = database() else { return };
    let mut owner = database.connect();
    owner.run("CREATE TABLE loose (tenant_id bigint, id bigint, PRIMARY KEY (tenant_id, id))").unwrap();
    let fault = ["the table loose has no forced row-level security"];
    assert_eq!(faults(&database), fault);
    owner.run("ALTER TABLE loose ENABLE ROW LEVEL SECURITY").unwrap();
    assert_eq!(faults(&database), fault, "its owner sees it all");
    owner.run("ALTER TABLE loose FORCE ROW LEVEL SECURITY").unwrap();
    assert_eq!(faults(&database), fault, "there is no policy");
    owner.run("DROP TABLE loose").unwrap();
    assert_eq!(faults(&database), [""; 0]);
    owner.run("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY").unwrap();
    assert_eq!(faults(&database), ["the table orders has no forced row-level security"]);
}

#[test]
fn a_new_table_behind_the_wall_is_no_fault() {
    let Some(database) = database() else { return };
    let mut owner = database.connect();
    owner.run("CREATE TABLE fast (tenant_id bigint, id bigint, PRIMARY KEY (tenant_id, id))").unwrap();
    owner.lines("SELECT haat_wall('fast')::text").unwrap();
    assert_eq!(faults(&database), [""; 0]);
}

#[test]
fn a_key_that_does_not_begin_with_the_tenant_is_a_fault() {
    let Some(database) = database() else { return };
    let mut owner = database.connect();
    owner.run("CREATE INDEX products_of_all ON products (price_minor)").unwrap();
    owner.run("CREATE UNIQUE INDEX names_of_all ON users (username_key, tenant_id)").unwrap();
    assert_eq!(
        faults(&database),
        [
            "the key names_of_all of users does not begin with tenant_id",
            "the key products_of_all of products does not begin with tenant_id",
        ]
    );
}

#[test]
fn a_role_that_owns_the_tables_is_a_fault() {
    let Some(database) = database() else { return };
    let owner = database.connect().lines("SELECT current_user::text").unwrap().remove(0);
    let faults = faults_of_role(&database, &owner);
    for table in TENANT_TABLES {
        assert!(faults.contains(&format!("the role {owner} owns the table {table}")), "{table}: {faults:?}");
    }
}

#[test]
fn a_role_that_may_bypass_row_level_security_is_a_fault() {
    let Some(database) = database() else { return };
    // Only a superuser can make such a role.
    let Some(mut superuser) = Raw::superuser() else {
        return haat_testkit::skip_or_fail(
            "a role that may bypass row-level security",
            "the server is another's",
        );
    };
    for (role, power) in [("haat_bypass", "BYPASSRLS"), ("haat_super", "SUPERUSER")] {
        superuser.run(&format!("CREATE ROLE {role} {power}; GRANT {role} TO haat_owner")).unwrap();
        let fault = format!("the role {role} is a superuser or may bypass row-level security");
        assert_eq!(faults_of_role(&database, role), [fault]);
    }
    assert_eq!(faults(&database), [""; 0], "what the login could become does not matter");
}

#[test]
fn without_a_tenant_no_row_is_seen() {
    let Some(database) = database() else { return };
    let shop = open_shop(&database, "Shop");
    let mut nobody = app(&database, None);
    let mut emptied = app(&database, None);
    emptied.run("BEGIN; SET LOCAL app.tenant_id = '1'; COMMIT").unwrap();
    let mut inside = app(&database, Some(&shop));
    for table in TENANT_TABLES {
        assert_eq!(count(&mut nobody, table, "true"), "0", "{table}");
        assert_eq!(count(&mut emptied, table, "true"), "0", "{table}");
        assert_ne!(count(&mut inside, table, "true"), "0", "{table}");
    }
}

#[test]
fn the_owner_of_the_tables_is_kept_in_as_well() {
    let Some(database) = database() else { return };
    open_shop(&database, "Shop");
    let mut owner = database.connect();
    for table in TENANT_TABLES {
        assert_eq!(count(&mut owner, table, "true"), "0", "{table}");
    }
}

#[test]
fn inside_one_tenant_no_row_of_another_is_seen_or_changed() {
    let Some(database) = database() else { return };
    let (one, other) = (open_shop(&database, "One"), open_shop(&database, "Other"));
    let mut inside = app(&database, Some(&one));
    let mut witness = app(&database, Some(&other));
    let theirs = format!("tenant_id = {}", other.tenant.id);
    for table in TENANT_TABLES {
        assert_eq!(count(&mut inside, table, &theirs), "0", "{table}");
        let before = witness.lines(&format!("SELECT t::text FROM {table} t ORDER BY 1")).unwrap();
        attempt(&mut inside, &format!("UPDATE {table} SET tenant_id = tenant_id WHERE {theirs}"));
        attempt(&mut inside, &format!("DELETE FROM {table} WHERE {theirs}"));
        assert_eq!(witness.lines(&format!("SELECT t::text FROM {table} t ORDER BY 1")).unwrap(), before);
    }
    let rename = format!("UPDATE tenants SET name = 'Stolen' WHERE id = {}", other.tenant.id);
    inside.run(&rename).unwrap();
    assert_eq!(count(&mut inside, "tenants", "name = 'Stolen'"), "0");
    inside.run(&format!("DELETE FROM login_names WHERE {theirs}")).unwrap();
    assert_ne!(count(&mut inside, "login_names", "true"), "0", "the directory stays");
}

#[test]
fn no_row_can_be_inserted_for_another_tenant_or_given_to_it() {
    let Some(database) = database() else { return };
    let (one, other) = (open_shop(&database, "One"), open_shop(&database, "Other"));
    let mut inside = app(&database, Some(&one));
    for table in TENANT_TABLES {
        let insert = format!("INSERT INTO {table} (tenant_id) VALUES ({})", other.tenant.id);
        assert!(refusal(&mut inside, &insert).contains("row-level security"), "{table}");
        if table != "audit_log" {
            let give = format!("UPDATE {table} SET tenant_id = {}", other.tenant.id);
            assert!(refusal(&mut inside, &give).contains("row-level security"), "{table}");
        }
    }
    let claim = format!("INSERT INTO login_names VALUES ('mine', {}, 1)", other.tenant.id);
    assert!(refusal(&mut inside, &claim).contains("row-level security"));
}

#[test]
fn the_applications_role_cannot_truncate_or_rewrite_history() {
    let Some(database) = database() else { return };
    let shop = open_shop(&database, "Shop");
    let mut inside = app(&database, Some(&shop));
    let log = "SELECT t::text FROM audit_log t ORDER BY number";
    let before = inside.lines(log).unwrap();
    let others = ["tenants", "login_names", "login_failures", "__diesel_schema_migrations"];
    let all = TENANT_TABLES.into_iter().chain(others);
    let mut forbidden: Vec<_> = all.map(|table| format!("TRUNCATE {table} CASCADE")).collect();
    forbidden.extend(
        [
            "UPDATE audit_log SET actor_name = 'nobody'",
            "DELETE FROM audit_log",
            "DELETE FROM audit_heads",
            "DELETE FROM invitations",
            "DELETE FROM tenants",
            "UPDATE login_names SET user_id = -1",
            "DELETE FROM __diesel_schema_migrations",
            "CREATE TABLE mine (id bigint)",
            "DROP TABLE audit_log",
            "ALTER TABLE products DISABLE ROW LEVEL SECURITY",
            "DROP POLICY tenant_isolation ON products",
        ]
        .map(str::to_owned),
    );
    for sql in forbidden {
        let refusal = refusal(&mut inside, &sql);
        assert!(
            refusal.contains("permission denied") || refusal.contains("must be owner"),
            "{sql}: {refusal}"
        );
    }
    assert_eq!(inside.lines(log).unwrap(), before);
}
