//! Prints what is in IDX files, or in the synthetic set if no file is named.
//!
//!     cargo run -p fmnist-data --example inspect_idx -- train-labels-idx1-ubyte.gz

use std::path::Path;

use fmnist_data::idx::{self, Elements};
use fmnist_data::{CLASS_NAMES, Error, garments};

fn main() -> Result<(), Error> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    for path in &paths {
        let array = idx::open(Path::new(path))?;
        println!("{}: {:?} of {}", path.display(), array.dims, array.elements.type_name());
        if let (Elements::U8(labels), [_]) = (&array.elements, array.dims.as_slice()) {
            print_counts(labels);
        }
    }
    if paths.is_empty() {
        let train = garments::synthetic(0, 1_000, 0).train;
        let images = &train.images;
        println!("synthetic: {:?} of u8", [images.count, images.height, images.width]);
        print_counts(&train.labels);
    }
    Ok(())
}

fn print_counts(labels: &[u8]) {
    for (class, name) in (0_u8..).zip(CLASS_NAMES) {
        let count = labels.iter().filter(|&&label| label == class).count();
        println!("{class} {name:<12} {count}");
    }
}
