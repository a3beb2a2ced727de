//! Every operation of the OpenAPI document, called as every role, with ids of every kind: what the policy's table says
//! is what the server does, and nobody learns whether another store's thing exists.

use crate::support::{Answer, Client, PASSWORD, Shop, User, World, number};
use haat_api::operations::{OPERATIONS, Rule, rule};
use haat_domain::authz::{Action, Realm, Role, Verdict, verdict};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;

cases! { every_operation_asks_the_policy, every_open_operation_answers_a_stranger }

/// An operation of the document.
struct Operation {
    id: String,
    method: String,
    path: String,
    has_body: bool,
    statuses: Vec<u16>,
}

impl Operation {
    fn has_id(&self) -> bool {
        self.path.contains("{id}")
    }

    fn path(&self, id: &str) -> String {
        self.path.replace("{id}", id)
    }
}

fn operations() -> Vec<Operation> {
    let document = haat_api::openapi::document();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let statuses = operation["responses"].as_object().unwrap();
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                has_body: operation.get("requestBody").is_some(),
                statuses: statuses.keys().map(|status| status.parse().unwrap()).collect(),
            });
        }
    }
    all
}

#[test]
fn the_document_and_the_table_of_rules_name_the_same_operations() {
    let documented: BTreeSet<_> = operations().into_iter().map(|operation| operation.id).collect();
    let ruled: BTreeSet<_> = OPERATIONS.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(documented, ruled);
}

/// Somebody who calls every operation.
struct Person<'w> {
    label: &'static str,
    role: Role,
    client: Client,
    user: Option<&'w User>,
    /// The store they may act in, if any.
    home: Option<&'w Shop>,
    /// A store that is none of their business.
    away: &'w Shop,
}

impl Person<'_> {
    /// The answer that the policy gives, where it gives one whatever is asked for.
    fn refusal(&self, action: Action) -> Option<(u16, &'static str)> {
        match verdict(self.role, action) {
            Verdict::Deny if self.role == Role::Anonymous => Some((401, "not_authenticated")),
            Verdict::Deny => Some((403, "permission_denied")),
            Verdict::Allow | Verdict::Public | Verdict::Own => {
                let outside = action.realm() == Realm::Store && self.home.is_none();
                outside.then_some((403, "store_required"))
            }
        }
    }
}

fn people<'w>(world: &World, one: &'w Shop, two: &'w Shop, admin: &'w User) -> Vec<Person<'w>> {
    let member = |label, role, user: &'w User, home, away| Person {
        label,
        role,
        client: (**user).clone(),
        user: Some(user),
        home: Some(home),
        away,
    };
    let stranger = world.anonymous();
    vec![
        member("owner", Role::Owner, &one.owner, one, two),
        member("staff", Role::Staff, &one.staff, one, two),
        member("customer", Role::Customer, &one.customer, one, two),
        member("owner of the other store", Role::Owner, &two.owner, two, one),
        Person {
            client: two.owner.inside(&one.slug),
            ..member("intruder", Role::Owner, &two.owner, two, one)
        },
        Person {
            client: admin.inside(&one.slug),
            ..member("admin inside", Role::Superuser, admin, one, two)
        },
        Person { home: None, ..member("admin outside", Role::Superuser, admin, one, two) },
        Person {
            label: "stranger",
            role: Role::Anonymous,
            client: stranger,
            user: None,
            home: None,
            away: two,
        },
    ]
}

/// Makes things to act upon.
struct Maker<'w> {
    world: &'w World,
    admin: &'w User,
    next: Cell<u32>,
}

