//! Scenarios for the tests.
#![allow(dead_code)]

use perpcore::engine::{Simulation, Summary};
use perpcore::units::{Lots, Quote, Ticks};
use perpcore::world::World;
use perpcore::world::scenario::{
    Ladder, MarginMode, Placement, PositionSide, PositionsSpec, Scenario, Spread,
};
use rust_decimal::Decimal;

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// RocketCoin without its shorts, to be varied: start 10, cent ticks, lots of one token, 20,000 tokens of asks a dollar,
/// maintenance 1 %, no fees, a market maker who quotes at the mark.
#[derive(Clone)]
pub struct Setup(pub Scenario);

impl Setup {
    pub fn new() -> Setup {
        let scenario = serde_json::from_str(
            r#"{"schema_version": 1, "start_price": "10", "total_supply": "10000000", "circulating": "1000000",
                "spot": {"tick_size": "0.01", "lot_size": "1", "asks": {"kind": "linear", "depth": "20000"}},
                "perp": {"tick_size": "0.01", "lot_size": "1"},
                "venue": {"tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "200"}],
                          "insurance_fund": "1000000"},
                "market_maker": {"capital": "10000000", "hedge_ratio": "0.22",
                                 "quote": {"side": "asks", "level_qty": "10000000"}},
                "positions": [], "ignition": {"qty": "20000"}}"#,
        );
        Setup(scenario.unwrap())
    }

    /// Ten batches of $1 M at 11.0, 11.4, ... 14.6.
    pub fn rocketcoin() -> Setup {
        (0..10).fold(Setup::new(), |setup, i| {
            setup.shorts(ladder(Decimal::new(1100 + 40 * i, 2), None).notional(1_000_000))
        })
    }

    /// $1 M at 11.00 and the rest of 300,000 tokens evenly on [11, 15].
    pub fn reading_300k() -> Setup {
        let eleven = Decimal::from(11);
        Setup::new()
            .shorts(ladder(eleven, None).notional(1_000_000))
            .shorts(ladder(eleven, Some(Decimal::from(15))).qty(209_090))
    }

    /// So many tokens evenly on [11, 15].
    pub fn evenly(tokens: i64) -> Setup {
        Setup::new().shorts(ladder(Decimal::from(11), Some(Decimal::from(15))).qty(tokens))
    }

    pub fn shorts(mut self, ladder: Shorts) -> Setup {
        self.0.positions.push(PositionsSpec::Ladder(ladder.0));
        self
    }

    pub fn hedging(mut self, share: Decimal) -> Setup {
        self.0.market_maker.hedge_ratio = share;
        self
    }

    pub fn igniting(mut self, tokens: i64) -> Setup {
        self.0.ignition.as_mut().unwrap().qty = Decimal::from(tokens);
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Scenario)) -> Setup {
        change(&mut self.0);
        self
    }

    pub fn world(&self) -> World {
        World::build(&self.0).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn run(&self) -> Summary {
        run(&self.world(), 0, 0)
    }
}

/// A ladder of shorts in lumps of ten tokens.
pub struct Shorts(pub Ladder);

impl Shorts {
    pub fn qty(mut self, tokens: i64) -> Shorts {
        self.0.qty = Some(Decimal::from(tokens));
        self
    }

    pub fn notional(mut self, money: i64) -> Shorts {
        self.0.notional = Some(Decimal::from(money));
        self
    }

    pub fn lump(mut self, tokens: i64) -> Shorts {
        self.0.lump = Some(Decimal::from(tokens));
        self
    }

    pub fn poisson(mut self) -> Shorts {
        self.0.placement = Placement::Poisson;
        self
    }
}

/// Shorts that break at one price, or evenly between two.
pub fn ladder(from: Decimal, to: Option<Decimal>) -> Shorts {
    Shorts(Ladder {
        side: PositionSide::Short,
        entry_price: None,
        qty: None,
        notional: None,
        lump: Some(Decimal::TEN),
        liquidation_price: Some(to.map_or(Spread::One(from), |to| Spread::Range([from, to]))),
        leverage: None,
        stop_price: None,
        margin_mode: MarginMode::Isolated,
        wallet: Decimal::ZERO,
        placement: Placement::Even,
    })
}

/// One path to its end.
pub fn run(world: &World, seed: u64, path: u64) -> Summary {
    let mut simulation = Simulation::new(world, seed, path, ()).unwrap_or_else(|e| panic!("{e}"));
    let reason = simulation.run().unwrap_or_else(|e| panic!("{e}"));
    simulation.summary(reason).unwrap_or_else(|e| panic!("{e}"))
}

/// Cents in units.
#[allow(clippy::cast_precision_loss)]
pub fn price(ticks: Ticks) -> f64 {
    ticks.0 as f64 / 100.0
}

/// Tokens: lots of one.
#[allow(clippy::cast_precision_loss)]
pub fn tokens(lots: Lots) -> f64 {
    lots.0 as f64
}

/// Millionths in units.
#[allow(clippy::cast_precision_loss)]
pub fn money(steps: Quote) -> f64 {
    steps.0 as f64 / 1e6
}
