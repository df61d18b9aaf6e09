//! `cargo xtask mutants`: breaks what keeps files and runs safe, and the arithmetic, one thing at a time, and sees that
//! tests turn red. A promise is worth what the test of it can notice.

mod numerics;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use fmnist_data::locate;

use crate::cargo;

/// Break the code in known ways, one at a time, in a copy, and see that the tests notice
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those whose names contain this
    name: Option<String>,
}

/// A way to break the code, and the tests that must notice.
struct Mutant {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    tests: &'static [&'static str],
}

const NN_IO: &[&str] = &["--package", "nn-io", "--lib", "--test", "suite"];
const NN_TRAIN: &[&str] = &["--package", "nn-train", "--test", "resume"];
const DATA: &[&str] = &["--package", "fmnist-data", "--lib"];
const DISK: &[&str] = &["--package", "fmnist-cli", "--test", "program", "disk::failing"];
const TERMINAL: &[&str] = &["--package", "fmnist-cli", "--test", "program", "terminal::"];
const LIMITS: &[&str] = &["--package", "fmnist-cli", "--test", "program", "limits::"];
const USAGE: &[&str] = &["--package", "fmnist-cli", "--test", "program", "usage::settings"];
const SIGNAL: &[&str] = &["--package", "fmnist-cli", "--test", "program", "signal::a_signal_while"];

