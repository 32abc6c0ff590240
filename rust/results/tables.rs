//! The tables of a traced run; `docs/MODEL.md` section 8 names the exact columns.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::{Names, Table};
use crate::engine::{Recorder, Simulation, Stage, Trace};
use crate::event::{Adl, LedgerAccount, Liquidation, Market, Trade};
use crate::ids::AccountId;
use crate::units::{Lots, Side, Ticks, Unit};
use crate::venue::AdlRank;
use crate::world::World;

const MARKETS: Names = &["spot", "perp", "off_book"];
const CAUSES: Names = &[
    "ignition",
    "liquidation",
    "stop",
    "unwind",
    "hedge",
    "absorption",
    "noise",
    "momentum",
    "holders",
    "arbitrage",
    "crowd",
    "hunting",
    "whale",
    "external",
    "collateral",
];
const MECHANISMS: Names = &["liquidation", "stop", "backstop", "deleveraging"];
const TAKER_SIDES: Names = &["buy", "sell"];
const POSITION_SIDES: Names = &["long", "short"];
const REASONS: Names = &[
    "deposit",
    "purchase",
    "profit",
    "fee",
    "rounding",
    "takeover",
    "leftover",
    "fund_payment",
    "venue_payment",
    "liquidation_fee",
    "loss_share",
    "settlement",
    "funding",
    "collateral",
];

/// Billionths.
pub(super) const RATE: Unit = Unit { numerator: 1.0, denominator: 1e9 };

#[allow(clippy::cast_possible_wrap)]
pub(super) const fn round(n: u64) -> i64 {
    n as i64
}

/// Every trade.
pub fn fills(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.trades;
    let mut table = Table::new(rows.len(), exact);
    let market = |trade: &Trade| if trade.market == Market::Spot { &world.spot } else { &world.perp };
    table.int("round", rows.iter().map(|(r, _)| round(*r)));
    table.named("book", MARKETS, rows.iter().map(|(_, t)| t.market as u8));
    if exact {
        table.int("price", rows.iter().map(|(_, t)| t.price.0));
        table.int("qty", rows.iter().map(|(_, t)| t.qty.0));
        table.int("taker_side", rows.iter().map(|(_, t)| t.taker_side.sign()));
    } else {
        table.float("price", rows.iter().map(|(_, t)| market(t).tick.of(t.price.0)));
        table.float("qty", rows.iter().map(|(_, t)| market(t).lot.of(t.qty.0)));
        table.named(
            "taker_side",
            TAKER_SIDES,
            rows.iter().map(|(_, t)| u8::from(t.taker_side == Side::Sell)),
        );
    }
    table.int("taker", rows.iter().map(|(_, t)| i64::from(t.taker.0)));
    table.int("maker", rows.iter().map(|(_, t)| i64::from(t.maker.0)));
    table.named("cause", CAUSES, rows.iter().map(|(_, t)| t.cause as u8));
    table.finish()
}

/// Value a token; of an inverse contract, face value a coin.
fn price(world: &World, value: i64, qty: Lots) -> f64 {
    let (value, qty) = (world.venue_step.of(value), world.perp.lot.of(qty.0));
    if world.perp.contract.is_inverse() { qty / value } else { value / qty }
}

/// Every forced order.
pub fn liquidations(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.liquidations;
    let mut table = Table::new(rows.len(), exact);
    let of = |f: fn(&Liquidation) -> i64| rows.iter().map(move |(_, l)| f(l));
    let (tick, lot, step) = (world.perp.tick, world.perp.lot, world.venue_step);
    let price = |value: i64, qty: Lots| price(world, value, qty);
    table.int("round", rows.iter().map(|(r, _)| round(*r)));
    table.int("account", of(|l| i64::from(l.account.0)));
    table.named("mechanism", MECHANISMS, rows.iter().map(|(_, l)| l.mechanism as u8));
    if exact {
        table.int("side", of(|l| l.position.0.signum()));
    } else {
        table.named("side", POSITION_SIDES, rows.iter().map(|(_, l)| u8::from(l.position.0 < 0)));
    }
    table.count("threshold", tick, of(|l| l.threshold.0));
    table.count("mark", tick, of(|l| l.mark.0));
    table.count("qty", lot, of(|l| l.position.0.abs()));
    table.count("margin", step, of(|l| l.margin.0));
    table.count("equity", step, of(|l| l.equity.0));
    table.count("maintenance", step, of(|l| l.maintenance.0));
    if exact {
        table.int("bankruptcy_value", of(|l| l.bankruptcy_value.0));
        table.int("filled_qty", of(|l| l.filled_qty.0));
        table.int("filled_value", of(|l| l.filled_value.0));
    } else {
        table.float(
            "bankruptcy_price",
            rows.iter().map(|(_, l)| price(l.bankruptcy_value.0, l.position.abs())),
        );
        table.float("filled_qty", of(|l| l.filled_qty.0).map(|n| lot.of(n)));
        // NaN where nothing filled.
        table.float("fill_price", rows.iter().map(|(_, l)| price(l.filled_value.0, l.filled_qty)));
    }
    table.count("fee", step, of(|l| l.fee.0));
    table.count("taken_over_qty", lot, of(|l| l.taken_over_qty.0));
    table.count("adl_qty", lot, of(|l| l.adl_qty.0));
    table.count("adl_value", step, of(|l| l.adl_value.0));
    table.count("adl_relief", step, of(|l| l.adl_relief.0));
    table.count("liquidation_fee", step, of(|l| l.liquidation_fee.0));
    table.count("returned", step, of(|l| l.returned.0));
    table.count("deficit", step, of(|l| l.deficit.0));
    table.count("paid_by_fund", step, of(|l| l.paid_by_fund.0));
    table.count("venue_loss", step, of(|l| l.venue_loss.0));
    table.finish()
}

