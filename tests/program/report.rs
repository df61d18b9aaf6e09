//! `fmnist report`, and `train --report`.

use crate::{
    fixture::with_model,
    harness::Program,
    own_set::{SMALL, with_small_set},
};

fn page(program: &Program, name: &str) -> String {
    String::from_utf8(program.read(name)).unwrap()
}

/// The page has the numbers that `evaluate` prints, and replaces an older page.
#[test]
fn a_page_agrees_with_evaluate() {
    let program = with_model();
    let evaluation = program.json("evaluate m.model").remove(0);
    let stderr = program.run("report m.model").success().stderr;
    assert!(stderr.contains("the report is in report.html; open it in a browser"), "{stderr}");
    let html = page(&program, "report.html");
    let number = |key: &str| format!("{:.4}", evaluation[key].as_f64().unwrap());
    for number in ["accuracy", "loss", "top_3", "calibration_error"].map(number) {
        assert!(html.contains(&number), "{number} is not on the page");
    }
    for (actual, row) in evaluation["confusion"].as_array().unwrap().iter().enumerate() {
        for (predicted, count) in row.as_array().unwrap().iter().enumerate() {
            if actual != predicted && *count != 0 {
                let link = format!("<a href=\"#m0-{actual}-{predicted}\" aria-label=");
                assert!(html.contains(&format!("\">{count}</a>")), "{count}");
                assert!(html.contains(&link), "{link}");
            }
        }
    }
    // The recipe, with the names of the options.
    assert!(html.contains("<dt>learning-rate</dt><dd>0.001</dd>"), "{html}");
    program.run("report m.model").success();
}

#[test]
fn a_run_ends_with_its_page() {
    let program = with_small_set();
    program.run(&format!("train {SMALL} --epochs 2 --output m.model --report run.html")).success();
    let html = page(&program, "run.html");
    assert!(html.contains("Learning curves") && html.contains("test images of small (idx)"));
    // Another file of this name stays, and is noticed before the training.
    program.write("run.html", "notes");
    let words = ["--report", "run.html: exists and is not a page of fmnist"];
    program.refuses(&format!("train {SMALL} --output n.model --report run.html"), 2, &words);
    program.refuses("report m.model -o run.html", 2, &["--output", "run.html: exists and is not"]);
    assert_eq!(program.read("run.html"), b"notes");
    assert!(!program.path("n.model").exists());
}

#[test]
fn models_are_compared() {
    let program = with_small_set();
    for (name, epochs) in [("a.model", 1), ("b.model", 2)] {
        program.run(&format!("train {SMALL} --epochs {epochs} --output {name}")).success();
    }
    program.run("report a.model b.model -o both.html").success();
    let html = page(&program, "both.html");
    assert!(html.contains("<th scope=\"row\">epochs</th><td>1</td><td>2</td>"), "{html}");
    assert!(!html.contains("<th scope=\"row\">hidden</th>"));
}

/// Models for other images cannot be on one page.
#[test]
fn models_of_other_data_are_refused() {
    let program = with_small_set();
    program.run(&format!("train {SMALL} --epochs 1 --output m.model")).success();
    program.run("train --dataset synthetic --hidden none --epochs 1 --output s.model").success();
    program.refuses("report s.model m.model", 3, &["m.model: the model's classes are T-shirt, "]);
    program.refuses(
        "report m.model s.model",
        3,
        &["s.model: the model's classes are T-shirt/top, "],
    );
    assert!(!program.path("report.html").exists());
}

/// The model would be replaced by the page.
#[test]
fn the_page_is_not_the_model() {
    let program = with_small_set();
    let train = format!("train {SMALL} --epochs 1 --output m.model --report m.model");
    program.refuses(&train, 2, &["--report: m.model is the model of the run"]);
}
