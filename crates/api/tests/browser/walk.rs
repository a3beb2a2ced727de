//! Every page, looked at by everybody who may.

use crate::harness::{Browser, Haat, Seat, Wish, visits};

/// Nothing is fetched from anywhere else, and the console has no remark: no error of a script, and nothing that the
/// content security policy had to stop.
async fn pages_keep_to_themselves(seat: Seat) {
    let haat = Haat::demo();
    let wish = Wish { logs: true, ..Wish::default() };
    let Some(browser) = Browser::before("the admin panel", &haat, wish).await else { return };
    browser.sit(seat).await;
    let mut asked = Vec::new();
    for visit in visits(&haat, seat).await {
        browser.goto(&visit.path).await;
        assert_eq!(browser.status().await, 200, "{} as {}", visit.path, seat.name());
        assert_eq!(browser.path().await, visit.path, "as {}", seat.name());
        let asked_here = browser.requested().await;
        assert!(
            asked_here.iter().any(|url| *url == browser.at(&visit.path)),
            "the log is empty: {asked_here:?}"
        );
        asked.extend(asked_here);
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "{} as {}", visit.path, seat.name());
    }
    // What a browser has on its own, such as the page of a new tab, is of no origin.
    let away = |url: &&String| {
        !url.starts_with(&haat.origin) && !url.starts_with("data:") && !url.starts_with("chrome")
    };
    assert_eq!(asked.iter().find(away), None);
}

#[actix_web::test]
async fn pages_at_the_door_keep_to_themselves() {
    pages_keep_to_themselves(Seat::Door).await;
}

#[actix_web::test]
async fn pages_of_an_owner_keep_to_themselves() {
    pages_keep_to_themselves(Seat::Owner).await;
}

#[actix_web::test]
async fn pages_of_staff_keep_to_themselves() {
    pages_keep_to_themselves(Seat::Staff).await;
}

#[actix_web::test]
async fn pages_of_a_platform_admin_keep_to_themselves() {
    pages_keep_to_themselves(Seat::Platform).await;
}

#[actix_web::test]
async fn pages_of_a_platform_admin_in_a_store_keep_to_themselves() {
    pages_keep_to_themselves(Seat::Visitor).await;
}

/// Or the tests above would prove nothing.
#[actix_web::test]
async fn what_a_page_asks_of_others_is_noticed() {
    let haat = Haat::demo();
    let wish = Wish { logs: true, ..Wish::default() };
    let Some(browser) = Browser::before("the admin panel", &haat, wish).await else { return };
    browser.goto("/sign-in/").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    let script = "document.body.append(Object.assign(new Image(), { src: 'http://localhost:9/x.png' }))";
    browser.execute(script, &[]).await;
    browser.until("a complaint", || async { !browser.complaints().await.is_empty() }).await;
}
