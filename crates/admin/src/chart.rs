//! Charts as SVG inside a page. Colours are stand-ins that the style sheet replaces, so that a chart is light or dark
//! with its page.

use maud::{Markup, PreEscaped, html};
use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue};
use plotters::prelude::*;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Texts.
const TEXT: RGBColor = RGBColor(1, 2, 3);
/// The lines of the grid.
const GRID: RGBColor = RGBColor(4, 5, 6);
/// What the chart is about.
const SERIES: RGBColor = RGBColor(7, 8, 9);
/// Filled parts of it.
const FILL: RGBColor = RGBColor(10, 11, 12);

/// What a drawing has room for, in its own units.
struct Shape {
    /// How the style sheet calls it.
    class: &'static str,
    /// Width and height of a line's drawing, the room beside it for amounts, and how many days are named.
    line: (u32, u32),
    amounts: u32,
    days: usize,
    /// The width of a drawing of bars, the room beside them for names, and the most letters of one.
    bars: u32,
    names: u32,
    letters: usize,
}

const WIDE: Shape =
    Shape { class: "wide", line: (960, 260), amounts: 90, days: 8, bars: 640, names: 190, letters: 26 };
const NARROW: Shape =
    Shape { class: "narrow", line: (360, 210), amounts: 72, days: 4, bars: 360, names: 150, letters: 18 };

/// Each drawing twice: letters that shrink with a wide one cannot be read on a phone. The style sheet shows the one
/// that fits. `None` where it cannot be drawn.
fn drawings(title: &str, draw: impl Fn(&mut String, &Shape) -> Drawn) -> Option<Markup> {
    let drawing = |shape: &Shape| {
        let mut svg = String::new();
        draw(&mut svg, shape).ok()?;
        Some(titled(title, shape.class, &svg))
    };
    let (wide, narrow) = (drawing(&WIDE)?, drawing(&NARROW)?);
    Some(html! { (wide) (narrow) })
}

