//! Pictures of every page, for people: `cargo xtask screenshots`.

use crate::harness::{Browser, Haat, Seat, Wish, password, visits};
use serde_json::json;
use std::path::Path;

/// Screens: a name, its width in pixels, and whether colours are dark.
const SCREENS: [(&str, u32, bool); 4] = [
    ("desktop-light", 1280, false),
    ("desktop-dark", 1280, true),
    ("phone-light", 390, false),
    ("phone-dark", 390, true),
];

#[actix_web::test]
#[ignore = "proves nothing; `cargo xtask screenshots` runs it"]
async fn screenshots_of_every_page() {
    let folder = haat_testkit::screenshots_folder();
    let haat = Haat::demo();
    for seat in [Seat::Door, Seat::Owner, Seat::Staff, Seat::Platform, Seat::Visitor] {
        let Some(browser) = Browser::before("screenshots", &haat, Wish::default()).await else { return };
        browser.sit(seat).await;
        let mut visits: Vec<_> =
            visits(&haat, seat).await.into_iter().map(|visit| (visit.name, visit.path)).collect();
        visits.push(("not-found".to_owned(), "/nowhere/".to_owned()));
        if seat == Seat::Staff {
            visits.push(("forbidden".to_owned(), "/users/".to_owned()));
        }
        for (name, path) in visits {
            browser.goto(&path).await;
            pictures(&browser, &folder, &format!("{}-{name}", seat.name())).await;
        }
    }
    what_no_address_leads_to(&haat, &folder).await;
    println!("the pictures are in {}", folder.display());
}

/// What comes after a form.
async fn what_no_address_leads_to(haat: &Haat, folder: &Path) {
    let Some(browser) = Browser::before("screenshots", haat, Wish::default()).await else { return };
    browser.goto("/sign-in/").await;
    browser.fill("username", "rohan").await;
    browser.fill("password", "wrong").await;
    browser.press("Sign in").await;
    pictures(&browser, folder, "after-sign-in-refused").await;
    browser.sit(Seat::Owner).await;

    let file = haat.folder.path().join("goods.csv");
    std::fs::write(
        &file,
        "sku,name,price,stock\nS-1,Brass lamp,1299.00,5\nS-2,Clay lamp,free,5\nS-3,,10.00,-1\n",
    )
    .unwrap();
    browser.goto("/products/import/").await;
    browser.choose(&file).await;
    browser.press("Check the file").await;
    pictures(&browser, folder, "after-import-checked").await;

    browser.goto("/products/new/").await;
    browser.fill("name", "Brass lamp").await;
    browser.fill("price", "dear").await;
    browser.fill("stock", "7").await;
    browser.press("Add the product").await;
    pictures(&browser, folder, "after-product-refused").await;
    browser.fill("price", "1299.00").await;
    browser.press("Add the product").await;
    pictures(&browser, folder, "after-product-added").await;

    let product = browser.path().await.trim_matches('/').rsplit('/').next().unwrap().to_owned();
    let owner = haat.api("rohan").await;
    owner.patch(&format!("/api/products/{product}/"), json!({"name": "Clay lamp"})).await;
    browser.fill("name", "Silver lamp").await;
    browser.press("Save").await;
    pictures(&browser, folder, "after-product-conflict").await;

    browser.goto("/orders/new/").await;
    browser.fill("customer", "rahul").await;
    browser.fill("product-1", &product).await;
    browser.press("Look at the order").await;
    pictures(&browser, folder, "after-order-looked-at").await;

    browser.goto("/invitations/new/").await;
    browser.fill("email", "new@example.com").await;
    browser.press("Make the invitation").await;
    pictures(&browser, folder, "after-invitation-made").await;

    browser.goto("/products/new/").await;
    browser.fill("name", "Brass lamp").await;
    browser.fill("price", "1299.00").await;
    browser.client.delete_all_cookies().await.unwrap();
    browser.press("Add the product").await;
    pictures(&browser, folder, "after-session-over").await;
    browser.fill("username", "rohan").await;
    browser.fill("password", &password("rohan")).await;
    browser.press("Sign in").await;
    pictures(&browser, folder, "after-signed-in-again").await;
}

async fn pictures(browser: &Browser, folder: &Path, name: &str) {
    for (screen, width, dark) in SCREENS {
        browser.screen(width, dark).await;
        picture(browser, &folder.join(screen).join(format!("{name}.png"))).await;
    }
    // What is typed next is typed on a desktop.
    browser.screen(1280, false).await;
}

/// All of the page, and not only what fits on the screen.
async fn picture(browser: &Browser, file: &Path) {
    use base64::Engine;
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let whole = json!({ "format": "png", "captureBeyondViewport": true });
    let picture = browser.devtools("Page.captureScreenshot", whole).await;
    let picture = base64::prelude::BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
    std::fs::write(file, picture).unwrap();
}
