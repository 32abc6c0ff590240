//! Each rule a switch.

use serde::{Deserialize, Serialize};

use super::{Frictions, Funding, Index, IndexPrice, MarkPrice, Marking};
use crate::margin::{MarginRule, MarginTiers, TierRule};
use crate::units::{Quote, Rate};

/// How the venue closes a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiquidationOrder {
    /// At market: the fund settles fill minus bankruptcy.
    #[default]
    Market,
    /// Up to the bankruptcy price.
    LimitAtBankruptcy,
    /// Up to a price that starts at the mark and reaches beyond bankruptcy as equity falls (dYdX v4's fillable price).
    Fillable,
}

/// What becomes of what a liquidation's order left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// The fund's desk takes it over, or counterparties are deleveraged.
    #[default]
    Takeover,
    /// It stays and is tried again; once its equity is negative, counterparties are deleveraged.
    Keep,
}

/// Who keeps margin left after a position was closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leftover {
    /// The insurance fund.
    #[default]
    Fund,
    /// The trader.
    Trader,
}

/// Who bears what the fund could not pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossSharing {
    /// The venue.
    #[default]
    None,
    /// Those with open profits, pro rata.
    Profits,
}

/// How much of a position one order closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiquidationSize {
    /// All of it.
    #[default]
    All,
    /// Down to below the floor of so many tiers lower.
    Tiers(usize),
    /// A share.
    Share(ShareRule),
}

/// A share of the position in each order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareRule {
    /// The part, more than 0.
    pub share: Rate,
    /// At least so much, at the mark.
    pub least: Quote,
    /// A position worth no more goes whole.
    pub whole_below: Quote,
    /// Rounds without a further order.
    pub cooldown: u64,
    /// Rounds within which a further order closes all.
    pub whole_within: u64,
}

/// A vault that takes positions over before they are bankrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backstop {
    /// Where equity is below this part of maintenance.
    pub below: Rate,
    /// What it brings.
    pub capital: Quote,
    /// Whether it can fail: once its own equity is negative, counterparties are deleveraged.
    pub isolated: bool,
}

/// When counterparties are deleveraged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdlTrigger {
    /// When what is taken over would leave the fund, its desk marked, below zero.
    FundExhausted,
    /// When it would leave the fund a certain share below its highest.
    FundDrawdown,
    /// Always: nothing is taken over.
    Always,
}

/// Who is deleveraged first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdlRank {
    /// Profit share times effective leverage if it is a profit, over it if it is a loss.
    ProfitLeverage,
    /// Mark over entry (of shorts: entry over mark), times effective leverage.
    Hyperliquid,
    /// Profit share.
    ProfitShare,
    /// Notional.
    Size,
    /// By lot.
    Random,
}

/// At which price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdlPrice {
    /// The bankruptcy price of whoever is closed.
    Bankruptcy,
    /// The mark of the round before.
    PreviousMark,
}

/// Auto-deleveraging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdlRule {
    /// When.
    pub trigger: AdlTrigger,
    /// The share that the fund falls from its highest, under [`AdlTrigger::FundDrawdown`].
    pub drawdown: Rate,
    /// Who.
    pub rank: AdlRank,
    /// At which price.
    pub price: AdlPrice,
}

/// What the fund's desk does with what it took over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unwind {
    /// Keeps it.
    #[default]
    Hold,
    /// Closes it at market in the same round.
    AtOnce,
}

/// A venue's rules for one perpetual.
#[derive(Clone, Debug)]
pub struct Venue {
    /// Maintenance margin: the venue's brackets.
    pub tiers: MarginTiers,
    /// What equity is held against: tiers, closing fee, `<=` or `<`.
    pub margin: MarginRule,
    /// What the mark is.
    pub mark: MarkPrice,
    /// How it is taken from prices.
    pub marking: Marking,
    /// What the index is.
    pub index: Index,
    /// Whether longs and shorts pay each other.
    pub funding: Option<Funding>,
    /// How much one order closes.
    pub liquidation_size: LiquidationSize,
    /// Up to which price.
    pub liquidation_order: LiquidationOrder,
    /// Largest distance of a fillable price from the mark, in maintenance rates.
    pub fillable_spread: Rate,
    /// How fast the fillable price gets there.
    pub bankruptcy_adjustment: Rate,
    /// What becomes of what an order left.
    pub rest: Rest,
    /// Who keeps what is left.
    pub leftover: Leftover,
    /// Of the value closed, to the fund.
    pub liquidation_fee: Rate,
    /// A vault that steps in.
    pub backstop: Option<Backstop>,
    /// What becomes of positions taken over.
    pub unwind: Unwind,
    /// Whether counterparties are deleveraged.
    pub adl: Option<AdlRule>,
    /// Who bears what is left.
    pub loss_sharing: LossSharing,
    /// Orders sent in one round; `None`: all that are due.
    pub liquidations_per_round: Option<u64>,
    /// Rounds after which a cascade is cut off.
    pub max_rounds: u64,
    /// What an agent's tokens count as margin.
    pub spot_margin: Rate,
    /// The insurance fund at the start.
    pub insurance_fund: Quote,
    /// What it does when the mark moves far.
    pub frictions: Frictions,
}

impl Venue {
    /// Whether a position is due from its threshold on, its liquidation ends it in its round, and nobody else's changes by it.
    pub fn is_plain(&self) -> bool {
        self.tiers.rule() != TierRule::WholePosition
            && self.liquidation_size == LiquidationSize::All
            && self.rest == Rest::Takeover
            && self.leftover == Leftover::Fund
            && self.backstop.is_none()
            && self.adl.is_none()
            && self.loss_sharing == LossSharing::None
            && self.funding.is_none()
            && self.frictions.stress.is_none()
    }

    /// Whether quotes, where no trade follows them, can move the mark.
    pub fn reads_quotes(&self) -> bool {
        let mid = matches!(&self.index, Index::Spot(spot) if spot.price == IndexPrice::Mid);
        self.mark.reads_quotes() || self.mark == MarkPrice::Index && mid
    }

    /// Whether the index is spot's last trade and the mark needs neither averages nor the round before.
    pub fn prices_plainly(&self) -> bool {
        matches!(self.mark, MarkPrice::Index | MarkPrice::MeanOfMids)
            && self.marking.step.is_none()
            && self.index.is_plain()
    }
}
