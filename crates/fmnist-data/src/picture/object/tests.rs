//! Each step of the way from a photograph to an image, on drawn pictures.

use image::Rgb;

use super::*;

const PAPER: [u8; 3] = [235; 3];
const CLOTH: [u8; 3] = [60, 70, 90];

/// A T-shirt on ground, 200 x 200; its box begins at 50, 60 and is 100 x 90.
fn shirt(ground: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
    RgbImage::from_fn(200, 200, |x, y| {
        let sleeves = (50..150).contains(&x) && (60..90).contains(&y);
        let body = (70..130).contains(&x) && (60..150).contains(&y);
        Rgb(if sleeves || body { CLOTH } else { ground(x, y) })
    })
}

const BOX: Area = Area { x: 50, y: 60, width: 100, height: 90 };

fn mask_of(picture: &RgbImage) -> GrayImage {
    mask::object(picture, &Ground::of(picture), mask::GARMENT_REACH)
}

/// The image of a garment on its ground.
fn image_of(colour: RgbImage) -> GrayImage {
    garment(&Photo { colour, alpha: None }, 28, 28).0
}

fn area_of(picture: &RgbImage) -> Option<Area> {
    Area::around(&mask_of(picture))
}

fn disc(picture: &mut RgbImage, [x, y]: [u32; 2], radius: u32, colour: [u8; 3]) {
    for (px, py, pixel) in picture.enumerate_pixels_mut() {
        if px.abs_diff(x).pow(2) + py.abs_diff(y).pow(2) <= radius * radius {
            pixel.0 = colour;
        }
    }
}

/// Noise from -1 to 1 with a standard deviation of about 0.4.
fn noise(x: u32, y: u32) -> f32 {
    let hash = |seed: u32| (x * 7919 + y * 104_729 + seed).wrapping_mul(2_654_435_761) >> 16;
    (hash(1) % 1000 + hash(2) % 1000) as f32 / 1000.0 - 1.0
}

#[test]
fn frames_and_margins_are_cut_off() {
    let framed = |width: u32, margin: u32| {
        RgbImage::from_fn(200, 200, |x, y| {
            let depth = x.min(y).min(199 - x).min(199 - y);
            let in_frame = (margin..margin + width).contains(&depth);
            if in_frame { Rgb([20; 3]) } else { *shirt(|_, _| PAPER).get_pixel(x, y) }
        })
    };
    let within =
        |depth: u32| Area { x: depth, y: depth, width: 200 - 2 * depth, height: 200 - 2 * depth };
    assert_eq!(frame::inside(&framed(4, 0)), within(4));
    assert_eq!(frame::inside(&framed(3, 6)), within(9));
    let bars = RgbImage::from_fn(200, 200, |x, y| {
        if !(25..175).contains(&y) { Rgb([0; 3]) } else { *shirt(|_, _| PAPER).get_pixel(x, y) }
    });
    assert_eq!(frame::inside(&bars), Area { x: 0, y: 25, width: 200, height: 150 });
}

#[test]
fn a_garment_or_light_at_the_edge_is_no_frame() {
    assert_eq!(frame::inside(&shirt(|_, _| PAPER)), Area::all(&shirt(|_, _| PAPER)));
    let falling = shirt(|x, _| [235 - (x / 4) as u8; 3]);
    assert_eq!(frame::inside(&falling), Area::all(&falling));
    // Cloth across most of the picture, near its upper edge.
    let mut wide = shirt(|_, _| PAPER);
    (20..180).flat_map(|x| (10..60).map(move |y| (x, y))).for_each(|(x, y)| {
        wide.put_pixel(x, y, Rgb(CLOTH));
    });
    assert_eq!(frame::inside(&wide), Area::all(&wide));
    // A belt across most of the picture, at its lower edge.
    let mut belt = shirt(|_, _| PAPER);
    (20..180).flat_map(|x| (190..200).map(move |y| (x, y))).for_each(|(x, y)| {
        belt.put_pixel(x, y, Rgb(CLOTH));
    });
    assert_eq!(frame::inside(&belt), Area::all(&belt));
}

