//! The scaling of bytes, such as pixels, to a network's inputs.

/// How a byte becomes an input: `(byte - mean) * (1 / std)`, in `f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// The value that becomes 0.
    pub mean: f32,
    /// The distance from the mean that becomes 1.
    pub std: f32,
}

impl Default for Scaling {
    /// The book's: bytes 0 to 255 become -1 to 1.
    fn default() -> Self {
        Self { mean: 127.5, std: 127.5 }
    }
}

impl Scaling {
    /// Overwrites `x` with the scaled bytes.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[track_caller]
    pub fn apply(self, bytes: &[u8], x: &mut [f32]) {
        assert_eq!(bytes.len(), x.len(), "lengths of bytes and inputs");
        let factor = 1.0 / self.std;
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
