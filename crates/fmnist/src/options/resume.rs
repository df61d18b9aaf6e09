//! The options of a resumed run: most must be as saved, and a few may change.

use std::{fmt, mem};

use nn_core::Model;
use nn_io::ModelInfo;
use nn_optim::Schedule;
use nn_train::{Progress, TrainingState};
use serde::{Deserialize as _, Serialize};
use serde_json::{Number, Value, json};

use super::{
    ArithmeticName, DataOptions, DataShape, EPOCHS, Error, Options, PlaceOptions, SaveOptions,
    SavedRun, Scale, ScheduleOptions, TrainingOptions,
    group::{plain, table},
    kind,
    schedule::{end, in_epochs},
};

/// A setting of a resumed run that differs from the saved one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The option, with its dashes.
    pub option: &'static str,
    /// Its value in the saved run: a number, or a name.
    pub saved: Value,
    /// Its value from now on.
    pub given: Value,
    /// The learning rate that the next step would have had.
    pub next_rate_before: f64,
    /// The learning rate that it has.
    pub next_rate: f64,
    /// What changes.
    #[serde(skip)]
    pub subject: Subject,
}

/// What changes when a run resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The learning rate, from this epoch and batch on, both counted from 1.
    LearningRate {
        /// The epoch.
        epoch: u64,
        /// The batch.
        batch: u64,
    },
    /// The arithmetic, from this epoch and batch on, both counted from 1. The learning rate stays.
    Arithmetic {
        /// The epoch.
        epoch: u64,
        /// The batch.
        batch: u64,
    },
    /// The end of this part of the schedule, such as `cosine`.
    End(&'static str),
}

/// How a saved run continues.
#[derive(Clone, Debug, PartialEq)]
pub struct Resumed {
    /// The total number of epochs.
    pub epochs: u64,
    /// The settings that change.
    pub changes: Vec<Change>,
}

impl Options {
    /// Resumes a saved run with these options, on data of this shape. The learning rate may change, and so may the length of a schedule that ends with the run, and the arithmetic; `state`
    /// then has the new ones. If no epoch is left to train, nothing changes. Every other option must agree with the saved
    /// run.
    ///
    /// # Errors
    ///
    /// If an option is outside its range, or disagrees with the saved run. The error names it.
    pub fn resume(
        &self,
        model: &Model,
        state: &mut TrainingState,
        info: &ModelInfo,
        data: &DataShape,
    ) -> Result<Resumed, Error> {
        let n_train = data.train.as_ref().map_or(0, |train| train.n);
        let n_fit = n_train.saturating_sub(info.n_validation);
        let n_batches = state.config.n_batches(n_fit).max(1);
        let saved = Self::of(SavedRun { model, state, info }, Some(n_batches));
        self.agree(&saved, data)?;

        let epochs = self.data.epochs.or(saved.data.epochs).unwrap_or(EPOCHS);
        let mut changes = Vec::new();
        let learning_rate = self.schedule.learning_rate.unwrap_or(state.schedule.learning_rate);
        let schedule = Schedule { learning_rate, ..state.schedule };
        schedule.validate()?;
        if state.progress.epoch >= epochs {
            return Ok(Resumed { epochs, changes });
        }
        let Progress { epoch, batch, .. } = state.progress;
        let (epoch, batch) = (epoch + 1, batch + 1);
        if let Some(given) = self.training.arithmetic.map(ArithmeticName::value)
            && given != state.config.arithmetic
        {
            let saved = mem::replace(&mut state.config.arithmetic, given);
            let rate = state.learning_rate();
            changes.push(Change {
                option: "--arithmetic",
                saved: saved.name().into(),
                given: given.name().into(),
                next_rate_before: rate,
                next_rate: rate,
                subject: Subject::Arithmetic { epoch, batch },
            });
        }
        if let Some(given) = self.schedule.learning_rate {
            let saved = state.schedule.learning_rate;
            let subject = Subject::LearningRate { epoch, batch };
            let numbers = [given, saved].map(number);
            changes.extend(change(state, schedule, "--learning-rate", numbers, subject));
        }
        if let (Some(given), Some((name, steps))) = (self.data.epochs, end(&state.schedule)) {
            let rates = saved.optimizer.default_rates();
            let decay = saved
                .schedule
                .schedule(rates, given, n_batches)
                .map_err(|error| error.blame("epochs"))?
                .decay;
            let numbers = [given.into(), number(in_epochs(steps, n_batches))];
            let schedule = Schedule { decay, ..state.schedule };
            changes.extend(change(state, schedule, "--epochs", numbers, Subject::End(name)));
        }
        Ok(Resumed { epochs, changes })
    }

