//! Every page of the panel as everybody, with ids of every kind: what the policy's table says is what the panel does,
//! and nobody learns whether another store's thing exists.

use super::forms::Clerk;
use super::visitor::Visitor;
use crate::support::{Answer, PASSWORD, Shop, User, World};
use crate::walls::maker::{Maker, Victims};
use crate::walls::{NONE_AT_ALL, Outcasts, RANDOM};
use actix_web::http::Method;
use haat_admin::{Page, Rule};
use haat_domain::authz::{Action, Realm, Role, Verdict, verdict};
use serde_json::json;
use std::collections::BTreeSet;

cases! { every_page_asks_the_policy, every_open_page_answers_a_stranger }

/// Somebody who opens every page.
struct Person<'w> {
    label: &'static str,
    role: Role,
    /// Their browser, as it is before each page.
    visitor: Visitor,
    username: String,
    /// The store they may act in, if any.
    home: Option<&'w Shop>,
    /// A store that is none of their business.
    away: &'w Shop,
    /// Why they are sent to the door, whatever they ask for.
    shut_out: Option<&'static str>,
}

/// What the policy answers, where it answers whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// Sign in first; why.
    Door(&'static str),
    /// Not with this role.
    Role,
    /// Not outside of a store.
    Outside,
}

impl Person<'_> {
    fn refusal(&self, page: &Page) -> Option<Refusal> {
        if let Some(why) = self.shut_out {
            return Some(Refusal::Door(why));
        }
        match page.rule {
            // A customer has no business here, but may go.
            Rule::Needs(Action::EndSession) if page.path == "/sign-out/" => None,
            _ if self.role == Role::Customer => Some(Refusal::Role),
            Rule::Open | Rule::SignedIn => None,
            Rule::Needs(action) if verdict(self.role, action) == Verdict::Deny => Some(Refusal::Role),
            Rule::Needs(action) => {
                (action.realm() == Realm::Store && self.home.is_none()).then_some(Refusal::Outside)
            }
        }
    }

    /// Their browser for one page. What one page ends must not be missed on the next, so everybody comes anew.
    fn sit_down(&self) -> Visitor {
        let visitor = self.visitor.clone();
        if self.shut_out.is_some() || self.role == Role::Customer {
            return visitor;
        }
        let store = self.home.filter(|_| self.role != Role::Superuser).map_or("", |shop| shop.name.as_str());
        visitor.sign_in(&self.username, PASSWORD, store).must(303);
        // An admin is in the store that the cookie names; to anybody else it means nothing.
        match self.home {
            Some(shop) if self.role == Role::Superuser => visitor.keep("haat_store", &shop.slug),
            Some(_) => visitor.keep("haat_store", &self.away.slug),
            None => {}
        }
        visitor
    }
}

/// An account of each kind in a store, for the panel alone: what it does to its sessions harms nobody else.
fn another(shop: &Shop, role: &str) -> String {
    let username = format!("panel.{role}.{}", shop.slug);
    let email = format!("{username}@example.com");
    let body = json!({"username": username, "password": PASSWORD, "role": role, "email": email});
    shop.owner.post("/api/users/", &body).must(201);
    username
}

