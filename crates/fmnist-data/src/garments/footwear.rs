//! Shoes from the side, toe to the left as in Fashion-MNIST: sandal, sneaker and ankle boot.

use super::canvas::{Canvas, Paint};
use super::dice::Dice;

/// A sole with straps; light shows between them. Flat, on a wedge, or on a heel.
pub(super) fn sandal(canvas: &mut Canvas, dice: &mut Dice) {
    let leather = Paint::plain(dice.between(0.35, 1.0));
    let heel = if dice.chance(0.4) { dice.between(0.0, 1.0) } else { dice.between(3.0, 8.5) };
    let ground = 20.5 + heel * 0.3;
    let thick = dice.between(1.1, 2.2);
    let rise = ground - heel;
    canvas.fill_round(
        &[
            [-13.0, ground - thick],
            [-4.0, ground - thick - 0.1],
            [3.0, ground - thick - heel * 0.55],
            [12.5, rise - thick],
            [12.5, rise],
            [3.5, ground - heel * 0.5],
            [-3.5, ground],
            [-13.0, ground],
        ],
        leather,
    );
    if heel > 2.0 {
        let foot = if dice.chance(0.4) { -1.0 } else { dice.between(7.5, 10.5) };
        let wedge = [
            [foot.max(4.5), ground - heel * 0.55],
            [12.2, rise - 0.4],
            [11.6, ground],
            [foot, ground],
        ];
        canvas.fill(&wedge, leather.times(0.85));
    }
    // Straps: one or two over the toes, and usually one around the ankle, held by a back piece.
    let width = dice.between(1.3, 2.6);
    let high = ground - dice.between(4.6, 6.4);
    let mut toes = dice.between(-11.5, -10.0);
    for _ in 0..=dice.below(2) {
        let base = ground - thick;
        canvas.arch(
            [toes, base],
            [toes + 4.0, high],
            [toes + 7.5, base - heel * 0.1],
            width,
            leather,
        );
        toes += dice.between(2.6, 4.0);
    }
    if dice.chance(0.85) {
        let ankle = rise - dice.between(6.5, 9.5);
        canvas.stroke(&[[11.8, rise], [12.3, ankle + 1.0], [11.6, ankle]], width, leather);
        canvas.arch([3.6, ankle + 1.6], [7.5, ankle - 0.4], [11.8, ankle], width * 0.8, leather);
        canvas.stroke(&[[3.8, ankle + 1.4], [8.8, rise - thick + 0.4]], width * 0.8, leather);
    }
}

/// Low, with a thick sole of another tone, laces and a mark on the side.
pub(super) fn sneaker(canvas: &mut Canvas, dice: &mut Dice) {
    let upper = Paint::fabric(dice);
    let collar = dice.between(8.6, 11.4);
    let tongue = collar - dice.between(0.2, 1.6);
    let sole = dice.between(17.4, 18.6);
    canvas.fill_round(
        &[
            [-12.8, 19.5],
            [-13.2, 17.0],
            [-11.0, 15.2],
            [-5.5, 14.4],
            [-1.5, collar + 1.6],
            [1.0, tongue],
            [3.6, tongue + 0.2],
            [6.5, collar + 1.8],
            [10.5, collar],
            [12.8, collar - 0.2],
            [13.0, 15.0],
            [13.0, 19.5],
        ],
        upper,
    );
    let rubber = Paint::plain(dice.between(0.25, 1.0));
    let ground = sole + dice.between(1.8, 3.4);
    canvas.fill_round(
        &[[-13.6, sole], [0.0, sole + 0.3], [13.4, sole - 0.4], [13.6, ground], [-12.6, ground]],
        rubber,
    );
    let mark = Paint::plain(if upper.tone > 0.6 { dice.between(0.1, 0.4) } else { 1.0 });
    for lace in 0..dice.below(4) {
        let (x, y) = (-5.0 + 1.9 * lace as f32, 14.6 - 1.2 * lace as f32);
        canvas.stroke(&[[x, y - 0.4], [x + 1.8, y + 1.6]], 0.8, mark);
    }
    for stripe in 0..dice.below(4) {
        let x = 1.5 + 2.4 * stripe as f32;
        canvas.stroke(&[[x, sole], [x + 1.6, sole - 4.2]], 0.9, mark);
    }
}

/// A shaft over the ankle, a heel, a thin sole.
pub(super) fn ankle_boot(canvas: &mut Canvas, dice: &mut Dice) {
    let leather = Paint::plain(dice.between(0.35, 1.0));
    let top = dice.between(1.8, 7.5);
    let heel = dice.between(0.6, 4.2);
    let ground = 24.8;
    let front = dice.between(-2.6, 0.0);
    let back = dice.between(9.0, 11.0);
    canvas.fill_round(
        &[
            [-12.4, ground - 0.4],
            [-12.8, ground - 2.6],
            [-9.5, ground - 5.4 - heel * 0.2],
            [-4.5, ground - 7.4 - heel * 0.4],
            [front, 13.6],
            [front - 0.4, top],
            [front - 0.4, top],
            [back, top],
            [back, top],
            [back - 0.2, 13.0],
            [back + 1.0, 18.0],
            [back + 0.6, ground - heel],
            [2.5, ground - heel * 0.8],
            [-3.0, ground],
        ],
        leather,
    );
    let dark = Paint::plain(leather.tone * dice.between(0.3, 0.75));
    let block = dice.between(1.6, 5.5);
    canvas.fill(
        &[
            [back + 0.8, ground - heel - 0.8],
            [back + 0.4, ground + 0.6],
            [back + 0.4 - block, ground + 0.6],
            [back - 0.4 - block, ground - heel - 0.8],
        ],
        dark,
    );
    canvas.stroke(&[[-12.4, ground], [-2.5, ground], [3.0, ground - heel * 0.8]], 1.2, dark);
    match dice.below(4) {
        0 => {
            // An elastic panel at the ankle.
            let x = front + (back - front) / 2.0;
            canvas.fill_round(
                &[[x - 2.0, top], [x + 2.0, top], [x + 1.0, 15.0], [x - 1.0, 15.0]],
                dark,
            );
        }
        1 => canvas.stroke(&[[back - 3.0, top], [back - 3.4, ground - heel - 1.5]], 0.8, dark),
        2 => {
            for lace in 0..4 {
                let y = 8.0 + 2.4 * lace as f32;
                canvas.stroke(&[[front - 0.4, y], [front + 2.6, y + 0.9]], 0.8, dark);
            }
        }
        _ => canvas.stroke(&[[front - 0.4, top + 1.2], [back, top + 1.2]], 1.4, dark),
    }
}
