//! Where output goes: results to stdout, as text or JSON lines; everything else to stderr.
//!
//! All output goes through this module, which escapes hidden characters in every line.

use std::{io, ops::Deref, process::ExitCode};

use anstream::{AutoStream, ColorChoice};
use clap::{
    ValueEnum,
    builder::styling::{AnsiColor, Style, Styles},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{outside::escaped, signal::Stop, stream};

/// A result that a command prints: its fields as JSON, or its `text`.
pub(crate) trait View: Serialize {
    /// The result as text for people.
    fn text(&self) -> String;

    /// The fields of the result as a line of CSV, if it has them.
    fn csv(&self) -> Vec<String> {
        Vec::new()
    }

    /// The line of the text that is the header of a table, if it has one.
    fn head(&self) -> Option<String> {
        None
    }
}

/// The help heading of the options about output.
pub(crate) const OUTPUT: &str = "Output";

/// The styles of clap's messages and headings. They are added to text that is already escaped.
const CLAP: Styles = Styles::styled();
const ERROR: Style = *CLAP.get_error();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HEAD: Style = *CLAP.get_header();

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Human-readable text
    Text,
    /// One JSON object on each line
    Json,
    /// With predict and evaluate: a table
    Csv,
}

/// The options that every command has.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct ConsoleArgs {
    /// Format of the results
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    #[arg(help_heading = OUTPUT, display_order = 998)]
    format: Format,

    /// Print only results, warnings and errors
    #[arg(long, short, global = true, help_heading = OUTPUT, display_order = 999)]
    quiet: bool,
}

/// Whether stdout and stderr get styles: terminals do unless `NO_COLOR` is set, other outputs only with
/// `CLICOLOR_FORCE`.
#[derive(Clone, Copy, Debug)]
struct HasStyles {
    stdout: bool,
    stderr: bool,
}

impl HasStyles {
    #[expect(clippy::disallowed_methods, reason = "nothing is printed")]
    fn here() -> Self {
        Self {
            stdout: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            stderr: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
        }
    }
}

/// Prints to stdout and stderr.
#[derive(Debug)]
pub(crate) struct Console {
    args: ConsoleArgs,
    has_styles: HasStyles,
    bar: Bar,
    stop: Stop,
}

impl Console {
    pub(crate) fn new(args: ConsoleArgs) -> Self {
        let has_styles = HasStyles::here();
        Self { args, has_styles, bar: Bar(ProgressBar::hidden()), stop: Stop::default() }
    }

    /// Makes later writes give up waiting for a reader of the output once a signal asks to stop.
    pub(crate) fn heed(&mut self, stop: Stop) {
        self.stop = stop;
    }

    /// Writes one result immediately, as text or as one line of JSON.
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn show(&self, view: &impl View) -> io::Result<()> {
        match self.args.format {
            Format::Text => self.write(&view.text(), view.head().as_deref()),
            Format::Json => self.lines(&serde_json::to_value(view)?.to_string()),
            Format::Csv => self.csv(&view.csv()),
        }
    }

    /// The format of the results.
    pub(crate) fn format(&self) -> Format {
        self.args.format
    }

    /// Whether results are text.
    pub(crate) fn is_text(&self) -> bool {
        self.args.format == Format::Text
    }

    /// Whether results are text on a terminal.
    #[expect(clippy::disallowed_methods, reason = "nothing is printed")]
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_text() && io::IsTerminal::is_terminal(&io::stdout())
    }

    /// Whether results may have colours.
    pub(crate) fn has_styles(&self) -> bool {
        self.has_styles.stdout
    }

    /// Writes a line of CSV (RFC 4180).
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn csv(&self, fields: &[impl AsRef<str>]) -> io::Result<()> {
        let field = |field: &str| match field.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field.into(),
        };
        let fields: Vec<String> = fields.iter().map(|it| field(it.as_ref())).collect();
        self.lines(&fields.join(","))
    }

    /// Writes lines of text immediately.
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn lines(&self, text: &str) -> io::Result<()> {
        self.write(text, None)
    }

    /// Writes a script or a drawing without escaping it. It must not contain text from outside.
    ///
    /// Fails if stdout fails, for instance because the pipe is closed.
    pub(crate) fn unescaped(&self, text: &[u8]) -> io::Result<()> {
        self.to_stdout(text)
    }

    /// Writes lines of text. A line that equals `head` is styled as the header of a table.
    fn write(&self, text: &str, head: Option<&str>) -> io::Result<()> {
        let line = |line: &str| match head == Some(line) {
            true => styled(HEAD, &escaped(line), self.has_styles.stdout),
            false => escaped(line),
        };
        let lines: String = text.split('\n').map(|it| line(it) + "\n").collect();
        self.to_stdout(lines.as_bytes())
    }

    fn to_stdout(&self, escaped: &[u8]) -> io::Result<()> {
        let written = self.bar.suspend(|| {
            #[expect(clippy::disallowed_methods, reason = "the text is escaped")]
            stream::write(io::stdout(), escaped, &self.stop)
        });
        written.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, format!("cannot write to stdout: {error}")),
        })
    }

    /// Writes a one-line message to stderr. A closed stderr is ignored.
    pub(crate) fn message(&self, line: &str) {
        if !self.args.quiet {
            self.to_stderr(&escaped(line));
        }
    }

    /// Writes a one-line warning to stderr, even with `--quiet`.
    pub(crate) fn warning(&self, line: &str) {
        self.labelled(WARNING, "warning:", line);
    }

    /// Writes a one-line error to stderr.
    pub(crate) fn error(&self, line: &str) {
        self.labelled(ERROR, "error:", line);
    }

    /// Writes one line of an error's details to stderr.
    pub(crate) fn detail(&self, line: &str) {
        self.to_stderr(&format!("  {}", escaped(line)));
    }

    fn labelled(&self, style: Style, label: &str, line: &str) {
        let label = styled(style, label, self.has_styles.stderr);
        self.to_stderr(&format!("{label} {}", escaped(line)));
    }

    fn to_stderr(&self, escaped: &str) {
        self.bar.suspend(|| drop(write_stderr(&format!("{escaped}\n"), &self.stop)));
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

/// Prints help, the version, or an error in the arguments. The error must quote arguments as `Outside`, since this keeps
/// its line breaks and styles.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let (text, stop) = (error.render(), Stop::default());
    let text = |has_styles| match has_styles {
        true => text.ansi().to_string(),
        false => escaped_lines(&text.to_string()),
    };
    let has_styles = HasStyles::here();
    #[expect(clippy::disallowed_methods, reason = "the text is escaped")]
    drop(match error.use_stderr() {
        true => write_stderr(&text(has_styles.stderr), &stop),
        false => stream::write(io::stdout(), text(has_styles.stdout).as_bytes(), &stop),
    });
    ExitCode::from(error.exit_code() as u8)
}

fn write_stderr(escaped: &str, stop: &Stop) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the text is escaped")]
    stream::write(io::stderr(), escaped.as_bytes(), stop)
}

fn styled(style: Style, escaped: &str, has_styles: bool) -> String {
    match has_styles {
        true => format!("{style}{escaped}{style:#}"),
        false => escaped.into(),
    }
}

/// Escapes each line.
fn escaped_lines(text: &str) -> String {
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}
