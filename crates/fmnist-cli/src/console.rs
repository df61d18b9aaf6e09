//! Where output goes: results to stdout, as text or JSON lines; everything else to stderr.

use std::io::{self, Write};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// The options that every command has.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct ConsoleArgs {
    /// How results are written to stdout
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,

    /// Only results and errors: no progress, no messages
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// Standard output and error, as the options have them.
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
    /// Fails where stdout does, a closed pipe among others.
    pub(crate) fn result(
        &mut self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> serde_json::Value,
    ) -> io::Result<()> {
        let line = match self.args.format {
            Format::Text => text(),
            Format::Json => json().to_string(),
        };
        self.line(&line)
    }

    /// Whether results are text.
    pub(crate) fn is_text(&self) -> bool {
        self.args.format == Format::Text
    }

    /// Writes a line of text, at once.
    ///
    /// Fails where stdout does, a closed pipe among others.
    pub(crate) fn line(&self, line: &str) -> io::Result<()> {
        self.bar.suspend(|| {
            let mut stdout = io::stdout().lock();
            let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
            written.map_err(|error| io::Error::new(error.kind(), format!("stdout: {error}")))
        })
    }

    /// Writes a message for people. That stderr is closed stops nobody.
    pub(crate) fn message(&self, text: &str) {
        if !self.args.quiet {
            self.bar.suspend(|| drop(writeln!(io::stderr().lock(), "{text}")));
        }
    }

    /// Writes what a person must not miss, however quiet.
    pub(crate) fn warning(&self, text: &str) {
        self.bar.suspend(|| drop(writeln!(io::stderr().lock(), "warning: {text}")));
    }

    /// Begins a progress bar on stderr, which shows on terminals only. `template` is indicatif's.
    pub(crate) fn start_bar(&mut self, len: u64, template: &'static str) -> ProgressBar {
        if !self.args.quiet {
            let target = ProgressDrawTarget::stderr_with_hz(10);
            self.bar = ProgressBar::with_draw_target(Some(len), target);
            let style = ProgressStyle::with_template(template).expect("a template of our own");
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.clone()
    }

    /// Takes the progress bar away.
    pub(crate) fn finish_bar(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }
}

/// Writes an error to stderr.
pub(crate) fn error(text: &str) {
    drop(writeln!(io::stderr().lock(), "error: {text}"));
}
