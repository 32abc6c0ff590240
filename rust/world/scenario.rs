//! A scenario as it is written down: decimals and names, nothing checked yet. `docs/MODEL.md` section 2 is its table.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use super::agents::spec::{AgentSpec, UnlockSpec};
pub use super::clock::{TimeSpec, Until};
pub use super::frictions::{HaltSpec, StressSpec};
pub use super::pricing::{FundingSpec, IndexSpec, SourceSpec};
pub use super::venue::{
    AdlSpec, BackstopSpec, ContractKind, LiquidationSizeSpec, MaintenanceAt, MarginMode, TierSpec, VenueSpec,
};
use crate::event::Market;
use crate::random::DistributionSpec;
use crate::units::Side;

/// What [`crate::world::World::build`] builds a world from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Scenario {
    pub schema_version: u32,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub start_price: Decimal,
    pub total_supply: Decimal,
    pub circulating: Decimal,
    pub spot: MarketSpec,
    pub perp: MarketSpec,
    pub venue: VenueSpec,
    pub market_maker: MarketMakerSpec,
    pub positions: Vec<PositionsSpec>,
    #[serde(default)]
    pub ignition: Option<IgnitionSpec>,
    #[serde(default)]
    pub round_seconds: Decimal,
    #[serde(default)]
    pub time: Option<TimeSpec>,
    #[serde(default)]
    pub settlement_price: Option<Decimal>,
    #[serde(default)]
    pub copula: Option<CopulaSpec>,
    #[serde(default)]
    pub agents: Vec<AgentSpec>,
    #[serde(default)]
    pub unlocks: Vec<UnlockSpec>,
}

/// One market: its grid, its fees, what rests in its book at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MarketSpec {
    pub tick_size: Decimal,
    pub lot_size: Decimal,
    #[serde(default)]
    pub maker_fee: Decimal,
    #[serde(default)]
    pub taker_fee: Decimal,
    #[serde(default)]
    pub asks: Option<Liquidity>,
    #[serde(default)]
    pub bids: Option<Liquidity>,
    #[serde(default)]
    pub quote: Option<QuoteSpec>,
}

/// What rests on one side of a book at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Liquidity {
    /// The same depth at every tick from the start price away.
    Linear {
        /// Tokens per unit of price.
        depth: Decimal,
        /// What each level's lots are multiplied by.
        #[serde(default)]
        noise: Option<Law>,
    },
    /// Explicit levels, from the best away.
    Levels {
        /// `[price, tokens]`.
        levels: Vec<(Decimal, Decimal)>,
        /// Tokens per unit of price beyond the last level.
        #[serde(default)]
        tail_depth: Option<Decimal>,
        /// What each level's lots are multiplied by.
        #[serde(default)]
        noise: Option<Law>,
    },
    /// Orders at regular prices.
    Orders {
        /// How many prices.
        levels: i64,
        /// From the start price to the first, and from each to the next.
        level_gap: Decimal,
        /// At each price.
        #[serde(default = "one_level")]
        orders: i64,
        /// Tokens in each order.
        order_qty: Law,
    },
}

/// A number, or a distribution that is drawn for each level or account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Law {
    Number(Decimal),
    Drawn(DistributionSpec),
}

/// How numbers drawn per path hang together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CopulaSpec {
    pub fields: Vec<String>,
    pub matrix: Vec<Vec<Decimal>>,
}

/// The market maker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MarketMakerSpec {
    pub capital: Decimal,
    #[serde(default = "one")]
    pub hedge_ratio: Decimal,
    #[serde(default)]
    pub residual: Residual,
    #[serde(default)]
    pub spot_inventory: Decimal,
    #[serde(default)]
    pub quote: Option<QuoteSpec>,
    #[serde(default)]
    pub hedge_latency_s: Decimal,
    #[serde(default)]
    pub hedge_band: Decimal,
    #[serde(default)]
    pub inventory_limit: Option<Decimal>,
    #[serde(default)]
    pub skew: Decimal,
    #[serde(default)]
    pub widen: Decimal,
    #[serde(default)]
    pub withdraw_move: Option<Decimal>,
    #[serde(default)]
    pub withdraw_s: Decimal,
}

const fn one() -> Decimal {
    Decimal::ONE
}

