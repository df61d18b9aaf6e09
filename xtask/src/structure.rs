//! Checks the source files of each crate: none is too long, and modules have no import cycles.
//!
//! The check reads text, not syntax trees, and relies on rustfmt's layout. A module is a file. It depends on its own
//! submodules and on the modules that its `crate::`, `super::` and `self::` paths lead to, following `use` declarations on
//! the way. A submodule does not depend on the modules that contain it: it is a part of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::{fs, iter, path::Path};

use anyhow::{Context as _, ensure};

use crate::cargo;

/// The most lines of a source file, without its tests.
const MAX_LINES: usize = 400;

/// The names of a path. The path of a module begins at the crate's root, which is empty.
type Names = Vec<String>;

/// A module's lines without tests, and the paths in them. A path begins at the crate's root, and has the name that a `use`
/// binds to it.
#[derive(Default)]
struct Source {
    lines: Vec<String>,
    paths: Vec<(Names, Option<String>)>,
}

type Sources = BTreeMap<Names, Source>;

pub(crate) fn check() -> anyhow::Result<()> {
    let mut findings = Vec::new();
    let crates = fs::read_dir(cargo::root().join("crates"))?.map(|entry| Ok(entry?.path()));
    for dir in
        crates.chain([Ok(cargo::root().join("xtask"))]).collect::<anyhow::Result<Vec<_>>>()?
    {
        let name = dir.file_name().context("a crate has a name")?.to_string_lossy();
        for root in ["src/lib.rs", "src/main.rs"].map(|root| dir.join(root)) {
            let mut sources = Sources::new();
            if root.is_file() {
                read(&root, &dir.join("src"), Names::new(), &mut sources)?;
            }
            find_paths(&mut sources);
            for (module, Source { lines, .. }) in &sources {
                let in_kernels = module.len() > 1 && module.iter().any(|name| name == "kernels");
                if lines.len() > MAX_LINES && !in_kernels {
                    let (module, n) = (module.join("::"), lines.len());
                    findings.push(format!(
                        "{name}: {module} has {n} lines without tests; expected at most {MAX_LINES}"
                    ));
                }
            }
            findings.extend(cycles(&sources).iter().map(|cycle| format!("{name}: {cycle}")));
        }
    }
    findings.sort();
    ensure!(findings.is_empty(), "{} findings\n{}", findings.len(), findings.join("\n"));
    Ok(())
}

/// Reads a module and its submodules, which lie in `dir`.
fn read(file: &Path, dir: &Path, module: Names, sources: &mut Sources) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines = without_tests(&text);
    for (i, line) in lines.iter().enumerate() {
        // The file of a module with a `path` belongs to another crate.
        let is_foreign = i > 0 && lines[i - 1].trim_start().starts_with("#[path");
        let words: Vec<&str> = line.trim().trim_end_matches(';').split(' ').collect();
        let is_module = line.ends_with(';') && !is_foreign;
        let ([.., "mod", name], true) = (words.as_slice(), is_module) else { continue };
        let inner = dir.join(name);
        let outer = inner.with_extension("rs");
        let file = if outer.is_file() { outer } else { inner.join("mod.rs") };
        let child = module.iter().cloned().chain([(*name).into()]).collect();
        read(&file, &inner, child, sources)?;
    }
    sources.insert(module, Source { lines, paths: Vec::new() });
    Ok(())
}

/// The lines outside items under `#[cfg(test)]`. An item ends at a closing brace with its indentation.
fn without_tests(text: &str) -> Names {
    let (mut kept, mut lines) = (Names::new(), text.lines());
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push(line.into());
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let mut item = lines.by_ref().skip_while(|line| line.trim_start().starts_with("#["));
        if item.next().is_some_and(|first| !first.ends_with([';', '}', ','])) {
            item.find(|line| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with('}')));
        }
    }
    kept
}

/// Fills in the paths of every module.
fn find_paths(sources: &mut Sources) {
    let modules: BTreeSet<Names> = sources.keys().cloned().collect();
    for (module, source) in sources {
        let code = source.lines.iter().map(|line| line.split("//").next().unwrap_or_default());
        let tokens = tokens(&code.collect::<Vec<_>>().join("\n"));
        let is = |i: usize, token: &str| tokens.get(i).is_some_and(|found| found == token);
        let mut i = 0;
        while i < tokens.len() {
            let is_use = is(i, "use");
            let is_path =
                ["crate", "super", "self"].iter().any(|start| is(i, start)) && is(i + 1, "::");
            let mut found = Vec::new();
            i = match is_use || is_path {
                true => tree(&tokens, i + usize::from(is_use), &[], &mut found),
                false => i + 1,
            };
            for (path, name) in found {
                let path = from_root(module, &path, &modules);
                source.paths.extend(path.map(|path| (path, is_use.then_some(name))));
            }
        }
    }
}

/// Splits code into words, `::`, and single other characters, without blanks.
fn tokens(code: &str) -> Names {
    let mut tokens = Names::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        let len = if rest.starts_with("::") { 2 } else { word.max(first.len_utf8()) };
        tokens.push(rest[..len].into());
        rest = rest[len..].trim_start();
    }
    tokens
}

