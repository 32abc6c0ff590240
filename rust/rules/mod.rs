//! The venues' formulas in floating point, pure functions of numbers: for pipelines that price a million accounts.
//!
//! The engine's own are exact integers ([`crate::margin`], [`crate::venue`]); tests hold the two together.

mod margin;
mod market;

pub use margin::liquidation_price;
