//! Maintenance margin that rises with the position.

use serde::{Deserialize, Serialize};

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

/// What the rate of a bracket is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierRule {
    /// The part of the notional inside the bracket: marginal with deduction.
    #[default]
    Marginal,
    /// All of the notional.
    WholePosition,
    /// All of the notional, at a rate that rises linearly from the floor of a bracket to that of the next.
    Linear,
}

/// Brackets in rising order, the first from zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginTiers {
    tiers: Vec<Tier>,
    rule: TierRule,
}

impl MarginTiers {
    /// From `(min_notional, rate, max_leverage in billionths)`, rising, the first from zero.
    pub fn new(brackets: &[(Quote, Rate, i64)]) -> MarginTiers {
        MarginTiers::under(TierRule::Marginal, brackets)
    }

    /// The same under another rule.
    pub fn under(rule: TierRule, brackets: &[(Quote, Rate, i64)]) -> MarginTiers {
        let mut tiers: Vec<Tier> = Vec::with_capacity(brackets.len());
        for &(min_notional, rate, max_leverage) in brackets {
            let marginal = tiers.last().filter(|_| rule == TierRule::Marginal);
            let deduction = marginal.map_or(0, |below| {
                below.deduction + i128::from(min_notional.0) * i128::from(rate.0 - below.rate.0)
            });
            tiers.push(Tier { min_notional, rate, max_leverage, deduction });
        }
        MarginTiers { tiers, rule }
    }

    /// With so much more of all the notional: what a venue counts on top of maintenance.
    pub fn plus(&self, rate: Rate) -> MarginTiers {
        let more = |tier: &Tier| Tier { rate: Rate(tier.rate.0 + rate.0), ..*tier };
        MarginTiers { tiers: self.tiers.iter().map(more).collect(), rule: self.rule }
    }

    /// What the rates are taken of.
    pub fn rule(&self) -> TierRule {
        self.rule
    }

    /// The brackets.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// The bracket of a notional value.
    #[inline]
    pub fn at(&self, notional: Quote) -> &Tier {
        &self.tiers[self.index(notional)]
    }

    /// The number of the bracket of a notional value, from 0.
    #[inline]
    pub fn index(&self, notional: Quote) -> usize {
        self.tiers[1..].iter().take_while(|tier| tier.min_notional <= notional).count()
    }

    /// Maintenance margin of a notional value, rounded up.
    #[inline]
    pub fn maintenance(&self, notional: Quote) -> Result<Quote, Overflow> {
        let tier = self.at(notional);
        let rate = if self.rule == TierRule::Linear { self.rate_at(notional) } else { tier.rate };
        let exact = i128::from(notional.0) * i128::from(rate.0) - tier.deduction;
        narrow(div_ceil(exact, i128::from(Rate::ONE))).map(Quote)
    }

    /// The rate at a notional value where it rises linearly, rounded up to a billionth; the last one beyond the last floor.
    fn rate_at(&self, notional: Quote) -> Rate {
        let index = self.index(notional);
        let low = self.tiers[index];
        let Some(high) = self.tiers.get(index + 1) else { return low.rate };
        let along = i128::from(notional.0 - low.min_notional.0) * i128::from(high.rate.0 - low.rate.0);
        let more = div_ceil(along, i128::from(high.min_notional.0 - low.min_notional.0));
        Rate(low.rate.0 + narrow(more).unwrap_or(0))
    }
}
