//! A model with its answers.

use fmnist::{Answers, Checkpoint, Classifier, Evaluation, Split, Threads};

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
    pub(crate) fn class(&self, class: u8) -> &str {
        self.class_names.get(usize::from(class)).map_or("?", String::as_str)
    }
}
