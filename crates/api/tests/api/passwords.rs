//! Stored passwords: those of older kinds, and how long it takes to look at one.

use crate::support::{Answer, PASSWORD, Shop, World};
use serde_json::json;
use std::time::{Duration, Instant};

cases! {
    a_user_from_django_logs_in_and_gets_a_hash_of_our_own,
    a_password_from_elsewhere_need_not_satisfy_our_rules,
    many_first_logins_at_once_all_succeed,
    a_changed_cost_reaches_a_hash_at_its_next_login,
    a_password_from_django_can_be_changed_by_its_owner,
    an_unknown_user_takes_as_long_as_a_wrong_password,
}

/// Of [`PASSWORD`], as Django stores it (made by `hashlib.pbkdf2_hmac`).
const DJANGO: &str = "pbkdf2_sha256$1000$Qm3vT8yLr2Xk$q8nspzS+rXNnL/Oy6Zl7/rq/UDZ5D5ipXHwZq3BVccE=";
/// Of "short", likewise.
const DJANGO_SHORT: &str = "pbkdf2_sha256$1000$Qm3vT8yLr2Xk$28xLupdyItgu7LsDjXG9DnPmonTwmnzxqD7pP3wKhqQ=";
/// Where a hash of our own begins.
const OURS: &str = "hmac384-bcrypt-1:$2b$";

/// Does something with the store's rows, past the server.
fn in_store(world: &World, shop: &Shop, sql: &str) -> Vec<String> {
    let mut raw = world.database.connect();
    // On SQLite there is no such setting, and none is needed.
    let _ = raw.run(&format!("SET app.tenant_id = '{}'", shop.id));
    raw.lines(sql).unwrap()
}

fn store_hash(world: &World, shop: &Shop, username: &str, hash: &str) {
    let sql =
        format!("UPDATE users SET password_hash = '{hash}' WHERE username = '{username}' RETURNING username");
    assert_eq!(in_store(world, shop, &sql), [username]);
}

fn stored_hash(world: &World, shop: &Shop, username: &str) -> String {
    let sql = format!("SELECT password_hash FROM users WHERE username = '{username}'");
    in_store(world, shop, &sql).remove(0)
}

fn login(world: &World, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password, "store": "Alpha"});
    world.anonymous().post("/api/auth/login/", &body)
}

fn a_user_from_django_logs_in_and_gets_a_hash_of_our_own(world: &World) {
    let shop = world.open("Alpha");
    let name = &shop.staff.username;
    store_hash(world, &shop, name, DJANGO);
    login(world, name, "wrong").refused(401, "invalid_credentials");
    assert_eq!(stored_hash(world, &shop, name), DJANGO, "a wrong password upgrades nothing");
    login(world, name, PASSWORD).must(200);
    let upgraded = stored_hash(world, &shop, name);
    assert!(upgraded.starts_with(OURS), "{upgraded}");
    login(world, name, PASSWORD).must(200);
    login(world, name, "wrong").refused(401, "invalid_credentials");
    assert_eq!(stored_hash(world, &shop, name), upgraded, "once is enough");
    shop.staff.get("/api/auth/me/").must(200);
}

fn a_password_from_elsewhere_need_not_satisfy_our_rules(world: &World) {
    let shop = world.open("Alpha");
    let name = &shop.staff.username;
    store_hash(world, &shop, name, DJANGO_SHORT);
    for _ in 0..2 {
        login(world, name, "short").must(200);
        assert!(stored_hash(world, &shop, name).starts_with(OURS));
    }
}

fn many_first_logins_at_once_all_succeed(world: &World) {
    let shop = world.open("Alpha");
    let name = &shop.staff.username;
    store_hash(world, &shop, name, DJANGO);
    let body = json!({"username": name, "password": PASSWORD, "store": "Alpha"});
    std::thread::scope(|scope| {
        let logins: Vec<_> = (0..8)
            .map(|_| {
                let (client, body) = (world.anonymous(), body.clone());
                scope.spawn(move || client.post("/api/auth/login/", &body))
            })
            .collect();
        for login in logins {
            login.join().unwrap().must(200);
        }
    });
    assert!(stored_hash(world, &shop, name).starts_with(OURS));
}

fn a_changed_cost_reaches_a_hash_at_its_next_login(world: &World) {
    let shop = world.open("Alpha");
    let name = &shop.staff.username;
    assert!(stored_hash(world, &shop, name).contains(":$2b$04$"));
    let dearer = world.beside(|settings| settings.bcrypt_cost = 5);
    login(&dearer, name, PASSWORD).must(200);
    assert!(stored_hash(world, &shop, name).contains(":$2b$05$"));
    login(&dearer, name, PASSWORD).must(200);
}

fn a_password_from_django_can_be_changed_by_its_owner(world: &World) {
    let shop = world.open("Alpha");
    let name = &shop.staff.username;
    store_hash(world, &shop, name, DJANGO);
    let change = |old: &str| json!({"old_password": old, "new_password": "battery staple 9"});
    shop.staff.post("/api/auth/password/", &change("wrong")).faults(&["old_password"]);
    shop.staff.post("/api/auth/password/", &change(PASSWORD)).must(204);
    assert!(stored_hash(world, &shop, name).starts_with(OURS));
    login(world, name, "battery staple 9").must(200);
}

/// Nobody learns from the time or the answer which names have an account.
fn an_unknown_user_takes_as_long_as_a_wrong_password(world: &World) {
    const TRIES: usize = 200;
    // At this cost hashing is nearly all of the time: without it the answer would come about ten times as fast. If
    // failed logins are slowed down or refused, that must be switched off here: this test has hundreds of them.
    let world = world.beside(|settings| settings.bcrypt_cost = 7);
    let shop = world.open("Alpha");
    let timed = |username: &str| -> (Duration, Answer) {
        let began = Instant::now();
        let answer = login(&world, username, "not the password");
        (began.elapsed(), answer.refused(401, "invalid_credentials"))
    };
    let names = [shop.owner.username.as_str(), "nobody", "no name at all"];
    let mut times = names.map(|_| Vec::with_capacity(TRIES));
    let known = timed(names[0]).1.essence();
    for _ in 0..TRIES {
        for (name, times) in names.iter().zip(&mut times) {
            let (time, answer) = timed(name);
            assert_eq!(answer.essence(), known, "{name}");
            times.push(time);
        }
    }
    let [known, strangers @ ..] = times.map(|mut times| {
        times.sort();
        times[TRIES / 2]
    });
    for unknown in strangers {
        // Twice as fast or twice as slow is further than any noise of a median goes.
        assert!(unknown < known * 2 && known < unknown * 2, "known {known:?}, unknown {unknown:?}");
    }
}
