use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

use nn_io::{Checkpoint, Newest};
use serde_json::Value;
use tally::{Dice, Failure, Tally, ensure, size};

use crate::{
    fixture::{DATA, digest},
    harness::{Output, Program, Running},
    signal::send,
};

/// A run whose epochs take some 20 ms.
const RUN: &str = "--hidden 16 --batch-size 500 --validation 0 --threads 1";

/// What a run is resumed from.
#[derive(Clone, Copy)]
enum From {
    /// Its model file, `m.model`.
    File,
    /// Its directory of checkpoints, `run`.
    Directory,
}

impl From {
    /// The progress that is saved: epochs done, and batches of the next epoch.
    fn saved(self, program: &Program) -> Result<Option<(u64, u64)>, Failure> {
        let checkpoint = match self {
            From::File if !program.path("m.model").exists() => return Ok(None),
            From::File => Checkpoint::load(program.path("m.model")).map_err(Failure::torn)?,
            From::Directory => match Newest::load(program.path("run")) {
                Ok(newest) if newest.skipped.is_empty() => newest.checkpoint,
                Ok(newest) => return Err(Failure::torn(&newest.skipped[0])),
                Err(_) => return Ok(None),
            },
        };
        let progress = checkpoint.training.unwrap().progress;
        Ok(Some((progress.epoch, progress.batch)))
    }

    /// The arguments that start the run or resume it.
    fn arguments(self, is_saved: bool, epochs: u64) -> String {
        let run = match (is_saved, self) {
            (false, From::File) => RUN.into(),
            (false, From::Directory) => format!("{RUN} --checkpoint-dir run --checkpoint-every 2"),
            (true, From::File) => "--resume m.model".into(),
            (true, From::Directory) => "--resume run --checkpoint-every 2".to_owned(),
        };
        format!("--output m.model --epochs {epochs} {run}")
    }
}

/// The last epoch that the run reported.
fn reported(output: &Output) -> u64 {
    let epoch = |event: &Value| event["epoch"].as_u64().filter(|_| event["event"] == "epoch");
    // The kill may have cut the last line off.
    let events = output.stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
    events.filter_map(|event| epoch(&event)).max().unwrap_or(0)
}

/// Runs the program, lets `stop` end it at a random moment, and checks that nothing it reported is lost. All rounds are of
/// one run, whose end must be that of an uninterrupted run.
fn interrupted(
    tally: &mut Tally,
    rounds: u64,
    from: From,
    mut stop: impl FnMut(&mut Dice, &Running),
    check: impl Fn(&Output) -> Result<(), Failure>,
) {
    let program = Program::with_data();
    let start = Instant::now();
    program.train(&format!("{RUN} --epochs 3 --output whole.model"));
    let longest = start.elapsed();
    let mut dice = Dice::new(rounds);
    let mut acknowledged = 0;
    for _ in 0..rounds {
        tally.case(|| {
            let is_saved = from.saved(&program)?.is_some();
            let arguments = from.arguments(is_saved, nn_io::limits::HISTORY as u64);
            let run =
                program.start(&format!("train --dataset {} {arguments} --format json", DATA.name));
            thread::sleep(dice.time(longest));
            stop(&mut dice, &run);
            let output = run.finish();
            acknowledged = reported(&output).max(acknowledged);
            let (epoch, _) = from.saved(&program)?.unwrap_or_default();
            // Checkpoints in the directory are of every other epoch.
            let durable = match from {
                From::File => acknowledged,
                From::Directory => acknowledged / 2 * 2,
            };
            let lost = || Failure::lost(format!("epoch {epoch} instead of {acknowledged}"));
            ensure(epoch >= durable, lost)?;
            check(&output)
        });
    }
    tally.case(|| {
        let saved = from.saved(&program)?;
        let epochs = saved.unwrap_or_default().0 + 1;
        program.train(&from.arguments(saved.is_some(), epochs));
        program.train(&format!("{RUN} --epochs {epochs} --output whole.model"));
        let [found, whole] = ["m.model", "whole.model"].map(|model| digest(&program, model));
        ensure(found == whole, || {
            Failure::torn(format!("{epochs} epochs are not bit-for-bit identical"))
        })
    });
}

#[test]
fn killed_at_random_and_resumed() {
    let mut tally = Tally::new("C2", "kill -9 at a random moment of a run, then --resume");
    for from in [From::File, From::Directory] {
        interrupted(&mut tally, size(6, 500), from, |_, run| send("-KILL", run), |_| Ok(()));
    }
    tally.finish();
}

#[test]
fn signals_at_random_and_resumed() {
    let mut tally = Tally::new("B15", "SIGINT, SIGTERM or SIGHUP at a random moment, some twice");
    let sent = Cell::new(Instant::now());
    let stop = |dice: &mut Dice, run: &Running| {
        let signal = ["-INT", "-TERM", "-HUP"][dice.below(3)];
        send(signal, run);
        sent.set(Instant::now());
        if dice.below(4) == 0 {
            thread::sleep(dice.time(Duration::from_millis(3)));
            send(signal, run);
        }
    };
    // Before the data are read, signals are not handled and end the process.
    let check = |output: &Output| {
        let expected = [Some(130), Some(143), Some(129), None];
        ensure(expected.contains(&output.code), || Failure::wrong(format!("{output:?}")))?;
        let time = sent.get().elapsed();
        let is_late = tally::is_full() && time > Duration::from_secs(2);
        ensure(!is_late, || Failure::wrong(format!("it took {time:?} to stop")))
    };
    for from in [From::File, From::Directory] {
        interrupted(&mut tally, size(4, 50), from, stop, check);
    }
    tally.finish();
}

/// Several runs are started at once on one file: one trains, the others end at once and name its process.
#[test]
fn many_runs_and_one_file() {
    let mut tally = Tally::new("B10", "2 to 8 runs on one file or directory");
    let program = Program::with_data();
    let train = format!("train --dataset {} {RUN} --epochs 10000 --format json", DATA.name);
    let mut dice = Dice::new(10);
    for round in 0..size(3, 50) {
        let arguments = match round % 2 {
            0 => format!("{train} --output m.model"),
            _ => format!("{train} --output {round}.model --checkpoint-dir run{round}"),
        };
        tally.case(|| {
            let n = 2 + dice.below(7);
            let mut runs: Vec<_> = (0..n).map(|_| program.start(&arguments)).collect();
            let start = Instant::now();
            while runs.iter_mut().filter_map(Running::ended).count() < n - 1 {
                let both = || Failure::torn("more than one trains");
                ensure(start.elapsed() < Duration::from_secs(30), both)?;
                thread::sleep(Duration::from_millis(2));
            }
            let at = runs.iter_mut().position(|run| run.ended().is_none());
            let mut winner = runs.remove(at.ok_or_else(|| Failure::wrong("nobody trains"))?);
            let expected = format!("in use by another run (process {})", winner.id());
            for run in runs {
                let output = run.finish();
                let refused = output.code == Some(6) && output.stderr.contains(&expected);
                ensure(refused, || Failure::wrong(format!("{output:?}")))?;
            }
            winner.wait_for("epoch");
            winner.kill();
            // The lock is free at once, however the run ended.
            let mut next = program.start(&arguments.replace("--checkpoint-dir", "--resume"));
            next.wait_for("start");
            next.kill();
            Ok(())
        });
    }
    tally.finish();
}
