//! A PostgreSQL server of a test's own, which it may break.

use haat_infra::testing::Raw;
use haat_testkit::{Cluster, Durability, server_binaries, skip_or_fail};
use std::thread;
use std::time::{Duration, Instant};

/// A server that keeps what it has acknowledged, with an empty database `haat`. `None`: there are no programs for one
/// here, and that has been said.
pub(crate) fn own(options: &[&str]) -> Option<Cluster> {
    if server_binaries().is_none() {
        skip_or_fail("a broken PostgreSQL server", "no PostgreSQL server binaries");
        return None;
    }
    let cluster = Cluster::start_with(Durability::Durable, options).expect("a server");
    let mut owner = raw(&cluster.url_for("postgres"));
    owner.run("CREATE DATABASE haat").expect("a database");
    Some(cluster)
}

/// The URL of its database.
pub(crate) fn url(cluster: &Cluster) -> String {
    cluster.url_for("haat")
}

/// A standby of it.
pub(crate) fn standby_of(cluster: &Cluster, options: &[&str]) -> Cluster {
    cluster.standby(options).expect("a standby")
}

/// Has it acknowledge nothing any more that its standby has not.
pub(crate) fn follows_synchronously(cluster: &Cluster) {
    let mut superuser = superuser(cluster);
    superuser.run("ALTER SYSTEM SET synchronous_standby_names = '*'").expect("a setting");
    superuser.run("SELECT pg_reload_conf()").expect("a setting");
    let followed = "SELECT count(*)::text FROM pg_stat_replication WHERE sync_state = 'sync'";
    soon("it has no synchronous standby", || superuser.lines(followed).expect("an answer") == ["1"]);
}

/// A connection of the superuser's, to a standby too.
pub(crate) fn superuser(cluster: &Cluster) -> Raw {
    anywhere(&cluster.superuser_url_for("haat"))
}

/// A connection to a server, whether or not it can be written to.
pub(crate) fn anywhere(url: &str) -> Raw {
    raw(&format!("{url}&target_session_attrs=any"))
}

/// Waits until the standby shows all that the database at this URL has now.
pub(crate) fn caught_up(database: &str, standby: &str) {
    let now = anywhere(database).lines("SELECT pg_current_wal_lsn()::text").expect("an answer").remove(0);
    let shown = format!("SELECT (pg_last_wal_replay_lsn() >= '{now}')::text");
    let mut standby = anywhere(standby);
    soon("the standby is behind", || standby.lines(&shown).expect("an answer") == ["true"]);
}

/// Waits for what must be so within half a minute.
#[track_caller]
pub(crate) fn soon(otherwise: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{otherwise}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A connection past the program.
#[track_caller]
pub(crate) fn raw(url: &str) -> Raw {
    Raw::open(&url.parse().expect("a URL")).expect("a connection")
}
