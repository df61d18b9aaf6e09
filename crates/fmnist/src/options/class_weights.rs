//! The option of class weights.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{form::Form, list::List};

/// The weight of each class in the loss: numbers, or `balanced`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClassWeights {
    /// Each class counts as much as any other, however many images it has.
    Balanced(Balanced),
    /// These weights; none for 1 each.
    Given(List<f32>),
}

/// The word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balanced {
    /// `balanced`
    Balanced,
}

impl ClassWeights {
    /// The weights for a training set with so many images of each class, and `n` classes. Those of `balanced` are
    /// `images / (classes * images of the class)`, so that their mean over the images is 1. Classes without images are
    /// not counted.
    pub(super) fn weights(&self, counts: &[usize], n: usize) -> Vec<f32> {
        let Self::Balanced(_) = self else { return self.given().to_vec() };
        let images: usize = counts.iter().sum();
        let classes = counts.iter().filter(|&&count| count > 0).count();
        let weight = |class| match counts.get(class) {
            None | Some(0) => 1.0,
            Some(&count) => (images as f64 / (classes as f64 * count as f64)) as f32,
        };
        if images == 0 { Vec::new() } else { (0..n).map(weight).collect() }
    }

    /// The numbers, if they are given.
    pub(super) fn given(&self) -> &[f32] {
        match self {
            Self::Balanced(_) => &[],
            Self::Given(List(weights)) => weights,
        }
    }
}

impl FromStr for ClassWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "balanced" {
            return Ok(Self::Balanced(Balanced::Balanced));
        }
        text.parse().map(Self::Given).map_err(|error| format!("{error}; or give balanced"))
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced(_) => f.write_str("balanced"),
            Self::Given(weights) => weights.fmt(f),
        }
    }
}

impl Form for ClassWeights {
    fn form() -> String {
        format!("\"balanced\", or {}", List::<f32>::form())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_classes_count_alike() {
        let balanced: ClassWeights = "balanced".parse().unwrap();
        let weights = balanced.weights(&[10, 0, 30, 20], 5);
        assert_eq!(weights, [2.0, 1.0, 2.0 / 3.0, 1.0, 1.0]);
        // Each class has the same weight in all.
        assert_eq!(weights[0] * 10.0, weights[2] * 30.0);
        assert!(balanced.weights(&[], 3).is_empty());
        let given: ClassWeights = "1,0.5".parse().unwrap();
        assert_eq!(given.weights(&[10, 30], 2), [1.0, 0.5]);
        let error = "1,x".parse::<ClassWeights>().unwrap_err();
        assert!(error.ends_with("found \"x\"; or give balanced"), "{error}");
    }
}
