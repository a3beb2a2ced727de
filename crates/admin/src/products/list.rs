//! The list of products: finding them, and changing prices, stocks and states in it.

use super::{amount, id, list_again};
use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted, Query, limited, sorted};
use crate::page::{Frame, PLACE};
use crate::ui::{Input, badge, empty, head, nothing, pager, problem, sortable};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use haat_domain::authz::Action;
use haat_domain::catalog::{
    Product, ProductFilter, ProductKey, ProductPatch, ProductStatus, Stock, list_products, lock_product,
    update_product,
};
use haat_domain::cx::Cx;
use haat_domain::error::{FieldErrors, Result, Violation};
use haat_domain::ids::ProductId;
use haat_domain::money::Currency;
use haat_domain::page::{Limit, Page, PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::reports::{LOW_STOCK, SalesRequest, read_sales};
use haat_domain::text::Search;
use maud::{Markup, Render, html};
use std::collections::BTreeSet;

const ROWS: i64 = 50;
/// The most products that are changed at once.
const PICKED: usize = 200;
const FILTERS: [&str; 5] = ["search", "status", "stock", "min_price", "max_price"];
const NEWEST: Sort<ProductKey> = Sort { by: ProductKey::CreatedAt, descending: true };

/// What a query asks for.
struct Wanted {
    filter: ProductFilter,
    /// Only those of which little is left.
    low: bool,
    sort: Sort<ProductKey>,
    errors: FieldErrors,
}

impl Wanted {
    fn read(query: &Fields, currency: Currency) -> Self {
        let mut errors = FieldErrors::default();
        let price = |field: &str, errors: &mut FieldErrors| {
            query.filled(field).and_then(|text| errors.check(field, amount(text, currency)))
        };
        let filter = ProductFilter {
            search: errors.check("search", Search::parse(query.get("search"))).flatten(),
            status: match query.get("status") {
                "" | "all" => None,
                name => errors.check("status", ProductStatus::parse(name)),
            },
            archived_too: query.get("status") == "all",
            min_price: price("min_price", &mut errors),
            max_price: price("max_price", &mut errors),
            in_stock: match query.get("stock") {
                "" | "low" => None,
                "in" => Some(true),
                "out" => Some(false),
                _ => errors.check("stock", Err(Violation::new("must be one of the choices"))),
            },
        };
        Self { filter, low: query.get("stock") == "low", sort: sorted(query, NEWEST), errors }
    }
}

/// A page of the list.
struct Found {
    page: Page<Product>,
    errors: FieldErrors,
    /// There is nothing in the store, archived or not.
    bare: bool,
    /// The price's currency.
    currency: Currency,
}

fn find(cx: &mut Cx<'_>, query: &Fields, filtered: bool) -> Result<Found> {
    let currency = cx.known()?.currency();
    let Wanted { filter, low, sort, mut errors } = Wanted::read(query, currency);
    let cursor = query.cursor(&mut errors);
    // What is faulty is shown beside an empty list: whoever archives what they find would else archive everything.
    if !errors.is_empty() {
        return Ok(Found { page: Page::default(), errors, bare: false, currency });
    }
    let request = PageRequest { limit: limited(ROWS), sort, cursor };
    let page = if low { running_out(cx, &filter)? } else { list_products(cx, filter, &request)? };
    let bare = page.items.is_empty() && !filtered && request.cursor.is_none() && {
        let all = ProductFilter { archived_too: true, ..ProductFilter::default() };
        list_products(cx, all, &request)?.items.is_empty()
    };
    Ok(Found { page, errors, bare, currency })
}

/// What is on sale and of which little is left, fewest first: the report has no more than a page of that.
fn running_out(cx: &mut Cx<'_>, filter: &ProductFilter) -> Result<Page<Product>> {
    let request = SalesRequest { since: cx.now(), best: limited(1), low: limited(Limit::MAX) };
    let low = read_sales(cx, &request)?.low;
    let fits = |product: &Product| {
        let (details, price) = (&product.details, product.details.price.minor());
        filter.status.is_none_or(|status| status == details.status)
            && filter.min_price.is_none_or(|least| price >= least.minor())
            && filter.max_price.is_none_or(|most| price <= most.minor())
            && filter.search.as_ref().is_none_or(|search| search.matches(&details.search_text()))
    };
    Ok(Page { items: low.into_iter().filter(fits).collect(), next: None })
}

pub(super) async fn show(desk: Desk, Query(query): Query) -> Result<HttpResponse, Failure> {
    let filtered = FILTERS.into_iter().any(|field| query.filled(field).is_some());
    let access = if filtered { Access::Scan } else { Access::Read };
    let asked = query.clone();
    let (frame, found) =
        desk.list(access, Action::ReadProducts, move |cx| find(cx, &asked, filtered)).await?;
    let faulty = !found.errors.is_empty();
    let status = if faulty { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let draft = Draft { typed: query, errors: found.errors.clone(), problem: None };
    let rows = Rows { frame: &frame, products: frame.at("/products/"), hidden: hidden(&frame) };
    let rows: Vec<_> = found.page.items.iter().map(|product| rows.row(product)).collect();
    Ok(frame.list(status, "Products", &page(&frame, &draft, &found, filtered), &rows))
}

pub(super) async fn bulk(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    let (status, flash) = match typed.get("do") {
        "activate" => (ProductStatus::Active, Flash::ProductsActivated),
        "archive" => (ProductStatus::Archived, Flash::ProductsArchived),
        _ => return Err(Failure::Malformed("there is no such thing to do with products".to_owned())),
    };
    let picked = typed.all("pick").map(id);
    // By their numbers, as everybody locks them.
    let picked: BTreeSet<ProductId> = picked.collect::<Result<_, _>>()?;
    let back = list_again(&typed);
    if picked.is_empty() {
        return Ok(desk.sight.go(&back, Some(Flash::NothingChosen)));
    }
    if picked.len() > PICKED {
        return Err(Failure::Malformed(format!("no more than {PICKED} products can be changed at once")));
    }
    desk.act(Action::UpdateProduct, move |cx| move_all(cx, &picked, status)).await?;
    Ok(desk.sight.go(&back, Some(flash)))
}

fn move_all(cx: &mut Cx<'_>, picked: &BTreeSet<ProductId>, status: ProductStatus) -> Result<()> {
    // All are locked before the first is written: what is written goes into the audit log, whose end is locked last.
    let locked = picked.iter().map(|id| lock_product(cx, *id)).collect::<Result<Vec<_>>>()?;
    for product in locked.into_iter().filter(|product| product.details.status != status) {
        update_product(cx, product.id, ProductPatch { status: Some(status), ..ProductPatch::default() })?;
    }
    Ok(())
}

fn page(frame: &Frame, draft: &Draft, found: &Found, filtered: bool) -> Markup {
    let actions = html! {
        a.button href=(frame.at("/products/import/")) { "Import" }
        a.button href=(frame.at("/products/export/")) download { "Export" }
        a.button.primary href=(frame.at("/products/new/")) { "New product" }
    };
    html! {
        (head(frame, None, "Products", &actions))
        (problem(draft))
        @if found.bare {
            (empty("No products yet", "Add the first one by hand, or bring many from a table.", &html! {
                a.button.primary href=(frame.at("/products/new/")) { "New product" }
                " "
                a.button href=(frame.at("/products/import/")) { "Import" }
            }))
        } @else {
            (filters(frame, draft, filtered))
            @if found.page.items.is_empty() {
                (nothing(frame, draft, "products", &empty("Nothing here", "All there is, is archived.",
                    &html! { a.button href=(frame.at("/products/?status=all")) { "Show everything" } })))
            } @else {
                (table(frame, draft, found))
                (pager(frame, found.page.next.as_ref()))
            }
        }
    }
}

fn filters(frame: &Frame, draft: &Draft, filtered: bool) -> Markup {
    let statuses = [
        ("", "Not archived"),
        ("active", "On sale"),
        ("draft", "Drafts"),
        ("archived", "Archived"),
        ("all", "All"),
    ];
    let stocks = [("", "Any"), ("in", "In stock"), ("low", "Running out"), ("out", "Sold out")];
    let orders = [
        ("-created_at", "Newest first"),
        ("created_at", "Oldest first"),
        ("name", "By name"),
        ("-name", "By name, Z to A"),
        ("price", "Cheapest first"),
        ("-price", "Dearest first"),
        ("id", "By number"),
        ("-id", "By number, highest first"),
    ];
    html! {
        form.filters method="get" action=(frame.at("/products/")) role="search" {
            (Input::search(draft, "search", "Search").max(200))
            (Input::choice(draft, "status", "Status", statuses))
            (Input::choice(draft, "stock", "Stock", stocks))
            (Input::amount(draft, "min_price", "Price from"))
            (Input::amount(draft, "max_price", "Price to"))
            (Input::choice(draft, "ordering", "Sort", orders))
            button.button type="submit" { "Filter" }
            @if filtered { a.button.quiet href=(frame.at("/products/")) { "Clear" } }
        }
    }
}

fn table(frame: &Frame, draft: &Draft, found: &Found) -> Markup {
    let ordering = draft.typed.filled("ordering").unwrap_or("-created_at");
    let price = format!("Price ({})", found.currency);
    html! {
        div.scroll role="region" tabindex="0" aria-label="Products" {
            table.list {
                caption.sr { "Products" }
                thead {
                    tr {
                        th.pick scope="col" { label { span.sr { "Choose all" } input type="checkbox" data-pick-all; } }
                        (sortable(frame, ordering, "name", "Product", None))
                        (sortable(frame, ordering, "price", &price, Some("num")))
                        th.num scope="col" { "Stock" }
                        th scope="col" { "Status" }
                        th scope="col" { "Changed" }
                    }
                }
                tbody { (PLACE) }
            }
        }
        form.bulk #bulk method="post" action=(frame.at("/products/bulk/")) {
            (hidden(frame))
            span { span data-picked { "Those" } " chosen" }
            button.button type="submit" name="do" value="activate" { "Put on sale" }
            button.button type="submit" name="do" value="archive" { "Archive" }
        }
    }
}

/// The hidden fields of a form that comes back to this list.
fn hidden(frame: &Frame) -> Markup {
    let query = &frame.sight.query;
    html! {
        (frame.token())
        @if !query.is_empty() { input type="hidden" name="back" value=(query); }
    }
}

/// What all rows have in common.
struct Rows<'a> {
    frame: &'a Frame,
    products: String,
    hidden: Markup,
}

