//! How much memory a classifier takes. It has its own test binary, since the allocator counts for all tests in one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fmnist::{Classifier, Model, Saves, Trainer, garments};
use tally::{Failure, Tally, ensure};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Loading a model, and classifying with it, takes no more memory than its file and 16 MiB.
#[test]
fn a_large_model() {
    let mut tally = Tally::new("A19", "memory of a classifier of tens of megabytes");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    let data = garments::synthetic(0, 10, 10);
    let model = Model::classifier(&[784, 2400, 2400, 10]).unwrap();
    // Without moments, so the file is little more than the weights.
    let sgd = fmnist::Sgd { momentum: 0.0, nesterov: false };
    let trainer = Trainer::builder(model).optimizer(sgd).batch_size(10).build().unwrap();
    let mut trainer = trainer.saving(Saves::claim(&path).unwrap());
    trainer.fit(&data.train, None, 1).unwrap();
    drop(trainer);
    let len = std::fs::metadata(&path).unwrap().len() as usize;
    assert!(len > 30_000_000);
    tally.case(|| {
        let profiler = dhat::Profiler::builder().testing().build();
        let classifier = Classifier::load(&path).unwrap();
        let answers = classifier.classify_pixels(data.test.images.get(0).unwrap()).unwrap();
        let peak = dhat::HeapStats::get().max_bytes;
        drop(profiler);
        assert_eq!(answers.len(), 10);
        let most = len + (16 << 20);
        ensure(peak <= most, || Failure::wrong(format!("{peak} bytes, more than {most}")))
    });
    tally.finish();
}
