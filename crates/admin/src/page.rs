//! What every page has around it.

use crate::Panel;
use crate::assets::{ICON, SCRIPT, STYLE};
use crate::desk::Sight;
use crate::flash::Flash;
use crate::form::TOKEN;
use crate::session::Jar;
use crate::show::{self, Amounts};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use haat_domain::authz::{Action, Role, Verdict, verdict};
use haat_domain::cx::Cx;
use haat_domain::error::{Denied, Error, Result};
use haat_domain::money::{Currency, Money};
use haat_domain::tenancy::{Tenant, read_store};
use haat_domain::time::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

/// Whom a page is for, as their row says while it is made.
pub(crate) struct Who {
    name: String,
    pub(crate) role: Role,
    pub(crate) store: Option<Tenant>,
}

impl Who {
    /// Whoever is acting.
    pub(crate) fn of(cx: &mut Cx<'_>) -> Result<Self> {
        let actor = cx.known()?;
        let (name, role, tenant) = (actor.name().to_owned(), actor.role(), actor.tenant());
        let store = if tenant.is_platform() { None } else { Some(read_store(cx)?) };
        Ok(Self { name, role, store })
    }
}

/// What is around one page.
pub(crate) struct Frame {
    pub(crate) sight: Sight,
    /// What every form must hold.
    token: Markup,
    who: Who,
    /// The store that a platform admin has entered.
    entered: Option<String>,
    amounts: Option<Amounts>,
}

/// A link of the navigation: who may do this sees it.
struct Item(&'static str, &'static str, Action);

const STORE: &[Item] = &[
    Item("/", "Dashboard", Action::ReadReports),
    Item("/orders/", "Orders", Action::UpdateOrder),
    Item("/products/", "Products", Action::UpdateProduct),
    Item("/customers/", "Customers", Action::ReadCustomers),
    Item("/users/", "Users", Action::ReadUsers),
    Item("/invitations/", "Invitations", Action::ReadInvitations),
    Item("/audit/", "Audit log", Action::ReadAudit),
    Item("/store/", "Settings", Action::UpdateStore),
];

const PLATFORM: &[Item] = &[
    Item("/platform/tenants/", "Stores", Action::ReadTenants),
    Item("/platform/admins/", "Admins", Action::ReadAdmins),
    Item("/platform/health/", "Health", Action::ReadTenants),
];

impl Frame {
    pub(crate) fn new(sight: Sight, token: Markup, who: Who, entered: Option<String>) -> Self {
        let amounts = who.store.as_ref().map(|store| Amounts::new(store.currency));
        let entered = entered.filter(|_| who.role == Role::Superuser);
        Self { sight, token, who, entered, amounts }
    }

    /// The store that the page is about.
    pub(crate) const fn store(&self) -> Option<&Tenant> {
        self.who.store.as_ref()
    }

    /// Whether the viewer may do this: what they may not is not offered.
    pub(crate) fn may(&self, action: Action) -> bool {
        verdict(self.who.role, action) != Verdict::Deny
    }

    /// A path of the panel as links have it.
    pub(crate) fn at(&self, path: &str) -> String {
        self.sight.at(path)
    }

