use serde_json::{Value, json};
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::{DATA, digest, with_model},
    harness::Program,
};

/// All settings that a run can have at once.
const EVERYTHING: &str = "--hidden 32,24 --norm batch --activation silu --dropout 0.1 --init glorot \
    --batch-size 500 --accumulate 2 --shuffle once --flip --shift 1 --rotate 5 --zoom 0.05 \
    --tone 0.1 --noise 3 --cutout 3 --test-flips --freeze 1 \
    --clip-norm 1 --average 0.9 --monitor accuracy --keep-best --early-stop 5 --early-stop-delta 0.001 \
    --label-smoothing 0.1 --class-weights 1,1,1,1,1,1,2,1,1,0.5 --l1 0.00001 --l2 0.0001 --bias-l1 0.00001 \
    --bias-l2 0.0001 --validate-on-test --optimizer adamw --weight-decay 0.02 --schedule one-cycle --learning-rate 0.004 --seed 7";

/// With every setting on, two epochs in one run and in two runs are identical, and the file has all settings.
#[test]
fn every_setting_is_saved_and_resumes() {
    let program = Program::with_data();
    let events =
        program.train(&format!("{EVERYTHING} --epochs 2 --output m.model --checkpoint-dir run"));
    let accuracy = events.last().unwrap()["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.5, "{accuracy}");
    let settings = &program.inspect("m.model")["settings"];
    for (option, value) in [
        ("hidden", json!([32, 24])),
        ("norm", json!("batch")),
        ("activation", json!("silu")),
        ("dropout", json!(0.1)),
        ("init", json!("glorot")),
        ("dataset", json!(DATA.name)),
        ("validation", json!(5000)),
        ("validate-on-test", json!(true)),
        ("accumulate", json!(2)),
        ("shuffle", json!("once")),
        ("flip", json!(true)),
        ("shift", json!(1)),
        ("rotate", json!(5.0)),
        ("zoom", json!(0.05)),
        ("tone", json!(0.1)),
        ("noise", json!(3.0)),
        ("cutout", json!(3)),
        ("test-flips", json!(true)),
        ("freeze", json!([1])),
        ("clip-norm", json!(1.0)),
        ("average", json!(0.9)),
        ("monitor", json!("accuracy")),
        ("keep-best", json!(true)),
        ("early-stop", json!(5)),
        ("early-stop-delta", json!(0.001)),
        ("label-smoothing", json!(0.1)),
        ("l2", json!(0.0001)),
        ("weight-decay", json!(0.02)),
        ("schedule", json!("one-cycle")),
        ("seed", json!(7)),
    ] {
        assert_eq!(settings[option], value, "{option}");
        assert_eq!(events[0]["settings"][option], value, "{option}, at the start");
    }
    let train = "cross-entropy with label smoothing 0.1 and class weights";
    assert_eq!(events[0]["loss"], json!({"train": train, "evaluation": "cross-entropy"}));

    let penalty = events[1]["penalty"].as_f64().unwrap();
    assert!(penalty > 0.0 && penalty < 1.0, "{penalty}");

    // A step has two batches of 500, so an epoch of 55,000 images has 55 steps.
    let half = "run/ckpt-000055.model";
    let mut tally = Tally::new("C1", "every setting at once: two halves make a whole");
    for options in ["", EVERYTHING] {
        program.train(&format!("{options} --resume {half} --output again.model"));
        tally.case(|| {
            let same = digest(&program, "again.model") == digest(&program, "m.model");
            ensure(same, || Failure::torn(options))
        });
    }
    tally.finish();

    // All commands give the same results, also with a file for inference only.
    let test = events.last().unwrap()["test"].clone();
    let evaluated = program.json("evaluate m.model").remove(0);
    assert_eq!(evaluated["accuracy"], test["accuracy"]);
    program.run("export m.model small.model --to inference").success();
    let small = program.json("evaluate small.model").remove(0);
    assert_eq!((&small["accuracy"], &small["loss"]), (&evaluated["accuracy"], &evaluated["loss"]));
    let answers = program.json("predict m.model --index 0,1,2,3,4");
    let again = program.json("predict small.model --index 0,1,2,3,4");
    assert_eq!(answers, again);
}

/// The regularisation loss is reported separately from the data loss.
#[test]
fn the_regularisation_loss_is_reported() {
    let program = Program::with_data();
    let run = format!("train --dataset {} --hidden 16 --epochs 1 --output m.model", DATA.name);
    let printed = program.run(&format!("{run} --l2 0.001")).success().stdout;
    let head = printed.lines().find(|line| line.starts_with("epoch")).unwrap();
    let (before, penalty) =
        printed.lines().find(|it| it.starts_with("    1")).unwrap().split_at(72);
    assert!(head.ends_with("    time penalty") && before.ends_with(" s"), "{printed}");
    assert!((0.01..1.0).contains(&penalty.trim().parse::<f64>().unwrap()), "{printed}");
    let printed = program.run(&run).success().stdout;
    assert!(!printed.contains("penalty"), "{printed}");
}

/// Settings that must not change on --resume are refused by name.
#[test]
fn other_settings_are_refused_by_name() {
    let program = with_model();
    let resume = format!("train --dataset {} --resume m.model --epochs 5", DATA.name);
    for (option, saved) in [
        ("--hidden 64", "128,128"),
        ("--norm layer", "none"),
        ("--activation gelu", "relu"),
        ("--dropout 0.5", "0"),
        ("--accumulate 4", "1"),
        ("--shuffle once", "each-epoch"),
        ("--flip", "false"),
        ("--rotate 10", "0"),
        ("--zoom 0.1", "0"),
        ("--tone 0.1", "0"),
        ("--noise 5", "0"),
        ("--test-flips", "false"),
        ("--freeze 0", "none"),
        ("--clip-norm 1", "0"),
        ("--average 0.99", "0"),
        ("--label-smoothing 0.1", "0"),
        ("--l2 0.1", "0"),
        ("--seed 3", "0"),
        ("--early-stop 3", "0"),
        ("--init book", "he"),
        ("--validate-on-test", "false"),
        ("--image-size 28x28", "none"),
    ] {
        let name = option.split(' ').next().unwrap();
        let printed = format!("{name}: the saved run has {saved}");
        program.refuses(&format!("{resume} {option}"), 2, &[&printed]);
    }
    // Also if the run has nothing left to do.
    let refused = ["--learning-rate: expected a finite number above 0"];
    let done = format!("train --dataset {} --resume m.model --epochs 1", DATA.name);
    program.refuses(&format!("{done} --learning-rate nan"), 2, &refused);
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let program = Program::new();
    for (option, words) in [
        ("--dropout 1", "--dropout: expected at least 0 and below 1, found 1"),
        ("--label-smoothing 1", "--label-smoothing: expected at least 0"),
        ("--focal-gamma -1", "--focal-gamma: expected a finite number, 0 or above"),
        (
            "--label-smoothing 0.1 --focal-gamma 2",
            "--label-smoothing: expected 0 together with a --focal-gamma",
        ),
        (
            "--clip-norm 1 --clip-value 2",
            "--clip-norm: expected 0 together with a --clip-value of 2, found 1",
        ),
        ("--clip-norm 1e-60", "--clip-norm: expected a finite number above 0 in 32 bits"),
        ("--clip-value -1", "--clip-value: expected a finite number above 0"),
        ("--average 1", "--average: expected"),
        ("--freeze 3", "--freeze: expected dense layers from 0 to 2, found 3"),
        ("--freeze first", "expected numbers of layers, such as 0,2, or none, found \"first\""),
        ("--early-stop-delta 0.1", "--early-stop-delta: needs --early-stop"),
        ("--early-stop 3 --early-stop-delta -1", "--early-stop-delta: expected"),
        ("--l1 -1", "--l1: expected"),
        ("--l2 -1", "--l2: expected"),
        ("--bias-l2 -1", "--bias-l2: expected"),
        ("--class-weights 1,2", "--class-weights: expected 10, found 2"),
        ("--class-weights=-1,1,1,1,1,1,1,1,1,1", "--class-weights: expected a finite number"),
        ("--optimizer sgd --momentum 1", "--momentum: expected"),
        ("--optimizer adamw --weight-decay -1", "--weight-decay: expected"),
        ("--learning-rate 0", "--learning-rate: expected"),
        ("--decay -1", "--decay: expected"),
        ("--warmup-epochs 1e300", "--warmup-epochs: expected at least 0 and at most 10000"),
        ("--warmup-epochs -1", "--warmup-epochs: expected at least 0 and at most 10000"),
        ("--schedule step --step-epochs 0", "--step-epochs: expected more than 0"),
        ("--shift 99999999999", "expected 0 to 16777216, found 99999999999"),
        ("--cutout 99999999999", "expected 0 to 16777216, found 99999999999"),
        ("--rotate 181", "--rotate: expected at least 0 and at most 180 degrees, found 181"),
        ("--zoom 1", "--zoom: expected at least 0 and at most 0.9, found 1"),
        ("--tone -0.1", "--tone: expected at least 0 and at most 0.9, found -0.1"),
        ("--noise nan", "--noise: expected at least 0 and at most 255, found NaN"),
        (
            "--preset better --focal-gamma 2",
            "--label-smoothing: expected 0 together with a --focal-gamma",
        ),
        ("--config none.toml", "none.toml: cannot read: No such file"),
    ] {
        let code = if option.starts_with("--config") { 4 } else { 2 };
        program.refuses(&format!("train --dataset synthetic {option}"), code, &[words]);
    }
    assert!(!program.path("fashion_mnist.model").exists());
    program.write("run.toml", "seed = 1\nepoch = 3");
    for command in ["train", "find-rate"] {
        let run = format!("{command} --config run.toml");
        program.refuses(
            &run,
            2,
            &["run.toml: line 2: unknown setting `epoch`; did you mean `epochs`?"],
        );
    }
    program.write("run.toml", b"seed = \"\xff\"");
    program.refuses("train --config run.toml", 2, &["run.toml: line 1: expected UTF-8"]);
    program.write("run.toml", vec![b'#'; (1 << 20) + 1]);
    program.refuses(
        "train --config run.toml",
        2,
        &["run.toml: expected at most 1048576 bytes, found more"],
    );
}

/// The command line can unset what a file sets.
#[test]
fn the_command_line_unsets_what_a_file_sets() {
    let program = Program::new();
    let set = "early-stop = 3\nearly-stop-delta = 0.1\nclip-norm = 1.5\nfreeze = [0]\n\
        focal-gamma = 2.0\nclass-weights = [1, 2]\nflip = true\n";
    program.write("run.toml", set);
    let printed = |options: &str| program.run(&format!("train {options} --print-config")).success();
    let unset = "--early-stop 0 --clip-norm 0 --freeze none --focal-gamma 0 \
        --class-weights none --flip=false";
    let unset = printed(&format!("--config run.toml {unset}"));
    assert_eq!(unset.stdout, printed("").stdout);
    assert_ne!(printed("--config run.toml").stdout, unset.stdout);

    // Another optimizer or schedule drops the options of the one in the file.
    program.write(
        "run.toml",
        "optimizer = 'sgd'\nmomentum = 0.9\nnesterov = true\n\
        schedule = 'cosine'\nminimum-rate = 0.0001\nwarmup-epochs = 2",
    );
    let chosen = printed("--config run.toml --optimizer adam --schedule one-cycle").stdout;
    assert_eq!(chosen, printed("--schedule one-cycle").stdout);
    let chosen = printed("--config run.toml --schedule constant").stdout;
    assert!(chosen.contains("momentum = 0.9\n") && chosen.contains("warmup-epochs = 2.0\n"));
    assert!(!chosen.contains("minimum-rate"), "{chosen}");
    let chosen = printed("--preset nnfs --schedule cosine").stdout;
    assert!(chosen.contains("minimum-rate = 0.0\n") && !chosen.contains("decay ="), "{chosen}");
    program.refuses("train --schedule cosine --decay 0.1", 2, &["--decay: needs --schedule"]);
}

/// The settings that are printed are a file that gives the same run, and so are those of a model.
#[test]
fn a_printed_config_gives_the_same_run() {
    let program = Program::with_data();
    let options = "--hidden 32 --init orthogonal --dropout 0.2 --flip --schedule cosine \
        --warmup-epochs 0.5 --validate-on-test --epochs 1";
    let printed = program.run(&format!("train {options} --print-config")).success().stdout;
    program.write("run.toml", printed);
    program.train(&format!("{options} --output a.model"));
    program.train("--config run.toml --output b.model");
    assert_eq!(digest(&program, "a.model"), digest(&program, "b.model"));
    let of_model = program.run("inspect a.model --print-config").success().stdout;
    program.write("model.toml", of_model);
    program.train("--config model.toml --output c.model");
    assert_eq!(digest(&program, "a.model"), digest(&program, "c.model"));
    // Exactly the same, also where steps are converted to epochs and back.
    for options in
        ["--warmup-epochs 0.19090909090909092", "--schedule exponential --decay-factor 0.7"]
    {
        let options = format!("{options} --batch-size 1000 --hidden 8 --epochs 1");
        program.train(&format!("{options} --output a.model"));
        for print in ["inspect a.model", &format!("train {options}")] {
            let printed = program.run(&format!("{print} --print-config")).success().stdout;
            program.write("run.toml", printed);
            program.train("--config run.toml --output b.model");
            assert_eq!(digest(&program, "a.model"), digest(&program, "b.model"), "{print}");
        }
    }
    // A schedule without an end does not determine the number of epochs, so it is printed.
    program.train("--hidden 16 --epochs 3 --output three.model");
    let of_model = program.run("inspect three.model --print-config").success().stdout;
    assert!(of_model.contains("epochs = 3\n"), "{of_model}");
    let resumed = "train --resume a.model --print-config";
    program.refuses(
        resumed,
        2,
        &["--print-config: cannot be combined with --resume", "fmnist inspect"],
    );
    // The command line overrides the file.
    let events = program.train("--config run.toml --seed 5 --output d.model");
    assert_eq!(events[0]["seed"], 5);
}

/// Stdout has exactly the lines of the book. A warning says that the run is validated on the test set.
#[test]
fn the_book_to_the_letter() {
    let program = Program::with_data();
    let run = format!("train --dataset {} --preset nnfs --epochs 2 --output m.model", DATA.name);
    let output = program.run(&run).success();
    assert!(output.stderr.contains("evaluated on the test set"), "{}", output.stderr);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 2 * 9, "{}", output.stdout);
    let number = |text: &str| text.parse::<f64>().unwrap();
    for (epoch, lines) in lines.chunks(9).enumerate() {
        assert_eq!(lines[0], format!("epoch: {}", epoch + 1));
        for (line, step) in lines[1..7].iter().zip([0, 100, 200, 300, 400, 468]) {
            let rate = 0.001 / (1.0 + 0.001 * (epoch * 469 + step) as f64);
            let prefix = format!("step: {step}, acc: ");
            assert!(line.starts_with(&prefix), "{line}");
            assert!(line.ends_with(&format!(", reg_loss: 0.000), lr: {rate:?}")), "{line}");
            let loss = line.split("loss: ").nth(1).unwrap().split(' ').next().unwrap();
            assert!(
                number(loss) < 2.4 && line.contains(&format!("(data_loss: {loss}, ")),
                "{line}"
            );
        }
        assert!(lines[7].starts_with("training, acc: 0."), "{}", lines[7]);
        assert!(lines[8].starts_with("validation, acc: 0."), "{}", lines[8]);
    }
    // The last validation is the test result.
    let accuracy = lines[17].split("acc: ").nth(1).unwrap().split(',').next().unwrap();
    let test = program.json("evaluate m.model").remove(0)["accuracy"].as_f64().unwrap();
    assert_eq!(accuracy, format!("{test:.3}"));
}

