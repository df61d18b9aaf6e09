//! Tall, narrow garments: trousers and dresses.

use super::canvas::{Canvas, Paint, rectangle};
use super::dice::Dice;

/// Two legs below a waistband.
pub(super) fn trouser(canvas: &mut Canvas, dice: &mut Dice) {
    let paint = Paint::fabric(dice);
    let waist = dice.between(3.4, 4.8);
    let hip = waist + dice.between(0.3, 1.2);
    let crotch = dice.between(8.0, 11.5);
    let foot = dice.between(3.6, 6.6);
    let leg = dice.between(2.2, 3.8).min(foot - 0.4);
    let hem = dice.between(24.5, 27.4);
    canvas.fill_mirrored(
        &[
            [0.0, 1.2],
            [waist, 1.0],
            [waist, 1.6],
            [hip, 8.0],
            [foot, hem],
            [foot, hem],
            [foot - leg, hem],
            [foot - leg, hem],
            [0.0, crotch],
        ],
        paint,
    );
    let dark = Paint::plain(paint.tone * dice.between(0.3, 0.7));
    canvas.fill(&rectangle([-waist, 0.9], [waist, 2.3]), dark);
    if dice.chance(0.5) {
        canvas.stroke(&[[0.0, 2.0], [0.0, crotch - 1.0]], 0.6, dark);
    }
    if dice.chance(0.3) {
        let knee = dice.between(13.0, 17.0);
        let middle = foot - leg / 2.0;
        let patch = rectangle([middle - 1.0, knee], [middle + 0.6, knee + 3.0]);
        canvas.fill_pair(&patch, paint.times(dice.between(0.5, 1.4)));
    }
}

/// A bodice that narrows to the waist above a skirt that widens.
pub(super) fn dress(canvas: &mut Canvas, dice: &mut Dice) {
    let paint = Paint::fabric(dice);
    let top = dice.between(1.0, 2.4);
    let shoulder = dice.between(3.0, 4.6);
    let neck = shoulder - dice.between(1.0, 1.9);
    let neck_depth = dice.between(1.5, 4.2);
    let chest = shoulder + dice.between(-0.4, 0.6);
    let (waist, waist_at) = (chest - dice.between(0.4, 1.4), dice.between(9.5, 13.0));
    let hem = dice.between(24.0, 27.4);
    let skirt = waist + dice.between(0.8, 5.4);
    if dice.chance(0.4) {
        // Sleeves: mostly short, some down to the wrist.
        let length =
            if dice.chance(0.3) { dice.between(12.0, 16.0) } else { dice.between(3.5, 6.0) };
        let reach = dice.between(1.0, 2.6);
        canvas.fill_pair(
            &[
                [shoulder - 1.0, top + 0.4],
                [shoulder + 0.4, top + 0.8],
                [shoulder + reach, top + length],
                [shoulder + reach - 2.0, top + length + 0.5],
                [chest - 0.4, top + 6.0],
            ],
            paint.times(0.88),
        );
    }
    canvas.fill_mirrored(
        &[
            [0.0, top + neck_depth],
            [neck * 0.8, top + neck_depth * 0.8],
            [neck, top],
            [shoulder, top + 0.5],
            [chest, top + 5.0],
            [waist, waist_at],
            [(waist + skirt) / 2.0 + 0.3, (waist_at + hem) / 2.0],
            [skirt, hem],
            [skirt, hem],
            [0.0, hem + 0.4],
        ],
        paint,
    );
    if dice.chance(0.5) {
        let belt = Paint::plain(paint.tone * dice.between(0.2, 0.7));
        let low = waist_at + dice.between(0.9, 1.8);
        canvas.fill(&rectangle([-waist, waist_at], [waist, low]), belt);
    }
}
