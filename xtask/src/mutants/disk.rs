//! How files are saved, and which ones a run replaces.

use super::{Mutant, NN_IO};

const DISK: &[&str] = &["--package", "fmnist-cli", "--test", "program", "disk::failing"];
const RESUMED: &[&str] =
    &["--package", "fmnist-cli", "--test", "program", "checkpoints::an_output_that_is_ahead"];

pub(super) const MUTANTS: &[Mutant] = &[
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
        from: "disk.sync_directory(directory).map_err(",
        to: "io::Result::Ok(()).map_err(",
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
        from: "Temporary::write(disk, &target, Some(&target), bytes)?.rename(&target)?;",
        to: "{ let _ = disk.remove(&target); \
             let mut file = disk.create_new(&target).map_err(Error::io(&target, \"create\"))?; \
             std::io::Write::write_all(&mut file, bytes).map_err(Error::io(&target, \"write\"))?; \
             disk.sync(&file).map_err(Error::io(&target, \"sync\"))?; }",
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
        from: "let moved = place.replace(disk, bytes)?;",
        to: "for (_, old) in &*saved { old.remove(disk)?; } let moved = place.replace(disk, bytes)?;",
        tests: NN_IO,
    },
    Mutant {
        name: "two runs on one file",
        file: "crates/nn-io/src/disk/lock.rs",
        from: "match file.try_lock() {",
        to: "match Result::<(), TryLockError>::Ok(()) {",
        tests: NN_IO,
    },
    Mutant {
        name: "another program's file is replaced",
        file: "crates/nn-io/src/disk/place.rs",
        from: "Some(_) => Occupant::Foreign,",
        to: "Some(_) => Occupant::Own,",
        tests: NN_IO,
    },
    Mutant {
        name: "another program's file set aside before the new one is written",
        file: "crates/nn-io/src/disk/place.rs",
        from: "let like = (self.occupant(disk)? == Occupant::Own)",
        to: "self.make_way(disk)?; let like = (self.occupant(disk)? == Occupant::Own)",
        tests: NN_IO,
    },
    Mutant {
        name: "a file that was set aside is replaced by the next",
        file: "crates/nn-io/src/disk/place.rs",
        from: "if disk.start(&name).map_err(Error::io(&name, \"access it\"))?.is_none() {",
        to: "if n > 0 {",
        tests: NN_IO,
    },
    Mutant {
        name: "a file set aside without fsync of the directory",
        file: "crates/nn-io/src/disk/place.rs",
        from: "flush_names(disk, to).map_err(|error| after(slice::from_ref(moved), error))",
        to: "Ok(())",
        tests: NN_IO,
    },
    Mutant {
        name: "a link in a directory of checkpoints is followed",
        file: "crates/nn-io/src/disk/file.rs",
        from: "match path.is_symlink() {",
        to: "match false {",
        tests: NN_IO,
    },
    Mutant {
        name: "a newer checkpoint is removed",
        file: "crates/nn-io/src/disk/checkpoint_dir.rs",
        from: "(!is_newer).then_some(place)",
        to: "Some(place)",
        tests: NN_IO,
    },
    Mutant {
        name: "a lock on a file that has lost its name",
        file: "crates/nn-io/src/disk/lock.rs",
        from: "if !is_named(lock, &file) {",
        to: "if false {",
        tests: NN_IO,
    },
    Mutant {
        name: "a link is used as a lock",
        file: "crates/nn-io/src/disk/lock.rs",
        from: "fs::symlink_metadata(lock)",
        to: "fs::metadata(lock)",
        tests: NN_IO,
    },
    Mutant {
        name: "a lock that could not be written stays",
        file: "crates/nn-io/src/disk/lock.rs",
        from: "held.write_id().map_err(Error::io(lock, \"write the lock\"))?;",
        to: "if let Err(error) = held.write_id() { \
             std::mem::forget(held); return Err(Error::io(lock, \"write the lock\")(error)); }",
        tests: DISK,
    },
    Mutant {
        name: "files swept by their names alone",
        file: "crates/nn-io/src/disk/temporary.rs",
        from: "is_file && read().is_ok() && header::may_become_model(&start)",
        to: "is_file && read().is_ok()",
        tests: NN_IO,
    },
    Mutant {
        name: "a model that cannot be read is replaced",
        file: "crates/nn-io/src/disk/output.rs",
        from: "let old = Checkpoint::load(path).map_err(|error| refuse(unreadable(&error)))?;",
        to: "let Ok(old) = Checkpoint::load(path) else { return Ok(None) };",
        tests: NN_IO,
    },
    Mutant {
        name: "another run's model is replaced",
        file: "crates/nn-io/src/disk/output.rs",
        from: "if !new.continues(&old) {",
        to: "if false {",
        tests: NN_IO,
    },
    Mutant {
        name: "the permissions of a replaced file are lost",
        file: "crates/nn-io/src/disk/system.rs",
        from: "fs::set_permissions(path, permissions)",
        to: "Ok(())",
        tests: NN_IO,
    },
    Mutant {
        name: "an output moved back by a directory",
        file: "crates/fmnist/src/saves.rs",
        from: "(step(&later) > step(than) && later",
        to: "(step(&later) > step(&later) && later",
        tests: RESUMED,
    },
];
