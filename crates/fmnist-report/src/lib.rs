#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! A [`Subject`] is a model with its answers to some images. A [`Page`] is about one or more of them. Each part of the page is
//! a module: its data, made by a plain function, and its template in `templates/`. Templates escape all text.

mod chart;
mod comparison;
mod error;
mod matrix;
mod model;
mod picture;
mod subject;
mod weights;

use askama::Template as _;
use fmnist::Split;

use comparison::Comparison;
use model::ModelPart;

pub use error::Error;
pub use subject::Subject;

/// The most pictures of confused pairs on a page.
const MAX_PICTURES: usize = 2000;

/// A page about models and their answers to the same images.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What the images are, such as `10,000 test images of fashion-mnist`.
    pub images: &'a str,
    /// When the page was made.
    pub made: &'a str,
    /// The models, one or more.
    pub subjects: &'a [Subject],
    /// The images that the subjects were made with.
    pub split: &'a Split,
}

impl Page<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    ///
    /// If a subject was made with other images, or a picture cannot be encoded.
    pub fn html(&self) -> Result<String, Error> {
        let &Self { images, made, subjects, split } = self;
        let expected = split.len();
        let lengths = subjects.iter().map(|subject| subject.answers.as_slice().len());
        if let Some(found) = lengths.into_iter().find(|&found| found != expected) {
            return Err(Error::Images { expected, found });
        }
        let max_pictures = MAX_PICTURES / subjects.len().max(1);
        let models = subjects.iter().enumerate();
        let models =
            models.map(|(index, subject)| ModelPart::new(index, subject, split, max_pictures));
        let document = Document {
            title: subjects.iter().map(Subject::name).collect::<Vec<_>>().join(", "),
            images,
            made,
            comparison: match subjects {
                [] | [_] => None,
                _ => Some(Comparison::new(subjects, split)?),
            },
            models: models.collect::<Result<_, _>>()?,
        };
        Ok(document.render()?)
    }
}

/// The whole document.
#[derive(askama::Template)]
#[template(path = "page.html")]
struct Document<'a> {
    title: String,
    images: &'a str,
    made: &'a str,
    comparison: Option<Comparison>,
    models: Vec<ModelPart>,
}

/// A name with its value, as in a list of settings.
struct Fact {
    name: String,
    value: String,
}

impl Fact {
    fn new(name: &str, value: impl ToString) -> Self {
        Self { name: name.into(), value: value.to_string() }
    }
}

/// A number with separators, such as `118,282`.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

/// A share of 0 to 1 as per cent.
fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
