//! Whatever people do to orders, no piece is lost and none is sold twice.

use crate::{product, shop, stock_of};
use haat_domain::authz::Role;
use haat_domain::error::Result;
use haat_domain::ids::{OrderId, ProductId};
use haat_domain::money::Money;
use haat_domain::orders::*;
use haat_domain::testing::*;
use proptest::prelude::*;
use proptest::sample::Index;

const STOCK: [i64; 3] = [3, 10, 40];

#[derive(Debug, Clone)]
enum Step {
    Place(Vec<(Index, i64)>),
    Change(Index, Vec<(Index, i64)>),
    Resize(Index, i64),
    Move(Index, OrderStatus),
    Cancel(Index, Role),
    Delete(Index),
}

fn any_lines() -> impl Strategy<Value = Vec<(Index, i64)>> {
    proptest::collection::vec((any::<Index>(), 1..8_i64), 1..4)
}

fn any_step() -> impl Strategy<Value = Step> {
    let status = proptest::sample::select(OrderStatus::ALL.to_vec());
    let role = prop_oneof![Just(Role::Customer), Just(Role::Staff)];
    prop_oneof![
        4 => any_lines().prop_map(Step::Place),
        3 => (any::<Index>(), any_lines()).prop_map(|(order, lines)| Step::Change(order, lines)),
        2 => (any::<Index>(), 1..8_i64).prop_map(|(order, count)| Step::Resize(order, count)),
        2 => (any::<Index>(), status).prop_map(|(order, status)| Step::Move(order, status)),
        2 => (any::<Index>(), role).prop_map(|(order, role)| Step::Cancel(order, role)),
        1 => any::<Index>().prop_map(Step::Delete),
    ]
}

struct Market {
    shop: TestShop,
    products: [ProductId; 3],
    placed: Vec<OrderId>,
}

impl Market {
    fn open() -> Self {
        let shop = shop();
        let [a, b, c] = STOCK;
        let products = [(a, "1.10"), (b, "20"), (c, "0.99")]
            .map(|(stock, amount)| product(&shop, "P", amount, Some(stock)).id);
        Self { shop, products, placed: Vec::new() }
    }

    fn lines(&self, lines: &[(Index, i64)]) -> Vec<(ProductId, i64)> {
        lines.iter().map(|(product, count)| (*product.get(&self.products), *count)).collect()
    }

    /// Does it, or has it refused; whether it was done.
    fn take(&mut self, step: &Step) -> Result<()> {
        let pick = |order: &Index| *order.get(&self.placed);
        match step {
            Step::Place(lines) => {
                let wish = order_of(&self.lines(lines));
                let order = self.shop.act(Role::Customer, |cx| place_order(cx, wish))?;
                self.placed.push(order.id);
                Ok(())
            }
            _ if self.placed.is_empty() => Ok(()),
            Step::Change(order, lines) => self.patch(pick(order), changes(&self.lines(lines))),
            Step::Resize(order, count) => {
                let lines = LinesChange::Single { product: None, quantity: Some(quantity(*count)) };
                self.patch(pick(order), OrderPatch { lines: Some(lines), status: None })
            }
            Step::Move(order, status) => {
                self.patch(pick(order), OrderPatch { lines: None, status: Some(*status) })
            }
            Step::Cancel(order, role) => {
                let id = pick(order);
                self.shop.act(*role, move |cx| cancel_order(cx, id)).map(drop)
            }
            Step::Delete(order) => {
                let id = pick(order);
                self.shop.act(Role::Staff, move |cx| delete_order(cx, id))
            }
        }
    }

    fn patch(&self, id: OrderId, patch: OrderPatch) -> Result<()> {
        self.shop.act(Role::Staff, move |cx| update_order(cx, id, patch)).map(drop)
    }

    fn orders(&self) -> Vec<Order> {
        let list =
            |cx: &mut haat_domain::cx::Cx<'_>| list_orders(cx, OrderFilter::default(), &page_of("id", 200));
        self.shop.act(Role::Staff, list).unwrap().items
    }

    fn stocks(&self) -> [i64; 3] {
        self.products.map(|id| stock_of(&self.shop, id).unwrap())
    }

    /// Pieces of each product that are in an order which holds them.
    fn held(&self) -> [i64; 3] {
        let orders = self.orders();
        let lines = || {
            orders
                .iter()
                .filter(|order| order.status != OrderStatus::Cancelled)
                .flat_map(|order| &order.lines)
        };
        self.products.map(|id| lines().filter(|line| line.product == id).map(|line| line.counted).sum())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_piece_is_in_stock_or_in_one_order(steps in proptest::collection::vec(any_step(), 1..40)) {
        let mut market = Market::open();
        for step in steps {
            let before = (market.orders(), market.stocks());
            if market.take(&step).is_err() {
                prop_assert_eq!((market.orders(), market.stocks()), before, "{:?} was refused, so nothing changed", step);
            }
            let (stocks, held) = (market.stocks(), market.held());
            for ((initial, stock), held) in STOCK.into_iter().zip(stocks).zip(held) {
                prop_assert!(stock >= 0 && held >= 0);
                prop_assert_eq!(initial, stock + held, "{:?}", step);
            }
            for order in market.orders() {
                let sum = order.lines.iter().try_fold(Money::zero(order.total.currency()), |sum, line| sum.plus(line.line_total));
                prop_assert_eq!(sum.unwrap(), order.total);
                prop_assert!(order.lines.iter().all(|line| line.unit_price.times(line.quantity.get()).unwrap() == line.line_total));
                prop_assert!(order.lines.iter().all(|line| line.counted == line.quantity.get()));
            }
        }
        let numbers: Vec<_> = market.orders().iter().map(|order| order.number).collect();
        prop_assert!(numbers.is_sorted() && numbers.iter().all(|number| *number > 1000));
    }
}
