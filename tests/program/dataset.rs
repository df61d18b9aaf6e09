use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tally::{Dice, Failure, Tally, ensure, size};

use crate::{
    fixture::{DATA, notice},
    harness::{DEAD_MIRROR, Output, Program},
    own_set::with_small_set,
};

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// A directory `data` with these training images; the other files are there, but empty.
fn with_training_images(bytes: &[u8]) -> Program {
    let program = Program::new();
    fs::create_dir(program.path("data")).unwrap();
    for name in FILES {
        program.write(format!("data/{name}"), "");
    }
    program.write(format!("data/{}", FILES[0]), bytes);
    program
}

/// Fails unless the run was refused with this exit code and all of these words, before it had any result.
pub(crate) fn refused(output: Output, code: i32, words: &[&str]) -> Result<(), Failure> {
    let right = output.code == Some(code)
        && output.stdout.is_empty()
        && words.iter().all(|word| output.stderr.contains(word));
    ensure(right, || Failure::wrong(format!("not exit {code} with {words:?}: {output:?}")))
}

/// The directory is refused by option and by variable, in a message with all of these words.
fn refused_everywhere(training_images: &[u8], words: &[&str]) -> Result<(), Failure> {
    let program = with_training_images(training_images);
    let words = [&["data/train-images-idx3-ubyte.gz: "], words].concat();
    refused(program.run("train --data-dir data"), 3, &words)?;
    refused(program.run("evaluate --data-dir data"), 3, &words)?;
    let mut by_variable = program.command("train");
    refused(Output::of(by_variable.env("FMNIST_DATA_DIR", "data")), 3, &words)
}

#[test]
fn other_kinds_of_files() {
    let mut tally = Tally::new("D3", "files of other kinds, given to the program");
    let mut check = |file: &[u8], words: &[&str]| tally.case(|| refused_everywhere(file, words));
    check(b"", &["expected 26421880 bytes", "an empty file", "fetch the dataset again"]);
    check(b"\x1f\x8b\x08\0", &["expected 26421880 bytes", "found 4 bytes, a gzip stream"]);
    check(b"<!DOCTYPE html>", &["expected 26421880 bytes", "an HTML page"]);
    tally.finish();
}

#[test]
fn real_files_in_the_wrong_place() {
    let Some(dir) = &DATA.dir else { return notice("no real files to swap") };
    let mut tally =
        Tally::new("D6", "published files under each other's names, given to the program");
    let mut check = |name: &str, words: &[&str]| {
        let file = fs::read(dir.join(name)).unwrap();
        tally.case(|| refused_everywhere(&file, words));
    };
    check(FILES[2], &["holds the published contents of t10k-images", "own name"]);
    check(FILES[1], &["holds the published contents of train-labels", "own name"]);
    tally.finish();
}

#[test]
fn real_files_with_damage() {
    let Some(dir) = &DATA.dir else { return notice("no real files to damage") };
    let mut tally = Tally::new("D1", "published images, damaged, given to the program");
    let mut images = fs::read(dir.join(FILES[0])).unwrap();
    let words = ["expected 26421880 bytes", "found 1048576 bytes"];
    tally.case(|| refused_everywhere(&images[..1 << 20], &words));
    images[1 << 20] ^= 1;
    let words = ["expected 26421880 bytes", "SHA-256 3aede38d", "found 26421880 bytes"];
    tally.case(|| refused_everywhere(&images, &words));
    tally.finish();
}

#[test]
fn a_named_directory_without_dataset() {
    let program = Program::new();
    fs::create_dir(program.path("empty")).unwrap();
    let words = ["empty: no dataset here", FILES[0], FILES[3], "fetch it"];
    program.refuses("train --data-dir empty", 3, &words);
    Output::of(program.command("train").env("FMNIST_DATA_DIR", "empty")).refused(3, &words);
    program.refuses("evaluate --data-dir absent", 3, &["absent: no such directory"]);
}

/// Without data and network, `auto` draws garments, and warns before and after.
#[test]
fn without_data_garments_are_drawn_loudly() {
    let program = Program::new();
    let output = program.run("train --epochs 1 --hidden none --quiet --format json").success();
    let warnings: Vec<_> = output.stderr.match_indices("warning: SYNTHETIC DATA").collect();
    assert_eq!(warnings.len(), 2, "{}", output.stderr);
    assert!(output.stderr.contains("warning: no Fashion-MNIST: "), "{}", output.stderr);
    assert!(output.stderr.contains(DEAD_MIRROR), "{}", output.stderr);
    assert_eq!(output.json()[0]["dataset"], "synthetic");
    assert_eq!(program.inspect("fashion_mnist.model")["dataset"]["name"], "synthetic");
}

#[test]
fn fashion_mnist_is_never_replaced() {
    let mut tally = Tally::new("D9", "no mirror at all, given to the program");
    for arguments in [
        "train --dataset fashion-mnist",
        // The built-in model is of Fashion-MNIST.
        "evaluate",
        "predict --index 0",
    ] {
        let source = format!("{DEAD_MIRROR}{}: ", FILES[0]);
        let words = ["download failed", &source, "FMNIST_MIRROR"];
        tally.case(|| refused(Program::new().run(arguments), 4, &words));
    }
    tally.finish();
}

