//! Swagger UI in a real browser: Debian's Chromium, driven by chromedriver.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program and waits for the line that holds this text; returns what follows it.
fn start(command: &mut Command, text: &str) -> (Running, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut found = None;
    for line in lines {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once(text) {
            found = Some(rest.trim().to_owned());
            break;
        }
    }
    let running = Running(child);
    let Some(rest) = found else { panic!("the program ended without saying {text:?}") };
    (running, rest)
}

fn haat(folder: &std::path::Path) -> (Running, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haat"));
    command.args(["serve", "--demo", "--port", "0", "--bcrypt-cost", "4"]).current_dir(folder);
    command.args(["--database-url", "sqlite:./haat.db"]).stderr(Stdio::null());
    let (running, docs) = start(&mut command, "Swagger UI");
    (running, docs)
}

async fn browser(folder: &std::path::Path) -> Option<(Running, Client)> {
    let (Some(driver), Some(chromium)) = (haat_testkit::chromedriver(), haat_testkit::chromium()) else {
        haat_testkit::skip_or_fail("Swagger UI in a browser", "there is no chromium with chromedriver");
        return None;
    };
    let mut command = Command::new(driver);
    let (running, port) = start(command.arg("--port=0"), "started successfully on port");
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let options = json!({ "goog:chromeOptions": { "binary": chromium, "args": [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--window-size=1280,1600", profile,
    ]}});
    let capabilities = options.as_object().unwrap().clone();
    let url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
    Some((
        running,
        ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&url).await.unwrap(),
    ))
}

/// The element, once it is there; a picture of the page where it does not come.
async fn element(client: &Client, css: &str) -> Element {
    match client.wait().at_most(Duration::from_secs(20)).for_element(Locator::Css(css)).await {
        Ok(element) => element,
        Err(error) => {
            let picture = std::env::temp_dir().join("haat-browser-test.png");
            std::fs::write(&picture, client.screenshot().await.unwrap()).unwrap();
            panic!("{css}: {error}; see {}", picture.display());
        }
    }
}

async fn click(client: &Client, css: &str) {
    element(client, css).await.click().await.unwrap();
}

#[actix_web::test]
async fn swagger_ui_authorizes_and_tries_an_operation_out() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_driver, client)) = browser(folder.path()).await else { return };
    let (_haat, docs) = haat(folder.path());
    let origin = docs.trim_end_matches("/api/docs/").to_owned();

    let login = json!({ "username": "rahul", "password": "rahul12345" });
    let answer =
        reqwest::Client::new().post(format!("{origin}/api/auth/login/")).json(&login).send().await.unwrap();
    let access = answer.json::<serde_json::Value>().await.unwrap()["access"].as_str().unwrap().to_owned();

    client.goto(&docs).await.unwrap();
    click(&client, ".btn.authorize").await;
    let field = element(&client, ".auth-container input").await;
    field.send_keys(&access).await.unwrap();
    click(&client, ".auth-btn-wrapper .authorize").await;
    click(&client, ".auth-btn-wrapper .btn-done").await;
    click(&client, "#operations-products-list_products .opblock-summary-control").await;
    click(&client, "#operations-products-list_products .execute").await;
    let answer = "#operations-products-list_products .live-responses-table tbody";
    let status = element(&client, &format!("{answer} .response-col_status")).await.text().await.unwrap();
    let body = element(&client, answer).await;
    assert!(status.starts_with("200"), "{status}");
    assert!(body.text().await.unwrap().contains("Wireless earbuds Naad"));

    let script = "return performance.getEntriesByType('resource').map(entry => entry.name)";
    for name in client.execute(script, vec![]).await.unwrap().as_array().unwrap() {
        assert!(name.as_str().unwrap().starts_with(&origin), "{name} left the server's origin");
    }
    // Looked at by people: HAAT_SCREENSHOT=FILE keeps it.
    if let Some(file) = option_env!("HAAT_SCREENSHOT") {
        std::fs::write(file, client.screenshot().await.unwrap()).unwrap();
    }
    client.close().await.unwrap();
}
