//! The answers of a classifier to a whole split.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fmnist::{Adam, Classifier, Dataset, Model, RunConfig, Split, Threads, Trainer, garments};

fn data() -> Dataset {
    garments::synthetic(0, 2000, 400)
}

/// A classifier of synthetic garments that averages predictions for mirror images.
fn trained(data: &Dataset) -> Classifier {
    let config = RunConfig { tta_flip: true, batch_size: 50, ..RunConfig::default() };
    let mut trainer = Trainer::builder(Model::classifier(&[784, 32, 10]).unwrap())
        .optimizer(Adam::default())
        .learning_rate(1e-3)
        .config(config)
        .build()
        .unwrap();
    trainer.fit(&data.train, None, 20).unwrap();
    trainer.classifier().unwrap()
}

#[test]
fn they_agree_with_the_evaluation() {
    let data = data();
    let classifier = trained(&data);
    let answers = classifier.answers(&data.test).unwrap();
    let evaluation = classifier.evaluate(&data.test, &Threads::new(1).unwrap()).unwrap();
    assert_eq!(answers.confusion(), evaluation.confusion);
    let accuracy = evaluation.sums.accuracy();
    assert_eq!(answers.top(1), accuracy);
    assert!(accuracy < 1.0 && answers.top(2) > accuracy, "top-1 {accuracy}");
    assert_eq!(answers.top(10), 1.0);
    assert_eq!(answers.reliability(), None);

    let wrong = data.test.len() - evaluation.sums.correct as usize;
    let mistakes = answers.mistakes();
    assert_eq!(mistakes.len(), wrong);
    assert!(mistakes.is_sorted_by(|(_, a), (_, b)| a.confidence >= b.confidence));
    for &(index, answer) in &mistakes {
        let first = &classifier.classify_pixels(data.test.images.get(index).unwrap()).unwrap()[0];
        let found = (first.class, first.probability);
        assert_eq!(found, (usize::from(answer.class), answer.confidence));
        assert_eq!(answer.label, data.test.labels[index]);
    }
}

/// A label that the model has no class for is an error, and an empty set has no reliability.
#[test]
fn labels_must_be_classes_of_the_model() {
    let data = data();
    let classifier = trained(&data);
    let mut test: Split = data.test.clone();
    test.labels[7] = 10;
    let error = classifier.answers(&test).unwrap_err().to_string();
    assert!(error.contains("10") && error.contains("11"), "{error}");
}

/// Wrong labels are found among the most doubtful ones.
#[test]
fn wrong_labels_are_doubtful() {
    let data = data();
    let classifier = trained(&data);
    let right = classifier.answers(&data.test).unwrap();
    let sure = |index: &usize| right.as_slice()[*index].of_label > 0.99;
    let changed: Vec<usize> = (0..data.test.len()).filter(sure).step_by(5).collect();
    let mut test: Split = data.test.clone();
    changed.iter().for_each(|&index| test.labels[index] = (test.labels[index] + 1) % 10);
    let doubtful = classifier.answers(&test).unwrap().doubtful_labels();
    let found: Vec<usize> = doubtful.iter().map(|&(index, _)| index).collect();
    assert!(changed.len() > 5, "{changed:?}");
    assert!(changed.iter().all(|index| found.contains(index)), "{changed:?}, found {found:?}");
    assert!(found.len() < 2 * changed.len(), "{changed:?}, found {found:?}");
    assert!(doubtful.is_sorted_by(|(_, a), (_, b)| a.of_label <= b.of_label));
}
