//! What `fmnist evaluate` shows: as text within 80 columns, as JSON, and as a table.

use fmnist::{Answers, Evaluation};
use nn_core::metric::{ClassScores, Scores, wilson_interval};
use serde::Serialize;

use super::SplitName;
use crate::{
    console::View,
    outside::Outside,
    text::{shortened, thousands},
};

/// The most columns of the confusion matrix as text.
const WIDTH: usize = 80;

/// The most columns of a class's name.
const NAME: usize = 20;

/// The number of pairs of classes that are listed.
const PAIRS: usize = 5;

/// The name of the average in which a class counts as many times as it has images.
const WEIGHTED: &str = "weighted average";

/// An evaluation. `loss` is the cross-entropy. Scores are `null` if a class has no images. In the confusion matrix, rows are
/// true classes.
#[derive(Serialize)]
pub(super) struct EvaluationView {
    #[serde(skip)]
    model: String,
    dataset: Outside,
    split: SplitName,
    samples: u64,
    loss: f64,
    accuracy: f64,
    accuracy_interval: [f64; 2],
    top_3: f64,
    classes: Vec<ClassView>,
    macro_average: ScoresView,
    weighted_average: ScoresView,
    confusion: Vec<Vec<u64>>,
    confused: Vec<ConfusedView>,
    calibration_error: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration_error_before: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<f64>,
}

#[derive(Serialize)]
struct ClassView {
    class: Outside,
    images: u64,
    #[serde(flatten)]
    scores: ScoresView,
    recall_interval: Option<[f64; 2]>,
}

#[derive(Serialize)]
struct ScoresView {
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
}

/// How often images of a class were taken for another.
#[derive(Serialize)]
struct ConfusedView {
    class: Outside,
    answer: Outside,
    images: u64,
}

impl ScoresView {
    fn new(scores: Option<Scores>) -> Self {
        let score = |score: fn(Scores) -> f64| scores.map(score).filter(|it| it.is_finite());
        Self {
            precision: score(|it| it.precision),
            recall: score(|it| it.recall),
            f1: score(|it| it.f1),
        }
    }

    /// The scores with this many digits; `-` for those that there are not.
    fn digits(&self, digits: usize) -> [String; 3] {
        [self.precision, self.recall, self.f1]
            .map(|score| score.map_or_else(|| "-".into(), |score| format!("{score:.digits$}")))
    }
}

impl EvaluationView {
    /// `model` is its name and those of its classes, `images` the dataset and its split.
    pub(super) fn new(
        model: (String, &[String]),
        images: (&str, SplitName),
        evaluation: &Evaluation,
        answers: &Answers,
    ) -> Self {
        let Evaluation { sums, confusion } = evaluation;
        let ((model, names), (dataset, split)) = (model, images);
        let name = |class: usize| Outside::from(names.get(class).map_or("", String::as_str));
        let classes = confusion.classes().into_iter().zip(confusion.rows()).enumerate();
        let classes = classes.map(|(class, (ClassScores { n_samples, scores }, row))| ClassView {
            class: name(class),
            images: n_samples,
            scores: ScoresView::new(scores),
            recall_interval: scores.map(|_| wilson_interval(row[class], n_samples)),
        });
        let confused = confusion.confused().into_iter();
        let confused = confused.map(|(actual, predicted, images)| ConfusedView {
            class: name(actual),
            answer: name(predicted),
            images,
        });
        let reliability = answers.reliability();
        Self {
            model,
            dataset: Outside::from(dataset),
            split,
            samples: sums.n_samples,
            loss: sums.mean_loss(),
            accuracy: sums.accuracy(),
            accuracy_interval: wilson_interval(sums.correct, sums.n_samples),
            top_3: answers.top(3),
            classes: classes.collect(),
            macro_average: ScoresView::new(Some(confusion.macro_average())),
            weighted_average: ScoresView::new(Some(confusion.weighted_average())),
            confusion: confusion.rows().map(<[u64]>::to_vec).collect(),
            confused: confused.take(PAIRS).collect(),
            calibration_error: answers.calibration_error(),
            calibration_error_before: reliability.map(|it| it.error_before),
            rejected: reliability.map(|it| it.rejected),
        }
    }

    /// The scores and the confusion matrix, with a row for each class and the names of the columns first.
    pub(super) fn table(&self) -> Vec<Vec<String>> {
        let names = self.classes.iter().map(|class| class.class.to_string());
        let head = ["class", "images", "precision", "recall", "f1"].map(String::from);
        let head = head.into_iter().chain(names.map(|name| format!("as {name}"))).collect();
        let rows = self.classes.iter().zip(&self.confusion).map(|(class, counts)| {
            let scores = [class.scores.precision, class.scores.recall, class.scores.f1];
            let scores = scores.map(|score| score.map_or_else(String::new, |it| it.to_string()));
            let first = [class.class.to_string(), class.images.to_string()];
            let counts = counts.iter().map(u64::to_string);
            first.into_iter().chain(scores).chain(counts).collect()
        });
        std::iter::once(head).chain(rows).collect()
    }

