//! The venue's rules as data, and what they decide. Decides, submits nothing: the engine carries out.

mod adl;
mod rules;
mod sizing;
mod waterfall;

pub use crate::book::Fees;
pub use adl::Counterparty;
pub use rules::{
    AdlPrice, AdlRank, AdlRule, AdlTrigger, Backstop, Leftover, LiquidationOrder, LiquidationSize,
    LossSharing, MarkPrice, Rest, ShareRule, Unwind, Venue,
};
pub use sizing::{Seen, fillable_price, order_qty};
pub use waterfall::{Settlement, Standing, cover, settle_liquidation, settle_stop};
