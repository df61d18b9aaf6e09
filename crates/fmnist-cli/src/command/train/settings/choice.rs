//! Options that belong to what another option chooses, as a momentum to one optimizer.

use crate::exit::Usage;

/// An option that chooses, and others that only some of what it chooses has. Options are without their dashes.
pub(super) struct Choice {
    pub(super) option: &'static str,
    pub(super) belonging: &'static [(&'static str, &'static [&'static str])],
}

impl Choice {
    /// Whether what is chosen has the option.
    pub(super) fn allows(&self, option: &str, chosen: &str) -> bool {
        let found = self.belonging.iter().find(|(name, _)| *name == option);
        found.is_none_or(|(_, of)| of.contains(&chosen))
    }

    /// The error where an option is given that what is chosen has not.
    pub(super) fn check<'a>(
        &self,
        chosen: &str,
        given: impl IntoIterator<Item = &'a String>,
    ) -> anyhow::Result<()> {
        let Some(option) = given.into_iter().find(|option| !self.allows(option, chosen)) else {
            return Ok(());
        };
        let of = self.belonging.iter().find(|(name, _)| name == option).map_or(&[][..], |it| it.1);
        let (names, have) = match of {
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
}
