use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    process::Command,
    thread,
};

use image::GrayImage;
use serde_json::Value;
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::altered,
    harness::{Output, Program},
    own_set::OwnSet,
};

/// Commands to a terminal in 7 and in 8 bits, characters that change how others are shown, and a second line.
const HOSTILE: &str = "a\u{1b}]0;b\u{7}\u{9b}31m\u{9d}\u{7f}\u{202e}\u{2066}\u{61c}\u{200b}\u{feff}\
    \u{2028}\u{2029}\u{e0041}\r\nFORGED: c";

/// The part of it that a model file and `classes.txt` accept in the name of a class.
const HIDDEN: &str = "a\u{61c}\u{200b}\u{feff}\u{2028}\u{2029}\u{e0041}";

/// The program's styles: none, bold, underlined, red, green and yellow. No text from outside here has them.
const STYLES: [&str; 6] =
    ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[4m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"];

/// Counts runs that are given text from outside.
struct Checks(Tally);

impl Checks {
    /// Runs a command in both formats. No hidden characters except for the program's own styles, and no forged line, may be
    /// printed; JSON has `texts` unchanged.
    fn check(&mut self, texts: &[&str], prepare: impl Fn() -> Command) {
        for format in ["text", "json"] {
            self.0.case(|| {
                let mut command = prepare();
                let output =
                    Output::of(command.env("CLICOLOR_FORCE", "1").args(["--format", format]));
                let what = || Failure::wrong(format!("{command:?}: {output:?}"));
                let plain = [&output.stdout, &output.stderr].map(|text| {
                    STYLES.iter().fold(text.clone(), |text, style| text.replace(style, ""))
                });
                for line in plain.iter().flat_map(|text| text.split('\n')) {
                    let is_hidden =
                        |c: char| c.is_control() || HOSTILE.contains(c) && !c.is_ascii();
                    ensure(!line.contains(is_hidden) && !line.starts_with("FORGED"), what)?;
                    // There is one style: \u001b, not Rust's \u{1b} or \x1b, and nothing is escaped twice.
                    let is_other = ["\\u{", "\\x"].iter().any(|style| line.contains(style));
                    ensure(!is_other, what)?;
                }
                ensure(!output.stderr.contains("\\\\u"), what)?;
                if format == "json" {
                    let found: Vec<Value> = output.json();
                    let has = |text: &&str| found.iter().any(|value| contains(value, text));
                    ensure(texts.iter().all(has), what)?;
                }
                Ok(())
            });
        }
    }
}

fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(values) => values.iter().any(|value| contains(value, text)),
        Value::Object(members) => members.values().any(|value| contains(value, text)),
        _ => false,
    }
}

#[test]
fn arguments_and_variables() {
    let program = Program::new();
    let mut checks = Checks(Tally::new("E8", "hostile arguments and variables"));
    for arguments in [
        "",
        "--",
        "train --epochs",
        "train --hidden",
        "train --dataset",
        "train --preset",
        "train --image-size",
        "train --config",
        "train --resume",
        "train --print-config --resume",
        "train --warm-start",
        "train --print-config --output",
        "train --dataset synthetic --data-dir",
        "train --dataset csv --data-dir",
        "find-rate --norm",
        "evaluate",
        "evaluate --threads",
        "predict",
        "predict absent.model",
        "inspect",
        "inspect --print-config",
        "export --to inference absent.model",
        "export --to",
        "export --to inference",
    ] {
        checks.check(&[], || {
            let mut command = program.command(arguments);
            command.arg(HOSTILE);
            command
        });
    }
    checks.check(&[], || program.command(&format!("train --{}", HOSTILE.replace(' ', ""))));
    for name in ["FMNIST_ISA", "FMNIST_DATA_DIR", "FMNIST_MIRROR"] {
        for value in [HOSTILE.to_owned(), format!("http://127.0.0.1:1/{HOSTILE}/")] {
            checks.check(&[], || {
                let mut command = program.command("evaluate");
                command.env(name, &value);
                command
            });
        }
    }
    checks.0.finish();
}

#[test]
fn settings_in_files() {
    let program = Program::new();
    let mut checks = Checks(Tally::new("E8", "hostile keys and values of settings"));
    // JSON's strings are TOML's, except for characters of two units.
    let quoted = Value::from(HOSTILE.replace('\u{e0041}', "")).to_string();
    for text in [
        format!("{quoted} = 1"),
        format!("seed = {quoted}"),
        format!("norm = {quoted}"),
        format!("hidden = [{quoted}]"),
        format!("hidden = {{ {quoted} = 1 }}"),
        format!("image-size = {quoted}"),
        format!("output = {quoted}"),
        format!("data-dir = {quoted}\ndataset = \"idx\""),
        format!("seed = 1\n{quoted} = 1\n{quoted} = 2"),
        format!("seed = {HOSTILE}"),
        format!("{HOSTILE} = 1"),
    ] {
        program.write("run.toml", text);
        checks.check(&[], || program.command("train --print-config --config run.toml"));
    }
    program.write(HOSTILE, "seed = []");
    checks.check(&[], || {
        let mut command = program.command("train --print-config --config");
        command.arg(HOSTILE);
        command
    });
    checks.0.finish();
}

/// A path that a file of settings cannot hold is refused, not printed as another path.
#[test]
fn settings_print_no_other_path() {
    let program = Program::new();
    for option in ["output", "checkpoint-dir", "data-dir"] {
        let mut command = program.command(&format!("train --print-config --{option}"));
        let words =
            [&format!("--{option}: expected a path without control characters"), r"x\u202ey"];
        Output::of(command.arg("x\u{202e}y")).refused(2, &words.map(|word| word as &str));
    }
}

