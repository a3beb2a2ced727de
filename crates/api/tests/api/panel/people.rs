//! People: who comes in at which store, who is made, changed, invited and turned away.

use super::html::{link, main, rows, section, words};
use crate::support::{PASSWORD, World};
use serde_json::json;

cases! {
    whoever_has_accounts_in_several_stores_names_the_store,
    a_user_who_was_added_can_sign_in_as_what_they_are,
    a_user_is_changed_by_the_form_alone_that_was_filled_in,
    an_account_that_somebody_else_has_changed_is_not_overwritten,
    the_last_owner_stays,
    whoever_is_invited_joins_once,
    an_invitation_that_was_taken_back_is_worth_nothing,
    settings_change_the_store,
    the_audit_log_is_filtered,
}

/// The names in the first column.
fn names(page: &str) -> Vec<String> {
    rows(page).into_iter().map(|mut row| row.remove(0)).collect()
}

fn whoever_has_accounts_in_several_stores_names_the_store(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let make = |shop: &crate::support::Shop, password: &str| {
        let body =
            json!({"username": "twice", "email": "twice@example.com", "password": password, "role": "staff"});
        shop.owner.post("/api/users/", &body).must(201);
    };
    let (first, second) = ("the first of 2 bricks", "the second of 2 bricks");
    make(&one, first);
    make(&two, second);
    let home = |password: &str, store: &str| {
        let visitor = world.visitor();
        visitor.sign_in("twice", password, store).must(303);
        words(&visitor.get("/").must(200).text)
    };
    assert!(home(second, "Beta").contains("Beta") && home(second, "beta").contains("Beta"));
    assert!(home(first, "Alpha").contains("Alpha"));
    // The password of one store opens no other; and whoever named none is asked for it.
    for (password, store) in [(second, ""), (second, "Alpha"), (first, "Beta"), (first, "Nowhere")] {
        let visitor = world.visitor();
        let refused = visitor.sign_in("twice", password, store).must(401);
        assert!(words(main(&refused.text)).contains("name the store as well"), "{}", refused.text);
        assert_eq!(visitor.cookie("haat_session"), None, "{store}");
    }
}

fn a_user_who_was_added_can_sign_in_as_what_they_are(world: &World) {
    let shop = world.open("Alpha");
    let owner = world.panel(&shop.owner.username, "Alpha");
    let page = owner.get("/users/new/").must(200);
    let wish = [("username", "packer"), ("email", "packer@example.com"), ("password", "a wall of 8 bricks")];
    let made = owner.send_form(&page, "/users/new/", &wish).must(303);
    assert!(owner.follow(&made).must(200).text.contains("The user was created."));
    // The form asks for staff unless somebody chooses otherwise, and makes one user however often it is sent.
    assert_eq!(owner.send_form(&page, "/users/new/", &wish).must(303).place(), made.place());
    let staff = owner.get("/users/?role=staff").must(200).text;
    assert_eq!(names(&staff), ["packer", shop.staff.username.as_str()]);
    let packer = world.visitor();
    packer.sign_in("packer", "a wall of 8 bricks", "").must(303);
    packer.get("/orders/").must(200);
    packer.get("/users/").must(403);
    for (field, value, fault) in [
        ("username", "packer", "Is taken: choose another."),
        ("email", "packer@example.com", "Is taken: choose another."),
        ("password", "short", "8"),
    ] {
        let fresh =
            [("username", "other"), ("email", "fresh@example.com"), ("password", "a wall of 9 bricks")];
        let wish = fresh.map(|(name, own)| (name, if name == field { value } else { own }));
        let refused = owner.fill_in("/users/new/", "/users/new/", &wish).must(400);
        assert!(words(main(&refused.text)).contains(fault), "{field}: {}", refused.text);
        assert!(!refused.text.contains("bricks"), "a password comes back");
    }
}

fn a_user_is_changed_by_the_form_alone_that_was_filled_in(world: &World) {
    let shop = world.open("Alpha");
    let owner = world.panel(&shop.owner.username, "Alpha");
    let staff = world.panel(&shop.staff.username, "Alpha");
    let path = format!("/users/{}/", shop.staff.id);
    let now = || shop.owner.get(&format!("/api{path}")).must(200).json;
    owner.fill_in(&path, &path, &[("email", "new@example.com")]).must(303);
    assert_eq!((now()["email"].as_str(), now()["role"].as_str()), (Some("new@example.com"), Some("staff")));
    assert!(staff.is_in(), "a new address ends no session");
    owner.fill_in(&path, &path, &[("active", "")]).must(303);
    assert!(!staff.is_in());
    world.visitor().sign_in(&shop.staff.username, PASSWORD, "").must(401);
    owner.fill_in(&path, &path, &[("active", "true"), ("password", "a wall of 9 bricks")]).must(303);
    world.visitor().sign_in(&shop.staff.username, PASSWORD, "").must(401);
    let staff = world.visitor();
    staff.sign_in(&shop.staff.username, "a wall of 9 bricks", "").must(303);
    owner.fill_in(&path, &path, &[("role", "customer")]).must(303);
    assert!(matches!(staff.get("/orders/").status, 303 | 403));
    let delete = format!("{path}delete/");
    owner.fill_in(&delete, &delete, &[]).must(303);
    owner.get(&path).must(404);
    world.visitor().sign_in(&shop.staff.username, "a wall of 9 bricks", "").must(401);
}

