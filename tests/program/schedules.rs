use serde_json::{Value, json};
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::digest,
    harness::Program,
    own_set::{SMALL, train_small, with_small_set},
};

/// Each schedule, its JSON in a run of 2 epochs of 6 steps, and its text.
fn schedules() -> [(&'static str, Value, &'static str); 8] {
    [
        (
            "--schedule constant --warmup-epochs 0.5",
            json!({"kind": "constant", "learning_rate": 0.001, "warmup": 3}),
            "learning rate 0.001, constant, warm-up of 0.5 epochs",
        ),
        (
            "--schedule inverse-time --decay 0.1",
            json!({"kind": "inverse_time", "learning_rate": 0.001, "warmup": 0, "decay": 0.1}),
            "learning rate 0.001, decay 0.1",
        ),
        (
            "--warmup-epochs 1.5",
            json!({"kind": "inverse_time", "learning_rate": 0.001, "warmup": 9, "decay": 0.001}),
            "learning rate 0.001, decay 0.001, warm-up of 1.5 epochs",
        ),
        (
            "--schedule step --step-epochs 0.5 --decay-factor 0.5",
            json!({"kind": "step", "learning_rate": 0.001, "warmup": 0, "every": 3, "factor": 0.5}),
            "learning rate 0.001, times 0.5 every 0.5 epochs",
        ),
        (
            "--schedule exponential --decay-factor 0.25",
            json!({"kind": "exponential", "learning_rate": 0.001, "warmup": 0,
                "every": 6, "factor": 0.25}),
            "learning rate 0.001, exponentially times 0.25 every 1 epoch",
        ),
        (
            "--schedule cosine --warmup-epochs 1 --minimum-rate 0.00001",
            json!({"kind": "cosine", "learning_rate": 0.001, "warmup": 6, "steps": 6,
                "minimum": 1e-5}),
            "learning rate 0.001, along a cosine to 0.00001 in 1 epoch, warm-up of 1 epoch",
        ),
        (
            "--schedule one-cycle --learning-rate 0.01",
            json!({"kind": "one_cycle", "learning_rate": 0.01, "warmup": 0, "steps": 12}),
            "learning rate 0.01, one cycle of 2 epochs",
        ),
        (
            "--schedule plateau --patience 0 --min-delta 100 --decay-factor 0.5",
            json!({"kind": "plateau", "learning_rate": 0.001, "warmup": 0, "factor": 0.5,
                "patience": 0, "min_delta": 100.0}),
            "learning rate 0.001, times 0.5 after more than 0 epochs not better by 100",
        ),
    ]
}

/// Each is shown at the start and in the file; two epochs in one run and in two runs are identical.
#[test]
fn each_is_shown_and_resumes() {
    let program = with_small_set();
    let mut tally = Tally::new("C1", "each schedule: two halves make a whole");
    let mut digests = Vec::new();
    for (i, (options, expected, text)) in schedules().into_iter().enumerate() {
        let run = format!("{options} --epochs 2 --output whole.model --checkpoint-dir run{i}");
        let events = train_small(&program, &run);
        assert_eq!(events[0]["schedule"], expected, "{options}");
        assert_eq!(events[0]["changes"], json!([]));
        let inspected = program.inspect("whole.model");
        assert_eq!(inspected["schedule"], expected, "{options}");
        let printed = program.run("inspect whole.model").success().stdout;
        assert!(
            printed.contains(&format!("\nschedule:     {text}\n")),
            "{text} is not in: {printed}"
        );

        // The run can be resumed with its settings or without. A schedule with an end has saved the number of epochs.
        let half = format!("--resume run{i}/ckpt-000006.model --output again.model");
        let has_end = options.contains("cosine") || options.contains("one-cycle");
        let epochs = if has_end { "" } else { "--epochs 2" };
        let options = if i % 2 == 0 { options } else { "" };
        let events = train_small(&program, &format!("{options} {half} {epochs}"));
        assert_eq!(events[0]["schedule"], expected, "{options}");
        assert_eq!((&events[0]["epoch"], &events[0]["changes"]), (&json!(1), &json!([])));
        let same = digest(&program, "again.model") == inspected["state_sha256"];
        tally.case(|| ensure(same, || Failure::torn(options)));
        digests.push(inspected["state_sha256"].to_string());
    }
    let n = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), n, "each is another run");
    tally.finish();
}

/// In the text that a run prints before its first step.
#[test]
fn the_start_shows_it() {
    let program = with_small_set();
    let run = format!("train {SMALL} --epochs 1 --output m.model");
    let printed = |options: &str| {
        let output = program.run(&format!("{run} {options}")).success().stdout;
        // Wherever the text is wrapped.
        output.replace('\n', " ")
    };
    let cosine = printed("--schedule cosine");
    let expected = "; Adam; learning rate 0.001, along a cosine to 0 in 1 epoch; batches of";
    assert!(cosine.contains(expected), "{cosine}");
    let default = printed("");
    assert!(default.contains("; Adam; learning rate 0.001, decay 0.001; batches"), "{default}");
}

