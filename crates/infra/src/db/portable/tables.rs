//! The rows of a store, out of and into its tables. Compiled once per engine: `super::dialect` says which.

use super::dialect::{Conn, FILL, RowByRow, SNAPSHOT, act_as, enter, skip_to, store_error};
use super::repos::{STEP_BY_STEP, Session as Repositories};
use crate::db::portable::file::{Counts, Header, Reader, Writer};
use crate::db::portable::log::LogCheck;
use crate::db::portable::records::{Record, Store, with_tables};
use crate::db::portable::{FileError, Progress};
use crate::db::schema::{
    audit_heads, audit_log, invitations, login_names, order_counters, order_lines, orders, products,
    sessions, store_names, tenants, users,
};
use crate::db::{migrate, transaction};
use diesel::prelude::*;
use haat_domain::error::{Conflict, Error};
use haat_domain::ids::TenantId;
use haat_domain::ports::Directory;
use haat_domain::text::fold_seen;
use std::io::{Read, Write};

/// Rows that go into the database with one statement: enough that the trips count little, few enough for the
/// parameters that a statement may have.
const BATCH: usize = 500;

/// No server gets so far by itself; a number beyond would leave none for what comes after it.
const HIGHEST: i64 = 1 << 53;

macro_rules! moving {
    ($($table:ident: $row:ident ($($key:ident),+)),+ $(,)?) => {
        fn count(conn: &mut Conn, tenant: i64) -> QueryResult<Counts> {
            let mut counts = Counts::new();
            $(
                let rows: i64 = $table::table.filter(mine!($table, tenant)).count().get_result(conn)?;
                counts.insert(stringify!($table).to_owned(), rows.unsigned_abs());
            )+
            Ok(counts)
        }

        fn read(
            conn: &mut Conn,
            tenant: i64,
            mut take: impl FnMut(Record) -> Result<(), FileError>,
        ) -> Result<(), FileError> {
            $(
                let rows = $table::table
                    .filter(mine!($table, tenant))
                    .order(($($table::$key,)+))
                    .select(crate::db::portable::records::$row::as_select())
                    .load_iter::<crate::db::portable::records::$row, RowByRow>(conn)
                    .map_err(store_error)?;
                for row in rows {
                    take(Record::$table(row.map_err(store_error)?))?;
                }
            )+
            Ok(())
        }

        fn write(conn: &mut Conn, tenant: i64, batch: &[Record]) -> QueryResult<()> {
            $(
                let rows: Vec<_> = batch
                    .iter()
                    .filter_map(|record| {
                        let Record::$table(row) = record else { return None };
                        Some((row, $table::tenant_id.eq(tenant)))
                    })
                    .collect();
                if !rows.is_empty() {
                    diesel::insert_into($table::table).values(rows).execute(conn)?;
                }
            )+
            Ok(())
        }
    };
}
with_tables!(moving);

/// The tables whose rows draw numbers, beside that of the stores.
fn highest(conn: &mut Conn, tenant: i64) -> QueryResult<Vec<(&'static str, Option<i64>)>> {
    macro_rules! highest {
        ($($table:ident),+) => {
            vec![$((
                stringify!($table),
                $table::table.filter(mine!($table, tenant)).select(diesel::dsl::max($table::id)).get_result(conn)?,
            )),+]
        };
    }
    Ok(highest![users, invitations, sessions, products, orders])
}

/// Runs the work in a transaction that begins so, and keeps it only if the work succeeds.
fn inside<T>(
    conn: &mut Conn,
    begin: &str,
    work: impl FnOnce(&mut Conn) -> Result<T, FileError>,
) -> Result<T, FileError> {
    let mut done = None;
    transaction::begin(conn, begin).map_err(store_error)?;
    let ended = transaction::run(conn, store_error, |conn| {
        let result = work(conn);
        let keep = result.is_ok();
        done = Some(result);
        Ok(keep)
    });
    ended??;
    done.unwrap_or_else(|| Err(Error::internal("the transaction did not run").into()))
}

/// Writes the store of that name, or slug, as it is at one moment.
pub(in crate::db) fn export<W: Write>(
    conn: &mut Conn,
    name: &str,
    out: W,
    progress: &mut Progress<'_>,
) -> Result<(W, Header), FileError> {
    migrate::check_exact(conn)?;
    inside(conn, SNAPSHOT, |conn| {
        let store = Repositories::begun(conn, None, STEP_BY_STEP).store_by_key(&fold_seen(name))?;
        let Some(id) = store.map(|store| store.id) else {
            return Err(FileError::Refused(format!("there is no store called {name}")));
        };
        enter(conn, id)?;
        let tenant = id.get();
        let store = tenants::table.find(tenant).select(Store::as_select()).get_result(conn);
        let header = Header::new(store.map_err(store_error)?, count(conn, tenant).map_err(store_error)?);
        let mut log = LogCheck::new(id);
        let mut file = Writer::begin(out, &header)?;
        progress.begin(&header);
        read(conn, tenant, |record| {
            log.see(&record)?;
            file.row(&record)?;
            progress.add(1);
            Ok(())
        })?;
        log.finish()?;
        Ok((file.finish()?, header))
    })
}

