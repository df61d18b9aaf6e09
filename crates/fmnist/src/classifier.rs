//! A trained model as a classifier: a picture in, named classes out.

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
};

use fmnist_data::{Split, picture::Seen};
use nn_core::{Model, Scaling, Shape, Workspace};
use nn_io::{Checkpoint, ModelInfo, Preparation};
use nn_train::{Evaluation, EvaluationConfig, Threads};

use crate::{
    Error,
    data::samples,
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
        Ok(Self {
            image,
            scaling: info.input.scaling.ok_or(Error::NoScaling)?,
            mirror: info.input.mirror,
            class_names,
            preparation: preparation_of(info),
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

    /// Classifies a PNG or JPEG file, which is [prepared](Classifier::preparation) first. Returns every class, the most
    /// probable first.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not a PNG or JPEG image, or if the probabilities are not finite.
    pub fn classify_file(&self, path: impl AsRef<Path>) -> Result<Vec<Prediction>, Error> {
        let (width, height) = self.size();
        let seen = code_of(self.preparation).load(path.as_ref(), width, height)?;
        self.classify_pixels(&seen.pixels)
    }

    /// Classifies the bytes of a PNG or JPEG file, as [`Classifier::classify_file`] does.
    ///
    /// # Errors
    ///
    /// As [`Classifier::classify_file`].
    pub fn classify_bytes(&self, bytes: &[u8]) -> Result<Vec<Prediction>, Error> {
        let (width, height) = self.size();
        self.classify_pixels(&code_of(self.preparation).decode(bytes, width, height)?.pixels)
    }

    /// Reads PNG or JPEG files on all processors, and prepares them for [`Classifier::classify_pixels`]. Returns what the
    /// model sees of each, in the order of the files.
    pub fn see_files(&self, paths: &[PathBuf]) -> Vec<Result<Seen, Error>> {
        let (width, height) = self.size();
        let seen = code_of(self.preparation).load_all(paths, width, height);
        seen.into_iter().map(|seen| seen.map_err(Error::Data)).collect()
    }

    /// Reads a PNG or JPEG file from a stream, and prepares it for [`Classifier::classify_pixels`]. Errors call it `name`.
    ///
    /// # Errors
    ///
    /// If the stream cannot be read or is not a PNG or JPEG image.
    pub fn see(&self, stream: impl Read, name: &str) -> Result<Seen, Error> {
        let (width, height) = self.size();
        Ok(code_of(self.preparation).read(stream, Path::new(name), width, height)?)
    }

    /// Classifies the pixels of a grey image, row by row, from 0 (black) to 255 (white), as the dataset has them. Returns
    /// every class, the most probable first.
    ///
    /// # Errors
    ///
    /// If the model takes another number of pixels, or if the probabilities are not finite.
    pub fn classify_pixels(&self, pixels: &[u8]) -> Result<Vec<Prediction>, Error> {
        check_pixels(&self.model, pixels.len())?;
        let mut workspace = Workspace::inference(&self.model, 1);
        let flipped = self.mirror.then(|| {
            let mut mirrored = pixels.to_vec();
            mirrored.chunks_mut(self.image.width).for_each(<[u8]>::reverse);
            workspace.set_input_bytes(1, self.scaling, |_| &mirrored);
            self.model.forward(&mut workspace).into_owned()
        });
        workspace.set_input_bytes(1, self.scaling, |_| pixels);
        self.model.forward(&mut workspace);
        if let Some(flipped) = flipped {
            workspace.average_output(flipped.as_view());
        }
        let probabilities = workspace.output(self.model.layers().len() - 1);
        if !probabilities.iter().all(|probability| probability.is_finite()) {
            return Err(Error::NotFinite);
        }
        let named = self.class_names.iter().zip(&probabilities).enumerate();
        let mut predictions: Vec<Prediction> = named
            .map(|(class, (name, &probability))| Prediction {
                class,
                name: name.clone(),
                probability,
            })
            .collect();
        predictions.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Ok(predictions)
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

    /// Width and height of an image. They fit, since no layer has more than 2^24 inputs.
    fn size(&self) -> (u32, u32) {
        (self.image.width as u32, self.image.height as u32)
    }
}

/// Fails if an image with this many pixels does not fit the model.
pub(crate) fn check_pixels(model: &Model, found: usize) -> Result<(), Error> {
    let expected = model.inputs();
    if found == expected { Ok(()) } else { Err(Error::Pixels { expected, found }) }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.1}%", self.name, 100.0 * self.probability)
    }
}
