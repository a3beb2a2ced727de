//! Texts that would be code, if anything took them for more than text.

use crate::harness::{Browser, Haat, Seat, Wish, visits};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BAD: &str = r#"<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"'>"#;
/// The same where less fits.
const SHORT: &str = r#""><img src=x onerror=window.pwned=1>"#;

/// Nothing has run, and nothing has become an element.
async fn harmless(browser: &Browser, place: &str) {
    let script = "return [window.pwned ?? null, document.querySelector('img[src=x]') !== null,
        [...document.scripts].some((script) => !script.src)]";
    // The policy would keep a script from running, so that it did not run says little by itself.
    assert_eq!(browser.execute(script, &[]).await, json!([null, false, false]), "{place}");
}

/// Whether the page shows the text as it is, in a field or beside one.
async fn shows(browser: &Browser, text: &str) -> bool {
    let script = "return document.body.innerText.includes(arguments[0])
        || [...document.querySelectorAll('input, textarea')]
            .some((field) => field.value.includes(arguments[0]) || field.getAttribute('value')?.includes(arguments[0]))";
    browser.execute(script, &[json!(text)]).await == json!(true)
}

#[actix_web::test]
async fn code_in_a_text_stays_a_text_on_every_page() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let owner = haat.api("rohan").await;
    owner.patch("/api/store/", json!({"name": format!("{BAD}")})).await;
    let body = json!({"name": BAD, "description": format!("{BAD}\n{BAD}"), "price": "1.50", "stock": 1});
    let product = owner.post("/api/products/", body).await["id"].as_i64().unwrap();
    let order = json!({"product": product, "quantity": 1});
    let order = haat.api("rahul").await.post("/api/orders/", order).await["id"].as_i64().unwrap();

    browser.sign_in("rohan").await;
    for visit in visits(&haat, Seat::Owner).await {
        browser.goto(&visit.path).await;
        harmless(&browser, &visit.path).await;
        assert!(
            browser.client.title().await.unwrap().contains("<script>"),
            "the store's name is in every title"
        );
        assert!(shows(&browser, BAD).await, "the store's name is on every page: {}", visit.path);
    }
    for path in
        [format!("/products/{product}/"), format!("/products/{product}/delete/"), format!("/orders/{order}/")]
    {
        browser.goto(&path).await;
        harmless(&browser, &path).await;
        let main = browser.execute("return document.querySelector('main').innerText + [...document.querySelectorAll('main input')].map((field) => field.value)", &[]).await;
        assert!(main.as_str().unwrap().contains(BAD), "{path}: {main}");
    }
    // What the script of the list does with a row is no other than what the server has written.
    browser.goto("/products/").await;
    let row = format!("#product-{product}");
    browser.write(&format!("{row} input[name=price]"), "2.50\n").await;
    browser.until("the price to be saved", || async { browser.has(&format!("{row}.saved")).await }).await;
    harmless(&browser, "a row that was saved").await;
    assert!(browser.text_of(&row).await.contains(BAD));
}

/// What an address can say that no form does.
#[actix_web::test]
async fn code_in_an_address_stays_a_text() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let (bad, short) = (escaped(BAD), escaped(SHORT));
    browser.goto(&format!("/sign-in/?next={bad}&store={short}&why={short}")).await;
    harmless(&browser, "the door").await;
    assert!(shows(&browser, BAD).await && shows(&browser, SHORT).await);
    browser.goto(&format!("/join/?token={short}")).await;
    harmless(&browser, "an invitation").await;
    assert!(shows(&browser, SHORT).await);
    browser.sign_in("rohan").await;
    browser.goto(&format!("/orders/new/?customer={bad}&product={bad}")).await;
    harmless(&browser, "an order's form").await;
    assert!(shows(&browser, BAD).await);
    for list in ["/orders/", "/products/", "/customers/", "/users/", "/invitations/", "/audit/"] {
        for wish in ["ordering", "cursor", "product", "unheard-of"] {
            browser.goto(&format!("{list}?{wish}={bad}")).await;
            harmless(&browser, &format!("{wish} of {list}")).await;
        }
    }
}

/// Every form of the page with its fields; `typed` is what people type into and read again.
const FORMS: &str = "
    const own = (field) => field.name && field.name !== 'form_token' && field.type !== 'file';
    const typed = ['text', 'search', 'email', 'number', 'date', 'textarea'];
    return [...document.forms].map((form) => ({
        action: form.getAttribute('action'), method: form.getAttribute('method'),
        fields: [...form.elements].filter(own).map(({ name, type }) => ({ name, typed: typed.includes(type) })),
    }));";

/// Puts a text into these fields of a form, whatever they are meant for, and sends it past all that a browser checks.
const SEND: &str = "
    const [at, names, text] = arguments;
    const form = document.forms[at];
    form.noValidate = true;
    form.dataset.plain = ''; // the script would send it without leaving the page
    let button = form.querySelector('button');
    for (const field of [...form.elements].filter((field) => names.includes(field.name))) {
        if (field.matches('select')) field.add(new Option(text, text, true, true));
        else if (field.matches('button')) button = field;
        else if (field.type === 'checkbox') field.checked = true;
        else if (field.matches('input:not([type=hidden])')) field.type = 'text';
        if (!field.matches('select')) field.value = text;
    }
    setTimeout(() => form.requestSubmit(button)); // or the answer would be lost with the page";

