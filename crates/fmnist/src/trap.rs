//! Mistakes in data and settings that train a useless model without an error.

use std::fmt;

use fmnist_data::{Dataset, Split};
use nn_core::{Layer, Model, Scaling};
use nn_io::ModelInfo;
use nn_train::TrainingState;

use crate::data::fitting_scaling;

/// A likely mistake. Shown as one line that says what to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Trap {
    /// Classes without images in a split.
    NoImages {
        /// Whether it is the training set, and not the test set.
        train: bool,
        /// The names of the classes.
        classes: Vec<String>,
    },
    /// Numbers as labels, some of which no image has.
    SkippedLabels {
        /// How many labels below the largest no image has.
        skipped: usize,
        /// The largest label.
        largest: usize,
        /// How many images have it.
        images: usize,
    },
    /// All training pixels are 0.
    Black,
    /// The pixels of one set go much higher than those of the other.
    Ranges {
        /// The largest training pixel.
        train: u8,
        /// The largest test pixel.
        test: u8,
    },
    /// The pixels are dark, so another one than 255 counts as white.
    Dark {
        /// That pixel.
        white: f32,
    },
    /// The last batch of an epoch has one image, and the network has batch normalisation.
    SingleImage,
    /// The training accuracy is far above that on held-out images.
    Overfitting {
        /// The training accuracy of the last epoch.
        train: f64,
        /// The accuracy on held-out images.
        held_out: f64,
    },
}

/// A training accuracy this far above that on held-out images is a trap, unless these are so few that chance explains it.
const FAR_ABOVE: f64 = 0.1;

impl Trap {
    /// The traps in a dataset.
    pub fn in_data(dataset: &Dataset) -> Vec<Self> {
        let Dataset { train, test, info, .. } = dataset;
        let are_numbers =
            info.class_names.iter().enumerate().all(|(label, name)| *name == label.to_string());
        // The largest label is a class even if only test images have it.
        let largest = info.class_names.len().saturating_sub(1);
        let mut only_test = without(test);
        let not_trained = without(train);
        only_test.retain(|name| !not_trained.contains(name));
        let in_train = match (are_numbers, not_trained.len()) {
            (_, 0) => None,
            (true, skipped) => {
                let images = train.class_counts().get(largest).copied().unwrap_or(0);
                Some(Self::SkippedLabels { skipped, largest, images })
            }
            (false, _) => Some(Self::NoImages { train: true, classes: not_trained }),
        };
        let in_test =
            (!only_test.is_empty()).then_some(Self::NoImages { train: false, classes: only_test });
        in_train.into_iter().chain(in_test).chain(Self::in_pixels(dataset)).collect()
    }

    /// The trap in the pixels of both sets.
    fn in_pixels(Dataset { train, test, .. }: &Dataset) -> Option<Self> {
        let largest = |split: &Split| split.images.pixels.iter().max().copied().unwrap_or(0);
        let (train, test) = (largest(train), largest(test));
        let [low, high] = [train.min(test), train.max(test)];
        // Below half of 255, images count as dark: see `fitting_scaling`. Dark images of both sets may differ by chance.
        let is_apart = low < 128 && low < high / 2;
        match train {
            0 => Some(Self::Black),
            _ if is_apart => Some(Self::Ranges { train, test }),
            _ => None,
        }
    }

    /// The traps in the settings of a run that trains on these images.
    pub fn in_settings(
        model: &Model,
        state: &TrainingState,
        info: &ModelInfo,
        train: &Split,
    ) -> Vec<Self> {
        // A scale that was given is no surprise.
        let fitting = fitting_scaling(&train.images);
        let is_dark = fitting != Scaling::default() && info.input.scaling == Some(fitting);
        let dark = is_dark.then_some(Self::Dark { white: fitting.mean * 2.0 });
        let (batch_size, n) = (state.config.batch_size, train.len());
        let has_norm = model.layers().iter().any(|it| matches!(it.layer, Layer::BatchNorm { .. }));
        let is_single = has_norm && n > 1 && n % batch_size == 1;
        dark.into_iter().chain(is_single.then_some(Self::SingleImage)).collect()
    }

    /// The trap that the last epoch of a run shows.
    pub fn in_history(state: &TrainingState, info: &ModelInfo) -> Option<Self> {
        let last = state.history.last()?;
        let (train, held_out) = (last.train.accuracy, last.validation?.accuracy);
        // Three standard errors of an accuracy of 1/2, where they are largest.
        let by_chance = 1.5 / (info.n_validation as f64).sqrt();
        let is_far = train - held_out > by_chance.max(FAR_ABOVE);
        is_far.then_some(Self::Overfitting { train, held_out })
    }
}

