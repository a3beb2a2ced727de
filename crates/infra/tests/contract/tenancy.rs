//! Stores, the platform among them.

use crate::{at_once, conflict, count_ok, inside, open_shop};
use haat_domain::audit::AuditFilter;
use haat_domain::authz::{Action, Role};
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::identity::{read_me, register};
use haat_domain::ids::TenantId;
use haat_domain::money::Currency;
use haat_domain::page::Sort;
use haat_domain::ports::Store;
use haat_domain::tenancy::*;
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    the_platform_is_there_from_the_start_and_is_no_store,
    a_store_is_found_by_its_name_however_it_is_written,
    a_store_whose_slug_is_taken_gets_a_number,
    a_name_or_a_slug_is_given_once,
    a_slug_that_is_anothers_name_is_taken_even_if_nobody_has_looked,
    settings_are_read_as_they_were_written,
    a_store_cannot_take_anothers_name,
    the_currency_stays_once_there_are_products,
    every_filter_shows_what_it_names,
    a_suspended_store_turns_its_people_away_until_it_is_resumed,
    one_of_many_opens_a_store_of_a_name,
    a_platform_admins_doings_stand_in_the_stores_log,
];

fn a_slug_that_is_anothers_name_is_taken_even_if_nobody_has_looked(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Zed");
    let patch = TenantPatch { name: Some(store_name("fresh")), ..TenantPatch::default() };
    let renamed = shop.act(Role::Owner, |cx| update_store(cx, patch)).unwrap();
    let new = NewTenant { name: store_name("Fresh!"), currency: Currency::parse("EUR").unwrap() };
    let slug = Slug::of("fresh").unwrap();
    let twin = store.write(None, move |tx| tx.directory().insert_store(&new, &slug, renamed.created_at));
    assert_eq!(conflict(twin), Conflict::StoreTaken);
    assert_eq!(by_key(store, "fresh").map(|found| found.id), Some(renamed.id));
    assert_eq!(by_key(store, "zed").map(|found| found.id), Some(renamed.id), "the slug stays");
    // What it is no longer called is free again.
    let patch = TenantPatch { name: Some(store_name("Other")), ..TenantPatch::default() };
    shop.act(Role::Owner, |cx| update_store(cx, patch)).unwrap();
    assert!(insert(store, "Fresh", "fresh").is_some());
}

fn by_key(store: &Arc<dyn Store>, key: &str) -> Option<Tenant> {
    let key = key.to_owned();
    store.read(None, move |tx| tx.directory().store_by_key(&key)).unwrap()
}

fn by_id(store: &Arc<dyn Store>, id: TenantId) -> Option<Tenant> {
    store.read(None, move |tx| tx.directory().store_by_id(id)).unwrap()
}

fn insert(store: &Arc<dyn Store>, name: &str, slug: &str) -> Option<Tenant> {
    let new = NewTenant { name: store_name(name), currency: Currency::parse("EUR").unwrap() };
    let slug = Slug::of(slug).unwrap();
    let now = FixedClock::default();
    store
        .write(None, move |tx| tx.directory().insert_store(&new, &slug, haat_domain::ports::Clock::now(&now)))
        .unwrap()
}

fn the_platform_is_there_from_the_start_and_is_no_store(store: &Arc<dyn Store>) {
    let platform = by_id(store, TenantId::PLATFORM).expect("the platform");
    assert_eq!((platform.id, platform.status), (TenantId::PLATFORM, TenantStatus::Active));
    assert_eq!(
        (platform.name.as_str(), platform.slug.as_str(), platform.currency.code()),
        ("Platform", "", "INR")
    );
    assert_eq!((by_key(store, ""), by_key(store, "platform")), (None, None));
    let admin = TestPlatform::open(Arc::clone(store));
    let seen = admin.act(|cx| {
        let stores = cx.enter_platform(Action::ReadTenants)?.tenants();
        let all =
            stores.page(&TenantFilter::default(), Sort { by: TenantKey::Id, descending: false }, None, 10)?;
        Ok((stores.find(TenantId::PLATFORM)?, stores.lock(TenantId::PLATFORM)?, all))
    });
    assert_eq!(seen.unwrap(), (None, None, Vec::new()));
    open_shop(store, "Platform");
}

