//! What the market maker does: quotes at the start of a round, hedges at its end.

use super::{Simulation, Trace};
use crate::book::{NewOrder, OrderKind};
use crate::error::{Reject, RunError, Whose};
use crate::event::{Cause, Market};
use crate::ids::AccountId;
use crate::units::{Lots, Side, Ticks};

const MAKER: AccountId = AccountId::MARKET_MAKER;
const REST: AccountId = AccountId::REST_OF_MARKET;

impl<T: Trace> Simulation<'_, T> {
    /// Cancels the market maker's quotes and posts them anew around the mark; one that would trade is not placed.
    pub(super) fn requote(&mut self, mark: Ticks) -> Result<(), RunError> {
        let mut quotes = std::mem::take(&mut self.maker.quotes);
        for id in quotes.drain(..) {
            match self.perp.cancel(id) {
                Ok(_) | Err(Reject::UnknownOrder) => {} // unknown: it was filled
                Err(reject) => return Err(RunError::Order { account: MAKER, reject }),
            }
        }
        let mut refused = None;
        let (maker, perp, fills) = (&self.maker, &mut self.perp, &mut self.fills);
        maker.quote(mark, |order| match perp.submit(order, fills) {
            Ok(outcome) => quotes.extend(outcome.resting),
            Err(Reject::WouldTrade) => {}
            Err(reject) => refused = Some(reject),
        });
        self.maker.quotes = quotes;
        refused.map_or(Ok(()), |reject| Err(RunError::Order { account: MAKER, reject }))
    }

    /// Phase 6: the hedge in spot, then the rest against those who take profit; true if anything traded.
    pub(super) fn hedge(&mut self) -> Result<bool, RunError> {
        if !self.maker.alive {
            return Ok(false);
        }
        let hedged = self.hedge_in_spot()?;
        let absorbed = self.absorb()?;
        Ok(hedged || absorbed)
    }

    fn hedge_in_spot(&mut self) -> Result<bool, RunError> {
        let owner = AccountId::MARKET_MAKER_SPOT;
        let due = self.maker.hedge_due().whose(MAKER, "hedge")?;
        let (side, qty) = match due.0 {
            1.. => (Side::Buy, due),
            _ => (Side::Sell, due.abs().min(self.tokens[owner.index()])),
        };
        if qty == Lots::ZERO {
            return Ok(false);
        }
        let filled = self.trade_spot(NewOrder { owner, side, qty, kind: OrderKind::Market }, Cause::Hedge)?;
        let bought = Lots(side.sign() * filled.qty.0);
        self.maker.hedged = self.maker.hedged.plus(bought).whose(owner, "hedge")?;
        (self.stage.hedge_qty, self.stage.hedge_value) = (bought, filled.value);
        Ok(filled.qty != Lots::ZERO)
    }

    /// Closes the unhedged share at the mark against the rest of the market, as far as that takes a profit.
    fn absorb(&mut self) -> Result<bool, RunError> {
        let due = self.maker.absorption_due().whose(MAKER, "absorption")?;
        let side = if due.0 > 0 { Side::Buy } else { Side::Sell };
        let rest = self.positions[REST.index()];
        let held = Lots((side.sign() * rest.qty.0).max(0));
        let qty = due.abs().min(held);
        if qty == Lots::ZERO {
            return Ok(false);
        }
        let value = self.world.perp.contract.value(self.mark, qty).whose(REST, "value")?;
        let mut after = rest;
        if after.fill(side.opposite(), qty, value).whose(REST, "profit")?.0 < 0 {
            return Ok(false);
        }
        self.exchange(side, MAKER, REST, self.mark, qty)?;
        let absorbed = Lots(side.sign() * qty.0);
        self.maker.absorbed = self.maker.absorbed.plus(absorbed).whose(MAKER, "absorption")?;
        let order = NewOrder { owner: MAKER, side, qty, kind: OrderKind::Market };
        self.trade(Market::OffBook, &order, REST, self.mark, qty, Cause::Absorption);
        Ok(true)
    }
}