/// However many bands there are, most of the picture is left.
#[test]
fn stripes_do_not_use_up_the_picture() {
    for (width, height) in [(200, 200), (8, 200), (200, 8), (9, 9)] {
        let stripes = RgbImage::from_fn(width, height, |_, y| Rgb([(y / 4 % 2) as u8 * 200; 3]));
        let inside = frame::inside(&stripes);
        assert!(inside.width == width && inside.height * 2 >= height, "{inside:?}");
    }
}

#[test]
fn the_ground_is_a_smooth_surface_behind_the_garment() {
    let light = |x: u32, y: u32| {
        let (x, y) = (x as f32 / 200.0 - 0.5, y as f32 / 200.0 - 0.5);
        1.0 - 0.2 * x - 0.25 * (x * x + y * y)
    };
    let colour = |x: u32, y: u32| [200.0, 180.0, 150.0].map(|value| value * light(x, y));
    let picture = shirt(|x, y| colour(x, y).map(|value| (value + 8.0 * noise(x, y)) as u8));
    let ground = Ground::of(&picture);
    for (x, y) in [(2, 2), (100, 20), (100, 100), (60, 70), (197, 197)] {
        for (found, expected) in ground.at(x, y).into_iter().zip(colour(x, y)) {
            assert!((found - expected).abs() < 3.0, "{x}, {y}: {found}, not {expected}");
        }
    }
    let is_ground = |x, y| ground.distance(x, y, *picture.get_pixel(x, y)) < ground::NEAR;
    assert!(!is_ground(100, 100));
    let around = (0..200 * 200).map(|i| (i % 200, i / 200));
    let outside: Vec<_> = around.filter(|&(x, y)| y < 60 || x < 50).collect();
    let wrong = outside.iter().filter(|&&(x, y)| !is_ground(x, y)).count();
    assert!(wrong * 500 < outside.len(), "{wrong} of {}", outside.len());
}

/// On grained wood, grey cloth of the same brightness is another colour.
#[test]
fn colour_counts_as_well_as_brightness() {
    let grain = |x: u32, y: u32| 1.0 + 0.15 * noise(x / 20, y) + 0.05 * noise(x, y);
    let mut picture = shirt(|x, y| [176.0, 128.0, 82.0].map(|value| (value * grain(x, y)) as u8));
    for pixel in picture.pixels_mut().filter(|pixel| pixel.0 == CLOTH) {
        pixel.0 = [130; 3];
    }
    assert_eq!(area_of(&picture), Some(BOX));
}

#[test]
fn a_garment_may_reach_the_edge() {
    let trousers = RgbImage::from_fn(120, 200, |x, y| {
        let leg = (30..55).contains(&x) || (65..90).contains(&x);
        Rgb(if y >= 40 && leg { CLOTH } else { PAPER })
    });
    assert_eq!(area_of(&trousers), Some(Area { x: 30, y: 40, width: 60, height: 160 }));
}

#[test]
fn dust_and_text_are_left_out_and_a_second_shoe_is_not() {
    let mut picture = shirt(|_, _| PAPER);
    disc(&mut picture, [20, 20], 2, [50; 3]);
    disc(&mut picture, [180, 100], 0, [0; 3]);
    // A line of text.
    for x in (10..120).filter(|x| x % 6 < 4) {
        (180..186).for_each(|y| picture.put_pixel(x, y, Rgb([40; 3])));
    }
    assert_eq!(area_of(&picture), Some(BOX));
    let mut shoes = RgbImage::from_pixel(200, 200, Rgb(PAPER));
    disc(&mut shoes, [50, 100], 25, CLOTH);
    disc(&mut shoes, [150, 100], 20, CLOTH);
    assert_eq!(area_of(&shoes), Some(Area { x: 25, y: 75, width: 146, height: 51 }));
}