    /// Fails if an option disagrees with the saved run.
    fn agree(&self, saved: &Self, data: &DataShape) -> Result<(), Error> {
        self.check()?;
        let all = self.clone().over(saved.clone());
        kind::check(&all.optimizer)?;
        kind::check(&all.schedule)?;
        let free = Self {
            data: DataOptions {
                epochs: None,
                dataset: None,
                scale: self.data.scale.filter(|&scale| scale != Scale::Auto),
                ..self.data.clone()
            },
            places: PlaceOptions::default(),
            saves: SaveOptions::default(),
            schedule: ScheduleOptions { learning_rate: None, ..self.schedule.clone() },
            training: TrainingOptions { arithmetic: None, ..self.training.clone() },
            ..self.clone()
        };
        let saved_table = table(saved);
        // The library can make runs that no options describe. Such a run can be resumed too.
        let saved_recipe = saved.recipe(data).ok();
        for (option, given) in table(&free) {
            // JSON has null for a number that is not finite.
            let is_finite = |value: &Value| !value.is_null();
            if !given.as_array().map_or(is_finite(&given), |list| list.iter().all(is_finite)) {
                return Err(Error::range(&option, "a finite number", "inf or NaN"));
            }
            let saved_value = saved_table.get(&option);
            // A different value can make the same run, such as a warm-up that rounds to as many steps.
            let gives_same = || {
                let alone = Self::deserialize(json!({ &option: &given })).ok();
                let all = alone.map(|alone| alone.over(saved.clone()));
                let all = all.filter(|all| saved_value.is_some() && all.data == saved.data);
                let recipe = all.and_then(|all| all.recipe(data).ok());
                recipe.is_some() && recipe == saved_recipe
            };
            if saved_value != Some(&given) && !gives_same() {
                let saved = saved_value.map_or_else(|| "none".into(), plain);
                return Err(Error::not_saved(&option, saved, plain(&given)));
            }
        }
        Ok(())
    }
}

impl Error {
    /// The error of an option whose value differs from that of the saved run.
    pub fn not_saved(option: &str, saved: impl fmt::Display, given: impl fmt::Display) -> Self {
        let problem = format!(
            "the saved run has {saved}, not {given}; leave the option out to resume the run, or start a new run \
             without --resume"
        );
        Self::option(option, problem)
    }
}

/// Changes the schedule of a run. Returns the change, or `None` if the schedule is the same.
fn change(
    state: &mut TrainingState,
    schedule: Schedule,
    option: &'static str,
    [given, saved]: [Number; 2],
    subject: Subject,
) -> Option<Change> {
    if schedule == state.schedule {
        return None;
    }
    let next_rate_before = state.learning_rate();
    state.schedule = schedule;
    let next_rate = state.learning_rate();
    let [saved, given] = [saved, given].map(Value::Number);
    Some(Change { option, saved, given, next_rate_before, next_rate, subject })
}

/// A finite number.
fn number(number: f64) -> Number {
    Number::from_f64(number).unwrap_or_else(|| 0.into())
}

#[cfg(test)]
mod tests {
    use nn_core::{Activation, Architecture, Arithmetic, Init, Layer};
    use nn_optim::Adam;
    use nn_train::RunConfig;

    use super::*;
    use crate::options::{ClassWeights, HoldOut, List, TrainShape};

    /// 50 training images of 4 pixels.
    fn data() -> DataShape {
        let train = TrainShape { n: 50, class_counts: vec![40, 10], held_out: HoldOut::Last };
        DataShape { inputs: 4, outputs: 2, train: Some(train) }
    }

