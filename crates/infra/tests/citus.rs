//! What Citus asks of a schema, read from PostgreSQL's catalogue; of each rule a table that breaks it, which is found.
//! That the tenant leads every key is in `walls` and `catalogue`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod recorder;

use haat_domain::authz::Role;
use haat_domain::catalog::{create_product, update_product};
use haat_domain::identity::invite;
use haat_domain::orders::{cancel_order, place_order, update_order};
use haat_domain::testing::{TestShop, changes, details, email, order_of};
use haat_infra::db::DatabaseUrl;
use haat_infra::testing::{Engine, Raw, TestDatabase};
use std::collections::BTreeSet;

/// A rule: a query for what breaks it, statements that do, and what is then found.
struct Rule(&'static str, &'static str, &'static [&'static str]);

/// Behind a query: of ours.
const RULES: &[Rule] = &[
    // Rows on other nodes do not go by themselves, and no column of a distribution can become NULL.
    Rule(
        "SELECT format('%s of %s acts by itself', conname, conrelid::regclass) FROM pg_constraint
         WHERE contype = 'f' AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r'))",
        "CREATE TABLE made (tenant_id bigint, a bigint, b bigint, c bigint, PRIMARY KEY (tenant_id, a),
           CONSTRAINT falls FOREIGN KEY (tenant_id, b) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
           CONSTRAINT empties FOREIGN KEY (tenant_id, c) REFERENCES users (tenant_id, id) ON DELETE SET NULL,
           CONSTRAINT moves FOREIGN KEY (tenant_id, c) REFERENCES users (tenant_id, id) ON UPDATE CASCADE)",
        &["empties of made acts by itself", "falls of made acts by itself", "moves of made acts by itself"],
    ),
    // Whatever hangs on another table of a tenant hangs on the store by that.
    Rule(
        "SELECT format('%s is no root and refers to tenants', conrelid::regclass) FROM pg_constraint c
         WHERE contype = 'f' AND confrelid = 'tenants'::regclass AND EXISTS (
           SELECT FROM pg_constraint o WHERE o.conrelid = c.conrelid AND o.contype = 'f' AND o.confrelid <> c.confrelid)",
        "CREATE TABLE made (tenant_id bigint REFERENCES tenants, id bigint, PRIMARY KEY (tenant_id, id),
           FOREIGN KEY (tenant_id, id) REFERENCES users (tenant_id, id))",
        &["made is no root and refers to tenants"],
    ),
    // A serial belongs to one node; a default that is asked for on each of them is another on each.
    Rule(
        "SELECT format('%s.%s has a default', adrelid::regclass, attname) FROM pg_attrdef
         JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
         JOIN pg_class ON pg_class.oid = adrelid AND relnamespace = 'public'::regnamespace
         WHERE attgenerated = '' AND relname <> '__diesel_schema_migrations'",
        "CREATE TABLE made (tenant_id bigint, id bigserial, at timestamptz DEFAULT now(), PRIMARY KEY (tenant_id, id))",
        &["made.at has a default", "made.id has a default"],
    ),
    Rule(
        "SELECT format('%s is an enum', typname) FROM pg_type
         WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace",
        "CREATE TYPE made AS ENUM ('one', 'two')",
        &["made is an enum"],
    ),
    Rule(
        "SELECT format('%s has the trigger %s', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal",
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER made BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION nothing()",
        &["orders has the trigger made"],
    ),
    // A view works as its owner, whom the walls do not stop.
    Rule(
        "SELECT format('the view %s works as its owner', relname) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm'
           OR relkind = 'v' AND NOT coalesce(reloptions && '{security_invoker=true,security_invoker=on}', false))",
        "CREATE VIEW made AS SELECT 1 AS one; CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;
         CREATE VIEW asks WITH (security_invoker = true) AS SELECT 1 AS one",
        &["the view kept works as its owner", "the view made works as its owner"],
    ),
    Rule(
        "SELECT format('%s.%s is %s', table_name, column_name, data_type) FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'
           AND data_type NOT IN ('bigint', 'text', 'boolean', 'timestamp with time zone')",
        "CREATE TABLE made (tenant_id bigint, id integer, price numeric, PRIMARY KEY (tenant_id, id))",
        &["made.id is integer", "made.price is numeric"],
    ),
    Rule(
        "SELECT format('the index %s is on an expression', indexrelid::regclass) FROM pg_index
         JOIN pg_class ON pg_class.oid = indrelid AND relnamespace = 'public'::regnamespace
         WHERE indexprs IS NOT NULL",
        "CREATE INDEX made ON users (tenant_id, lower(username))",
        &["the index made is on an expression"],
    ),
];

#[test]
fn the_schema_keeps_each_rule_of_citus_and_what_breaks_one_is_found() {
    for Rule(query, breach, found) in RULES {
        let Some(database) = TestDatabase::new(Engine::Postgres) else { return };
        let mut owner = database.connect();
        let sorted = format!("SELECT fault FROM ({query}) AS all_of_them (fault) ORDER BY 1");
        assert_eq!(owner.lines(&sorted).unwrap(), [""; 0], "{query}");
        owner.run(breach).unwrap();
        assert_eq!(owner.lines(&sorted).unwrap(), *found, "{query}");
    }
}

