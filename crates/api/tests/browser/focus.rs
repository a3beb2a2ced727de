//! Whether somebody without a mouse sees where they are: whatever the tab key leads to shows that it has the focus.

use crate::harness::{Browser, Haat, Seat, Wish};
use fantoccini::key::Key;
use serde_json::{Value, json};

/// Remembers what everything that the tab key should lead to looks like without the focus. How many there are.
const REMEMBER: &str = r#"
    const stops = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
    const seen = (element) => !element.disabled && element.checkVisibility({ visibilityProperty: true });
    window.around = (element) => [element, element.parentElement, element.parentElement?.parentElement];
    window.look = (element) => {
        const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(element);
        const width = outlineStyle === 'none' ? 0 : parseFloat(outlineWidth);
        return { width, colour: outlineColor, shadow: boxShadow };
    };
    window.before = new Map();
    for (const stop of [...document.querySelectorAll(stops)].filter(seen)) {
        before.set(stop, around(stop).map((element) => element && look(element)));
    }
    window.left = new Set(before.keys());
    document.activeElement.blur();
    return left.size;"#;

/// What is wrong with the element that has the focus now, and how many are left.
const COMPARE: &str = r"
    const here = document.activeElement;
    if (!before.has(here)) return [null, left.size];
    left.delete(here);
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const mix = (...colours) => {
        for (const colour of colours) {
            context.fillStyle = colour;
            context.fillRect(0, 0, 1, 1);
        }
        const part = (value) => value <= 10.31 ? value / 255 / 12.92 : ((value / 255 + .055) / 1.055) ** 2.4;
        const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map(part);
        return .2126 * red + .7152 * green + .0722 * blue;
    };
    const ground = (element) => {
        const all = [];
        for (let at = element; at; at = at.parentElement) all.unshift(getComputedStyle(at).backgroundColor);
        return ['white', ...all];
    };
    const contrast = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const shows = around(here).some((element, at) => {
        if (!element) return false;
        const [was, is] = [before.get(here)[at], look(element)];
        if (is.width < 2 || is.width === was.width) return false;
        const behind = ground(element.parentElement ?? element);
        return contrast(mix(...behind), mix(...behind, is.colour)) >= 3;
    });
    const box = here.getBoundingClientRect();
    const inside = box.bottom > 0 && box.top < innerHeight && getComputedStyle(here).opacity === '1';
    const name = `${here.tagName} ${here.getAttribute('href') ?? here.name ?? ''} ${here.textContent.trim().slice(0, 30)}`;
    return [shows && inside ? null : name, left.size];";

/// What has the focus without showing it, and what the tab key does not lead to.
async fn unseen(browser: &Browser) -> Vec<String> {
    let stops = browser.execute(REMEMBER, &[]).await.as_u64().unwrap();
    assert!(stops > 2, "there is nothing to go to");
    let mut faults = Vec::new();
    // A date has three stops of its own; and what comes after the last one is the browser's.
    for _ in 0..3 * stops + 10 {
        browser.key(Key::Tab).await;
        let found = browser.execute(COMPARE, &[]).await;
        faults.extend(found[0].as_str().map(str::to_owned));
        if found[1] == json!(0) {
            return faults;
        }
    }
    let left = "return [...left].map((stop) => `never reached: ${stop.outerHTML.slice(0, 120)}`)";
    let left = browser.execute(left, &[]).await;
    faults.extend(left.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned));
    faults
}

async fn the_focus_is_seen(seat: Seat, paths: &[&str]) {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.sit(seat).await;
    for path in paths {
        for dark in [false, true] {
            browser.goto(path).await;
            browser.screen(1280, dark).await;
            assert_eq!(unseen(&browser).await, Vec::<String>::new(), "{path}, dark: {dark}");
        }
    }
}

#[actix_web::test]
async fn the_focus_is_seen_at_the_door() {
    the_focus_is_seen(Seat::Door, &["/sign-in/", "/join/", "/nowhere/"]).await;
}

#[actix_web::test]
async fn the_focus_is_seen_in_a_store() {
    let paths = [
        "/",
        "/products/?search=a&max_price=900",
        "/products/new/",
        "/products/import/",
        "/orders/",
        "/orders/new/",
        "/users/new/",
        "/invitations/",
        "/audit/?kind=order",
        "/store/",
        "/account/",
    ];
    the_focus_is_seen(Seat::Owner, &paths).await;
}

#[actix_web::test]
async fn the_focus_is_seen_on_the_platform() {
    the_focus_is_seen(Seat::Platform, &["/platform/tenants/", "/platform/tenants/new/"]).await;
    the_focus_is_seen(Seat::Visitor, &["/orders/"]).await;
}

/// Or the tests above would prove nothing.
#[actix_web::test]
async fn a_focus_that_nobody_sees_is_found() {
    let haat = Haat::demo();
    let Some(browser) = Browser::before("the admin panel", &haat, Wish::default()).await else { return };
    browser.goto("/sign-in/").await;
    for (rule, all) in [
        ("#field-username { outline: 0 !important }", false),
        (":focus-visible { outline-color: #f6f6f8 !important }", true),
    ] {
        let script =
            "document.styleSheets[0].insertRule(arguments[0], document.styleSheets[0].cssRules.length)";
        browser.execute(script, &[json!(rule)]).await;
        let found = unseen(&browser).await;
        assert!(found.iter().any(|fault| fault.contains("username")), "{rule}: {found:?}");
        assert_eq!(found.len() > 3, all, "{rule}: {found:?}");
    }
    browser.execute("document.querySelector('main button').tabIndex = -1", &[]).await;
    let found = unseen(&browser).await;
    assert!(found.iter().any(|fault| fault.starts_with("never reached: <button")), "{found:?}");
}
