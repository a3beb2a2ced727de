use super::*;

/// Sets values at the ends of what columns hold: nobody can do so over the API.
const EXTREMES: &str = "
  UPDATE products SET created_at = -62135596800000000, updated_at = 253402207199999999, stock = 9223372036854775807
    WHERE sku = 'S-0';
  UPDATE products SET price_minor = 9223372036854775807, description = '' WHERE sku = 'S-1';
  UPDATE users SET token_version = 9007199254740993 WHERE username = 'staff'";

#[test]
fn a_store_comes_back_byte_for_byte_from_any_engine() {
    for (from, by, to) in [
        (Engine::Sqlite, Engine::Postgres, Engine::Sqlite),
        (Engine::Sqlite, Engine::Sqlite, Engine::Sqlite),
        (Engine::Postgres, Engine::Sqlite, Engine::Postgres),
    ] {
        let all = [from, by, to].map(TestDatabase::new);
        let [Some(from), Some(by), Some(to)] = all else { continue };
        let shop = furnish(&from);
        if let haat_infra::testing::Raw::Sqlite(_) = from.connect() {
            from.connect().run(EXTREMES).unwrap();
        }
        let slug = shop.tenant.slug.as_str();
        let (file, moved) = written(&from, slug).unwrap();
        assert_eq!(file, file_of(&from, shop.tenant.name.as_str()), "the same store, by its name");
        assert_eq!(
            (moved.id, moved.rows),
            (shop.tenant.id.get(), u64::try_from(lines(&file).len()).unwrap() - 1)
        );
        for database in [&by, &to] {
            assert_eq!(take(database, &file).unwrap(), moved);
            assert_eq!(file_of(database, slug), file);
            let chain = verify(&shop, database).unwrap();
            assert_eq!(chain, verify(&shop, &from).unwrap());
            assert!(chain.fault.is_none() && chain.entries > 20, "{chain:?}");
        }
    }
}

#[test]
fn people_go_on_where_they_were() {
    for engine in ENGINES {
        let (Some(from), Some(to)) = (TestDatabase::new(Engine::Sqlite), TestDatabase::new(engine)) else {
            continue;
        };
        let shop = furnish(&from);
        take(&to, &file_of(&from, shop.tenant.slug.as_str())).unwrap();
        let there = TestShop { store: to.store(), ..shop.clone() };
        let list = |cx: &mut Cx<'_>| list_orders(cx, OrderFilter::default(), &first_page("id"));
        let totals = |shop: &TestShop| -> Vec<_> {
            let orders = shop.act(Role::Customer, list).unwrap().items;
            orders.into_iter().map(|order| (order.id, order.number, order.total, order.status)).collect()
        };
        assert_eq!(totals(&there), totals(&shop), "with the session that they had");
        assert_eq!(totals(&shop).len(), 2);
        there.act(Role::Staff, read_me).expect_err("a session that was ended stays ended");
        there.log_in(&there.staff.user).expect("logging in finds the store and the account");
        let next = there.act(Role::Owner, |cx| create_product(cx, details("New", "1", None))).unwrap();
        let order = there.act(Role::Customer, move |cx| place_order(cx, order_of(&[(next.id, 1)]))).unwrap();
        assert_eq!(order.number, totals(&shop).last().unwrap().1 + 1);
        assert!(verify(&shop, &to).unwrap().fault.is_none(), "the log goes on, too");
    }
}

#[test]
fn numbers_go_on_behind_the_imported_ones_in_every_store() {
    for engine in ENGINES {
        let (Some(from), Some(to)) = (TestDatabase::new(Engine::Sqlite), TestDatabase::new(engine)) else {
            continue;
        };
        let shop = furnish(&from);
        take(&to, &file_of(&from, shop.tenant.slug.as_str())).unwrap();
        let new = TestShop::open(to.store(), "Later", "INR");
        assert!(new.tenant.id > shop.tenant.id);
        assert!(new.owner.user.id > shop.neighbour.user.id);
        assert!(new.owner.credential.session > shop.neighbour.credential.session);
        let product = new.act(Role::Owner, |cx| create_product(cx, details("New", "1", None))).unwrap().id;
        let known =
            shop.act(Role::Owner, |cx| list_products(cx, ProductFilter::default(), &first_page("-id")));
        assert!(product > known.unwrap().items[0].id);
        let order = new.act(Role::Customer, move |cx| place_order(cx, order_of(&[(product, 1)]))).unwrap();
        let known =
            shop.act(Role::Customer, |cx| list_orders(cx, OrderFilter::default(), &first_page("-id")));
        assert!(order.id > known.unwrap().items[0].id && order.number == 1001);
        let invited = |shop: &TestShop| {
            shop.act(Role::Owner, |cx| invite(cx, email("a@example.com"), Role::Staff, [1; 16])).unwrap().0.id
        };
        assert!(invited(&new).get() > 2 && invited(&shop).get() == 3);
    }
}

#[test]
fn a_file_is_one_moment_of_a_store_in_which_others_write() {
    /// Places an order whenever something is written.
    struct Busy<'s> {
        shop: &'s TestShop,
        product: haat_domain::ids::ProductId,
        file: Vec<u8>,
        placed: u32,
    }
    impl Write for Busy<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let product = self.product;
            self.shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(product, 1)]))).unwrap();
            self.placed += 1;
            self.file.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for engine in ENGINES {
        let (Some(from), Some(to)) = (TestDatabase::new(engine), TestDatabase::new(Engine::Sqlite)) else {
            continue;
        };
        let shop = TestShop::open(from.store(), "Bazaar", "INR");
        let product = shop.act(Role::Owner, |cx| create_product(cx, details("Lamp", "1", None))).unwrap().id;
        for number in 0..700 {
            // Random digits, which no compression makes small.
            let text = format!("{:x}", Sha256::digest(format!("{number}")));
            shop.act(Role::Owner, move |cx| create_product(cx, details(&text, "1", None))).unwrap();
        }
        let out = Busy { shop: &shop, product, file: Vec::new(), placed: 0 };
        let (out, moved) = export(from.url(), from.options(), "bazaar", out, &mut |_, _| ()).unwrap();
        assert!(out.placed > 3, "{}", out.placed);
        assert_eq!(take(&to, &out.file).unwrap(), moved);
        assert!(
            lines(&out.file).iter().all(|line| !line.starts_with("{\"orders\"")),
            "the moment was the first"
        );
    }
}

#[test]
fn every_column_of_a_store_travels() {
    let database = TestDatabase::new(Engine::Sqlite).unwrap();
    let shop = furnish(&database);
    let mut travelling: Vec<String> = Vec::new();
    for line in lines(&file_of(&database, shop.tenant.slug.as_str())) {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        for (table, row) in line.as_object().unwrap() {
            let row = if table == "haat" { &row["store"] } else { row };
            let table = if table == "haat" { "tenants" } else { table };
            travelling.extend(row.as_object().unwrap().keys().map(|column| format!("{table}.{column}")));
        }
    }
    travelling.sort();
    travelling.dedup();
    // Generated columns are no part of `table_info`. The others belong to the server, not to a store.
    let columns = "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.name <> 'tenant_id' AND t.name NOT IN ('sequences', 'login_failures',
        '__diesel_schema_migrations', 'store_names', 'login_names', 'idempotency_keys') ORDER BY 1";
    assert_eq!(travelling, database.connect().lines(columns).unwrap());
}