/// A value for each day, as a line.
pub(crate) fn line(title: &str, points: &[(String, i64)], show: &dyn Fn(i64) -> String) -> Option<Markup> {
    drawings(title, |svg, shape| draw_line(svg, shape, points, show))
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw_line(
    svg: &mut String,
    shape: &Shape,
    points: &[(String, i64)],
    show: &dyn Fn(i64) -> String,
) -> Drawn {
    let area = SVGBackend::with_string(svg, shape.line).into_drawing_area();
    let last = i64::try_from(points.len())?.max(2) - 1;
    let (unit, most) = scale(points.iter().map(|(_, value)| *value));
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(shape.amounts)
        .build_cartesian_2d(0..last, 0..most)?;
    let day = |index: &i64| {
        usize::try_from(*index)
            .ok()
            .and_then(|index| points.get(index))
            .map_or_else(String::new, |(day, _)| day.clone())
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(("sans-serif", 13).into_font().color(&TEXT))
        .x_labels(shape.days)
        .y_labels(4)
        .x_label_formatter(&day)
        .y_label_formatter(&|value| show(value.saturating_mul(unit)))
        .draw()?;
    let series = || (0_i64..).zip(points.iter().map(|(_, value)| value / unit));
    chart.draw_series(AreaSeries::new(series(), 0, FILL).border_style(SERIES.stroke_width(2)))?;
    chart.draw_series(
        series().filter(|(_, value)| *value > 0).map(|point| Circle::new(point, 3, SERIES.filled())),
    )?;
    area.present()?;
    Ok(())
}

/// A value for each name, as bars from the left, the first on top.
pub(crate) fn bars(title: &str, values: &[(String, i64)], show: &dyn Fn(i64) -> String) -> Option<Markup> {
    drawings(title, |svg, shape| draw_bars(svg, shape, values, show))
}

fn draw_bars(
    svg: &mut String,
    shape: &Shape,
    values: &[(String, i64)],
    show: &dyn Fn(i64) -> String,
) -> Drawn {
    let rows = i32::try_from(values.len())?.max(1);
    let height = u32::try_from(rows)? * 30 + 8;
    let area = SVGBackend::with_string(svg, (shape.bars, height)).into_drawing_area();
    let (unit, most) = scale(values.iter().map(|(_, value)| *value));
    let mut chart = ChartBuilder::on(&area)
        .margin(4)
        // Beside the longest bar there is room for its amount.
        .margin_right(shape.amounts)
        .y_label_area_size(shape.names)
        .build_cartesian_2d(0..most, (0..rows - 1).into_segmented())?;
    // The highest row comes first.
    let place = |row: i32| rows - 1 - row;
    let name = |row: &SegmentValue<i32>| match row {
        SegmentValue::CenterOf(row) => usize::try_from(place(*row))
            .ok()
            .and_then(|row| values.get(row))
            .map_or_else(String::new, |(name, _)| shortened(name, shape.letters)),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_x_axis()
        .axis_style(GRID)
        .label_style(("sans-serif", 13).into_font().color(&TEXT))
        .y_labels(values.len())
        .y_label_formatter(&name)
        .draw()?;
    chart.draw_series((0_i32..).zip(values).map(|(row, (_, value))| {
        let row = place(row);
        let mut bar = Rectangle::new(
            [(0, SegmentValue::Exact(row)), (value / unit, SegmentValue::Exact(row + 1))],
            FILL.filled(),
        );
        bar.set_margin(5, 5, 0, 0);
        bar
    }))?;
    let beside = ("sans-serif", 13).into_font().color(&TEXT).pos(Pos::new(HPos::Left, VPos::Center));
    chart.draw_series((0_i32..).zip(values).map(|(row, (_, value))| {
        let end = (value / unit, SegmentValue::CenterOf(place(row)));
        EmptyElement::at(end) + Text::new(show(*value), (6, 0), beside.clone())
    }))?;
    area.present()?;
    Ok(())
}

/// How much one step of the scale is, and where it ends: a little above the highest value. The library reckons without
/// regard to overflow, so it gets no large numbers.
fn scale(values: impl Iterator<Item = i64>) -> (i64, i64) {
    let most = values.max().unwrap_or_default().max(1);
    let unit = most / 1_000_000_000 + 1;
    let steps = most / unit + 1;
    (unit, steps + steps / 10)
}

fn shortened(name: &str, letters: usize) -> String {
    let short: String = name.chars().take(letters).collect();
    if short.len() < name.len() { format!("{}…", short.trim_end()) } else { short }
}

/// The drawing as an image with a name; the library escapes every text in it.
fn titled(title: &str, class: &str, svg: &str) -> Markup {
    // An SVG inside a page has no declaration of its own, and is as wide as its place.
    let start = svg.find("<svg").and_then(|start| svg.get(start..)).unwrap_or_default();
    let (_, rest) = start.split_once("viewBox").unwrap_or_default();
    let head = format!(
        "<svg role=\"img\" aria-label=\"{title}\" class=\"{class}\" xmlns=\"http://www.w3.org/2000/svg\""
    );
    html! { (PreEscaped(format!("{head} viewBox{rest}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_chart_stay_text() {
        let values = [("<script>alert(1)</script>".to_owned(), 5), ("Tea & more".to_owned(), 3)];
        let svg = bars("Best", &values, &|value| format!("<b>{value}")).unwrap().into_string();
        assert!(
            !svg.contains("<script")
                && !svg.contains("<b>")
                && svg.contains("&lt;script&gt;")
                && svg.contains("Tea &amp; more"),
            "{svg}"
        );
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"Best\"") && !svg.contains("style="), "{svg}");
    }

    #[test]
    fn a_chart_can_be_drawn_of_anything() {
        let show = |value: i64| value.to_string();
        for points in
            [vec![], vec![("a".to_owned(), 0)], vec![("a".to_owned(), i64::MAX), ("b".to_owned(), 1)]]
        {
            assert!(line("x", &points, &show).is_some() && bars("x", &points, &show).is_some(), "{points:?}");
        }
    }
}
