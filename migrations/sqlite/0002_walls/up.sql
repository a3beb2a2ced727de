-- What a store is called, by name and by slug: one name leads to one store, whoever is faster.
CREATE TABLE store_names (
  name TEXT PRIMARY KEY NOT NULL,
  store_id INTEGER NOT NULL REFERENCES tenants (id)
) STRICT, WITHOUT ROWID
--;;
INSERT OR IGNORE INTO store_names (name, store_id)
SELECT slug, id FROM tenants WHERE id <> 0 UNION SELECT name_key, id FROM tenants WHERE id <> 0
--;;
CREATE TABLE invitations (
  tenant_id INTEGER NOT NULL,
  id INTEGER NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'staff', 'customer')),
  invited_by INTEGER,
  token_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  redeemed_at INTEGER,
  revoked_at INTEGER,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash),
  CHECK (redeemed_at IS NULL OR revoked_at IS NULL),
  FOREIGN KEY (tenant_id, invited_by) REFERENCES users (tenant_id, id)
) STRICT, WITHOUT ROWID
--;;
-- Answers that are given once more. Not tied to users: a platform admin acts in stores that are not theirs.
CREATE TABLE idempotency_keys (
  tenant_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  claimed_at INTEGER NOT NULL,
  status INTEGER,
  location TEXT,
  body TEXT,
  PRIMARY KEY (tenant_id, user_id, idempotency_key)
) STRICT, WITHOUT ROWID
--;;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (tenant_id, claimed_at)
--;;
-- Entries from before the chain cannot be linked; no release was made with them.
DROP TABLE audit_log
--;;
CREATE TABLE audit_log (
  tenant_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor_id INTEGER,
  actor_name TEXT NOT NULL,
  actor_role TEXT NOT NULL,
  action TEXT NOT NULL,
  object_kind TEXT,
  object_id INTEGER,
  request_id TEXT,
  facts_before TEXT NOT NULL,
  facts_after TEXT NOT NULL,
  link TEXT NOT NULL,
  PRIMARY KEY (tenant_id, number)
) STRICT, WITHOUT ROWID
--;;
-- The end of each chain.
CREATE TABLE audit_heads (
  tenant_id INTEGER PRIMARY KEY NOT NULL REFERENCES tenants (id),
  last_number INTEGER NOT NULL,
  link TEXT NOT NULL
) STRICT, WITHOUT ROWID
--;;
-- What the application's role may not do on PostgreSQL, nobody may here.
CREATE TRIGGER audit_log_is_not_edited BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'entries of the audit log are only ever added'); END
--;;
CREATE TRIGGER audit_log_is_not_cut BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'entries of the audit log are only ever added'); END
--;;
-- REPLACE deletes without a DELETE.
CREATE TRIGGER audit_log_is_not_overwritten BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE tenant_id = NEW.tenant_id AND number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'entries of the audit log are only ever added'); END
--;;
-- Failed logins of accounts and addresses, both as digests: looked up before anybody is known, and nobody's data.
CREATE TABLE login_failures (
  subject TEXT PRIMARY KEY NOT NULL,
  failures INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;;
CREATE INDEX login_failures_by_time ON login_failures (last_at)
--;;
DELETE FROM sequences WHERE name = 'audit_log'
--;;
INSERT INTO sequences (name, last) VALUES ('invitations', 0)
