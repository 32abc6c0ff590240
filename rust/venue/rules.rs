//! Each rule a switch.

use serde::{Deserialize, Serialize};

use crate::margin::{MarginTiers, Trigger};
use crate::units::Quote;

/// How the venue closes a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiquidationOrder {
    /// At market: the fund settles fill minus bankruptcy.
    #[default]
    Market,
    /// Up to the bankruptcy price; the rest goes to the fund's desk.
    LimitAtBankruptcy,
}

/// What the mark price is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkPrice {
    /// The index: spot's last trade.
    #[default]
    Index,
    /// The mean of both books' mids.
    MeanOfMids,
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
    /// Maintenance margin.
    pub tiers: MarginTiers,
    /// `<=` or `<`.
    pub trigger: Trigger,
    /// What the mark is.
    pub mark: MarkPrice,
    /// How a position is closed.
    pub liquidation_order: LiquidationOrder,
    /// What becomes of positions taken over.
    pub unwind: Unwind,
    /// Orders sent in one round; `None`: all that are due.
    pub liquidations_per_round: Option<u64>,
    /// Rounds after which a cascade is cut off.
    pub max_rounds: u64,
    /// The insurance fund at the start.
    pub insurance_fund: Quote,
}
