//! Tables and columns as diesel knows them; `tests/migrations.rs` holds both engines to them.

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::db::types::sql::Instant;
    tenants (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
        slug -> Text,
        currency -> Text,
        status -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::db::types::sql::Instant;
    users (tenant_id, id) {
        tenant_id -> BigInt,
        id -> BigInt,
        username -> Text,
        username_key -> Nullable<Text>,
        email -> Text,
        email_key -> Nullable<Text>,
        role -> Text,
        password_hash -> Text,
        is_active -> Bool,
        token_version -> BigInt,
        created_at -> Instant,
        deleted_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    login_names (username_key) {
        username_key -> Text,
        tenant_id -> BigInt,
        user_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::db::types::sql::Instant;
    sessions (tenant_id, id) {
        tenant_id -> BigInt,
        id -> BigInt,
        user_id -> BigInt,
        generation -> BigInt,
        created_at -> Instant,
        idle_until -> Instant,
        expires_at -> Instant,
        revoked_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::db::types::sql::Instant;
    products (tenant_id, id) {
        tenant_id -> BigInt,
        id -> BigInt,
        name -> Text,
        name_key -> Text,
        description -> Text,
        search_text -> Text,
        price_minor -> BigInt,
        currency -> Text,
        sku -> Nullable<Text>,
        sku_key -> Nullable<Text>,
        stock -> Nullable<BigInt>,
        status -> Text,
        created_by -> Nullable<BigInt>,
        created_at -> Instant,
        updated_at -> Instant,
        deleted_at -> Nullable<Instant>,
        low_stock -> Nullable<Bool>,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    order_counters (tenant_id) {
        tenant_id -> BigInt,
        last_number -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::db::types::sql::Instant;
    orders (tenant_id, id) {
        tenant_id -> BigInt,
        id -> BigInt,
        number -> BigInt,
        customer_id -> BigInt,
        placed_by -> Nullable<BigInt>,
        status -> Text,
        currency -> Text,
        total_minor -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        deleted_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    order_lines (tenant_id, order_id, line_no) {
        tenant_id -> BigInt,
        order_id -> BigInt,
        line_no -> BigInt,
        product_id -> BigInt,
        sku -> Nullable<Text>,
        name -> Text,
        unit_price_minor -> BigInt,
        quantity -> BigInt,
        line_total_minor -> BigInt,
        counted -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::db::types::sql::Instant;
    invitations (tenant_id, id) {
        tenant_id -> BigInt,
        id -> BigInt,
        email -> Text,
        email_key -> Text,
        role -> Text,
        invited_by -> Nullable<BigInt>,
        token_hash -> Text,
        created_at -> Instant,
        expires_at -> Instant,
        redeemed_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::db::types::sql::Instant;
    idempotency_keys (tenant_id, user_id, idempotency_key) {
        tenant_id -> BigInt,
        user_id -> BigInt,
        idempotency_key -> Text,
        fingerprint -> Text,
        claimed_at -> Instant,
        status -> Nullable<BigInt>,
        location -> Nullable<Text>,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::db::types::sql::Instant;
    audit_log (tenant_id, number) {
        tenant_id -> BigInt,
        number -> BigInt,
        at -> Instant,
        actor_id -> Nullable<BigInt>,
        actor_name -> Text,
        actor_role -> Text,
        action -> Text,
        object_kind -> Nullable<Text>,
        object_id -> Nullable<BigInt>,
        request_id -> Nullable<Text>,
        facts_before -> Text,
        facts_after -> Text,
        link -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    store_names (name) {
        name -> Text,
        store_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    audit_heads (tenant_id) {
        tenant_id -> BigInt,
        last_number -> BigInt,
        link -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::db::types::sql::Instant;
    login_failures (subject) {
        subject -> Text,
        failures -> BigInt,
        last_at -> Instant,
        blocked_until -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tenants, users, sessions, orders, order_lines);
