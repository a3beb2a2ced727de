//! What somebody has typed and sent when their session was over already: the door shows it once more, to be copied. It is
//! not sent again for them. Whoever signs in there may be somebody else, or work in another store.

use crate::Panel;
use crate::desk::Sight;
use crate::door;
use crate::form::{Fields, ONCE, TOKEN, read_all, same_site};
use crate::show::{capital, spoken};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use haat_domain::error::AuthFailure;
use maud::{Markup, html};

/// The largest form that is shown to somebody whose cookie is gone, in bytes.
const LIMIT: usize = 128 * 1024;

/// What a form held: an extension of the request that sent it.
struct Sent(Fields);

/// Notes what was sent, in case that it cannot be done.
pub(crate) fn note(req: &HttpRequest, typed: Fields) {
    req.extensions_mut().insert(Sent(typed));
}

/// The same for somebody whom nobody knows any more. What another site has them send is not shown.
pub(crate) async fn read(req: &HttpRequest, payload: Payload) {
    let Some(panel) = req.app_data::<Data<Panel>>().filter(|_| same_site(req).is_ok()) else { return };
    let body = tokio::time::timeout(panel.body_time, read_all(payload, LIMIT));
    if let Ok(Ok(body)) = body.await {
        note(req, Fields::parse(&body));
    }
}

/// What becomes of it.
pub(crate) enum Fate {
    /// It stands at the door.
    Shown(HttpResponse),
    /// Nobody sees it again, and that must be told: it was too long, a file, nothing but a button.
    Lost,
    /// Nothing was to be done, or it is as good as done.
    Nothing,
}

/// What becomes of what somebody has sent who is led to the door.
pub(crate) fn fate(req: &HttpRequest, why: AuthFailure) -> Fate {
    if req.method() != Method::POST || req.path().ends_with(door::OUT) {
        return Fate::Nothing;
    }
    let sent = req.extensions_mut().remove::<Sent>();
    let typed: Vec<_> = sent.iter().flat_map(|Sent(typed)| typed.iter()).filter(is_told).collect();
    match Sight::of(req) {
        Ok(sight) if !typed.is_empty() && is_over(why) => Fate::Shown(door::page(&sight, &shown(&typed))),
        _ => Fate::Lost,
    }
}

/// Whether signing in again helps.
pub(crate) const fn is_over(why: AuthFailure) -> bool {
    matches!(why, AuthFailure::Missing | AuthFailure::BadToken)
}

/// Whether somebody has typed this and may see it: the rest is passwords, and what forms have in them for the server.
fn is_told((name, value): &(&str, &str)) -> bool {
    let ours = [TOKEN, ONCE, "back"].contains(name) || name.starts_with("was_");
    !ours && !name.contains("password") && !value.is_empty()
}

fn shown(typed: &[(&str, &str)]) -> Markup {
    html! {
        hr;
        h2 { "What you had typed" }
        dl.facts.typed {
            @for (name, value) in typed { dt { (capital(&spoken(name))) } dd { (value) } }
        }
    }
}
