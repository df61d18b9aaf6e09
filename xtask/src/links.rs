//! Checks the links in the documents: each must lead to a file of the repository and, after a `#`, to one of its headings.
//!
//! Addresses on the web are not looked up, since CI has no network, except those of our own files on docs.rs, which the
//! READMEs of published crates use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::{fs, ops::Range};

use anyhow::ensure;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::cargo;

/// The parts of an address on docs.rs before and after a crate's name. A path in the newest version of the crate follows.
const SOURCES: (&str, &str) = ("https://docs.rs/crate/", "/latest/source/");

/// What a document links to, and the anchors that others can link to.
#[derive(Default)]
struct Document {
    /// Each link with its line.
    links: Vec<(usize, String)>,
    anchors: BTreeSet<String>,
}

pub(crate) fn check() -> anyhow::Result<()> {
    let mut documents = BTreeMap::new();
    for path in paths()? {
        let text = fs::read_to_string(cargo::root().join(&path))?;
        documents.insert(path, Document::new(&text));
    }
    let mut findings = Vec::new();
    for (path, document) in &documents {
        for (line, link) in &document.links {
            if let Some(what) = problem(path, link, &documents) {
                findings.push(format!("{}:{line}: {link}: {what}", path.display()));
            }
        }
    }
    ensure!(findings.is_empty(), "{} broken links\n{}", findings.len(), findings.join("\n"));
    Ok(())
}

/// The documents among the [`cargo::files`].
pub(crate) fn paths() -> anyhow::Result<BTreeSet<PathBuf>> {
    let files = cargo::files()?.into_iter();
    Ok(files.filter(|file| file.ends_with(".md")).map(PathBuf::from).collect())
}

/// Parses a document. Each part comes with its place in the text.
pub(crate) fn parse(text: &str) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
    Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter()
}

/// The line of a place in a text, counted from 1.
pub(crate) fn line(text: &str, place: usize) -> usize {
    1 + text[..place].matches('\n').count()
}

impl Document {
    fn new(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading = None;
        for (event, Range { start, .. }) in parse(text) {
            let line = line(text, start);
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    document.add_anchor(&heading.take().unwrap_or_default());
                }
                Event::Text(text) | Event::Code(text) => {
                    heading.iter_mut().for_each(|it| it.push_str(&text));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push((line, dest_url.into_string()));
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    for attribute in ["href=\"", "src=\"", "srcset=\""] {
                        for value in html.split(attribute).skip(1) {
                            let value = value.split('"').next().unwrap_or_default();
                            document.links.push((line, value.into()));
                        }
                    }
                }
                _ => {}
            }
        }
        document
    }

    /// Adds the anchor that GitHub makes from a heading.
    fn add_anchor(&mut self, heading: &str) {
        let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
        let name: String = heading.to_lowercase().chars().filter(kept).collect();
        let name = name.replace(' ', "-");
        let numbered = (1..).map(|i| format!("{name}-{i}"));
        let free = [name.clone()].into_iter().chain(numbered).find(|it| !self.anchors.contains(it));
        self.anchors.extend(free);
    }
}

/// What is wrong with a document's link; `None` if it is good.
fn problem(from: &Path, link: &str, documents: &BTreeMap<PathBuf, Document>) -> Option<String> {
    let (target, anchor) = link.split_once('#').map_or((link, None), |(it, name)| (it, Some(name)));
    let ours = target.strip_prefix(SOURCES.0).and_then(|rest| rest.split_once(SOURCES.1));
    let path = match ours {
        Some((name, file)) => Path::new("crates").join(name).join(file),
        None if target.contains("://") || target.starts_with("mailto:") => return None,
        None if target.is_empty() => from.into(),
        None => normal(&from.parent()?.join(target)),
    };
    if !cargo::root().join(&path).exists() {
        return Some("no such file".into());
    }
    let anchor = anchor?;
    let known = documents.get(&path).is_some_and(|document| document.anchors.contains(anchor));
    (!known).then(|| format!("no heading `{anchor}` in {}", path.display()))
}

/// A path without `..`, as in the list of documents.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(link: &str, expected: Option<&str>) {
        let text =
            format!("# The `first` one, isn't it?\n\n## Twice\n\n## Twice\n\n[it]({link})\n");
        let path = PathBuf::from("docs/book.md");
        let documents = BTreeMap::from([(path.clone(), Document::new(&text))]);
        let [(line, link)] = &*documents[&path].links else { panic!("one link: {text}") };
        assert_eq!(*line, 7);
        assert_eq!(problem(&path, link, &documents).as_deref(), expected);
    }

    #[test]
    fn links_lead_to_files_and_headings() {
        check("../README.md", None);
        check("../crates", None);
        check("../absent.md", Some("no such file"));
        check("#the-first-one-isnt-it", None);
        check("#twice-1", None);
        check("#twice-2", Some("no heading `twice-2` in docs/book.md"));
        check("../Cargo.toml#x", Some("no heading `x` in Cargo.toml"));
        check("https://example.com/absent#x", None);
        check("https://docs.rs/crate/nn-io/latest/source/FORMAT.md", None);
        check("https://docs.rs/crate/nn-io/latest/source/ABSENT.md", Some("no such file"));
    }

    #[test]
    fn links_in_html_count() {
        let text = "<picture><source srcset=\"a.svg\"><img src=\"b.svg\"></picture>\n";
        let links = Document::new(text).links.into_iter().map(|(_, link)| link);
        assert_eq!(links.collect::<BTreeSet<_>>(), ["a.svg", "b.svg"].map(String::from).into());
    }
}
