//! Whether everybody can use the pages: axe-core finds nothing serious on any, in light and in dark, on a desktop and
//! on a phone.

use crate::harness::{Browser, Haat, Seat, Wish, visits};
use serde_json::{Value, json};

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

/// axe-core; where there is none, that is said.
fn axe() -> Option<String> {
    let file = haat_testkit::axe_core();
    if file.is_none() {
        haat_testkit::skip_or_fail(
            "the pages' accessibility",
            "there is no axe-core: `cargo xtask test` installs it",
        );
    }
    Some(std::fs::read_to_string(file?).unwrap())
}

async fn faults(browser: &Browser) -> Vec<String> {
    let found = browser.client.execute_async(FIND, vec![]).await.unwrap();
    found.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

async fn nobody_is_shut_out(seat: Seat) {
    let Some(axe) = axe() else { return };
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sit(seat).await;
    let mut all = Vec::new();
    let mut paths: Vec<_> = visits(&haat, seat).await.into_iter().map(|visit| visit.path).collect();
    paths.push("/nowhere/".to_owned());
    for path in paths {
        browser.goto(&path).await;
        browser.execute(&axe, &[]).await;
        for (screen, width, dark) in SCREENS {
            browser.screen(width, dark).await;
            all.extend(faults(&browser).await.iter().map(|fault| format!("{path} ({screen}): {fault}")));
        }
    }
    assert!(all.is_empty(), "as {}:\n{}", seat.name(), all.join("\n"));
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
async fn nobody_is_shut_out_of_a_store_as_staff() {
    nobody_is_shut_out(Seat::Staff).await;
}

#[actix_web::test]
async fn nobody_is_shut_out_of_a_store_that_was_entered() {
    nobody_is_shut_out(Seat::Visitor).await;
}

#[actix_web::test]
async fn nobody_is_shut_out_of_the_platform() {
    nobody_is_shut_out(Seat::Platform).await;
}

/// A form that was refused, and a file with faulty rows: pages that no address leads to.
#[actix_web::test]
async fn nobody_is_shut_out_by_what_went_wrong() {
    let Some(axe) = axe() else { return };
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let file = haat.folder.path().join("goods.csv");
    std::fs::write(&file, "name,price\nLamp,free\n").unwrap();
    browser.sign_in("rohan").await;
    for (path, button) in [("/products/new/", "Add the product"), ("/products/import/", "Check the file")] {
        browser.goto(path).await;
        browser.execute("for (const form of document.forms) form.noValidate = true", &[]).await;
        if browser.has("input[type=file]").await {
            browser.choose(&file).await;
        }
        browser.press(button).await;
        browser.execute(&axe, &[]).await;
        for (screen, width, dark) in SCREENS {
            browser.screen(width, dark).await;
            assert_eq!(faults(&browser).await, Vec::<String>::new(), "after {path} ({screen})");
        }
    }
}

/// Of each chart: how many drawings are shown, how high the smallest letters are, and which texts are cut off or lie on
/// each other.
const CHARTS: &str = "
    return [...document.querySelectorAll('.chart')].map((chart) => {
        const shown = [...chart.querySelectorAll(':scope > svg')].filter((svg) => svg.checkVisibility());
        const card = chart.closest('.card').getBoundingClientRect();
        const texts = shown.flatMap((svg) => [...svg.querySelectorAll('text')]).map((text) => {
            const svg = text.closest('svg');
            const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
            const letters = parseFloat(getComputedStyle(text).fontSize) * scale;
            return { says: text.textContent.trim(), letters, box: text.getBoundingClientRect() };
        });
        const cut = texts.filter(({ box }) => box.left < card.left + 4 || box.right > card.right - 4);
        const meet = (a, b) => a.right > b.left && b.right > a.left && a.bottom > b.top + 2 && b.bottom > a.top + 2;
        const over = texts.filter((one, at) => texts.slice(at + 1).some((other) => meet(one.box, other.box)));
        return {
            shown: shown.length, texts: texts.length, letters: Math.min(...texts.map(({ letters }) => letters)),
            unreadable: [...cut, ...over].map(({ says }) => says),
        };
    });";

#[actix_web::test]
async fn charts_can_be_read_on_every_screen() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sign_in("rohan").await;
    browser.goto("/").await;
    for width in [320, 390, 600, 820, 1280, 1600] {
        browser.screen(width, false).await;
        let charts = browser.execute(CHARTS, &[]).await;
        assert_eq!(charts.as_array().unwrap().len(), 2);
        for chart in charts.as_array().unwrap() {
            assert_eq!(chart["shown"], 1, "at {width}: {chart}");
            assert!(chart["texts"].as_u64().unwrap() > 4, "at {width}: {chart}");
            assert!((9.0..18.0).contains(&chart["letters"].as_f64().unwrap()), "at {width}: {chart}");
            assert_eq!(chart["unreadable"], json!([]), "at {width}: {chart}");
        }
    }
}

/// Whatever is in a store, and on the narrowest screen: nobody has to scroll sideways to read a page.
async fn no_page_is_wider_than_the_screen(seat: Seat) {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let owner = haat.api("rohan").await;
    let long = |length: usize| "W".repeat(length);
    let store = owner.patch("/api/store/", json!({"name": long(100)})).await["id"].clone();
    let lamp = json!({"name": long(255), "sku": long(64), "price": "99999999.99", "stock": 999_999_999});
    let product = owner.post("/api/products/", lamp).await["id"].clone();
    let user = json!({"username": long(150), "email": format!("{}@example.com", long(64)), "role": "customer",
        "password": "a wall of 8 bricks"});
    let user = owner.post("/api/users/", user).await["id"].clone();
    let order = json!({"product": product, "quantity": 9, "customer": user});
    let order = owner.post("/api/orders/", order).await["id"].clone();
    browser.sit(seat).await;
    let mut paths: Vec<_> = visits(&haat, seat).await.into_iter().map(|visit| visit.path).collect();
    paths.push("/nowhere/".to_owned());
    // What is long, and whoever may not see it.
    paths.extend(
        [
            ("products", &product),
            ("customers", &user),
            ("users", &user),
            ("orders", &order),
            ("platform/tenants", &store),
        ]
        .map(|(kind, id)| format!("/{kind}/{id}/")),
    );
    let mut wide = Vec::new();
    for path in paths {
        browser.goto(&path).await;
        for width in [320, 390, 1000, 1280] {
            browser.screen(width, false).await;
            let found = browser.execute("return document.documentElement.scrollWidth", &[]).await;
            if found.as_u64().unwrap() > u64::from(width) {
                wide.push(format!("{path} at {width}: {found}"));
            }
        }
    }
    assert!(wide.is_empty(), "as {}:\n{}", seat.name(), wide.join("\n"));
}

#[actix_web::test]
async fn no_page_at_the_door_is_wider_than_the_screen() {
    no_page_is_wider_than_the_screen(Seat::Door).await;
}

#[actix_web::test]
async fn no_page_of_an_owner_is_wider_than_the_screen() {
    no_page_is_wider_than_the_screen(Seat::Owner).await;
}

#[actix_web::test]
async fn no_page_of_staff_is_wider_than_the_screen() {
    no_page_is_wider_than_the_screen(Seat::Staff).await;
}

#[actix_web::test]
async fn no_page_of_a_platform_admin_is_wider_than_the_screen() {
    no_page_is_wider_than_the_screen(Seat::Platform).await;
}

#[actix_web::test]
async fn no_page_of_a_platform_admin_in_a_store_is_wider_than_the_screen() {
    no_page_is_wider_than_the_screen(Seat::Visitor).await;
}

/// Or the tests above would prove nothing.
#[actix_web::test]
async fn what_shuts_people_out_is_found() {
    let Some(axe) = axe() else { return };
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.goto("/sign-in/").await;
    browser.execute(&axe, &[]).await;
    assert_eq!(faults(&browser).await, Vec::<String>::new());
    browser.execute("document.querySelector('main label').remove()", &[]).await;
    let found = faults(&browser).await;
    assert!(found.iter().any(|fault| fault.starts_with("label:")), "{found:?}");
}
