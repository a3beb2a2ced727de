//! Pages with nothing on them say what to do, and what they offer works for whoever sees it.

use super::html::{link, links, main, words};
use super::visitor::Visitor;
use crate::support::World;
use haat_domain::audit::AuditKey;
use haat_domain::catalog::ProductKey;
use haat_domain::identity::{InvitationKey, UserKey};
use haat_domain::ids::TenantId;
use haat_domain::orders::OrderKey;
use haat_domain::page::{After, Cursor, Key, Sort, SortKey};
use haat_domain::tenancy::TenantKey;
use serde_json::json;

cases! {
    a_new_store_says_what_to_do_first,
    a_store_that_has_nobody_says_whom_to_invite,
    an_installation_without_stores_says_how_to_open_one,
    a_list_in_which_nothing_was_found_leads_back_to_all,
    a_list_behind_its_end_says_so_and_leads_back_to_its_first_page,
}

/// What a page shows in the place of a list; every link in it works.
#[track_caller]
fn nothing(visitor: &Visitor, path: &str) -> (String, Vec<String>) {
    let page = visitor.get(path).must(200).text;
    let part = page.split("<div class=\"empty\">").nth(1).unwrap_or_else(|| panic!("{path} is not empty"));
    let part = part.split("</div>").next().unwrap();
    let links = links(part);
    for (name, to) in &links {
        assert_eq!(visitor.get(to).status, 200, "{name} on {path} leads to {to}");
    }
    (words(part), links.into_iter().map(|(name, _)| name).collect())
}

fn a_new_store_says_what_to_do_first(world: &World) {
    let shop = world.open("Alpha");
    let owner = world.panel(&shop.owner.username, "Alpha");
    for visitor in [&owner, &world.panel(&shop.staff.username, "Alpha")] {
        let (said, offered) = nothing(visitor, "/products/");
        assert!(said.starts_with("No products yet Add the first one by hand"), "{said}");
        assert_eq!(offered, ["New product", "Import"]);
        let (said, offered) = nothing(visitor, "/orders/");
        assert!(said.starts_with("No orders yet"), "{said}");
        assert_eq!(offered, ["Place an order"]);
        let (said, offered) = nothing(visitor, "/");
        assert!(said.starts_with("No orders yet"), "{said}");
        assert_eq!(offered, ["See what they can order"]);
        let page = visitor.get(&format!("/customers/{}/", shop.customer.id)).must(200).text;
        assert!(words(main(&page)).contains("None yet."), "{page}");
        visitor.get(&link(main(&page), "Place an order")).must(200);
    }
    let (said, offered) = nothing(&owner, "/invitations/");
    assert!(said.starts_with("No invitations yet"), "{said}");
    assert_eq!(offered, ["Invite somebody"]);
    // Where all is archived, that is said.
    let product = shop.product("Lamp", "1.00", None);
    shop.owner.patch(&format!("/api/products/{product}/"), &json!({"status": "archived"})).must(200);
    let (said, offered) = nothing(&owner, "/products/");
    assert!(said.starts_with("Nothing here All there is, is archived"), "{said}");
    assert_eq!(offered, ["Show everything"]);
}

fn a_store_that_has_nobody_says_whom_to_invite(world: &World) {
    let admin = world.admin();
    admin.post("/api/platform/tenants/", &json!({"name": "Gamma"})).must(201);
    let visitor = world.panel("admin", "");
    visitor.keep("haat_store", "gamma");
    let (said, offered) = nothing(&visitor, "/users/");
    assert!(said.starts_with("No users yet"), "{said}");
    assert_eq!(offered, ["Invite somebody"]);
    let (said, offered) = nothing(&visitor, "/customers/");
    assert!(said.starts_with("No customers yet Customers register themselves"), "{said}");
    assert_eq!(offered, ["Add a user"]);
    for path in ["/", "/orders/", "/products/", "/invitations/"] {
        assert!(!nothing(&visitor, path).1.is_empty(), "{path}");
    }
    // Who cannot add users is not told to.
    let shop = world.open("Alpha");
    for customer in [&shop.customer, &shop.other] {
        shop.owner.delete(&format!("/api/users/{}/", customer.id)).must(204);
    }
    let (said, offered) = nothing(&world.panel(&shop.staff.username, "Alpha"), "/customers/");
    assert!(said.starts_with("No customers yet") && offered.is_empty(), "{said} {offered:?}");
}

