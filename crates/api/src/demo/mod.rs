//! Demo data, made through the use cases like everything else.

mod catalogue;

use catalogue::{DREAMKART, Item, TEAROOM};
use haat_domain::authz::{Actor, Role};
use haat_domain::catalog::{
    Description, ProductDetails, ProductName, ProductPatch, ProductStatus, Sku, Stock, create_product,
    update_product,
};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::identity::{
    Credential, Email, Enlist, Login, NewPassword, NewUser, PasswordHash, User, Username, create_admin,
    create_user, end_session, find_account, open_session, register,
};
use haat_domain::ids::{OrderId, ProductId, TenantId};
use haat_domain::money::{Currency, Money};
use haat_domain::orders::{
    LineRequest, OrderPatch, OrderStatus, PlaceOrder, cancel_order, place_order, update_order,
};
use haat_domain::ports::{PasswordHasher, Store, Tx};
use haat_domain::pricing::Quantity;
use haat_domain::tenancy::{StoreName, find_store};
use haat_domain::time::Timestamp;
use std::fmt::Write;

/// A demo account: store, username, password, e-mail address, role.
struct Account(Option<&'static str>, &'static str, &'static str, &'static str, Role);

const ACCOUNTS: &[Account] = &[
    Account(None, "Ria", "ria12345", "ria123@gmail.com", Role::Superuser),
    Account(Some("DreamKart"), "rohan", "rohan12345", "rohan@dreamkart.com", Role::Owner),
    Account(Some("DreamKart"), "priya", "priya12345", "priya@dreamkart.com", Role::Staff),
    Account(Some("DreamKart"), "rahul", "rahul12345", "rahul@dreamkart.com", Role::Customer),
    Account(Some("DreamKart"), "anjali", "anjali12345", "anjali@example.com", Role::Customer),
    Account(Some("Darjeeling Tea Room"), "meera", "meera12345", "meera@tearoom.example", Role::Owner),
    Account(Some("Darjeeling Tea Room"), "arjun", "arjun12345", "arjun@example.com", Role::Customer),
];

/// What `serve --demo` says at the start.
pub fn greeting(url: &str, panel: Option<&str>) -> String {
    let mut text = format!("\n  API         {url}/api/\n  Swagger UI  {url}/api/docs/\n");
    if let Some(panel) = panel {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  Admin panel {url}{panel}/");
    }
    text.push_str("\n  Demo accounts\n");
    for Account(store, username, password, email, role) in ACCOUNTS {
        let store = store.unwrap_or("(platform)");
        let role = role.name();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {store:<20} {role:<10} {username:<8} {password:<12} {email}");
    }
    text
}

fn account(hasher: &dyn PasswordHasher, account: &Account) -> Result<(Option<&'static str>, NewUser)> {
    let Account(store, username, password, email, role) = account;
    let password = NewPassword::parse(password, &[]).map_err(Error::internal)?;
    let new = NewUser {
        username: Username::parse(username).map_err(Error::internal)?,
        email: Email::parse(email).map_err(Error::internal)?,
        role: *role,
        hash: hasher.hash(&password)?,
    };
    Ok((*store, new))
}

