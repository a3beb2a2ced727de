//! Products from a file, and into one.

use crate::harness::{Browser, Haat, Wish};
use std::path::PathBuf;

const GOODS: &str = "sku,name,price,stock,status
FILE-1,Brass lamp,1299.00,5,active
FILE-2,Clay lamp,free of charge,5,active
FILE-3,,10.00,5,active
FILE-4,Paper lamp,99.50,,draft
FILE-5,Glass lamp,499.00,-1,active
";

async fn choose(browser: &Browser, file: &std::path::Path) {
    browser.goto("/products/import/").await;
    browser.choose(file).await;
}

/// The figures of the page that says what was done: rows, new, changed, as they were, faulty.
async fn figures(browser: &Browser) -> Vec<String> {
    browser.element("dl.facts").await;
    browser.texts("dl.facts dd").await
}

#[actix_web::test]
async fn faulty_rows_are_told_and_left_out() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let file = haat.folder.path().join("goods.csv");
    std::fs::write(&file, GOODS).unwrap();
    browser.sign_in("priya").await;
    choose(&browser, &file).await;
    browser.press("Check the file").await;
    assert_eq!(figures(&browser).await, ["5", "2", "0", "0", "3"]);
    let report = browser.texts("table.report tbody tr").await.join("\n");
    for (row, column) in [("3", "price"), ("4", "name"), ("6", "stock")] {
        let told = report.lines().any(|line| line.starts_with(row) && line.contains(column));
        assert!(told, "nothing is said of {column} in row {row}:\n{report}");
    }
    browser.says("free of charge").await;
    browser.goto("/products/?search=FILE-&status=all").await;
    assert!(!browser.text().await.contains("Paper lamp"), "looking at a file has brought it in");

    choose(&browser, &file).await;
    browser.press("Import").await;
    assert_eq!(figures(&browser).await, ["5", "2", "0", "0", "3"]);
    browser.goto("/products/?search=FILE-&status=all").await;
    let rows = browser.texts("table.list tbody th").await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    for name in ["Brass lamp", "Paper lamp"] {
        assert!(rows.iter().any(|row| row.starts_with(name)), "{rows:?}");
    }
    // The same file again changes nothing.
    choose(&browser, &file).await;
    browser.press("Import").await;
    assert_eq!(figures(&browser).await, ["5", "0", "0", "2", "3"]);
}

/// What was downloaded, once it is whole: the browser reserves the file's name with an empty one, and moves what it
/// has got there at the end.
async fn downloaded(browser: &Browser, haat: &Haat) -> PathBuf {
    let file = || {
        let files = std::fs::read_dir(haat.folder.path()).unwrap().map(|file| file.unwrap().path());
        let whole = |file: &PathBuf| {
            file.extension().is_some_and(|kind| kind == "csv")
                && file.metadata().is_ok_and(|file| file.len() > 0)
        };
        files.into_iter().find(whole)
    };
    browser.until("a download", || async { file().is_some() }).await;
    file().unwrap()
}

#[actix_web::test]
async fn what_was_exported_is_imported_unchanged() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let owner = haat.api("rohan").await;
    // What tables of other programs stumble over.
    for name in ["=1+1", "Tea, \"black\"", "चाय", "-5"] {
        let body = serde_json::json!({"name": name, "price": "1.50", "description": "two\nlines; and\ttabs"});
        owner.post("/api/products/", body).await;
    }
    browser.sign_in("rohan").await;
    browser.goto("/products/").await;
    browser.touch("Export").await;
    let file = downloaded(&browser, &haat).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("Wireless earbuds Naad") && text.contains("चाय"), "{text}");
    let before = owner.get("/api/products/?limit=200").await;
    choose(&browser, &file).await;
    browser.press("Import").await;
    let figures = figures(&browser).await;
    assert_eq!([&figures[1], &figures[2], &figures[4]], ["0", "0", "0"], "{figures:?}");
    assert_eq!(figures[0], figures[3]);
    assert_eq!(owner.get("/api/products/?limit=200").await, before);
}