#[test]
fn holes_stay_holes() {
    let mut bag = RgbImage::from_pixel(200, 200, Rgb(PAPER));
    disc(&mut bag, [100, 70], 40, CLOTH);
    disc(&mut bag, [100, 70], 30, PAPER);
    disc(&mut bag, [100, 120], 45, CLOTH);
    assert_eq!(mask_of(&bag).get_pixel(100, 60).0, [0]);
    assert_eq!(mask_of(&bag).get_pixel(100, 120).0, [255]);
}

#[test]
fn a_shadow_is_ground_and_grey_cloth_is_not() {
    let soft = |x: u32, y: u32| {
        let outside =
            |at: u32, from: f32, to: f32| (from - at as f32).max(at as f32 - to).max(0.0) / 12.0;
        let distance = outside(x, 75.0, 165.0).max(outside(y, 80.0, 165.0)).min(1.0);
        0.25 * (1.0 - distance * distance * (3.0 - 2.0 * distance))
    };
    let shaded = shirt(|x, y| PAPER.map(|value| (f32::from(value) * (1.0 - soft(x, y))) as u8));
    let found = area_of(&shaded).unwrap();
    let near = |found: u32, expected: u32| found.abs_diff(expected) <= 5;
    assert!(near(found.width, BOX.width) && near(found.height, BOX.height), "{found:?}");
    let mut grey = shirt(|_, _| PAPER);
    for pixel in grey.pixels_mut().filter(|pixel| pixel.0 == CLOTH) {
        pixel.0 = [190; 3];
    }
    assert_eq!(area_of(&grey), Some(BOX));
}

#[test]
fn an_empty_picture_has_no_garment() {
    for colour in [[0; 3], [255; 3], [200, 30, 30]] {
        assert_eq!(area_of(&RgbImage::from_pixel(50, 40, Rgb(colour))), None);
    }
}

/// The tone in the middle of the image of a grey garment on this ground.
fn tone_on(ground: [u8; 3], garment: u8) -> u8 {
    let picture = RgbImage::from_fn(90, 90, |x, y| {
        let inside = (20..70).contains(&x) && (20..70).contains(&y);
        Rgb(if inside { [garment; 3] } else { ground })
    });
    image_of(picture).get_pixel(14, 14).0[0]
}

#[test]
fn dark_cloth_becomes_bright_unless_the_picture_is_a_negative() {
    let near =
        |found: u8, expected: u8| assert!(found.abs_diff(expected) <= 2, "{found}, not {expected}");
    near(tone_on([255; 3], 55), 200);
    // Paper is white in any light.
    near(tone_on([170; 3], 85), 128);
    near(tone_on([0; 3], 200), 200);
    near(tone_on([24, 12, 16], 200), 197);
    near(tone_on([196, 34, 40], 55), 200);
    near(tone_on([90, 60, 30], 200), 55);
    // Light cloth on grey paper.
    near(tone_on([120; 3], 200), 151);
}

/// Ground that is white paper in a photograph is black in its negative.
#[test]
fn a_negative_has_the_image_of_its_photograph() {
    let photograph = shirt(|_, _| [255; 3]);
    let mut negative = photograph.clone();
    image::imageops::invert(&mut negative);
    let (of_photograph, of_negative) = (image_of(photograph), image_of(negative));
    let tones = of_photograph.pixels().zip(of_negative.pixels());
    assert!(tones.clone().all(|(a, b)| a.0[0].abs_diff(b.0[0]) <= 1));
    assert!(tones.filter(|(a, _)| a.0[0] > 150).count() > 200);
}

/// Where a light garment ends, its colours are mixed with those of a dark ground. They are no bright rim.
#[test]
fn there_is_no_rim_on_coloured_ground() {
    let picture = RgbImage::from_fn(120, 120, |x, y| {
        let depth = x.min(y).min(119 - x).min(119 - y);
        let part = (f32::from(depth.clamp(29, 31) as u8) - 29.0) / 2.0;
        Rgb([120.0, 40.0, 40.0].map(|ground| (ground + (210.0 - ground) * part) as u8))
    });
    let image = image_of(picture);
    let brightest = image.pixels().map(|tone| tone.0[0]).max();
    assert!(brightest.is_some_and(|tone| (45..60).contains(&tone)), "{brightest:?}");
}

