//! The standard normal: probability, quantile, density.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Probability of a value up to `z`.
pub fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Density at `z`.
pub fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * PI)
}

/// Probability of a value between `low` and `high`, accurate in both tails; `low <= high`.
pub fn between(low: f64, high: f64) -> f64 {
    // The tail that lies farther out is the smaller number, and keeps its digits.
    if low > 0.0 { cdf(-low) - cdf(-high) } else { cdf(high) - cdf(low) }
}

/// The value that is not exceeded with probability `p`, within (0, 1).
///
/// Algorithm AS 241, PPND16: M. J. Wichura, "The percentage points of the normal distribution", Applied Statistics 37
/// (1988), 477-484; about 1 part in 10^16. `statistics.NormalDist.inv_cdf` of Python is the same.
pub fn quantile(p: f64) -> f64 {
    quantile_of(p, 1.0 - p)
}

/// [`quantile`] where the probability of more, `q = 1 - p`, is known too: the smaller of the two is used in the tails.
pub(super) fn quantile_of(p: f64, q: f64) -> f64 {
    let centre = p - 0.5;
    if centre.abs() <= 0.425 {
        let r = 0.180_625 - centre * centre;
        return centre * horner(&CENTRE.0, r) / horner(&CENTRE.1, r);
    }
    let r = libm::sqrt(-libm::log(if centre < 0.0 { p } else { q }));
    let z = if r <= 5.0 {
        horner(&TAIL.0, r - 1.6) / horner(&TAIL.1, r - 1.6)
    } else {
        horner(&FAR_TAIL.0, r - 5.0) / horner(&FAR_TAIL.1, r - 5.0)
    };
    if centre < 0.0 { -z } else { z }
}

/// The polynomial with these coefficients, the constant first.
fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// Numerator and denominator, the constant first, with the digits of the paper.
type Ratio = ([f64; 8], [f64; 8]);

/// Where p is within 0.425 of one half.
#[allow(clippy::excessive_precision)]
const CENTRE: Ratio = (
    [
        3.387_132_872_796_366_608_0,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083_0e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061_0e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561_0e3,
    ],
);

/// Where the smaller probability is above e^-25.
#[allow(clippy::excessive_precision)]
const TAIL: Ratio = (
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_90,
        5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_40,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);

/// Beyond.
#[allow(clippy::excessive_precision)]
const FAR_TAIL: Ratio = (
    [
        6.657_904_643_501_103_777_20,
        5.463_784_911_164_114_369_90,
        1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, relative: f64) {
        assert!((a - b).abs() <= relative * b.abs(), "{a:e} is not {b:e}");
    }

    /// The check sums of the coefficients that the paper gives, so that none is mistyped.
    #[test]
    fn the_coefficients_add_up_as_published() {
        let unit = |x: &f64| x / libm::exp10(libm::floor(libm::log10(*x)));
        let sum = |ratio: &Ratio| ratio.0.iter().chain(&ratio.1[1..]).map(unit).sum::<f64>();
        for (ratio, published) in [
            (&CENTRE, 55.883_192_880_614_9),
            (&TAIL, 49.332_065_033_016_1),
            (&FAR_TAIL, 47.525_833_175_492_9),
        ] {
            close(sum(ratio), published, 1e-14);
        }
    }

    /// mpmath 1.4.1 at 60 digits: the root of `log(ncdf(z)) - log(p)`, `p` the double.
    #[test]
    fn quantiles_are_right_to_the_last_digits() {
        for (p, z) in [
            (0.6, 0.2533471031357997),
            (0.9, 1.2815515655446006),
            (0.925, 1.4395314709384561),
            (0.975, 1.9599639845400538),
            (0.0749, -1.4402382675279637),
            (1e-3, -3.0902323061678136),
            (1e-9, -5.9978070150076865),
            (1e-12, -7.034483825301132),
            (1e-100, -21.273453560965326),
            (1e-300, -37.0470962993612),
        ] {
            close(quantile(p), z, 4e-16);
        }
        assert_eq!(quantile(0.5), 0.0);
    }

    /// mpmath 1.4.1: `ncdf(z)`.
    #[test]
    fn probabilities_keep_their_digits_in_the_tail() {
        for (z, p) in [
            (-38.0, 2.88542835e-316),
            (-20.0, 2.7536241186062337e-89),
            (-8.25, 7.919726314642477e-17),
            (-3.0, 0.0013498980316300946),
            (-1.0, 0.15865525393145705),
            (0.25, 0.5987063256829237),
            (2.0, 0.9772498680518208),
            (6.0, 0.9999999990134123),
        ] {
            close(cdf(z), p, 1e-13);
        }
        close(between(8.0, 9.0), 6.21983198586583e-16, 1e-13);
        close(between(-9.0, -8.0), 6.21983198586583e-16, 1e-13);
    }
}