/// Fills a store from a file: all of it or nothing.
pub(in crate::db) fn import<R: Read>(
    conn: &mut Conn,
    role: &str,
    file: R,
    progress: &mut Progress<'_>,
) -> Result<Header, FileError> {
    migrate::check_exact(conn)?;
    let (mut file, header) = Reader::begin(file)?;
    inside(conn, FILL, |conn| {
        // The owner of the tables may be a superuser, for whom there are no walls.
        act_as(conn, Some(role))?;
        let tenant = header.store.id;
        enter(conn, TenantId::new(tenant))?;
        found(conn, &header.store)?;
        progress.begin(&header);
        fill(conn, &mut file, &header, progress)?;
        claim_usernames(conn, tenant).map_err(store_error)?;
        let mut numbers = highest(conn, tenant).map_err(store_error)?;
        numbers.push(("tenants", Some(tenant)));
        act_as(conn, None)?;
        for (table, last) in numbers {
            let last = last.unwrap_or_default();
            if last > HIGHEST {
                return Err(FileError::Refused(format!("the number {last} in {table} is too high")));
            }
            skip_to(conn, table, last)?;
        }
        Ok(())
    })?;
    Ok(header)
}

/// Makes the store itself, unless its number or a name of it is another one's.
fn found(conn: &mut Conn, store: &Store) -> Result<(), FileError> {
    let names = [&store.name_key, &store.slug];
    let same = tenants::table
        .filter(tenants::id.eq(store.id).or(tenants::name_key.eq_any(names)).or(tenants::slug.eq_any(names)))
        .order(tenants::id)
        .select((tenants::id, tenants::name))
        .first::<(i64, String)>(conn)
        .optional()
        .map_err(store_error)?;
    if let Some((id, name)) = same {
        let why = if id == store.id {
            format!("the number {id} is that of {name}")
        } else {
            format!("store {id}, {name}, has its name or slug")
        };
        let Store { id, name, .. } = store;
        return Err(FileError::Refused(format!("store {id} {name} cannot be made here: {why}")));
    }
    diesel::insert_into(tenants::table).values(store).execute(conn).map_err(meanwhile)?;
    let mut names = names.to_vec();
    names.dedup();
    let names: Vec<_> = names
        .into_iter()
        .map(|name| (store_names::name.eq(name), store_names::store_id.eq(store.id)))
        .collect();
    diesel::insert_into(store_names::table).values(names).execute(conn).map_err(meanwhile)?;
    Ok(())
}

/// It was looked up: who has the name now has been faster.
fn meanwhile(error: diesel::result::Error) -> FileError {
    let error = store_error(error);
    if let Error::Conflict(_) = error {
        FileError::Refused(Error::Conflict(Conflict::StoreTaken).to_string())
    } else {
        error.into()
    }
}

fn fill<R: Read>(
    conn: &mut Conn,
    file: &mut Reader<R>,
    header: &Header,
    progress: &mut Progress<'_>,
) -> Result<(), FileError> {
    let tenant = header.store.id;
    let mut counts: Counts = Record::TABLES.iter().map(|table| ((*table).to_owned(), 0)).collect();
    let mut log = LogCheck::new(TenantId::new(tenant));
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let row = file.row()?;
        let last = row.is_none();
        if let Some(row) = row {
            log.see(&row)?;
            *counts.entry(row.table().to_owned()).or_default() += 1;
            batch.push(row);
        }
        if last || batch.len() == BATCH {
            write(conn, tenant, &batch).map_err(store_error)?;
            progress.add(batch.len());
            batch.clear();
        }
        if last {
            break;
        }
    }
    log.finish()?;
    if counts == header.rows {
        Ok(())
    } else {
        Err(FileError::Refused("the file does not hold as many rows as it says".to_owned()))
    }
}

/// Logins without a store lead to this one, where nobody here has taken the username before.
fn claim_usernames(conn: &mut Conn, tenant: i64) -> QueryResult<()> {
    let names = users::table.filter(mine!(users, tenant)).filter(users::username_key.is_not_null()).select((
        users::username_key.assume_not_null(),
        users::tenant_id,
        users::id,
    ));
    diesel::insert_into(login_names::table)
        .values(names)
        .into_columns((login_names::username_key, login_names::tenant_id, login_names::user_id))
        .on_conflict_do_nothing()
        .execute(conn)
        .map(drop)
}
