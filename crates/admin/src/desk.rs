//! Who is looking at a page, and how what they want to see is found.

use crate::failure::Failure;
use crate::flash::Flash;
use crate::page::{Frame, Who, token};
use crate::session::{Jar, Seed, joined, split};
use crate::{Panel, Seen};
use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::header::HOST;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use haat_app::{App, Caller, Shown, Verified};
use haat_domain::authz::{Action, Role};
use haat_domain::cx::Cx;
use haat_domain::error::{AuthFailure, Denied, Error, Result};
use haat_domain::identity::{Entrance, Grant, Rotation, continue_session};
use haat_domain::ports::Access;
use jiff::tz::TimeZone;
use maud::Markup;
use std::future::Future;
use std::pin::Pin;

/// Cookies that the answer will set: an extension of the request.
#[derive(Default)]
pub(crate) struct Baked(pub(crate) Vec<Cookie<'static>>);

/// Has the answer to this request set a cookie.
pub(crate) fn bake(req: &HttpRequest, cookie: Cookie<'static>) {
    let mut extensions = req.extensions_mut();
    if let Some(Baked(cookies)) = extensions.get_mut::<Baked>() {
        cookies.retain(|other| other.name() != cookie.name());
        cookies.push(cookie);
    } else {
        extensions.insert(Baked(vec![cookie]));
    }
}

/// A browser, whoever sits before it.
#[derive(Clone)]
pub struct Sight {
    pub(crate) app: Data<App>,
    pub(crate) panel: Data<Panel>,
    pub(crate) seed: Seed,
    pub(crate) seen: Seen,
    /// The path of the page, without the panel's own.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) zone: TimeZone,
    pub(crate) theme: Option<&'static str>,
    pub(crate) flash: Option<Flash>,
    req: HttpRequest,
}

impl Sight {
    pub(crate) fn of(req: &HttpRequest) -> Result<Self> {
        let missing = || Error::internal("the panel is not mounted");
        let app = req.app_data::<Data<App>>().ok_or_else(missing)?.clone();
        let panel = req.app_data::<Data<Panel>>().ok_or_else(missing)?.clone();
        let seen = req.extensions().get::<Seen>().cloned().unwrap_or_default();
        let known = Seed::read(req).or_else(|| req.extensions().get::<Seed>().cloned());
        let seed = known.map_or_else(|| plant(req, &app, seen.tls), Ok)?;
        let path = req.path().strip_prefix(panel.base.as_str()).unwrap_or_default().to_owned();
        let zone = Jar::Zone.read(req).and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC);
        let theme = Jar::Theme.read(req).and_then(|theme| match theme.as_str() {
            "dark" => Some("dark"),
            "light" => Some("light"),
            _ => None,
        });
        let flash = Jar::Flash.read(req).and_then(|text| Flash::parse(&text));
        let query = req.query_string().to_owned();
        Ok(Self { app, panel, seed, seen, path, query, zone, theme, flash, req: req.clone() })
    }

    /// The sender of the request as somebody unknown.
    pub(crate) fn stranger(&self) -> Caller {
        let request = Some(self.seen.request.clone()).filter(|number| !number.is_empty());
        Caller { request, address: self.seen.address, ..Caller::default() }
    }

    /// A path of the panel as links have it.
    pub(crate) fn at(&self, path: &str) -> String {
        self.panel.at(path)
    }

    /// What the browser calls this server.
    pub(crate) fn host(&self) -> &str {
        self.req.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
    }

    /// Has the answer put this into a cookie.
    pub(crate) fn keep(&self, jar: Jar, value: String) {
        bake(&self.req, jar.keep(self.seen.tls, value));
    }

    /// Has the answer empty a cookie.
    pub(crate) fn empty(&self, jar: Jar) {
        bake(&self.req, jar.empty(self.seen.tls));
    }

    /// Has the browser hold a session of this account.
    pub(crate) fn keep_session(&self, grant: &Grant) -> Result<Caller> {
        let pair = self.app.tokens.issue(grant, Entrance::Panel, self.app.clock.now())?;
        self.keep(Jar::Session, joined(&pair));
        Ok(Caller { shown: Shown::Token(pair.access), ..self.stranger() })
    }
}

/// Gives a browser its seed; whoever looks at the same request again finds it there.
fn plant(req: &HttpRequest, app: &App, tls: bool) -> Result<Seed> {
    let seed = Seed::new(app.random.secret()?);
    bake(req, Jar::Seed.keep(tls, seed.value().to_owned()));
    req.extensions_mut().insert(seed.clone());
    Ok(seed)
}

