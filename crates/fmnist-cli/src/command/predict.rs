//! `fmnist predict`: classifies pictures, or images of the test set.

use std::{path::PathBuf, process::ExitCode};

use fmnist_data::picture;
use nn_core::{Model, Scaling, Shape, Workspace};
use nn_io::{Checkpoint, ModelInfo};
use serde_json::json;

use crate::{
    bundled,
    console::Console,
    data,
    exit::Usage,
    source::{DataSource, DatasetKind},
};

/// Classify pictures
///
/// Takes PNG and JPEG files of any size, dark on light or light on dark, or images of the test set by index. For a
/// model of a custom dataset, pictures are only made grey and fitted to its size. Example: fmnist predict photo.png
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Pictures, optionally after the model to use [default: the built-in model]
    #[arg(value_name = "[MODEL] IMAGE", required_unless_present = "index")]
    files: Vec<PathBuf>,

    /// Images of the test set, counted from 0
    #[arg(long, value_name = "N", value_delimiter = ',')]
    index: Vec<usize>,

    /// The number of classes to print for each image, the most probable first
    #[arg(long, value_name = "K", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,

    /// The directory of the dataset [env: FMNIST_DATA_DIR, for Fashion-MNIST only]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let (model, pictures) = bundled::split_model(args.files);
    if pictures.is_empty() && args.index.is_empty() {
        return Err(Usage::error("name a picture, or an image of the test set with --index"));
    }
    let checkpoint = bundled::load(model.as_deref())?;
    if !checkpoint.model.is_classifier() {
        let name = bundled::name(model.as_deref());
        anyhow::bail!("{name}: expected softmax as the last layer, which gives probabilities");
    }
    let source = match args.index.as_slice() {
        [] => None,
        _ => Some(DataSource::of_model(&checkpoint.info, args.data_dir.as_deref())?),
    };
    let mut predictor = Predictor::new(checkpoint, args.top_k)?;
    let info = &predictor.info;
    let (width, height) = (predictor.size.width, predictor.size.height);
    // Photographs of garments are made to look like Fashion-MNIST. In a custom dataset, tones may matter.
    let is_custom = DatasetKind::of_model(info).is_ok_and(DatasetKind::is_custom);
    let load = if is_custom { picture::load_plain } else { picture::load };
    for path in pictures {
        let pixels = load(&path, width as u32, height as u32)?;
        predictor.show(&path.display().to_string(), &pixels, None, console)?;
    }
    if let Some(source) = source {
        let dataset = data::obtain(&source, console)?;
        data::check_fits(&predictor.info, &dataset, console)?;
        let (test, names) = (dataset.test, dataset.class_names);
        for index in args.index {
            let (Some(pixels), Some(&label)) = (test.images.get(index), test.labels.get(index))
            else {
                let last = test.images.count.saturating_sub(1);
                return Err(Usage::error(format!("--index {index}: the test set ends at {last}")));
            };
            let actual = names.get(usize::from(label)).map(|name| (label, name.as_str()));
            predictor.show(&format!("test image {index}"), pixels, actual, console)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Predictor {
    /// With averaged weights, or those of the best epoch, if the run has them.
    model: Model,
    info: ModelInfo,
    size: Shape,
    scaling: Scaling,
    class_names: Vec<String>,
    workspace: Workspace,
    top_k: usize,
}

impl Predictor {
    fn new(checkpoint: Checkpoint, top_k: u16) -> anyhow::Result<Self> {
        let model = checkpoint.inference_model()?;
        let info = checkpoint.info;
        Ok(Self {
            size: data::image_size(&info)?,
            scaling: data::scaling(&info)?,
            class_names: data::class_names(&info, &model),
            workspace: Workspace::inference(&model, 1),
            top_k: usize::from(top_k),
            model,
            info,
        })
    }

    /// The probabilities of an image, averaged with those of its mirror image if the model asks for it.
    fn probabilities(&mut self, pixels: &[u8]) -> Vec<f32> {
        let Self { model, info, size, workspace, .. } = self;
        let scaling = self.scaling;
        workspace.set_input_bytes(1, scaling, |_| pixels);
        let mut probabilities: Vec<f32> = model.forward(workspace).iter().copied().collect();
        if info.input.mirror {
            let mut mirrored = pixels.to_vec();
            mirrored.chunks_mut(size.width).for_each(<[u8]>::reverse);
            workspace.set_input_bytes(1, scaling, |_| &mirrored);
            for (p, &other) in probabilities.iter_mut().zip(model.forward(workspace).iter()) {
                *p = 0.5 * (*p + other);
            }
        }
        probabilities
    }

    /// Classifies one image and prints the answer, with the true class if it is known.
    fn show(
        &mut self,
        input: &str,
        pixels: &[u8],
        actual: Option<(u8, &str)>,
        console: &mut Console,
    ) -> anyhow::Result<()> {
        if pixels.len() != self.model.inputs() {
            let (expected, found) = (self.model.inputs(), pixels.len());
            anyhow::bail!("{input}: the model takes {expected} pixels, the image has {found}");
        }
        let probabilities = self.probabilities(pixels);
        if !probabilities.iter().all(|probability| probability.is_finite()) {
            anyhow::bail!(
                "{input}: the model's probabilities are not finite; its weights are too large"
            );
        }

        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let (names, top_k) = (&self.class_names, self.top_k);
        let class = order[0];
        let actual = actual.map(|(label, name)| (usize::from(label), name));
        console.result(
            || {
                let guesses: Vec<String> = order
                    .iter()
                    .take(top_k)
                    .map(|&class| format!("{} {:.1}%", names[class], 100.0 * probabilities[class]))
                    .collect();
                let truth = match actual {
                    Some((actual, _)) if actual == class => " (right)".into(),
                    Some((_, name)) => format!(" (it is: {name})"),
                    None => String::new(),
                };
                format!("{input}: {}{truth}", guesses.join(", "))
            },
            || {
                let mut line = json!({
                    "input": input,
                    "class": class,
                    "label": names[class],
                    "confidence": probabilities[class],
                    "probabilities": probabilities,
                });
                if let Some((actual, _)) = actual {
                    line["actual"] = actual.into();
                }
                line
            },
        )?;
        Ok(())
    }
}
