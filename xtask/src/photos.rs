//! `cargo xtask photos`: test images turned into photographs of many kinds, and how many the program still answers as it
//! answers the image itself.

mod draw;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use fmnist_data::{Dataset, locate};
use image::GrayImage;
use serde_json::Value;

use crate::cargo;
use draw::{Dice, KINDS, STRANGE_PICTURES, STRANGERS, save};

/// Measure how the program classifies photographs
///
/// Draws test images as photographs of many kinds, and compares each answer with that for the image itself. Fails if a kind
/// is below its limit.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Photographs of each kind
    #[arg(long, default_value_t = 200)]
    images: usize,

    /// Seed of the choice of images and of the distortions
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Model to classify with [default: the built-in model]
    #[arg(long)]
    model: Option<PathBuf>,

    /// Directory with folders of pictures that show no garment, from tests/strangers/make.py [default: only drawn ones]
    #[arg(long)]
    strangers: Option<PathBuf>,

    /// Directory for the pictures, to look at [default: a temporary one]
    #[arg(long)]
    keep: Option<PathBuf>,

    /// Write the table into docs/predict.md
    #[arg(long)]
    write: bool,
}

impl Args {
    /// The measurement that the guide has.
    fn of_the_guide() -> Self {
        Self { images: 200, seed: 0, model: None, strangers: None, keep: None, write: false }
    }
}

pub(crate) fn check() -> anyhow::Result<()> {
    run(Args::of_the_guide())
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let Some(dir) = locate::find(None)? else {
        println!("skipped: Fashion-MNIST not found; run `cargo xtask fetch-data` to download it");
        return Ok(());
    };
    let program = cargo::build_program()?;
    let test = Dataset::fashion_mnist(&dir)?.test;
    let temporary = tempfile::tempdir()?;
    let root = args.keep.as_deref().unwrap_or(temporary.path());
    let mut dice = Dice::new(args.seed);
    let chosen: Vec<usize> =
        (0..args.images).map(|_| dice.below(test.images.count as u32) as usize).collect();
    let image = |index: usize| {
        let pixels = test.images.get(index).unwrap_or_default().to_vec();
        GrayImage::from_raw(28, 28, pixels).context("an image of 28 x 28")
    };
    let originals = root.join("original");
    fs::create_dir_all(&originals)?;
    for &index in &chosen {
        image(index)?.save(originals.join(format!("{index}.png")))?;
    }
    let expected = answers(&program, &args, &originals)?;
    let mut table =
        String::from("| photographs | answered as the image itself | not sure |\n|---|--:|--:|\n");
    let mut misses = Vec::new();
    let mut not_sure = Vec::new();
    for (number, (kind, least, draw)) in (1..).zip(KINDS) {
        let dir = root.join(kind.replace([' ', ',', '%'], "_"));
        fs::create_dir_all(&dir)?;
        for &index in &chosen {
            let mut dice = Dice::new(args.seed << 32 | number << 24 | index as u64);
            let picture = draw(&image(index)?, &mut dice);
            save(kind, picture, &dir.join(index.to_string()))?;
        }
        let found = answers(&program, &args, &dir)?;
        let class = |answers: &Answers, name: &str| answers.get(name).map(|it| it.class);
        let is_same = |name: &&String| class(&found, name) == class(&expected, name);
        let share = expected.keys().filter(is_same).count() as f32 / expected.len() as f32;
        let rejected = share_not_sure(&found);
        not_sure.push(rejected);
        writeln!(table, "| {kind} | {share:.3} | {rejected:.3} |")?;
        if share < least {
            misses.push(format!("{kind}: expected at least {least}, found {share:.3}"));
        }
    }
    let mean = not_sure.iter().sum::<f32>() / not_sure.len() as f32;
    if mean > MAX_NOT_SURE {
        misses.push(format!("not sure: expected at most {MAX_NOT_SURE}, found {mean:.3}"));
    }
    table += "\n| no garment | pictures | not sure |\n|---|--:|--:|\n";
    for (number, (kind, draw)) in (1..).zip(STRANGERS) {
        let dir = root.join(kind);
        fs::create_dir_all(&dir)?;
        for index in 0..STRANGE_PICTURES {
            let mut dice = Dice::new(args.seed << 32 | (100 + number) << 24 | index);
            draw(&mut dice).save(dir.join(format!("{index}.png")))?;
        }
        add_strangers(&program, &args, kind, &dir, &mut table, &mut misses)?;
    }
    if let Some(dir) = &args.strangers {
        let mut folders: Vec<PathBuf> =
            fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        folders.sort();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            let kind = folder.file_name().context("a name")?.to_string_lossy();
            add_strangers(&program, &args, &kind, folder, &mut table, &mut misses)?;
        }
    }
    print!("{table}");
    if args.write {
        write_table(&table)?;
    }
    anyhow::ensure!(misses.is_empty(), "{}", misses.join("; "));
    Ok(())
}

/// The largest share of photographs of garments, and the least of each kind of other pictures, whose answer is not sure.
const MAX_NOT_SURE: f32 = 0.08;
const MIN_NOT_SURE: f32 = 0.8;

/// Adds a row for a folder of pictures that show no garment.
fn add_strangers(
    program: &Path,
    args: &Args,
    kind: &str,
    dir: &Path,
    table: &mut String,
    misses: &mut Vec<String>,
) -> anyhow::Result<()> {
    let found = answers(program, args, dir)?;
    let share = share_not_sure(&found);
    writeln!(table, "| {} | {} | {share:.3} |", kind.replace('_', " "), found.len())?;
    if share < MIN_NOT_SURE {
        misses.push(format!("{kind}: expected {MIN_NOT_SURE} not sure, found {share:.3}"));
    }
    Ok(())
}

fn share_not_sure(answers: &Answers) -> f32 {
    answers.values().filter(|it| !it.is_sure).count() as f32 / answers.len().max(1) as f32
}

/// Replaces the table in the guide.
fn write_table(table: &str) -> anyhow::Result<()> {
    let path = cargo::root().join(GUIDE);
    let guide = fs::read_to_string(&path)?;
    let (before, rest) = guide.split_once(BEGIN).context("docs/predict.md: no table of photos")?;
    let (_, after) = rest.split_once(END).context("docs/predict.md: no end of the table")?;
    Ok(fs::write(path, format!("{before}{BEGIN}\n{table}{END}{after}"))?)
}

const GUIDE: &str = "docs/predict.md";
const BEGIN: &str = "<!-- cargo xtask photos --strangers DIR --write -->";
const END: &str = "<!-- end -->";

/// What the program says about a picture.
struct Answer {
    class: u64,
    is_sure: bool,
}

/// Answers by the pictures' names without extension.
type Answers = BTreeMap<String, Answer>;

/// The answer to each picture in a directory.
fn answers(program: &Path, args: &Args, dir: &Path) -> anyhow::Result<Answers> {
    let mut predict = cargo::command(&program.to_string_lossy());
    predict.args(["predict", "--format", "json"]).args(&args.model).arg(dir);
    cargo::output(&mut predict)?
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line)?;
            let path = Path::new(answer["input"].as_str().context("input")?);
            let name = path.file_stem().context("a name")?.to_string_lossy().into_owned();
            let class = answer["class"].as_u64().context("class")?;
            Ok((name, Answer { class, is_sure: answer["sure"] != false }))
        })
        .collect()
}
