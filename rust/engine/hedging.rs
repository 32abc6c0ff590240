//! Phase 6: what the market maker does with what he sold.

use super::{Simulation, Trace};
use crate::book::{NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::event::{Cause, Market, Trade};
use crate::ids::AccountId;
use crate::units::{Lots, Side};

const MAKER: AccountId = AccountId::MARKET_MAKER;
const REST: AccountId = AccountId::REST_OF_MARKET;

impl<T: Trace> Simulation<'_, T> {
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
        let due = self.known_hedge_due()?;
        let (side, qty) = match due.0 {
            1.. => (Side::Buy, due),
            _ => (Side::Sell, due.abs().min(self.tokens[owner.index()])),
        };
        let band = self.world.frictions.map_or(Lots::ZERO, |terms| terms.band);
        if qty == Lots::ZERO || due.abs() <= band {
            return Ok(false);
        }
        let order = NewOrder { owner, side, qty, kind: OrderKind::Market };
        let filled = self.trade(Market::Spot, order, Cause::Hedge)?;
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
        if qty == Lots::ZERO || self.is_halted() {
            return Ok(false);
        }
        let value = self.world.perp.contract.value(self.mark, qty).whose(REST, "value")?;
        let mut after = rest;
        if after.fill(side.opposite(), qty, value).whose(REST, "profit")?.0 < 0 {
            return Ok(false);
        }
        self.exchange(side, MAKER, REST, qty, value)?;
        let absorbed = Lots(side.sign() * qty.0);
        self.maker.absorbed = self.maker.absorbed.plus(absorbed).whose(MAKER, "absorption")?;
        let (price, cause) = (self.mark, Cause::Absorption);
        let trade =
            Trade { market: Market::OffBook, price, qty, taker_side: side, taker: MAKER, maker: REST, cause };
        self.trace.trade(self.stage.round, &trade);
        Ok(true)
    }
}
