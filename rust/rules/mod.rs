//! The venues' formulas in floating point, pure functions of numbers: for pipelines that price a million accounts.
//!
//! The engine's own are exact integers ([`crate::margin`], [`crate::venue`]); tests hold the two together.

mod deleveraging;
mod funding;
mod liquidation;
mod margin;
mod prices;
mod profit;
mod reduction;
mod tiers;
mod whole;

pub use deleveraging::*;
pub use funding::*;
pub use liquidation::{
    Liquidation, Search, bankruptcy_price, liquidation_price, liquidation_price_at_rate, rounded_against,
};
pub use margin::{
    available_margin, initial_margin, level, maintenance_at_rate, margin_ratio, open_interest_rate,
    slippage_margin, stepped_rate, weight_of_asset, weight_of_liability,
};
pub use prices::*;
pub use profit::{implied_price, notional, realised_pnl, unrealised_pnl};
pub use reduction::{
    bankruptcy_quote, disposal_slices, fillable_price, fund_fee_rate, quantity_to_cover, quantity_to_tier,
    rising_fee,
};
pub use tiers::Tiers;
pub use whole::cut_if;
