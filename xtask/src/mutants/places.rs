//! Whose files a run replaces, and whose it leaves alone.

use super::{Mutant, NN_IO};

const RESUMED: &[&str] =
    &["--package", "fmnist-cli", "--test", "program", "checkpoints::an_output_that_is_ahead"];

pub(super) const PLACES: [Mutant; 11] = [
    Mutant {
        name: "another's file is replaced",
        file: "crates/nn-io/src/disk/place.rs",
        from: "if self.is_foreign(disk)? != Some(true) {",
        to: "if true {",
        tests: NN_IO,
    },
    Mutant {
        name: "a file that was set aside is replaced by the next",
        file: "crates/nn-io/src/disk/place.rs",
        from: "if disk.start(&name).map_err(Error::io(&name, \"look at it\"))?.is_none() {",
        to: "if n > 0 {",
        tests: NN_IO,
    },
    Mutant {
        name: "a file set aside without fsync of the directory",
        file: "crates/nn-io/src/disk/place.rs",
        from: "flush_names(disk, &to)?;",
        to: "",
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
        name: "a link is taken for a lock",
        file: "crates/nn-io/src/disk/lock.rs",
        from: "fs::symlink_metadata(lock)",
        to: "fs::metadata(lock)",
        tests: NN_IO,
    },
    Mutant {
        name: "files swept by their names alone",
        file: "crates/nn-io/src/disk/temporary.rs",
        from: "Ok(is_file && start.is_some_and(|start| header::may_become_model(&start)))",
        to: "Ok(is_file || start.is_none())",
        tests: NN_IO,
    },
    Mutant {
        name: "a model that cannot be read is replaced",
        file: "crates/nn-io/src/disk/output.rs",
        from: "Err(error) => return refuse(unreadable(&error)),",
        to: "Err(_) => return Ok(true),",
        tests: NN_IO,
    },
    Mutant {
        name: "the permissions of a replaced file are lost",
        file: "crates/nn-io/src/disk/system.rs",
        from: "file.set_permissions(metadata.permissions())?",
        to: "()",
        tests: NN_IO,
    },
    Mutant {
        name: "an output moved back by a directory",
        file: "crates/fmnist/src/saves.rs",
        from: "is_later(&later, than).then_some(later)",
        to: "(is_later(&later, than) && false).then_some(later)",
        tests: RESUMED,
    },
];
