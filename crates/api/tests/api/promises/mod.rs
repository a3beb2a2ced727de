//! What the API promises to whoever sends a request again, changes what others change, invites, is watched, guesses
//! passwords, or talks to several processes.

mod invitations;
mod log;
mod once;
mod once_at_once;
mod present_state;
mod replicas;
pub(crate) mod slowdown;

use crate::support::{Answer, Client, World, send};
use haat_infra::testing::Raw;
use serde_json::Value;
use std::sync::Barrier;
use std::thread;

/// A POST with a key.
fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    send(client.request("POST", path).header("Idempotency-Key", key).json(body))
}

/// A request that names a state.
fn if_match(client: &Client, method: &str, path: &str, tags: &str, body: Option<&Value>) -> Answer {
    let request = client.request(method, path).header("If-Match", tags);
    send(match body {
        Some(body) => request.json(body),
        None => request,
    })
}

/// The tag of what is at a path.
#[track_caller]
fn tag_of(client: &Client, path: &str) -> String {
    client.get(path).must(200).header("etag").expect("a tag").to_owned()
}

/// What so many do at the same moment.
fn at_once<T: Send>(count: usize, one: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let (one, start) = (&one, &start);
        let all: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    one(number)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// How many rows a list has.
#[track_caller]
fn count(client: &Client, path: &str) -> usize {
    client.get(path).must(200).json.as_array().unwrap().len()
}

/// A connection past the server, into this store.
pub(crate) fn raw(world: &World, store: i64) -> Raw {
    let mut raw = world.database.connect();
    if matches!(raw, Raw::Postgres(_)) {
        // The walls hold for the owner of the tables as well.
        raw.run(&format!("SET app.tenant_id = '{store}'")).unwrap();
    }
    raw
}

/// The texts that a query finds in a store.
#[track_caller]
fn lines(world: &World, store: i64, sql: &str) -> Vec<String> {
    raw(world, store).lines(sql).unwrap()
}
