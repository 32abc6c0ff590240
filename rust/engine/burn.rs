//! Phase 4 where nothing but waiting accounts is due, nobody looks and nobody pays fees: the same orders, fills and money as
//! one by one, without giving accounts that are gone at the end of the round a place.

use super::booking::{Filled, SLICE};
use super::settlement::{Sent, Settled};
use super::thresholds::PATIENCE;
use super::{Simulation, Trace, Watch};
use crate::book::{Fill, FillSink, NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Mechanism, Reason};
use crate::ids::AccountId;
use crate::margin::{Arrival, Due, Position, Way};
use crate::units::{Lots, Overflow, Quote, Rate, Side};
use crate::venue::{LiquidationOrder, Standing, cover, settle_liquidation};

const MAKER: AccountId = AccountId::MARKET_MAKER;
/// Nobody has a second place here, so there are no agents.
const FIRST: AccountId = AccountId::FIRST_AGENT;

/// Fills of one order, summed.
#[derive(Default)]
struct Sum {
    qty: i64,
    /// Price x quantity.
    notional: i64,
    fills: u64,
    overflow: bool,
}

impl FillSink for Sum {
    #[inline]
    fn push(&mut self, fill: Fill) {
        debug_assert!(fill.maker == MAKER, "nobody else rests in the perpetual's book");
        let (notional, much) = fill.price.0.overflowing_mul(fill.qty.0);
        let (notional, more) = self.notional.overflowing_add(notional);
        self.qty += fill.qty.0;
        self.notional = notional;
        self.fills += 1;
        self.overflow |= much | more;
    }
}

/// What the orders came to.
#[derive(Default)]
struct Burnt {
    orders: u64,
    fills: u64,
    qty: Lots,
    value: Quote,
    profit: Quote,
}

