-- What happened to one thing, in order.
CREATE INDEX audit_log_of_object ON audit_log (tenant_id, object_kind, object_id, number)
--;;
-- Few pieces are left.
ALTER TABLE products ADD COLUMN low_stock INTEGER GENERATED ALWAYS AS (stock <= 5) VIRTUAL
--;;
CREATE INDEX products_low ON products (tenant_id, id) WHERE low_stock
