//! What one store sees is the same whether or not another is busy: random work of one store is done twice, once alone
//! and once with random work of another store in between, and the two transcripts are compared.
#![cfg(not(feature = "rls-only"))]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use haat_domain::audit::{AuditFilter, Object, list_audit};
use haat_domain::authz::Role;
use haat_domain::catalog::{
    ProductFilter, ProductPatch, Stock, create_product, delete_product, list_products, update_product,
};
use haat_domain::cx::Cx;
use haat_domain::error::Result;
use haat_domain::identity::{UserFilter, create_user, list_users};
use haat_domain::ids::{OrderId, ProductId};
use haat_domain::orders::{OrderFilter, cancel_order, list_orders, place_order};
use haat_domain::page::{Page, PageRequest, SortKey};
use haat_domain::ports::Store;
use haat_domain::testing::{MemoryStore, TestShop, details, order_of, page_of, user};
use haat_infra::testing::{Engine, TestDatabase};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Something that somebody in a store does. Numbers choose among what the store has made so far.
#[derive(Debug, Clone)]
enum Step {
    AddProduct { name: u8, stock: Option<u8> },
    Restock { product: usize, stock: u8 },
    RemoveProduct { product: usize },
    Order { product: usize, quantity: u8, by: Role },
    Cancel { order: usize },
    Hire { name: u8 },
    ListProducts { by: Role, sort: &'static str },
    ListOrders { by: Role },
    ListUsers,
    ReadAudit,
}

fn step() -> impl Strategy<Value = Step> {
    let somebody = prop_oneof![Just(Role::Owner), Just(Role::Staff), Just(Role::Customer)];
    let buyer = prop_oneof![Just(Role::Staff), Just(Role::Customer)];
    let sort = prop_oneof![Just("id"), Just("-id"), Just("name"), Just("-price"), Just("created_at")];
    let order = (any::<usize>(), 1..5_u8, buyer);
    prop_oneof![
        3 => (any::<u8>(), proptest::option::of(0..9_u8)).prop_map(|(name, stock)| Step::AddProduct { name, stock }),
        1 => (any::<usize>(), 0..9_u8).prop_map(|(product, stock)| Step::Restock { product, stock }),
        1 => any::<usize>().prop_map(|product| Step::RemoveProduct { product }),
        4 => order.prop_map(|(product, quantity, by)| Step::Order { product, quantity, by }),
        1 => any::<usize>().prop_map(|order| Step::Cancel { order }),
        1 => (0..6_u8).prop_map(|name| Step::Hire { name }),
        2 => (somebody.clone(), sort).prop_map(|(by, sort)| Step::ListProducts { by, sort }),
        1 => somebody.prop_map(|by| Step::ListOrders { by }),
        1 => Just(Step::ListUsers),
        1 => Just(Step::ReadAudit),
    ]
}

/// A store at work, and all that it was told.
struct Worker {
    shop: TestShop,
    products: Vec<ProductId>,
    orders: Vec<OrderId>,
    transcript: Vec<String>,
}

impl Worker {
    fn new(store: &Arc<dyn Store>, name: &str) -> Self {
        let shop = TestShop::open(Arc::clone(store), name, "INR");
        Self { shop, products: Vec::new(), orders: Vec::new(), transcript: Vec::new() }
    }

    fn act_all(&mut self, steps: &[Step]) {
        for step in steps {
            self.act(step);
        }
    }

    fn act(&mut self, step: &Step) {
        let told = match step.clone() {
            Step::AddProduct { name, stock } => {
                let details = details(&format!("Thing {name}"), "2.50", stock.map(i64::from));
                let made = self.shop.act(Role::Owner, |cx| create_product(cx, details));
                self.products.extend(made.iter().map(|product| product.id));
                format!("{made:?}")
            }
            Step::Restock { product, stock } => {
                let patch = ProductPatch {
                    stock: Some(Some(Stock::parse(stock.into()).unwrap())),
                    ..ProductPatch::default()
                };
                self.one_product(product, move |cx, id| update_product(cx, id, patch))
            }
            Step::RemoveProduct { product } => self.one_product(product, delete_product),
            Step::Order { product, quantity, by } => {
                let Some(product) = pick(&self.products, product) else { return };
                let placed =
                    self.shop.act(by, move |cx| place_order(cx, order_of(&[(product, quantity.into())])));
                self.orders.extend(placed.iter().map(|order| order.id));
                format!("{placed:?}")
            }
            Step::Cancel { order } => {
                let Some(order) = pick(&self.orders, order) else { return };
                format!("{:?}", self.shop.act(Role::Staff, move |cx| cancel_order(cx, order)))
            }
            Step::Hire { name } => {
                let new = user(&format!("worker{name}"), Role::Staff);
                format!("{:?}", self.shop.act(Role::Owner, move |cx| create_user(cx, &new)))
            }
            Step::ListProducts { by, sort } => pages(sort, |request| {
                self.shop.act(by, move |cx| list_products(cx, ProductFilter::default(), &request))
            }),
            Step::ListOrders { by } => pages("-id", |request| {
                self.shop.act(by, move |cx| list_orders(cx, OrderFilter::default(), &request))
            }),
            Step::ListUsers => pages("id", |request| {
                self.shop.act(Role::Owner, move |cx| list_users(cx, &UserFilter::default(), &request))
            }),
            Step::ReadAudit => pages("-number", |request| {
                let page = self
                    .shop
                    .act(Role::Owner, move |cx| list_audit(cx, &AuditFilter::default(), &request))?;
                // Values of facts, and links over them, hold numbers as they are on this server.
                let short = |row: &haat_domain::audit::Recorded| {
                    let entry = &row.entry;
                    (row.number, entry.action, entry.actor_name.clone(), entry.object.map(Object::kind))
                };
                Ok(Page { items: page.items.iter().map(short).collect(), next: page.next })
            }),
        };
        self.transcript.push(format!("{step:?}: {told}"));
    }

