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

    /// The most lots that `equity` may have open at this leverage and at that of their own bracket; `lot` is what one is worth.
    pub fn most_open(&self, equity: Quote, leverage: Rate, lot: Quote) -> i128 {
        let (equity, lot) = (i128::from(equity.0.max(0)), i128::from(lot.0));
        let most = |leverage: i64| equity * i128::from(leverage) / (i128::from(Rate::ONE) * lot);
        let mut open = most(leverage.0);
        for tier in self.tiers.iter().rev() {
            let floor = i128::from(tier.min_notional.0);
            let inside = open.min(most(tier.max_leverage));
            if inside * lot >= floor {
                return inside;
            }
            open = open.min((floor - 1) / lot); // the next bracket ends below this one
        }
        0
    }

    /// Maintenance margin of a notional value, rounded up.
    #[inline]
    pub fn maintenance(&self, notional: Quote) -> Result<Quote, Overflow> {
        narrow(div_ceil(self.billionths(notional), i128::from(Rate::ONE))).map(Quote)
    }

    /// The same in billionths of a step: exact, but rounded up to a whole one where the rate rises linearly.
    #[inline]
    pub(super) fn billionths(&self, notional: Quote) -> i128 {
        let index = self.index(notional);
        let tier = &self.tiers[index];
        let level = i128::from(notional.0) * i128::from(tier.rate.0) - tier.deduction;
        match self.tiers.get(index + 1) {
            Some(next) if self.rule == TierRule::Linear => level + rise(notional, tier, next),
            _ => level,
        }
    }
}

/// `N (N - floor) (r' - r) / (floor' - floor)`, rounded up: what a rate adds that rises linearly to the next floor.
fn rise(notional: Quote, low: &Tier, high: &Tier) -> i128 {
    let (notional, floor) = (i128::from(notional.0), i128::from(low.min_notional.0));
    let along = (notional - floor) * i128::from(high.rate.0 - low.rate.0);
    let width = i128::from(high.min_notional.0) - floor;
    // In two parts: the whole product may take more than 128 bits.
    notional * (along / width) + div_ceil(notional * (along % width), width)
}
