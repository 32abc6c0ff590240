//! Distributions on finitely many values.

/// Values in ascending order, each with the probability of it and all before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Points {
    values: Vec<f64>,
    /// Empty where all values are equally likely.
    through: Vec<f64>,
}

impl Points {
    /// Equally likely values, at least one.
    pub(super) fn even(mut values: Vec<f64>) -> Points {
        values.sort_unstable_by(f64::total_cmp);
        Points { values, through: Vec::new() }
    }

    /// Values and their weights, not all of them zero.
    pub(super) fn weighted(values: &[f64], weights: &[f64]) -> Points {
        let mut pairs: Vec<_> = values.iter().copied().zip(weights.iter().copied()).collect();
        pairs.retain(|&(_, weight)| weight > 0.0);
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let weights: Vec<f64> = pairs.iter().map(|&(_, weight)| weight).collect();
        Points { values: pairs.iter().map(|&(value, _)| value).collect(), through: cumulative(&weights) }
    }

    pub(super) fn support(&self) -> (f64, f64) {
        (self.values[0], self.values[self.values.len() - 1])
    }

    /// The smallest value through which the probability is `u` or more.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn quantile(&self, u: f64) -> f64 {
        let last = self.values.len() - 1;
        let rank = if self.through.is_empty() {
            (libm::ceil(u * self.values.len() as f64) as usize).saturating_sub(1)
        } else {
            self.through.partition_point(|&through| through < u)
        };
        self.values[rank.min(last)]
    }

    #[allow(clippy::cast_precision_loss)]
    pub(super) fn cdf(&self, x: f64) -> f64 {
        let count = self.values.partition_point(|&value| value <= x);
        match (count, self.through.is_empty()) {
            (0, _) => 0.0,
            (_, true) => count as f64 / self.values.len() as f64,
            (_, false) => self.through[count - 1],
        }
    }

    #[allow(clippy::cast_precision_loss)]
    pub(super) fn mean(&self) -> f64 {
        if self.through.is_empty() {
            return self.values.iter().sum::<f64>() / self.values.len() as f64;
        }
        let before = std::iter::once(0.0).chain(self.through.iter().copied());
        let share = self.through.iter().zip(before).map(|(through, before)| through - before);
        self.values.iter().zip(share).map(|(value, share)| value * share).sum()
    }
}

/// The shares of `weights` summed up, the last exactly 1; not all weights are zero.
pub(super) fn cumulative(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let mut through: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum / total
        })
        .collect();
    if let Some(last) = through.last_mut() {
        *last = 1.0;
    }
    through
}
