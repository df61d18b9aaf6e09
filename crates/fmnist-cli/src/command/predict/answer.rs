//! The answer for one image, as text, JSON and CSV.

use fmnist::{Answer, Finding, Object, Prediction};
use serde::Serialize;

use crate::{console::View, outside::Outside};

/// The first line of the CSV.
pub(super) const CSV_HEAD: [&str; 3] = ["file", "label", "confidence"];

/// The prediction for one image, with the true class if it is known.
#[derive(Serialize)]
pub(super) struct AnswerView<'a> {
    input: &'a Outside,
    class: usize,
    pub(super) label: &'a str,
    pub(super) confidence: f32,
    /// One for each class, in the order of the classes.
    probabilities: Vec<f32>,
    #[serde(flatten)]
    found: Found,
    #[serde(skip_serializing_if = "Option::is_none")]
    sure: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<u8>,
    #[serde(skip)]
    predictions: &'a [Prediction],
    #[serde(skip)]
    top_k: usize,
    #[serde(skip)]
    pub(super) actual_name: Option<&'a str>,
}

impl<'a> AnswerView<'a> {
    /// `can_reject` is whether the model says when an answer is sure.
    pub(super) fn new(
        input: &'a Outside,
        finding: &Finding,
        answer: &'a Answer,
        can_reject: bool,
        top_k: usize,
        actual: Option<(u8, &'a str)>,
    ) -> Option<Self> {
        let Answer { predictions, score, doubt } = answer;
        let first = predictions.first()?;
        let mut by_class: Vec<&Prediction> = predictions.iter().collect();
        by_class.sort_by_key(|prediction| prediction.class);
        Some(Self {
            input,
            class: first.class,
            label: &first.name,
            confidence: first.probability,
            probabilities: by_class.iter().map(|it| it.probability).collect(),
            found: Found::new(finding),
            sure: (can_reject || doubt.is_some()).then_some(doubt.is_none()),
            score: *score,
            reason: doubt.map(|doubt| doubt.to_string()),
            actual: actual.map(|(class, _)| class),
            predictions,
            top_k,
            actual_name: actual.map(|(_, name)| name),
        })
    }
}

impl AnswerView<'_> {
    /// Whether the prediction is right, if the true class is known.
    pub(super) fn is_right(&self) -> Option<bool> {
        self.actual.map(|actual| usize::from(actual) == self.class)
    }
}

impl View for AnswerView<'_> {
    fn csv(&self) -> Vec<String> {
        let label = Outside::from(self.label).to_string();
        vec![self.input.to_string(), label, self.confidence.to_string()]
    }

    fn text(&self) -> String {
        let guess = |it: &Prediction| Outside::from(&it.to_string()).to_string();
        let guesses: Vec<String> = self.predictions.iter().take(self.top_k).map(guess).collect();
        let truth = match (self.is_right(), self.actual_name) {
            (Some(true), _) => " (right)".into(),
            (Some(false), Some(name)) => format!(" (it is: {})", Outside::from(name)),
            _ => String::new(),
        };
        let doubt = self.reason.as_ref().map(|reason| format!("not sure ({reason}): "));
        let doubt = doubt.unwrap_or_default();
        format!("{}: {doubt}{}{truth}", self.input, guesses.join(", "))
    }
}

/// What was found in a picture, if anything was looked for.
#[derive(Default, Serialize)]
struct Found {
    /// `null` if there is only ground.
    #[serde(skip_serializing_if = "Option::is_none")]
    crop: Option<Option<Crop>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    polarity: Option<&'static str>,
    /// As in CSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    ground: Option<String>,
}

/// The box of the object, in pixels of the picture.
#[derive(Serialize)]
struct Crop {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl Found {
    fn new(finding: &Finding) -> Self {
        match *finding {
            Finding::Whole => Self::default(),
            Finding::Nothing => Self { crop: Some(None), ..Self::default() },
            Finding::Object(Object { x, y, width, height, is_negated, ground, .. }) => Self {
                crop: Some(Some(Crop { x, y, width, height })),
                polarity: Some(if is_negated { "negated" } else { "kept" }),
                ground: ground.map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}")),
            },
        }
    }
}
