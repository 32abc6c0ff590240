//! The tables of a run through time: `docs/AGENTS.md` section 5 names their columns.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::tables::{RATE, round};
use super::{Table, quotient};
use crate::engine::{AgentSample, HeatSample, Recorder, Sample};
use crate::world::World;

/// When samples were taken: seconds, or steps.
fn times(table: &mut Table, world: &World, clocks: impl Iterator<Item = u64>) {
    if table.exact() {
        table.int("clock", clocks.map(round));
    } else {
        #[allow(clippy::cast_precision_loss)] // at most ten million steps
        table.float("time", clocks.map(|clock| clock as f64 * world.seconds));
    }
}

/// A row a sample.
pub fn series(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.series;
    let mut table = Table::new(rows.len(), exact);
    let of = |f: fn(&Sample) -> i64| rows.iter().map(f);
    let (spot, perp, step) = (&world.spot, &world.perp, world.quote_step);
    times(&mut table, world, rows.iter().map(|s| s.clock));
    table.count("index", spot.tick, of(|s| s.index.0));
    table.count("mark", perp.tick, of(|s| s.mark.0));
    table.count("spot_last", spot.tick, of(|s| s.spot_last.0));
    table.count("perp_last", perp.tick, of(|s| s.perp_last.0));
    table.count("basis", perp.tick, of(|s| s.basis.0));
    table.count("funding_rate", RATE, of(|s| s.funding_rate.0));
    table.count("open_interest", perp.lot, of(|s| s.open_interest.0));
    table.count("spot_volume", spot.lot, of(|s| s.spot_volume.0));
    table.count("perp_volume", perp.lot, of(|s| s.perp_volume.0));
    table.count("circulating", spot.lot, of(|s| s.circulating.0));
    table.count("free_float", spot.lot, of(|s| s.floats.free.0));
    table.count("locked_float", spot.lot, of(|s| s.floats.locked.0));
    table.count("whale_float", spot.lot, of(|s| s.floats.whale.0));
    table.count("hedge_float", spot.lot, of(|s| s.floats.hedge.0));
    if !exact {
        let total = world.total_supply.0;
        table.float("float_share", rows.iter().map(|s| quotient(s.floats.free.0, total)));
    }
    if exact {
        // A figure that is only looked at fails no run: more than 64 bits hold is shown as the most they do.
        let value =
            |s: &Sample| spot.contract.value(s.spot_last, world.total_supply).map_or(i64::MAX, |v| v.0);
        table.int("fdv", rows.iter().map(value));
    } else {
        let supply = spot.lot.of(world.total_supply.0);
        table.float("fdv", rows.iter().map(|s| spot.tick.of(s.spot_last.0) * supply));
    }
    table.count("insurance_fund", world.venue_step, of(|s| s.insurance_fund.0));
    table.count("liquidated_notional", step, of(|s| s.liquidated.0));
    table.int("events", of(|s| round(s.events)));
    table.count("spot_spread", spot.tick, of(|s| s.spot.spread.0));
    table.count("spot_bid_depth", spot.lot, of(|s| s.spot.depth[0].0));
    table.count("spot_ask_depth", spot.lot, of(|s| s.spot.depth[1].0));
    table.count("perp_spread", perp.tick, of(|s| s.perp.spread.0));
    table.count("perp_bid_depth", perp.lot, of(|s| s.perp.depth[0].0));
    table.count("perp_ask_depth", perp.lot, of(|s| s.perp.depth[1].0));
    table.finish()
}

/// A row for each of those who act and each sample, the market maker first.
pub fn agents(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.agents;
    let mut table = Table::new(rows.len(), exact);
    let of = |f: fn(&AgentSample) -> i64| rows.iter().map(f);
    times(&mut table, world, rows.iter().map(|s| s.clock));
    let names = world.agents.iter().map(|agent| agent.name.as_str());
    #[allow(clippy::cast_possible_truncation)] // a scenario has at most 1,000
    let codes = rows.iter().map(|s| s.agent.map_or(0, |number| number as u16 + 1));
    if exact {
        table.int("agent", codes.map(i64::from));
    } else {
        let names: Vec<&str> = std::iter::once("market_maker").chain(names).collect();
        table.given("agent", &names, codes);
    }
    table.count("qty", world.perp.lot, of(|s| s.qty.0));
    table.count("tokens", world.spot.lot, of(|s| s.tokens.0));
    table.count("balance", world.venue_step, of(|s| s.balance.0));
    table.count("profit", world.quote_step, of(|s| s.profit.0));
    table.finish()
}

/// A row for each bucket of prices that somebody's threshold lies in and each sample.
pub fn heat_map(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.heat;
    let mut table = Table::new(rows.len(), exact);
    let of = |f: fn(&HeatSample) -> i64| rows.iter().map(f);
    times(&mut table, world, rows.iter().map(|s| s.clock));
    table.count("price", world.perp.tick, of(|s| s.price.0));
    table.count("long_notional", world.quote_step, of(|s| s.long.0));
    table.count("short_notional", world.quote_step, of(|s| s.short.0));
    table.finish()
}