impl FromRequest for Sight {
    type Error = Failure;
    type Future = std::future::Ready<Result<Self, Failure>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(req).map_err(Failure::Domain))
    }
}

/// Somebody who is signed in, before their browser.
#[derive(Clone)]
pub struct Desk {
    pub(crate) sight: Sight,
    pub(crate) caller: Caller,
    /// The number of their session, for form tokens.
    pub(crate) session: i64,
}

impl Desk {
    /// Reads something as them, and what frames the page, in one transaction.
    pub(crate) async fn show<T: Send + 'static>(
        &self,
        access: Access,
        action: Action,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<(Frame, T), Failure> {
        let both = move |cx: &mut Cx<'_>| Ok((Who::of(cx)?, work(cx)?));
        let (who, found) = self.run(access, action, both).await?;
        Ok((self.frame(who), found))
    }

    /// The same for a list, which may come from a standby.
    pub(crate) async fn list<T: Send + 'static>(
        &self,
        access: Access,
        action: Action,
        work: impl Fn(&mut Cx<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<(Frame, T), Failure> {
        let both = move |cx: &mut Cx<'_>| {
            behind_the_counter(cx)?;
            Ok((Who::of(cx)?, work(cx)?))
        };
        let (who, found) = self.sight.app.list(&self.caller, access, action, both).await?;
        Ok((self.frame(who), found))
    }

    /// Does something as them, for what is no whole page.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        access: Access,
        action: Action,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let work = move |cx: &mut Cx<'_>| {
            behind_the_counter(cx)?;
            work(cx)
        };
        self.sight.app.run(&self.caller, access, action, work).await
    }

    /// Whether they may do this at all: for what is dear, before it is done.
    pub(crate) async fn admit(&self, action: Action) -> Result<(), Failure> {
        Ok(self.run(Access::Read, action, |_| Ok(())).await?)
    }

    /// What every form of theirs must hold.
    pub(crate) fn token(&self) -> Markup {
        token(&self.sight.seed.token(self.session))
    }

    /// Changes something as them.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        action: Action,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(self.run(Access::Write, action, work).await?)
    }

    fn frame(&self, who: Who) -> Frame {
        Frame::new(self.sight.clone(), self.token(), who, self.caller.store.clone())
    }
}

impl FromRequest for Desk {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let sight = Sight::of(&req).map_err(Failure::Domain)?;
            let missing = Failure::SignIn(AuthFailure::Missing);
            let cookie = Jar::Session.read(&req).ok_or(missing)?;
            let (access, refresh) = split(&cookie).ok_or(Failure::SignIn(AuthFailure::Missing))?;
            // The limits have verified the token already.
            let known = req.extensions().get::<Verified>().copied();
            let verified =
                known.or_else(|| Verified::of(access, sight.app.tokens.as_ref(), sight.app.clock.as_ref()));
            let caller = if let Some(good @ Verified(Ok(_))) = verified {
                Caller { shown: Shown::Verified(good), ..sight.stranger() }
            } else {
                let caller = renew(&sight, refresh).await?;
                // For whoever logs the answer.
                let renewed = sight.app.credential(&caller)?;
                req.extensions_mut().insert(Verified(Ok(renewed)));
                caller
            };
            let session = sight.app.credential(&caller)?.session.get();
            let store = Jar::Store.read(&req);
            Ok(Self { caller: Caller { store, ..caller }, session, sight })
        })
    }
}

/// The panel is for those who run a store or the installation: customers have no business in it, whatever they may do
/// elsewhere.
pub(crate) fn behind_the_counter(cx: &Cx<'_>) -> Result<()> {
    match cx.known()?.role() {
        Role::Owner | Role::Staff | Role::Superuser => Ok(()),
        Role::Customer | Role::Anonymous => Err(Error::Forbidden(Denied::Role)),
    }
}

/// Goes on with a session whose access token is over.
async fn renew(sight: &Sight, refresh: &str) -> Result<Caller, Failure> {
    let token = sight.app.tokens.verify_refresh(refresh, Entrance::Panel, sight.app.clock.now())?;
    let work = move |cx: &mut Cx<'_>| continue_session(cx, &token);
    match sight.app.visit(&sight.stranger(), Access::Write, work).await? {
        Rotation::Fresh(grant) => Ok(sight.keep_session(&grant)?),
        Rotation::Reused => {
            tracing::warn!(
                session = token.session.get(),
                tenant = token.tenant.get(),
                "a refresh token was used twice"
            );
            Err(Failure::SignIn(AuthFailure::BadToken))
        }
        Rotation::Ended(failure) => Err(Failure::SignIn(failure)),
    }
}
