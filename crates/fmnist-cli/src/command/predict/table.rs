//! A table of images as the input: its answers are a table, too.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fmnist::{Finding, Seen, options::DataSource};
use fmnist_data::Images;
use nn_io::ModelInfo;

use super::Output;
use crate::{
    console::{Console, Format},
    data,
    exit::Usage,
    outside::Outside,
};

/// The first line of the CSV, as Kaggle's competitions ask for it.
const HEAD: [&str; 2] = ["ImageId", "Label"];

/// The table among these files. It must be the only one.
pub(super) fn of(files: &[PathBuf]) -> anyhow::Result<Option<PathBuf>> {
    let is_table = |path: &&PathBuf| {
        let name = path.as_os_str().to_string_lossy().to_ascii_lowercase();
        (name.ends_with(".csv") || name.ends_with(".csv.gz")) && !path.is_dir()
    };
    let Some(table) = files.iter().find(is_table) else { return Ok(None) };
    match files {
        [_] => Ok(Some(table.clone())),
        _ => {
            let table = Outside::from(table);
            Err(Usage::error(format!(
                "{table}: expected a table alone, found other files as well; give each table and the pictures to a \
                 separate `fmnist predict`"
            )))
        }
    }
}

/// Classifies the images of a table, with or without labels. As CSV, the answers are numbers of images, from 1, with the names
/// of their classes; for garments, with their numbers, as Kaggle's table has them.
pub(super) fn classify(
    path: &Path,
    info: &ModelInfo,
    output: &mut Output,
    console: &Console,
) -> anyhow::Result<()> {
    let (images, labels) = Images::from_csv(path, &DataSource::read_options(info))?;
    data::check_size(info, &images)?;
    // A table of garments has numbers as labels, which the names of the classes are not.
    let are_numbers = data::has_garments(info);
    if console.format() == Format::Csv {
        console.csv(&HEAD)?;
    }
    let name = Outside::from(path);
    let name_of = |number: usize| Outside::from(&format!("{name}: image {number}"));
    if let Some(folder) = &output.folder {
        folder.check((1..=images.count).map(name_of))?;
    }
    let names = output.classifier.class_names().to_vec();
    // A label that is the number of classes is one that counts from 1.
    let n_classes = names.len().to_string();
    let first = usize::from(labels.iter().flatten().any(|label| *label == n_classes));
    for (number, pixels) in (1..).zip(images.iter()) {
        let input = name_of(number);
        let seen = Seen { pixels: pixels.to_vec(), finding: Finding::Whole };
        if console.format() == Format::Csv {
            let answer = output.classifier.answer(&seen).with_context(|| input.to_string())?;
            let first = answer.predictions.first();
            let label = first.map_or_else(String::new, |first| match are_numbers {
                true => first.class.to_string(),
                false => Outside::from(&first.name).to_string(),
            });
            console.csv(&[number.to_string(), label])?;
            continue;
        }
        let text = labels.as_ref().and_then(|labels| labels.get(number - 1));
        let class = text.and_then(|text| {
            let is_class = |name: &String| name == text;
            names
                .iter()
                .position(is_class)
                .or_else(|| text.parse::<usize>().ok()?.checked_sub(first))
                .filter(|&it| it < names.len())
        });
        let actual = class.map(|class| (class as u8, names[class].as_str()));
        output.answer(&input, &seen, actual, console)?;
    }
    Ok(())
}
