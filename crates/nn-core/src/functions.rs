//! `exp`, `tanh` and the like for `f32`, with the same bits on every processor and system.
//!
//! The system's functions differ between libraries and versions, and work on one number at a time. These consist of
//! additions, multiplications, divisions and integer operations, each rounded as IEEE 754 says and none fused. They have
//! no branches, so that the compiler vectorises the loops that call them. Where a function is called once for each
//! sample or step, libm's does.
//!
//! The accuracy of each function is given in units in the last place (ULP), and tested. It holds where the result is a
//! normal number, 2^-126 or above. `functions.py` computes the coefficients.

use std::f32::consts::LOG2_E;

/// `ln(2)` is the sum of these two. A multiple of the first by an integer of up to 8 bits is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// Adding this to a number below `2^22` rounds it to an integer, which is then in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;

/// `exp(x)`, for any `x`, within 1 ULP where the result is a normal number; 0 below -87.7, and infinite above 88.38.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond, the result is 0 or infinite. Comparisons instead of `clamp`, which the compiler does not vectorise.
    let x = if x < -88.0 { -88.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    exp_of_sum(x, 0.0)
}

/// `exp(x) - 1` for `x <= 0`, within 2 ULP. A larger `x` counts as 0.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    // Below, the result is -1.
    let x = if x < -20.0 { -20.0 } else { x };
    let x = if x > 0.0 { 0.0 } else { x };
    let (exp_m1, n) = reduce(x, 0.0);
    let scale = power_of_2(n);
    scale * exp_m1 + (scale - 1.0)
}

/// `tanh(x)`, for any `x`, within 2 ULP: near 0 a polynomial, further away `1 - 2 / (1 + exp(2 |x|))`.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    /// Coefficients of `(tanh(x) - x) / x^3` in powers of `x^2`, from the constant one.
    const NEAR: [f32; 5] =
        [-0.333_332_78, 0.133_313_31, -0.053_730_007, 0.020_606_177, -0.005_666_977_3];
    let from_0 = x.abs();
    // Above, the result is 1.
    let from_0 = if from_0 > 10.0 { 10.0 } else { from_0 };
    let square = from_0 * from_0;
    let near = from_0 + from_0 * square * polynomial(square, NEAR);
    let far = 1.0 - 2.0 / (1.0 + exp_of_sum(2.0 * from_0, 0.0));
    (if from_0 < 0.625 { near } else { far }).copysign(x)
}

/// The sigmoid `1 / (1 + exp(-x))`, for any `x`, within 3 ULP where the result is a normal number; 0 below
/// -88.38.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The cumulative distribution function of the standard normal distribution, within 6 ULP, and `exp(-x^2 / 2)`.
///
/// The tail is `exp(-x^2 / 2)` times a quotient of polynomials. `x^2` has more digits than fit, so the exponential takes
/// it in two parts.
#[inline(always)]
pub(crate) fn normal_cdf(x: f32) -> (f32, f32) {
    /// Coefficients of `(1 - erf(x / sqrt(2))) / 2 * exp(x^2 / 2)`, from the constant one.
    const ABOVE: [f32; 5] = [0.5, 0.437_250_76, 0.182_461_74, 0.040_372_53, 0.004_077_607_3];
    const BELOW: [f32; 6] =
        [1.0, 1.672_386_5, 1.199_290_4, 0.467_428_86, 0.101_205_73, 0.010_220_917];
    let from_0 = x.abs();
    // Above, the exponential is 0.
    let from_0 = if from_0 > 13.26 { 13.26 } else { from_0 };
    // The square of half of the digits is exact.
    let half = f32::from_bits(from_0.to_bits() & 0xffff_f000);
    let exp = exp_of_sum(-0.5 * half * half, -0.5 * (from_0 - half) * (from_0 + half));
    let tail = exp * (polynomial(from_0, ABOVE) / polynomial(from_0, BELOW));
    (if x > 0.0 { 1.0 - tail } else { tail }, exp)
}

/// `exp(high + low)` for a sum of -88 to 89, where `low` is much smaller than `high` or 0.
#[inline(always)]
fn exp_of_sum(high: f32, low: f32) -> f32 {
    let (exp_m1, n) = reduce(high, low);
    (1.0 + exp_m1) * power_of_2(n)
}

