use crate::{
    fixture::{DATA, digest},
    harness::{Output, Program},
};

/// The digest of a short run on the given set, or none where this processor lacks it.
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
fn each_gives_the_same_bits_on_any_number_of_threads() {
    let mut digests = Vec::new();
    for set in ["avx512", "avx2", "neon", "portable"] {
        let Some(one) = train(set, 1) else { continue };
        assert_eq!(train(set, 3).as_ref(), Some(&one), "{set}");
        digests.push(one);
    }
    // The portable one rounds each multiplication: were it the same, no choice would have been made.
    assert!(digests.len() == 1 || digests[0] != digests[digests.len() - 1]);
}

#[test]
fn a_name_that_is_none_is_refused() {
    let program = Program::new();
    let output = Output::of(program.command("inspect").env("FMNIST_ISA", "mmx"));
    output.refused(2, &["FMNIST_ISA: expected one of avx512, avx2, neon, portable, found mmx"]);
}
