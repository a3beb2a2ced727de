//! The audit log as an owner reads it, and as the program verifies it.

use super::{count, if_match, keyed, raw};
use crate::process::program;
use crate::support::{Answer, PASSWORD, Shop, World};
use haat_infra::testing::{Engine, TestDatabase};
use serde_json::{Value, json};

cases! {
    each_change_leaves_one_entry_of_who_did_what,
    an_admins_changes_stand_in_the_store_they_concern,
    what_failed_or_changed_nothing_leaves_no_entry,
    no_entry_holds_a_secret,
    an_admins_visit_is_on_record_whatever_comes_of_it,
    the_log_is_filtered_and_paged_for_owners_alone,
    the_program_verifies_every_log_and_names_a_false_entry,
}

/// The entries that a request left, the oldest first.
fn entries(shop: &Shop, answer: &Answer) -> Vec<Value> {
    let id = answer.header("x-request-id").expect("a number");
    let path = format!("/api/audit/?ordering=number&request_id={id}");
    shop.owner.get(&path).must(200).json.as_array().unwrap().clone()
}

/// The one entry of a request, which says this.
#[track_caller]
fn entry(shop: &Shop, answer: &Answer, who: (i64, &str), what: (&str, &str, i64)) -> Value {
    let all = entries(shop, answer);
    assert_eq!(all.len(), 1, "{}: {all:?}", what.0);
    let found = &all[0];
    assert_eq!(
        [&found["actor"], &found["actor_role"], &found["action"], &found["object"], &found["object_id"]],
        [&json!(who.0), &json!(who.1), &json!(what.0), &json!(what.1), &json!(what.2)]
    );
    assert_eq!(found["request_id"].as_str(), answer.header("x-request-id"));
    found.clone()
}

fn each_change_leaves_one_entry_of_who_did_what(world: &World) {
    let shop = world.open("Alpha");
    let (owner, staff) = ((shop.owner.id, "owner"), (shop.staff.id, "staff"));
    let customer = (shop.customer.id, "customer");
    let make = |path: &str, body: Value| shop.owner.post(path, &body).must(201);

    let made = shop.staff.post("/api/products/", &json!({"name": "Cup", "price": "1", "stock": 9})).must(201);
    let product = made.id();
    let told = entry(&shop, &made, staff, ("product.create", "product", product));
    assert_eq!((&told["before"], &told["after"]["stock"]), (&json!({}), &json!(9)));
    let path = format!("/api/products/{product}/");
    let told = entry(
        &shop,
        &shop.owner.patch(&path, &json!({"name": "Mug"})).must(200),
        owner,
        ("product.update", "product", product),
    );
    assert_eq!((&told["before"], &told["after"]), (&json!({"name": "Cup"}), &json!({"name": "Mug"})));
    let put = shop.owner.put(&path, &json!({"name": "Mug", "price": "2", "stock": 9})).must(200);
    let told = entry(&shop, &put, owner, ("product.update", "product", product));
    assert_eq!((&told["before"], &told["after"]), (&json!({"price": "1.00"}), &json!({"price": "2.00"})));

    let order = shop.customer.post("/api/orders/", &json!({"product": product, "quantity": 2})).must(201);
    let told = entry(&shop, &order, customer, ("order.place", "order", order.id()));
    assert_eq!((&told["before"], &told["after"]["number"]), (&json!({}), &json!(1001)));
    let path = format!("/api/orders/{}/", order.id());
    let moved = shop.staff.patch(&path, &json!({"status": "confirmed"})).must(200);
    let told = entry(&shop, &moved, staff, ("order.update", "order", order.id()));
    assert_eq!(
        (&told["before"], &told["after"]),
        (&json!({"status": "pending"}), &json!({"status": "confirmed"}))
    );
    let other =
        shop.customer.post("/api/orders/", &json!({"product": product, "quantity": 1})).must(201).id();
    let cancelled = shop.customer.post(&format!("/api/orders/{other}/cancel/"), &json!({})).must(200);
    entry(&shop, &cancelled, customer, ("order.cancel", "order", other));
    let gone = shop.owner.delete(&format!("/api/orders/{other}/")).must(204);
    assert_eq!(entry(&shop, &gone, owner, ("order.delete", "order", other))["after"], json!({}));
    let gone = shop.owner.delete(&format!("/api/products/{product}/")).must(204);
    entry(&shop, &gone, owner, ("product.delete", "product", product));

    let user =
        make("/api/users/", json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD}));
    entry(&shop, &user, owner, ("user.create", "user", user.id()));
    let path = format!("/api/users/{}/", user.id());
    for (body, before, after) in [
        (json!({"role": "staff"}), json!({"role": "customer"}), json!({"role": "staff"})),
        (json!({"is_active": false}), json!({"is_active": true}), json!({"is_active": false})),
        (json!({"password": "a new 3 word"}), json!({}), json!({"password": "set"})),
    ] {
        let told = entry(
            &shop,
            &shop.owner.patch(&path, &body).must(200),
            owner,
            ("user.update", "user", user.id()),
        );
        assert_eq!((&told["before"], &told["after"]), (&before, &after));
    }
    entry(&shop, &shop.owner.delete(&path).must(204), owner, ("user.delete", "user", user.id()));

    let me = shop.customer.patch("/api/auth/me/", &json!({"email": "me@example.com"})).must(200);
    entry(&shop, &me, customer, ("self.update", "user", shop.customer.id));
    let change = json!({"old_password": PASSWORD, "new_password": "a new 4 word"});
    let set = shop.customer.post("/api/auth/password/", &change).must(204);
    entry(&shop, &set, customer, ("self.password", "user", shop.customer.id));
    let store = shop.owner.patch("/api/store/", &json!({"name": "Alpha & Sons"})).must(200);
    let told = entry(&shop, &store, owner, ("store.update", "store", shop.id));
    assert_eq!((&told["before"]["name"], &told["after"]["name"]), (&json!("Alpha"), &json!("Alpha & Sons")));

    let invited = make("/api/invitations/", json!({"email": "bob@example.com", "role": "staff"}));
    entry(&shop, &invited, owner, ("invitation.create", "invitation", invited.id()));
    let register = |more: Value| {
        let mut body = json!({"username": "bob", "email": "bob@example.com", "password": PASSWORD});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.anonymous().post("/api/auth/register/", &body).must(201)
    };
    let joined = register(json!({"role": "staff", "invite_token": invited.text_of("token")}));
    let bob = world.log_in("bob", &shop.slug).id;
    entry(&shop, &joined, (bob, "staff"), ("invitation.redeem", "user", bob));
    let invited = make("/api/invitations/", json!({"email": "eve@example.com", "role": "staff"}));
    let revoked = shop.owner.delete(&format!("/api/invitations/{}/", invited.id())).must(204);
    entry(&shop, &revoked, owner, ("invitation.revoke", "invitation", invited.id()));
    let joined = register(json!({"username": "joe", "email": "joe@example.com", "tenant_name": shop.slug}));
    let joe = world.log_in("joe", &shop.slug).id;
    entry(&shop, &joined, (joe, "customer"), ("store.join", "user", joe));
}

