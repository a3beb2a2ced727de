//! One store neither sees nor changes anything of another, through whatever method of whatever port.

use crate::{inside, open_shop};
use haat_domain::audit::{AuditFilter, Entry, Link, Object};
use haat_domain::authz::{Action, Actor, Role};
use haat_domain::catalog::*;
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::idempotency::{Answer, Claim, IdempotencyKey};
use haat_domain::identity::*;
use haat_domain::orders::*;
use haat_domain::page::Sort;
use haat_domain::ports::{Store, TenantTx};
use haat_domain::tenancy::Tenant;
use haat_domain::testing::*;
use haat_domain::time::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

cases![
    no_method_of_a_port_reaches_into_another_store,
    anothers_things_look_like_things_that_never_were,
    anothers_numbers_find_nothing_in_lists,
    a_cursor_leads_nowhere_in_another_store,
    a_platform_admin_inside_one_store_sees_nothing_of_another,
];

/// What a thief knows of the other store, and has of its own.
#[derive(Clone)]
struct Prey {
    tenant: Tenant,
    user: User,
    session: haat_domain::ids::SessionId,
    product: Product,
    order: Order,
    invitation: Invitation,
    token: InviteToken,
    claim: Claim,
    head: (i64, Link),
    thief: User,
}

/// A call that must fail or find nothing; `true`: it saw or got hold of something.
type Attempt = fn(&mut dyn TenantTx, &Prey, Timestamp) -> Result<bool>;

