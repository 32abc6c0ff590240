//! The kinds of agents, from what is written to their plans.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::plans::{
    Crowd, FundingArbitrageur, HolderPlan, Hunter, Momentum, Noise, Skew, SpotMaker, StockArbitrageur, Whale,
};
use super::reader::{Common, Reader, nine};
use super::spec::{
    AgentSpec, FundingArbitrageurSpec, HoldersSpec, LiquidationHunterSpec, MomentumSpec, NoiseSpec,
    ShortCrowdSpec, SpotMarketMakerSpec, StockArbitrageurSpec, WhaleSpec,
};
use super::{Agent, Plan};
use crate::units::Side;
use crate::world::accounts::MAX_ACCOUNTS;
use crate::world::law;
use crate::world::scenario::IgnitionMarket::{Perp, Spot};
use crate::world::scenario::PositionSide;

/// Levels of a side at most.
const MAX_LEVELS: i64 = 10_000;
/// Largest ratio of two prices or of tokens that a field may name.
const LARGE: Decimal = Decimal::ONE_THOUSAND;

/// What a spec has of what all have; the rest is that of an agent without it.
macro_rules! common {
    ($spec:expr $(, $field:ident)*) => {
        Common {
            $($field: $spec.$field,)*
            ..Common::of(&$spec.name, $spec.from_s, $spec.until_s)
        }
    };
}

/// An agent, whatever it is.
pub(super) fn read(reader: &mut Reader, spec: &AgentSpec) -> Agent {
    let (common, plan) = match spec {
        AgentSpec::Noise(s) => (common!(s, capital, leverage, tokens), noise(reader, s)),
        AgentSpec::Momentum(s) => (common!(s, capital, leverage), momentum(reader, s)),
        AgentSpec::Holders(s) => (common!(s, tokens), holders(reader, s)),
        AgentSpec::SpotMarketMaker(s) => (common!(s, tokens), spot_maker(reader, s)),
        AgentSpec::FundingArbitrageur(s) => (common!(s, capital, leverage), funding(reader, s)),
        AgentSpec::ShortCrowd(s) => (common!(s), crowd(reader, s)),
        AgentSpec::LiquidationHunter(s) => (common!(s, capital, leverage), hunter(reader, s)),
        AgentSpec::Whale(s) => (common!(s, capital, leverage), whale(reader, s)),
        AgentSpec::StockArbitrageur(s) => (common!(s, capital, leverage, tokens), stock(reader, s)),
        AgentSpec::External(s) => (common!(s, capital, leverage, tokens), Plan::External),
    };
    let agent = reader.agent(&common, plan);
    if let (Plan::Whale(plan), AgentSpec::Whale(spec)) = (&agent.plan, spec) {
        in_time(reader, &agent, plan, spec);
    }
    agent
}

fn noise(reader: &mut Reader, spec: &NoiseSpec) -> Plan {
    let market = spec.market;
    let (field, lot) = (reader.field("qty"), reader.market(market).lot_size);
    let calls = reader.calls(spec.branching, spec.decay_s);
    let uncalled = Decimal::ONE - calls.map_or(Decimal::ZERO, |_| nine(spec.branching));
    Plan::Noise(Noise {
        market: market.into(),
        arrivals: reader.share_of_arrivals("rate_per_s", spec.rate_per_s, uncalled),
        calls,
        qty: law::sizes(reader.check, &field, &spec.qty, lot),
        limits: reader.arrivals("limit_rate_per_s", spec.limit_rate_per_s),
        gap: reader.gap("limit_gap", spec.limit_gap, market),
        lifetime: reader.lasts("lifetime_s", spec.lifetime_s),
    })
}

fn momentum(reader: &mut Reader, spec: &MomentumSpec) -> Plan {
    let window = reader.lasts("window_s", spec.window_s).max(1);
    let fits = window <= reader.steps.count;
    reader.check.require(fits, &reader.field("window_s"), spec.window_s, "from 0 to time.horizon_s");
    Plan::Momentum(Momentum {
        market: spec.market.into(),
        window,
        threshold: reader.rate("threshold", spec.threshold, Decimal::ZERO, LARGE),
        order_qty: reader.lots("order_qty", spec.order_qty, spec.market, 1),
        max_qty: reader.lots("max_qty", spec.max_qty, spec.market, 1),
        long_only: spec.long_only,
    })
}

fn holders(reader: &mut Reader, spec: &HoldersSpec) -> Plan {
    Plan::Holders(HolderPlan {
        threshold: reader.rate("threshold", spec.threshold, Decimal::ZERO, LARGE),
        elasticity: reader.rate("elasticity", spec.elasticity, Decimal::ZERO, LARGE),
        order_qty: reader.lots("order_qty", spec.order_qty, Spot, 1),
    })
}

fn spot_maker(reader: &mut Reader, spec: &SpotMarketMakerSpec) -> Plan {
    let spot = reader.market(Spot);
    let (tick, lot) = (spot.tick_size, spot.lot_size);
    reader.check.within(&reader.field("levels"), spec.levels, 1, MAX_LEVELS);
    let (n, d) = reader.times("skew", spec.skew, lot, tick);
    Plan::SpotMaker(SpotMaker {
        half_spread: reader.gap("half_spread", Some(spec.half_spread), Spot),
        levels: spec.levels,
        level_gap: reader.gap("level_gap", spec.level_gap, Spot),
        level_qty: reader.lots("level_qty", spec.level_qty, Spot, 1),
        skew: if n == 0 { Skew::default() } else { Skew { n, d } },
        inventory_limit: spec.inventory_limit.map(|limit| reader.lots("inventory_limit", limit, Spot, 1)),
    })
}

