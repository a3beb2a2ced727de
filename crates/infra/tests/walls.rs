//! PostgreSQL's walls between tenants: what the application's role may not do, and that a missing wall is noticed.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use haat_domain::authz::Role;
use haat_domain::catalog::create_product;
use haat_domain::orders::place_order;
use haat_domain::testing::{TestShop, details, order_of};
use haat_infra::db::{Options, check_walls};
use haat_infra::testing::{Engine, Raw, TestDatabase};

const TENANT_TABLES: [&str; 7] =
    ["users", "sessions", "products", "order_counters", "orders", "order_lines", "audit_log"];

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
    let audit = format!(
        "BEGIN; SET LOCAL app.tenant_id = '{0}'; INSERT INTO audit_log (tenant_id, at, actor_name, actor_role, action)
         VALUES ({0}, now(), 'admin', 'superuser', 'read_store'); COMMIT",
        shop.tenant.id
    );
    database.connect().run(&audit).unwrap();
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

#[test]
fn a_fresh_database_has_no_fault() {
    let Some(database) = database() else { return };
    assert_eq!(faults(&database), [""; 0]);
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
    // Only a superuser can make such a role, and of another's server we have none.
    let Some(mut superuser) = Raw::superuser() else { return };
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
        if table != "audit_log" {
            inside.run(&format!("UPDATE {table} SET tenant_id = tenant_id WHERE {theirs}")).unwrap();
            inside.run(&format!("DELETE FROM {table} WHERE {theirs}")).unwrap();
        }
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
    let all = TENANT_TABLES.into_iter().chain(["tenants", "login_names", "__diesel_schema_migrations"]);
    let mut forbidden: Vec<_> = all.map(|table| format!("TRUNCATE {table} CASCADE")).collect();
    forbidden.extend(
        [
            "UPDATE audit_log SET actor_name = 'nobody'",
            "DELETE FROM audit_log",
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
    assert_eq!(count(&mut inside, "audit_log", "actor_name = 'admin'"), "1");
}

/// One line for each key of a tenant's table that does not lead with the tenant, on its own side or the other's.
const STRAY_KEYS: &str = "
  SELECT format('%s of %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
  FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
    AND conrelid NOT IN ('tenants'::regclass, 'login_names'::regclass, '__diesel_schema_migrations'::regclass)
    AND NOT (
      conkey[1] IN (SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = 'tenant_id')
      AND (contype <> 'f' OR confkey[1] IN (
        SELECT attnum FROM pg_attribute WHERE attrelid = confrelid
        AND attname = CASE WHEN confrelid = 'tenants'::regclass THEN 'id' ELSE 'tenant_id' END)))
  UNION ALL
  SELECT format('%s has no tenant', relname) FROM pg_class c
  WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND relname NOT IN ('tenants', '__diesel_schema_migrations')
    AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id' AND attnotnull)";

#[test]
fn every_key_of_a_tenants_table_leads_with_the_tenant() {
    let Some(database) = database() else { return };
    let mut owner = database.connect();
    let mut tables = owner
        .lines("SELECT relname::text FROM pg_class WHERE relrowsecurity AND relname NOT IN ('tenants', 'login_names')")
        .unwrap();
    tables.sort();
    let mut known = TENANT_TABLES.map(str::to_owned);
    known.sort();
    assert_eq!(tables, known, "the list above");
    assert_eq!(owner.lines(STRAY_KEYS).unwrap(), [""; 0]);

    owner.run("CREATE TABLE stray (id bigint PRIMARY KEY)").unwrap();
    assert_eq!(owner.lines(STRAY_KEYS).unwrap().len(), 2, "the query finds what it looks for");
}

#[test]
fn every_key_of_a_tenants_table_leads_with_the_tenant_on_sqlite_too() {
    let mut raw = TestDatabase::new(Engine::Sqlite).unwrap().connect();
    let tables = TENANT_TABLES.map(|table| format!("'{table}'")).join(", ");
    let stray = format!(
        "SELECT t.name || ': ' || i.name FROM sqlite_schema t JOIN pragma_index_list(t.name) i
           JOIN pragma_index_info(i.name) c ON c.seqno = 0
         WHERE t.type = 'table' AND t.name IN ({tables}) AND c.name <> 'tenant_id'
         UNION ALL
         SELECT t.name || ' to ' || f.\"table\" FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
         WHERE t.type = 'table' AND t.name IN ({tables}) AND f.seq = 0
           AND (f.\"from\" <> 'tenant_id' OR f.\"to\" <> iif(f.\"table\" = 'tenants', 'id', 'tenant_id'))"
    );
    assert_eq!(raw.lines(&stray).unwrap(), [""; 0]);
}
