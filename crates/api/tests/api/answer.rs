//! What the server has answered.

use reqwest::blocking::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Sends a request and reads the whole answer.
pub(crate) fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().expect("a body");
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, text, json }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body, if it is JSON.
    pub(crate) json: Value,
}

impl Answer {
    /// The same, if its status is this one.
    #[track_caller]
    pub(crate) fn must(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The same, if it is this problem, told as every problem is.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["type"], format!("https://haat.dev/problems/{code}"));
        assert_eq!(self.header("x-request-id"), self.json["request_id"].as_str());
        for member in ["title", "detail", "request_id"] {
            assert!(self.json[member].as_str().is_some_and(|text| !text.is_empty()), "{}", self.text);
        }
        self
    }

    /// The same, if it refuses the values of exactly these fields.
    #[track_caller]
    pub(crate) fn faults(self, fields: &[&str]) -> Self {
        let answer = self.refused(400, "validation");
        let found: Vec<_> = answer.json["errors"].as_object().into_iter().flatten().map(|(f, _)| f).collect();
        assert_eq!(found, fields, "{}", answer.text);
        answer
    }

    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or("")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A member of the body that is a text.
    #[track_caller]
    pub(crate) fn text_of(&self, member: &str) -> &str {
        self.json[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.text))
    }

    /// A member of the body that is a number.
    #[track_caller]
    pub(crate) fn id(&self) -> i64 {
        number(&self.json["id"])
    }

    /// All that a stranger could compare: status, headers and body, but for what differs between any two answers.
    pub(crate) fn essence(&self) -> (u16, Vec<(String, String)>, Value) {
        let mut json = self.json.clone();
        if let Some(json) = json.as_object_mut() {
            json.remove("request_id");
        }
        // Whether the connection stays open depends on how much of an unread body has come.
        let fixed = |name: &str| !["date", "x-request-id", "connection"].contains(&name);
        let headers = self.headers.iter().filter(|(name, _)| fixed(name.as_str()));
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        (self.status, headers.map(|(name, value)| (name.to_string(), text(value))).collect(), json)
    }

    /// The path of the next page.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.header("link")?;
        let (path, rest) = link.strip_prefix('<')?.split_once('>')?;
        assert_eq!(rest, "; rel=\"next\"");
        Some(path.to_owned())
    }
}

/// A JSON integer.
#[track_caller]
pub(crate) fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}
