//! Prints errors and maps them to exit codes.

use std::{fmt, io, process::ExitCode};

use crate::{console::Console, signal::Signal};

/// Each code with its meaning, for `--help`.
pub(crate) const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "Success, or the reader of the output closed the pipe"),
    ("2", "Wrong usage: an option or a value that is not possible"),
    ("3", "Bad model, data or picture; or `verify` found other bits"),
    ("4", "Input/output error"),
    ("5", "Training diverged; the last good file is kept"),
    ("6", "Another run is saving to the same file"),
    ("130, 143, 129", "Stopped by SIGINT, SIGTERM, SIGHUP, after saving"),
];

const USAGE: u8 = 2;
pub(crate) const BAD_DATA: u8 = 3;
const IO: u8 = 4;
const DIVERGED: u8 = 5;
const LOCKED: u8 = 6;

/// The command line asks for something that cannot be done.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    /// A usage error with this message.
    pub(crate) fn error(message: impl fmt::Display) -> anyhow::Error {
        anyhow::Error::new(Self(message.to_string()))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A file or directory that cannot be used, for several reasons.
#[derive(Debug)]
pub(crate) struct Reasons {
    pub(crate) message: String,
    /// Printed after the message, one on each line.
    pub(crate) reasons: Vec<nn_io::Error>,
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Reasons {}

/// Prints the error and returns its exit code. A closed pipe is no error.
pub(crate) fn report(error: &anyhow::Error, console: &Console) -> ExitCode {
    let is_closed_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref::<io::Error>().is_some_and(is_closed_pipe) {
        return ExitCode::SUCCESS;
    }
    console.error(&message(error));
    if let Some(Reasons { reasons, .. }) = error.downcast_ref() {
        reasons.iter().for_each(|reason| console.detail(&reason.to_string()));
    }
    let signal = error.downcast_ref().and_then(io::Error::get_ref);
    match signal.and_then(|error| error.downcast_ref::<Signal>()) {
        Some(signal) => signal.exit_code(),
        None => ExitCode::from(code(error)),
    }
}

/// The error and its causes, except those that its message already has.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

/// The exit code of an error.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() {
        USAGE
    } else if let Some(error) = error.downcast_ref() {
        model_code(error)
    } else if let Some(error) = error.downcast_ref() {
        data_code(error)
    } else if let Some(error) = error.downcast_ref() {
        run_code(error)
    } else if let Some(error) = error.downcast_ref() {
        option_code(error)
    } else if let Some(error) = error.downcast_ref::<fmnist::Error>() {
        match error {
            fmnist::Error::Model(error) => model_code(error),
            fmnist::Error::Data(error) => data_code(error),
            fmnist::Error::Training(error) => run_code(error),
            _ => BAD_DATA,
        }
    } else if error.is::<io::Error>() {
        IO
    } else {
        BAD_DATA
    }
}

fn model_code(error: &nn_io::Error) -> u8 {
    match error.kind() {
        nn_io::ErrorKind::Locked => LOCKED,
        nn_io::ErrorKind::Io | nn_io::ErrorKind::WouldOverwrite => IO,
        _ => BAD_DATA,
    }
}

fn run_code(error: &nn_train::Error) -> u8 {
    match error {
        nn_train::Error::Diverged { .. } => DIVERGED,
        nn_train::Error::Threads { .. } => IO,
        _ => BAD_DATA,
    }
}

fn option_code(error: &fmnist::options::Error) -> u8 {
    match error {
        fmnist::options::Error::Io { .. } => IO,
        fmnist::options::Error::Dataset(_) => BAD_DATA,
        fmnist::options::Error::Run(error) => run_code(error),
        _ => USAGE,
    }
}

fn data_code(error: &fmnist_data::Error) -> u8 {
    match error {
        fmnist_data::Error::Io { .. }
        | fmnist_data::Error::Download { .. }
        | fmnist_data::Error::NoDirectory => IO,
        _ => BAD_DATA,
    }
}