/// The command that fetches from a directory into its own cache, and evaluates.
fn fetching(program: &Program, mirror: &Path) -> Command {
    let mut command = program.command("evaluate");
    command.env("FMNIST_MIRROR", mirror).env("XDG_CACHE_HOME", program.path("cache"));
    command
}

#[test]
fn a_run_killed_while_it_fetches_is_healed_by_the_next() {
    let Some(mirror) = &DATA.dir else { return notice("no real files to fetch") };
    let mut tally = Tally::new("D10", "runs killed while they fetch");
    let published = FILES.map(|name| fs::read(mirror.join(name)).unwrap());
    let cases = size(1, 20);
    let mut dice = Dice::new(0);
    // How long a run takes, until one has been timed.
    let mut whole = Duration::from_millis(500);
    // Runs that end before they are killed do not count.
    for _ in 0..10 * cases {
        let program = Program::new();
        let mut command = fetching(&program, mirror);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(dice.time(whole));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            continue;
        }
        let cache = program.path("cache/fmnist/fashion-mnist");
        tally.case(|| {
            check_cache(&cache, &published, false)?;
            let start = Instant::now();
            let again = Output::of(&mut fetching(&program, mirror));
            whole = start.elapsed();
            ensure(again.code == Some(0), || Failure::lost(format!("not healed: {again:?}")))?;
            check_cache(&cache, &published, true)
        });
        if tally.cases() == cases {
            break;
        }
    }
    tally.finish();
}

/// Files with published names in the cache have the published bytes; with `all`, each zipped file is there. Of unzipped
/// files only the length is checked here: a run that reads them checks the rest.
fn check_cache(cache: &Path, published: &[Vec<u8>; 4], all: bool) -> Result<(), Failure> {
    const UNZIPPED: [u64; 4] = [47_040_016, 60_008, 7_840_016, 10_008];
    for ((name, bytes), unzipped) in FILES.iter().zip(published).zip(UNZIPPED) {
        let path = cache.join(name);
        match fs::read(&path) {
            Ok(found) => ensure(found == *bytes, || Failure::torn(path.display()))?,
            Err(_) => ensure(!all, || Failure::lost(path.display()))?,
        }
        let path = path.with_extension("");
        let length = fs::metadata(&path).map(|metadata| metadata.len());
        let whole = length.as_ref().is_ok_and(|&length| length == unzipped);
        ensure(whole || !path.exists(), || {
            Failure::torn(format!("{}: {length:?}", path.display()))
        })?;
    }
    Ok(())
}

/// A file system of this size in place of the cache.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_with_what_was_needed() {
    const MOUNT_AND_RUN: &str = r#"mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@""#;
    let Some(mirror) = &DATA.dir else { return notice("no real files to fetch") };
    let probe = Command::new("unshare").args(["-Urm", "true"]).output();
    if !probe.is_ok_and(|done| done.status.success()) {
        return notice("no file system can be mounted here to be filled");
    }
    let mut tally = Tally::new("D10", "disks that are full, reported by the program");
    let on_disk_of = |mib: u32| {
        let program = Program::new();
        fs::create_dir(program.path("cache")).unwrap();
        let fetching = fetching(&program, mirror);
        let variables = fetching.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let mut command = Command::new("unshare");
        command
            .env_clear()
            .envs(variables)
            .args(["-Urm", "sh", "-c", MOUNT_AND_RUN, &format!("{mib}m")])
            .arg(program.path("cache"))
            .arg(fetching.get_program())
            .args(fetching.get_args())
            .current_dir(program.path(""));
        Output::of(&mut command)
    };
    for (mib, name, bytes) in [(1, FILES[0], 26_421_880), (28, FILES[2], 4_422_102)] {
        let path = format!("cache/fmnist/fashion-mnist/{name}: cannot write: ");
        let room = format!("; the file takes {bytes} bytes: make room, or name another directory");
        let words = [&path, "No space left on device", &room];
        tally.case(|| refused(on_disk_of(mib), 4, &words));
    }
    // The zipped files are enough.
    tally.case(|| {
        let output = on_disk_of(40);
        ensure(output.code == Some(0), || Failure::wrong(format!("{output:?}")))
    });
    tally.finish();
}

/// The kind of dataset is an option that may have been forgotten.
#[test]
fn a_dataset_that_is_not_given_is_named() {
    let program = with_small_set();
    for (option, kinds) in [("transpose", "idx, csv or npz"), ("image-size 5x5", "folder or csv")] {
        let words = [kinds, "; --dataset is not given\n"];
        program.refuses(&format!("train --data-dir small --{option}"), 2, &words);
        program.refuses(&format!("find-rate --data-dir small --{option}"), 2, &words);
    }
    program.refuses("train --dataset auto --transpose", 2, &["found auto\n"]);
}

/// IDX files of another set than Fashion-MNIST may well be what the user has.
#[test]
fn files_of_another_set_may_be_custom_data() {
    let program = with_small_set();
    let words = ["not Fashion-MNIST's", "; or give --dataset idx for your own data\n"];
    for command in ["train", "train --dataset fashion-mnist", "find-rate"] {
        program.refuses(&format!("{command} --data-dir small"), 3, &words);
    }
    let mut command = program.command("train");
    let output = Output::of(command.env("FMNIST_DATA_DIR", program.path("small")));
    assert!(!output.stderr.contains("--dataset idx"), "{output:?}");
}
