//! Poisson placed lumps, each hedged by a whole level: how many burn follows Borel's law. DESIGN section 7.
//!
//! A level of spot holds `L` tokens, a lump is `L` tokens, the hedge ratio is 1, so each liquidation lifts spot by exactly
//! one tick, where a Poisson number of lumps with mean `n` waits: a branching process. An ignition of one level triggers
//! the one account at the first tick, and `P(k) = e^(-nk) (nk)^(k-1) / k!` are the odds that `k` burn in all.

mod common;

use common::{Setup, decimal, ladder, run};
use perpcore::world::World;
use perpcore::world::scenario::PositionsSpec;
use rust_decimal::Decimal;

const PATHS: u64 = 100_000;
const SEED: u64 = 20_240_601;
const LEVEL: i64 = 200;

/// One account at 10.01, the first tick above the start, and `n` lumps a tick on the `ticks` after it.
fn world(n: Decimal, ticks: i64) -> World {
    let first = Decimal::new(10_01, 2);
    let last = first + Decimal::new(ticks, 2);
    let mut setup = Setup::new()
        .shorts(ladder(first, None).qty(LEVEL).lump(LEVEL))
        .shorts(ladder(first, Some(last)).qty(1).lump(LEVEL).poisson())
        .hedging(Decimal::ONE)
        .igniting(LEVEL);
    if let PositionsSpec::Ladder(ladder) = &mut setup.0.positions[1] {
        ladder.qty = Some(n * Decimal::from(ticks * LEVEL));
    }
    setup.world()
}

/// How often `k` accounts burnt, by `k`, over all paths: half of them on each of two threads.
fn burnt(world: &World, ticks: i64) -> Vec<u64> {
    // A path builds its books anew. A block this large, freed once, teaches the allocator to keep what they give back:
    // without it the kernel clears four fresh megabytes a path, at three times the time.
    drop(std::hint::black_box(vec![0_u8; 30 << 20]));
    let size = usize::try_from(ticks).unwrap() + 1;
    let half = |paths: std::ops::Range<u64>| {
        let mut counts = vec![0; size];
        for path in paths {
            let summary = run(world, SEED, path);
            let k = summary.totals.liquidated_accounts;
            let ticks_up = summary.final_price.0 - summary.start_price.0;
            assert_eq!(
                ticks_up,
                i64::try_from(k).unwrap() + 1,
                "path {path}: a tick for the push and one a burnt lump"
            );
            let count = counts.get_mut(usize::try_from(k).unwrap());
            *count.unwrap_or_else(|| {
                panic!("path {path} met the upper end of {ticks} ticks with {k} burnt")
            }) += 1;
        }
        counts
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| half(0..PATHS / 2));
        let second = half(PATHS / 2..PATHS);
        first.join().unwrap().iter().zip(second).map(|(a, b)| a + b).collect()
    })
}

/// Borel's probabilities of 1, 2, ... by `P(k+1) / P(k) = n e^(-n) (1 + 1/k)^(k-1)`; slot 0 is impossible.
fn borel(n: f64, size: usize) -> Vec<f64> {
    let mut probabilities = vec![0.0, (-n).exp()];
    for k in 1..size - 1 {
        let k = f64::from(u32::try_from(k).unwrap());
        let last = probabilities[probabilities.len() - 1];
        probabilities.push(last * n * (-n).exp() * ((k - 1.0) * (1.0 / k).ln_1p()).exp());
    }
    probabilities
}

/// The value that a chi-square of so many degrees of freedom exceeds with 1 %: Wilson and Hilferty's cube.
fn critical(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + 2.326_347_874 * spread.sqrt()).powi(3)
}

/// Chi-square and degrees of freedom, bins pooled from the left until 5 are expected; the last takes what is beyond.
#[allow(clippy::cast_precision_loss)]
fn chi_square(counts: &[u64], probabilities: &[f64]) -> (f64, f64) {
    let total = counts.iter().sum::<u64>() as f64;
    let mut bins: Vec<(f64, f64)> = Vec::new();
    let (mut seen, mut expected, mut left) = (0.0, 0.0, total);
    for (&count, &p) in counts.iter().zip(probabilities) {
        seen += count as f64;
        expected += p * total;
        if expected >= 5.0 && left - expected >= 5.0 {
            bins.push((seen, expected));
            left -= expected;
            (seen, expected) = (0.0, 0.0);
        }
    }
    bins.push((seen, left));
    let statistic = bins.iter().map(|(seen, expected)| (seen - expected).powi(2) / expected).sum();
    (statistic, bins.len() as f64 - 1.0)
}

#[allow(clippy::cast_precision_loss)]
fn follows_borels_law(n: &str, ticks: i64) -> Vec<u64> {
    let counts = burnt(&world(decimal(n), ticks), ticks);
    let n: f64 = n.parse().unwrap();
    let (statistic, freedom) = chi_square(&counts, &borel(n, counts.len()));
    let most = counts.iter().rposition(|&c| c > 0).unwrap();
    let limit = critical(freedom);
    assert!(
        statistic < limit,
        "n {n}: chi-square {statistic:.1} of {freedom} degrees, 1 % at {limit:.1}; most {most}"
    );

    let mean = counts.iter().zip(0_u32..).map(|(&c, k)| c as f64 * f64::from(k)).sum::<f64>() / PATHS as f64;
    let error = (n / (1.0 - n).powi(3) / PATHS as f64).sqrt();
    let off = (mean - 1.0 / (1.0 - n)).abs() / error;
    assert!(off < 4.0, "n {n}: mean {mean:.4} is {off:.2} standard errors from {:.4}", 1.0 / (1.0 - n));
    println!(
        "n {n}: chi-square {statistic:.1} of {freedom} ({limit:.1}), mean {mean:.4} ({off:.2} errors), most {most}"
    );
    counts
}

/// Neighbouring laws are rejected on the same draws: the test has teeth.
#[test]
fn the_number_burnt_is_borel_distributed_with_n_one_half() {
    let counts = follows_borels_law("0.5", 150);
    for wrong in [0.48, 0.52] {
        let (statistic, freedom) = chi_square(&counts, &borel(wrong, counts.len()));
        assert!(statistic > critical(freedom), "n {wrong} not rejected: {statistic:.1} of {freedom} degrees");
    }
}

#[test]
fn the_number_burnt_is_borel_distributed_with_n_four_fifths() {
    follows_borels_law("0.8", 700);
}

/// Tables: 1 % points of chi-square with 5, 10, 50 and 100 degrees of freedom.
#[test]
fn the_critical_value_is_the_tables() {
    for (freedom, table) in [(5.0, 15.086), (10.0, 23.209), (50.0, 76.154), (100.0, 135.807)] {
        assert!(
            (critical(freedom) - table).abs() < 0.05,
            "{freedom} degrees: {} not {table}",
            critical(freedom)
        );
    }
}
