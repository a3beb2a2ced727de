//! One product: adding it, looking at it, changing it, removing it.
//!
//! A form holds, hidden beside each field, what the product said when the form was made. So only what somebody has
//! changed is written, pieces that were sold meanwhile are not brought back, and two people who change different
//! things do not get into each other's way.

use super::{id, list_again, read, shown};
use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted, once};
use crate::page::Frame;
use crate::show::capital;
use crate::ui::{Input, Question, badge, head, problem};
use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpResponse, ResponseError};
use haat_domain::authz::Action;
use haat_domain::catalog::{
    Product, ProductDetails, ProductStatus, create_product, delete_product, lock_product, read_product,
    update_product,
};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors, Result};
use haat_domain::identity::{Username, names_of};
use haat_domain::ids::ProductId;
use haat_domain::ports::Access;
use maud::{Markup, html};

const FIELDS: [&str; 6] = ["name", "description", "price", "sku", "stock", "status"];

/// The hidden field that says what another one was.
fn was(field: &str) -> String {
    format!("was_{field}")
}

/// A text with the line breaks of the store's; a browser sends its own.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The fields that somebody has changed, of those that the form has.
fn touched(typed: &Fields) -> Vec<&'static str> {
    let changed = |field: &&str| typed.has(field) && plain(typed.get(field)) != plain(typed.get(&was(field)));
    FIELDS.into_iter().filter(changed).collect()
}

/// Those of them that somebody else has changed meanwhile, to something else.
fn overtaken(typed: &Fields, now: &ProductDetails) -> Vec<(&'static str, String)> {
    let touched = touched(typed);
    let moved = |(field, now): &(&str, String)| {
        let now = plain(now);
        touched.contains(field) && now != plain(typed.get(&was(field))) && now != plain(typed.get(field))
    };
    shown(now).into_iter().filter(moved).collect()
}

/// The form as of now: what was typed stays, the rest is as it is.
fn renewed(typed: &Fields, now: &ProductDetails) -> Fields {
    let touched = touched(typed);
    shown(now).into_iter().fold(Fields::default(), |fields, (field, now)| {
        let text = if touched.contains(&field) { typed.get(field).to_owned() } else { now.clone() };
        fields.with(field, text).with(&was(field), now)
    })
}

pub(super) async fn blank(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, ()) = desk.show(Access::Read, Action::CreateProduct, |_| Ok(())).await?;
    let typed = desk.sight.once(Fields::default().with("status", ProductStatus::Active.name()))?;
    Ok(frame.page("New product", new_page(&frame, &Draft::of(typed))))
}

pub(super) async fn create(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    let sent = typed.clone();
    let work = move |cx: &mut Cx<'_>| {
        let product = create_product(cx, details(cx, &sent)?)?;
        Ok(format!("/products/{}/", product.id))
    };
    match desk.create(&typed, Action::CreateProduct, work).await {
        Ok(place) => Ok(desk.sight.go(&place, Some(Flash::ProductCreated))),
        Err(failure) => {
            let status = failure.status_code();
            let draft = desk.sight.refused(typed, failure)?;
            let (frame, ()) = desk.show(Access::Read, Action::CreateProduct, |_| Ok(())).await?;
            Ok(frame.answer(status, "New product", new_page(&frame, &draft)))
        }
    }
}

fn details(cx: &Cx<'_>, typed: &Fields) -> Result<ProductDetails> {
    let mut errors = FieldErrors::default();
    let patch = read(|field| Some(plain(typed.get(field))), cx.known()?.currency(), &mut errors);
    errors.finish()?;
    let (Some(name), Some(price)) = (patch.name, patch.price) else {
        return Err(Error::invalid("name", "is required"));
    };
    Ok(ProductDetails {
        name,
        description: patch.description.unwrap_or_default(),
        price,
        sku: patch.sku.flatten(),
        stock: patch.stock.flatten(),
        status: patch.status.unwrap_or(ProductStatus::Active),
    })
}

/// A product, and what whoever created it is called.
async fn look(desk: &Desk, id: ProductId) -> Result<(Frame, (Product, Option<Username>)), Failure> {
    let work = move |cx: &mut Cx<'_>| {
        let product = read_product(cx, id)?;
        let mut names = names_of(cx, product.created_by.as_slice())?;
        let by = product.created_by.and_then(|by| names.remove(&by));
        Ok((product, by))
    };
    desk.show(Access::Read, Action::ReadProducts, work).await
}

