//! What comes from elsewhere: forms of other pages, numbers of other stores.

use crate::harness::{Browser, Haat, Wish};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;

/// Another server, on which every page is this one; it ends with the test's process.
fn elsewhere(page: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), answer) = (stream, answer.clone()) else { continue };
            // A browser opens connections in advance and asks nothing on them: nobody must wait for that.
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    port
}

/// Whoever is signed in opens a page of somebody else's, which sends a form to the panel at once.
#[actix_web::test]
async fn a_form_from_another_origin_changes_nothing() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let owner = haat.api("rohan").await;
    let count = || async { owner.get("/api/audit/?limit=1").await };
    browser.sign_in("rohan").await;
    let before = count().await;
    for (path, fields) in [
        ("/products/new/", "<input name=name value=Planted><input name=price value=1.00>"),
        ("/account/", "<input name=email value=mallory@example.com>"),
        ("/sign-out/", ""),
    ] {
        let action = browser.at(path);
        let page = format!(
            "<!DOCTYPE html><title>Win a prize</title><form method=post action=\"{action}\">{fields}<input name=form_token value=x></form>
            <script>document.forms[0].submit()</script>"
        );
        let port = elsewhere(&page);
        // Another port is another origin but the same site: the cookies come along, and only the token is missing.
        browser.client.goto(&format!("http://127.0.0.1:{port}/")).await.unwrap();
        browser.until("the refusal", || async { browser.text().await.contains("Not accepted") }).await;
        browser.says("This form did not come from this panel").await;
        // Another name is another site: the browser keeps the cookies to itself.
        browser.client.goto(&format!("http://localhost:{port}/")).await.unwrap();
        let refused = || async {
            let text = browser.text().await;
            text.contains("Not accepted") || text.contains("Sign in to run your store.")
        };
        browser.until("the refusal", refused).await;
    }
    assert_eq!(count().await, before);
    browser.goto("/account/").await;
    assert_eq!(browser.path().await, "/account/", "somebody else has signed us out");
}

/// Or the test above would hold by luck: its pages leave by themselves.
#[actix_web::test]
async fn what_is_read_of_a_page_that_goes_away_is_read_of_the_next() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let page =
        "<!DOCTYPE html><main><p>Here</p><p>There</p><input name=field value=text><a href=#>Link</a></main>
        <script>setTimeout(() => location.reload(), 150)</script>";
    browser.client.goto(&format!("http://127.0.0.1:{}/", elsewhere(page))).await.unwrap();
    for _ in 0..20 {
        // A page that has just begun may have nothing on it yet.
        browser.until("two paragraphs", || async { browser.texts("p").await == ["Here", "There"] }).await;
        browser.until("the text", || async { browser.text().await.contains("There") }).await;
        browser.until("the link", || async { browser.has("a").await && browser.offers("Link").await }).await;
        assert_eq!(browser.text_of("main p").await, "Here");
        assert_eq!(browser.value("field").await, "text");
        browser.execute("return document.title", &[]).await;
        browser.fill("field", "other").await;
        browser.click("main a").await;
    }
    browser.turn(async {}).await;
}

#[actix_web::test]
async fn a_number_of_another_store_looks_like_one_of_nobodys() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let (theirs, customer) = (haat.api("meera").await, haat.api("arjun").await);
    let product = theirs.first("/api/products/").await;
    let order = customer.post("/api/orders/", json!({"product": product, "quantity": 1})).await["id"]
        .as_i64()
        .unwrap();
    let user = theirs.first("/api/users/?role=customer").await;
    browser.sign_in("rohan").await;
    for (kind, id) in [("products", product), ("orders", order), ("users", user), ("customers", user)] {
        let mut pages = Vec::new();
        for id in [id, 876_543_219] {
            browser.goto(&format!("/{kind}/{id}/")).await;
            assert_eq!(browser.status().await, 404, "{kind}");
            let number = browser.text_of("code").await;
            pages.push(browser.client.source().await.unwrap().replace(&number, "(number)"));
        }
        assert_eq!(pages[0], pages[1], "{kind}");
    }
}
