//! `haat export` and `haat import`.

use super::*;
use haat_infra::testing::{Engine, TestDatabase};
use std::time::Duration;

fn bytes(folder: &Path, file: &str) -> Vec<u8> {
    std::fs::read(folder.join(file)).unwrap()
}

/// What lies in a folder, hidden files included.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_store_goes_from_sqlite_to_postgres_and_back_and_is_the_same() {
    let Some(postgres) = TestDatabase::new(Engine::Postgres) else { return };
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    succeeds(haat(from.path()).arg("demo"));
    let export = ["export", "--store", "dreamkart", "one.haat"];
    let text = succeeds(haat(from.path()).args(export));
    assert!(text.starts_with("exported store 1 DreamKart with ") && text.lines().count() == 1, "{text}");
    assert_eq!(names(from.path()), ["data", "one.haat"]);
    let mode = std::fs::metadata(from.path().join("one.haat")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let there = |command: &[&str]| {
        let mut haat = haat(from.path());
        haat.env("DATABASE_URL", postgres.url_text()).args(command);
        haat
    };
    assert!(succeeds(&mut there(&["import", "one.haat"])).starts_with("imported store 1 DreamKart with "));
    succeeds(&mut there(&["export", "--store", "DreamKart", "two.haat"]));
    let log = |text: String| text.lines().find(|line| line.starts_with("audit 1 ")).unwrap().to_owned();
    let kept = log(succeeds(&mut there(&["check", "--audit"])));
    succeeds(haat(to.path()).args(["import"]).arg(from.path().join("two.haat")));
    succeeds(haat(to.path()).args(["export", "--store", "dreamkart", "three.haat"]));
    assert_eq!(log(succeeds(haat(to.path()).args(["check", "--audit"]))), kept);
    assert_eq!(bytes(from.path(), "two.haat"), bytes(from.path(), "one.haat"));
    assert_eq!(bytes(to.path(), "three.haat"), bytes(from.path(), "one.haat"));
    // Another store that comes later has numbers that nobody had.
    succeeds(haat(to.path()).args(["demo", "--tenants", "1", "--products", "1"]));
    succeeds(haat(to.path()).args(["check", "--audit"]));
}

#[test]
fn what_cannot_be_written_or_taken_is_refused_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let export = |store: &str, file: &str| {
        let mut haat = haat(folder.path());
        haat.args(["export", "--store", store, file]);
        haat
    };
    assert!(refuses(&mut export("dreamkart", "a")).contains("there is no file ./data/haat.db"));
    assert_eq!(names(folder.path()), [""; 0], "looking makes nothing");
    succeeds(haat(folder.path()).arg("demo"));
    assert!(refuses(&mut export("nobody", "a")).contains("there is no store called nobody"));
    assert!(refuses(&mut export("dreamkart", "none/a")).contains("none/a: "));
    assert!(refuses(&mut export("dreamkart", "data")).contains("data is no ordinary file"));
    assert!(refuses(export("dreamkart", "/dev/null").arg("--force")).contains("is no ordinary file"));
    succeeds(&mut export("dreamkart", "a"));
    let first = bytes(folder.path(), "a");
    assert!(refuses(&mut export("darjeeling-tea-room", "a")).contains("--force writes over it"));
    assert_eq!(bytes(folder.path(), "a"), first);
    succeeds(export("darjeeling-tea-room", "a").arg("--force"));
    assert_ne!(bytes(folder.path(), "a"), first);
    let import = |file: &str| refuses(haat(folder.path()).args(["import", file]));
    assert!(import("a").contains("cannot be made here: the number 2 is that of Darjeeling"));
    assert!(import("gone").contains("gone: No such file"));
    std::fs::write(folder.path().join("b"), &first[..first.len() - 9]).unwrap();
    assert!(import("b").contains("damaged or cut off"));
    assert!(import("data/haat.db").contains("this is no exported store"));
    assert_eq!(names(folder.path()), ["a", "b", "data"]);

    let fresh = tempfile::tempdir().unwrap();
    refuses(haat(fresh.path()).arg("import").arg(folder.path().join("b")));
    assert_eq!(names(fresh.path()), [""; 0], "a bad file makes no database");
}

#[test]
fn a_program_that_is_killed_in_the_middle_leaves_nothing() {
    let (folder, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    succeeds(haat(folder.path()).args(["demo", "--tenants", "1", "--products", "4000"]));
    // Killed as soon as so much of it is there.
    let kill_when = |command: &mut Command, begun: &dyn Fn() -> bool| {
        let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        while !begun() {
            assert!(child.try_wait().unwrap().is_none(), "it was too fast");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let large = |path: &Path, size| path.metadata().is_ok_and(|file| file.len() > size);
    let export = ["export", "--store", "demo-store-1", "one.haat"];
    kill_when(haat(folder.path()).args(export), &|| {
        names(folder.path())
            .iter()
            .any(|name| name.ends_with(".partial") && large(&folder.path().join(name), 1000))
    });
    assert!(!folder.path().join("one.haat").exists());
    succeeds(haat(folder.path()).args(export));

    succeeds(haat(fresh.path()).arg("migrate"));
    let mut import = haat(fresh.path());
    import.arg("import").arg(folder.path().join("one.haat"));
    kill_when(&mut import, &|| large(&fresh.path().join("data/haat.db-wal"), 1 << 20));
    let again = ["export", "--store", "demo-store-1", "two.haat"];
    assert!(refuses(haat(fresh.path()).args(again)).contains("there is no store called demo-store-1"));
    succeeds(haat(fresh.path()).arg("check"));
    succeeds(&mut import);
    succeeds(haat(fresh.path()).args(again));
    assert_eq!(bytes(fresh.path(), "two.haat"), bytes(folder.path(), "one.haat"));
}
