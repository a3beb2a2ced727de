//! Somebody who talks to the program and takes no answer for an answer too.

use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// Nobody waits longer for an answer; the program must have given up before.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends requests as somebody.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http,
    address: SocketAddr,
    token: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) json: Value,
    /// Where the next page is.
    next: Option<String>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn must(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.json);
        self.json
    }

    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or("")
    }
}

impl Client {
    pub(crate) fn anonymous(address: SocketAddr) -> Self {
        let http = Http::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { http, address, token: None }
    }

    /// The same with a token, and with connections of its own.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::anonymous(self.address) }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        self.token.iter().fold(request, RequestBuilder::bearer_auth)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).expect("an answer")
    }

    /// What is no JSON.
    #[track_caller]
    pub(crate) fn text(&self, path: &str) -> String {
        self.request("GET", path).send().and_then(Response::text).expect("an answer")
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request("POST", path).json(body)).expect("an answer")
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request("PATCH", path).json(body)).expect("an answer")
    }

    /// The token that it shows.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("a token")
    }

    /// All rows of a list.
    #[track_caller]
    pub(crate) fn all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next.take() {
            let answer = self.get(&path);
            next.clone_from(&answer.next);
            rows.extend(answer.must(200).as_array().expect("a list").iter().cloned());
        }
        rows
    }
}

/// The answer, or why there is none.
pub(crate) fn send(request: RequestBuilder) -> Result<Answer, String> {
    let answer = request.send().map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let header = |name: &str| Some(answer.headers().get(name)?.to_str().unwrap().to_owned());
    let retry_after = header("retry-after");
    let next = header("link").and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
    let text = answer.text().map_err(|error| error.to_string())?;
    Ok(Answer { status, retry_after, json: serde_json::from_str(&text).unwrap_or(Value::Null), next })
}
