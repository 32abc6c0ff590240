//! What exists at the start: a scenario, checked and turned into integers once, then shared by every path.

mod accounts;
pub mod agents;
mod cells;
mod check;
mod clock;
mod columns;
mod fixed;
mod frictions;
mod grid;
mod law;
mod liquidity;
mod population;
mod prepared;
mod pricing;
mod quotes;
mod read;
mod rows;
pub mod scenario;
mod solve;
mod supply;
mod template;
mod venue;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use self::agents::{Agent, Plan, Unlock};
pub use self::check::MAX_LOTS;
use self::check::{Check, double, ratio};
use self::clock::Clock;
pub use self::clock::{Steps, Until};
pub use self::columns::Column;
pub use self::fixed::{Fixed, Given};
pub use self::frictions::{MakerFrictions, Recovery};
pub use self::grid::{Grid, fee_rate};
pub use self::law::Sizes;
pub use self::liquidity::Shape;
pub use self::population::Population;
use self::prepared::{Key, Prepared};
pub use self::quotes::{Posting, Quoting};
pub use self::scenario::{Around, QuoteSide, Residual, Scenario};
use self::scenario::{ContractKind, MarketMakerSpec, MarketSpec, QuoteSpec};
pub use self::solve::Account;
use self::solve::Terms;
pub use self::supply::{SupplyStreams, WorldSupply};
pub use self::template::Template;
pub use self::venue::{check_venue, read_tiers};
use crate::error::ScenarioError;
use crate::event::{self, LedgerAccount};
use crate::ids::AccountId;
use crate::margin::Contract;
use crate::units::{Lots, Quote, Rate, Side, Ticks, Unit};
use crate::venue::{Fees, Venue};

/// One market at the start.
#[derive(Clone, Debug)]
pub struct Market {
    /// What a quantity at a price is worth.
    pub contract: Contract,
    /// Its fees.
    pub fees: Fees,
    /// The start price.
    pub start: Ticks,
    /// What rests: bids, asks.
    pub shapes: [Arc<Shape>; 2],
    /// What is posted in every round: by holders in spot, by the market maker in the perpetual.
    pub quoting: Option<Quoting>,
    /// Units of price in a tick.
    pub tick: Unit,
    /// Tokens in a lot.
    pub lot: Unit,
}

/// The market maker's means and rules.
#[derive(Clone, Copy, Debug)]
pub struct MakerTerms {
    /// Cash behind his perpetual account.
    pub capital: Quote,
    /// The share he hedges.
    pub hedge_ratio: Rate,
    /// What becomes of the rest.
    pub residual: Residual,
    /// Tokens his spot desk owns at the start.
    pub spot_inventory: Lots,
}

/// How units convert between the two markets, exactly.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    /// A spot tick is `n / d` of the perpetual's ticks.
    pub tick: (i128, i128),
    /// A lot of the perpetual is `n / d` spot lots.
    pub lot: (i128, i128),
    /// A coin step is `n / d` spot lots.
    pub coin: (i128, i128),
    /// A coin step at a price of one spot tick is `n / d` quote steps.
    pub coin_value: (i128, i128),
}

/// A scenario in integers.
#[derive(Clone, Debug)]
pub struct World {
    /// Spot.
    pub spot: Market,
    /// The perpetual.
    pub perp: Market,
    /// Between the two.
    pub conversion: Conversion,
    /// The venue's rules.
    pub venue: Venue,
    /// The market maker.
    pub maker: MakerTerms,
    /// What keeps him from quoting and hedging as he would.
    pub frictions: Option<MakerFrictions>,
    /// The push: side and quantity, in its market's lots.
    pub ignition: (Side, Lots),
    /// Where the push comes.
    pub ignition_market: event::Market,
    /// The float, in spot lots.
    pub circulating: Lots,
    /// Units of money in a step.
    pub quote_step: Unit,
    /// The same for the money at the perpetual's venue: coin if its contract is inverse.
    pub venue_step: Unit,
    /// Whether time passes from round to round.
    pub time_passes: bool,
    /// How long a round takes, or a step of a run through time.
    pub seconds: f64,
    /// The steps of a run through time; none of an instant cascade.
    pub steps: Option<Steps>,
    /// At which the venue closes every position after the run.
    pub settlement_price: Option<Ticks>,
    /// Those who act while time passes.
    pub agents: Arc<[Agent]>,
    /// Tokens that come into being, in the order of their steps.
    pub unlocks: Arc<[Unlock]>,
    /// The first account that is nobody's but a trader's: behind those of the agents.
    pub named: AccountId,
    /// All tokens there may ever be, in spot lots.
    pub total_supply: Lots,
    /// Accounts that are the same in every path.
    pub fixed: Arc<Fixed>,
    /// Accounts that are drawn.
    pub populations: Arc<[Population]>,
}

