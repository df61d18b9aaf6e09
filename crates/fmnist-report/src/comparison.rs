//! The part of the page that compares models.

use fmnist::Split;

use crate::{
    Error, Subject,
    chart::Chart,
    model::{curves, headlines},
    percent,
    picture::{self, Picture},
};

/// The most lines of a chart: as many as have styles of their own.
const MAX_LINES: usize = 6;

/// The most images that are shown.
const MAX_SHOWN: usize = 48;

/// The part that compares models.
#[derive(askama::Template)]
#[template(path = "comparison.html")]
pub(crate) struct Comparison {
    names: Vec<String>,
    /// A name, and the value of each model.
    numbers: Vec<(String, Vec<String>)>,
    settings: Vec<(String, Vec<String>)>,
    curves: Vec<Chart>,
    n_disagreements: usize,
    disagreements: Vec<Picture>,
}

impl Comparison {
    pub(crate) fn new(subjects: &[Subject], split: &Split) -> Result<Self, Error> {
        let prefixes: Vec<String> = subjects.iter().map(|it| format!("{}: ", it.name())).collect();
        let named: Vec<(&str, &Subject)> =
            prefixes.iter().map(String::as_str).zip(subjects).collect();
        let facts: Vec<_> = subjects.iter().map(headlines).collect();
        let facts =
            facts.iter().map(|facts| facts.iter().map(|it| (&*it.name, &*it.value)).collect());
        let settings = subjects.iter().map(|subject| {
            subject.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
        });
        let mut settings = rows(settings.collect());
        settings.retain(|(_, values)| values.iter().any(|value| *value != values[0]));
        let disagreements = disagreements(subjects);
        let pictures = disagreements.iter().take(MAX_SHOWN);
        Ok(Self {
            names: subjects.iter().map(|it| it.name().into()).collect(),
            numbers: rows(facts.collect()),
            settings,
            curves: named.chunks(MAX_LINES).flat_map(|some| curves(some, false)).collect(),
            n_disagreements: disagreements.len(),
            disagreements: pictures
                .map(|&index| picture_of(subjects, split, index))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The values of each model by name, in the order in which the names come up. What a model does not have is `–`.
fn rows(models: Vec<Vec<(&str, &str)>>) -> Vec<(String, Vec<String>)> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in models.iter().flatten() {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let value = |model: &Vec<(&str, &str)>, name: &str| {
        model.iter().find(|(other, _)| *other == name).map_or("–", |(_, value)| value).to_string()
    };
    let row = |name: &str| models.iter().map(|model| value(model, name)).collect();
    names.into_iter().map(|name| (name.into(), row(name))).collect()
}

/// The images to which the models give different answers. Those on which they are most confident are first.
fn disagreements(subjects: &[Subject]) -> Vec<usize> {
    let answers: Vec<_> = subjects.iter().map(|subject| subject.answers.as_slice()).collect();
    let Some(first) = answers.first() else { return Vec::new() };
    let differ = |index: &usize| answers.iter().any(|it| it[*index].class != first[*index].class);
    let mut indices: Vec<usize> = (0..first.len()).filter(differ).collect();
    let confidence =
        |index: usize| answers.iter().map(|it| it[index].confidence).fold(f32::INFINITY, f32::min);
    indices.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)));
    indices
}

fn picture_of(subjects: &[Subject], split: &Split, index: usize) -> Result<Picture, Error> {
    let mut caption: Vec<String> = subjects
        .iter()
        .map(|subject| {
            let answer = subject.answers.as_slice()[index];
            let mark = if answer.is_right() { "✓" } else { "✗" };
            let confidence = percent(answer.confidence.into());
            format!("{}: {} {confidence} {mark}", subject.name(), subject.class(answer.class))
        })
        .collect();
    let label = subjects
        .first()
        .map_or("", |subject| subject.class(split.labels.get(index).copied().unwrap_or_default()));
    caption.push(format!("image {index}, {label}"));
    let source = picture::of_dataset(&split.images, index)?;
    Ok(Picture { source, name: format!("image {index}, {label}"), caption })
}
