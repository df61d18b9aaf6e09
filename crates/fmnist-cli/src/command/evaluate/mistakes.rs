//! `fmnist evaluate --mistakes`: draws the images that got a wrong answer.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use fmnist::{Answers, Classifier, Split};

use crate::{
    console::Console,
    outside::Outside,
    own::OwnFile,
    sheet::{Caption, Sheet},
    text::count,
};

/// The most images in a picture.
const MAX_SHOWN: usize = 100;

/// Fails if another program's file has a name that a picture needs.
pub(super) fn check(dir: &Path, classifier: &Classifier) -> anyhow::Result<()> {
    let classes = 0..classifier.class_names().len();
    classes.into_iter().try_for_each(|class| OwnFile::Svg.check(&path_of(dir, class)))
}

/// The picture of a class.
fn path_of(dir: &Path, class: usize) -> PathBuf {
    dir.join(format!("{class}.svg"))
}

/// Draws the mistakes of each class, the most confident first. A class without any has no picture: that of an earlier
/// evaluation is removed.
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
        for &(index, answer) in of_class.take(MAX_SHOWN) {
            let pixels = split.images.get(index).unwrap_or_default();
            let label = names.get(usize::from(answer.class)).map_or("", String::as_str);
            let actual = Some(actual.as_str());
            let caption =
                Caption { label, confidence: answer.confidence, is_right: Some(false), actual };
            sheet.add(pixels, &caption)?;
        }
        if !sheet.is_empty() {
            sheet.save(&path_of(dir, class))?;
            n_files += 1;
        } else if path_of(dir, class).exists() {
            OwnFile::Svg.check(&path_of(dir, class))?;
            fs::remove_file(path_of(dir, class))
                .with_context(|| format!("{name}: cannot remove"))?;
        }
    }
    let pictures = count(n_files, "picture");
    console.message(&format!("drew the mistakes of each class: {pictures} in {name}"));
    Ok(())
}
