//! Prints the class names of the model file that is its argument.

use std::error::Error;
use std::{env, fs};

use fmnist::Classifier;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: package_user MODEL")?;
    let classifier = Classifier::from_bytes(&fs::read(path)?)?;
    println!("{}", classifier.class_names().join(", "));
    Ok(())
}
