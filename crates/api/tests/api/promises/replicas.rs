//! Two processes on one database: what happens at one counts at the other from the next request on.

use crate::process::Process;
use crate::support::{Client, PASSWORD, User, World};
use serde_json::json;

cases! {
    what_ends_a_session_here_ends_it_there,
    what_an_owner_or_an_admin_decides_here_counts_there,
    a_refresh_token_is_used_up_everywhere,
}

struct Pair {
    here: Process,
    there: Process,
}

impl Pair {
    fn of(world: &World) -> Self {
        Self { here: Process::start(&world.database, &[]), there: Process::start(&world.database, &[]) }
    }

    /// Somebody at both.
    fn both(&self, user: &User) -> (Client, Client) {
        let both = (self.here.as_user(user), self.there.as_user(user));
        both.0.get("/api/auth/me/").must(200);
        both.1.get("/api/auth/me/").must(200);
        both
    }
}

fn what_ends_a_session_here_ends_it_there(world: &World) {
    let (shop, pair) = (world.open("Alpha"), Pair::of(world));
    let (here, there) = pair.both(&shop.staff);
    here.post("/api/auth/logout/", &json!({})).must(204);
    there.get("/api/orders/").refused(401, "token_not_valid");
    pair.there.client.post("/api/auth/refresh/", &json!({"refresh": shop.staff.refresh})).must(401);

    let sessions = [world.log_in(&shop.staff.username, "Alpha"), world.log_in(&shop.staff.username, "Alpha")];
    let [one, two] = sessions.each_ref().map(|session| pair.both(session));
    one.0.post("/api/auth/logout/?all=true", &json!({})).must(204);
    for client in [&one.1, &two.1] {
        client.get("/api/orders/").refused(401, "token_not_valid");
    }
    for session in &sessions {
        pair.there.client.post("/api/auth/refresh/", &json!({"refresh": session.refresh})).must(401);
    }

    let elsewhere = world.log_in(&shop.customer.username, "Alpha");
    let (mine, other) = (pair.both(&shop.customer), pair.both(&elsewhere));
    let change = json!({"old_password": PASSWORD, "new_password": "battery staple 9"});
    mine.0.post("/api/auth/password/", &change).must(204);
    other.1.get("/api/orders/").refused(401, "token_not_valid");
    mine.1.get("/api/orders/").must(200);
    pair.there.log_in(&shop.customer.username, "Alpha").refused(401, "invalid_credentials");
}

fn what_an_owner_or_an_admin_decides_here_counts_there(world: &World) {
    let (shop, admin, pair) = (world.open("Alpha"), world.admin(), Pair::of(world));
    let (owner, admin) = (pair.here.as_user(&shop.owner), pair.here.as_user(&admin));
    let product = json!({"name": "Cup", "price": "1.00"});
    let (_, staff) = pair.both(&shop.staff);
    staff.post("/api/products/", &product).must(201);
    let path = format!("/api/users/{}/", shop.staff.id);
    owner.patch(&path, &json!({"role": "customer"})).must(200);
    staff.post("/api/products/", &product).refused(403, "permission_denied");
    owner.patch(&path, &json!({"role": "owner"})).must(200);
    staff.get("/api/audit/").must(200);
    owner.patch(&path, &json!({"is_active": false})).must(200);
    staff.get("/api/products/").refused(401, "account_inactive");
    owner.patch(&path, &json!({"is_active": true})).must(200);
    staff.get("/api/products/").refused(401, "token_not_valid");

    let (_, customer) = pair.both(&shop.customer);
    owner.patch(&format!("/api/users/{}/", shop.customer.id), &json!({"password": "a new 3 word"})).must(200);
    customer.get("/api/products/").refused(401, "token_not_valid");
    let (_, other) = pair.both(&shop.other);
    owner.delete(&format!("/api/users/{}/", shop.other.id)).must(204);
    assert_eq!(other.get("/api/products/").status, 401);

    let (_, there) = pair.both(&shop.owner);
    let tenant = format!("/api/platform/tenants/{}", shop.id);
    admin.post(&format!("{tenant}/suspend/"), &json!({})).must(200);
    there.get("/api/products/").refused(401, "store_suspended");
    pair.there
        .client
        .post("/api/auth/refresh/", &json!({"refresh": shop.owner.refresh}))
        .refused(401, "store_suspended");
    admin.post(&format!("{tenant}/resume/"), &json!({})).must(200);
    there.get("/api/products/").must(200);
}

fn a_refresh_token_is_used_up_everywhere(world: &World) {
    let (shop, pair) = (world.open("Alpha"), Pair::of(world));
    let (_, there) = pair.both(&shop.staff);
    let refresh = |process: &Process, token: &str| {
        process.client.post("/api/auth/refresh/", &json!({"refresh": token}))
    };
    let next = refresh(&pair.here, &shop.staff.refresh).must(200);
    there.get("/api/orders/").must(200);
    refresh(&pair.there, &shop.staff.refresh).refused(401, "token_not_valid");
    for process in [&pair.here, &pair.there] {
        refresh(process, next.text_of("refresh")).refused(401, "token_not_valid");
        process.client.with(next.text_of("access")).get("/api/orders/").refused(401, "token_not_valid");
        process.as_user(&shop.staff).get("/api/orders/").refused(401, "token_not_valid");
    }
    // Twenty at once, half at each: one new pair at most, and then the session is over.
    let session = world.log_in(&shop.customer.username, "Alpha");
    let processes = [&pair.here, &pair.there];
    let answers = super::at_once(20, |n| refresh(processes[n % 2], &session.refresh).status);
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| [200, 401].contains(status)), "{answers:?}");
    session.get("/api/orders/").refused(401, "token_not_valid");
}