impl Maker<'_> {
    fn fresh(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    fn user(&self) -> Value {
        let name = format!("walls{}", self.fresh());
        json!({"username": name, "email": format!("{name}@example.com"), "password": "a wall of 7 bricks", "role": "customer"})
    }

    /// A new thing of the kind that the path is about, in this store, and the caller's own where that matters.
    fn thing(&self, path: &str, shop: &Shop) -> i64 {
        match path.split('/').nth(2).unwrap() {
            "users" => shop.owner.post("/api/users/", &self.user()).must(201).id(),
            "products" => shop.product("A brick", "1.50", None),
            "orders" => shop.order(shop.product("A brick", "1.50", Some(5)), 2),
            "platform" => {
                let name = json!({"name": format!("Wall {}", self.fresh())});
                self.admin.post("/api/platform/tenants/", &name).must(201).id()
            }
            other => panic!("how does one make {other}?"),
        }
    }

    /// A body that the operation accepts. Every operation stands here.
    fn body(&self, operation: &str, shop: &Shop) -> Option<Value> {
        let n = self.fresh();
        let body = match operation {
            "register" => {
                json!({"username": format!("new{n}"), "password": "a wall of 7 bricks",
                    "email": format!("new{n}@example.com"), "tenant_name": shop.name})
            }
            "login" => {
                json!({"username": shop.owner.username, "password": PASSWORD, "store": shop.name})
            }
            "refresh" => json!({"refresh": self.world.log_in(&shop.other.username, &shop.name).refresh}),
            "verify" => json!({"token": shop.owner.token}),
            "change_password" => {
                json!({"old_password": PASSWORD, "new_password": PASSWORD})
            }
            "update_me" => json!({"email": format!("me{n}@example.com")}),
            "update_store" => json!({"name": shop.name}),
            "create_user" => self.user(),
            "update_user" => json!({"email": format!("changed{n}@example.com")}),
            "create_product" | "replace_product" => json!({"name": "A brick", "price": "1.50"}),
            "update_product" => json!({"name": "A better brick"}),
            "place_order" => {
                let product = shop.product("A brick", "1.50", Some(5));
                json!({"product": product, "quantity": 1, "customer": shop.customer.id})
            }
            "update_order" => json!({"status": "confirmed"}),
            "create_tenant" | "update_tenant" => json!({"name": format!("Wall {n}")}),
            "logout" | "get_me" | "get_store" | "list_users" | "get_user" | "delete_user"
            | "list_products" | "get_product" | "delete_product" | "list_orders" | "get_order"
            | "delete_order" | "cancel_order" | "list_tenants" | "get_tenant" | "suspend_tenant"
            | "resume_tenant" | "get_health" | "get_readiness" | "get_schema" | "get_jwks" => return None,
            other => panic!("give {other} a body here, or say that it has none"),
        };
        Some(body)
    }
}

/// Rows that nobody may have touched in the end.
struct Victims<'w> {
    shop: &'w Shop,
    rows: Vec<(String, Value)>,
}

impl<'w> Victims<'w> {
    fn new(maker: &Maker<'_>, shop: &'w Shop) -> Self {
        let kinds = ["users", "products", "orders"].map(|kind| format!("/api/{kind}/"));
        let made = kinds.map(|path| format!("{path}{}/", maker.thing(&path, shop)));
        let rows = made.into_iter().chain(["/api/store/".to_owned()]);
        let rows = rows.map(|path| (path.clone(), shop.owner.get(&path).must(200).json)).collect();
        Self { shop, rows }
    }

    /// The id of the one of the kind that the path is about. Stores have no stranger's: any will do.
    fn id(&self, path: &str) -> String {
        let kind = path.split("{id}").next().unwrap();
        let row = self.rows.iter().find(|(own, _)| own.starts_with(kind));
        row.map_or_else(|| "987654321".to_owned(), |(_, row)| row["id"].to_string())
    }

    fn are_unharmed(&self) {
        for (path, before) in &self.rows {
            assert_eq!(self.shop.owner.get(path).must(200).json, *before, "{path}");
        }
    }
}

const RANDOM: &str = "876543219";
const NONE_AT_ALL: [&str; 7] =
    ["0", "-1", "9223372036854775808", "9223372036854775807", "abc", "1.0", "%F0%9F%98%80"];

