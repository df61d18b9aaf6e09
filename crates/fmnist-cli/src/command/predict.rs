//! `fmnist predict`: what a picture, or an image of the test set, shows.

use std::{path::PathBuf, process::ExitCode};

use fmnist_data::picture;
use nn_core::{Model, Workspace};
use nn_io::{Checkpoint, ModelInfo};
use serde_json::json;

use crate::{
    bundled,
    console::Console,
    data,
    exit::Usage,
    source::{Choice, Source},
};

/// Say what pictures show
///
/// Takes PNG and JPEG files of any size, dark on light or light on dark, or images of the test set
/// by index. A model that was trained on data of one's own takes pictures in their tones and with their
/// margins, fitted into its size. Example: fmnist predict photo.png
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Pictures; a model as the first file is the one to ask [default: the one built into this
    /// program]
    #[arg(value_name = "[MODEL] IMAGE", required_unless_present = "index")]
    files: Vec<PathBuf>,

    /// Images of the test set, the first being 0
    #[arg(long, value_name = "N", value_delimiter = ',')]
    index: Vec<usize>,

    /// How many classes to name of each image, the most probable first
    #[arg(long, value_name = "K", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,

    /// The directory of the dataset's files [env: FMNIST_DATA_DIR, of Fashion-MNIST alone]
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
        _ => Some(Source::of_model(&checkpoint.info, args.data_dir.as_deref())?),
    };
    let mut predictor = Predictor::new(checkpoint, args.top_k)?;
    let info = &predictor.info;
    let input = info.input;
    // Garments are made to look like the dataset's; of what else a model knows, the tones may matter.
    let is_own = Choice::of_model(info).is_ok_and(Choice::is_own);
    let load = if is_own { picture::load_plain } else { picture::load };
    for path in pictures {
        let pixels = load(&path, input.width as u32, input.height as u32)?;
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
    /// Averaged, or of the best epoch, where the run says so.
    model: Model,
    info: ModelInfo,
    workspace: Workspace,
    top_k: usize,
}

impl Predictor {
    fn new(checkpoint: Checkpoint, top_k: u16) -> anyhow::Result<Self> {
        let model = checkpoint.inference_model()?;
        let workspace = Workspace::inference(&model, 1);
        Ok(Self { model, info: checkpoint.info, workspace, top_k: usize::from(top_k) })
    }

    /// What the model says of an image; where it judges it with its mirror image, the mean of both.
    fn probabilities(&mut self, pixels: &[u8]) -> Vec<f32> {
        let Self { model, info, workspace, .. } = self;
        let scaling = data::scaling(info);
        workspace.set_input_bytes(1, scaling, |_| pixels);
        let mut probabilities: Vec<f32> = model.forward(workspace).iter().copied().collect();
        if info.input.mirror {
            let mut mirrored = pixels.to_vec();
            mirrored.chunks_mut(info.input.width).for_each(<[u8]>::reverse);
            workspace.set_input_bytes(1, scaling, |_| &mirrored);
            for (p, &other) in probabilities.iter_mut().zip(model.forward(workspace).iter()) {
                *p = 0.5 * (*p + other);
            }
        }
        probabilities
    }

    /// Predicts one image and writes the answer, with the truth where it is known.
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
                "{input}: the model gives no finite probabilities; its weights are too large"
            );
        }

        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let (names, top_k) = (&self.info.class_names, self.top_k);
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