pub(super) async fn show(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let (frame, (product, by)) = look(&desk, id(&path)?).await?;
    let draft = Draft::of(renewed(&Fields::default(), &product.details));
    let body = page(&frame, &product, by.as_ref(), &draft, &[]);
    Ok(frame.page(product.details.name.as_str(), body))
}

/// Writes what somebody has changed, unless somebody else has changed the same.
async fn save(desk: &Desk, id: ProductId, typed: &Fields) -> Result<(), Failure> {
    let typed = typed.clone();
    let work = move |cx: &mut Cx<'_>| {
        let now = lock_product(cx, id)?;
        let touched = touched(&typed);
        let mut errors = FieldErrors::default();
        let told = |field: &str| touched.contains(&field).then(|| plain(typed.get(field)));
        let patch = read(told, cx.known()?.currency(), &mut errors);
        errors.finish()?;
        if !overtaken(&typed, &now.details).is_empty() {
            return Err(Error::Stale);
        }
        if !touched.is_empty() {
            update_product(cx, id, patch)?;
        }
        Ok(())
    };
    desk.act(Action::UpdateProduct, work).await
}

/// The form of a product with what was wrong, what was typed, and what somebody else has made of it meanwhile.
async fn again(
    desk: &Desk,
    id: ProductId,
    typed: Fields,
    failure: Failure,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let mut draft = Draft::refused(typed, failure)?;
    let (frame, (product, by)) = look(desk, id).await?;
    let overtaken = overtaken(&draft.typed, &product.details);
    draft.typed = renewed(&draft.typed, &product.details);
    let body = page(&frame, &product, by.as_ref(), &draft, &overtaken);
    Ok(frame.answer(status, product.details.name.as_str(), body))
}

pub(super) async fn change(Posted(desk, typed): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = id(&path)?;
    match save(&desk, id, &typed).await {
        Ok(()) => Ok(desk.sight.go(&format!("/products/{id}/"), Some(Flash::ProductChanged))),
        Err(failure) => {
            let status = failure.status_code();
            again(&desk, id, typed, failure, status).await
        }
    }
}

/// Price and stock, from the list.
pub(super) async fn quick(Posted(desk, typed): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = id(&path)?;
    let told = ["price", "was_price", "stock", "was_stock"].into_iter().filter(|field| typed.has(field));
    let only = told.fold(Fields::default(), |fields, field| fields.with(field, typed.get(field)));
    match save(&desk, id, &only).await {
        Ok(()) => Ok(desk.sight.go(&list_again(&typed), Some(Flash::ProductChanged))),
        Err(failure) => {
            let stale = matches!(failure, Failure::Domain(Error::Stale));
            let status = if stale { StatusCode::CONFLICT } else { failure.status_code() };
            again(&desk, id, only, failure, status).await
        }
    }
}

pub(super) async fn doubt(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = id(&path)?;
    let (frame, product) =
        desk.show(Access::Read, Action::ReadProducts, move |cx| read_product(cx, id)).await?;
    let (title, path) = (format!("Remove {}?", product.details.name.as_str()), format!("/products/{id}/"));
    let question = Question {
        title: &title,
        text: "It leaves every list and cannot be ordered any more, and its SKU is free again. Orders keep its name and \
               price. This cannot be undone; to take it off the shelf for a while, archive it instead.",
        yes: "Yes, remove it",
        path: &format!("{path}delete/"),
        back: &path,
        hidden: &[],
    };
    Ok(frame.page(&title, question.ask(&frame, &Draft::default())))
}

pub(super) async fn delete(Posted(desk, _): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = id(&path)?;
    desk.act(Action::DeleteProduct, move |cx| delete_product(cx, id)).await?;
    Ok(desk.sight.go("/products/", Some(Flash::ProductDeleted)))
}

fn new_page(frame: &Frame, draft: &Draft) -> Markup {
    html! {
        (head(frame, Some(("/products/", "Products")), "New product", &html! {}))
        (problem(draft))
        form.form method="post" action=(frame.at("/products/new/")) data-guard {
            (frame.token())
            (once(draft))
            (fields(frame, draft))
            div.buttons {
                button.button.primary type="submit" { "Add the product" }
                a.button href=(frame.at("/products/")) { "Cancel" }
            }
        }
    }
}

