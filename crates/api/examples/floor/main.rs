//! The floor under Haat's figures: three operations with the SQL and the JSON that Haat has for them, on the database
//! that Haat filled, and nothing else: no middleware, no limits, no entity tags, no token. Who is asking is told by a
//! header. `cargo xtask bench` runs it beside Haat and compares the answers.
//!
//! `floor DATABASE_URL PORT [--one-per-commit]`

#[macro_use]
mod statement;
mod postgres;
mod rows;
mod sqlite;

use actix_web::web::{Data, Json, Path, Query, ServiceConfig, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use haat_domain::ports::Clock;
use rows::{Order, Product, ProductOf, Who};
use serde::Deserialize;

/// As Haat has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T, E = String> = std::result::Result<T, E>;

/// What differs between the engines: how a transaction comes about.
trait Store: Clone + Send + 'static {
    async fn products(&self, who: Who, limit: i64) -> Result<Vec<Product>>;
    async fn product(&self, who: Who, id: i64) -> Result<Product>;
    async fn order(&self, who: Who, product: i64, pieces: i64) -> Result<Order>;
}

fn string(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn now() -> i64 {
    haat_infra::clock::SystemClock.now().as_micros()
}

/// `X-Floor: tenant user session`
fn who(req: &HttpRequest) -> Option<Who> {
    let header = req.headers().get("x-floor")?.to_str().ok()?;
    let mut numbers = header.split(' ').map_while(|number| number.parse().ok());
    Some(Who { tenant: numbers.next()?, user: numbers.next()?, session: numbers.next()? })
}

fn failed(why: String) -> HttpResponse {
    HttpResponse::InternalServerError().body(why)
}

#[derive(Deserialize)]
struct Page {
    limit: i64,
}

async fn products<S: Store>(store: Data<S>, req: HttpRequest, page: Query<Page>) -> HttpResponse {
    let Some(who) = who(&req) else { return HttpResponse::Unauthorized().finish() };
    match store.products(who, page.limit).await {
        Ok(found) => {
            HttpResponse::Ok().json(found.iter().map(|one| ProductOf(who.tenant, one)).collect::<Vec<_>>())
        }
        Err(why) => failed(why),
    }
}

async fn product<S: Store>(store: Data<S>, req: HttpRequest, id: Path<i64>) -> HttpResponse {
    let Some(who) = who(&req) else { return HttpResponse::Unauthorized().finish() };
    match store.product(who, *id).await {
        Ok(found) => HttpResponse::Ok().json(ProductOf(who.tenant, &found)),
        Err(why) => failed(why),
    }
}

#[derive(Deserialize)]
struct Wish {
    product: i64,
    quantity: i64,
}

async fn order<S: Store>(store: Data<S>, req: HttpRequest, wish: Json<Wish>) -> HttpResponse {
    let Some(who) = who(&req) else { return HttpResponse::Unauthorized().finish() };
    match store.order(who, wish.product, wish.quantity).await {
        Ok(order) => HttpResponse::Created().json(order),
        Err(why) => failed(why),
    }
}

fn routes<S: Store>(config: &mut ServiceConfig) {
    config
        .route("/api/products/", get().to(products::<S>))
        .route("/api/products/{id}/", get().to(product::<S>))
        .route("/api/orders/", post().to(order::<S>));
}

async fn serve<S: Store>(store: S, port: u16) -> Result<()> {
    HttpServer::new(move || App::new().app_data(Data::new(store.clone())).configure(routes::<S>))
        .bind(("127.0.0.1", port))
        .map_err(string)?
        .run()
        .await
        .map_err(string)
}

#[actix_web::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, port, mode) = match arguments.as_slice() {
        [url, port] => (url, port, None),
        [url, port, mode] => (url, port, Some(mode.as_str())),
        _ => return Err("floor DATABASE_URL PORT [--one-per-commit]".to_owned()),
    };
    let port = port.parse().map_err(string)?;
    match url.strip_prefix("sqlite:") {
        Some(path) => serve(sqlite::Sqlite::open(path, mode == Some("--one-per-commit"))?, port).await,
        None => serve(postgres::Postgres::open(url)?, port).await,
    }
}
