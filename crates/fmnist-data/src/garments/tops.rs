//! Garments above the waist: T-shirt, pullover, coat and shirt.
//!
//! The four share a body with sleeves, cut to different measures. They differ in the details that distinguish them in a
//! photograph: sleeve length, neckline, opening, collar.

use super::canvas::{Canvas, Paint, Point, rectangle};
use super::dice::Dice;

/// The measures of a body with sleeves, in pixels. Widths are half widths from the middle.
struct Cut {
    top: f32,
    hem: f32,
    neck: f32,
    neck_depth: f32,
    shoulder: f32,
    chest: f32,
    hem_width: f32,
    /// From the shoulder to the outer end of the cuff: to the side, and down.
    sleeve: Point,
    cuff: f32,
}

impl Cut {
    fn short(dice: &mut Dice) -> Self {
        let shoulder = dice.between(5.6, 7.2);
        let chest = shoulder + dice.between(-0.4, 0.6);
        Self {
            top: dice.between(2.4, 3.6),
            hem: dice.between(23.5, 26.2),
            neck: dice.between(2.2, 3.6),
            neck_depth: dice.between(1.2, 3.6),
            shoulder,
            chest,
            hem_width: chest + dice.between(-0.9, 1.0),
            sleeve: [dice.between(2.8, 5.4), dice.between(4.2, 8.2)],
            cuff: dice.between(3.2, 4.6),
        }
    }

    fn long(dice: &mut Dice) -> Self {
        Self {
            sleeve: [dice.between(2.6, 5.0), dice.between(16.0, 20.5)],
            cuff: dice.between(2.2, 3.2),
            ..Self::short(dice)
        }
    }

    fn draw(&self, canvas: &mut Canvas, paint: Paint) {
        let sleeve = self.sleeve_outline();
        canvas.fill_pair(&sleeve, paint.times(0.88));
        canvas.fill_mirrored(
            &[
                [0.0, self.top + self.neck_depth],
                [self.neck * 0.8, self.top + self.neck_depth * 0.8],
                [self.neck, self.top],
                [self.shoulder, self.top + 1.2],
                [self.chest, self.armpit()],
                [(self.chest + self.hem_width) / 2.0 - 0.3, 15.0],
                [self.hem_width, self.hem],
                [0.0, self.hem + 0.3],
            ],
            paint,
        );
    }

    fn armpit(&self) -> f32 {
        self.top + 7.0
    }

    fn sleeve_outline(&self) -> [Point; 5] {
        let [[ox, oy], [ix, iy]] = self.cuff_ends();
        [
            [self.shoulder - 1.6, self.top + 0.7],
            [self.shoulder + 0.2, self.top + 1.1],
            [ox, oy],
            [ix, iy],
            [self.chest - 0.4, self.armpit() + 0.4],
        ]
    }

    /// The outer and the inner end of the right cuff.
    fn cuff_ends(&self) -> [Point; 2] {
        let [x, y] = self.sleeve;
        let length = (x * x + y * y).sqrt();
        let outer = [self.shoulder + x, self.top + y];
        [outer, [outer[0] - y / length * self.cuff, outer[1] + x / length * self.cuff]]
    }

    /// The edges of neckline and cuffs in another tone, as ribbing.
    fn draw_ribbing(&self, canvas: &mut Canvas, paint: Paint) {
        let [neck, depth] = [self.neck, self.neck_depth];
        let middle = [0.0, self.top + depth];
        canvas.arch([-neck, self.top], middle, [neck, self.top], 1.1, paint);
        let [[ox, oy], [ix, iy]] = self.cuff_ends();
        let cuff = [[ox, oy - 1.6], [ox, oy], [ix, iy], [ix, iy - 1.6]];
        canvas.fill_pair(&cuff, paint);
    }

    /// A line down the middle, from below the neckline to the hem.
    fn draw_opening(&self, canvas: &mut Canvas, from: f32, width: f32, paint: Paint) {
        canvas.stroke(&[[0.0, from], [0.0, self.hem]], width, paint);
    }
}