fn funding(reader: &mut Reader, spec: &FundingArbitrageurSpec) -> Plan {
    let allowed = format!("below enter_rate, {}", spec.enter_rate);
    let apart = spec.exit_rate < spec.enter_rate;
    reader.check.require(apart, &reader.field("exit_rate"), spec.exit_rate, &allowed);
    Plan::FundingArbitrageur(FundingArbitrageur {
        enter: reader.rate("enter_rate", spec.enter_rate, Decimal::NEGATIVE_ONE, Decimal::ONE),
        exit: reader.rate("exit_rate", spec.exit_rate, Decimal::NEGATIVE_ONE, Decimal::ONE),
        min_basis: reader.rate("min_basis", spec.min_basis, Decimal::NEGATIVE_ONE, LARGE),
        order_qty: reader.lots("order_qty", spec.order_qty, Perp, 1),
        max_qty: reader.lots("max_qty", spec.max_qty, Perp, 1),
        lock: reader.lasts("lock_s", spec.lock_s),
    })
}

fn crowd(reader: &mut Reader, spec: &ShortCrowdSpec) -> Plan {
    let lot = reader.market(Perp).lot_size;
    let (qty, leverage) = (reader.field("qty"), reader.field("leverage"));
    let most = i64::try_from(MAX_ACCOUNTS).unwrap_or(i64::MAX);
    reader.check.within(&reader.field("max_accounts"), spec.max_accounts, 0, most);
    let hold = spec.hold_s.as_ref().map(|law| Arc::new(reader.holds("hold_s", law)));
    Plan::Crowd(Crowd {
        side: match spec.side {
            PositionSide::Long => Side::Buy,
            PositionSide::Short => Side::Sell,
        },
        arrivals: reader.arrivals("rate_per_s", spec.rate_per_s),
        base: reader.rate("base", spec.base, Decimal::ZERO, Decimal::ONE),
        slope: reader.rate("slope", spec.slope, -LARGE, LARGE),
        qty: law::sizes(reader.check, &qty, &spec.qty, lot),
        leverage: Arc::new(law::leverages(reader.check, &leverage, &spec.leverage)),
        max_accounts: u32::try_from(spec.max_accounts).unwrap_or(0),
        hold,
    })
}

fn hunter(reader: &mut Reader, spec: &LiquidationHunterSpec) -> Plan {
    let some = spec.min_notional > Decimal::ZERO;
    reader.check.require(some, &reader.field("min_notional"), spec.min_notional, "more than 0");
    Plan::Hunter(Hunter {
        market: spec.market.into(),
        reach: reader.positive("reach", spec.reach, Decimal::ONE),
        min_notional: reader.money("min_notional", spec.min_notional),
        order_qty: reader.lots("order_qty", spec.order_qty, spec.market, 1),
        max_qty: reader.lots("max_qty", spec.max_qty, spec.market, 1),
    })
}

fn whale(reader: &mut Reader, spec: &WhaleSpec) -> Plan {
    Plan::Whale(Whale {
        accumulate: reader.leg("accumulate", spec.accumulate.as_ref(), Spot),
        longs: reader.leg("longs", spec.longs.as_ref(), Perp),
        ignite: reader.leg("ignite", spec.ignite.as_ref(), Spot),
        exit: spec.exit.as_ref().map(|exit| reader.exit(exit, spec.ignite.is_some())),
    })
}

/// Checks that nothing of a whale's plan lies where it does not act, and that it buys before it sells.
fn in_time(reader: &mut Reader, agent: &Agent, plan: &Whale, spec: &WhaleSpec) {
    let legs = [
        ("accumulate", &spec.accumulate, plan.accumulate),
        ("longs", &spec.longs, plan.longs),
        ("ignite", &spec.ignite, plan.ignite),
    ];
    let last = legs.iter().filter_map(|(.., leg)| leg.map(|leg| leg.from)).max();
    let last_s = legs.iter().filter_map(|(_, spec, _)| spec.as_ref().map(|leg| leg.at_s)).max();
    for (name, spec, leg) in legs {
        let (Some(spec), Some(leg)) = (spec, leg) else { continue };
        let acts = leg.from >= agent.from && leg.from + leg.steps <= agent.until;
        let allowed = "from from_s on, with over_s before until_s";
        reader.agree(acts, &format!("{name}.at_s"), spec.at_s, allowed);
    }
    let Some((spec, exit)) = spec.exit.as_ref().zip(plan.exit) else { return };
    reader.agree(last.is_some(), "exit", "an exit", "none without accumulate, longs or ignite");
    if let (Some(last), Some(last_s), Some(at), Some(at_s)) = (last, last_s, exit.at, spec.at_s) {
        let allowed = format!("a step or more after {last_s} s, when the last leg begins, before until_s");
        reader.agree(at > last && at < agent.until, "exit.at_s", at_s, &allowed);
    }
}

fn stock(reader: &mut Reader, spec: &StockArbitrageurSpec) -> Plan {
    let (tick, lot) = (reader.market(Perp).tick_size, reader.market(Perp).lot_size);
    Plan::StockArbitrageur(StockArbitrageur { kappa: reader.times("kappa", spec.kappa, tick, lot) })
}
