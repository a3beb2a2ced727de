-- Roles and database, as docs/operations.md has them. Once, as a superuser or as a role that may create both:
--   HAAT_OWNER_PASSWORD=... HAAT_LOGIN_PASSWORD=... psql -v ON_ERROR_STOP=1 -d postgres -f 10-roles.sql
-- The image of PostgreSQL runs it when its volume is new. psql 15 or newer (\getenv).
\set ON_ERROR_STOP on
\getenv owner_password HAAT_OWNER_PASSWORD
\getenv login_password HAAT_LOGIN_PASSWORD

-- Without the two variables this line is no SQL, and nothing has been made.
SELECT length(:'owner_password') >= 16 AND length(:'login_password') >= 16 AS long_enough \gset
\if :long_enough
\else
  DO $$ BEGIN RAISE EXCEPTION 'HAAT_OWNER_PASSWORD and HAAT_LOGIN_PASSWORD must have 16 characters at least'; END $$;
\endif

-- Sessions of the server work in this role. It owns nothing.
CREATE ROLE haat_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
-- Owns database and tables, runs the migrations.
CREATE ROLE haat_owner LOGIN PASSWORD :'owner_password';
GRANT haat_app TO haat_owner;
-- What the server logs in as: it can do nothing but become haat_app.
CREATE ROLE haat_login LOGIN NOINHERIT PASSWORD :'login_password';
GRANT haat_app TO haat_login;

-- Who is no superuser (managed servers) can give a database only to a role that he is a member of.
GRANT haat_owner TO CURRENT_USER;
CREATE DATABASE haat OWNER haat_owner;
REVOKE ALL ON DATABASE haat FROM PUBLIC;
GRANT CONNECT ON DATABASE haat TO haat_login;
REVOKE haat_owner FROM CURRENT_USER;
