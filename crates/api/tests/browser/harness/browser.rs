//! A browser of the test's own, and what a person would do with it.

use super::driver::driver;
use super::logs::Extra;
use super::server::{Haat, password};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long anything may take that a browser does; on a machine that builds something meanwhile, it takes a while.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// What kind of browser it shall be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Whether it runs the pages' scripts.
    pub(crate) scripts: bool,
    /// Whether it keeps a log of every request.
    pub(crate) logs: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { scripts: true, logs: false }
    }
}

/// A browser with a profile of its own, before a server's admin panel; it ends with the test.
pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) origin: String,
    /// The address of its session at the driver.
    session: String,
}

impl Browser {
    /// A browser; `None`, loudly, where there is none to be had.
    pub(crate) async fn before(what: &str, haat: &Haat, wish: Wish) -> Option<Self> {
        let driver = driver(what)?;
        let mut chrome = json!({ "binary": driver.chromium, "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            "--force-color-profile=srgb", "--lang=en-GB", "--window-size=1280,1600",
        ], "prefs": { "download.default_directory": haat.folder.path(), "download.prompt_for_download": false } });
        if !wish.scripts {
            chrome["prefs"]["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let mut wanted = json!({ "goog:chromeOptions": chrome, "timeouts": { "script": 120_000 } });
        if wish.logs {
            wanted["goog:loggingPrefs"] = json!({ "browser": "ALL", "performance": "ALL" });
        }
        let wanted = wanted.as_object().unwrap().clone();
        let client =
            ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&driver.url).await.unwrap();
        let session = format!("{}/session/{}", driver.url, client.session_id().await.unwrap().unwrap());
        Some(Self { client, origin: haat.origin.clone(), session })
    }

    /// The address of a page of the panel.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/admin{path}", self.origin)
    }

    /// Opens a page of the panel.
    pub(crate) async fn goto(&self, path: &str) {
        self.client.goto(&self.at(path)).await.unwrap();
    }

    /// The path of the page, without the panel's own.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str()
            .strip_prefix(&self.at(""))
            .unwrap_or_else(|| panic!("{url} is not of the panel"))
            .to_owned()
    }

    /// The status that the page came with.
    pub(crate) async fn status(&self) -> i64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.execute(script, &[]).await.as_i64().unwrap()
    }

    pub(crate) async fn execute(&self, script: &str, arguments: &[Value]) -> Value {
        self.in_page(script, || self.client.execute(script, arguments.to_vec())).await
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Extra { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// Waits until something is so.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, so: impl Fn() -> F) {
        let began = Instant::now();
        while !so().await {
            assert!(began.elapsed() < PATIENCE, "{what}, for which the test has waited, did not come about");
            actix_web::rt::time::sleep(POLL).await;
        }
    }

    /// What comes of something that is done in the page. Between any two commands a page may go away and another may
    /// come; what was not done for that is done in the one that came. No element leaves this file: whoever kept one
    /// would hold on to a page that has gone.
    async fn in_page<T, F>(&self, what: &str, deed: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<T, CmdError>>,
    {
        let began = Instant::now();
        loop {
            match deed().await {
                Ok(done) => return done,
                Err(error) if is_early(&error) && began.elapsed() < PATIENCE => {
                    actix_web::rt::time::sleep(POLL).await;
                }
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }

    /// What comes of something that is done with an element, once it is there.
    async fn with<T>(&self, css: &str, deed: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        self.in_page(css, || async { deed(self.client.find(Locator::Css(css)).await?).await }).await
    }

    /// Waits for an element.
    pub(crate) async fn element(&self, css: &str) {
        self.with(css, async |_| Ok(())).await;
    }

    /// Whether there is such an element now.
    pub(crate) async fn has(&self, css: &str) -> bool {
        !self.in_page(css, || self.client.find_all(Locator::Css(css))).await.is_empty()
    }

    /// The text of an element, once it is there.
    pub(crate) async fn text_of(&self, css: &str) -> String {
        self.with(css, async |element| element.text().await).await
    }

    /// The texts of the elements that are there now.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let read = || async {
            let mut texts = Vec::new();
            for element in self.client.find_all(Locator::Css(css)).await? {
                texts.push(element.text().await?);
            }
            Ok(texts)
        };
        self.in_page(css, read).await
    }

    /// What somebody reads who reads all of the page.
    pub(crate) async fn text(&self) -> String {
        self.text_of("body").await
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let page = self.text().await;
            assert!(page.contains(text), "{place}: {text:?} is not on the page:\n{page}");
        }
    }

    pub(crate) async fn click(&self, css: &str) {
        self.with(css, async |element| element.click().await).await;
    }

    /// Types into a field instead of what stands there.
    pub(crate) async fn write(&self, css: &str, text: &str) {
        let write = async |field: Element| {
            field.clear().await?;
            field.send_keys(text).await
        };
        self.with(css, write).await;
    }

    /// The same by the field's name, in the page's main part.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        self.write(&format!("main [name='{name}']"), text).await;
    }

    /// Chooses one of what a field offers, by its value.
    pub(crate) async fn choose_one(&self, name: &str, value: &str) {
        let choose = async |field: Element| field.select_by_value(value).await;
        self.with(&format!("main [name='{name}']"), choose).await;
    }

    /// The value of the field of that name, in the page's main part.
    pub(crate) async fn value(&self, name: &str) -> String {
        let value = async |field: Element| field.prop("value").await;
        self.with(&format!("main [name='{name}']"), value).await.unwrap_or_default()
    }

    /// Chooses a file in the page's form.
    pub(crate) async fn choose(&self, file: &Path) {
        self.with("input[type=file]", async |field| field.send_keys(file.to_str().unwrap()).await).await;
    }

    /// The button or link of that name that can be seen.
    async fn control(&self, name: &str) -> Result<Option<Element>, CmdError> {
        let path = format!("//button[normalize-space()='{name}'] | //a[normalize-space()='{name}']");
        for element in self.client.find_all(Locator::XPath(&path)).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// Whether a button or link of that name can be seen.
    pub(crate) async fn offers(&self, name: &str) -> bool {
        self.in_page(name, || self.control(name)).await.is_some()
    }

    /// Presses the button or follows the link of that name.
    pub(crate) async fn touch(&self, name: &str) {
        let touch = || async {
            let Some(control) = self.control(name).await? else { return Ok(false) };
            control.click().await.map(|()| true)
        };
        let found = self.in_page(name, touch).await;
        assert!(found, "nothing is called {name:?} on the page:\n{}", self.text().await);
    }

    /// The same, and waits for the page that comes.
    pub(crate) async fn press(&self, name: &str) {
        self.turn(self.touch(name)).await;
    }

    /// Does what brings another page, and waits for that.
    pub(crate) async fn turn(&self, deed: impl Future<Output = ()>) {
        let old = self.with("html", async |page| Ok(page)).await;
        deed.await;
        self.until("another page", || async { old.tag_name().await.is_err_and(|error| is_gone(&error)) })
            .await;
        self.element("body").await;
    }

    /// Signs somebody of the demo's in, and comes to their first page.
    pub(crate) async fn sign_in(&self, username: &str) {
        self.goto("/sign-in/").await;
        self.fill("username", username).await;
        self.fill("password", &password(username)).await;
        self.press("Sign in").await;
    }

    /// Presses a key wherever the focus is.
    pub(crate) async fn key(&self, key: Key) {
        let value = char::from(key);
        let press = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client.perform_actions(press).await.unwrap();
    }

    /// Types wherever the focus is.
    pub(crate) async fn keys(&self, text: &str) {
        let press =
            |keys: KeyActions, value| keys.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        let keys = text.chars().fold(KeyActions::new("keyboard".to_owned()), press);
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Goes on with the tab key until the focus is there, as somebody without a mouse does.
    pub(crate) async fn tab_to(&self, css: &str) {
        for _ in 0..80 {
            let there =
                self.execute("return document.activeElement.matches(arguments[0])", &[json!(css)]).await;
            if there == json!(true) {
                return;
            }
            self.key(Key::Tab).await;
        }
        panic!("the tab key does not lead to {css}");
    }

    /// Has the page look as on paper.
    pub(crate) async fn paper(&self) {
        let dark = json!({ "name": "prefers-color-scheme", "value": "dark" });
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": "print", "features": [dark] })).await;
    }

    /// Has the page look as on such a screen.
    pub(crate) async fn screen(&self, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        // Colours that are under way from one to the other are nobody's.
        let still = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }, still] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }
}

