//! Which threads do the work: the calling thread, a pool, or the pool that the caller is in. The results are
//! bit-for-bit identical.

#![cfg(feature = "threads")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ops::ControlFlow, sync::Arc};

use nn_core::Model;
use nn_optim::Adam;
use nn_train::{
    Evaluation, EvaluationConfig, Features, RunConfig, Samples, Threads, Trainer, TrainingState,
    evaluate,
    rayon::{self, ThreadPool, ThreadPoolBuilder},
};

const N: usize = 300;

fn pool(count: usize) -> ThreadPool {
    let name = move |index| format!("pool of {count}, {index}");
    ThreadPoolBuilder::new().num_threads(count).thread_name(name).build().unwrap()
}

fn features() -> Vec<f32> {
    (0..2 * N).map(|i| (i as f32 * 0.37).sin()).collect()
}

fn labels() -> Vec<u8> {
    (0..N).map(|i| (i * i % 3) as u8).collect()
}

fn trainer(threads: &Threads) -> Trainer {
    let model = Model::classifier(&[2, 40, 24, 3]).unwrap();
    let state = TrainingState::new(&model, Adam::default(), 0.01, RunConfig::default()).unwrap();
    Trainer::new(model, state, threads).unwrap()
}

/// The name of the thread that trains an epoch, and the results of the epoch and of an evaluation after it.
fn train(mut trainer: Trainer, threads: &Threads) -> (String, (Model, TrainingState), Evaluation) {
    let (features, labels) = (features(), labels());
    let samples = Samples::new(Features::Floats(&features), 2, &labels).unwrap();
    let mut name = String::new();
    let mut observer = |_: nn_train::Step<'_>| {
        name = std::thread::current().name().unwrap_or_default().to_owned();
        ControlFlow::Continue(())
    };
    trainer.train_epoch(&samples, None, &mut observer).unwrap();
    let evaluation =
        evaluate(trainer.model(), &samples, EvaluationConfig::default(), threads).unwrap();
    (name, trainer.into_parts(), evaluation)
}

#[test]
fn one_thread_is_the_caller() {
    let here = std::thread::current().name().unwrap_or_default().to_owned();
    for threads in [Threads::default(), Threads::new(1).unwrap(), Threads::new(0).unwrap()] {
        assert_eq!(threads.count(), 1);
        assert_eq!(train(trainer(&threads), &threads).0, here);
    }
}

#[test]
fn a_custom_pool() {
    let one = Threads::default();
    let (_, expected, evaluation) = train(trainer(&one), &one);
    let threads = Threads::from(Arc::new(pool(3)));
    assert_eq!(threads.count(), 3);
    let (name, found, found_evaluation) = train(trainer(&threads), &threads);
    assert!(name.starts_with("pool of 3"), "{name}");
    assert!(found == expected && found_evaluation == evaluation);
}

/// The pool is looked up at each call, so a trainer can be created in one pool and used in a larger one.
#[test]
fn the_current_pool() {
    let one = Threads::default();
    let (_, expected, evaluation) = train(trainer(&one), &one);
    let threads = Threads::current();
    assert_eq!(threads.count(), rayon::current_num_threads());
    let (small, large) = (pool(2), pool(5));
    assert_eq!((small.install(|| threads.count()), large.install(|| threads.count())), (2, 5));
    for (made_in, used_in) in [(&small, &small), (&small, &large), (&large, &small)] {
        let trainer = made_in.install(|| trainer(&threads));
        let expected_name =
            used_in.install(|| std::thread::current().name().unwrap()[..9].to_owned());
        let (name, found, found_evaluation) = used_in.install(|| train(trainer, &threads));
        assert!(name.starts_with(&expected_name), "{name}, not {expected_name}");
        assert!(found == expected && found_evaluation == evaluation);
    }
    // Outside any pool, it is rayon's global pool.
    let (_, found, _) = train(trainer(&threads), &threads);
    assert!(found == expected);
}
