//! What is sent to every page that takes something.

use super::html;
use super::visitor::Visitor;
use crate::support::{PASSWORD, Shop};
use serde_json::json;
use std::cell::Cell;

/// Fills in the panel's forms, and no two alike.
#[derive(Default)]
pub(super) struct Clerk {
    next: Cell<u32>,
}

impl Clerk {
    /// What somebody called `username` fills in so that it is accepted in this store. Every page that takes something
    /// stands here.
    pub(super) fn entries(&self, path: &str, shop: &Shop, username: &str) -> Vec<(&'static str, String)> {
        self.next.set(self.next.get() + 1);
        let n = self.next.get();
        let name = format!("panel{n}");
        let email = format!("{name}@example.com");
        let password = || "a wall of 8 bricks".to_owned();
        match path {
            "/sign-in/" => vec![
                ("username", shop.owner.username.clone()),
                ("password", PASSWORD.to_owned()),
                ("store", shop.name.clone()),
            ],
            "/join/" => {
                let body = json!({"email": email, "role": "staff"});
                let token = shop.owner.post("/api/invitations/", &body).must(201).text_of("token").to_owned();
                vec![("token", token), ("email", email), ("username", name), ("password", password())]
            }
            "/account/" => vec![("email", format!("{username}.{email}"))],
            "/account/password/" => {
                // The same one: whoever fills in the next form must still know it.
                ["old_password", "new_password", "new_password_again"]
                    .map(|name| (name, PASSWORD.to_owned()))
                    .to_vec()
            }
            "/account/preferences/" => {
                vec![("zone", "Asia/Kolkata".to_owned()), ("theme", "dark".to_owned())]
            }
            "/products/new/" => vec![("name", "A brick".to_owned()), ("price", "1.50".to_owned())],
            "/products/{id}/" => vec![("name", format!("A better brick {n}"))],
            "/products/{id}/quick/" => {
                let now = [("was_price", "1.50"), ("was_stock", ""), ("stock", ""), ("price", "2.50")];
                now.map(|(name, value)| (name, value.to_owned())).to_vec()
            }
            "/products/bulk/" => {
                let product = shop.product("A brick", "1.50", None);
                vec![("do", "archive".to_owned()), ("pick", product.to_string())]
            }
            "/products/import/" => {
                let file = format!("sku,name,price\nBRICK-{n},A brick,1.50\n");
                vec![("do", "import".to_owned()), ("file", file)]
            }
            "/orders/new/" => {
                let product = shop.product("A brick", "1.50", Some(5));
                vec![
                    ("customer", shop.customer.username.clone()),
                    ("product-1", product.to_string()),
                    ("quantity-1", "1".to_owned()),
                    ("do", "place".to_owned()),
                ]
            }
            "/orders/{id}/move/" => vec![("to", "confirmed".to_owned()), ("from", "pending".to_owned())],
            "/users/new/" => {
                vec![
                    ("username", name),
                    ("email", email),
                    ("role", "staff".to_owned()),
                    ("password", password()),
                ]
            }
            "/users/{id}/" => vec![("email", email)],
            "/invitations/new/" => vec![("email", email), ("role", "staff".to_owned())],
            "/store/" => vec![("name", shop.name.to_uppercase())],
            "/platform/tenants/new/" => {
                vec![("name", format!("Wall {n} of the panel")), ("currency", "EUR".to_owned())]
            }
            "/platform/tenants/{id}/" => vec![("name", format!("Another wall {n}"))],
            "/sign-out/"
            | "/account/sign-out-everywhere/"
            | "/products/{id}/delete/"
            | "/orders/{id}/delete/"
            | "/users/{id}/delete/"
            | "/invitations/{id}/revoke/"
            | "/platform/tenants/{id}/suspend/"
            | "/platform/tenants/{id}/resume/"
            | "/platform/tenants/{id}/enter/"
            | "/platform/leave/" => Vec::new(),
            other => panic!("say here what is filled in at {other}, or that there is nothing to"),
        }
    }

    /// What a person sends who opens the page with the form, if they are shown one, and fills it in. Without the token.
    pub(super) fn fill(
        &self,
        visitor: &Visitor,
        page: &str,
        path: &str,
        shop: &Shop,
        username: &str,
    ) -> Vec<(String, String)> {
        let entries = self.entries(page, shop, username);
        let action = format!("{}{path}", visitor.base);
        // The form is on the page that takes it, or on the one above.
        let parent = path.trim_end_matches('/').rsplit_once('/').map_or("/", |(parent, _)| parent);
        let shown = [path.to_owned(), format!("{parent}/")].into_iter().find_map(|place| {
            let answer = visitor.get(&place);
            (answer.status == 200).then(|| html::form(&answer.text, &action)).flatten()
        });
        let mut fields: Vec<_> = shown.unwrap_or_default();
        fields.retain(|(name, _)| name != "form_token" && !entries.iter().any(|(own, _)| own == name));
        fields.extend(entries.into_iter().map(|(name, value)| (name.to_owned(), value)));
        fields
    }
}
