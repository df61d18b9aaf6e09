//! Some images of a test set are those of the whole set, and the rest is not read.

use super::*;

fn pick(tiny: &Tiny, options: &ReadOptions, indices: &[usize]) -> Result<TestImages, Error> {
    TestImages::load(DatasetName::Idx, tiny.dir.path(), options, indices)
}

#[test]
fn they_are_those_of_the_whole_set() {
    let tiny = Tiny::new();
    for transpose in [false, true] {
        let options = ReadOptions { transpose, ..ReadOptions::default() };
        let test = Dataset::load_idx(tiny.dir.path(), &options).unwrap().test;
        for indices in [&[0][..], &[9], &[3, 1, 3], &[], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]] {
            let found = pick(&tiny, &options, indices).unwrap();
            let expected = TestImages::of(&test, indices).unwrap();
            assert_eq!((&found.images, &found.labels), (&expected.images, &expected.labels));
            let pixels = indices.iter().map(|&index| test.images.get(index).unwrap());
            assert_eq!(found.images.pixels, pixels.collect::<Vec<_>>().concat());
        }
    }
    let error = pick(&tiny, &ReadOptions::default(), &[3, 10]).unwrap_err().to_string();
    assert_eq!(error, "expected 0 to 9, the last image of the test set, found 10");
}

/// Files that are cut short long after the image: what follows it is not read. Nor are the training images.
#[test]
fn the_rest_is_not_read() {
    let (n, side) = (4000, 28);
    let pixels: Vec<u8> = (0..n * side * side).map(|i| (i % 251) as u8).collect();
    let labels = idx_u8(&[n], &vec![0; n]);
    let images = idx_u8(&[n, side, side], &pixels);
    let half = &images[..images.len() / 2];
    let tiny = Tiny::new().put(NAMES[0], &half[..16]).put(NAMES[2], half);
    let tiny = tiny.put(NAMES[1], &labels).put(NAMES[3], &labels);
    let found = pick(&tiny, &ReadOptions::default(), &[600, 0]).unwrap();
    let image = |index: usize| &pixels[index * side * side..][..side * side];
    assert_eq!(found.images.pixels, [image(600), image(0)].concat());
    assert!(pick(&tiny, &ReadOptions::default(), &[3999]).is_err());
    assert!(tiny.load_idx().is_err());
}