#[rustfmt::skip]
const ATTEMPTS: &[(&str, Attempt)] = &[
    ("Settings::read", |tx, prey, _| Ok(tx.settings().read()?.id == prey.tenant.id)),
    ("Settings::lock", |tx, prey, _| Ok(tx.settings().lock()?.id == prey.tenant.id)),
    ("Settings::update", |tx, prey, _| {
        tx.settings().update(&Tenant { name: store_name("Stolen"), ..prey.tenant.clone() }).map(|()| false)
    }),
    ("Users::find", |tx, prey, _| Ok(tx.users().find(prey.user.id)?.is_some())),
    ("Users::lock", |tx, prey, _| Ok(tx.users().lock(prey.user.id)?.is_some())),
    ("Users::find_login", |tx, prey, _| Ok(tx.users().find_login(&prey.user.username.key())?.is_some())),
    ("Users::find_by_email", |tx, prey, _| Ok(tx.users().find_by_email(&prey.user.email.key())?.is_some())),
    ("Users::page", |tx, prey, _| {
        let rows = tx.users().page(&UserFilter::default(), Sort { by: UserKey::Id, descending: false }, None, 1000)?;
        Ok(rows.iter().any(|user| user.tenant == prey.tenant.id || user.id == prey.user.id))
    }),
    ("Users::names", |tx, prey, _| Ok(!tx.users().names(&[prey.user.id])?.is_empty())),
    ("Users::lock_active_owners", |tx, prey, _| Ok(tx.users().lock_active_owners()? != [prey.thief.id])),
    ("Users::update", |tx, prey, _| {
        let user = User { role: Role::Owner, is_active: false, email: email("stolen@example.com"), ..prey.user.clone() };
        tx.users().update(&user).map(|()| false)
    }),
    ("Users::set_password", |tx, prey, _| tx.users().set_password(prey.user.id, &hash("stolen")).map(|()| false)),
    ("Users::bump_token_version", |tx, prey, _| tx.users().bump_token_version(prey.user.id).map(|()| false)),
    ("Users::delete", |tx, prey, now| tx.users().delete(prey.user.id, now).map(|()| false)),
    ("Users::claim_login", |tx, prey, _| {
        tx.users().claim_login(&prey.user.username.key(), prey.thief.id).map(|()| false)
    }),
    // To be told that a name is taken would be to see it.
    ("Users::insert", |tx, prey, now| {
        let twin = NewUser { email: prey.user.email.clone(), ..user(prey.user.username.as_str(), Role::Staff) };
        Ok(tx.users().insert(&twin, now)?.is_none())
    }),
    ("Sessions::open", |tx, prey, now| {
        let user = prey.user.id;
        tx.sessions().open(&NewSession { user, created_at: now, idle_until: now, expires_at: now }).map(|_| true)
    }),
    ("Sessions::find", |tx, prey, _| Ok(tx.sessions().find(prey.session)?.is_some())),
    ("Sessions::rotate", |tx, prey, now| tx.sessions().rotate(prey.session, 1, now)),
    ("Sessions::revoke", |tx, prey, now| tx.sessions().revoke(prey.session, now).map(|()| false)),
    ("Sessions::revoke_all", |tx, prey, now| tx.sessions().revoke_all(prey.user.id, None, now).map(|()| false)),
    ("Products::any", |tx, _, _| tx.products().any()),
    ("Products::find", |tx, prey, _| Ok(tx.products().find(prey.product.id)?.is_some())),
    ("Products::lock", |tx, prey, _| Ok(tx.products().lock(prey.product.id)?.is_some())),
    ("Products::find_by_sku", |tx, _, _| Ok(tx.products().find_by_sku("prey-1")?.is_some())),
    ("Products::page", |tx, _, _| {
        let sort = Sort { by: ProductKey::Id, descending: false };
        Ok(!tx.products().page(&ProductFilter::default(), sort, None, 1000)?.is_empty())
    }),
    ("Products::update", |tx, prey, _| {
        let product = Product { details: details("Stolen", "0", None), ..prey.product.clone() };
        tx.products().update(&product).map(|()| false)
    }),
    ("Products::delete", |tx, prey, now| tx.products().delete(prey.product.id, now)),
    ("Products::take", |tx, prey, now| Ok(tx.products().take(prey.product.id, quantity(1), now)?.is_some())),
    ("Products::put_back", |tx, prey, now| tx.products().put_back(prey.product.id, 1, now).map(|()| false)),
    ("Products::insert", |tx, prey, now| {
        tx.products().insert(&details("Twin", "1", None), Some(prey.user.id), now).map(|_| true)
    }),
    ("Products::insert", |tx, prey, now| Ok(tx.products().insert(&prey.product.details, None, now)?.is_none())),
    ("Orders::find", |tx, prey, _| Ok(tx.orders().find(prey.order.id)?.is_some())),
    ("Orders::lock", |tx, prey, _| Ok(tx.orders().lock(prey.order.id)?.is_some())),
    ("Orders::page", |tx, _, _| {
        let sort = Sort { by: OrderKey::Id, descending: false };
        Ok(!tx.orders().page(&OrderFilter::default(), sort, None, 1000)?.is_empty())
    }),
    ("Orders::update", |tx, prey, _| {
        tx.orders().update(&Order { status: OrderStatus::Cancelled, ..prey.order.clone() }).map(|()| false)
    }),
    ("Orders::replace_lines", |tx, prey, _| {
        let line = Line { name: ProductName::parse("Stolen").unwrap(), ..prey.order.lines.first().unwrap().clone() };
        tx.orders().replace_lines(prey.order.id, &[line]).map(|()| false)
    }),
    ("Orders::hide", |tx, prey, now| tx.orders().hide(prey.order.id, now).map(|()| false)),
    ("Orders::open", |tx, prey, now| Ok(tx.orders().open(prey.product.id, quantity(1), [prey.thief.id; 2], now)?.is_some())),
    ("Orders::insert", |tx, prey, now| {
        let entry = Entry::of(&Actor::operator(&tx.settings().read()?), Action::PlaceOrder, now);
        tx.orders().insert(&Order { placed_by: None, ..prey.order.clone() }, &entry).map(|()| true)
    }),
    ("Orders::insert", |tx, prey, now| {
        let entry = Entry::of(&Actor::operator(&tx.settings().read()?), Action::PlaceOrder, now);
        let theirs = Order { customer: prey.thief.id, placed_by: None, ..prey.order.clone() };
        tx.orders().insert(&theirs, &entry).map(|()| true)
    }),
    ("Invitations::insert", |tx, prey, now| {
        let new = NewInvitation {
            email: prey.invitation.email.clone(), role: Role::Owner, invited_by: None, token_hash: prey.token.hash(),
            created_at: now, expires_at: now.plus_seconds(9),
        };
        Ok(tx.invitations().insert(&new)? == prey.invitation.id)
    }),
    ("Invitations::find", |tx, prey, _| Ok(tx.invitations().find(prey.invitation.id)?.is_some())),
    // The one found is the thief's own, which was inserted just now with the same token.
    ("Invitations::find_by_token", |tx, prey, _| {
        let found = tx.invitations().find_by_token(&prey.token.hash())?;
        Ok(found.is_none_or(|found| found.id == prey.invitation.id))
    }),
    ("Invitations::page", |tx, prey, now| {
        let rows = tx.invitations().page(None, now, false, None, 1000)?;
        Ok(rows.iter().any(|row| row.id == prey.invitation.id))
    }),
    ("Invitations::revoke", |tx, prey, now| tx.invitations().revoke(prey.invitation.id, now)),
    ("Invitations::redeem", |tx, prey, now| tx.invitations().redeem(prey.invitation.id, now)),
    ("Audit::page", |tx, prey, _| {
        let rows = tx.audit().page(&AuditFilter::default(), false, None, 1000)?;
        Ok(rows.iter().any(|row| row.entry.object == Some(Object::Product(prey.product.id))))
    }),
    ("Audit::page", |tx, prey, _| {
        let filter = AuditFilter { actor: Some(prey.user.id), ..AuditFilter::default() };
        Ok(!tx.audit().page(&filter, true, None, 1000)?.is_empty())
    }),
    ("Audit::head", |tx, prey, _| Ok(tx.audit().head()? == prey.head)),
    ("Audit::record", |tx, prey, now| {
        let thief = Actor::operator(&tx.settings().read()?);
        let entry = Entry { actor: Some(prey.user.id), ..Entry::of(&thief, Action::UpdateStore, now) };
        tx.audit().record(&entry).map(|()| false)
    }),
    // To be given their answer would be to see it; what is claimed here is claimed in the thief's store.
    ("Replays::claim", |tx, prey, now| {
        let stale = now.plus_seconds(-9);
        Ok(tx.replays().claim(prey.user.id, &prey.claim, now, stale)?.is_some())
    }),
    ("Replays::keep", |tx, prey, _| {
        let stolen = Answer { status: 299, location: None, body: "stolen".to_owned() };
        tx.replays().keep(prey.user.id, &prey.claim.key, &stolen).map(|()| false)
    }),
    ("Replays::forget", |tx, _, now| tx.replays().forget(now.plus_seconds(9)).map(|()| false)),
    // Two customers have joined the thief's store, one more the other; nobody has ordered anything in the thief's.
    ("Reports::newcomers", |tx, _, _| {
        Ok(tx.reports().newcomers(Timestamp::EPOCH)?.iter().map(|row| row.customers).sum::<i64>() != 2)
    }),
    ("Reports::sales", |tx, prey, _| {
        Ok(!tx.reports().sales(Timestamp::EPOCH, prey.tenant.currency)?.is_empty())
    }),
    ("Reports::best", |tx, prey, _| {
        Ok(!tx.reports().best(Timestamp::EPOCH, prey.tenant.currency, 200)?.is_empty())
    }),
    ("Reports::low", |tx, prey, _| {
        Ok(tx.reports().low(200)?.iter().any(|product| product.id == prey.product.id))
    }),
    ("Reports::counts", |tx, _, _| {
        let users = tx.users().page(&UserFilter::default(), Sort { by: UserKey::Id, descending: false }, None, 1000)?;
        let counts = tx.reports().counts()?;
        Ok(counts.orders != 0 || counts.entries != tx.audit().head()?.0 || usize::try_from(counts.users) != Ok(users.len()))
    }),
    // Also where nothing of that number is in the thief's own store.
    ("Replays::keep", |tx, prey, _| {
        let stolen = Answer { status: 299, location: None, body: "stolen".to_owned() };
        tx.replays().keep(prey.user.id, &prey.claim.key, &stolen).map(|()| true)
    }),
];

