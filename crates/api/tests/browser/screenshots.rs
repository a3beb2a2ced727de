//! Pictures of every page, for people: `cargo xtask screenshots`.

use crate::harness::{Browser, Haat, Seat, Wish, visits};
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
            for (screen, width, dark) in SCREENS {
                browser.screen(width, dark).await;
                let name = format!("{}-{name}.png", seat.name());
                picture(&browser, &folder.join(screen).join(name)).await;
            }
        }
    }
    println!("the pictures are in {}", folder.display());
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
