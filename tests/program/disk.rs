use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

use nn_io::Checkpoint;
use tally::{Failure, Tally, ensure, size};

use crate::{
    fixture::{TRAINED, altered, notice, with_model},
    harness::{Output, Program},
};

/// Whether the system has this tool and lets us use it.
pub(crate) fn can(tool: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(tool);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let can = command.status().is_ok_and(|status| status.success());
    if !can {
        notice(&format!("{tool} cannot be used here: faults that need it were not tried"));
    }
    can
}

/// A model for inference in `out.model`, which the export of the same model as a run replaces.
fn program() -> (Program, Vec<u8>) {
    let program = with_model();
    let old = altered(|checkpoint| {
        checkpoint.training = None;
        checkpoint.info.producer = "old".into();
    });
    program.write("out.model", &old);
    (program, old)
}

const EXPORT: &str = "export m.model out.model --to inference";

/// A save that was cut leaves the old file or the new one, and a free lock.
fn check_cut(program: &Program, old: &[u8], is_acknowledged: bool) -> Result<bool, Failure> {
    let found = program.read("out.model");
    let is_old = found == old;
    if !is_old {
        let producer = |checkpoint: Checkpoint| checkpoint.info.producer;
        let producer = Checkpoint::from_bytes(&found).map(producer).map_err(Failure::torn)?;
        ensure(producer != "old", || Failure::torn("neither the old file nor the new one"))?;
    }
    ensure(!is_acknowledged || !is_old, || Failure::lost("what was acknowledged"))?;
    program.run("export out.model again.model --to inference").success();
    Ok(is_old)
}

/// Killed at the K-th system call of a save, for every K.
#[test]
fn killed_at_any_system_call() {
    let calls = "%file,%desc";
    if !can("strace", &["-o", "/dev/null", "-e", "trace=none", "true"]) {
        return;
    }
    let (program, old) = program();
    let mut tally = Tally::new("B2", "killed at each system call of a save");
    for k in 1.. {
        program.write("out.model", &old);
        let strace = format!(
            "strace -f -o /dev/null -e trace={calls} -e inject={calls}:signal=KILL:when={k}"
        );
        let output = Output::of(&mut program.wrapped(&strace, EXPORT));
        if output.code == Some(0) {
            break;
        }
        tally.case(|| check_cut(&program, &old, !output.stdout.is_empty()).map(drop));
    }
    assert!(tally.cases() > 20, "{} calls", tally.cases());
    tally.finish();
}

/// Killed around each system call of a save that keeps another model: that model has one of its two names, and the output
/// is whole.
#[test]
fn killed_while_another_model_is_kept() {
    if !can("strace", &["-o", "/dev/null", "-e", "trace=none", "true"]) {
        return;
    }
    let program = with_model();
    let old = altered(|checkpoint| {
        checkpoint.training = None;
        checkpoint.model.params_mut()[0] += 1.0;
    });
    let mut tally = Tally::new("B20", "killed at system calls of a save that keeps a model");
    for calls in ["rename", "fsync", "write", "openat"] {
        for k in 1.. {
            program.write("out.model", &old);
            let _ = fs::remove_file(program.path("out.previous.model"));
            let inject = format!("-e trace={calls} -e inject={calls}:signal=KILL:when={k}");
            let strace = format!("strace -f -o /dev/null {inject}");
            let output = Output::of(&mut program.wrapped(&strace, EXPORT));
            if output.code == Some(0) {
                break;
            }
            tally.case(|| {
                let [out, previous] = ["out.model", "out.previous.model"]
                    .map(|name| fs::read(program.path(name)).ok());
                let kept = [&out, &previous].contains(&&Some(old.clone()));
                ensure(kept, || Failure::lost(format!("{calls} {k}: the old model")))?;
                if let Some(out) = &out {
                    Checkpoint::from_bytes(out).map_err(Failure::torn)?;
                }
                let is_saved = output.stdout.is_empty() || previous == Some(old.clone());
                ensure(is_saved, || Failure::lost("what was acknowledged"))
            });
        }
    }
    assert!(tally.cases() > 8, "{} calls", tally.cases());
    tally.finish();
}

