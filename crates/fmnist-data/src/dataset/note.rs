//! What a user should know about how a dataset was read.

use std::fmt;

/// The most names in a line.
const MAX_NAMES: usize = 5;

/// Something that a reader did and that a user might not expect. Each is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Pictures in colour became grey.
    MadeGrey,
    /// The images keep three channels, but are all grey.
    NoColours,
    /// The files are named as EMNIST's, whose images lie on their sides, and are not transposed.
    OnTheirSides,
    /// There is no test set, so that the validation set is used for the test, too.
    ValidationIsTest,
    /// There is no test set, so that every sixth image of a class is for the test.
    EverySixth,
    /// Pixels from 0 to 1 were multiplied by 255.
    UnitPixels,
    /// The smallest label is 1, so 1 was subtracted from every label.
    LabelsFromOne,
    /// Folders or tables next to those of the set, which are not read.
    Unread(Vec<String>),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MadeGrey => "pictures in colour are made grey; --colour rgb keeps their colours",
            Self::NoColours => {
                "the pictures are all grey: without --colour rgb, training takes a third of the inputs"
            }
            Self::OnTheirSides => {
                "the images of EMNIST's files lie on their sides; --transpose turns them upright"
            }
            Self::ValidationIsTest => {
                "there is no test set: the final result is on the validation set, which also evaluates each epoch"
            }
            Self::EverySixth => {
                "there is no labelled test set: every sixth image of a class, in the order of the set, is for the test"
            }
            Self::UnitPixels => "the pixels go from 0 to 1 and are multiplied by 255",
            Self::LabelsFromOne => {
                "the labels begin at 1 instead of 0, so label 1 is the first class"
            }
            Self::Unread(names) => {
                let shown = names.get(..MAX_NAMES).unwrap_or(names).join(", ");
                write!(f, "next to the dataset, but not read: {shown}")?;
                return match names.len().saturating_sub(MAX_NAMES) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                };
            }
        })
    }
}
