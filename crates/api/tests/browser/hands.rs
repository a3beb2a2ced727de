//! What hands do: two at the same thing, a price in the list, and a keyboard alone.

use crate::harness::{Browser, Haat, Wish, password};
use fantoccini::key::Key;
use serde_json::json;

#[actix_web::test]
async fn whoever_saves_second_sees_what_the_first_has_made_of_it() {
    let haat = Haat::demo();
    let Some(first) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let Some(second) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let owner = haat.api("rohan").await;
    let lamp = json!({"name": "Lamp", "price": "10.00", "stock": 5});
    let id = owner.post("/api/products/", lamp).await["id"].as_i64().unwrap();
    let path = format!("/products/{id}/");
    for (browser, username) in [(&first, "rohan"), (&second, "priya")] {
        browser.sign_in(username).await;
        browser.goto(&path).await;
    }
    first.fill("name", "Brass lamp").await;
    first.press("Save").await;
    first.says("The product was changed.").await;

    second.fill("name", "Clay lamp").await;
    second.press("Save").await;
    second.says("That did not work").await;
    second.says("Brass lamp").await;
    assert_eq!(second.value("name").await, "Clay lamp", "what was typed is lost");
    let api = format!("/api/products/{id}/");
    assert_eq!(owner.get(&api).await["name"], "Brass lamp", "somebody's work was overwritten");
    // Now that they know, they may insist.
    second.press("Save mine all the same").await;
    second.says("The product was changed.").await;
    assert_eq!(owner.get(&api).await["name"], "Clay lamp");
}

#[actix_web::test]
async fn a_price_is_changed_in_the_list_without_leaving_it() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let owner = haat.api("rohan").await;
    let lamp = json!({"name": "Lamp", "price": "10.00", "stock": 5});
    let id = owner.post("/api/products/", lamp).await["id"].as_i64().unwrap();
    let (row, api) = (format!("#product-{id}"), format!("/api/products/{id}/"));
    browser.sign_in("rohan").await;
    browser.goto("/products/").await;
    browser.execute("window.here = true", &[]).await;
    for price in ["12.50", "13.00"] {
        browser.write(&format!("{row} input[name=price]"), &format!("{price}\n")).await;
        browser.until("the price to be saved", || async { owner.get(&api).await["price"] == price }).await;
        browser.until("the row to say so", || async { !browser.has(&format!("{row}.dirty")).await }).await;
        assert_eq!(browser.execute("return window.here", &[]).await, json!(true), "the page was left");
    }
    // What is refused leads to the page that says why, and nothing is saved.
    browser.turn(browser.write(&format!("{row} input[name=price]"), "dear\n")).await;
    browser.says("That did not work").await;
    assert_eq!(owner.get(&api).await["price"], "13.00");
    assert_eq!(browser.value("price").await, "dear");
}

#[actix_web::test]
async fn a_price_is_changed_in_the_list_without_scripts() {
    let haat = Haat::demo();
    let wish = Wish { scripts: false, ..Wish::default() };
    let Some(browser) = Browser::before("the admin panel", &haat, wish).await else { return };
    let owner = haat.api("rohan").await;
    let lamp = json!({"name": "Lamp", "price": "10.00", "stock": 5});
    let id = owner.post("/api/products/", lamp).await["id"].as_i64().unwrap();
    browser.sign_in("rohan").await;
    browser.goto("/products/").await;
    browser.turn(browser.write(&format!("#product-{id} input[name=price]"), "12.50\n")).await;
    browser.says("The product was changed.").await;
    assert_eq!(owner.get(&format!("/api/products/{id}/")).await["price"], "12.50");
}

/// In at the door, to the products, and one more of them: with Tab, Enter and letters.
#[actix_web::test]
async fn a_product_is_added_without_a_mouse() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.goto("/sign-in/").await;
    browser.tab_to("[name=username]").await;
    browser.keys("rohan").await;
    browser.tab_to("[name=password]").await;
    browser.keys("rohan12345").await;
    browser.turn(browser.key(Key::Enter)).await;
    // The first stop is the way past the navigation.
    browser.tab_to("a.skip").await;
    browser.tab_to("nav.main a[href$='/products/']").await;
    browser.turn(browser.key(Key::Enter)).await;
    browser.tab_to("a.skip").await;
    browser.key(Key::Enter).await;
    browser.tab_to("main a[href$='/products/new/']").await;
    browser.turn(browser.key(Key::Enter)).await;
    for (name, text) in [("name", "Brass lamp"), ("price", "12.50")] {
        browser.tab_to(&format!("main [name={name}]")).await;
        browser.keys(text).await;
    }
    browser.tab_to("main button[type=submit]").await;
    browser.turn(browser.key(Key::Enter)).await;
    browser.says("The product was added.").await;
}

/// A session that ends while somebody types ends nothing that they have typed.
async fn what_was_typed_outlives_the_session(wish: Wish) {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, wish).await else { return };
    browser.sign_in("priya").await;
    browser.goto("/products/new/").await;
    for (name, text) in [("name", "Brass lamp"), ("description", "Heavy.\n\nOf brass."), ("price", "10.00")] {
        browser.fill(name, text).await;
    }
    browser.client.delete_all_cookies().await.unwrap();
    browser.press("Add the product").await;
    browser.says("what you sent was not saved").await;
    for typed in ["Brass lamp", "Heavy.\n\nOf brass.", "10.00"] {
        browser.says(typed).await;
    }
    browser.fill("username", "priya").await;
    browser.fill("password", &password("priya")).await;
    browser.press("Sign in").await;
    browser.says("Dashboard").await;
}

#[actix_web::test]
async fn what_was_typed_outlives_the_session_with_scripts() {
    what_was_typed_outlives_the_session(Wish::default()).await;
}

#[actix_web::test]
async fn what_was_typed_outlives_the_session_without_scripts() {
    what_was_typed_outlives_the_session(Wish { scripts: false, ..Wish::default() }).await;
}