fn a_store_is_found_by_its_name_however_it_is_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Straße & Söhne 😀");
    let admin = TestPlatform::open(Arc::clone(store));
    for name in ["Straße & Söhne 😀", " STRASSE  &  SO\u{308}HNE 😀", "strasse-söhne", "Strasse-Söhne"]
    {
        assert_eq!(admin.find(name).unwrap(), shop.tenant, "{name}");
    }
    assert_eq!(by_id(store, shop.tenant.id), Some(shop.tenant.clone()));
    let id = shop.tenant.id;
    let found = admin.act(move |cx| {
        let stores = cx.enter_platform(Action::ReadTenants)?.tenants();
        Ok((stores.find(id)?, stores.lock(id)?, stores.find(TenantId::new(987_654))?))
    });
    assert_eq!(found.unwrap(), (Some(shop.tenant.clone()), Some(shop.tenant), None));
    assert!(matches!(admin.find("Straße"), Err(Error::NotFound)));
    assert_eq!(by_id(store, TenantId::new(987_654)), None);
}

fn a_store_whose_slug_is_taken_gets_a_number(store: &Arc<dyn Store>) {
    let slugs = ["A B", "A.B", "A,B"].map(|name| open_shop(store, name).tenant.slug.as_str().to_owned());
    assert_eq!(slugs, ["a-b", "a-b-2", "a-b-3"]);
    let by_slug = TestShop::try_open(Arc::clone(store), "a-b-2", "INR");
    assert_eq!(
        conflict(by_slug.map(|shop| shop.tenant)),
        Conflict::StoreTaken,
        "a slug names a store as well"
    );
}

fn a_name_or_a_slug_is_given_once(store: &Arc<dyn Store>) {
    let first = insert(store, "Straße", "one").unwrap();
    assert_eq!((first.currency.code(), first.status), ("EUR", TenantStatus::Active));
    assert_eq!(by_id(store, first.id), Some(first));
    assert_eq!(insert(store, "STRASSE", "two"), None);
    assert_eq!(insert(store, "Other", "one"), None);
    assert!(insert(store, "Other", "two").is_some());
}

fn settings_are_read_as_they_were_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Old Bazaar");
    let wish = Tenant {
        name: store_name("Bazar für Ünïcode 𝒵"),
        currency: Currency::parse("KWD").unwrap(),
        status: TenantStatus::Suspended,
        slug: Slug::of("never").unwrap(),
        created_at: shop.tenant.created_at.plus_seconds(9),
        ..shop.tenant.clone()
    };
    let (written, read) = inside(&shop, move |tx, _| {
        tx.settings().update(&wish)?;
        Ok((tx.settings().lock()?, tx.settings().read()?))
    })
    .unwrap();
    let expected = Tenant {
        name: store_name("Bazar für Ünïcode 𝒵"),
        currency: Currency::parse("KWD").unwrap(),
        status: TenantStatus::Suspended,
        ..shop.tenant.clone()
    };
    assert_eq!((&written, &read), (&expected, &expected), "slug and time never change");
    assert_eq!(by_key(store, &expected.name.key()), Some(expected));
    assert_eq!(by_key(store, &shop.tenant.name.key()).map(|found| found.id), None);
}

fn a_store_cannot_take_anothers_name(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Straße 1"));
    let rename = |name: &str| {
        let patch = TenantPatch { name: Some(store_name(name)), currency: None };
        shop.act(Role::Owner, move |cx| update_store(cx, patch))
    };
    assert_eq!(conflict(rename("STRASSE 1")), Conflict::StoreTaken);
    assert_eq!(conflict(rename("strasse-1")), Conflict::StoreTaken);
    rename("BAZAAR").expect("its own, written otherwise");

    // Even if nobody had looked first.
    let twin = Tenant { name: other.tenant.name.clone(), ..shop.tenant.clone() };
    conflict(inside(&shop, move |tx, _| tx.settings().update(&twin)));
}

fn the_currency_stays_once_there_are_products(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let change = |code: &str| {
        let patch = TenantPatch { name: None, currency: Some(Currency::parse(code).unwrap()) };
        shop.act(Role::Owner, move |cx| update_store(cx, patch))
    };
    change("JPY").expect("there are none yet");
    shop.act(Role::Owner, |cx| {
        haat_domain::catalog::create_product(cx, details_in("JPY", "Lamp", "1000", None))
    })
    .unwrap();
    assert_eq!(conflict(change("INR")), Conflict::CurrencyInUse);
    change("JPY").expect("no change");
}