/// A method added to a tenant's port must be attempted too.
#[test]
fn every_method_of_a_tenants_ports_is_attempted() {
    let ports = include_str!("../../../domain/src/ports/mod.rs");
    // Whatever a tenant's transaction hands out.
    let (_, tenant_tx) = ports.split_once("pub trait TenantTx {").unwrap();
    let (tenant_tx, _) = tenant_tx.split_once("\n}").unwrap();
    let handed =
        |line: &'static str| line.split_once("-> &mut dyn ").map(|(_, port)| port.trim_end_matches(';'));
    let repositories: BTreeSet<_> = tenant_tx.lines().filter_map(handed).collect();
    assert!(repositories.len() >= 8, "{repositories:?}");
    let mut methods = BTreeSet::new();
    let mut port = "";
    for line in ports.lines() {
        if let Some(name) = line.strip_prefix("pub trait ") {
            port = name.split([' ', ':']).next().unwrap();
        } else if let Some(name) = line.strip_prefix("    fn ")
            && repositories.contains(port)
        {
            methods.insert(format!("{port}::{}", name.split('(').next().unwrap()));
        }
    }
    let attempted: BTreeSet<_> = ATTEMPTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(attempted, methods);
}

fn prey(store: &Arc<dyn Store>) -> (TestShop, Prey) {
    let shop = open_shop(store, "Prey");
    let rich = shop.join("rich").unwrap();
    let mut details = details("Treasure", "9", Some(5));
    details.sku = Some(Sku::parse("Prey-1").unwrap());
    let product = shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap();
    let wish = order_of(&[(product.id, 2)]);
    let order = shop.act_as(&rich, |cx| place_order(cx, wish)).unwrap();
    let (invitation, token) =
        shop.act(Role::Owner, |cx| invite(cx, email("guest@example.com"), Role::Staff, [7; 16])).unwrap();
    let key = IdempotencyKey::parse("prey-key").unwrap();
    let claim = Claim { key, fingerprint: "prey's".to_owned() };
    let (user, known) = (rich.user.id, claim.clone());
    let head = inside(&shop, move |tx, now| {
        let answer = Answer { status: 201, location: None, body: "treasure".to_owned() };
        assert_eq!(tx.replays().claim(user, &known, now, now.plus_seconds(-9))?, None);
        tx.replays().keep(user, &known.key, &answer)?;
        tx.audit().head()
    })
    .unwrap();
    let (tenant, session, thief) = (shop.tenant.clone(), rich.credential.session, rich.user.clone());
    let user = rich.user;
    (shop, Prey { tenant, user, session, product, order, invitation, token, claim, head, thief })
}

