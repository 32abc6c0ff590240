//! Ensembles: the same bits for any number of threads, statistics that agree with the rows, errors that name the path.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // of what is small

mod common;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use common::{Setup, ladder};
use perpcore::engine::Simulation;
use perpcore::monte_carlo::{
    Cause, Control, Ensemble, Estimate, Keep, MonteCarloError, Plan, Statistics, Tail, run,
};
use perpcore::random::Stream;
use perpcore::results::{COLUMNS, Column, Kind, billionths, columns, exact_summary};
use perpcore::world::World;
use proptest::prelude::*;
use rust_decimal::Decimal;

const SEED: u64 = 5;

/// A few hundred accounts, Poisson placed: paths differ, and a path takes microseconds.
fn world() -> World {
    let shorts = ladder(Decimal::from(11), Some(Decimal::from(13))).qty(30_000).lump(100).poisson();
    Setup::new().shorts(shorts).hedging(Decimal::new(6, 1)).igniting(20_500).world()
}

fn plan(paths: u64, n_threads: usize) -> Plan {
    Plan { paths, first_path: 0, seed: SEED, n_threads, keep: Keep::Columns, lazy: true }
}

fn ensemble(world: &World, plan: &Plan) -> Ensemble {
    run(&world.clone().into(), plan, &Control::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// A column as plain integers.
fn integers(ensemble: &Ensemble, index: usize) -> Vec<i64> {
    let array = ensemble.exact(index).unwrap();
    match array.as_primitive_opt::<Int64Type>() {
        Some(array) => array.values().to_vec(),
        None => array
            .as_primitive::<arrow_array::types::UInt8Type>()
            .values()
            .iter()
            .map(|&x| i64::from(x))
            .collect(),
    }
}

fn statistics(ensemble: &Ensemble) -> Vec<&Statistics> {
    (0..columns(false).len()).map(|index| ensemble.statistics(index)).collect()
}

fn of_column<'e>(ensemble: &'e Ensemble, name: &str) -> &'e Statistics {
    ensemble.statistics(Column::index(name).unwrap())
}

fn stored() -> impl Iterator<Item = usize> {
    (0..columns(false).len()).filter(|&index| COLUMNS[index].kind != Kind::Ratio)
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let world = world();
    let one = ensemble(&world, &plan(1000, 1));
    assert!(one.complete && one.paths == 1000);
    let finals = integers(&one, 4);
    assert!(finals.iter().any(|&x| x != finals[0]), "every path ends alike: the test tests nothing");
    for n_threads in [2, 3, 8] {
        let many = ensemble(&world, &plan(1000, n_threads));
        assert_eq!(many.hash, one.hash, "{n_threads} threads");
        assert_eq!(statistics(&many), statistics(&one), "{n_threads} threads");
        assert_eq!(many.table(true).unwrap().unwrap(), one.table(true).unwrap().unwrap());
        assert_eq!(many.table(false).unwrap().unwrap(), one.table(false).unwrap().unwrap());
    }
}

#[test]
fn a_row_is_the_summary_of_its_path() {
    let world = world();
    let found = ensemble(&world, &Plan { first_path: 1_000_000_007, ..plan(70, 2) });
    for (row, path) in (1_000_000_007..).take(70).enumerate() {
        let expected = exact_summary(&world, &common::run(&world, SEED, path));
        for index in stored() {
            let (_, value) = expected.iter().find(|(name, _)| *name == COLUMNS[index].name).unwrap();
            let shown = format!("{value:?}");
            let got = integers(&found, index)[row];
            match COLUMNS[index].kind {
                Kind::YesNo => assert_eq!(shown, format!("Bool({})", got == 1)),
                Kind::StopReason => assert!(shown.contains(perpcore::results::STOP_REASONS[got as usize])),
                _ => assert_eq!(shown, format!("Int({got})"), "{} of path {path}", COLUMNS[index].name),
            }
        }
    }
    let paths = found.path().unwrap().as_primitive::<UInt64Type>().values().to_vec();
    assert_eq!(paths, (1_000_000_007..1_000_000_077).collect::<Vec<_>>());
}

