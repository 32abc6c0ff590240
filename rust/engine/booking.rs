//! Sends orders to the books and writes their fills into positions, money and tokens.

use super::{Simulation, Trace};
use crate::book::{Fill, NewOrder, Outcome};
use crate::error::{Reject, RunError, Whose};
use crate::event::{Cause, LedgerAccount, Market, Reason, Trade};
use crate::ids::AccountId;
use crate::units::{Lots, Quote, Rate, Side, Ticks};
use crate::venue::Fees;

/// Lots, and so at most fills, of one slice of an order.
const SLICE: Lots = Lots(1 << 20);

/// Most fills of one run: what is traced of them stays within some 3 GB.
const MAX_FILLS: u64 = 10_000_000;

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
        let filled =
            self.sliced(order, cause, |s, slice, fills| s.spot.submit(slice, fills), Self::book_spot)?;
        self.spot_exhausted |= filled.qty < order.qty;
        Ok(filled)
    }

    /// An order in the perpetual's book.
    pub(super) fn trade_perp(&mut self, order: NewOrder, cause: Cause) -> Result<Filled, RunError> {
        self.sliced(order, cause, |s, slice, fills| s.perp.submit(slice, fills), Self::book_perp)
    }

    /// Sends an order that does not rest in slices, one right after the other: the same fills, but no slice can fill the
    /// memory, and Ctrl-C is heard between them.
    #[inline]
    fn sliced(
        &mut self,
        order: NewOrder,
        cause: Cause,
        submit: impl Fn(&mut Self, NewOrder, &mut Vec<Fill>) -> Result<Outcome, Reject>,
        book: impl Fn(&mut Self, &NewOrder, &Fill, Cause, &mut Filled) -> Result<(), RunError>,
    ) -> Result<Filled, RunError> {
        let mut filled = Filled::default();
        let mut left = order.qty;
        let mut cut: Option<Fill> = None;
        while left > Lots::ZERO {
            let slice = NewOrder { qty: left.min(SLICE), ..order };
            let mut fills = std::mem::take(&mut self.fills);
            fills.clear();
            let outcome = submit(self, slice, &mut fills);
            let outcome = outcome.map_err(|reject| RunError::Order { account: order.owner, reject })?;
            left = if outcome.filled < slice.qty { Lots::ZERO } else { Lots(left.0 - slice.qty.0) };
            cut = rejoin(&mut fills, cut, left > Lots::ZERO);
            for fill in &fills {
                book(self, &order, fill, cause, &mut filled)?;
            }
            self.booked += fills.len() as u64;
            self.fills = fills;
            if self.booked > MAX_FILLS {
                return Err(RunError::Fills { most: MAX_FILLS });
            }
            if left > Lots::ZERO {
                self.check_interrupt()?;
            }
        }
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

/// Joins what the end of the slice before cut in two, and takes out what the end of this one cuts (if more is to come).
fn rejoin(fills: &mut Vec<Fill>, cut: Option<Fill>, more: bool) -> Option<Fill> {
    // The order that was cut still stands first, so the first fill of this slice is the rest of its own.
    if let (Some(before), Some(first)) = (cut, fills.first_mut()) {
        debug_assert_eq!(before.maker_order, first.maker_order);
        first.qty = Lots(first.qty.0 + before.qty.0);
    }
    let cuts = more && fills.last().is_some_and(|last| last.maker_remaining > Lots::ZERO);
    if cuts { fills.pop() } else { None }
}