fn an_admins_changes_stand_in_the_store_they_concern(world: &World) {
    let (shop, other, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let who = (admin.id, "superuser");
    let path = format!("/api/platform/tenants/{}/", shop.id);
    let renamed = admin.patch(&path, &json!({"name": "Alpha & Sons"})).must(200);
    entry(&shop, &renamed, who, ("tenant.update", "store", shop.id));
    let suspended = admin.post(&format!("{path}suspend/"), &json!({})).must(200);
    let resumed = admin.post(&format!("{path}resume/"), &json!({})).must(200);
    let told = entry(&shop, &suspended, who, ("tenant.suspend", "store", shop.id));
    assert_eq!(
        (&told["before"], &told["after"]),
        (&json!({"status": "active"}), &json!({"status": "suspended"}))
    );
    let told = entry(&shop, &resumed, who, ("tenant.resume", "store", shop.id));
    assert_eq!(told["after"], json!({"status": "active"}));
    let made =
        admin.inside(&shop.slug).post("/api/products/", &json!({"name": "Cup", "price": "1"})).must(201);
    let actions: Vec<_> = entries(&shop, &made).iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["tenant.enter", "product.create"]);
    for answer in [&renamed, &suspended, &made] {
        assert!(entries(&other, answer).is_empty(), "that is none of another store's business");
    }
}

