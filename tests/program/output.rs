use std::{ffi::OsStr, fs, process::Stdio};

use nn_io::{DatasetId, OutputFile};
use tally::{Failure, Tally, ensure};

use crate::{
    bad_model,
    fixture::{DATA, TRAINED, altered, digest, with_model},
    harness::{Output, Program},
    signal::send,
};

/// Training that would write there is refused before it begins, even before data are looked for.
#[track_caller]
fn check_refused(program: &Program, output: &str, words: &[&str]) {
    let refused = program.run(&format!("train --dataset synthetic --output {output}"));
    assert!(!refused.stderr.contains("drawing"), "{refused:#?}");
    refused.refused(4, words);
}

#[test]
fn something_in_the_way() {
    let program = Program::new();
    fs::create_dir(program.path("folder")).unwrap();
    check_refused(&program, "absent/m.model", &["absent: cannot create a file", "No such file"]);
    check_refused(
        &program,
        "folder",
        &["folder: refusing to overwrite a directory", "choose another"],
    );

    let files = [
        ("notes.txt", b"keep me".to_vec(), "a text file"),
        ("cut.model", TRAINED.bytes[..1000].to_vec(), "a model that cannot be read (byte 0"),
        ("newer.model", bad_model::newer(), "a model of format 2.0"),
        ("empty", Vec::new(), "an empty file"),
        (".z.model.7.tmp", b"keep me".to_vec(), "a file with the name of a temporary file"),
    ];
    let mut tally = Tally::new("B13", "files that an output must not overwrite");
    for (name, bytes, what) in files {
        tally.case(|| {
            program.write(name, &bytes);
            let words = [&format!("{name}: refusing to overwrite {what}"), "move it away"];
            check_refused(&program, name, &words);
            ensure(program.read(name) == bytes, || Failure::lost(name))
        });
    }
    tally.finish();
}

/// This protects a good model when a run falls back to synthetic garments.
#[test]
fn a_model_of_another_dataset_is_not_replaced() {
    let program = Program::with_data();
    let other =
        altered(|checkpoint| checkpoint.info.dataset.as_mut().unwrap().name = "other".into());
    program.write("m.model", &other);
    let arguments = format!("train --dataset {} --epochs 1 --output m.model", DATA.name);
    let words = ["m.model: refusing to overwrite a model of \"other\"", "choose another path"];
    program.refuses(&arguments, 4, &words);
    assert!(program.read("m.model") == other);
    // Nor is a model that cannot be read, since its dataset is unknown.
    let mut damaged = TRAINED.bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    program.write("m.model", &damaged);
    let words =
        ["m.model: refusing to overwrite a model that cannot be read", "CRC-32", "move it away"];
    program.refuses(&arguments, 4, &words);
    assert!(program.read("m.model") == damaged);
}

/// A new run keeps the model whose name it takes. Nothing is renamed before the first save.
#[test]
#[cfg(unix)]
fn a_new_run_keeps_another_runs_model() {
    let program = with_model();
    let train = format!("train --dataset {} --output m.model --quiet", DATA.name);
    let words = "warning: m.model: the old file is kept as m.previous.model";
    // One step takes longer than it takes to kill the run.
    let slow = format!("{train} --hidden 1024 --batch-size 30000 --threads 1 --format json");
    let mut tally =
        Tally::new("B20", "a new run over another's model, killed, stopped and complete");
    tally.case(|| {
        let mut run = program.start(&slow);
        run.wait_for("start");
        run.kill();
        ensure(program.read("m.model") == TRAINED.bytes, || Failure::lost("the old model"))?;
        let moved = program.path("m.previous.model").exists();
        ensure(!moved, || Failure::wrong("renamed before the first save"))
    });
    tally.case(|| {
        let output = program.run(&format!("{train} --epochs 1 --hidden none")).success();
        ensure(output.stderr.contains(words), || Failure::wrong(format!("{output:?}")))?;
        ensure(output.stderr.matches("kept as").count() == 1, || Failure::wrong(&output.stderr))?;
        let kept = program.read("m.previous.model") == TRAINED.bytes;
        ensure(kept, || Failure::lost("the old model"))
    });
    tally.case(|| {
        // There is only one previous generation: the older one is replaced, and the warning says so. A stopped run saves too.
        let second = program.read("m.model");
        let mut run = program.start(&slow);
        run.wait_for("start");
        send("-INT", &run);
        let output = run.finish();
        let is_reported = output.stderr.contains(&format!("{words}, in place of an older one"));
        ensure(output.code == Some(130) && is_reported, || Failure::wrong(format!("{output:?}")))?;
        ensure(program.read("m.previous.model") == second, || Failure::lost("the second model"))
    });
    // The previous generation works with every command. Resumed, it is saved to its own file.
    program.run("evaluate m.previous.model").success();
    program.run("predict m.previous.model --index 0").success();
    let output = program.run("train --resume m.previous.model --epochs 2").success();
    assert!(!output.stderr.contains("kept as"), "{output:#?}");
    assert_eq!(program.inspect("m.previous.model")["progress"]["epoch"], 2);
    assert!(!program.path("m.previous.previous.model").exists());
    // While another run uses it, a new run that needs its name is refused.
    let _held = OutputFile::claim(program.path("m.previous.model")).unwrap();
    program.refuses(&train, 6, &["m.previous.model: in use by another run"]);
    tally.finish();
}

