use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::DATA;

/// Nobody listens there, so a download fails at once.
pub(crate) const DEAD_MIRROR: &str = "http://127.0.0.1:1/";

/// The program in its own empty directory, to which paths are relative.
pub(crate) struct Program {
    root: TempDir,
    data_dir: Option<PathBuf>,
}

impl Program {
    /// Without a dataset.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("work")).unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        Self { root, data_dir: None }
    }

    /// With [`DATA`].
    pub(crate) fn with_data() -> Self {
        Self { data_dir: DATA.dir.clone(), ..Self::new() }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// All that is in the directory, and in the program's home.
    pub(crate) fn contents(&self) -> Vec<PathBuf> {
        let directories = ["work", "home"].map(|name| self.root.path().join(name));
        let entries = directories.iter().flat_map(|dir| fs::read_dir(dir).unwrap());
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The command that starts the program with these arguments, separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        self.wrapped("", arguments)
    }

    /// The same under another program, such as `prlimit --fsize=4096`.
    pub(crate) fn wrapped(&self, wrapper: &str, arguments: &str) -> Command {
        let home = self.root.path().join("home");
        let words = wrapper.split_whitespace().chain([env!("CARGO_BIN_EXE_fmnist")]);
        let mut words = words.chain(arguments.split_whitespace());
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .current_dir(self.path(""))
            .env_clear()
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("HOME", home)
            .env("FMNIST_MIRROR", DEAD_MIRROR)
            .stdin(Stdio::null());
        if let Some(dir) = &self.data_dir {
            command.env("FMNIST_DATA_DIR", dir);
        }
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &str) -> Output {
        Output::of(&mut self.command(arguments))
    }

    /// Runs it to its end, which must be a success. Returns its results as JSON.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &str) -> Vec<Value> {
        self.run(&format!("{arguments} --format json")).success().json()
    }

    /// Trains on [`DATA`].
    #[track_caller]
    pub(crate) fn train(&self, arguments: &str) -> Vec<Value> {
        self.json(&format!("train --dataset {} {arguments}", DATA.name))
    }

    /// What `inspect` prints about a file.
    #[track_caller]
    pub(crate) fn inspect(&self, model: &str) -> Value {
        self.json(&format!("inspect {model}")).remove(0)
    }

    /// Starts it without waiting for its end.
    pub(crate) fn start(&self, arguments: &str) -> Running {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running { child, stdout }
    }

    /// The program must refuse these arguments with this exit code, before it has any result, in a message with all of
    /// these words.
    #[track_caller]
    pub(crate) fn refuses(&self, arguments: &str, code: i32, words: &[&str]) {
        self.run(arguments).refused(code, words);
    }
}

/// The exit code and the output of a run.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.stdout, "", "a result before the refusal: {}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in: {}", self.stderr);
        }
    }

    /// Stdout, which must be one JSON object a line.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(parse).collect()
    }
}

impl From<std::process::Output> for Output {
    #[track_caller]
    fn from(output: std::process::Output) -> Self {
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(!stderr.contains("panicked"), "{stderr}");
        Self { code: output.status.code(), stdout, stderr }
    }
}

/// A running program, with `--format json`.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for an event, and skips those before it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            self.stdout.read_line(&mut line).unwrap();
            assert_ne!(line, "", "the run ended before {event:?}");
            let value = parse(&line);
            if value["event"] == event {
                return value;
            }
        }
    }

    /// Waits for its end. Stdout then has what was printed after the last event that was waited for.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Output {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        Output { stdout, ..Output::from(self.child.wait_with_output().unwrap()) }
    }

    /// Closes its stdout and waits for its end.
    #[track_caller]
    pub(crate) fn finish_unread(self) -> Output {
        drop(self.stdout);
        Output::from(self.child.wait_with_output().unwrap())
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[track_caller]
fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
