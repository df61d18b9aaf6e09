//! Descriptions of optimizers and schedules, for programs that show them as text or JSON.

/// The description of an optimizer or a decay: its name, its settings, and a phrase that includes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The name in model files.
    pub name: &'static str,
    /// A phrase with the names of settings in braces, such as `times {factor} every {every}`.
    pub phrase: &'static str,
    /// A phrase for the less important settings, such as `, epsilon {epsilon}`.
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
    /// A description whose phrase contains all settings.
    pub(crate) fn new(
        name: &'static str,
        phrase: &'static str,
        settings: Vec<(&'static str, Setting)>,
    ) -> Self {
        Self { name, phrase, details: "", settings }
    }

    /// Formats the phrase, followed by the details if `with_details`. Names in braces are replaced by `write` of the
    /// setting.
    pub fn fill(&self, with_details: bool, write: impl Fn(Setting) -> String) -> String {
        let details = if with_details { self.details } else { "" };
        let text = format!("{}{details}", self.phrase);
        self.settings.iter().fold(text, |text, &(name, setting)| {
            text.replace(&format!("{{{name}}}"), &write(setting))
        })
    }
}
