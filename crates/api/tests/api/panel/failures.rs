//! What goes wrong in the panel is a page, as everything in it is. That it is one, with all headers, is looked at on
//! every answer: `visitor::decent`.

use super::html::{main, words};
use crate::promises::raw;
use crate::support::World;
use haat_admin::Page;
use std::collections::BTreeSet;

cases! {
    what_is_not_there_is_a_page,
    every_other_method_is_a_page_that_says_which_there_are,
    a_form_that_is_too_large_is_a_page,
    who_asks_too_often_gets_a_page,
    an_address_or_head_that_is_too_long_is_a_page,
    a_list_that_is_asked_for_nonsense_says_so,
    head_is_like_get,
    what_is_our_fault_is_a_page_that_tells_nothing,
}

fn what_is_not_there_is_a_page(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    for who in [&visitor, &world.visitor()] {
        for path in
            ["/nowhere/", "/account/nowhere/", "/products/1/2/3/", "/static/x/y/", "/..%2f..%2fetc/", "/%00/"]
        {
            let answer = who.get(path).must(404);
            assert!(
                answer.text.contains(answer.header("x-request-id").unwrap()),
                "no number: {}",
                answer.text
            );
        }
    }
}

fn every_other_method_is_a_page_that_says_which_there_are(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    let pages = haat_admin::pages();
    let has = |path: &str, method: &str| {
        pages.iter().any(|page: &Page| page.path == path && page.method == *method)
    };
    let paths: BTreeSet<_> =
        pages.iter().map(|page| page.path).filter(|path| !path.starts_with("/static/")).collect();
    for path in paths {
        let here = path.replace("{id}", "1");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if has(path, method) {
                continue;
            }
            let answer = visitor.send(visitor.request(method, &here));
            // An address of two pages may be the other one's: /users/{id}/ is there for `new` as well.
            let taken = pages
                .iter()
                .any(|page| page.path != path && page.method == *method && fits(page.path, &here));
            if !taken {
                assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
                assert!(answer.header("allow").is_some(), "{method} {path}");
            }
        }
    }
}

/// Whether a path is one of such a pattern.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(part, own)| *part == own || part.starts_with('{'))
}

fn a_form_that_is_too_large_is_a_page(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    let long = "x".repeat(300 * 1024);
    visitor.post("/account/", &[("email", &long)]).must(413);
    world.visitor().post("/sign-in/", &[("username", &long)]).must(413);
    assert!(visitor.is_in());
}

fn who_asks_too_often_gets_a_page(world: &World) {
    let server = world.another(&["--limit-address", "1/3"]);
    let visitor = server.visitor();
    let answer =
        std::iter::repeat_with(|| visitor.get("/sign-in/")).take(50).find(|answer| answer.status == 429);
    let answer = answer.expect("no limit");
    assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
}

fn an_address_or_head_that_is_too_long_is_a_page(world: &World) {
    let visitor = world.visitor();
    visitor.get(&format!("/sign-in/?next={}", "x".repeat(9 * 1024))).must(414);
    let request = visitor.request("GET", "/sign-in/").header("X-Long", "x".repeat(33 * 1024));
    visitor.send(request).must(431);
}

fn a_list_that_is_asked_for_nonsense_says_so(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    let lists = ["/orders/", "/products/", "/customers/", "/users/", "/invitations/", "/audit/"];
    let pages = haat_admin::pages();
    for list in lists.into_iter().filter(|list| pages.iter().any(|page| page.path == *list)) {
        let answer = visitor.get(&format!("{list}?cursor=nonsense")).must(400);
        assert!(answer.text.contains("cursor"), "{list}: {}", answer.text);
        // A wish that nobody knows is none.
        visitor.get(&format!("{list}?unheard=of&search=")).must(200);
    }
}

fn head_is_like_get(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    let answer = crate::support::send(visitor.request("HEAD", "/account/")).must(200);
    assert_eq!((answer.header("content-type"), answer.text.as_str()), (Some(haat_admin::HTML), ""));
}

/// Neither the database's own words nor ours for the log, whether something was asked for or changed.
fn what_is_our_fault_is_a_page_that_tells_nothing(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.owner.username, "Alpha");
    let form = visitor.get("/products/new/").must(200);
    raw(world, shop.id).run("ALTER TABLE products RENAME TO hidden_products").unwrap();
    let lamp = [("name", "Lamp"), ("price", "10.00")];
    for answer in [visitor.get("/products/"), visitor.send_form(&form, "/products/new/", &lamp)] {
        let answer = answer.must(500);
        let number = answer.header("x-request-id").expect("a number").to_owned();
        let told = format!(
            "Our fault Something is wrong on our side. It was noted; nothing was changed. Back to the start \
             Sign out, or sign in as somebody else Request {number}"
        );
        assert_eq!(words(main(&answer.text)), told);
        // All of the rest is the frame of every such page, style sheet included.
        let lost = visitor.get("/nowhere/").must(404);
        let head = |page: &str| page.split("<main").next().unwrap().to_owned();
        assert_eq!(head(&answer.text).replace("Our fault", "Not found"), head(&lost.text));
        assert!(answer.text.contains("rel=\"stylesheet\""), "{}", answer.text);
    }
    raw(world, shop.id).run("ALTER TABLE hidden_products RENAME TO products").unwrap();
    visitor.get("/products/").must(200);
}
