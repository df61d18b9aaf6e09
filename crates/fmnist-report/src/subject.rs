//! A model with its answers.

use fmnist::{Answers, Checkpoint, Classifier, Evaluation, Split, Threads};

use nn_core::Model;

use crate::Error;

/// A model with its answers to the images of a page.
#[derive(Debug)]
pub struct Subject {
    name: String,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) class_names: Vec<String>,
    pub(crate) evaluation: Evaluation,
    pub(crate) answers: Answers,
    /// The model that gave the answers: with the weights of the best epoch or averaged ones, if the run keeps them.
    pub(crate) model: Model,
}

impl Subject {
    /// Evaluates a model. `settings` are those of its run, to show.
    ///
    /// # Errors
    ///
    /// If the model does not classify images, or the images do not fit it.
    pub fn new(
        name: &str,
        checkpoint: Checkpoint,
        settings: Vec<(String, String)>,
        split: &Split,
        threads: &Threads,
    ) -> Result<Self, Error> {
        let classifier = Classifier::new(checkpoint.clone())?;
        Ok(Self {
            name: name.into(),
            model: checkpoint.inference_model()?,
            checkpoint,
            settings,
            class_names: classifier.class_names().to_vec(),
            evaluation: classifier.evaluate(split, threads)?,
            answers: classifier.answers(split)?,
        })
    }

    /// The name of the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The accuracy and loss of the model on the images.
    pub fn evaluation(&self) -> &Evaluation {
        &self.evaluation
    }

    /// The name of a class.
    pub(crate) fn class(&self, class: impl Into<usize>) -> &str {
        self.class_names.get(class.into()).map_or("?", String::as_str)
    }
}
