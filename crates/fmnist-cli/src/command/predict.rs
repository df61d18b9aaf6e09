//! `fmnist predict`: classifies pictures, or images of the test set.

mod sheet;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use fmnist::{Classifier, Prediction};
use serde::Serialize;

use crate::{
    bundled,
    console::{Console, View},
    data,
    exit::Usage,
    help,
    outside::Outside,
};
use sheet::Sheet;

/// Classify pictures
///
/// Takes PNG and JPEG files of any size, dark on light or light on dark, or images of the test set by index. For a
/// model of a custom dataset, pictures are only converted to greyscale and fitted to the model's image size.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist predict photo.png", "with the built-in model"),
    ("fmnist predict fashion_mnist.model boot.png dress.jpg", "with your model"),
    ("fmnist predict --index 0,1,2 --sheet sheet.svg", "test images, also drawn"),
]))]
pub(crate) struct Args {
    /// Pictures, optionally after the model to use [default: the built-in model]
    #[arg(value_name = "[MODEL] IMAGE", required_unless_present = "index")]
    files: Vec<PathBuf>,

    /// Images of the test set, by index from 0 [default: none]
    #[arg(long, value_name = "N", value_delimiter = ',')]
    index: Vec<usize>,

    /// Number of classes to print for each image, the most probable first
    #[arg(long, value_name = "K", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,

    /// Directory of the dataset [default: found or downloaded]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// SVG file to draw the images and predictions in [default: none]
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let (model, pictures) = bundled::split_model(args.files)?;
    if pictures.is_empty() && args.index.is_empty() {
        return Err(Usage::error("give a picture, or an image of the test set with --index"));
    }
    let checkpoint = bundled::load(model.as_deref())?;
    let source = match args.index.as_slice() {
        [] => None,
        _ => {
            let name = bundled::name(model.as_deref());
            Some(data::source_of(&checkpoint.info, args.data_dir.as_deref(), &name)?)
        }
    };
    let info = checkpoint.info.clone();
    let classifier =
        Classifier::new(checkpoint).with_context(|| bundled::name(model.as_deref()))?;
    let top_k = usize::from(args.top_k);
    let mut sheet = Sheet::new(classifier.image());
    for path in pictures {
        let pixels = classifier.prepare_file(&path)?;
        let predictions = classifier.classify_pixels(&pixels)?;
        let input = Outside::from(&path);
        if let Some(answer) = Answer::new(&input, &predictions, top_k, None) {
            console.show(&answer)?;
            sheet.add(&pixels, &answer)?;
        }
    }
    if let Some(source) = source {
        let dataset = data::obtain(&source, console)?;
        data::check_fits(&info, &dataset, console)?;
        let (test, names) = (dataset.test, &dataset.info.class_names);
        for index in args.index {
            let (Some(pixels), Some(&label)) = (test.images.get(index), test.labels.get(index))
            else {
                let last = test.images.count.saturating_sub(1);
                return Err(Usage::error(format!(
                    "--index: expected 0 to {last}, the last image of the test set, found {index}"
                )));
            };
            let input = format!("test image {index}");
            let predictions = classifier.classify_pixels(pixels).with_context(|| input.clone())?;
            let actual = names.get(usize::from(label)).map(|name| (label, name.as_str()));
            let input = Outside::from(&input);
            if let Some(answer) = Answer::new(&input, &predictions, top_k, actual) {
                console.show(&answer)?;
                sheet.add(pixels, &answer)?;
            }
        }
    }
    if let Some(path) = args.sheet {
        sheet.save(&path)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The prediction for one image, with the true class if it is known.
#[derive(Serialize)]
struct Answer<'a> {
    input: &'a Outside,
    class: usize,
    label: &'a str,
    confidence: f32,
    /// One for each class, in the order of the classes.
    probabilities: Vec<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<u8>,
    #[serde(skip)]
    predictions: &'a [Prediction],
    #[serde(skip)]
    top_k: usize,
    #[serde(skip)]
    actual_name: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// `predictions` begin with the most probable class.
    fn new(
        input: &'a Outside,
        predictions: &'a [Prediction],
        top_k: usize,
        actual: Option<(u8, &'a str)>,
    ) -> Option<Self> {
        let first = predictions.first()?;
        let mut by_class: Vec<&Prediction> = predictions.iter().collect();
        by_class.sort_by_key(|prediction| prediction.class);
        Some(Self {
            input,
            class: first.class,
            label: &first.name,
            confidence: first.probability,
            probabilities: by_class.iter().map(|it| it.probability).collect(),
            actual: actual.map(|(class, _)| class),
            predictions,
            top_k,
            actual_name: actual.map(|(_, name)| name),
        })
    }
}

impl Answer<'_> {
    /// Whether the prediction is right, if the true class is known.
    fn is_right(&self) -> Option<bool> {
        self.actual.map(|actual| usize::from(actual) == self.class)
    }
}

impl View for Answer<'_> {
    fn text(&self) -> String {
        let guess = |it: &Prediction| Outside::from(&it.to_string()).to_string();
        let guesses: Vec<String> = self.predictions.iter().take(self.top_k).map(guess).collect();
        let truth = match (self.is_right(), self.actual_name) {
            (Some(true), _) => " (right)".into(),
            (Some(false), Some(name)) => format!(" (it is: {})", Outside::from(name)),
            _ => String::new(),
        };
        format!("{}: {}{truth}", self.input, guesses.join(", "))
    }
}
