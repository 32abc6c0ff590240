//! Draws that move together: the Gaussian copula.

use super::normal;
use crate::error::Problem;

/// A pivot below this is a variable that the earlier ones determine.
const DETERMINED: f64 = 1e-12;
/// Rounding of entries that were written with some twelve digits.
const ROUNDING: f64 = 1e-6;
/// The largest number below 1.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

/// A Gaussian copula: uniforms that are independent become uniforms whose normal scores have given correlations.
///
/// R. B. Nelsen, "An introduction to copulas" (2nd ed., 2006), section 2.5; the rank correlation of Spearman is then
/// `6 / pi x asin(rho / 2)` (K. Pearson, 1907).
#[derive(Clone, Debug, PartialEq)]
pub struct Copula {
    size: usize,
    /// Lower triangle of the Cholesky factor, row after row: `i + 1` entries in row `i`.
    factor: Vec<f64>,
}

impl Copula {
    /// A copula of the normal scores' correlations, or the first thing wrong with them. The field of the problem is to be
    /// put behind the name of the matrix: `[2][1]` for an entry, `[2]` for a row, empty for the whole.
    ///
    /// Semidefinite is enough: with a correlation of 1 or -1 one variable is the other, or its mirror image.
    pub fn new(rows: &[Vec<f64>]) -> Result<Copula, Problem> {
        let size = rows.len();
        if size == 0 {
            return Err(problem(String::new(), "[]", "at least one row"));
        }
        for (i, row) in rows.iter().enumerate() {
            if row.len() != size {
                let allowed = format!("{size} entries: the matrix is square");
                return Err(problem(format!("[{i}]"), format!("{} entries", row.len()), allowed));
            }
        }
        for (i, row) in rows.iter().enumerate() {
            for (j, &entry) in row.iter().enumerate() {
                let allowed = if !(-1.0..=1.0).contains(&entry) {
                    "from -1 to 1"
                } else if i == j && entry != 1.0 {
                    "1 on the diagonal"
                } else if j < i && entry != rows[j][i] {
                    "the same as its mirror image: the matrix is symmetric"
                } else {
                    continue;
                };
                return Err(problem(format!("[{i}][{j}]"), entry, allowed));
            }
        }
        factorise(rows).map(|factor| Copula { size, factor })
    }

    /// How many variables it joins.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Independent uniforms in (0, 1) become correlated ones, in place. What depends on no earlier variable is untouched,
    /// so the first always is.
    ///
    /// # Panics
    ///
    /// If there are not [`Self::size`] of them.
    pub fn correlate(&self, u: &mut [f64]) {
        assert_eq!(u.len(), self.size, "one uniform for each variable");
        // The last first: a row needs nothing but what stands before it.
        for i in (0..self.size).rev() {
            let start = i * (i + 1) / 2;
            let row = &self.factor[start..=start + i];
            if row[..i].iter().all(|&entry| entry == 0.0) {
                continue;
            }
            let scores = row.iter().zip(u.iter()).filter(|&(&entry, _)| entry != 0.0);
            let score: f64 = scores.map(|(entry, &u)| entry * normal::quantile(u)).sum();
            u[i] = normal::cdf(score).clamp(f64::MIN_POSITIVE, BELOW_ONE);
        }
    }
}

fn problem(field: String, value: impl ToString, allowed: impl Into<String>) -> Problem {
    Problem { field, value: value.to_string(), allowed: allowed.into() }
}

/// Cholesky, row by row (G. H. Golub and C. F. Van Loan, "Matrix computations", section 4.2), pivots of zero allowed.
fn factorise(rows: &[Vec<f64>]) -> Result<Vec<f64>, Problem> {
    let at = |i: usize, j: usize| i * (i + 1) / 2 + j;
    let mut factor: Vec<f64> = Vec::with_capacity(at(rows.len(), 0));
    for i in 0..rows.len() {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| factor[at(i, k)] * factor[at(j, k)]).sum();
            let rest = rows[i][j] - known;
            let refused = || {
                let allowed = "what the other entries leave possible: the matrix is positive semidefinite";
                problem(format!("[{i}][{j}]"), rows[i][j], allowed)
            };
            if i == j {
                if rest < -DETERMINED {
                    return Err(refused());
                }
                factor.push(if rest > DETERMINED { libm::sqrt(rest) } else { 0.0 });
            } else if factor[at(j, j)] > 0.0 {
                factor.push(rest / factor[at(j, j)]);
            } else if rest.abs() <= ROUNDING {
                factor.push(0.0);
            } else {
                return Err(refused());
            }
        }
    }
    Ok(factor)
}
