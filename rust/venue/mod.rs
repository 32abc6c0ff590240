//! The venue's rules as data, and what they decide. Decides, submits nothing: the engine carries out.

mod adl;
mod frictions;
mod funding;
mod index;
mod mark;
mod rules;
mod sizing;
mod waterfall;

pub use crate::book::Fees;
pub use adl::Counterparty;
pub use frictions::{Frictions, Halt, Stress, band_limit, has_moved};
pub use funding::{Average, Funding, FundingNotional, Premiums, premium};
pub use index::{Index, IndexPrice, Source, SpotIndex};
pub use mark::{FINE, MarkPrice, Marking, Pace, Prices, fine, median, whole, with_funding, within_step};
pub use rules::{
    AdlPrice, AdlRank, AdlRule, AdlTrigger, Backstop, Leftover, LiquidationOrder, LiquidationSize,
    LossSharing, Rest, ShareRule, Unwind, Venue,
};
pub use sizing::{Seen, fillable_price, order_qty};
pub use waterfall::{Settlement, Standing, cover, settle_liquidation, settle_stop};
