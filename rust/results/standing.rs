//! How a simulation stands on its way: its accounts, its agents, and the liquidations ahead.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::Table;
use crate::engine::{Simulation, Trace};
use crate::error::{RunError, Whose};
use crate::event::LedgerAccount;
use crate::ids::AccountId;
use crate::margin::Due;
use crate::units::{Lots, Quote, Ticks};
use crate::world::World;
use crate::world::agents::desk_account;

/// The name of the market maker among agents.
const MAKER: &str = "market_maker";

/// A row an account: what it holds, what it is worth at the mark, and where it is liquidated (NaN: nowhere).
pub fn standing<T: Trace>(
    simulation: &Simulation<'_, T>,
) -> Result<Result<RecordBatch, ArrowError>, RunError> {
    let (world, positions) = (simulation.world(), simulation.positions());
    let ids: Vec<AccountId> = (0u32..).zip(positions).map(|(id, _)| AccountId(id)).collect();
    let stands: Vec<(Quote, Option<Ticks>)> =
        ids.iter().map(|&id| simulation.stand(id)).collect::<Result<_, _>>()?;
    let unit = |id: &AccountId| world.step_of(LedgerAccount::Trader(*id));
    let step = world.venue_step;
    let names: Vec<&str> =
        ["", MAKER].into_iter().chain(world.agents.iter().map(|agent| agent.name.as_str())).collect();
    let mut table = Table::new(ids.len(), false);
    table.int("account", ids.iter().map(|id| i64::from(id.0)));
    table.given("agent", &names, ids.iter().map(|&id| whose(world, id)));
    table.count("qty", world.perp.lot, positions.iter().map(|position| position.qty.0));
    table.count("cost", step, positions.iter().map(|position| position.cost.0));
    table.count("margin", step, positions.iter().map(|position| position.margin.0));
    table.counts("balance", ids.iter().map(|id| (unit(id), simulation.ledger().cash(*id).0)));
    let tokens = |id: &AccountId| simulation.tokens().get(id.index()).map_or(0, |lots| lots.0);
    table.count("tokens", world.spot.lot, ids.iter().map(tokens));
    table.counts("equity", ids.iter().zip(&stands).map(|(id, (equity, _))| (unit(id), equity.0)));
    let price = |tick: Option<Ticks>| tick.map_or(f64::NAN, |tick| world.perp.tick.of(tick.0));
    table.float("liquidation_price", stands.iter().map(|&(_, tick)| price(tick)));
    Ok(table.finish())
}

/// The place of an account's owner among the names.
fn whose(world: &World, id: AccountId) -> u16 {
    match id {
        AccountId::MARKET_MAKER | AccountId::MARKET_MAKER_SPOT => 1,
        _ => world.agent_of(id).and_then(|number| u16::try_from(number + 2).ok()).unwrap_or(0),
    }
}

/// A row for each of those who act, the market maker first: position, tokens, balance and profit.
pub fn inventories<T: Trace>(
    simulation: &Simulation<'_, T>,
) -> Result<Result<RecordBatch, ArrowError>, RunError> {
    let world = simulation.world();
    let agents = 0..world.agents.len();
    let names: Vec<&str> =
        [MAKER].into_iter().chain(world.agents.iter().map(|agent| agent.name.as_str())).collect();
    let maker = AccountId::MARKET_MAKER;
    let mut held = vec![(simulation.positions()[maker.index()].qty, simulation.ledger().cash(maker))];
    let mut desks = vec![AccountId::MARKET_MAKER_SPOT];
    let mut profits = vec![simulation.maker_profit()?];
    for number in agents {
        held.push(simulation.holding(number)?);
        desks.push(desk_account(number));
        profits.push(simulation.agent_profit(number)?);
    }
    let mut table = Table::new(held.len(), false);
    table.given("agent", &names, (0..).take(held.len()));
    table.count("qty", world.perp.lot, held.iter().map(|(qty, _)| qty.0));
    table.count("tokens", world.spot.lot, desks.iter().map(|desk| simulation.tokens()[desk.index()].0));
    table.count("balance", world.venue_step, held.iter().map(|(_, balance)| balance.0));
    table.count("profit", world.quote_step, profits.iter().map(|profit| profit.0));
    Ok(table.finish())
}

/// A row a liquidation ahead, its position valued at its threshold.
pub fn thresholds(world: &World, ahead: &[(Due, Lots)]) -> Result<Result<RecordBatch, ArrowError>, RunError> {
    let mut table = Table::new(ahead.len(), false);
    let contract = world.perp.contract;
    let value = |&(due, qty): &(Due, Lots)| {
        let value = contract.worth(due.threshold, qty);
        let notional = value.and_then(|value| contract.notional(qty.abs(), value));
        notional.whose(due.account, "notional at its threshold")
    };
    let values: Vec<Quote> = ahead.iter().map(value).collect::<Result<_, _>>()?;
    table.int("account", ahead.iter().map(|(due, _)| i64::from(due.account.0)));
    table.count("price", world.perp.tick, ahead.iter().map(|(due, _)| due.threshold.0));
    table.named("side", &["long", "short"], ahead.iter().map(|(_, qty)| u8::from(qty.0 < 0)));
    table.count("qty", world.perp.lot, ahead.iter().map(|(_, qty)| qty.0.abs()));
    table.count("notional", world.quote_step, values.iter().map(|value| value.0));
    Ok(table.finish())
}
