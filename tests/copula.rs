//! The Gaussian copula against closed forms, and against numpy's Cholesky factor with scipy's normal.

use perpcore::random::{Copula, Stream, open_unit};

const N: u64 = 40_000;

fn pair(rho: f64) -> Copula {
    Copula::new(&[vec![1.0, rho], vec![rho, 1.0]]).unwrap()
}

/// `N` joint draws, one column for each variable.
fn draws(copula: &Copula) -> Vec<Vec<f64>> {
    let stream = Stream::new(20_260_101, 0, 3);
    let size = copula.size();
    let mut columns = vec![Vec::new(); size];
    for i in 0..N {
        let mut u: Vec<f64> = (0..size).map(|k| open_unit(stream.word(i * size as u64 + k as u64))).collect();
        copula.correlate(&mut u);
        columns.iter_mut().zip(u).for_each(|(column, u)| column.push(u));
    }
    columns
}

/// Spearman's: the correlation of the ranks.
fn rank_correlation(x: &[f64], y: &[f64]) -> f64 {
    let ranks = |x: &[f64]| {
        let mut order: Vec<usize> = (0..x.len()).collect();
        order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
        let mut ranks = vec![0.0; x.len()];
        order.iter().enumerate().for_each(|(rank, &i)| ranks[i] = rank as f64);
        ranks
    };
    let n = x.len() as f64;
    let off: f64 = ranks(x).iter().zip(ranks(y)).map(|(a, b)| (a - b).powi(2)).sum();
    1.0 - 6.0 * off / (n * (n * n - 1.0))
}

/// `6 / pi asin(rho / 2)` (Pearson 1907) and, for both below their medians, `1/4 + asin(rho) / (2 pi)` (Sheppard 1899),
/// within four standard errors.
#[test]
fn ranks_and_quadrants_are_as_in_closed_form() {
    for rho in [-0.95, -0.5, 0.0, 0.3, 0.8, 0.99_f64] {
        let columns = draws(&pair(rho));
        let found = rank_correlation(&columns[0], &columns[1]);
        let expected = 6.0 / std::f64::consts::PI * (rho / 2.0).asin();
        assert!((found - expected).abs() < 4.0 / (N as f64).sqrt(), "{rho}: {found} is not {expected}");
        let both = columns[0].iter().zip(&columns[1]).filter(|&(&x, &y)| x < 0.5 && y < 0.5).count();
        let (found, expected) = (both as f64 / N as f64, 0.25 + rho.asin() / (2.0 * std::f64::consts::PI));
        assert!((found - expected).abs() < 2.0 / (N as f64).sqrt(), "{rho}: {found} is not {expected}");
    }
}

/// Kolmogorov and Smirnov: beyond 1.95 / sqrt(n) once in a thousand.
#[test]
fn each_variable_stays_uniform() {
    let rows = [vec![1.0, 0.7, -0.2], vec![0.7, 1.0, 0.4], vec![-0.2, 0.4, 1.0]];
    let columns = draws(&Copula::new(&rows).unwrap());
    for (i, column) in columns.iter().enumerate() {
        let mut sorted = column.clone();
        sorted.sort_by(f64::total_cmp);
        let far = sorted.iter().enumerate().map(|(i, u)| (u - i as f64 / N as f64).abs()).fold(0.0, f64::max);
        assert!(far < 1.95 / (N as f64).sqrt(), "{far}");
        for j in 0..i {
            let found = rank_correlation(column, &columns[j]);
            let expected = 6.0 / std::f64::consts::PI * (rows[i][j] / 2.0_f64).asin();
            assert!((found - expected).abs() < 4.0 / (N as f64).sqrt(), "{i} {j}: {found} is not {expected}");
        }
    }
}

/// `norm.cdf(np.linalg.cholesky(R) @ norm.ppf([.1, .7, .4]))`, scipy 1.17.1.
#[test]
fn one_draw_is_that_of_scipy() {
    let rows = [vec![1.0, 0.5, -0.3], vec![0.5, 1.0, 0.2], vec![-0.3, 0.2, 1.0]];
    let mut u = [0.1, 0.7, 0.4];
    Copula::new(&rows).unwrap().correlate(&mut u);
    for (found, expected) in u.into_iter().zip([0.1, 0.4259747377434006, 0.6470924649809275]) {
        assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
    }
}