    /// Resumes a run with these options.
    fn resume(layers: &[Layer], config: RunConfig, options: &str) -> Result<Resumed, String> {
        let model = Model::new(Architecture::new(4, layers).unwrap(), Init::He, 0);
        let schedule = Schedule { warmup: 3, ..Schedule::constant(0.1) };
        let mut state = TrainingState::new(&model, Adam::default(), schedule, config).unwrap();
        let mut options = Options::from_toml(options, "test").unwrap();
        // A number that JSON cannot represent.
        if let Some(weights) = &mut options.loss.class_weights {
            *weights = ClassWeights::Given(List(vec![f32::NAN, 1.0]));
        }
        let resumed = options.resume(&model, &mut state, &ModelInfo::default(), &data());
        resumed.map_err(|error| error.to_string())
    }

    #[test]
    fn options_give_the_saved_run_or_are_refused() {
        let layers = [Layer::dense(2), Layer::SOFTMAX];
        let resume = |options| {
            let config = RunConfig { batch_size: 10, ..RunConfig::default() };
            resume(&layers, config, options)
        };
        // An epoch has 5 steps: 0.55 epochs are 3 steps, too.
        for options in [
            "",
            "hidden = []",
            "freeze = []\nvalidation = 0\nbatch-size = 10",
            "warmup-epochs = 0.6",
            "warmup-epochs = 0.55",
            "schedule = 'constant'\nlearning-rate = 0.1\noptimizer = 'adam'\namsgrad = false",
        ] {
            let expected = Resumed { epochs: EPOCHS, changes: Vec::new() };
            assert_eq!(resume(options), Ok(expected), "{options}");
        }
        for (options, expected) in [
            ("warmup-epochs = 0.4", "--warmup-epochs: the saved run has 0.6, not 0.4;"),
            ("batch-size = 20", "--batch-size: the saved run has 10, not 20;"),
            ("validation = 10", "--validation: the saved run has 0, not 10;"),
            ("class-weights = [1, 1]", "--class-weights: expected a finite number, found inf or"),
            ("early-stop-delta = 0.1", "--early-stop-delta: the saved run has 0, not 0.1;"),
            ("schedule = 'cosine'", "--schedule: the saved run has constant, not cosine;"),
        ] {
            let found = resume(options).unwrap_err();
            assert!(found.starts_with(expected), "{options}: {found}");
        }
    }

    #[test]
    fn the_arithmetic_changes_from_the_next_step_on() {
        let model = Model::new(
            Architecture::new(4, &[Layer::dense(2), Layer::SOFTMAX]).unwrap(),
            Init::He,
            0,
        );
        let config = RunConfig { arithmetic: Arithmetic::Plain, ..RunConfig::default() };
        let mut state = TrainingState::new(&model, Adam::default(), 0.1, config).unwrap();
        state.progress = Progress { epoch: 2, batch: 0, ..state.progress };
        let mut resume = |options: &str| {
            let options = Options::from_toml(options, "test").unwrap();
            let resumed =
                options.resume(&model, &mut state, &ModelInfo::default(), &data()).unwrap();
            (resumed.changes, state.config.arithmetic)
        };
        // No epoch is left.
        assert_eq!(resume("arithmetic = 'fused'\nepochs = 2"), (Vec::new(), Arithmetic::Plain));
        assert_eq!(resume("arithmetic = 'plain'\nepochs = 3"), (Vec::new(), Arithmetic::Plain));
        let change = Change {
            option: "--arithmetic",
            saved: "plain".into(),
            given: "fused".into(),
            next_rate_before: 0.1,
            next_rate: 0.1,
            subject: Subject::Arithmetic { epoch: 3, batch: 1 },
        };
        assert_eq!(resume("arithmetic = 'fused'\nepochs = 3"), (vec![change], Arithmetic::Fused));
    }

    /// The library can make runs that no options describe.
    #[test]
    fn a_run_beyond_the_options_resumes() {
        let activations = [Activation::Tanh, Activation::Relu, Activation::Silu];
        let hidden = activations.map(|it| [Layer::dense(3), Layer::Activation(it)]);
        let layers = [&hidden.concat()[..], &[Layer::dense(2), Layer::SOFTMAX]].concat();
        let config = RunConfig { frozen: vec![false, false, true, true], ..RunConfig::default() };
        let resume = |options| resume(&layers, config.clone(), options);
        assert!(resume("seed = 0\nfreeze = [2, 3]").is_ok());
        assert!(resume("seed = 1").unwrap_err().starts_with("--seed: the saved run has 0"));
        assert!(
            resume("hidden = [3]").unwrap_err().starts_with("--hidden: the saved run has none")
        );
    }
}
