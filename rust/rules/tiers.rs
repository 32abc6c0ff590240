//! Maintenance margin that rises with the position.

use crate::margin::TierRule;

/// Brackets by notional, the first from 0.
#[derive(Clone, PartialEq, Debug)]
pub struct Tiers {
    /// Lower ends.
    pub floors: Vec<f64>,
    /// Maintenance rates at the lower ends.
    pub rates: Vec<f64>,
    /// What a unit of notional inside a tier adds to its rate: 0 but where rates rise linearly, and in the last tier.
    pub rises: Vec<f64>,
    /// All 0 but where the rate counts on what lies inside the tier.
    pub deductions: Vec<f64>,
}

impl Tiers {
    /// From rows `(floor, rate, deduction)`.
    pub fn new(rows: &[(f64, f64, f64)], rule: TierRule) -> Self {
        let linear = rule == TierRule::Linear;
        let rise = |i: usize| {
            let next = rows.get(i + 1).filter(|_| linear);
            next.map_or(0.0, |next| (next.1 - rows[i].1) / (next.0 - rows[i].0))
        };
        let deduction = |row: &(f64, f64, f64)| if rule == TierRule::Marginal { row.2 } else { 0.0 };
        Tiers {
            floors: rows.iter().map(|row| row.0).collect(),
            rates: rows.iter().map(|row| row.1).collect(),
            rises: (0..rows.len()).map(rise).collect(),
            deductions: rows.iter().map(deduction).collect(),
        }
    }

    /// The tier of a notional; one that stands on a floor is in the tier above it.
    pub fn at(&self, notional: f64) -> usize {
        self.floors.iter().filter(|&&floor| floor <= notional).count().saturating_sub(1)
    }

    /// The rate of a notional.
    pub fn rate(&self, notional: f64) -> f64 {
        let at = self.at(notional);
        self.rates[at] + self.rises[at] * (notional - self.floors[at])
    }

    /// Its tier's deduction.
    pub fn deduction(&self, notional: f64) -> f64 {
        self.deductions[self.at(notional)]
    }

    /// Maintenance margin.
    pub fn maintenance(&self, notional: f64) -> f64 {
        notional * self.rate(notional) - self.deduction(notional)
    }
}