impl World {
    /// Checks a scenario and turns it into integers; everything wrong with it at once.
    pub fn build(scenario: &Scenario) -> Result<World, ScenarioError> {
        World::build_until(scenario, &AtomicBool::new(false))
    }

    /// The same, given up with some error soon after `stop` is set.
    pub fn build_until(scenario: &Scenario, stop: &AtomicBool) -> Result<World, ScenarioError> {
        let check = &mut Check::default();
        check.require(scenario.schema_version == 1, "schema_version", scenario.schema_version, "1");
        grid::check(check, "spot", scenario.spot.tick_size, scenario.spot.lot_size);
        grid::check(check, "perp", scenario.perp.tick_size, scenario.perp.lot_size);
        // Everything below divides by the grids.
        std::mem::take(&mut check.found).into_result()?;
        let inverse = scenario.venue.contract == ContractKind::Inverse;
        let grids = [&scenario.spot, &scenario.perp].map(|market| (market.tick_size, market.lot_size));
        let step = grid::quote_step(&grid::values(grids, inverse));
        let money = if inverse { grid::COIN_STEP } else { step };
        let clock = Clock::read(check, scenario);
        let pushed = scenario.ignition.as_ref();
        let mut world = World {
            spot: market(check, "spot", &scenario.spot, scenario.start_price, step),
            perp: if inverse {
                coin_margined(check, &scenario.perp, scenario.start_price, step)
            } else {
                market(check, "perp", &scenario.perp, scenario.start_price, step)
            },
            conversion: conversion(scenario, step),
            venue: venue::rules(check, &scenario.venue, &clock, money),
            maker: maker(check, scenario, money),
            frictions: frictions::of_maker(
                check,
                &scenario.market_maker,
                [&scenario.spot, &scenario.perp],
                &clock,
            ),
            ignition: (pushed.map_or(Side::Buy, |push| push.side.into()), Lots::ZERO),
            circulating: check.qty("circulating", scenario.circulating, scenario.spot.lot_size, 1),
            quote_step: grid::unit(step),
            venue_step: grid::unit(money),
            time_passes: clock.round_seconds > Decimal::ZERO,
            seconds: double(clock.round_seconds),
            steps: clock.steps,
            settlement_price: scenario
                .settlement_price
                .map(|price| check.price("settlement_price", price, scenario.perp.tick_size)),
            ignition_market: pushed.map_or(event::Market::Spot, |push| push.market.into()),
            agents: agents::build::agents(check, scenario, &clock, money),
            unlocks: Arc::default(),
            named: AccountId::FIRST_AGENT,
            total_supply: Lots::ZERO,
            fixed: Arc::default(),
            populations: Arc::default(),
        };
        if let Some(push) = pushed {
            let spot = world.ignition_market == event::Market::Spot;
            let lot_size = if spot { scenario.spot.lot_size } else { scenario.perp.lot_size };
            world.ignition.1 = check.qty("ignition.qty", push.qty, lot_size, 1);
        }
        world.unlocks = agents::build::unlocks(check, scenario, &clock, &world.agents);
        world.named = agents::venue_account(world.agents.len());
        world.supply(check, scenario);
        agents::build::needs(check, &world, scenario);
        world.recoveries(check, scenario, &clock);
        std::mem::take(&mut check.found).into_result()?;
        world.positions(check, scenario, money, stop);
        std::mem::take(&mut check.found).into_result()?;
        Ok(world)
    }