#[test]
fn a_cut_out_is_negated_unless_it_is_white() {
    let tone = |grey: u8| {
        let alpha = GrayImage::from_fn(90, 90, |x, _| Luma([if x < 60 { 255 } else { 0 }]));
        let colour = RgbImage::from_pixel(90, 90, Rgb([grey; 3]));
        garment(&Photo { colour, alpha: Some(alpha) }, 28, 28).0.get_pixel(14, 14).0[0]
    };
    assert_eq!([tone(0), tone(155), tone(250)], [255, 100, 250]);
}

/// A small garment in a large picture is looked at closely.
#[test]
fn a_small_garment_keeps_its_detail() {
    let stripes = RgbImage::from_fn(1000, 800, |x, y| {
        let inside = (700..784).contains(&x) && (100..184).contains(&y);
        Rgb(if inside && (x - 700) / 6 % 2 == 0 { [0; 3] } else { PAPER })
    });
    let image = image_of(stripes);
    let row: Vec<u8> = (0..28).map(|x| image.get_pixel(x, 14).0[0]).collect();
    let changes = row.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 100).count();
    assert!(changes >= 12, "{row:?}");
}

/// The image of ink: a 7 of the given colours, drawn with a pen of 8 pixels.
fn ink_image(ink: [u8; 3], paper: [u8; 3], light: f32) -> (GrayImage, Object) {
    let picture = RgbImage::from_fn(240, 200, |x, y| {
        let bar = (60..120).contains(&x) && (40..48).contains(&y);
        let stem = (112..120).contains(&x) && (40..140).contains(&y);
        let shade = 1.0 - light * x as f32 / 240.0;
        Rgb((if bar || stem { ink } else { paper }).map(|value| (f32::from(value) * shade) as u8))
    });
    let (image, object) = super::ink(&Photo { colour: picture, alpha: None }, 28, 28);
    (image, object.unwrap())
}

/// As in MNIST: 20 of 28 pixels high, white, and its centre of mass in the middle.
#[test]
fn ink_becomes_white_and_is_centred_by_mass() {
    for (ink, paper, light, is_negated) in [
        ([20; 3], [235; 3], 0.0, true),
        ([20; 3], [235; 3], 0.3, true),
        ([30, 40, 160], [235, 230, 220], 0.1, true),
        ([230; 3], [30, 60, 40], 0.0, false),
    ] {
        let (image, object) = ink_image(ink, paper, light);
        assert_eq!(object.is_negated, is_negated);
        let mass = |of: fn(u32, u32) -> u32| {
            let sum: u64 = image
                .enumerate_pixels()
                .map(|(x, y, it)| u64::from(of(x, y)) * u64::from(it.0[0]))
                .sum();
            sum as f32
        };
        let all = mass(|_, _| 1);
        for centre in [mass(|x, _| x) / all, mass(|_, y| y) / all] {
            assert!((centre - 13.5).abs() <= 0.51, "{centre}");
        }
        let is_ink = |row: u32| (0..28).any(|x| image.get_pixel(x, row).0[0] > 60);
        let rows: Vec<u32> = (0..28).filter(|&row| is_ink(row)).collect();
        assert_eq!((rows.len(), rows[19] - rows[0]), (20, 19), "{rows:?}");
        assert_eq!(image.pixels().map(|tone| tone.0[0]).max(), Some(255));
    }
}

