//! perpcore: the liquidation cascade of a perpetual that is larger than its float.
//!
//! A small purchase in spot liquidates the first shorts; the venue buys the perpetual back; the market maker who sold it
//! buys spot; spot rises and the next layer goes. This crate runs that loop on two real order books, exact to the last
//! unit of money.
//!
//! ```
//! use perpcore::engine::{Recorder, Simulation};
//! use perpcore::world::{Scenario, World};
//!
//! let scenario: Scenario = serde_json::from_str(r#"{
//!     "schema_version": 1, "start_price": "10", "total_supply": "10000000", "circulating": "1000000",
//!     "spot": {"tick_size": "0.01", "lot_size": "1", "asks": {"kind": "linear", "depth": "20000"}},
//!     "perp": {"tick_size": "0.01", "lot_size": "1"},
//!     "venue": {"tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "20"}]},
//!     "market_maker": {"capital": "10000000", "hedge_ratio": "0.5",
//!                      "quote": {"side": "asks", "level_qty": "1000000"}},
//!     "positions": [{"kind": "ladder", "side": "short", "qty": "20000", "lump": "10", "liquidation_price": ["11", "12"]}],
//!     "ignition": {"qty": "21000"}
//! }"#)?;
//! let world = World::build(&scenario)?;
//! let mut simulation = Simulation::new(&world, 1, 0, Recorder::default())?;
//! let reason = simulation.run()?;
//! let summary = simulation.summary(reason)?;
//! // Depth 20,000 a dollar, shorts 20,000 a dollar, half of them hedged: 11 + 0.05 / (1 - 0.5).
//! assert_eq!(world.spot.tick.of(summary.final_price.0), 11.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The map
//!
//! [`units`], [`ids`], [`error`], [`event`] and [`random`] are the ground; on it stand the [`ledger`] and the [`book`], which
//! never see each other, then [`margin`], the [`venue`]'s rules, the [`world`] a scenario describes, the [`agents`], and the
//! [`engine`] that carries everything out; [`results`] makes tables of it, [`monte_carlo`] runs it many times over. Right may
//! use left, never the other way. Beside them stand the venues' formulas over plain numbers, [`rules`].

pub mod agents;
#[cfg(feature = "python")]
mod bindings;
pub mod book;
pub mod engine;
pub mod error;
pub mod event;
pub mod ids;
pub mod ledger;
pub mod margin;
pub mod monte_carlo;
pub mod random;
pub mod results;
pub mod rules;
pub mod units;
pub mod venue;
pub mod world;
