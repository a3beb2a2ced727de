use crate::authz::Role;
use crate::catalog::{Description, ProductDetails, ProductName, ProductStatus, Stock};
use crate::error::{Error, Result};
use crate::identity::{Email, Enlist, NewUser, PasswordHash, Username};
use crate::ids::ProductId;
use crate::money::Currency;
use crate::orders::{LineRequest, LinesChange, OrderPatch, PlaceOrder};
use crate::page::{Cursor, Limit, Page, PageRequest, Sort, SortKey};
use crate::pricing::{Quantity, price};
use crate::tenancy::StoreName;
use crate::text::Search;

/// An active product in rupees, without SKU and description.
pub fn details(name: &str, amount: &str, stock: Option<i64>) -> ProductDetails {
    details_in("INR", name, amount, stock)
}

/// An active product in some currency, without SKU and description.
pub fn details_in(currency: &str, name: &str, amount: &str, stock: Option<i64>) -> ProductDetails {
    let currency = Currency::parse(currency).expect("a known currency");
    ProductDetails {
        name: ProductName::parse(name).expect("a good product name"),
        description: Description::default(),
        price: price(amount.parse().expect("a number"), currency).expect("a good price"),
        sku: None,
        stock: stock.map(|pieces| Stock::parse(pieces).expect("a good stock")),
        status: ProductStatus::Active,
    }
}

/// So many pieces.
pub fn quantity(count: i64) -> Quantity {
    Quantity::parse(count).expect("a good quantity")
}

/// So many pieces of this.
pub fn line(product: ProductId, count: i64) -> LineRequest {
    LineRequest { product, quantity: quantity(count), field: "product".to_owned() }
}

/// A wish for so many pieces of each, for oneself.
pub fn order_of(lines: &[(ProductId, i64)]) -> PlaceOrder {
    PlaceOrder {
        customer: None,
        lines: lines.iter().map(|(product, count)| line(*product, *count)).collect(),
    }
}

/// The change of an order to these lines.
pub fn changes(lines: &[(ProductId, i64)]) -> OrderPatch {
    OrderPatch { lines: Some(LinesChange::All(order_of(lines).lines)), status: None }
}

/// A username.
pub fn username(name: &str) -> Username {
    Username::parse(name).expect("a good username")
}

/// An e-mail address.
pub fn email(address: &str) -> Email {
    Email::parse(address).expect("a good e-mail address")
}

/// The name of a store.
pub fn store_name(name: &str) -> StoreName {
    StoreName::parse(name).expect("a good name of a store")
}

/// What a search for these words looks for.
pub fn search(words: &str) -> Option<Search> {
    Search::parse(words).expect("a good search")
}

/// A password as if hashed: no password matches it.
pub fn hash(password: &str) -> PasswordHash {
    PasswordHash::new(format!("hash of {password}"))
}

/// An account to be, with an address made of its name.
pub fn user(name: &str, role: Role) -> NewUser {
    let (username, email) = (username(name), email(&format!("{name}@example.com")));
    NewUser { username, email, role, hash: hash(name) }
}

/// A wish to become somebody in a store, or to open it.
pub fn enlist(name: &str, role: Role, store: Option<&str>, currency: &str) -> Enlist {
    let currency = Currency::parse(currency).expect("a known currency");
    Enlist { user: user(name, role), store: store.map(store_name), invitation: None, currency }
}

/// The beginning of a list, in an order such as `price` or `-created_at`.
pub fn first_page<K: SortKey>(order: &str) -> PageRequest<K> {
    page_of(order, Limit::default().and_one() - 1)
}

/// The beginning of a list, at most so many rows of it.
pub fn page_of<K: SortKey>(order: &str, limit: i64) -> PageRequest<K> {
    let limit = Limit::parse(limit).expect("a good limit");
    PageRequest { limit, sort: Sort::parse(order).expect("a known order"), cursor: None }
}

/// Follows a list to its end, through the text of each cursor, and answers its pages. A list of more than a thousand
/// pages has lost its way.
pub fn walk<K: SortKey, T>(
    mut request: PageRequest<K>,
    mut list: impl FnMut(PageRequest<K>) -> Result<Page<T>>,
) -> Result<Vec<Vec<T>>> {
    let mut pages = Vec::new();
    while pages.len() < 1000 {
        let page = list(request.clone())?;
        pages.push(page.items);
        let Some(next) = page.next else { return Ok(pages) };
        request.cursor = Some(Cursor::parse(&next.to_string()).map_err(Error::internal)?);
    }
    Err(Error::internal("a list without end"))
}