/// Short sleeves, an open neckline; often a print on the chest.
pub(super) fn t_shirt(canvas: &mut Canvas, dice: &mut Dice) {
    let cut = Cut::short(dice);
    let paint = Paint::fabric(dice);
    cut.draw(canvas, paint);
    if dice.chance(0.45) {
        let tone = Paint::plain(dice.between(0.1, 1.0));
        let (width, top) = (dice.between(1.5, 4.2), dice.between(9.0, 11.0));
        let print = rectangle([-width, top], [width, top + dice.between(2.0, 7.0)]);
        if dice.chance(0.5) { canvas.fill_round(&print, tone) } else { canvas.fill(&print, tone) }
    }
}

/// Long sleeves and a closed front, ribbed at neck, cuffs and hem.
pub(super) fn pullover(canvas: &mut Canvas, dice: &mut Dice) {
    let cut = Cut { neck_depth: dice.between(0.6, 2.2), ..Cut::long(dice) };
    let paint = Paint::fabric(dice);
    cut.draw(canvas, paint);
    let ribbing = Paint::plain(paint.tone * dice.between(0.55, 0.85));
    cut.draw_ribbing(canvas, ribbing);
    let (width, hem) = (cut.hem_width, cut.hem);
    canvas.fill(&rectangle([-width, hem - 1.5], [width, hem + 0.2]), ribbing);
}

/// Long sleeves, long body, a deep opening with lapels, buttoned or worn open.
pub(super) fn coat(canvas: &mut Canvas, dice: &mut Dice) {
    let cut = Cut { hem: dice.between(25.5, 27.4), neck_depth: 1.0, ..Cut::long(dice) };
    let cut = Cut { hem_width: cut.chest + dice.between(-0.2, 1.6), ..cut };
    let paint = Paint::fabric(dice);
    cut.draw(canvas, paint);
    let dark = Paint::plain(paint.tone * dice.between(0.05, 0.45));
    let lapel = dice.between(8.0, 14.0);
    // The shirt beneath shows in the opening, the lapels lie along its edges.
    let neck = cut.neck * 0.9;
    canvas.fill(&[[-neck, cut.top], [0.0, lapel], [neck, cut.top]], dark);
    let flap = [[neck * 0.6, cut.top - 0.6], [neck + 1.4, cut.top + 1.8], [0.2, lapel + 0.6]];
    canvas.fill_pair(&flap, paint.times(dice.between(0.7, 1.25)));
    let gap = if dice.chance(0.3) { dice.between(1.2, 2.4) } else { dice.between(0.5, 0.9) };
    cut.draw_opening(canvas, lapel, gap, dark);
    if dice.chance(0.55) {
        let (x, y) = (dice.between(1.8, 2.6), dice.between(17.0, 20.0));
        let pocket = [[x, y], [x + 2.8, y - 0.5], [x + 2.8, y + 0.4], [x, y + 0.9]];
        canvas.fill_pair(&pocket, dark);
    }
}

/// A turned-down collar and a buttoned front; sleeves long, now and then short.
pub(super) fn shirt(canvas: &mut Canvas, dice: &mut Dice) {
    let cut = if dice.chance(0.3) { Cut::short(dice) } else { Cut::long(dice) };
    let cut = Cut { neck_depth: dice.between(1.4, 2.6), neck: cut.neck * 0.85, ..cut };
    let paint = Paint::fabric(dice);
    cut.draw(canvas, paint);
    let seam = Paint::plain(paint.tone * dice.between(0.4, 0.75));
    cut.draw_opening(canvas, cut.top + cut.neck_depth, 0.7, seam);
    // Two points of the collar, lighter than the body so that they stand out at this size.
    let (reach, drop) = (dice.between(0.4, 1.2), dice.between(3.0, 4.4));
    let collar = [
        [cut.neck * 0.8, cut.top - 0.9],
        [cut.neck + reach, cut.top + 1.0],
        [cut.neck * 0.5 + reach * 0.3, cut.top + drop],
        [0.1, cut.top + cut.neck_depth],
    ];
    canvas.fill_pair(&collar, Paint::plain((paint.tone * 1.3).min(1.0)));
    let button = Paint::plain(if paint.tone > 0.6 { 0.1 } else { 1.0 });
    let mut y = cut.top + cut.neck_depth + 2.0;
    while y < cut.hem - 1.0 {
        canvas.fill(&rectangle([-0.5, y], [0.5, y + 0.9]), button);
        y += 3.6;
    }
    if dice.chance(0.4) {
        canvas.fill(&rectangle([2.0, 10.0], [4.6, 13.0]), seam);
    }
}