    /// Whether this account's money is the quote currency of spot, where that of the perpetual's venue is another.
    pub fn pays_in_quote(&self, account: LedgerAccount) -> bool {
        let spot = self.ignition_market == event::Market::Spot;
        self.perp.contract.is_inverse()
            && match account {
                LedgerAccount::Trader(AccountId::ATTACKER) => spot,
                LedgerAccount::Trader(AccountId::MARKET_MAKER_SPOT | AccountId::HOLDERS) => true,
                LedgerAccount::SpotFees | LedgerAccount::SpotOutside => true,
                _ => false,
            }
    }

    /// Whether it is an account of an agent, at the venue or its desk.
    #[inline]
    pub fn is_agent(&self, account: AccountId) -> bool {
        account >= AccountId::FIRST_AGENT && account < self.named
    }

    /// Which agent an account belongs to.
    #[inline]
    pub fn agent_of(&self, account: AccountId) -> Option<usize> {
        self.is_agent(account).then(|| (account.index() - AccountId::FIRST_AGENT.index()) / 2)
    }

    /// The entry of positions and the row that an account was given in, if it was given as a row.
    pub fn given(&self, account: AccountId) -> Option<(usize, u32)> {
        self.fixed.row_of(account.index().checked_sub(self.named.index())?)
    }

    /// Spot lots in a lot of the perpetual, where there are agents.
    pub fn spot_lots(&self) -> i64 {
        i64::try_from(self.conversion.lot.0 / self.conversion.lot.1).unwrap_or(i64::MAX)
    }

    /// How many steps back anybody looks at the mark.
    pub fn look_back(&self) -> u64 {
        let of = |agent: &Agent| match &agent.plan {
            Plan::Momentum(momentum) => momentum.window,
            _ => 0,
        };
        self.agents.iter().map(of).max().unwrap_or(0).max(self.venue.frictions.look_back())
    }

    /// The unit of an account's money.
    pub fn step_of(&self, account: LedgerAccount) -> Unit {
        if self.pays_in_quote(account) { self.quote_step } else { self.venue_step }
    }

    /// Tokens that asks may offer: the float less what the market maker, a selling attacker and the agents hold.
    pub fn free_float(&self) -> Lots {
        let desks = agents::build::on_desks(&self.agents);
        Lots(self.circulating.0 - self.maker.spot_inventory.0 - self.attacker_tokens().0 - desks.0)
    }

    /// What the attacker owns at the start: what he will sell.
    pub fn attacker_tokens(&self) -> Lots {
        let sells = self.ignition.0 == Side::Sell && self.ignition_market == event::Market::Spot;
        if sells { self.ignition.1 } else { Lots::ZERO }
    }

    fn supply(&mut self, check: &mut Check, scenario: &Scenario) {
        let total = check.qty("total_supply", scenario.total_supply, scenario.spot.lot_size, 1);
        self.total_supply = total;
        check.require(
            self.circulating <= total || check.found.names("total_supply"),
            "circulating",
            scenario.circulating,
            &format!("at most total_supply, {}", scenario.total_supply),
        );
        let free = self.free_float();
        let named =
            if self.ignition.0 == Side::Sell { "ignition.qty" } else { "market_maker.spot_inventory" };
        let held = self.maker.spot_inventory.0 + self.attacker_tokens().0;
        let tokens = Decimal::from(held) * scenario.spot.lot_size;
        let fits = held <= self.circulating.0;
        check.require(fits, named, tokens, &format!("at most circulating, {}", scenario.circulating));
        self.spot.shapes =
            liquidity::shapes(check, "spot", &scenario.spot, self.spot.start, Some(free.max(Lots::ZERO)));
        self.perp.shapes = liquidity::shapes(check, "perp", &scenario.perp, self.perp.start, None);
        self.quotes(check, scenario, free);
        let spot = self.ignition_market == event::Market::Spot;
        let (market, name) = if spot { (&self.spot, "spot") } else { (&self.perp, "perp") };
        let (side, name) = match self.ignition.0 {
            Side::Buy => (Side::Sell, format!("{name}.asks")),
            Side::Sell => (Side::Buy, format!("{name}.bids")),
        };
        let empty = market.shapes[side.index()].is_empty();
        let quoted = scenario.ignition.is_none() || self.is_quoted(side);
        check.require(
            !empty || quoted || check.found.names(&name),
            &name,
            "an empty book",
            "liquidity on the side the ignition takes",
        );
        let quoted = self.perp.quoting.is_some() || self.perp.shapes.iter().any(|shape| !shape.is_empty());
        check.require(
            quoted || check.found.names("perp"),
            "perp.asks",
            "an empty book",
            "asks or bids in perp, or a market_maker.quote",
        );
    }

