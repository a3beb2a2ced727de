-- What a standby needs on its primary: a role, a way in, and changes that are kept while it is away. Once, as a superuser on
-- the server itself, after 10-roles.sql:
--   HAAT_STANDBY_PASSWORD=... PGDATA=... psql -v ON_ERROR_STOP=1 -d postgres -f 20-standby.sql
-- The image of PostgreSQL runs it when its volume is new. psql 15 or newer (\getenv).
\set ON_ERROR_STOP on
\getenv standby_password HAAT_STANDBY_PASSWORD

-- Without the variable this line is no SQL, and nothing has been made.
SELECT length(:'standby_password') >= 16 AS long_enough \gset
\if :long_enough
\else
  DO $$ BEGIN RAISE EXCEPTION 'HAAT_STANDBY_PASSWORD must have 16 characters at least'; END $$;
\endif

-- May copy the whole server and nothing else.
CREATE ROLE haat_standby LOGIN REPLICATION PASSWORD :'standby_password';
-- `all` databases in pg_hba.conf are all but this.
COPY (SELECT 'host replication haat_standby all scram-sha-256') TO PROGRAM 'cat >>"$PGDATA/pg_hba.conf"';
SELECT pg_reload_conf();
