//! The learning-rate schedule: `training.schedule` in section 3 of FORMAT.md.

use nn_optim::Decay;
use serde::{Deserialize, Serialize};

use super::form::is_default;
use crate::Error;

/// The feature bit of a schedule other than inverse time without a warm-up.
pub(super) const FEATURE: u32 = 1 << 1;

/// The feature bit of an exponential schedule whose factor applies to several steps.
pub(super) const EVERY: u32 = 1 << 12;

/// Each variant is a map of one key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Schedule {
    Constant {
        learning_rate: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        warmup: u64,
    },
    InverseTime {
        learning_rate: f64,
        decay: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        warmup: u64,
    },
    Step {
        learning_rate: f64,
        every: u64,
        factor: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        warmup: u64,
    },
    Exponential {
        learning_rate: f64,
        #[serde(default = "one", skip_serializing_if = "is_one")]
        every: u64,
        factor: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        warmup: u64,
    },
    Cosine {
        learning_rate: f64,
        steps: u64,
        minimum: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        warmup: u64,
    },
    OneCycle {
        learning_rate: f64,
        steps: u64,
    },
    Plateau {
        learning_rate: f64,
        factor: f64,
        patience: u64,
        min_delta: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        warmup: u64,
    },
}

/// The default `every` of an exponential schedule.
fn one() -> u64 {
    1
}

fn is_one(every: &u64) -> bool {
    *every == 1
}

impl Schedule {
    pub(super) fn new(schedule: nn_optim::Schedule) -> Self {
        let nn_optim::Schedule { learning_rate, warmup, decay } = schedule;
        match decay {
            Decay::Constant => Self::Constant { learning_rate, warmup },
            Decay::InverseTime { decay } => Self::InverseTime { learning_rate, decay, warmup },
            Decay::Step { every, factor } => Self::Step { learning_rate, every, factor, warmup },
            Decay::Exponential { every, factor } => {
                Self::Exponential { learning_rate, every, factor, warmup }
            }
            Decay::Cosine { steps, minimum } => {
                Self::Cosine { learning_rate, steps, minimum, warmup }
            }
            Decay::OneCycle { steps } => Self::OneCycle { learning_rate, steps },
            Decay::Plateau { factor, patience, min_delta } => {
                Self::Plateau { learning_rate, factor, patience, min_delta, warmup }
            }
        }
    }

    /// Converts and checks the schedule.
    pub(super) fn read(&self) -> Result<nn_optim::Schedule, Error> {
        let (learning_rate, warmup, decay) = match *self {
            Self::Constant { learning_rate, warmup } => (learning_rate, warmup, Decay::Constant),
            Self::InverseTime { learning_rate, decay, warmup } => {
                (learning_rate, warmup, Decay::InverseTime { decay })
            }
            Self::Step { learning_rate, every, factor, warmup } => {
                (learning_rate, warmup, Decay::Step { every, factor })
            }
            Self::Exponential { learning_rate, every, factor, warmup } => {
                (learning_rate, warmup, Decay::Exponential { every, factor })
            }
            Self::Cosine { learning_rate, steps, minimum, warmup } => {
                (learning_rate, warmup, Decay::Cosine { steps, minimum })
            }
            Self::OneCycle { learning_rate, steps } => {
                (learning_rate, 0, Decay::OneCycle { steps })
            }
            Self::Plateau { learning_rate, factor, patience, min_delta, warmup } => {
                (learning_rate, warmup, Decay::Plateau { factor, patience, min_delta })
            }
        };
        let schedule = nn_optim::Schedule { learning_rate, warmup, decay };
        schedule.validate().map_err(Error::Optimizer)?;
        Ok(schedule)
    }

    /// The required features of the header that the schedule needs.
    pub(super) fn features(&self) -> u32 {
        match self {
            Self::InverseTime { warmup: 0, .. } => 0,
            Self::Exponential { every, .. } if *every != 1 => FEATURE | EVERY,
            _ => FEATURE,
        }
    }
}
