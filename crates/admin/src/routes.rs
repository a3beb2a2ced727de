//! Every page of the panel, and what it asks of the policy. There is no other way to add one: a page without a rule
//! does not compile, and a test calls each one as each role.

use crate::desk::Baked;
use crate::failure::{Failure, Note, page_of};
use crate::kept::{self, Fate};
use crate::page::HTML;
use crate::{Panel, Seen};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Responder, Scope};
use haat_domain::authz::Action;

/// What a page asks of the policy. Customers see open pages only: the panel is not for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The viewer must be permitted this.
    Needs(Action),
    /// Whoever is signed in may see it.
    SignedIn,
    /// Anybody may see it.
    Open,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// `GET` or `POST`.
    pub method: Method,
    /// Its path without the panel's own, with `{id}` where a number stands.
    pub path: &'static str,
    /// Who may see it.
    pub rule: Rule,
}

/// Collects pages.
pub(crate) struct Pages<S> {
    scope: Scope<S>,
    table: Vec<Page>,
}

impl<S> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    /// A page that is read.
    #[must_use]
    pub(crate) fn get<F, Args>(self, path: &'static str, rule: Rule, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.add(Method::GET, path, rule, handler)
    }

    /// What a form does.
    #[must_use]
    pub(crate) fn post<F, Args>(self, path: &'static str, rule: Rule, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.add(Method::POST, path, rule, handler)
    }

    fn add<F, Args>(mut self, method: Method, path: &'static str, rule: Rule, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.table.push(Page { method: method.clone(), path, rule });
        let scope = self.scope.route(path, web::method(method).to(handler));
        Self { scope, ..self }
    }
}

fn all<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    let pages = pages.get("/static/{digest}/{name}/", Rule::Open, crate::assets::file);
    let pages = crate::door::pages(pages);
    let pages = crate::account::pages(pages);
    let pages = crate::dashboard::pages(pages);
    let pages = crate::products::pages(pages);
    let pages = crate::orders::pages(pages);
    let pages = crate::customers::pages(pages);
    let pages = crate::users::pages(pages);
    let pages = crate::invitations::pages(pages);
    let pages = crate::store::pages(pages);
    let pages = crate::audit::pages(pages);
    crate::platform::pages(pages)
}

/// The pages that there are.
pub fn pages() -> Vec<Page> {
    all(Pages { scope: Scope::new(""), table: Vec::new() }).table
}

/// Puts the panel into a server.
pub fn mount(config: &mut ServiceConfig, panel: &Data<Panel>) {
    let pages = all(Pages { scope: web::scope(&panel.base), table: Vec::new() });
    let table = pages.table;
    let elsewhere = move |req: HttpRequest| {
        let found = methods(&table, &req);
        async move { elsewhere(&found) }
    };
    let scope = pages.scope.default_service(web::to(elsewhere)).wrap(from_fn(around));
    config.app_data(panel.clone()).service(scope);
}

/// The methods of the page at this path.
fn methods(table: &[Page], req: &HttpRequest) -> Vec<Method> {
    let path = req.match_info().unprocessed().to_owned();
    let here = |page: &&Page| actix_web::dev::ResourceDef::new(page.path).is_match(&path);
    table.iter().filter(here).map(|page| page.method.clone()).collect()
}

fn elsewhere(methods: &[Method]) -> Result<HttpResponse, Failure> {
    if methods.is_empty() { Err(Failure::NoSuchPage) } else { Err(Failure::WrongMethod) }
}

/// A page loads what this server gives it, and nothing else; it runs no script but ours, and stands in nobody's frame.
pub const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What happens to every answer of the panel.
async fn around(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut res = next.call(req).await?.map_into_boxed_body();
    let note = res.response().extensions().get::<Note>().cloned();
    if let Some(note) = note {
        say(&mut res, &note);
    }
    let baked = res.request().extensions_mut().remove::<Baked>();
    for cookie in baked.into_iter().flat_map(|Baked(cookies)| cookies) {
        res.response_mut().add_cookie(&cookie)?;
    }
    let headers = res.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // With none at all a browser hides from our own forms where they come from: `Origin: null`.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(res)
}

fn say(res: &mut ServiceResponse<BoxBody>, note: &Note) {
    let mut lost = false;
    if let Note::SignIn(why) = note {
        match kept::fate(res.request(), *why) {
            Fate::Shown(door) => {
                *res.response_mut() = door;
                return;
            }
            Fate::Lost => lost = true,
            Fate::Nothing => {}
        }
    }
    let Some(panel) = res.request().app_data::<Data<Panel>>().cloned() else { return };
    let req = res.request();
    let request = req.extensions().get::<Seen>().map(|seen| seen.request.clone()).unwrap_or_default();
    // Whoever was about to change something comes back to the start.
    let here =
        if req.method() == Method::GET { req.uri().path_and_query().map(ToString::to_string) } else { None };
    let (status, body, place) = page_of(&panel, note, &request, here.as_deref().unwrap_or_default(), lost);
    if let Note::Page { .. } = note {
        res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
    }
    if let Some(place) = place {
        res.headers_mut().insert(LOCATION, place);
    }
    if res.status() == actix_web::http::StatusCode::METHOD_NOT_ALLOWED {
        res.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    let status = status.unwrap_or_else(|| res.status());
    let answer = std::mem::replace(res.response_mut(), HttpResponse::new(status));
    let (mut head, _) = answer.into_parts();
    *head.status_mut() = status;
    *res.response_mut() = head.set_body(body);
}
