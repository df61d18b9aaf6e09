//! Where output goes: results to stdout, as text or JSON lines; everything else to stderr.

use std::io::{self, Write};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// What a command shows: as JSON its fields, and as text what `text` makes of them.
pub(crate) trait View: Serialize {
    /// For people.
    fn text(&self) -> String;
}

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Human-readable text
    Text,
    /// One JSON object on each line
    Json,
}

/// The options of every command.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct ConsoleArgs {
    /// Format of the results on stdout
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,

    /// Print only results, warnings and errors
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// Standard output and error.
#[derive(Debug)]
pub(crate) struct Console {
    args: ConsoleArgs,
    bar: ProgressBar,
}

impl Console {
    pub(crate) fn new(args: ConsoleArgs) -> Self {
        Self { args, bar: ProgressBar::hidden() }
    }

    /// Writes one result, as text or as one line of JSON, at once.
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn show(&self, view: &impl View) -> io::Result<()> {
        let line = match self.args.format {
            Format::Text => view.text(),
            Format::Json => serde_json::to_value(view)?.to_string(),
        };
        self.line(&line)
    }

    /// Whether results are text.
    pub(crate) fn is_text(&self) -> bool {
        self.args.format == Format::Text
    }

    /// Writes a line of text, at once.
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn line(&self, line: &str) -> io::Result<()> {
        self.bar.suspend(|| {
            let mut stdout = io::stdout().lock();
            let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
            written.map_err(|error| io::Error::new(error.kind(), format!("stdout: {error}")))
        })
    }

    /// Writes a message to stderr. A closed stderr is ignored.
    pub(crate) fn message(&self, text: &str) {
        if !self.args.quiet {
            self.bar.suspend(|| drop(writeln!(io::stderr().lock(), "{text}")));
        }
    }

    /// Writes a warning to stderr, even with `--quiet`.
    pub(crate) fn warning(&self, text: &str) {
        // In one piece, among the output of other programs.
        let line = format!("warning: {text}\n");
        self.bar.suspend(|| drop(io::stderr().lock().write_all(line.as_bytes())));
    }

    /// Starts a progress bar on stderr, which only terminals show. `template` is indicatif's.
    pub(crate) fn start_bar(&mut self, len: u64, template: &'static str) -> ProgressBar {
        if !self.args.quiet {
            let target = ProgressDrawTarget::stderr_with_hz(10);
            self.bar = ProgressBar::with_draw_target(Some(len), target);
            let style = ProgressStyle::with_template(template).expect("a constant template");
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.clone()
    }

    /// Removes the progress bar.
    pub(crate) fn finish_bar(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }
}

/// Writes an error to stderr.
pub(crate) fn error(text: &str) {
    drop(writeln!(io::stderr().lock(), "error: {text}"));
}
