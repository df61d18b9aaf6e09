//! Whole sessions with the program, with every line that a user sees.

use std::env;
use std::path::PathBuf;

/// Runs the commands of each `*.md`, in a copy of the directory of its name, and compares what they print. The variable
/// `FMNIST` names the program; `cargo xtask ci` sets it.
///
/// `TRYCMD=overwrite` writes what they print now. Then replace times, results of training and checksums by `[..]` again.
#[test]
fn commands_print_what_is_shown() {
    let program = env::var_os("FMNIST").expect("FMNIST names the program");
    let home = tempfile::tempdir().expect("a home without data");
    trycmd::TestCases::new()
        .register_bin("fmnist", PathBuf::from(program).as_path())
        .env("HOME", home.path().display().to_string())
        // A port that nobody listens on: there is no network.
        .env("FMNIST_MIRROR", "http://127.0.0.1:1/")
        .case("*.md");
}
