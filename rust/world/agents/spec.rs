//! Agents and unlocks as they are written down, nothing checked yet: `docs/AGENTS.md`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::world::scenario::{IgnitionMarket, Law, PositionSide};

/// One of those who act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AgentSpec {
    Noise(NoiseSpec),
    Momentum(MomentumSpec),
    Holders(HoldersSpec),
    SpotMarketMaker(SpotMarketMakerSpec),
    FundingArbitrageur(FundingArbitrageurSpec),
    ShortCrowd(ShortCrowdSpec),
    LiquidationHunter(LiquidationHunterSpec),
    Whale(WhaleSpec),
    StockArbitrageur(StockArbitrageurSpec),
    External(ExternalSpec),
}

impl AgentSpec {
    /// Its name in results.
    pub fn name(&self) -> &str {
        match self {
            AgentSpec::Noise(spec) => &spec.name,
            AgentSpec::Momentum(spec) => &spec.name,
            AgentSpec::Holders(spec) => &spec.name,
            AgentSpec::SpotMarketMaker(spec) => &spec.name,
            AgentSpec::FundingArbitrageur(spec) => &spec.name,
            AgentSpec::ShortCrowd(spec) => &spec.name,
            AgentSpec::LiquidationHunter(spec) => &spec.name,
            AgentSpec::Whale(spec) => &spec.name,
            AgentSpec::StockArbitrageur(spec) => &spec.name,
            AgentSpec::External(spec) => &spec.name,
        }
    }
}

/// A kind of agent: what every one has, and what it has besides.
macro_rules! kind {
    ($(#[$about:meta])* $name:ident { $($(#[$how:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs)]
        pub struct $name {
            pub name: String,
            #[serde(default)]
            pub from_s: Decimal,
            #[serde(default)]
            pub until_s: Option<Decimal>,
            $($(#[$how])* pub $field: $type,)*
        }
    };
}

kind! {
    /// Flow without intelligence.
    NoiseSpec {
        #[serde(default)]
        capital: Option<Decimal>,
        #[serde(default = "one")]
        leverage: Decimal,
        #[serde(default)]
        tokens: Decimal,
        market: IgnitionMarket,
        rate_per_s: Decimal,
        qty: Law,
        #[serde(default)]
        limit_rate_per_s: Decimal,
        #[serde(default)]
        limit_gap: Option<Decimal>,
        #[serde(default)]
        lifetime_s: Decimal,
        #[serde(default)]
        branching: Decimal,
        #[serde(default)]
        decay_s: Option<Decimal>,
    }
}

kind! {
    /// A chartist.
    MomentumSpec {
        #[serde(default)]
        capital: Option<Decimal>,
        #[serde(default = "one")]
        leverage: Decimal,
        #[serde(default = "perp")]
        market: IgnitionMarket,
        window_s: Decimal,
        threshold: Decimal,
        order_qty: Decimal,
        max_qty: Decimal,
        #[serde(default = "yes")]
        long_only: bool,
    }
}

kind! {
    /// Holders who sell into strength.
    HoldersSpec {
        #[serde(default)]
        tokens: Decimal,
        #[serde(default)]
        threshold: Decimal,
        elasticity: Decimal,
        order_qty: Decimal,
    }
}

kind! {
    /// Who quotes both sides of spot.
    SpotMarketMakerSpec {
        #[serde(default)]
        tokens: Decimal,
        half_spread: Decimal,
        #[serde(default = "one_level")]
        levels: i64,
        #[serde(default)]
        level_gap: Option<Decimal>,
        level_qty: Decimal,
        #[serde(default)]
        skew: Decimal,
        #[serde(default)]
        inventory_limit: Option<Decimal>,
    }
}

kind! {
    /// Cash and carry.
    FundingArbitrageurSpec {
        #[serde(default)]
        capital: Option<Decimal>,
        #[serde(default = "one")]
        leverage: Decimal,
        enter_rate: Decimal,
        exit_rate: Decimal,
        #[serde(default)]
        min_basis: Decimal,
        order_qty: Decimal,
        max_qty: Decimal,
        #[serde(default)]
        lock_s: Decimal,
    }
}

kind! {
    /// New accounts that open a position each.
    ShortCrowdSpec {
        #[serde(default = "short")]
        side: PositionSide,
        rate_per_s: Decimal,
        #[serde(default = "one")]
        base: Decimal,
        #[serde(default)]
        slope: Decimal,
        qty: Law,
        #[serde(default = "no_leverage")]
        leverage: Law,
        #[serde(default = "many")]
        max_accounts: i64,
        #[serde(default)]
        hold_s: Option<Law>,
    }
}

kind! {
    /// Who trades ahead of liquidations.
    LiquidationHunterSpec {
        #[serde(default)]
        capital: Option<Decimal>,
        #[serde(default = "one")]
        leverage: Decimal,
        #[serde(default = "perp")]
        market: IgnitionMarket,
        reach: Decimal,
        min_notional: Decimal,
        order_qty: Decimal,
        max_qty: Decimal,
    }
}

kind! {
    /// Who ignites.
    WhaleSpec {
        #[serde(default)]
        capital: Option<Decimal>,
        #[serde(default = "one")]
        leverage: Decimal,
        #[serde(default)]
        accumulate: Option<LegSpec>,
        #[serde(default)]
        longs: Option<LegSpec>,
        #[serde(default)]
        ignite: Option<LegSpec>,
        #[serde(default)]
        exit: Option<ExitSpec>,
    }
}

kind! {
    /// Holds a position in proportion to the basis.
    StockArbitrageurSpec {
        #[serde(default)]
        capital: Option<Decimal>,
        #[serde(default = "one")]
        leverage: Decimal,
        #[serde(default)]
        tokens: Decimal,
        kappa: Decimal,
    }
}

kind! {
    /// What its user submits.
    ExternalSpec {
        #[serde(default)]
        capital: Option<Decimal>,
        #[serde(default = "one")]
        leverage: Decimal,
        #[serde(default)]
        tokens: Decimal,
    }
}

/// So much, from a time on, for so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LegSpec {
    pub qty: Decimal,
    pub at_s: Decimal,
    #[serde(default)]
    pub over_s: Decimal,
}

/// How a whale sells out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ExitSpec {
    #[serde(default)]
    pub over_s: Decimal,
    #[serde(default)]
    pub at_s: Option<Decimal>,
    #[serde(default)]
    pub drawdown: Option<Decimal>,
}

/// Tokens that come into being.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UnlockSpec {
    pub at_s: Decimal,
    pub qty: Decimal,
    #[serde(default)]
    pub holder: Option<String>,
}

const fn one() -> Decimal {
    Decimal::ONE
}

const fn no_leverage() -> Law {
    Law::Number(Decimal::ONE)
}

const fn perp() -> IgnitionMarket {
    IgnitionMarket::Perp
}

const fn short() -> PositionSide {
    PositionSide::Short
}

const fn yes() -> bool {
    true
}

const fn one_level() -> i64 {
    1
}

const fn many() -> i64 {
    100_000
}
