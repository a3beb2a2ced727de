//! Products from a file: what such a file looks like, and what became of one. The answer is sent while the rows are
//! brought, and says how far they are.

use super::bring::{Batch, Done, Import, Tally};
use super::csv::{COLUMNS, Table, written};
use super::export::attachment;
use super::pull::{Pieces, Step};
use super::upload::Upload;
use crate::desk::Desk;
use crate::failure::{Failure, log, said, sentence};
use crate::form::{Draft, Fields};
use crate::page::{Frame, HTML, halves};
use crate::show::{bytes, count};
use crate::ui::{head, problem};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::block;
use haat_app::{Shown, Verified};
use haat_domain::authz::Action;
use haat_domain::catalog::Imported;
use haat_domain::error::Error;
use haat_domain::money::Currency;
use haat_domain::ports::Access;
use maud::{Markup, PreEscaped, html};

/// Faulty rows that are listed; the report has all.
const LISTED: usize = 500;
/// Letters of a faulty cell that are shown.
const GLIMPSE: usize = 80;
const TITLE: &str = "Import products";

/// The same desk, whose token is not asked again how old it is: what takes minutes is not cut off by the end of a
/// token. Whether session and account still count is asked with each transaction all the same.
pub(super) fn steady(mut desk: Desk) -> Desk {
    let app = &desk.sight.app;
    if let Shown::Token(token) = &desk.caller.shown
        && let Some(verified) = Verified::of(token, app.tokens.as_ref(), app.clock.as_ref())
    {
        desk.caller.shown = Shown::Verified(verified);
    }
    desk
}

async fn frame_of(desk: &Desk) -> Result<(Frame, Currency), Failure> {
    desk.show(Access::Read, Action::ReadProducts, |cx| Ok(cx.known()?.currency())).await
}

pub(super) async fn ask(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, currency) = frame_of(&desk).await?;
    Ok(frame.page(TITLE, page(&frame, currency, &Draft::default())))
}

pub(super) async fn receive(upload: Upload) -> Result<HttpResponse, Failure> {
    let Upload { desk, file, button, turn } = upload;
    let desk = steady(desk);
    let (frame, currency) = frame_of(&desk).await?;
    let opened = match file {
        Some(file) => {
            block(move || Table::open(file)).await.map_err(|gone| Failure::Domain(Error::internal(gone)))?
        }
        None => Err(Failure::Malformed("choose a file first".to_owned())),
    };
    let table = match opened {
        Ok(table) => table,
        Err(Failure::Malformed(why)) => {
            let mut draft = Draft::of(Fields::default());
            draft.errors.add("file", why);
            return Ok(frame.answer(StatusCode::BAD_REQUEST, TITLE, page(&frame, currency, &draft)));
        }
        Err(failure) => return Err(failure),
    };
    let dry = button != "import";
    let import = Import { desk, table, currency, dry, turn };
    if button == "report" { report(&frame, import) } else { Ok(progress(frame, import)) }
}

/// What is left of an answer.
struct Rest {
    frame: Frame,
    import: Option<Import>,
    head: Option<String>,
    tail: String,
    dry: bool,
    tally: Tally,
    faulty: Vec<Faulty>,
}

/// What is listed of a faulty row: not the row itself, which may be long.
struct Faulty {
    row: u64,
    /// Columns, what is wrong with each, and how its cell begins.
    cells: Vec<(String, String, Option<String>)>,
}

impl Faulty {
    fn of(done: &Done) -> Option<Self> {
        let faults = done.outcome.as_ref().err()?;
        let cell = |(column, faults): (&str, &[String])| {
            (column.to_owned(), faults.join("; "), done.row.cell(column).map(glimpse))
        };
        Some(Self { row: done.row.number, cells: faults.iter().map(cell).collect() })
    }
}

fn progress(frame: Frame, import: Import) -> HttpResponse {
    let dry = import.dry;
    frame.sight.said();
    let whole = frame.whole(TITLE);
    let (before, tail) = halves(&whole);
    let opened = html! {
        (PreEscaped(before))
        (head(&frame, Some(("/products/", "Products")), if dry { "Checking the file" } else { "Importing the file" }, &html! {}))
        (PreEscaped("<div class=\"progress-log\" role=\"status\">"))
    };
    let (head, tail) = (Some(opened.into_string()), tail.to_owned());
    let rest =
        Rest { frame, import: Some(import), head, tail, dry, tally: Tally::default(), faulty: Vec::new() };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HTML))
        // A proxy that gathers the answer would make it one that hangs.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Pieces::from(rest, piece))
}

