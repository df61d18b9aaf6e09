//! Line charts as SVG. Lines differ in their dashes as well as in their colours.

use std::fmt::Write as _;

/// The area of the lines, in units of the drawing.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 632.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 240.0;

/// The most points of a line. A longer history is thinned out.
const MAX_POINTS: usize = 1000;

/// A chart.
#[derive(askama::Template)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    /// What the vertical axis shows.
    name: String,
    x_name: &'static str,
    lines: Vec<Line>,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    /// The path of the diagonal, in a chart of shares.
    diagonal: Option<String>,
}

/// A line as an SVG path, with its name.
struct Line {
    name: String,
    path: String,
    /// Its last value, to read.
    last: String,
    marks: Vec<(String, String)>,
}

/// A number on an axis.
struct Tick {
    at: String,
    text: String,
}

/// The points of a line, and its name.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    /// Whether each point is marked.
    pub(crate) is_marked: bool,
}

impl Chart {
    /// A chart of these lines by epoch; `None` without points.
    pub(crate) fn by_epoch(name: &str, series: Vec<Series>) -> Option<Self> {
        let values = || series.iter().flat_map(|it| &it.points);
        let (low, high) = bounds(values().map(|&(_, y)| y))?;
        let (_, last) = bounds(values().map(|&(x, _)| x))?;
        Some(Self::new(name, "epoch", series, (1.0, last.max(2.0)), (low, high)))
    }

    /// A chart of shares by shares, with the diagonal.
    pub(crate) fn of_shares(name: &str, x_name: &'static str, series: Vec<Series>) -> Self {
        let all = (0.0, 1.0);
        let diagonal = format!("M{LEFT:.1} {BOTTOM:.1}L{RIGHT:.1} {TOP:.1}");
        Self { diagonal: Some(diagonal), ..Self::new(name, x_name, series, all, all) }
    }

    fn new(
        name: &str,
        x_name: &'static str,
        series: Vec<Series>,
        (x_low, x_high): (f64, f64),
        (low, high): (f64, f64),
    ) -> Self {
        let y_steps = steps(low, high);
        let (low, high) = (
            y_steps.first().copied().unwrap_or(low).min(low),
            y_steps.last().copied().unwrap_or(high).max(high),
        );
        let x_of = |x: f64| LEFT + (RIGHT - LEFT) * (x - x_low) / (x_high - x_low);
        let y_of = |y: f64| BOTTOM - (BOTTOM - TOP) * (y - low) / (high - low);
        let line = |Series { name, points, is_marked }: Series| {
            let every = points.len().div_ceil(MAX_POINTS).max(1);
            let last = points.last().map_or_else(String::new, |(_, y)| format!("{y:.4}"));
            let mut path = String::new();
            let is_shown = |&(index, _): &(usize, &(f64, f64))| {
                index.is_multiple_of(every) || index + 1 == points.len()
            };
            for (index, (x, y)) in points.iter().enumerate().filter(is_shown) {
                let command = if index == 0 { 'M' } else { 'L' };
                _ = write!(path, "{command}{:.1} {:.1}", x_of(*x), y_of(*y));
            }
            let mark =
                |(x, y): &(f64, f64)| (format!("{:.1}", x_of(*x)), format!("{:.1}", y_of(*y)));
            let marks = if is_marked { points.iter().map(mark).collect() } else { Vec::new() };
            Line { name, path, last, marks }
        };
        let tick = |at: f64, value: f64| Tick { at: format!("{at:.1}"), text: plain(value) };
        let x_steps = steps(x_low, x_high).into_iter();
        Self {
            name: name.into(),
            x_name,
            lines: series.into_iter().map(line).collect(),
            x_ticks: x_steps
                // An epoch is a whole number, in a chart of more than shares.
                .filter(|&x| (x_low..=x_high).contains(&x) && (x.fract() == 0.0 || x_high <= 1.0))
                .map(|x| tick(x_of(x), x))
                .collect(),
            y_ticks: y_steps.iter().map(|&y| tick(y_of(y), y)).collect(),
            diagonal: None,
        }
    }
}

/// The least and the largest number; `None` without any that are finite.
fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |bounds, value| {
        let (low, high) = bounds.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// Round numbers that enclose a range: 1, 2 or 5 times a power of ten apart, at most about seven of them.
fn steps(low: f64, high: f64) -> Vec<f64> {
    let range = if high > low { high - low } else { high.abs().max(1.0) };
    let power = 10_f64.powf((range / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
    let step = step.into_iter().find(|step| range / step <= 5.0).unwrap_or(range);
    let (first, last) =
        ((low / step).floor(), (high / step - 1e-9).ceil().max((low / step).floor() + 1.0));
    (0..=(last - first) as u32).map(|i| (first + f64::from(i)) * step).collect()
}

/// A number of an axis without trailing zeros.
fn plain(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose_the_values() {
        let check = |low: f64, high: f64, expected: &str| {
            let texts: Vec<String> = steps(low, high).into_iter().map(plain).collect();
            assert_eq!(texts.join(" "), expected);
        };
        check(0.0, 1.0, "0 0.2 0.4 0.6 0.8 1");
        check(1.0, 10.0, "0 2 4 6 8 10");
        check(0.31, 0.52, "0.3 0.35 0.4 0.45 0.5 0.55");
        check(3.0, 3.0, "3 4");
        check(-0.2, 1.1, "-0.5 0 0.5 1 1.5");
        check(0.0, 2e-5, "0 5.0e-6 1.0e-5 1.5e-5 2.0e-5");
    }

    #[test]
    fn long_lines_are_thinned_out_and_keep_their_end() {
        let points = (1..=12_345).map(|x| (f64::from(x), 1.0 / f64::from(x))).collect();
        let series = Series { name: "loss".into(), points, is_marked: false };
        let chart = Chart::by_epoch("loss", vec![series]).unwrap();
        let path = &chart.lines[0].path;
        assert!(path.matches('L').count() <= 1001, "{}", path.matches('L').count());
        assert!(path.ends_with(&format!("L{RIGHT:.1} {BOTTOM:.1}")), "{path}");
    }
}
