use tally::{Failure, Tally, ensure};

use crate::{
    fixture::{DATA, digest, notice},
    harness::{Output, Program},
};

/// The digest of a short run with this instruction set; `None` if the processor lacks it.
fn train(set: &str, threads: u8) -> Option<String> {
    let program = Program::with_data();
    let arguments = "--hidden 16 --batch-size 256 --epochs 1 --output m.model --format json";
    let dataset = DATA.name;
    let arguments = format!("train --dataset {dataset} --threads {threads} {arguments}");
    let output = Output::of(program.command(&arguments).env("FMNIST_ISA", set));
    if output.stderr.contains("this processor has no") {
        output.refused(2, &["FMNIST_ISA", set]);
        return None;
    }
    assert_eq!(output.success().json()[0]["instruction_set"], set);
    assert_eq!(program.inspect("m.model")["instruction_set"], set);
    Some(digest(&program, "m.model"))
}

#[test]
fn each_is_bit_for_bit_identical_on_any_number_of_threads() {
    let mut digests = Vec::new();
    for set in ["avx512", "avx2", "neon", "portable"] {
        let Some(one) = train(set, 1) else { continue };
        assert_eq!(train(set, 3).as_ref(), Some(&one), "{set}");
        digests.push(one);
    }
    // The portable set rounds each multiplication. An equal digest would mean that the variable had no effect.
    assert!(digests.len() == 1 || digests[0] != digests[digests.len() - 1]);
}

#[test]
fn a_name_that_is_none_is_refused() {
    let program = Program::new();
    let output = Output::of(program.command("inspect").env("FMNIST_ISA", "mmx"));
    output.refused(2, &["FMNIST_ISA: expected one of avx512, avx2, neon, portable, found mmx"]);
}

/// A run can be resumed with another instruction set. A warning says that the result will not be bit-for-bit identical;
/// the loss differs by no more than one epoch's rounding.
#[test]
fn a_run_resumed_with_another_set_warns() {
    let program = Program::with_data();
    let arguments = "--hidden 16 --batch-size 256 --threads 1 --output m.model";
    program.train(&format!("{arguments} --epochs 1"));
    let begun = program.inspect("m.model")["instruction_set"].clone();
    if begun == "portable" {
        return notice("this processor has only one instruction set: a change of it was not tried");
    }
    let resume = "train --resume m.model --epochs 2 --format json --threads 1 --output";
    let mut tally = Tally::new("C6", "resumed with another instruction set");
    tally.case(|| {
        let same = program.run(&format!("{resume} same.model")).success();
        let mut command = program.command(&format!("{resume} other.model"));
        let other = Output::of(command.env("FMNIST_ISA", "portable")).success();
        // Without the real data there is also the notice about synthetic garments.
        let warns = |output: &Output| output.stderr.contains("not bit-for-bit identical");
        ensure(warns(&other) && !warns(&same), || Failure::wrong(format!("{same:?}, {other:?}")))?;
        let loss = |output: &Output| output.json()[1]["train"]["loss"].as_f64().unwrap();
        let (expected, found) = (loss(&same), loss(&other));
        let near = (found - expected).abs() < 1e-5 && found != expected;
        ensure(near, || Failure::wrong(format!("loss {found}, not {expected}")))
    });
    tally.finish();
}
