use std::path::Path;

use tempfile::tempdir;

use crate::harness::DEAD_MIRROR;

/// Runs the commands of `transcripts/*.md`, each file in a copy of the directory of its name, and compares what they print.
/// `TRYCMD=overwrite` writes what they print now; times, results of training and checksums must then be elided again, as `[..]`.
#[test]
fn commands_print_what_is_shown() {
    let home = tempdir().unwrap();
    let path =
        |directory: &str| format!("{}/../../tests/program/{directory}", env!("CARGO_MANIFEST_DIR"));
    trycmd::TestCases::new()
        .register_bin("fmnist", Path::new(env!("CARGO_BIN_EXE_fmnist")))
        .env("HOME", home.path().display().to_string())
        .env("FMNIST_MIRROR", DEAD_MIRROR)
        .case(path("transcripts/*.md"));
}