fn people<'w>(world: &World, one: &'w Shop, two: &'w Shop, outcasts: &Outcasts) -> Vec<Person<'w>> {
    let member = |label, role: Role, home: &'w Shop, away: &'w Shop| Person {
        label,
        role,
        visitor: world.visitor(),
        username: another(home, role.name()),
        home: Some(home),
        away,
        shut_out: None,
    };
    let outcast = |label, user: &User, why| Person {
        label,
        role: Role::Owner,
        visitor: world.visitor().holding(user),
        username: String::new(),
        home: Some(one),
        away: two,
        shut_out: Some(why),
    };
    let admin = |label, home: Option<&'w Shop>| {
        let username = if home.is_some() { "panel.inside" } else { "panel.outside" };
        world.admin_named(username);
        let (username, visitor) = (username.to_owned(), world.visitor());
        Person { label, role: Role::Superuser, visitor, username, home, away: two, shut_out: None }
    };
    vec![
        member("owner", Role::Owner, one, two),
        member("staff", Role::Staff, one, two),
        member("owner of the other store", Role::Owner, two, one),
        Person {
            visitor: world.visitor().holding(&one.customer),
            ..member("customer", Role::Customer, one, two)
        },
        admin("admin inside", Some(one)),
        admin("admin outside", None),
        Person { visitor: world.visitor(), ..outcast("stranger", &one.owner, "not_authenticated") },
        outcast("owner of a suspended store", &outcasts.closed.owner, "store_suspended"),
        outcast("deactivated owner", &outcasts.deactivated, "account_inactive"),
    ]
}

/// The operation's path of the API that the thing in a page's path is known by.
fn kind(page: &Page) -> String {
    page.path.replace("/customers/", "/users/").replacen('/', "/api/", 1)
}

/// Files are the panel's own and nobody's.
fn is_file(page: &Page) -> bool {
    page.path.starts_with("/static/")
}

