//! Bags: a body as wide as the picture, mostly with a handle.

use super::canvas::{Canvas, Paint, rectangle};
use super::dice::Dice;

/// A handbag from the front: tote, satchel with a flap, or clutch without a handle.
pub(super) fn bag(canvas: &mut Canvas, dice: &mut Dice) {
    let paint = Paint::fabric(dice);
    let handle = if dice.chance(0.88) { dice.between(4.0, 9.5) } else { 0.0 };
    let height = dice.between(9.5, 16.0);
    let top = (28.0 - height + handle * 0.9) / 2.0;
    let bottom = top + height;
    let width = dice.between(8.0, 12.8);
    let foot = (width + dice.between(-2.0, 1.6)).min(13.2);
    if handle > 0.0 {
        let reach = width * dice.between(0.35, 0.8);
        let strap = dice.between(0.9, 1.8);
        let dark = paint.times(0.8);
        canvas.arch([-reach, top + 1.0], [0.0, top - handle], [reach, top + 1.0], strap, dark);
    }
    canvas.fill_mirrored(
        &[[0.0, top], [width, top], [width, top], [foot, bottom], [foot, bottom], [0.0, bottom]],
        paint,
    );
    let dark = Paint::plain(paint.tone * dice.between(0.4, 0.8));
    if dice.chance(0.5) {
        let flap = top + height * dice.between(0.35, 0.65);
        canvas.fill_mirrored(
            &[
                [0.0, top],
                [width, top],
                [width - 0.4, flap - 1.5],
                [width * 0.4, flap],
                [0.0, flap],
            ],
            dark,
        );
        let clasp = Paint::plain(if paint.tone > 0.6 { 0.1 } else { 1.0 });
        canvas.fill(&rectangle([-1.0, flap - 1.4], [1.0, flap + 1.0]), clasp);
    } else if dice.chance(0.5) {
        canvas.stroke(&[[-width, top + 1.8], [width, top + 1.8]], 0.9, dark);
    }
}