    /// The whole address of a page, for somebody who is elsewhere.
    pub(crate) fn link(&self, path: &str) -> String {
        let scheme = if self.sight.seen.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.sight.host(), self.at(path))
    }

    /// An amount in the store's currency.
    pub(crate) fn money(&self, amount: Money) -> String {
        self.amounts.as_ref().map_or_else(|| amount.to_string(), |amounts| amounts.money(amount))
    }

    /// The same without its decimals.
    pub(crate) fn roughly(&self, amount: Money) -> String {
        self.amounts.as_ref().map_or_else(|| amount.to_string(), |amounts| amounts.roughly(amount))
    }

    /// The store's currency.
    pub(crate) fn currency(&self) -> Result<Currency> {
        let store = self.store().ok_or(Error::Forbidden(Denied::StoreRequired))?;
        Ok(store.currency)
    }

    /// The currency's symbol.
    pub(crate) fn symbol(&self) -> &str {
        self.amounts.as_ref().map_or("", Amounts::symbol)
    }

    /// A time in the viewer's zone.
    pub(crate) fn time(&self, at: Timestamp) -> Markup {
        show::time(at, &self.sight.zone)
    }

    /// What every form must hold.
    pub(crate) fn token(&self) -> PreEscaped<&str> {
        PreEscaped(&self.token.0)
    }

    /// The page.
    pub(crate) fn page(&self, title: &str, body: impl Render) -> HttpResponse {
        self.answer(StatusCode::OK, title, body)
    }

    /// The page with another status: what was sent could not be done.
    pub(crate) fn answer(&self, status: StatusCode, title: &str, body: impl Render) -> HttpResponse {
        self.list(status, title, &body.render(), &[])
    }

    /// The same with rows at the body's [`PLACE`]. They are most of a long list, and copied once, to where there is
    /// room for all.
    pub(crate) fn list(
        &self,
        status: StatusCode,
        title: &str,
        body: &Markup,
        rows: &[Markup],
    ) -> HttpResponse {
        self.sight.said();
        let whole = self.whole(title);
        let ((before, after), (above, below)) = (halves(&whole), halves(body));
        let rows = rows.iter().map(|row| row.0.as_str());
        let page: Vec<_> = [before, above].into_iter().chain(rows).chain([below, after]).collect();
        HttpResponse::build(status).insert_header((CONTENT_TYPE, HTML)).body(page.concat())
    }

    /// The page, with a [`PLACE`] for its body.
    pub(crate) fn whole(&self, title: &str) -> Markup {
        let store = self.store().map(|store| store.name.as_str());
        let inner = html! {
            @if let Some(slug) = &self.entered { (self.banner(slug)) }
            header.top {
                a.brand href=(self.at("/")) { "Haat" }
                span.store title=[store] { (store.unwrap_or("Platform")) }
                nav.main aria-label="Main" {
                    @if self.store().is_some() || self.entered.is_some() {
                        @for item in STORE { (self.item(item)) }
                        @if self.who.role == Role::Superuser { hr; }
                    }
                    @for item in PLATFORM { (self.item(item)) }
                }
                div.who {
                    a href=(self.at("/account/")) aria-current=[self.is_here("/account/").then_some("page")] { (self.who.name) }
                    span.role { @if self.who.role == Role::Superuser { "platform admin" } @else { (self.who.role) } }
                    form method="post" action=(self.at("/sign-out/")) {
                        (self.token())
                        button.quiet type="submit" { "Sign out" }
                    }
                }
            }
            main #main tabindex="-1" {
                @if let Some(flash) = self.sight.flash { (flash_of(flash)) }
                (PLACE)
            }
        };
        document(&self.sight.panel, self.sight.theme, &titled(title, store), None, inner)
    }

    fn banner(&self, slug: &str) -> Markup {
        let name = self.store().map_or(slug, |store| store.name.as_str());
        html! {
            div.banner role="region" aria-label="Visit" {
                span { "You are in " b { (name) } " as a platform admin. Whatever you do here is in the store's audit log." }
                form method="post" action=(self.at("/platform/leave/")) {
                    (self.token())
                    button.link type="submit" { "Leave the store" }
                }
            }
        }
    }

    fn item(&self, Item(path, name, action): &Item) -> Markup {
        html! {
            @if self.may(*action) {
                a href=(self.at(path)) aria-current=[self.is_here(path).then_some("page")] { (name) }
            }
        }
    }

    fn is_here(&self, path: &str) -> bool {
        if path == "/" { self.sight.path == "/" } else { self.sight.path.starts_with(path) }
    }
}

impl Sight {
    /// Has the browser forget what was just said.
    pub(crate) fn said(&self) {
        if self.flash.is_some() {
            self.empty(Jar::Flash);
        }
    }

    /// What every form at the door must hold.
    pub(crate) fn token(&self) -> Markup {
        token(&self.seed.token(0))
    }

    /// A page for somebody who is not signed in.
    pub(crate) fn door(&self, status: StatusCode, title: &str, body: impl Render) -> HttpResponse {
        self.said();
        let body = html! {
            @if let Some(flash) = self.flash { (flash_of(flash)) }
            (body)
        };
        let page = document(
            &self.panel,
            self.theme,
            &titled(title, None),
            Some("door"),
            html! { main #main .card tabindex="-1" { (body) } },
        );
        HttpResponse::build(status).insert_header((CONTENT_TYPE, HTML)).body(page.into_string())
    }

    /// Sends the browser to another page of the panel, by GET.
    pub(crate) fn go(&self, path: &str, flash: Option<Flash>) -> HttpResponse {
        if let Some(flash) = flash {
            self.keep(Jar::Flash, flash.name().to_owned());
        }
        HttpResponse::SeeOther().insert_header((LOCATION, self.at(path))).finish()
    }
}

/// Where something will stand that is long, or made later. Nothing that somebody typed looks like that: its `<` is
/// escaped.
pub(crate) const PLACE: PreEscaped<&str> = PreEscaped("<!--place-->");

/// What stands before the place, and what after it.
pub(crate) fn halves(markup: &Markup) -> (&str, &str) {
    markup.0.split_once(PLACE.0).unwrap_or((&markup.0, ""))
}

/// The media type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// What every form must hold.
pub(crate) fn token(token: &str) -> Markup {
    html! { input type="hidden" name=(TOKEN) value=(token); }
}

fn flash_of(flash: Flash) -> Markup {
    html! { div.flash role="status" { (flash.said()) } }
}

fn titled(title: &str, store: Option<&str>) -> String {
    [Some(title), store, Some("Haat")].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// A page of one card, for whoever it is.
pub(crate) fn card(panel: &Panel, title: &str, body: impl Render) -> Markup {
    document(
        panel,
        None,
        &titled(title, None),
        Some("door"),
        html! { main #main .card tabindex="-1" { (body) } },
    )
}

fn document(
    panel: &Panel,
    theme: Option<&str>,
    title: &str,
    class: Option<&str>,
    body: impl Render,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href=(STYLE.address(panel));
                link rel="icon" href=(ICON.address(panel)) type="image/svg+xml";
                script src=(SCRIPT.address(panel)) type="module" {}
            }
            body class=[class] {
                a.skip href="#main" { "Skip to content" }
                (body)
            }
        }
    }
}
