//! Which pictures of a class are for the test, and in which order a set has those of all classes.

use std::path::PathBuf;

use super::{Entry, TEST_SHARE};

/// Parts the pictures of each class into those to learn from and those to test by: of each six, in the
/// order of names, the last.
pub(super) fn every_sixth(classes: Vec<Vec<PathBuf>>) -> [Vec<Vec<PathBuf>>; 2] {
    let parted = classes.into_iter().map(|pictures| {
        let numbered = pictures.into_iter().zip(1_usize..);
        let (test, train): (Vec<_>, Vec<_>) =
            numbered.partition(|(_, number)| number.is_multiple_of(TEST_SHARE));
        let paths = |part: Vec<(PathBuf, usize)>| part.into_iter().map(|(path, _)| path).collect();
        (paths(train), paths(test))
    });
    let (train, test) = parted.unzip();
    [train, test]
}

/// Puts classes, each in order, into one sequence that has as much of each in every part of it: picture
/// `i` of `n` stands at (2 i + 1) / 2 n of the way, at equal places the class of the smaller label first.
pub(super) fn spread(classes: Vec<Vec<PathBuf>>) -> Vec<Entry> {
    let mut placed = Vec::new();
    for (label, pictures) in (0..=u8::MAX).zip(classes) {
        let n = pictures.len() as u64;
        let odd = (0_u64..).map(|i| i.saturating_mul(2).saturating_add(1));
        placed.extend(odd.zip(pictures).map(|(place, path)| (place, n, Entry { path, label })));
    }
    // a / n is less than b / m where a m is less than b n; the sort keeps what is equal in order.
    placed.sort_by(|(a, n, _), (b, m, _)| a.saturating_mul(*m).cmp(&b.saturating_mul(*n)));
    placed.into_iter().map(|(_, _, entry)| entry).collect()
}