/// `exp(r) - 1` and `n`, where `high + low` is `n ln(2) + r` and `r` lies within `+-ln(2) / 2`.
#[inline(always)]
fn reduce(high: f32, low: f32) -> (f32, i32) {
    /// Coefficients of `(exp(r) - 1 - r) / r^2`, from the constant one.
    const EXP: [f32; 5] =
        [0.499_999_97, 0.166_665_42, 0.041_667_204, 0.008_366_692, 0.001_388_248_4];
    let shifted = (high + low) * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = ((high - n * LN_2_HIGH) - n * LN_2_LOW) + low;
    let bits = |x: f32| x.to_bits().cast_signed();
    (r + r * r * polynomial(r, EXP), bits(shifted).wrapping_sub(bits(ROUND)))
}

/// `2^n`, for `n` from -126 to 127; 0 for -127, and infinite for 128.
#[inline(always)]
fn power_of_2(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23).cast_unsigned())
}

/// The polynomial with these coefficients, from the constant one. It is evaluated as a polynomial in `x^2` whose
/// coefficients are linear in `x`: half as many operations wait for each other.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let square = x * x;
    let linear = |pair: &[f32]| match *pair {
        [constant, factor] => constant + factor * x,
        [constant] => constant,
        _ => 0.0,
    };
    let terms = coefficients.chunks(2).map(linear);
    terms.rev().reduce(|sum, term| sum * square + term).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error of `found` in ULP, over numbers of all exponents and signs from `least` to `most`. The oracle is
    /// libm's function for `f64`. Where its result is below the smallest normal number, any such result will do.
    #[track_caller]
    fn check(found: fn(f32) -> f32, exact: fn(f64) -> f64, [least, most]: [f32; 2], within: f64) {
        let (mut worst, mut at, mut n) = (0.0, 0.0, 0);
        // A prime step, so that all digits vary.
        for x in (0..=u32::MAX).step_by(100_003).map(f32::from_bits) {
            if !(least..=most).contains(&x) {
                continue;
            }
            let exact = exact(f64::from(x));
            let rounded = (exact as f32).abs();
            if rounded < f32::MIN_POSITIVE {
                assert!(found(x).abs() <= f32::MIN_POSITIVE, "{x}: {}", found(x));
                continue;
            }
            let ulp = f64::from(rounded.next_up()) - f64::from(rounded);
            let error = (f64::from(found(x)) - exact).abs() / ulp;
            assert!(!error.is_nan(), "{x}: {}", found(x));
            if error > worst {
                (worst, at) = (error, x);
            }
            n += 1;
        }
        assert!(n > 1000, "{n} numbers");
        assert!(worst <= within, "{worst} ULP at {at}");
    }

    #[test]
    fn functions_are_as_accurate_as_they_say() {
        check(exp, libm::exp, [f32::MIN, 88.37], 1.0);
        check(exp_m1, libm::expm1, [f32::MIN, 0.0], 2.0);
        check(tanh, libm::tanh, [f32::MIN, f32::MAX], 2.0);
        check(sigmoid, |x| 1.0 / (1.0 + libm::exp(-x)), [-88.0, f32::MAX], 3.0);
        let distribution = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
        check(|x| normal_cdf(x).0, distribution, [f32::MIN, f32::MAX], 6.0);
        check(|x| normal_cdf(x).1, |x| libm::exp(-0.5 * x * x), [f32::MIN, f32::MAX], 2.0);
    }

    /// Where a result becomes 0 or infinite.
    #[test]
    fn functions_end_where_they_say() {
        assert!(exp(88.37).is_finite() && exp(88.38).is_infinite());
        assert!(exp(-87.68) > 0.0 && exp(-87.7) == 0.0);
        assert!(sigmoid(-88.37) > 0.0 && sigmoid(-88.38) == 0.0);
    }

    #[test]
    fn functions_of_zero_of_infinity_and_of_no_number() {
        let all = [exp, exp_m1, tanh, sigmoid, |x| normal_cdf(x).0, |x| normal_cdf(x).1];
        let of = |x: f32| all.map(|function| function(x));
        let infinite = f32::INFINITY;
        assert_eq!(of(0.0), [1.0, 0.0, 0.0, 0.5, 0.5, 1.0]);
        assert_eq!(of(infinite), [infinite, 0.0, 1.0, 1.0, 1.0, 0.0]);
        assert_eq!(of(-infinite), [0.0, -1.0, -1.0, 0.0, 0.0, 0.0]);
        assert!(of(f32::NAN).into_iter().all(f32::is_nan));
        assert!(tanh(-0.0).is_sign_negative());
    }
}
