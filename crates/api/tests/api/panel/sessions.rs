//! The session in a cookie: how it goes on, and how it ends.

use super::html::{form, main, words};
use super::visitor::Visitor;
use crate::attacks::tokens::{but, claims, header, sign};
use crate::support::{KEY, PASSWORD, Shop, World};
use serde_json::json;

cases! {
    an_old_access_token_is_renewed_by_the_refresh_token,
    two_requests_with_the_same_old_cookie_both_work,
    a_refresh_token_from_long_ago_ends_the_session,
    signing_out_ends_this_session_alone,
    signing_out_everywhere_ends_the_programs_sessions_too,
    a_new_password_ends_every_other_session,
    whoever_is_deactivated_is_out_on_the_next_page,
    whoever_is_demoted_may_less_on_the_next_page,
    whose_store_is_suspended_is_out_on_the_next_page,
    a_removed_user_is_out_on_the_next_page,
    an_admin_enters_a_store_and_leaves_it,
    what_was_typed_when_a_session_ended_is_shown_at_the_door_and_not_sent,
    what_cannot_be_shown_at_the_door_is_told_to_be_lost,
}

/// Has the access token of a browser grow old, as it does after some minutes.
fn age(visitor: &Visitor) {
    let pair = visitor.cookie("haat_session").unwrap();
    let (access, refresh) = pair.split_once('~').unwrap();
    let good = claims(access);
    let then = good["iat"].as_i64().unwrap() - 3600;
    let old = but(&but(&but(&good, "iat", json!(then)), "nbf", json!(then)), "exp", json!(then + 300));
    visitor.keep("haat_session", &format!("{}~{refresh}", sign(&header(access), &old, KEY)));
}

fn owner(world: &World) -> (Shop, Visitor) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    (shop, visitor)
}

fn an_old_access_token_is_renewed_by_the_refresh_token(world: &World) {
    let (shop, visitor) = owner(world);
    let token = visitor.token();
    for _ in 0..3 {
        age(&visitor);
        let old = visitor.cookie("haat_session").unwrap();
        visitor.get("/account/").must(200);
        assert_ne!(visitor.cookie("haat_session").unwrap(), old);
    }
    assert_eq!(visitor.token(), token, "a form that is open must outlive it");
    age(&visitor);
    visitor.post("/account/", &[("email", "renewed@example.com")]).must(303);
    assert_eq!(shop.owner.get("/api/auth/me/").must(200).json["email"], "renewed@example.com");
    // A page that anybody may see renews nothing, and one that fails does.
    age(&visitor);
    let old = visitor.cookie("haat_session").unwrap();
    visitor.get("/users/876543219/").must(404);
    assert_ne!(visitor.cookie("haat_session").unwrap(), old, "the new pair is lost with the failure");
    assert!(visitor.is_in());
}

fn two_requests_with_the_same_old_cookie_both_work(world: &World) {
    let (_shop, visitor) = owner(world);
    age(&visitor);
    let tabs: Vec<_> = (0..4).map(|_| visitor.clone()).collect();
    let tabs: Vec<_> = std::thread::scope(|scope| {
        let opened: Vec<_> = tabs
            .into_iter()
            .map(|tab| {
                scope.spawn(move || {
                    tab.get("/account/").must(200);
                    tab
                })
            })
            .collect();
        opened.into_iter().map(|tab| tab.join().unwrap()).collect()
    });
    // Whichever answer the browser has kept last.
    for tab in tabs {
        assert!(tab.is_in());
        age(&tab);
        assert!(tab.is_in());
    }
}

fn a_refresh_token_from_long_ago_ends_the_session(world: &World) {
    let (shop, visitor) = owner(world);
    let stolen = visitor.clone();
    age(&stolen);
    for _ in 0..2 {
        age(&visitor);
        visitor.get("/account/").must(200);
    }
    let other = world.panel(&shop.owner.username, "Alpha");
    let answer = stolen.get("/account/").must(303);
    assert!(answer.place().contains("why=token_not_valid"), "{}", answer.place());
    assert!(!visitor.is_in(), "whoever holds the newer token may be the thief");
    assert!(other.is_in());
}

fn signing_out_ends_this_session_alone(world: &World) {
    let (shop, visitor) = owner(world);
    let (before, other) = (visitor.clone(), world.panel(&shop.owner.username, "Alpha"));
    let answer = visitor.post("/sign-out/", &[("", "")]).must(303);
    assert_eq!(answer.place(), "/admin/sign-in/");
    assert_eq!(visitor.cookie("haat_session"), None);
    assert!(visitor.get("/sign-in/").must(200).text.contains("You are signed out."));
    // The cookie that somebody has copied is worth nothing either, fresh or old.
    assert!(!before.is_in());
    age(&before);
    assert!(!before.is_in());
    assert!(other.is_in());
    shop.owner.get("/api/auth/me/").must(200);
}

