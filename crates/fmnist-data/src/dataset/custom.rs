//! Makes a dataset of what a reader has read, with the checks that all kinds of custom datasets share.

use std::path::Path;

use sha2::Digest as _;

use super::{Dataset, DatasetInfo, DatasetName, LabelledImages, Note, fingerprint};
use crate::Error;
use crate::digest::hex;
use crate::quote::{self, quoted};

/// The longest name of a directory that is kept, in bytes.
const MAX_DIRECTORY: usize = 255;

/// What to do about labels that are all the same, if nothing is known about the reason.
pub(crate) const CHECK_LABELS: &str = "add images of other classes, or correct the labels";

/// What a reader has read from a directory.
pub(crate) struct Parts<'a> {
    pub(crate) train: LabelledImages,
    pub(crate) test: LabelledImages,
    /// Images that the dataset itself sets apart to evaluate epochs on.
    pub(crate) validation: Option<LabelledImages>,
    pub(crate) name: DatasetName,
    pub(crate) class_names: Vec<String>,
    pub(crate) dir: &'a Path,
    /// The file or directory with the labels of the training images, for messages.
    pub(crate) labels_path: &'a Path,
    /// What to do if they are all the same.
    pub(crate) labels_hint: &'static str,
    pub(crate) transposed: bool,
    pub(crate) notes: Vec<Note>,
}

impl Parts<'_> {
    /// Fails if all training images are of one class. A network would always answer with that class, and be right.
    fn check_classes(&self) -> Result<(), Error> {
        let labels = &self.train.labels;
        let Some(&first) = labels.first().filter(|&first| labels.iter().all(|it| it == first))
        else {
            return Ok(());
        };
        let class = self.class_names.get(usize::from(first)).map_or("", String::as_str);
        Err(Error::Layout {
            path: self.labels_path.into(),
            expected: "training images of 2 classes or more".into(),
            found: format!("only the class {}", quoted(class)),
            hint: self.labels_hint,
        })
    }

    /// Whether the images keep three channels, although no pixel of them has a colour.
    fn is_grey(&self) -> bool {
        let sets = [Some(&self.train), self.validation.as_ref(), Some(&self.test)];
        sets.into_iter().flatten().all(|LabelledImages { images, .. }| {
            let (pixels, _) = images.pixels.as_chunks::<3>();
            images.channels == 3 && pixels.iter().all(|[r, g, b]| r == g && g == b)
        })
    }
}

impl Dataset {
    /// Makes a custom dataset, and computes its fingerprint. The validation images become the last ones of the training set.
    ///
    /// # Errors
    ///
    /// If all training images are of one class.
    pub(crate) fn custom(parts: Parts<'_>) -> Result<Self, Error> {
        parts.check_classes()?;
        let is_grey = parts.is_grey();
        let Parts {
            mut train,
            test,
            validation,
            name,
            class_names,
            dir,
            transposed,
            mut notes,
            ..
        } = parts;
        if is_grey {
            notes.push(Note::NoColours);
        }
        let n_validation = validation.map(|validation| {
            let n = validation.labels.len();
            train.images.pixels.extend(validation.images.pixels);
            train.images.count = train.images.count.saturating_add(n);
            train.labels.extend(validation.labels);
            n
        });
        let mut hasher = fingerprint(&train, &test);
        for class in &class_names {
            hasher.update((class.len() as u64).to_be_bytes());
            hasher.update(class);
        }
        let sha256 = hex(&hasher.finalize());
        let directory = dir.canonicalize().ok();
        let directory = directory.as_deref().unwrap_or(dir).file_name();
        let directory = directory.map(|name| name.to_string_lossy().into_owned());
        // It is shown, and stored in model files.
        let directory = directory
            .filter(|name| name.len() <= MAX_DIRECTORY && !name.contains(quote::is_command));
        let n_train = train.images.count;
        let info =
            DatasetInfo { name, directory, class_names, n_train, n_validation, sha256, transposed };
        Ok(Self { notes, ..Self::with_info(train, test, info) })
    }
}
