//! `If-Match`: a change is made only if the client has seen the present state.

use super::{at_once, if_match, tag_of};
use crate::support::{Answer, Client, PASSWORD, Shop, User, World, send};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;

cases! {
    every_change_may_name_the_state_that_it_changes,
    who_may_not_change_it_learns_nothing_of_its_state,
    another_stores_thing_is_not_there_whatever_is_named,
    of_two_clients_who_saw_the_same_one_wins,
    what_was_made_or_changed_has_the_tag_of_the_next_read,
    what_was_put_has_no_tag,
    every_read_has_a_strong_tag_that_spares_the_body,
    an_invitation_is_revoked_whatever_its_state_or_not_at_all,
}

const STALE: &str = "\"00000000000000000000000000000000\"";

/// Every operation that changes a thing which can be read.
const CHANGES: [(&str, &str); 10] = [
    ("update_me", "PATCH"),
    ("update_store", "PATCH"),
    ("update_user", "PATCH"),
    ("delete_user", "DELETE"),
    ("replace_product", "PUT"),
    ("update_product", "PATCH"),
    ("delete_product", "DELETE"),
    ("update_order", "PATCH"),
    ("delete_order", "DELETE"),
    ("update_tenant", "PATCH"),
];

#[test]
fn every_change_of_the_document_is_tested_here() {
    let document = haat_api::openapi::document();
    let mut changing = BTreeSet::new();
    for (_, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if ["put", "patch", "delete"].contains(&method.as_str()) {
                changing
                    .insert((operation["operationId"].as_str().unwrap().to_owned(), method.to_uppercase()));
                let parameters = operation["parameters"].as_array().unwrap();
                assert!(parameters.iter().any(|one| one["name"] == "If-Match"), "{operation}");
                assert!(operation["responses"].get("412").is_some(), "{operation}");
            }
        }
    }
    // An invitation is read in the list only; see the case of its own.
    let tested = CHANGES.into_iter().chain([("revoke_invitation", "DELETE")]);
    let tested = tested.map(|(id, method)| (id.to_owned(), method.to_owned()));
    assert_eq!(changing, tested.collect());
}

/// Makes things to be changed.
struct Maker<'w> {
    shop: &'w Shop,
    admin: &'w User,
    next: Cell<u32>,
}

impl Maker<'_> {
    fn fresh(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    fn new_user(&self) -> Value {
        let name = format!("someone{}", self.fresh());
        json!({"username": name, "email": format!("{name}@example.com"), "password": PASSWORD})
    }

    /// Who does it, to what, and how.
    fn target(&self, operation: &str) -> (Client, String, Option<Value>) {
        let n = self.fresh();
        let owner = &self.shop.owner;
        let product = || format!("/api/products/{}/", self.shop.product("Cup", "1.00", Some(90)));
        let order =
            || format!("/api/orders/{}/", self.shop.order(self.shop.product("Cup", "1.00", Some(9)), 2));
        let made = |client: &Client, path: &str, body: &Value| {
            client.post(path, body).must(201).header("location").unwrap().to_owned()
        };
        let email = Some(json!({"email": format!("changed{n}@example.com")}));
        let name = Some(json!({"name": format!("Changed {n}")}));
        let put = Some(json!({"name": format!("Changed {n}"), "price": "3.00"}));
        let (path, body) = match operation {
            "update_me" => ("/api/auth/me/".to_owned(), email),
            "update_store" => ("/api/store/".to_owned(), name),
            "update_user" => (made(owner, "/api/users/", &self.new_user()), email),
            "delete_user" => (made(owner, "/api/users/", &self.new_user()), None),
            "replace_product" => (product(), put),
            "update_product" => (product(), name),
            "delete_product" => (product(), None),
            "update_order" => (order(), Some(json!({"quantity": 3}))),
            "delete_order" => (order(), None),
            "update_tenant" => {
                let new = json!({"name": format!("Store {n}")});
                return ((**self.admin).clone(), made(self.admin, "/api/platform/tenants/", &new), name);
            }
            other => panic!("how does one {other}?"),
        };
        ((**owner).clone(), path, body)
    }
}

fn maker<'w>(shop: &'w Shop, admin: &'w User) -> Maker<'w> {
    Maker { shop, admin, next: Cell::new(0) }
}

