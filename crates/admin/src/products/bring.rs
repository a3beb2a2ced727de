//! Rows of a file, brought into the store a hundred at a time.

use super::csv::{Row, Table};
use super::turns::Turn;
use super::{number, read};
use crate::desk::Desk;
use crate::failure::{Failure, log, said, sentence};
use actix_web::web::block;
use haat_domain::authz::Action;
use haat_domain::catalog::{ImportRow, Imported, find_product, import_product, lock_product};
use haat_domain::cx::Cx;
use haat_domain::error::{Conflict, Error, FieldErrors, Result};
use haat_domain::money::Currency;
use haat_domain::ports::Access;
use std::collections::BTreeSet;

/// Rows of one transaction: orders wait for no more than these.
const BATCH: usize = 100;
/// The most bytes of them, so that a hundred long descriptions do not add up.
const BATCH_BYTES: usize = 1024 * 1024;

/// A file on its way into the store of whoever has sent it.
pub(super) struct Import {
    pub(super) desk: Desk,
    pub(super) table: Table,
    pub(super) currency: Currency,
    /// Nothing is written: the file is only checked.
    pub(super) dry: bool,
    /// The store's turn, until the file is read to its end.
    pub(super) turn: Turn,
}

/// What became of a row.
pub(super) struct Done {
    pub(super) row: Row,
    pub(super) outcome: Result<Imported, FieldErrors>,
}

/// What became of some rows, and why there are no more, if it is not for the end of the file.
pub(super) struct Batch {
    pub(super) done: Vec<Done>,
    pub(super) stopped: Option<String>,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) created: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    pub(super) faulty: u64,
}

impl Tally {
    pub(super) const fn count(&mut self, done: &Done) {
        self.rows += 1;
        match done.outcome {
            Ok(Imported::Created(_)) => self.created += 1,
            Ok(Imported::Changed(_)) => self.changed += 1,
            Ok(Imported::Unchanged(_)) => self.unchanged += 1,
            Err(_) => self.faulty += 1,
        }
    }
}

/// A row as it was read: what it asks for, or what is wrong with it.
type Asked = (Row, Result<ImportRow, FieldErrors>);

impl Import {
    /// Brings the next rows. Their transaction has ended when this does; whoever stops asking stops the import.
    pub(super) async fn next(self) -> Result<(Self, Batch), Failure> {
        let Self { desk, mut table, currency, dry, turn } = self;
        let reading = block(move || {
            let asked = ask(&mut table, currency);
            (table, asked)
        });
        let (table, (asked, stopped)) =
            reading.await.map_err(|gone| Failure::Domain(Error::internal(gone)))?;
        let import = Self { desk, table, currency, dry, turn };
        let (done, failed) = import.bring(asked).await;
        let stopped =
            failed.inspect(log).map(|error| said(&error)).or_else(|| stopped.map(|why| sentence(&why)));
        Ok((import, Batch { done, stopped }))
    }

    /// Brings these rows, all in one transaction; if another one gets into its way, each in its own. An error is why
    /// the rest of them was not brought.
    async fn bring(&self, asked: Vec<Asked>) -> (Vec<Done>, Option<Error>) {
        let wanted: Vec<_> = asked.iter().filter_map(|(_, asked)| asked.as_ref().ok().cloned()).collect();
        let (mut brought, error) = match self.run(wanted.clone()).await {
            Ok(brought) => (brought.into_iter(), None),
            Err(Error::Conflict(_) | Error::Unavailable(_)) => {
                let (brought, error) = self.one_by_one(wanted).await;
                (brought.into_iter(), error)
            }
            Err(error) => (Vec::new().into_iter(), Some(error)),
        };
        let done = asked.into_iter().map_while(|(row, asked)| {
            let outcome = match asked {
                Ok(_) => brought.next()?,
                Err(faults) => Err(faults),
            };
            Some(Done { row, outcome })
        });
        (done.collect(), error)
    }

    async fn one_by_one(&self, rows: Vec<ImportRow>) -> (Vec<Result<Imported, FieldErrors>>, Option<Error>) {
        let mut brought = Vec::with_capacity(rows.len());
        for row in rows {
            match self.run(vec![row]).await {
                Ok(one) => brought.extend(one),
                Err(Error::Conflict(conflict)) => brought.push(Err(in_the_way(&conflict))),
                Err(error) => return (brought, Some(error)),
            }
        }
        (brought, None)
    }

    /// One transaction.
    async fn run(&self, rows: Vec<ImportRow>) -> Result<Vec<Result<Imported, FieldErrors>>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let dry = self.dry;
        let work = move |cx: &mut Cx<'_>| {
            if !dry {
                lock_all(cx, &rows)?;
            }
            rows.into_iter().map(|row| settled(import_product(cx, row, dry))).collect()
        };
        let access = if dry { Access::Scan } else { Access::Write };
        self.desk.run(access, Action::UpdateProduct, work).await
    }
}