fn page(
    frame: &Frame,
    product: &Product,
    by: Option<&Username>,
    draft: &Draft,
    overtaken: &[(&str, String)],
) -> Markup {
    let here = format!("/products/{}/", product.id);
    let delete = html! {
        a.button href=(frame.at(&format!("/orders/?product={}", product.id))) { "Its orders" }
        @if frame.may(Action::DeleteProduct) { a.button.danger href=(frame.at(&format!("{here}delete/"))) { "Remove…" } }
    };
    html! {
        (head(frame, Some(("/products/", "Products")), product.details.name.as_str(), &delete))
        (problem(draft))
        @if !overtaken.is_empty() { (meanwhile(overtaken)) }
        div.columns {
            form.form method="post" action=(frame.at(&here)) data-guard {
                (frame.token())
                @for field in FIELDS { input type="hidden" name=(was(field)) value=(draft.typed.get(&was(field))); }
                (fields(frame, draft))
                div.buttons {
                    button.button.primary type="submit" { @if overtaken.is_empty() { "Save" } @else { "Save mine all the same" } }
                    a.button href=(frame.at("/products/")) { "Back to the list" }
                }
            }
            section.card {
                h2 { "About" }
                dl.facts {
                    dt { "Number" } dd { (product.id) }
                    dt { "Status" } dd { (badge(product.details.status.name())) }
                    dt { "Added" } dd { (frame.time(product.created_at)) }
                    dt { "By" } dd { @match by { Some(name) => (name.as_str()), None => "a platform admin" } }
                    dt { "Changed" } dd { (frame.time(product.updated_at)) }
                }
            }
        }
    }
}

/// What somebody else has made of the fields that were to be changed.
fn meanwhile(overtaken: &[(&str, String)]) -> Markup {
    html! {
        section.card {
            h2 { "What somebody else has made of it" }
            dl.facts {
                @for (field, now) in overtaken {
                    dt { (capital(field)) }
                    dd { @if now.is_empty() { span.muted { "nothing" } } @else { (now) } }
                }
            }
            p.muted { "Your own values are below, not saved yet. Save them to overwrite these, or type others." }
        }
    }
}

fn fields(frame: &Frame, draft: &Draft) -> Markup {
    let statuses = [
        (ProductStatus::Draft, "Draft: customers do not see it yet"),
        (ProductStatus::Active, "Active: on sale"),
        (ProductStatus::Archived, "Archived: not on sale any more"),
    ];
    html! {
        fieldset.fields {
            legend { "What it is" }
            (Input::text(draft, "name", "Name").required().max(255))
            (Input::lines(draft, "description", "Description").max(10_000))
            (Input::choice(draft, "status", "Status", statuses))
        }
        fieldset.fields {
            legend { "Selling it" }
            div.row {
                (Input::amount(draft, "price", "Price").required().affix(frame.symbol()))
                (Input::text(draft, "sku", "SKU").max(64).hint("Your own number for it, if you have one."))
                (Input::number(draft, "stock", "Stock").min(0).hint("Empty: pieces are not counted."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use haat_domain::catalog::{Description, ProductName, Stock};
    use haat_domain::money::{Currency, Money};

    fn lamp(name: &str, stock: i64) -> ProductDetails {
        ProductDetails {
            name: ProductName::parse(name).unwrap(),
            description: Description::parse("Brass.\nHeavy.").unwrap(),
            price: Money::from_minor(129_900, Currency::parse("INR").unwrap()),
            sku: None,
            stock: Stock::parse(stock).ok(),
            status: ProductStatus::Active,
        }
    }

    #[test]
    fn a_form_that_nobody_touched_changes_nothing() {
        let form = renewed(&Fields::default(), &lamp("Lamp", 5));
        assert!(touched(&form).is_empty());
        let sent = form.set("description", "Brass.\r\nHeavy.");
        assert!(touched(&sent).is_empty(), "a browser's line breaks are no change");
    }

    #[test]
    fn what_was_sold_meanwhile_is_no_conflict_with_another_name() {
        let sent = renewed(&Fields::default(), &lamp("Lamp", 5)).set("name", "Tall lamp");
        assert_eq!(touched(&sent), ["name"]);
        assert!(overtaken(&sent, &lamp("Lamp", 3)).is_empty());
        let now = renewed(&sent, &lamp("Lamp", 3));
        assert_eq!((now.get("name"), now.get("stock"), now.get("was_stock")), ("Tall lamp", "3", "3"));
    }

    #[test]
    fn who_was_overtaken_may_insist() {
        let sent = renewed(&Fields::default(), &lamp("Lamp", 5)).set("stock", "9");
        let now = lamp("Lamp", 4);
        assert_eq!(overtaken(&sent, &now), [("stock", "4".to_owned())]);
        let again = renewed(&sent, &now);
        assert_eq!((again.get("stock"), again.get("was_stock")), ("9", "4"));
        assert!(overtaken(&again, &now).is_empty());
        assert!(overtaken(&sent, &lamp("Lamp", 9)).is_empty(), "both want the same");
    }
}
