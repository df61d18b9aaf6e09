//! Which samples of a training set are held out for validation. A pure function of the labels and a seed, so that a resumed
//! run holds out the same samples, on every machine.

use nn_core::rng::{Purpose, Stream};

/// How the held-out samples are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeldOut {
    /// The last samples of the training set.
    #[default]
    Last,
    /// Samples of each class, in the proportions of the training set, as [`stratified`] draws them.
    Stratified,
}

/// The number of classes that labels of a byte can have.
const CLASSES: usize = 256;

/// Draws `n` samples to hold out, in the proportions of the classes. Returns their indices in ascending order; all indices
/// if there are no more than `n` samples.
///
/// A class with `n_c` of all `N` samples has `n n_c / N` of the held-out samples, rounded by the largest remainder: first
/// down; then the classes with the largest remainders have one more each, of equal ones the smallest class, until there are
/// `n`. If every class that has samples can keep one for training, it does: a class that would lose all keeps one, and
/// instead the class that keeps the most loses one more, of equal ones the smallest class.
///
/// All samples are shuffled with the seed. Of each class, the first in this order are held out.
///
/// ```
/// // Six samples of class 0 and three of class 1: a third of each.
/// let labels = [0, 0, 1, 0, 0, 1, 0, 1, 0];
/// let held_out = nn_train::stratified(&labels, 3, 7);
/// let classes: Vec<u8> = held_out.iter().map(|&i| labels[i]).collect();
/// assert_eq!(classes.iter().filter(|&&class| class == 1).count(), 1);
/// assert_eq!(held_out.len(), 3);
/// ```
///
/// # Panics
///
/// If there are more than `u32::MAX` samples.
pub fn stratified(labels: &[u8], n: usize, seed: u64) -> Vec<usize> {
    let mut counts = [0; CLASSES];
    labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    let mut left = quotas(&counts, n.min(labels.len()));

    let mut order: Vec<usize> = (0..labels.len()).collect();
    Stream::new(seed, Purpose::HeldOut, 0).shuffle(&mut order);
    order.retain(|&sample| {
        let left = &mut left[usize::from(labels[sample])];
        let is_held_out = *left > 0;
        *left -= usize::from(is_held_out);
        is_held_out
    });
    order.sort_unstable();
    order
}

/// How many samples of each class are held out: `n` in all, which is not above the sum of `counts`.
fn quotas(counts: &[usize; CLASSES], n: usize) -> [usize; CLASSES] {
    let all = counts.iter().sum::<usize>().max(1) as u128;
    // The product of two lengths may exceed 64 bits.
    let shares = counts.map(|count| n as u128 * count as u128);
    let mut quotas = shares.map(|share| (share / all) as usize);
    let mut by_remainder: Vec<usize> = (0..CLASSES).collect();
    // The sort is stable, so of equal remainders, the smallest class is first.
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(shares[class] % all));
    let missing = n - quotas.iter().sum::<usize>();
    by_remainder[..missing].iter().for_each(|&class| quotas[class] += 1);

    let n_classes = counts.iter().filter(|&&count| count > 0).count();
    let n_training = counts.iter().sum::<usize>() - n;
    if n_training >= n_classes {
        while let Some(empty) = (0..CLASSES).find(|&i| counts[i] > 0 && quotas[i] == counts[i]) {
            // It has two or more, since all classes together have at least one each.
            let most = (0..CLASSES).rev().max_by_key(|&i| counts[i] - quotas[i]).unwrap_or(empty);
            quotas[empty] -= 1;
            quotas[most] += 1;
        }
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1,000 labels of four classes, in a shuffled order, with 640, 250, 109 and 1 samples.
    fn labels() -> Vec<u8> {
        let class = |i: usize| match i * 617 % 1000 {
            0..640 => 0,
            640..890 => 1,
            890..999 => 2,
            _ => 3,
        };
        (0..1000).map(class).collect()
    }

    fn counts(of: &[(u8, usize)]) -> [usize; CLASSES] {
        let mut counts = [0; CLASSES];
        of.iter().for_each(|&(class, n)| counts[usize::from(class)] = n);
        counts
    }

    /// Shares of 6.4, 2.5, 1.09 and 0.01: class 1 has the largest remainder, then class 0.
    #[test]
    fn quotas_by_the_largest_remainder() {
        let all = counts(&[(0, 640), (1, 250), (2, 109), (3, 1)]);
        assert_eq!(quotas(&all, 10)[..4], [6, 3, 1, 0]);
        assert_eq!(quotas(&all, 100)[..4], [64, 25, 11, 0]);
        assert_eq!(quotas(&all, 0)[..4], [0; 4]);
        // Three equal remainders and two samples: the smallest classes have them.
        let equal = counts(&[(2, 5), (7, 5), (9, 5)]);
        let found = quotas(&equal, 5);
        assert_eq!([2, 7, 9].map(|class| found[class]), [2, 2, 1]);
    }

    /// A class keeps a sample for training, as long as all can.
    #[test]
    fn a_class_keeps_a_sample() {
        let all = counts(&[(0, 1), (1, 5), (2, 6)]);
        // 10/12, 50/12 and 60/12: class 0 would lose its only sample. Of the others, 1 and 2 keep one each.
        assert_eq!(quotas(&all, 9)[..3], [0, 4, 5]);
        assert_eq!(quotas(&all, 8)[..3], [0, 4, 4]);
        assert_eq!(quotas(&all, 10)[..3], [1, 4, 5]);
        assert_eq!(quotas(&all, 12)[..3], [1, 5, 6]);
        for n in 0..=12 {
            let found = quotas(&all, n);
            assert_eq!(found.iter().sum::<usize>(), n);
            let is_kept = (0..3).all(|i| found[i] < all[i]);
            assert_eq!(is_kept, n <= 9, "{n}");
        }
    }

    /// The samples are those that `tests/reference/held_out.py` draws.
    #[test]
    fn known_samples() {
        let labels = labels();
        assert_eq!(stratified(&labels, 12, 0), GOLDEN[0]);
        assert_eq!(stratified(&labels, 12, u64::MAX), GOLDEN[1]);
    }

    const GOLDEN: [[usize; 12]; 2] = [
        [25, 148, 238, 412, 423, 487, 625, 627, 634, 738, 779, 934],
        [13, 33, 42, 202, 217, 225, 247, 537, 548, 678, 815, 939],
    ];

    #[test]
    fn samples_are_ascending_and_of_each_class() {
        let labels = labels();
        let found = stratified(&labels, 100, 3);
        assert!(found.is_sorted_by(|a, b| a < b));
        let of_class = |class| found.iter().filter(|&&i| labels[i] == class).count();
        assert_eq!([0, 1, 2, 3].map(of_class), [64, 25, 11, 0]);
        assert_ne!(found, stratified(&labels, 100, 4));
        assert!(stratified(&labels, 0, 3).is_empty());
        assert!(stratified(&[], 5, 3).is_empty());
        for n in [1000, 1001, usize::MAX] {
            assert!(stratified(&labels, n, 3).into_iter().eq(0..1000));
        }
    }

    /// Every sample of a class is equally likely.
    #[test]
    fn samples_are_drawn_uniformly() {
        let labels = [0, 1, 0, 0, 1, 0];
        let mut times = [0; 6];
        for seed in 0..6000 {
            stratified(&labels, 3, seed).into_iter().for_each(|i| times[i] += 1);
        }
        // 3,000 expected of each, standard deviation 39.
        assert!(times.iter().all(|n| (2_840..3_160).contains(n)), "{times:?}");
    }
}
