DROP INDEX products_low
--;;
ALTER TABLE products DROP COLUMN low_stock
--;;
DROP INDEX audit_log_of_object