impl Rows<'_> {
    fn row(&self, product: &Product) -> Markup {
        let (id, details) = (product.id.get(), &product.details);
        // They stand in a row several times, and are escaped once.
        let (name, price) = (details.name.as_str().render(), details.price.to_string().render());
        let stock = details.stock.map(Stock::get);
        let low = stock.is_some_and(|stock| stock <= LOW_STOCK);
        html! {
            tr id={ "product-" (id) } {
                td.pick { label { span.sr { "Choose " (name) } input type="checkbox" form="bulk" name="pick" value=(id); } }
                th scope="row" {
                    a href={ (self.products) (id) "/" } { (name) }
                    @if let Some(sku) = &details.sku { div.muted { (sku.as_str()) } }
                }
                td.num data-label="Price" {
                    // A form cannot go across cells: this field names the one beside the stock.
                    input.inline form={ "quick-" (id) } name="price" value=(price) inputmode="decimal" required
                        aria-label={ "Price of " (name) };
                }
                td.num data-label="Stock" {
                    form.inline id={ "quick-" (id) } method="post" action={ (self.products) (id) "/quick/" } autocomplete="off" {
                        (self.hidden)
                        input type="hidden" name="was_price" value=(price);
                        input type="hidden" name="was_stock" value=[stock];
                        input.inline name="stock" type="number" min="0" value=[stock]
                            placeholder="–" aria-label={ "Stock of " (name) ", empty if it is not counted" };
                        button.button.small.save type="submit" { "Save" }
                    }
                }
                td.state data-label="Status" {
                    (badge(details.status.name()))
                    @if low { " " (badge("low")) }
                }
                td data-label="Changed" { (self.frame.time(product.updated_at)) }
            }
        }
    }
}