#[test]
fn statistics_alone_are_those_of_the_rows_and_their_hash() {
    let world = world();
    let rows = ensemble(&world, &plan(600, 2));
    let alone = ensemble(&world, &Plan { keep: Keep::Statistics, ..plan(600, 3) });
    assert_eq!(statistics(&alone), statistics(&rows));
    assert_eq!(alone.hash, rows.hash);
    assert!(!alone.has_columns() && alone.path().is_none() && alone.table(false).is_none());
    for index in stored() {
        let mut expected = Statistics::default();
        integers(&rows, index).iter().for_each(|&x| expected.add(Some(x)));
        assert_eq!(*rows.statistics(index), expected, "{}", COLUMNS[index].name);
    }
    let multiple = Column::index("peak_multiple").unwrap();
    let (a, b) = COLUMNS[multiple].parts(rows.scale.side).unwrap();
    let mut expected = Statistics::default();
    integers(&rows, a).iter().zip(integers(&rows, b)).for_each(|(&a, b)| expected.add(billionths(a, b)));
    assert_eq!(*alone.statistics(multiple), expected);
}

#[test]
fn hashes_and_statistics_of_parts_add_up_to_the_whole() {
    let world = world();
    let whole = ensemble(&world, &plan(500, 2));
    let parts = [(0, 123), (123, 377)]
        .map(|(first_path, paths)| ensemble(&world, &Plan { first_path, ..plan(paths, 2) }));
    assert_eq!(parts[0].hash.wrapping_add(parts[1].hash), whole.hash);
    for (index, expected) in statistics(&whole).into_iter().enumerate() {
        let mut merged = parts[1].statistics(index).clone();
        merged.merge(parts[0].statistics(index));
        assert_eq!(merged, *expected);
    }
    let other = ensemble(&world, &Plan { seed: SEED + 1, ..plan(500, 2) });
    assert_ne!(other.hash, whole.hash);
}

#[test]
fn a_world_without_fuel_has_no_share_of_it() {
    let found = ensemble(&Setup::new().world(), &plan(10, 1));
    let burnt = of_column(&found, "fuel_burnt");
    assert_eq!((burnt.count, burnt.missing), (0, 10));
    assert!(burnt.mean().is_nan() && burnt.quantile(0.5, 0.95).value.is_nan());
}

/// Two accounts on average with costs of 10^18 steps each: the sums of a handful do not fit 64 bits.
#[test]
fn the_lowest_failing_path_is_named_whoever_came_first() {
    let (eleven, huge) = (Decimal::from(11), 100_000_000_000);
    let shorts = ladder(eleven, Some(Decimal::from(13))).qty(2 * huge).lump(huge).poisson();
    let world = Setup::new().shorts(shorts).igniting(70_000).world(); // to where all of them break
    let fails = |path: u64| {
        let mut simulation = Simulation::new(&world, SEED, path, ()).unwrap();
        simulation.run().and_then(|reason| simulation.summary(reason)).is_err()
    };
    let lowest = (0..).find(|&path| fails(path)).unwrap();
    let next = (lowest + 1..).find(|&path| fails(path)).unwrap();
    assert!(lowest > 0, "another seed, please");
    for n_threads in [1, 2, 8] {
        for (first_path, expected) in [(0, lowest), (lowest + 1, next)] {
            let plan = Plan { first_path, ..plan(2000, n_threads) };
            let error = run(&world.clone().into(), &plan, &Control::default()).unwrap_err();
            let MonteCarloError::Path { seed: SEED, path, cause: Cause::Run(_) } = error else {
                panic!("{error:?}");
            };
            assert_eq!(path, expected, "{n_threads} threads");
            let text = error.to_string();
            assert!(text.starts_with(&format!("seed 5, path {expected}: ")), "{text}");
        }
    }
}

