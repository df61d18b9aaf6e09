//! A description of an optimizer or a schedule, for programs that show it as text or JSON.

/// A kind of optimizer or decay: its name, its settings, and a phrase for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The name in model files.
    pub name: &'static str,
    /// A phrase with the names of settings in braces, such as `times {factor} every {every}`.
    pub phrase: &'static str,
    /// The phrase of the settings that matter less, such as `, epsilon {epsilon}`.
    pub details: &'static str,
    /// Every setting with its name.
    pub settings: Vec<(&'static str, Setting)>,
}

/// The value of one setting, with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    /// A plain number.
    Real(f64),
    /// A switch.
    Flag(bool),
    /// A number of steps.
    Steps(u64),
    /// A number of epochs.
    Epochs(u64),
}

impl Description {
    /// A kind whose phrase has all settings.
    pub(crate) fn new(
        name: &'static str,
        phrase: &'static str,
        settings: Vec<(&'static str, Setting)>,
    ) -> Self {
        Self { name, phrase, details: "", settings }
    }

    /// The phrase, and the details if asked for, with the settings written by `write` in place of their names.
    pub fn fill(&self, with_details: bool, write: impl Fn(Setting) -> String) -> String {
        let details = if with_details { self.details } else { "" };
        let text = format!("{}{details}", self.phrase);
        self.settings.iter().fold(text, |text, &(name, setting)| {
            text.replace(&format!("{{{name}}}"), &write(setting))
        })
    }
}