/// Citus as the migrations see it: an extension of that name, and functions that note which table they were given.
const PRETENDED: &str = "
  SET allow_system_table_mods = on;
  INSERT INTO pg_extension VALUES (4000000000, 'citus', 10, 2200, false, '0', NULL, NULL);
  CREATE TABLE spread (tbl text PRIMARY KEY, how text);
  GRANT ALL ON spread TO PUBLIC;
  CREATE FUNCTION create_reference_table(text) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO public.spread VALUES ($1, 'reference') $$;
  CREATE FUNCTION create_distributed_table(text, text, colocate_with text DEFAULT 'default') RETURNS void
    LANGUAGE sql AS $$ INSERT INTO public.spread VALUES ($1, $2 || ' with ' || $3) ON CONFLICT (tbl) DO UPDATE SET how = excluded.how $$;";

/// Has the database seem to have Citus; `false`, loudly, on another's server, of which we are no superuser.
fn pretend(database: &TestDatabase) -> bool {
    let DatabaseUrl::Postgres(url) = database.url() else { return false };
    let name = url.split('?').next().and_then(|front| front.rsplit('/').next()).expect("a name");
    let Some(superuser) = haat_testkit::superuser_url_for(name) else {
        haat_testkit::skip_or_fail("what is sent to Citus", "the server is another's");
        return false;
    };
    Raw::open(&DatabaseUrl::Postgres(superuser)).unwrap().run(PRETENDED).unwrap();
    true
}

#[test]
fn every_table_is_handed_to_citus_and_lies_where_the_documents_say() {
    let Some(database) = TestDatabase::empty(Engine::Postgres) else { return };
    if !pretend(&database) {
        return;
    }
    database.migrations().up().unwrap();

    let mut owner = database.connect();
    let spread: BTreeSet<_> =
        owner.lines("SELECT tbl || ': ' || how FROM spread").unwrap().into_iter().collect();
    let with_users = |table: &str| format!("{table}: tenant_id with users");
    let roots = [
        "login_names: username_key with none",
        "store_names: reference",
        "tenants: reference",
        "users: tenant_id with default",
    ];
    let tenants = [
        "audit_heads",
        "audit_log",
        "idempotency_keys",
        "invitations",
        "order_counters",
        "order_lines",
        "orders",
        "products",
        "sessions",
    ];
    let expected = roots.map(str::to_owned).into_iter().chain(tenants.map(with_users));
    assert_eq!(spread, expected.collect());

    let forgotten = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p') AND relname NOT IN (SELECT tbl FROM spread UNION SELECT 'spread') ORDER BY 1";
    assert_eq!(owner.lines(forgotten).unwrap(), ["__diesel_schema_migrations", "login_failures"]);
    let documents = include_str!("../../../docs/scaling.md");
    for table in spread.iter().filter_map(|line| line.split(':').next()) {
        assert!(documents.contains(&format!("`{table}`")), "docs/scaling.md does not say where {table} is");
    }
    owner.run("CREATE TABLE made (tenant_id bigint PRIMARY KEY)").unwrap();
    assert_eq!(owner.lines(forgotten).unwrap().len(), 3, "one that is not handed over is found");
}

/// What a use case sends: of each kind of change one.
fn changes_of_all_kinds(database: &TestDatabase) -> Vec<String> {
    let shop = TestShop::open(database.store(), "Shop", "INR");
    let ((), sent) = recorder::sent(|| {
        let lamp = shop.act(Role::Owner, |cx| create_product(cx, details("Lamp", "9", Some(50)))).unwrap().id;
        let order = shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(lamp, 1)]))).unwrap().id;
        shop.act(Role::Owner, move |cx| {
            update_order(cx, order, changes(&[(lamp, 3)]))?;
            cancel_order(cx, order)?;
            update_product(
                cx,
                lamp,
                haat_domain::catalog::ProductPatch { stock: Some(None), ..Default::default() },
            )?;
            invite(cx, email("guest@example.com"), Role::Staff, [7; 16])
        })
        .unwrap();
        shop.join("newcomer").unwrap();
    });
    sent
}

#[test]
fn no_change_asks_a_function_that_answers_otherwise_on_each_node_and_nothing_takes_an_advisory_lock() {
    recorder::on(&[Engine::Postgres], |_, database| {
        if !pretend(database) {
            return;
        }
        let sent = changes_of_all_kinds(database);
        assert!(sent.contains(&"BEGIN".to_owned()), "the store has found it: {sent:?}");
        let mut owner = database.connect();
        let volatile: BTreeSet<_> = owner
            .lines("SELECT DISTINCT proname::text FROM pg_proc WHERE provolatile = 'v' OR proname IN ('now')")
            .unwrap()
            .into_iter()
            .collect();
        let called = |statement: &str| {
            let words =
                statement.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_' && sign != '(');
            let names = words.filter_map(|word| word.split_once('(')).map(|(name, _)| name.to_lowercase());
            names.filter(|name| volatile.contains(name)).collect::<Vec<_>>()
        };
        assert!(sent.iter().filter(|statement| statement.starts_with("UPDATE")).count() > 5, "{sent:?}");
        for statement in &sent {
            let found = called(statement);
            // A row's number is drawn on the coordinator, before the row has a node.
            let drawn = statement.starts_with("INSERT") || statement.starts_with("SELECT nextval($1)");
            let allowed = |name: &String| drawn && name == "nextval";
            assert!(found.iter().all(allowed), "{found:?} in {statement}");
        }
        assert_eq!(called("UPDATE products SET updated_at = now(), x = pg_advisory_xact_lock(1)").len(), 2);
    });
}
