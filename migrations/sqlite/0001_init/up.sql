-- Statements are separated by a marker line, as on the PostgreSQL side. Same tables, same columns, same constraints;
-- what stands there for row-level security has no counterpart here: the scope in the types is the wall.
-- Times are microseconds since 1970-01-01T00:00:00Z.

-- The last number given out in each table, server-wide, so that a client never sees one number in two stores.
CREATE TABLE sequences (
  name TEXT PRIMARY KEY NOT NULL,
  last INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;;
CREATE TABLE tenants (
  id INTEGER PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  slug TEXT NOT NULL UNIQUE,
  currency TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;;
-- The platform itself: the tenant whose users are the platform admins. No name or slug of a store can be empty.
INSERT INTO tenants (id, name, name_key, slug, currency, status, created_at)
VALUES (0, 'Platform', '', '', 'INR', 'active', 1767225600000000)
--;;
CREATE TABLE users (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  id INTEGER NOT NULL,
  username TEXT NOT NULL,
  username_key TEXT,
  email TEXT NOT NULL,
  email_key TEXT,
  role TEXT NOT NULL CHECK (role IN ('owner', 'staff', 'customer', 'superuser')),
  password_hash TEXT NOT NULL,
  is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
  token_version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, username_key),
  UNIQUE (tenant_id, email_key),
  CHECK ((role = 'superuser') = (tenant_id = 0))
) STRICT, WITHOUT ROWID
--;;
CREATE TABLE login_names (
  username_key TEXT PRIMARY KEY NOT NULL,
  tenant_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;;
CREATE TABLE sessions (
  tenant_id INTEGER NOT NULL,
  id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  idle_until INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) STRICT, WITHOUT ROWID
--;;
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id)
--;;
CREATE TABLE products (
  tenant_id INTEGER NOT NULL,
  id INTEGER NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  search_text TEXT NOT NULL,
  price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
  currency TEXT NOT NULL,
  sku TEXT,
  sku_key TEXT,
  stock INTEGER CHECK (stock >= 0),
  status TEXT NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
  created_by INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, sku_key),
  FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
) STRICT, WITHOUT ROWID
--;;
CREATE INDEX products_by_name ON products (tenant_id, name_key, id)
--;;
CREATE INDEX products_by_price ON products (tenant_id, price_minor, id)
--;;
CREATE INDEX products_by_time ON products (tenant_id, created_at, id)
--;;
CREATE TABLE order_counters (
  tenant_id INTEGER PRIMARY KEY NOT NULL REFERENCES tenants (id),
  last_number INTEGER NOT NULL
) STRICT, WITHOUT ROWID
--;;
CREATE TABLE orders (
  tenant_id INTEGER NOT NULL,
  id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  customer_id INTEGER NOT NULL,
  placed_by INTEGER,
  status TEXT NOT NULL CHECK (status IN ('pending', 'confirmed', 'shipped', 'delivered', 'cancelled')),
  currency TEXT NOT NULL,
  total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES users (tenant_id, id),
  FOREIGN KEY (tenant_id, placed_by) REFERENCES users (tenant_id, id)
) STRICT, WITHOUT ROWID
--;;
CREATE INDEX orders_of_customer ON orders (tenant_id, customer_id, id)
--;;
CREATE INDEX orders_by_time ON orders (tenant_id, created_at, id)
--;;
CREATE INDEX orders_by_total ON orders (tenant_id, total_minor, id)
--;;
CREATE TABLE order_lines (
  tenant_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  line_no INTEGER NOT NULL,
  product_id INTEGER NOT NULL,
  sku TEXT,
  name TEXT NOT NULL,
  unit_price_minor INTEGER NOT NULL CHECK (unit_price_minor >= 0),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  line_total_minor INTEGER NOT NULL CHECK (line_total_minor = unit_price_minor * quantity),
  counted INTEGER NOT NULL CHECK (counted IN (0, quantity)),
  PRIMARY KEY (tenant_id, order_id, line_no),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
) STRICT, WITHOUT ROWID
--;;
CREATE INDEX order_lines_of_product ON order_lines (tenant_id, product_id, order_id)
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
INSERT INTO sequences (name, last) VALUES ('tenants', 0), ('users', 0), ('sessions', 0), ('products', 0), ('orders', 0), ('audit_log', 0)
