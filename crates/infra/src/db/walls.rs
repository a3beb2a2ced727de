//! Whether PostgreSQL's walls between tenants stand.

use super::postgres::connect;
use super::{PgOptions, unavailable};
use diesel::prelude::*;
use diesel::sql_types::Text;
use haat_domain::error::Result;

#[derive(QueryableByName)]
struct Fault {
    #[diesel(sql_type = Text)]
    fault: String,
}

const FAULTS: &str = "
  SELECT 'the role ' || rolname || ' is a superuser or may bypass row-level security' AS fault
  FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)
  UNION ALL
  SELECT 'the role ' || current_user || ' owns the table ' || relname
  FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND pg_get_userbyid(relowner) = current_user
  UNION ALL
  SELECT 'the table ' || relname || ' has no forced row-level security'
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
  WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))
  UNION ALL
  SELECT 'the key ' || i.relname || ' of ' || t.relname || ' does not begin with tenant_id'
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id'
  WHERE t.relnamespace = 'public'::regnamespace AND t.relname <> 'login_names' AND x.indkey[0] <> a.attnum
  ORDER BY fault";

/// One line a fault, as the application's role sees it.
pub(super) fn check(url: &str, options: &PgOptions) -> Result<Vec<String>> {
    let mut conn = connect(url, options)?;
    let faults = diesel::sql_query(FAULTS).load::<Fault>(&mut conn).map_err(unavailable)?;
    Ok(faults.into_iter().map(|fault| fault.fault).collect())
}
