//! Signing in.

use crate::promises::slowdown::set_wait;
use crate::support::{PASSWORD, World};

cases! {
    whoever_runs_a_store_comes_in_and_a_customer_does_not,
    a_wrong_password_and_an_unknown_name_look_the_same,
    one_is_led_to_the_page_that_was_asked_for,
    nobody_is_led_out_of_the_panel,
    too_many_wrong_passwords_slow_the_door_down,
    a_cookie_does_not_open_the_api_and_a_token_not_the_panel,
    whoever_is_signed_in_has_no_business_at_the_door,
    what_was_typed_comes_back_as_text_but_for_the_password,
}

fn whoever_runs_a_store_comes_in_and_a_customer_does_not(world: &World) {
    let shop = world.open("Alpha");
    world.admin();
    for name in [&shop.owner.username, &shop.staff.username, "admin"] {
        let visitor = world.visitor();
        let answer = visitor.sign_in(name, PASSWORD, "").must(303);
        assert_eq!(answer.place(), "/admin/");
        assert!(visitor.is_in());
    }
    let visitor = world.visitor();
    let answer = visitor.sign_in(&shop.customer.username, PASSWORD, "Alpha").must(403);
    assert!(answer.text.contains("Your account is a customer"), "{}", answer.text);
    assert_eq!(visitor.cookie("haat_session"), None);
    assert_eq!(visitor.get("/account/").status, 303);
    // Elsewhere they are as welcome as ever.
    shop.customer.get("/api/auth/me/").must(200);
}

fn a_wrong_password_and_an_unknown_name_look_the_same(world: &World) {
    let shop = world.open("Alpha");
    let page = |username: &str, password: &str| {
        let visitor = world.visitor();
        visitor.keep("haat_seed", "0123456789abcdef0123456789abcdef");
        let answer = visitor.sign_in(username, password, "").must(401);
        assert_eq!(visitor.cookie("haat_session"), None);
        let (status, headers, text) = answer.page_essence();
        (status, headers, text.replace(username, "(name)"))
    };
    let wrong = page(&shop.owner.username, "wrong");
    // As long as the owner's name, for what was typed is on the page again.
    for (username, password) in
        [("nobody.else", "wrong"), ("no username", "wrong"), (&shop.owner.username, "")]
    {
        assert_eq!(page(username, password), wrong, "{username}");
    }
}

fn one_is_led_to_the_page_that_was_asked_for(world: &World) {
    let shop = world.open("Alpha");
    for asked in ["/account/", "/orders/?status=pending&search=a%20b"] {
        let visitor = world.visitor();
        let door = visitor.get(asked).must(303);
        let query = door.place().strip_prefix("/admin").unwrap().to_owned();
        let page = visitor.get(&query).must(200);
        let fields = super::html::form(&page.text, "/admin/sign-in/").unwrap();
        let next = fields.into_iter().find(|(name, _)| name == "next").unwrap().1;
        assert_eq!(next, format!("/admin{asked}"));
        let wish = [("next", next.as_str()), ("username", &shop.owner.username), ("password", PASSWORD)];
        assert_eq!(visitor.post("/sign-in/", &wish).must(303).place(), format!("/admin{asked}"));
    }
}

fn nobody_is_led_out_of_the_panel(world: &World) {
    let shop = world.open("Alpha");
    for next in [
        "//evil.example/",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/admin\\..\\x",
        "/admin//evil.example",
        "/admin/\\evil.example",
        "/admin/\r\nSet-Cookie: a=b",
        "/admin/\t/evil.example",
        "/admin/ /",
        "/administration/",
        "/admin@evil.example/",
        "/admin.evil.example/",
        "/api/products/",
        " /admin/account/",
        "/admin",
        "",
    ] {
        let visitor = world.visitor();
        visitor.get("/sign-in/").must(200);
        let wish = [("next", next), ("username", &shop.owner.username), ("password", PASSWORD)];
        assert_eq!(visitor.post("/sign-in/", &wish).must(303).place(), "/admin/", "{next:?}");
    }
}

fn too_many_wrong_passwords_slow_the_door_down(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--free-failures", "3"]);
    let visitor = server.visitor();
    for _ in 0..4 {
        visitor.sign_in(&shop.owner.username, "wrong", "").must(401);
    }
    set_wait(world, 10);
    // The right one does not help now, and is not told from a wrong one.
    for password in ["wrong", PASSWORD] {
        let answer = visitor.sign_in(&shop.owner.username, password, "").must(429);
        let wait = answer.header("retry-after").expect("how long").parse::<u32>().unwrap();
        assert!((500..=900).contains(&wait), "{wait}");
        assert!(answer.text.contains("seconds, then try again."), "{}", answer.text);
    }
    set_wait(world, -1);
    visitor.sign_in(&shop.owner.username, PASSWORD, "").must(303);
}

fn a_cookie_does_not_open_the_api_and_a_token_not_the_panel(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    for (method, path) in [("GET", "/api/auth/me/"), ("GET", "/api/products/"), ("POST", "/api/products/")] {
        let request = world.anonymous().request(method, path).header("Cookie", visitor.cookies());
        crate::support::send(request).refused(401, "not_authenticated");
    }
    let stranger = world.visitor();
    let token = shop.owner.token.clone().unwrap();
    let answer = stranger.send(stranger.request("GET", "/account/").bearer_auth(&token));
    assert_eq!((answer.status, answer.place().contains("why=not_authenticated")), (303, true));
    assert!(stranger.cookie("haat_session").is_none());
}

fn whoever_is_signed_in_has_no_business_at_the_door(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    assert_eq!(visitor.get("/sign-in/").must(303).place(), "/admin/");
    // Somebody who has just been sent there must see why, even if the session is good again.
    visitor.get("/sign-in/?why=store_suspended").must(200);
}

fn what_was_typed_comes_back_as_text_but_for_the_password(world: &World) {
    let visitor = world.visitor();
    visitor.get("/sign-in/").must(200);
    let bad = "\"><script>1</script><img src=x onerror=1>'";
    let wish = [("next", bad), ("username", bad), ("password", "secret<script>"), ("store", bad)];
    let page = visitor.post("/sign-in/", &wish).must(401);
    let fields = super::html::form(&page.text, "/admin/sign-in/").unwrap();
    for (name, value) in fields.iter().filter(|(name, _)| name != "form_token") {
        assert_eq!(value, if name == "password" { "" } else { bad }, "{name}");
    }
    assert!(!page.text.contains("secret"), "{}", page.text);
}
