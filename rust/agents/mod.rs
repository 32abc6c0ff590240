//! Who acts. Agents decide and answer with orders; the engine sends them.

mod attacker;
mod market_maker;

pub use attacker::ignition;
pub use market_maker::MarketMaker;
