//! Formats numbers and lists.

use std::time::Duration;

/// The width to which lists are wrapped.
const WIDTH: usize = 80;

/// Formats a number with separators, such as `12,345`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a number of things, such as `1 epoch` or `1,234 epochs`.
pub(crate) fn count(n: u64, what: &str) -> String {
    counted(&thousands(n), what)
}

/// The same for a number that is formatted already, such as `0.5`.
pub(crate) fn counted(number: &str, what: &str) -> String {
    let ending = match (number, what) {
        ("1", _) => "",
        (_, "batch") => "es",
        _ => "s",
    };
    format!("{number} {what}{ending}")
}

/// Formats a time, such as `0.21 s` or `3 min 12 s`.
pub(crate) fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0..60 => format!("{:.2} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Formats whole seconds as on a clock, such as `0:07` or `1:02:03`.
pub(crate) fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Formats a loss in at most six characters, except for those of diverged runs.
pub(crate) fn loss(loss: f64) -> String {
    match loss.abs() {
        ..10.0 => format!("{loss:.4}"),
        10.0..1000.0 => format!("{loss:.2}"),
        _ => format!("{loss:.1e}"),
    }
}

/// Formats a number with three significant digits, such as `0.000672` or `4e-9`, without trailing zeros.
pub(crate) fn rounded(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if !(1e-6..1e6).contains(&number.abs()) {
        let text = format!("{number:.2e}");
        return match text.split_once('e') {
            Some((digits, exponent)) => format!("{}e{exponent}", without_zeros(digits)),
            None => text,
        };
    }
    let digits = (2.0 - number.abs().log10().floor()).max(0.0) as usize;
    without_zeros(&format!("{number:.digits$}"))
}

/// A text of at most this many characters. The end of a longer one is left out.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    match text.chars().count() > longest {
        true => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
        false => text.into(),
    }
}

/// Joins parts with a separator, wrapped to the width of a terminal. All lines except for the first are indented.
pub(crate) fn filled(parts: &[String], separator: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut column = indent;
    for (i, part) in parts.iter().enumerate() {
        let length = part.chars().count() + separator.len();
        if i > 0 {
            text += separator;
            // No separator follows the last part.
            let after = if i + 1 < parts.len() { separator.len() } else { 0 };
            if column + 1 + part.chars().count() + after > WIDTH {
                text += "\n";
                text.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else {
                text.push(' ');
                column += 1;
            }
        }
        text += part;
        column += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits() {
        let grouped = [0u64, 999, 1000, 118_282, 1_000_000].map(thousands);
        assert_eq!(grouped, ["0", "999", "1,000", "118,282", "1,000,000"]);
    }

    #[test]
    fn counts_one_and_many() {
        let counted =
            [count(1, "epoch"), count(0, "batch"), count(1, "batch"), count(2000, "step")];
        assert_eq!(counted, ["1 epoch", "0 batches", "1 batch", "2,000 steps"]);
    }

    #[test]
    fn rounds_to_three_digits() {
        let numbers = [0.0, 1.0, 10.0, 0.5, 0.00067249, 1234.5, 2.0 / 3.0, 4e-9, 0.9999, 1.25e-300];
        let texts = ["0", "1", "10", "0.5", "0.000672", "1234", "0.667", "4e-9", "1", "1.25e-300"];
        assert_eq!(numbers.map(rounded), texts);
    }

    #[test]
    fn seconds_are_those_of_a_clock() {
        assert_eq!([7, 72, 3723].map(clock), ["0:07", "1:12", "1:02:03"]);
    }

    #[test]
    fn losses_have_six_characters() {
        let texts = [0.45678, 9.87654, 12.3456, 987.654, 1e6, 2.5e38].map(loss);
        assert_eq!(texts, ["0.4568", "9.8765", "12.35", "987.65", "1.0e6", "2.5e38"]);
    }

    #[test]
    fn long_texts_are_shortened() {
        assert_eq!(["Größe", "Größen"].map(|text| shortened(text, 5)), ["Größe", "Größ…"]);
    }

    #[test]
    fn lines_are_filled() {
        let parts = |lengths: &[usize]| lengths.iter().map(|&n| "x".repeat(n)).collect::<Vec<_>>();
        let lengths = |lengths: &[usize], indent| {
            let text = filled(&parts(lengths), ";", indent);
            text.lines().map(|line| line.chars().count()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[40, 38], 0), [80]);
        assert_eq!(lengths(&[40, 39], 0), [41, 39]);
        assert_eq!(lengths(&[40, 38, 1], 0), [41, 41]);
        assert_eq!(lengths(&[30, 37, 50], 10), [70, 60]);
        assert_eq!(lengths(&[90, 1], 0), [91, 1]);
    }
}