/// A run that resumes from the previous generation sets it aside instead of replacing it.
#[test]
fn the_previous_generation_can_take_its_name_back() {
    let program = with_model();
    let train = format!("train --dataset {} --output m.model --hidden none", DATA.name);
    program.run(&format!("{train} --epochs 1")).success();
    let other = program.read("m.model");
    let arguments = "train --resume m.previous.model --output m.model --epochs 4";
    let output = program.run(arguments).success();
    for name in ["m.previous.model.skipped", "m.previous.model"] {
        let words = format!("the old file is kept as {name}\n");
        assert!(output.stderr.contains(&words), "{output:#?}");
    }
    assert!(program.read("m.previous.model") == other);
    assert!(program.read("m.previous.model.skipped") == TRAINED.bytes);
    assert_eq!(digest(&program, "m.model"), TRAINED.state_sha256);
}

/// A run without data and network falls back to synthetic garments. The next run may have the real dataset.
#[test]
fn a_model_of_synthetic_garments_is_no_obstacle() {
    let program = with_model();
    let synthetic = altered(|checkpoint| {
        let sha256 = "0".repeat(64);
        checkpoint.info.dataset = Some(DatasetId {
            name: "synthetic".into(),
            directory: None,
            sha256,
            transposed: false,
        });
    });
    program.write("fashion_mnist.model", &synthetic);
    let arguments = format!("train --dataset {} --epochs 1 --hidden none", DATA.name);
    let output = program.run(&arguments).success();
    let words = "fashion_mnist.model: the old file is kept as fashion_mnist.previous.model\n";
    assert!(output.stderr.contains(words), "{output:#?}");
    assert!(program.read("fashion_mnist.previous.model") == synthetic);
    assert_eq!(program.inspect("fashion_mnist.model")["dataset"]["name"], DATA.name);
}

/// A file that another program puts in the output's place during the run is kept, with a warning when the run stops.
#[test]
#[cfg(unix)]
fn a_file_that_comes_in_the_way_is_kept() {
    let program = Program::with_data();
    let arguments = format!("train --dataset {} --output m.model --epochs 1000", DATA.name);
    let mut run = program.start(&format!("{arguments} --hidden none --quiet --format json"));
    run.wait_for("epoch");
    program.write("diary", "keep me");
    fs::rename(program.path("diary"), program.path("m.model")).unwrap();
    run.wait_for("epoch");
    run.wait_for("epoch");
    send("-INT", &run);
    let output = run.finish();
    let words = "m.model: the old file is kept as m.model.skipped";
    assert!(output.code == Some(130) && output.stderr.contains(words), "{output:#?}");
    assert_eq!(program.read("m.model.skipped"), b"keep me");
    program.run("inspect m.model").success();
}

#[test]
fn a_system_error_is_printed_once() {
    let output = Program::new().run("inspect absent.model");
    assert_eq!(output.stderr.matches("No such file").count(), 1, "{}", output.stderr);
}

#[test]
fn a_run_that_diverges_leaves_the_good_file() {
    let program = with_model();
    let arguments = format!("train --dataset {} --output m.model --learning-rate", DATA.name);
    let mut tally = Tally::new("E1", "divergence leaves the last good file");
    for rate in ["1e10", "1e20", "1e30", "1e38"] {
        tally.case(|| {
            let output = program.run(&format!("{arguments} {rate} --checkpoint-dir run{rate}"));
            let words = [
                "m.model: training diverged at epoch 1, step ",
                " of layer ",
                &format!("lower the learning rate, which was {}", rate.parse::<f64>().unwrap()),
                ": try --learning-rate 0.001, or run `fmnist find-rate`\n",
            ];
            let is_reported =
                output.code == Some(5) && words.iter().all(|it| output.stderr.contains(it));
            ensure(is_reported, || Failure::wrong(format!("{output:?}")))?;
            let kept = program.read("m.model") == TRAINED.bytes;
            ensure(kept, || Failure::lost("the good file"))?;
            let saved = nn_io::Newest::load(program.path(format!("run{rate}"))).is_ok();
            ensure(!saved, || Failure::torn("a checkpoint of a run that diverged"))
        });
    }
    tally.finish();
}

