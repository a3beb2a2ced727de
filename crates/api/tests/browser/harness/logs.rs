//! What Chromium's driver can do beside the standard.

use super::Browser;
use fantoccini::wd::WebDriverCompatibleCommand;
use reqwest::{Method, Url};
use serde_json::{Value, json};

/// A command of the driver's own: its path and its parameters.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) path: &'static str,
    pub(super) body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Browser {
    /// What has come into a log since it was read last: `browser` or `performance`.
    async fn log(&self, kind: &str) -> Vec<Value> {
        let log =
            self.client.issue_cmd(Extra { path: "se/log", body: json!({ "type": kind }) }).await.unwrap();
        log.as_array().unwrap().clone()
    }

    /// What the console has to say since it was read last, but for what is merely said: errors and warnings, those of
    /// the content security policy among them.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.log("browser").await;
        let bad = log.iter().filter(|entry| !matches!(entry["level"].as_str(), Some("INFO" | "DEBUG")));
        bad.map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses that were asked for since this was asked last.
    pub(crate) async fn requested(&self) -> Vec<String> {
        let log = self.log("performance").await;
        let messages =
            log.iter().map(|entry| serde_json::from_str(entry["message"].as_str().unwrap()).unwrap());
        let sent =
            messages.filter(|message: &Value| message["message"]["method"] == "Network.requestWillBeSent");
        sent.map(|sent| sent["message"]["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }
}
