//! `fmnist evaluate --mistakes`: draws the images that got a wrong answer.

use std::{fs, path::Path};

use anyhow::Context as _;
use fmnist::{Answers, Classifier, Split};

use crate::{
    console::Console,
    outside::Outside,
    sheet::{Caption, Sheet},
    text::count,
};

/// The most images in a picture.
const MOST: usize = 100;

/// Draws the mistakes of each class as `CLASS-NUMBER.svg`, the most confident first.
pub(super) fn draw(
    dir: &Path,
    classifier: &Classifier,
    split: &Split,
    answers: &Answers,
    console: &Console,
) -> anyhow::Result<()> {
    let name = Outside::from(dir);
    fs::create_dir_all(dir).with_context(|| format!("{name}: cannot create"))?;
    let names = classifier.class_names();
    let mistakes = answers.mistakes();
    let mut n_files = 0;
    for (class, actual) in names.iter().enumerate() {
        let mut sheet = Sheet::new(classifier.image());
        let of_class = mistakes.iter().filter(|(_, answer)| usize::from(answer.label) == class);
        for &(index, answer) in of_class.take(MOST) {
            let pixels = split.images.get(index).unwrap_or_default();
            let label = names.get(usize::from(answer.class)).map_or("", String::as_str);
            let actual = Some(actual.as_str());
            let caption =
                Caption { label, confidence: answer.confidence, is_right: Some(false), actual };
            sheet.add(pixels, &caption)?;
        }
        if !sheet.is_empty() {
            sheet.save(&dir.join(format!("{class}.svg")))?;
            n_files += 1;
        }
    }
    let pictures = count(n_files, "picture");
    console.message(&format!("the mistakes are in {pictures} in {name}"));
    Ok(())
}