/// A rate that is too high but not absurd may learn nothing; what is saved is finite all the same.
#[test]
fn a_rate_that_is_too_high() {
    let program = Program::with_data();
    let mut tally = Tally::new("E1", "rates that learn nothing save finite numbers");
    for rate in ["1", "1e2"] {
        tally.case(|| {
            let arguments = format!("train --dataset {} --output m.model --epochs 1", DATA.name);
            let output = program.run(&format!("{arguments} --learning-rate {rate}"));
            ensure([Some(0), Some(5)].contains(&output.code), || {
                Failure::wrong(format!("{output:?}"))
            })?;
            let is_whole = output.code == Some(5) || program.run("inspect m.model").code == Some(0);
            ensure(is_whole, || Failure::torn("what was saved"))
        });
    }
    tally.finish();
}

#[test]
fn one_run_at_a_time() {
    let program = with_model();
    let arguments = format!("train --dataset {} --output out.model", DATA.name);
    let mut first = program.start(&format!("{arguments} --epochs 1000 --format json"));
    first.wait_for("start");
    let words = [&format!("out.model: in use by another run (process {})", first.id()), "wait"];
    program.refuses(&arguments, 6, &words.map(|word| word as &str));
    program.refuses("export m.model out.model --to inference", 6, &["in use by another run"]);
    first.kill();
    // The lock is free, however the run ended.
    program.run("export m.model out.model --to inference").success();
}

/// What `fmnist train | head -1` does.
#[test]
fn closed_stdout() {
    let program = Program::with_data();
    let arguments = format!("train --dataset {} --output m.model --format json", DATA.name);
    let mut tally = Tally::new("B16", "stdout is closed during a run");
    tally.case(|| {
        let mut run = program.start(&arguments);
        run.wait_for("start");
        let output = run.finish_unread().success();
        ensure(!output.stderr.contains("error"), || Failure::wrong(&output.stderr))?;
        // It ends when it cannot report an epoch, which is saved.
        let epochs = program.inspect("m.model")["progress"]["epoch"].as_u64().unwrap();
        ensure((1..10).contains(&epochs), || Failure::wrong(format!("{epochs} epochs")))
    });
    tally.finish();
}

/// Messages that nobody reads change nothing.
#[test]
fn closed_stderr() {
    let program = Program::new();
    let check = |arguments: &str, code| {
        let mut command = program.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments}");
    };
    check("train --dataset synthetic --epochs 1 --hidden none", 0);
    check("inspect absent.model", 4);
}

#[test]
#[cfg(target_os = "linux")]
fn full_stdout() {
    let program = Program::with_data();
    let mut tally = Tally::new("B16", "stdout is full");
    for arguments in ["inspect", "train --epochs 1 --hidden none --output m.model"] {
        tally.case(|| {
            let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            let mut command = program.command(arguments);
            let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
            let output = Output::from(child.wait_with_output().unwrap());
            output.refused(4, &["cannot write to stdout: No space left"]);
            Ok(())
        });
    }
    tally.finish();
}

#[test]
fn odd_names() {
    let program = Program::new();
    let small = altered(|checkpoint| checkpoint.training = None);
    let mut tally = Tally::new("E6", "odd names of files");
    let mut check = |name: &OsStr| {
        tally.case(|| {
            program.write(name, &small);
            let mut copy = name.to_os_string();
            copy.push(".copy");
            let mut export = program.command("export --to inference --");
            Output::of(export.arg(name).arg(&copy)).success();
            ensure(program.read(&copy) == small, || Failure::lost(format!("{name:?}")))?;
            Output::of(program.command("inspect --").arg(&copy)).success();
            Ok(())
        });
    };
    check(OsStr::new("two words.model"));
    check(OsStr::new("two\nlines.model"));
    check(OsStr::new("-dash.model"));
    check(OsStr::new("kleid\u{1F457}.model"));
    #[cfg(unix)]
    check(std::os::unix::ffi::OsStrExt::from_bytes(b"latin-\xe9.model"));
    tally.finish();
}
