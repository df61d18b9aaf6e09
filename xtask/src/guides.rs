//! `cargo xtask guides`: runs the sessions that README.md and docs show, and compares what the program prints.
//!
//! A session is a code block of the kind `console`: commands after `$ `, each with its output. The sessions of a document
//! run one after another, in a temporary directory with a copy of docs/example. Every digit is compared, except those of
//! times and of the number of threads: the rest is the same on every machine with fused multiply-add.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, ffi::OsString, fs, ops::Range};

use anyhow::{Context as _, ensure};
use fmnist_data::locate;
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use crate::{cargo, links};

/// Run the sessions in README.md and docs, and compare what they print
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Update the documents with what the sessions print now
    #[arg(long)]
    write: bool,
}

/// How documents for newcomers run the program.
const BY_CARGO: &str = "cargo run -p fmnist-cli --";

/// Commands whose options the documents name.
const COMMANDS: [&str; 8] =
    ["train", "evaluate", "predict", "inspect", "calibrate", "export", "find-rate", "verify"];

pub(crate) fn check() -> anyhow::Result<()> {
    run(Args { write: false })
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let Some(data) = locate::find(None)? else {
        println!("skipped: Fashion-MNIST not found; run `cargo xtask fetch-data` to download it");
        return Ok(());
    };
    let program = cargo::build_program()?;
    let bin = program.parent().context("the program lies in a directory")?;
    let runner = Runner { path: with_path(bin)?, data: fs::canonicalize(data)? };
    let options = runner.options()?;

    let mut findings = Vec::new();
    let is_guide = |path: &PathBuf| path == Path::new("README.md") || path.starts_with("docs");
    for path in links::paths()?.into_iter().filter(is_guide) {
        let file = cargo::root().join(&path);
        let text = fs::read_to_string(&file)?;
        let Guide { sessions, options: named } = Guide::new(&text);
        let mut report = |place, what: String| {
            findings.push(format!("{}:{}: {what}", path.display(), links::line(&text, place)));
        };
        for (place, option) in named.into_iter().filter(|(_, option)| !options.contains(option)) {
            report(place, format!("the program has no {option}"));
        }
        let dir = tempfile::tempdir()?;
        // Guides name its files alone, and README.md by their path in a clone.
        for place in ["", "docs/example"] {
            copy(&cargo::root().join("docs/example"), &dir.path().join(place))?;
        }
        let (mut written, mut end) = (String::new(), 0);
        for session in sessions {
            let printed = runner.session(&text[session.clone()], dir.path())?;
            if !args.write && words(&text[session.clone()]) != words(&printed) {
                report(session.start, format!("the program prints\n{printed}"));
            }
            written += &text[end..session.start];
            written += &kept(&text[session.clone()], &printed);
            end = session.end;
        }
        if args.write {
            fs::write(file, written + &text[end..])?;
        }
    }
    let advice = "if the change is intended, run `cargo xtask guides --write`";
    ensure!(findings.is_empty(), "{}\n{advice}", findings.join("\n"));
    Ok(())
}

/// The places of a document's sessions, and the options that its text mentions, each with its place.
#[derive(Default)]
struct Guide {
    sessions: Vec<Range<usize>>,
    options: Vec<(usize, String)>,
}

impl Guide {
    fn new(text: &str) -> Self {
        let mut guide = Self::default();
        let mut session = None;
        for (event, range) in links::parse(text) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) => {
                    session = (&*kind == "console").then_some(range.end..range.start);
                }
                Event::Text(_) => {
                    // The parser returns a block's text in pieces.
                    if let Some(session) = &mut session {
                        *session = session.start.min(range.start)..session.end.max(range.end);
                    }
                }
                Event::End(TagEnd::CodeBlock) => guide.sessions.extend(session.take()),
                Event::Code(code) if code.starts_with("--") || code.starts_with("fmnist ") => {
                    guide.options.extend(options(&code).map(|option| (range.start, option)));
                }
                _ => {}
            }
        }
        guide
    }
}

/// The options in a text.
fn options(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.starts_with("--") && word.len() > 2).map(String::from)
}

/// The words of a text for comparison, without what differs between machines and runs: times, the number of threads and
/// the instruction set.
fn words(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        let unit = word.trim_end_matches([',', ';', '.', ')']);
        match words.last_mut() {
            Some(number) if UNITS.contains(&unit) && number.parse::<f64>().is_ok() => *number = "#",
            _ => {}
        }
        words.push(if INSTRUCTION_SETS.contains(&unit) { "#" } else { word });
    }
    words.join(" ").replace("# min # s", "# s").replace("thread,", "threads,")
}