/// A row for each counterparty that was deleveraged; `price` is what it got a token.
pub fn adl(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.adl;
    let mut table = Table::new(rows.len(), exact);
    let of = |f: fn(&Adl) -> i64| rows.iter().map(move |(_, a)| f(a));
    let (lot, step) = (world.perp.lot, world.venue_step);
    table.int("round", rows.iter().map(|(r, _)| round(*r)));
    table.int("account", of(|a| i64::from(a.account.0)));
    table.int("against", of(|a| i64::from(a.against.0)));
    if exact {
        table.int("side", of(|a| a.position.0.signum()));
    } else {
        table.named("side", POSITION_SIDES, rows.iter().map(|(_, a)| u8::from(a.position.0 < 0)));
    }
    table.count("qty", lot, of(|a| a.qty.0));
    table.count("value", step, of(|a| a.value.0));
    if !exact {
        table.float("price", rows.iter().map(|(_, a)| price(world, a.value.0, a.qty)));
    }
    table.count("profit", step, of(|a| a.profit.0));
    // All but a worth are ratios.
    let by_size = world.venue.adl.is_some_and(|rule| rule.rank == AdlRank::Size);
    let unit = if by_size && !exact { step.of(1) } else { 1.0 };
    table.float("score", rows.iter().map(|(_, a)| a.score * unit));
    table.float("profit_share", rows.iter().map(|(_, a)| a.profit_share));
    table.float("leverage", rows.iter().map(|(_, a)| a.leverage));
    table.finish()
}

/// A row a round.
pub fn stages(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.stages;
    let mut table = Table::new(rows.len(), exact);
    let of = |f: fn(&Stage) -> i64| rows.iter().map(f);
    let (spot, perp, step, money) = (&world.spot, &world.perp, world.quote_step, world.venue_step);
    table.int("round", of(|s| round(s.round)));
    if exact {
        table.int("clock", of(|s| round(s.clock)));
    } else {
        table.float("time", rows.iter().map(|s| s.clock.saturating_sub(1) as f64 * world.seconds));
    }
    table.count("index", spot.tick, of(|s| s.index.0));
    table.count("mark", perp.tick, of(|s| s.mark.0));
    table.count("spot_last", spot.tick, of(|s| s.spot_last.0));
    table.count("perp_last", perp.tick, of(|s| s.perp_last.0));
    table.int("liquidated_accounts", of(|s| round(s.liquidated_accounts)));
    table.count("liquidated_qty", perp.lot, of(|s| s.liquidated_qty.0));
    table.count("liquidated_notional", step, of(|s| s.liquidated_value.0));
    table.int("stopped_accounts", of(|s| round(s.stopped_accounts)));
    table.count("stopped_qty", perp.lot, of(|s| s.stopped_qty.0));
    table.count("stopped_notional", step, of(|s| s.stopped_value.0));
    table.count("taken_over_qty", perp.lot, of(|s| s.taken_over_qty.0));
    table.count("taken_over_notional", step, of(|s| s.taken_over_value.0));
    table.count("forced_buy_notional", step, of(|s| s.forced_buy_value.0));
    table.count("forced_sell_notional", step, of(|s| s.forced_sell_value.0));
    table.count("hedge_qty", spot.lot, of(|s| s.hedge_qty.0));
    table.count("hedge_notional", step, of(|s| s.hedge_value.0));
    table.count("spot_volume", spot.lot, of(|s| s.spot_volume.0));
    table.count("perp_volume", perp.lot, of(|s| s.perp_volume.0));
    table.count("bad_debt", money, of(|s| s.bad_debt.0));
    table.count("paid_by_fund", money, of(|s| s.paid_by_fund.0));
    table.count("venue_loss", money, of(|s| s.venue_loss.0));
    table.int("adl_accounts", of(|s| round(s.adl_accounts)));
    table.count("adl_qty", perp.lot, of(|s| s.adl_qty.0));
    table.count("adl_notional", step, of(|s| s.adl_value.0));
    table.count("adl_relief", money, of(|s| s.adl_relief.0));
    table.count("socialised_loss", money, of(|s| s.socialised_loss.0));
    table.count("liquidation_fees", money, of(|s| s.liquidation_fees.0));
    table.count("funding_rate", RATE, of(|s| s.funding_rate.0));
    table.count("funding_paid", money, of(|s| s.funding_paid.0));
    table.count("insurance_fund", money, of(|s| s.insurance_fund.0));
    table.count("market_maker_equity", money, of(|s| s.market_maker_equity.0));
    table.finish()
}

