-- What happened to one thing, in order.
CREATE INDEX audit_log_of_object ON audit_log (tenant_id, object_kind, object_id, number)
--;;
-- Few pieces are left: the same column as on PostgreSQL. Here its index can hold the stock too, since each index is
-- written only where it changes.
ALTER TABLE products ADD COLUMN low_stock INTEGER GENERATED ALWAYS AS (stock <= 5) VIRTUAL
--;;
CREATE INDEX products_low ON products (tenant_id, stock, id) WHERE low_stock
