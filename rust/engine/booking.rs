//! Sends orders to the books and writes their fills into positions, money and tokens.

use super::{Simulation, Trace};
use crate::book::{Fill, NewOrder};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Market, Reason, Trade};
use crate::ids::AccountId;
use crate::units::{Lots, Quote, Rate, Side, Ticks};
use crate::venue::Fees;

/// What an order came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filled {
    pub qty: Lots,
    pub value: Quote,
    /// Fees the taker paid.
    pub fee: Quote,
}

impl<T: Trace> Simulation<'_, T> {
    /// An order in spot: the buyer is financed from outside. An order that finds too little exhausts spot.
    pub(super) fn trade_spot(&mut self, order: NewOrder, cause: Cause) -> Result<Filled, RunError> {
        let mut fills = std::mem::take(&mut self.fills);
        fills.clear();
        let outcome = self
            .spot
            .submit(order, &mut fills)
            .map_err(|reject| RunError::Order { account: order.owner, reject })?;
        self.spot_exhausted |= outcome.filled < order.qty;
        let mut filled = Filled::default();
        for fill in &fills {
            self.book_spot(&order, fill, cause, &mut filled)?;
        }
        self.fills = fills;
        Ok(filled)
    }

    fn book_spot(
        &mut self,
        order: &NewOrder,
        fill: &Fill,
        cause: Cause,
        filled: &mut Filled,
    ) -> Result<(), RunError> {
        let (taker, maker) = (order.owner, fill.maker);
        let market = &self.world.spot;
        let value = market.contract.value(fill.price, fill.qty).whose(taker, "value of a spot fill")?;
        let fees = market.fees;
        let (buyer, seller, rate) = match order.side {
            Side::Buy => (taker, maker, fees.taker),
            Side::Sell => (maker, taker, fees.maker),
        };
        let (_, fee) = Fees::charge(rate, value).whose(buyer, "fee")?;
        let financed = value.plus(fee.max(Quote::ZERO)).whose(buyer, "cash")?;
        self.deposit(LedgerAccount::Trader(buyer), financed)?;
        let so_far = &mut self.financed[buyer.index()];
        *so_far = so_far.plus(financed).whose(buyer, "financing")?;
        self.pay(LedgerAccount::Trader(buyer), LedgerAccount::Trader(seller), value, Reason::Purchase)?;
        self.tokens[buyer.index()] = self.tokens[buyer.index()].plus(fill.qty).whose(buyer, "tokens")?;
        self.tokens[seller.index()] = self.tokens[seller.index()].minus(fill.qty).whose(seller, "tokens")?;
        filled.fee = filled.fee.plus(self.charge(taker, fees.taker, value)?).whose(taker, "fees")?;
        self.charge(maker, fees.maker, value)?;
        filled.qty = filled.qty.plus(fill.qty).whose(taker, "quantity")?;
        filled.value = filled.value.plus(value).whose(taker, "value")?;
        self.stage.spot_volume = self.stage.spot_volume.plus(fill.qty).whose(taker, "spot volume")?;
        self.trade(Market::Spot, order, maker, fill.price, fill.qty, cause);
        Ok(())
    }

    /// An order in the perpetual's book.
    pub(super) fn trade_perp(&mut self, order: NewOrder, cause: Cause) -> Result<Filled, RunError> {
        let mut fills = std::mem::take(&mut self.fills);
        fills.clear();
        self.perp
            .submit(order, &mut fills)
            .map_err(|reject| RunError::Order { account: order.owner, reject })?;
        let mut filled = Filled::default();
        for fill in &fills {
            self.book_perp(&order, fill, cause, &mut filled)?;
        }
        self.fills = fills;
        Ok(filled)
    }

    fn book_perp(
        &mut self,
        order: &NewOrder,
        fill: &Fill,
        cause: Cause,
        filled: &mut Filled,
    ) -> Result<(), RunError> {
        let (taker, maker) = (order.owner, fill.maker);
        let fees = self.world.perp.fees;
        let value = self.exchange(order.side, taker, maker, fill.price, fill.qty)?;
        filled.fee = filled.fee.plus(self.charge(taker, fees.taker, value)?).whose(taker, "fees")?;
        self.charge(maker, fees.maker, value)?;
        if maker == AccountId::MARKET_MAKER {
            let sold = Lots(order.side.sign() * fill.qty.0);
            self.maker.net_sold = self.maker.net_sold.plus(sold).whose(maker, "net sales")?;
        }
        filled.qty = filled.qty.plus(fill.qty).whose(taker, "quantity")?;
        filled.value = filled.value.plus(value).whose(taker, "value")?;
        self.stage.perp_volume = self.stage.perp_volume.plus(fill.qty).whose(taker, "volume")?;
        self.trade(Market::Perp, order, maker, fill.price, fill.qty, cause);
        Ok(())
    }

    /// Both parties' positions take the fill; what they realise is paid by, or to, clearing. Returns its value.
    pub(super) fn exchange(
        &mut self,
        side: Side,
        taker: AccountId,
        maker: AccountId,
        price: Ticks,
        qty: Lots,
    ) -> Result<Quote, RunError> {
        let value = self.world.perp.contract.value(price, qty).whose(taker, "value of a fill")?;
        for (account, side) in [(taker, side), (maker, side.opposite())] {
            let profit = self.positions[account.index()].fill(side, qty, value).whose(account, "cost")?;
            self.pay(LedgerAccount::Clearing, LedgerAccount::Trader(account), profit, Reason::Profit)?;
        }
        Ok(value)
    }

    /// Takes a fee, or pays a rebate; returns what the account paid.
    #[inline]
    fn charge(&mut self, account: AccountId, rate: Rate, value: Quote) -> Result<Quote, RunError> {
        if rate.0 == 0 {
            return Ok(Quote::ZERO);
        }
        let (income, charge) = Fees::charge(rate, value).whose(account, "fee")?;
        let from = LedgerAccount::Trader(account);
        let rounding = charge.minus(income).whose(account, "fee")?;
        self.pay(from, LedgerAccount::FeeIncome, income, Reason::Fee)?;
        self.pay(from, LedgerAccount::InsuranceFund, rounding, Reason::Rounding)?;
        Ok(charge)
    }

    #[inline]
    pub(super) fn trade(
        &mut self,
        market: Market,
        order: &NewOrder,
        maker: AccountId,
        price: Ticks,
        qty: Lots,
        cause: Cause,
    ) {
        let trade = Trade { market, price, qty, taker_side: order.side, taker: order.owner, maker, cause };
        self.trace.trade(self.stage.round, &trade);
    }
}