fn every_change_may_name_the_state_that_it_changes(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = maker(&shop, &admin);
    for (operation, method) in CHANGES {
        let good = |named: &dyn Fn(&str) -> String| {
            let (client, path, body) = maker.target(operation);
            let tag = tag_of(&client, &path);
            let answer = if_match(&client, method, &path, &named(&tag), body.as_ref());
            assert!([200, 204].contains(&answer.status), "{operation} {}: {}", named(&tag), answer.text);
        };
        good(&|tag| tag.to_owned());
        good(&|_| "*".to_owned());
        good(&|tag| format!("{STALE}, {tag}"));
        good(&|tag| format!("{tag} ,\"x\",W/{STALE}"));

        let (client, path, body) = maker.target(operation);
        let before = client.get(&path).must(200);
        let tag = before.header("etag").unwrap();
        let log = "/api/audit/?limit=1";
        let last = shop.owner.get(log).text;
        let weak = format!("W/{tag}");
        for named in [STALE, &weak, tag.trim_matches('"'), "", "x", &format!("{STALE}, {weak}")] {
            let answer = if_match(&client, method, &path, named, body.as_ref());
            assert_eq!(answer.refused(412, "precondition_failed").header("etag"), None);
        }
        assert_eq!(client.get(&path).must(200).text, before.text, "{operation}");
        assert_eq!(shop.owner.get(log).text, last, "{operation}");
        // Over two lines, the right one second.
        let request = client.request(method, &path).header("If-Match", STALE).header("If-Match", tag);
        let answer = send(match &body {
            Some(body) => request.json(body),
            None => request,
        });
        assert!([200, 204].contains(&answer.status), "{operation}: {}", answer.text);
        if method != "DELETE" {
            // Now it is another state, and the old tag is stale.
            assert_ne!(tag_of(&client, &path), tag, "{operation}");
            if_match(&client, method, &path, tag, body.as_ref()).refused(412, "precondition_failed");
        }
    }
}

fn who_may_not_change_it_learns_nothing_of_its_state(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = maker(&shop, &admin);
    for (operation, method) in CHANGES {
        let (client, path, body) = maker.target(operation);
        let tag = tag_of(&client, &path);
        for named in [STALE, tag.as_str(), "*"] {
            if_match(&world.anonymous(), method, &path, named, body.as_ref())
                .refused(401, "not_authenticated");
            if !["update_me", "update_order"].contains(&operation) {
                let refused = if_match(&shop.customer, method, &path, named, body.as_ref());
                refused.refused(403, "permission_denied");
            }
        }
        assert_eq!(tag_of(&client, &path), tag, "{operation}");
        // A body that makes no sense is told of, whatever state is named.
        if body.is_some() {
            let request = client.request(method, &path).header("If-Match", STALE);
            let broken = send(request.header("Content-Type", "application/json").body("{"));
            broken.refused(400, "malformed_json");
        }
    }
}

fn another_stores_thing_is_not_there_whatever_is_named(world: &World) {
    let (shop, away, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let maker = maker(&shop, &admin);
    for (operation, method) in CHANGES.into_iter().filter(|(operation, _)| !operation.ends_with("_me")) {
        let (client, path, body) = maker.target(operation);
        let Some(kind) =
            path.trim_end_matches('/').rsplit_once('/').filter(|(_, id)| id.parse::<i64>().is_ok())
        else {
            continue;
        };
        let random = format!("{}/876543219/", kind.0);
        let tag = tag_of(&client, &path);
        let stranger: &Client = if operation == "update_tenant" { &admin } else { &away.owner };
        let ask = |path: &str, named: Option<&str>| -> Answer {
            let answer = match named {
                Some(named) => if_match(stranger, method, path, named, body.as_ref()),
                None => stranger.call(method, path, body.as_ref()),
            };
            answer.refused(404, "not_found")
        };
        let nothing = ask(&random, None).essence();
        for named in [STALE, tag.as_str(), "*", "x"] {
            assert_eq!(ask(&random, Some(named)).essence(), nothing, "{operation} {named}");
            if operation != "update_tenant" {
                assert_eq!(ask(&path, Some(named)).essence(), nothing, "{operation} {named}");
            }
        }
        assert_eq!(tag_of(&client, &path), tag, "{operation}");
    }
}

fn of_two_clients_who_saw_the_same_one_wins(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = maker(&shop, &admin);
    for operation in
        ["update_me", "update_store", "update_user", "update_product", "update_order", "update_tenant"]
    {
        let (client, path, _) = maker.target(operation);
        for round in 0..5 {
            let tag = tag_of(&client, &path);
            let wish = |n: usize| match operation {
                "update_me" | "update_user" => json!({"email": format!("{operation}{round}{n}@example.com")}),
                "update_order" => json!({"quantity": if round % 2 == 0 { 5 + n } else { 1 + n }}),
                _ => json!({"name": format!("{operation} {round} {n}")}),
            };
            let answers = at_once(2, |n| if_match(&client, "PATCH", &path, &tag, Some(&wish(n))));
            let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412], "{operation}: {} {}", answers[0].text, answers[1].text);
            let won = answers.iter().find(|answer| answer.status == 200).unwrap();
            assert_eq!(client.get(&path).must(200).text, won.text, "{operation}");
        }
    }
}

