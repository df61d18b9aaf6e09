//! What all tests compare with.

/// Fails unless both have the same length, and numbers that agree to 4 digits, which any order of `f32` operations reaches.
#[track_caller]
pub(crate) fn assert_close<'a>(
    what: &str,
    found: &[f32],
    expected: impl IntoIterator<Item = &'a f32>,
) {
    let expected: Vec<f32> = expected.into_iter().copied().collect();
    let is_close = |(found, expected): (&f32, &f32)| {
        (found - expected).abs() <= 1e-4 * expected.abs().max(1e-3)
    };
    let are_close = found.len() == expected.len() && found.iter().zip(&expected).all(is_close);
    assert!(are_close, "{what}\n  found:    {found:?}\n  expected: {expected:?}");
}