async fn piece(mut rest: Rest) -> Step<Rest> {
    if let Some(head) = rest.head.take() {
        return Ok(Some((head.into(), rest)));
    }
    let Some(import) = rest.import.take() else { return Ok(None) };
    let (import, Batch { done, stopped }) = match import.next().await {
        Ok((import, batch)) => (Some(import), batch),
        Err(Failure::Domain(error)) => {
            log(&error);
            (None, Batch { done: Vec::new(), stopped: Some(said(&error)) })
        }
        Err(other) => (None, Batch { done: Vec::new(), stopped: Some(sentence(&other.to_string())) }),
    };
    let over = done.is_empty() || stopped.is_some();
    for done in done {
        rest.tally.count(&done);
        if rest.faulty.len() < LISTED {
            rest.faulty.extend(Faulty::of(&done));
        }
    }
    rest.import = import.filter(|_| !over);
    let said = if let Some(import) = &rest.import {
        html! { p { (so_far(&rest.tally, about(&rest.tally, &import.table))) } }
    } else {
        html! {
            p { (so_far(&rest.tally, rest.tally.rows)) }
            (PreEscaped("</div>"))
            (summary(&rest, stopped.as_deref()))
            (PreEscaped(&rest.tail))
        }
    };
    Ok(Some((said.into_string().into(), rest)))
}

/// About how many rows there will be, as far as the bytes tell.
fn about(tally: &Tally, table: &Table) -> u64 {
    let read = u128::from(table.read().max(1));
    let rows = u128::from(tally.rows) * u128::from(table.size) / read;
    u64::try_from(rows).unwrap_or(u64::MAX).max(tally.rows)
}

fn many(number: u64) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX))
}

fn so_far(tally: &Tally, all: u64) -> String {
    let of = if all == tally.rows { String::new() } else { format!(" of about {}", many(all)) };
    let Tally { rows, created, changed, unchanged, faulty } = *tally;
    let name = if all == 1 { "row" } else { "rows" };
    format!(
        "{}{of} {name}: {} new, {} changed, {} as they were, {} faulty",
        many(rows),
        many(created),
        many(changed),
        many(unchanged),
        many(faulty)
    )
}

fn summary(rest: &Rest, stopped: Option<&str>) -> Markup {
    let Rest { frame, tally, dry, faulty, .. } = rest;
    html! {
        @if let Some(why) = stopped {
            div.problems role="alert" tabindex="-1" {
                h2 { "The file was not read to its end" }
                p { (why) }
                @if !dry { p { "The rows that are counted below were brought in. Send the file again when this is mended: what is in the store already, and has a number or a SKU, will not be added twice." } }
            }
        }
        section.card {
            h2 { @if *dry { "What an import would do" } @else { "What was done" } }
            dl.facts {
                dt { "Rows" } dd { (many(tally.rows)) }
                dt { "New products" } dd { (many(tally.created)) }
                dt { "Changed" } dd { (many(tally.changed)) }
                dt { "As they were" } dd { (many(tally.unchanged)) }
                dt { "Faulty" } dd { (many(tally.faulty)) }
            }
            @if stopped.is_none() { p { (next(tally, *dry)) } }
            div.buttons {
                a.button.primary href=(frame.at("/products/import/")) { @if *dry { "Choose the file again" } @else { "Import another file" } }
                a.button href=(frame.at("/products/")) { "To the products" }
            }
        }
        @if !faulty.is_empty() { (faults(faulty, tally.faulty)) }
    }
}

fn next(tally: &Tally, dry: bool) -> &'static str {
    match (tally.rows, tally.faulty, dry) {
        (0, _, _) => "There are no rows under the header.",
        (_, 0, true) => {
            "Nothing is wrong with the file, and nothing was written yet. Choose it again to import it."
        }
        (_, 0, false) => "Every row was brought in.",
        (_, _, true) => {
            "Nothing was written yet. Mend the rows below and check the file again, or import it as it is: faulty rows \
             are left out."
        }
        (_, _, false) => {
            "The faulty rows were left out. Mend them, and import them alone or with the whole file: rows with a number \
             or a SKU are not added twice."
        }
    }
}