fn an_installation_without_stores_says_how_to_open_one(world: &World) {
    world.admin();
    let (said, offered) = nothing(&world.panel("admin", ""), "/platform/tenants/");
    assert!(said.starts_with("No stores yet"), "{said}");
    assert_eq!(offered, ["Open a store"]);
}

fn a_list_in_which_nothing_was_found_leads_back_to_all(world: &World) {
    let shop = world.open("Alpha");
    shop.order(shop.product("Lamp", "1.00", None), 1);
    shop.owner.post("/api/invitations/", &json!({"email": "a@example.com", "role": "staff"})).must(201);
    world.admin();
    let (owner, admin) = (world.panel(&shop.owner.username, "Alpha"), world.panel("admin", ""));
    for (visitor, list, query) in [
        (&owner, "/products/", "search=nothing"),
        (&owner, "/orders/", "status=shipped"),
        (&owner, "/customers/", "search=nobody"),
        (&owner, "/users/", "search=nobody"),
        (&owner, "/invitations/", "status=redeemed"),
        (&owner, "/audit/", "to=2001-01-01"),
        (&admin, "/platform/tenants/", "search=nothing"),
    ] {
        let (said, offered) = nothing(visitor, &format!("{list}?{query}"));
        assert!(said.contains("match"), "{list}: {said}");
        assert_eq!(offered.len(), 1, "{list}");
        let page = visitor.get(&format!("{list}?{query}")).must(200).text;
        let all = visitor.get(&link(main(&page), &offered[0])).must(200).text;
        assert!(!super::html::rows(&all).is_empty(), "{list}: {} does not lead to all", offered[0]);
    }
}

/// A mark behind the last row of a list: what came after it has been removed since.
fn behind<K: SortKey>(tenant: TenantId, by: K, key: Key) -> String {
    // The one list that ends with the last name; all others begin with what is newest.
    let descending = !matches!(key, Key::Text(_));
    Cursor::new(tenant, Sort { by, descending }, After { key, id: 0 }).to_string()
}

fn a_list_behind_its_end_says_so_and_leads_back_to_its_first_page(world: &World) {
    let shop = world.open("Alpha");
    shop.order(shop.product("Lamp", "1.00", None), 1);
    shop.owner.post("/api/invitations/", &json!({"email": "a@example.com", "role": "staff"})).must(201);
    world.admin();
    let (owner, admin) = (world.panel(&shop.owner.username, "Alpha"), world.panel("admin", ""));
    let (here, platform) = (TenantId::new(shop.id), TenantId::PLATFORM);
    for (visitor, list, cursor) in [
        (&owner, "/products/?min_price=1&", behind(here, ProductKey::CreatedAt, Key::Number(0))),
        (&owner, "/orders/?", behind(here, OrderKey::Id, Key::Id)),
        (&owner, "/orders/?status=pending&", behind(here, OrderKey::Id, Key::Id)),
        (&owner, "/customers/?", behind(here, UserKey::Id, Key::Id)),
        (&owner, "/users/?active=true&", behind(here, UserKey::Id, Key::Id)),
        (&owner, "/invitations/?", behind(here, InvitationKey::Id, Key::Id)),
        (&owner, "/audit/?", behind(here, AuditKey::Number, Key::Number(0))),
        (&admin, "/platform/tenants/?", behind(platform, TenantKey::Id, Key::Id)),
        (&admin, "/platform/admins/?", behind(platform, UserKey::Username, Key::Text("zzz".to_owned()))),
    ] {
        let (said, offered) = nothing(visitor, &format!("{list}cursor={cursor}"));
        assert!(said.starts_with("Nothing further"), "{list}: {said}");
        assert_eq!(offered, ["« First page"], "{list}");
        let page = visitor.get(&format!("{list}cursor={cursor}")).must(200).text;
        let first = link(main(&page), "« First page");
        assert_eq!(first, list.trim_end_matches(['?', '&']), "{list}: the way back has forgotten the filter");
        assert!(!super::html::rows(&visitor.get(&first).must(200).text).is_empty(), "{list}");
    }
    // A mark that is none is no end.
    let page = owner.get("/orders/?cursor=x").must(400).text;
    assert!(words(main(&page)).contains("Nothing was looked for"), "{page}");
}
