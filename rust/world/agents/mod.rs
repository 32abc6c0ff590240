//! Those who act while time passes, as plans in integers: `docs/AGENTS.md` says what each number means.

mod arrivals;
pub(super) mod build;
mod kinds;
mod plans;
mod reader;
pub mod spec;

pub use arrivals::{Arrivals, Calls, Holds, Leverages};
pub use plans::{
    Crowd, Exit, FundingArbitrageur, HolderPlan, Hunter, Leg, Momentum, Noise, Skew, SpotMaker,
    StockArbitrageur, Whale,
};

use crate::ids::AccountId;
use crate::units::{Lots, Quote, Rate};

/// One of those who act.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name in results.
    pub name: String,
    /// The first step it acts in.
    pub from: u64,
    /// The first one it does not act in any more.
    pub until: u64,
    /// What stands behind its account at the venue; none: it is financed.
    pub capital: Option<Quote>,
    /// How much it may open on it, in billionths.
    pub leverage: Rate,
    /// Spot lots on its desk at the start.
    pub tokens: Lots,
    /// What it does.
    pub plan: Plan,
}

/// What an agent does.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Plan {
    Noise(Noise),
    Momentum(Momentum),
    Holders(HolderPlan),
    SpotMaker(SpotMaker),
    FundingArbitrageur(FundingArbitrageur),
    Crowd(Crowd),
    Hunter(Hunter),
    Whale(Whale),
    StockArbitrageur(StockArbitrageur),
    /// What its user submits.
    External,
}

/// Tokens that come into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlock {
    /// At the beginning of this step.
    pub step: u64,
    /// So many spot lots.
    pub qty: Lots,
    /// On the desk of this agent, or with the holders.
    pub holder: Option<usize>,
}

/// The account of an agent at the perpetual's venue.
#[allow(clippy::cast_possible_truncation)] // a scenario has at most 1,000
pub const fn venue_account(agent: usize) -> AccountId {
    AccountId(AccountId::FIRST_AGENT.0 + 2 * agent as u32)
}

/// The account of an agent that trades spot.
pub const fn desk_account(agent: usize) -> AccountId {
    AccountId(venue_account(agent).0 + 1)
}
