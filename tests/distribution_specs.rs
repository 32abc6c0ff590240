//! Values, mixtures and what a specification may say, against numpy, scipy and the wording of a scenario's problems.

use perpcore::random::{Distribution, DistributionSpec};
use rust_decimal::Decimal;

fn spec(json: &str) -> DistributionSpec {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn ready(json: &str) -> Distribution {
    spec(json).compile().unwrap_or_else(|problems| panic!("{json}: {problems:?}"))
}

const VALUES: &str = r#"["5", "-1", "2.5", "2.5", "8", "0", "3"]"#;
const RANKS: [f64; 8] = [1e-9, 0.1, 0.2424, 0.25, 0.5, 0.6, 0.9, 0.999_999];

/// `numpy.quantile(values, u, method="inverted_cdf")`, with and without `weights`; `numpy.average`. numpy 2.
#[test]
fn values_are_those_of_numpy() {
    let sample = ready(&format!(r#"{{"dist": "empirical", "values": {VALUES}}}"#));
    let even = ready(&format!(r#"{{"dist": "choice", "values": {VALUES}}}"#));
    assert_eq!(sample, even);
    assert_eq!(RANKS.map(|u| sample.quantile(u)), [-1.0, -1.0, 0.0, 0.0, 2.5, 3.0, 8.0, 8.0]);
    assert!((sample.mean() - 2.857142857142857).abs() < 1e-15);
    let weights = r#"["1", "2", "0.5", "0.5", "3", "0", "1.25"]"#;
    let weighted = ready(&format!(r#"{{"dist": "choice", "values": {VALUES}, "weights": {weights}}}"#));
    assert_eq!(RANKS.map(|u| weighted.quantile(u)), [-1.0, -1.0, -1.0, 2.5, 3.0, 5.0, 8.0, 8.0]);
    assert!((weighted.mean() - 4.03030303030303).abs() < 1e-15);
    assert_eq!(weighted.support(), (-1.0, 8.0));
    assert_eq!([-1.5, -1.0, 0.0, 2.5, 8.0].map(|x| weighted.cdf(x) * 8.25), [0.0, 2.0, 2.0, 3.0, 8.25]);
    // A weight of zero is never drawn, not even at the ends.
    let ends = ready(r#"{"dist": "choice", "values": ["1", "2", "3"], "weights": ["0", "1", "0"]}"#);
    assert_eq!((ends.support(), ends.quantile(1e-300), ends.quantile(1.0)), ((2.0, 2.0), 2.0, 2.0));
}

#[test]
fn a_million_recorded_values_are_resampled_alike() {
    let n = 1_000_000_i64;
    let values = |n: i64| (0..n).map(|i| Decimal::from((i * 7919) % n)).collect();
    let sample = DistributionSpec::Empirical { values: values(n) }.compile().unwrap();
    for rank in [0, 1, 499_999, 999_999] {
        assert_eq!(sample.quantile((rank as f64 + 0.5) / n as f64), rank as f64);
    }
    let problems = DistributionSpec::Empirical { values: values(n + 1) }.compile().unwrap_err();
    assert_eq!((problems[0].field.as_str(), problems[0].value.as_str()), ("values", "1000001 values"));
}

const MIXTURE: &str = r#"{"dist": "mixture", "weights": ["3", "1", "0"], "components": [
    {"dist": "normal", "mean": "0", "sd": "1"}, {"dist": "uniform", "low": "-4", "high": "6"},
    {"dist": "uniform", "low": "100", "high": "101"}]}"#;

/// `3/4 norm.cdf(x) + 1/4 uniform(-4, 10).cdf(x)` of scipy.stats, and how often evenly spread uniforms give as much.
#[test]
fn a_mixture_has_the_weighted_odds() {
    let mixture = ready(MIXTURE);
    assert!(!mixture.is_monotone());
    assert_eq!(mixture.support(), (f64::NEG_INFINITY, f64::INFINITY));
    assert!((mixture.mean() - 0.25).abs() < 1e-15);
    let table = mixture.table(100_000);
    assert!(table.is_sorted());
    for (x, expected) in [
        (-3.5, 0.012674471809276644),
        (-1.0, 0.1939914404485928),
        (0.3, 0.5709335666417145),
        (2.0, 0.8829374010388656),
        (5.0, 0.974999785011321),
    ] {
        assert!((mixture.cdf(x) - expected).abs() < 1e-15, "{x}: {}", mixture.cdf(x));
        let share = table.partition_point(|&value| value <= x) as f64 / 1e5;
        assert!((share - expected).abs() < 3e-5, "{x}: {share}");
    }
    let mean = table.iter().sum::<f64>() / 1e5;
    assert!((mean - 0.25).abs() < 1e-4, "{mean}");
    // The first three quarters of the uniforms are the normal's.
    assert_eq!(mixture.quantile(0.375), 0.0);
    assert_eq!(mixture.quantile(0.875), 1.0);
}

#[test]
fn a_component_of_no_weight_is_not_there() {
    let mixture = ready(
        r#"{"dist": "mixture", "weights": ["1", "0"], "components": [
            {"dist": "uniform", "low": "0", "high": "1"}, {"dist": "uniform", "low": "5", "high": "6"}]}"#,
    );
    assert_eq!((mixture.support(), mixture.mean(), mixture.is_monotone()), ((0.0, 1.0), 0.5, true));
}

/// Field, value and what is allowed of each problem.
fn problems(json: &str) -> Vec<String> {
    spec(json).compile().unwrap_err().iter().map(ToString::to_string).collect()
}

const BAD: &[(&str, &[&str])] = &[
    (r#"{"dist": "uniform", "low": "1", "high": "1"}"#, &["high: 1 is not allowed: above low"]),
    (
        r#"{"dist": "uniform", "low": "1000000000000000000", "high": "1000000000000000001"}"#,
        &["high: 1000000000000000001 is not allowed: above low"],
    ),
    (
        r#"{"dist": "normal", "mean": "0", "sd": "0", "low": "2", "high": "1"}"#,
        &["high: 1 is not allowed: above low", "sd: 0 is not allowed: more than 0"],
    ),
    (
        r#"{"dist": "normal", "mean": "0", "sd": "1", "low": "50"}"#,
        &["low: 50 is not allowed: where something is left of the distribution, at least 1e-290 of it"],
    ),
    (
        r#"{"dist": "normal", "mean": "0", "sd": "1", "low": "-60", "high": "-50"}"#,
        &["high: -50 is not allowed: where something is left of the distribution, at least 1e-290 of it"],
    ),
    (
        r#"{"dist": "log_normal", "median": "-1", "sigma": "21", "low": "-1", "high": "0"}"#,
        &[
            "low: -1 is not allowed: 0 or more",
            "median: -1 is not allowed: more than 0",
            "sigma: 21 is not allowed: more than 0, at most 20",
        ],
    ),
    (
        r#"{"dist": "exponential", "mean": "-4", "high": "0"}"#,
        &["high: 0 is not allowed: more than 0", "mean: -4 is not allowed: more than 0"],
    ),
    (
        r#"{"dist": "pareto", "low": "0", "alpha": "0.01", "high": "-1"}"#,
        &[
            "high: -1 is not allowed: above low",
            "low: 0 is not allowed: more than 0",
            "alpha: 0.01 is not allowed: from 0.1 to 10000",
        ],
    ),
    (
        r#"{"dist": "beta", "alpha": "0.04", "beta": "10001", "low": "2"}"#,
        &[
            "alpha: 0.04 is not allowed: from 0.05 to 10000",
            "beta: 10001 is not allowed: from 0.05 to 10000",
            "high: 1 is not allowed: above low",
        ],
    ),
    (
        r#"{"dist": "trapezoid", "a": "3", "b": "2", "c": "1", "d": "0"}"#,
        &[
            "b: 2 is not allowed: a or more",
            "c: 1 is not allowed: b or more",
            "d: 0 is not allowed: c or more",
            "d: 0 is not allowed: above a",
        ],
    ),
    (r#"{"dist": "trapezoid", "a": "1", "b": "1", "c": "1", "d": "1"}"#, &["d: 1 is not allowed: above a"]),
    (
        r#"{"dist": "choice", "values": [], "weights": ["1"]}"#,
        &[
            "weights: 1 weights is not allowed: one for each value, 0 in all",
            "values: 0 values is not allowed: from 1 to 1000000 values",
        ],
    ),
    (
        r#"{"dist": "choice", "values": ["1", "2"], "weights": ["-1", "0"]}"#,
        &["weights[0]: -1 is not allowed: 0 or more"],
    ),
    (
        r#"{"dist": "choice", "values": ["1", "2"], "weights": ["0", "0"]}"#,
        &["weights: 0 for all is not allowed: at least one more than 0"],
    ),
    (
        r#"{"dist": "empirical", "values": []}"#,
        &["values: 0 values is not allowed: from 1 to 1000000 values"],
    ),
    (r#"{"dist": "mixture", "components": []}"#, &["components: [] is not allowed: at least one component"]),
    (
        r#"{"dist": "mixture", "weights": ["1"], "components": [{"dist": "choice", "values": ["1"]}, {"dist": "normal", "mean": "0", "sd": "-1"}]}"#,
        &[
            "weights: 1 weights is not allowed: one for each component, 2 in all",
            "components[1].sd: -1 is not allowed: more than 0",
        ],
    ),
];

#[test]
fn what_cannot_be_is_named_all_at_once() {
    for &(json, expected) in BAD {
        assert_eq!(problems(json), expected, "{json}");
    }
}

#[test]
fn unknown_names_are_refused() {
    for json in [
        r#"{"dist": "cauchy"}"#,
        r#"{"dist": "uniform", "low": "0", "high": "1", "mode": "0"}"#,
        r#"{"dist": "uniform", "low": "0"}"#,
        r#"{"dist": "mixture", "components": [{"dist": "normal", "mean": "0", "sd": "1", "weight": "2"}]}"#,
    ] {
        assert!(serde_json::from_str::<DistributionSpec>(json).is_err(), "{json}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    for json in [
        r#"{"dist": "uniform", "low": "-2", "high": "3.5"}"#,
        r#"{"dist": "normal", "mean": "10", "sd": "2.5"}"#,
        r#"{"dist": "log_normal", "median": "100", "sigma": "0.75", "low": "50", "high": "400"}"#,
        r#"{"dist": "exponential", "mean": "4", "high": "10"}"#,
        r#"{"dist": "pareto", "low": "10", "alpha": "0.7"}"#,
        r#"{"dist": "beta", "alpha": "2", "beta": "5"}"#,
        r#"{"dist": "trapezoid", "a": "1", "b": "2", "c": "4", "d": "8"}"#,
        r#"{"dist": "choice", "values": ["1", "2"], "weights": ["3", "4"]}"#,
        r#"{"dist": "empirical", "values": ["1", "2"]}"#,
        MIXTURE,
    ] {
        let read = spec(json);
        assert_eq!(spec(&serde_json::to_string(&read).unwrap()), read);
    }
}
