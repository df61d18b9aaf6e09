use std::collections::HashMap;

use serde_json::json;
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::{DATA, digest, notice},
    harness::{Output, Program},
};

/// The digest of a short run with this instruction set and arithmetic; `None` if the processor lacks them.
fn train(set: &str, arithmetic: &str, threads: u8) -> Option<String> {
    let program = Program::with_data();
    let arguments = "--hidden 16 --batch-size 256 --epochs 1 --output m.model --format json";
    let dataset = DATA.name;
    let arguments = format!(
        "train --dataset {dataset} --threads {threads} --arithmetic {arithmetic} {arguments}"
    );
    let output = Output::of(program.command(&arguments).env("FMNIST_ISA", set));
    if output.stderr.contains("this processor has no") {
        output.refused(2, &["FMNIST_ISA", set]);
        return None;
    }
    if output.stderr.contains("has no fused multiply-add") {
        output
            .refused(2, &["--arithmetic: expected plain", "portable has no fused", "found fused"]);
        return None;
    }
    assert_eq!(output.success().json()[0]["instruction_set"], set);
    assert_eq!(program.inspect("m.model")["instruction_set"], set);
    Some(digest(&program, "m.model"))
}

/// Results depend on the arithmetic, and neither on the instruction set nor on the number of threads.
#[test]
fn each_arithmetic_has_its_bits() {
    let mut digests: HashMap<&str, String> = HashMap::new();
    for set in ["avx512", "avx2", "neon", "portable"] {
        for arithmetic in ["fused", "plain"] {
            for threads in [1, 3] {
                let Some(found) = train(set, arithmetic, threads) else { continue };
                let expected = digests.entry(arithmetic).or_insert_with(|| found.clone());
                assert_eq!(found, *expected, "{set}, {arithmetic}, {threads} threads");
            }
        }
    }
    assert!(digests.contains_key("plain"));
    assert_ne!(digests.get("fused"), digests.get("plain"));
}

#[test]
fn a_name_that_is_none_is_refused() {
    let program = Program::new();
    let output = Output::of(program.command("inspect").env("FMNIST_ISA", "mmx"));
    output.refused(2, &["FMNIST_ISA: expected one of avx512, avx2, neon, portable, found mmx"]);
}

/// A run that the processor cannot resume is refused before its data are loaded. The error is that of --arithmetic if it
/// was given; otherwise it says how to continue. `verify` cannot continue in the other arithmetic.
#[test]
fn what_an_arithmetic_that_is_missing_says() {
    let program = Program::with_data();
    let arguments =
        format!("train --dataset {} --hidden 16 --batch-size 2000 --epochs 1", DATA.name);
    for (name, options) in [("plain", ""), ("fused", "--checkpoint-dir dir")] {
        let arguments = format!("{arguments} --arithmetic {name} --output {name}.model {options}");
        let output = program.run(&arguments);
        if output.stderr.contains("has no fused multiply-add") {
            return notice("this processor has only one arithmetic: the lack of it was not tried");
        }
        output.success();
    }
    let refused = |arguments: &str, words: &[&str]| {
        let mut command = program.command(arguments);
        let command = command.env("FMNIST_ISA", "portable").env_remove("FMNIST_DATA_DIR");
        let output = Output::of(command);
        for other in ["downloading", "drawing", "continues in"] {
            assert!(!output.stderr.contains(other), "{arguments}: {output:?}");
        }
        output.refused(2, words);
    };
    let of_option = ["error: --arithmetic: expected plain", "portable", "found fused"];
    for model in ["plain.model", "fused.model"] {
        refused(&format!("train --resume {model} --epochs 2 --arithmetic fused"), &of_option);
    }
    // A file of settings is named, and the command line overrides it.
    program.write("c.toml", "arithmetic = 'fused'");
    let of_file = "found fused; leave it out, or choose plain; c.toml sets it";
    for options in ["", "--resume plain.model --epochs 2"] {
        refused(&format!("train --config c.toml {options}"), &[of_option[0], of_file]);
    }
    let of_run = "the run needs fused arithmetic, which the instruction set portable does not have";
    let hint = "to continue in plain arithmetic, add --arithmetic plain";
    refused("train --resume fused.model --epochs 2", &["error: fused.model: ", of_run, hint]);
    refused("train --resume dir --epochs 2", &["error: dir/", of_run, hint]);
    let hint = "does not have; verify it on another processor";
    refused("verify fused.model", &["error: fused.model: ", of_run, hint]);
}

