DROP TABLE login_failures
--;;
DROP TABLE audit_heads
--;;
DROP TABLE audit_log
--;;
CREATE TABLE audit_log (
  tenant_id INTEGER NOT NULL,
  id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor_id INTEGER,
  actor_name TEXT NOT NULL,
  actor_role TEXT NOT NULL,
  action TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID
--;;
DROP TABLE idempotency_keys
--;;
DROP TABLE invitations
--;;
DROP TABLE store_names
--;;
DELETE FROM sequences WHERE name = 'invitations'
--;;
INSERT INTO sequences (name, last) VALUES ('audit_log', 0)
