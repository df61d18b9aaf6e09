//! SIGINT and SIGTERM: the first asks a run to save and stop, the second ends it at once.

use std::{
    io,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Whether a signal has come, and which.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Takes the signals over from now on.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM] {
            let again = Arc::new(AtomicBool::new(false));
            // In this order: at the first signal the flag is not yet set.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))?;
            flag::register(signal, again)?;
            flag::register_usize(signal, Arc::clone(&stop.0), signal as usize)?;
        }
        Ok(stop)
    }

    /// The signal that came, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            number => Some(Signal(number)),
        }
    }
}

/// A signal that asks to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal(usize);

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        if self.0 == SIGINT as usize { "SIGINT" } else { "SIGTERM" }
    }

    /// 128 and the signal's number, as shells have it: 130 or 143.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(128 + self.0 as u8)
    }
}
