//! The table as a picture: what a request costs, Haat and the floor side by side.

use std::path::Path;

use plotters::prelude::*;

use crate::shell::{Outcome, make_folder, write};

const WIDTH: i32 = 900;
const LEFT: i32 = 300;
const BAR: i32 = 14;
const HAAT: RGBColor = RGBColor(0xb4, 0x53, 0x09);
const FLOOR: RGBColor = RGBColor(0xa8, 0xa2, 0x9e);

struct Bar<'r> {
    label: String,
    server: &'r str,
    ms: f64,
}

/// Draws the rows of the table; logins, which are a hundred times as dear as all else, are left out.
pub(crate) fn draw(file: &Path, rows: &[String]) -> Outcome {
    let bars: Vec<Bar<'_>> = rows.iter().filter_map(|row| bar(row)).collect();
    let most = bars.iter().map(|bar| bar.ms).fold(0.0, f64::max);
    let height = bars.iter().fold(60, |height, bar| height + step(bar));
    let mut svg = String::new();
    let drawn = paint(&mut svg, &bars, most, height);
    drawn.map_err(|error| format!("{}: {error}", file.display()))?;
    file.parent().map_or(Ok(()), make_folder)?;
    write(file, svg)
}

fn bar(row: &str) -> Option<Bar<'_>> {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let [_, engine, request, server, _, _, _, ms, ..] = cells.as_slice() else { return None };
    let bar = Bar { label: format!("{engine}: {request}"), server, ms: ms.parse().ok()? };
    (*request != super::workloads::Workload::Login.title()).then_some(bar)
}

/// Haat's bar begins a group.
fn step(bar: &Bar<'_>) -> i32 {
    if bar.server == "Haat" { BAR + 8 } else { BAR }
}

fn paint(
    svg: &mut String,
    bars: &[Bar<'_>],
    most: f64,
    height: i32,
) -> Result<(), Box<dyn std::error::Error>> {
    let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    area.fill(&WHITE)?;
    let font = ("sans-serif", 12).into_font();
    let title = "CPU milliseconds of the server for one request, PostgreSQL's own not among them";
    area.draw(&Text::new(title, (12, 10), ("sans-serif", 14).into_font()))?;
    for (name, colour, left) in [("Haat", HAAT, LEFT), ("the floor", FLOOR, LEFT + 70)] {
        area.draw(&Rectangle::new([(left, 32), (left + 10, 42)], colour.filled()))?;
        area.draw(&Text::new(name, (left + 15, 31), font.clone()))?;
    }
    let mut top = 44;
    for bar in bars {
        let ours = bar.server == "Haat";
        top += step(bar);
        if ours {
            area.draw(&Text::new(bar.label.clone(), (12, top), font.clone()))?;
        }
        let end = LEFT + length(bar.ms, most);
        let colour = if ours { HAAT } else { FLOOR };
        area.draw(&Rectangle::new([(LEFT, top), (end, top + BAR - 2)], colour.filled()))?;
        area.draw(&Text::new(format!("{:.3}", bar.ms), (end + 5, top), font.clone()))?;
    }
    area.present()?;
    Ok(())
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "pixels, at most the picture's width"
)]
fn length(ms: f64, most: f64) -> i32 {
    (ms / most.max(f64::MIN_POSITIVE) * f64::from(WIDTH - LEFT - 60)) as i32
}