const SAFETY: [Mutant; 29] = [
    Mutant {
        name: "a save without fsync",
        file: "crates/nn-io/src/disk/temporary.rs",
        from: "disk.sync(&file).map_err(failed)?;",
        to: "",
        tests: NN_IO,
    },
    Mutant {
        name: "an fsync that does nothing",
        file: "crates/nn-io/src/disk/system.rs",
        from: "file.sync_all()",
        to: "file.metadata().map(drop)",
        tests: DISK,
    },
    Mutant {
        name: "a save without fsync of the directory",
        file: "crates/nn-io/src/disk/temporary.rs",
        from: "self.disk.sync_directory(directory);",
        to: "io::Result::Ok(());",
        tests: NN_IO,
    },
    Mutant {
        name: "an fsync of directories that does nothing",
        file: "crates/nn-io/src/disk/system.rs",
        from: "File::open(directory)?.sync_all()",
        to: "File::open(directory).map(drop)",
        tests: DISK,
    },
    Mutant {
        name: "a save in place, without a rename",
        file: "crates/nn-io/src/disk/file.rs",
        from: "Temporary::write(disk, &target, bytes)?.rename(&target)",
        to: "{ let _ = disk.remove(&target); \
             let mut file = disk.create_new(&target).map_err(Error::io(&target, \"create\"))?; \
             std::io::Write::write_all(&mut file, bytes).map_err(Error::io(&target, \"write\"))?; \
             disk.sync(&file).map_err(Error::io(&target, \"sync\")) }",
        tests: NN_IO,
    },
    Mutant {
        name: "the old file removed before the rename",
        file: "crates/nn-io/src/disk/temporary.rs",
        from: "let renamed = self.disk.rename(",
        to: "let _ = self.disk.remove(target); let renamed = self.disk.rename(",
        tests: NN_IO,
    },
    Mutant {
        name: "old checkpoints removed before the new one is saved",
        file: "crates/nn-io/src/disk/checkpoint_dir.rs",
        from: "    file::replace(disk, &path, bytes)?;\n    steps.push(step);\n",
        to: "    for old in &*steps { let _ = disk.remove(&directory.join(name(*old))); }\n    \
             file::replace(disk, &path, bytes)?;\n    steps.push(step);\n",
        tests: NN_IO,
    },
    Mutant {
        name: "two runs let on one file",
        file: "crates/nn-io/src/disk/lock.rs",
        from: "match file.try_lock() {",
        to: "match Result::<(), TryLockError>::Ok(()) {",
        tests: NN_IO,
    },
    Mutant {
        name: "the optimizer's count of steps lost",
        file: "crates/nn-io/src/decode.rs",
        from: "Optimizer::from_parts(optimizer, step, moments)",
        to: "Optimizer::from_parts(optimizer, step.min(0), moments)",
        tests: NN_IO,
    },
    Mutant {
        name: "Adam's moments swapped",
        file: "crates/nn-io/src/decode.rs",
        from: "let mut moments = moments.iter_mut();",
        to: "let mut moments = moments.iter_mut().rev();",
        tests: NN_IO,
    },
    Mutant {
        name: "a required feature not held against the metadata",
        file: "crates/nn-io/src/decode.rs",
        from: "check_features(metadata.features(), header.features)?;",
        to: "",
        tests: NN_IO,
    },
    Mutant {
        name: "an epoch off by one",
        file: "crates/nn-io/src/wire/history.rs",
        from: "Ok(nn_train::Progress { epoch, batch,",
        to: "Ok(nn_train::Progress { epoch: epoch.saturating_add(1), batch,",
        tests: NN_IO,
    },
    Mutant {
        name: "an order of samples not restored",
        file: "crates/nn-train/src/trainer.rs",
        from: "epoch_order(&self.state.config, epoch, train);",
        to: "epoch_order(&self.state.config, epoch + u64::from(done > 0), train);",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "a gradient not checked",
        file: "crates/nn-train/src/divergence.rs",
        from: "shards.gradient_bound() < f64::from(LARGEST_GRADIENT)",
        to: "shards.gradient_bound() < f64::INFINITY || LARGEST_GRADIENT > 0.0",
        tests: NN_TRAIN,
    },
    Mutant {
        name: "a CRC not checked",
        file: "crates/nn-io/src/error.rs",
        from: "if found == expected {\n        return Ok(());",
        to: "if found == expected || offset > 0 {\n        return Ok(());",
        tests: NN_IO,
    },
    Mutant {
        name: "the header's CRC not checked",
        file: "crates/nn-io/src/wire/header.rs",
        from: "check_crc(0, \"header\", crc, checked)?;",
        to: "",
        tests: NN_IO,
    },
    Mutant {
        name: "the file's length not checked",
        file: "crates/nn-io/src/wire/header.rs",
        from: "if header.file_len != file_len {",
        to: "if header.file_len != file_len && false {",
        tests: NN_IO,
    },
    Mutant {
        name: "the tensors' length not checked",
        file: "crates/nn-io/src/decode.rs",
        from: "if found == len { Ok(()) }",
        to: "if found >= len { Ok(()) }",
        tests: NN_IO,
    },
    Mutant {
        name: "numbers that are not finite let in",
        file: "crates/nn-io/src/wire/tensor.rs",
        from: "fold(true, |all, x| all & valid.contains(x))",
        to: "fold(true, |all, x| all | valid.contains(x))",
        tests: NN_IO,
    },
    Mutant {
        name: "an IDX file's length not checked",
        file: "crates/fmnist-data/src/idx.rs",
        from: "self.fill(expected.saturating_add(1), &mut bytes)?;",
        to: "self.fill(expected, &mut bytes)?;",
        tests: DATA,
    },
    Mutant {
        name: "a dataset's SHA-256 not checked",
        file: "crates/fmnist-data/src/manifest.rs",
        from: "*found == self.gzip || *found == self.raw",
        to: "*found == self.gzip || *found == self.raw || true",
        tests: DATA,
    },
    Mutant {
        name: "hidden characters printed",
        file: "crates/fmnist-cli/src/outside.rs",
        from: "c if is_hidden(c) => {",
        to: "c if is_hidden(c) && line.is_empty() => {",
        tests: TERMINAL,
    },
    Mutant {
        name: "line breaks of names printed",
        file: "crates/fmnist-cli/src/outside.rs",
        from: "'\\n' => text += \"\\\\n\",",
        to: "'\\n' => text.push(c),",
        tests: TERMINAL,
    },
    Mutant {
        name: "arguments quoted as they were given",
        file: "crates/fmnist-cli/src/main.rs",
        from: "env::args_os().map(|argument| Outside::from(&argument).to_string());",
        to: "env::args_os();",
        tests: TERMINAL,
    },
    Mutant {
        name: "lengths of lists not checked",
        file: "crates/fmnist/src/options/list.rs",
        from: "found if found > most =>",
        to: "found if found > most && option.is_empty() =>",
        tests: LIMITS,
    },
    Mutant {
        name: "threads started after the data are read",
        file: "crates/fmnist-cli/src/command/train.rs",
        from: "    let threads = data::threads(options.places.threads)?;\n    let dataset = data::obtain(&source, console)?;\n",
        to: "    let dataset = data::obtain(&source, console)?;\n    let threads = data::threads(options.places.threads)?;\n",
        tests: LIMITS,
    },
    Mutant {
        name: "a write that waits for its reader",
        file: "crates/fmnist-cli/src/stream.rs",
        from: "wait_for_reader(&stream, stop)?;",
        to: "let _ = || wait_for_reader(&stream, stop);",
        tests: SIGNAL,
    },
    Mutant {
        name: "an option of a preset blamed on nobody",
        file: "crates/fmnist-cli/src/command.rs",
        from: "find(|(_, options)| has(options) && !has(&self.given))",
        to: "find(|(_, options)| has(options) && has(&self.given))",
        tests: USAGE,
    },
    Mutant {
        name: "a path printed as another in settings",
        file: "crates/fmnist-cli/src/command.rs",
        from: ".filter(Outside::is_escaped)",
        to: ".filter(|path| path.is_escaped() && option.is_empty())",
        tests: TERMINAL,
    },
];

