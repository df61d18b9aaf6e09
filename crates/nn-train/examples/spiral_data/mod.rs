//! The book's spiral: arms that wind around each other. Shared by two examples.

use nn_core::rng::{Purpose, Stream};

/// The two coordinates of each point, with `points` points per arm, and the arm of each point:
/// `t = 4 arm + 4 r + 0.2 normal`, `x = r sin(2.5 t)`, `y = r cos(2.5 t)`.
pub(crate) fn spiral(arms: u32, points: u32, noise: u64) -> (Vec<f32>, Vec<u32>) {
    let mut noise = Stream::new(noise, Purpose::Init, 99);
    let (mut coordinates, mut labels) = (Vec::new(), Vec::new());
    for arm in 0..arms {
        for i in 0..points {
            let r = f64::from(i) / f64::from(points);
            let t = 4.0 * f64::from(arm) + 4.0 * r + 0.2 * noise.normal();
            coordinates.extend([(r * (2.5 * t).sin()) as f32, (r * (2.5 * t).cos()) as f32]);
            labels.push(arm);
        }
    }
    (coordinates, labels)
}
