//! Options that choose among kinds, such as `--optimizer`, and the other options that each kind has.

use serde::Serialize;

use super::{
    Error,
    group::{Group, plain, table},
};

/// A group of options. One of them chooses a kind, and each kind has some of the others.
pub(super) trait Choice: Group + Clone {
    type Name: Copy + PartialEq + Serialize + 'static;

    /// The option that chooses.
    const OPTION: &str;

    /// All kinds.
    const NAMES: &[Self::Name];

    /// The chosen kind.
    fn chosen(&self) -> Self::Name;

    /// Every option that this kind has, at its default.
    fn defaults(name: Self::Name) -> Self;
}

/// Keeps the options of `below` that the kind chosen in `above` has. If `above` chooses none, keeps all of them.
pub(super) fn kept<G: Choice>(above: &G, below: G) -> G {
    let is_chosen = table(above).contains_key(G::OPTION);
    if is_chosen { below.only(&G::defaults(above.chosen())) } else { below }
}

/// Fails if an option is given that the chosen kind does not have.
pub(super) fn check<G: Choice>(given: &G) -> Result<(), Error> {
    let chosen = given.chosen();
    let own = table(&G::defaults(chosen));
    let Some(option) =
        table(given).into_iter().map(|(name, _)| name).find(|it| !own.contains_key(it))
    else {
        return Ok(());
    };
    let with: Vec<String> = G::NAMES
        .iter()
        .filter(|&&name| table(&G::defaults(name)).contains_key(&option))
        .map(text)
        .collect();
    let names = match with.as_slice() {
        [names @ .., last] if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        names => names.concat(),
    };
    let problem = format!("needs --{} {names}, found {}", G::OPTION, text(&chosen));
    Err(Error::option(&option, problem))
}

/// The name of a kind, as an option's value has it.
fn text(name: &impl Serialize) -> String {
    serde_json::to_value(name).map(|value| plain(&value)).unwrap_or_default()
}