fn what_failed_or_changed_nothing_leaves_no_entry(world: &World) {
    let (shop, other) = (world.open("Alpha"), world.open("Beta"));
    let product = shop.product("Cup", "1.00", Some(1));
    let theirs = other.product("Cup", "1.00", Some(1));
    let path = format!("/api/products/{product}/");
    keyed(&shop.owner, "/api/products/", "k", &json!({"name": "Pot", "price": "1"})).must(201);
    let order = shop.order(product, 1);
    let before = [&shop, &other].map(|shop| count(&shop.owner, "/api/audit/?limit=200"));
    let (owner, customer) = (&shop.owner, &shop.customer);
    let order = format!("/api/orders/{order}/");
    let user = json!({"username": shop.staff.username, "email": "x@example.com", "password": PASSWORD});
    for (answer, status) in [
        (owner.post("/api/products/", &json!({"name": ""})), 400),
        (owner.raw("PATCH", &path, "{"), 400),
        (world.anonymous().patch(&path, &json!({"name": "x"})), 401),
        (customer.patch(&path, &json!({"name": "x"})), 403),
        (owner.patch(&format!("/api/products/{theirs}/"), &json!({"name": "x"})), 404),
        (customer.post("/api/orders/", &json!({"product": product, "quantity": 1})), 409),
        (owner.patch(&order, &json!({"status": "delivered"})), 409),
        (owner.post("/api/users/", &user), 409),
        (owner.delete(&format!("/api/users/{}/", shop.owner.id)), 409),
        (if_match(owner, "PATCH", &path, "\"x\"", Some(&json!({"name": "x"}))), 412),
        (keyed(owner, "/api/products/", "k", &json!({"name": "x", "price": "1"})), 422),
        (keyed(owner, "/api/products/", "k", &json!({"name": "Pot", "price": "1"})), 201),
        (owner.patch(&path, &json!({"name": "Cup"})), 200),
        (owner.patch(&path, &json!({})), 200),
        (owner.get(&path), 200),
        (owner.get("/api/audit/"), 200),
    ] {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(entries(&shop, &answer).is_empty(), "{}", answer.text);
    }
    assert_eq!([&shop, &other].map(|shop| count(&shop.owner, "/api/audit/?limit=200")), before);
}