    /// The name of each class, short enough for a table.
    fn names(&self) -> Vec<String> {
        self.classes.iter().map(|class| shortened(&class.class.to_string(), NAME)).collect()
    }

    /// The columns of the names.
    fn width(&self) -> usize {
        let widths = self.names().into_iter().map(|name| name.chars().count());
        widths.max().unwrap_or(0).max(WEIGHTED.len())
    }

    /// The scores of each class, and their averages.
    fn scores(&self) -> String {
        let width = self.width();
        let row = |name: &str, images: u64, scores: &ScoresView| {
            let [precision, recall, f1] = scores.digits(3);
            let images = thousands(images);
            format!("{name:width$}  {images:>7}  {precision:>9}  {recall:>6}  {f1:>5}\n")
        };
        let names = self.names();
        let classes = names.iter().zip(&self.classes);
        let rows: String =
            classes.map(|(name, class)| row(name, class.images, &class.scores)).collect();
        let averages = row("macro average", self.samples, &self.macro_average)
            + &row(WEIGHTED, self.samples, &self.weighted_average);
        self.scores_head() + "\n" + &rows + &averages
    }

    fn scores_head(&self) -> String {
        let width = self.width();
        format!("{:width$}   images  precision  recall     F1", "")
    }

    /// The confusion matrix, unless it is too wide.
    fn matrix(&self) -> Option<String> {
        let n = self.classes.len();
        let largest = self.confusion.iter().flatten().max().copied().unwrap_or(0);
        let digits = largest.to_string().len().max(n.to_string().len());
        let numbered = self.names().into_iter().enumerate();
        let names: Vec<String> = numbered.map(|(class, name)| format!("{class} {name}")).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let cell = [digits + 2, digits + 1].into_iter().find(|cell| width + n * cell <= WIDTH)?;
        let cells = |cells: &mut dyn Iterator<Item = String>| -> String {
            cells.map(|text| format!("{text:>cell$}")).collect()
        };
        let head = cells(&mut (0..n).map(|class| class.to_string()));
        let mut text = format!(
            "Answers (columns) to the images of each class (rows):\n\n{:width$}{head}\n",
            ""
        );
        for (name, row) in names.iter().zip(&self.confusion) {
            let count = |&count: &u64| if count == 0 { ".".into() } else { count.to_string() };
            text += &format!("{name:width$}{}\n", cells(&mut row.iter().map(count)));
        }
        Some(text)
    }

    /// The pairs of classes that are confused most often.
    fn pairs(&self) -> String {
        let pairs = self.confused.iter().map(|ConfusedView { class, answer, images }| {
            let [class, answer] = [class, answer].map(|name| shortened(&name.to_string(), NAME));
            format!("{:>7}  {class} as {answer}\n", thousands(*images))
        });
        format!("Most often confused:\n\n{}", pairs.collect::<String>())
    }

    /// The totals.
    fn summary(&self) -> String {
        let Self { model, dataset, samples, loss, accuracy, top_3, .. } = self;
        let split = match self.split {
            SplitName::Test => "test",
            SplitName::Train => "train",
        };
        let [low, high] = self.accuracy_interval;
        let top_3 = match self.classes.len() {
            ..=3 => String::new(),
            _ => format!(", top-3 {top_3:.4}"),
        };
        let images = format!("{} {split} images of {dataset}", thousands(*samples));
        let calibration = match (self.calibration_error_before, self.rejected) {
            (Some(before), Some(rejected)) => {
                let rejected = 100.0 * rejected;
                format!(" (without the temperature: {before:.4}); not sure of {rejected:.1} %")
            }
            _ => String::new(),
        };
        format!(
            "{model} on {images}:\n\
             cross-entropy {loss:.4}, accuracy {accuracy:.4} (95 %: {low:.4} to {high:.4}){top_3}\n\
             calibration error {:.4}{calibration}",
            self.calibration_error
        )
    }
}

impl View for EvaluationView {
    fn text(&self) -> String {
        let scores = self.scores();
        let matrix = self.matrix().unwrap_or_else(|| {
            "The confusion matrix is too wide to show; --format csv and json have it.\n".into()
        });
        let pairs = match self.confused.is_empty() {
            true => String::new(),
            false => self.pairs() + "\n",
        };
        format!("{scores}\n{matrix}\n{pairs}{}", self.summary())
    }

    fn head(&self) -> Option<String> {
        Some(self.scores_head())
    }
}