/// Everything there is in a store, as text.
fn snapshot(shop: &TestShop, prey: &Prey) -> String {
    let (key, session) = (prey.user.username.key(), prey.session);
    let credential = Credential { tenant: prey.tenant.id, user: prey.user.id, session, token_version: 0 };
    let outside = shop.visit({
        let key = key.clone();
        move |cx| Ok((cx.directory().first_claim(&key)?, cx.directory().account(&credential)?))
    });
    let (token, claim, owner) = (prey.token.hash(), prey.claim.clone(), prey.user.id);
    let inside = inside(shop, move |tx, now| {
        let users = tx.users().page(
            &UserFilter::default(),
            Sort { by: UserKey::Id, descending: false },
            None,
            1000,
        )?;
        let by_id = Sort { by: ProductKey::Id, descending: false };
        let mut products = Vec::new();
        for status in ProductStatus::ALL {
            let filter = ProductFilter { status: Some(status), ..ProductFilter::default() };
            products.extend(tx.products().page(&filter, by_id, None, 1000)?);
        }
        let by_id = Sort { by: OrderKey::Id, descending: false };
        let orders = tx.orders().page(&OrderFilter::default(), by_id, None, 1000)?;
        let login = tx.users().find_login(&key)?.map(|(id, hash)| (id, hash.as_str().to_owned()));
        let log = (tx.audit().page(&AuditFilter::default(), false, None, 1000)?, tx.audit().head()?);
        let invitations =
            (tx.invitations().page(None, now, false, None, 1000)?, tx.invitations().find_by_token(&token)?);
        // There it is, so that to claim it changes nothing.
        let kept = tx.replays().claim(owner, &claim, now, now.plus_seconds(-9))?;
        let rest = (tx.settings().read()?, login, tx.sessions().find(session)?, log, invitations, kept);
        Ok((users, products, orders, rest))
    });
    format!("{:#?}\n{:#?}", outside.unwrap(), inside.unwrap())
}

fn no_method_of_a_port_reaches_into_another_store(store: &Arc<dyn Store>) {
    let (shop, prey) = prey(store);
    let other = open_shop(store, "Thief");
    let prey = Prey { thief: other.owner.user.clone(), ..prey };
    let before = snapshot(&shop, &prey);
    for (name, attempt) in ATTEMPTS {
        let known = prey.clone();
        let reached = inside(&other, move |tx, now| attempt(tx, &known, now));
        assert!(!matches!(reached, Ok(true)), "{name} got hold of something");
        assert_eq!(snapshot(&shop, &prey), before, "{name} changed something");
    }
}