#[test]
fn names_of_models_and_pictures() {
    let program = Program::new();
    let small = altered(|checkpoint| {
        checkpoint.training = None;
        checkpoint.info.class_names[0] = HIDDEN.into();
        checkpoint.info.producer = HIDDEN.into();
        let dataset = checkpoint.info.dataset.as_mut().unwrap();
        dataset.name = HIDDEN.into();
    });
    let model = format!("{HOSTILE}.model");
    let picture = format!("{HOSTILE}.png");
    program.write(&model, small);
    GrayImage::new(28, 28).save(program.path("a.png")).unwrap();
    std::fs::rename(program.path("a.png"), program.path(&picture)).unwrap();
    program.write("text.png", "no picture");
    let mut checks = Checks(Tally::new("E8", "hostile names of models, pictures and classes"));
    let mut check = |texts: &[&str], arguments: &str, names: &[&str]| {
        checks.check(texts, || {
            let mut command = program.command(arguments);
            command.args(names.iter().map(OsStr::new));
            command
        });
    };
    check(&[HIDDEN], "inspect", &[&model]);
    check(&[HIDDEN], "inspect --verify", &[&model]);
    check(&[&picture], "predict --top-k 10", &[&model, &picture]);
    check(&[&picture], "predict", &[&picture]);
    check(&[], "predict", &[&model, "text.png"]);
    check(&[], "evaluate", &[&model]);
    check(&[], "train --resume", &[&model]);
    check(&[], "predict --index 1", &[&model]);
    program.write("cut.model", &program.read(&model)[..5000]);
    std::fs::rename(program.path("cut.model"), program.path(&picture)).unwrap();
    check(&[], "inspect --verify", &[&picture]);
    check(&[], "predict", &[&picture]);
    std::fs::create_dir(program.path("dir")).unwrap();
    std::fs::rename(program.path("dir"), program.path("dir".to_owned() + HOSTILE)).unwrap();
    check(&[], "inspect", &[&format!("dir{HOSTILE}")]);
    check(&[], "train --checkpoint-dir", &[&format!("dir{HOSTILE}/a/b")]);
    checks.0.finish();
}

/// Names and values that the readers of data quote in their errors.
#[test]
fn custom_datasets() {
    let program = Program::new();
    let set = OwnSet::five_by_seven();
    let mut checks = Checks(Tally::new("E8", "hostile names and values in custom datasets"));
    for (name, replace) in [("classes.txt", "Shoe"), ("train.csv", "\n1,"), ("test.csv", "label")] {
        let csv = format!("csv {name}");
        set.write_as(&program, "csv", &csv);
        let path = format!("{csv}/{name}");
        let text = String::from_utf8(program.read(&path)).unwrap();
        program.write(&path, text.replacen(replace, HOSTILE, 1));
        checks.check(&[], || {
            let mut command = program.command("train --dataset csv --data-dir");
            command.arg(&csv);
            command
        });
    }
    for (name, place) in [("a folder", "train/Shoe"), ("a class", "test")] {
        set.write_as(&program, "folder", name);
        let path = format!("{name}/{place}/{HOSTILE}");
        std::fs::create_dir(program.path(&path)).unwrap();
        checks.check(&[], || {
            let mut command = program.command("train --dataset folder --data-dir");
            command.arg(name);
            command
        });
    }
    checks.0.finish();
}

/// A run on a custom dataset, from its classes to its end, under hostile names.
#[test]
fn a_run_with_hostile_names() {
    let program = Program::new();
    OwnSet::five_by_seven().write(&program, "idx");
    program.write("idx/classes.txt", format!("{HIDDEN}\nShoe\nTrouser\n"));
    let folder = format!("data{HOSTILE}");
    std::fs::rename(program.path("idx"), program.path(&folder)).unwrap();
    let mut checks = Checks(Tally::new("E8", "a run under hostile names"));
    let mut check = |texts: &[&str], arguments: &str, names: &[&str]| {
        checks.check(texts, || {
            let mut command = program.command(arguments);
            command.args(names).arg("--data-dir").arg(&folder);
            command
        });
    };
    let model = format!("{HOSTILE}.model");
    check(&[&model], "train --dataset idx --epochs 1 --output", &[&model]);
    check(&[&model], "train --dataset idx --epochs 1 --preset nnfs --output", &[&model]);
    check(&[&model], "train --epochs 2 --resume", &[&model]);
    check(&[], "evaluate", &[&model]);
    check(&[HIDDEN], "predict --index 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", &[&model]);
    check(
        &[],
        "train --dataset idx --epochs 1 --hidden none --checkpoint-dir",
        &[HOSTILE, "-o", &model],
    );
    check(&[], "inspect", &[HOSTILE]);
    checks.0.finish();
}

/// A mirror that leads to an address with commands, in its bytes and as characters.
#[test]
fn redirects_of_mirrors() {
    let mut checks = Checks(Tally::new("E8", "hostile redirects of mirrors"));
    for location in [
        "http://127.0.0.1:1/\u{9b}31m\u{9d}0;a\u{202e}".as_bytes(),
        b"http://127.0.0.1:1/\x9b31m\x9d0;a",
        b"http://127.0.0.1:1/\x1b[35m",
        "http://\u{9b}31m\u{9d}/".as_bytes(),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mirror = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let head: &[u8] = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ";
                let _ = stream.write_all(&[head, location, b"\r\n\r\n"].concat());
            }
        });
        let program = Program::new();
        checks.check(&[], || {
            let mut command = program.command("evaluate");
            command.env("FMNIST_MIRROR", &mirror);
            command
        });
    }
    checks.0.finish();
}
