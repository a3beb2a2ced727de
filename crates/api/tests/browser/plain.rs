//! The panel in a browser that runs no scripts.

use crate::harness::{Browser, Haat, Wish, password};
use serde_json::json;

async fn without_scripts(haat: &Haat) -> Option<Browser> {
    let browser =
        Browser::before("the admin panel", haat, Wish { scripts: false, ..Wish::default() }).await?;
    browser.goto("/sign-in/").await;
    assert!(!browser.has("html.js").await, "scripts run");
    Some(browser)
}

#[actix_web::test]
async fn goods_are_kept_without_scripts() {
    let haat = Haat::demo();
    let Some(browser) = without_scripts(&haat).await else { return };
    browser.sign_in("priya").await;
    browser.press("Products").await;
    browser.press("New product").await;
    for (name, text) in [("name", "Brass lamp"), ("price", "dear"), ("sku", "LAMP-1"), ("stock", "5")] {
        browser.fill(name, text).await;
    }
    browser.press("Add the product").await;
    browser.says("That did not work").await;
    assert_eq!(browser.value("name").await, "Brass lamp", "what was typed is lost");
    browser.fill("price", "10.00").await;
    browser.press("Add the product").await;
    browser.says("The product was added.").await;
    browser.fill("description", "Heavy.").await;
    browser.choose_one("status", "draft").await;
    browser.press("Save").await;
    browser.says("The product was changed.").await;

    // Found, and put on sale with a box and a button.
    browser.press("Products").await;
    browser.fill("search", "lamp").await;
    browser.choose_one("status", "draft").await;
    browser.press("Filter").await;
    assert_eq!(browser.texts("table.list tbody th").await, ["Brass lamp\nLAMP-1"]);
    browser.click("td.pick input").await;
    browser.press("Put on sale").await;
    browser.says("The chosen products are on sale.").await;
    browser.press("Clear").await;
    browser.turn(browser.write("table.list tbody tr input[name=stock]", "8\n")).await;
    browser.says("The product was changed.").await;

    let file = haat.folder.path().join("goods.csv");
    std::fs::write(&file, "sku,name,price\nLAMP-2,Clay lamp,5.00\nLAMP-3,,5.00\n").unwrap();
    for button in ["Check the file", "Import"] {
        browser.goto("/products/import/").await;
        browser.choose(&file).await;
        browser.press(button).await;
        browser.element("table.report").await;
        assert_eq!(browser.texts("dl.facts dd").await, ["2", "1", "0", "0", "1"], "{button}");
    }
    browser.press("Products").await;
    browser.press("Product").await;
    let names = browser.texts("table.list tbody th").await;
    assert_eq!(names[0], "27-inch monitor Darpan\nEL-007", "not by name: {names:?}");
    assert!(names.contains(&"Clay lamp\nLAMP-2".to_owned()), "{names:?}");
    browser.press("Brass lamp").await;
    assert_eq!(browser.value("stock").await, "8");
    browser.press("Remove…").await;
    browser.says("Remove Brass lamp?").await;
}

#[actix_web::test]
async fn people_are_kept_without_scripts() {
    let haat = Haat::demo();
    let Some(browser) = without_scripts(&haat).await else { return };
    browser.sign_in("rohan").await;
    browser.press("Users").await;
    browser.press("Add a user").await;
    for (name, text) in
        [("username", "packer"), ("email", "packer@example.com"), ("password", "a wall of 8 bricks")]
    {
        browser.fill(name, text).await;
    }
    browser.choose_one("role", "staff").await;
    browser.press("Add the user").await;
    browser.says("The user was created.").await;
    browser.click("main [name=active]").await;
    browser.press("Save").await;
    browser.says("The user was changed.").await;
    browser.press("Remove…").await;
    browser.press("Remove the user").await;
    browser.says("The user was removed.").await;

    browser.press("Invitations").await;
    browser.press("Invite somebody").await;
    browser.fill("email", "new@example.com").await;
    browser.press("Make the invitation").await;
    let link = browser.text_of("div.secret code").await;
    browser.press("Settings").await;
    browser.fill("name", "Dream Bazaar").await;
    browser.press("Save").await;
    browser.says("The settings were changed.").await;
    browser.press("Audit log").await;
    browser.choose_one("action", "store.update").await;
    browser.press("Filter").await;
    assert_eq!(browser.texts("table.list tbody th").await.len(), 1);

    browser.press("rohan").await;
    browser.fill("email", "rohan@example.com").await;
    browser.press("Change").await;
    browser.says("Your account was changed.").await;
    browser.choose_one("zone", "Asia/Kolkata").await;
    browser.choose_one("theme", "dark").await;
    browser.press("Remember").await;
    assert!(browser.has("html[data-theme=dark]").await);
    for (name, text) in [
        ("old_password", password("rohan").as_str()),
        ("new_password", "a wall of 9 bricks"),
        ("new_password_again", "a wall of 9 bricks"),
    ] {
        browser.fill(name, text).await;
    }
    browser.press("Change the password").await;
    browser.says("Your password was changed.").await;
    browser.press("Sign out").await;
    browser.says("You are signed out.").await;

    browser.client.goto(&link).await.unwrap();
    for (name, text) in
        [("email", "new@example.com"), ("username", "newcomer"), ("password", "a wall of 8 bricks")]
    {
        browser.fill(name, text).await;
    }
    browser.press("Join").await;
    browser.says("Welcome.").await;
    browser.fill("username", "newcomer").await;
    browser.fill("password", "a wall of 8 bricks").await;
    browser.press("Sign in").await;
    assert_eq!(browser.texts("nav.main a").await, ["Dashboard", "Orders", "Products", "Customers"]);
}

#[actix_web::test]
async fn an_installation_is_run_without_scripts() {
    let haat = Haat::demo();
    let Some(browser) = without_scripts(&haat).await else { return };
    browser.sign_in("Ria").await;
    browser.press("Open a store").await;
    browser.fill("name", "Night market").await;
    browser.choose_one("currency", "EUR").await;
    browser.press("Open the store").await;
    browser.says("The store was opened.").await;
    browser.fill("name", "Day market").await;
    browser.press("Rename").await;
    browser.says("The store was changed.").await;
    browser.press("Suspend…").await;
    browser.press("Suspend the store").await;
    browser.says("The store is suspended").await;
    browser.press("Open it again").await;
    browser.says("The store is open again.").await;
    browser.press("Enter the store").await;
    browser.says("You are in Day market as a platform admin.").await;
    browser.press("Leave the store").await;
    browser.fill("search", "market").await;
    browser.press("Filter").await;
    assert_eq!(browser.texts("table.list tbody th").await, ["Day market"]);
    // What the program's other entrance says of it.
    let stores = haat.api("Ria").await.get("/api/platform/tenants/?search=market").await;
    assert_eq!((&stores[0]["status"], &stores[0]["currency"]), (&json!("active"), &json!("EUR")));
}
