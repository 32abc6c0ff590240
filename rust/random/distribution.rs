//! A distribution ready to be drawn from: a number in (0, 1) goes in, a value comes out.

use super::curve::Curve;
use super::points::Points;

/// The largest number below 1.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;
/// A cut that leaves less than this leaves nothing: below, logarithms and quotients lose their digits.
const LEAST_MASS: f64 = 1e-290;

/// A one-dimensional distribution in double precision, made by [`super::DistributionSpec::compile`].
///
/// The same bits on every platform: IEEE arithmetic and the crate `libm` only.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution(Shape);

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Curve(Curve, Cut),
    Points(Points),
    /// Components and the probability of each and all before it.
    Mixture(Vec<Distribution>, Vec<f64>),
}

/// The part of a curve that is drawn from: its ends, and the curve's probability below and above each.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    low: f64,
    high: f64,
    at_low: (f64, f64),
    at_high: (f64, f64),
}

impl Cut {
    /// The curve's probability between two points, from the tail in which the digits are.
    fn difference(self, from: (f64, f64), to: (f64, f64)) -> f64 {
        if self.at_low.0 > 0.5 { from.1 - to.1 } else { to.0 - from.0 }
    }

    fn mass(self) -> f64 {
        self.difference(self.at_low, self.at_high)
    }
}

impl Distribution {
    /// `curve` on `low..=high`, `None` if (next to) nothing of it is there.
    pub(super) fn curve(curve: Curve, low: Option<f64>, high: Option<f64>) -> Option<Distribution> {
        let (first, last) = curve.support();
        let (low, high) = (low.map_or(first, |low| low.max(first)), high.map_or(last, |high| high.min(last)));
        let cut = Cut { low, high, at_low: curve.tails(low), at_high: curve.tails(high) };
        (low < high && cut.mass() >= LEAST_MASS).then_some(Distribution(Shape::Curve(curve, cut)))
    }

    pub(super) fn points(points: Points) -> Distribution {
        Distribution(Shape::Points(points))
    }

    /// Components, with the probability of each and all before it.
    pub(super) fn mixture(components: Vec<Distribution>, through: Vec<f64>) -> Distribution {
        Distribution(Shape::Mixture(components, through))
    }

    /// The value for `u` in (0, 1); a uniform `u` gives draws of this distribution.
    ///
    /// - A density cut to `low..=high`: the curve's quantile at the probability `F(low) (1 - u) + F(high) u`, where more than
    ///   one half by way of the probability of more, `S(low) (1 - u) + S(high) u`, which then keeps its digits.
    /// - Values: the smallest through which the probability is `u` or more.
    /// - A mixture: the first component through which the weights sum to `u` or more, at what `u` is within its share. `u`
    ///   picks and draws, so this is not monotone, and a component of weight `w` sees `u` in steps of `2^-53 / w`.
    ///
    /// Elsewhere it rises with `u`, to within rounding: some units of the last digit, for a beta 1 part in 10^12.
    pub fn quantile(&self, u: f64) -> f64 {
        let u = u.clamp(f64::MIN_POSITIVE, BELOW_ONE);
        match &self.0 {
            Shape::Curve(curve, cut) => {
                let within = |a: f64, b: f64| a * (1.0 - u) + b * u;
                let p = within(cut.at_low.0, cut.at_high.0);
                let q = within(cut.at_low.1, cut.at_high.1);
                curve.quantile(p, q).clamp(cut.low, cut.high)
            }
            Shape::Points(points) => points.quantile(u),
            Shape::Mixture(components, through) => {
                let i = through.partition_point(|&through| through < u).min(components.len() - 1);
                let before = if i == 0 { 0.0 } else { through[i - 1] };
                components[i].quantile((u - before) / (through[i] - before))
            }
        }
    }

    /// Probability of a value up to `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        match &self.0 {
            Shape::Curve(_, cut) if x <= cut.low => 0.0,
            Shape::Curve(_, cut) if x >= cut.high => 1.0,
            Shape::Curve(curve, cut) => {
                (cut.difference(cut.at_low, curve.tails(x)) / cut.mass()).clamp(0.0, 1.0)
            }
            Shape::Points(points) => points.cdf(x),
            Shape::Mixture(components, through) => {
                shares(components, through).map(|(part, share)| share * part.cdf(x)).sum()
            }
        }
    }

    /// Smallest and largest value; infinite where there is none.
    pub fn support(&self) -> (f64, f64) {
        match &self.0 {
            Shape::Curve(_, cut) => (cut.low, cut.high),
            Shape::Points(points) => points.support(),
            Shape::Mixture(components, _) => components
                .iter()
                .map(Distribution::support)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |all, part| (all.0.min(part.0), all.1.max(part.1))),
        }
    }

    /// The mean, in closed form; infinite for a Pareto with `alpha` up to 1 that is not cut off.
    pub fn mean(&self) -> f64 {
        match &self.0 {
            Shape::Curve(curve, cut) => curve.mean(cut.low, cut.high).clamp(cut.low, cut.high),
            Shape::Points(points) => points.mean(),
            Shape::Mixture(components, through) => {
                shares(components, through).map(|(part, share)| share * part.mean()).sum()
            }
        }
    }

    /// Whether [`Self::quantile`] rises with `u`, so that draws can be ordered by their uniforms: all but mixtures.
    pub fn is_monotone(&self) -> bool {
        match &self.0 {
            Shape::Mixture(components, _) => components.len() == 1 && components[0].is_monotone(),
            Shape::Curve(..) | Shape::Points(_) => true,
        }
    }

    /// The quantiles at `(i + 1/2) / points`, ascending, those of a mixture too.
    #[allow(clippy::cast_precision_loss)]
    pub fn table(&self, points: usize) -> Vec<f64> {
        let mut table: Vec<f64> =
            (0..points).map(|i| self.quantile((i as f64 + 0.5) / points as f64)).collect();
        table.sort_unstable_by(f64::total_cmp);
        table
    }
}

/// Each component with its own probability.
fn shares<'a>(
    components: &'a [Distribution],
    through: &'a [f64],
) -> impl Iterator<Item = (&'a Distribution, f64)> {
    let before = std::iter::once(0.0).chain(through.iter().copied());
    components.iter().zip(through.iter().zip(before).map(|(through, before)| through - before))
}
