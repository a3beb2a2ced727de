//! A small data set made large by the database itself: thousands of stores, a million products and orders, in about a
//! minute. What the use cases have made of one store is the model of all others; nothing of it is in an audit log, as
//! if it had been there before the logs began.

use super::options::{Engine, Size};

/// The statements, for both engines. `model`: how many products the first and only store has.
pub(crate) fn statements(engine: Engine, size: Size, model: u32) -> String {
    let Size { tenants, products, orders } = size;
    let numbers = |upto: u32| {
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {upto})"
        )
    };
    let (stores, goods, sales) = (numbers(tenants), numbers(products), numbers(orders.max(1)));
    // One number, and the store and the place in it that it falls to.
    let dealt = format!(
        "(n - 1) % {tenants} + 1 AS store, (n - 1) / {tenants} AS place FROM numbers WHERE {orders} > 0"
    );
    let sequences: String = ["tenants", "users", "products", "orders"]
        .map(|table| match engine {
            Engine::Sqlite => format!(
                "UPDATE sequences SET last = (SELECT coalesce(max(id), 0) FROM {table}) WHERE name = '{table}';\n"
            ),
            Engine::Postgres => {
                format!("SELECT setval('{table}_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM {table}), false);\n")
            }
        })
        .concat();
    // What the UPDATE of a million rows leaves behind would be tidied up while the measurement runs. Not the tables that
    // are empty: PostgreSQL would plan for them to stay so, and go through all orders for each line's foreign key.
    let tidy = match (engine, orders) {
        (Engine::Sqlite, _) => "ANALYZE",
        (Engine::Postgres, 0) => "VACUUM ANALYZE tenants, store_names, users, login_names, products",
        (Engine::Postgres, _) => "VACUUM ANALYZE",
    };
    format!(
        "BEGIN;
INSERT INTO tenants (id, name, name_key, slug, currency, status, created_at) {stores}
SELECT n, 'Demo store ' || n, 'demo store ' || n, 'demo-store-' || n, currency, status, created_at
FROM numbers, tenants WHERE tenants.id = 1 AND n > 1;
INSERT INTO store_names (name, store_id)
SELECT name_key, id FROM tenants WHERE id > 1 UNION ALL SELECT slug, id FROM tenants WHERE id > 1;
INSERT INTO users (tenant_id, id, username, username_key, email, email_key, role, password_hash, is_active,
    token_version, created_at) {stores}
SELECT n, n, 'owner' || n, 'owner' || n, 'owner' || n || '@example.com', 'owner' || n || '@example.com', role,
    password_hash, is_active, token_version, created_at FROM numbers, users WHERE tenant_id = 1 AND id = 1 AND n > 1;
INSERT INTO login_names (username_key, tenant_id, user_id)
SELECT username_key, tenant_id, id FROM users WHERE tenant_id > 1;
INSERT INTO products (tenant_id, id, name, name_key, description, search_text, price_minor, currency, sku, sku_key,
    stock, status, created_by, created_at, updated_at) {goods}
SELECT store.id, (store.id - 1) * {products} + n, model.name, model.name_key, description, search_text, price_minor,
    model.currency, 'GROWN-' || n, 'grown-' || n, stock, model.status, created_by, model.created_at, updated_at
FROM tenants store CROSS JOIN numbers JOIN products model ON model.tenant_id = 1 AND model.id = (n - 1) % {model} + 1
WHERE store.id > 0 AND NOT (store.id = 1 AND n <= {model})
ORDER BY store.id, n;
INSERT INTO orders (tenant_id, id, number, customer_id, placed_by, status, currency, total_minor, created_at,
    updated_at) {sales}, dealt AS (SELECT n, {dealt})
SELECT store, n, 1001 + place, store, store, 'pending', currency, price_minor, created_at, created_at
FROM dealt JOIN products ON tenant_id = store AND id = (store - 1) * {products} + place % {products} + 1;
INSERT INTO order_lines (tenant_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity,
    line_total_minor, counted) {sales}, dealt AS (SELECT n, {dealt})
SELECT store, n, 1, id, sku, name, price_minor, 1, price_minor, 1
FROM dealt JOIN products ON tenant_id = store AND id = (store - 1) * {products} + place % {products} + 1;
INSERT INTO order_counters (tenant_id, last_number) SELECT tenant_id, max(number) FROM orders GROUP BY tenant_id;
UPDATE products SET stock = stock - (SELECT count(*) FROM order_lines
    WHERE order_lines.tenant_id = products.tenant_id AND product_id = products.id) WHERE {orders} > 0;
{sequences}COMMIT;
{tidy};
"
    )
}