fn faults(faulty: &[Faulty], all: u64) -> Markup {
    html! {
        section.card {
            h2 { "Faulty rows" }
            @if all > u64::try_from(faulty.len()).unwrap_or(all) {
                p { "These are the first " (faulty.len()) ". The report has all of them." }
            }
            div.scroll role="region" tabindex="0" aria-label="Faulty rows" {
                table.report {
                    caption.sr { "Faulty rows" }
                    thead { tr { th.row-number scope="col" { "Row" } th scope="col" { "Column" } th scope="col" { "What is wrong" } th scope="col" { "The cell" } } }
                    tbody {
                        @for Faulty { row, cells } in faulty {
                            @for (column, faults, cell) in cells {
                                tr {
                                    td.row-number { (row) }
                                    td { (column) }
                                    td.fault { (faults) }
                                    td { @if let Some(cell) = cell { code { (cell) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The beginning of a cell.
fn glimpse(cell: &str) -> String {
    let mut letters = cell.chars();
    let short: String = letters.by_ref().take(GLIMPSE).collect();
    if letters.next().is_some() { format!("{short}…") } else { short }
}

/// The same as a file: one line for each row. Nothing is written into the store.
fn report(frame: &Frame, import: Import) -> Result<HttpResponse, Failure> {
    let slug = frame.store().map_or("store", |store| store.slug.as_str());
    let header = written([vec!["row", "verdict", "id", "sku", "message"]])?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, attachment(slug, "import-report.csv")))
        .streaming(Pieces::from((Some(header), Some(import)), lines)))
}

type Unreported = (Option<actix_web::web::Bytes>, Option<Import>);

async fn lines((header, import): Unreported) -> Step<Unreported> {
    if let Some(header) = header {
        return Ok(Some((header, (None, import))));
    }
    let Some(import) = import else { return Ok(None) };
    let (import, Batch { done, stopped }) = import.next().await?;
    if done.is_empty() && stopped.is_none() {
        return Ok(None);
    }
    let import = Some(import).filter(|_| stopped.is_none());
    let end =
        stopped.map(|why| [String::new(), "stopped".to_owned(), String::new(), String::new(), why].to_vec());
    let text = written(done.iter().map(line).chain(end))?;
    Ok(Some((text, (None, import))))
}

fn line(done: &Done) -> Vec<String> {
    let (verdict, id, message) = match &done.outcome {
        Ok(Imported::Created(id)) => ("created", *id, String::new()),
        Ok(Imported::Changed(id)) => ("changed", Some(*id), String::new()),
        Ok(Imported::Unchanged(id)) => ("unchanged", Some(*id), String::new()),
        Err(faults) => {
            let all = faults.iter().map(|(column, faults)| format!("{column} {}", faults.join("; ")));
            ("fault", None, all.collect::<Vec<_>>().join("; "))
        }
    };
    let id = id.map_or_else(|| done.row.cell("id").unwrap_or_default().to_owned(), |id| id.to_string());
    let sku = done.row.cell("sku").unwrap_or_default();
    vec![done.row.number.to_string(), verdict.to_owned(), id, sku.to_owned(), message]
}

fn page(frame: &Frame, currency: Currency, draft: &Draft) -> Markup {
    let faults = draft.faults("file");
    let limit = bytes(i64::try_from(frame.sight.panel.import_limit).unwrap_or(i64::MAX));
    html! {
        (head(frame, Some(("/products/", "Products")), TITLE, &html! {
            a.button href=(frame.at("/products/export/")) download { "Export all products" }
        }))
        (problem(draft))
        section.card {
            h2 { "The file" }
            form.form method="post" action=(frame.at("/products/import/")) enctype="multipart/form-data" data-import {
                (frame.token())
                div.field.faulty[!faults.is_empty()] {
                    label for="field-file" { "Table of products" span.needed aria-hidden="true" { " *" } }
                    input #field-file name="file" type="file" accept=".csv,text/csv" required
                        aria-describedby="field-file-hint" aria-invalid=[(!faults.is_empty()).then_some("true")];
                    p.hint #field-file-hint { "CSV in UTF-8, with commas, semicolons or tabs between the cells; at most " (limit) "." }
                    @if !faults.is_empty() { p.fault { (sentence(&faults.join("; "))) } }
                }
                div.buttons {
                    button.button.primary type="submit" name="do" value="check" { "Check the file" }
                    button.button type="submit" name="do" value="import" { "Import" }
                    button.button type="submit" name="do" value="report" data-download { "Download the report" }
                }
                p.muted { "Checking and the report change nothing. An import leaves out faulty rows and brings in all others." }
            }
        }
        section.card {
            h2 { "What is in it" }
            p { "The first row names the columns, in any order. Only " b { "name" } " must be there; a new product needs a price as well. Columns that are left out stay as they are." }
            div.scroll role="region" tabindex="0" aria-label="Columns" {
                table.plain {
                    caption.sr { "Columns of the file" }
                    thead { tr { th scope="col" { "Column" } th scope="col" { "What it says" } } }
                    tbody { @for (column, text) in COLUMNS.into_iter().zip(meanings(currency)) { tr { th scope="row" { code { (column) } } td { (text) } } } }
                }
            }
            p { "The easiest way to begin is an " a href=(frame.at("/products/export/")) download { "export" } ": change what you like in a spreadsheet, and import it again." }
            p.muted { "Cells that a spreadsheet would take for a formula have an apostrophe in front; an import takes it off again." }
        }
    }
}

fn meanings(currency: Currency) -> [String; 8] {
    [
        "The product’s number, to change one that is there. Empty: the product with the row’s SKU, or a new one.".to_owned(),
        "Your own number for it, once in the store. Empty: none.".to_owned(),
        "1 to 255 characters.".to_owned(),
        "At most 10,000 characters.".to_owned(),
        "Of one piece, with a point for decimals: 1299.00.".to_owned(),
        format!("{currency}, or empty."),
        "Pieces. Empty: not counted.".to_owned(),
        "draft, active or archived. Empty: as it was; active, if it is new.".to_owned(),
    ]
}
