//! The schema: the same on both engines, and as diesel was told.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use haat_infra::db::{self, DatabaseUrl, MIGRATIONS, Migrations};
use haat_infra::testing::{Engine, Raw, TestDatabase};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

/// `table.column TYPE NOT NULL`, where TYPE is what SQLite makes of it.
const SQLITE_COLUMNS: &str = "
  SELECT t.name || '.' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" THEN ' NOT NULL' ELSE '' END
  FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
  WHERE t.type = 'table' AND t.name NOT IN ('sequences', '__diesel_schema_migrations')";

const POSTGRES_COLUMNS: &str = "
  SELECT table_name || '.' || column_name
    || CASE WHEN data_type = 'text' THEN ' TEXT'
            WHEN data_type IN ('bigint', 'boolean', 'timestamp with time zone') THEN ' INTEGER'
            ELSE ' ' || data_type END
    || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
  FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'";

/// Everything that a migration makes.
const SQLITE_SCHEMA: &str = "
  SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
  WHERE tbl_name <> '__diesel_schema_migrations'";

const POSTGRES_SCHEMA: &str = "
  WITH tables AS (
    SELECT oid, relname::text AS name, relrowsecurity, relforcerowsecurity, relacl FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
      AND relname <> '__diesel_schema_migrations')
  SELECT format('column %s.%s %s %s', table_name, column_name, data_type, coalesce(collation_name, ''))
  FROM information_schema.columns WHERE table_name IN (SELECT name FROM tables)
  UNION ALL SELECT format('table %s %s %s %s', name, relrowsecurity, relforcerowsecurity, relacl) FROM tables
  UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN (SELECT oid FROM tables)
  UNION ALL SELECT format('%s of %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid IN (SELECT oid FROM tables)
  UNION ALL SELECT format('%s', p) FROM pg_policies p
  UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace";

fn set(raw: &mut Raw, sqlite: &str, postgres: &str) -> BTreeSet<String> {
    let sql = match raw {
        Raw::Sqlite(_) => sqlite,
        Raw::Postgres(_) => postgres,
    };
    raw.lines(sql).unwrap().into_iter().collect()
}

fn columns(database: &TestDatabase) -> BTreeSet<String> {
    set(&mut database.connect(), SQLITE_COLUMNS, POSTGRES_COLUMNS)
}

fn schema(database: &TestDatabase) -> BTreeSet<String> {
    set(&mut database.connect(), SQLITE_SCHEMA, POSTGRES_SCHEMA)
}

fn on_each_engine(make: fn(Engine) -> Option<TestDatabase>, test: fn(&TestDatabase)) {
    [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(make).for_each(|database| test(&database));
}

/// The columns of `src/db/schema.rs`.
fn columns_for_diesel() -> BTreeSet<String> {
    let mut table = "";
    let mut columns = BTreeSet::new();
    for line in include_str!("../src/db/schema.rs").lines() {
        if let Some((name, _)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            table = name.trim();
        } else if let Some((name, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let stored = match inner.unwrap_or(kind) {
                "Text" => "TEXT",
                "BigInt" | "Bool" | "Instant" => "INTEGER",
                other => panic!("a new type: {other}"),
            };
            let not_null = if inner.is_some() { "" } else { " NOT NULL" };
            columns.insert(format!("{table}.{} {stored}{not_null}", name.trim()));
        }
    }
    columns
}

#[test]
fn every_table_has_the_same_columns_on_sqlite_and_for_diesel() {
    let sqlite = TestDatabase::new(Engine::Sqlite).unwrap();
    assert!(!columns(&sqlite).is_empty());
    assert_eq!(columns(&sqlite), columns_for_diesel());
}

#[test]
fn every_table_has_the_same_columns_on_postgres_and_for_diesel() {
    let Some(postgres) = TestDatabase::new(Engine::Postgres) else { return };
    assert_eq!(columns(&postgres), columns_for_diesel());
}

#[test]
fn down_leaves_nothing_and_up_again_leaves_the_same() {
    on_each_engine(TestDatabase::empty, |database| {
        let mut migrations = database.migrations();
        assert_eq!(migrations.up().unwrap(), MIGRATIONS);
        let first = schema(database);
        assert!(first.len() > MIGRATIONS.len());

        let mut newest_first = MIGRATIONS.to_vec();
        newest_first.reverse();
        assert_eq!(migrations.to("").unwrap(), newest_first);
        assert_eq!(schema(database), BTreeSet::new());

        assert_eq!(migrations.up().unwrap(), MIGRATIONS);
        assert_eq!(schema(database), first);
        database.store().ready().unwrap();
    });
}

#[test]
fn each_migration_can_be_taken_back_and_applied_alone() {
    on_each_engine(TestDatabase::empty, |database| {
        let mut migrations = database.migrations();
        let mut seen = vec![schema(database)];
        for name in MIGRATIONS {
            assert_eq!(migrations.to(name).unwrap(), [*name]);
            seen.push(schema(database));
        }
        for (number, name) in MIGRATIONS.iter().enumerate().rev() {
            let previous = number.checked_sub(1).map_or("", |previous| MIGRATIONS[previous]);
            assert_eq!(migrations.to(previous).unwrap(), [*name]);
            assert_eq!(schema(database), seen[number], "{name} taken back");
        }
    });
}

#[test]
fn four_programs_may_migrate_a_fresh_database_at_once() {
    on_each_engine(TestDatabase::empty, |database| {
        let start = Barrier::new(4);
        let migrate = || {
            start.wait();
            Migrations::of(database.url(), database.options())?.up()
        };
        let mut done: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        done.sort();
        assert_eq!(done, [&[], &[], &[], MIGRATIONS], "one of them did it all");
        database.store().ready().unwrap();
    });
}

#[test]
fn the_status_tells_each_migration_and_whether_it_was_applied() {
    on_each_engine(TestDatabase::empty, |database| {
        let all = |applied| MIGRATIONS.iter().map(|name| (*name, applied)).collect::<Vec<_>>();
        let mut migrations = database.migrations();
        assert_eq!(migrations.status().unwrap(), all(false));
        migrations.up().unwrap();
        assert_eq!(migrations.status().unwrap(), all(true));
        assert_eq!(migrations.up().unwrap(), [""; 0], "nothing is left to do");
        assert_eq!(database.migrations().status().unwrap(), all(true), "as another program sees it");
    });
}

#[test]
fn an_unknown_migration_is_refused_and_nothing_is_done() {
    on_each_engine(TestDatabase::new, |database| {
        let before = schema(database);
        for unknown in ["0001", "init", "9999_nothing"] {
            let refused = database.migrations().to(unknown);
            assert!(matches!(refused, Err(haat_domain::error::Error::Invalid(_))), "{unknown}: {refused:?}");
        }
        assert_eq!(schema(database), before);
    });
}

#[test]
fn a_store_without_its_schema_is_not_ready() {
    on_each_engine(TestDatabase::new, |database| {
        let store = database.store();
        store.ready().unwrap();
        database.migrations().to("").unwrap();
        let error = store.ready().unwrap_err();
        assert!(matches!(error, haat_domain::error::Error::Unavailable(_)), "{error:?}");
    });
}

#[test]
fn the_sqlite_file_is_its_owners_alone() {
    let database = TestDatabase::new(Engine::Sqlite).unwrap();
    let _store = database.store();
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("a file") };
    let files: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap).collect();
    assert!(files.iter().any(|file| file.path() == *path));
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[test]
fn the_folders_of_each_engine_are_exactly_the_known_migrations() {
    for engine in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(engine);
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, MIGRATIONS, "{engine}");
    }
}

#[test]
fn the_walls_of_a_freshly_migrated_database_stand() {
    on_each_engine(TestDatabase::empty, |database| {
        database.migrations().up().unwrap();
        assert_eq!(db::check_walls(database.url(), database.options()).unwrap(), [""; 0]);
    });
}