/// The regularisation loss of a step is of the weights before it; that of an epoch, of the weights at its end.
#[test]
fn the_book_prints_the_regularisation_loss() {
    let program = with_model();
    let reg_loss = |model: &str| {
        let model = nn_io::Checkpoint::load(program.path(model)).unwrap().model;
        let squares = |name: String| {
            model.param(&name).unwrap().iter().map(|&w| f64::from(w).powi(2)).sum::<f64>()
        };
        let [weights, biases] = ["weights", "biases"]
            .map(|role| (0..3).map(|i| squares(format!("dense{i}.{role}"))).sum::<f64>());
        0.01 * weights + 0.002 * biases
    };
    let options = "--preset nnfs --validation 0 --batch-size 30000 --l2 0.01 --bias-l2 0.002";
    let train = |epochs: u64| {
        let options = format!("{options} --epochs {epochs} --output book{epochs}.model");
        let run = format!("train --dataset {} --warm-start m.model {options}", DATA.name);
        program.run(&run).success().stdout
    };
    let of_line = |line: &str| -> [f64; 3] {
        ["loss: ", "(data_loss: ", "reg_loss: "].map(|name| {
            let number = line.split_once(name).unwrap().1;
            number.split([' ', ',', ')']).next().unwrap().parse().unwrap()
        })
    };
    let (one, two) = (train(1), train(2));
    let (one, two): (Vec<&str>, Vec<&str>) = (one.lines().collect(), two.lines().collect());
    assert_eq!(one[..], two[..5]);
    let [first, second] = [two[1], two[2]].map(of_line);
    // The first step, the first epoch, the first step after it, and the second epoch.
    for (line, model) in [(1, "m"), (3, "book1"), (6, "book1"), (8, "book2")] {
        let [loss, data_loss, found] = of_line(two[line]);
        let expected = reg_loss(&format!("{model}.model"));
        assert!((found - expected).abs() < 6e-4, "{}: {expected}", two[line]);
        assert!((loss - data_loss - found).abs() < 2e-3, "{}", two[line]);
    }
    // The second step lies between the first and the end of the epoch.
    let end = of_line(two[3]);
    assert!(first[2] > second[2] && second[2] > end[2], "{two:#?}");
}

