//! A customer's errand, through a client that progenitor has made from openapi.json: see `cargo xtask clients`.

use std::error::Error;

use api::{Client, types};
use reqwest::header::{AUTHORIZATION, HeaderMap};

/// Made at compile time; the document is derived from openapi.json by crates/xtask/src/openapi30.rs.
mod api {
    progenitor::generate_api!("openapi-3.0.json");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("HAAT_URL")?;
    let (username, password) = (std::env::var("HAAT_USERNAME")?, std::env::var("HAAT_PASSWORD")?);

    let credentials =
        types::Credentials { username: username.parse()?, password: password.parse()?, store: None };
    let tokens = Client::new(&url).login(&credentials).await?.into_inner();
    println!("rust: logged in as {username}, {}", tokens.role);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {}", tokens.access).parse()?);
    let http = reqwest::Client::builder().default_headers(headers).build()?;
    let client = Client::new_with_client(&url, http);

    let dearest_first = "-price".parse()?;
    let products = client
        .list_products(None, Some(true), 10.try_into().ok(), None, None, Some(&dearest_first), None, None, None, None)
        .await?
        .into_inner();
    let dearest = products.first().ok_or("no products")?;
    println!("rust: {} products, the dearest is {}", products.len(), dearest.name);

    let wish = types::OrderInput {
        product: Some(i64::try_from(dearest.id.get())?),
        quantity: 1.try_into().ok(),
        lines: None,
        customer: None,
    };
    // As if the first answer had been lost: sent again under the same key, it is the same order.
    let key: types::PlaceOrderIdempotencyKey = format!("errand-{}", std::process::id()).parse()?;
    let placed = client.place_order(Some(&key), None, &wish).await?.into_inner();
    let again = client.place_order(Some(&key), None, &wish).await?.into_inner();
    if again.id != placed.id {
        return Err(format!("{} and {} under one key", placed.number, again.number).into());
    }
    let found = client.get_order(i64::try_from(placed.id.get())?, None, None).await?.into_inner();
    if found.total_price != dearest.price || found.status.as_str() != "pending" {
        return Err(format!("{found:?}").into());
    }
    println!("rust: order {} is {}, {} {}", found.number, found.status.as_str(), found.total_price, found.currency);

    match client.get_order(9_007_199_254_740_991, None, None).await {
        Err(api::Error::ErrorResponse(problem)) if problem.code == "not_found" => {
            println!("rust: a missing order is {} {}", problem.status().as_u16(), problem.code);
            Ok(())
        }
        other => Err(format!("not_found was expected: {other:?}").into()),
    }
}