impl Burnt {
    #[inline]
    fn add(&mut self, qty: Lots, value: Quote, profit: Quote) -> Result<(), Overflow> {
        self.orders += 1;
        self.qty = self.qty.plus(qty)?;
        self.value = self.value.plus(value)?;
        self.profit = self.profit.plus(profit)?;
        Ok(())
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// Whether this way's waiting accounts may burn: their orders only add to what the market maker holds.
    pub(super) fn burns(&self, way: Way) -> bool {
        let maker = self.positions[MAKER.index()].qty.0;
        let adds = if way == Way::Up { maker <= 0 } else { maker >= 0 };
        let (venue, terms) = (&self.world.venue, &self.world.perp);
        let market = venue.liquidation_order == LiquidationOrder::Market;
        let free = venue.liquidation_fee == Rate::default();
        let plain = market && free && venue.frictions.price_band.is_none();
        !self.places && adds && plain && terms.fees.are_none() && !terms.contract.is_inverse()
    }

    /// Sends the orders of the waiting accounts that are due, as long as each is filled; how many that were.
    pub(super) fn burn(&mut self, way: Way, limit: u64) -> Result<u64, RunError> {
        match way {
            Way::Up => self.burn_by(Way::Up, Side::Buy, limit),
            Way::Down => self.burn_by(Way::Down, Side::Sell, limit),
        }
    }

    #[inline]
    fn burn_by(&mut self, way: Way, side: Side, limit: u64) -> Result<u64, RunError> {
        let (mark, scale) = (self.mark, self.world.perp.contract.scale);
        let mut burnt = Burnt::default();
        let mut left = None;
        while burnt.orders < limit {
            let waiting = &mut self.waiting[way as usize];
            let Some(&Arrival { due: Due { account, .. }, position }) = waiting.peek(mark) else { break };
            let order = NewOrder { owner: account, side, qty: position.qty.abs(), kind: OrderKind::Market };
            if order.qty > SLICE {
                break;
            }
            waiting.take();
            let mut sum = Sum::default();
            let outcome = self.perp.submit(order, &mut sum);
            outcome.map_err(|reject| RunError::Order { account, reject })?;
            burnt.fills += sum.fills;
            let value = sum.notional.checked_mul(scale).filter(|_| !sum.overflow).map(Quote);
            let value = value.ok_or(Overflow).whose(account, "value of a fill")?;
            if Lots(sum.qty) < order.qty {
                left = Some((position, Filled { qty: Lots(sum.qty), value, fee: Quote::ZERO }));
                break;
            }
            let profit = position.close_out(value).whose(account, "profit")?;
            burnt.add(order.qty, value, profit).whose(MAKER, "sum of a round")?;
            self.burnt.push(position.margin.plus(profit).whose(account, "balance")?);
            if burnt.orders % PATIENCE == 0 {
                self.check_interrupt()?;
            }
        }
        self.book_burnt(side, &burnt).whose(MAKER, "sum of a round")?;
        match left {
            Some((position, filled)) => self.leave(side, position, filled),
            None => Ok(()),
        }?;
        self.check_fills()?;
        let sent = burnt.orders + u64::from(left.is_some());
        self.counts.orders += sent;
        Ok(sent)
    }

    /// The orders' sums go into the books.
    fn book_burnt(&mut self, side: Side, burnt: &Burnt) -> Result<(), Overflow> {
        let Burnt { qty, value, profit, .. } = *burnt;
        self.ledger.release(LedgerAccount::Clearing, profit)?;
        self.counts.booked += burnt.fills;
        self.sell_burnt(side, qty, value)?;
        let stage = &mut self.stage;
        stage.liquidated_accounts += burnt.orders;
        stage.liquidated_qty = stage.liquidated_qty.plus(qty)?;
        stage.liquidated_value = stage.liquidated_value.plus(value)?;
        let forced =
            if side == Side::Buy { &mut stage.forced_buy_value } else { &mut stage.forced_sell_value };
        *forced = forced.plus(value)?;
        self.counts.burnt_qty = self.counts.burnt_qty.plus(qty)?;
        if side == Side::Sell {
            self.counts.unseated = self.counts.unseated.minus(qty)?;
        }
        Ok(())
    }

    /// The market maker's part.
    fn sell_burnt(&mut self, side: Side, qty: Lots, value: Quote) -> Result<(), Overflow> {
        let profit = self.positions[MAKER.index()].fill(side.opposite(), qty, value)?;
        debug_assert!(profit == Quote::ZERO, "he only adds");
        self.maker.sold(Lots(side.sign() * qty.0), value)?;
        self.stage.perp_volume = self.stage.perp_volume.plus(qty)?;
        Ok(())
    }

    /// An account that was not filled in full gets a place, and is settled like any.
    fn leave(&mut self, side: Side, position: Position, filled: Filled) -> Result<(), RunError> {
        self.counts.unseated.0 -= position.qty.0.max(0);
        let account = self.seat(position, position.margin, Watch::Seized);
        let left = &mut self.positions[account.index()];
        let profit = left.fill(side, filled.qty, filled.value).whose(account, "cost")?;
        let margin = left.margin;
        self.pay(LedgerAccount::Clearing, LedgerAccount::Trader(account), profit, Reason::Profit)?;
        self.sell_burnt(side, filled.qty, filled.value).whose(MAKER, "sum of a round")?;
        let mut sent = Sent::nothing(account, Mechanism::Liquidation, position.qty);
        sent.filled = filled;
        sent.freed = self.ledger.cash(account).minus(margin).whose(account, "free cash")?;
        self.sent.push(sent);
        Ok(())
    }

    /// Phase 5 for them: what each had left goes to the fund, what it lacked is covered.
    pub(super) fn settle_burnt(&mut self) -> Result<(), RunError> {
        if self.burnt.is_empty() {
            return Ok(());
        }
        let before = self.ledger.balance(LedgerAccount::InsuranceFund);
        let (mut fund, mut sum) = (before, Settled::default());
        for &free in &self.burnt {
            let standing = Standing { free, margin: Quote::ZERO, open: false, cross: false };
            let settlement = settle_liquidation(standing).whose(FIRST, "settlement")?;
            fund = fund.plus(settlement.returned).whose(FIRST, "insurance fund")?;
            if settlement.deficit > Quote::ZERO {
                let (paid, lost) = cover(settlement.deficit, fund).whose(FIRST, "deficit")?;
                fund = fund.minus(paid).whose(FIRST, "insurance fund")?;
                sum.add_deficit(settlement.deficit, paid, lost).whose(FIRST, "sum of deficits")?;
            }
        }
        self.burnt.clear();
        let gained = fund.minus(before).whose(FIRST, "insurance fund")?;
        self.ledger.release(LedgerAccount::InsuranceFund, -gained).whose(FIRST, "insurance fund")?;
        self.ledger.release(LedgerAccount::VenueLoss, sum.venue_loss).whose(FIRST, "venue loss")?;
        self.tally_deficit(FIRST, &sum)
    }
}
