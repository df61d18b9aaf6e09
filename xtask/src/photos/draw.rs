//! Draws photographs of garments, and other pictures.

use std::{fs, path::Path};

use image::{
    DynamicImage, GrayImage, ImageEncoder as _, Luma, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::jpeg::JpegEncoder, imageops, imageops::FilterType,
};

/// The sides of a photograph.
const SIDE: u32 = 480;

/// The random draws of a picture.
pub(super) struct Dice(tally::Dice);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(tally::Dice::new(seed))
    }

    /// From `low` to `high`.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.0.roll() >> 40) as f32 / (1 << 24) as f32
    }

    pub(super) fn below(&mut self, n: u32) -> u32 {
        self.0.below(n as usize) as u32
    }

    /// Normal, with mean 0 and standard deviation 1.
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.between(1e-7, 1.0).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.between(0.0, 1.0)).cos()
    }
}

pub(super) type Draw = fn(&GrayImage, &mut Dice) -> DynamicImage;

/// The kinds of photographs, and the share that must be answered as the image itself.
pub(super) const KINDS: [(&str, f32, Draw); 23] = [
    ("plain", 0.9, |image, _| photo(image, WHITE).into()),
    ("negative", 0.9, |image, _| {
        let mut picture = photo(image, [255.0; 3]);
        imageops::invert(&mut picture);
        picture.into()
    }),
    ("off-centre", 0.9, |image, dice| {
        let (x, y) = (dice.below(180) as i64, dice.below(180) as i64);
        placed(image, WHITE, 300, x, y).into()
    }),
    ("grey ground", 0.9, |image, _| photo(image, [190.0; 3]).into()),
    ("beige ground", 0.9, |image, _| photo(image, [232.0, 218.0, 196.0]).into()),
    ("JPEG, quality 10", 0.9, |image, _| photo(image, WHITE).into()),
    ("CMYK", 0.9, |image, _| photo(image, WHITE).into()),
    ("turned, with an EXIF orientation", 0.9, |image, _| photo(image, WHITE).into()),
    ("16 bits", 0.9, |image, _| DynamicImage::from(photo(image, WHITE)).into_rgb16().into()),
    ("noise, sigma 3", 0.9, |image, dice| noisy(photo(image, WHITE), 3.0, dice)),
    ("noise, sigma 9", 0.9, |image, dice| noisy(photo(image, WHITE), 9.0, dice)),
    ("light falling by 10 %", 0.9, |image, dice| lit(photo(image, WHITE), 0.10, dice)),
    ("light falling by 22 %", 0.9, |image, dice| lit(photo(image, WHITE), 0.22, dice)),
    ("vignette of 25 %", 0.9, |image, _| {
        let half = SIDE as f32 / 2.0;
        shade(photo(image, WHITE), |x, y| {
            let squared = ((x - half) * (x - half) + (y - half) * (y - half)) / (2.0 * half * half);
            1.0 - 0.25 * squared
        })
    }),
    ("soft shadow", 0.9, |image, dice| shadowed(image, dice)),
    ("wooden table", 0.9, |image, dice| on_wood(image, dice)),
    ("rotated by 10 degrees", 0.85, |image, dice| rotated(image, dice)),
    ("one dark pixel", 0.9, |image, dice| {
        let mut picture = photo(image, WHITE);
        let (x, y) = (dice.below(SIDE), dice.below(SIDE / 12));
        picture.put_pixel(x, y, Rgb([40; 3]));
        picture.into()
    }),
    ("five specks of dust", 0.9, |image, dice| {
        let mut picture = photo(image, WHITE);
        for _ in 0..5 {
            let (x, y, r) = (dice.below(SIDE), dice.below(SIDE), 1 + dice.below(3));
            blot(&mut picture, x, y, r, [60; 3]);
        }
        picture.into()
    }),
    ("line of text", 0.9, |image, dice| lettered(image, dice)),
    ("frame of 4 pixels", 0.9, |image, dice| {
        let mut picture = photo(image, WHITE);
        let tone = [0, 30, 90][dice.below(3) as usize];
        for i in 0..SIDE {
            for d in 0..4 {
                for (x, y) in [(i, d), (i, SIDE - 1 - d), (d, i), (SIDE - 1 - d, i)] {
                    picture.put_pixel(x, y, Rgb([tone; 3]));
                }
            }
        }
        picture.into()
    }),
    ("dark garment on red", 0.9, |image, _| over(image, |_, _| [196.0, 34.0, 40.0]).into()),
    ("cut-out with alpha", 0.9, |image, _| {
        let large = enlarged(image, 288);
        let mut picture = RgbaImage::new(SIDE, SIDE);
        for (x, y, Luma([value])) in large.enumerate_pixels() {
            let alpha = (f32::from(*value) * 12.0).min(255.0) as u8;
            let tone = 255 - value;
            picture.put_pixel(x + 96, y + 96, Rgba([tone, tone, tone, alpha]));
        }
        picture.into()
    }),
];