    /// Whether somebody quotes this side of the push's market before it comes: with agents, quotes stand since the start.
    fn is_quoted(&self, side: Side) -> bool {
        let spot = self.ignition_market == event::Market::Spot;
        let quoting = if spot { &self.spot.quoting } else { &self.perp.quoting };
        let quotes = |agent: &Agent| spot && matches!(agent.plan, Plan::SpotMaker(_));
        let stands = quoting.as_ref().is_some_and(|quoting| quoting.quotes(side));
        self.agents.iter().any(quotes) || stands && !self.agents.is_empty()
    }

    /// What is posted in every round. Holders sell no more than what the start's asks leave of the free float.
    fn quotes(&mut self, check: &mut Check, scenario: &Scenario, free: Lots) {
        let maker = scenario.market_maker.quote.as_ref();
        self.perp.quoting =
            maker.map(|spec| quoting(check, "market_maker.quote", spec, &scenario.perp, Lots(i64::MAX)));
        let taken = self.spot.shapes[Side::Sell.index()].most();
        let room = taken.map(|most| i128::from(free.0) - most).and_then(|room| i64::try_from(room).ok());
        self.spot.quoting = scenario.spot.quote.as_ref().map(|spec| {
            check.require(
                spec.side == QuoteSide::Bids || room.is_some_and(|room| room >= 0),
                "spot.quote",
                "asks of holders",
                "asks only where spot.asks end and leave some of the free float",
            );
            quoting(check, "spot.quote", spec, &scenario.spot, Lots(room.unwrap_or(0).max(0)))
        });
        check.require(
            scenario.perp.quote.is_none(),
            "perp.quote",
            "a quote",
            "market_maker.quote: in the perpetual it is the market maker who quotes",
        );
    }

    /// What of quotes takes time: how fast what was filled comes back, how holders' move with what they bought.
    fn recoveries(&mut self, check: &mut Check, scenario: &Scenario, clock: &Clock) {
        for (field, spec, market) in [
            ("spot.quote", &scenario.spot.quote, &mut self.spot),
            ("market_maker.quote", &scenario.market_maker.quote, &mut self.perp),
        ] {
            if let Some((spec, quoting)) = spec.as_ref().zip(market.quoting.as_mut()) {
                let ok = !spec.follows_float || field == "spot.quote" && clock.steps.is_some();
                let path = format!("{field}.follows_float");
                check.require(ok, &path, true, "false, but for holders' quotes in a run through time");
                quoting.recovery = frictions::recovery(check, field, spec, &quoting.level_qty, clock);
                quoting.skew = frictions::of_quotes(check, field, spec, &scenario.spot, clock);
            }
        }
    }

    fn positions(&mut self, check: &mut Check, scenario: &Scenario, step: Decimal, stop: &AtomicBool) {
        let terms = Terms {
            tick_size: scenario.perp.tick_size,
            lot_size: scenario.perp.lot_size,
            start: self.perp.start,
            contract: self.perp.contract,
            rule: &self.venue.margin,
            step,
        };
        let modes = &scenario.venue.margin_modes;
        let key = Key::of(&terms, modes, self.named, &scenario.positions);
        let prepared = key.as_ref().and_then(prepared::find).or_else(|| {
            let prepared = prepared::build(check, scenario, &terms, self.named, stop)?;
            if let Some(key) = key {
                prepared::keep(key, prepared.clone());
            }
            Some(prepared)
        });
        if let Some(Prepared { fixed, populations }) = prepared {
            (self.fixed, self.populations) = (fixed, populations);
        }
    }
}

