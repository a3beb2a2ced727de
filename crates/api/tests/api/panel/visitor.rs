//! A browser without eyes: it keeps cookies, sends forms, and follows nothing.

use super::html;
use crate::attacks::tokens::claims;
use crate::support::{Answer, PASSWORD, Server, Shop, User, World, http, send};
use reqwest::blocking::RequestBuilder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Somebody before the panel, with the cookies of their browser. A clone goes on by itself.
#[derive(Clone)]
pub(super) struct Visitor {
    origin: String,
    /// The panel's path.
    pub(super) base: String,
    /// Whether a proxy says that they speak TLS.
    pub(super) tls: bool,
    jar: RefCell<BTreeMap<String, String>>,
}

impl World {
    /// Somebody whom the panel does not know.
    pub(super) fn visitor(&self) -> Visitor {
        Visitor::at(&format!("http://{}", self.address()))
    }

    /// Somebody who has signed in to the panel.
    pub(super) fn panel(&self, username: &str, store: &str) -> Visitor {
        let visitor = self.visitor();
        visitor.sign_in(username, PASSWORD, store).must(303);
        visitor
    }

    /// A store, and its staff in the panel.
    pub(super) fn staff(&self) -> (Shop, Visitor) {
        let shop = self.open("Alpha");
        let visitor = self.panel(&shop.staff.username, "Alpha");
        (shop, visitor)
    }
}

impl Server {
    /// Somebody whom this server's panel does not know.
    pub(super) fn visitor(&self) -> Visitor {
        Visitor::at(&format!("http://{}", self.address))
    }
}

impl Visitor {
    fn at(origin: &str) -> Self {
        let (origin, base) = (origin.to_owned(), "/admin".to_owned());
        Self { origin, base, tls: false, jar: RefCell::default() }
    }

    /// A browser in which somebody has put the tokens that the API gave them.
    pub(super) fn holding(self, user: &User) -> Self {
        self.keep("haat_session", &format!("{}~{}", user.token.as_deref().unwrap(), user.refresh));
        self.keep("haat_seed", "00112233445566778899aabbccddeeff");
        self
    }

    /// Puts a cookie into the jar by hand.
    pub(super) fn keep(&self, name: &str, value: &str) {
        self.jar.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// A cookie of the jar.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        let guarded = if self.tls { format!("__Host-{name}") } else { name.to_owned() };
        self.jar.borrow().get(&guarded).cloned()
    }

    /// What the `Cookie` header says.
    pub(super) fn cookies(&self) -> String {
        let jar = self.jar.borrow();
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// A request to a page, with cookies.
    pub(super) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = http().request(method, format!("{}{}{path}", self.origin, self.base));
        let request = if self.tls { request.header("X-Forwarded-Proto", "https") } else { request };
        request.header("Cookie", self.cookies())
    }

    /// Sends it, looks whether the answer is as all must be, and keeps its cookies.
    pub(super) fn send(&self, request: RequestBuilder) -> Answer {
        let answer = send(request);
        decent(&answer, self.tls);
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut jar = self.jar.borrow_mut();
            if rest.contains("Max-Age=0") {
                jar.remove(name)
            } else {
                jar.insert(name.to_owned(), value.to_owned())
            };
        }
        answer
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path))
    }

    /// What every form of this session must hold; made as the panel makes it, because not everybody is shown a form.
    pub(super) fn token(&self) -> String {
        let session = self.cookie("haat_session").map_or(0, |pair| {
            claims(pair.split('~').next().unwrap())["sid"].as_i64().expect("the number of a session")
        });
        token(&self.cookie("haat_seed").unwrap_or_default(), session)
    }

    /// Sends a form with its token.
    pub(super) fn post<N: AsRef<str>, V: AsRef<str>>(&self, path: &str, fields: &[(N, V)]) -> Answer {
        self.post_with(&self.token(), path, fields)
    }

    /// Sends a form with some token.
    pub(super) fn post_with<N: AsRef<str>, V: AsRef<str>>(
        &self,
        token: &str,
        path: &str,
        fields: &[(N, V)],
    ) -> Answer {
        self.send(self.filled(token, path, fields))
    }

    /// A form to be sent.
    pub(super) fn filled<N: AsRef<str>, V: AsRef<str>>(
        &self,
        token: &str,
        path: &str,
        fields: &[(N, V)],
    ) -> RequestBuilder {
        let own = fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let all: Vec<_> = std::iter::once(("form_token", token)).chain(own).collect();
        let request = self.request("POST", path);
        if path.starts_with("/products/import/") { multipart(request, &all) } else { request.form(&all) }
    }

    /// Opens a page, fills in its form for an address, and sends that as a browser would.
    #[track_caller]
    pub(super) fn fill_in(&self, page: &str, action: &str, own: &[(&str, &str)]) -> Answer {
        self.send_form(&self.get(page).must(200), action, own)
    }

    /// The same with a page that was opened before. What is not filled in is sent as it stands, the token as well.
    #[track_caller]
    pub(super) fn send_form(&self, page: &Answer, action: &str, own: &[(&str, &str)]) -> Answer {
        let form = html::form(&page.text, &format!("{}{action}", self.base));
        let mut fields = form.unwrap_or_else(|| panic!("no form for {action} on {}", page.text));
        fields.retain(|(name, _)| own.iter().all(|(other, _)| name != other));
        fields.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.send(self.request("POST", action).form(&fields))
    }

    /// The page that the browser is sent to.
    #[track_caller]
    pub(super) fn follow(&self, answer: &Answer) -> Answer {
        self.get(answer.place().strip_prefix(&self.base).expect("a page of the panel"))
    }

    /// Signs in by the form.
    pub(super) fn sign_in(&self, username: &str, password: &str, store: &str) -> Answer {
        self.get("/sign-in/").must(200);
        self.post("/sign-in/", &[("username", username), ("password", password), ("store", store)])
    }

    /// Whether there is somebody signed in.
    pub(super) fn is_in(&self) -> bool {
        self.get("/account/").status == 200
    }
}