fn an_account_that_somebody_else_has_changed_is_not_overwritten(world: &World) {
    let shop = world.open("Alpha");
    let owner = world.panel(&shop.owner.username, "Alpha");
    let path = format!("/users/{}/", shop.staff.id);
    let seen = owner.get(&path).must(200);
    shop.owner.patch(&format!("/api{path}"), &json!({"role": "customer"})).must(200);
    let late = owner.send_form(&seen, &path, &[("role", "owner")]).must(409);
    assert!(words(main(&late.text)).contains("As it is now"), "{}", late.text);
    let role = || shop.owner.get(&format!("/api{path}")).must(200).text_of("role").to_owned();
    assert_eq!(role(), "customer");
    owner.send_form(&late, &path, &[]).must(303);
    assert_eq!(role(), "owner", "who has seen it may insist");
}

fn the_last_owner_stays(world: &World) {
    let shop = world.open("Alpha");
    let owner = world.panel(&shop.owner.username, "Alpha");
    let path = format!("/users/{}/", shop.owner.id);
    let delete = format!("{path}delete/");
    let kept = |answer: crate::support::Answer| {
        let said = words(main(&answer.must(409).text));
        assert!(said.contains("A store keeps at least one active owner."), "{said}");
        assert!(owner.is_in());
        let me = shop.owner.get("/api/auth/me/").must(200).json;
        assert_eq!((me["role"].as_str(), me["is_active"].as_bool()), (Some("owner"), Some(true)));
    };
    kept(owner.fill_in(&path, &path, &[("role", "staff")]));
    kept(owner.fill_in(&path, &path, &[("active", "")]));
    kept(owner.fill_in(&delete, &delete, &[]));
    // An owner who may not sign in is none.
    let body =
        json!({"username": "second", "email": "second@example.com", "password": PASSWORD, "role": "owner"});
    let second = shop.owner.post("/api/users/", &body).must(201).id();
    let other = format!("/users/{second}/");
    owner.fill_in(&other, &other, &[("active", "")]).must(303);
    kept(owner.fill_in(&path, &path, &[("role", "staff")]));
    owner.fill_in(&other, &other, &[("active", "true")]).must(303);
    owner.fill_in(&path, &path, &[("role", "staff")]).must(303);
    assert_eq!(names(&world.panel("second", "Alpha").get("/users/?role=owner").must(200).text), ["second"]);
}

fn whoever_is_invited_joins_once(world: &World) {
    let shop = world.open("Alpha");
    let owner = world.panel(&shop.owner.username, "Alpha");
    let wish = [("email", "new@example.com"), ("role", "staff")];
    let made = owner.fill_in("/invitations/new/", "/invitations/new/", &wish).must(201);
    let said = words(main(&made.text));
    let link = said.split(' ').find(|word| word.contains("/join/?token=")).expect("a link").to_owned();
    let path = link.split_once("/admin").unwrap().1.to_owned();
    let list = || rows(&owner.get("/invitations/").must(200).text);
    assert_eq!(list()[0][..3], ["new@example.com", "staff", "pending"]);
    assert!(!owner.get("/invitations/").must(200).text.contains("token="), "the link is shown once");

    let new = world.visitor();
    let join = |email: &str| {
        let own = [("username", "newcomer"), ("password", "a wall of 8 bricks"), ("email", email)];
        new.fill_in(&path, "/join/", &own)
    };
    join("other@example.com").must(403);
    let joined = join("new@example.com").must(303);
    assert!(new.follow(&joined).must(200).text.contains("Welcome. Sign in with what you have chosen."));
    new.sign_in("newcomer", "a wall of 8 bricks", "").must(303);
    new.get("/orders/").must(200);
    new.get("/users/").must(403);
    assert_eq!(list()[0][2], "redeemed");
    let again = [("username", "another"), ("password", "a wall of 8 bricks"), ("email", "new@example.com")];
    world.visitor().fill_in(&path, "/join/", &again).must(403);
}

fn an_invitation_that_was_taken_back_is_worth_nothing(world: &World) {
    let shop = world.open("Alpha");
    let body = json!({"email": "new@example.com", "role": "owner"});
    let made = shop.owner.post("/api/invitations/", &body).must(201);
    let owner = world.panel(&shop.owner.username, "Alpha");
    let path = format!("/invitations/{}/revoke/", made.id());
    let back = owner.fill_in("/invitations/?status=pending", &path, &[]).must(303);
    let list = owner.follow(&back).must(200).text;
    assert!(list.contains("The invitation was taken back."), "{list}");
    assert_eq!(rows(&list)[0][2], "revoked");
    assert!(super::html::form(&list, &format!("/admin{path}")).is_none(), "there is nothing to take back");
    assert_eq!(rows(&owner.get("/invitations/?status=pending").must(200).text).len(), 0);
    let own = [("username", "newcomer"), ("password", "a wall of 8 bricks"), ("email", "new@example.com")];
    let join = format!("/join/?token={}", made.text_of("token"));
    world.visitor().fill_in(&join, "/join/", &own).must(403);
}

