//! The kinds that an option such as `--optimizer` chooses from, and the other options that each kind has.

use std::fmt::Display;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;

use super::option::by_option;
use crate::exit::Usage;

/// The kinds that an option chooses from. Options are without their dashes.
pub(super) struct Kinds<R: 'static> {
    pub(super) option: &'static str,
    pub(super) kinds: &'static [Kind<R>],
}

/// One kind.
pub(super) struct Kind<R> {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// Those of its options that other kinds do not have.
    pub(super) options: &'static [&'static str],
    /// How options and the library's settings are made of each other.
    pub(super) rules: R,
}

impl<R> Kinds<R> {
    /// The kind of this name, which the libraries spell with `_`.
    pub(super) fn get(&self, name: &str) -> Option<&'static Kind<R>> {
        let name = name.replace('_', "-");
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The kind that the option chooses.
    pub(super) fn chosen(&self, name: &str) -> anyhow::Result<&'static Kind<R>> {
        self.get(name).with_context(|| format!("--{}: there is no {name}", self.option))
    }

    /// The names, as values of the option.
    pub(super) fn values(&self) -> PossibleValuesParser {
        self.kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().into()
    }

    /// Whether an option goes with the chosen kind; options that no kind claims go with all.
    pub(super) fn allows(&self, option: &str, chosen: &str) -> bool {
        let mut with = self.with(option).peekable();
        with.peek().is_none() || with.any(|name| name == chosen)
    }

    /// Fails if an option is given that the chosen kind does not have.
    pub(super) fn check<'a>(
        &self,
        chosen: &str,
        given: impl IntoIterator<Item = &'a String>,
    ) -> anyhow::Result<()> {
        let Some(option) = given.into_iter().find(|option| !self.allows(option, chosen)) else {
            return Ok(());
        };
        let (names, have) = match self.with(option).collect::<Vec<_>>().as_slice() {
            [names @ .., last] if !names.is_empty() => {
                (format!("{} or {last}", names.join(", ")), "have")
            }
            names => (names.concat(), "has"),
        };
        Err(Usage::error(format!(
            "--{option}: expected --{} {names}, which alone {have} it, found {chosen}",
            self.option
        )))
    }

    /// The names of the kinds with this option.
    fn with(&self, option: &str) -> impl Iterator<Item = &'static str> {
        let kinds = self.kinds.iter().filter(move |kind| kind.options.contains(&option));
        kinds.map(|kind| kind.name)
    }
}

impl<R> Kind<R> {
    /// The library's error about a setting, with the name of its option: `factor` is `--decay-factor`, and `min_delta`
    /// is `--min-delta`.
    pub(super) fn by_option(&self, error: impl Display) -> anyhow::Error {
        let message = error.to_string();
        let named = message.split_once(':').and_then(|(setting, rest)| {
            let setting = setting.replace('_', "-");
            let option = self.options.iter().find(|option| {
                let words = |rest: Option<&str>, is_apart: fn(&str) -> bool| {
                    rest.is_some_and(|rest| rest.is_empty() || is_apart(rest))
                };
                words(option.strip_prefix(&setting), |rest| rest.starts_with('-'))
                    || words(option.strip_suffix(&setting), |rest| rest.ends_with('-'))
            })?;
            Some(format!("--{option}:{rest}"))
        });
        match named {
            Some(message) => Usage::error(message),
            None => by_option(message),
        }
    }
}
