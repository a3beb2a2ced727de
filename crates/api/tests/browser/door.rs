//! Who comes in, and what they see then.

use crate::harness::{Browser, Haat, Seat, Wish, password};

#[actix_web::test]
async fn an_owner_signs_in_and_out() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.goto("/account/").await;
    assert_eq!(browser.path().await, "/sign-in/?why=not_authenticated&next=%2Fadmin%2Faccount%2F");
    browser.fill("username", "rohan").await;
    browser.fill("password", "wrong").await;
    browser.press("Sign in").await;
    browser.says("Username or password is wrong").await;
    browser.fill("password", &password("rohan")).await;
    browser.press("Sign in").await;
    assert_eq!(browser.path().await, "/account/");
    browser.press("Sign out").await;
    browser.says("You are signed out.").await;
    browser.goto("/account/").await;
    assert!(browser.path().await.starts_with("/sign-in/"));
    // What the browser shows of a page that it has kept is not the page.
    browser.client.back().await.unwrap();
    browser.client.back().await.unwrap();
    assert!(!browser.text().await.contains("rohan@dreamkart.com"), "a page outlives its session");
}

/// What the navigation offers, and where an address that it does not offer leads.
async fn sees(seat: Seat, offered: &[&str], forbidden: &[&str]) {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sit(seat).await;
    browser.goto("/").await;
    assert_eq!(browser.texts("nav.main a").await, offered, "as {}", seat.name());
    for link in browser.texts("nav.main a").await {
        browser.press(&link).await;
        assert_eq!(browser.status().await, 200, "{link}");
        assert_eq!(browser.texts("nav.main [aria-current=page]").await, [link]);
    }
    for path in forbidden {
        browser.goto(path).await;
        assert_eq!(browser.status().await, 403, "{path}");
        let heading = browser.text_of("h1").await;
        assert_eq!(heading, "Not permitted", "{path}");
        browser.press("Back to the start").await;
    }
}

const STORE: [&str; 8] =
    ["Dashboard", "Orders", "Products", "Customers", "Users", "Invitations", "Audit log", "Settings"];
const PLATFORM: [&str; 3] = ["Stores", "Admins", "Health"];

#[actix_web::test]
async fn an_owner_sees_the_store_and_not_the_platform() {
    let platform = ["/platform/tenants/", "/platform/tenants/new/", "/platform/admins/", "/platform/health/"];
    sees(Seat::Owner, &STORE, &platform).await;
}

#[actix_web::test]
async fn staff_see_goods_and_orders_and_no_accounts() {
    let closed = ["/users/", "/users/new/", "/invitations/", "/audit/", "/platform/tenants/"];
    sees(Seat::Staff, &STORE[..4], &closed).await;
}

#[actix_web::test]
async fn a_platform_admin_sees_the_platform_and_a_store_only_inside() {
    sees(Seat::Platform, &PLATFORM, &["/orders/", "/products/", "/users/", "/audit/", "/store/"]).await;
    sees(Seat::Visitor, &[STORE.as_slice(), &PLATFORM].concat(), &[]).await;
}

#[actix_web::test]
async fn a_customer_is_turned_away_with_a_sentence() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sign_in("rahul").await;
    browser.says("This panel is for those who run a store.").await;
    browser.goto("/").await;
    assert!(browser.path().await.starts_with("/sign-in/"));
}

/// By the button on a store's page, and out again by the banner.
#[actix_web::test]
async fn a_platform_admin_enters_a_store_and_leaves_it() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sign_in("Ria").await;
    browser.press("DreamKart").await;
    browser.press("Enter the store").await;
    browser.says("You are in DreamKart as a platform admin.").await;
    browser.press("Orders").await;
    browser.says("You are in DreamKart as a platform admin.").await;
    browser.press("Leave the store").await;
    assert_eq!(browser.path().await, "/platform/tenants/");
    assert_eq!(browser.texts("nav.main a").await, PLATFORM);
}
