//! The part of the page about one model.

use fmnist::{LabelledAnswer, Split};
use nn_core::metric::{ClassScores, wilson_interval};
use nn_train::EpochRecord;

use crate::{
    Error, Fact, Subject,
    chart::{Chart, Series},
    matrix::{self, Matrix},
    percent,
    picture::{self, Picture},
    thousands, weights,
};

/// The most epochs of the table.
const MAX_EPOCHS: usize = 200;

/// The number of mistakes, of doubtful labels and of confused pairs that are shown.
const MAX_SHOWN: usize = 24;
const PAIRS: usize = 8;

/// The part about one model.
#[derive(askama::Template)]
#[template(path = "model.html")]
pub(crate) struct ModelPart {
    pub(crate) name: String,
    headlines: Vec<Fact>,
    curves: Vec<Chart>,
    epochs: Vec<Epoch>,
    best: Option<String>,
    /// Whether the file has the run, and not only the model.
    has_run: bool,
    matrix: Option<Matrix>,
    classes: Vec<Class>,
    confused: Vec<String>,
    calibration: Chart,
    mistakes: Vec<Picture>,
    doubtful: Vec<Picture>,
    /// Units and their pictures.
    weights: Vec<(usize, String)>,
    passport: Vec<Fact>,
    settings: Vec<Fact>,
}

/// An epoch in words.
struct Epoch {
    number: usize,
    train: [String; 2],
    held_out: [String; 2],
    rate: String,
}

/// The scores of a class.
struct Class {
    name: String,
    images: u64,
    precision: String,
    recall: String,
    interval: String,
    f1: String,
}

impl ModelPart {
    pub(crate) fn new(
        index: usize,
        subject: &Subject,
        split: &Split,
        max_pictures: usize,
    ) -> Result<Self, Error> {
        let Subject { checkpoint, evaluation, answers, class_names, .. } = subject;
        let confusion = &evaluation.confusion;
        let history = history(subject);
        let confused = confusion.confused().into_iter().take(PAIRS);
        let show = |found: Vec<(usize, LabelledAnswer)>| -> Result<Vec<Picture>, Error> {
            found.into_iter().take(MAX_SHOWN).map(|found| wrong(subject, split, found)).collect()
        };
        let state = checkpoint.training.as_ref();
        Ok(Self {
            name: subject.name().into(),
            headlines: headlines(subject),
            curves: curves(&[("", subject)], true),
            epochs: epochs(history),
            has_run: state.is_some(),
            best: best(subject),
            matrix: Matrix::new(&format!("m{index}"), subject, split, max_pictures)?,
            classes: confusion
                .classes()
                .into_iter()
                .zip(confusion.rows())
                .enumerate()
                .map(|(class, (scores, row))| class_scores(&class_names[class], scores, row[class]))
                .collect(),
            confused: confused.map(|it| matrix::sentence(class_names, confusion, it)).collect(),
            calibration: calibration(subject),
            mistakes: show(answers.mistakes())?,
            doubtful: show(answers.doubtful_labels())?,
            weights: match checkpoint.info.input.image {
                Some(image) => weights::pictures(&subject.model, image)?,
                None => Vec::new(),
            },
            passport: passport(subject)?,
            settings: subject.settings.iter().map(|(name, value)| Fact::new(name, value)).collect(),
        })
    }
}

fn history(subject: &Subject) -> &[EpochRecord] {
    subject.checkpoint.training.as_ref().map_or(&[], |state| &state.history)
}

/// The numbers that come first.
pub(crate) fn headlines(subject: &Subject) -> Vec<Fact> {
    let Subject { checkpoint, evaluation, answers, class_names, .. } = subject;
    let sums = evaluation.sums;
    let [low, high] = wilson_interval(sums.correct, sums.n_samples);
    let accuracy = format!("{:.4} ({low:.4} to {high:.4})", sums.accuracy());
    let mut facts = vec![
        Fact::new("accuracy (95 % confidence interval)", accuracy),
        Fact::new("cross-entropy", format!("{:.4}", sums.mean_loss())),
        Fact::new("macro F1", format!("{:.4}", evaluation.confusion.macro_average().f1)),
        Fact::new("calibration error", format!("{:.4}", answers.calibration_error())),
        Fact::new("parameters", thousands(checkpoint.model.params().len())),
    ];
    if class_names.len() > 3 {
        facts.insert(1, Fact::new("top-3 accuracy", format!("{:.4}", answers.top(3))));
    }
    if let Some(reliability) = answers.reliability() {
        facts.push(Fact::new("unsure answers", percent(reliability.rejected)));
    }
    facts
}