/// Whether a command has failed because the page that it was meant for has gone.
fn is_gone(error: &CmdError) -> bool {
    // The driver passes some of Chromium's own words on.
    let gone = |message: &str| message.contains("does not belong to the document");
    error.is_stale_element_reference() || matches!(error, CmdError::Standard(fault) if gone(&fault.message))
}

/// Whether that may do in a moment: the page has gone, or is not there yet as it will be.
fn is_early(error: &CmdError) -> bool {
    is_gone(error) || error.is_no_such_element() || error.is_element_not_interactable()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let (session, failed) = (self.session.clone(), std::thread::panicking());
        // The test's thread is called as the test is.
        let test = std::thread::current().name().unwrap_or("browser").replace("::", "-");
        // Out of the test's own runtime, in which nothing may wait.
        let end = std::thread::spawn(move || {
            let http = reqwest::blocking::Client::new();
            if failed {
                show(&http, &session, &test);
            }
            let _ = http.delete(&session).send();
        });
        let _ = end.join();
    }
}

/// Says where a test has failed, and keeps a picture of that.
fn show(http: &reqwest::blocking::Client, session: &str, test: &str) {
    let ask = |what: &str| {
        let answer = http.get(format!("{session}/{what}")).send().ok()?.json::<Value>().ok()?;
        Some(answer["value"].as_str()?.to_owned())
    };
    let Some(url) = ask("url") else { return };
    println!("the browser is at {url}");
    let picture = ask("screenshot").and_then(|text| {
        use base64::Engine;
        base64::prelude::BASE64_STANDARD.decode(text).ok()
    });
    let file = std::env::temp_dir().join(format!("haat-{test}.png"));
    if picture.is_some_and(|picture| std::fs::write(&file, picture).is_ok()) {
        println!("and looks like {}", file.display());
    }
}
