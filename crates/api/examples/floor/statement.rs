//! Statements by hand, prepared once for each connection.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::data_types::PgTimestamp;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::AstPass;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, HasSqlType, Nullable, SqlType, Text, Timestamptz};
use diesel::sqlite::{Sqlite, SqliteValue};
use diesel::{QueryResult, query_builder::QueryId};

/// `timestamptz`, or microseconds since 1970.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub(crate) struct Instant;

/// Microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Instant)]
pub(crate) struct At(pub(crate) i64);

/// PostgreSQL counts from 2000.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl ToSql<Instant, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(&PgTimestamp(self.0 - POSTGRES_EPOCH), &mut out.reborrow())
    }
}

impl FromSql<Instant, Pg> for At {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let PgTimestamp(micros) = FromSql::<Timestamptz, Pg>::from_sql(value)?;
        Ok(Self(micros + POSTGRES_EPOCH))
    }
}

impl ToSql<Instant, Sqlite> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0);
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for At {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        FromSql::<BigInt, Sqlite>::from_sql(value).map(Self)
    }
}

/// What a value is bound as.
pub(crate) trait Bind {
    type Sql: SqlType;
}
impl Bind for i64 {
    type Sql = BigInt;
}
impl Bind for String {
    type Sql = Text;
}
impl Bind for Option<String> {
    type Sql = Nullable<Text>;
}
impl Bind for At {
    type Sql = Instant;
}

pub(crate) fn push<'b, DB, T>(out: &mut AstPass<'_, 'b, DB>, value: &'b T) -> QueryResult<()>
where
    DB: Backend + HasSqlType<T::Sql>,
    T: Bind + ToSql<T::Sql, DB>,
{
    out.push_bind_param::<T::Sql, T>(value)
}

/// `Name { values } -> (types of a row) = text value text ...`, for the `Conn` and the `Db` that are in scope.
macro_rules! statement {
    ($name:ident { $($field:ident : $ty:ty),* $(,)? } $(-> $row:ty)? = $($part:tt)*) => {
        pub(crate) struct $name { $(pub(crate) $field: $ty),* }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
        $(impl diesel::query_builder::Query for $name { type SqlType = $row; })?
        impl diesel::RunQueryDsl<Conn> for $name {}
        impl diesel::query_builder::QueryFragment<Db> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, Db>,
            ) -> diesel::QueryResult<()> {
                $(statement!(@part self out $part);)*
                Ok(())
            }
        }
    };
    (@part $self:ident $out:ident $text:literal) => { $out.push_sql($text); };
    (@part $self:ident $out:ident $field:ident) => { $crate::statement::push(&mut $out, &$self.$field)?; };
}
