//! Who is deleveraged first, and when.

use super::{AdlRank, AdlRule, AdlTrigger};
use crate::units::{Overflow, Quote, Rate, div_ceil, narrow};

/// A counterparty at the mark: value, cost and equity unsigned but for equity, profit signed.
#[derive(Clone, Copy, Debug)]
pub struct Counterparty {
    /// Whether it gains as its value rises: a long, but an inverse short.
    pub rises: bool,
    /// Profit at the mark.
    pub profit: Quote,
    /// What it cost.
    pub cost: Quote,
    /// What it is worth.
    pub value: Quote,
    /// What stands behind it.
    pub equity: Quote,
    /// 53 bits drawn by lot.
    pub lot: u64,
}

#[allow(clippy::cast_precision_loss)]
impl Counterparty {
    /// Profit over cost.
    pub fn profit_share(&self) -> f64 {
        self.profit.0 as f64 / self.cost.0.max(1) as f64
    }

    /// Value over equity, infinite where there is none.
    pub fn leverage(&self) -> f64 {
        if self.equity.0 <= 0 { f64::INFINITY } else { self.value.0 as f64 / self.equity.0 as f64 }
    }

    /// By what it is ranked, the highest first.
    ///
    /// Hyperliquid's page ranks by mark over entry; of a short we take entry over mark, so that who gained more goes first.
    pub fn score(&self, rank: AdlRank) -> f64 {
        let (cost, value) = (self.cost.0.max(1) as f64, self.value.0.max(1) as f64);
        match rank {
            AdlRank::ProfitShare => self.profit_share(),
            AdlRank::ProfitLeverage if self.profit.0 > 0 => self.profit_share() * self.leverage(),
            AdlRank::ProfitLeverage => self.profit_share() / self.leverage(),
            AdlRank::Hyperliquid if self.rises => value / cost * self.leverage(),
            AdlRank::Hyperliquid => cost / value * self.leverage(),
            AdlRank::Size => self.value.0 as f64,
            AdlRank::Random => self.lot as f64,
        }
    }
}

impl AdlRule {
    /// Whether counterparties are deleveraged instead of a takeover of what has this equity at the mark, by a fund that is
    /// worth `fund`, its desk marked, and was worth `highest` at most.
    pub fn instead(&self, equity: Quote, fund: Quote, highest: Quote) -> Result<bool, Overflow> {
        let after = fund.plus(equity.min(Quote::ZERO))?;
        let exhausted = equity < Quote::ZERO && after < Quote::ZERO;
        Ok(match self.trigger {
            AdlTrigger::Always => true,
            AdlTrigger::FundExhausted => exhausted,
            AdlTrigger::FundDrawdown => {
                let kept = i128::from(highest.0) * i128::from(Rate::ONE - self.drawdown.0);
                exhausted || after < Quote(narrow(div_ceil(kept, Rate::ONE.into()))?)
            }
        })
    }
}