/// A run that does not improve stops early.
#[test]
fn a_run_that_gets_no_better_stops() {
    let program = Program::with_data();
    let options = "--hidden 16 --learning-rate 0.3 --schedule constant --early-stop 1 --keep-best";
    let run = format!(
        "train --dataset {} {options} --epochs 50 --output m.model --format json",
        DATA.name
    );
    let output = program.run(&run).success();
    assert!(
        output.stderr.contains("stopped early: 1 epoch without improvement; epoch "),
        "{}",
        output.stderr
    );
    let events = output.json();
    let losses: Vec<f64> = events
        .iter()
        .filter(|event| event["event"] == "epoch")
        .map(|event| event["validation"]["loss"].as_f64().unwrap())
        .collect();
    let (last, before) = losses.split_last().unwrap();
    assert!(before.iter().all(|loss| loss <= last) && losses.len() < 50, "{losses:?}");
    let (best, _) = losses.iter().enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap();
    assert_eq!(events.last().unwrap()["best_epoch"], best + 1);
    // Resumed, it has nothing to do.
    let again = program.train("--resume m.model --epochs 50 --output n.model");
    assert_eq!(again.iter().filter(|event| event["event"] == "epoch").count(), 0);
    let resume = format!("train --dataset {} --resume m.model --epochs 50", DATA.name);
    let printed = program.run(&resume).success().stdout;
    let words = format!(", at epoch {}, the best of {}, ", best + 1, losses.len());
    assert!(printed.lines().last().unwrap().contains(&words), "{words:?} is not in: {printed}");
}