fn signing_out_everywhere_ends_the_programs_sessions_too(world: &World) {
    let (shop, visitor) = owner(world);
    let (other, staff) =
        (world.panel(&shop.owner.username, "Alpha"), world.panel(&shop.staff.username, "Alpha"));
    visitor.post("/account/sign-out-everywhere/", &[("", "")]).must(303);
    assert!(!visitor.is_in() && !other.is_in() && staff.is_in());
    shop.owner.get("/api/auth/me/").refused(401, "token_not_valid");
}

fn a_new_password_ends_every_other_session(world: &World) {
    let (shop, visitor) = owner(world);
    let other = world.panel(&shop.owner.username, "Alpha");
    let change = |old: &str, new: &str, again: &str| {
        let wish = [("old_password", old), ("new_password", new), ("new_password_again", again)];
        visitor.post("/account/password/", &wish)
    };
    let new = "battery staple 9";
    for (old, first, second) in
        [("wrong", new, new), (PASSWORD, new, "battery staple 8"), (PASSWORD, "short", "short")]
    {
        let answer = change(old, first, second).must(400);
        assert!(!answer.text.contains("staple") && !answer.text.contains(PASSWORD), "{}", answer.text);
    }
    assert!(other.is_in());
    change(PASSWORD, new, new).must(303);
    assert!(visitor.is_in() && !other.is_in());
    shop.owner.get("/api/auth/me/").must(401);
    world.visitor().sign_in(&shop.owner.username, PASSWORD, "").must(401);
    world.visitor().sign_in(&shop.owner.username, new, "").must(303);
}

fn whoever_is_deactivated_is_out_on_the_next_page(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let path = format!("/api/users/{}/", shop.staff.id);
    shop.owner.patch(&path, &json!({"is_active": false})).must(200);
    let answer = visitor.get("/account/").must(303);
    assert!(answer.place().contains("why=account_inactive"), "{}", answer.place());
    let door = visitor.get(answer.place().strip_prefix("/admin").unwrap()).must(200);
    assert!(door.text.contains("This account is deactivated."), "{}", door.text);
    world.visitor().sign_in(&shop.staff.username, PASSWORD, "").must(401);
}

fn whoever_is_demoted_may_less_on_the_next_page(world: &World) {
    let shop = world.open("Alpha");
    let body =
        json!({"username": "second", "password": PASSWORD, "role": "owner", "email": "second@example.com"});
    let second = shop.owner.post("/api/users/", &body).must(201).id();
    let visitor = world.panel("second", "Alpha");
    visitor.get("/users/").must(200);
    let become_a =
        |role: &str| shop.owner.patch(&format!("/api/users/{second}/"), &json!({"role": role})).must(200);
    become_a("staff");
    // Whether a change of role ends the session or only narrows it: they see no users any more.
    assert!(matches!(visitor.get("/users/").status, 303 | 403));
    let visitor = world.panel("second", "Alpha");
    visitor.get("/users/").must(403);
    visitor.get("/orders/").must(200);
    become_a("customer");
    assert!(matches!(visitor.get("/orders/").status, 303 | 403));
    world.visitor().sign_in("second", PASSWORD, "Alpha").must(403);
}

fn whose_store_is_suspended_is_out_on_the_next_page(world: &World) {
    let ((shop, visitor), admin) = (owner(world), world.admin());
    let set =
        |what: &str| admin.post(&format!("/api/platform/tenants/{}/{what}/", shop.id), &json!({})).must(200);
    set("suspend");
    let answer = visitor.get("/account/").must(303);
    assert!(answer.place().contains("why=store_suspended"), "{}", answer.place());
    age(&visitor);
    assert!(visitor.get("/account/").must(303).place().contains("why=store_suspended"));
    let answer = world.visitor().sign_in(&shop.owner.username, PASSWORD, "");
    assert!(matches!(answer.status, 401 | 403), "{}", answer.text);
    set("resume");
    assert!(visitor.is_in(), "a session that could not be used was not used up");
}

fn a_removed_user_is_out_on_the_next_page(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.staff.username, "Alpha");
    shop.owner.delete(&format!("/api/users/{}/", shop.staff.id)).must(204);
    assert_eq!(visitor.get("/account/").status, 303);
}