const WHITE: [f32; 3] = [235.0; 3];

fn enlarged(image: &GrayImage, side: u32) -> GrayImage {
    imageops::resize(image, side, side, FilterType::CatmullRom)
}

/// A photograph on even ground.
fn photo(image: &GrayImage, ground: [f32; 3]) -> RgbImage {
    placed(image, ground, 288, 96, 96)
}

fn placed(image: &GrayImage, ground: [f32; 3], side: u32, x: i64, y: i64) -> RgbImage {
    let large = enlarged(image, side);
    let mut canvas = GrayImage::new(SIDE, SIDE);
    imageops::replace(&mut canvas, &large, x, y);
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let value = f32::from(canvas.get_pixel(x, y).0[0]);
        Rgb(ground.map(|ground| (ground * (1.0 - value / 255.0)).round() as u8))
    })
}

/// A garment of its own tones over a ground.
fn over(image: &GrayImage, mut ground: impl FnMut(u32, u32) -> [f32; 3]) -> RgbImage {
    let mut canvas = GrayImage::new(SIDE, SIDE);
    imageops::replace(&mut canvas, &enlarged(image, 288), 96, 96);
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let value = f32::from(canvas.get_pixel(x, y).0[0]);
        let alpha = (value / 20.0).min(1.0);
        Rgb(ground(x, y).map(|ground| (ground * (1.0 - alpha) + (255.0 - value) * alpha) as u8))
    })
}

fn shade(mut picture: RgbImage, light: impl Fn(f32, f32) -> f32) -> DynamicImage {
    for (x, y, Rgb(colour)) in picture.enumerate_pixels_mut() {
        let light = light(x as f32, y as f32);
        *colour = colour.map(|value| (f32::from(value) * light).round() as u8);
    }
    picture.into()
}

fn lit(picture: RgbImage, fall: f32, dice: &mut Dice) -> DynamicImage {
    let side = dice.below(4);
    shade(picture, |x, y| {
        let along = [x, y, SIDE as f32 - x, SIDE as f32 - y][side as usize];
        1.0 - fall * along / SIDE as f32
    })
}

fn noisy(mut picture: RgbImage, sigma: f32, dice: &mut Dice) -> DynamicImage {
    for Rgb(colour) in picture.pixels_mut() {
        *colour = colour.map(|value| (f32::from(value) + sigma * dice.normal()).round() as u8);
    }
    picture.into()
}

fn shadowed(image: &GrayImage, dice: &mut Dice) -> DynamicImage {
    let mut outline = GrayImage::new(SIDE, SIDE);
    let mut large = enlarged(image, 288);
    large.pixels_mut().for_each(|Luma([value])| *value = if *value > 20 { 255 } else { 0 });
    let (right, down) = (8 + dice.below(24) as i64, 8 + dice.below(24) as i64);
    imageops::replace(&mut outline, &large, 96 + right, 96 + down);
    let soft = imageops::fast_blur(&outline, dice.between(8.0, 16.0));
    let depth = dice.between(0.15, 0.35);
    let mut picture = RgbImage::new(SIDE, SIDE);
    for (x, y, Rgb(colour)) in picture.enumerate_pixels_mut() {
        let light = 1.0 - depth * f32::from(soft.get_pixel(x, y).0[0]) / 255.0;
        *colour = WHITE.map(|value| (value * light).round() as u8);
    }
    let shadow = picture;
    over(image, |x, y| shadow.get_pixel(x, y).0.map(f32::from)).into()
}

fn on_wood(image: &GrayImage, dice: &mut Dice) -> DynamicImage {
    let (phase, grain) = (dice.between(0.0, 6.0), dice.between(0.05, 0.09));
    let knots: Vec<f32> = (0..SIDE).map(|_| dice.normal()).collect();
    let fine: Vec<f32> = (0..SIDE * SIDE).map(|_| dice.normal()).collect();
    over(image, |x, y| {
        let wave = (y as f32 * 0.06 + phase + (x as f32 * 0.011 + phase).sin() * 1.3).sin();
        let line = knots[y as usize] * 0.5 + fine[(y * SIDE + x) as usize] * 0.35;
        let light = 1.0 + grain * (wave + line);
        [176.0, 128.0, 82.0].map(|value| (value * light).clamp(0.0, 255.0))
    })
    .into()
}

fn rotated(image: &GrayImage, dice: &mut Dice) -> DynamicImage {
    let picture = photo(image, WHITE);
    let angle = if dice.below(2) == 0 { 10_f32 } else { -10.0 };
    let (sin, cos) = angle.to_radians().sin_cos();
    let half = SIDE as f32 / 2.0;
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (dx, dy) = (x as f32 + 0.5 - half, y as f32 + 0.5 - half);
        let (x, y) = (half + cos * dx + sin * dy - 0.5, half - sin * dx + cos * dy - 0.5);
        imageops::interpolate_bilinear(&picture, x, y).unwrap_or(Rgb([235; 3]))
    })
    .into()
}

