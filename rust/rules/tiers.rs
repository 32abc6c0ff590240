//! Maintenance margin that rises with the position.

/// How a tier's rate counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// On what lies inside the tier: `N r - c`.
    Marginal,
    /// On the whole position: `N r`.
    WholePosition,
}

/// Brackets by notional, the first from 0.
#[derive(Clone, PartialEq, Debug)]
pub struct Tiers {
    /// Lower ends.
    pub floors: Vec<f64>,
    /// Maintenance rates.
    pub rates: Vec<f64>,
    /// All 0 where the rate counts on the whole position.
    pub deductions: Vec<f64>,
}

impl Tiers {
    /// From rows `(floor, rate, deduction)`.
    pub fn new(rows: &[(f64, f64, f64)], rule: Rule) -> Self {
        Tiers {
            floors: rows.iter().map(|row| row.0).collect(),
            rates: rows.iter().map(|row| row.1).collect(),
            deductions: rows.iter().map(|row| if rule == Rule::Marginal { row.2 } else { 0.0 }).collect(),
        }
    }

    /// The tier of a notional; one that stands on a floor is in the tier above it.
    pub fn at(&self, notional: f64) -> usize {
        self.floors.iter().filter(|&&floor| floor <= notional).count().saturating_sub(1)
    }

    /// Its rate.
    pub fn rate(&self, notional: f64) -> f64 {
        self.rates[self.at(notional)]
    }

    /// Its deduction.
    pub fn deduction(&self, notional: f64) -> f64 {
        self.deductions[self.at(notional)]
    }

    /// Maintenance margin.
    pub fn maintenance(&self, notional: f64) -> f64 {
        let at = self.at(notional);
        notional * self.rates[at] - self.deductions[at]
    }
}
