//! An exponential that the compiler can vectorise.

/// e^x in f32, within 2 units in the last place from -87 to 88 and saturating outside; NaN stays NaN.
///
/// Range reduction by ln 2 in two parts and a degree-6 polynomial (Cephes' `expf`).
#[inline(always)]
pub(super) fn exponential(x: f32) -> f32 {
    // Adding 1.5 · 2^23 leaves round(x / ln 2) in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts; the first has so few digits that `n` times it is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let p = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r
        + 1.666_666_5e-1)
        * r
        + 0.5;
    let mantissa = p * r * r + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    mantissa * f32::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    use super::exponential;

    #[test]
    fn follows_the_exact_exponential() {
        let mut x = -87.0f32;
        while x < 88.0 {
            let exact = (x as f64).exp();
            let relative = (exponential(x) as f64 - exact).abs() / exact;
            assert!(relative < 2.5e-7, "exp({x}) is off by {relative:e}");
            x += 0.0137;
        }
        assert_eq!(exponential(0.0), 1.0);
        assert!(exponential(f32::NEG_INFINITY) < 1e-37);
        assert!(exponential(f32::NAN).is_nan(), "a NaN in training must not be hidden");
    }
}
