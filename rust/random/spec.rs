//! A distribution as a scenario writes it down, and the check that makes it ready.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::beta::Beta;
use super::curve::{Curve, Trapezoid};
use super::distribution::Distribution;
use super::points::{Points, cumulative};
use crate::error::Problem;

/// Most values of a choice or a sample.
const MAX_VALUES: usize = 1_000_000;

/// In place of any scalar: `{"dist": "normal", "mean": "0.5", "sd": "0.1", "low": "0", "high": "1"}`.
///
/// Where `low` and `high` are optional they cut the distribution off: what is drawn has the conditional distribution on
/// `low..=high`, its shape unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "dist", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum DistributionSpec {
    /// All of `low..=high` alike.
    Uniform { low: Decimal, high: Decimal },
    /// The bell, of mean and standard deviation before it is cut off.
    Normal {
        mean: Decimal,
        sd: Decimal,
        #[serde(default)]
        low: Option<Decimal>,
        #[serde(default)]
        high: Option<Decimal>,
    },
    /// `median x e^(sigma z)`, `z` a standard normal.
    LogNormal {
        median: Decimal,
        sigma: Decimal,
        #[serde(default)]
        low: Option<Decimal>,
        #[serde(default)]
        high: Option<Decimal>,
    },
    /// From 0, of this mean before it is cut off.
    Exponential {
        mean: Decimal,
        #[serde(default)]
        low: Option<Decimal>,
        #[serde(default)]
        high: Option<Decimal>,
    },
    /// From `low`: more than `x` with probability `(low / x)^alpha`.
    Pareto {
        low: Decimal,
        alpha: Decimal,
        #[serde(default)]
        high: Option<Decimal>,
    },
    /// Beta(`alpha`, `beta`), stretched to `low..=high`.
    Beta {
        alpha: Decimal,
        beta: Decimal,
        #[serde(default)]
        low: Decimal,
        #[serde(default = "one")]
        high: Decimal,
    },
    /// A density that rises over `a..b`, is flat over `b..c` and falls over `c..d`; a triangle where `b` is `c`.
    Trapezoid { a: Decimal, b: Decimal, c: Decimal, d: Decimal },
    /// One of the values, equally likely unless weighted.
    Choice {
        values: Vec<Decimal>,
        #[serde(default)]
        weights: Option<Vec<Decimal>>,
    },
    /// One of the recorded values, all equally likely.
    Empirical { values: Vec<Decimal> },
    /// A draw of one of the components, equally likely unless weighted.
    Mixture {
        components: Vec<DistributionSpec>,
        #[serde(default)]
        weights: Option<Vec<Decimal>>,
    },
}

const fn one() -> Decimal {
    Decimal::ONE
}

impl DistributionSpec {
    /// The distribution in double precision, or everything that is wrong with it; fields are named from here, as in
    /// `high` or `components[1].sd`.
    pub fn compile(&self) -> Result<Distribution, Vec<Problem>> {
        let mut found = Found::default();
        let made = match self {
            DistributionSpec::Choice { values, weights } => {
                let weights = found.weights(weights.as_deref(), values.len(), "value");
                found.values(values).map(|values| match &weights {
                    // A weight of zero for all was found above.
                    Some(weights) if weights.len() == values.len() => Points::weighted(&values, weights),
                    _ => Points::even(values),
                })
            }
            .map(Distribution::points),
            DistributionSpec::Empirical { values } => {
                found.values(values).map(|values| Distribution::points(Points::even(values)))
            }
            DistributionSpec::Mixture { components, weights } => {
                mixture(&mut found, components, weights.as_deref())
            }
            _ => self.curve(&mut found),
        };
        made.filter(|_| found.0.is_empty()).ok_or(found.0)
    }

    /// Those with a density; `None` for the others.
    fn curve(&self, found: &mut Found) -> Option<Distribution> {
        match *self {
            DistributionSpec::Uniform { low, high } => {
                let curve = Curve::Uniform { low: number(low), high: found.above("high", high, "low", low) };
                found.cut(curve, None, Some(high))
            }
            DistributionSpec::Normal { mean, sd, low, high } => {
                found.ends(low, high, false);
                let curve = Curve::Normal { mean: number(mean), sd: found.positive("sd", sd) };
                found.cut(curve, low, high)
            }
            DistributionSpec::LogNormal { median, sigma, low, high } => {
                found.ends(low, high, true);
                let curve =
                    Curve::LogNormal { median: found.positive("median", median), sigma: found.sigma(sigma) };
                found.cut(curve, low, high)
            }
            DistributionSpec::Exponential { mean, low, high } => {
                found.ends(low, high, true);
                let curve = Curve::Exponential { mean: found.positive("mean", mean) };
                found.cut(curve, low, high)
            }
            DistributionSpec::Pareto { low, alpha, high } => {
                if let Some(high) = high {
                    found.above("high", high, "low", low);
                }
                let low = found.positive("low", low);
                let alpha = found.within("alpha", alpha, Decimal::new(1, 1), Decimal::new(10_000, 0));
                found.cut(Curve::Pareto { low, alpha }, None, high)
            }
            DistributionSpec::Beta { alpha, beta, low, high } => {
                let (least, most) = (Decimal::new(5, 2), Decimal::new(10_000, 0));
                let alpha = found.within("alpha", alpha, least, most);
                let beta = found.within("beta", beta, least, most);
                let (low, high) = (number(low), found.above("high", high, "low", low));
                found.cut(Curve::Beta { beta: Beta::new(alpha, beta), low, high }, None, None)
            }
            DistributionSpec::Trapezoid { a, b, c, d } => {
                found.require(b >= a, "b", b, "a or more");
                found.require(c >= b, "c", c, "b or more");
                found.require(d >= c, "d", d, "c or more");
                found.above("d", d, "a", a);
                let [a, b, c, d] = [a, b, c, d].map(number);
                found.cut(Curve::Trapezoid(Trapezoid { a, b, c, d }), None, None)
            }
            _ => None,
        }
    }
}

