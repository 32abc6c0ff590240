//! Sends orders to the books and writes their fills into positions, money and tokens.

use super::carrying::best;
use super::{Simulation, Trace};
use crate::book::{Fill, FillSink, NewOrder};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Market, Reason, Trade};
use crate::ids::AccountId;
use crate::margin::Contract;
use crate::units::{Lots, Overflow, Quote, Side};
use crate::venue::Fees;

/// Lots, and so at most fills, of one slice of an order.
pub(super) const SLICE: Lots = Lots(1 << 20);

/// The same where fills are not kept.
const UNSEEN: Lots = Lots(1 << 23);

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

/// Fills of one order with one maker, one right after the other: booked as one.
#[derive(Clone, Copy, Default)]
struct Dealt {
    maker: AccountId,
    qty: Lots,
    /// Price x quantity; of an inverse contract the values, each rounded.
    notional: i128,
    /// What the taker and the maker are charged.
    charges: [Charge; 2],
}

/// Fees of several fills: what income gets, and what the account pays.
#[derive(Clone, Copy, Default)]
struct Charge {
    income: Quote,
    paid: Quote,
}

/// The deals of an order, gathered from its fills where nobody wants to see them and nobody pays fees.
#[derive(Default)]
struct Deals {
    last: Dealt,
    before: Vec<Dealt>,
    fills: u64,
}

impl FillSink for Deals {
    #[inline]
    fn push(&mut self, fill: Fill) {
        if fill.maker != self.last.maker {
            self.change_maker(fill.maker);
        }
        self.last.gather(&fill);
        self.fills += 1;
    }
}

impl Deals {
    #[cold]
    fn change_maker(&mut self, maker: AccountId) {
        let done = std::mem::replace(&mut self.last, Dealt { maker, ..Dealt::default() });
        if done.qty != Lots::ZERO {
            self.before.push(done);
        }
    }
}

impl Dealt {
    #[inline]
    fn gather(&mut self, fill: &Fill) {
        // Below 2^40 ticks x 2^62 lots, and there are fewer than 2^24 fills; an order has no more than 2^53 lots.
        self.qty = Lots(self.qty.0 + fill.qty.0);
        self.notional += i128::from(fill.price.0) * i128::from(fill.qty.0);
    }

