//! `cargo xtask fetch-data`: downloads and verifies the dataset.
//!
//! `fmnist_data::download` does the work. This module only shows it.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use fmnist_data::download::{self, DownloadProgress, Outcome};
use fmnist_data::locate;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Download Fashion-MNIST, or repair damaged files; good files are kept
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to fetch from [env: FMNIST_MIRROR] [default: the published mirrors]
    #[arg(long, value_name = "DIR|URL")]
    from: Option<OsString>,

    /// The directory to fetch into [env: FMNIST_DATA_DIR] [default: data/fashion-mnist of the
    /// workspace]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let sources = download::sources(args.from.as_deref())?;
    let dir = locate::download_dir(args.data_dir.as_deref())?;
    let mut display = Display::new();
    let fetched = download::fetch(&dir, &sources, &mut |progress| display.show(progress));
    display.bar.finish_and_clear();
    for file in fetched? {
        let path = dir.join(file.file);
        match file.outcome {
            Outcome::AlreadyGood => println!("{}: already good", path.display()),
            Outcome::Downloaded(source) => {
                println!("{}: downloaded from {source}", path.display());
            }
            Outcome::Healed(source) => {
                println!("{}: was damaged, replaced from {source}", path.display());
            }
            other => println!("{}: {other:?}", path.display()),
        }
    }
    Ok(())
}

/// Shows progress on stderr: a bar on a terminal, elsewhere a line for each file.
struct Display {
    bar: ProgressBar,
    /// The file that is being received.
    file: &'static str,
}

impl Display {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = "{msg:26} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        bar.set_style(ProgressStyle::with_template(style).expect("a constant template"));
        Self { bar, file: "" }
    }

    fn show(&mut self, progress: DownloadProgress<'_>) {
        match progress {
            DownloadProgress::Waiting => {
                self.line("waiting for another download into this directory")
            }
            DownloadProgress::Receiving { file, source, received, total } => {
                if self.file != file {
                    self.file = file;
                    self.bar.reset();
                    self.bar.set_length(total);
                    self.bar.set_message(file);
                    if !std::io::stderr().is_terminal() {
                        eprintln!("{file}: {total} bytes from {source}");
                    }
                }
                self.bar.set_position(received);
            }
            DownloadProgress::GaveUp { attempt, .. } => {
                self.file = "";
                self.line(&format!("gave up on {attempt}"));
            }
            _ => {}
        }
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }
}