#[test]
fn what_is_stopped_keeps_whole_rows_of_finished_paths() {
    let (world, plan, control) = (world(), plan(200_000, 3), Control::default());
    let found = thread::scope(|scope| {
        scope.spawn(|| {
            while control.finished.load(Ordering::Relaxed) < 500 {
                thread::sleep(Duration::from_micros(100));
            }
            control.stop.store(true, Ordering::Relaxed);
        });
        run(&world.clone().into(), &plan, &control).unwrap_or_else(|e| panic!("{e}"))
    });
    assert!(!found.complete && found.paths >= 500 && found.paths < 200_000);
    assert_eq!(found.paths, control.finished.load(Ordering::Relaxed));
    let paths = found.path().unwrap().as_primitive::<UInt64Type>().values().to_vec();
    assert!(paths.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(found.statistics(0).count, found.paths);
    for index in stored() {
        assert_eq!(found.exact(index).unwrap().len() as u64, found.paths);
    }
    for (row, &path) in paths.iter().enumerate().step_by(97) {
        assert_eq!(integers(&found, 4)[row], common::run(&world, SEED, path).final_price.0, "path {path}");
    }
}

#[test]
fn stopped_before_it_began_it_is_empty() {
    let control = Control::default();
    control.stop.store(true, Ordering::Relaxed);
    let found = run(&world().into(), &plan(100, 2), &control).unwrap();
    assert!(!found.complete && found.paths == 0 && found.hash == 0);
    assert_eq!(found.table(false).unwrap().unwrap().num_rows(), 0);
}

fn refused(plan: &Plan, available: u64) -> String {
    plan.check_against(available, false).err().unwrap_or_default().to_string()
}

#[test]
fn what_cannot_be_is_refused_before_work_begins() {
    let gigabytes = 16 << 30;
    assert_eq!(refused(&plan(1, 1), gigabytes), "");
    assert!(refused(&plan(0, 1), gigabytes).starts_with("paths: 0 "));
    assert!(refused(&plan(1, 0), gigabytes).starts_with("n_threads: 0 "));
    assert!(refused(&plan(1, 1 << 20), gigabytes).contains("1024"));
    let many = plan(1_000_000_000, 1);
    let text = refused(&many, gigabytes);
    assert!(
        text.contains("GiB") && text.contains("16.0 GiB") && text.contains("keep=\"statistics\""),
        "{text}"
    );
    assert_eq!(refused(&Plan { keep: Keep::Statistics, ..many }, gigabytes), "");
    let last = Plan { first_path: u64::MAX, ..plan(1, 1) };
    assert_eq!(refused(&last, gigabytes), "");
    assert!(refused(&Plan { paths: 2, ..last }, gigabytes).starts_with("first_path: "));
    let all = refused(&Plan { n_threads: 0, first_path: 9, ..plan(u64::MAX, 1) }, gigabytes);
    assert_eq!(all.lines().count(), 3, "{all}");
}

#[test]
fn the_last_path_of_all_can_be_run() {
    let found = ensemble(&world(), &Plan { first_path: u64::MAX - 2, ..plan(3, 2) });
    assert_eq!(found.path().unwrap().as_primitive::<UInt64Type>().values().to_vec()[2], u64::MAX);
}

// ---- statistics ----

fn of(numbers: &[i64]) -> Statistics {
    let mut statistics = Statistics::default();
    numbers.iter().for_each(|&x| statistics.add(Some(x)));
    statistics
}

/// Numbers of every size and sign, with ties.
fn numbers(most: usize) -> impl Strategy<Value = Vec<i64>> {
    let number = prop_oneof![
        -5000i64..5000,
        any::<i64>(),
        (0u32..63).prop_flat_map(|bits| -(1i64 << bits)..=(1i64 << bits)),
        Just(123_456_789),
    ];
    prop::collection::vec(number, 1..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn merging_in_any_order_gives_the_same_state(
        numbers in numbers(200),
        parts in prop::collection::vec(0usize..5, 200),
        order in Just([0usize, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let mut split = vec![Statistics::default(); 5];
        for (x, part) in numbers.iter().zip(&parts) {
            split[*part].add((x % 7 != 0).then_some(*x));
        }
        let mut merged = Statistics::default();
        order.iter().for_each(|&part| merged.merge(&split[part]));
        let mut whole = Statistics::default();
        numbers.iter().for_each(|&x| whole.add((x % 7 != 0).then_some(x)));
        prop_assert_eq!(merged, whole);
    }

    #[test]
    fn quantiles_are_within_a_bucket_of_the_sorted_numbers(numbers in numbers(300), q in 0.0..=1.0f64) {
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        let n = sorted.len();
        let rank = ((n as f64 * q * (1.0 - 4.0 * f64::EPSILON)).ceil() as usize).clamp(1, n);
        let (exact, found) = (sorted[rank - 1] as f64, of(&numbers).quantile(q, 0.95));
        // 64-bit integers become doubles.
        let width = if exact.abs() < 4096.0 { 0.0 } else { exact.abs() / 2048.0 };
        prop_assert!((found.value - exact).abs() <= width, "{} is {found:?}", exact);
        prop_assert!(found.low <= found.value && found.value <= found.high);
    }

    #[test]
    fn exceedance_brackets_the_count(numbers in numbers(300), at in 0usize..300, off in -3i64..3) {
        let threshold = numbers[at % numbers.len()].saturating_add(off);
        let above = numbers.iter().filter(|&&x| x > threshold).count() as f64 / numbers.len() as f64;
        let found = of(&numbers).exceedance(threshold, 0.9);
        prop_assert!(found.low <= above && above <= found.high);
        prop_assert!(found.low <= found.value && found.value <= found.high);
        if threshold.unsigned_abs() < 4096 {
            prop_assert_eq!(found.value, above);
        }
    }

    #[test]
    fn tails_are_between_their_quantile_and_the_end(numbers in numbers(300), q in 0.0..1.0f64) {
        let statistics = of(&numbers);
        let slack = 1e-9 * (statistics.max as f64 - statistics.min as f64).abs() + 1e-6;
        let quantile = statistics.quantile(q, 0.95).value;
        let bucket = quantile.abs() / 2048.0 + slack;
        let upper = statistics.tail_expectation(q, Tail::Upper, 0.95).value;
        let lower = statistics.tail_expectation(q, Tail::Lower, 0.95).value;
        let (min, max) = (statistics.min as f64, statistics.max as f64);
        prop_assert!(upper >= quantile - bucket && upper <= max + 1e-12 * max.abs() + slack);
        prop_assert!(lower <= quantile + bucket && lower >= min - slack - bucket);
    }

    #[test]
    fn moments_are_exact(numbers in prop::collection::vec(-1_000_000i64..1_000_000, 2..200), shift in any::<i32>()) {
        let far: Vec<i64> = numbers.iter().map(|x| x + i64::from(shift) * 1_000_000_000).collect();
        let (near, far) = (of(&numbers), of(&far));
        // Exact sums: a variance does not depend on where the numbers lie.
        prop_assert!((near.variance() - far.variance()).abs() <= 1e-14 * near.variance());
    }
}

#[track_caller]
fn is(found: Estimate, [value, low, high]: [f64; 3]) {
    for (found, expected) in [(found.value, value), (found.low, low), (found.high, high)] {
        assert!((found - expected).abs() <= 1e-11 * expected.abs(), "{found} is not {expected}");
    }
}

/// Of numpy 2.4 (`mean`, `var(ddof=1)`, `quantile(method="inverted_cdf")`, sorted arrays) and scipy 1.17 (`stats.sem`,
/// `stats.norm`, `stats.binomtest(...).proportion_ci(method="wilson")`).
#[test]
fn figures_are_those_of_numpy_and_scipy() {
    let x = of(&(0..1000).map(|i| (i * i * 7919) % 4093 - 1000).collect::<Vec<i64>>());
    assert!((x.variance() - 1_440_936.373_284_284_3).abs() < 1e-6);
    assert!((x.standard_error() - 37.959_667_718_307_08).abs() < 1e-12);
    is(x.mean_within(0.95), [1026.283, 951.883_418_407_010_3, 1_100.682_581_592_989_4]);
    // The exact binomial interval of scipy.stats.quantile_test: (-989, -919), (829, 1111), (2800, 2940).
    is(x.quantile(0.01, 0.95), [-967.0, -996.0, -919.0]);
    is(x.quantile(0.5, 0.95), [983.0, 829.0, 1111.0]);
    is(x.quantile(0.95, 0.95), [2859.0, 2800.0, 2941.0]);
    is(x.exceedance(-900, 0.95), [0.978, 0.966_914_326_652_600_2, 0.985_427_292_235_208_9]);
    is(x.exceedance(500, 0.95), [0.612, 0.581_423_924_576_421_1, 0.641_718_881_522_814_4]);
    is(x.exceedance(3000, 0.95), [0.021, 0.013_775_739_567_924_29, 0.031_890_295_061_237_53]);
    let (upper, lower) = (Tail::Upper, Tail::Lower);
    is(x.tail_expectation(0.95, upper, 0.95), [2987.94, 2_948.900_986_121_121_6, 3_026.979_013_878_873]);
    is(x.tail_expectation(0.9, upper, 0.95), [2879.98, 2_836.096_711_735_419, 2_923.863_288_264_583]);
    is(x.tail_expectation(0.05, lower, 0.95), [-896.04, -930.623_522_506_935_4, -861.456_477_493_064_5]);
    is(
        x.tail_expectation(0.123, lower, 0.95),
        [-756.414_634_146_341_4, -799.259_802_319_363_2, -713.569_465_973_319_7],
    );
}

#[test]
fn what_so_few_paths_cannot_say_is_infinite() {
    let x = of(&[3, 1, 2]);
    let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(x.quantile(0.99, 0.95), Estimate { value: 3.0, low: 2.0, high });
    assert_eq!(x.tail_expectation(0.9, Tail::Upper, 0.95), Estimate { value: 3.0, low, high });
    assert_eq!(of(&[7]).mean_within(0.95), Estimate { value: 7.0, low, high });
    assert_eq!(x.tail_expectation(0.0, Tail::Upper, 0.95).value, 2.0);
}

/// `n` draws of a distribution given by its quantile function.
fn draws(sample: u64, n: u64, quantile: impl Fn(f64) -> f64) -> Statistics {
    let stream = Stream::new(11, sample, 3);
    let mut statistics = Statistics::default();
    (0..n).for_each(|i| statistics.add(Some((1e6 * quantile(stream.uniform(i))).round() as i64)));
    statistics
}

/// Exponential draws: everything is known. Of 1,000 samples of 2,000 some 95 % must cover; four standard deviations of that
/// count are 2.8 %, and the asymptotic interval of a skewed tail is known to cover a little less.
#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    let (samples, mut covered) = (1000, [0; 6]);
    let t = -(0.9f64.ln());
    let truth = [
        1.0,                           // mean
        -(0.1f64.ln()),                // 90 % quantile
        -(0.99f64.ln()),               // 1 % quantile
        (-2.0f64).exp(),               // P(X > 2)
        1.0 - 0.1f64.ln(),             // mean above the 90 % quantile: one mean more
        (1.0 - 0.9 * (1.0 + t)) / 0.1, // mean below the 10 % quantile t
    ];
    for sample in 0..samples {
        let x = draws(sample, 2000, |u| -(1.0 - u).ln());
        let found: [Estimate; 6] = [
            x.mean_within(0.95),
            x.quantile(0.9, 0.95),
            x.quantile(0.01, 0.95),
            x.exceedance(2_000_000, 0.95).map(|p| 1e6 * p),
            x.tail_expectation(0.9, Tail::Upper, 0.95),
            x.tail_expectation(0.1, Tail::Lower, 0.95),
        ];
        for ((count, found), truth) in covered.iter_mut().zip(found).zip(truth) {
            *count += usize::from(found.low <= truth * 1e6 && truth * 1e6 <= found.high);
        }
    }
    for (count, floor) in covered.iter().zip([922, 922, 922, 922, 910, 910]) {
        assert!(*count >= floor && *count <= 990, "covered {covered:?} of {samples}");
    }
}
