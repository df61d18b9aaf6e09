//! The time that training spends in each stage of a step, summed over threads.
//!
//! The clock is read only while profiling is enabled: about 30 times for a shard of 32 samples, at 25 ns each.
//! Otherwise a stage only checks a flag, so training also works without a clock, as in WebAssembly.

use std::time::{Duration, Instant};

use nn_core::{Model, Pass};

/// A stage of training, for which a profile reports the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileStage {
    /// Drawing the order of an epoch.
    Shuffle,
    /// Gathering and scaling a batch's samples.
    Gather,
    /// A layer's pass; the last one's includes the loss.
    Layer(Pass),
    /// Checking that the gradient will be finite.
    Check,
    /// The gradient with respect to the parameters of a layer, by its index.
    Gradient(usize),
    /// The optimizer's update, and the refresh of the weight caches.
    Update,
    /// Evaluation on the held-out samples, once per epoch.
    Validate,
}

impl ProfileStage {
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
}

/// A profile of training: the time that each stage took.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The number of steps measured.
    pub steps: u64,
    /// The wall-clock time they took.
    pub elapsed: Duration,
    /// The number of threads.
    pub threads: usize,
    /// The time of each stage, summed over threads, in the order of a step. Stages that took no time are left out.
    pub stages: Vec<(ProfileStage, Duration)>,
}

impl Profile {
    /// The time that threads spent outside all stages: waiting for each other or for work, and between steps.
    pub fn waiting(&self) -> Duration {
        let busy: Duration = self.stages.iter().map(|&(_, time)| time).sum();
        (self.elapsed * self.threads as u32).saturating_sub(busy)
    }
}

/// The totals of a profile over the whole run, in addition to the timers of threads and shards.
pub(crate) struct ProfileTotals {
    pub(crate) steps: u64,
    pub(crate) elapsed: Duration,
    pub(crate) timer: StageTimer,
}

impl ProfileTotals {
    pub(crate) fn new(model: &Model) -> Self {
        Self { steps: 0, elapsed: Duration::ZERO, timer: StageTimer::new(model) }
    }
}

/// A stopwatch that credits each stretch of time to a stage.
#[derive(Clone, Debug)]
pub(crate) struct StageTimer {
    /// The end of the last stage; `None` while the timer is disabled.
    last: Option<Instant>,
    /// Every stage, in the order of a step.
    stages: Vec<(ProfileStage, Duration)>,
}

impl StageTimer {
    /// A disabled timer.
    pub(crate) fn new(model: &Model) -> Self {
        let stages = ProfileStage::all(model.layers().len());
        Self { last: None, stages: stages.map(|stage| (stage, Duration::ZERO)).collect() }
    }

    pub(crate) fn enable(&mut self) {
        self.last = Some(Instant::now());
    }

    /// The time, if the timer is enabled.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.last.map(|_| Instant::now())
    }

    /// Starts a stage.
    pub(crate) fn start(&mut self) {
        self.last = self.now();
    }

    /// Ends a stage, credits the time since its start to it, and starts the next.
    pub(crate) fn record(&mut self, stage: ProfileStage) {
        if let Some(last) = &mut self.last {
            let now = Instant::now();
            let found = self.stages.iter_mut().find(|(it, _)| *it == stage);
            found.expect("every stage has a time").1 += now - *last;
            *last = now;
        }
    }

    /// Adds another's times.
    pub(crate) fn add(&mut self, other: &Self) {
        for ((_, time), (_, other)) in self.stages.iter_mut().zip(&other.stages) {
            *time += *other;
        }
    }

    /// The stages that took time.
    pub(crate) fn stages(&self) -> Vec<(ProfileStage, Duration)> {
        self.stages.iter().copied().filter(|(_, time)| !time.is_zero()).collect()
    }
}
