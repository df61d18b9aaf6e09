use serde_json::{Value, json};

use crate::{
    fixture::{DATA, TRAINED, keys},
    harness::Program,
};

/// The values of a member over some events.
fn column(events: &[Value], pointer: &str) -> Vec<f64> {
    events.iter().map(|event| event.pointer(pointer).unwrap().as_f64().unwrap()).collect()
}

#[test]
fn reports_start_epochs_and_end() {
    let [start, epochs @ .., finished] = TRAINED.events.as_slice() else { panic!("no events") };
    assert_eq!(start["event"], "start");
    assert_eq!(start["dataset"], DATA.name);
    assert_eq!(start["samples"], json!({"train": 55_000, "validation": 5_000, "test": 10_000}));
    assert_eq!(start["parameters"], 118_282);
    assert_eq!(start["resumed"], Value::Null);
    assert_eq!(start["loss"], json!({"train": "cross-entropy", "evaluation": "cross-entropy"}));

    assert_eq!(column(epochs, "/epoch"), [1.0, 2.0, 3.0, 4.0]);
    for epoch in epochs {
        let shape = ["epoch", "event", "learning_rate", "seconds", "train", "validation"];
        assert_eq!(keys(epoch), shape);
        assert_eq!(epoch["event"], "epoch");
        assert_eq!(keys(&epoch["train"]), ["accuracy", "loss"]);
        assert_eq!(keys(&epoch["validation"]), ["accuracy", "loss"]);
    }

    assert_eq!(keys(finished), ["best_epoch", "epochs", "event", "model", "seconds", "test"]);
    assert_eq!(finished["best_epoch"], Value::Null, "it was not kept");
    assert_eq!(finished["event"], "finished");
    assert_eq!(finished["epochs"], 4);
    assert_eq!(finished["model"], "m.model");
    assert_eq!(keys(&finished["test"]), ["accuracy", "loss"]);
}

#[test]
fn learns() {
    let [_, epochs @ .., finished] = TRAINED.events.as_slice() else { panic!("no events") };
    let falls = |pointer| column(epochs, pointer).is_sorted_by(|before, after| before > after);
    assert!(falls("/train/loss"), "{epochs:#?}");
    assert!(falls("/learning_rate"), "{epochs:#?}");
    // The third epoch of seed 0 reached 0.8766 on Fashion-MNIST and 0.9186 on synthetic garments.
    assert!(column(epochs, "/validation/accuracy")[2] > 0.85, "{epochs:#?}");
    assert!(finished["test"]["accuracy"].as_f64().unwrap() > 0.85, "{finished}");
}

#[test]
fn trains_on_all_images_without_validation() {
    let program = Program::with_data();
    let events = program.train("--validation 0 --epochs 1 --output m.model");
    assert_eq!(events[0]["samples"]["train"], 60_000);
    assert_eq!(events[1]["validation"], Value::Null);
    assert_eq!(program.inspect("m.model")["n_validation"], 0);
}

#[test]
fn shows_people_a_table() {
    let arguments = format!("train --dataset {} --epochs 1 --hidden none", DATA.name);
    let output = Program::with_data().run(&arguments).success();
    for words in ["784-10: 7,850 parameters", "epoch    loss", "    1* ", "test loss ", "saved in"]
    {
        assert!(output.stdout.contains(words), "{words:?} is not in: {}", output.stdout);
    }
}

#[test]
fn is_quiet_when_asked() {
    let program = Program::new();
    let arguments = "train --dataset synthetic --epochs 1 --hidden none --format json";
    let (loud, quiet) = (program.run(arguments), program.run(&format!("{arguments} --quiet")));
    assert!(loud.stderr.starts_with("drawing"), "{loud:#?}");
    // Warnings stay.
    assert!(quiet.stderr.lines().all(|line| line.starts_with("warning: ")), "{quiet:#?}");
    let words = "fashion_mnist.model: the old file is kept as fashion_mnist.previous.model\n";
    assert!(quiet.stderr.contains(words), "{quiet:#?}");
    for output in [loud, quiet] {
        let events = output.success().json();
        let names: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
        assert_eq!(names, ["start", "epoch", "finished"]);
    }
}

/// Every stage of a step is reported, and no time is missing: what is in no stage is waiting.
#[test]
fn reports_where_the_time_went() {
    let program = Program::with_data();
    let run =
        "--hidden 16 --validation 5000 --epochs 2 --batch-size 600 --threads 2 --output m.model";
    let events = program.train(&format!("{run} --profile"));
    let [.., profile, finished] = events.as_slice() else { panic!("no events") };
    assert_eq!(finished["event"], "finished");
    assert_eq!((&profile["event"], &profile["steps"]), (&json!("profile"), &json!(2 * 92)));
    let stages = profile["thread_seconds"].as_object().unwrap();
    let expected = [
        "shuffle",
        "gather",
        "forward 0 dense",
        "forward 1 relu",
        "forward 2 dense",
        "forward 3 softmax and loss",
        "backward 3 softmax",
        "backward 2 dense",
        "backward 1 relu",
        "backward 0 dense",
        "check",
        "gradient 0 dense",
        "gradient 2 dense",
        "update",
        "validate",
        "waiting",
    ];
    assert_eq!(stages.keys().collect::<Vec<_>>(), expected);
    for phase in ["gather", "forward 0 dense", "backward 0 dense", "gradient 0 dense", "update"] {
        assert!(stages[phase].as_f64() > Some(0.0), "{phase} took no time: {profile}");
    }
    let sum: f64 = stages.values().map(|seconds| seconds.as_f64().unwrap()).sum();
    let expected = 2.0 * profile["seconds"].as_f64().unwrap();
    assert!((sum / expected - 1.0).abs() < 1e-6, "{profile}");

    let dataset = DATA.name;
    let text = program.run(&format!("train --dataset {dataset} {run} --profile")).success().stdout;
    for words in ["184 steps in", "on 2 threads", "gradient 0 dense", "waiting"] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    assert!(!program.run(&format!("train --dataset {dataset} {run}")).stdout.contains("waiting"));
}
