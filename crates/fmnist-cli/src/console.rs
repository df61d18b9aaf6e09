//! Where output goes: results to stdout, as text or JSON lines; everything else to stderr.
//!
//! All output goes through this module, which escapes hidden characters in every line.

use std::{io, ops::Deref, process::ExitCode};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{outside::escaped, signal::Stop, stream};

/// A result that a command shows: in JSON its fields, else its `text`.
pub(crate) trait View: Serialize {
    /// The result as text for people.
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

/// The options that every command has.
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
    bar: Bar,
    stop: Stop,
}

impl Console {
    pub(crate) fn new(args: ConsoleArgs) -> Self {
        Self { args, bar: Bar(ProgressBar::hidden()), stop: Stop::default() }
    }

    /// From now on, no longer waits for a reader of the output once a signal asks to stop.
    pub(crate) fn heed(&mut self, stop: Stop) {
        self.stop = stop;
    }

    /// Writes one result, as text or as one line of JSON, at once.
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn show(&self, view: &impl View) -> io::Result<()> {
        match self.args.format {
            Format::Text => self.lines(&view.text()),
            Format::Json => self.lines(&serde_json::to_value(view)?.to_string()),
        }
    }

    /// Whether results are text.
    pub(crate) fn is_text(&self) -> bool {
        self.args.format == Format::Text
    }

    /// Writes lines of text, at once.
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn lines(&self, text: &str) -> io::Result<()> {
        let written = self.bar.suspend(|| {
            #[expect(clippy::disallowed_methods, reason = "the lines are escaped")]
            stream::write(io::stdout(), escaped_lines(text).as_bytes(), &self.stop)
        });
        written.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, format!("cannot write to stdout: {error}")),
        })
    }

    /// Writes a message of one line to stderr. A closed stderr is ignored.
    pub(crate) fn message(&self, line: &str) {
        if !self.args.quiet {
            self.to_stderr(line);
        }
    }

    /// Writes a warning of one line to stderr, even with `--quiet`.
    pub(crate) fn warning(&self, line: &str) {
        self.to_stderr(&format!("warning: {line}"));
    }

    /// Writes an error of one line to stderr.
    pub(crate) fn error(&self, line: &str) {
        self.to_stderr(&format!("error: {line}"));
    }

    /// Writes a line of an error's details to stderr.
    pub(crate) fn detail(&self, line: &str) {
        self.to_stderr(&format!("  {line}"));
    }

    fn to_stderr(&self, line: &str) {
        self.bar.suspend(|| drop(write_stderr(&(escaped(line) + "\n"), &self.stop)));
    }

    /// Starts a progress bar on stderr, shown only on a terminal. `template` is in the syntax of indicatif.
    pub(crate) fn start_bar(&mut self, len: u64, template: &'static str) -> Bar {
        if !self.args.quiet {
            let target = ProgressDrawTarget::stderr_with_hz(10);
            self.bar = Bar(ProgressBar::with_draw_target(Some(len), target));
            let style = ProgressStyle::with_template(template).expect("a constant template");
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.clone()
    }

    /// Removes the progress bar.
    pub(crate) fn finish_bar(&mut self) {
        self.bar.finish_and_clear();
        self.bar = Bar(ProgressBar::hidden());
    }
}

/// A progress bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Sets the text before the bar.
    pub(crate) fn set_prefix(&self, text: &str) {
        #[expect(clippy::disallowed_methods, reason = "the text is escaped")]
        self.0.set_prefix(escaped(text));
    }

    /// Sets the text after the bar.
    pub(crate) fn set_message(&self, text: &str) {
        #[expect(clippy::disallowed_methods, reason = "the text is escaped")]
        self.0.set_message(escaped(text));
    }
}

impl Deref for Bar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.0
    }
}

/// Prints help, the version, or an error in the arguments. The error must quote arguments as `Outside`, since its line
/// breaks are kept.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    // Help has colours, and no text from outside.
    drop(match error.use_stderr() {
        true => write_stderr(&escaped_lines(text.trim_end()), &Stop::default()),
        false => error.print(),
    });
    ExitCode::from(error.exit_code() as u8)
}

fn write_stderr(escaped: &str, stop: &Stop) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the text is escaped")]
    stream::write(io::stderr(), escaped.as_bytes(), stop)
}

/// Escapes each line, and ends it with a line break.
fn escaped_lines(text: &str) -> String {
    text.split('\n').map(|line| escaped(line) + "\n").collect()
}