/// The defaults are PyTorch's, or suit a run of ten epochs.
#[test]
fn default_settings() {
    let program = with_small_set();
    let check = |name: &str, expected: Value| {
        let run = "--epochs 1 --output m.model --schedule";
        let found = train_small(&program, &format!("{run} {name}"))[0]["schedule"].clone();
        for (setting, value) in expected.as_object().unwrap() {
            assert_eq!(&found[setting], value, "{name}: {setting}");
        }
    };
    check("step", json!({"every": 30, "factor": 0.1}));
    check("exponential", json!({"every": 6, "factor": 0.9}));
    check("cosine", json!({"steps": 6, "minimum": 0.0}));
    check("plateau", json!({"factor": 0.1, "patience": 2, "min_delta": 1e-4}));
}

/// The rate and the number of epochs may change, and the effect is reported.
#[test]
fn another_rate_and_more_epochs() {
    let program = with_small_set();
    train_small(&program, "--schedule cosine --epochs 1 --output cosine.model --checkpoint-dir c");
    train_small(&program, "--schedule one-cycle --epochs 2 --output cycle.model");
    train_small(&program, "--schedule constant --epochs 1 --output constant.model");
    train_small(&program, "--epochs 1 --output inverse.model");
    let resume = |arguments: &str| {
        let arguments = format!("train {SMALL} {arguments} --format json");
        let output = program.run(&arguments).success();
        (output.json(), output.stderr)
    };

    // The cosine ends after 2 epochs instead of 1.
    let (events, said) = resume("--resume cosine.model --epochs 2 --output m.model");
    let expected = "--epochs 2: the cosine now ends after 2 epochs instead of 1; \
        the next step's rate is 0.0005 instead of 0\n";
    assert!(said.contains(expected), "{said}");
    assert_eq!(events[0]["schedule"]["steps"], 12);
    let [change] = events[0]["changes"].as_array().unwrap().as_slice() else { panic!() };
    let expected = json!({"option": "--epochs", "given": 2, "saved": 1.0, "next_rate_before": 0.0});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&change[member], value, "{member}");
    }
    assert!((change["next_rate"].as_f64().unwrap() - 5e-4).abs() < 1e-12);
    let last = program.inspect("m.model")["progress"]["history"][1]["learning_rate"].clone();
    let at = std::f64::consts::PI * 11.0 / 12.0;
    assert!((last.as_f64().unwrap() - 0.0005 * (1.0 + at.cos())).abs() < 1e-12, "{last}");

    let (events, said) = resume("--resume cycle.model --epochs 4 --output m.model");
    assert!(said.contains("--epochs 4: the cycle now ends after 4 epochs instead of 2"), "{said}");
    assert_eq!(events[0]["schedule"]["steps"], 24);

    // Both at once, one after the other.
    let both = "--resume cosine.model --epochs 2 --learning-rate 0.0005 --output m.model";
    let (events, said) = resume(both);
    let rate = "--learning-rate 0.0005: from epoch 2: learning rate 0.0005 instead of 0.001; \
        the next step's rate is 0 instead of 0\n";
    assert!(said.contains(rate), "{said}");
    assert!(said.contains("the next step's rate is 0.00025 instead of 0\n"), "{said}");
    assert_eq!(events[0]["changes"].as_array().unwrap().len(), 2);

    let (events, said) = resume("--resume constant.model --epochs 2 --learning-rate 0.0005");
    assert!(said.contains("the next step's rate is 0.0005 instead of 0.001\n"), "{said}");
    assert_eq!(events[1]["learning_rate"], 0.0005);
    let inspected = program.inspect("constant.model");
    assert_eq!(inspected["schedule"]["learning_rate"], 0.0005);

    // An inverse-time schedule still counts from the first step.
    let (_, said) =
        resume("--resume inverse.model --epochs 2 --learning-rate 0.01 --output m.model");
    assert!(said.contains("the next step's rate is 0.00994 instead of 0.000994\n"), "{said}");

    // Without an option, or with its saved value, nothing changes and nothing is reported.
    for arguments in ["--learning-rate 0.001 --epochs 2", "--epochs 2"] {
        let (events, said) =
            resume(&format!("--resume inverse.model {arguments} --output m.model"));
        assert_eq!(events[0]["changes"], json!([]));
        assert!(!said.contains("instead of"), "{said}");
    }
    // Nor if there is nothing to train.
    for arguments in ["", "--epochs 1 --learning-rate 0.5"] {
        let resumed = format!("--resume cosine.model {arguments} --output m.model");
        let (events, said) = resume(&resumed);
        let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(names, ["start", "finished"], "{arguments}");
        assert!(said.contains("already at 1 epoch; give --epochs 2 or more"), "{said}");
        assert_eq!(digest(&program, "m.model"), digest(&program, "cosine.model"));
    }
}

