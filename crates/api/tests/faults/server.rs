//! A PostgreSQL server of a test's own, which it may break.

use haat_infra::testing::Raw;
use haat_testkit::{Cluster, Durability, server_binaries, skip_or_fail};

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

/// A connection past the program.
#[track_caller]
pub(crate) fn raw(url: &str) -> Raw {
    Raw::open(&url.parse().expect("a URL")).expect("a connection")
}
