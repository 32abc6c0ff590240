//! Maintenance margin that rises with the position, marginal with deduction.

use crate::units::{Overflow, Quote, Rate, div_ceil, narrow};

/// One bracket of notional value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Lower end of the bracket.
    pub min_notional: Quote,
    /// Maintenance rate inside it.
    pub rate: Rate,
    /// Largest leverage of a position inside it, in billionths.
    pub max_leverage: i64,
    /// What keeps maintenance continuous across brackets, in quote steps x 1e-9:
    /// `c_n = c_(n-1) + floor_n (r_n - r_(n-1))`.
    pub deduction: i128,
}

/// Brackets in rising order, the first from zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginTiers {
    tiers: Vec<Tier>,
}

impl MarginTiers {
    /// From `(min_notional, rate, max_leverage in billionths)`, rising, the first from zero.
    pub fn new(brackets: &[(Quote, Rate, i64)]) -> MarginTiers {
        let mut tiers: Vec<Tier> = Vec::with_capacity(brackets.len());
        for &(min_notional, rate, max_leverage) in brackets {
            let deduction = tiers.last().map_or(0, |below| {
                below.deduction + i128::from(min_notional.0) * i128::from(rate.0 - below.rate.0)
            });
            tiers.push(Tier { min_notional, rate, max_leverage, deduction });
        }
        MarginTiers { tiers }
    }

    /// The brackets.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// The bracket of a notional value.
    #[inline]
    pub fn at(&self, notional: Quote) -> &Tier {
        let above = self.tiers[1..].iter().take_while(|tier| tier.min_notional <= notional).count();
        &self.tiers[above]
    }

    /// Maintenance margin of a notional value, rounded up.
    #[inline]
    pub fn maintenance(&self, notional: Quote) -> Result<Quote, Overflow> {
        let tier = self.at(notional);
        let exact = i128::from(notional.0) * i128::from(tier.rate.0) - tier.deduction;
        narrow(div_ceil(exact, i128::from(Rate::ONE))).map(Quote)
    }
}
