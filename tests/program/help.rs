use std::process::Command;

use crate::harness::{Output, Program};

const COMMANDS: [&str; 7] =
    ["train", "evaluate", "predict", "inspect", "export", "find-rate", "completions"];

/// Help on stdout, and nothing else.
#[track_caller]
fn help(arguments: &str) -> String {
    let Output { stdout, stderr, .. } = Program::new().run(arguments).success();
    assert_eq!(stderr, "");
    stdout
}

#[test]
fn a_summary_and_all_of_it() {
    let (brief, full) = (help("train -h"), help("train --help"));
    assert!(brief.ends_with("\nAll options: fmnist train --help\n"), "{brief}");
    for (option, is_common) in [("--epochs", true), ("--focal-gamma", false)] {
        assert_eq!(brief.contains(option), is_common, "{brief}");
        assert!(full.contains(option), "{full}");
    }
    for part in ["\nValues of --preset:\n", "\nEnvironment variables:\n", "\nExit codes:\n"] {
        assert!(full.contains(part) && !brief.contains(part), "{part} in {full}");
    }
    assert_eq!(help("help train"), full);
    assert_eq!(help("help"), help("--help"));
    // What every run accepts, but few rates depend on.
    assert!(!help("find-rate --help").contains("--keep-best"));
}

#[test]
fn commands_in_help_and_completions() {
    let all = help("-h");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = help(&format!("completions {shell}"));
        for command in COMMANDS {
            assert!(script.contains(command), "{command} for {shell}");
            assert!(all.contains(&format!("\n  {command} ")), "{command} in {all}");
        }
        assert!(script.contains("checkpoint-every"), "{shell}");
    }
}

#[test]
fn man_pages() {
    let program = Program::new();
    std::fs::create_dir(program.path("man")).unwrap();
    program.run("man man").success();
    for command in COMMANDS {
        let page = String::from_utf8(program.read(format!("man/fmnist-{command}.1"))).unwrap();
        assert!(page.contains("Environment variables:") && page.contains("FMNIST_ISA"), "{page}");
    }
    let page = String::from_utf8(program.read("man/fmnist-train.1")).unwrap();
    assert!(page.contains("Gamma of the focal loss"), "{page}");
    program.refuses("man absent", 4, &["absent"]);
}

/// Help, tables, warnings and errors have styles where they are wanted.
#[test]
fn styles() {
    let program = Program::new();
    program.write("other.model", "no model\n");
    let stdout = |output: Output| output.stdout;
    let stderr = |output: Output| output.stderr;
    type Stream = fn(Output) -> String;
    for (arguments, stream, style) in [
        ("train -h", stdout as Stream, "\u{1b}[1m\u{1b}[4mOptions:\u{1b}[0m"),
        ("train --help", stdout, "\u{1b}[1m\u{1b}[4mExit codes:\u{1b}[0m"),
        ("train --frobnicate", stderr, "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m"),
        ("inspect other.model", stderr, "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m other.model"),
        ("evaluate --data-dir .", stderr, "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m"),
    ] {
        let run = |variables: &[(&str, &str)]| {
            let mut command: Command = program.command(arguments);
            stream(Output::of(command.envs(variables.iter().copied())))
        };
        let forced = run(&[("CLICOLOR_FORCE", "1")]);
        assert!(forced.contains(style), "{arguments}: {forced:?}");
        for variables in [&[][..], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]] {
            let plain = run(variables);
            assert!(!plain.is_empty() && !plain.contains('\u{1b}'), "{arguments}: {plain:?}");
        }
    }
}
