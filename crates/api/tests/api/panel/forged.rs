//! Forms that did not come from a page of this panel, in this session.

use super::forms::Clerk;
use super::visitor::{Visitor, token};
use crate::support::{Shop, User, World};
use crate::walls::maker::Maker;
use actix_web::http::Method;
use haat_admin::Rule;
use haat_domain::authz::{Realm, Role, Verdict, verdict};
use serde_json::Value;

cases! {
    a_form_without_this_sessions_token_changes_nothing,
    what_a_browser_says_to_come_from_elsewhere_changes_nothing,
    the_token_on_the_pages_is_this_sessions,
    a_token_from_before_signing_in_is_worth_nothing_afterwards,
    the_door_asks_for_its_token_as_well,
}

/// All that a form could have changed: every change is in an audit log, and every end of a session is felt.
fn state(shop: &Shop, admin: &User, visitor: &Visitor) -> (Value, Value, bool) {
    let log = shop.owner.get("/api/audit/?limit=5").must(200).json;
    (log, admin.get("/api/platform/tenants/?limit=200").must(200).json, visitor.is_in())
}

/// Every form of the panel, as somebody for whom it would work: the store's owner, or a platform admin.
fn forms(world: &World, check: impl Fn(&Visitor, &str, &[(String, String)], &dyn Fn())) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    world.admin_named("second");
    let (maker, clerk) = (Maker::new(world, &admin), Clerk::default());
    let owner = world.panel(&shop.owner.username, &shop.name);
    let operator = world.panel("second", "");
    for page in haat_admin::pages() {
        if page.method != Method::POST || page.rule == Rule::Open {
            continue;
        }
        let platform = matches!(page.rule, Rule::Needs(action)
            if action.realm() == Realm::Platform && verdict(Role::Owner, action) == Verdict::Deny);
        let visitor = if platform { &operator } else { &owner };
        let kind = page.path.replacen('/', "/api/", 1);
        let id =
            if page.path.contains("{id}") { maker.thing(&kind, &shop).to_string() } else { String::new() };
        let path = page.path.replace("{id}", &id);
        let fields = clerk.fill(visitor, page.path, &path, &shop, &shop.owner.username);
        let before = state(&shop, &admin, visitor);
        let same = || assert_eq!(state(&shop, &admin, visitor), before, "{path} has done something");
        check(visitor, &path, &fields, &same);
    }
}

fn a_form_without_this_sessions_token_changes_nothing(world: &World) {
    let mallory = world.open("Mallory");
    let theirs = world.panel(&mallory.owner.username, &mallory.name);
    forms(world, |visitor, path, fields, same| {
        let seed = visitor.cookie("haat_seed").unwrap();
        let elsewhere = visitor.clone();
        elsewhere.keep("haat_seed", &theirs.cookie("haat_seed").unwrap());
        let tokens = [
            String::new(),
            "0".repeat(64),
            // Of somebody else's session, of their own browser, and of nobody's session.
            theirs.token(),
            elsewhere.token(),
            token(&seed, 0),
            token("", 0),
        ];
        for token in tokens {
            let answer = visitor.post_with(&token, path, fields).must(403);
            assert!(
                answer.text.contains("This form did not come from this panel"),
                "{path}: {}",
                answer.text
            );
        }
        let bare = visitor.send(visitor.request("POST", path)).must(403);
        assert!(bare.text.contains("This form did not come from this panel"), "{path}: {}", bare.text);
        same();
    });
}

fn what_a_browser_says_to_come_from_elsewhere_changes_nothing(world: &World) {
    let signs = [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ];
    forms(world, |visitor, path, fields, same| {
        for (name, value) in signs {
            let request = visitor.filled(&visitor.token(), path, fields).header(name, value);
            visitor.send(request).must(403);
        }
        same();
    });
}

fn the_token_on_the_pages_is_this_sessions(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.visitor();
    let page = visitor.get("/sign-in/").must(200);
    let on = |page: &str, action: &str| {
        let fields =
            super::html::form(page, action).unwrap_or_else(|| panic!("no form for {action} on {page}"));
        fields.into_iter().find(|(name, _)| name == "form_token").expect("a token").1
    };
    assert_eq!(on(&page.text, "/admin/sign-in/"), visitor.token());
    visitor.sign_in(&shop.owner.username, crate::support::PASSWORD, &shop.name).must(303);
    let page = visitor.get("/account/").must(200);
    for form in ["/admin/account/", "/admin/account/password/", "/admin/sign-out/"] {
        assert_eq!(on(&page.text, form), visitor.token());
    }
    assert_ne!(visitor.token(), world.panel(&shop.owner.username, &shop.name).token());
}

/// Whoever has planted a seed before somebody signs in knows no token of theirs.
fn a_token_from_before_signing_in_is_worth_nothing_afterwards(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.visitor();
    let planted = "0123456789abcdef0123456789abcdef";
    visitor.keep("haat_seed", planted);
    visitor
        .post(
            "/sign-in/",
            &[("username", &shop.owner.username), ("password", &crate::support::PASSWORD.to_owned())],
        )
        .must(303);
    assert_ne!(visitor.cookie("haat_seed").unwrap(), planted);
    let pair = visitor.cookie("haat_session").unwrap();
    let session = crate::attacks::tokens::claims(pair.split('~').next().unwrap())["sid"].as_i64().unwrap();
    visitor.post_with(&token(planted, session), "/account/preferences/", &[("theme", "dark")]).must(403);
    assert_eq!(visitor.cookie("haat_theme"), None);
}

/// Or another site could sign its visitors in to an account of its own, and read what they enter there.
fn the_door_asks_for_its_token_as_well(world: &World) {
    let shop = world.open("Alpha");
    let clerk = Clerk::default();
    let strange = world.visitor();
    strange.get("/sign-in/").must(200);
    for page in haat_admin::pages() {
        if page.method != Method::POST || page.rule != Rule::Open {
            continue;
        }
        let visitor = world.visitor();
        visitor.get("/sign-in/").must(200);
        let fields = clerk.fill(&visitor, page.path, page.path, &shop, "");
        for token in [String::new(), strange.token(), token("", 0)] {
            visitor.post_with(&token, page.path, &fields).must(403);
        }
        let request =
            visitor.filled(&visitor.token(), page.path, &fields).header("Origin", "https://evil.example");
        visitor.send(request).must(403);
        assert_eq!(visitor.cookie("haat_session"), None, "{}", page.path);
        visitor.post(page.path, &fields).must(303);
    }
}
