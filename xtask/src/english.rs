//! Finds phrases that must not come back, from the dialect in which these texts were once written, and says what to write
//! instead.
//!
//! The list has only phrases that plain English never needs, so every finding is a mistake. Anything else takes a human
//! reader.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};

use crate::cargo;

/// A phrase in lower case, and what to write instead.
const PHRASES: &[(&str, &str)] = &[
    ("is told of", "is reported"),
    ("are told of", "are reported"),
    ("was told of", "was reported"),
    ("tells apart", "distinguishes"),
    ("told apart", "reported separately"),
    ("of one's own", "custom"),
    ("of yours", "your own"),
    ("goes before", "overrides"),
    ("the very bits", "bit-for-bit identical to an uninterrupted run"),
    ("has the clock", "makes the clock"),
    ("carry on", "resume"),
    ("carried on", "resumed"),
    ("carries on", "resumes"),
    ("whoever", "callers that, users who"),
    ("is one with", "is fused with"),
    ("made small", "the loss"),
    ("taken for what", "the confusion matrix"),
    ("a great deal of", "much, many"),
    ("for ever", "forever, or without end"),
    ("anew", "again, from scratch"),
    ("weigh on", "slow down"),
    ("brings it", "downloads it, installs it"),
    ("memory is taken", "memory is allocated"),
];

/// The extensions of files that people read.
const KINDS: [&str; 5] = ["md", "py", "rs", "toml", "sh"];

pub(crate) fn check() -> anyhow::Result<()> {
    let mut findings = Vec::new();
    for name in cargo::files()?.iter().filter(|name| is_read(name)) {
        let text = fs::read_to_string(cargo::root().join(name)).with_context(|| name.clone())?;
        findings.extend(find(&text).into_iter().map(|finding| format!("{name}:{finding}")));
    }
    ensure!(findings.is_empty(), "{} findings\n{}", findings.len(), findings.join("\n"));
    Ok(())
}

/// Whether people read a file. This one is an exception, since it quotes the phrases.
fn is_read(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    name != "xtask/src/english.rs" && extension.is_some_and(|it| KINDS.contains(&it))
}

/// The phrases in a text, each with its line and advice. A phrase may continue on the next line of a comment.
fn find(text: &str) -> Vec<String> {
    let lines = (1..).zip(text.lines());
    let words: Vec<(u32, String)> = lines
        .flat_map(|(line, text)| text.split_whitespace().map(move |word| (line, bare(word))))
        .filter(|(_, word)| !word.is_empty())
        .collect();
    let mut findings = Vec::new();
    for (phrase, advice) in PHRASES {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        for place in words.windows(phrase.len()) {
            if place.iter().map(|(_, word)| word).eq(&phrase) {
                findings.push(format!("{}: {:?}; better: {advice}", place[0].0, phrase.join(" ")));
            }
        }
    }
    findings
}

/// A word in lower case, without the punctuation and comment marks around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_across_lines_and_as_whole_words() {
        let text =
            "/// An epoch is (told\n/// of) here, and carry one.\n// \"Whoever\" is told off.\n";
        let expected = [
            "1: \"is told of\"; better: is reported",
            "3: \"whoever\"; better: callers that, users who",
        ];
        assert_eq!(find(text), expected);
    }
}