fn anothers_things_look_like_things_that_never_were(store: &Arc<dyn Store>) {
    let (shop, prey) = prey(store);
    let other = open_shop(store, "Thief");
    let before = snapshot(&shop, &prey);
    let (user, product, order) = (prey.user.id, prey.product.id, prey.order.id);
    for role in [Role::Owner, Role::Staff, Role::Customer, Role::Superuser] {
        let not_found = |what: &str, result: Result<()>| match result {
            Err(Error::NotFound) => {}
            Err(Error::Forbidden(_)) if matches!(role, Role::Staff | Role::Customer) => {}
            result => panic!("{role}: {what}: {result:?}"),
        };
        not_found("read_product", other.act(role, move |cx| read_product(cx, product).map(drop)));
        let patch = ProductPatch::default();
        not_found("update_product", other.act(role, move |cx| update_product(cx, product, patch).map(drop)));
        not_found("delete_product", other.act(role, move |cx| delete_product(cx, product)));
        not_found("read_order", other.act(role, move |cx| read_order(cx, order).map(drop)));
        let patch = OrderPatch::default();
        not_found("update_order", other.act(role, move |cx| update_order(cx, order, patch).map(drop)));
        not_found("cancel_order", other.act(role, move |cx| cancel_order(cx, order).map(drop)));
        not_found("delete_order", other.act(role, move |cx| delete_order(cx, order)));
        not_found("read_user", other.act(role, move |cx| read_user(cx, user).map(drop)));
        let patch = UserPatch::default();
        not_found("update_user", other.act(role, move |cx| update_user(cx, user, patch).map(drop)));
        not_found("delete_user", other.act(role, move |cx| delete_user(cx, user)));

        let wish = PlaceOrder { customer: Some(other.customer.user.id), ..order_of(&[(product, 1)]) };
        let ordered = other.act(role, move |cx| place_order(cx, wish));
        assert!(matches!(ordered, Err(Error::Invalid(_))), "{role}: {ordered:?}");
    }
    let own = other.act(Role::Owner, |cx| create_product(cx, details("Own", "1", None))).unwrap().id;
    let wish = PlaceOrder { customer: Some(user), ..order_of(&[(own, 1)]) };
    let ordered = other.act(Role::Owner, move |cx| place_order(cx, wish));
    assert!(matches!(ordered, Err(Error::Invalid(_))), "for another store's customer: {ordered:?}");
    assert_eq!(snapshot(&shop, &prey), before);
}

fn anothers_numbers_find_nothing_in_lists(store: &Arc<dyn Store>) {
    let (_shop, prey) = prey(store);
    let other = open_shop(store, "Thief");
    let (user, product) = (Some(prey.user.id), Some(prey.product.id));
    for filter in [
        OrderFilter { customer: user, ..OrderFilter::default() },
        OrderFilter { product, ..OrderFilter::default() },
        OrderFilter { customer: user, product, ..OrderFilter::default() },
    ] {
        let page = other.act(Role::Owner, move |cx| list_orders(cx, filter, &first_page("id"))).unwrap();
        assert_eq!(page.items, []);
    }
}

fn a_cursor_leads_nowhere_in_another_store(store: &Arc<dyn Store>) {
    let (one, other) = (open_shop(store, "One"), open_shop(store, "Other"));
    for shop in [&one, &other] {
        for name in ["a", "b", "c"] {
            let details = details(name, "1", None);
            shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap();
        }
    }
    let list = |shop: &TestShop, cursor| {
        let request = haat_domain::page::PageRequest { cursor, ..page_of("name", 1) };
        shop.act(Role::Customer, move |cx| list_products(cx, ProductFilter::default(), &request))
    };
    let cursor = list(&one, None).unwrap().next;
    list(&one, cursor.clone()).expect("its own");
    assert!(matches!(list(&other, cursor), Err(Error::Invalid(_))));
}

fn a_platform_admin_inside_one_store_sees_nothing_of_another(store: &Arc<dyn Store>) {
    let (shop, prey) = prey(store);
    open_shop(store, "Other");
    let admin = TestPlatform::open(Arc::clone(store));
    let (user, product, order) = (prey.user.id, prey.product.id, prey.order.id);
    let look = move |cx: &mut Cx<'_>| {
        let orders = list_orders(cx, OrderFilter::default(), &first_page("id"))?.items.len();
        Ok((
            read_user(cx, user).is_ok(),
            read_product(cx, product).is_ok(),
            read_order(cx, order).is_ok(),
            orders,
        ))
    };
    assert_eq!(seen(admin.act_in("Other", Action::ReadOrders, look)), (false, false, false, 0));
    assert_eq!(seen(admin.act_in("Prey", Action::ReadOrders, look)), (true, true, true, 1));
    assert!(admin.act(look).is_err(), "in no store at all");
    let filter = AuditFilter { action: Some(Action::EnterStore), ..AuditFilter::default() };
    let visits = inside(&shop, move |tx, _| tx.audit().page(&filter, false, None, 10)).unwrap();
    assert_eq!(visits.len(), 1, "and that it was there is written down");
}

fn seen<T: Debug>(result: Result<T>) -> T {
    result.unwrap()
}
