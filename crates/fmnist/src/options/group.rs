//! Groups of options. Each option is declared once, and is the same on the command line, in TOML files and in JSON.

use serde::Serialize;
use serde_json::{Map, Value};

/// Options by name, without dashes.
pub(super) type Table = Map<String, Value>;

/// A group of options: a struct of `Option`s.
pub(super) trait Group: Serialize {
    /// The options' names, without dashes, and what their values must be.
    fn forms() -> Vec<(String, String)>;

    /// These options, with those of `below` where one is not given.
    fn or(self, below: Self) -> Self;

    /// The options that `other` also has.
    fn only(self, other: &Self) -> Self;
}

/// The options that are given.
pub(super) fn table(options: &impl Serialize) -> Table {
    match serde_json::to_value(options) {
        Ok(Value::Object(table)) => table,
        other => unreachable!("options are a table of numbers, texts and lists, not {other:?}"),
    }
}

/// A value in the form of the command line.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".into(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        other => {
            let text = other.to_string();
            text.strip_suffix(".0").map(Into::into).unwrap_or(text)
        }
    }
}

/// Declares a group of options with its heading. The brackets after an option's type have arguments of clap's `arg`.
macro_rules! options {
    (
        $(#[$doc:meta])*
        pub struct $name:ident [$heading:literal] {
            $($(#[$of_option:meta])* $option:ident: $type:ty [$($arg:tt)*],)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = $heading))]
        #[serde(default, rename_all = "kebab-case")]
        pub struct $name {
            $(
                $(#[$of_option])*
                #[cfg_attr(feature = "clap", arg(long, $($arg)*))]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $option: Option<$type>,
            )*
        }

        impl $crate::options::group::Group for $name {
            fn forms() -> Vec<(String, String)> {
                use $crate::options::form::Form;
                let forms = [$((stringify!($option), <$type as Form>::form())),*];
                forms.map(|(name, form)| (name.replace('_', "-"), form)).into()
            }

            fn or(self, below: Self) -> Self {
                Self { $($option: self.$option.or(below.$option)),* }
            }

            fn only(self, other: &Self) -> Self {
                Self { $($option: self.$option.filter(|_| other.$option.is_some())),* }
            }
        }
    };
}
pub(super) use options;

/// Declares the names of an option's values.
macro_rules! names {
    (
        $(#[$doc:meta])*
        pub enum $name:ident: $value:ty {
            $($(#[$of_name:meta])* $variant:ident = $of_variant:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
        #[serde(rename_all = "kebab-case")]
        #[allow(missing_docs, reason = "the names speak for themselves; help would print a doc comment")]
        pub enum $name {
            $($(#[$of_name])* $variant,)*
        }

        impl $crate::options::form::Form for $name {
            fn form() -> String {
                $crate::options::form::one_of(&[$(Self::$variant),*])
            }
        }

        impl $name {
            /// The value that it names.
            pub fn value(self) -> $value {
                match self {
                    $(Self::$variant => $of_variant,)*
                }
            }

            /// The name of a value, if it has one.
            pub(super) fn of(value: &$value) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|name| name.value() == *value)
            }
        }
    };
}
pub(super) use names;