/// Through the panel's own buttons, and into the store's audit log.
fn an_admin_enters_a_store_and_leaves_it(world: &World) {
    let (shop, _admin) = (world.open("Alpha"), world.admin());
    let visitor = world.panel("admin", "");
    visitor.get("/orders/").must(403);
    let enter = format!("/platform/tenants/{}/enter/", shop.id);
    assert_eq!(visitor.post(&enter, &[("", "")]).must(303).place(), "/admin/");
    assert_eq!(visitor.cookie("haat_store").as_deref(), Some("alpha"));
    let page = visitor.get("/orders/").must(200);
    assert!(page.text.contains("as a platform admin"), "no banner: {}", page.text);
    let log = shop.owner.get("/api/audit/?limit=50").must(200).text;
    assert!(log.contains("tenant.enter") || log.contains("store.entered") || log.contains("enter"), "{log}");
    visitor.post("/platform/leave/", &[("", "")]).must(303);
    assert_eq!(visitor.cookie("haat_store"), None);
    visitor.get("/orders/").must(403);
    // A store that there is not.
    visitor.keep("haat_store", "no-such-store");
    assert!((400..500).contains(&visitor.get("/orders/").status));
}

fn what_was_typed_when_a_session_ended_is_shown_at_the_door_and_not_sent(world: &World) {
    let (shop, visitor) = owner(world);
    let typed = [("name", "<i>Lamp</i> & more"), ("description", "Two\nlines"), ("price", "12.50")];
    // The session has ended on the server; the cookies are gone from the browser as well.
    for gone in [false, true] {
        let page = visitor.get("/products/new/").must(200);
        visitor.clone().post("/sign-out/", &[("", "")]).must(303);
        if gone {
            visitor.keep("haat_session", "");
            visitor.keep("haat_seed", "");
        }
        let door = visitor.send_form(&page, "/products/new/", &typed).must(401);
        let said = words(main(&door.text));
        assert!(said.contains("what you sent was not saved"), "{said}");
        for told in ["Name <i>Lamp</i> & more", "Description Two", "Price 12.50"] {
            assert!(said.contains(told), "{said}");
        }
        // Whoever signs in there sends their name and password, and nothing besides.
        let sent = form(&door.text, "/admin/sign-in/").unwrap();
        assert!(sent.iter().all(|(_, value)| !value.contains("Lamp")), "{sent:?}");
        let login = [("username", shop.owner.username.as_str()), ("password", PASSWORD), ("store", "Alpha")];
        assert_eq!(visitor.send_form(&door, "/sign-in/", &login).must(303).place(), "/admin/");
        assert_eq!(shop.owner.get("/api/products/").must(200).json, json!([]));
    }
    // A password is shown nowhere, and what another site has somebody send is not shown at all.
    let page = visitor.get("/users/new/").must(200);
    visitor.clone().post("/sign-out/", &[("", "")]).must(303);
    let own = [("username", "someone"), ("email", "s@example.com"), ("password", "a wall of 8 bricks")];
    let door = visitor.send_form(&page, "/users/new/", &own).must(401);
    assert!(door.text.contains("someone") && !door.text.contains("8 bricks"), "{}", door.text);
    visitor.keep("haat_session", "");
    let foreign = visitor.filled("", "/users/new/", &own).header("Sec-Fetch-Site", "cross-site");
    let door = visitor.send(foreign).must(303);
    assert_eq!(door.place(), "/admin/sign-in/?why=not_authenticated&next=&lost=true");
}

fn what_cannot_be_shown_at_the_door_is_told_to_be_lost(world: &World) {
    let (_shop, visitor) = owner(world);
    let page = visitor.get("/products/new/").must(200);
    visitor.clone().post("/sign-out/", &[("", "")]).must(303);
    let file =
        visitor.post("/products/import/", &[("do", "import"), ("file", "name,price\nLamp,1\n")]).must(303);
    let button = visitor.post("/products/1/delete/", &[("", "")]).must(303);
    // Who wanted to go out is out.
    let out = visitor.post("/sign-out/", &[("", "")]).must(303);
    assert!(!visitor.follow(&out).must(200).text.contains("not saved"));
    visitor.keep("haat_session", "");
    let long = "\u{0939}".repeat(20_000);
    let product = [("name", "Lamp"), ("price", "1.00"), ("description", long.as_str())];
    let long = visitor.send_form(&page, "/products/new/", &product).must(303);
    for lost in [file, button, long] {
        let said = visitor.follow(&lost).must(200).text;
        assert!(words(main(&said)).contains("What you sent was not saved."), "{said}");
    }
}