/// The learning curves of models: on the held-out images and, if asked, on the training images as well. Without held-out
/// images, they are on the training images alone. The name of a line begins with that of its model.
pub(crate) fn curves(subjects: &[(&str, &Subject)], has_training: bool) -> Vec<Chart> {
    let chart = |name: &str, value: fn(&nn_train::Metrics) -> f64| {
        let mut series = Vec::new();
        for (prefix, subject) in subjects {
            let mut add = |set: &str, metric: &dyn Fn(&EpochRecord) -> Option<f64>| {
                let points = (1_u32..).zip(history(subject));
                let points: Vec<(f64, f64)> = points
                    .filter_map(|(epoch, record)| Some((epoch.into(), metric(record)?)))
                    .filter(|(_, y)| y.is_finite())
                    .collect();
                if !points.is_empty() {
                    let name = format!("{prefix}{set}");
                    series.push(Series { name, points, is_marked: false });
                }
            };
            let has_held_out = history(subject).iter().any(|record| record.validation.is_some());
            if has_training || !has_held_out {
                add("training", &|record| Some(value(&record.train)));
            }
            add("held out", &|record| record.validation.as_ref().map(value));
        }
        Chart::by_epoch(name, series)
    };
    let charts = [chart("loss", |it| it.loss), chart("accuracy", |it| it.accuracy)];
    charts.into_iter().flatten().collect()
}

/// The epochs in words; of a long run, some of them.
fn epochs(history: &[EpochRecord]) -> Vec<Epoch> {
    let every = history.len().div_ceil(MAX_EPOCHS).max(1);
    let is_shown = |&(index, _): &(usize, &EpochRecord)| {
        (index + 1).is_multiple_of(every) || index + 1 == history.len()
    };
    history.iter().enumerate().filter(is_shown).map(epoch).collect()
}

/// Which epoch was the best, and of which weights the results are.
fn best(subject: &Subject) -> Option<String> {
    let state = subject.checkpoint.training.as_ref()?;
    let best = state.config.monitor.best_epoch(&state.history)? + 1;
    let weights = match (&state.best, &state.average) {
        (Some(_), _) => "of its weights",
        (None, Some(_)) => "of the averaged weights",
        (None, None) => "of the weights after the last epoch",
    };
    Some(format!("Epoch {best} was the best. The results on this page are {weights}."))
}

fn epoch((index, record): (usize, &EpochRecord)) -> Epoch {
    let metrics =
        |it: nn_train::Metrics| [format!("{:.4}", it.loss), format!("{:.4}", it.accuracy)];
    Epoch {
        number: index + 1,
        train: metrics(record.train),
        held_out: record.validation.map_or_else(Default::default, metrics),
        rate: format!("{:.3e}", record.learning_rate),
    }
}

fn class_scores(name: &str, ClassScores { n_samples, scores }: ClassScores, right: u64) -> Class {
    let digits = |score: Option<f64>| score.map_or_else(|| "–".into(), |it| format!("{it:.3}"));
    let [low, high] = wilson_interval(right, n_samples);
    Class {
        name: name.into(),
        images: n_samples,
        precision: digits(scores.map(|it| it.precision)),
        recall: digits(scores.map(|it| it.recall)),
        interval: scores.map_or_else(String::new, |_| format!("{low:.3} to {high:.3}")),
        f1: digits(scores.map(|it| it.f1)),
    }
}

/// How often answers are right, by their confidence.
fn calibration(subject: &Subject) -> Chart {
    let bins = subject.answers.calibration();
    let points = bins.iter().filter(|bin| bin.n > 0).map(|bin| {
        let n = bin.n as f64;
        (bin.confidence / n, bin.right / n)
    });
    let series = Series { name: "answers".into(), points: points.collect(), is_marked: true };
    Chart::of_shares("share of right answers", "confidence", vec![series])
}

fn wrong(
    subject: &Subject,
    split: &Split,
    (index, answer): (usize, LabelledAnswer),
) -> Result<Picture, Error> {
    let (label, class) = (subject.class(answer.label), subject.class(answer.class));
    Ok(Picture {
        source: picture::of_dataset(&split.images, index)?,
        name: format!("image {index}, {label}"),
        caption: vec![
            format!("{class} {}", percent(answer.confidence.into())),
            format!("is {label} ({})", percent(answer.of_label.into())),
            format!("image {index}"),
        ],
    })
}

/// What identifies the model and its run.
fn passport(subject: &Subject) -> Result<Vec<Fact>, Error> {
    let checkpoint = &subject.checkpoint;
    let info = &checkpoint.info;
    let layers = checkpoint.model.layers().iter();
    let layers = layers.map(|it| format!("{} {}", it.layer.name(), it.place.output.len()));
    let mut facts = vec![
        Fact::new("written by", &info.producer),
        Fact::new("format", info.version()),
        Fact::new("instruction set", &info.instruction_set),
        Fact::new("layers", layers.collect::<Vec<_>>().join(", ")),
        Fact::new("weights (SHA-256)", checkpoint.view().weights_sha256()),
        Fact::new("state (SHA-256)", checkpoint.view().state_sha256()?),
    ];
    if let Some(dataset) = &info.dataset {
        facts.push(Fact::new("dataset", dataset));
        facts.push(Fact::new("dataset (SHA-256)", &dataset.sha256));
        facts.push(Fact::new("held-out images", info.n_validation));
    }
    if let Some(state) = &checkpoint.training {
        facts.push(Fact::new("arithmetic", state.config.arithmetic.name()));
        facts.push(Fact::new("seed", state.config.seed));
        facts.push(Fact::new("epochs", state.progress.epoch));
        facts.push(Fact::new("steps", state.optimizer.step()));
    }
    Ok(facts)
}
