//! A till: another program with the domain inside, and no web, token or database in sight.
//!
//! `cargo run -p haat-domain --example embed --features testing`
//!
//! It brings a [`Store`] of its own that counts what is committed. Beneath it lies the in-memory store that the tests
//! use; `haat-infra`'s SQLite store would do as well.

#![expect(clippy::print_stdout, reason = "a till prints")]

use haat_domain::authz::{Actor, Role};
use haat_domain::catalog::{
    Description, Product, ProductDetails, ProductName, ProductStatus, Stock, create_product,
};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::identity::{Email, NewUser, PasswordHash, User, Username, create_user};
use haat_domain::ids::TenantId;
use haat_domain::money::Currency;
use haat_domain::orders::{LineRequest, Order, PlaceOrder, place_order};
use haat_domain::ports::{Access, Store, Tx, Work};
use haat_domain::pricing::{Quantity, price};
use haat_domain::tenancy::{NewTenant, StoreName, Tenant, create_tenant};
use haat_domain::testing::MemoryStore;
use haat_domain::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A store that counts what becomes of the work it passes on.
struct CountingStore<S> {
    beneath: S,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    committed: AtomicU32,
    undone: AtomicU32,
}

impl<S: Store> Store for CountingStore<S> {
    fn submit(&self, tenant: Option<TenantId>, access: Access, work: Box<dyn Work>) {
        let counted = CountedWork { work, tally: Arc::clone(&self.tally), commits: false };
        self.beneath.submit(tenant, access, Box::new(counted));
    }

    fn ready(&self) -> Result<()> {
        self.beneath.ready()
    }
}

struct CountedWork {
    work: Box<dyn Work>,
    tally: Arc<Tally>,
    commits: bool,
}

impl Work for CountedWork {
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        self.commits = self.work.run(tx);
        self.commits
    }

    fn settle(self: Box<Self>, end: Result<()>) {
        let kept = self.commits && end.is_ok();
        let count = if kept { &self.tally.committed } else { &self.tally.undone };
        count.fetch_add(1, Ordering::Relaxed);
        self.work.settle(end);
    }
}

/// The till of one shop. Whoever stands at it is trusted as whoever runs the program on a server is.
struct Till {
    store: Arc<dyn Store>,
    shop: Tenant,
    counter: User,
    now: Timestamp,
}

impl Till {
    fn open(store: Arc<dyn Store>, name: StoreName, currency: Currency, now: Timestamp) -> Result<Self> {
        let shop = store.write(None, move |tx| {
            let platform = tx.directory().store_by_id(TenantId::PLATFORM)?.ok_or(Error::NotFound)?;
            create_tenant(&mut Cx::acting(tx, Actor::operator(&platform), now), &NewTenant { name, currency })
        })?;
        // People who walk in share one account, that nobody can log in to: no password has this hash.
        let counter = NewUser {
            username: Username::parse("counter").map_err(|wrong| wrong.on("username"))?,
            email: Email::parse("counter@example.com").map_err(|wrong| wrong.on("email"))?,
            role: Role::Customer,
            hash: PasswordHash::new("!".to_owned()),
        };
        let actor = Actor::operator(&shop);
        let counter =
            store.write(Some(shop.id), move |tx| create_user(&mut Cx::acting(tx, actor, now), &counter))?;
        Ok(Self { store, shop, counter, now })
    }

    fn act<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (actor, now) = (Actor::operator(&self.shop), self.now);
        self.store.write(Some(self.shop.id), move |tx| work(&mut Cx::acting(tx, actor, now)))
    }

    fn stock(&self, name: &str, amount: &str, pieces: i64) -> Result<Product> {
        let amount = amount.parse().map_err(|_| Error::invalid("price", "must be a number"))?;
        let details = ProductDetails {
            name: ProductName::parse(name).map_err(|wrong| wrong.on("name"))?,
            description: Description::default(),
            price: price(amount, self.shop.currency).map_err(|wrong| wrong.on("price"))?,
            sku: None,
            stock: Some(Stock::parse(pieces).map_err(|wrong| wrong.on("stock"))?),
            status: ProductStatus::Active,
        };
        self.act(|cx| create_product(cx, details))
    }

    fn sell(&self, basket: &[(&Product, i64)]) -> Result<Order> {
        let line = |(product, count): &(&Product, i64)| {
            let quantity = Quantity::parse(*count).map_err(|wrong| wrong.on("quantity"))?;
            Ok(LineRequest { product: product.id, quantity, field: "product".to_owned() })
        };
        let lines = basket.iter().map(line).collect::<Result<Vec<_>>>()?;
        let wish = PlaceOrder { customer: Some(self.counter.id), lines };
        self.act(|cx| place_order(cx, wish))
    }
}

fn print_receipt(sale: Result<Order>) {
    match sale {
        Ok(order) => {
            println!("Receipt {}", order.number);
            for line in &order.lines {
                println!(
                    "{:>4} x {:<12} {:>10}",
                    line.quantity.get(),
                    line.name.as_str(),
                    line.line_total.to_string()
                );
            }
            println!("{:>30}\n", format!("{} {}", order.total.currency(), order.total));
        }
        Err(refused) => println!("No sale: {refused} ({})\n", refused.code()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tally = Arc::new(Tally::default());
    let store = CountingStore { beneath: MemoryStore::default(), tally: Arc::clone(&tally) };
    // A till at work asks a `Clock`; the domain never does.
    let now = Timestamp::parse("2026-11-23T12:00:00Z")?;
    let till = Till::open(Arc::new(store), StoreName::parse("Corner Shop")?, Currency::parse("INR")?, now)?;

    let lamp = till.stock("Desk lamp", "1299.00", 3)?;
    let bulb = till.stock("Bulb", "89.50", 10)?;
    print_receipt(till.sell(&[(&lamp, 2), (&bulb, 4)]));
    print_receipt(till.sell(&[(&lamp, 2)]));
    print_receipt(till.sell(&[(&lamp, 1), (&bulb, 6)]));

    let (committed, undone) = (tally.committed.load(Ordering::Relaxed), tally.undone.load(Ordering::Relaxed));
    println!("{committed} transactions committed, {undone} undone");
    Ok(())
}
