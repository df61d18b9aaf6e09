//! A trained model as a classifier: a picture in, named classes out.

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
};

use fmnist_data::{
    Split,
    picture::{self, Finding, Seen},
};
use nn_core::{Model, Scaling, Shape, Workspace};
use nn_io::{Checkpoint, ModelInfo, Preparation};
use nn_train::{
    Evaluation, EvaluationConfig, Threads,
    decision::{self, Decision, Evidence},
};

use crate::{
    Answers, Error, LabelledAnswer,
    data::{check_pixels, samples},
    preparation::{code_of, preparation_of},
};

/// Classifies pictures with a trained model.
///
/// It uses the weights of the best epoch or the averaged weights, if the run keeps them. If the run was trained with
/// `tta_flip`, it averages the predictions for an image and its mirror image.
///
/// ```no_run
/// use fmnist::Classifier;
///
/// let classifier = Classifier::load("garments.model")?;
/// for prediction in classifier.classify_file("boot.png")?.iter().take(3) {
///     println!("{prediction}");
/// }
/// # Ok::<(), fmnist::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Classifier {
    model: Model,
    image: Shape,
    scaling: Scaling,
    mirror: bool,
    class_names: Vec<String>,
    preparation: Preparation,
    decision: Option<Decision>,
}

/// The answer to a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Every class, the most probable first.
    pub predictions: Vec<Prediction>,
    /// How much the picture is like the training images: about 0 for most of those, and lower for others. `None` if the
    /// model's file cannot say it: see [`crate::calibrate`].
    pub score: Option<f64>,
    /// Why the answer is not sure; `None` if it is.
    pub doubt: Option<Doubt>,
}

/// Why an answer is not sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is only ground.
    NothingFound,
    /// The object has too few pixels.
    TooSmall,
    /// The object reaches all sides of the picture, and is unlike the training images.
    FillsPicture,
    /// The picture is unlike the training images.
    Unlike,
}

/// A class, and how probable it is. Shown as `Sneaker 98.1%`.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The class, counted from 0.
    pub class: usize,
    /// Its name; its number, if the model has no names.
    pub name: String,
    /// From 0 to 1; over all classes they sum to 1.
    pub probability: f32,
}

/// The least pixels of an object's longest side. A smaller one shows nothing once it is enlarged.
const MIN_OBJECT: u32 = 10;

