//! The scaling of bytes, such as pixels, to a network's inputs.

use crate::error::{SettingError, expect_same};

/// The scaling of a byte to an input: `(byte - mean) * (1 / std)`, in `f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// The mean: a byte of this value becomes 0.
    pub mean: f32,
    /// The standard deviation: a byte this far above the mean becomes 1.
    pub std: f32,
}

impl Default for Scaling {
    /// The book's scaling: bytes 0 to 255 become -1 to 1.
    fn default() -> Self {
        Self { mean: 127.5, std: 127.5 }
    }
}

impl Scaling {
    /// Checks that the mean is finite, and that the standard deviation is finite, above 0, and has a finite reciprocal.
    ///
    /// # Errors
    ///
    /// If one of them is not.
    pub fn check(self) -> Result<(), SettingError> {
        let Self { mean, std } = self;
        let (check, expected) = (SettingError::check, "a finite number");
        check("mean of the scaling", mean.is_finite(), expected, f64::from(mean))?;
        let is_valid = std.is_finite() && std > 0.0 && (1.0 / std).is_finite();
        let (name, expected) =
            ("standard deviation of the scaling", "a number above 0 with a finite reciprocal");
        check(name, is_valid, expected, f64::from(std))
    }

    /// The factor that bytes are multiplied by. Panics unless the scaling is valid.
    #[track_caller]
    pub(crate) fn factor(self) -> f32 {
        if let Err(error) = self.check() {
            panic!("{error}");
        }
        1.0 / self.std
    }

    /// Scales bytes to inputs. Overwrites `x`.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or the scaling is not valid ([`Scaling::check`]).
    #[track_caller]
    pub fn apply(self, bytes: &[u8], x: &mut [f32]) {
        expect_same("number of inputs", bytes.len(), x.len());
        let factor = self.factor();
        for (x, &byte) in x.iter_mut().zip(bytes) {
            *x = (f32::from(byte) - self.mean) * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_every_byte() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut x = vec![9.0; 256];
        Scaling::default().apply(&bytes, &mut x);
        for (byte, x) in bytes.iter().zip(x) {
            let expected = (f64::from(*byte) - 127.5) / 127.5;
            assert!((f64::from(x) - expected).abs() < 1e-7, "{byte}: {x}");
        }
    }
}
