//! Walls in the catalogue: what every table with a `tenant_id` must have, read from the database itself and not from a
//! list, and that a table made on the spot without it is reported.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use haat_infra::db::check_walls;
use haat_infra::testing::{Engine, Raw, TestDatabase};
use std::collections::BTreeSet;

/// Every table with a `tenant_id`.
fn tenants_tables(raw: &mut Raw) -> BTreeSet<String> {
    let sql = match raw {
        Raw::Sqlite(_) => {
            "SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND c.name = 'tenant_id'"
        }
        Raw::Postgres(_) => {
            "SELECT table_name::text FROM information_schema.columns
             WHERE table_schema = 'public' AND column_name = 'tenant_id'"
        }
    };
    raw.lines(sql).unwrap().into_iter().collect()
}

/// What `haat check` says once a table was made by hand.
fn faults_after(sql: &str) -> Option<Vec<String>> {
    let database = TestDatabase::new(Engine::Postgres)?;
    assert_eq!(check_walls(database.url(), database.options()).unwrap(), [""; 0]);
    database.connect().run(sql).unwrap();
    Some(check_walls(database.url(), database.options()).unwrap())
}

/// A table that is as it should be.
const WALLED: &str = "
  CREATE TABLE made (tenant_id bigint NOT NULL, id bigint NOT NULL, user_id bigint, PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id));
  SELECT haat_wall('made');";

#[test]
fn both_engines_have_the_same_tenants_tables() {
    let sqlite = tenants_tables(&mut TestDatabase::new(Engine::Sqlite).unwrap().connect());
    assert!(sqlite.len() >= 11, "{sqlite:?}");
    let Some(postgres) = TestDatabase::new(Engine::Postgres) else { return };
    assert_eq!(tenants_tables(&mut postgres.connect()), sqlite);
}

#[test]
fn every_table_with_a_tenant_stands_behind_a_forced_wall_that_asks_for_it() {
    let Some(database) = TestDatabase::new(Engine::Postgres) else { return };
    let mut owner = database.connect();
    for table in tenants_tables(&mut owner) {
        let forced = format!(
            "SELECT (relrowsecurity AND relforcerowsecurity)::text FROM pg_class WHERE oid = '{table}'::regclass"
        );
        assert_eq!(owner.lines(&forced).unwrap(), ["true"], "{table}");
        let open = format!(
            "SELECT policyname::text FROM pg_policies WHERE tablename = '{table}'
             AND coalesce(qual, '') || coalesce(with_check, '') NOT LIKE '%app.tenant_id%'"
        );
        let expected: &[&str] = if table == "login_names" { &["directory_read"] } else { &[] };
        assert_eq!(owner.lines(&open).unwrap(), expected, "{table}");
        let all = format!("SELECT policyname::text FROM pg_policies WHERE tablename = '{table}'");
        assert!(owner.lines(&all).unwrap().len() > expected.len(), "{table} has a policy");
    }
}

#[test]
fn a_table_made_as_it_should_be_is_no_fault() {
    let Some(faults) = faults_after(WALLED) else { return };
    assert_eq!(faults, [""; 0]);
}

#[test]
fn a_table_with_no_wall_and_no_key_is_reported_for_each() {
    let Some(faults) = faults_after("CREATE TABLE made (tenant_id bigint, id bigint)") else { return };
    assert_eq!(
        faults,
        ["the table made has no forced row-level security", "the table made has no primary key"]
    );
}

#[test]
fn a_policy_that_does_not_ask_for_the_tenant_is_reported() {
    for policy in [
        "USING (true)",
        "FOR SELECT USING (true)",
        "FOR INSERT WITH CHECK (true)",
        "USING (tenant_id = current_setting('app.tenant_id')::bigint) WITH CHECK (true)",
        "USING (tenant_id > 0)",
    ] {
        let Some(faults) = faults_after(&format!("{WALLED} CREATE POLICY loose ON made {policy}")) else {
            return;
        };
        assert_eq!(faults, ["the policy loose of made does not ask for app.tenant_id"], "{policy}");
    }
    let narrower = format!("{WALLED} CREATE POLICY narrow ON made AS RESTRICTIVE USING (id > 0)");
    assert_eq!(faults_after(&narrower).unwrap(), [""; 0], "what only narrows opens nothing");
    let opened = "CREATE POLICY loose ON login_names FOR DELETE USING (true)";
    assert_eq!(
        faults_after(opened).unwrap(),
        ["the policy loose of login_names does not ask for app.tenant_id"],
        "names may be looked up by whoever comes, and no more"
    );
}

