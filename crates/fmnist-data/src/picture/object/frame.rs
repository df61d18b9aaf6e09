//! Frames and margins around a photograph.
//!
//! A frame is a band of one colour along an edge that ends in a straight step, such as a printed border, the bars of a
//! video still, or the margin of a scanned page.

use image::{Rgb, RgbImage};

use super::crop::Area;

/// The most that is cut off at each side, as a part of the picture.
const WIDEST: f32 = 0.15;
/// How much the colours within a line may differ, of 255.
const EVEN: f32 = 10.0;
/// How large the step at the end of a band is at least, of 255.
const STEP: f32 = 14.0;
/// On what part of its length a step must be that large.
const STRAIGHT: f32 = 0.9;

/// The part of the picture within all frames.
pub(super) fn inside(picture: &RgbImage) -> Area {
    let mut area = Area::all(picture);
    while let Some(smaller) = without_band(picture, area) {
        area = smaller;
    }
    area
}

/// The area without one band, if it has any.
fn without_band(picture: &RgbImage, area: Area) -> Option<Area> {
    let most = |side: u32| (WIDEST * side as f32) as u32;
    let (across, down) = (most(picture.width()), most(picture.height()));
    let (right, bottom) = (area.x + area.width, area.y + area.height);
    // What may still be cut off at a side, its outermost line, and the way in.
    let sides = [
        (down.saturating_sub(area.y), Area { height: 1, ..area }, [0, 1]),
        (
            down.saturating_sub(picture.height() - bottom),
            Area { y: bottom - 1, height: 1, ..area },
            [0, -1],
        ),
        (across.saturating_sub(area.x), Area { width: 1, ..area }, [1, 0]),
        (
            across.saturating_sub(picture.width() - right),
            Area { x: right - 1, width: 1, ..area },
            [-1, 0],
        ),
    ];
    sides.into_iter().find_map(|(widest, edge, inwards)| {
        let depth = band(picture, edge, inwards, widest)?;
        let [x, y] = inwards;
        Some(Area {
            x: if x > 0 { area.x + depth } else { area.x },
            y: if y > 0 { area.y + depth } else { area.y },
            width: if x == 0 { area.width } else { area.width - depth },
            height: if y == 0 { area.height } else { area.height - depth },
        })
    })
}

/// How many lines from the edge inwards are a band that ends in a step.
fn band(picture: &RgbImage, edge: Area, inwards: [i32; 2], widest: u32) -> Option<u32> {
    let line = |depth: u32| {
        let shift = |at: u32, by: i32| at.saturating_add_signed(by * depth as i32);
        let moved = Area { x: shift(edge.x, inwards[0]), y: shift(edge.y, inwards[1]), ..edge };
        moved.pixels(picture)
    };
    let first = mean(line(0));
    for depth in 1..=widest {
        let even = line(depth - 1).filter(|pixel| difference(**pixel, first) < EVEN).count();
        let n = line(depth).count() as f32;
        if (even as f32) < STRAIGHT * n {
            return None;
        }
        let steps = line(depth).zip(line(depth - 1));
        let steps = steps.filter(|(a, b)| difference(**a, b.0.map(f32::from)) >= STEP).count();
        // The step may take two lines, as in a picture that was scaled.
        if steps as f32 >= STRAIGHT * n {
            let more = line(depth + 1).zip(line(depth));
            let more = more.filter(|(a, b)| difference(**a, b.0.map(f32::from)) >= STEP).count();
            return Some(if more as f32 >= STRAIGHT * n { depth + 1 } else { depth });
        }
    }
    None
}

fn mean<'a>(pixels: impl Iterator<Item = &'a Rgb<u8>>) -> [f32; 3] {
    let mut sum = [0.0; 3];
    let mut n = 0.0_f32;
    for Rgb(colour) in pixels {
        n += 1.0;
        sum.iter_mut().zip(colour).for_each(|(sum, &value)| *sum += f32::from(value));
    }
    sum.map(|sum| sum / n.max(1.0))
}

/// The largest difference in a channel.
fn difference(Rgb(colour): Rgb<u8>, other: [f32; 3]) -> f32 {
    colour.iter().zip(other).map(|(&a, b)| (f32::from(a) - b).abs()).fold(0.0, f32::max)
}