/// What becomes of the share he does not hedge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residual {
    /// He carries it naked.
    #[default]
    Carried,
    /// It is closed against longs (or shorts) who take profit.
    AbsorbedByLongs,
}

/// What the market maker posts anew in every round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct QuoteSpec {
    pub side: QuoteSide,
    #[serde(default)]
    pub around: Around,
    #[serde(default)]
    pub half_spread: Decimal,
    #[serde(default = "one_level")]
    pub levels: i64,
    #[serde(default)]
    pub level_gap: Option<Decimal>,
    #[serde(default)]
    pub jitter: Decimal,
    pub level_qty: Law,
    #[serde(default)]
    pub recovery_half_life_s: Decimal,
    #[serde(default)]
    pub follows_float: bool,
    #[serde(default)]
    pub skew: Decimal,
}

/// What quotes stand around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Around {
    #[default]
    Mark,
    SpotMid,
    Last,
    Mid,
    Start,
}

const fn one_level() -> i64 {
    1
}

/// Which sides are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum QuoteSide {
    Asks,
    Bids,
    Both,
}

/// Many accounts of one kind: the fuel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PositionsSpec {
    Ladder(Ladder),
    #[serde(rename = "distribution")]
    Population(PopulationSpec),
    Accounts(AccountsSpec),
}

/// Real accounts, a row each: columns by the digests under which this process holds them ([`crate::world::Column`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AccountsSpec {
    pub side: String,
    pub qty: String,
    #[serde(default)]
    pub entry_price: Option<String>,
    #[serde(default)]
    pub liquidation_price: Option<String>,
    #[serde(default)]
    pub leverage: Option<String>,
    #[serde(default)]
    pub margin: Option<String>,
    #[serde(default)]
    pub stop_price: Option<String>,
    #[serde(default)]
    pub margin_mode: MarginMode,
    #[serde(default)]
    pub wallet: Option<String>,
}

/// Accounts by the laws of their entry, leverage and size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PopulationSpec {
    pub side: PositionSide,
    pub accounts: Decimal,
    #[serde(default)]
    pub entry_price: Option<Law>,
    pub leverage: Law,
    pub notional: Law,
}

/// Accounts spread over prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Ladder {
    pub side: PositionSide,
    #[serde(default)]
    pub entry_price: Option<Decimal>,
    #[serde(default)]
    pub qty: Option<Decimal>,
    #[serde(default)]
    pub notional: Option<Decimal>,
    #[serde(default)]
    pub lump: Option<Decimal>,
    #[serde(default)]
    pub liquidation_price: Option<Spread>,
    #[serde(default)]
    pub leverage: Option<Spread>,
    #[serde(default)]
    pub stop_price: Option<Spread>,
    #[serde(default)]
    pub margin_mode: MarginMode,
    #[serde(default)]
    pub wallet: Decimal,
    #[serde(default)]
    pub placement: Placement,
}

/// Long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PositionSide {
    Long,
    Short,
}

/// One number, or a range over which accounts are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Spread {
    One(Decimal),
    Range([Decimal; 2]),
}

/// How accounts are spread over their range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Placement {
    #[default]
    Even,
    Poisson,
}

/// The push from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct IgnitionSpec {
    #[serde(default = "buy")]
    pub side: IgnitionSide,
    #[serde(default)]
    pub market: IgnitionMarket,
    pub qty: Decimal,
    #[serde(default)]
    pub at_s: Decimal,
}

/// Where the push comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum IgnitionMarket {
    #[default]
    Spot,
    Perp,
}

impl From<IgnitionMarket> for Market {
    fn from(market: IgnitionMarket) -> Market {
        match market {
            IgnitionMarket::Spot => Market::Spot,
            IgnitionMarket::Perp => Market::Perp,
        }
    }
}

const fn buy() -> IgnitionSide {
    IgnitionSide::Buy
}

/// Whether the push buys or sells spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum IgnitionSide {
    Buy,
    Sell,
}

impl From<IgnitionSide> for Side {
    fn from(side: IgnitionSide) -> Side {
        match side {
            IgnitionSide::Buy => Side::Buy,
            IgnitionSide::Sell => Side::Sell,
        }
    }
}
