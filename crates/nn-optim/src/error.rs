//! The error type of the crate, and checks that several settings share.

/// An error in an optimizer's or a schedule's settings, or in a saved state.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is outside its range.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// What was given.
        found: f64,
    },
    /// The number of moments is not the number that the optimizer has.
    #[error("{optimizer}: expected {expected} moments, found {found}")]
    MomentCount {
        /// The optimizer's name.
        optimizer: &'static str,
        /// The number that these settings need.
        expected: usize,
        /// The number that was given.
        found: usize,
    },
    /// The moments' lengths differ.
    #[error("{moment}: expected {expected} elements, as the first moment has, found {found}")]
    MomentLength {
        /// The moment's name.
        moment: &'static str,
        /// Length of the first moment.
        expected: usize,
        /// The moment's length.
        found: usize,
    },
    /// A moment has a value that training cannot produce.
    #[error("{moment}, element {index}: expected {expected}, found {found}")]
    MomentValue {
        /// The moment's name.
        moment: &'static str,
        /// The element's index.
        index: usize,
        /// Its range, in words.
        expected: &'static str,
        /// The element.
        found: f32,
    },
}

/// Returns an error for the setting unless it is `valid`.
pub(crate) fn check(
    valid: bool,
    name: &'static str,
    expected: &'static str,
    found: f64,
) -> Result<(), Error> {
    if valid { Ok(()) } else { Err(Error::Setting { name, expected, found }) }
}

/// Checks the decay rate of a moment.
pub(crate) fn check_share(name: &'static str, found: f64) -> Result<(), Error> {
    check((0.0..1.0).contains(&found), name, "at least 0 and below 1", found)
}

/// Checks an epsilon as updates use it, in 32 bits.
pub(crate) fn check_epsilon(found: f64) -> Result<(), Error> {
    let valid = found.is_finite() && found as f32 > 0.0;
    check(valid, "epsilon", "a finite number above 0 in 32 bits", found)
}

/// Checks a number that must be finite and not below 0.
pub(crate) fn check_not_negative(name: &'static str, found: f64) -> Result<(), Error> {
    check(found.is_finite() && found >= 0.0, name, "a finite number, 0 or above", found)
}

/// Panics if a moment, an average or the gradient is not as long as the parameters.
#[track_caller]
pub(crate) fn check_len(n_params: usize, found: usize) {
    assert_eq!(found, n_params, "lengths of an update");
}
