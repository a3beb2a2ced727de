//! A file that is sent with a form.

use super::turns::Turn;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::form::{TOKEN, read, same_site};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, block};
use actix_web::{FromRequest, HttpRequest};
use futures_core::Stream;
use haat_domain::authz::Action;
use haat_domain::error::Error;
use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::Write;
use std::pin::Pin;
use std::time::Duration;

/// What a form has beside its file, in bytes: boundaries, headers, and the few short fields.
const AROUND: usize = 16 * 1024;
/// The longest of those fields.
const SHORT: usize = 256;
/// A form has four parts; a few more hurt nobody.
const PARTS: usize = 16;
/// A whole file may take so many times as long as one piece of it.
const PATIENCE: u32 = 20;
/// So much is gathered before it is written.
const PIECE: usize = 256 * 1024;

/// A form with a file that somebody at a desk has sent from one of our pages.
pub(super) struct Upload {
    pub(super) desk: Desk,
    /// The file; none if none was chosen.
    pub(super) file: Option<File>,
    /// The button that was pressed.
    pub(super) button: String,
    /// The store's turn.
    pub(super) turn: Turn,
}

impl FromRequest for Upload {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let desk = Desk::from_request(&req, &mut payload).await?;
            same_site(&req)?;
            // Whoever may not do this has nothing stored here.
            desk.admit(Action::UpdateProduct).await?;
            let kind =
                req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            if !kind.starts_with("multipart/form-data") {
                let fields = read(&req, &desk.sight, desk.session, payload).await?;
                let turn = turn(&desk)?;
                return Ok(Self { desk, file: None, button: fields.get("do").to_owned(), turn });
            }
            let limit = desk.sight.panel.import_limit;
            let parts = Parts {
                wait: desk.sight.panel.body_time,
                limit,
                left: limit.saturating_add(AROUND),
                fields: PARTS,
                stream: Multipart::new(req.headers(), payload),
            };
            let (whole, receive) = (parts.wait * PATIENCE, parts.receive(desk, &req));
            tokio::time::timeout(whole, receive).await.unwrap_or(Err(Failure::Slow))
        })
    }
}

/// The turn of the store that somebody is in.
fn turn(desk: &Desk) -> Result<Turn, Failure> {
    let home = desk.sight.app.credential(&desk.caller)?.tenant;
    let store = desk.caller.store.as_deref().filter(|_| home.is_platform());
    let store = store.map_or_else(|| home.to_string(), |name| format!("{home}/{name}"));
    desk.sight.panel.imports.take(store).map_err(Failure::Domain)
}

struct Parts {
    stream: Multipart,
    /// How long the next piece may take.
    wait: Duration,
    limit: usize,
    /// How many bytes may still come, and how many parts.
    left: usize,
    fields: usize,
}

impl Parts {
    async fn receive(mut self, desk: Desk, req: &HttpRequest) -> Result<Upload, Failure> {
        let first = self.next().await?;
        let Some(first) = first.filter(|field| field.name() == Some(TOKEN)) else {
            return Err(Failure::Forged);
        };
        let token = self.text(first).await?;
        if !desk.sight.seed.vouches(desk.session, &token) {
            return Err(Failure::Forged);
        }
        let announced =
            req.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let turn = match turn(&desk) {
            Ok(turn) => turn,
            Err(wait) => {
                self.drain().await;
                return Err(wait);
            }
        };
        let mut upload = Upload { desk, file: None, button: String::new(), turn };
        let read = if announced.is_some_and(|length: usize| length > self.left) {
            Err(Failure::TooLarge(self.limit))
        } else {
            self.rest(&mut upload).await
        };
        if matches!(read, Err(Failure::TooLarge(_))) {
            self.drain().await;
        }
        read.map(|()| upload)
    }

    async fn rest(&mut self, upload: &mut Upload) -> Result<(), Failure> {
        while let Some(field) = self.next().await? {
            match field.name().unwrap_or_default() {
                "file" => upload.file = self.file(field).await?,
                "do" => upload.button = self.text(field).await?,
                _ => drop(self.text(field).await?),
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Field>, Failure> {
        self.fields = self.fields.checked_sub(1).ok_or(Failure::TooLarge(self.limit))?;
        let next = poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx));
        within(self.wait, next).await
    }

    async fn piece(&mut self, field: &mut Field) -> Result<Option<Bytes>, Failure> {
        let next = poll_fn(|cx| Pin::new(&mut *field).poll_next(cx));
        let Some(piece) = within(self.wait, next).await? else { return Ok(None) };
        self.left = self.left.checked_sub(piece.len()).ok_or(Failure::TooLarge(self.limit))?;
        Ok(Some(piece))
    }

    async fn text(&mut self, mut field: Field) -> Result<String, Failure> {
        let mut text = BytesMut::new();
        while let Some(piece) = self.piece(&mut field).await? {
            if text.len() + piece.len() > SHORT {
                return Err(Failure::TooLarge(SHORT));
            }
            text.extend_from_slice(&piece);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Puts a file on the disk, where nobody finds it by a name, and whence it goes when it is closed.
    async fn file(&mut self, mut field: Field) -> Result<Option<File>, Failure> {
        let named = field.content_disposition().and_then(|disposition| disposition.get_filename());
        let chosen = named.is_some_and(|name| !name.is_empty());
        let mut file = on_disk(tempfile::tempfile).await?;
        let (mut gathered, mut size) = (BytesMut::new(), 0);
        while let Some(piece) = self.piece(&mut field).await? {
            size += piece.len();
            if size > self.limit {
                return Err(Failure::TooLarge(self.limit));
            }
            gathered.extend_from_slice(&piece);
            if gathered.len() >= PIECE {
                file = written(file, gathered.split()).await?;
            }
        }
        let file = written(file, gathered).await?;
        Ok((chosen || size > 0).then_some(file))
    }

    /// A browser reads no answer before it has sent everything: for a while the rest is taken and thrown away.
    async fn drain(&mut self) {
        let wait = self.wait;
        drop(tokio::time::timeout(wait, self.take_all()).await);
    }

    async fn take_all(&mut self) {
        (self.left, self.fields) = (usize::MAX, usize::MAX);
        while let Ok(Some(mut field)) = self.next().await {
            while let Ok(Some(_)) = self.piece(&mut field).await {}
        }
    }
}

async fn written(mut file: File, piece: BytesMut) -> Result<File, Failure> {
    on_disk(move || file.write_all(&piece).map(|()| file)).await
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let done = block(work).await.map_err(Error::internal).and_then(|done| done.map_err(Error::internal));
    done.map_err(Failure::Domain)
}

/// What comes next, if it comes in time.
async fn within<T>(
    wait: Duration,
    next: impl Future<Output = Option<Result<T, MultipartError>>>,
) -> Result<Option<T>, Failure> {
    let next = tokio::time::timeout(wait, next).await.map_err(|_| Failure::Slow)?;
    next.transpose().map_err(|broken| Failure::Malformed(broken.to_string()))
}