fn what_was_made_or_changed_has_the_tag_of_the_next_read(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = maker(&shop, &admin);
    let product = shop.product("Cup", "1.00", Some(5));
    for (client, path, body) in [
        (&shop.owner, "/api/products/", json!({"name": "Cup", "price": "1"})),
        (&shop.owner, "/api/users/", maker.new_user()),
        (&shop.customer, "/api/orders/", json!({"product": product, "quantity": 1})),
        (&admin, "/api/platform/tenants/", json!({"name": "Gamma"})),
    ] {
        let made = client.post(path, &body).must(201);
        assert_eq!(made.header("etag"), Some(&*tag_of(client, made.header("location").unwrap())), "{path}");
    }
    for (operation, method) in CHANGES.into_iter().filter(|(_, method)| *method == "PATCH") {
        let (client, path, body) = maker.target(operation);
        let changed = client.call(method, &path, body.as_ref()).must(200);
        assert_eq!(changed.header("etag"), Some(&*tag_of(&client, &path)), "{operation}");
        // So that whoever goes on changing it need not read it first.
        let tag = changed.header("etag").unwrap();
        if_match(&client, method, &path, tag, body.as_ref()).must(200);
    }
}

fn what_was_put_has_no_tag(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = maker(&shop, &admin);
    for (operation, method) in CHANGES.into_iter().filter(|(_, method)| *method == "PUT") {
        let (client, path, body) = maker.target(operation);
        // What is kept is not what was sent (RFC 9110, 9.3.4): numbers and times were added to it.
        let changed = client.call(method, &path, body.as_ref()).must(200);
        assert_eq!((changed.header("etag"), changed.header("cache-control")), (None, Some("no-store")));
        let document = haat_api::openapi::document();
        let put = &document["paths"]["/api/products/{id}/"]["put"]["responses"]["200"];
        assert!(put["headers"].get("ETag").is_none(), "{put}");
    }
}

fn every_read_has_a_strong_tag_that_spares_the_body(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = maker(&shop, &admin);
    let document = haat_api::openapi::document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("get").filter(|get| get["operationId"] != "get_metrics") else {
            continue;
        };
        let path = match operation["operationId"].as_str().unwrap() {
            "get_user" => maker.target("update_user").1,
            "get_product" => maker.target("update_product").1,
            "get_order" => maker.target("update_order").1,
            "get_tenant" => maker.target("update_tenant").1,
            "get_invitation" => {
                let invited = json!({"email": "read@example.com", "role": "staff"});
                let made = shop.owner.post("/api/invitations/", &invited).must(201);
                made.header("location").unwrap().to_owned()
            }
            _ => path.clone(),
        };
        let client: &Client = if path.starts_with("/api/platform/") { &admin } else { &shop.owner };
        let tag = tag_of(client, &path);
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
        for method in ["GET", "HEAD"] {
            let known = send(client.request(method, &path).header("If-None-Match", &tag)).must(304);
            assert_eq!((known.text.as_str(), known.header("etag")), ("", Some(tag.as_str())), "{path}");
        }
        send(client.request("GET", &path).header("If-None-Match", STALE)).must(200);
    }
}

fn an_invitation_is_revoked_whatever_its_state_or_not_at_all(world: &World) {
    let (shop, away) = (world.open("Alpha"), world.open("Beta"));
    let invited = json!({"email": "invited@example.com", "role": "staff"});
    let made = shop.owner.post("/api/invitations/", &invited).must(201);
    let path = made.header("location").unwrap();
    let pending =
        || shop.owner.get("/api/invitations/?status=pending").must(200).json.as_array().unwrap().len();
    if_match(&shop.owner, "DELETE", path, STALE, None).refused(412, "precondition_failed");
    if_match(&shop.staff, "DELETE", path, STALE, None).refused(403, "permission_denied");
    if_match(&world.anonymous(), "DELETE", path, STALE, None).refused(401, "not_authenticated");
    let nothing = away.owner.delete("/api/invitations/876543219/").refused(404, "not_found").essence();
    for named in [STALE, "*", "x"] {
        assert_eq!(if_match(&away.owner, "DELETE", path, named, None).essence(), nothing);
    }
    assert_eq!(pending(), 1);
    if_match(&shop.owner, "DELETE", path, "*", None).must(204);
    assert_eq!(pending(), 0);
}
