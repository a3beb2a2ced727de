//! What one request costs, of each kind.

use super::figures::Bench;
use super::load::wrk;
use super::options::{Engine, Options};
use super::place::Place;
use super::report::{Row, median_of};
use super::subject::Subject;
use super::workloads::{ASKED, Buyer, For, Workload, buyers, log_in, requests};
use crate::shell::Outcome;

/// The load of a row comes from so many connections.
const CONNECTIONS: u32 = 32;

/// All rows of an engine, on a database of their own.
pub(crate) fn measure_all(bench: &Bench<'_>, engine: Engine) -> Result<Vec<Row>, String> {
    let options = bench.options;
    let place = Place::fill(engine, options.size, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let floor = Subject::floor(&place.folder, &place.url, None)?;
    compare(&haat, &floor, &buyers(&haat, options.size, ASKED)?)?;
    let wanted = Workload::ALL.into_iter().filter(|one| options.wants(one.name()));
    wanted
        .map(|workload| {
            let row = if workload == Workload::Login {
                login(&place, options)?
            } else {
                by_turns(&place, &haat, &floor, workload, options)?
            };
            println!("{}", row.lines().join("\n"));
            Ok(row)
        })
        .collect()
}

/// Rounds of Haat and of the floor by turns.
fn by_turns(
    place: &Place,
    haat: &Subject,
    floor: &Subject,
    workload: Workload,
    options: &Options,
) -> Result<Row, String> {
    // Anew for each row: a token is good for five minutes.
    let buyers = buyers(haat, options.size, ASKED)?;
    let run = |subject: &Subject, server: For, seconds: u32| {
        wrk(place, subject, &requests(workload, server, &buyers), CONNECTIONS, seconds)
    };
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds {
        // The first round warms up.
        let (seconds, counts) = if round == 0 { (1, 0) } else { (options.seconds, 1) };
        ours.extend(Some(run(haat, For::Haat, seconds)?).into_iter().take(counts));
        if workload.has_floor() {
            floors.extend(Some(run(floor, For::Floor, seconds)?).into_iter().take(counts));
        }
    }
    let floor = workload.has_floor().then(|| median_of(&floors));
    Ok(Row { engine: place.engine, workload, haat: median_of(&ours), floor })
}

/// Logins with passwords as they are hashed by default: on another server, since the first one's are cheap.
fn login(place: &Place, options: &Options) -> Result<Row, String> {
    let haat = Subject::haat(&place.folder, &place.url, &[("HAAT_BCRYPT_COST", "12")])?;
    // The first login hashes the password anew.
    let buyers = log_in(&haat, 1..=options.size.tenants.min(4), 1)?;
    let requests = requests(Workload::Login, For::Haat, &buyers);
    let samples: Result<Vec<_>, _> =
        (0..options.rounds).map(|_| wrk(place, &haat, &requests, 4, options.seconds)).collect();
    Ok(Row { engine: place.engine, workload: Workload::Login, haat: median_of(&samples?), floor: None })
}

/// The comparison is fair only if both answer the same: the same bytes to what is read, the same members to an order.
fn compare(haat: &Subject, floor: &Subject, buyers: &[Buyer]) -> Outcome {
    let buyer = buyers.first().ok_or("there is no store")?;
    let product = buyer.products.first().ok_or("there is no product")?;
    let wish = format!("{{\"product\": {product}, \"quantity\": 1}}");
    for (method, path, body) in [
        ("GET", "/api/products/?limit=50", ""),
        ("GET", &format!("/api/products/{product}/"), ""),
        ("POST", "/api/orders/", &wish),
    ] {
        let one = buyer.answer((haat, For::Haat), method, path, body)?;
        let other = buyer.answer((floor, For::Floor), method, path, body)?;
        let same_body =
            if method == "GET" { one.body == other.body } else { shape(&one.body) == shape(&other.body) };
        if one.status != other.status || !same_body {
            let (ours, floors) = (one.body, other.body);
            return Err(format!(
                "{method} {path}: Haat answers {}\n{ours}\nand the floor {}\n{floors}",
                one.status, other.status
            ));
        }
    }
    Ok(())
}

/// What an answer is made of, without its numbers: those of two orders differ.
fn shape(answer: &str) -> String {
    let mut shape: String = answer.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    while shape.contains("00") {
        shape = shape.replace("00", "0");
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_orders_have_the_same_shape_and_others_do_not() {
        assert_eq!(shape("{\"id\":12,\"total\":\"3.50\"}"), shape("{\"id\":7,\"total\":\"13.99\"}"));
        assert_ne!(shape("{\"id\":12}"), shape("{\"id\":null}"));
        assert_ne!(shape("{\"id\":12}"), shape("{\"id\":12,\"total\":\"3.50\"}"));
    }
}
