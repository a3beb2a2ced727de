//! An order that is placed for a customer: looked at first, placed once.

use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted, Query, limited, once};
use crate::page::Frame;
use crate::ui::{Input, head, problem};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use haat_domain::authz::Action;
use haat_domain::catalog::{
    Product, ProductFilter, ProductKey, ProductStatus, Sku, find_product, list_products, read_product,
};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors, Result, Violation};
use haat_domain::identity::{User, UserKey, find_customer, list_customers};
use haat_domain::ids::ProductId;
use haat_domain::money::Money;
use haat_domain::orders::{LineRequest, MAX_LINES, PlaceOrder, place_order};
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::pricing::{Quantity, line_total, order_total};
use maud::{Markup, html};

/// A new form has so many rows; a button gives more.
const ROWS: usize = 4;

/// What can be chosen from: of a large store, the first.
struct Choices {
    products: Vec<Product>,
    customers: Vec<User>,
}

fn choices(cx: &mut Cx<'_>) -> Result<Choices> {
    let by_name = Sort { by: ProductKey::Name, descending: false };
    let request = PageRequest { limit: limited(200), sort: by_name, cursor: None };
    let on_sale = ProductFilter { status: Some(ProductStatus::Active), ..ProductFilter::default() };
    let products = list_products(cx, on_sale, &request)?.items;
    let by_name = Sort { by: UserKey::Username, descending: false };
    let request = PageRequest { limit: limited(200), sort: by_name, cursor: None };
    Ok(Choices { products, customers: list_customers(cx, None, &request)?.items })
}

/// One line as it would be ordered.
struct Seen {
    product: Product,
    quantity: Quantity,
    total: Money,
}

/// What the form means.
struct Wish {
    customer: Option<User>,
    lines: Vec<(LineRequest, Seen)>,
}

/// Reads the form: every row that is not empty names a product by its SKU or number.
fn read(cx: &mut Cx<'_>, typed: &Fields, errors: &mut FieldErrors) -> Result<Wish> {
    let customer = match typed.filled("customer") {
        Some(name) => find_customer(cx, name)?,
        None => None,
    };
    if customer.is_none() {
        errors.add("customer", "must be the username or e-mail address of a customer");
    }
    let mut lines = Vec::new();
    for row in 1..=MAX_LINES {
        let (field, pieces) = (format!("product-{row}"), format!("quantity-{row}"));
        let Some(wanted) = typed.filled(&field) else { continue };
        let quantity =
            typed.filled(&pieces).unwrap_or("1").parse().map_err(|_| Violation::new("must be a number"));
        let quantity = errors.check(&pieces, quantity.and_then(Quantity::parse));
        let found = product(cx, wanted)?;
        if found.is_none() {
            errors.add(&field, "is no SKU or number of a product on sale");
        }
        if let (Some(product), Some(quantity)) = (found, quantity) {
            let total = line_total(product.details.price, quantity)?;
            let request = LineRequest { product: product.id, quantity, field };
            lines.push((request, Seen { product, quantity, total }));
        }
    }
    if lines.is_empty() && errors.iter().all(|(field, _)| field == "customer") {
        errors.add("product-1", "must be named: an order has at least one product");
    }
    Ok(Wish { customer, lines })
}

fn product(cx: &mut Cx<'_>, wanted: &str) -> Result<Option<Product>> {
    let found = match (find_product(cx, wanted)?, wanted.parse()) {
        (Some(product), _) => Some(product),
        (None, Ok(id)) => match read_product(cx, ProductId::new(id)) {
            Err(Error::NotFound) => None,
            found => Some(found?),
        },
        (None, Err(_)) => None,
    };
    Ok(found.filter(|product| product.details.status == ProductStatus::Active))
}

pub(super) async fn ask(desk: Desk, Query(query): Query) -> Result<HttpResponse, Failure> {
    let (frame, choices) = desk.show(Access::Scan, Action::PlaceOrder, choices).await?;
    let typed =
        Fields::default().with("customer", query.get("customer")).with("product-1", query.get("product"));
    let draft = Draft::of(desk.sight.once(typed).map_err(Failure::Domain)?);
    Ok(frame.page(TITLE, body(&frame, &draft, &choices, None)))
}

const TITLE: &str = "Place an order";

pub(super) async fn place(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    if typed.get("do") == "place" {
        return match really(&desk, &typed).await {
            Ok(place) => Ok(desk.sight.go(&place, Some(Flash::OrderPlaced))),
            Err(failure) => again(&desk, desk.sight.refused(typed, failure)?, StatusCode::BAD_REQUEST).await,
        };
    }
    again(&desk, Draft::of(typed), StatusCode::OK).await
}

/// Places the order, however often the form is sent; where it is.
async fn really(desk: &Desk, typed: &Fields) -> Result<String, Failure> {
    let wanted = typed.clone();
    let work = move |cx: &mut Cx<'_>| {
        let mut errors = FieldErrors::default();
        let wish = read(cx, &wanted, &mut errors)?;
        errors.finish()?;
        let lines = wish.lines.into_iter().map(|(line, _)| line).collect();
        let order = place_order(cx, PlaceOrder { customer: wish.customer.map(|user| user.id), lines })?;
        Ok(format!("/orders/{}/", order.id))
    };
    desk.create(typed, Action::PlaceOrder, work).await
}