impl Classifier {
    /// Loads a classifier from a model file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged, or if its model does not classify images.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::new(Checkpoint::load(path.as_ref())?)
    }

    /// Loads a classifier from the bytes of a model file.
    ///
    /// # Errors
    ///
    /// As [`Classifier::load`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::new(Checkpoint::from_bytes(bytes)?)
    }

    /// Makes a classifier of a checkpoint.
    ///
    /// # Errors
    ///
    /// If the model does not classify images.
    pub fn new(checkpoint: Checkpoint) -> Result<Self, Error> {
        let Checkpoint { model, info, .. } = checkpoint.into_inference()?;
        Self::from_parts(model, &info)
    }

    /// Makes a classifier of a model and of what its file says in addition.
    pub(crate) fn from_parts(model: Model, info: &ModelInfo) -> Result<Self, Error> {
        if !model.is_classifier() {
            return Err(Error::NotAClassifier);
        }
        let image = info.input.image.ok_or(Error::NoImages)?;
        check_pixels(&model, image.len())?;
        let class_names = match info.class_names.as_slice() {
            [] => (0..model.outputs()).map(|class| class.to_string()).collect(),
            names => names.to_vec(),
        };
        let (expected, found) = (model.outputs(), class_names.len());
        if expected != found {
            return Err(Error::Classes { expected, found });
        }
        Ok(Self {
            image,
            scaling: info.input.scaling.ok_or(Error::NoScaling)?,
            mirror: info.input.mirror,
            class_names,
            preparation: preparation_of(info),
            decision: info.decision.clone(),
            model,
        })
    }

    /// The shape of the images that the model takes.
    pub fn image(&self) -> Shape {
        self.image
    }

    /// The name of each class; its number, if the model has no names.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// How it prepares pictures: as the model's file says. If that says nothing, as garments for a model of Fashion-MNIST
    /// or synthetic garments, and else [as they are](Preparation::Plain).
    pub fn preparation(&self) -> Preparation {
        self.preparation
    }

    /// Prepares pictures in another way than the model's file says.
    #[must_use]
    pub fn with_preparation(self, preparation: Preparation) -> Self {
        Self { preparation, ..self }
    }

    /// Classifies a picture file, which is [prepared](Classifier::preparation) first. Returns every class, the most
    /// probable first.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not a picture, or if the probabilities are not finite.
    pub fn classify_file(&self, path: impl AsRef<Path>) -> Result<Vec<Prediction>, Error> {
        let (width, height) = self.size();
        let seen = self.code().load(path.as_ref(), width, height)?;
        self.classify_pixels(&seen.pixels)
    }

    /// Classifies the bytes of a picture file, as [`Classifier::classify_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Classifier::classify_file`].
    pub fn classify_bytes(&self, bytes: &[u8]) -> Result<Vec<Prediction>, Error> {
        let (width, height) = self.size();
        self.classify_pixels(&self.code().decode(bytes, width, height)?.pixels)
    }

    /// Reads picture files on all processors, and prepares them for [`Classifier::classify_pixels`]. Returns what the
    /// model sees of each, in the order of the files.
    pub fn see_files(&self, paths: &[PathBuf]) -> Vec<Result<Seen, Error>> {
        let (width, height) = self.size();
        let seen = self.code().load_all(paths, width, height);
        seen.into_iter().map(|seen| seen.map_err(Error::Data)).collect()
    }

    /// Reads a picture file from a stream, and prepares it for [`Classifier::classify_pixels`]. Errors call it `name`.
    ///
    /// # Errors
    ///
    /// If the stream cannot be read or is not a picture.
    pub fn see(&self, stream: impl Read, name: &str) -> Result<Seen, Error> {
        let (width, height) = self.size();
        Ok(self.code().read(stream, Path::new(name), width, height)?)
    }

    /// Classifies the pixels of an image, row by row, from 0 (black) to 255 (white), as the dataset has them; the channels of a
    /// pixel are together. Returns every class, the most probable first.
    ///
    /// # Errors
    ///
    /// If the model takes another number of pixels, or if the probabilities are not finite.
    pub fn classify_pixels(&self, pixels: &[u8]) -> Result<Vec<Prediction>, Error> {
        Ok(self.predictions(&self.outputs(pixels)?.probabilities))
    }

    /// Classifies what the model sees of a picture, and says whether the answer is sure.
    ///
    /// # Errors
    ///
    /// As [`Classifier::classify_pixels`].
    pub fn answer(&self, seen: &Seen) -> Result<Answer, Error> {
        let Outputs { probabilities, score, .. } = self.outputs(&seen.pixels)?;
        let is_rejected = score
            .zip(self.decision.as_ref())
            .is_some_and(|(score, decision)| score < decision.threshold);
        let is_even = seen.pixels.windows(2).all(|pair| pair[0] == pair[1]);
        let doubt = match seen.finding {
            Finding::Nothing => Some(Doubt::NothingFound),
            _ if is_even && self.decision.is_some() => Some(Doubt::NothingFound),
            Finding::Object(object) if object.width.max(object.height) < MIN_OBJECT => {
                Some(Doubt::TooSmall)
            }
            Finding::Object(object) if is_rejected && object.fills_picture => {
                Some(Doubt::FillsPicture)
            }
            _ => is_rejected.then_some(Doubt::Unlike),
        };
        Ok(Answer { predictions: self.predictions(&probabilities), score, doubt })
    }

    /// Whether the model's file says when an answer is sure.
    pub fn has_decision(&self) -> bool {
        self.decision.is_some()
    }

    /// Makes answers sure only from this score on, if the model's file says when an answer is sure.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        if let Some(decision) = &mut self.decision {
            decision.threshold = threshold;
        }
        self
    }

    /// The answers to images with known classes, one by one.
    ///
    /// # Errors
    ///
    /// If the images or labels do not fit the model, or the probabilities are not finite.
    pub fn answers(&self, split: &Split) -> Result<Answers, Error> {
        let (expected, last) = (self.class_names.len(), split.labels.iter().max());
        if let Some(found) = last.map(|&last| usize::from(last) + 1).filter(|&n| n > expected) {
            return Err(Error::Classes { expected, found });
        }
        let threshold = self.decision.as_ref().map(|decision| decision.threshold);
        let images = split.images.iter().zip(&split.labels);
        let answers = images.map(|(pixels, &label)| {
            let outputs = self.outputs(pixels)?;
            let is_sure = outputs.score.zip(threshold).map(|(score, least)| score >= least);
            Ok(LabelledAnswer::new(label, &outputs.probabilities, &outputs.untempered, is_sure))
        });
        let answers = answers.collect::<Result<Vec<_>, Error>>()?;
        Ok(Answers::new(answers, self.class_names.len()))
    }

    /// What the model computes for an image.
    fn outputs(&self, pixels: &[u8]) -> Result<Outputs, Error> {
        check_pixels(&self.model, pixels.len())?;
        let mut workspace = Workspace::inference(&self.model, 1);
        let mut forward = |pixels: &[u8]| -> Outputs {
            workspace.set_input_bytes(1, self.scaling, |_| pixels);
            let untempered: Vec<f32> = self.model.forward(&mut workspace).iter().copied().collect();
            let Some(decision) = &self.decision else {
                return Outputs { probabilities: untempered.clone(), untempered, score: None };
            };
            let logits = decision::logits(&self.model, &workspace, 0);
            let evidence = Evidence::of(&self.model, &workspace, 0, pixels, self.image);
            let tempered = decision::softmax(&logits, decision.temperature);
            let probabilities = tempered.iter().map(|&p| p as f32).collect();
            Outputs { probabilities, untempered, score: Some(decision.score(&evidence)) }
        };
        let mut outputs = forward(pixels);
        if self.mirror {
            let mut mirrored = vec![0; pixels.len()];
            nn_train::mirror_image(self.image, pixels, &mut mirrored);
            let flipped = forward(&mirrored);
            let average = |all: &mut [f32], others: Vec<f32>| {
                all.iter_mut().zip(others).for_each(|(p, other)| *p = (*p + other) * 0.5);
            };
            average(&mut outputs.probabilities, flipped.probabilities);
            average(&mut outputs.untempered, flipped.untempered);
        }
        if !outputs.probabilities.iter().all(|probability| probability.is_finite()) {
            return Err(Error::NotFinite);
        }
        Ok(outputs)
    }

    /// Every class with its name, the most probable first.
    fn predictions(&self, probabilities: &[f32]) -> Vec<Prediction> {
        let named = self.class_names.iter().zip(probabilities).enumerate();
        let mut predictions: Vec<Prediction> = named
            .map(|(class, (name, &probability))| Prediction {
                class,
                name: name.clone(),
                probability,
            })
            .collect();
        predictions.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        predictions
    }

    /// Evaluates the model on images with known classes: loss, accuracy and confusion matrix.
    ///
    /// # Errors
    ///
    /// If the images or labels do not fit the model, or the loss is not finite.
    pub fn evaluate(&self, split: &Split, threads: &Threads) -> Result<Evaluation, Error> {
        let samples = samples(split, self.scaling)?;
        let config = EvaluationConfig { tta_flip: self.mirror, ..EvaluationConfig::default() };
        Ok(nn_train::evaluate(&self.model, &samples, config, threads)?)
    }

    /// The code that prepares pictures.
    fn code(&self) -> picture::Preparation {
        code_of(self.preparation, self.image.channels)
    }

    /// Width and height of an image. They fit, since no layer has more than 2^24 inputs.
    fn size(&self) -> (u32, u32) {
        (self.image.width as u32, self.image.height as u32)
    }
}

/// What a model computes for an image.
struct Outputs {
    /// The probability of each class, with the temperature.
    probabilities: Vec<f32>,
    /// The same without the temperature.
    untempered: Vec<f32>,
    /// How much the image is like those of the training, if the model's file can say it.
    score: Option<f64>,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingFound => "no object found",
            Self::TooSmall => "the object is too small",
            Self::FillsPicture => "the object fills the picture",
            Self::Unlike => "unlike the training images",
        })
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.1}%", self.name, 100.0 * self.probability)
    }
}