#[test]
fn what_is_uncorrelated_is_untouched() {
    let rows = [vec![1.0, 0.0, 0.5], vec![0.0, 1.0, 0.0], vec![0.5, 0.0, 1.0]];
    let mut u = [0.1, 0.7, 0.4];
    Copula::new(&rows).unwrap().correlate(&mut u);
    assert_eq!([u[0], u[1]], [0.1, 0.7]);
    assert_ne!(u[2], 0.4);
}

#[test]
fn a_perfect_correlation_repeats_or_mirrors() {
    for u in [1e-9, 0.2, 0.5, 0.93] {
        let (mut same, mut mirrored) = ([u, 0.6], [u, 0.6]);
        pair(1.0).correlate(&mut same);
        pair(-1.0).correlate(&mut mirrored);
        assert!((same[1] - u).abs() <= 1e-14 * u, "{same:?}");
        assert!((mirrored[1] - (1.0 - u)).abs() <= 1e-15, "{mirrored:?}");
    }
}

/// Two independent scores and a third that they determine: z3 = (z1 - 0.6 z2) / 0.8.
#[test]
fn a_determined_variable_follows() {
    let rows = [vec![1.0, 0.6, 0.8], vec![0.6, 1.0, 0.0], vec![0.8, 0.0, 1.0]];
    let copula = Copula::new(&rows).unwrap();
    let mut u = [0.2, 0.7, 0.9];
    copula.correlate(&mut u);
    let [a, b, c] = u.map(perpcore::random::normal::quantile);
    assert!((0.8 * c - (a - 0.6 * b)).abs() < 1e-14);
}

#[test]
fn uniforms_stay_inside() {
    for rho in [-1.0, -0.999, 0.999, 1.0] {
        let copula = pair(rho);
        let ends = [open_unit(0), open_unit(u64::MAX), f64::MIN_POSITIVE];
        for (u, v) in ends.iter().flat_map(|&u| ends.iter().map(move |&v| (u, v))) {
            let mut both = [u, v];
            copula.correlate(&mut both);
            assert!(both.iter().all(|&u| 0.0 < u && u < 1.0), "{rho}, {u}, {v}: {both:?}");
        }
    }
}

#[test]
fn what_is_no_correlation_matrix_is_named() {
    let square = "the same as its mirror image: the matrix is symmetric";
    let definite = "what the other entries leave possible: the matrix is positive semidefinite";
    for (rows, field, value, allowed) in [
        (vec![], "", "[]", "at least one row"),
        (vec![vec![1.0, 0.0], vec![0.0]], "[1]", "1 entries", "2 entries: the matrix is square"),
        (vec![vec![1.0, 1.5], vec![1.5, 1.0]], "[0][1]", "1.5", "from -1 to 1"),
        (vec![vec![1.0, f64::NAN], vec![0.0, 1.0]], "[0][1]", "NaN", "from -1 to 1"),
        (vec![vec![0.9]], "[0][0]", "0.9", "1 on the diagonal"),
        (vec![vec![1.0, 0.5], vec![0.4, 1.0]], "[1][0]", "0.4", square),
        // The first two move with the third, but against each other.
        (vec![vec![1.0, -0.9, 0.9], vec![-0.9, 1.0, 0.9], vec![0.9, 0.9, 1.0]], "[2][2]", "1", definite),
        (vec![vec![1.0, 1.0, 0.5], vec![1.0, 1.0, 0.4], vec![0.5, 0.4, 1.0]], "[2][1]", "0.4", definite),
    ] {
        let problem = Copula::new(&rows).unwrap_err();
        let found = (problem.field.as_str(), problem.value.as_str(), problem.allowed.as_str());
        assert_eq!(found, (field, value, allowed));
    }
}
