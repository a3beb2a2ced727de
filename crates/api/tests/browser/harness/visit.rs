//! Every page of the panel that can be looked at, for whoever sits there.

use super::{Browser, Haat};
use actix_web::http::Method;
use haat_admin::Rule;
use haat_domain::authz::{Realm, Role, Verdict, verdict};
use serde_json::json;

/// Who sits before the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// Nobody who is known.
    Door,
    /// Those who run DreamKart.
    Staff,
    Owner,
    /// The platform admin.
    Platform,
    /// The same, in DreamKart.
    Visitor,
}

impl Seat {
    /// As who signs in; `None` stays at the door.
    const fn account(self) -> Option<(&'static str, Role)> {
        match self {
            Self::Door => None,
            Self::Staff => Some(("priya", Role::Staff)),
            Self::Owner => Some(("rohan", Role::Owner)),
            Self::Platform | Self::Visitor => Some(("Ria", Role::Superuser)),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Staff => "staff",
            Self::Owner => "owner",
            Self::Platform => "platform",
            Self::Visitor => "visitor",
        }
    }

    /// Whether they see such a page.
    fn sees(self, rule: Rule) -> bool {
        match (self.account(), rule) {
            (None, rule) => rule == Rule::Open,
            // Whoever is signed in has no business at the door.
            (Some(_), Rule::Open) => false,
            (Some(_), Rule::SignedIn) => true,
            (Some((_, role)), Rule::Needs(action)) => {
                let here = self != Self::Platform || action.realm() != Realm::Store;
                here && verdict(role, action) != Verdict::Deny
            }
        }
    }
}

/// A page to be looked at.
pub(crate) struct Visit {
    /// Its path as a file's name.
    pub(crate) name: String,
    pub(crate) path: String,
}

/// Every page that whoever sits there can look at, with the number of some thing where one belongs.
pub(crate) async fn visits(haat: &Haat, seat: Seat) -> Vec<Visit> {
    let pages =
        haat_admin::pages().into_iter().filter(|page| page.method == Method::GET && seat.sees(page.rule));
    let mut visits = Vec::new();
    // Files are no pages.
    for page in pages.filter(|page| !page.path.starts_with("/static/") && !page.path.contains("/export/")) {
        let name = page.path.replace(['{', '}'], "").trim_matches('/').replace('/', "-");
        let name = if name.is_empty() { "dashboard".to_owned() } else { name };
        let path = if page.path.contains("{id}") {
            page.path.replace("{id}", &some(haat, page.path).await.to_string())
        } else {
            page.path.to_owned()
        };
        visits.push(Visit { name, path });
    }
    visits
}

/// The number of some thing of the kind that a path is about, in DreamKart.
async fn some(haat: &Haat, path: &str) -> i64 {
    let kind = path.split("{id}").next().unwrap();
    match kind {
        "/products/" => haat.api("rohan").await.first("/api/products/").await,
        // One with something left to do.
        "/orders/" => haat.api("rohan").await.first("/api/orders/?status=pending").await,
        "/users/" => haat.api("rohan").await.first("/api/users/?role=staff").await,
        "/customers/" => haat.api("rohan").await.first("/api/users/?role=customer").await,
        "/invitations/" => {
            let body = json!({ "email": "walk@example.com", "role": "staff" });
            haat.api("rohan").await.post("/api/invitations/", body).await["id"].as_i64().unwrap()
        }
        "/platform/tenants/" => haat.api("Ria").await.first("/api/platform/tenants/").await,
        other => panic!("of which thing is the number in {other}?"),
    }
}

impl Browser {
    /// Sits down there.
    pub(crate) async fn sit(&self, seat: Seat) {
        let Some((username, _)) = seat.account() else { return };
        self.sign_in(username).await;
        if seat == Seat::Visitor {
            // As the panel would set it.
            let script = "document.cookie = 'haat_store=dreamkart; Path=/'";
            self.execute(script, &[]).await;
        }
    }
}
