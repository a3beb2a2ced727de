//! What the panel has a browser keep. That every cookie is guarded is looked at on every answer: `visitor::decent`.

use crate::support::{PASSWORD, World};

cases! {
    behind_a_proxy_with_tls_cookies_are_bound_to_the_host,
    without_a_trusted_proxy_nobody_can_claim_tls,
    a_cookie_that_means_nothing_is_nobodys,
    what_was_done_is_said_once,
    a_browsers_wishes_are_remembered,
}

fn behind_a_proxy_with_tls_cookies_are_bound_to_the_host(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--trusted-proxies", "1"]);
    let mut visitor = server.visitor();
    visitor.tls = true;
    let answer = visitor.sign_in(&shop.owner.username, PASSWORD, "").must(303);
    let set: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let session = set.iter().find(|cookie| cookie.starts_with("__Host-haat_session=")).expect("a session");
    assert!(session.contains("Secure") && session.contains("HttpOnly"), "{session}");
    assert!(answer.header("strict-transport-security").is_some());
    assert!(visitor.is_in());
    // A neighbour's host can plant the plain name, and it counts for nothing.
    let planted = server.visitor();
    planted.keep("haat_session", &visitor.cookie("haat_session").unwrap());
    planted.keep("haat_seed", &visitor.cookie("haat_seed").unwrap());
    let request = planted.request("GET", "/account/").header("X-Forwarded-Proto", "https");
    assert_eq!(crate::support::send(request).status, 303);
}

fn without_a_trusted_proxy_nobody_can_claim_tls(world: &World) {
    let visitor = world.visitor();
    let request = visitor.request("GET", "/sign-in/").header("X-Forwarded-Proto", "https");
    let answer = visitor.send(request).must(200);
    assert!(answer.header("set-cookie").unwrap().starts_with("haat_seed="), "{:?}", answer.headers);
    assert!(answer.header("strict-transport-security").is_none());
}

fn a_cookie_that_means_nothing_is_nobodys(world: &World) {
    let shop = world.open("Alpha");
    let good = world.panel(&shop.owner.username, "Alpha");
    let pair = good.cookie("haat_session").unwrap();
    let (access, refresh) = pair.split_once('~').unwrap();
    for bad in ["x", "~", "a~b", "a.b.c~d.e.f", access, &format!("{refresh}~{access}"), &format!("~{access}")]
    {
        let visitor = world.visitor();
        visitor.keep("haat_session", bad);
        let answer = visitor.get("/account/").must(303);
        assert!(answer.place().starts_with("/admin/sign-in/?why="), "{bad}: {}", answer.place());
    }
    assert!(good.is_in());
    for (name, value) in [
        ("haat_zone", "Nowhere/Atlantis"),
        ("haat_theme", "x\"y"),
        ("haat_flash", "hello"),
        ("haat_store", "beta"),
    ] {
        good.keep(name, value);
        assert!(good.is_in(), "{name}");
    }
}

fn what_was_done_is_said_once(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    visitor.post("/account/", &[("email", "new@example.com")]).must(303);
    let said = "Your account was changed.";
    assert!(visitor.get("/account/").must(200).text.contains(said));
    assert!(!visitor.get("/account/").must(200).text.contains(said));
    visitor.keep("haat_flash", "Your account is locked, call 555-1234");
    assert!(!visitor.get("/account/").must(200).text.contains("555-1234"));
}

fn a_browsers_wishes_are_remembered(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    visitor.post("/account/preferences/", &[("zone", "Asia/Kolkata"), ("theme", "dark")]).must(303);
    assert!(visitor.get("/account/").must(200).text.contains("data-theme=\"dark\""));
    visitor.post("/account/preferences/", &[("zone", "no/where"), ("theme", "auto")]).must(303);
    let page = visitor.get("/account/").must(200).text;
    assert!(!page.contains("data-theme"), "{page}");
    let fields = super::html::form(&page, "/admin/account/preferences/").unwrap();
    assert!(fields.contains(&("zone".to_owned(), "Asia/Kolkata".to_owned())), "{fields:?}");
}
