//! Files that are good by themselves but do not belong together, and labels that name no class.

use tally::Tally;

use super::*;
use crate::fixture::refused;

/// 60,000 images of one pixel.
fn images() -> Vec<u8> {
    gzip(&idx_u8(&[60_000, 1, 1], &[0; 60_000]))
}

/// `count` labels, all 0 except for one.
fn labels(count: usize, index: usize, value: u8) -> Vec<u8> {
    let mut labels = vec![0; count];
    labels[index] = value;
    gzip(&idx_u8(&[count], &labels))
}

fn one_pixel(labels: &[u8]) -> Tiny {
    let test = gzip(&idx_u8(&[10, 1, 1], &[0; 10]));
    Tiny::new().put(NAMES[0], &images()).put(NAMES[1], labels).put(NAMES[2], &test)
}

#[test]
fn a_label_names_a_class() {
    let mut tally = Tally::new("D5", "labels of 10 and more");
    let ten = CLASS_NAMES.join("\n");
    let one_pixel = |labels: &[u8]| one_pixel(labels).put("classes.txt", ten.as_bytes());
    assert!(one_pixel(&labels(60_000, 0, 9)).load_idx().is_ok());
    for index in [0, 30_000, 59_999] {
        for value in [10, 255] {
            let place = format!("{}: byte {} (label {index}): ", NAMES[1], index + 8);
            let found = format!("expected 0 to 9, found {value}");
            let tiny = one_pixel(&labels(60_000, index, value));
            tally.case(|| refused(tiny.load_idx(), &[&place, &found]));
        }
    }
    tally.finish();
}

#[test]
fn four_files_belong_together() {
    let mut tally = Tally::new("D6", "files that disagree, or under each other's names");
    let raw = fixture::raw_files(0);
    let unpinned = |tiny: Tiny, words: &[&str]| refused(tiny.load_idx(), words);
    let words = ["has 59999 labels", NAMES[1], "has 60000 images", NAMES[0]];
    tally.case(|| unpinned(one_pixel(&labels(59_999, 0, 0)), &words));
    tally.case(|| {
        let wide = Tiny::new().put(NAMES[2], &idx_u8(&[10, 2, 3], &[0; 60]));
        unpinned(wide, &[NAMES[2], "images of 2 x 3", NAMES[0], "images of 3 x 2"])
    });

    let swap = |a: usize, b: usize| {
        Tiny::new().put(NAMES[a], &gzip(&raw[b])).put(NAMES[b], &gzip(&raw[a]))
    };
    let pinned = |a: usize, b: usize| {
        let words = [NAMES[a], &format!("contents of {}", NAMES[b]), "were swapped or renamed"];
        refused(swap(a, b).load(), &words)
    };
    for (a, b) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
        tally.case(|| pinned(a, b));
    }
    let images = "expected images (count x height x width, then perhaps x 1 or x 3), found 20 of u8; \
                  are images and labels swapped?";
    tally.case(|| unpinned(swap(0, 1), &[NAMES[0], images]));
    let labels = "expected labels (one number for each image), found 20 x 3 x 2 of u8; \
                  are images and labels swapped?";
    tally.case(|| unpinned(Tiny::new().put(NAMES[1], &raw[0]), &[NAMES[1], labels]));
    let words = [NAMES[1], "has 20 labels", NAMES[0], "has 10 images"];
    tally.case(|| unpinned(swap(0, 2), &words));
    tally.finish();
}