fn every_page_asks_the_policy(world: &World) {
    let (one, two, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let (maker, outcasts) = (Maker::new(world, &admin), Outcasts::new(world, &one, &admin));
    let clerk = Clerk::default();
    let people = people(world, &one, &two, &outcasts);
    let victims = [Victims::new(&maker, &one), Victims::new(&maker, &two)];
    let victim = |shop: &Shop| victims.iter().find(|all| all.shop.id == shop.id).unwrap();
    let mut seen = BTreeSet::new();
    for page in haat_admin::pages() {
        if page.rule == Rule::Open {
            continue;
        }
        for person in &people {
            let asked = format!("{} {} as {}", page.method, page.path, person.label);
            let home = person.home.unwrap_or(person.away);
            let ids = |shop: &Shop| victim(shop).id(&kind(&page));
            if let Some(refusal) = person.refusal(&page) {
                let visitor = person.sit_down();
                let entries = fields(clerk.entries(page.path, home, &person.username));
                let all = [ids(&one), ids(&two), RANDOM.to_owned()];
                for id in if page.path.contains("{id}") { all.as_slice() } else { &all[..1] } {
                    let path = page.path.replace("{id}", id);
                    is_refused(&call(&visitor, &page.method, &path, &entries), refusal, &page, &path, &asked);
                }
                continue;
            }
            let visitor = person.sit_down();
            if page.path.contains("{id}") {
                unknown(&clerk, &page, person, &visitor, home, &ids(person.away), &asked);
            }
            accepted(&clerk, &maker, &page, person, &visitor, home, &asked);
            seen.insert((page.method.to_string(), page.path));
        }
    }
    victims.iter().for_each(Victims::are_unharmed);
    let all = haat_admin::pages().into_iter().filter(|page| page.rule != Rule::Open);
    let all: BTreeSet<_> = all.map(|page| (page.method.to_string(), page.path)).collect();
    assert_eq!(seen, all, "a page that nobody was let see proves nothing");
}

fn fields(entries: Vec<(&'static str, String)>) -> Vec<(String, String)> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn call(visitor: &Visitor, method: &Method, path: &str, fields: &[(String, String)]) -> Answer {
    if *method == Method::GET { visitor.get(path) } else { visitor.post(path, fields) }
}

fn is_refused(answer: &Answer, refusal: Refusal, page: &Page, path: &str, asked: &str) {
    match refusal {
        Refusal::Door(why) => {
            assert_eq!(answer.status, 303, "{asked}: {}", answer.text);
            let next = if page.method == Method::GET { format!("/admin{path}").replace('/', "%2F") } else { String::new() };
            assert_eq!(answer.place(), format!("/admin/sign-in/?why={why}&next={next}"), "{asked}");
            assert!(answer.text.is_empty(), "{asked}: {}", answer.text);
        }
        Refusal::Role => {
            assert_eq!(answer.status, 403, "{asked}: {:?} {}", answer.headers, answer.text);
            assert!(answer.text.contains("Your role may not do this."), "{asked}: {}", answer.text);
        }
        // Whoever comes to the start is shown the stores.
        Refusal::Outside if page.path == "/" => {
            assert_eq!((answer.status, answer.place()), (303, "/admin/platform/tenants/"), "{asked}");
        }
        Refusal::Outside => {
            assert_eq!(answer.status, 403, "{asked}: {}", answer.text);
            assert!(answer.text.contains("Enter a store first"), "{asked}: {}", answer.text);
        }
    }
}

/// What is permitted succeeds, or the refusals prove nothing.
fn accepted(
    clerk: &Clerk,
    maker: &Maker<'_>,
    page: &Page,
    person: &Person<'_>,
    visitor: &Visitor,
    home: &Shop,
    asked: &str,
) {
    let id = if page.path.contains("{id}") { maker.thing(&kind(page), home).to_string() } else { String::new() };
    let path = page.path.replace("{id}", &id);
    let answer = if page.method == Method::GET {
        visitor.get(&path)
    } else {
        let fields = clerk.fill(visitor, page.path, &path, home, &person.username);
        visitor.post(&path, &fields)
    };
    let wanted: &[u16] = match (page.method == Method::GET, page.path) {
        (true, _) => &[200],
        // The token of an invitation is shown by the page that makes it, and the rows of a file by the one that takes it.
        (false, "/invitations/new/") => &[201],
        (false, "/products/import/") => &[200],
        (false, _) => &[303],
    };
    assert!(wanted.contains(&answer.status), "{asked}: {} {}", answer.status, answer.text);
    // Whoever changes their password would not come in again with the old one.
    if page.path == "/account/password/" {
        let new = "a wall of 8 bricks";
        let back = [("old_password", new), ("new_password", PASSWORD), ("new_password_again", PASSWORD)];
        visitor.post("/account/password/", &back).must(303);
    }
    if page.path == "/store/" && page.method == Method::POST {
        home.owner.patch("/api/store/", &json!({"name": home.name})).must(200);
    }
}

/// What there is elsewhere answers exactly like what there is not.
fn unknown(
    clerk: &Clerk,
    page: &Page,
    person: &Person<'_>,
    visitor: &Visitor,
    home: &Shop,
    foreign: &str,
    asked: &str,
) {
    // A store is no business of another store's, but of the platform's; all of them exist for its admins.
    let fields = fields(clerk.entries(page.path, home, &person.username));
    let ask = |id: &str| {
        let answer = call(visitor, &page.method, &page.path.replace("{id}", id), &fields);
        assert_eq!(answer.status, 404, "{asked} with {id}: {}", answer.text);
        answer.page_essence()
    };
    let nothing = ask(RANDOM);
    for id in std::iter::once(foreign).chain(NONE_AT_ALL) {
        assert_eq!(ask(id), nothing, "{asked} with {id}");
    }
}

fn every_open_page_answers_a_stranger(world: &World) {
    let shop = world.open("Alpha");
    let clerk = Clerk::default();
    for page in haat_admin::pages().into_iter().filter(|page| page.rule == Rule::Open && !is_file(page)) {
        let visitor = world.visitor();
        visitor.get("/sign-in/").must(200);
        let fields = if page.method == Method::GET {
            Vec::new()
        } else {
            clerk.fill(&visitor, page.path, page.path, &shop, "")
        };
        let answer = call(&visitor, &page.method, page.path, &fields);
        let wanted = if page.method == Method::GET { 200 } else { 303 };
        assert_eq!(answer.status, wanted, "{} {}: {}", page.method, page.path, answer.text);
    }
    let file = haat_admin::pages().into_iter().find(is_file).expect("the panel has files");
    assert_eq!(file.rule, Rule::Open);
}
