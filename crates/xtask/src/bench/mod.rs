//! `cargo xtask bench`: what a request costs, beside what it would cost at least. docs/performance.md says how it is
//! measured and what came of it.
#![expect(clippy::float_arithmetic, reason = "rates and milliseconds, for people to read")]

mod document;
mod figures;
mod growth;
mod load;
mod machine;
mod open_loop;
mod options;
mod overload;
mod picture;
mod place;
mod report;
mod subject;
mod table;
mod workloads;

use crate::shell::{Outcome, tools_folder};
use figures::Bench;
pub(crate) use options::HELP;
use options::Options;
pub(crate) use overload::overload;

/// Does what the arguments say.
pub(crate) fn bench(arguments: &[&str]) -> Outcome {
    let options = Options::parse(arguments)?;
    crate::install(&["wrk", "sqlite3"])?;
    let folder = tools_folder("bench")?;
    subject::build(&folder)?;
    let bench = Bench { programs: &folder, options: &options };
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    if options.table() {
        for engine in &options.engines {
            println!("\n=== {}", engine.title());
            rows.extend(table::measure_all(&bench, *engine)?);
        }
    }
    for (name, measure) in figures::ALL.iter().filter(|(name, _)| options.wants(name)) {
        println!("\n=== {name}");
        for finding in measure(&bench)? {
            let row = finding.row(name);
            println!("{row}");
            findings.push(row);
        }
    }
    let rows: Vec<_> = rows.iter().flat_map(report::Row::lines).collect();
    println!("\n{}\n", machine::description());
    for (head, lines) in [(report::HEAD, &rows), (figures::HEAD, &findings)] {
        if !lines.is_empty() {
            println!("{head}\n{}\n", lines.join("\n"));
        }
    }
    if let Some(file) = &options.markdown {
        document::write_into(file, arguments, &rows, &findings)?;
    }
    Ok(())
}
