//! What becomes of products: in the list, many at once, and one by one.

use super::html::{main, rows, section, words};
use super::visitor::Visitor;
use crate::support::{Answer, Shop, World, number};
use serde_json::json;

cases! {
    what_was_chosen_is_archived_and_put_on_sale_again_and_nothing_else_is,
    a_product_of_another_store_among_the_chosen_stops_all,
    a_product_is_archived_and_comes_back,
    a_removed_product_is_gone_and_its_sku_is_free,
    a_stock_is_changed_in_the_list,
    a_stock_that_somebody_else_has_changed_is_not_overwritten,
    a_form_sent_twice_makes_one_product,
}

fn status(shop: &Shop, product: i64) -> String {
    shop.owner.get(&format!("/api/products/{product}/")).must(200).text_of("status").to_owned()
}

/// What a customer of the shop finds.
fn on_sale(shop: &Shop) -> Vec<i64> {
    let list = shop.customer.get("/api/products/?ordering=id").must(200).json;
    list.as_array().unwrap().iter().map(|product| number(&product["id"])).collect()
}

fn pick(visitor: &Visitor, list: &str, products: &[i64], what: &str) -> Answer {
    let page = visitor.get(list).must(200);
    let mut fields = super::html::form(&page.text, "/admin/products/bulk/").expect("a form");
    fields.push(("do".to_owned(), what.to_owned()));
    fields.extend(products.iter().map(|product| ("pick".to_owned(), product.to_string())));
    visitor.send(visitor.request("POST", "/products/bulk/").form(&fields))
}

fn what_was_chosen_is_archived_and_put_on_sale_again_and_nothing_else_is(world: &World) {
    let (shop, visitor) = world.staff();
    let all = ["One", "Two", "Three"].map(|name| shop.product(name, "1.00", Some(3)));
    let archived = pick(&visitor, "/products/?ordering=name", &all[..2], "archive").must(303);
    assert_eq!(archived.place(), "/admin/products/?ordering=name", "the list that one was on");
    assert!(visitor.follow(&archived).must(200).text.contains("The chosen products are archived."));
    assert_eq!(all.map(|product| status(&shop, product)), ["archived", "archived", "active"]);
    assert_eq!(on_sale(&shop), all[2..]);
    // What cannot be ordered any more cannot be ordered.
    let wish = json!({"product": all[0], "quantity": 1});
    assert!((400..500).contains(&shop.customer.post("/api/orders/", &wish).status));

    let active = pick(&visitor, "/products/?status=archived", &all[..1], "activate").must(303);
    assert!(visitor.follow(&active).must(200).text.contains("The chosen products are on sale."));
    assert_eq!(all.map(|product| status(&shop, product)), ["active", "archived", "active"]);
    assert_eq!(on_sale(&shop), [all[0], all[2]]);

    let none = pick(&visitor, "/products/", &[], "archive").must(303);
    assert!(visitor.follow(&none).must(200).text.contains("Nothing was chosen."));
    pick(&visitor, "/products/", &all, "explode").must(400);
    assert_eq!(all.map(|product| status(&shop, product)), ["active", "archived", "active"]);
}

fn a_product_of_another_store_among_the_chosen_stops_all(world: &World) {
    let ((shop, visitor), other) = (world.staff(), world.open("Beta"));
    let (own, theirs) = (shop.product("Own", "1.00", None), other.product("Theirs", "1.00", None));
    pick(&visitor, "/products/", &[own, theirs], "archive").must(404);
    assert_eq!([status(&shop, own), status(&other, theirs)], ["active", "active"]);
}

fn a_product_is_archived_and_comes_back(world: &World) {
    let (shop, visitor) = world.staff();
    let product = shop.product("Lamp", "1.00", Some(3));
    let path = format!("/products/{product}/");
    let listed = |query: &str| rows(&visitor.get(&format!("/products/{query}")).must(200).text).len();
    assert_eq!(listed(""), 1);
    visitor.fill_in(&path, &path, &[("status", "archived")]).must(303);
    assert_eq!((listed("?status=active"), listed("?status=archived"), on_sale(&shop).len()), (0, 1, 0));
    let back = visitor.fill_in(&path, &path, &[("status", "active")]).must(303);
    assert!(visitor.follow(&back).must(200).text.contains("The product was changed."));
    assert_eq!((listed(""), on_sale(&shop)), (1, vec![product]));
    assert_eq!(shop.stock(product), 3, "an archived product loses no pieces");
}

