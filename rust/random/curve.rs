//! Families with a density: probabilities from both ends, quantiles, means.

use super::beta::Beta;
use super::normal;

/// One family with its parameters, not yet cut off anywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Curve {
    Uniform { low: f64, high: f64 },
    Normal { mean: f64, sd: f64 },
    LogNormal { median: f64, sigma: f64 },
    Exponential { mean: f64 },
    Pareto { low: f64, alpha: f64 },
    Beta { beta: Beta, low: f64, high: f64 },
    Trapezoid(Trapezoid),
}

impl Curve {
    /// Smallest and largest value.
    pub(super) fn support(&self) -> (f64, f64) {
        match *self {
            Curve::Uniform { low, high } | Curve::Beta { low, high, .. } => (low, high),
            Curve::Normal { .. } => (f64::NEG_INFINITY, f64::INFINITY),
            Curve::LogNormal { .. } | Curve::Exponential { .. } => (0.0, f64::INFINITY),
            Curve::Pareto { low, .. } => (low, f64::INFINITY),
            Curve::Trapezoid(t) => (t.a, t.d),
        }
    }

    /// Probability of a value up to `x`, and of one beyond: two figures, since the smaller keeps its digits.
    pub(super) fn tails(&self, x: f64) -> (f64, f64) {
        let (first, last) = self.support();
        if x <= first {
            return (0.0, 1.0);
        }
        if x >= last {
            return (1.0, 0.0);
        }
        match *self {
            Curve::Uniform { low, high } => ((x - low) / (high - low), (high - x) / (high - low)),
            Curve::Normal { mean, sd } => both((x - mean) / sd),
            Curve::LogNormal { median, sigma } => both(libm::log(x / median) / sigma),
            Curve::Exponential { mean } => (-libm::expm1(-x / mean), libm::exp(-x / mean)),
            Curve::Pareto { low, alpha } => {
                let rate = alpha * log_ratio(low, x);
                (-libm::expm1(-rate), libm::exp(-rate))
            }
            Curve::Beta { beta, low, high } => beta.tails((x - low) / (high - low)),
            Curve::Trapezoid(t) => t.tails(x),
        }
    }

    /// The value not exceeded with probability `p = 1 - q`; the smaller of the two decides where it matters.
    pub(super) fn quantile(&self, p: f64, q: f64) -> f64 {
        match *self {
            Curve::Uniform { low, high } => low + (high - low) * p,
            Curve::Normal { mean, sd } => mean + normal::quantile_of(p, q) * sd,
            Curve::LogNormal { median, sigma } => median * libm::exp(sigma * normal::quantile_of(p, q)),
            Curve::Exponential { mean } => -mean * log_rest(p, q),
            Curve::Pareto { low, alpha } => low * libm::exp(-log_rest(p, q) / alpha),
            Curve::Beta { beta, low, high } => low + (high - low) * beta.quantile(p, q),
            Curve::Trapezoid(t) => t.quantile(p, q),
        }
    }

    /// Mean of the values within `low..=high`, which may be the whole support; infinite where it is.
    pub(super) fn mean(&self, low: f64, high: f64) -> f64 {
        match *self {
            Curve::Uniform { .. } => low + (high - low) / 2.0,
            Curve::Normal { mean, sd } => {
                let (a, b) = ((low - mean) / sd, (high - mean) / sd);
                mean + sd * ((normal::density(a) - normal::density(b)) / normal::between(a, b))
            }
            Curve::LogNormal { median, sigma } => {
                let (a, b) = (libm::log(low / median) / sigma, libm::log(high / median) / sigma);
                let share = normal::between(a - sigma, b - sigma) / normal::between(a, b);
                median * libm::exp(sigma * sigma / 2.0) * share
            }
            Curve::Exponential { mean } => low + mean - rest_of_exponential((high - low) / mean) * mean,
            Curve::Pareto { alpha, .. } => mean_of_pareto(alpha, low, high),
            Curve::Beta { beta, .. } => low + (high - low) * beta.mean(),
            Curve::Trapezoid(t) => t.mean(),
        }
    }
}

fn both(z: f64) -> (f64, f64) {
    (normal::cdf(z), normal::cdf(-z))
}

/// `ln q`, by way of `p` where that is the smaller.
fn log_rest(p: f64, q: f64) -> f64 {
    if p < q { libm::log1p(-p) } else { libm::log(q) }
}

/// `ln(b / a)`, accurate where they are close.
fn log_ratio(a: f64, b: f64) -> f64 {
    if b < 2.0 * a { libm::log1p((b - a) / a) } else { libm::log(b / a) }
}

/// What a cut at `width` means takes from the mean of an exponential, in means: `width / (e^width - 1)`.
fn rest_of_exponential(width: f64) -> f64 {
    if width.is_infinite() { 0.0 } else { width / libm::expm1(width) }
}

fn mean_of_pareto(alpha: f64, low: f64, high: f64) -> f64 {
    if high.is_infinite() {
        return if alpha > 1.0 { low * alpha / (alpha - 1.0) } else { f64::INFINITY };
    }
    let width = log_ratio(low, high);
    // The integral of e^((1 - alpha) t) over 0..width, whatever the sign of 1 - alpha.
    let power = if alpha == 1.0 { width } else { libm::expm1((1.0 - alpha) * width) / (1.0 - alpha) };
    low * alpha * power / -libm::expm1(-alpha * width)
}

/// Density rising over a..b, flat over b..c, falling over c..d.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trapezoid {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
}

impl Trapezoid {
    /// Density of the flat part.
    fn top(&self) -> f64 {
        2.0 / ((self.d - self.a) + (self.c - self.b))
    }

    fn tails(&self, x: f64) -> (f64, f64) {
        let Trapezoid { a, b, c, d } = *self;
        let top = self.top();
        if x < b {
            let p = top * (x - a) * ((x - a) / (b - a)) / 2.0;
            (p, 1.0 - p)
        } else if x <= c {
            (top * ((b - a) / 2.0 + (x - b)), top * ((d - c) / 2.0 + (c - x)))
        } else {
            let q = top * (d - x) * ((d - x) / (d - c)) / 2.0;
            (1.0 - q, q)
        }
    }

    fn quantile(&self, p: f64, q: f64) -> f64 {
        let Trapezoid { a, b, c, d } = *self;
        let top = self.top();
        let (rise, fall) = (top * (b - a) / 2.0, top * (d - c) / 2.0);
        if p < rise {
            a + libm::sqrt(2.0 * p * (b - a) / top)
        } else if q < fall {
            d - libm::sqrt(2.0 * q * (d - c) / top)
        } else {
            (b + (p - rise) / top).min(c)
        }
    }

    /// Of the two triangles and the rectangle between them, measured from a.
    fn mean(&self) -> f64 {
        let Trapezoid { a, b, c, d } = *self;
        let rising = (b - a) / 2.0 * (b - a) * 2.0 / 3.0;
        let flat = (c - b) * ((b - a) + (c - b) / 2.0);
        let falling = (d - c) / 2.0 * ((c - a) + (d - c) / 3.0);
        a + self.top() * (rising + flat + falling)
    }
}
