//! Who acts. Agents decide and answer with orders; the engine sends them. One file a kind, each with its rule in
//! `docs/AGENTS.md`.

mod actor;
mod attacker;
mod crowd;
mod funding_arbitrageur;
mod holders;
mod hunter;
mod market_maker;
mod momentum;
mod noise;
mod spot_maker;
mod stock_arbitrageur;
mod whale;

pub use actor::{Actor, Basis, Hand, Intent, Resting, Scene};
pub use attacker::ignition;
pub use market_maker::MarketMaker;
pub use stock_arbitrageur::{Quotes, carry};
