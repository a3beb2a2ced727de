//! What is asked of a server, by whom.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::options::Size;
use super::subject::Subject;
use crate::http::{Answer, call, call_json, request};

/// The owner of a store, who has logged in.
pub(crate) struct Buyer {
    pub(crate) token: String,
    /// What the floor has instead of a token.
    pub(crate) identity: String,
    /// Some of the store's products.
    pub(crate) products: Vec<i64>,
}

/// In clear text here, for databases that are thrown away.
pub(crate) const PASSWORD: &str = "demo12345";

/// Logs in the owners of these stores of a [`Place`](super::place::Place), which have so many products each.
pub(crate) fn log_in(
    haat: &Subject,
    stores: impl IntoIterator<Item = u32>,
    products: u32,
) -> Result<Vec<Buyer>, String> {
    let mut dice = Dice(2);
    let logged_in = stores.into_iter().map(|store| {
        let credentials = json!({ "username": format!("owner{store}"), "password": PASSWORD });
        let tokens = call_json(haat.port, "POST", "/api/auth/login/", None, Some(&credentials))?;
        let token = tokens.get("access").and_then(Value::as_str).unwrap_or_default().to_owned();
        // As `growth` numbers them.
        let (first, count) = (i64::from(store - 1) * i64::from(products) + 1, u64::from(products));
        let some = (0..200).filter_map(|_| Some(first + i64::try_from(dice.roll(count)).ok()?)).collect();
        Ok(Buyer { identity: identity(&token)?, products: some, token })
    });
    logged_in.collect()
}

/// So many stores are asked at most.
pub(crate) const ASKED: u32 = 100;

/// Owners of some stores, spread over all.
pub(crate) fn buyers(haat: &Subject, size: Size, some: u32) -> Result<Vec<Buyer>, String> {
    let some = size.tenants.min(some);
    log_in(haat, (0..some).map(|number| 1 + number * (size.tenants / some)), size.products)
}

/// The numbers that a token holds: store, user, session.
fn identity(token: &str) -> Result<String, String> {
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    let numbers = claims.and_then(|claims| {
        let number = |name: &str| claims.get(name)?.as_i64();
        Some(format!("{} {} {}", number("tenant_id")?, number("user_id")?, number("sid")?))
    });
    numbers.ok_or_else(|| format!("a token of an unknown kind: {token}"))
}

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    List,
    One,
    Search,
    Order,
    HotOrder,
    Mixed,
    Login,
}

impl Workload {
    pub(crate) const ALL: [Self; 7] =
        [Self::List, Self::One, Self::Search, Self::Order, Self::HotOrder, Self::Mixed, Self::Login];

    /// What `--only` calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::One => "one",
            Self::Search => "search",
            Self::Order => "order",
            Self::HotOrder => "hot",
            Self::Mixed => "mixed",
            Self::Login => "login",
        }
    }

    /// What the table calls it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::List => "list 50 products",
            Self::One => "get one product",
            Self::Search => "search, 50 products",
            Self::Order => "place an order, spread",
            Self::HotOrder => "place an order, all on one product",
            Self::Mixed => "45 % list, 45 % get, 10 % order",
            Self::Login => "log in",
        }
    }

    /// Whether the floor has it.
    pub(crate) const fn has_floor(self) -> bool {
        !matches!(self, Self::Search | Self::Login)
    }
}

/// Whose server the requests are for: that decides how they say who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    Haat,
    Floor,
}

/// Enough that no two connections ask for the same row at once, but by chance.
const REQUESTS: u64 = 5000;

/// The requests of a workload, spread over buyers and products: the same ones for both servers.
pub(crate) fn requests(workload: Workload, server: For, buyers: &[Buyer]) -> Vec<String> {
    let mut dice = Dice(1);
    (0..REQUESTS)
        .filter_map(|_| {
            let buyer = dice.pick(buyers)?;
            let product = *dice.pick(&buyer.products)?;
            let kind = match (workload, dice.roll(100)) {
                (Workload::Mixed, 0..45) => Workload::List,
                (Workload::Mixed, 45..90) => Workload::One,
                (Workload::Mixed, _) => Workload::Order,
                (other, _) => other,
            };
            Some(match kind {
                Workload::List => buyer.ask(server, "GET", "/api/products/?limit=50", ""),
                Workload::One => buyer.ask(server, "GET", &format!("/api/products/{product}/"), ""),
                Workload::Search => buyer.ask(server, "GET", "/api/products/?search=lamp&limit=50", ""),
                Workload::HotOrder => {
                    let (buyer, product) =
                        buyers.first().and_then(|one| Some((one, *one.products.first()?)))?;
                    buyer.order(server, product)
                }
                Workload::Order | Workload::Mixed => buyer.order(server, product),
                Workload::Login => {
                    let store = 1 + dice.roll(4);
                    let body = json!({ "username": format!("owner{store}"), "password": PASSWORD });
                    request("POST", "/api/auth/login/", &[], &body.to_string())
                }
            })
        })
        .collect()
}

impl Buyer {
    /// Who asks, as a header.
    fn header(&self, server: For) -> (&'static str, String) {
        match server {
            For::Haat => ("Authorization", format!("Bearer {}", self.token)),
            For::Floor => ("X-Floor", self.identity.clone()),
        }
    }

    /// A request of this buyer's, as text.
    pub(crate) fn ask(&self, server: For, method: &str, path: &str, body: &str) -> String {
        let (name, value) = self.header(server);
        request(method, path, &[(name, &value)], body)
    }

    /// What a server answers this buyer.
    pub(crate) fn answer(
        &self,
        (subject, server): (&Subject, For),
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Answer, String> {
        let (name, value) = self.header(server);
        call(subject.port, method, path, &[(name, &value)], body)
    }

    fn order(&self, server: For, product: i64) -> String {
        let body = json!({ "product": product, "quantity": 1 });
        self.ask(server, "POST", "/api/orders/", &body.to_string())
    }
}

/// Numbers that look random and are the same each time (Steele, Lea and Flood's `SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let sides = u64::try_from(from.len()).ok()?;
        from.get(usize::try_from(self.roll(sides)).ok()?)
    }
}
