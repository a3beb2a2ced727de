//! Whether PostgreSQL's walls between tenants stand.

use super::postgres::{connect, connect_standby};
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
  WITH tenants_tables AS (
    SELECT c.oid, relname, relrowsecurity, relforcerowsecurity, attnum FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace)
  SELECT 'the role ' || rolname || ' is a superuser or may bypass row-level security' AS fault
  FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)
  UNION ALL
  SELECT 'the role ' || current_user || ' owns the table ' || relname
  FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND pg_get_userbyid(relowner) = current_user
  UNION ALL
  SELECT 'the table ' || relname || ' has no forced row-level security' FROM tenants_tables t
  WHERE NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = t.oid))
  UNION ALL
  -- One permissive policy that asks for nothing opens what all others close. Names are looked up by whoever comes.
  SELECT 'the policy ' || polname || ' of ' || relname || ' does not ask for app.tenant_id'
  FROM tenants_tables t
  JOIN pg_policy p ON p.polrelid = t.oid AND p.polpermissive
  WHERE NOT (relname = 'login_names' AND polcmd = 'r')
    AND (coalesce(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), '') NOT LIKE '%app.tenant_id%'
      OR coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid), '') NOT LIKE '%app.tenant_id%')
  UNION ALL
  SELECT 'the table ' || relname || ' has no primary key' FROM tenants_tables t
  WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = t.oid AND indisprimary)
  UNION ALL
  SELECT 'the key ' || i.relname || ' of ' || t.relname || ' does not begin with tenant_id'
  FROM tenants_tables t
  JOIN pg_index x ON x.indrelid = t.oid
  JOIN pg_class i ON i.oid = x.indexrelid
  WHERE x.indkey[0] <> t.attnum AND NOT (t.relname = 'login_names' AND x.indisprimary)
  UNION ALL
  -- A reference without the tenant on both sides could lead into another store.
  SELECT 'the foreign key ' || conname || ' of ' || t.relname || ' does not begin with tenant_id on both sides'
  FROM tenants_tables t
  JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f'
  LEFT JOIN tenants_tables o ON o.oid = c.confrelid
  WHERE c.conkey[1] <> t.attnum
    OR c.confkey[1] IS DISTINCT FROM CASE WHEN c.confrelid = to_regclass('public.tenants') THEN 1 ELSE o.attnum END
  UNION ALL
  -- What may pass (a lock that others hold, a server that ends) is told from a fault by its words.
  SELECT 'the server speaks ' || setting || ', and its errors are read in English: ALTER DATABASE ... SET lc_messages = ''C'''
  FROM pg_settings WHERE name = 'lc_messages' AND setting !~* '^(c|posix|en|$)'
  ORDER BY fault";

/// One line a fault, as the application's role sees it.
pub(super) fn check(url: &str, options: &PgOptions) -> Result<Vec<String>> {
    faults(&mut connect(url, options)?)
}

/// The same on a standby.
pub(super) fn check_standby(url: &str, options: &PgOptions) -> Result<Vec<String>> {
    faults(&mut connect_standby(url, options)?)
}

fn faults(conn: &mut PgConnection) -> Result<Vec<String>> {
    let faults = diesel::sql_query(FAULTS).load::<Fault>(conn).map_err(unavailable)?;
    Ok(faults.into_iter().map(|fault| fault.fault).collect())
}