fn mixture(
    found: &mut Found,
    components: &[DistributionSpec],
    weights: Option<&[Decimal]>,
) -> Option<Distribution> {
    found.require(!components.is_empty(), "components", "[]", "at least one component");
    let weights = found.weights(weights, components.len(), "component");
    let mut parts = Vec::with_capacity(components.len());
    for (i, component) in components.iter().enumerate() {
        match component.compile() {
            Ok(part) => parts.push(part),
            Err(problems) => {
                found.0.extend(problems.into_iter().map(|problem| Problem {
                    field: format!("components[{i}].{}", problem.field),
                    ..problem
                }))
            }
        }
    }
    if !found.0.is_empty() {
        return None;
    }
    let weights = weights.unwrap_or_else(|| vec![1.0; parts.len()]);
    // What is never drawn has no say in the support.
    let (parts, weights): (Vec<_>, Vec<_>) =
        parts.into_iter().zip(weights).filter(|&(_, weight)| weight > 0.0).unzip();
    Some(Distribution::mixture(parts, cumulative(&weights)))
}

/// The nearest double, as every correct reader of the same digits finds it.
fn number(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// Problems so far; every reader gives a harmless number where it found one.
#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn require(&mut self, ok: bool, field: &str, value: impl ToString, allowed: &str) {
        if !ok {
            let (field, allowed) = (field.to_owned(), allowed.to_owned());
            self.0.push(Problem { field, value: value.to_string(), allowed });
        }
    }

    fn positive(&mut self, field: &str, value: Decimal) -> f64 {
        self.require(value > Decimal::ZERO, field, value, "more than 0");
        if value > Decimal::ZERO { number(value) } else { 1.0 }
    }

    fn within(&mut self, field: &str, value: Decimal, min: Decimal, max: Decimal) -> f64 {
        let ok = (min..=max).contains(&value);
        self.require(ok, field, value, &format!("from {min} to {max}"));
        if ok { number(value) } else { 1.0 }
    }

    /// Beyond 20 the mean has no use and soon no double.
    fn sigma(&mut self, value: Decimal) -> f64 {
        let ok = value > Decimal::ZERO && value <= Decimal::new(20, 0);
        self.require(ok, "sigma", value, "more than 0, at most 20");
        if ok { number(value) } else { 1.0 }
    }

    /// `value`, which must be above another also once both are doubles.
    fn above(&mut self, field: &str, value: Decimal, other: &str, low: Decimal) -> f64 {
        let ok = number(value) > number(low);
        self.require(ok, field, value, &format!("above {other}"));
        if ok { number(value) } else { number(low) + 1.0 }
    }

    /// The ends of a cut, of a distribution that may begin at zero.
    fn ends(&mut self, low: Option<Decimal>, high: Option<Decimal>, from_zero: bool) {
        if let (Some(low), true) = (low, from_zero) {
            self.require(low >= Decimal::ZERO, "low", low, "0 or more");
        }
        match (low, high) {
            (Some(low), Some(high)) => {
                self.above("high", high, "low", low);
            }
            (None, Some(high)) if from_zero => {
                self.require(high > Decimal::ZERO, "high", high, "more than 0");
            }
            _ => {}
        }
    }

    /// The curve between `low` and `high`, unless nothing is left of it.
    fn cut(&mut self, curve: Curve, low: Option<Decimal>, high: Option<Decimal>) -> Option<Distribution> {
        if !self.0.is_empty() {
            return None;
        }
        let made = Distribution::curve(curve, low.map(number), high.map(number));
        if made.is_none() {
            let beyond = |low: &Decimal| high.is_none() || curve.tails(number(*low)).0 > 0.5;
            let (field, value) = match (low.filter(beyond), high) {
                (Some(low), _) => ("low", low),
                (None, high) => ("high", high.unwrap_or_default()),
            };
            let allowed = "where something is left of the distribution, at least 1e-290 of it";
            self.require(false, field, value, allowed);
        }
        made
    }

    fn values(&mut self, values: &[Decimal]) -> Option<Vec<f64>> {
        let ok = (1..=MAX_VALUES).contains(&values.len());
        let given = format!("{} values", values.len());
        self.require(ok, "values", given, &format!("from 1 to {MAX_VALUES} values"));
        ok.then(|| values.iter().copied().map(number).collect())
    }

    /// Weights, one for each of `count` things; `None` where there are none or they cannot be.
    fn weights(&mut self, weights: Option<&[Decimal]>, count: usize, thing: &str) -> Option<Vec<f64>> {
        let weights = weights?;
        let before = self.0.len();
        let given = format!("{} weights", weights.len());
        self.require(
            weights.len() == count,
            "weights",
            given,
            &format!("one for each {thing}, {count} in all"),
        );
        for (i, &weight) in weights.iter().enumerate() {
            self.require(weight >= Decimal::ZERO, &format!("weights[{i}]"), weight, "0 or more");
        }
        let any = weights.is_empty() || weights.iter().any(|&weight| weight != Decimal::ZERO);
        self.require(any, "weights", "0 for all", "at least one more than 0");
        (self.0.len() == before).then(|| weights.iter().copied().map(number).collect())
    }
}
