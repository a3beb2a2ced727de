SET LOCAL citus.multi_shard_modify_mode TO 'sequential'
--;;
-- What happened to one thing, in order.
CREATE INDEX audit_log_of_object ON audit_log (tenant_id, object_kind, object_id, number)
--;;
-- Few pieces are left. An index that named the stock itself, if only in its condition, would have every order write
-- into all indexes of the product (no HOT update), however many pieces there are. This column changes only when few
-- become many.
ALTER TABLE products ADD COLUMN low_stock boolean GENERATED ALWAYS AS (stock <= 5) STORED
--;;
CREATE INDEX products_low ON products (tenant_id, id) WHERE low_stock
