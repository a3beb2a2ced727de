\set tenant random(1, :tenants)
\set product (:tenant - 1) * :products + random(1, :products)
WITH account AS (
  SELECT users.id, username, role FROM users
  JOIN tenants ON tenants.id = users.tenant_id
  JOIN sessions ON sessions.tenant_id = users.tenant_id AND sessions.user_id = users.id
  WHERE users.tenant_id = :tenant AND users.id = :tenant AND users.deleted_at IS NULL AND is_active
    AND tenants.status = 'active' AND revoked_at IS NULL AND expires_at > now()
  LIMIT 1
), taken AS (
  UPDATE products SET stock = stock - 1, updated_at = now()
  WHERE tenant_id = :tenant AND id = :product AND status = 'active' AND deleted_at IS NULL
    AND (stock IS NULL OR stock >= 1) AND EXISTS (SELECT FROM account)
  RETURNING name, sku, price_minor, currency
), counter AS (
  INSERT INTO order_counters (tenant_id, last_number) SELECT :tenant, 1001 FROM taken
  ON CONFLICT (tenant_id) DO UPDATE SET last_number = order_counters.last_number + 1 RETURNING last_number
), placed AS (
  INSERT INTO orders (tenant_id, id, number, customer_id, placed_by, status, currency, total_minor, created_at, updated_at)
  SELECT :tenant, nextval('orders_id_seq'), last_number, account.id, account.id, 'pending', currency, price_minor, now(), now()
  FROM counter, taken, account RETURNING id, number
), line AS (
  INSERT INTO order_lines (tenant_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity, line_total_minor, counted)
  SELECT :tenant, id, 1, :product, sku, name, price_minor, 1, price_minor, 1 FROM placed, taken
), entry AS (
  SELECT json_build_object('customer', account.id, 'lines', '1 x product ' || :product || ' at ' || price_minor,
    'number', number, 'status', 'pending', 'total_price', price_minor)::text AS facts FROM placed, taken, account
), head AS (
  INSERT INTO audit_heads (tenant_id, last_number, link)
  SELECT :tenant, 1, encode(sha256(convert_to(facts, 'UTF8')), 'hex') FROM entry
  ON CONFLICT (tenant_id) DO UPDATE SET last_number = audit_heads.last_number + 1,
    link = encode(sha256(convert_to(audit_heads.link || excluded.link, 'UTF8')), 'hex')
  RETURNING last_number, link
), logged AS (
  INSERT INTO audit_log (tenant_id, number, at, actor_id, actor_name, actor_role, action, object_kind, object_id,
    request_id, facts_before, facts_after, link)
  SELECT :tenant, last_number, now(), account.id, username, role, 'order.place', 'order', placed.id,
    md5(placed.id::text), '{}', facts, link FROM head, entry, placed, account
)
SELECT id, number, name, sku, price_minor, currency FROM placed, taken;
