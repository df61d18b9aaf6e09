//! The description of a model: `input`, `class_names`, `decision` and `dataset` in section 3 of FORMAT.md.

use nn_core::{Architecture, Scaling, SettingError, Shape};
use nn_train::decision::{self, DecisionShape};
use serde::{Deserialize, Serialize};

use super::form::{check_string, count, is_default, is_one, list, one, real32};
use crate::error::check_value;
use crate::{DatasetId, Error, InputSpec, checkpoint};

/// The feature bit of a model that averages the predictions for an image and its mirror image.
pub(super) const MIRROR: u32 = 1 << 3;

/// The feature bit of a file that says when an answer is sure.
pub(super) const DECISION: u32 = 1 << 7;

/// The feature bit of a model for images of three channels.
pub(super) const CHANNELS: u32 = 1 << 6;

/// The feature bit of a file that lacks something that every image classifier has.
pub(super) const PARTIAL: u32 = 1 << 5;

/// `width` and `height` are both present or both absent, and so are `mean` and `std`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Input {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    channels: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) mirror: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preparation: Option<Preparation>,
}

/// Each variant is a map of one key.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Preparation {
    Garment {},
    Ink {},
    Plain {},
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Dataset {
    name: String,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    transposed: bool,
}

impl Input {
    pub(super) fn new(input: &InputSpec) -> Self {
        let &InputSpec { image, scaling, mirror, preparation } = input;
        Self {
            width: image.map(|image| image.width as u64),
            height: image.map(|image| image.height as u64),
            channels: image.map_or(1, |image| image.channels as u64),
            mean: scaling.map(|scaling| f64::from(scaling.mean)),
            std: scaling.map(|scaling| f64::from(scaling.std)),
            mirror,
            preparation: preparation.map(Preparation::new),
        }
    }

    /// Converts and checks the input, for a network with this many inputs.
    pub(super) fn read(&self, inputs: usize) -> Result<InputSpec, Error> {
        let size = both("width", self.width, "height", self.height)?;
        let image = size.map(|size| image(size, self.channels, inputs)).transpose()?;
        let scaling = both("mean", self.mean, "std", self.std)?.map(scaling).transpose()?;
        for (key, is_present) in [
            ("input.channels", self.channels != 1),
            ("input.mirror", self.mirror),
            ("input.preparation", self.preparation.is_some()),
        ] {
            let expected = "none, as the input is not an image";
            check_value(!is_present || image.is_some(), key, expected, "some")?;
        }
        let preparation = self.preparation.map(Preparation::read);
        Ok(InputSpec { image, scaling, mirror: self.mirror, preparation })
    }

    /// The required features of the header that the input needs.
    pub(super) fn features(&self) -> u32 {
        let partial = if self.width.is_none() || self.mean.is_none() { PARTIAL } else { 0 };
        let channels = if self.channels == 1 { 0 } else { CHANNELS };
        partial | channels | if self.mirror { MIRROR } else { 0 }
    }
}

/// The lengths of the tensors of a decision. Fails if the model is no classifier of images.
pub(crate) fn decision_shape(
    architecture: &Architecture,
    input: &InputSpec,
) -> Result<DecisionShape, Error> {
    let shape = input.image.and_then(|image| DecisionShape::new(architecture, image));
    let expected = "none, as the model does not classify images";
    shape.ok_or_else(|| Error::value("decision", expected, "some"))
}

impl Preparation {
    fn new(preparation: checkpoint::Preparation) -> Self {
        match preparation {
            checkpoint::Preparation::Garment => Self::Garment {},
            checkpoint::Preparation::Ink => Self::Ink {},
            checkpoint::Preparation::Plain => Self::Plain {},
        }
    }

    fn read(self) -> checkpoint::Preparation {
        match self {
            Self::Garment {} => checkpoint::Preparation::Garment,
            Self::Ink {} => checkpoint::Preparation::Ink,
            Self::Plain {} => checkpoint::Preparation::Plain,
        }
    }
}

/// The numbers of a decision, without its tensors.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Decision {
    temperature: f64,
    threshold: f64,
    #[serde(deserialize_with = "list::<_, _, 3>")]
    scales: Vec<Scale>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Scale {
    median: f64,
    low: f64,
}

/// The meaning of a decision's numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DecisionDescription {
    pub(crate) temperature: f64,
    pub(crate) threshold: f64,
    pub(crate) scales: Vec<decision::Scale>,
}

impl DecisionDescription {
    pub(crate) fn new(decision: &decision::Decision) -> Self {
        let &decision::Decision { temperature, threshold, .. } = decision;
        Self { temperature, threshold, scales: decision.scales() }
    }
}