fn market(check: &mut Check, field: &str, spec: &MarketSpec, start_price: Decimal, step: Decimal) -> Market {
    let scale = (spec.tick_size * spec.lot_size / step).to_i64().filter(|s| *s > 0);
    check.require(
        scale.is_some(),
        &format!("{field}.lot_size"),
        spec.lot_size,
        "tick_size x lot_size below 2^63 quote steps",
    );
    market_of(check, field, spec, start_price, Contract::linear(scale.unwrap_or(1)))
}

fn market_of(
    check: &mut Check,
    field: &str,
    spec: &MarketSpec,
    start_price: Decimal,
    contract: Contract,
) -> Market {
    Market {
        contract,
        fees: Fees {
            maker: check.fee(&format!("{field}.maker_fee"), spec.maker_fee),
            taker: check.fee(&format!("{field}.taker_fee"), spec.taker_fee),
        },
        start: check.price("start_price", start_price, spec.tick_size),
        shapes: Default::default(),
        quoting: None,
        tick: grid::unit(spec.tick_size),
        lot: grid::unit(spec.lot_size),
    }
}

/// The perpetual of an inverse contract: a lot is so much quote currency, paid in coin.
fn coin_margined(check: &mut Check, spec: &MarketSpec, start_price: Decimal, step: Decimal) -> Market {
    let face = (spec.lot_size / step).to_i64().unwrap_or(1);
    let a_tick = spec.tick_size * grid::COIN_STEP;
    let contract = ratio(spec.lot_size, a_tick).and_then(|of_tick| Contract::inverse(of_tick, face));
    let market = market_of(check, "perp", spec, start_price, contract.unwrap_or(Contract::linear(1)));
    let worth = contract.and_then(|contract| contract.worth(market.start, Lots(1)).ok());
    check.require(
        worth.is_some_and(|worth| worth > Quote::ZERO),
        "perp.lot_size",
        spec.lot_size,
        "a face value worth at least 0.00000001 coin at start_price, below 2^62 x that at one tick",
    );
    market
}

fn conversion(scenario: &Scenario, step: Decimal) -> Conversion {
    let (spot, perp) = (&scenario.spot, &scenario.perp);
    let of = |a: Decimal, b: Decimal| ratio(a, b).unwrap_or((1, 1));
    Conversion {
        tick: of(spot.tick_size, perp.tick_size),
        lot: of(perp.lot_size, spot.lot_size),
        coin: of(grid::COIN_STEP, spot.lot_size),
        coin_value: of(grid::COIN_STEP * spot.tick_size, step),
    }
}

fn maker(check: &mut Check, scenario: &Scenario, step: Decimal) -> MakerTerms {
    let spec: &MarketMakerSpec = &scenario.market_maker;
    MakerTerms {
        capital: check.money("market_maker.capital", spec.capital, step),
        hedge_ratio: check.rate(
            "market_maker.hedge_ratio",
            spec.hedge_ratio,
            Decimal::ZERO,
            Decimal::from(10),
        ),
        residual: spec.residual,
        spot_inventory: check.qty(
            "market_maker.spot_inventory",
            spec.spot_inventory,
            scenario.spot.lot_size,
            0,
        ),
    }
}

fn quoting(check: &mut Check, field: &str, spec: &QuoteSpec, market: &MarketSpec, room: Lots) -> Quoting {
    let path = |name: &str| format!("{field}.{name}");
    let tick = market.tick_size;
    check.within(&path("levels"), spec.levels, 1, 10_000);
    Quoting {
        side: spec.side,
        around: spec.around,
        half_spread: check.gap(&path("half_spread"), spec.half_spread, tick, 0),
        levels: spec.levels,
        level_gap: check.gap(&path("level_gap"), spec.level_gap.unwrap_or(tick), tick, 1),
        jitter: check.gap(&path("jitter"), spec.jitter, tick, 0),
        level_qty: law::sizes(check, &path("level_qty"), &spec.level_qty, market.lot_size),
        recovery: None,
        room,
        follows_float: spec.follows_float,
        skew: agents::Skew::default(),
    }
}

const _: () = assert!(MAX_LOTS < i64::MAX / 64);