fn every_filter_shows_what_it_names(store: &Arc<dyn Store>) {
    let admin = TestPlatform::open(Arc::clone(store));
    let names = ["Tea House", "TEA Garden", "Coffee_House", "100% Häuser", "Straße"];
    let mut all: Vec<_> = names.iter().map(|name| insert(store, name, name).unwrap()).collect();
    for shut in all.iter_mut().step_by(2) {
        let id = shut.id;
        *shut = admin.act(move |cx| set_tenant_status(cx, id, TenantStatus::Suspended)).unwrap();
    }
    for status in [None, Some(TenantStatus::Active), Some(TenantStatus::Suspended)] {
        for words in ["", "tea", "house tea", "_", "%", "STRASSE", "HÄU", "nothing"] {
            let filter = TenantFilter { status, search: search(words) };
            let shows = |one: &&Tenant| {
                status.is_none_or(|status| one.status == status)
                    && filter.search.as_ref().is_none_or(|search| search.matches(&one.name.key()))
            };
            let expected: Vec<_> = all.iter().filter(shows).cloned().collect();
            let found = admin.act(move |cx| list_tenants(cx, &filter, &first_page("id"))).unwrap();
            assert_eq!(found.items, expected, "{status:?} {words}");
        }
    }
}

fn a_suspended_store_turns_its_people_away_until_it_is_resumed(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let admin = TestPlatform::open(Arc::clone(store));
    let id = shop.tenant.id;
    let set = |status| admin.act(move |cx| set_tenant_status(cx, id, status)).unwrap();
    assert_eq!(set(TenantStatus::Suspended).status, TenantStatus::Suspended);
    assert!(matches!(shop.act(Role::Owner, read_me), Err(Error::Unauthenticated(_))));
    shop.join("rohan").unwrap_err();
    other.act(Role::Owner, read_me).expect("nobody else's");
    set(TenantStatus::Active);
    shop.act(Role::Owner, read_me).expect("open again");
}

fn one_of_many_opens_a_store_of_a_name(store: &Arc<dyn Store>) {
    let opened = at_once(8, |number| {
        let name = if number % 2 == 0 { "DreamKart" } else { "dreamkart" };
        let wish = enlist("owner", Role::Owner, Some(name), "INR");
        let now = haat_domain::ports::Clock::now(&FixedClock::default());
        store.write(None, move |tx| register(&mut haat_domain::cx::Cx::anonymous(tx, now), &wish))
    });
    assert_eq!(count_ok(&opened), 1, "{opened:?}");
    for lost in opened.into_iter().filter(Result::is_err) {
        conflict(lost);
    }
    let admin = TestPlatform::open(Arc::clone(store));
    let all = admin.act(|cx| list_tenants(cx, &TenantFilter::default(), &first_page("id"))).unwrap();
    assert_eq!(all.items.len(), 1);
}

fn a_platform_admins_doings_stand_in_the_stores_log(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let admin = TestPlatform::open(Arc::clone(store));
    let id = shop.tenant.id;
    let doings: Result<()> = (|| {
        admin.act(move |cx| update_tenant(cx, id, Some(store_name("Bazaar 2"))))?;
        admin.act_in("bazaar", Action::ReadStore, read_store).map(drop)
    })();
    doings.unwrap();
    let filter = AuditFilter { actor: Some(admin.admin.user.id), ..AuditFilter::default() };
    let rows = inside(&shop, move |tx, _| tx.audit().page(&filter, true, None, 10)).unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.entry.action, row.entry.actor_role)).collect();
    assert_eq!(seen, [(Action::EnterStore, "superuser"), (Action::UpdateTenant, "superuser")]);

    let founded = NewTenant { name: store_name("New"), currency: Currency::parse("EUR").unwrap() };
    let founded = admin.act(move |cx| create_tenant(cx, &founded)).unwrap();
    let entries = admin.act_in("New", Action::ReadStore, |cx| {
        cx.enter(Action::ReadStore)?.tx.audit().page(&AuditFilter::default(), false, None, 10)
    });
    let actions: Vec<_> = entries.unwrap().into_iter().map(|row| row.entry.action).collect();
    assert_eq!(actions, [Action::CreateTenant, Action::EnterStore]);
    assert_eq!(by_id(store, founded.id), Some(founded));
}
