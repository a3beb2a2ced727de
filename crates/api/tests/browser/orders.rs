//! The way of an order, from the product on.

use crate::harness::{Browser, Haat, Wish};

/// What the order's page offers to do with it.
async fn moves(browser: &Browser) -> Vec<String> {
    let all = ["Confirm", "Ship", "Mark as delivered", "Cancel the order…", "Reopen"];
    let mut offered = Vec::new();
    for name in all {
        if browser.offers(name).await {
            offered.push(name.to_owned());
        }
    }
    offered
}

async fn the_way_of_an_order(wish: Wish) {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, wish).await else { return };
    browser.sign_in("rohan").await;
    browser.press("Products").await;
    browser.press("New product").await;
    for (name, text) in [("name", "Brass lamp"), ("price", "1299.00"), ("sku", "LAMP-1"), ("stock", "5")] {
        browser.fill(name, text).await;
    }
    browser.press("Add the product").await;
    browser.says("The product was added.").await;
    let product = browser.path().await;
    browser.press("Products").await;
    let rows = browser.texts("table.list tbody th").await;
    assert!(rows.iter().any(|row| row.contains("Brass lamp")), "{rows:?}");

    browser.press("Orders").await;
    browser.press("Place an order").await;
    browser.fill("customer", "rahul").await;
    browser.fill("product-1", "LAMP-1").await;
    browser.fill("quantity-1", "6").await;
    browser.press("Look at the order").await;
    browser.press("Place the order").await;
    browser.says("That did not work").await;
    browser.fill("quantity-1", "2").await;
    let again = if browser.offers("Place the order").await { "Look again" } else { "Look at the order" };
    browser.press(again).await;
    browser.says("2,598.00").await;
    browser.press("Place the order").await;
    browser.says("The order was placed.").await;
    let order = browser.path().await;

    for (offered, done) in [
        (vec!["Confirm", "Cancel the order…"], "Confirm"),
        (vec!["Ship", "Cancel the order…"], "Ship"),
        (vec!["Mark as delivered"], "Mark as delivered"),
    ] {
        assert_eq!(moves(&browser).await, offered);
        browser.press(done).await;
        browser.says("The order was moved.").await;
        assert_eq!(browser.path().await, order);
    }
    assert_eq!(moves(&browser).await, Vec::<String>::new());
    let history = browser.texts("ol.history li").await.join("\n");
    for step in
        ["placed by rohan", "pending → confirmed", "confirmed → shipped", "shipped → delivered by rohan"]
    {
        assert!(history.contains(step), "{step} is not in the history:\n{history}");
    }
    browser.goto(&product).await;
    assert_eq!(browser.value("stock").await, "3");
}

#[actix_web::test]
async fn an_order_goes_its_way() {
    the_way_of_an_order(Wish::default()).await;
}

#[actix_web::test]
async fn an_order_goes_its_way_without_scripts() {
    the_way_of_an_order(Wish { scripts: false, ..Wish::default() }).await;
}

#[actix_web::test]
async fn a_cancelled_order_gives_its_pieces_back() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let (owner, customer) = (haat.api("rohan").await, haat.api("rahul").await);
    let lamp = serde_json::json!({"name": "Brass lamp", "price": "10.00", "stock": 5});
    let product = owner.post("/api/products/", lamp).await["id"].as_i64().unwrap();
    let wish = serde_json::json!({"product": product, "quantity": 2});
    let order = customer.post("/api/orders/", wish).await["id"].as_i64().unwrap();
    browser.sign_in("priya").await;
    browser.goto(&format!("/orders/{order}/")).await;
    browser.press("Cancel the order…").await;
    browser.press("No, go back").await;
    assert_eq!(moves(&browser).await, ["Confirm", "Cancel the order…"]);
    browser.press("Cancel the order…").await;
    browser.press("Cancel the order").await;
    browser.says("The order was moved.").await;
    assert_eq!(moves(&browser).await, Vec::<String>::new());
    assert_eq!(owner.get(&format!("/api/products/{product}/")).await["stock"], 5);
}

/// However dark the screen is, ink is black, and there is nothing on paper but the order.
#[actix_web::test]
async fn an_order_is_printed_alone() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sign_in("rohan").await;
    let order = haat.api("rohan").await.first("/api/orders/?status=pending").await;
    browser.goto(&format!("/orders/{order}/")).await;
    let screen = browser.text().await;
    assert!(screen.contains("History") && browser.offers("Print").await && browser.offers("Confirm").await);
    browser.paper().await;
    let (page, paper) = (browser.text().await, browser.text_of(".paper").await);
    assert_eq!(page, paper);
    for told in ["DreamKart", "Order 10", "For rahul", "Total"] {
        assert!(paper.contains(told), "{told} is not on paper:\n{paper}");
    }
    let ink = "const { color } = getComputedStyle(document.querySelector('.paper td'));
        return [color, getComputedStyle(document.querySelector('.paper')).backgroundColor]";
    assert_eq!(browser.execute(ink, &[]).await, serde_json::json!(["rgb(0, 0, 0)", "rgb(255, 255, 255)"]));
    // A list is printed with its rows, and without what can only be pressed.
    browser.goto("/orders/").await;
    let list = browser.text().await;
    assert!(
        list.contains("rahul") && !list.contains("Place an order") && !list.contains("Sign out"),
        "{list}"
    );
}