/// The token of a browser with this seed, in this session.
pub(super) fn token(seed: &str, session: i64) -> String {
    format!("{:x}", Sha256::digest(format!("form~{seed}~{session}")))
}

/// A form with a file: the field `file` is one.
fn multipart(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let part = |(name, value): &(&str, &str)| {
        let file = if *name == "file" { "; filename=\"goods.csv\"\r\nContent-Type: text/csv" } else { "" };
        format!("--between\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let parts: Vec<_> = fields.iter().map(part).collect();
    let body = format!("{}--between--\r\n", parts.concat());
    request.header("Content-Type", "multipart/form-data; boundary=between").body(body)
}

impl Answer {
    /// Where the browser is sent.
    pub(super) fn place(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("{} leads nowhere: {}", self.status, self.text))
    }

    /// What a stranger could compare of a page: all but what differs between any two answers.
    pub(super) fn page_essence(&self) -> (u16, Vec<(String, String)>, String) {
        let (status, headers, Value::Null) = self.essence() else { panic!("no page: {}", self.text) };
        let number = self.header("x-request-id").expect("a request's number");
        (status, headers, self.text.replace(number, "(number)"))
    }
}

/// What holds for every answer of the panel, whoever asked for what.
fn decent(answer: &Answer, tls: bool) {
    let says = |name: &str| answer.header(name).unwrap_or_default();
    let style = says("content-type");
    assert_eq!(says("content-security-policy"), haat_admin::POLICY);
    assert_eq!((says("x-content-type-options"), says("x-frame-options")), ("nosniff", "DENY"));
    // An address of the panel is told to nobody; but with `no-referrer`, forms would come from nowhere.
    let told = says("referrer-policy");
    assert!(told == "same-origin" || told == "no-referrer" && !answer.text.contains("<form"), "{told}");
    if style.starts_with("text/html") || style.is_empty() || answer.headers.contains_key("set-cookie") {
        assert_eq!(says("cache-control"), "no-store", "{}", answer.text);
    }
    if answer.status >= 400 || !answer.text.is_empty() && style.is_empty() {
        assert_eq!(style, haat_admin::HTML, "{}: {}", answer.status, answer.text);
    }
    if style == haat_admin::HTML {
        assert!(answer.text.starts_with("<!DOCTYPE html>"), "{}", answer.text);
        assert_eq!(html::inline(&answer.text), Vec::<String>::new());
        let away = html::addresses(&answer.text).into_iter().find(|to| !to.starts_with('#') && !is_here(to));
        assert_eq!(away, None, "a page refers to another server");
    }
    for cookie in answer.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        let open = ["haat_zone=", "haat_theme="].iter().any(|name| cookie.starts_with(name));
        assert_eq!(cookie.contains("; HttpOnly"), !open, "{cookie}");
        assert_eq!(cookie.contains("; Secure"), tls, "{cookie}");
        assert_eq!(cookie.starts_with("__Host-"), tls && !open, "{cookie}");
        assert!(cookie.contains("; SameSite=Lax") && cookie.contains("; Path=/"), "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

/// Whether an address is one of this server.
fn is_here(address: &str) -> bool {
    address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\")
}
