//! The confusion matrix as a table. Each count of mistakes leads to their pictures.

use std::collections::BTreeMap;

use fmnist::Split;
use nn_core::ConfusionMatrix;

use crate::{
    Error, Subject, percent,
    picture::{self, Picture},
};

/// The most classes of a matrix.
const MAX_CLASSES: usize = 64;

/// The most pictures of a pair of classes.
const MAX_OF_PAIR: usize = 12;

/// A confusion matrix.
pub(crate) struct Matrix {
    /// Its anchor, to which the pictures lead back.
    pub(crate) anchor: String,
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) pairs: Vec<Pair>,
}

/// The answers to the images of a class.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

pub(crate) struct Cell {
    pub(crate) count: u64,
    pub(crate) is_right: bool,
    /// How much of the colour it has, in per cent.
    pub(crate) strength: u32,
    /// The anchor of its pictures; empty if it has none.
    pub(crate) anchor: String,
    pub(crate) text: String,
}

/// The pictures of a class that were taken for another.
pub(crate) struct Pair {
    pub(crate) anchor: String,
    pub(crate) text: String,
    pub(crate) pictures: Vec<Picture>,
}

impl Matrix {
    /// The matrix of the model with this prefix of anchors; `None` if it has too many classes.
    pub(crate) fn new(
        prefix: &str,
        subject: &Subject,
        split: &Split,
        max_pictures: usize,
    ) -> Result<Option<Self>, Error> {
        let confusion = &subject.evaluation.confusion;
        let names = &subject.class_names;
        if names.len() > MAX_CLASSES {
            return Ok(None);
        }
        let pairs = pairs(prefix, subject, split, max_pictures)?;
        let anchor = |actual: usize, predicted: usize| {
            let anchor = anchor(prefix, actual, predicted);
            pairs.iter().any(|pair| pair.anchor == anchor).then_some(anchor)
        };
        let rows = confusion.rows().enumerate().map(|(actual, counts)| {
            let total: u64 = counts.iter().sum();
            let cells = counts.iter().enumerate().map(|(predicted, &count)| {
                let share = count as f64 / total.max(1) as f64;
                Cell {
                    count,
                    is_right: actual == predicted,
                    // Mistakes are few: their colours are stronger.
                    strength: match actual == predicted {
                        true => (50.0 * share) as u32,
                        false => (200.0 * share).min(50.0) as u32,
                    },
                    anchor: anchor(actual, predicted).unwrap_or_default(),
                    text: sentence(names, confusion, (actual, predicted, count)),
                }
            });
            Row { name: names[actual].clone(), cells: cells.collect() }
        });
        Ok(Some(Self {
            anchor: format!("{prefix}-matrix"),
            names: names.clone(),
            rows: rows.collect(),
            pairs,
        }))
    }
}

/// How often one class was taken for another, in words.
pub(crate) fn sentence(
    names: &[String],
    confusion: &ConfusionMatrix,
    (actual, predicted, count): (usize, usize, u64),
) -> String {
    let total: u64 = confusion.rows().nth(actual).into_iter().flatten().sum();
    let share = percent(count as f64 / total.max(1) as f64);
    let (actual, predicted) = (&names[actual], &names[predicted]);
    format!("{actual} answered as {predicted}: {count} of {total} ({share})")
}

fn anchor(prefix: &str, actual: usize, predicted: usize) -> String {
    format!("{prefix}-{actual}-{predicted}")
}

/// The pictures of all pairs of classes, the most confident mistakes first.
fn pairs(
    prefix: &str,
    subject: &Subject,
    split: &Split,
    max_pictures: usize,
) -> Result<Vec<Pair>, Error> {
    let (names, confusion) = (&subject.class_names, &subject.evaluation.confusion);
    let mut pairs: BTreeMap<(u8, u16), Vec<Picture>> = BTreeMap::new();
    let mut n = 0;
    for (index, answer) in subject.answers.mistakes() {
        let pictures = pairs.entry((answer.label, answer.class)).or_default();
        if pictures.len() < MAX_OF_PAIR && n < max_pictures {
            n += 1;
            pictures.push(Picture {
                source: picture::of_dataset(&split.images, index)?,
                name: format!("image {index}"),
                caption: vec![format!("{index}"), percent(answer.confidence.into())],
            });
        }
    }
    let counts: Vec<&[u64]> = confusion.rows().collect();
    let pair = |((actual, predicted), pictures): ((u8, u16), Vec<Picture>)| {
        let (actual, predicted) = (usize::from(actual), usize::from(predicted));
        let count = counts[actual][predicted];
        let mut text = sentence(names, confusion, (actual, predicted, count));
        if (pictures.len() as u64) < count {
            text += &format!("; the {} most confident", pictures.len());
        }
        Pair { anchor: anchor(prefix, actual, predicted), text, pictures }
    };
    Ok(pairs.into_iter().filter(|(_, pictures)| !pictures.is_empty()).map(pair).collect())
}
