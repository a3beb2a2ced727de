//! `cargo xtask bench`: what a request costs, beside what it would cost at least. docs/performance.md says how it is
//! measured and what came of it.
#![expect(clippy::float_arithmetic, reason = "rates and milliseconds, for people to read")]

mod growth;
mod load;
mod machine;
mod open_loop;
mod options;
mod overload;
mod place;
mod report;
mod subject;
mod workloads;

use crate::shell::{Outcome, tools_folder};
use load::{Sample, wrk};
pub(crate) use options::HELP;
use options::{Engine, Options, Size};
pub(crate) use overload::overload;
use place::Place;
use report::Row;
use subject::Subject;
use workloads::{Buyer, For, Workload, log_in, requests};

/// Does what the arguments say.
pub(crate) fn bench(arguments: &[&str]) -> Outcome {
    let options = Options::parse(arguments)?;
    crate::install(&["wrk", "sqlite3"])?;
    let folder = tools_folder("bench")?;
    subject::build(&folder)?;
    let mut rows = Vec::new();
    for engine in &options.engines {
        println!("\n=== {}", engine.title());
        let place = Place::fill(*engine, options.size, &folder)?;
        rows.extend(table(&place, &options)?);
    }
    println!("\n{}", machine::description());
    println!("{}", report::table(&rows));
    Ok(())
}

/// The load of a row comes from so many connections.
const CONNECTIONS: u32 = 32;

fn table(place: &Place, options: &Options) -> Result<Vec<Row>, String> {
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let floor = Subject::floor(&place.folder, &place.url, None)?;
    let buyers = buyers(&haat, options.size)?;
    compare(&haat, &floor, &buyers)?;
    let wanted = Workload::ALL.into_iter().filter(|one| options.wants(one.name()));
    wanted.map(|workload| measure(place, &haat, &floor, workload, options)).collect()
}

/// Owners of a hundred stores at most, spread over all.
fn buyers(haat: &Subject, size: Size) -> Result<Vec<Buyer>, String> {
    let some = size.tenants.min(100);
    log_in(haat, (0..some).map(|number| 1 + number * (size.tenants / some.max(1))))
}

/// One row: rounds of Haat and of the floor by turns.
fn measure(
    place: &Place,
    haat: &Subject,
    floor: &Subject,
    workload: Workload,
    options: &Options,
) -> Result<Row, String> {
    // Anew each time: a token is good for five minutes.
    let buyers = buyers(haat, options.size)?;
    if workload == Workload::Login {
        return login(place, options);
    }
    let run = |server: For, seconds: u32| {
        let subject = if server == For::Haat { haat } else { floor };
        wrk(place, subject, &requests(workload, server, &buyers), CONNECTIONS, seconds)
    };
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds {
        // The first round warms up.
        let seconds = if round == 0 { 1 } else { options.seconds };
        let (one, other) = (run(For::Haat, seconds)?, workload.has_floor().then(|| run(For::Floor, seconds)));
        if round > 0 {
            ours.push(one);
            floors.extend(other.transpose()?);
        }
    }
    let row = Row {
        engine: place.engine,
        workload,
        haat: report::median(&ours),
        floor: report::median_of(&floors),
    };
    println!("{row}");
    Ok(row)
}

/// Logins with passwords as they are hashed by default: with another server, since the first one's are cheap.
fn login(place: &Place, options: &Options) -> Result<Row, String> {
    let cost = [("HAAT_BCRYPT_COST", "12")];
    let haat = Subject::haat(&place.folder, &place.url, &cost)?;
    // The first login hashes the password anew.
    log_in(&haat, 1..=options.size.tenants.min(4))?;
    let requests = requests(Workload::Login, For::Haat, &log_in(&haat, 1..=1)?);
    let samples: Result<Vec<_>, _> =
        (0..options.rounds).map(|_| wrk(place, &haat, &requests, 4, options.seconds)).collect();
    let row =
        Row { engine: place.engine, workload: Workload::Login, haat: report::median(&samples?), floor: None };
    println!("{row}");
    Ok(row)
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
        let [one, other] = [(haat, For::Haat), (floor, For::Floor)]
            .map(|(subject, server)| buyer.call((subject, server), method, path, body));
        let (one, other) = (one?, other?);
        let same = if method == "GET" { one == other } else { shape(&one) == shape(&other) };
        if !same {
            return Err(format!("{method} {path}: Haat answers\n{one}\nand the floor\n{other}"));
        }
    }
    Ok(())
}

/// What an answer is made of, without its numbers: those of two orders differ.
fn shape(answer: &str) -> String {
    answer.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_orders_have_the_same_shape_and_others_do_not() {
        assert_eq!(shape("{\"id\":12,\"total\":\"3.50\"}"), shape("{\"id\":7,\"total\":\"13.99\"}"));
        assert_ne!(shape("{\"id\":12}"), shape("{\"id\":12,\"total\":\"3.50\"}"));
    }
}
