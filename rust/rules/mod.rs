//! The venues' formulas in floating point, pure functions of numbers: for pipelines that price a million accounts.
//!
//! The engine's own are exact integers ([`crate::margin`], [`crate::venue`]); tests hold the two together.

mod deleveraging;
mod funding;
mod margin;
mod prices;
mod whole;

pub use deleveraging::*;
pub use funding::*;
pub use margin::liquidation_price;
pub use prices::*;
pub use whole::cut;
