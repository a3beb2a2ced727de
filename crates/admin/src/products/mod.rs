//! Products: the list, one product, and files of many.

mod bring;
mod csv;
mod export;
mod form;
mod import;
mod list;
mod pull;
mod turns;
mod upload;

pub use self::turns::Turns;

use crate::failure::Failure;
use crate::form::Fields;
use crate::routes::{Pages, Rule};
use crate::ui::address;
use actix_web::Error;
use actix_web::dev::{ServiceFactory, ServiceRequest};
use haat_domain::authz::Action;
use haat_domain::catalog::{
    Description, ProductDetails, ProductName, ProductPatch, ProductStatus, Sku, Stock,
};
use haat_domain::error::{FieldErrors, Violation};
use haat_domain::ids::ProductId;
use haat_domain::money::{Currency, decimal};
use haat_domain::page::Cursor;
use haat_domain::pricing::price;

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    let (read, change) = (Rule::Needs(Action::ReadProducts), Rule::Needs(Action::UpdateProduct));
    pages
        .get("/products/", read, list::show)
        .post("/products/bulk/", change, list::bulk)
        .get("/products/new/", Rule::Needs(Action::CreateProduct), form::blank)
        .post("/products/new/", Rule::Needs(Action::CreateProduct), form::create)
        .get("/products/export/", read, export::download)
        .get("/products/import/", read, import::ask)
        .post("/products/import/", change, import::receive)
        .get("/products/{id}/", read, form::show)
        .post("/products/{id}/", change, form::change)
        .post("/products/{id}/quick/", change, form::quick)
        .get("/products/{id}/delete/", read, form::doubt)
        .post("/products/{id}/delete/", Rule::Needs(Action::DeleteProduct), form::delete)
}

/// The product that a path names.
fn id(text: &str) -> Result<ProductId, Failure> {
    crate::form::id(text).map(ProductId::new)
}

/// A product's number, as people write it.
fn number(text: &str) -> Option<ProductId> {
    id(text).ok()
}

/// The list as it was when a form of it was made.
fn list_again(typed: &Fields) -> String {
    let query = typed.get("back");
    let cursor = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cursor");
    let cursor = cursor.and_then(|(_, text)| Cursor::parse(&text).ok());
    address("/products/", query, cursor.as_ref(), &[])
}

/// What is said about a product, as forms and files name it and show it.
fn shown(details: &ProductDetails) -> [(&'static str, String); 6] {
    let ProductDetails { name, description, price, sku, stock, status } = details;
    [
        ("name", name.as_str().to_owned()),
        ("description", description.as_str().to_owned()),
        ("price", price.to_string()),
        ("sku", sku.as_ref().map_or_else(String::new, |sku| sku.as_str().to_owned())),
        ("stock", stock.map_or_else(String::new, |stock| stock.get().to_string())),
        ("status", status.to_string()),
    ]
}

/// What a form or a row says about a product. `told` has the text of a field; `None`: nothing is said about it. A SKU
/// or a stock that is empty is none, and a status that is empty says nothing.
fn read(told: impl Fn(&str) -> Option<String>, currency: Currency, errors: &mut FieldErrors) -> ProductPatch {
    let said = |name: &str| told(name).map(|text| Some(text).filter(|text| !text.trim().is_empty()));
    ProductPatch {
        name: told("name").and_then(|text| errors.check("name", ProductName::parse(&text))),
        description: told("description")
            .and_then(|text| errors.check("description", Description::parse(&text))),
        price: told("price").and_then(|text| errors.check("price", amount(&text, currency))),
        sku: said("sku").and_then(|text| match text {
            Some(text) => errors.check("sku", Sku::parse(&text)).map(Some),
            None => Some(None),
        }),
        stock: said("stock").and_then(|text| match text {
            Some(text) => errors.check("stock", pieces(&text)).map(Some),
            None => Some(None),
        }),
        status: said("status")
            .flatten()
            .and_then(|text| errors.check("status", ProductStatus::parse(text.trim()))),
    }
}

/// A price as it is typed.
fn amount(text: &str, currency: Currency) -> Result<haat_domain::money::Money, Violation> {
    if text.trim().is_empty() {
        return Err(Violation::new("is required"));
    }
    decimal(text).and_then(|amount| price(amount, currency))
}

/// A stock as it is typed.
fn pieces(text: &str) -> Result<Stock, Violation> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Violation::new("must be a whole number, or empty where pieces are not counted"));
    }
    // Whatever is too long for a number is out of bounds as well.
    Stock::parse(text.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inr() -> Currency {
        Currency::parse("INR").unwrap()
    }

    fn read_one(field: &str, text: &str) -> (ProductPatch, FieldErrors) {
        let mut errors = FieldErrors::default();
        let patch = read(|name| (name == field).then(|| text.to_owned()), inr(), &mut errors);
        (patch, errors)
    }

    #[test]
    fn a_product_is_named_by_plain_digits() {
        assert_eq!(number("42"), Some(ProductId::new(42)));
        for wrong in ["", "0", "-1", "+1", " 1", "1.0", "9007199254740992", "99999999999999999999", "١"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_said_is_left_alone_and_what_is_empty_is_none() {
        let (patch, errors) = read_one("none", "");
        assert!(errors.finish().is_ok() && patch.name.is_none() && patch.stock.is_none());
        assert_eq!(read_one("sku", " ").0.sku, Some(None));
        assert_eq!(read_one("stock", "").0.stock, Some(None));
        assert_eq!(read_one("status", "").0.status, None);
        assert_eq!(read_one("stock", " 7 ").0.stock, Some(Stock::parse(7).ok()));
        assert_eq!(read_one("price", "1e2").0.price.unwrap().to_string(), "100.00");
    }

    #[test]
    fn what_cannot_be_is_said_of_its_field() {
        for (field, text) in [
            ("name", " "),
            ("name", "a\0b"),
            ("price", ""),
            ("price", "12,50"),
            ("price", "-1"),
            ("price", "1.234"),
            ("price", "99999999999999999999999999999999"),
            ("sku", "a b"),
            ("stock", "1.5"),
            ("stock", "-1"),
            ("stock", "many"),
            ("stock", "99999999999999999999"),
            ("status", "gone"),
        ] {
            assert!(read_one(field, text).1.has(field), "{field} {text:?}");
        }
    }

    #[test]
    fn the_way_back_is_a_list_of_this_panel() {
        let back = |query: &str| list_again(&Fields::default().with("back", query));
        assert_eq!(back("search=tea&status="), "/products/?search=tea");
        assert_eq!(back("cursor=forged&search=a"), "/products/?search=a");
        assert_eq!(back("//evil.example\r\nX: y"), "/products/");
    }
}