    fn one_product<T: Debug + Send + 'static>(
        &self,
        number: usize,
        work: impl FnOnce(&mut Cx<'_>, ProductId) -> Result<T> + Send + 'static,
    ) -> String {
        pick(&self.products, number).map_or_else(String::new, |id| {
            format!("{:?}", self.shop.act(Role::Owner, move |cx| work(cx, id)))
        })
    }

    /// The transcript, with the numbers of things in the order in which they first occur: which numbers a store is
    /// given does depend on the others, since they are counted for the whole server.
    fn renamed(&self) -> Vec<String> {
        let mut names = BTreeMap::new();
        self.transcript.iter().map(|line| rename(line, &mut names)).collect()
    }
}

fn pick<T: Copy>(all: &[T], number: usize) -> Option<T> {
    number.checked_rem(all.len()).and_then(|index| all.get(index)).copied()
}

/// All pages of a list, three rows at a time.
fn pages<K: SortKey, T: Debug>(sort: &str, list: impl Fn(PageRequest<K>) -> Result<Page<T>>) -> String {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        match list(PageRequest { cursor, ..page_of(sort, 3) }) {
            Ok(page) => {
                rows.extend(page.items.iter().map(|row| format!("{row:?}")));
                cursor = page.next;
            }
            Err(error) => return format!("{error:?}"),
        }
        if cursor.is_none() {
            return rows.join("\n  ");
        }
    }
}

/// `ProductId(17)` as `ProductId(#1)`.
fn rename(line: &str, names: &mut BTreeMap<String, usize>) -> String {
    let mut parts = line.split("Id(");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let kind: String = text.chars().rev().take_while(|c| c.is_alphabetic()).collect();
        let (number, rest) = part.split_once(')').expect("a closed bracket");
        let next = names.len();
        let name = names.entry(format!("{kind} {number}")).or_insert(next);
        text = text + "Id(#" + &name.to_string() + ")" + rest;
    }
    text
}

/// The same work, alone and beside a neighbour.
fn undisturbed(store: &Arc<dyn Store>, mine: &[Step], theirs: &[Vec<Step>]) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let open = |what: &str| Worker::new(store, &format!("{what} {number}"));
    let mut alone = open("Alone");
    alone.act_all(mine);
    let (mut beside, mut neighbour) = (open("Beside"), open("Neighbour"));
    for (step, between) in mine.iter().zip(theirs) {
        neighbour.act_all(between);
        beside.act(step);
    }
    let unnamed = |worker: &Worker| {
        let own = worker.shop.tenant.name.as_str().to_owned();
        worker.renamed().into_iter().map(|line| line.replace(&own, "Shop")).collect::<Vec<_>>()
    };
    assert_eq!(unnamed(&beside), unnamed(&alone));
}

fn check(cases: u32, store: impl Fn() -> Arc<dyn Store>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let between = proptest::collection::vec(step(), 0..4);
    let work = proptest::collection::vec((step(), between), 12);
    TestRunner::new(config)
        .run(&work, |work| {
            let (mine, theirs): (Vec<_>, Vec<_>) = work.into_iter().unzip();
            undisturbed(&store(), &mine, &theirs);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn on(engine: Engine, cases: u32) {
    let Some(database) = TestDatabase::new(engine) else { return };
    let store = database.store();
    check(cases, || Arc::clone(&store));
}

#[test]
fn a_busy_neighbour_changes_nothing_in_memory() {
    check(1_000, || Arc::new(MemoryStore::default()));
}

#[test]
fn a_busy_neighbour_changes_nothing_on_sqlite() {
    on(Engine::Sqlite, 40);
}

#[test]
fn a_busy_neighbour_changes_nothing_on_postgres() {
    on(Engine::Postgres, 20);
}

#[test]
fn a_transcript_tells_different_things_apart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (mut one, mut other) = (Worker::new(&store, "One"), Worker::new(&store, "Other"));
    let add = Step::AddProduct { name: 1, stock: Some(3) };
    let order = |quantity| Step::Order { product: 0, quantity, by: Role::Customer };
    one.act_all(&[add.clone(), order(1)]);
    other.act_all(&[add, order(2)]);
    assert_eq!(one.renamed().first(), other.renamed().first());
    assert_ne!(one.renamed(), other.renamed());
}
