//! Adam against nn-optim's.

use exercises::adam::Adam;
use nn_optim::{Optimizer, Schedule};

mod close;
use close::assert_close;

const RATE: f32 = 0.125;

/// The gradient of a valley that is steep in one direction and flat in the other.
fn gradient(params: &[f32]) -> [f32; 2] {
    [20.0 * params[0], 0.1 * (params[1] - 1.0)]
}

fn check(steps: u64) {
    let (mut found, mut expected) = ([1.0f32, -2.0], [1.0f32, -2.0]);
    let mut adam = Adam::new(RATE, 2);
    let config = nn_optim::Adam::default();
    let mut reference = Optimizer::new(config, 2).expect("the default settings are valid");
    let schedule = Schedule::constant(RATE.into());
    for step in 0..steps {
        let g = gradient(&found);
        adam.update(&mut found, &g);
        let g = gradient(&expected);
        reference.begin_step(schedule.rate_at(step, 0)).apply(&mut expected, &g);
    }
    assert_close(&format!("parameters after {steps} steps"), &found, &expected);
}

#[test]
fn the_first_step() {
    check(1);
}

#[test]
fn ten_steps() {
    check(10);
}
