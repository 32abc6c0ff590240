//! The summary as named columns: DESIGN section 5.

use crate::engine::Summary;
use crate::units::Side;
use crate::world::World;

/// One entry of a summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// In units, or a ratio.
    Float(f64),
    /// A count.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// One of a few names.
    Name(&'static str),
}

#[allow(clippy::cast_possible_wrap)]
const fn count(n: u64) -> i64 {
    n as i64
}

/// In units.
#[allow(clippy::cast_precision_loss)]
pub fn summary(world: &World, run: &Summary) -> Vec<(&'static str, Value)> {
    let price = |ticks: i64| Value::Float(world.spot.tick.of(ticks));
    let spot = |lots: i64| Value::Float(world.spot.lot.of(lots));
    let perp = |lots: i64| Value::Float(world.perp.lot.of(lots));
    let money = |steps: i64| Value::Float(world.quote_step.of(steps));
    let ratio = |a: i64, b: i64| Value::Float(if b == 0 { f64::NAN } else { a as f64 / b as f64 });
    let totals = &run.totals;
    let forced = match run.ignition_side {
        Side::Buy => totals.forced_buy_value,
        Side::Sell => totals.forced_sell_value,
    };
    vec![
        ("ignition_cost", money(run.ignition_cost.0)),
        ("ignition_qty", spot(run.ignition_qty.0)),
        ("start_price", price(run.start_price.0)),
        ("peak_price", price(run.peak_price.0)),
        ("final_price", price(run.final_price.0)),
        ("peak_multiple", ratio(run.peak_price.0, run.start_price.0)),
        ("rounds", Value::Int(count(run.rounds))),
        ("liquidated_accounts", Value::Int(count(totals.liquidated_accounts))),
        ("liquidated_qty", perp(totals.liquidated_qty.0)),
        ("liquidated_notional", money(totals.liquidated_value.0)),
        ("stopped_accounts", Value::Int(count(totals.stopped_accounts))),
        ("stopped_qty", perp(totals.stopped_qty.0)),
        ("stopped_notional", money(totals.stopped_value.0)),
        ("taken_over_qty", perp(totals.taken_over_qty.0)),
        ("forced_buy_notional", money(totals.forced_buy_value.0)),
        ("forced_sell_notional", money(totals.forced_sell_value.0)),
        ("amplification", ratio(forced.0, run.ignition_cost.0)),
        ("fuel_burnt", ratio(run.burnt_qty.0, run.named_qty.0)),
        ("hedge_qty", spot(totals.hedge_qty.0)),
        ("hedge_shortfall", spot(run.hedge_shortfall.0)),
        ("insurance_fund_change", money(run.insurance_fund_change.0)),
        ("insurance_fund_shortfall", money(run.insurance_fund_shortfall.0)),
        ("bad_debt", money(totals.bad_debt.0)),
        ("paid_by_fund", money(totals.paid_by_fund.0)),
        ("venue_loss", money(totals.venue_loss.0)),
        ("market_maker_pnl", money(run.market_maker_pnl.0)),
        ("market_maker_unhedged_qty", spot(run.market_maker_unhedged_qty.0)),
        ("market_maker_liquidated", Value::Bool(run.market_maker_liquidated)),
        ("positions_pnl", money(run.positions_pnl.0)),
        ("rest_of_market_pnl", money(run.rest_of_market_pnl.0)),
        ("attacker_pnl", money(run.attacker_pnl.0)),
        ("spot_exhausted", Value::Bool(run.spot_exhausted)),
        ("stop_reason", Value::Name(run.stop_reason.name())),
    ]
}

/// The integers behind it: ticks, lots, quote steps.
pub fn exact_summary(run: &Summary) -> Vec<(&'static str, Value)> {
    let totals = &run.totals;
    let int = Value::Int;
    vec![
        ("ignition_cost", int(run.ignition_cost.0)),
        ("ignition_qty", int(run.ignition_qty.0)),
        ("start_price", int(run.start_price.0)),
        ("peak_price", int(run.peak_price.0)),
        ("final_price", int(run.final_price.0)),
        ("rounds", int(count(run.rounds))),
        ("liquidated_accounts", int(count(totals.liquidated_accounts))),
        ("liquidated_qty", int(totals.liquidated_qty.0)),
        ("liquidated_notional", int(totals.liquidated_value.0)),
        ("stopped_accounts", int(count(totals.stopped_accounts))),
        ("stopped_qty", int(totals.stopped_qty.0)),
        ("stopped_notional", int(totals.stopped_value.0)),
        ("taken_over_qty", int(totals.taken_over_qty.0)),
        ("forced_buy_notional", int(totals.forced_buy_value.0)),
        ("forced_sell_notional", int(totals.forced_sell_value.0)),
        ("burnt_qty", int(run.burnt_qty.0)),
        ("named_qty", int(run.named_qty.0)),
        ("hedge_qty", int(totals.hedge_qty.0)),
        ("hedge_shortfall", int(run.hedge_shortfall.0)),
        ("insurance_fund_change", int(run.insurance_fund_change.0)),
        ("insurance_fund_shortfall", int(run.insurance_fund_shortfall.0)),
        ("bad_debt", int(totals.bad_debt.0)),
        ("paid_by_fund", int(totals.paid_by_fund.0)),
        ("venue_loss", int(totals.venue_loss.0)),
        ("market_maker_pnl", int(run.market_maker_pnl.0)),
        ("market_maker_unhedged_qty", int(run.market_maker_unhedged_qty.0)),
        ("market_maker_liquidated", Value::Bool(run.market_maker_liquidated)),
        ("positions_pnl", int(run.positions_pnl.0)),
        ("rest_of_market_pnl", int(run.rest_of_market_pnl.0)),
        ("attacker_pnl", int(run.attacker_pnl.0)),
        ("spot_exhausted", Value::Bool(run.spot_exhausted)),
        ("stop_reason", Value::Name(run.stop_reason.name())),
    ]
}
