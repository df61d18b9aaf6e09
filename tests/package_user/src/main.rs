//! The library example of the READMEs, as a user's program. `cargo xtask ci` runs it in an empty directory with the data.

use fmnist::{Adam, Classifier, Dataset, Model, Trainer};

fn main() -> Result<(), fmnist::Error> {
    let data = Dataset::fashion_mnist("data/fashion-mnist")?;
    let (train, held_out) = data.train.hold_out(5_000);
    let mut trainer = Trainer::builder(Model::classifier(&[784, 128, 128, 10])?)
        .optimizer(Adam::default())
        .learning_rate(1e-3)
        .batch_size(128)
        .build()?;
    trainer.fit(&train, Some(&held_out), 10)?;
    trainer.save("garments.model")?;

    let classifier = Classifier::load("garments.model")?;
    println!("{}", classifier.classify_file("boot.png")?[0]);
    Ok(())
}