/// Where training minimises another loss than the plain one, both are named, and the test loss is called plain.
#[test]
fn a_loss_that_is_not_plain_is_named() {
    let program = Program::with_data();
    let run = format!("train --dataset {} --hidden none --epochs 1 --output m.model", DATA.name);
    let [smoothed, plain] = [
        "cross-entropy with label smoothing 0.1 in training;\n",
        "plain cross-entropy on held-out and test images\n",
    ];
    let printed = program.run(&format!("{run} --label-smoothing 0.1")).success().stdout;
    assert!(printed.contains(&format!("\nloss: {smoothed}{plain}\nepoch ")), "{printed}");
    assert!(
        printed.lines().last().unwrap().contains(" (plain cross-entropy), accuracy "),
        "{printed}"
    );
    let printed = program.run("inspect m.model").success().stdout;
    assert!(
        printed.contains(&format!("\nloss:         {smoothed}              {plain}last epoch: ")),
        "{printed}"
    );
    let expected =
        json!({"train": "cross-entropy with label smoothing 0.1", "evaluation": "cross-entropy"});
    assert_eq!(program.inspect("m.model")["progress"]["loss"], expected);

    let printed = program.run(&run).success().stdout;
    assert!(!printed.contains("cross-entropy"), "{printed}");
}

