use std::{
    io::{self, Write as _},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::{DATA, TRAINED, digest, with_model},
    harness::{Output, Program, Running},
};

pub(crate) fn send(signal: &str, run: &Running) {
    // The run may have ended, which is no failure here.
    Command::new("kill")
        .args([signal, &run.id().to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// Starts a run of 4 epochs and sends it the signal some time after its first epoch.
fn interrupt(program: &Program, signal: &str, delay: Duration) -> Output {
    let arguments = format!("train --dataset {} --epochs 4 --output m.model", DATA.name);
    let mut run = program.start(&format!("{arguments} --format json"));
    run.wait_for("epoch");
    thread::sleep(delay);
    send(signal, &run);
    run.finish()
}

/// Interrupts a run in the middle of an epoch. Which delay hits the middle depends on the machine.
#[track_caller]
fn interrupt_mid_epoch(program: &Program, signal: &str, code: i32) -> Value {
    for delay in [60, 20, 110, 5, 200, 0, 400] {
        let output = interrupt(program, signal, Duration::from_millis(delay));
        let stopped = output.json().pop().unwrap();
        if stopped["event"] == "stopped" && stopped["batch"] != 0 {
            assert_eq!(output.code, Some(code), "{output:#?}");
            return stopped;
        }
    }
    panic!("no delay hit the middle of an epoch");
}

#[track_caller]
fn check(signal: &str, name: &str, code: i32) {
    let program = Program::with_data();
    let stopped = interrupt_mid_epoch(&program, signal, code);
    assert_eq!((&stopped["signal"], &stopped["model"]), (&name.into(), &"m.model".into()));
    let saved = program.inspect("m.model");
    assert_eq!(saved["progress"]["epoch"], stopped["epoch"]);
    assert_eq!(saved["progress"]["batch"], stopped["batch"]);
    assert_ne!(saved["state_sha256"], TRAINED.state_sha256.as_str());

    // If all epochs are done there is nothing to train, which is reported.
    let done = stopped["epoch"].as_u64().unwrap();
    let arguments = format!("train --resume m.model --epochs {done} --output same.model");
    let output = program.run(&arguments).success();
    assert!(
        output.stderr.contains(&format!("; give --epochs {} or more", done + 1)),
        "{output:#?}"
    );
    assert_eq!(digest(&program, "same.model"), saved["state_sha256"]);

    let events = program.train("--resume m.model --epochs 4");
    assert_eq!(events[0]["batch"], stopped["batch"]);
    assert_eq!(digest(&program, "m.model"), TRAINED.state_sha256);
}

#[test]
fn sigint_saves_and_stops() {
    check("-INT", "SIGINT", 130);
}

#[test]
fn sighup_saves_and_stops() {
    check("-HUP", "SIGHUP", 129);
}

/// What `nohup` ignores stays ignored.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_is_ignored_stays_so() {
    let program = Program::with_data();
    program.write("script", "trap '' HUP; exec \"$@\"");
    let train = format!("train --dataset {} --epochs 3 --output m.model", DATA.name);
    let mut command = program.wrapped("sh script", &train);
    let run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(300));
    let id = run.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    assert_eq!({ run }.wait().unwrap().code(), Some(0));
    assert_eq!(program.inspect("m.model")["progress"]["epoch"], 3);
}

#[test]
fn sigterm_saves_and_stops() {
    check("-TERM", "SIGTERM", 143);
}

/// Nothing can be saved after the signal, but the last epoch that was reported has been saved.
#[test]
fn sigkill_leaves_the_last_epoch() {
    let program = Program::with_data();
    let output = interrupt(&program, "-KILL", Duration::from_millis(60));
    assert_eq!(output.code, None, "{output:#?}");
    let reported = 1 + output.stdout.lines().count();
    let saved = program.inspect("m.model");
    assert!(saved["progress"]["epoch"].as_u64().unwrap() >= reported as u64, "{saved}");
    program.train("--resume m.model --epochs 4");
    assert_eq!(digest(&program, "m.model"), TRAINED.state_sha256);
}

#[test]
fn a_second_sigint_ends_it_at_once() {
    let program = with_model();
    // One step takes longer than the two signals are apart.
    let slow = "--hidden 1024 --batch-size 30000 --threads 1 --output m.model --format json";
    let mut run = program.start(&format!("train --dataset {} {slow}", DATA.name));
    run.wait_for("start");
    send("-INT", &run);
    thread::sleep(Duration::from_millis(100));
    send("-INT", &run);
    let output = run.finish();
    assert_eq!(output.code, Some(130), "{output:#?}");
    assert_eq!(output.stdout, "", "it took the time to save");
    assert!(program.read("m.model") == TRAINED.bytes, "the old file has changed");
}

/// The first signal is enough if nobody reads what the run prints.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_while_nobody_reads() {
    let mut tally = Tally::new("E10", "a signal while nobody reads");
    for (signal, code, both) in
        [("-INT", 130, false), ("-TERM", 143, false), ("-INT", 130, true), ("-TERM", 143, true)]
    {
        tally.case(|| {
            let program = Program::new();
            let (_unread, mut pipe) = io::pipe().unwrap();
            // Only the line before the first step has room.
            pipe.write_all(&[b'\n'; 15 * 4096]).unwrap();
            let train =
                "train --dataset synthetic --hidden 8 --output m.model --format json --quiet";
            let mut command = program.command(train);
            let stderr = if both { pipe.try_clone().unwrap().into() } else { Stdio::piped() };
            let mut run = command.stdout(pipe).stderr(stderr).spawn().unwrap();
            // An epoch is saved before it is reported. Then the run waits for a reader.
            while !program.path("m.model").exists() && run.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(20));
            }
            thread::sleep(Duration::from_millis(300));
            let id = run.id().to_string();
            Command::new("kill").args([signal, &id]).status().unwrap();
            // A run that does not end is killed, which gives another code.
            for _ in 0..300 {
                if run.try_wait().unwrap().is_some() {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
            }
            let _ = run.kill();
            let output = Output::from(run.wait_with_output().unwrap());
            ensure(output.code == Some(code), || Failure::wrong(format!("{output:?}")))?;
            let reason = "nobody reads the output";
            ensure(both || output.stderr.contains(reason), || Failure::wrong(&output.stderr))?;
            let saved = program.inspect("m.model")["progress"]["epoch"].as_u64();
            ensure(saved == Some(1), || Failure::lost(format!("epoch {saved:?}")))
        });
    }
    tally.finish();
}
