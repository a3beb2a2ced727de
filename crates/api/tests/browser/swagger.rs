//! Swagger UI.

use crate::harness::{Browser, Haat, Wish};
use serde_json::json;

#[actix_web::test]
async fn swagger_ui_authorizes_and_tries_an_operation_out() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("Swagger UI", &haat, Wish::default()).await else { return };
    let origin = &haat.origin;

    let login = json!({ "username": "rahul", "password": "rahul12345" });
    let answer =
        reqwest::Client::new().post(format!("{origin}/api/auth/login/")).json(&login).send().await.unwrap();
    let access = answer.json::<serde_json::Value>().await.unwrap()["access"].as_str().unwrap().to_owned();

    browser.client.goto(&format!("{origin}/api/docs/")).await.unwrap();
    browser.click(".btn.authorize").await;
    browser.write(".auth-container input", &access).await;
    browser.click(".auth-btn-wrapper .authorize").await;
    browser.click(".auth-btn-wrapper .btn-done").await;
    browser.click("#operations-products-list_products .opblock-summary-control").await;
    browser.click("#operations-products-list_products .execute").await;
    let answer = "#operations-products-list_products .live-responses-table tbody";
    let status = browser.text_of(&format!("{answer} .response-col_status")).await;
    assert!(status.starts_with("200"), "{status}");
    assert!(browser.text_of(answer).await.contains("Wireless earbuds Naad"));

    let script = "return performance.getEntriesByType('resource').map(entry => entry.name)";
    for name in browser.execute(script, &[]).await.as_array().unwrap() {
        assert!(name.as_str().unwrap().starts_with(origin), "{name} left the server's origin");
    }
}