/// What of an address is the same for all things of a kind.
fn pattern(path: &str) -> String {
    let part = |part: &str| match part.parse::<i64>() {
        Ok(_) => "{id}".to_owned(),
        Err(_) => part.to_owned(),
    };
    path.trim_start_matches("/admin").split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Sends every form that somebody finds on these pages with such a text: in each field that is typed into by itself,
/// and in all others together. The addresses of the forms that were there.
async fn every_form(browser: &Browser, paths: &[String]) -> BTreeSet<String> {
    let (mut seen, mut sent) = (BTreeSet::new(), BTreeSet::new());
    for path in paths {
        browser.goto(path).await;
        let forms = browser.execute(FORMS, &[]).await;
        for (at, form) in forms.as_array().unwrap().iter().enumerate() {
            let action = pattern(form["action"].as_str().unwrap());
            if form["method"] == "post" {
                seen.insert(action.clone());
            }
            let (typed, others): (Vec<_>, Vec<_>) =
                form["fields"].as_array().unwrap().iter().partition(|field| field["typed"] == true);
            let name = |field: &Value| field["name"].as_str().unwrap().to_owned();
            let together = others.into_iter().map(name).collect::<BTreeSet<_>>().into_iter().collect();
            let alone = typed.iter().map(|field| (true, vec![name(field)]));
            for (is_typed, names) in alone.chain([(false, together)]) {
                // The rows of a list have the same form each.
                let place = format!("{names:?} of {action} at {}", pattern(path));
                if names.is_empty() || !sent.insert(place.clone()) {
                    continue;
                }
                browser.goto(path).await;
                let arguments = [json!(at), json!(names), json!(SHORT)];
                browser
                    .turn(async {
                        browser.execute(SEND, &arguments).await;
                    })
                    .await;
                harmless(browser, &place).await;
                if is_typed {
                    assert!(shows(browser, SHORT).await, "{place} is not shown: {}", browser.text().await);
                }
            }
        }
    }
    seen
}

/// Whatever has a form in the panel is found by walking through it, and each one is sent.
#[actix_web::test]
async fn code_in_any_field_of_any_form_stays_a_text() {
    let haat = Haat::demo();
    let admin = haat.api("Ria").await;
    let tea = admin.get("/api/platform/tenants/?search=darjeeling").await[0]["id"].as_i64().unwrap();
    admin.post(&format!("/api/platform/tenants/{tea}/suspend/"), json!({})).await;
    let somebody = json!({"email": "new@example.com", "role": "staff"});
    haat.api("rohan").await.post("/api/invitations/", somebody).await;
    let mut seen = BTreeSet::new();
    for seat in [Seat::Door, Seat::Owner, Seat::Platform, Seat::Visitor] {
        let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
        browser.sit(seat).await;
        let mut paths: Vec<_> = visits(&haat, seat).await.into_iter().map(|visit| visit.path).collect();
        match seat {
            // What a suspended store offers instead.
            Seat::Platform => paths.push(format!("/platform/tenants/{tea}/")),
            // The pages are the owner's, but for the way out.
            Seat::Visitor => paths = vec!["/account/".to_owned()],
            Seat::Door | Seat::Staff | Seat::Owner => {}
        }
        seen.extend(every_form(&browser, &paths).await);
    }
    let pages = haat_admin::pages().into_iter().filter(|page| page.method == Method::POST);
    let all: BTreeSet<_> = pages.map(|page| page.path.to_owned()).collect();
    assert_eq!(seen, all, "a form that was not found was not tried");
}

#[actix_web::test]
async fn code_in_a_file_stays_a_text() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    let file = haat.folder.path().join("bad.csv");
    let cell = format!("\"{}\"", SHORT.replace('"', "\"\""));
    browser.sign_in("rohan").await;
    browser.goto("/products/import/").await;
    let columns = browser.texts("table.plain tbody th").await;
    assert!(columns.contains(&"description".to_owned()), "the page names the columns: {columns:?}");
    // Of each column a row in which it alone is bad.
    let row = |bad: &String| {
        let good = |column: &String| match column.as_str() {
            "sku" => format!("S-{bad}"),
            "name" => "Lamp".to_owned(),
            "price" => "1.00".to_owned(),
            _ => String::new(),
        };
        let cells = columns.iter().map(|column| if column == bad { cell.clone() } else { good(column) });
        cells.collect::<Vec<_>>().join(",")
    };
    let rows: Vec<_> = columns.iter().map(row).collect();
    std::fs::write(&file, format!("{}\n{}\n", columns.join(","), rows.join("\n"))).unwrap();
    for button in ["Check the file", "Import"] {
        browser.goto("/products/import/").await;
        browser.choose(&file).await;
        browser.press(button).await;
        browser.element("table.report").await;
        harmless(&browser, button).await;
        let report = browser.texts("table.report tbody tr").await;
        for column in columns.iter().filter(|column| !["name", "description"].contains(&column.as_str())) {
            let told = report.iter().any(|row| row.contains(column) && row.contains(SHORT));
            assert!(told, "{button}: nothing is said of {column}: {report:?}");
        }
    }
    // What may be any text has come in as one.
    for sku in ["S-name", "S-description"] {
        browser.goto(&format!("/products/?search={sku}")).await;
        harmless(&browser, "the list").await;
        browser.turn(browser.click("table.list tbody th a")).await;
        harmless(&browser, sku).await;
        assert!(shows(&browser, SHORT).await, "{sku}");
    }
    // A header is a text, too.
    std::fs::write(&file, format!("{cell},name\n1,2\n")).unwrap();
    browser.goto("/products/import/").await;
    browser.choose(&file).await;
    browser.press("Check the file").await;
    harmless(&browser, "a header").await;
}

/// As a browser writes it into an address.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02X}"))
}
