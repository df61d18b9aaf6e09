//! Pages about models of synthetic garments.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;

use fmnist::{Adam, Checkpoint, Dataset, Model, Threads, Trainer, garments};
use fmnist_report::{Page, Subject};

const MADE: &str = "2026-12-01 12:00:00 UTC";

fn data() -> Dataset {
    garments::synthetic(0, 600, 300)
}

/// A run with this number of hidden units.
fn trained(data: &Dataset, hidden: usize) -> Checkpoint {
    let (train, held_out) = data.train.clone().hold_out(100);
    let mut trainer = Trainer::builder(Model::classifier(&[784, hidden, 10]).unwrap())
        .optimizer(Adam::default())
        .learning_rate(1e-3)
        .batch_size(50)
        .build()
        .unwrap();
    trainer.fit(&train, Some(&held_out), 3).unwrap();
    let dir = tempfile::tempdir().unwrap();
    trainer.save(dir.path().join("m.model")).unwrap();
    Checkpoint::load(dir.path().join("m.model")).unwrap()
}

fn subject(name: &str, checkpoint: Checkpoint, data: &Dataset, epochs: &str) -> Subject {
    let settings = vec![("epochs".into(), epochs.into()), ("hidden".into(), "16".into())];
    Subject::new(name, checkpoint, settings, &data.test, &Threads::new(1).unwrap()).unwrap()
}

fn html(subjects: &[Subject], data: &Dataset) -> String {
    Page { images: "300 test images", made: MADE, subjects, split: &data.test }.html().unwrap()
}

/// The values of an attribute.
fn values<'a>(html: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap())
}

#[test]
fn a_page_has_the_numbers_of_the_evaluation() {
    let data = data();
    let subject = subject("m.model", trained(&data, 16), &data, "3");
    let evaluation = subject.evaluation().clone();
    let html = html(&[subject], &data);
    let accuracy = format!("<dd>{:.4} (", evaluation.sums.accuracy());
    assert!(html.contains(&accuracy), "{accuracy}");
    assert!(html.contains("300 test images. Made on 2026-12-01"), "the images and the time");
    // Every count of mistakes leads to its pictures, the first 12 of them.
    let ids: HashSet<&str> = values(&html, " id=\"").collect();
    let links: Vec<&str> = values(&html, "href=\"#").collect();
    assert!(!links.is_empty() && links.iter().all(|link| ids.contains(link)), "{links:?}");
    for (actual, row) in evaluation.confusion.rows().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            if actual == predicted || count == 0 {
                continue;
            }
            let id = format!("m0-{actual}-{predicted}");
            assert!(html.contains(&format!("<a href=\"#{id}\" aria-label=")), "{id}");
            let pair = html.split(&format!("id=\"{id}\"")).nth(1).unwrap();
            let pair = pair.split("</section>").next().unwrap();
            assert_eq!(pair.matches("<img ").count() as u64, count.min(12), "{id}");
        }
    }
    // Three epochs, in the curves and in words.
    assert!(html.contains("Learning curves") && html.contains("<th scope=\"row\">3</th>"));
    assert_eq!(html.matches("alt=\"weights of unit ").count(), 16);
}

/// The page works from a file, without a network and without scripts.
#[test]
fn a_page_is_self_contained() {
    let data = data();
    let html = html(&[subject("m.model", trained(&data, 16), &data, "3")], &data);
    assert!(values(&html, "src=\"").all(|it| it.starts_with("data:image/png;base64,")));
    assert!(!html.contains("<script") && !html.contains("url(") && !html.contains("@import"));
    assert!(!html.contains("http://") && !html.contains("https://"));
    assert!(html.contains("Content-Security-Policy\" content=\"default-src 'none';"));
}

/// Text from a model file, and names of files, are only text.
#[test]
fn hostile_names_are_text() {
    let data = data();
    let hostile = "<script>alert(1)</script>\"onload='x'&amp;";
    let mut checkpoint = trained(&data, 16);
    checkpoint.info.class_names = (0..10).map(|class| format!("{class}{hostile}")).collect();
    checkpoint.info.producer = hostile.into();
    let mut dataset = checkpoint.info.dataset.take().unwrap();
    (dataset.name, dataset.directory) = (hostile.into(), Some(hostile.into()));
    checkpoint.info.dataset = Some(dataset);
    let threads = Threads::new(1).unwrap();
    let settings = vec![(hostile.to_owned(), hostile.to_owned())];
    let new = |checkpoint| {
        Subject::new(hostile, checkpoint, settings.clone(), &data.test, &threads).unwrap()
    };
    let subjects = [new(checkpoint.clone()), new(checkpoint)];
    let page = Page { images: hostile, made: hostile, subjects: &subjects, split: &data.test };
    let html = page.html().unwrap();
    assert!(!html.contains("<script") && !html.contains("\"onload"), "not escaped");
    assert!(html.contains("0&#60;script&#62;alert(1)"), "the names are shown");
}

#[test]
fn models_are_compared() {
    let data = data();
    let first = subject("one.model", trained(&data, 16), &data, "3");
    let second = subject("two.model", trained(&data, 8), &data, "4");
    let classes = |subject: &Subject| subject.evaluation().confusion.clone();
    assert_ne!(classes(&first), classes(&second));
    let html = html(&[first, second], &data);
    // Only the settings that differ are in the table.
    let differ = html.split("aria-label=\"Settings that differ\"").nth(1).unwrap();
    let differ = differ.split("</section>").next().unwrap();
    assert!(differ.contains("<td>3</td><td>4</td>") && !differ.contains("hidden"), "{differ}");
    let n: usize = html
        .split("different answers to ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let shown = html.split("Different answers").nth(1).unwrap().split("</section>").next().unwrap();
    assert_eq!(shown.matches("<img ").count(), n.min(48));
    assert_eq!(shown.matches("one.model: ").count(), n.min(48));
    assert!(html.contains("two.model: held out") && html.contains("id=\"m1-"), "both models");
}

/// The answers must be to the images of the page.
#[test]
fn answers_to_other_images_are_refused() {
    let data = data();
    let subject = subject("m.model", trained(&data, 16), &data, "3");
    let (_, other) = data.test.clone().hold_out(100);
    let page = Page { images: "images", made: MADE, subjects: &[subject], split: &other };
    let error = page.html().unwrap_err().to_string();
    assert!(error.contains("expected answers to 100 images, found 300"), "{error}");
}

/// A file for inference has no history and no settings.
#[test]
fn a_model_for_inference_has_a_page() {
    let data = data();
    let checkpoint = trained(&data, 16).into_inference().unwrap();
    let threads = Threads::new(1).unwrap();
    let subject = Subject::new("m.model", checkpoint, Vec::new(), &data.test, &threads).unwrap();
    let html = html(&[subject], &data);
    assert!(!html.contains("Learning curves") && html.contains("for inference only"));
}
