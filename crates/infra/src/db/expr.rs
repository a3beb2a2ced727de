//! What diesel lacks for both engines: row-value comparison, statements that may be cached, and the tenant's filter.

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, SqlType};

/// `(a, b) > (x, y)` or `<`: one range of an index on both engines, unlike `a > x OR (a = x AND b > y)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowAfter<A, B, X, Y> {
    columns: (A, B),
    values: (X, Y),
    descending: bool,
}

/// The rows behind this one, in this direction.
pub(super) fn row_after<A, B, X, Y>(
    columns: (A, B),
    values: (X, Y),
    descending: bool,
) -> RowAfter<A, B, X::Expression, Y::Expression>
where
    A: Expression<SqlType: SqlType>,
    B: Expression<SqlType: SqlType>,
    X: AsExpression<A::SqlType>,
    Y: AsExpression<B::SqlType>,
{
    RowAfter { columns, values: (values.0.as_expression(), values.1.as_expression()), descending }
}

/// The direction is a value, not a type: only boxed queries, which are cached by their text, hold this.
impl<A, B, X, Y> QueryId for RowAfter<A, B, X, Y> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<A: Expression, B: Expression, X: Expression, Y: Expression> Expression for RowAfter<A, B, X, Y> {
    type SqlType = Bool;
}
impl<A, B, X, Y, G> ValidGrouping<G> for RowAfter<A, B, X, Y> {
    type IsAggregate = is_aggregate::No;
}
impl<A, B, X, Y, QS> AppearsOnTable<QS> for RowAfter<A, B, X, Y>
where
    Self: Expression,
    A: AppearsOnTable<QS>,
    B: AppearsOnTable<QS>,
    X: AppearsOnTable<QS>,
    Y: AppearsOnTable<QS>,
{
}
impl<A, B, X, Y, QS> SelectableExpression<QS> for RowAfter<A, B, X, Y> where Self: AppearsOnTable<QS> {}
impl<A, B, X, Y, DB> QueryFragment<DB> for RowAfter<A, B, X, Y>
where
    DB: Backend,
    A: QueryFragment<DB>,
    B: QueryFragment<DB>,
    X: QueryFragment<DB>,
    Y: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("((");
        self.columns.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.columns.1.walk_ast(out.reborrow())?;
        out.push_sql(if self.descending { ") < (" } else { ") > (" });
        self.values.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.values.1.walk_ast(out.reborrow())?;
        out.push_sql("))");
        Ok(())
    }
}

/// The tenant's filter: in every statement on a tenant's table, beside the database's own wall.
///
/// The feature `rls-only` takes it out, for the test which shows that PostgreSQL's row-level security holds alone.
macro_rules! mine {
    ($table:ident, $tenant:expr) => {{
        let tenant: i64 = $tenant;
        #[cfg(feature = "rls-only")]
        let filter = {
            let _ = tenant;
            $table::tenant_id.eq($table::tenant_id)
        };
        #[cfg(not(feature = "rls-only"))]
        let filter = $table::tenant_id.eq(tenant);
        filter
    }};
}

/// The SQL type that a value of a hand-written statement is bound as.
pub(super) trait Bind {
    type Sql;
}

impl Bind for i64 {
    type Sql = diesel::sql_types::BigInt;
}

impl Bind for &str {
    type Sql = diesel::sql_types::Text;
}

impl Bind for String {
    type Sql = diesel::sql_types::Text;
}

impl<T: Bind> Bind for Option<T>
where
    T::Sql: SqlType<IsNull = diesel::sql_types::is_nullable::NotNull>,
{
    type Sql = diesel::sql_types::Nullable<T::Sql>;
}

impl<T: Bind<Sql: 'static>> Bind for Vec<T> {
    type Sql = diesel::sql_types::Array<T::Sql>;
}

impl Bind for super::types::DbInstant {
    type Sql = super::types::sql::Instant;
}

/// What can be bound as a value of a hand-written statement for this engine.
pub(super) trait BindIn<DB: Backend> {
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

impl<DB, T> BindIn<DB> for T
where
    DB: Backend + HasSqlType<T::Sql>,
    T: Bind + ToSql<T::Sql, DB>,
{
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_bind_param::<T::Sql, T>(self)
    }
}