#[test]
fn a_key_without_the_tenant_in_front_is_reported() {
    let Some(faults) = faults_after(
        "CREATE TABLE made (tenant_id bigint NOT NULL, id bigint PRIMARY KEY, code bigint,
           UNIQUE (code), UNIQUE (tenant_id, code));
         SELECT haat_wall('made')",
    ) else {
        return;
    };
    let expected = ["made_code_key", "made_pkey"];
    assert_eq!(faults, expected.map(|key| format!("the key {key} of made does not begin with tenant_id")));
    let named = faults_after("CREATE UNIQUE INDEX by_user ON login_names (user_id)").unwrap();
    assert_eq!(
        named,
        ["the key by_user of login_names does not begin with tenant_id"],
        "only its primary key may"
    );
}

#[test]
fn a_foreign_key_without_the_tenant_on_both_sides_is_reported() {
    let fault = ["the foreign key stray of made does not begin with tenant_id on both sides"];
    for key in [
        "(user_id, tenant_id) REFERENCES users (tenant_id, id)",
        "(tenant_id, user_id) REFERENCES users (id, tenant_id)",
        "(user_id) REFERENCES tenants (id)",
        "(tenant_id) REFERENCES root (id)",
        "(user_id) REFERENCES root (id)",
    ] {
        let Some(faults) = faults_after(&format!(
            "CREATE TABLE root (id bigint PRIMARY KEY); CREATE UNIQUE INDEX turned ON users (id, tenant_id);
             {WALLED} ALTER TABLE made ADD CONSTRAINT stray FOREIGN KEY {key}"
        )) else {
            return;
        };
        let others = |fault: &String| !fault.contains("turned");
        assert_eq!(faults.into_iter().filter(others).collect::<Vec<_>>(), fault, "{key}");
    }
    let to_the_root =
        format!("{WALLED} ALTER TABLE made ADD FOREIGN KEY (tenant_id) REFERENCES tenants (id)");
    assert_eq!(faults_after(&to_the_root).unwrap(), [""; 0]);
}

#[test]
fn on_sqlite_no_entry_of_the_audit_log_is_changed_cut_or_overwritten() {
    let database = TestDatabase::new(Engine::Sqlite).unwrap();
    haat_domain::testing::TestShop::open(database.store(), "Shop", "INR");
    let mut raw = database.connect();
    let log = "SELECT number || actor_name || facts_after || link FROM audit_log ORDER BY number";
    let before = raw.lines(log).unwrap();
    assert!(before.len() > 2);
    for sql in [
        "UPDATE audit_log SET actor_name = 'nobody' WHERE number = 1",
        "UPDATE audit_log SET number = number + 100",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE number = 2",
        "INSERT OR REPLACE INTO audit_log
           SELECT tenant_id, number, at, NULL, 'nobody', actor_role, action, object_kind, object_id, request_id,
             facts_before, facts_after, link FROM audit_log WHERE number = 1",
        "INSERT INTO audit_log SELECT * FROM audit_log WHERE number = 1
           ON CONFLICT (tenant_id, number) DO UPDATE SET actor_name = 'nobody'",
    ] {
        let refusal = raw.run(sql).expect_err(sql).to_string();
        assert!(refusal.contains("only ever added"), "{sql}: {refusal}");
    }
    assert_eq!(raw.lines(log).unwrap(), before);
}

/// One line for each key of a tenant's table that does not lead with the tenant, on its own side or the other's.
const STRAY_KEYS: &str = "
  SELECT format('%s of %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
  FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
    AND conrelid NOT IN ('tenants'::regclass, 'login_names'::regclass, 'login_failures'::regclass, 'store_names'::regclass,
                         '__diesel_schema_migrations'::regclass)
    AND NOT (
      conkey[1] IN (SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = 'tenant_id')
      AND (contype <> 'f' OR confkey[1] IN (
        SELECT attnum FROM pg_attribute WHERE attrelid = confrelid
        AND attname = CASE WHEN confrelid = 'tenants'::regclass THEN 'id' ELSE 'tenant_id' END)))
  UNION ALL
  SELECT format('%s has no tenant', relname) FROM pg_class c
  WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND relname NOT IN ('tenants', 'store_names', 'login_failures', '__diesel_schema_migrations')
    AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id' AND attnotnull)";

#[test]
fn every_key_of_a_tenants_table_leads_with_the_tenant() {
    let Some(database) = TestDatabase::new(Engine::Postgres) else { return };
    let mut owner = database.connect();
    assert_eq!(owner.lines(STRAY_KEYS).unwrap(), [""; 0]);

    owner.run("CREATE TABLE stray (id bigint PRIMARY KEY)").unwrap();
    assert_eq!(owner.lines(STRAY_KEYS).unwrap().len(), 2, "the query finds what it looks for");
}

#[test]
fn every_key_of_a_tenants_table_leads_with_the_tenant_on_sqlite_too() {
    let mut raw = TestDatabase::new(Engine::Sqlite).unwrap().connect();
    let mut tables = tenants_tables(&mut raw);
    assert!(tables.remove("login_names"), "whose primary key is a name");
    let tables = tables.into_iter().map(|table| format!("'{table}'")).collect::<Vec<_>>().join(", ");
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
