//! Texts that would be code, if anything took them for more than text.

use crate::harness::{Browser, Haat, Seat, Wish, password, visits};
use serde_json::json;

const BAD: &str = r#"<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"'>"#;
/// The same where less fits.
const SHORT: &str = r#""><img src=x onerror=window.pwned=1>"#;

/// What the lists can be asked for.
const LISTED: [&str; 16] = [
    "search",
    "status",
    "role",
    "active",
    "customer",
    "number",
    "from",
    "to",
    "product",
    "actor",
    "action",
    "ordering",
    "cursor",
    "stock",
    "min_price",
    "max_price",
];

/// Nothing has run, and nothing has become an element.
async fn harmless(browser: &Browser, place: &str) {
    let script = "return [window.pwned ?? null, document.querySelector('img[src=x]') !== null,
        [...document.scripts].some((script) => !script.src)]";
    // The policy would keep a script from running, so that it did not run says little by itself.
    assert_eq!(browser.execute(script, &[]).await, json!([null, false, false]), "{place}");
}

/// Whether the page shows the text as it is, in a field or beside one.
async fn shows(browser: &Browser, text: &str) -> bool {
    let script = "return document.body.innerText.includes(arguments[0])
        || [...document.querySelectorAll('input, textarea')].some((field) => field.value.includes(arguments[0]))";
    browser.execute(script, &[json!(text)]).await == json!(true)
}

#[actix_web::test]
async fn code_in_a_text_stays_a_text_on_every_page() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let owner = haat.api("rohan").await;
    owner.patch("/api/store/", json!({"name": format!("{BAD}")})).await;
    let body = json!({"name": BAD, "description": format!("{BAD}\n{BAD}"), "price": "1.50", "stock": 1});
    let product = owner.post("/api/products/", body).await["id"].as_i64().unwrap();
    let order = json!({"product": product, "quantity": 1});
    let order = haat.api("rahul").await.post("/api/orders/", order).await["id"].as_i64().unwrap();

    browser.sign_in("rohan").await;
    for visit in visits(&haat, Seat::Owner).await {
        browser.goto(&visit.path).await;
        harmless(&browser, &visit.path).await;
        assert!(
            browser.client.title().await.unwrap().contains("<script>"),
            "the store's name is in every title"
        );
        assert!(shows(&browser, BAD).await, "the store's name is on every page: {}", visit.path);
    }
    for path in
        [format!("/products/{product}/"), format!("/products/{product}/delete/"), format!("/orders/{order}/")]
    {
        browser.goto(&path).await;
        harmless(&browser, &path).await;
        let main = browser.execute("return document.querySelector('main').innerText + [...document.querySelectorAll('main input')].map((field) => field.value)", &[]).await;
        assert!(main.as_str().unwrap().contains(BAD), "{path}: {main}");
    }
    // What the script of the list does with a row is no other than what the server has written.
    browser.goto("/products/").await;
    let row = format!("#product-{product}");
    browser.write(&format!("{row} input[name=price]"), "2.50\n").await;
    browser.until("the price to be saved", || async { browser.has(&format!("{row}.saved")).await }).await;
    harmless(&browser, "a row that was saved").await;
    assert!(browser.text_of(&row).await.contains(BAD));
}

#[actix_web::test]
async fn code_in_a_form_or_an_address_stays_a_text() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    // At the door: what was typed, and what an address has brought along.
    browser
        .goto(&format!("/sign-in/?next={}&store={}&why={}", escaped(BAD), escaped(SHORT), escaped(SHORT)))
        .await;
    harmless(&browser, "the door's address").await;
    assert!(shows(&browser, BAD).await && shows(&browser, SHORT).await);
    browser.fill("username", BAD).await;
    browser.fill("password", BAD).await;
    browser.fill("store", BAD).await;
    browser.press("Sign in").await;
    harmless(&browser, "the door").await;
    assert!(shows(&browser, BAD).await);
    browser.goto(&format!("/join/?token={}", escaped(SHORT))).await;
    harmless(&browser, "an invitation").await;

    browser.goto("/sign-in/").await;
    browser.fill("username", "rohan").await;
    browser.fill("password", &password("rohan")).await;
    browser.press("Sign in").await;
    let bad = escaped(BAD);
    for list in ["/orders/", "/products/", "/customers/", "/users/", "/invitations/", "/audit/"] {
        // Each list asks for some of these, and whatever it asks for cannot be this.
        let all = LISTED.map(|field| format!("{field}={bad}")).join("&");
        browser.goto(&format!("{list}?{all}")).await;
        harmless(&browser, list).await;
    }
    for search in ["/products/?search=", "/customers/?search=", "/users/?search=", "/orders/?customer="] {
        browser.goto(&format!("{search}{bad}")).await;
        assert!(shows(&browser, BAD).await, "{search}");
    }
    browser.goto(&format!("/orders/new/?customer={bad}&product={bad}")).await;
    harmless(&browser, "an order's form").await;
    assert!(shows(&browser, BAD).await);

    for (path, field, button) in [
        ("/users/new/", "username", "Add the user"),
        ("/products/new/", "sku", "Add the product"),
        ("/products/new/", "price", "Add the product"),
        ("/orders/new/", "customer", "Look at the order"),
        ("/orders/new/", "product-1", "Look at the order"),
        ("/store/", "name", "Save"),
    ] {
        browser.goto(path).await;
        for (name, text) in [
            ("username", "new"),
            ("name", "New"),
            ("price", "1.00"),
            ("customer", "rahul"),
            ("email", "new@example.com"),
            ("password", "a wall of 8 bricks"),
        ] {
            if browser.has(&format!("main [name='{name}']")).await {
                browser.fill(name, text).await;
            }
        }
        browser.fill(field, SHORT).await;
        browser.press(button).await;
        harmless(&browser, &format!("{field} at {path}")).await;
        assert!(shows(&browser, SHORT).await, "{field} at {path}: {}", browser.text().await);
    }
    // A browser would not send such an e-mail address, but others may.
    for path in ["/invitations/new/", "/users/new/", "/account/"] {
        browser.goto(path).await;
        browser.execute("for (const form of document.forms) form.noValidate = true", &[]).await;
        browser.fill("email", SHORT).await;
        browser.turn(browser.click("main form:has([name='email']) button[type=submit]")).await;
        harmless(&browser, &format!("an e-mail address at {path}")).await;
        assert!(shows(&browser, SHORT).await, "{path}: {}", browser.text().await);
    }
}

#[actix_web::test]
async fn code_in_a_file_stays_a_text() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let file = haat.folder.path().join("bad.csv");
    let cell = format!("\"{}\"", SHORT.replace('"', "\"\""));
    let row = [cell.as_str(); 5].join(",");
    std::fs::write(&file, format!("sku,name,price,stock,status\n{row}\nS-1,{cell},1.00,1,active\n")).unwrap();
    browser.sign_in("rohan").await;
    for button in ["Check the file", "Import"] {
        browser.goto("/products/import/").await;
        browser.choose(&file).await;
        browser.press(button).await;
        browser.element("table.report").await;
        harmless(&browser, button).await;
        assert!(shows(&browser, SHORT).await, "{button}");
    }
    browser.goto("/products/").await;
    harmless(&browser, "the list").await;
    assert!(shows(&browser, SHORT).await);
    // A header is a text, too.
    std::fs::write(&file, format!("{cell},name\n1,2\n")).unwrap();
    browser.goto("/products/import/").await;
    browser.choose(&file).await;
    browser.press("Check the file").await;
    harmless(&browser, "a header").await;
}

/// As a browser writes it into an address.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02X}"))
}