/// Loads two stores and a platform admin, all or nothing; `false` if they are there already.
pub fn load(store: &dyn Store, hasher: &dyn PasswordHasher, now: Timestamp) -> Result<bool> {
    if store.read(None, move |tx| Ok(find_store(&mut Cx::anonymous(tx, now), "DreamKart")?.is_some()))? {
        return Ok(false);
    }
    let accounts = ACCOUNTS.iter().map(|one| account(hasher, one)).collect::<Result<Vec<_>>>()?;
    let days = move |days: i64| now.plus_seconds(-days * 24 * 60 * 60);
    store.write(None, move |tx| {
        for (store, new) in &accounts {
            enlist(tx, *store, new, days(30))?;
        }
        let products = stock_up(tx, "rohan", "DreamKart", DREAMKART, days(29))?;
        stock_up(tx, "meera", "Darjeeling Tea Room", TEAROOM, days(29))?;
        let path = [OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered];
        // How long ago, by whom, what, and how far it has come; `None` was regretted.
        for (age, customer, lines, moves) in [
            (20, "rahul", &[(0, 1), (12, 2)][..], Some(3)),
            (14, "rahul", &[(5, 1)], Some(3)),
            (9, "anjali", &[(20, 3), (21, 1), (30, 2)], Some(2)),
            (6, "rahul", &[(7, 2)], Some(2)),
            (4, "anjali", &[(40, 1)], Some(1)),
            (3, "anjali", &[(1, 1)], None),
            (2, "rahul", &[(3, 1), (33, 4)], Some(1)),
            (1, "anjali", &[(11, 2)], Some(0)),
            (0, "rahul", &[(2, 1)], Some(0)),
        ] {
            let order = order(tx, customer, lines, &products, days(age))?;
            let Some(moves) = moves else {
                as_user(tx, customer, "DreamKart", days(age), |cx| cancel_order(cx, order))?;
                continue;
            };
            for status in path.iter().take(moves) {
                let patch = OrderPatch { lines: None, status: Some(*status) };
                as_user(tx, "priya", "DreamKart", days(age), |cx| update_order(cx, order, patch))?;
            }
        }
        Ok(true)
    })
}

fn enlist(tx: &mut dyn Tx, store: Option<&str>, new: &NewUser, now: Timestamp) -> Result<User> {
    let existing = match store {
        None => tx.directory().store_by_id(TenantId::PLATFORM)?,
        Some(name) => find_store(&mut Cx::anonymous(tx, now), name)?,
    };
    match (existing, store) {
        (Some(platform), None) => create_admin(&mut Cx::acting(tx, Actor::operator(&platform), now), new),
        (Some(store), Some(_)) => create_user(&mut Cx::acting(tx, Actor::operator(&store), now), new),
        (None, name) => {
            let store = name.map(StoreName::parse).transpose().map_err(Error::internal)?;
            let currency = Currency::parse("INR").map_err(Error::internal)?;
            register(
                &mut Cx::anonymous(tx, now),
                &Enlist { user: new.clone(), store, invitation: None, currency },
            )
        }
    }
}

