//! `fmnist predict`: classifies pictures, or images of the test set.

mod answer;
mod inputs;
mod seen;
mod table;

use std::{ops::RangeInclusive, path::PathBuf, process::ExitCode, str::FromStr};

use anyhow::Context as _;
use fmnist::{Classifier, Finding, Seen, options::PreparationName};

use crate::{
    bundled,
    console::{Console, Format},
    data,
    exit::{self, Usage},
    help,
    outside::Outside,
    sheet::{Caption, Sheet},
    text::count,
};
use answer::AnswerView;
use inputs::{Expanded, Input};
use seen::{Folder, half_blocks};

/// Classify pictures
///
/// Takes pictures of any size, dark on light or light on dark; folders of them, patterns such as '*.jpg', lists of them
/// (@FILE), or - for stdin; a CSV table of images; or images of the test set by index. A model of a custom dataset only has them converted to
/// greyscale and fitted to its image size, unless it was trained with --prepare.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist predict photo.png", "with the built-in model"),
    ("fmnist predict fashion_mnist.model boot.png dress.jpg", "with your model"),
    ("fmnist predict photos --format csv", "all pictures in a folder"),
]))]
pub(crate) struct Args {
    /// Pictures, optionally after the model to use [default: the built-in model]
    #[arg(value_name = "[MODEL] IMAGE", required_unless_present = "index")]
    files: Vec<PathBuf>,

    /// Images of the test set, by index from 0, such as 0-9,42 [default: none]
    #[arg(long, value_name = "N", value_delimiter = ',')]
    index: Vec<Indices>,

    /// Number of classes to print for each image, the most probable first
    #[arg(long, value_name = "K", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,

    /// How to prepare pictures [default: as the model's file says]
    #[arg(long, value_enum, value_name = "KIND")]
    prepare: Option<PreparationName>,

    /// Least score of a sure answer; lower ones are "not sure" [default: as the model's file says]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    reject: Option<f64>,

    /// Draw what the model sees of each image in the terminal
    #[arg(long)]
    show: bool,

    /// Folder to save what the model sees of each image in, as PNG files [default: none]
    #[arg(long, value_name = "DIR")]
    save_seen: Option<PathBuf>,

    /// Directory of the dataset [default: found or downloaded]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// SVG file to draw the images and predictions in [default: none]
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
}

/// Images of the test set: one, or a range.
#[derive(Clone, Debug)]
struct Indices(RangeInclusive<usize>);

impl FromStr for Indices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |number: &str| number.parse::<usize>();
        let range = match text.split_once('-') {
            Some((first, last)) => parse(first).and_then(|first| Ok(first..=parse(last)?)),
            None => parse(text).map(|index| index..=index),
        };
        match range {
            Ok(range) if !range.is_empty() => Ok(Self(range)),
            _ => Err("expected a number, or a range such as 0-9".into()),
        }
    }
}

fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "expected a finite number".into())
}

/// How many pictures are read before the first of them is answered. All processors share them.
const BATCH: usize = 64;

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let (model, names) = bundled::split_model(args.files)?;
    if names.is_empty() && args.index.is_empty() {
        return Err(Usage::error("give a picture, or an image of the test set with --index"));
    }
    if args.show && !console.is_text() {
        return Err(Usage::error("--show: only with --format text"));
    }
    let table = table::of(&names)?;
    if table.is_some() {
        let is_csv = console.format() == Format::Csv;
        for (option, is_given) in [
            ("--index", !args.index.is_empty()),
            ("--prepare", args.prepare.is_some()),
            ("--reject", is_csv && args.reject.is_some()),
            ("--save-seen", is_csv && args.save_seen.is_some()),
            ("--sheet", is_csv && args.sheet.is_some()),
        ] {
            if is_given {
                let with = if is_csv { " and --format csv" } else { "" };
                let message = format!("{option}: cannot be combined with a table of images{with}");
                return Err(Usage::error(message));
            }
        }
    }
    let Expanded { pictures, errors } = match table.is_some() {
        true => Expanded::default(),
        false => inputs::expand(names)?,
    };
    let is_left = table.is_some() || !pictures.is_empty() || !args.index.is_empty();
    let bad_argument = report(errors, is_left, console)?;
    if let Some(path) = &args.sheet {
        Sheet::check(path).context("--sheet")?;
    }
    let checkpoint = bundled::load(model.as_deref())?;
    let source = match args.index.as_slice() {
        [] => None,
        _ => {
            let name = bundled::name(model.as_deref());
            Some(data::source_of(
                &checkpoint.info,
                args.data_dir.as_deref(),
                model.as_deref(),
                &name,
            )?)
        }
    };
    let info = checkpoint.info.clone();
    let mut classifier =
        Classifier::new(checkpoint).with_context(|| bundled::name(model.as_deref()))?;
    if let Some(preparation) = args.prepare {
        classifier = classifier.with_preparation(preparation.value());
    }
    if let Some(threshold) = args.reject {
        if !classifier.has_decision() {
            let name = bundled::name(model.as_deref());
            let message = "--reject: expected a model that says when it is sure, which `fmnist calibrate` makes";
            return Err(Usage::error(format!("{message}, found {name}")));
        }
        classifier = classifier.with_threshold(threshold);
    }
    let indices = args.index.into_iter().flat_map(|Indices(range)| range).collect::<Vec<_>>();
    let folder = args.save_seen.map(Folder::create).transpose()?;
    if let Some(folder) = &folder {
        let names = indices.iter().map(|&index| name_of(index));
        folder.check(pictures.iter().map(Input::name).chain(names))?;
    }
    if console.format() == Format::Csv && table.is_none() {
        console.csv(&answer::CSV_HEAD)?;
    }
    let mut output = Output {
        top_k: args.top_k.into(),
        show: args.show,
        folder,
        sheet: Sheet::new(classifier.image()),
        classifier,
    };
    let bad_picture = classify(&pictures, &mut output, console)?;
    if let Some(table) = table {
        table::classify(&table, &info, &mut output, console)?;
    }
    if let Some(source) = source {
        let found = data::test_images(&source, &info, &indices, console)?;
        let of_model = output.classifier.class_names();
        let names = found.class_names.unwrap_or_else(|| of_model.to_vec());
        let images = found.images.iter().zip(&found.labels);
        for (index, (pixels, &label)) in indices.into_iter().zip(images) {
            let input = name_of(index);
            let seen = Seen { pixels: pixels.to_vec(), finding: Finding::Whole };
            let actual = names.get(usize::from(label)).map(|name| (label, name.as_str()));
            output.answer(&input, &seen, actual, console)?;
        }
    }
    if let Some(path) = args.sheet {
        output.sheet.save(&path).context("--sheet")?;
    }
    Ok(ExitCode::from(if bad_argument > 0 { bad_argument } else { bad_picture }))
}

