use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use tally::{Failure, Tally, ensure};

use crate::{
    disk::can,
    fixture::altered,
    harness::{Output, Program},
    own_set::OwnSet,
};

/// Refused in less memory than the size would take, from the command line and from a file.
#[test]
fn sizes_and_lists_that_no_run_can_have() {
    if !can("prlimit", &["--as=1000000000", "true"]) {
        return;
    }
    let list = |n: usize| vec!["1"; n].join(",");
    let program = Program::new();
    let mut tally = Tally::new("E5", "sizes and lists that no run can have, in 300 MB of memory");
    for (option, value, words) in [
        (
            "hidden",
            "100000,100000".into(),
            "parameters and their optimizer's state: expected at most",
        ),
        (
            "hidden",
            "60000,60000".into(),
            "parameters and their optimizer's state: expected at most",
        ),
        ("hidden", "16777217".into(), "expected at most 16777216 units in a layer, found 16777217"),
        ("hidden", list(50_000), "expected at most 256 layers, found 50000"),
        ("freeze", list(50_000), "expected at most 256 layers, found 50000"),
        ("class-weights", list(50_000), "expected at most 1000 weights, found 50000"),
    ] {
        program.write("run.toml", format!("{option} = [{value}]"));
        for command in
            ["train --dataset synthetic", "train --print-config", "find-rate --dataset synthetic"]
        {
            for given in [format!("--{option} {value}"), "--config run.toml".into()] {
                tally.case(|| {
                    let arguments = format!("{command} {given}");
                    let output =
                        Output::of(&mut program.wrapped("prlimit --as=300000000", &arguments));
                    let is_named = [option, words].iter().all(|word| output.stderr.contains(word));
                    let is_refused = output.code == Some(2) && output.stdout.is_empty();
                    ensure(is_named && is_refused, || {
                        Failure::wrong(format!("{command}: {output:?}"))
                    })
                });
            }
        }
    }
    tally.finish();
}

/// The limit does not apply to root, so the program runs as another user.
#[test]
fn a_system_that_starts_no_more_threads() {
    const SOMEBODY: u32 = 65533;
    if !can("prlimit", &["--nproc=1", "true"]) {
        return;
    }
    let program = Program::new();
    let (work, exe) = (program.path(""), program.path("fmnist"));
    // Others may have no access to the build directory. Copied by another process, as in `disk`.
    assert!(
        Command::new("cp").arg(env!("CARGO_BIN_EXE_fmnist")).arg(&exe).status().unwrap().success()
    );
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    [work.parent().unwrap(), &work, &exe].into_iter().for_each(open);
    program.write("m.model", altered(|checkpoint| checkpoint.training = None));
    let set = OwnSet::five_by_seven();
    ["idx", "folder"].iter().for_each(|kind| set.write(&program, kind));
    let mut tally = Tally::new("E9", "no thread can be started");
    for (arguments, code) in [
        ("train --dataset synthetic --threads 2", 4),
        ("train --dataset synthetic --threads 1024 --quiet", 4),
        ("find-rate --dataset synthetic --threads 2", 4),
        ("evaluate m.model --threads 2", 4),
        // Data are read with the threads that can be started.
        ("train --dataset synthetic --threads 1 --epochs 1 --hidden none --output one.model", 0),
        ("train --dataset idx --data-dir idx --threads 1 --epochs 1 --output two.model", 0),
        ("train --dataset folder --data-dir folder --threads 1 --epochs 1 --output three.model", 0),
    ] {
        tally.case(|| {
            let mut command = Command::new("prlimit");
            command.arg("--nproc=1").arg(&exe).args(arguments.split_whitespace());
            command.current_dir(&work).env_clear();
            if fs::metadata("/proc/self").unwrap().uid() == 0 {
                command.uid(SOMEBODY).gid(SOMEBODY);
            }
            let output = Output::of(&mut command);
            let is_reported = code == 0 || output.stderr.contains("error: cannot start ");
            ensure(is_reported && output.code == Some(code), || {
                Failure::wrong(format!("{arguments}: {output:?}"))
            })?;
            ensure(code == 0 || !output.stderr.contains("drawing"), || {
                Failure::wrong("it got data first")
            })?;
            ensure(!program.path("fashion_mnist.model").exists(), || Failure::torn("a model"))
        });
    }
    tally.finish();
}