/// The dot of an i is far from its stem, and is not dust.
#[test]
fn a_dot_belongs_to_its_letter() {
    let letter = RgbImage::from_fn(200, 200, |x, y| {
        let stem = (96..104).contains(&x) && (90..150).contains(&y);
        let dot = (96..104).contains(&x) && (66..74).contains(&y);
        Rgb(if stem || dot { [20; 3] } else { PAPER })
    });
    let (_, object) = super::ink(&Photo { colour: letter.clone(), alpha: None }, 28, 28);
    assert!(object.is_some_and(|it| it.y.abs_diff(66) <= 1), "{object:?}");
    let (_, object) = garment(&Photo { colour: letter, alpha: None }, 28, 28);
    assert!(object.is_some_and(|it| it.y.abs_diff(90) <= 1), "{object:?}");
}

/// Ink without paper, as it comes from drawing programs.
#[test]
fn transparent_paper_is_no_ink() {
    let alpha =
        GrayImage::from_fn(90, 90, |x, _| Luma([if (40..50).contains(&x) { 255 } else { 0 }]));
    for tone in [0, 255] {
        let colour = RgbImage::from_pixel(90, 90, Rgb([tone; 3]));
        let (image, _) = super::ink(&Photo { colour, alpha: Some(alpha.clone()) }, 28, 28);
        assert_eq!([0, 14].map(|x| image.get_pixel(x, 14).0[0]), [0, 255]);
    }
}

/// The picture of the steps in the guide, 6 panels of 120 x 120, is what the code does now. To write it again:
/// `FMNIST_WRITE_STEPS=1 cargo test -p fmnist-data steps`.
#[test]
fn the_steps_are_those_in_the_guide() {
    let photo = shirt_in_a_frame();
    let inside = frame::inside(&photo);
    let first = View::of(&photo, inside, inside, mask::GARMENT_REACH);
    let (view, area) = View::closest(&photo, mask::GARMENT_REACH).unwrap();
    let grey = |mask: &GrayImage| image::DynamicImage::from(mask.clone()).into_rgb8();
    let ground = RgbImage::from_fn(first.picture.width(), first.picture.height(), |x, y| {
        Rgb(first.ground.at(x, y).map(|value| value as u8))
    });
    let tones = tone::tones(&view.picture, &view.ground, &view.mask, view.polarity());
    let panels = [
        photo.clone(),
        first.picture.clone(),
        ground,
        grey(&first.mask),
        grey(&area.of(&tones)),
        grey(&image_of(photo)),
    ];
    let mut strip = RgbImage::from_pixel(6 * 128 - 8, 120, Rgb([255; 3]));
    for (panel, x) in panels.iter().zip((0..).step_by(128)) {
        let panel = imageops::resize(panel, 120, 120, imageops::FilterType::Nearest);
        imageops::replace(&mut strip, &panel, x, 0);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/picture/object/steps.png");
    if std::env::var_os("FMNIST_WRITE_STEPS").is_some() {
        strip.save(path).unwrap();
    }
    assert!(strip == image::open(path).unwrap().into_rgb8(), "the steps have changed");
}

/// The shirt in a black frame, in uneven light, with a shadow to its right and specks of dust.
fn shirt_in_a_frame() -> RgbImage {
    let plain = shirt(|_, _| [235, 225, 205]);
    let mut picture = RgbImage::from_fn(200, 200, |x, y| {
        let light = 1.0 - 0.25 * x as f32 / 200.0;
        let [from_x, from_y] = [(x as f32 - 120.0) / 60.0, (y as f32 - 125.0) / 50.0];
        let shadow = 1.0 - 0.3 * (1.0 - from_x.hypot(from_y)).max(0.0);
        let colour = plain.get_pixel(x, y).0.map(f32::from);
        let is_cloth = colour[0] < 100.0;
        let shade = if is_cloth { light } else { light * shadow };
        Rgb(colour.map(|value| (value * shade + 3.0 * noise(x, y)) as u8))
    });
    for (x, y) in [(30, 40), (170, 60), (160, 170), (40, 165)] {
        disc(&mut picture, [x, y], 1, [40; 3]);
    }
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        if x.min(y).min(199 - x).min(199 - y) < 5 {
            *pixel = Rgb([15; 3]);
        }
    }
    picture
}
