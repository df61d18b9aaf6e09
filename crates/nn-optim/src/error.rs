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
    /// More or fewer moments than the optimizer has.
    #[error("{optimizer}: expected {expected} moments, found {found}")]
    MomentCount {
        /// The optimizer's name.
        optimizer: &'static str,
        /// How many it has with these settings.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// The moments' lengths differ.
    #[error("{moment}: expected {expected} elements, as the first moment has, found {found}")]
    MomentLength {
        /// The moment's name.
        moment: &'static str,
        /// Length of the first moment.
        expected: usize,
        /// Its own.
        found: usize,
    },
    /// A moment has a value that no training leaves there.
    #[error("{moment}, element {index}: expected {expected}, found {found}")]
    MomentValue {
        /// The moment's name.
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

/// Checks a setting that is how much of a moment stays at a step.
pub(crate) fn check_share(name: &'static str, found: f64) -> Result<(), Error> {
    check((0.0..1.0).contains(&found), name, "at least 0 and below 1", found)
}

/// Checks an epsilon, as the steps have it: in 32 bits.
pub(crate) fn check_epsilon(found: f64) -> Result<(), Error> {
    let valid = found.is_finite() && found as f32 > 0.0;
    check(valid, "epsilon", "a finite number above 0 in 32 bits", found)
}