/// Every movement of money. Accounts are ids; -1 outside, -2 fee income, -3 insurance fund, -4 clearing, -5 venue loss; beside
/// an inverse contract, whose money is coin, -6 fees in spot, -7 outside of spot.
pub fn ledger(world: &World, recorder: &Recorder, exact: bool) -> Result<RecordBatch, ArrowError> {
    let rows = &recorder.transfers;
    let mut table = Table::new(rows.len(), exact);
    table.int("round", rows.iter().map(|(r, _)| round(*r)));
    table.int("from_account", rows.iter().map(|(_, t)| t.from.code()));
    table.int("to_account", rows.iter().map(|(_, t)| t.to.code()));
    table.counts("amount", rows.iter().map(|(_, t)| (world.step_of(t.to), t.amount.0)));
    table.named("reason", REASONS, rows.iter().map(|(_, t)| t.reason as u8));
    table.finish()
}

/// Every account at the end, the venue's own first; where accounts were given as columns, the entry of positions and the row of
/// those that were, -1 of the others.
pub fn accounts<T: Trace>(
    world: &World,
    simulation: &Simulation<'_, T>,
    exact: bool,
) -> Result<RecordBatch, ArrowError> {
    let inverse = world.perp.contract.is_inverse();
    let system = LedgerAccount::SYSTEM.into_iter().take(if inverse { 7 } else { 5 });
    let traders = (0u32..).zip(simulation.positions()).map(|(id, _)| LedgerAccount::Trader(AccountId(id)));
    let rows: Vec<LedgerAccount> = system.chain(traders).collect();
    let position = |account: &LedgerAccount| match account {
        LedgerAccount::Trader(id) => simulation.positions()[id.index()],
        _ => Default::default(),
    };
    let tokens = |account: &LedgerAccount| match account {
        LedgerAccount::Trader(id) => simulation.tokens().get(id.index()).map_or(0, |lots| lots.0),
        _ => 0,
    };
    let step = world.venue_step;
    let balance = |a: &LedgerAccount| simulation.ledger().balance(*a).0;
    let mut table = Table::new(rows.len(), exact);
    table.int("account", rows.iter().map(|a| a.code()));
    table.counts("balance", rows.iter().map(|a| (world.step_of(*a), balance(a))));
    table.count("position_qty", world.perp.lot, rows.iter().map(|a| position(a).qty.0));
    table.count("cost", step, rows.iter().map(|a| position(a).cost.0));
    table.count("margin", step, rows.iter().map(|a| position(a).margin.0));
    table.count("tokens", world.spot.lot, rows.iter().map(tokens));
    if !world.fixed.given.is_empty() {
        let given = |account: &LedgerAccount| match account {
            LedgerAccount::Trader(id) => world.given(*id).map_or((-1, -1), |(e, row)| (e as i64, row.into())),
            _ => (-1, -1),
        };
        table.int("entry", rows.iter().map(|account| given(account).0));
        table.int("row", rows.iter().map(|account| given(account).1));
    }
    table.finish()
}

/// What rests in both books before the ignition, the market maker's quotes included: up to `levels` a side.
pub fn depth(
    world: &World,
    levels: &[(Market, Side, Ticks, Lots)],
    exact: bool,
) -> Result<RecordBatch, ArrowError> {
    let mut table = Table::new(levels.len(), exact);
    let market = |m: Market| if m == Market::Spot { &world.spot } else { &world.perp };
    table.named("book", MARKETS, levels.iter().map(|l| l.0 as u8));
    table.named("side", &["bid", "ask"], levels.iter().map(|l| u8::from(l.1 == Side::Sell)));
    if exact {
        table.int("price", levels.iter().map(|l| l.2.0));
        table.int("qty", levels.iter().map(|l| l.3.0));
    } else {
        table.float("price", levels.iter().map(|l| market(l.0).tick.of(l.2.0)));
        table.float("qty", levels.iter().map(|l| market(l.0).lot.of(l.3.0)));
    }
    table.finish()
}