    #[inline]
    fn add(&mut self, fill: &Fill, fees: Fees, contract: Contract) -> Result<(), Overflow> {
        if contract.is_inverse() {
            self.qty = Lots(self.qty.0 + fill.qty.0);
            self.notional += i128::from(contract.value(fill.price, fill.qty)?.0);
        } else {
            self.gather(fill);
        }
        if !fees.are_none() {
            let value = contract.worth(fill.price, fill.qty)?;
            for (charge, rate) in self.charges.iter_mut().zip([fees.taker, fees.maker]) {
                let (income, paid) = Fees::charge(rate, value)?;
                charge.income = charge.income.plus(income)?;
                charge.paid = charge.paid.plus(paid)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn value(&self, contract: Contract) -> Result<Quote, Overflow> {
        let notional = i64::try_from(self.notional).map_err(|_| Overflow)?;
        if contract.is_inverse() {
            return Ok(Quote(notional));
        }
        notional.checked_mul(contract.scale).map(Quote).ok_or(Overflow)
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// Sends an order that does not rest, within the price band and not in a halt. One in spot that finds too little exhausts
    /// spot.
    ///
    /// It goes in slices, one right after the other: the same fills, but no slice can fill the memory, and Ctrl-C is heard
    /// between them.
    pub(super) fn trade(
        &mut self,
        market: Market,
        order: NewOrder,
        cause: Cause,
    ) -> Result<Filled, RunError> {
        let order = match market {
            Market::Spot => order,
            Market::Perp | Market::OffBook => match self.admit(order)? {
                Some(order) => order,
                None => return Ok(Filled::default()),
            },
        };
        let terms = if market == Market::Spot { &self.world.spot } else { &self.world.perp };
        let linear = !terms.contract.is_inverse();
        self.counts.orders += 1;
        if !T::ON && linear && terms.fees.are_none() && order.qty <= UNSEEN {
            return self.trade_unseen(market, order, cause);
        }
        let mut filled = Filled::default();
        let mut dealt = Dealt::default();
        let mut left = order.qty;
        let mut cut: Option<Fill> = None;
        let mut fills = std::mem::take(&mut self.fills);
        while left > Lots::ZERO {
            let slice = NewOrder { qty: self.slice(market, order.side, left), ..order };
            fills.clear();
            let outcome = match market {
                Market::Spot => self.spot.submit(slice, &mut fills),
                Market::Perp | Market::OffBook => self.perp.submit(slice, &mut fills),
            };
            let outcome = outcome.map_err(|reject| RunError::Order { account: order.owner, reject })?;
            left = if outcome.filled < slice.qty { Lots::ZERO } else { Lots(left.0 - slice.qty.0) };
            cut = rejoin(&mut fills, cut, left > Lots::ZERO);
            self.deal(market, &order, cause, &fills, &mut dealt, &mut filled)?;
            self.counts.booked += fills.len() as u64;
            self.check_fills()?;
            if left > Lots::ZERO {
                self.check_interrupt()?;
            }
        }
        self.fills = fills;
        self.book(market, &order, cause, &dealt, &mut filled)?;
        self.note_exhausted(market, &order, &filled);
        Ok(filled)
    }

    /// How much of a large order goes next: more than a slice where that much stands at the best price, in orders that are in
    /// memory already.
    fn slice(&mut self, market: Market, side: Side, left: Lots) -> Lots {
        if left <= SLICE {
            return left;
        }
        let book = if market == Market::Spot { &mut self.spot } else { &mut self.perp };
        let there = best(book, side.opposite(), &mut self.levels).map_or(Lots::ZERO, |(_, lots)| lots);
        left.min(there.max(SLICE))
    }

    /// Through time, a run whose fills nobody keeps may go on for long.
    #[inline]
    pub(super) fn check_fills(&self) -> Result<(), RunError> {
        let bounded =
            self.counts.booked > MAX_FILLS && (self.world.steps.is_none() || self.trace.keeps_fills());
        if bounded { Err(RunError::Fills { most: MAX_FILLS }) } else { Ok(()) }
    }

    /// An order of somebody who is no agent found too little in spot.
    fn note_exhausted(&mut self, market: Market, order: &NewOrder, filled: &Filled) {
        if market == Market::Spot && !self.world.is_agent(order.owner) {
            self.spot_exhausted |= filled.qty < order.qty;
        }
    }

    /// The same where nobody sees the fills.
    fn trade_unseen(&mut self, market: Market, order: NewOrder, cause: Cause) -> Result<Filled, RunError> {
        let mut deals = Deals::default();
        let outcome = match market {
            Market::Spot => self.spot.submit(order, &mut deals),
            Market::Perp | Market::OffBook => self.perp.submit(order, &mut deals),
        };
        outcome.map_err(|reject| RunError::Order { account: order.owner, reject })?;
        self.counts.booked += deals.fills;
        self.check_fills()?;
        let mut filled = Filled::default();
        for dealt in deals.before.iter().chain([&deals.last]) {
            self.book(market, &order, cause, dealt, &mut filled)?;
        }
        self.note_exhausted(market, &order, &filled);
        Ok(filled)
    }

    /// Gathers fills, and books what is complete.
    #[inline]
    fn deal(
        &mut self,
        market: Market,
        order: &NewOrder,
        cause: Cause,
        fills: &[Fill],
        dealt: &mut Dealt,
        filled: &mut Filled,
    ) -> Result<(), RunError> {
        let terms = if market == Market::Spot { &self.world.spot } else { &self.world.perp };
        let (fees, contract) = (terms.fees, terms.contract);
        for fill in fills {
            if fill.maker != dealt.maker {
                self.book(market, order, cause, dealt, filled)?;
                *dealt = Dealt { maker: fill.maker, ..Dealt::default() };
            }
            dealt.add(fill, fees, contract).whose(order.owner, "value of a fill")?;
            if T::ON {
                let &Fill { price, qty, maker, .. } = fill;
                let (taker_side, taker) = (order.side, order.owner);
                let trade = Trade { market, price, qty, taker_side, taker, maker, cause };
                self.trace.trade(self.stage.round, &trade);
            }
        }
        Ok(())
    }

    #[inline]
    fn book(
        &mut self,
        market: Market,
        order: &NewOrder,
        cause: Cause,
        dealt: &Dealt,
        filled: &mut Filled,
    ) -> Result<(), RunError> {
        if dealt.qty == Lots::ZERO {
            return Ok(());
        }
        let (taker, maker) = (order.owner, dealt.maker);
        let value = match market {
            Market::Spot => self.book_spot(order, dealt)?,
            Market::Perp | Market::OffBook => self.book_perp(order, cause, dealt)?,
        };
        let [paid, made] = dealt.charges;
        self.charge(market, taker, paid)?;
        self.charge(market, maker, made)?;
        if let Some(number) = self.world.agent_of(maker) {
            self.offered[number].add(market, order.side.opposite(), -dealt.qty).whose(maker, "offers")?;
        }
        filled.fee = filled.fee.plus(paid.paid).whose(taker, "fees")?;
        filled.qty = filled.qty.plus(dealt.qty).whose(taker, "quantity")?;
        filled.value = filled.value.plus(value.abs()).whose(taker, "value")?;
        let spot = market == Market::Spot;
        let volume = if spot { &mut self.stage.spot_volume } else { &mut self.stage.perp_volume };
        *volume = volume.plus(dealt.qty).whose(taker, "volume")?;
        Ok(())
    }

    /// The buyer is financed from outside and pays the seller; tokens go the other way.
    #[inline]
    fn book_spot(&mut self, order: &NewOrder, dealt: &Dealt) -> Result<Quote, RunError> {
        let (taker, maker) = (order.owner, dealt.maker);
        let value = dealt.value(self.world.spot.contract).whose(taker, "value of a spot fill")?;
        let (buyer, seller, charge) = match order.side {
            Side::Buy => (taker, maker, dealt.charges[0]),
            Side::Sell => (maker, taker, dealt.charges[1]),
        };
        self.finance(buyer, value, charge)?;
        self.pay(LedgerAccount::Trader(buyer), LedgerAccount::Trader(seller), value, Reason::Purchase)?;
        self.tokens[buyer.index()] = self.tokens[buyer.index()].plus(dealt.qty).whose(buyer, "tokens")?;
        self.tokens[seller.index()] = self.tokens[seller.index()].minus(dealt.qty).whose(seller, "tokens")?;
        if buyer == AccountId::HOLDERS && self.world.steps.is_some() {
            self.spot.supply_mut().add_room(dealt.qty); // as time passes they offer it again
        }
        Ok(value)
    }

    /// Deposits what a purchase takes: its value, and the fees if they are not rebates.
    #[inline]
    fn finance(&mut self, buyer: AccountId, value: Quote, charge: Charge) -> Result<(), RunError> {
        let financed = value.plus(charge.paid.max(Quote::ZERO)).whose(buyer, "cash")?;
        self.deposit(LedgerAccount::Trader(buyer), financed)?;
        let so_far = &mut self.financed[buyer.index()];
        *so_far = so_far.plus(financed).whose(buyer, "financing")?;
        Ok(())
    }

    #[inline]
    fn book_perp(&mut self, order: &NewOrder, cause: Cause, dealt: &Dealt) -> Result<Quote, RunError> {
        let (taker, maker, qty) = (order.owner, dealt.maker, dealt.qty);
        let value = dealt.value(self.world.perp.contract).whose(taker, "value of a fill")?;
        if cause == Cause::Ignition {
            self.finance(taker, value.abs(), dealt.charges[0])?;
        }
        self.exchange(order.side, taker, maker, qty, value)?;
        if cause == Cause::Ignition {
            let margin = &mut self.positions[taker.index()].margin;
            *margin = margin.plus(value.abs()).whose(taker, "margin")?;
        }
        if maker == AccountId::MARKET_MAKER {
            let sold = Lots(order.side.sign() * qty.0);
            self.maker.sold(sold, value).whose(maker, "net sales")?;
        }
        Ok(value)
    }

    /// Both parties' positions take a deal of this value, that of a long of it; what they realise is paid by, or to, clearing.
    #[inline]
    pub(super) fn exchange(
        &mut self,
        side: Side,
        taker: AccountId,
        maker: AccountId,
        qty: Lots,
        value: Quote,
    ) -> Result<(), RunError> {
        for (account, side) in [(taker, side), (maker, side.opposite())] {
            let profit = self.positions[account.index()].fill(side, qty, value).whose(account, "cost")?;
            self.pay(LedgerAccount::Clearing, LedgerAccount::Trader(account), profit, Reason::Profit)?;
        }
        Ok(())
    }

    /// Takes fees, or pays rebates.
    #[inline]
    fn charge(&mut self, market: Market, account: AccountId, charge: Charge) -> Result<(), RunError> {
        let from = LedgerAccount::Trader(account);
        if market == Market::Spot && self.world.perp.contract.is_inverse() {
            // The fund keeps coin, so what rounding leaves over stays here.
            return self.pay(from, LedgerAccount::SpotFees, charge.paid, Reason::Fee);
        }
        let rounding = charge.paid.minus(charge.income).whose(account, "fee")?;
        self.pay(from, LedgerAccount::FeeIncome, charge.income, Reason::Fee)?;
        self.pay(from, LedgerAccount::InsuranceFund, rounding, Reason::Rounding)
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