fn no_entry_holds_a_secret(world: &World) {
    let shop = world.open("Alpha");
    let (first, second) = ("a first 1 secret", "a second 2 secret");
    let user = json!({"username": "ann", "email": "ann@example.com", "password": first});
    let user = shop.owner.post("/api/users/", &user).must(201).id();
    shop.owner.patch(&format!("/api/users/{user}/"), &json!({"password": second})).must(200);
    let login = json!({"username": "ann", "password": second, "store": "Alpha"});
    let tokens = world.anonymous().post("/api/auth/login/", &login).must(200);
    let change = json!({"old_password": second, "new_password": first});
    world.anonymous().with(tokens.text_of("access")).post("/api/auth/password/", &change).must(204);
    let invited = json!({"email": "bob@example.com", "role": "staff"});
    let invited = keyed(&shop.owner, "/api/invitations/", "a-key-of-mine", &invited).must(201);
    let bob = json!({"username": "bob", "email": "bob@example.com", "role": "staff", "password": first,
        "invite_token": invited.text_of("token")});
    world.anonymous().post("/api/auth/register/", &bob).must(201);

    let columns =
        "actor_name || ' ' || action || ' ' || COALESCE(request_id, '') || facts_before || facts_after";
    let mut stored = super::lines(world, shop.id, &format!("SELECT {columns} FROM audit_log"));
    assert_eq!(stored.len(), count(&shop.owner, "/api/audit/?limit=200"));
    stored.push(shop.owner.get("/api/audit/?limit=200").text);
    let hashes = super::lines(world, shop.id, "SELECT password_hash FROM users");
    assert!(hashes.len() >= 6 && hashes.iter().all(|hash| hash.len() > 20));
    let invitation = invited.text_of("token").rsplit('-').next().unwrap();
    let (access, refresh) = (tokens.text_of("access"), tokens.text_of("refresh"));
    let secrets = [PASSWORD, first, second, invitation, access, refresh, "a-key-of-mine", "$2b$", "$2y$"];
    for text in &stored {
        for secret in secrets.into_iter().chain(hashes.iter().map(String::as_str)) {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

fn an_admins_visit_is_on_record_whatever_comes_of_it(world: &World) {
    let (shop, other, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let product = shop.product("Cup", "1.00", None);
    let inside = admin.inside(&shop.slug);
    let path = format!("/api/products/{product}/");
    for (answer, status, wanted) in [
        (inside.get(&path), 200, "product.read"),
        (inside.get("/api/products/987654/"), 404, "product.read"),
        (inside.get("/api/orders/?limit=0"), 400, "order.read"),
        (inside.get("/api/users/"), 200, "user.read"),
        (inside.get("/api/audit/"), 200, "audit.read"),
        (inside.delete("/api/products/987654/"), 404, "product.delete"),
        (inside.patch("/api/store/", &json!({"currency": "USD"})), 409, "store.update"),
    ] {
        assert_eq!(answer.status, status, "{}", answer.text);
        let told = entry(&shop, &answer, (admin.id, "superuser"), ("tenant.enter", "store", shop.id));
        assert_eq!((&told["before"], &told["after"]), (&json!({}), &json!({"action": wanted})));
    }
    // For anybody else the header means nothing, and nobody's visit is on record.
    let before = count(&shop.owner, "/api/audit/?limit=200");
    other.owner.inside(&shop.slug).get("/api/products/").must(200);
    world.anonymous().inside(&shop.slug).get("/api/products/").must(401);
    admin.inside("no-such-store").get("/api/products/").must(404);
    assert_eq!(count(&shop.owner, "/api/audit/?limit=200"), before);
    assert_eq!(count(&other.owner, "/api/audit/?action=tenant.enter"), 0);
}

fn the_log_is_filtered_and_paged_for_owners_alone(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    for client in [&shop.staff, &shop.customer] {
        client.get("/api/audit/").refused(403, "permission_denied");
        client.get("/api/audit/?limit=nonsense").refused(403, "permission_denied");
    }
    world.anonymous().get("/api/audit/").refused(401, "not_authenticated");
    admin.get("/api/audit/").refused(403, "store_required");

    let product = shop.product("Cup", "1.00", Some(9));
    for name in ["Mug", "Pot", "Pan"] {
        shop.staff.patch(&format!("/api/products/{product}/"), &json!({"name": name})).must(200);
    }
    shop.order(product, 1);
    let rows = |query: &str| -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), Some(format!("/api/audit/?{query}")));
        while let Some(path) = next {
            let page = shop.owner.get(&path).must(200);
            all.extend(page.json.as_array().unwrap().iter().cloned());
            next = page.next();
        }
        all
    };
    let everything = rows("ordering=number");
    let numbers = |rows: &[Value]| rows.iter().map(|row| row["number"].as_i64().unwrap()).collect::<Vec<_>>();
    let last = i64::try_from(everything.len()).unwrap();
    assert_eq!(numbers(&everything), (1..=last).collect::<Vec<_>>());
    assert_eq!(rows("limit=2&ordering=number"), everything);
    assert_eq!(numbers(&rows("limit=3")), (1..=last).rev().collect::<Vec<_>>());
    let staff = shop.staff.id;
    assert_eq!(rows(&format!("actor={staff}&limit=1")).len(), 3);
    assert_eq!(rows(&format!("actor={staff}&action=product.update")).len(), 3);
    assert_eq!(rows(&format!("actor={staff}&action=product.create")).len(), 0);
    assert_eq!(rows(&format!("object=product&object_id={product}")).len(), 4);
    assert_eq!((rows("object=order").len(), rows("object=product&object_id=987654").len()), (1, 0));
    let moment = everything[2]["at"].as_str().unwrap().replace('+', "%2B");
    let (since, until) = (rows(&format!("since={moment}")), rows(&format!("until={moment}")));
    assert_eq!(since.len() + until.len(), everything.len());
    assert!(numbers(&since).contains(&3) && !numbers(&until).contains(&3));
    shop.owner
        .get("/api/audit/?limit=0&action=nothing&object=thing&actor=x&since=now&ordering=at")
        .faults(&["action", "actor", "limit", "object", "ordering", "since"]);
}

/// Whether the program finds the logs in order, and what it says.
fn check(database: &TestDatabase) -> (bool, String) {
    let done = program(database).args(["check", "--audit"]).output().unwrap();
    (
        done.status.success(),
        String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap(),
    )
}

fn the_program_verifies_every_log_and_names_a_false_entry(world: &World) {
    let (shop, other, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    shop.product("Cup", "1.00", None);
    admin.inside(&other.slug).get("/api/products/").must(200);
    let (sound, text) = check(&world.database);
    assert!(sound, "{text}");
    for shop in [&shop, &other] {
        let last = shop.owner.get("/api/audit/?limit=1").must(200).json[0].clone();
        let link = last["link"].as_str().unwrap();
        let line = format!("audit {} {}: {} entries, link {link}", shop.id, shop.slug, last["number"]);
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("audit ")).count(), 3, "{text}");

    let mut raw = raw(world, shop.id);
    if world.engine() == Engine::Sqlite {
        let edit = "UPDATE audit_log SET actor_name = 'nobody' WHERE number = 2";
        raw.run(edit).expect_err("entries are only ever added");
        raw.run("DELETE FROM audit_log WHERE number = 2").expect_err("entries are only ever added");
        raw.run("DROP TRIGGER audit_log_is_not_edited; DROP TRIGGER audit_log_is_not_cut").unwrap();
    }
    let place = format!("tenant_id = {} AND number = 2", shop.id);
    let named = |sql: &str, fault: &str| {
        raw.run(sql).unwrap();
        let (sound, text) = check(&world.database);
        let fault = format!("FAULT audit: store {} {}: {fault}", shop.id, shop.slug);
        assert!(!sound && text.lines().any(|line| line == fault), "{fault}\n{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("FAULT")).count(), 1, "{text}");
    };
    let mut named = named;
    named(
        &format!("UPDATE audit_log SET actor_name = 'nobody' WHERE {place}"),
        "entry 2 is not as it was written",
    );
    named(&format!("DELETE FROM audit_log WHERE {place}"), "entry 2 is missing");
}
