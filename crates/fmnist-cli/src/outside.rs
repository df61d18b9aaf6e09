//! Escapes text from outside: paths, names, arguments, environment variables, and text in files or from servers. It must
//! not move the cursor, change how other text is shown, or look like a line that this program prints.

use std::{ffi::OsStr, fmt};

use serde::Serialize;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Text from outside. It is displayed on one line, with hidden characters escaped. In JSON it is unchanged.
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Outside(String);

impl Outside {
    /// Whether it has line breaks or hidden characters, which are escaped when it is displayed.
    pub(crate) fn is_escaped(&self) -> bool {
        self.0.contains(is_hidden)
    }

    /// This text as an argument in a command that a user may copy: in quotes unless it is a plain name or path.
    pub(crate) fn as_argument(&self) -> String {
        let is_plain = |c: char| c.is_alphanumeric() || "_-./:\\".contains(c);
        match !self.0.is_empty() && self.0.chars().all(is_plain) {
            true => self.to_string(),
            false => format!("{self:?}"),
        }
    }
}

impl<T: AsRef<OsStr> + ?Sized> From<&T> for Outside {
    fn from(text: &T) -> Self {
        Self(text.as_ref().to_string_lossy().into_owned())
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escaped(&self.0))
    }
}

/// In quotes.
impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", escaped(&self.0))
    }
}

/// Escapes the hidden characters of a line as JSON does: those that control a terminal, and those that change how other
/// text is shown.
pub(crate) fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\n' => text += "\\n",
            c if is_hidden(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text += &format!("\\u{unit:04x}");
                }
            }
            c => text.push(c),
        }
    }
    text
}

/// Whether a character is a control character, a format character (such as one that changes the direction of writing),
/// or a line separator.
fn is_hidden(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
    matches!(c.general_category(), Control | Format | LineSeparator | ParagraphSeparator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_quoted_unless_it_is_plain() {
        for (text, argument) in [
            ("run/final.model", "run/final.model"),
            ("été.model", "été.model"),
            ("my run.model", "\"my run.model\""),
            ("a;b", "\"a;b\""),
            ("", "\"\""),
            ("two\nlines", r#""two\nlines""#),
        ] {
            assert_eq!(Outside::from(text).as_argument(), argument);
        }
    }

    #[test]
    fn hidden_characters_are_escaped() {
        for (text, expected) in [
            ("\u{1b}[2J\u{7f}\u{9b}31m\u{9d}0;x\u{7}", r"\u001b[2J\u007f\u009b31m\u009d0;x\u0007"),
            ("two\nlines\r\tand a tab", r"two\nlines\u000d\u0009and a tab"),
            (
                "\u{61c}\u{200e}\u{202a}\u{202e}\u{2066}\u{2069}",
                r"\u061c\u200e\u202a\u202e\u2066\u2069",
            ),
            (
                "\u{2028}\u{2029}\u{200b}\u{200d}\u{2060}\u{feff}",
                r"\u2028\u2029\u200b\u200d\u2060\ufeff",
            ),
            ("\u{fff9}\u{e0041}", r"\ufff9\udb40\udc41"),
            ("Größe e\u{301} 鞋 \u{1F457} \\u001b", "Größe e\u{301} 鞋 \u{1F457} \\u001b"),
        ] {
            assert_eq!(escaped(text), expected);
            // Escaped JSON still stands for the same text.
            let json = escaped(&serde_json::json!(text).to_string());
            assert!(!json.contains(is_hidden), "{json:?}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn text_from_outside_is_padded_as_it_is_shown() {
        let name = Outside::from("a\nb");
        assert_eq!(format!("{name:6}|{name:?}|{name}"), "a\\nb  |\"a\\nb\"|a\\nb");
        assert_eq!(serde_json::json!(name), "a\nb");
    }
}