#[test]
fn settings_of_another_schedule_are_refused() {
    let mut tally = Tally::new("E5", "settings that belong to another schedule, or to none");
    let mut check = |options: &str, words: &[&str]| {
        tally.case(|| {
            let program = Program::new();
            program.refuses(&format!("train {options}"), 2, words);
            ensure(program.contents().is_empty(), || Failure::torn(options))
        });
    };
    let kinds =
        ["constant", "inverse-time", "step", "exponential", "cosine", "one-cycle", "plateau"];
    let alone = [
        ("--decay 0.1", "inverse-time"),
        ("--step-epochs 3", "step"),
        ("--minimum-rate 0.0001", "cosine"),
        ("--patience 3", "plateau"),
        ("--min-delta 0.1", "plateau"),
    ];
    for (option, of) in alone {
        let name = option.split(' ').next().unwrap();
        for other in kinds.into_iter().filter(|&kind| kind != of) {
            let expected = format!("{name}: needs --schedule {of}, ");
            let words = [expected.as_str(), &format!("found {other}")];
            check(&format!("--schedule {other} {option}"), &words);
        }
    }
    for other in ["constant", "inverse-time", "cosine", "one-cycle"] {
        let expected = "--decay-factor: needs --schedule step, exponential or plateau, found ";
        check(&format!("--schedule {other} --decay-factor 0.5"), &[expected, other]);
    }
    let warmup = ["--warmup-epochs: needs --schedule constant, ", "plateau", "found one-cycle"];
    check("--schedule one-cycle --warmup-epochs 1", &warmup);
    check("--patience 3", &["--patience: needs --schedule plateau", "found inverse-time"]);

    for bad in ["0", "1.5", "-1", "NaN"] {
        let words = ["--decay-factor: expected above 0", &format!("found {bad}")];
        for kind in ["step", "exponential", "plateau"] {
            check(&format!("--schedule {kind} --decay-factor {bad}"), &words);
        }
    }
    for bad in ["-1", "NaN", "inf"] {
        let words = [": expected at least 0 and at most 10000", &format!("found {bad}")];
        for options in ["--warmup-epochs", "--schedule step --step-epochs"] {
            let name = options.rsplit(' ').next().unwrap();
            check(&format!("{options} {bad}"), &[&[name], &words[..]].concat());
        }
    }
    for bad in ["-1", "0.002", "NaN"] {
        let words = ["--minimum-rate: expected at least 0", &format!("found {bad}")];
        check(&format!("--schedule cosine --minimum-rate {bad}"), &words);
    }
    let words = ["--min-delta: expected a finite number, 0 or above", "found -1"];
    check("--schedule plateau --min-delta -1", &words);
    check("--schedule plateau --patience few", &["--patience", "few"]);
    check("--schedule linear", &["--schedule", "linear", "one-cycle"]);
    let words = ["--warmup-epochs: expected a warm-up shorter than the run", "3 of 3 epochs"];
    check("--schedule cosine --epochs 3 --warmup-epochs 3", &words);
    tally.finish();
}

#[test]
fn another_setting_is_another_run() {
    let program = with_small_set();
    let new = |options: &str| {
        train_small(&program, &format!("--epochs 1 --schedule {options}"));
    };
    new("step --step-epochs 2 --decay-factor 0.5 --warmup-epochs 0.5 --output step.model");
    new("exponential --decay-factor 0.95 --output exponential.model");
    new("cosine --minimum-rate 0.0001 --warmup-epochs 0.5 --output cosine.model");
    new("plateau --output plateau.model");
    let mut tally = Tally::new("C4", "settings of a schedule that are not those of the saved run");
    let mut check = |model: &str, option: &str, saved: &str, given: &str| {
        tally.case(|| {
            let words = [&format!("{option}: the saved run has {saved}, not {given}")[..]];
            let resume =
                format!("train {SMALL} --resume {model}.model --epochs 2 {option} {given}");
            program.refuses(&resume, 2, &words);
            Ok(())
        });
    };
    check("step", "--schedule", "step", "cosine");
    check("step", "--step-epochs", "2", "3");
    check("step", "--decay-factor", "0.5", "0.25");
    check("step", "--warmup-epochs", "0.5", "0");
    check("exponential", "--decay-factor", "0.95", "0.9");
    check("exponential", "--warmup-epochs", "0", "1");
    check("cosine", "--minimum-rate", "0.0001", "0");
    check("cosine", "--warmup-epochs", "0.5", "1");
    check("plateau", "--decay-factor", "0.1", "0.5");
    check("plateau", "--patience", "2", "3");
    check("plateau", "--min-delta", "0.0001", "0");
    tally.finish();

    let refuses = |options: &str, words: &[&str]| {
        program.refuses(&format!("train {SMALL} --resume {options}"), 2, words);
    };
    let words = ["--patience: needs --schedule plateau", "found step"];
    refuses("step.model --epochs 2 --patience 3", &words);
    let words = ["--minimum-rate: expected at least 0 and at most the learning rate"];
    refuses("cosine.model --epochs 2 --learning-rate 0.00001", &words);
    refuses("step.model --epochs 2 --learning-rate 0", &["--learning-rate: expected a finite"]);
}