/// The name of an image of the test set in answers.
fn name_of(index: usize) -> Outside {
    Outside::from(&format!("test image {index}"))
}

/// Reports the arguments that name no pictures. The last one is returned as an error if nothing is left to classify.
/// Otherwise, returns the exit code, or 0 if there are no such arguments.
fn report(mut errors: Vec<anyhow::Error>, is_left: bool, console: &Console) -> anyhow::Result<u8> {
    let last = if is_left { None } else { errors.pop() };
    errors.iter().for_each(|error| console.error(&exit::message(error)));
    match (last, errors.first()) {
        (Some(last), _) => Err(last),
        // The command itself can be used, so this is like a picture that cannot be read.
        (None, Some(first)) => Ok(exit::code(first).max(exit::BAD_DATA)),
        (None, None) => Ok(0),
    }
}

/// Classifies pictures. One that cannot be read does not stop the others. Returns the exit code of the first that cannot, or 0.
fn classify(pictures: &[Input], output: &mut Output, console: &Console) -> anyhow::Result<u8> {
    let (mut n_errors, mut code) = (0, 0);
    for batch in pictures.chunks(BATCH) {
        for (input, seen) in batch.iter().zip(inputs::see(&output.classifier, batch)) {
            match seen {
                Ok(seen) => output.answer(&input.name(), &seen, None, console)?,
                Err(error) => {
                    let error = error.into();
                    console.error(&exit::message(&error));
                    n_errors += 1;
                    code = if n_errors == 1 { exit::code(&error) } else { code };
                }
            }
        }
    }
    if n_errors > 0 && pictures.len() > 1 {
        let n = count(pictures.len() as u64, "picture");
        console.message(&format!("{n_errors} of {n} could not be read"));
    }
    Ok(code)
}

/// Classifies what the model sees, and shows the answers in all ways that are asked for.
struct Output {
    classifier: Classifier,
    top_k: usize,
    show: bool,
    folder: Option<Folder>,
    sheet: Sheet,
}

impl Output {
    fn answer(
        &mut self,
        input: &Outside,
        seen: &Seen,
        actual: Option<(u8, &str)>,
        console: &Console,
    ) -> anyhow::Result<()> {
        let image = self.classifier.image();
        let found = self.classifier.answer(seen).with_context(|| input.to_string())?;
        let can_reject = self.classifier.has_decision();
        let Some(answer) =
            AnswerView::new(input, &seen.finding, &found, can_reject, self.top_k, actual)
        else {
            return Ok(());
        };
        if self.show {
            let drawing = half_blocks(&seen.pixels, image, console.has_styles());
            console.unescaped(drawing.as_bytes())?;
        }
        console.show(&answer)?;
        if let Some(folder) = &mut self.folder {
            folder.save(input, &seen.pixels, image)?;
        }
        let caption = Caption {
            label: answer.label,
            confidence: answer.confidence,
            is_right: answer.is_right(),
            actual: answer.actual_name,
        };
        self.sheet.add(&seen.pixels, &caption)
    }
}
