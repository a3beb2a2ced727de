//! Whether everybody can use the pages: axe-core finds nothing serious on any, in light and in dark, on a desktop and
//! on a phone.

use crate::harness::{Browser, Haat, Seat, Wish, visits};
use serde_json::Value;

const SCREENS: [(&str, u32, bool); 4] = [
    ("desktop, light", 1280, false),
    ("desktop, dark", 1280, true),
    ("phone, light", 390, false),
    ("phone, dark", 390, true),
];

/// Finds what is wrong with the page as it looks now.
const FIND: &str = "
    const done = arguments[0];
    axe.run(document, { resultTypes: ['violations'] }).then(
        (found) => done(found.violations
            .filter((fault) => ['serious', 'critical'].includes(fault.impact))
            .map((fault) => `${fault.id}: ${fault.nodes.map((node) => `${node.target} (${node.failureSummary})`).join(' | ')}`)),
        (error) => done([`axe itself: ${error}`]));";

async fn nobody_is_shut_out(seat: Seat) {
    let Some(axe) = haat_testkit::axe_core() else {
        haat_testkit::skip_or_fail("the pages' accessibility", "there is no axe-core: `cargo xtask test` installs it");
        return;
    };
    let axe = std::fs::read_to_string(axe).unwrap();
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sit(seat).await;
    let mut faults = Vec::new();
    let mut paths: Vec<_> = visits(&haat, seat).await.into_iter().map(|visit| visit.path).collect();
    paths.push("/nowhere/".to_owned());
    for path in paths {
        browser.goto(&path).await;
        browser.execute(&axe, &[]).await;
        for (screen, width, dark) in SCREENS {
            browser.screen(width, dark).await;
            let found = browser.client.execute_async(FIND, vec![]).await.unwrap();
            let found = found.as_array().unwrap().iter().filter_map(Value::as_str);
            faults.extend(found.map(|fault| format!("{path} ({screen}): {fault}")));
        }
    }
    assert!(faults.is_empty(), "as {}:\n{}", seat.name(), faults.join("\n"));
}

#[actix_web::test]
async fn nobody_is_shut_out_at_the_door() {
    nobody_is_shut_out(Seat::Door).await;
}

#[actix_web::test]
async fn nobody_is_shut_out_of_a_store() {
    nobody_is_shut_out(Seat::Owner).await;
}

#[actix_web::test]
async fn nobody_is_shut_out_of_the_platform() {
    nobody_is_shut_out(Seat::Platform).await;
}
