//! Things to act upon, bodies that are accepted, and victims that must be unharmed.

use crate::support::{PASSWORD, Shop, User, World};
use serde_json::{Value, json};
use std::cell::Cell;

/// Makes things to act upon.
pub(crate) struct Maker<'w> {
    pub(crate) world: &'w World,
    admin: &'w User,
    next: Cell<u32>,
}

impl<'w> Maker<'w> {
    pub(crate) fn new(world: &'w World, admin: &'w User) -> Self {
        Self { world, admin, next: Cell::new(0) }
    }

    fn fresh(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    fn user(&self) -> Value {
        let name = format!("walls{}", self.fresh());
        json!({"username": name, "email": format!("{name}@example.com"), "password": "a wall of 7 bricks", "role": "customer"})
    }

    /// A new thing of the kind that the path is about, in this store, and the caller's own where that matters.
    pub(crate) fn thing(&self, path: &str, shop: &Shop) -> i64 {
        match path.split('/').nth(2).unwrap() {
            "invitations" => {
                let body = json!({"email": format!("invited{}@example.com", self.fresh()), "role": "staff"});
                shop.owner.post("/api/invitations/", &body).must(201).id()
            }
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
    pub(crate) fn body(&self, operation: &str, shop: &Shop) -> Option<Value> {
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
            "create_invitation" => json!({"email": format!("invited{n}@example.com"), "role": "staff"}),
            "create_tenant" | "update_tenant" => json!({"name": format!("Wall {n}")}),
            "logout" | "get_me" | "get_store" | "list_users" | "get_user" | "delete_user"
            | "list_invitations" | "get_invitation" | "revoke_invitation" | "list_audit"
            | "list_products" | "get_product" | "delete_product" | "list_orders" | "get_order"
            | "delete_order" | "cancel_order" | "list_tenants" | "get_tenant" | "suspend_tenant"
            | "resume_tenant" | "get_health" | "get_readiness" | "get_schema" | "get_metrics"
            | "get_jwks" => return None,
            other => panic!("give {other} a body here, or say that it has none"),
        };
        Some(body)
    }
}

/// Rows that nobody may have touched in the end.
pub(crate) struct Victims<'w> {
    pub(crate) shop: &'w Shop,
    rows: Vec<(String, Value)>,
}

impl<'w> Victims<'w> {
    pub(crate) fn new(maker: &Maker<'_>, shop: &'w Shop) -> Self {
        let kinds = ["users", "products", "orders"].map(|kind| format!("/api/{kind}/"));
        let made = kinds.map(|path| format!("{path}{}/", maker.thing(&path, shop)));
        let rows = made.into_iter().chain(["/api/store/".to_owned()]);
        let rows = rows.map(|path| (path.clone(), shop.owner.get(&path).must(200).json)).collect();
        Self { shop, rows }
    }

    /// The id of the one of the kind that the path is about. Stores have no stranger's: any will do.
    pub(crate) fn id(&self, path: &str) -> String {
        let kind = path.split("{id}").next().unwrap();
        let row = self.rows.iter().find(|(own, _)| own.starts_with(kind));
        row.map_or_else(|| "987654321".to_owned(), |(_, row)| row["id"].to_string())
    }

    pub(crate) fn are_unharmed(&self) {
        for (path, before) in &self.rows {
            assert_eq!(self.shop.owner.get(path).must(200).json, *before, "{path}");
        }
    }
}