/// Adds the paths of a tree such as `a::{b, c as d}`, with the names that they bind. Returns where the tree ends.
fn tree(
    tokens: &[String],
    start: usize,
    prefix: &[String],
    found: &mut Vec<(Names, String)>,
) -> usize {
    let token = |i: usize| tokens.get(i).map(String::as_str);
    let (mut i, mut path) = (start, prefix.to_vec());
    loop {
        if token(i) == Some("{") {
            i += 1;
            while token(i).is_some_and(|token| token != "}") {
                i = tree(tokens, i, &path, found).max(i + 1);
                i += usize::from(token(i) == Some(","));
            }
            return i + 1;
        }
        path.extend(token(i).map(String::from));
        i += 1;
        if token(i) != Some("::") {
            break;
        }
        i += 1;
    }
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let renamed = (token(i) == Some("as")).then(|| token(i + 1)).flatten();
    let name = renamed.map(String::from).or(path.last().cloned()).unwrap_or_default();
    found.push((path, name));
    i + if renamed.is_some() { 2 } else { 0 }
}

/// Makes a path in a module begin at the crate's root; `None` if it leads out of the crate.
fn from_root(module: &[String], path: &[String], modules: &BTreeSet<Names>) -> Option<Names> {
    let n_super = path.iter().take_while(|name| *name == "super").count();
    let (base, rest) = match path.first()?.as_str() {
        "crate" => (&module[..0], &path[1..]),
        "self" => (module, &path[1..]),
        "super" => (&module[..module.len().checked_sub(n_super)?], &path[n_super..]),
        _ => (module, path),
    };
    let is_of_crate = rest.len() < path.len() || modules.contains(&[module, &path[..1]].concat());
    is_of_crate.then(|| [base, rest].concat())
}

/// The module that defines what a path names, following `use` declarations on the way.
fn definer<'a>(path: &[String], sources: &'a Sources, depth: usize) -> Option<&'a Names> {
    let n = (0..=path.len()).rev().find(|&n| sources.contains_key(&path[..n]))?;
    let (module, source) = sources.get_key_value(&path[..n])?;
    let Some(name) = path.get(n).filter(|_| depth < 8) else { return Some(module) };
    let mut uses = source.paths.iter().filter(|(_, bound)| bound.as_ref() == Some(name));
    match uses.next() {
        Some((used, _)) => definer(&[used, &path[n + 1..]].concat(), sources, depth + 1),
        None => Some(module),
    }
}

/// One cycle for each module that is in a cycle, unless it is in one that was found before.
fn cycles(sources: &Sources) -> Names {
    let edges = |module: &Names| -> BTreeSet<&Names> {
        let used = sources[module].paths.iter().filter_map(|(path, _)| definer(path, sources, 0));
        let children =
            sources.keys().filter(|child| child.split_last().is_some_and(|(_, of)| of == module));
        used.filter(|used| !module.starts_with(used)).chain(children).collect()
    };
    let edges: BTreeMap<&Names, BTreeSet<&Names>> =
        sources.keys().map(|module| (module, edges(module))).collect();
    let (mut seen, mut cycles) = (BTreeSet::new(), Names::new());
    for start in sources.keys().filter(|module| !module.is_empty()) {
        let mut reached: BTreeMap<&Names, &Names> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(module) = queue.pop_front().filter(|_| !reached.contains_key(start)) {
            for &used in &edges[module] {
                if !reached.contains_key(used) {
                    reached.insert(used, module);
                    queue.push_back(used);
                }
            }
        }
        if seen.contains(start) || !reached.contains_key(start) {
            continue;
        }
        let back = iter::successors(Some(reached[start]), |module| {
            (*module != start).then(|| reached[*module])
        });
        let mut cycle: Vec<&Names> = back.collect();
        cycle.reverse();
        seen.extend(cycle.iter().copied());
        cycle.push(start);
        let cycle: Vec<String> = cycle.iter().map(|module| module.join("::")).collect();
        cycles.push(format!("import cycle {}", cycle.join(" -> ")));
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cycles in a crate with these modules.
    fn found(files: &[(&str, &str)]) -> Names {
        let names = |module: &str| -> Names {
            module.split("::").filter(|name| !name.is_empty()).map(Into::into).collect()
        };
        let mut sources: Sources = files
            .iter()
            .map(|(module, text)| {
                (names(module), Source { lines: without_tests(text), paths: Vec::new() })
            })
            .collect();
        find_paths(&mut sources);
        cycles(&sources)
    }

    #[test]
    fn cycles_are_found() {
        #[track_caller]
        fn check(files: &[(&str, &str)], expected: &str) {
            let cycle = Some(format!("import cycle {expected}"));
            assert_eq!(found(files), Vec::from_iter(cycle.filter(|_| !expected.is_empty())));
        }
        let a_to_b = ("a", "use crate::b::{self, B};");
        check(&[a_to_b, ("b", "pub struct B;")], "");
        check(&[a_to_b, ("b", "fn f() { super::a::g() }")], "a -> b -> a");
        check(
            &[a_to_b, ("b", "// crate::a::g()\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}")],
            "",
        );
        // Through re-exports of the root, and through names that are bound on the way.
        let root = ("", "mod a;\npub use a::{A as Other, A2};\npub use b::B;");
        check(&[root, ("a", "use crate::B;"), ("b", "use crate::Other;")], "a -> b -> a");
        check(&[root, ("a", "use crate::B;"), ("b", "use crate::Unknown;")], "");
        check(
            &[a_to_b, ("b", "use crate::c;"), ("c", "use super::{d, a};"), ("d", "")],
            "a -> b -> c -> a",
        );
        // A module depends on its submodules, not the other way round.
        check(&[("a", ""), ("a::inner", "use super::helper;\nuse crate::root;"), ("", "")], "");
        let inner = ("a::inner", "use crate::b::B;");
        check(&[("a", ""), inner, ("b", "use crate::a::A;")], "a -> a::inner -> b -> a");
    }
}
