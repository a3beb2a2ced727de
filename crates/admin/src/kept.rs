//! What somebody has typed and sent when their session was over already: it goes through the door with them, in hidden
//! fields of the door's own form, and is sent again when they say so. Nothing of it stays on the server.

use crate::Panel;
use crate::desk::{Desk, Sight};
use crate::door;
use crate::form::{DOOR_LIMIT, Fields, ONCE, TOKEN, read_all, same_site};
use crate::show::capital;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use haat_domain::error::AuthFailure;
use maud::{Markup, html};

/// What a form held: an extension of the request that sent it.
struct Sent(Fields);

/// The field that names the form's page, and what stands before the names of its fields, in a form of the door.
const TO: &str = "kept_to";
const PREFIX: &str = "kept-";

/// Notes what was sent, in case that it must be sent again.
pub(crate) fn note(req: &HttpRequest, typed: &Fields) {
    req.extensions_mut().insert(Sent(typed.clone()));
}

/// The same for somebody whom nobody knows any more. What another site has them send is not kept.
pub(crate) async fn read(req: &HttpRequest, payload: Payload) {
    let Some(panel) = req.app_data::<Data<Panel>>().filter(|_| same_site(req).is_ok()) else { return };
    let body = tokio::time::timeout(panel.body_time, read_all(payload, DOOR_LIMIT));
    if let Ok(Ok(body)) = body.await {
        note(req, &Fields::parse(&body));
    }
}

/// The question that is the answer to this request: an extension of it.
struct Asked(HttpResponse);

/// A form from before somebody signed in anew, in another tab, changes nothing. If their browser itself says that it is
/// from a page of this server, they are asked whether to send it again.
pub(crate) fn of_another_session(req: &HttpRequest, desk: &Desk, typed: &Fields) {
    let kept = packed(req.path(), typed);
    let site = req.headers().get("sec-fetch-site");
    if site.is_some_and(|site| site == "same-origin") && tells(&kept) {
        let asked = question(&desk.sight, StatusCode::FORBIDDEN, &kept, &desk.token());
        if let Some(page) = asked {
            req.extensions_mut().insert(Asked(page));
        }
    }
}

/// What somebody was asked instead of an answer.
pub(crate) fn asked(req: &HttpRequest) -> Option<HttpResponse> {
    req.extensions_mut().remove::<Asked>().map(|Asked(page)| page)
}

/// What becomes of it.
pub(crate) enum Fate {
    /// It is on this page of the door.
    Kept(HttpResponse),
    /// It is gone, and must be told to be: it was too long, a file, or of somebody who cannot come back.
    Lost,
    /// There was nothing.
    Nothing,
}

/// What becomes of what somebody has sent who is led to the door.
pub(crate) fn fate(req: &HttpRequest, why: AuthFailure) -> Fate {
    let Some(Sent(typed)) = req.extensions_mut().remove::<Sent>() else {
        let kind = req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        return if kind.starts_with("multipart/") { Fate::Lost } else { Fate::Nothing };
    };
    let kept = packed(req.path(), &typed);
    if !tells(&kept) {
        return Fate::Nothing;
    }
    let mut size = form_urlencoded::Serializer::new(String::new());
    size.extend_pairs(kept.iter());
    // The door's own fields need their room as well.
    let fits = size.finish().len() < DOOR_LIMIT / 2;
    match Sight::of(req) {
        Ok(sight) if fits && is_over(why) => {
            Fate::Kept(door::page(&sight, StatusCode::UNAUTHORIZED, KEPT, kept))
        }
        _ => Fate::Lost,
    }
}

const KEPT: &str = "Your session is over, and what you sent was not saved. It is kept on this page: sign in, and you can \
                    send it again.";

/// Whether signing in again helps.
pub(crate) const fn is_over(why: AuthFailure) -> bool {
    matches!(why, AuthFailure::Missing | AuthFailure::BadToken)
}

/// What goes through the door of a form that was sent to this path: no password, and not the token, which was the old
/// session's.
fn packed(to: &str, typed: &Fields) -> Fields {
    let own = typed.iter().filter(|(name, _)| *name != TOKEN && !name.contains("password"));
    own.fold(Fields::default().with(TO, to), |kept, (name, value)| {
        kept.with(&format!("{PREFIX}{name}"), value)
    })
}

/// What a form of the door has with it.
pub(crate) fn within(typed: &Fields) -> impl Iterator<Item = (&str, &str)> {
    typed.iter().filter(|(name, _)| *name == TO || name.starts_with(PREFIX))
}

/// The same as hidden fields.
pub(crate) fn hidden(typed: &Fields) -> Markup {
    html! { @for (name, value) in within(typed) { input type="hidden" name=(name) value=(value); } }
}

/// Whether there is something in it that somebody has typed.
fn tells(kept: &Fields) -> bool {
    kept.iter().any(|(name, value)| is_told(name) && !value.is_empty())
}

/// Whether somebody has typed this: the rest is what forms have in them for the server.
fn is_told(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|name| name != ONCE && name != "back" && !name.starts_with("was_"))
}

/// Asks somebody who has signed in again whether what they had typed shall be sent, if there is something.
pub(crate) fn question(
    sight: &Sight,
    status: StatusCode,
    typed: &Fields,
    token: &Markup,
) -> Option<HttpResponse> {
    let to = typed.filled(TO)?;
    let fields = || typed.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
    let told = typed.iter().filter(|(name, value)| is_told(name) && !value.is_empty());
    let body = html! {
        h1 { "Send it again?" }
        p { "You are signed in. What you had typed was not saved yet." }
        dl.facts {
            @for (name, value) in told {
                dt { (capital(&name.trim_start_matches(PREFIX).replace(['_', '-'], " "))) } dd { (value) }
            }
        }
        form.form method="post" action=(sight.at(door::place(sight, to))) {
            (token)
            @for (name, value) in fields() { input type="hidden" name=(name) value=(value); }
            div.buttons {
                button.button.primary type="submit" { "Send it" }
                a.button href=(sight.at("/")) { "Leave it" }
            }
        }
    };
    Some(sight.door(status, "Send it again?", body))
}