/// Each system call of a save fails in turn.
#[test]
fn failing_system_calls() {
    if !can("strace", &["-o", "/dev/null", "-e", "trace=none", "true"]) {
        return;
    }
    let (program, old) = program();
    let mut tally = Tally::new("B5", "system calls of a save fail");
    for (call, errors) in [
        ("fsync", ["EIO", "ENOSPC", "EDQUOT"]),
        ("rename", ["EIO", "ENOSPC", "EACCES"]),
        ("write", ["EIO", "ENOSPC", "EDQUOT"]),
    ] {
        for error in errors {
            for when in 1..=3 {
                program.write("out.model", &old);
                let inject = format!("-e trace={call} -e inject={call}:error={error}:when={when}");
                let strace = format!("strace -f -o /dev/null {inject}");
                let output = Output::of(&mut program.wrapped(&strace, EXPORT));
                tally.case(|| {
                    // The writes are the lock, the model and the result. There are a rename and two calls of fsync.
                    let fails = match call {
                        "fsync" => when <= 2,
                        "rename" => when == 1,
                        _ => true,
                    };
                    let code = if fails { Some(4) } else { Some(0) };
                    let is_reported = output.code == code;
                    ensure(is_reported, || {
                        Failure::wrong(format!("{call} {when} {error}: {output:?}"))
                    })?;
                    check_cut(&program, &old, !output.stdout.is_empty())?;
                    let litter = fs::read_dir(program.path("")).unwrap().any(|entry| {
                        entry
                            .unwrap()
                            .path()
                            .extension()
                            .is_some_and(|it| it == "tmp" || it == "lock")
                    });
                    let left = || Failure::wrong(format!("{call} {when} {error}: a file is left"));
                    ensure(!litter, left)
                });
            }
        }
    }
    tally.finish();
}

/// The name of a directory of checkpoints is flushed to disk even if it already exists: the run that created it may have
/// been killed before that.
#[test]
fn the_name_of_a_checkpoint_directory_is_flushed() {
    if !can("strace", &["-o", "/dev/null", "-e", "trace=none", "true"]) {
        return;
    }
    let mut tally = Tally::new("B6", "fsync of the parent of a directory of checkpoints");
    for is_there in [false, true] {
        tally.case(|| {
            let program = Program::new();
            fs::create_dir(program.path("parent")).unwrap();
            if is_there {
                fs::create_dir(program.path("parent/run")).unwrap();
            }
            let run =
                "train --dataset synthetic --hidden none --epochs 1 --checkpoint-dir parent/run";
            let strace = "strace -f -y -o calls -e trace=fsync";
            Output::of(&mut program.wrapped(strace, run)).success();
            let calls = String::from_utf8(program.read("calls")).unwrap();
            let flushed = calls.lines().any(|line| line.contains("/parent>)"));
            ensure(flushed, || Failure::lost(calls))
        });
    }
    tally.finish();
}

/// A limit on the size of files: the error says how much is needed, and the old file is kept.
#[test]
fn files_limited_in_size() {
    if !can("prlimit", &["--fsize=1000000", "true"]) {
        return;
    }
    let (program, old) = program();
    program.run(EXPORT).success();
    let len = program.read("out.model").len();
    let mut tally = Tally::new("B3", "EFBIG at each 4096th byte of a save");
    for limit in (0..=len + 4096).step_by(size(16 * 4096, 4096)) {
        program.write("out.model", &old);
        let output = Output::of(&mut program.wrapped(&format!("prlimit --fsize={limit}"), EXPORT));
        tally.case(|| {
            if limit >= len {
                return ensure(output.code == Some(0), || Failure::wrong(format!("{output:?}")));
            }
            let words = if limit > 16 { format!("{len} more bytes are needed") } else { "".into() };
            let is_reported = output.code == Some(4) && output.stderr.contains(&words);
            ensure(is_reported, || Failure::wrong(format!("{limit}: {output:?}")))?;
            let is_old = check_cut(&program, &old, false)?;
            ensure(is_old, || Failure::lost(format!("limit {limit}")))
        });
    }
    tally.finish();
}