/// Shows the form again: with what is wrong with it, or with what it would order.
async fn again(desk: &Desk, draft: Draft, status: StatusCode) -> Result<HttpResponse, Failure> {
    let more = draft.typed.get("do") == "more";
    let fresh = draft.problem.is_none() && draft.errors.is_empty();
    let typed = draft.typed.clone();
    let work = move |cx: &mut Cx<'_>| {
        let mut errors = FieldErrors::default();
        let wish = read(cx, &typed, &mut errors)?;
        Ok((choices(cx)?, wish, errors))
    };
    let (frame, (choices, wish, errors)) = desk.show(Access::Scan, Action::PlaceOrder, work).await?;
    let faulty = !errors.is_empty();
    // Whoever asks for more rows has not finished: nothing is wrong yet.
    let draft = if fresh && !more { Draft { errors, ..draft } } else { draft };
    let status = if faulty && !more { StatusCode::BAD_REQUEST } else { status };
    let shown = (!faulty && !more).then_some(&wish);
    Ok(frame.answer(status, TITLE, body(&frame, &draft, &choices, shown)))
}

fn rows(typed: &Fields) -> usize {
    let shown = (1..=MAX_LINES).filter(|row| typed.has(&format!("product-{row}"))).count().max(ROWS);
    let more = if typed.get("do") == "more" { ROWS } else { 0 };
    (shown + more).min(MAX_LINES)
}

fn body(frame: &Frame, draft: &Draft, choices: &Choices, wish: Option<&Wish>) -> Markup {
    html! {
        (head(frame, Some(("/orders/", "Orders")), TITLE, &html! {}))
        (problem(draft))
        form.form method="post" action=(frame.at("/orders/new/")) data-guard {
            (frame.token())
            (once(draft))
            div.card {
                (Input::text(draft, "customer", "Customer").required().list("customers").max(254)
                    .hint("Username or e-mail address."))
            }
            fieldset.fields {
                legend { "Products" }
                p.hint { "By SKU or number. Without a number of pieces, one is ordered." }
                @for row in 1..=rows(&draft.typed) { (line(draft, row)) }
            }
            (suggestions(frame, choices))
            @if let Some(wish) = wish { (preview(frame, wish)) }
            // The first is the one that Enter presses: nobody places what they have not looked at.
            div.buttons {
                @if wish.is_some() {
                    button.button type="submit" name="do" value="check" { "Look again" }
                    button.button.primary type="submit" name="do" value="place" { "Place the order" }
                } @else {
                    button.button.primary type="submit" name="do" value="check" { "Look at the order" }
                }
                button.button type="submit" name="do" value="more" formnovalidate { "More rows" }
            }
        }
    }
}

fn line(draft: &Draft, row: usize) -> Markup {
    let (field, pieces) = (format!("product-{row}"), format!("quantity-{row}"));
    let (name, quantity) = match row {
        1 => ("Product".to_owned(), "Pieces".to_owned()),
        _ => (format!("Product {row}"), format!("Pieces of product {row}")),
    };
    html! {
        div.row.piece {
            (line_input(Input::text(draft, &field, &name).list("products").max(64), row))
            (line_input(Input::number(draft, &pieces, &quantity).min(1), row))
        }
    }
}

/// The first row's labels stand above all.
fn line_input(input: Input<'_>, row: usize) -> Input<'_> {
    if row == 1 { input } else { input.quiet() }
}

fn suggestions(frame: &Frame, choices: &Choices) -> Markup {
    html! {
        datalist #customers {
            @for customer in &choices.customers { option value=(customer.username.as_str()) { (customer.email.as_str()) } }
        }
        datalist #products {
            @for product in &choices.products {
                option value=(code(product)) { (product.details.name.as_str()) " · " (frame.money(product.details.price)) }
            }
        }
    }
}

/// What names a product in the form.
fn code(product: &Product) -> String {
    product.details.sku.as_ref().map_or_else(|| product.id.to_string(), |sku: &Sku| sku.as_str().to_owned())
}

fn preview(frame: &Frame, wish: &Wish) -> Markup {
    let lines: Vec<_> = wish.lines.iter().map(|(_, seen)| seen).collect();
    let currency = lines.first().map(|seen| seen.total.currency());
    let total = currency.and_then(|currency| order_total(currency, lines.iter().map(|seen| seen.total)).ok());
    html! {
        section.card {
            h2 { "The order" @if let Some(customer) = &wish.customer { " for " (customer.username.as_str()) } }
            div.scroll role="region" tabindex="0" aria-label="The order" {
                table.list {
                    caption.sr { "The order" }
                    thead { tr {
                        th scope="col" { "Product" }
                        th.num scope="col" { "Price" }
                        th.num scope="col" { "Pieces" }
                        th.num scope="col" { "In stock" }
                        th.num scope="col" { "Total" }
                    } }
                    tbody {
                        @for Seen { product, quantity, total } in lines {
                            tr {
                                th scope="row" { (product.details.name.as_str()) }
                                td.num data-label="Price" { (frame.money(product.details.price)) }
                                td.num data-label="Pieces" { (quantity.get()) }
                                td.num data-label="In stock" {
                                    @match product.details.stock { Some(stock) => (stock.get()), None => "not counted" }
                                }
                                td.num data-label="Total" { (frame.money(*total)) }
                            }
                        }
                    }
                    @if let Some(total) = total {
                        tfoot { tr { th scope="row" colspan="4" { "Total" } td.num { (frame.money(total)) } } }
                    }
                }
            }
        }
    }
}