fn settings_change_the_store(world: &World) {
    let shop = world.open("Alpha");
    world.open("Beta");
    let owner = world.panel(&shop.owner.username, "Alpha");
    let seen = owner.get("/store/").must(200);
    let saved = owner.send_form(&seen, "/store/", &[("name", "Omega"), ("currency", "EUR")]).must(303);
    let page = owner.follow(&saved).must(200).text;
    assert!(
        page.contains("The settings were changed.")
            && page.contains("<title>Settings · Omega · Haat</title>")
    );
    let now = || shop.owner.get("/api/store/").must(200).json;
    assert_eq!((now()["name"].as_str(), now()["currency"].as_str()), (Some("Omega"), Some("EUR")));
    // What was made from the page of before changes nothing that somebody else has changed.
    let late = owner.send_form(&seen, "/store/", &[("name", "Sigma")]).must(409);
    assert!(words(main(&late.text)).contains("As it is now: Omega, EUR"), "{}", late.text);
    let taken = owner.fill_in("/store/", "/store/", &[("name", "Beta")]).must(409);
    assert!(words(main(&taken.text)).contains("Is taken: choose another."), "{}", taken.text);
    shop.product("Lamp", "1.00", None);
    let priced = owner.fill_in("/store/", "/store/", &[("currency", "INR")]).must(409);
    assert!(words(main(&priced.text)).contains("Cannot be changed while the store has products."));
    assert_eq!((now()["name"].as_str(), now()["currency"].as_str()), (Some("Omega"), Some("EUR")));
    // Money is shown as the store has it now.
    let today = words(section(&owner.get("/").must(200).text, "Today"));
    assert!(today.contains("€0.00"), "{today}");
}

fn the_audit_log_is_filtered(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Lamp", "1.00", Some(9));
    let made = shop.staff.post("/api/products/", &json!({"name": "Cup", "price": "1.00"})).must(201);
    let order = shop.order(product, 2);
    shop.staff.patch(&format!("/api/orders/{order}/"), &json!({"status": "confirmed"})).must(200);
    let owner = world.panel(&shop.owner.username, "Alpha");
    let found = |query: &str| -> Vec<[String; 3]> {
        let page = owner.get(&format!("/audit/?{query}")).must(200).text;
        let told = |row: Vec<String>| [2, 3, 4].map(|column: usize| row[column].clone());
        rows(&page).into_iter().map(told).collect()
    };
    let entry = |who: &crate::support::User, role: &str, what: &str, to: &str| {
        [format!("{} {role}", who.username), what.to_owned(), to.to_owned()]
    };
    let placed = entry(&shop.customer, "customer", "order.place", &format!("order {order}"));
    let moved = entry(&shop.staff, "staff", "order.update", &format!("order {order}"));
    let added = entry(&shop.staff, "staff", "product.create", &format!("product {}", made.id()));
    let all = found("");
    assert_eq!(all[..3], [moved.clone(), placed.clone(), added.clone()]);
    assert!(all.len() > 3);
    assert_eq!(found(&format!("by={}", shop.staff.username)), [moved.clone(), added.clone()]);
    assert_eq!(found(&format!("kind=order&object={order}")), [moved, placed.clone()]);
    assert_eq!(found("action=order.place"), [placed]);
    assert_eq!(found(&format!("request={}", made.header("x-request-id").unwrap())), [added]);
    assert_eq!(found("from=2001-01-01"), all);
    assert_eq!(found("to=2001-01-01"), [[""; 3]; 0]);
    // Who came from the platform, or is gone, is found by a click on their name.
    world.admin();
    let admin = world.panel("admin", "");
    admin.keep("haat_store", &shop.slug);
    admin.get("/orders/").must(200);
    // A customer may be called like somebody's number.
    let number = json!({"username": shop.staff.id.to_string(), "email": "n@example.com", "password": PASSWORD, "role": "customer"});
    shop.owner.post("/api/users/", &number).must(201);
    shop.owner.delete(&format!("/api/users/{}/", shop.staff.id)).must(204);
    let log = owner.get("/audit/").must(200).text;
    for (name, wanted) in [("admin", 1), (shop.staff.username.as_str(), 2)] {
        let theirs = owner.get(&link(main(&log), name)).must(200).text;
        let who: Vec<_> = rows(&theirs).into_iter().map(|row| row[2].clone()).collect();
        assert!(who.len() >= wanted && who.iter().all(|one| one.starts_with(name)), "{name}: {who:?}");
    }
    for bad in ["by=nobody", "by=%23x", "action=order.eat", "kind=cup", "object=x", "from=yesterday"] {
        let page = owner.get(&format!("/audit/?{bad}")).must(400).text;
        assert_eq!(
            rows(&page).len(),
            0,
            "{bad}: a list that leaves a wish out would be taken for its answer"
        );
    }
}
