//! `haat backup` and `haat restore`.

use super::portable::names;
use super::*;
use haat_infra::testing::{Engine, TestDatabase};

#[test]
fn a_backup_taken_while_others_write_is_whole_and_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut haat = haat(folder.path());
        haat.args(arguments);
        haat
    };
    succeeds(&mut run(&["demo"]));
    let mut writer =
        run(&["demo", "--tenants", "2", "--products", "1500"]).stderr(Stdio::null()).spawn().unwrap();
    let mut taken = 0;
    while writer.try_wait().unwrap().is_none() {
        succeeds(&mut run(&["backup", "--force", "backup.db"]));
        taken += 1;
    }
    assert!(taken > 1, "{taken}");
    let mode = std::fs::metadata(folder.path().join("backup.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(refuses(&mut run(&["backup", "backup.db"])).contains("--force writes over it"));
    assert!(
        refuses(&mut run(&["backup", "--force", "data/haat.db"])).contains("this is the database itself")
    );

    // What was done after the backup is gone, and kept.
    succeeds(&mut run(&["backup", "--force", "backup.db"]));
    let kept = succeeds(&mut run(&["check", "--audit"]));
    succeeds(run(&["create-admin", "later", "later@example.com"]).stdin(password()));
    assert_ne!(succeeds(&mut run(&["check", "--audit"])), kept);
    for number in ["", "-2"] {
        let text = succeeds(&mut run(&["restore", "backup.db"]));
        assert!(text.contains(&format!("kept as ./data/haat.db.before-restore{number}\n")), "{text}");
    }
    assert_eq!(succeeds(&mut run(&["check", "--audit"])), kept);
    let old = "sqlite:data/haat.db.before-restore";
    assert_ne!(succeeds(run(&["check", "--audit"]).env("DATABASE_URL", old)), kept);
    // To where nothing is.
    succeeds(run(&["restore", "backup.db"]).env("DATABASE_URL", "sqlite:new/place.db"));
    assert_eq!(succeeds(run(&["check", "--audit"]).env("DATABASE_URL", "sqlite:new/place.db")), kept);
}

/// Something to read a password from.
fn password() -> Stdio {
    let mut echo = Command::new("echo").arg("a better one 17").stdout(Stdio::piped()).spawn().unwrap();
    let password = echo.stdout.take().unwrap();
    echo.wait().unwrap();
    password.into()
}

#[test]
fn a_database_in_use_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(haat(folder.path()).arg("demo"));
    succeeds(haat(folder.path()).args(["backup", "backup.db"]));
    let (mut server, mut log) = serve(haat(folder.path()));
    answers(&log.find(|line| line.contains("listening")).unwrap());
    let text = refuses(haat(folder.path()).args(["restore", "backup.db"]));
    assert!(text.contains("data/haat.db is in use: stop the server first"), "{text}");
    succeeds(haat(folder.path()).args(["backup", "second.db"]));
    server.kill().unwrap();
    server.wait().unwrap();
    // What a killed server has left in its log belongs to the old database.
    succeeds(haat(folder.path()).args(["restore", "backup.db"]));
    assert_eq!(names(&folder.path().join("data")), ["haat.db", "haat.db.before-restore", "haat.key"]);
    succeeds(haat(folder.path()).args(["check", "--audit"]));
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let restore = |file: &str| {
        let mut haat = haat(folder.path());
        haat.args(["restore", file]);
        haat
    };
    succeeds(haat(folder.path()).arg("demo"));
    succeeds(haat(folder.path()).args(["backup", "backup.db"]));
    let before = succeeds(haat(folder.path()).args(["check", "--audit"]));
    let there = names(&folder.path().join("data"));
    let good = std::fs::read(folder.path().join("backup.db")).unwrap();
    write("empty.db", b"");
    write("text.db", b"hello");
    write("cut.db", &good[..good.len() / 2]);
    let mut broken = good.clone();
    for byte in &mut broken[8192..16384] {
        *byte ^= 0x5a;
    }
    write("broken.db", &broken);
    for bad in ["empty.db", "text.db", "cut.db", "broken.db"] {
        let text = refuses(&mut restore(bad));
        assert!(text.contains("this is no database of Haat"), "{bad}: {text}");
    }
    assert!(refuses(&mut restore("gone.db")).contains("gone.db: No such file"));
    assert!(refuses(&mut restore("data/haat.db")).contains("this is the database itself"));
    write("live.db", &good);
    write("live.db-wal", b"something");
    assert!(refuses(&mut restore("live.db")).contains("live.db is no backup: there is a write-ahead log"));
    assert_eq!(names(&folder.path().join("data")), there);
    assert_eq!(succeeds(haat(folder.path()).args(["check", "--audit"])), before);

    // The database that is there may be beyond reading: then a backup is wanted most.
    write("data/haat.db", &broken[8192..]);
    succeeds(&mut restore("backup.db"));
    assert_eq!(succeeds(haat(folder.path()).args(["check", "--audit"])), before);
    assert!(folder.path().join("data/haat.db.before-restore").exists());

    // What a database left behind that is gone must not be played into the new one.
    std::fs::create_dir(folder.path().join("new")).unwrap();
    write("new/place.db-wal", b"a log of another one");
    succeeds(restore("backup.db").env("DATABASE_URL", "sqlite:new/place.db"));
    assert_eq!(names(&folder.path().join("new")), ["place.db", "place.db.before-restore-wal"]);
}

/// The commands that are named for PostgreSQL, as they are named.
#[test]
fn on_postgres_the_commands_that_do_it_are_named_and_do_it() {
    let Some(database) = TestDatabase::new(Engine::Postgres) else { return };
    if haat_testkit::superuser_url_for("postgres").is_none()
        || haat_testkit::find_program("pg_restore").is_none()
    {
        return haat_testkit::skip_or_fail("pg_dump and pg_restore", "not here");
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut haat = haat(folder.path());
        haat.env("DATABASE_URL", database.url_text()).args(arguments);
        haat
    };
    let command = |text: String| {
        let line = text.lines().find(|line| line.trim_start().starts_with("pg_")).unwrap().to_owned();
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(folder.path());
        shell
    };
    succeeds(&mut run(&["demo"]));
    let before = succeeds(&mut run(&["check", "--audit"]));
    succeeds(&mut command(refuses(&mut run(&["backup", "backup.dump"]))));
    succeeds(&mut run(&["demo", "--tenants", "1", "--products", "1"]));
    assert_ne!(succeeds(&mut run(&["check", "--audit"])), before);
    succeeds(&mut command(refuses(&mut run(&["restore", "backup.dump"]))));
    assert_eq!(succeeds(&mut run(&["check", "--audit"])), before);
    succeeds(&mut run(&["demo", "--tenants", "1", "--products", "1"]));
    succeeds(&mut run(&["check", "--audit"]));
}
