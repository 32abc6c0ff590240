//! Phase 4: thresholds the mark has reached become orders and match.

use super::{Simulation, Trace, Watch, is_cross, way_of};
use crate::book::{MAX_PRICE, NewOrder, OrderKind, TimeInForce};
use crate::error::{RunError, Whose};
use crate::event::{Cause, Liquidation, Mechanism};
use crate::ids::AccountId;
use crate::margin::{Due, Fuel, Way, bankruptcy_price, bankruptcy_value, threshold};
use crate::units::{Lots, Side};
use crate::venue::LiquidationOrder;

/// Where a threshold was found.
#[derive(Clone, Copy)]
enum From {
    Sorted,
    Moved,
    Maker,
}

/// Orders between two looks at the interrupt flag.
const PATIENCE: u64 = 4096;

impl<T: Trace> Simulation<'_, T> {
    /// Sends what is due, nearest first, and returns how many orders that were.
    pub(super) fn thresholds(&mut self) -> Result<u64, RunError> {
        let mut maker = self.maker_due()?;
        let limit = self.world.venue.liquidations_per_round.unwrap_or(u64::MAX);
        let mut sent = 0;
        while sent < limit {
            let Some((way, due, from)) = self.nearest(maker) else { break };
            match from {
                From::Sorted => {
                    self.fuel.take(way);
                    if self.watch[due.account.index()] == Watch::Moved {
                        continue; // it stands among the moved ones
                    }
                }
                From::Moved => self.moved.take(way),
                From::Maker => maker = None,
            }
            sent += u64::from(self.force(due)?);
            if sent % PATIENCE == 0 {
                self.check_interrupt()?;
            }
        }
        Ok(sent)
    }

    /// What the mark has reached first: among the sorted thresholds, those that moved, and the market maker's.
    fn nearest(&mut self, maker: Option<(Way, Due)>) -> Option<(Way, Due, From)> {
        let (mark, previous) = (self.mark, self.previous_mark);
        let mut nearest = maker.map(|(way, due)| (way, due, From::Maker));
        for way in Way::BOTH {
            let sorted = self.fuel.peek(way, mark).map(|due| (way, due, From::Sorted));
            let moved = self.moved.peek(way, mark).map(|due| (way, due, From::Moved));
            let found = nearest.into_iter().chain(sorted).chain(moved);
            nearest = found.min_by_key(|(way, due, _)| due.rank(*way, previous));
        }
        nearest
    }

    /// The market maker's threshold, which moves with every fill, if the mark has reached it.
    fn maker_due(&self) -> Result<Option<(Way, Due)>, RunError> {
        let account = AccountId::MARKET_MAKER;
        if !self.maker.alive {
            return Ok(None);
        }
        let due = self.liquidation_due(account)?;
        Ok(due.filter(|(way, due)| way.distance(due.threshold, self.mark) >= 0))
    }

    /// Where an account is due for liquidation as it stands.
    pub(super) fn liquidation_due(&self, account: AccountId) -> Result<Option<(Way, Due)>, RunError> {
        let venue = &self.world.venue;
        let position = &self.positions[account.index()];
        let collateral = self.collateral(account);
        let tick = threshold(position, collateral, self.world.perp.contract, &venue.tiers, venue.trigger)
            .whose(account, "liquidation price")?;
        let due =
            |threshold| (way_of(position), Due { threshold, account, mechanism: Mechanism::Liquidation });
        Ok(tick.map(due))
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
                OrderKind::Limit { price: price.min(MAX_PRICE), tif: TimeInForce::Ioc }
            }
            _ => OrderKind::Market,
        };
        let side = Side::closing(position.qty);
        let order = NewOrder { owner: account, side, qty: position.qty.abs(), kind };
        let before = self.free_cash(account)?;
        let filled = self.trade_perp(order, if stop { Cause::Stop } else { Cause::Liquidation })?;
        record.freed = self.free_cash(account)?.minus(before).whose(account, "free cash")?;
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
