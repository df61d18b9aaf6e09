//! Where the time of training goes, by stage of a step, summed over threads.
//!
//! Off, it costs a test of a flag a stage. On, the clock is read after each of them: some 30 times a
//! part of 32 samples, 25 ns each.

use std::time::{Duration, Instant};

use nn_core::{Model, Pass};

/// What a thread does in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Drawing the order of an epoch.
    Shuffle,
    /// Bringing a batch's samples together, and scaling them.
    Gather,
    /// A layer's pass; the last one's includes the loss.
    Layer(Pass),
    /// Seeing that the gradient will be finite.
    Check,
    /// The gradient by the parameters of a layer, by its index.
    Gradient(usize),
    /// The optimizer, and what the model keeps of its parameters in another form.
    Update,
    /// All layers over the samples held out, once an epoch.
    Validate,
}

impl Stage {
    /// All stages of training a model of `n_layers`, in the order of a step.
    fn all(n_layers: usize) -> impl Iterator<Item = Self> {
        let forward = (0..n_layers).map(|index| Self::Layer(Pass::Forward(index)));
        let backward = (0..n_layers).rev().map(|index| Self::Layer(Pass::Backward(index)));
        let gradient = (0..n_layers).map(Self::Gradient);
        let before = [Self::Shuffle, Self::Gather].into_iter().chain(forward);
        before
            .chain(backward)
            .chain([Self::Check])
            .chain(gradient)
            .chain([Self::Update, Self::Validate])
    }

    /// Its place among them.
    fn index(self, n_layers: usize) -> usize {
        match self {
            Self::Shuffle => 0,
            Self::Gather => 1,
            Self::Layer(Pass::Forward(index)) => 2 + index,
            Self::Layer(Pass::Backward(index)) => 2 + 2 * n_layers - 1 - index,
            Self::Check => 2 + 2 * n_layers,
            Self::Gradient(index) => 3 + 2 * n_layers + index,
            Self::Update => 3 + 3 * n_layers,
            Self::Validate => 4 + 3 * n_layers,
        }
    }
}

/// Where the time went.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Steps that were measured.
    pub steps: u64,
    /// The time they took, by the clock on the wall.
    pub elapsed: Duration,
    /// On so many threads.
    pub threads: usize,
    /// The time of each stage that took any, all threads together, in the order of a step.
    pub stages: Vec<(Stage, Duration)>,
}

impl Profile {
    /// What threads did not spend in any stage: waiting for each other or for work, and what lies
    /// between steps.
    pub fn waiting(&self) -> Duration {
        let busy: Duration = self.stages.iter().map(|&(_, time)| time).sum();
        (self.elapsed * self.threads as u32).saturating_sub(busy)
    }
}

/// A stopwatch that gives each stretch of time to a stage.
#[derive(Clone, Debug)]
pub(crate) struct Laps {
    n_layers: usize,
    /// The end of the last lap; none while it is off.
    last: Option<Instant>,
    times: Vec<Duration>,
}

impl Laps {
    pub(crate) fn new(model: &Model) -> Self {
        let n_layers = model.layers().len();
        Self { n_layers, last: None, times: vec![Duration::ZERO; Stage::all(n_layers).count()] }
    }

    /// Switches it on.
    pub(crate) fn enable(&mut self) {
        self.last = Some(Instant::now());
    }

    /// Begins a lap.
    pub(crate) fn start(&mut self) {
        if let Some(last) = &mut self.last {
            *last = Instant::now();
        }
    }

    /// Ends a lap, which `stage` took, and begins the next.
    pub(crate) fn lap(&mut self, stage: Stage) {
        if let Some(last) = &mut self.last {
            let now = Instant::now();
            self.times[stage.index(self.n_layers)] += now - *last;
            *last = now;
        }
    }

    /// Adds another's times.
    pub(crate) fn add(&mut self, other: &Self) {
        for (time, other) in self.times.iter_mut().zip(&other.times) {
            *time += *other;
        }
    }

    /// The stages that took time.
    pub(crate) fn stages(&self) -> Vec<(Stage, Duration)> {
        let stages = Stage::all(self.n_layers).zip(self.times.iter().copied());
        stages.filter(|(_, time)| !time.is_zero()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_its_place() {
        for n_layers in [1, 6] {
            let indices: Vec<usize> =
                Stage::all(n_layers).map(|stage| stage.index(n_layers)).collect();
            assert_eq!(indices, (0..indices.len()).collect::<Vec<_>>());
        }
    }
}