fn a_removed_product_is_gone_and_its_sku_is_free(world: &World) {
    let (shop, _) = world.staff();
    let visitor = world.panel(&shop.owner.username, "Alpha");
    let add = || {
        let lamp = [("name", "Lamp"), ("price", "10.00"), ("sku", "LAMP-1")];
        visitor.fill_in("/products/new/", "/products/new/", &lamp)
    };
    let path = add().must(303).place().strip_prefix("/admin").unwrap().to_owned();
    let taken = add().must(409);
    assert!(words(main(&taken.text)).contains("Is taken: choose another."), "{}", taken.text);
    visitor.fill_in(&format!("{path}delete/"), &format!("{path}delete/"), &[]).must(303);
    visitor.get(&path).must(404);
    add().must(303);
}

/// What somebody sends who changes a row of the list as it was on a page.
fn quick(visitor: &Visitor, page: &Answer, product: i64, price: &str, stock: &str) -> Answer {
    let row = format!("/products/{product}/quick/");
    visitor.send_form(page, &row, &[("price", price), ("stock", stock)])
}

fn a_stock_is_changed_in_the_list(world: &World) {
    let (shop, visitor) = world.staff();
    let product = shop.product("Lamp", "10.00", Some(3));
    let list = "/products/?search=lamp&status=active";
    let saved = quick(&visitor, &visitor.get(list), product, "10.00", "8").must(303);
    assert_eq!(saved.place(), format!("/admin{list}"));
    assert_eq!(shop.stock(product), 8);
    // Without a number, pieces are not counted any more.
    quick(&visitor, &visitor.get(list), product, "10.00", "").must(303);
    assert_eq!(shop.stock(product), serde_json::Value::Null);
    for bad in ["-1", "many", "1.5"] {
        let refused = quick(&visitor, &visitor.get(list), product, "10.00", bad).must(400);
        let fields = super::html::form(&refused.text, &format!("/admin/products/{product}/")).unwrap();
        assert!(fields.contains(&("stock".to_owned(), bad.to_owned())), "what was typed is lost: {fields:?}");
    }
    assert_eq!(shop.stock(product), serde_json::Value::Null);
}

fn a_stock_that_somebody_else_has_changed_is_not_overwritten(world: &World) {
    let (shop, visitor) = world.staff();
    let product = shop.product("Lamp", "10.00", Some(5));
    let seen = visitor.get("/products/").must(200);
    shop.order(product, 2);
    // A new price says nothing of the pieces that were sold meanwhile, and does not bring them back.
    quick(&visitor, &seen, product, "12.00", "5").must(303);
    assert_eq!(shop.stock(product), 3);
    let late = quick(&visitor, &seen, product, "10.00", "9").must(409);
    assert_eq!(shop.stock(product), 3);
    let told = words(section(&late.text, "What somebody else has made of it"));
    assert!(told.contains("Stock 3"), "{told}");
    // They have seen it and insist.
    let path = format!("/products/{product}/");
    visitor.send_form(&late, &path, &[]).must(303);
    assert_eq!(shop.stock(product), 9);
    let price = shop.owner.get(&format!("/api{path}")).must(200).text_of("price").to_owned();
    assert_eq!(price, "12.00", "what nobody has touched here");
}

fn a_form_sent_twice_makes_one_product(world: &World) {
    let (shop, visitor) = world.staff();
    let page = visitor.get("/products/new/").must(200);
    let lamp = [("name", "Lamp"), ("price", "10.00")];
    let first = visitor.send_form(&page, "/products/new/", &lamp).must(303);
    let second = visitor.send_form(&page, "/products/new/", &lamp).must(303);
    assert_eq!(first.place(), second.place());
    assert_eq!(on_sale(&shop).len(), 1);
}
