//! The answers of a classifier to images with known classes, and what they say about it.

use nn_core::{ConfusionMatrix, metric::argmax};
use nn_train::decision::{CalibrationBin, calibration, calibration_error};

/// The answers of a classifier to images with known classes, in the order of the images.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    answers: Vec<LabelledAnswer>,
    n_classes: usize,
}

/// The answer to an image with a known class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledAnswer {
    /// The class that the dataset gives the image.
    pub label: u8,
    /// The class that the model gives it.
    pub class: u16,
    /// The probability of that class, with the temperature.
    pub confidence: f32,
    /// The same without the temperature.
    pub untempered: f32,
    /// The probability of the label, with the temperature.
    pub of_label: f32,
    /// How many classes are more probable than the label: 0 if the answer is right.
    pub rank: u16,
    /// Whether the answer is sure; `None` if the model's file does not say when it is.
    pub is_sure: Option<bool>,
}

/// How far the answers of a classifier to some images can be relied on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// The expected calibration error without the temperature: how far the confidence is from the share of right answers.
    pub error_before: f64,
    /// The same with the temperature.
    pub error: f64,
    /// The share of images whose answer is not sure.
    pub rejected: f64,
}

impl LabelledAnswer {
    pub(crate) fn new(
        label: u8,
        probabilities: &[f32],
        untempered: &[f32],
        is_sure: Option<bool>,
    ) -> Self {
        let (class, actual) = (argmax(untempered), usize::from(label));
        let of = |probabilities: &[f32], class: usize| probabilities.get(class).copied();
        let probability = of(untempered, actual).unwrap_or(0.0);
        // Of equal classes, the first counts as the most probable one, as in `argmax`.
        let is_before =
            |&(other, &p): &(usize, &f32)| p > probability || (p == probability && other < actual);
        let rank = untempered.iter().enumerate().filter(is_before).count();
        Self {
            label,
            // A model has at most 1,000 classes.
            class: class as u16,
            confidence: of(probabilities, class).unwrap_or(0.0),
            untempered: of(untempered, class).unwrap_or(0.0),
            of_label: of(probabilities, actual).unwrap_or(0.0),
            rank: rank as u16,
            is_sure,
        }
    }

    /// Whether the model gives the image its label.
    pub fn is_right(&self) -> bool {
        self.class == u16::from(self.label)
    }
}

impl Answers {
    pub(crate) fn new(answers: Vec<LabelledAnswer>, n_classes: usize) -> Self {
        Self { answers, n_classes }
    }

    /// The answer to each image.
    pub fn as_slice(&self) -> &[LabelledAnswer] {
        &self.answers
    }

    /// Counts by true and predicted class.
    pub fn confusion(&self) -> ConfusionMatrix {
        let mut confusion = ConfusionMatrix::new(self.n_classes);
        for answer in &self.answers {
            confusion.add(answer.label.into(), answer.class.into());
        }
        confusion
    }

    /// The share of images whose label is among the `k` most probable classes; NaN without images.
    pub fn top(&self, k: u16) -> f64 {
        let n = self.answers.iter().filter(|answer| answer.rank < k).count();
        n as f64 / self.answers.len() as f64
    }

    /// The answers by ranges of their confidence.
    pub fn calibration(&self) -> [CalibrationBin; 15] {
        let answer = |answer: &LabelledAnswer| (f64::from(answer.confidence), answer.is_right());
        calibration(self.answers.iter().map(answer))
    }

    /// The expected calibration error: how far the confidence is from the share of right answers.
    pub fn calibration_error(&self) -> f64 {
        self.error_of(|answer| answer.confidence)
    }

    /// How far the answers can be relied on; `None` if there are none, or the model's file does not say when an answer is
    /// sure.
    pub fn reliability(&self) -> Option<Reliability> {
        let sure = self.answers.iter().map(|answer| answer.is_sure.map(usize::from));
        let n_sure = sure.sum::<Option<usize>>().filter(|_| !self.answers.is_empty())?;
        Some(Reliability {
            error_before: self.error_of(|answer| answer.untempered),
            error: self.calibration_error(),
            rejected: 1.0 - n_sure as f64 / self.answers.len() as f64,
        })
    }

    fn error_of(&self, confidence: fn(&LabelledAnswer) -> f32) -> f64 {
        let answer = |answer| (f64::from(confidence(answer)), answer.is_right());
        calibration_error(self.answers.iter().map(answer))
    }

    /// The wrong answers by the index of their image, the most confident first.
    pub fn mistakes(&self) -> Vec<(usize, LabelledAnswer)> {
        let wrong = self.answers.iter().copied().enumerate().filter(|(_, it)| !it.is_right());
        let mut wrong: Vec<_> = wrong.collect();
        wrong.sort_by(|(_, a), (_, b)| b.confidence.total_cmp(&a.confidence));
        wrong
    }

    /// The images whose label looks wrong, by index, the most doubtful first: the model gives them another class, with at
    /// least the probability that images of that class have on average, and thinks the label less probable than one in a
    /// hundred (after C. G. Northcutt et al., "Confident learning", 2021, equation 1).
    pub fn doubtful_labels(&self) -> Vec<(usize, LabelledAnswer)> {
        let mut sums = vec![(0.0_f64, 0.0_f64); self.n_classes];
        for answer in &self.answers {
            let (sum, n) = &mut sums[usize::from(answer.label)];
            *sum += f64::from(answer.of_label);
            *n += 1.0;
        }
        let mut doubtful = self.mistakes();
        doubtful.retain(|(_, answer)| {
            let (sum, n) = sums[usize::from(answer.class)];
            n > 0.0 && f64::from(answer.confidence) * n >= sum && answer.of_label < 0.01
        });
        doubtful.sort_by(|(_, a), (_, b)| a.of_label.total_cmp(&b.of_label));
        doubtful
    }
}
