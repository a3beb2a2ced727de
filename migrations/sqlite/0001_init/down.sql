DROP TABLE audit_log
--;;
DROP TABLE order_lines
--;;
DROP TABLE orders
--;;
DROP TABLE order_counters
--;;
DROP TABLE products
--;;
DROP TABLE sessions
--;;
DROP TABLE login_names
--;;
DROP TABLE users
--;;
DROP TABLE tenants
--;;
DROP TABLE sequences
