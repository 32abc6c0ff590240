//! Phase 4: thresholds the mark has reached become orders and match.

use super::{Simulation, Trace, Watch, is_cross, way_of};
use crate::book::{NewOrder, OrderKind, TimeInForce};
use crate::error::{RunError, Whose};
use crate::event::{Cause, Liquidation, Mechanism};
use crate::ids::AccountId;
use crate::margin::{Due, Fuel, Way, bankruptcy_price, bankruptcy_value, threshold};
use crate::units::{Lots, Side};
use crate::venue::LiquidationOrder;

/// Orders between two looks at the interrupt flag.
const PATIENCE: u64 = 4096;

impl<T: Trace> Simulation<'_, T> {
    /// Sends what is due, nearest first, and returns how many orders that were.
    pub(super) fn thresholds(&mut self) -> Result<u64, RunError> {
        let mut watched = self.watched()?.into_iter().peekable();
        let limit = self.world.venue.liquidations_per_round.unwrap_or(u64::MAX);
        let mut sent = 0;
        while sent < limit {
            let candidates = [
                self.fuel.peek(Way::Up, self.mark).map(|due| (Way::Up, due, true)),
                self.fuel.peek(Way::Down, self.mark).map(|due| (Way::Down, due, true)),
                watched.peek().map(|&(way, due)| (way, due, false)),
            ];
            let nearest = candidates
                .into_iter()
                .flatten()
                .min_by_key(|(way, due, _)| due.rank(*way, self.previous_mark));
            let Some((way, due, from_fuel)) = nearest else { break };
            if from_fuel {
                self.fuel.take(way);
                if self.watch[due.account.index()] == Watch::Moved {
                    continue; // watched instead
                }
            } else {
                watched.next();
            }
            sent += u64::from(self.force(due)?);
            if sent % PATIENCE == 0 {
                self.check_interrupt()?;
            }
        }
        Ok(sent)
    }

    /// Due among those looked at one by one: the market maker, and accounts whose thresholds moved.
    fn watched(&mut self) -> Result<Vec<(Way, Due)>, RunError> {
        let maker = self.maker.alive.then_some(AccountId::MARKET_MAKER);
        let venue = &self.world.venue;
        let mut due = Vec::new();
        for account in maker.into_iter().chain(self.moved.iter().copied()) {
            let position = &self.positions[account.index()];
            let collateral = self.collateral(account);
            let tick = threshold(position, collateral, self.world.perp.contract, &venue.tiers, venue.trigger)
                .whose(account, "liquidation price")?;
            let way = way_of(position);
            if let Some(tick) = tick.filter(|&tick| way.distance(tick, self.mark) >= 0) {
                due.push((way, Due { threshold: tick, account, mechanism: Mechanism::Liquidation }));
            }
        }
        due.sort_unstable_by_key(|(way, due)| due.rank(*way, self.previous_mark));
        Ok(due)
    }

    /// Sends one stop or liquidation, unless the position is gone or no longer due.
    fn force(&mut self, due: Due) -> Result<bool, RunError> {
        let account = due.account;
        let position = self.positions[account.index()];
        if position.qty == Lots::ZERO || self.watch[account.index()] == Watch::Seized {
            return Ok(false);
        }
        let venue = &self.world.venue;
        let notional =
            self.world.perp.contract.value(self.mark, position.qty.abs()).whose(account, "notional")?;
        let maintenance = venue.tiers.maintenance(notional).whose(account, "maintenance margin")?;
        let equity = self.equity(account)?;
        if due.mechanism == Mechanism::Liquidation && !venue.trigger.met(equity, maintenance) {
            return Ok(false);
        }
        let margin = self.collateral(account);
        let bankruptcy_value = bankruptcy_value(&position, margin).whose(account, "bankruptcy value")?;
        let mut record = Liquidation {
            mechanism: due.mechanism,
            position: position.qty,
            threshold: due.threshold,
            mark: self.mark,
            margin,
            equity,
            maintenance,
            bankruptcy_value,
            ..Liquidation::none(account)
        };
        if due.mechanism == Mechanism::Liquidation {
            self.watch[account.index()] = Watch::Seized;
        }
        if is_cross(account) {
            self.withdraw_maker();
        }
        self.send(&mut record)?;
        self.forced.push(record);
        Ok(true)
    }

    /// The order itself: a stop at market, a liquidation as the venue sends them.
    fn send(&mut self, record: &mut Liquidation) -> Result<(), RunError> {
        let account = record.account;
        let position = self.positions[account.index()];
        let stop = record.mechanism == Mechanism::Stop;
        let kind = match self.world.venue.liquidation_order {
            LiquidationOrder::LimitAtBankruptcy if !stop => {
                let price = bankruptcy_price(&position, record.margin, self.world.perp.contract)
                    .whose(account, "bankruptcy price")?;
                if price.0 < 1 {
                    return Ok(()); // no bid could be at or above it; nothing is sent
                }
                OrderKind::Limit { price, tif: TimeInForce::Ioc }
            }
            _ => OrderKind::Market,
        };
        let side = Side::closing(position.qty);
        let order = NewOrder { owner: account, side, qty: position.qty.abs(), kind };
        let filled = self.trade_perp(order, if stop { Cause::Stop } else { Cause::Liquidation })?;
        (record.filled_qty, record.filled_value, record.fee) = (filled.qty, filled.value, filled.fee);
        Ok(())
    }

    /// Cancels all the market maker has in the perpetual's book and takes him out.
    pub(super) fn withdraw_maker(&mut self) {
        self.perp.supply_mut().close();
        self.perp.cancel_owner(AccountId::MARKET_MAKER);
        self.maker.quotes.clear();
        self.maker.alive = false;
    }
}
