//! Instants as each engine keeps them; declared once for both.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::data_types::PgTimestamp;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel::sqlite::{Sqlite, SqliteValue};
use haat_domain::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// `timestamptz` on PostgreSQL; microseconds since the Unix epoch on SQLite. The numbers are given, so that
    /// diesel need not ask PostgreSQL for the type.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
    pub struct Instant;
}

/// PostgreSQL counts microseconds from 2000-01-01.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A [`Timestamp`] in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Instant)]
pub(super) struct DbInstant(pub(super) Timestamp);

impl From<Timestamp> for DbInstant {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl ToSql<sql::Instant, Pg> for DbInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = PgTimestamp(self.0.as_micros() - POSTGRES_EPOCH);
        ToSql::<Timestamptz, Pg>::to_sql(&micros, &mut out.reborrow())
    }
}

impl FromSql<sql::Instant, Pg> for DbInstant {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let PgTimestamp(micros) = FromSql::<Timestamptz, Pg>::from_sql(value)?;
        from_micros(micros.saturating_add(POSTGRES_EPOCH))
    }
}

impl ToSql<sql::Instant, Sqlite> for DbInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Instant, Sqlite> for DbInstant {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        from_micros(FromSql::<BigInt, Sqlite>::from_sql(value)?)
    }
}

/// As text, in files: RFC 3339, to the microsecond.
impl Serialize for DbInstant {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DbInstant {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        let text = String::deserialize(text)?;
        Timestamp::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

fn from_micros(micros: i64) -> deserialize::Result<DbInstant> {
    Timestamp::from_micros(micros).map(DbInstant).ok_or_else(|| "a time outside of time".into())
}
