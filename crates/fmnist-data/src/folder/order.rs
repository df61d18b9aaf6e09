//! Chooses the test pictures of a class, and the order of all pictures in a set.

use std::path::PathBuf;

use crate::dataset::TEST_SHARE;

/// A picture that is part of a set, not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) label: u8,
}

/// Splits the pictures of each class into training and test pictures: the last of every six, by name, is for the test.
pub(super) fn every_sixth(classes: Vec<Vec<PathBuf>>) -> [Vec<Vec<PathBuf>>; 2] {
    let parted = classes.into_iter().map(|pictures| {
        let mut numbers = 1_usize..;
        let mut is_test = || numbers.next().is_some_and(|n| n.is_multiple_of(TEST_SHARE));
        pictures.into_iter().partition(|_| is_test())
    });
    let (test, train) = parted.unzip();
    [train, test]
}

/// Merges the classes into one sequence in which each is spread evenly. Picture `i` of `n` has the position
/// (2 i + 1) / 2 n; at equal positions, the smaller label comes first.
pub(super) fn spread(classes: Vec<Vec<PathBuf>>) -> Vec<Entry> {
    let mut placed = Vec::new();
    for (label, pictures) in (0..=u8::MAX).zip(classes) {
        let n = pictures.len() as u64;
        let odd = (0_u64..).map(|i| i.saturating_mul(2).saturating_add(1));
        placed.extend(odd.zip(pictures).map(|(place, path)| (place, n, Entry { path, label })));
    }
    // a / n < b / m if a m < b n; the sort is stable.
    placed.sort_by(|(a, n, _), (b, m, _)| a.saturating_mul(*m).cmp(&b.saturating_mul(*n)));
    placed.into_iter().map(|(_, _, entry)| entry).collect()
}
