//! The output of the examples: the lines that they print, and plots of the predictions as SVG.
//!
//! Not an example itself: for cargo, examples are only the files in `examples` and the folders with a `main.rs`.

#![allow(dead_code, reason = "every example compiles it, and each draws one kind")]

use std::{env, error::Error, fs, ops::Range, path::PathBuf};

use nn_core::{MatrixView, Model};
use nn_train::{EpochRecord, TrainingState};
use plotters::{
    coord::{Shift, types::RangedCoordf32},
    prelude::*,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Area<'p> = DrawingArea<SVGBackend<'p>, Shift>;
type Chart<'a, 'p> = ChartContext<'a, SVGBackend<'p>, Cartesian2d<RangedCoordf32, RangedCoordf32>>;

/// Colours that colour-blind readers can distinguish: Okabe and Ito, "Color Universal Design" (2008).
const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const COLOURS: [RGBColor; 3] = [BLUE, ORANGE, GREEN];
const GREY: RGBColor = RGBColor(80, 80, 80);

/// Columns and rows of the decision regions.
const CELLS: usize = 100;

/// Prints the last epoch of a run as the book does.
pub(crate) fn print_epoch(state: &TrainingState) {
    let Some(record) = state.history.last() else { return };
    let (epoch, EpochRecord { train, penalty, learning_rate, .. }) = (state.history.len(), record);
    println!(
        "epoch {epoch:>5}: accuracy {:.3}, loss {:.6} (data {:.6}, regularisation {penalty:.6}), \
         learning rate {learning_rate:.6}",
        train.accuracy,
        train.loss + penalty,
        train.loss,
    );
}

/// Returns and prints the path of the picture: the first argument, or `plots/NAME.svg` in cargo's target folder. The
/// program itself is in that folder's `debug/examples`.
fn path(name: &str) -> Result<PathBuf> {
    let path = match env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => {
            let program = env::current_exe()?;
            let target =
                program.ancestors().nth(3).ok_or("the program is not in a target folder")?;
            target.join("plots").join(name).with_extension("svg")
        }
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    println!("picture: {}", path.display());
    Ok(path)
}

/// Labelled axes under a title.
fn chart<'a, 'p>(
    area: &'a Area<'p>,
    title: &str,
    x: Range<f32>,
    y: Range<f32>,
    names: [&str; 2],
) -> Result<Chart<'a, 'p>> {
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 19))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(58)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_labels(11)
        .y_labels(11)
        .x_label_formatter(&|x| tenths(*x))
        .y_label_formatter(&|y| tenths(*y))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 16))
        .x_desc(names[0])
        .y_desc(names[1])
        .draw()?;
    Ok(chart)
}

/// A label with one decimal, and never `-0.0`.
fn tenths(x: f32) -> String {
    format!("{:.1}", (10.0 * x).round() / 10.0 + 0.0)
}

/// Draws the predicted class of every point of the plane, and some points in the colours of their classes. `class_of`
/// turns the model's output into a class.
pub(crate) fn decision_regions(
    name: &str,
    title: &str,
    model: &Model,
    class_of: impl Fn(&[f32]) -> usize,
    (points, labels): (&[f32], &[u32]),
) -> Result<()> {
    const EDGE: f32 = 1.1;
    let path = path(name)?;
    let area = SVGBackend::new(&path, (640, 640)).into_drawing_area();
    let mut chart = chart(&area, title, -EDGE..EDGE, -EDGE..EDGE, ["x", "y"])?;

    let edge_of = |cell: usize| EDGE * (2.0 * cell as f32 / CELLS as f32 - 1.0);
    let centre = |cell| (edge_of(cell) + edge_of(cell + 1)) / 2.0;
    let cells = (0..CELLS).flat_map(|row| (0..CELLS).map(move |column| (row, column)));
    let centres: Vec<f32> = cells.flat_map(|(row, column)| [centre(column), centre(row)]).collect();
    let outputs = model.predict(MatrixView::from_slice(&centres, 2, CELLS * CELLS));
    let classes: Vec<usize> = outputs.column_iter().map(|y| class_of(y.as_slice())).collect();
    // One rectangle for each run of cells of one class.
    for (row, classes) in classes.chunks(CELLS).enumerate() {
        let mut start = 0;
        for run in classes.chunk_by(|a, b| a == b) {
            let end = start + run.len();
            let corners = [(edge_of(start), edge_of(row)), (edge_of(end), edge_of(row + 1))];
            let tint = COLOURS[run[0]].mix(0.25).filled();
            chart.draw_series([Rectangle::new(corners, tint)])?;
            start = end;
        }
    }

    for class in 0..=labels.iter().copied().max().unwrap_or(0) {
        let colour = COLOURS[class as usize];
        let of_class = points.chunks(2).zip(labels).filter(|&(_, label)| *label == class);
        let circle = move |at| Circle::new(at, 3, colour.filled());
        chart
            .draw_series(of_class.map(|(point, _)| circle((point[0], point[1]))))?
            .label(format!("class {class}"))
            .legend(move |(x, y)| Circle::new((x + 10, y), 4, colour.filled()));
    }
    legend(&mut chart)?;
    area.present()?;
    Ok(())
}

/// Draws the curves of the targets and the predictions over each other.
pub(crate) fn curves(
    name: &str,
    title: &str,
    targets: &[(f32, f32)],
    outputs: &[(f32, f32)],
) -> Result<()> {
    let path = path(name)?;
    let area = SVGBackend::new(&path, (720, 480)).into_drawing_area();
    let mut chart = chart(&area, title, 0.0..1.0, -1.2..1.2, ["x", "y"])?;
    for (points, what, style) in [
        (targets, "target", BLUE.mix(0.35).stroke_width(9)),
        (outputs, "prediction", ORANGE.stroke_width(2)),
    ] {
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(what)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style));
    }
    legend(&mut chart)?;
    area.present()?;
    Ok(())
}

fn legend<'a, 'p: 'a>(chart: &mut Chart<'a, 'p>) -> Result<()> {
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .margin(8)
        .legend_area_size(28)
        .background_style(WHITE.mix(0.85))
        .border_style(GREY.mix(0.5))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}
