//! Stochastic gradient descent: plain, with momentum, or with Nesterov momentum.

use super::rule::{Moments, Step, UpdateRule};
use crate::{
    Description, Error, Setting,
    error::{check, check_share},
    moment::{Moment, flushed},
};

/// Stochastic gradient descent: plain, with momentum, or with Nesterov momentum.
///
/// A step with gradient `g` and learning rate `rate`, first without and then with momentum:
///
/// ```text
/// param -= rate * g
///
/// v = momentum v - rate * g
/// param += v                          or, with Nesterov momentum: param += momentum v - rate * g
/// ```
///
/// # Sources
///
/// The book, chapter 10: its momentum includes the learning rate of each gradient's own step, as Polyak's does.
/// Nesterov momentum: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in
/// deep learning" (2013), equations 3 and 4, written for the parameters where the gradient is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sgd {
    /// The momentum: the share of the last update that is added to the next, in `[0, 1)`. With 0, the default, it is
    /// plain gradient descent without moments.
    pub momentum: f64,
    /// Selects Nesterov momentum. The momentum must then be above 0.
    pub nesterov: bool,
}

const MOMENTUM: Moment = Moment { name: "sgd.momentum", of_squares: false };

impl UpdateRule for Sgd {
    fn description(&self) -> Description {
        let &Self { momentum, nesterov } = self;
        Description {
            name: "sgd",
            phrase: match nesterov {
                _ if momentum == 0.0 => "SGD",
                false => "SGD, momentum {momentum}",
                true => "SGD, Nesterov momentum {momentum}",
            },
            details: "",
            settings: vec![
                ("momentum", Setting::Real(momentum)),
                ("nesterov", Setting::Flag(nesterov)),
            ],
        }
    }

    fn default_learning_rate(&self) -> f64 {
        0.05
    }

    fn moments(&self) -> &'static [Moment] {
        if self.momentum > 0.0 { &[MOMENTUM] } else { &[] }
    }

    fn validate(&self) -> Result<(), Error> {
        check_share("momentum", self.momentum)?;
        let has_momentum = self.momentum > 0.0 || !self.nesterov;
        check(has_momentum, "momentum", "above 0 for Nesterov momentum", self.momentum)
    }

    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], [v, ..]: Moments<'_>) {
        let (rate, momentum) = (step.learning_rate as f32, self.momentum as f32);
        let pairs = params.iter_mut().zip(gradient);
        let arch = pulp::Arch::new();
        // Separate loops, since a condition within one loop would be evaluated for every parameter.
        if v.is_empty() {
            arch.dispatch(
                #[inline(always)]
                || {
                    for (param, &g) in pairs {
                        *param -= rate * g;
                    }
                },
            );
        } else if self.nesterov {
            arch.dispatch(
                #[inline(always)]
                || {
                    for ((param, &g), v) in pairs.zip(v) {
                        *v = flushed(momentum * *v - rate * g);
                        *param += momentum * *v - rate * g;
                    }
                },
            );
        } else {
            arch.dispatch(
                #[inline(always)]
                || {
                    for ((param, &g), v) in pairs.zip(v) {
                        *v = flushed(momentum * *v - rate * g);
                        *param += *v;
                    }
                },
            );
        }
    }
}