impl Decision {
    pub(super) fn new(decision: &decision::Decision) -> Self {
        let DecisionDescription { temperature, threshold, scales } =
            DecisionDescription::new(decision);
        let scale = |&decision::Scale { median, low }: &decision::Scale| Scale { median, low };
        Self { temperature, threshold, scales: scales.iter().map(scale).collect() }
    }

    /// Converts and checks the numbers of a decision of this shape.
    pub(super) fn read(&self, shape: DecisionShape) -> Result<DecisionDescription, Error> {
        let &Self { temperature, threshold, ref scales } = self;
        let key = "decision.temperature";
        let is_valid = temperature > 0.0 && temperature.is_finite();
        check_value(is_valid, key, "a finite number above 0", temperature)?;
        check_value(threshold.is_finite(), "decision.threshold", "a finite number", threshold)?;
        let n = if shape.features.is_some() { 3 } else { 2 };
        let expected = format!("{n} scales, as the layers need");
        check_value(scales.len() == n, "decision.scales", expected, scales.len())?;
        for (i, &Scale { median, low }) in scales.iter().enumerate() {
            let key = format!("decision.scales[{i}]");
            let is_valid = low < median && (median - low).is_finite();
            check_value(is_valid, key, "a finite median above low", format!("{median}, {low}"))?;
        }
        let scale = |&Scale { median, low }: &Scale| decision::Scale { median, low };
        let scales = scales.iter().map(scale).collect();
        Ok(DecisionDescription { temperature, threshold, scales })
    }
}

/// The values of two keys that must be both present or both absent.
fn both<T>(a: &str, x: Option<T>, b: &str, y: Option<T>) -> Result<Option<(T, T)>, Error> {
    let (has_a, has_b) = (x.is_some(), y.is_some());
    let (there, missing) = if has_a { (a, b) } else { (b, a) };
    let expected = format!("both {a} and {b}, or neither");
    check_value(has_a == has_b, "input", expected, format!("{there} without {missing}"))?;
    Ok(x.zip(y))
}

fn image((width, height): (u64, u64), channels: u64, inputs: usize) -> Result<Shape, Error> {
    let expected = "none (1, grey) or 3 (red, green and blue)";
    check_value([1, 3].contains(&channels), "input.channels", expected, channels)?;
    let len = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(channels));
    let (values, of_channels) = match channels {
        1 => ("pixels", String::new()),
        _ => ("values", format!(" x {channels}")),
    };
    let expected = format!("{inputs} {values}, as the first layer takes");
    let found = format!("{width} x {height}{of_channels}");
    check_value(len == Some(inputs as u64), "input", expected, found)?;
    Ok(Shape {
        height: count("input.height", height)?,
        width: count("input.width", width)?,
        channels: count("input.channels", channels)?,
    })
}

fn scaling((mean, std): (f64, f64)) -> Result<Scaling, Error> {
    let scaling = Scaling { mean: real32("input.mean", mean)?, std: real32("input.std", std)? };
    // The mean is finite.
    let refused = |error: SettingError| Error::value("input.std", error.expected, error.found);
    scaling.check().map_err(refused)?;
    Ok(scaling)
}

impl Dataset {
    pub(super) fn new(dataset: &DatasetId) -> Self {
        let DatasetId { name, sha256, directory, transposed } = dataset.clone();
        Self { name, sha256, directory, transposed }
    }

    pub(super) fn read(self) -> Result<DatasetId, Error> {
        let Self { name, sha256, directory, transposed } = self;
        check_string("dataset.name", &name)?;
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let digits = sha256.len() == 64 && sha256.bytes().all(is_digit);
        let found = format!("\"{sha256}\"");
        check_value(digits, "dataset.sha256", "64 lower-case hexadecimal digits", found)?;
        if let Some(directory) = &directory {
            let key = "dataset.directory";
            check_value(!directory.is_empty(), key, "a name", "an empty string")?;
            check_string(key, directory)?;
        }
        Ok(DatasetId { name, sha256, directory, transposed })
    }
}

/// Checks the names of the classes of a network with this many outputs.
pub(super) fn check_classes(names: &[String], outputs: usize) -> Result<(), Error> {
    let expected = format!("{outputs} names, one per output");
    check_value(names.len() == outputs, "class_names", expected, names.len())?;
    for (i, name) in names.iter().enumerate() {
        let field = format!("class_names[{i}]");
        check_value(!name.is_empty(), &field, "a name", "an empty string")?;
        check_string(&field, name)?;
    }
    Ok(())
}
