//! The same images in each form that is read.

use super::*;
use crate::fixture::refused;

/// The values of a table, without its header.
fn cells(text: &str) -> Vec<Vec<String>> {
    let line = |line: &str| line.split(',').map(String::from).collect();
    text.lines().skip(1).map(line).collect()
}

/// Joins values to a table.
fn joined(header: &str, separator: &str, rows: &[Vec<String>]) -> String {
    let lines: String = rows.iter().map(|row| row.join(separator) + "\n").collect();
    format!("{header}{lines}")
}

#[track_caller]
fn check(train: &str) {
    let expected = load_with(table(20, 0).as_bytes()).unwrap();
    let found = load_with(train.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{train}"));
    assert_eq!(found.train.images, expected.train.images, "{train}");
    assert_eq!(found.train.labels, expected.train.labels, "{train}");
    assert_eq!((&found.info.sha256, &found.notes), (&expected.info.sha256, &Vec::new()), "{train}");
}

#[test]
fn separators() {
    for separator in [";", "\t", " ; ", "\",\""] {
        let text = table(20, 0).replace(',', separator);
        // Quotes around every value.
        let quote = |line: &str| format!("\"{line}\"\n");
        let is_quoted = separator.contains('"');
        check(&if is_quoted { text.lines().map(quote).collect() } else { text });
    }
    check(&table(20, 0).replacen("pixel1", "\"a;\tb\"", 1));
    check(&format!("\r\n\n{}", table(20, 0).replace(',', "\t")));
}

#[test]
fn columns_of_labels() {
    let rows = cells(&table(20, 0));
    let moved = |to: usize| -> Vec<Vec<String>> {
        let mut rows = rows.clone();
        rows.iter_mut().for_each(|row| row[..=to].rotate_left(1));
        rows
    };
    for name in ["label", "Label", "CLASS", "target", "y", "\"label\"", " y "] {
        check(&joined(&format!("{name},a,b,c,d,e,f\n"), ",", &rows));
        check(&joined(&format!("a,b,{name},c,d,e,f\n"), ",", &moved(2)));
        check(&joined(&format!("a,b,c,d,e,f,{name}\n"), ",", &moved(6)));
        check(&joined(&format!("0,1,2,3,4,5,{name}\n"), ",", &moved(6)));
        check(&joined(&format!("{name},1,2,3,4,5,6\n"), ",", &rows));
    }
    let numbered = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
        let row = |(n, row): (usize, &Vec<String>)| [&[n.to_string()], row.as_slice()].concat();
        rows.iter().enumerate().map(row).collect()
    };
    for name in ["", "index", "ID", "Unnamed: 0"] {
        check(&joined(&format!("{name},label,a,b,c,d,e,f\n"), ",", &numbered(&rows)));
        check(&joined(&format!("{name},0,1,2,3,4,5,label\n"), ",", &numbered(&moved(6))));
    }
    check(&joined("", ",", &rows));
    check(&joined("", ";", &rows));
}

/// A first line of numbers is an image, unless it numbers the columns.
#[test]
fn headers_of_numbers() {
    let pixels = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let count = |text: &str, n: usize| {
        let size = ImageSize::new(n, 1);
        let options = ReadOptions { size, ..ReadOptions::default() };
        let (images, labels) = Images::parse_csv(text.as_bytes(), &options).unwrap();
        (images.count, labels.is_some())
    };
    let (few, many) = (pixels(15), pixels(16));
    assert_eq!(count(&format!("{few}\n{few}\n"), 15), (2, false));
    assert_eq!(count(&format!("{many}\n{many}\n"), 16), (1, false));
    // The letter y may be a class.
    assert_eq!(count(&format!("y,{few}\ny,{few}\n"), 15), (1, true));
    assert_eq!(count("y,9,8,7\ny,1,2,3\n", 3), (2, true));
    assert_eq!(count("target,9,8,7\nother,1,2,3\n", 3), (2, true));
    assert_eq!(count("label,9,8,7\ny,1,2,3\n", 3), (1, true));
}

#[test]
fn decimals() {
    let rows = cells(&table(20, 0));
    let written = |write: fn(&str) -> String, separator: &str, label: usize| {
        let mut rows = rows.clone();
        rows.iter_mut().flat_map(|row| &mut row[label..]).for_each(|cell| *cell = write(cell));
        joined("label,a,b,c,d,e,f\n".replace(',', separator).as_str(), separator, &rows)
    };
    let float: fn(&str) -> String = |cell| format!("{cell}.0");
    check(&written(float, ",", 1));
    check(&written(float, ",", 0));
    check(&written(|cell| format!("{cell},00"), ";", 0));
    check(&written(|cell| format!("{}e-1", cell.parse::<u32>().unwrap() * 10), ",", 0));
    let exponent: fn(&str) -> String = |cell| {
        let (mantissa, exponent) = match cell.len() {
            1 => (cell.to_string(), 0),
            n => (format!("{}.{}", &cell[..1], &cell[1..]), n - 1),
        };
        format!("{mantissa}e+{exponent:02}")
    };
    check(&written(exponent, "\t", 0));
}

#[test]
fn images_in_colour_have_three_columns_a_pixel() {
    let load = |text: &str, colour: Colour, size: Option<ImageSize>, transpose: bool| {
        let files = [("train.csv", text.as_bytes()), ("test.csv", text.as_bytes())];
        let options = ReadOptions { size, colour, transpose };
        Dataset::load_csv(directory(&files).path(), &options)
    };
    let row: Vec<String> = (1..=12).map(|n| n.to_string()).collect();
    let text = format!("7,{0}\n8,{0}\n", row.join(","));
    let images = load(&text, Colour::Rgb, None, false).unwrap().train.images;
    assert_eq!((images.width, images.height, images.channels), (2, 2, 3));
    assert_eq!(images.pixels[..12], (1..=12).collect::<Vec<u8>>());
    let images = load(&text, Colour::Rgb, ImageSize::new(1, 4), false).unwrap().train.images;
    assert_eq!((images.width, images.height, images.channels), (1, 4, 3));
    let images = load(&text, Colour::Rgb, None, true).unwrap().train.images;
    assert_eq!(images.pixels[..12], [1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12]);
    let images = load(&text, Colour::Grey, ImageSize::new(3, 4), true).unwrap().train.images;
    assert_eq!((images.width, images.height), (3, 4));
    assert_eq!(images.pixels[..12], [1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
    let words = ["line 1, column 1: expected 3 times a square number", "in colour", "found 13"];
    let result = load(&text.replace('\n', ",1\n"), Colour::Rgb, None, false);
    refused(result, &words).unwrap();
    let words = ["expected 9 columns of pixels, for images of 3x1 in colour, found 12"];
    refused(load(&text, Colour::Rgb, ImageSize::new(3, 1), false), &words).unwrap();
}
