//! Folders in the arrangements that people have, and pictures in colour.

use super::*;

/// A directory with these pictures. The level of a picture is its place in the list.
fn pictures(names: &[&str]) -> TempDir {
    let dir = directory(&[]);
    for (i, name) in names.iter().enumerate() {
        put(&dir, &format!("{name}.png"), &png(grey(i as u8)));
    }
    dir
}

/// The set of [`parted`] under other names is the same set.
#[track_caller]
fn is_parted(rename: impl Fn(&str) -> String) {
    let names = ["train/a/1", "train/a/2", "train/b/1", "train/b/2", "test/a/1", "test/b/1"];
    let renamed = names.map(rename);
    let found = load(&pictures(&renamed.each_ref().map(String::as_str))).unwrap();
    assert_eq!(found.info.sha256, load(&parted()).unwrap().info.sha256, "{renamed:?}");
    assert_eq!(found.notes, []);
}

#[test]
fn parts_have_other_names() {
    is_parted(|name| name.replace("train/", "Train/").replace("test/", "TEST/"));
    is_parted(|name| name.replace("train/", "training/").replace("test/", "Testing/"));
}

#[test]
fn folders_may_lie_around_and_below() {
    is_parted(|name| format!("archive/{name}"));
    is_parted(|name| format!("a/b/c/d/{name}"));
    is_parted(|name| name.replace("/1", "/more/1").replace("/2", "/more/and/more/2"));
}

/// Files that systems put into folders, at every level.
#[test]
fn litter_is_ignored() {
    let dir = parted();
    let expected = load(&dir).unwrap().info.sha256.clone();
    for name in ["__MACOSX/a/._1.png", "train/__MACOSX/1.png", "train/a/Thumbs.db"] {
        put(&dir, name, b"litter");
    }
    for name in ["test/a/thumbs.db", "train/b/desktop.ini", "desktop.ini", "train/b/Icon\r"] {
        put(&dir, name, b"litter");
    }
    assert_eq!(load(&dir).unwrap().info.sha256, expected);
    // A folder around, with litter beside the set.
    let around =
        pictures(&["set/x/1", "set/x/2", "set/x/3", "set/x/4", "set/x/5", "set/x/6", "set/y/1"]);
    put(&around, "__MACOSX/x/._1.png", b"litter");
    assert_eq!(load(&around).unwrap().info.class_names, ["x", "y"]);
}

/// Folders next to the parts are named, since one may be a part with a misspelt name.
#[test]
fn folders_that_are_not_read_are_named() {
    let dir = parted();
    put(&dir, "valdation/a/1.png", &png(grey(1)));
    let notes = load(&dir).unwrap().notes;
    assert_eq!(notes, [Note::Unread(vec!["valdation".into()])]);
    assert_eq!(notes[0].to_string(), "next to the dataset, but not read: valdation");
}

/// Validation images are the last ones of the training set, so that a run holds them out.
#[test]
fn validation_images_are_the_last() {
    let names = ["a/1", "a/2", "b/1", "b/2"].map(|name| format!("train/{name}"));
    let others = ["valid/a/1", "valid/b/1", "test/a/1", "test/b/1"];
    let names: Vec<&str> = names.iter().map(String::as_str).chain(others).collect();
    let dir = pictures(&names);
    let folder = Folder::list(dir.path()).unwrap();
    assert_eq!((folder.counts(), folder.n_validation()), ((4, 2), Some(2)));
    let dataset = load(&dir).unwrap();
    assert_eq!((dataset.info.n_train, dataset.info.n_validation), (6, Some(2)));
    assert_eq!(levels(&dataset.train), [0, 2, 1, 3, 4, 5]);
    assert_eq!(dataset.train.labels, [0, 1, 0, 1, 0, 1]);
    assert_eq!((levels(&dataset.test), dataset.notes), (vec![6, 7], vec![]));
    // Without a test set, they are also that.
    for name in ["validation", "val", "Valid"] {
        let names: Vec<_> = names[..6].iter().map(|it| it.replace("valid", name)).collect();
        let dir = pictures(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let dataset = load(&dir).unwrap();
        assert_eq!(dataset.info.n_validation, Some(2));
        assert_eq!((levels(&dataset.test), &*dataset.test.labels), (vec![4, 5], &[0, 1][..]));
        assert_eq!(dataset.notes, [Note::ValidationIsTest]);
    }
}

/// Without a test set, it is every sixth picture of each class, with and without a folder `train`.
#[test]
fn a_training_set_alone_is_split() {
    let names: Vec<String> = (0..14).map(|i| format!("{}/{i:02}", ["a", "b"][i % 2])).collect();
    for around in ["train/", "Train/", "all/", ""] {
        let names: Vec<String> = names.iter().map(|name| format!("{around}{name}")).collect();
        let dataset =
            load(&pictures(&names.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
        assert_eq!((levels(&dataset.test), &*dataset.test.labels), (vec![10, 11], &[0, 1][..]));
        assert_eq!(dataset.train.len(), 12);
        assert_eq!((dataset.notes, dataset.info.n_validation), (vec![Note::EverySixth], None));
    }
}

#[test]
fn colours_are_kept_or_said_to_be_lost() {
    let dir = parted();
    put(&dir, "train/b/2.png", &png(RgbImage::from_pixel(2, 3, Rgb([255, 0, 9]))));
    let cut_out = image::Rgba([20, 40, 60, 0]);
    put(&dir, "train/b/1.png", &png(image::RgbaImage::from_pixel(2, 3, cut_out)));
    assert_eq!(load(&dir).unwrap().notes, [Note::MadeGrey]);
    // Grey pictures that are stored in colour lose nothing.
    let grey_in_rgb = parted();
    put(&grey_in_rgb, "train/a/1.png", &png(DynamicImage::from(grey(7)).to_rgb8()));
    assert_eq!(load(&grey_in_rgb).unwrap().notes, []);
    let options = ReadOptions { colour: Colour::Rgb, ..ReadOptions::default() };
    let in_colour = |dir: &TempDir, size| {
        Folder::list(dir.path()).unwrap().load(&ReadOptions { size, ..options }).unwrap()
    };
    let dataset = in_colour(&dir, None);
    let images = &dataset.train.images;
    assert_eq!((images.channels, images.image_len(), images.count), (3, 18, 4));
    assert_eq!(images.get(3).unwrap(), [255, 0, 9].repeat(6));
    assert_eq!(images.get(0).unwrap()[..6], [0; 6]);
    // A dark picture that is transparent gets a white ground, as a grey one does.
    assert_eq!(images.get(1).unwrap(), [255; 18]);
    assert_eq!(dataset.notes, []);
    // Colours that are kept, but not there.
    let notes = in_colour(&grey_in_rgb, None).notes;
    assert_eq!(notes, [Note::NoColours]);
    assert!(notes[0].to_string().starts_with("the pictures are all grey: without --colour rgb"));
    assert_ne!(dataset.info.sha256, load(&dir).unwrap().info.sha256);
    // Larger: the same colours, with black beside them.
    let wide = in_colour(&dir, ImageSize::new(4, 3));
    let row = [[0; 3], [255, 0, 9], [255, 0, 9], [0; 3]].concat();
    assert_eq!(wide.train.images.get(3).unwrap(), row.repeat(3));
    // So do pictures that a model classifies.
    let seen = Preparation::Colour.load(&dir.path().join("train/b/2.png"), 4, 3).unwrap();
    assert_eq!(seen.pixels, row.repeat(3));
}