fn blot(picture: &mut RgbImage, x: u32, y: u32, radius: u32, colour: [u8; 3]) {
    for dy in 0..2 * radius + 1 {
        for dx in 0..2 * radius + 1 {
            let (right, down) = (dx as i32 - radius as i32, dy as i32 - radius as i32);
            let (px, py) = (x as i32 + right, y as i32 + down);
            let inside = (0..SIDE as i32).contains(&px) && (0..SIDE as i32).contains(&py);
            if inside && right * right + down * down <= (radius * radius) as i32 {
                picture.put_pixel(px as u32, py as u32, Rgb(colour));
            }
        }
    }
}

/// Letters of 5 x 7 dots, as a shop writes under its pictures.
fn lettered(image: &GrayImage, dice: &mut Dice) -> DynamicImage {
    let mut picture = photo(image, WHITE);
    let dot = 2 + dice.below(2);
    let (left, top) = (12 + dice.below(60), if dice.below(2) == 0 { 24 } else { SIDE - 48 });
    for letter in 0..14 + dice.below(8) {
        for row in 0..7 {
            let bits = dice.below(31) + 1;
            for column in 0..5 {
                if bits >> column & 1 == 1 {
                    let (x, y) = (left + (letter * 6 + column) * dot, top + row * dot);
                    for (x, y) in (0..dot).flat_map(|a| (0..dot).map(move |b| (x + a, y + b))) {
                        if x < SIDE && y < SIDE {
                            picture.put_pixel(x, y, Rgb([50; 3]));
                        }
                    }
                }
            }
        }
    }
    picture.into()
}

/// How many pictures are drawn of each kind of stranger.
pub(super) const STRANGE_PICTURES: u64 = 100;

pub(super) type DrawStranger = fn(&mut Dice) -> RgbImage;

/// The kinds of drawn pictures that show no garment.
pub(super) const STRANGERS: [(&str, DrawStranger); 3] = [
    ("blank", |dice| {
        let colour = [0; 3].map(|_: u8| dice.below(256) as u8);
        RgbImage::from_pixel(SIDE, SIDE, Rgb(colour))
    }),
    ("noise", |dice| {
        let (mean, sigma) = (dice.between(60.0, 200.0), dice.between(20.0, 80.0));
        RgbImage::from_fn(SIDE, SIDE, |_, _| {
            Rgb([0; 3].map(|_: u8| (mean + sigma * dice.normal()).clamp(0.0, 255.0) as u8))
        })
    }),
    ("textures", |dice| {
        let colours = [(); 2].map(|()| [0; 3].map(|_: u8| dice.below(256) as u8));
        let (period, angle) = (dice.between(12.0, 120.0), dice.between(0.0, std::f32::consts::PI));
        let is_chess = dice.below(2) == 1;
        RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let (x, y) = (x as f32, y as f32);
            let across = (x * angle.cos() + y * angle.sin()) / period;
            let down = (y * angle.cos() - x * angle.sin()) / period;
            let cell = across.floor() + if is_chess { down.floor() } else { 0.0 };
            Rgb(colours[usize::from(cell.rem_euclid(2.0) >= 1.0)])
        })
    }),
];

/// Saves a picture as a file of its kind. `path` has no extension.
pub(super) fn save(kind: &str, picture: DynamicImage, path: &Path) -> anyhow::Result<()> {
    let jpeg = path.with_extension("jpg");
    match kind {
        "JPEG, quality 10" => {
            JpegEncoder::new_with_quality(fs::File::create(jpeg)?, 10).encode_image(&picture)?;
        }
        "CMYK" => {
            let ink = |Rgb(colour): &Rgb<u8>| {
                let black = colour.map(|value| 255 - value).into_iter().min().unwrap_or(0);
                let [cyan, magenta, yellow] = colour.map(|value| 255 - value - black);
                [cyan, magenta, yellow, black]
            };
            let inks: Vec<u8> = picture.into_rgb8().pixels().flat_map(ink).collect();
            let encoder = jpeg_encoder::Encoder::new_file(jpeg, 90)?;
            encoder.encode(&inks, SIDE as u16, SIDE as u16, jpeg_encoder::ColorType::Cmyk)?;
        }
        "turned, with an EXIF orientation" => {
            let mut encoder = JpegEncoder::new_with_quality(fs::File::create(jpeg)?, 90);
            // One entry of a TIFF directory: the orientation (0x112) is 6, turn by 90 degrees to the right.
            let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
            encoder.set_exif_metadata(exif.to_vec())?;
            encoder.encode_image(&picture.rotate270())?;
        }
        _ => picture.save(path.with_extension("png"))?,
    }
    Ok(())
}