/// Does something as a user, in a session of their own.
fn as_user<T>(
    tx: &mut dyn Tx,
    username: &str,
    store: &str,
    now: Timestamp,
    work: impl FnOnce(&mut Cx<'_>) -> Result<T>,
) -> Result<T> {
    let login = Login {
        username: Username::parse(username).map_err(Error::internal)?,
        store: Some(store.to_owned()),
    };
    let mut door = Cx::anonymous(tx, now);
    let account = find_account(&mut door, &login)?.ok_or(Error::NotFound)?;
    let grant = open_session(&mut door, &account, None)?;
    let (tenant, user, session) = (grant.tenant, grant.user, grant.session);
    let credential = Credential { tenant, user, session, token_version: grant.token_version };
    let mut cx = Cx::authenticate(tx, &credential, now)?;
    let done = work(&mut cx)?;
    end_session(&mut cx)?;
    Ok(done)
}

fn stock_up(
    tx: &mut dyn Tx,
    owner: &str,
    store: &str,
    items: &[Item],
    now: Timestamp,
) -> Result<Vec<ProductId>> {
    as_user(tx, owner, store, now, |cx| {
        let currency = cx.known()?.currency();
        let products = items.iter().map(|item| Ok(create_product(cx, details(item, currency)?)?.id));
        let products = products.collect::<Result<Vec<_>>>()?;
        // One that is not yet for sale and one that no longer is.
        if let [.., draft, archived] = products.as_slice() {
            for (product, status) in [(draft, ProductStatus::Draft), (archived, ProductStatus::Archived)] {
                update_product(
                    cx,
                    *product,
                    ProductPatch { status: Some(status), ..ProductPatch::default() },
                )?;
            }
        }
        Ok(products)
    })
}

fn details(item: &Item, currency: Currency) -> Result<ProductDetails> {
    let Item(sku, name, rupees, stock, description) = item;
    Ok(ProductDetails {
        name: ProductName::parse(name).map_err(Error::internal)?,
        description: Description::parse(description).map_err(Error::internal)?,
        price: Money::exact((*rupees).into(), currency).map_err(Error::internal)?,
        sku: Some(Sku::parse(sku).map_err(Error::internal)?),
        stock: stock.map(Stock::parse).transpose().map_err(Error::internal)?,
        status: ProductStatus::Active,
    })
}

fn order(
    tx: &mut dyn Tx,
    customer: &str,
    lines: &[(usize, i64)],
    products: &[ProductId],
    now: Timestamp,
) -> Result<OrderId> {
    let lines = lines.iter().filter_map(|(index, count)| {
        let (product, quantity) = (*products.get(*index)?, Quantity::parse(*count).ok()?);
        Some(LineRequest { product, quantity, field: "product".to_owned() })
    });
    let wish = PlaceOrder { customer: None, lines: lines.collect() };
    as_user(tx, customer, "DreamKart", now, |cx| Ok(place_order(cx, wish)?.id))
}

/// Products that are made in one transaction, so that others get their turn and progress can be shown.
const BATCH: u32 = 500;

/// Loads many stores with many products each; `progress` hears how many more products are there.
pub fn load_many(
    store: &dyn Store,
    hasher: &dyn PasswordHasher,
    now: Timestamp,
    (tenants, products): (u32, u32),
    progress: &dyn Fn(u64),
) -> Result<()> {
    let hash = hasher.hash(&NewPassword::parse("demo12345", &[]).map_err(Error::internal)?)?;
    for tenant in 1..=tenants {
        let (name, hash) = (format!("Demo store {tenant}"), hash.clone());
        let owner = format!("owner{tenant}");
        store.write(None, move |tx| found(tx, &name, &owner, &hash, now))?;
        let mut made = 0;
        while made < products {
            let (first, count) = (made + 1, BATCH.min(products - made));
            let name = format!("Demo store {tenant}");
            store.write(None, move |tx| fill(tx, &name, first..first + count, now))?;
            progress(u64::from(count));
            made += count;
        }
    }
    Ok(())
}

fn found(tx: &mut dyn Tx, name: &str, owner: &str, hash: &PasswordHash, now: Timestamp) -> Result<()> {
    let new = NewUser {
        username: Username::parse(owner).map_err(Error::internal)?,
        email: Email::parse(&format!("{owner}@example.com")).map_err(Error::internal)?,
        role: Role::Owner,
        hash: hash.clone(),
    };
    enlist(tx, Some(name), &new, now).map(drop)
}

fn fill(tx: &mut dyn Tx, store: &str, numbers: std::ops::Range<u32>, now: Timestamp) -> Result<()> {
    let store = find_store(&mut Cx::anonymous(tx, now), store)?.ok_or(Error::NotFound)?;
    let mut cx = Cx::acting(tx, Actor::operator(&store), now);
    let sorts = DREAMKART.iter().cycle();
    for (number, Item(_, name, rupees, _, description)) in numbers.zip(sorts) {
        let details = ProductDetails {
            name: ProductName::parse(&format!("{name} {number}")).map_err(Error::internal)?,
            description: Description::parse(description).map_err(Error::internal)?,
            price: Money::exact((rupees + i64::from(number % 97)).into(), store.currency)
                .map_err(Error::internal)?,
            sku: Some(Sku::parse(&format!("DEMO-{number:07}")).map_err(Error::internal)?),
            stock: Some(Stock::parse(1_000_000).map_err(Error::internal)?),
            status: ProductStatus::Active,
        };
        create_product(&mut cx, details)?;
    }
    Ok(())
}