/// A run is resumed in its arithmetic. Where the processor lacks it, the run is refused by name, unless the other one is
/// asked for. Then a warning says that the result will not be bit-for-bit identical; the loss differs by no more than
/// one epoch's rounding.
#[test]
fn a_run_is_resumed_in_its_arithmetic() {
    let program = Program::with_data();
    let arguments = "--hidden 16 --batch-size 256 --threads 1";
    program.train(&format!("{arguments} --epochs 1 --output m.model"));
    if program.inspect("m.model")["instruction_set"] == "portable" {
        return notice("this processor has only one arithmetic: a change of it was not tried");
    }
    let resume = "train --format json --threads 1 --epochs 2 --resume";
    let portable =
        |arguments: &str| Output::of(program.command(arguments).env("FMNIST_ISA", "portable"));
    let mut tally = Tally::new("C6", "resumed with another instruction set or arithmetic");
    tally.case(|| {
        let same = program.run(&format!("{resume} m.model --output same.model")).success();
        let refused = portable(&format!("{resume} m.model --output other.model"));
        refused.refused(2, &["m.model: the run needs fused arithmetic", "--arithmetic plain"]);
        let other = portable(&format!("{resume} m.model --output other.model --arithmetic plain"))
            .success();
        // Without the real data there is also the notice about synthetic garments.
        let text = "warning: --arithmetic plain: from epoch 2: plain arithmetic instead of fused; the result will be as \
                    good, but not bit-for-bit identical to that of an uninterrupted run";
        let changes = |output: &Output| output.json()[0]["changes"].clone();
        let changed = &changes(&other)[0];
        let is_listed = ["option", "saved", "given"].map(|key| &changed[key])
            == ["--arithmetic", "fused", "plain"];
        let is_said = other.stderr.contains(text) && !same.stderr.contains("bit-for-bit");
        ensure(is_said && is_listed && changes(&same) == json!([]), || {
            Failure::wrong(format!("{same:?}, {other:?}"))
        })?;
        // Nothing is left to train, so nothing changes.
        let sum = digest(&program, "m.model");
        program.run("train --resume m.model --epochs 1 --arithmetic plain --output done.model").success();
        let found = digest(&program, "done.model");
        ensure(found == sum, || Failure::wrong(format!("{found}, not {sum}")))?;
        let complete = portable("train --resume m.model --epochs 1 --arithmetic plain");
        complete.refused(2, &["m.model: already at 1 epoch, in fused", "give --epochs 2 or more"]);
        let loss = |output: &Output| output.json()[1]["train"]["loss"].as_f64().unwrap();
        let (expected, found) = (loss(&same), loss(&other));
        let near = (found - expected).abs() < 1e-5 && found != expected;
        ensure(near, || Failure::wrong(format!("loss {found}, not {expected}")))
    });
    // A run in plain arithmetic goes on in it on any processor, without being asked.
    tally.case(|| {
        program.train(&format!("{arguments} --epochs 1 --output p.model --arithmetic plain"));
        program.run(&format!("{resume} p.model --output here.model")).success();
        portable(&format!("{resume} p.model --output there.model")).success();
        let [here, there] = ["here.model", "there.model"].map(|model| digest(&program, model));
        ensure(here == there, || Failure::wrong(format!("{here}, {there}")))
    });
    tally.finish();
}
