//! The distributions of a scenario against scipy, mpmath and numpy, which know nothing of this crate.

use perpcore::random::{Distribution, DistributionSpec};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn spec(json: &str) -> DistributionSpec {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn ready(json: &str) -> Distribution {
    spec(json).compile().unwrap_or_else(|problems| panic!("{json}: {problems:?}"))
}

/// Where the bulk is: what rounding of a value is measured against.
fn scale(distribution: &Distribution) -> f64 {
    [0.25, 0.5, 0.75].iter().map(|&u| distribution.quantile(u).abs()).fold(0.0, f64::max)
}

const AT: [f64; 8] = [1e-12, 1e-6, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0 - 1e-9];

/// Quantiles at `AT` of `scipy.stats` 1.17.1 (`uniform`, `norm`, `truncnorm`, `lognorm`, `expon`, `truncexpon`, `pareto`,
/// `truncpareto`, `beta`, `trapezoid`, `triang`: `.ppf`; the log-normal that is cut off: `100 * exp(0.75 * truncnorm.ppf)`),
/// and the mean: scipy's, or `quad(x * density) / quad(density)` of mpmath 1.4.1 where it is cut off.
const CASES: &[(&str, [f64; 8], f64)] = &[
    (
        r#"{"dist": "uniform", "low": "-2", "high": "3.5"}"#,
        [-1.9999999999945, -1.9999945, -1.945, -0.625, 0.75, 2.95, 3.4945000000000004, 3.4999999945000004],
        0.75,
    ),
    (
        r#"{"dist": "normal", "mean": "10", "sd": "2.5"}"#,
        [
            -7.5862095632528295,
            -1.8835607720572476,
            4.184130314897898,
            8.313775624509796,
            10.0,
            13.203878913861502,
            17.725580765419533,
            24.994517549004094,
        ],
        10.0,
    ),
    (
        r#"{"dist": "normal", "mean": "0.5", "sd": "0.2", "low": "0", "high": "1"}"#,
        [
            1.1268319610735489e-11,
            1.1267619742572066e-05,
            0.07154396715883926,
            0.367049767898305,
            0.5,
            0.7507485827340363,
            0.9894530202123073,
            0.999999988731588,
        ],
        0.5,
    ),
    (
        r#"{"dist": "normal", "mean": "0", "sd": "1", "low": "8", "high": "9"}"#,
        [
            8.000000000000124,
            8.000000123109688,
            8.001237199059593,
            8.035339621905019,
            8.08488889901817,
            8.278609037011552,
            8.791963586618893,
            8.999999394946316,
        ],
        8.121188992979796,
    ),
    (
        r#"{"dist": "normal", "mean": "0", "sd": "1", "high": "-1.5"}"#,
        [
            -7.402529594895077,
            -5.273818020924217,
            -3.2081013523558255,
            -2.127198416756855,
            -1.832968865893102,
            -1.5537127002347457,
            -1.5005160153134423,
            -1.5000000005158154,
        ],
        -1.938677166622543,
    ),
    (
        r#"{"dist": "log_normal", "median": "100", "sigma": "0.75"}"#,
        [
            0.5113542486930553,
            2.8295054800973682,
            17.468675061006593,
            60.29823743311618,
            100.0,
            261.4737406103191,
            1015.203552408038,
            8986.919863556392,
        ],
        132.47847587288655,
    ),
    (
        r#"{"dist": "log_normal", "median": "100", "sigma": "0.75", "low": "50", "high": "400"}"#,
        [
            50.00000000011384,
            50.00011382596769,
            51.135453998558134,
            78.77438677415381,
            114.73531892820681,
            249.63419547927984,
            396.7666730733855,
            399.99999672091286,
        ],
        136.9896332238786,
    ),
    (
        r#"{"dist": "exponential", "mean": "4"}"#,
        [
            4.000000000002e-12,
            4.0000020000013335e-06,
            0.04020134341400577,
            1.1507282898071236,
            2.772588722239781,
            9.210340371976184,
            27.631021115928544,
            82.89306346091337,
        ],
        4.0,
    ),
    (
        r#"{"dist": "exponential", "mean": "4", "low": "1", "high": "10"}"#,
        [
            1.0000000000035785,
            1.0000035784047023,
            1.03594505418941,
            2.0126083170454048,
            3.3717624865727918,
            7.541910034031769,
            9.966192329834728,
            9.999999966049058,
        ],
        3.9396465472632745,
    ),
    (
        r#"{"dist": "pareto", "low": "10", "alpha": "1.16"}"#,
        [
            10.000000000008619,
            10.000008620697683,
            10.087017244282672,
            12.814622216477202,
            18.176431200757232,
            72.78953843983153,
            3856.6204211634704,
            573615265.0301683,
        ],
        72.50000000000003,
    ),
    (
        r#"{"dist": "pareto", "low": "10", "alpha": "0.7", "high": "100000"}"#,
        [
            10.000000000014264,
            10.000014263090247,
            10.144379880623626,
            15.071491368051896,
            26.857174987468525,
            262.89616220452103,
            49761.22772544965,
            99999.9100061587,
        ],
        347.02507592136755,
    ),
    (
        r#"{"dist": "pareto", "low": "10", "alpha": "1", "high": "1000"}"#,
        [
            10.000000000009901,
            10.0000099000098,
            10.099989900010101,
            13.289036544850498,
            19.801980198019802,
            91.74311926605506,
            909.9181073703321,
            999.9999010000118,
        ],
        46.51687056553628,
    ),
    (
        r#"{"dist": "beta", "alpha": "2", "beta": "5"}"#,
        [
            2.5819897863610075e-07,
            0.00025828782935406356,
            0.026763191142755053,
            0.16116291679032652,
            0.26444998329566005,
            0.5103163065514917,
            0.818613866919134,
            0.9889037391360324,
        ],
        0.2857142857142857,
    ),
    (
        r#"{"dist": "beta", "alpha": "0.5", "beta": "0.8", "low": "-1", "high": "4"}"#,
        [
            -1.0,
            -0.9999999999933916,
            -0.9993391710867936,
            -0.5915725744557878,
            0.5759086014141888,
            3.4177278781546994,
            3.998095512159596,
            3.999999999939768,
        ],
        0.9230769230769231,
    ),
    (
        r#"{"dist": "trapezoid", "a": "1", "b": "2", "c": "4", "d": "8"}"#,
        [
            1.000003,
            1.003,
            1.3,
            2.625,
            3.7500000000000004,
            6.102633403898973,
            7.810263340389898,
            7.999810263343073,
        ],
        3.8888888888888884,
    ),
    (
        r#"{"dist": "trapezoid", "a": "0", "b": "3", "c": "3", "d": "4"}"#,
        [
            3.4641016151377547e-06,
            0.0034641016151377548,
            0.34641016151377546,
            1.7320508075688772,
            2.449489742783178,
            3.367544467966324,
            3.9367544467966322,
            3.999936754447691,
        ],
        2.3333333333333335,
    ),
    (
        r#"{"dist": "trapezoid", "a": "0", "b": "0", "c": "1", "d": "3"}"#,
        [
            1.9999999999999996e-12,
            2e-06,
            0.019999999999999997,
            0.5,
            1.0,
            2.1055728090000843,
            2.9105572809000084,
            2.9999105572821647,
        ],
        1.083333333333333,
    ),
];

#[test]
fn quantiles_and_means_are_those_of_scipy() {
    for &(json, quantiles, mean) in CASES {
        let distribution = ready(json);
        let rounding = 4.0 * f64::EPSILON * scale(&distribution);
        for (u, expected) in AT.into_iter().zip(quantiles) {
            let found = distribution.quantile(u);
            let off = (found - expected).abs();
            assert!(
                off <= 2e-13 * expected.abs() || off <= rounding,
                "{json} at {u}: {found} is not {expected}"
            );
        }
        let found = distribution.mean();
        assert!((found - mean).abs() <= 1e-13 * mean.abs(), "{json}: mean {found} is not {mean}");
    }
}

/// Tails, and what lies between.
fn grid() -> Vec<f64> {
    let tails = (1..=12).flat_map(|k| [10_f64.powi(-k), 1.0 - 10_f64.powi(-k)]);
    tails.chain((1..200).map(|i| f64::from(i) / 200.0)).collect()
}

/// The probability up to the value is `u` again, to within what a few units of the value's last digit are worth.
#[test]
fn cdf_undoes_quantile() {
    for &(json, ..) in CASES {
        let distribution = ready(json);
        for u in grid() {
            let x = distribution.quantile(u);
            let few = 8.0 * f64::EPSILON * x.abs().max(scale(&distribution));
            let (least, most) = (distribution.cdf(x - few), distribution.cdf(x + few));
            let slack = 1e-12 * u + 4.0 * f64::EPSILON * if u < 0.4 { u } else { 1.0 };
            assert!(least - slack <= u && u <= most + slack, "{json} at {u}: {x}, {least} to {most}");
        }
    }
}

#[test]
fn nothing_lies_beyond_the_support() {
    for &(json, ..) in CASES {
        let distribution = ready(json);
        let (low, high) = distribution.support();
        assert_eq!((distribution.cdf(low), distribution.cdf(high)), (0.0, 1.0), "{json}");
        assert_eq!(distribution.cdf(low - 1.0), 0.0, "{json}");
        for u in [f64::MIN_POSITIVE, 0.0, 1.0 - f64::EPSILON / 2.0, 1.0] {
            let x = distribution.quantile(u);
            assert!(x.is_finite() && low <= x && x <= high, "{json} at {u}: {x}");
        }
    }
    assert_eq!(ready(r#"{"dist": "exponential", "mean": "1"}"#).support(), (0.0, f64::INFINITY));
    assert_eq!(
        ready(r#"{"dist": "normal", "mean": "1", "sd": "1", "low": "0"}"#).support(),
        (0.0, f64::INFINITY)
    );
}

/// A density cut at both ends is the same density, `F` between them brought to 0..1.
#[test]
fn a_cut_is_the_conditional_distribution() {
    let whole = ready(r#"{"dist": "log_normal", "median": "3", "sigma": "1"}"#);
    let cut = ready(r#"{"dist": "log_normal", "median": "3", "sigma": "1", "low": "1", "high": "10"}"#);
    for x in [1.0, 1.5, 3.0, 9.0, 10.0] {
        let expected = (whole.cdf(x) - whole.cdf(1.0)) / (whole.cdf(10.0) - whole.cdf(1.0));
        assert!((cut.cdf(x) - expected).abs() < 1e-15, "{x}");
    }
}

/// A mean without an end of its own, as Pareto's law has it.
#[test]
fn a_heavy_tail_has_no_mean_until_it_is_cut() {
    assert_eq!(ready(r#"{"dist": "pareto", "low": "1", "alpha": "1"}"#).mean(), f64::INFINITY);
    assert_eq!(ready(r#"{"dist": "pareto", "low": "1", "alpha": "0.5"}"#).mean(), f64::INFINITY);
    // Uniform on the square root: 1 + 1/x integrated by hand, sqrt(low x high).
    let cut = ready(r#"{"dist": "pareto", "low": "1", "alpha": "0.5", "high": "10000"}"#);
    assert!((cut.mean() - 100.0).abs() < 1e-11, "{}", cut.mean());
}

#[test]
fn a_table_is_the_quantiles_of_the_middles() {
    let table = ready(r#"{"dist": "uniform", "low": "0", "high": "8"}"#).table(4);
    assert_eq!(table, [1.0, 3.0, 5.0, 7.0]);
    assert!(ready(r#"{"dist": "empirical", "values": ["1"]}"#).is_monotone());
}

/// Not right or wrong, only the same everywhere: the bits of a table of every case. They change with `libm` or the formulas.
#[test]
fn every_platform_has_the_same_bits() {
    let tables = CASES.iter().flat_map(|case| ready(case.0).table(100));
    let digest =
        tables.fold(0_u64, |digest, x| (digest ^ x.to_bits()).wrapping_mul(0x100_0000_01b3).rotate_left(7));
    assert_eq!(digest, 0x97f3_5762_534e_1c32, "{digest:#x}");
}

fn decimal(units: std::ops::Range<i64>, scale: u32) -> impl Strategy<Value = Decimal> {
    units.prop_map(move |units| Decimal::new(units, scale))
}

/// Any density but those of `CASES`.
fn any_curve() -> impl Strategy<Value = DistributionSpec> {
    let any = || decimal(-1_000_000..1_000_000, 3);
    let more = || decimal(1..1_000_000, 3);
    let shape = || decimal(5..3_000, 2);
    prop_oneof![
        (any(), more()).prop_map(|(low, width)| DistributionSpec::Uniform { low, high: low + width }),
        (any(), more(), any(), more()).prop_map(|(mean, sd, at, width)| {
            let low = mean + (at % Decimal::from(20)) * sd;
            DistributionSpec::Normal { mean, sd, low: Some(low), high: Some(low + width * sd) }
        }),
        (more(), decimal(1..3_000, 3), prop::option::of(more())).prop_map(|(median, sigma, cut)| {
            let high = cut.map(|cut| median + cut);
            DistributionSpec::LogNormal { median, sigma, low: None, high }
        }),
        (more(), prop::option::of(more())).prop_map(|(mean, high)| DistributionSpec::Exponential {
            mean,
            low: None,
            high
        }),
        (more(), shape(), prop::option::of(more())).prop_map(|(low, excess, cut)| {
            let alpha = excess + Decimal::new(1, 1);
            DistributionSpec::Pareto { low, alpha, high: cut.map(|cut| low + cut) }
        }),
        (shape(), shape(), any(), more()).prop_map(|(alpha, beta, low, width)| {
            DistributionSpec::Beta { alpha, beta, low, high: low + width }
        }),
        (any(), [decimal(0..9, 0), decimal(0..9, 0), decimal(1..9, 0)]).prop_map(|(a, [b, c, d])| {
            DistributionSpec::Trapezoid { a, b: a + b, c: a + b + c, d: a + b + c + d }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever the curve: it rises with `u` to within rounding, stays inside its support, as does its mean.
    #[test]
    fn quantiles_rise_and_stay_inside(spec in any_curve(), mut us in prop::collection::vec(0.0..1.0_f64, 2..8)) {
        let distribution = spec.compile().unwrap();
        us.sort_by(f64::total_cmp);
        let (low, high) = distribution.support();
        let rounding = 1e-13 * scale(&distribution);
        let mut before = f64::NEG_INFINITY;
        for u in us {
            let x = distribution.quantile(u);
            prop_assert!(low <= x && x <= high, "{x} beyond {low} .. {high}");
            prop_assert!(x >= before - rounding - 1e-13 * before.abs().min(f64::MAX), "{x} after {before}");
            let p = distribution.cdf(x);
            prop_assert!((0.0..=1.0).contains(&p));
            before = x;
        }
        let mean = distribution.mean();
        prop_assert!(low <= mean && mean <= high, "mean {mean}");
    }
}