/// Locks what these rows are about, by numbers: no two transactions then wait for each other in a circle.
fn lock_all(cx: &mut Cx<'_>, rows: &[ImportRow]) -> Result<()> {
    let mut ids = BTreeSet::new();
    for row in rows {
        match (row.id, &row.patch.sku) {
            (Some(id), _) => ids.extend([id]),
            (None, Some(Some(sku))) => ids.extend(find_product(cx, sku.as_str())?.map(|product| product.id)),
            (None, Some(None) | None) => {}
        }
    }
    for id in ids {
        match lock_product(cx, id) {
            // That it is not there is said of the row.
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What is wrong with a row alone is its outcome; any other error is the transaction's.
fn settled(done: Result<Imported>) -> Result<Result<Imported, FieldErrors>> {
    match done {
        Ok(imported) => Ok(Ok(imported)),
        Err(Error::Invalid(faults)) => Ok(Err(faults)),
        Err(Error::Conflict(conflict @ Conflict::SkuTaken)) => Ok(Err(in_the_way(&conflict))),
        Err(error) => Err(error),
    }
}

fn in_the_way(conflict: &Conflict) -> FieldErrors {
    let mut faults = FieldErrors::default();
    if *conflict == Conflict::SkuTaken {
        faults.add("sku", "is another product’s");
    } else {
        faults.add("row", "somebody else was changing the same product: bring this row again");
    }
    faults
}

/// Reads the next rows.
fn ask(table: &mut Table, currency: Currency) -> (Vec<Asked>, Option<String>) {
    let (mut asked, mut bytes) = (Vec::new(), 0);
    while asked.len() < BATCH && bytes < BATCH_BYTES {
        match table.next() {
            Some(Ok(row)) => {
                bytes += row.bytes();
                let wanted = wanted(&row, table.width(), currency);
                asked.push((row, wanted));
            }
            Some(Err(why)) => return (asked, Some(why)),
            None => break,
        }
    }
    (asked, None)
}

/// What a row asks for.
fn wanted(row: &Row, width: usize, currency: Currency) -> Result<ImportRow, FieldErrors> {
    let mut faults = FieldErrors::default();
    if row.count != width {
        faults.add("row", format!("has {} cells, but the header has {width}", row.count));
        return Err(faults);
    }
    let filled = |column: &str| row.cell(column).map(str::trim).filter(|cell| !cell.is_empty());
    let id = filled("id").and_then(|text| {
        number(text).or_else(|| {
            faults.add("id", "must be a product’s number, or empty for a new one");
            None
        })
    });
    if filled("currency").is_some_and(|code| code != currency.code()) {
        faults.add("currency", format!("must be {currency}, the store’s currency, or empty"));
    }
    let patch = read(|column| row.cell(column).map(str::to_owned), currency, &mut faults);
    if faults.is_empty() { Ok(ImportRow { id, patch }) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use haat_domain::ids::ProductId;

    fn row(cells: &[(&'static str, &str)]) -> Row {
        let cells: Vec<_> = cells.iter().map(|(column, cell)| (*column, (*cell).to_owned())).collect();
        Row { number: 2, count: cells.len(), cells }
    }

    fn asked(cells: &[(&'static str, &str)]) -> Result<ImportRow, FieldErrors> {
        wanted(&row(cells), cells.len(), Currency::parse("INR").unwrap())
    }

    #[test]
    fn a_row_says_what_its_columns_say() {
        let row =
            asked(&[("id", "7"), ("name", "Tea"), ("price", "1.5"), ("stock", ""), ("currency", "INR")]);
        let row = row.unwrap();
        assert_eq!(row.id, Some(ProductId::new(7)));
        assert_eq!(row.patch.price.unwrap().to_string(), "1.50");
        assert_eq!((row.patch.stock, row.patch.sku.is_none()), (Some(None), true));
        assert!(asked(&[("id", " "), ("name", "Tea"), ("currency", "")]).unwrap().id.is_none());
    }

    #[test]
    fn all_that_is_wrong_with_a_row_is_said_at_once() {
        let faults =
            asked(&[("id", "x"), ("name", ""), ("price", "1,5"), ("currency", "EUR"), ("status", "on")]);
        let faults = faults.unwrap_err();
        for column in ["id", "name", "price", "currency", "status"] {
            assert!(faults.has(column), "{column}");
        }
    }

    #[test]
    fn a_row_has_as_many_cells_as_the_header() {
        let short = Row { number: 2, count: 1, cells: Vec::new() };
        let faults = wanted(&short, 3, Currency::parse("INR").unwrap()).unwrap_err();
        assert_eq!(faults.iter().next().unwrap().1, ["has 1 cells, but the header has 3"]);
    }
}