fn mutants() -> Vec<Mutant> {
    SAFETY.into_iter().chain(numerics::NUMERICS).collect()
}

pub(crate) fn run_all() -> anyhow::Result<()> {
    run(Args { name: None })
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    check()?;
    let mutants = mutants();
    let chosen: Vec<&Mutant> = mutants
        .iter()
        .filter(|mutant| args.name.as_ref().is_none_or(|name| mutant.name.contains(name)))
        .collect();
    ensure!(!chosen.is_empty(), "no mutant of that name");
    let tree = copy()?;

    println!("the tests as they are");
    let mut seen: Vec<&[&str]> = Vec::new();
    for mutant in &chosen {
        if !seen.contains(&mutant.tests) {
            seen.push(mutant.tests);
            let failed = failures(&tree, mutant.tests)?;
            ensure!(failed.is_empty(), "without any mutant, these fail: {}", failed.join(", "));
        }
    }
    let mut missed = Vec::new();
    for mutant in &chosen {
        let path = tree.join(mutant.file);
        let original = fs::read_to_string(&path)?;
        fs::write(&path, original.replacen(mutant.from, mutant.to, 1))?;
        let failed = failures(&tree, mutant.tests);
        fs::write(&path, original)?;
        let failed = failed.with_context(|| mutant.name)?;
        match failed.split_first() {
            Some((first, others)) => {
                println!("caught  {}: by {first} and {} more", mutant.name, others.len());
            }
            None => {
                println!("MISSED  {}", mutant.name);
                missed.push(mutant.name);
            }
        }
    }
    println!("{} of {} caught", chosen.len() - missed.len(), chosen.len());
    if !missed.is_empty() {
        bail!("no test noticed: {}", missed.join("; "));
    }
    Ok(())
}

/// Fails where the code has changed so that a mutant has no place in it any more.
pub(crate) fn check() -> anyhow::Result<()> {
    for Mutant { name, file, from, .. } in mutants() {
        let text = fs::read_to_string(cargo::root().join(file)).context(file)?;
        let n = text.matches(from).count();
        ensure!(n == 1, "{file}: expected the place of mutant {name:?} once, found it {n} times");
    }
    Ok(())
}

/// Copies the workspace's files, as they are now, and returns where to.
pub(crate) fn copy() -> anyhow::Result<PathBuf> {
    let tree = cargo::target_dir()?.join("mutants");
    let mut git = cargo::command("git");
    let files = ["ls-files", "--cached", "--others", "--exclude-standard"];
    for file in cargo::output(git.args(files))?.lines() {
        let (from, to) = (cargo::root().join(file), tree.join(file));
        // What is removed but not yet committed is listed too.
        if from.is_file() && fs::read(&from).ok() != fs::read(&to).ok() {
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::copy(from, to)?;
        }
    }
    Ok(tree)
}

/// The tests that fail in the copy. That they do not compile is an error, not a failure.
fn failures(tree: &Path, tests: &[&str]) -> anyhow::Result<Vec<String>> {
    let data = locate::find(None)?;
    let cargo = |extra: &[&str]| {
        let mut command = cargo::command("cargo");
        command.current_dir(tree).args(["test", "--quiet", "--profile", "mutants"]).args(extra);
        command.args(tests);
        command.env("CARGO_TARGET_DIR", tree.join("target"));
        if let Some(data) = &data {
            command.env(locate::VARIABLE, data);
        }
        command
    };
    cargo::output(&mut cargo(&["--no-run"]))?;
    let output = cargo(&["--no-fail-fast"]).output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let failed = stdout.lines().filter_map(|line| line.strip_suffix(" --- FAILED"));
    let mut failed: Vec<String> = failed.map(Into::into).collect();
    if failed.is_empty() {
        failed.push("a test that ended the process".into());
    }
    Ok(failed)
}