/// What a number is that differs between runs or machines.
const UNITS: [&str; 6] = ["s", "ms", "us", "min", "thread", "threads"];

const INSTRUCTION_SETS: [&str; 4] = ["avx512", "avx2", "neon", "portable"];

/// A session as it is printed now, but with the lines of the document where they say the same: a document keeps the times
/// that were measured when its numbers changed.
fn kept(shown: &str, printed: &str) -> String {
    let mut shown = shown.lines();
    let mut printed = printed.lines().peekable();
    let mut kept = String::new();
    while let Some(line) = printed.next() {
        let same = shown.clone().position(|it| words(it) == words(line));
        // A document may leave out the empty line before the next command.
        let is_gap = line.is_empty() && printed.peek().is_some_and(|next| next.starts_with("$ "));
        if let Some(line) = same.and_then(|at| shown.nth(at)).or((!is_gap).then_some(line)) {
            kept += &format!("{line}\n");
        }
    }
    kept
}

/// Runs commands with the program in the search path.
struct Runner {
    path: OsString,
    data: PathBuf,
}

impl Runner {
    /// What a command prints, errors and warnings included. A session may show a command that fails.
    fn command(&self, line: &str, dir: &Path) -> anyhow::Result<String> {
        let mut shell = cargo::command("sh");
        shell.args(["-c", &format!("exec 2>&1; {line}")]).current_dir(dir);
        shell.env("PATH", &self.path).env("HOME", dir).env(locate::VARIABLE, &self.data);
        Ok(String::from_utf8(shell.output().context("cannot run sh")?.stdout)?)
    }

    /// Runs the commands of a session, and returns it with what they print now.
    fn session(&self, shown: &str, dir: &Path) -> anyhow::Result<String> {
        let mut session = String::new();
        for command in shown.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let printed = self.command(&command.replace(BY_CARGO, "fmnist"), dir)?;
            let gap = if printed.is_empty() { "" } else { "\n" };
            session += &format!("$ {command}\n{printed}{gap}");
        }
        Ok(session.trim_end().to_owned() + "\n")
    }

    /// Every option that the program's help mentions.
    fn options(&self) -> anyhow::Result<BTreeSet<String>> {
        let help = |command| self.command(&format!("fmnist {command} --help"), cargo::root());
        let texts = COMMANDS.map(help).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        Ok(texts.iter().flat_map(|text| options(text)).collect())
    }
}

/// The search path, with this directory first.
fn with_path(dir: &Path) -> anyhow::Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths([dir.to_owned()].into_iter().chain(env::split_paths(&path)))?)
}

/// Copies the contents of a directory.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => drop(fs::copy(entry.path(), to)?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_has_sessions_and_options() {
        let text =
            "Try `--epochs 3`.\n\n```console\n$ fmnist\nshown\n```\n\n```text\nno session\n```\n";
        let guide = Guide::new(text);
        let sessions: Vec<&str> = guide.sessions.into_iter().map(|place| &text[place]).collect();
        assert_eq!(sessions, ["$ fmnist\nshown\n"]);
        assert_eq!(guide.options, [(4, "--epochs".into())]);
    }

    #[test]
    fn only_times_and_machines_may_differ() {
        let shown =
            "seed 0; 2 threads, avx512\n    1  0.5137  0.15 s\nsaved 1,234 bytes, 3 s; done";
        let of = |from, to| words(&shown.replace(from, to));
        for (from, to) in
            [("0.15", "0.4"), ("3 s;", "1 min 2.5 s;"), ("2 threads, avx512", "1 thread, neon")]
        {
            assert_eq!(of(from, to), words(shown), "{from}");
        }
        for (from, to) in
            [("0.5137", "0.5138"), ("1,234", "1,235"), ("saved", "wrote"), (" 3 s", "")]
        {
            assert_ne!(of(from, to), words(shown), "{from}");
        }
    }

    #[test]
    fn lines_that_say_the_same_are_kept() {
        let shown = "$ fmnist\n1  0.5  0.15 s\n2  0.4  0.14 s\n";
        assert_eq!(
            kept(shown, "$ fmnist\n1  0.5  9 s\n2  0.3  9 s\n"),
            "$ fmnist\n1  0.5  0.15 s\n2  0.3  9 s\n"
        );
    }
}
