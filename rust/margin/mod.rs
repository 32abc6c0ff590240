//! What a position is worth, what it must keep, and the price at which it breaks.
//!
//! Sees fills, never the book.

mod contract;
mod inverse;
mod position;
mod price;
mod rule;
mod thresholds;
mod tiers;

pub use contract::{Contract, FARTHEST};
pub use position::Position;
pub use price::{Trigger, bankruptcy_price, bankruptcy_value, threshold};
pub use rule::MarginRule;
pub use thresholds::{Arrival, Due, Moved, Waiting, Way, next_due};
pub use tiers::{MarginTiers, Tier, TierRule};