/// The classes that a split has no image of.
fn without(split: &Split) -> Vec<String> {
    let counts = split.class_counts();
    let names = split.dataset.class_names.iter().enumerate();
    let is_empty = |class: usize| counts.get(class).is_none_or(|&count| count == 0);
    names.filter(|&(class, _)| is_empty(class)).map(|(_, name)| name.clone()).collect()
}

/// The most names of classes in a line.
const MAX_NAMES: usize = 5;

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImages { train, classes } => {
                let set = if *train { "training" } else { "test" };
                let names = classes.iter().take(MAX_NAMES).map(String::as_str);
                let names = names.collect::<Vec<_>>().join(", ");
                let more = match classes.len().saturating_sub(MAX_NAMES) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let hint = if *train { "add images, or remove the classes" } else { "they are not tested" };
                write!(f, "the {set} set has no image of {names}{more}: {hint}")
            }
            Self::SkippedLabels { skipped, largest, images } => {
                let images = if *images == 1 { "1 image".into() } else { format!("{images} images") };
                write!(
                    f,
                    "the labels go up to {largest} ({images}), but {skipped} below it have no training image: the \
                     network gets {} outputs; correct the labels, or name the classes in classes.txt",
                    largest + 1
                )
            }
            Self::Black => f.write_str(
                "all training pixels are 0, so there is nothing to learn; check how the images were made",
            ),
            Self::Ranges { train, test } => write!(
                f,
                "the largest training pixel is {train}, that of the test set is {test}; make both sets in the same way"
            ),
            Self::Dark { white } => write!(
                f,
                "the largest training pixel is {white}, so {white} counts as white instead of 255; --scale 255 \
                 changes that"
            ),
            Self::SingleImage => f.write_str(
                "the last batch of an epoch has one image, which batch normalisation makes all zero; choose another \
                 --batch-size",
            ),
            Self::Overfitting { train, held_out } => write!(
                f,
                "the training accuracy, {train:.3}, is far above {held_out:.3} on held-out images: the network \
                 memorises; try augmentation (--flip --shift 2), --dropout 0.3, or more images"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use fmnist_data::garments;

    use super::*;

    #[test]
    fn data_without_traps_have_none() {
        assert_eq!(Trap::in_data(&garments::synthetic(0, 100, 20)), []);
    }

    /// Classes that only the test set lacks are of that set; those that both lack are named once.
    #[test]
    fn classes_without_images_are_named() {
        let mut dataset = garments::synthetic(0, 100, 20);
        let keep = |split: Split, keep: &dyn Fn(u8) -> bool| {
            let indices: Vec<usize> =
                (0..split.len()).filter(|&index| keep(split.labels[index])).collect();
            split.take_out(&indices).1
        };
        dataset.train = keep(dataset.train, &|label| label != 3);
        dataset.test = keep(dataset.test, &|label| label == 1);
        let lines: Vec<String> = Trap::in_data(&dataset).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "the training set has no image of Dress: add images, or remove the classes",
                "the test set has no image of T-shirt/top, Pullover, Coat, Sandal, Shirt and 3 more: they are not tested"
            ]
        );
    }

    /// Images that are dark in one set alone, or black.
    #[test]
    fn sets_of_other_ranges_are_named() {
        let lines = |train: u8, test: u8| -> Vec<String> {
            let mut dataset = garments::synthetic(0, 100, 20);
            for (split, largest) in [(&mut dataset.train, train), (&mut dataset.test, test)] {
                split.images.pixels.iter_mut().for_each(|pixel| *pixel = largest.min(*pixel));
                assert_eq!(split.images.pixels.iter().max(), Some(&largest));
            }
            Trap::in_data(&dataset).iter().map(ToString::to_string).collect()
        };
        let line = "the largest training pixel is 15, that of the test set is 240; make both sets in the same way";
        assert_eq!(lines(15, 240), [line]);
        assert_eq!(lines(240, 15).len(), 1);
        assert_eq!(lines(1, 240).len(), 1);
        let none: [&str; 0] = [];
        for (train, test) in [(240, 240), (15, 15), (15, 12), (12, 15), (200, 240), (130, 60 + 10)]
        {
            assert_eq!(lines(train, test), none, "{train}, {test}");
        }
        let black = lines(0, 240);
        assert_eq!(black.len(), 1);
        assert!(black[0].starts_with("all training pixels are 0, so there is nothing to learn;"));
    }

    #[test]
    fn lines_say_what_to_do() {
        let line = Trap::SkippedLabels { skipped: 89, largest: 99, images: 1 }.to_string();
        let expected = "the labels go up to 99 (1 image), but 89 below it have no training image: ";
        assert!(line.starts_with(expected), "{line}");
        let line = Trap::Dark { white: 15.0 }.to_string();
        assert!(
            line.starts_with("the largest training pixel is 15, so 15 counts as white"),
            "{line}"
        );
    }
}