/// A new run can start with the weights of a model, all of them or those of the layers that fit.
#[test]
fn a_warm_start() {
    let program = with_model();
    let first_accuracy = |options: &str| {
        let events = program.train(&format!("{options} --epochs 1 --output n.model"));
        events[1]["train"]["accuracy"].as_f64().unwrap()
    };
    let cold = first_accuracy("");
    let warm = first_accuracy("--warm-start m.model");
    assert!(warm > cold + 0.02, "{warm} from {cold}");
    let frozen = "--hidden 128,64 --warm-start m.model --freeze 0";
    let run = format!("train --dataset {} {frozen} --epochs 1 --output n.model", DATA.name);
    let output = program.run(&run).success();
    let printed = "starting with the weights of dense0 of the --warm-start model";
    assert!(output.stderr.contains(printed), "{}", output.stderr);
    let params = |model: &str| {
        let checkpoint = nn_io::Checkpoint::load(program.path(model)).unwrap();
        checkpoint.model.param("dense0.weights").unwrap().into_owned()
    };
    assert_eq!(params("n.model"), params("m.model"), "frozen");
    let hidden = "--hidden 20 --warm-start m.model";
    program.refuses(
        &format!("train --dataset {} {hidden}", DATA.name),
        2,
        &["--warm-start: expected"],
    );
}

