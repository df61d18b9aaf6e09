use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::fixture::{DATA, TRAINED, altered, keys, with_model};

const SMALL: u64 = 600_000;

#[test]
fn prints_what_a_run_is() {
    let found = with_model().inspect("m.model");
    let shape = [
        "class_names",
        "dataset",
        "format_version",
        "input",
        "instruction_set",
        "layers",
        "n_validation",
        "optimizer",
        "parameters",
        "producer",
        "progress",
        "schedule",
        "settings",
        "state_sha256",
        "weights_sha256",
    ];
    assert_eq!(keys(&found), shape);
    assert_eq!(found["parameters"], 118_282);
    assert_eq!(found["dataset"]["name"], DATA.name);
    assert_eq!(found["layers"].as_array().unwrap().len(), 6);
    assert_eq!(found["layers"][0], json!({"kind": "dense", "inputs": 784, "outputs": 128}));
    assert_eq!(found["optimizer"]["step"], 4 * 430, "430 batches of 128 are an epoch");
    assert_eq!(found["progress"]["epoch"], 4);
    assert_eq!(found["progress"]["batch"], 0);

    // The history is what was reported during the run.
    let reported = TRAINED.events[1..5].iter().map(|event| {
        let members = ["train", "validation", "learning_rate"];
        members.map(|name| (name.to_string(), event[name].clone())).into_iter().collect()
    });
    assert_eq!(found["progress"]["history"], Value::Array(reported.collect()));
}

#[test]
fn says_that_all_was_verified() {
    let program = with_model();
    assert_eq!(program.json("inspect m.model --verify")[0]["verified"], true);
    assert!(program.run("inspect m.model --verify").success().stdout.contains("verified"));
}

#[test]
fn an_export_for_inference_is_small_and_predicts_the_same() {
    let program = with_model();
    let exported = program.json("export m.model small.model --to inference").remove(0);
    assert_eq!(exported["bytes"], fs::metadata(program.path("small.model")).unwrap().len());
    assert!(exported["bytes"].as_u64().unwrap() < SMALL, "{exported}");

    let (whole, small) = (program.inspect("m.model"), program.inspect("small.model"));
    assert_eq!((&small["optimizer"], &small["progress"]), (&Value::Null, &Value::Null));
    assert_eq!(small["weights_sha256"], whole["weights_sha256"]);
    assert_ne!(small["state_sha256"], whole["state_sha256"]);

    let predict = |model: &str| program.json(&format!("predict {model} --index 0,1,2,3"));
    assert_eq!(predict("small.model"), predict("m.model"));
}

#[test]
fn an_export_overwrites_no_other_file() {
    let program = with_model();
    program.write("notes.txt", "keep me");
    let export = |out: &str, code, words: &[&str]| {
        program.refuses(&format!("export m.model {out} --to inference"), code, words);
    };
    export(
        "notes.txt",
        4,
        &["notes.txt: refusing to overwrite a text file", "choose another path"],
    );
    program.write("other.model", &TRAINED.bytes);
    for run in ["m.model", "./m.model", "other.model"] {
        export(
            run,
            4,
            &[run, "refusing to overwrite a run that can be resumed", "choose another path"],
        );
    }
    // Exporting the same model again renames nothing. Another model of the same data is kept, with a warning even with
    // --quiet.
    let quiet = "export m.model small.model --to inference --quiet";
    for _ in 0..2 {
        assert_eq!(program.run(quiet).success().stderr, "");
    }
    let better = altered(|checkpoint| {
        checkpoint.training = None;
        checkpoint.model.params_mut()[0] += 1.0;
    });
    program.write("small.model", &better);
    let expected = "warning: small.model: the old file is kept as small.previous.model\n";
    assert_eq!(program.run(quiet).success().stderr, expected);
    assert!(program.read("small.previous.model") == better);
    let other = altered(|checkpoint| {
        checkpoint.training = None;
        checkpoint.info.dataset.as_mut().unwrap().name = "other".into();
    });
    program.write("other.model", &other);
    export("other.model", 4, &["other.model: refusing to overwrite a model of \"other\""]);
    assert!(program.read("other.model") == other);
    assert_eq!(program.read("notes.txt"), b"keep me");
    assert!(program.read("m.model") == TRAINED.bytes);
}

#[test]
fn the_built_in_model_is_small() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/fashion_mnist.model");
    assert!(fs::metadata(file).unwrap().len() < SMALL);
    let found = with_model().json("inspect").remove(0);
    assert_eq!(found["dataset"]["name"], "fashion-mnist");
    assert_eq!(found["parameters"], 118_794);
    assert_eq!(found["optimizer"], Value::Null);
}