/// A hand-written statement that diesel may cache by its type; it never caches an UPDATE or an upsert of its own DSL,
/// which costs 1.5 to 3.4 times the execution. Names of fields are bound values; `mine` is the tenant's
/// filter, `quarter` and `skip_locked` are the dialect's, `take` takes pieces of a product. The types behind `->` are
/// those of the rows that it answers.
macro_rules! statement {
    ($name:ident { $($field:ident : $ty:ty),* $(,)? } $(-> $row:ty)? = $($part:tt)*) => {
        #[derive(diesel::query_builder::QueryId)]
        struct $name { $($field: $ty),* }

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
    (@part $self:ident $out:ident mine) => {
        if cfg!(feature = "rls-only") {
            $out.push_sql("tenant_id IS NOT NULL");
        } else {
            $out.push_sql("tenant_id = ");
            $crate::db::expr::BindIn::bind(&$self.tenant, &mut $out)?;
        }
    };
    (@part $self:ident $out:ident take) => {
        statement!(@part $self $out "UPDATE products SET stock = stock - ");
        statement!(@part $self $out pieces);
        statement!(@part $self $out ", updated_at = CASE WHEN stock IS NULL THEN updated_at ELSE ");
        statement!(@part $self $out now);
        statement!(@part $self $out " END WHERE ");
        statement!(@part $self $out mine);
        statement!(@part $self $out " AND id = ");
        statement!(@part $self $out id);
        statement!(@part $self $out " AND status = 'active' AND deleted_at IS NULL AND (stock IS NULL OR stock >= ");
        statement!(@part $self $out pieces);
        statement!(@part $self $out ") RETURNING name, sku, price_minor, currency, stock");
    };
    (@part $self:ident $out:ident skip_locked) => { $out.push_sql(super::super::dialect::SKIP_LOCKED); };
    (@part $self:ident $out:ident quarter) => { $out.push_sql(super::super::dialect::QUARTER); };
    (@part $self:ident $out:ident $text:literal) => { $out.push_sql($text); };
    (@part $self:ident $out:ident $field:ident) => { $crate::db::expr::BindIn::bind(&$self.$field, &mut $out)?; };
}

/// A row to be, whose fields are its columns: executed, it is the statement that inserts it, which diesel caches by its
/// type. An INSERT of diesel's own DSL is cached too, but all its values are walked through several times.
macro_rules! new_row {
    (
        $(#[$attribute:meta])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? into $table:literal {
            $first_vis:vis $first:ident : $first_ty:ty,
            $($field_vis:vis $field:ident : $ty:ty,)*
        }
    ) => {
        $(#[$attribute])*
        $vis struct $name $(<$life>)? {
            $first_vis $first: $first_ty,
            $($field_vis $field: $ty,)*
        }

        const _: () = {
            /// Stands for the type whatever it borrows.
            pub(crate) struct Insert;

            impl $(<$life>)? diesel::query_builder::QueryId for $name $(<$life>)? {
                type QueryId = Insert;
                const HAS_STATIC_QUERY_ID: bool = true;
            }
        };
        impl<$($life,)? Conn> diesel::RunQueryDsl<Conn> for $name $(<$life>)? {}
        impl<$($life,)? DB> diesel::query_builder::QueryFragment<DB> for $name $(<$life>)?
        where
            DB: diesel::backend::Backend,
            $first_ty: $crate::db::expr::BindIn<DB>,
            $($ty: $crate::db::expr::BindIn<DB>,)*
        {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, DB>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!(
                    "INSERT INTO ", $table, " (", stringify!($first), $(", ", stringify!($field),)* ") VALUES ("
                ));
                $crate::db::expr::BindIn::bind(&self.$first, &mut out)?;
                $(
                    out.push_sql(", ");
                    $crate::db::expr::BindIn::bind(&self.$field, &mut out)?;
                )*
                out.push_sql(")");
                Ok(())
            }
        }
    };
}
