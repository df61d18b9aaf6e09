//! The option that scales pixels.

use std::{fmt, str::FromStr};

use fmnist_data::Images;
use nn_core::Scaling;
use serde::{Deserialize, Serialize};

use super::form::Form;

/// The pixel that counts as white: a number, or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Scale {
    /// 255, or the largest pixel if that is far below.
    #[default]
    Auto,
    /// This pixel, which is not 0.
    White(u8),
}

impl Scale {
    /// The scaling of bytes, for these training images.
    pub fn scaling(self, train: &Images) -> Scaling {
        match self {
            Self::Auto => crate::data::fitting_scaling(train),
            Self::White(white) => crate::data::scaling_to(white),
        }
    }

    /// The scale that a saved run has, if it is one of these.
    pub(super) fn of(scaling: Scaling) -> Option<Self> {
        let mut whites = 1..=u8::MAX;
        let white = whites.find(|&white| crate::data::scaling_to(white) == scaling)?;
        Some(Self::White(white))
    }
}

/// A scale in a file: a number or a text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(u8),
    Text(String),
}

impl From<Scale> for Value {
    fn from(scale: Scale) -> Self {
        match scale {
            Scale::Auto => Self::Text("auto".into()),
            Scale::White(white) => Self::Number(white),
        }
    }
}

impl TryFrom<Value> for Scale {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text,
        }
        .parse()
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(white @ 1..) => Ok(Self::White(white)),
            _ => Err(format!("expected {}, found \"{text}\"", Self::form())),
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::White(white) => write!(f, "{white}"),
        }
    }
}

impl Form for Scale {
    fn form() -> String {
        "auto, or a number of 1 to 255".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_a_number_or_auto() {
        for (text, scale) in
            [("auto", Scale::Auto), ("1", Scale::White(1)), ("255", Scale::White(255))]
        {
            assert_eq!(text.parse(), Ok(scale));
            assert_eq!(scale.to_string(), text);
        }
        for text in ["", "0", "256", "-1", "1.5", "Auto"] {
            let error = text.parse::<Scale>().unwrap_err();
            assert!(error.contains("expected auto, or a number of 1 to 255, found"), "{error}");
        }
        for white in 1..=255 {
            assert_eq!(
                Scale::of(Scale::White(white).scaling(&images(&[]))),
                Some(Scale::White(white))
            );
        }
        assert_eq!(Scale::of(Scaling { mean: 3.0, std: 1.0 }), None);
    }

    fn images(pixels: &[u8]) -> Images {
        let (count, pixels) = (pixels.len(), pixels.to_vec());
        Images { pixels, count, height: 1, width: 1, channels: 1 }
    }

    #[test]
    fn auto_is_the_largest_pixel_if_that_is_far_below_255() {
        for (pixels, white) in
            [(&[0, 15, 3][..], 15), (&[127], 127), (&[128], 255), (&[0], 255), (&[1, 0], 1)]
        {
            let scaling = Scale::Auto.scaling(&images(pixels));
            assert_eq!(Scale::of(scaling), Some(Scale::White(white)), "{pixels:?}");
        }
        assert_eq!(Scale::White(255).scaling(&images(&[3])), Scaling::default());
    }
}
