//! Everything that can be wrong with an optimizer's settings or state.

/// Why settings or a state were refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is outside its range.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// The moments' lengths differ.
    #[error("Adam's moments: expected two of one length, found {m} and {v}")]
    MomentLengths {
        /// Length of the first moment.
        m: usize,
        /// Length of the second moment.
        v: usize,
    },
    /// A moment has a value that no training leaves there.
    #[error("Adam's {moment}, element {index}: expected {expected}, found {found}")]
    MomentValue {
        /// `first moment` or `second moment`.
        moment: &'static str,
        /// Which element.
        index: usize,
        /// Its range, in words.
        expected: &'static str,
        /// What it is.
        found: f32,
    },
}

/// `Ok` where `valid`, else the error that names the setting.
pub(crate) fn check(
    valid: bool,
    name: &'static str,
    expected: &'static str,
    found: f64,
) -> Result<(), Error> {
    if valid { Ok(()) } else { Err(Error::Setting { name, expected, found }) }
}