/// On file systems with and without room for a save, training begins only if it can be saved.
#[test]
fn full_disks() {
    if !can("unshare", &["-Urm", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"]) {
        return;
    }
    let program = with_model();
    let len = TRAINED.bytes.len();
    let script = "mount -t tmpfs -o size=$SIZE tmpfs disk && cp m.model disk/m.model || exit 99\n\
                  \"$@\"; code=$?\n\
                  cmp m.model disk/m.model && test -z \"$(ls -A disk | grep tmp)\" || exit 98\n\
                  exit $code";
    fs::create_dir(program.path("disk")).unwrap();
    program.write("script", script);
    let mut tally = Tally::new("B4", "disks of 1.05 to 2.5 times the file");
    let n = size(4, 40);
    for i in 0..n {
        let bytes = len * 105 / 100 + (len * 145 / 100) * i / (n - 1);
        let train = "train --resume disk/m.model --epochs 4 --quiet";
        let mut command = program.wrapped("unshare -Urm sh script", train);
        let output = Output::of(command.env("SIZE", bytes.to_string()));
        tally.case(|| {
            // A page for each of directory, lock and probe, and the rounding of both files to pages.
            let is_enough = bytes > 2 * len + 10 * 4096;
            if !is_enough && bytes > 2 * len {
                return Ok(());
            }
            let (code, words) = match is_enough {
                true => (0, String::new()),
                false => (4, format!("disk/m.model: cannot save: {len} more bytes are needed")),
            };
            let is_reported = output.code == Some(code) && output.stderr.contains(&words);
            ensure(is_reported, || Failure::wrong(format!("{bytes} bytes: {output:?}")))?;
            ensure(output.code != Some(0) || !output.stdout.is_empty(), || {
                Failure::wrong("no output")
            })?;
            let has_begun = output.stdout.contains("images to train on");
            ensure(is_enough || !has_begun, || Failure::wrong("it began what it could not save"))
        });
    }
    tally.finish();
}

/// Training does not begin if nothing can be saved there; the message names the place and the reason.
#[test]
fn places_that_take_no_file() {
    let program = Program::new();
    let mut tally = Tally::new("B8", "places that take no file");
    let mut check = |output: &str, words: &[&str]| {
        tally.case(|| {
            let arguments = format!("train --dataset synthetic --output {output}");
            let found = program.run(&arguments);
            let is_reported =
                found.code == Some(4) && words.iter().all(|word| found.stderr.contains(word));
            ensure(is_reported, || Failure::wrong(format!("{found:?}")))?;
            ensure(!found.stderr.contains("drawing"), || Failure::wrong("it looked for data first"))
        });
    };
    fs::create_dir(program.path("folder")).unwrap();
    symlink("loop", program.path("loop")).unwrap();
    symlink("absent/m.model", program.path("dangling")).unwrap();
    check("absent/m.model", &["absent: cannot create a file in it: No such file"]);
    check("folder", &["folder: refusing to overwrite a directory"]);
    check(&"n".repeat(256), &["File name too long"]);
    check("loop", &["loop: cannot", "Too many levels"]);
    check("dangling", &["dangling: cannot follow this link: No such file"]);
    check("/proc/m.model", &["/proc: cannot create a file in it"]);
    check("/dev/null", &["/dev/null: refusing to overwrite a device, pipe or socket"]);
    check("/", &["names no file"]);
    tally.finish();
}

/// A directory and a file without write permission. Root may write to both, so the program runs as another user.
#[test]
fn places_of_others() {
    const NOBODY: u32 = 65534;
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if !is_root {
        notice("not root: files of other users were not tried");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(root.path(), 0o755);
    // Others may have no access to the build directory.
    let exe = root.path().join("fmnist");
    // Copied by another process: a program that is open for writing cannot be run, and a child that another test is
    // starting may have inherited an open file.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_fmnist")).arg(&exe).status();
    assert!(copied.unwrap().success());
    mode(&exe, 0o755);
    let small = altered(|checkpoint| checkpoint.training = None);
    for (name, permissions) in [("theirs", 0o755), ("open", 0o777)] {
        let directory = root.path().join(name);
        fs::create_dir(&directory).unwrap();
        mode(&directory, permissions);
        fs::write(directory.join("old.model"), &small).unwrap();
    }
    let secret = root.path().join("open/secret.model");
    fs::write(&secret, &small).unwrap();
    mode(&secret, 0o600);
    let mut tally = Tally::new("B8", "files and directories of another user");
    for (arguments, words) in [
        (
            "export open/old.model theirs/new.model --to inference",
            "theirs: cannot create a file in it",
        ),
        (
            "export open/old.model theirs/old.model --to inference",
            "theirs/old.model: cannot write to it",
        ),
        (
            "export open/old.model open/secret.model --to inference",
            "open/secret.model: cannot open",
        ),
        ("inspect open/secret.model", "open/secret.model: cannot open: Permission denied"),
        ("inspect theirs/absent.model", "theirs/absent.model: cannot open: No such file"),
    ] {
        tally.case(|| {
            let mut command = Command::new(&exe);
            command.args(arguments.split_whitespace()).current_dir(root.path()).env_clear();
            let output = Output::of(command.uid(NOBODY).gid(NOBODY));
            let is_reported = output.code == Some(4) && output.stderr.contains(words);
            ensure(is_reported, || Failure::wrong(format!("{output:?}")))?;
            let kept = fs::read(root.path().join("theirs/old.model")).unwrap() == small;
            ensure(kept && fs::read(&secret).unwrap() == small, || Failure::lost("the old file"))
        });
    }
    tally.finish();
}

/// A new model's permissions follow the umask; a model that replaces a file keeps that file's permissions.
#[test]
fn permissions() {
    let program = with_model();
    let mut tally = Tally::new("B9", "three umasks");
    program.write("script", "umask $MASK; exec \"$@\"");
    for mask in [0o000, 0o022, 0o077] {
        tally.case(|| {
            let path = program.path("out.model");
            let export = || {
                let mut export = program.wrapped("sh script", EXPORT);
                Output::of(export.env("MASK", format!("{mask:04o}"))).success();
                fs::metadata(&path).unwrap().permissions().mode() & 0o777
            };
            let mode = export();
            ensure(mode == 0o666 & !mask, || Failure::wrong(format!("{mask:o}: {mode:o}")))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let mode = export();
            fs::remove_file(&path).unwrap();
            ensure(mode == 0o640, || Failure::wrong(format!("replaced: {mode:o}")))
        });
    }
    tally.finish();
}
