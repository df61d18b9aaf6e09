//! The program: its options, its signals, and what it prints.

use super::Mutant;

const TERMINAL: &[&str] = &["--package", "fmnist-cli", "--test", "program", "terminal::"];
const LIMITS: &[&str] = &["--package", "fmnist-cli", "--test", "program", "limits::"];
const USAGE: &[&str] = &["--package", "fmnist-cli", "--test", "program", "usage::settings"];
const SIGNAL: &[&str] = &["--package", "fmnist-cli", "--test", "program", "signal::a_signal_while"];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "hidden characters printed",
        file: "crates/fmnist-cli/src/outside.rs",
        from: "c if is_hidden(c) => {",
        to: "c if is_hidden(c) && line.is_empty() => {",
        tests: TERMINAL,
    },
    Mutant {
        name: "line breaks of names printed",
        file: "crates/fmnist-cli/src/outside.rs",
        from: "'\\n' => text += \"\\\\n\",",
        to: "'\\n' => text.push(c),",
        tests: TERMINAL,
    },
    Mutant {
        name: "arguments quoted as they were given",
        file: "crates/fmnist-cli/src/main.rs",
        from: "env::args_os().map(|argument| Outside::from(&argument).to_string());",
        to: "env::args_os().map(|argument| argument.to_string_lossy().into_owned());",
        tests: TERMINAL,
    },
    Mutant {
        name: "lengths of lists not checked",
        file: "crates/fmnist/src/options/list.rs",
        from: "match found > most {",
        to: "match found > most && option.is_empty() {",
        tests: LIMITS,
    },
    Mutant {
        name: "threads started after the data are read",
        file: "crates/fmnist-cli/src/command/train.rs",
        from: "    let threads = data::threads(options.places.threads)?;\n    let dataset = match data::obtain(&source, console) {",
        to: "    let dataset = data::obtain(&source, console);\n    let threads = data::threads(options.places.threads)?;\n    let dataset = match dataset {",
        tests: LIMITS,
    },
    Mutant {
        name: "a write that blocks until it is read",
        file: "crates/fmnist-cli/src/stream.rs",
        from: "wait_for_reader(&stream, stop)?;",
        to: "let _ = || wait_for_reader(&stream, stop);",
        tests: SIGNAL,
    },
    Mutant {
        name: "an option of a preset reported without the preset",
        file: "crates/fmnist-cli/src/command.rs",
        from: "find(|(_, options)| has(options) && !has(&self.given))",
        to: "find(|(_, options)| has(options) && has(&self.given))",
        tests: USAGE,
    },
    Mutant {
        name: "an escaped path printed in settings",
        file: "crates/fmnist-cli/src/command.rs",
        from: ".filter(Outside::is_escaped)",
        to: ".filter(|path| path.is_escaped() && option.is_empty())",
        tests: TERMINAL,
    },
    Mutant {
        name: "data that cannot be read without another thread",
        file: "crates/fmnist-data/src/threads.rs",
        from: "threads.all(|started| started.is_ok());",
        to: "threads.all(|started| started.expect(\"a thread\").thread().name().is_none());",
        tests: LIMITS,
    },
];
