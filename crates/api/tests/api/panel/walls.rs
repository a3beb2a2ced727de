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
    fn sit_down(&self, world: &World) -> Visitor {
        let visitor = self.visitor.clone();
        if self.shut_out.is_some() {
            return visitor;
        }
        // The door does not let customers in: they bring the cookie along.
        if let (Role::Customer, Some(shop)) = (self.role, self.home) {
            return visitor.holding(&world.log_in(&self.username, &shop.name));
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
        member("customer", Role::Customer, one, two),
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
    // All that is wrong is said at once: there are many pages.
    let mut wrong = Vec::new();
    for page in haat_admin::pages() {
        if page.rule == Rule::Open {
            continue;
        }
        for person in &people {
            let home = person.home.unwrap_or(person.away);
            let ids = |shop: &Shop| victim(shop).id(&kind(&page));
            let visitor = person.sit_down(world);
            let mut faults = Vec::new();
            if let Some(refusal) = person.refusal(&page) {
                let entries = entries(&clerk, &page, home, person);
                let all = [ids(&one), ids(&two), RANDOM.to_owned()];
                for id in if page.path.contains("{id}") { all.as_slice() } else { &all[..1] } {
                    let path = page.path.replace("{id}", id);
                    let answer = call(&visitor, &page.method, &path, &entries);
                    faults.extend(is_refused(&answer, refusal, &page, &path).err());
                }
            } else {
                if page.path.contains("{id}") {
                    let entries = entries(&clerk, &page, home, person);
                    let foreign = ids(person.away);
                    faults.extend(unknown(&page, &visitor, &entries, &foreign).err());
                }
                faults.extend(accepted(&clerk, &maker, &page, person, &visitor, home).err());
                seen.insert((page.method.to_string(), page.path));
            }
            wrong.extend(
                faults
                    .iter()
                    .map(|fault| format!("{} {} as {}: {fault}", page.method, page.path, person.label)),
            );
        }
    }
    victims.iter().for_each(Victims::are_unharmed);
    assert!(wrong.is_empty(), "{} pages do not ask the policy:\n{}", wrong.len(), wrong.join("\n"));
    let all = haat_admin::pages().into_iter().filter(|page| page.rule != Rule::Open);
    let all: BTreeSet<_> = all.map(|page| (page.method.to_string(), page.path)).collect();
    assert_eq!(seen, all, "a page that nobody was let see proves nothing");
}

/// What they would send to the page without having seen its form.
fn entries(clerk: &Clerk, page: &Page, home: &Shop, person: &Person<'_>) -> Vec<(String, String)> {
    let takes = page.method == Method::POST;
    let entries = if takes { clerk.entries(page.path, home, &person.username) } else { Vec::new() };
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn call(visitor: &Visitor, method: &Method, path: &str, fields: &[(String, String)]) -> Answer {
    if *method == Method::GET { visitor.get(path) } else { visitor.post(path, fields) }
}

/// What an answer is, in a line.
fn brief(answer: &Answer) -> String {
    let place = answer.header("location").map(|place| format!(" to {place}")).unwrap_or_default();
    let said = answer.text.split_once("<main").map_or(answer.text.as_str(), |(_, main)| main);
    format!("{}{place} {}", answer.status, said.chars().take(400).collect::<String>())
}

fn is_refused(answer: &Answer, refusal: Refusal, page: &Page, path: &str) -> Result<(), String> {
    let says = |text: &str| answer.status == 403 && answer.text.contains(text);
    let leads = |place: &str| answer.status == 303 && answer.place() == place && answer.text.is_empty();
    let so = match refusal {
        Refusal::Door(why) => {
            let takes = page.method == Method::POST;
            let here = if takes { String::new() } else { format!("/admin{path}") };
            let door = format!("/admin/sign-in/?why={why}&next={}", here.replace('/', "%2F"));
            // What was typed is shown to whoever can sign in again; all else is told to be lost.
            let again = ["not_authenticated", "token_not_valid"].contains(&why);
            let shown = answer.status == 401 && answer.text.contains("What you had typed");
            if takes && page.path != "/sign-out/" {
                again && shown || leads(&format!("{door}&lost=true"))
            } else {
                leads(&door)
            }
        }
        Refusal::Role => says("Your role may not do this."),
        // Whoever comes to the start is shown the stores.
        Refusal::Outside if page.path == "/" => leads("/admin/platform/tenants/"),
        Refusal::Outside => says("Enter a store first"),
    };
    if so { Ok(()) } else { Err(format!("{path} is not refused ({refusal:?}): {}", brief(answer))) }
}

/// What is permitted succeeds, or the refusals prove nothing.
fn accepted(
    clerk: &Clerk,
    maker: &Maker<'_>,
    page: &Page,
    person: &Person<'_>,
    visitor: &Visitor,
    home: &Shop,
) -> Result<(), String> {
    let id =
        if page.path.contains("{id}") { maker.thing(&kind(page), home).to_string() } else { String::new() };
    let path = page.path.replace("{id}", &id);
    let answer = if page.method == Method::GET {
        visitor.get(&path)
    } else {
        let fields = clerk.fill(visitor, page.path, &path, home, &person.username);
        visitor.post(&path, &fields)
    };
    // The token of an invitation is shown by the page that makes it, and the rows of a file by the one that takes it.
    let wanted = match (page.method == Method::GET, page.path) {
        (true, _) | (false, "/products/import/") => 200,
        (false, "/invitations/new/") => 201,
        (false, _) => 303,
    };
    if answer.status != wanted {
        return Err(format!("{path} is not accepted: {}", brief(&answer)));
    }
    // As it was, for the next.
    if (page.path, &page.method) == ("/store/", &Method::POST) {
        home.owner.patch("/api/store/", &json!({"name": home.name})).must(200);
    }
    Ok(())
}

/// What there is elsewhere answers exactly like what there is not.
fn unknown(
    page: &Page,
    visitor: &Visitor,
    entries: &[(String, String)],
    foreign: &str,
) -> Result<(), String> {
    let ask = |id: &str| call(visitor, &page.method, &page.path.replace("{id}", id), entries);
    let nothing = ask(RANDOM);
    if nothing.status != 404 {
        return Err(format!("{RANDOM} is there: {}", brief(&nothing)));
    }
    for id in std::iter::once(foreign).chain(NONE_AT_ALL) {
        let answer = ask(id);
        if answer.page_essence() != nothing.page_essence() {
            return Err(format!("{id} is not like {RANDOM}: {}", brief(&answer)));
        }
    }
    Ok(())
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
