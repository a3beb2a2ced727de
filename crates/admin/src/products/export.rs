//! All products as a file for a spreadsheet. What it says, an import takes back unchanged.

use super::csv::{COLUMNS, MARK, written};
use super::pull::{Pieces, Step};
use super::shown;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::show::zoned;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use haat_domain::authz::Action;
use haat_domain::catalog::{Product, ProductFilter, ProductKey, list_products};
use haat_domain::cx::Cx;
use haat_domain::error::Result;
use haat_domain::page::{Cursor, Limit, Page, PageRequest, Sort};
use haat_domain::ports::Access;

/// What is left to be written.
struct Rest {
    desk: Desk,
    /// A page that was read.
    read: Option<Bytes>,
    /// Where the next one begins.
    next: Option<Cursor>,
}

pub(super) async fn download(desk: Desk) -> Result<HttpResponse, Failure> {
    let desk = super::import::steady(desk);
    let (frame, page) = desk.show(Access::Scan, Action::ReadProducts, |cx| products(cx, None)).await?;
    let header = vec![COLUMNS.map(str::to_owned).to_vec()];
    // Without its mark a spreadsheet takes UTF-8 for something older.
    let text = written(header.into_iter().chain(page.items.iter().map(row)))?;
    let read = Bytes::from([&MARK[..], &text].concat());
    let today = zoned(desk.sight.app.clock.now(), &desk.sight.zone).strftime("%Y-%m-%d").to_string();
    let slug = frame.store().map_or("store", |store| store.slug.as_str());
    let rest = Rest { desk, read: Some(read), next: page.next };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, attachment(slug, &format!("products-{today}.csv"))))
        .streaming(Pieces::from(rest, piece)))
}

/// A page at a time, each in its own transaction: nobody waits for a download, however slow.
async fn piece(mut rest: Rest) -> Step<Rest> {
    if let Some(read) = rest.read.take() {
        return Ok(Some((read, rest)));
    }
    let Some(next) = rest.next.take() else { return Ok(None) };
    let work = |cx: &mut Cx<'_>| products(cx, Some(next));
    let desk = &rest.desk;
    let page = desk.run(Access::Scan, Action::ReadProducts, work).await?;
    let text = written(page.items.iter().map(row))?;
    Ok(Some((text, Rest { next: page.next, ..rest })))
}

/// Everything that was not removed, in the order in which it was added: what is added meanwhile comes last.
fn products(cx: &mut Cx<'_>, cursor: Option<Cursor>) -> Result<Page<Product>> {
    let filter = ProductFilter { archived_too: true, ..ProductFilter::default() };
    let sort = Sort { by: ProductKey::Id, descending: false };
    let limit = Limit::parse(Limit::MAX).unwrap_or_default();
    list_products(cx, filter, &PageRequest { limit, sort, cursor })
}

fn row(product: &Product) -> Vec<String> {
    let shown = shown(&product.details);
    let text = |column: &str| match column {
        "id" => product.id.to_string(),
        "currency" => product.details.price.currency().to_string(),
        column => {
            shown.iter().find(|(name, _)| *name == column).map_or_else(String::new, |(_, text)| text.clone())
        }
    };
    COLUMNS.into_iter().map(text).collect()
}

/// The header that names a file: letters of any script in the second form (RFC 6266, 5 and RFC 8187), for the
/// browsers that there are; ASCII in the first.
pub(super) fn attachment(slug: &str, rest: &str) -> String {
    let plain: String = slug.chars().filter(char::is_ascii).collect();
    let whole: String = form_urlencoded::byte_serialize(format!("{slug}-{rest}").as_bytes()).collect();
    format!("attachment; filename=\"{plain}-{rest}\"; filename*=UTF-8''{whole}")
}