fn every_operation_asks_the_policy(world: &World) {
    let (one, two, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let maker = Maker { world, admin: &admin, next: Cell::new(0) };
    let victims = [Victims::new(&maker, &one), Victims::new(&maker, &two)];
    let victim = |shop: &Shop| victims.iter().find(|all| all.shop.id == shop.id).unwrap();
    let others_order = |shop: &Shop| {
        let product = shop.product("A brick", "1.50", None);
        shop.other.post("/api/orders/", &json!({"product": product, "quantity": 1})).must(201).id()
    };
    let others = [others_order(&one), others_order(&two)].map(|id| id.to_string());

    for operation in operations() {
        let Some(Rule::Needs(action)) = rule(&operation.id) else { continue };
        for person in people(world, &one, &two, &admin) {
            let asked = format!("{} as {}", operation.id, person.label);
            if let Some(refusal) = person.refusal(action) {
                let own = victim(&one).id(&operation.path);
                let foreign = victim(&two).id(&operation.path);
                let ids = [own.as_str(), &foreign, RANDOM].into_iter().chain(NONE_AT_ALL);
                refused_whatever_is_asked(&maker, &operation, &person, refusal, ids);
                continue;
            }
            let home = person.home.unwrap_or(person.away);
            accepted(&maker, &operation, &person, home, &asked);
            if operation.has_id() {
                let foreign = victim(person.away).id(&operation.path);
                let mut strange = vec![foreign.as_str()];
                if verdict(person.role, action) == Verdict::Own && operation.path.contains("orders") {
                    strange.extend(others.iter().map(String::as_str));
                }
                strange.extend(NONE_AT_ALL);
                unknown(&maker, &operation, &person, home, &strange);
            }
        }
    }
    victims.iter().for_each(Victims::are_unharmed);
}

fn refused_whatever_is_asked<'i>(
    maker: &Maker<'_>,
    operation: &Operation,
    person: &Person<'_>,
    (status, code): (u16, &str),
    ids: impl Iterator<Item = &'i str>,
) {
    let good = maker.body(&operation.id, person.home.unwrap_or(person.away));
    for id in if operation.has_id() { ids.collect() } else { vec![""] } {
        let path = operation.path(id);
        let answer = person.client.call(&operation.method, &path, good.as_ref()).refused(status, code);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{path} as {}", person.label);
        if operation.has_body {
            for bad in ["{", "[]", r#"{"name": 7, "status": 7, "quantity": "x", "email": 7}"#] {
                person.client.raw(&operation.method, &path, bad).refused(status, code);
            }
        }
    }
}

/// What is permitted succeeds, or the refusals prove nothing.
fn accepted(maker: &Maker<'_>, operation: &Operation, person: &Person<'_>, home: &Shop, asked: &str) {
    let id = if operation.has_id() { maker.thing(&operation.path, home).to_string() } else { String::new() };
    let body = maker.body(&operation.id, home);
    let client = match person.user {
        Some(user) if operation.id == "logout" => person.client.with(&again(maker.world, user, person, home)),
        _ => person.client.clone(),
    };
    let path = operation.path(&id);
    let answer = client.call(&operation.method, &path, body.as_ref());
    assert!((200..300).contains(&answer.status), "{asked}: {}", answer.text);
    assert!(operation.statuses.contains(&answer.status), "{asked}: {} is not documented", answer.status);
    assert!(answer.header("cache-control").is_some(), "{asked}: no Cache-Control");
    if operation.has_body {
        person.client.raw(&operation.method, &path, "{").refused(400, "malformed_json");
    }
}

/// A token of a session of its own, to be ended.
fn again(world: &World, user: &User, person: &Person<'_>, home: &Shop) -> String {
    let mut body = json!({"username": user.username, "password": PASSWORD});
    if person.role != Role::Superuser {
        body["store"] = json!(home.name);
    }
    world.anonymous().post("/api/auth/login/", &body).must(200).text_of("access").to_owned()
}

/// What there is elsewhere answers exactly like what there is not.
fn unknown(maker: &Maker<'_>, operation: &Operation, person: &Person<'_>, home: &Shop, ids: &[&str]) {
    let body = maker.body(&operation.id, home);
    let ask = |id: &str| -> Answer {
        person.client.call(&operation.method, &operation.path(id), body.as_ref()).refused(404, "not_found")
    };
    let nothing = ask(RANDOM).essence();
    for id in ids {
        assert_eq!(ask(id).essence(), nothing, "{} {id} as {}", operation.id, person.label);
    }
}

fn every_open_operation_answers_a_stranger(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let maker = Maker { world, admin: &admin, next: Cell::new(0) };
    for operation in operations() {
        if matches!(rule(&operation.id), Some(Rule::Needs(_))) {
            continue;
        }
        let body = maker.body(&operation.id, &shop);
        let answer = world.anonymous().call(&operation.method, &operation.path, body.as_ref());
        assert!(matches!(answer.status, 200 | 201), "{}: {}", operation.id, answer.text);
        assert!(operation.statuses.contains(&answer.status), "{}", operation.id);
        if operation.has_body {
            world.anonymous().raw(&operation.method, &operation.path, "{").refused(400, "malformed_json");
        }
    }
    assert_eq!(number(&shop.owner.get("/api/auth/me/").must(200).json["tenant"]), shop.id);
}
