//! Fills against holdings: quantities, costs, margins, fees, from `docs/MODEL.md` sections 5 and 6.

use perpcore::event::{Cause, Market, Trade};
use perpcore::units::Side;

use super::{Deal, Holding, ONE, Recount, up};

impl Recount<'_> {
    /// What is gathered of the order on its way goes into the books of both parties.
    pub fn book(&mut self) {
        let Some(deal) = self.deal.take() else { return };
        let scale = i128::from(self.world.perp.contract.scale);
        let free = |own: &Holding| own.cash - own.margin;
        let before = free(&self.held[deal.taker]);
        self.fill(deal.taker, deal.signed, deal.notional * scale);
        let freed = free(&self.held[deal.taker]) - before;
        self.fill(deal.maker, -deal.signed, deal.notional * scale);
        let list = match deal.cause {
            Cause::Liquidation => 0,
            Cause::Stop => 1,
            _ => return,
        };
        if let Some(order) = self.now.orders[list].get_mut(&deal.taker) {
            order.freed += freed;
            order.filled += deal.signed.abs();
            order.value += deal.notional * scale;
        }
    }

    /// A deal of this value against a holding: closing first, pro rata, its profit paid by clearing, then opening.
    pub fn fill(&mut self, account: usize, signed: i128, value: i128) -> i128 {
        let own = &mut self.held[account];
        let closing = if own.qty * signed < 0 { signed.abs().min(own.qty.abs()) } else { 0 };
        let closed = value * closing / signed.abs();
        let mut profit = 0;
        if closing > 0 {
            let open = own.qty.abs();
            let (cost, margin) = (own.cost * closing / open, own.margin * closing / open);
            profit = -signed.signum() * closed - cost;
            own.cost -= cost;
            own.margin -= margin;
            own.qty += signed.signum() * closing;
            own.cash += profit;
            self.system[3] -= profit;
        }
        own.qty += signed - signed.signum() * closing;
        own.cost += signed.signum() * (value - closed);
        profit
    }

    pub fn fee(&mut self, account: usize, rate: i64, value: i128) -> i128 {
        if rate == 0 {
            return 0;
        }
        let exact = i128::from(rate) * value;
        let (down, up) = (exact.div_euclid(ONE), up(exact, ONE));
        self.held[account].cash -= up;
        self.system[1] += down;
        self.system[2] += up - down;
        up
    }

    pub fn spot(&mut self, trade: &Trade) {
        let (taker, maker, qty) = (trade.taker.index(), trade.maker.index(), i128::from(trade.qty.0));
        let value = i128::from(trade.price.0) * qty * i128::from(self.world.spot.contract.scale);
        let fees = self.world.spot.fees;
        let charged = [self.fee(taker, fees.taker.0, value), self.fee(maker, fees.maker.0, value)];
        let (buyer, seller, fee) = match trade.taker_side {
            Side::Buy => (taker, maker, charged[0]),
            Side::Sell => (maker, taker, charged[1]),
        };
        // Financed from outside, then paid on: only the fee's part stays a while.
        self.system[0] -= value + fee.max(0);
        self.held[buyer].cash += fee.max(0);
        self.held[seller].cash += value;
        self.held[buyer].tokens += qty;
        self.held[seller].tokens -= qty;
        self.spot_last = trade.price.0.into();
    }

    pub fn perp(&mut self, trade: &Trade, signed: i128) {
        let (taker, maker) = (trade.taker.index(), trade.maker.index());
        let (price, qty) = (i128::from(trade.price.0), i128::from(trade.qty.0));
        let first = Deal { taker, maker, signed: 0, notional: 0, cause: trade.cause };
        let deal = self.deal.get_or_insert(first);
        deal.signed += signed;
        deal.notional += price * qty;
        let (value, fees) = (self.value(price, qty), self.world.perp.fees);
        if trade.cause == Cause::Ignition {
            // Financed from outside: the value, which stays as margin, and the fee.
            let fee = up(i128::from(fees.taker.0) * value, ONE).max(0);
            self.system[0] -= value + fee;
            self.held[taker].cash += value + fee;
            self.held[taker].margin += value;
        }
        if trade.market == Market::Perp {
            let paid = self.fee(taker, fees.taker.0, value);
            self.fee(maker, fees.maker.0, value);
            self.perp_last = price;
            let list = usize::from(trade.cause == Cause::Stop);
            if let Some(order) = self.now.orders[list].get_mut(&taker) {
                order.freed -= paid;
            }
        }
    }
}
