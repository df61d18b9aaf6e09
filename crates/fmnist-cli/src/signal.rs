//! SIGINT, SIGTERM and SIGHUP: the first asks a run to save and stop, the second ends it at once.

use std::{
    fmt, io,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGXFSZ};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// The signals that ask a run to stop, and their names.
const STOP: &[(i32, &str)] = &[
    (SIGINT, "SIGINT"),
    (SIGTERM, "SIGTERM"),
    #[cfg(unix)]
    (SIGHUP, "SIGHUP"),
];

/// Ignores SIGXFSZ, so that exceeding the file-size limit is an error instead of a crash.
pub(crate) fn survive_file_limits() -> io::Result<()> {
    #[cfg(unix)]
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// A request to stop: the signal that arrived, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Handles the signals from now on.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        for &(signal, _) in STOP.iter().filter(|&&(signal, _)| !is_ignored(signal)) {
            let again = Arc::new(AtomicBool::new(false));
            // The order matters: at the first signal the flag is not yet set.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))?;
            flag::register(signal, again)?;
            flag::register_usize(signal, Arc::clone(&stop.0), signal as usize)?;
        }
        Ok(stop)
    }

    /// The signal that arrived, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            number => Some(Signal(number)),
        }
    }
}

/// Whether the program was started with this signal ignored, as `nohup` does. Only Linux reports it.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// A signal that asks to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal(usize);

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        let named = STOP.iter().find(|&&(signal, _)| signal as usize == self.0);
        named.map_or("a signal", |&(_, name)| name)
    }

    /// 128 plus the signal's number, as in shells: 130, 143 or 129.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(128 + self.0 as u8)
    }
}

/// The reason why output was dropped.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped by {}: nobody reads the output", self.name())
    }
}

impl std::error::Error for Signal {}
