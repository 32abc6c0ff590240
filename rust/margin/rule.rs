//! What equity is held against: maintenance margin, and what venues count on top of it.

use super::price::{threshold, threshold_at_entry};
use super::{Contract, MarginTiers, Position, TierRule, Trigger, inverse};
use crate::units::{Overflow, Quote, Rate, Ticks, div_ceil, narrow};

/// The rule by which a venue finds a position due for liquidation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginRule {
    /// At the mark: the venue's brackets with the closing fee in every rate. At entry: without it.
    tiers: MarginTiers,
    at_entry: bool,
    close_fee: Rate,
    /// `<=` or `<`.
    pub trigger: Trigger,
}

impl MarginRule {
    /// `close_fee` is counted on top of maintenance; `at_entry`: maintenance of what the position cost, not of what it is
    /// worth.
    pub fn new(tiers: &MarginTiers, at_entry: bool, close_fee: Rate, trigger: Trigger) -> MarginRule {
        let tiers = if at_entry { tiers.clone() } else { tiers.plus(close_fee) };
        MarginRule { tiers, at_entry, close_fee, trigger }
    }

    /// What the equity of a position of this cost and worth (both unsigned) is held against.
    #[inline]
    pub fn requirement(&self, cost: Quote, value: Quote) -> Result<Quote, Overflow> {
        if self.at_entry {
            let fee = i128::from(value.0) * i128::from(self.close_fee.0);
            return narrow(div_ceil(self.tiers.billionths(cost) + fee, Rate::ONE.into())).map(Quote);
        }
        self.tiers.maintenance(value)
    }

    /// The first tick, seen from profit, at which a position with this much margin is due for liquidation.
    #[inline]
    pub fn threshold(
        &self,
        position: &Position,
        margin: Quote,
        contract: Contract,
    ) -> Result<Option<Ticks>, Overflow> {
        if contract.is_inverse() {
            let tiers = self.tiers.tiers();
            let brackets = if self.at_entry { &tiers[..1] } else { tiers };
            let held = |worth| self.requirement(position.cost.abs(), worth);
            return inverse::threshold(position, margin, contract, (brackets, self.trigger), held);
        }
        if self.at_entry {
            let fixed = (self.tiers.billionths(position.cost.abs()), self.close_fee);
            return threshold_at_entry(position, margin, contract, fixed, self.trigger);
        }
        threshold(position, margin, contract, &self.tiers, self.trigger)
    }

    /// Whether what is held against grows in proportion to the value up to this one.
    pub fn is_proportional(&self, value: Quote) -> bool {
        let alone = self.tiers.tiers().get(1).is_none_or(|second| value < second.min_notional);
        alone && !self.at_entry && (self.tiers.rule() != TierRule::Linear || self.tiers.tiers().len() == 1)
    }

    /// The brackets, closing fee included where it is counted at the mark.
    pub fn tiers(&self) -> &MarginTiers {
        &self.tiers
    }

    /// Whether maintenance stays what it was at entry.
    pub fn is_at_entry(&self) -> bool {
        self.at_entry
    }

    /// What is counted on top of maintenance.
    pub fn close_fee(&self) -> Rate {
        self.close_fee
    }
}
