//! Who comes in, and what they see then.

use crate::harness::{Browser, Haat, Wish};

/// The names of the navigation's links.
async fn offered(browser: &Browser) -> Vec<String> {
    browser.texts("nav.main a").await
}

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
    browser.fill("password", "rohan12345").await;
    browser.press("Sign in").await;
    assert_eq!(browser.path().await, "/account/");
    assert!(!offered(&browser).await.is_empty());
    browser.press("Sign out").await;
    browser.says("You are signed out.").await;
    browser.goto("/account/").await;
    assert!(browser.path().await.starts_with("/sign-in/"));
}