/// `find-rate` shows the losses at rising rates, and suggests a rate that learns. Nothing is saved.
#[test]
fn a_learning_rate_is_suggested() {
    let program = Program::with_data();
    let find = format!("find-rate --dataset {} --hidden 32 --steps 120", DATA.name);
    let found = program.json(&find).remove(0);
    let losses = found["losses"].as_array().unwrap();
    assert!(losses.len() > 50 && losses.len() <= 120, "{}", losses.len());
    let suggested = found["suggested"].as_f64().unwrap();
    assert!((1e-4..0.1).contains(&suggested), "{suggested}");
    let marked: Vec<&Value> = losses.iter().filter(|row| row["suggested"] == true).collect();
    assert!(marked.len() == 1 && marked[0]["learning_rate"] == suggested, "{marked:?}");
    let printed = program.run(&find).success().stdout;
    let row = format!("{suggested:.2e} ");
    let is_marked =
        |line: &str| line.trim_start().starts_with(&row) && line.ends_with("#  suggested");
    assert!(printed.lines().any(is_marked), "{row} is not marked in: {printed}");
    assert!(printed.contains("suggested: --learning-rate 0.0"), "{printed}");
    program.refuses(&format!("{find} --from 1 --to 0.1"), 2, &["--to: expected a finite number"]);
    program.refuses(&format!("{find} --from 0"), 2, &["--from: expected a finite number above 0"]);
    let too_high = program.run(&format!("{find} --from 1e4 --to 1e6")).success().stdout;
    assert!(too_high.contains("no rate suggested: the loss is lowest at 10000;"), "{too_high}");
    assert!(!program.contents().iter().any(|path| path.ends_with("fashion_mnist.model")));
}
