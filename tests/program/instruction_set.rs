use std::collections::HashMap;

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
        let warns = |output: &Output| output.stderr.contains("not bit-for-bit identical");
        ensure(warns(&other) && !warns(&same), || Failure::wrong(format!("{same:?}, {other:?}")))?;
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
