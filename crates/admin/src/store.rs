//! The store's settings.

use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted};
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::ui::{Input, badge, head, problem};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::{Error as WebError, HttpResponse};
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors, Result};
use haat_domain::money::Currency;
use haat_domain::ports::Access;
use haat_domain::tenancy::{StoreName, Tenant, TenantPatch, lock_store, read_store, update_store};
use maud::{Markup, html};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = WebError, InitError = ()>,
{
    pages.get("/store/", Rule::Needs(Action::ReadStore), show).post(
        "/store/",
        Rule::Needs(Action::UpdateStore),
        change,
    )
}

const TITLE: &str = "Settings";

fn fields(store: &Tenant) -> Fields {
    let (name, currency) = (store.name.as_str(), store.currency.code());
    Fields::default()
        .with("name", name)
        .with("was_name", name)
        .with("currency", currency)
        .with("was_currency", currency)
}

async fn show(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, store) = desk.show(Access::Read, Action::ReadStore, read_store).await?;
    Ok(frame.page(TITLE, body(&frame, &store, &Draft::of(fields(&store)))))
}

async fn change(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    match really(&desk, &typed).await {
        Ok(_) => Ok(desk.sight.go("/store/", Some(Flash::StoreChanged))),
        Err(failure) => {
            let mut draft = Draft::refused(typed, failure)?;
            let (frame, store) = desk.show(Access::Read, Action::ReadStore, read_store).await?;
            // Whoever has read how it is now may overwrite it.
            draft.typed =
                draft.typed.set("was_name", store.name.as_str()).set("was_currency", store.currency.code());
            Ok(frame.answer(StatusCode::CONFLICT, TITLE, body(&frame, &store, &draft)))
        }
    }
}

async fn really(desk: &Desk, typed: &Fields) -> Result<Tenant, Failure> {
    let mut errors = FieldErrors::default();
    let changed = |name: &str, was: &str| typed.get(name) != typed.get(was);
    let (name, currency) = (changed("name", "was_name"), changed("currency", "was_currency"));
    let patch = TenantPatch {
        name: if name { errors.check("name", StoreName::parse(typed.get("name"))) } else { None },
        currency: if currency {
            errors.check("currency", Currency::parse(typed.get("currency")))
        } else {
            None
        },
    };
    let seen = typed.clone();
    let work = move |cx: &mut Cx<'_>| {
        errors.finish()?;
        let now = lock_store(cx)?;
        let renamed = name && now.name.as_str() != seen.get("was_name");
        let revalued = currency && now.currency.code() != seen.get("was_currency");
        if renamed || revalued { Err(Error::Stale) } else { update_store(cx, patch) }
    };
    desk.act(Action::UpdateStore, work).await
}

fn body(frame: &Frame, store: &Tenant, draft: &Draft) -> Markup {
    let currencies = Currency::all().iter().map(|currency| (currency.code(), currency.code()));
    html! {
        (head(frame, None, TITLE, &html! {}))
        (problem(draft))
        @if draft.problem.is_some() {
            p { "As it is now: " (store.name.as_str()) ", " (store.currency) }
        }
        div.columns {
            @if frame.may(Action::UpdateStore) {
                form.form.card method="post" action=(frame.at("/store/")) data-guard {
                    (frame.token())
                    @for name in ["was_name", "was_currency"] {
                        input type="hidden" name=(name) value=(draft.typed.get(name));
                    }
                    (Input::text(draft, "name", "Name").required().max(100).hint("Customers register with it. No other store may have it."))
                    (Input::choice(draft, "currency", "Currency", currencies)
                        .hint("Of all prices and orders. It can be changed while there are no products."))
                    div.buttons { button.button.primary type="submit" { "Save" } }
                }
            }
            section.card {
                h2 { "About" }
                dl.facts {
                    @if !frame.may(Action::UpdateStore) {
                        dt { "Name" } dd { (store.name.as_str()) }
                        dt { "Currency" } dd { (store.currency) }
                    }
                    dt { "In addresses" } dd { code { (store.slug.as_str()) } }
                    dt { "Status" } dd { (badge(store.status.name())) }
                    dt { "Opened" } dd { (frame.time(store.created_at)) }
                }
            }
        }
    }
}
