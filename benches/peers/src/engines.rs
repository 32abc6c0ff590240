//! Every engine behind one face, each called the way its own documentation does. Its commands are built within the clock,
//! from perpcore's orders.

use perpcore::book::{NewOrder, OrderKind, TimeInForce};
use perpcore::units::Side;

use crate::work::{Command, Naming};

/// What an order traded at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    pub lots: u64,
    /// Ticks times lots.
    pub value: u128,
    /// Price of the last fill, which is the worst.
    pub last: Option<u64>,
}

impl Traded {
    fn of(fills: impl Iterator<Item = (u64, u64)>) -> Traded {
        fills.fold(Traded::default(), |sum, (price, lots)| Traded {
            lots: sum.lots + lots,
            value: sum.value + u128::from(price) * u128::from(lots),
            last: Some(price),
        })
    }
}

/// What rests at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    pub bid: Option<u64>,
    pub ask: Option<u64>,
    pub lots: u64,
}

pub trait Engine {
    /// What a submission gives, unread while the clock runs.
    type Receipt;
    /// What its ids are.
    const NAMING: Naming;

    fn new() -> Self;
    fn submit(&mut self, order: &NewOrder) -> Self::Receipt;
    /// Whether there was such an order.
    fn cancel(&mut self, id: u64) -> bool;
    fn traded(&self, receipt: &Self::Receipt) -> Traded;
    fn rest(&mut self) -> Rest;

    #[inline]
    fn command(&mut self, command: &Command) {
        match command {
            Command::Submit(order) => drop(std::hint::black_box(self.submit(order))),
            Command::Cancel(id) => drop(std::hint::black_box(self.cancel(*id))),
        }
    }
}

#[inline]
fn price_and_qty(order: &NewOrder) -> (Option<u64>, u64) {
    let price = match order.kind {
        OrderKind::Limit { price, .. } => Some(price.0.unsigned_abs()),
        _ => None,
    };
    (price, order.qty.0.unsigned_abs())
}

#[inline]
fn immediate(order: &NewOrder) -> bool {
    matches!(order.kind, OrderKind::Limit { tif: TimeInForce::Ioc, .. })
}

pub mod ours {
    use perpcore::book::{Fill, OrderBook, Outcome};
    use perpcore::error::Reject;
    use perpcore::ids::OrderId;

    use super::{Engine, Naming, NewOrder, Rest, Side, Traded};

    pub struct Perpcore {
        book: OrderBook,
        fills: Vec<Fill>,
    }

    impl Engine for Perpcore {
        type Receipt = Result<Outcome, Reject>;
        const NAMING: Naming = Naming::Perpcore;

        fn new() -> Self {
            Perpcore { book: OrderBook::new(()), fills: Vec::new() }
        }

        #[inline]
        fn submit(&mut self, order: &NewOrder) -> Result<Outcome, Reject> {
            self.fills.clear();
            self.book.submit(*order, &mut self.fills)
        }

        #[inline]
        fn cancel(&mut self, id: u64) -> bool {
            self.book.cancel(OrderId(id)).is_ok()
        }

        fn traded(&self, _: &Self::Receipt) -> Traded {
            Traded::of(self.fills.iter().map(|fill| (fill.price.0.unsigned_abs(), fill.qty.0.unsigned_abs())))
        }

        fn rest(&mut self) -> Rest {
            let best = |side| self.book.best(side).map(|price| price.0.unsigned_abs());
            let (bid, ask) = (best(Side::Buy), best(Side::Sell));
            let mut orders = Vec::new();
            self.book.orders(Side::Buy, &mut orders);
            let mut asks = Vec::new();
            self.book.orders(Side::Sell, &mut asks);
            orders.append(&mut asks);
            let lots = orders.iter().map(|(_, order)| order.remaining.0.unsigned_abs()).sum();
            Rest { bid, ask, lots }
        }
    }
}

pub mod matchcore {
    use ::matchcore::{
        CancelCmd, CommandKind, CommandMeta, CommandOutcome, CommandReport, LimitOrder, MarketOrder,
        NewOrder as New, OrderBook, OrderFlags, OrderId, OrderKind, Price, Quantity, QuantityPolicy,
        SequenceNumber, Side as Its, SubmitCmd, TimeInForce, Timestamp,
    };

    use super::{Engine, Naming, NewOrder, Rest, Side, Traded, immediate, price_and_qty};

    pub struct Matchcore {
        book: OrderBook,
        sequence: u64,
    }

    impl Matchcore {
        #[inline]
        fn execute(&mut self, kind: CommandKind) -> CommandOutcome {
            let number = self.sequence;
            self.sequence += 1;
            let meta = CommandMeta { sequence_number: SequenceNumber(number), timestamp: Timestamp(number) };
            self.book.execute(&::matchcore::Command { meta, kind })
        }
    }

    impl Engine for Matchcore {
        type Receipt = CommandOutcome;
        const NAMING: Naming = Naming::Command;

        fn new() -> Self {
            Matchcore { book: OrderBook::new("PEER"), sequence: 0 }
        }

        #[inline]
        fn submit(&mut self, order: &NewOrder) -> CommandOutcome {
            let side = if order.side == Side::Buy { Its::Buy } else { Its::Sell };
            let (price, qty) = price_and_qty(order);
            let quantity = Quantity(qty);
            let order = match price {
                Some(price) => {
                    let tif = if immediate(order) { TimeInForce::Ioc } else { TimeInForce::Gtc };
                    let flags = OrderFlags::new(side, false, tif);
                    New::Limit(LimitOrder::new(Price(price), QuantityPolicy::Standard { quantity }, flags))
                }
                None => New::Market(MarketOrder::new(quantity, side, false)),
            };
            self.execute(CommandKind::Submit(SubmitCmd { order }))
        }

        #[inline]
        fn cancel(&mut self, id: u64) -> bool {
            let cancel = CancelCmd { order_id: OrderId(id), order_kind: OrderKind::Limit };
            let outcome = self.execute(CommandKind::Cancel(cancel));
            matches!(outcome, CommandOutcome::Applied(_))
        }

        fn traded(&self, receipt: &CommandOutcome) -> Traded {
            let CommandOutcome::Applied(CommandReport::Submit(effects)) = receipt else {
                return Traded::default();
            };
            let trades = effects.target_order().match_result().map_or(&[][..], |result| result.trades());
            Traded::of(trades.iter().map(|trade| (trade.price().0, trade.quantity().0)))
        }

        fn rest(&mut self) -> Rest {
            let limit = self.book.limit();
            let lots = limit.levels().iter().map(|(_, level)| level.total_quantity().0).sum();
            let [bid, ask] = [limit.best_bid_price(), limit.best_ask_price()].map(|price| price.map(|p| p.0));
            Rest { bid, ask, lots }
        }
    }
}

pub mod bourse {
    use bourse_book::OrderBook;
    use bourse_book::types::{Price, Side as Its};

    use super::{Engine, Naming, NewOrder, Rest, Side, Traded, immediate, price_and_qty};

    /// `TICKING`: every command has an instant of its own. It has to have: see the checks.
    pub struct Bourse<const TICKING: bool> {
        book: OrderBook,
        now: u64,
    }

    impl<const TICKING: bool> Engine for Bourse<TICKING> {
        /// How many trades there were before.
        type Receipt = usize;
        const NAMING: Naming = Naming::Submission;

        fn new() -> Self {
            Bourse { book: OrderBook::new(0, 1, true), now: 0 }
        }

        #[inline]
        fn submit(&mut self, order: &NewOrder) -> usize {
            let before = self.book.get_trades().len();
            self.tick();
            let side = if order.side == Side::Buy { Its::Bid } else { Its::Ask };
            let (price, qty) = price_and_qty(order);
            let price = price.map(|price| price as Price);
            let placed =
                self.book.create_and_place_order(side, qty as u32, order.owner.0, price).expect("tick 1");
            if immediate(order) {
                self.book.cancel_order(placed);
            }
            before
        }

        #[inline]
        fn cancel(&mut self, id: u64) -> bool {
            self.tick();
            let id = id as usize;
            let live = self.book.order(id).status == bourse_book::types::Status::Active;
            self.book.cancel_order(id);
            live
        }

        fn traded(&self, receipt: &usize) -> Traded {
            let trades = &self.book.get_trades()[*receipt..];
            Traded::of(trades.iter().map(|trade| (u64::from(trade.price), u64::from(trade.vol))))
        }

        fn rest(&mut self) -> Rest {
            let (bid, ask) = self.book.bid_ask();
            let lots = u64::from(self.book.bid_vol()) + u64::from(self.book.ask_vol());
            let bid = (bid != 0).then_some(u64::from(bid));
            let ask = (ask != Price::MAX).then_some(u64::from(ask));
            Rest { bid, ask, lots }
        }
    }

    impl<const TICKING: bool> Bourse<TICKING> {
        #[inline]
        fn tick(&mut self) {
            if TICKING {
                self.now += 1;
                self.book.set_time(self.now);
            }
        }
    }
}

#[cfg(feature = "orderbook-rs")]
pub mod orderbook_rs {
    use std::sync::Arc;

    use ::orderbook_rs::{Id, OrderBook, Side as Its, StubClock, TimeInForce};
    use pricelevel::MatchResult;

    use super::{Engine, Naming, NewOrder, Rest, Side, Traded, immediate, price_and_qty};

    /// With its counting clock, so that it need not ask the system for the time.
    pub struct OrderbookRs {
        book: OrderBook<()>,
        submissions: u64,
    }

    impl Engine for OrderbookRs {
        type Receipt = Option<MatchResult>;
        const NAMING: Naming = Naming::Submission;

        fn new() -> Self {
            OrderbookRs { book: OrderBook::with_clock("PEER", Arc::new(StubClock::new())), submissions: 0 }
        }

        #[inline]
        fn submit(&mut self, order: &NewOrder) -> Option<MatchResult> {
            let id = Id::sequential(self.submissions);
            self.submissions += 1;
            let side = if order.side == Side::Buy { Its::Buy } else { Its::Sell };
            let (price, qty) = price_and_qty(order);
            match price.map(u128::from) {
                None => self.book.submit_market_order(id, qty, side).ok(),
                Some(price) if immediate(order) => self.book.match_limit_order(id, qty, side, price).ok(),
                Some(price) => {
                    let placed =
                        self.book.add_limit_order_with_result(id, price, qty, side, TimeInForce::Gtc, None);
                    placed.ok()?.1.map(|trade| trade.match_result)
                }
            }
        }

        #[inline]
        fn cancel(&mut self, id: u64) -> bool {
            self.book.cancel_order(Id::sequential(id)).is_ok_and(|order| order.is_some())
        }

        fn traded(&self, receipt: &Option<MatchResult>) -> Traded {
            let trades = receipt.as_ref().map_or(&[][..], |result| result.trades().as_vec());
            let fills = trades.iter().map(|trade| (trade.price().as_u128(), trade.quantity().as_u64()));
            Traded::of(fills.map(|(price, lots)| (u64::try_from(price).expect("a price of the flow"), lots)))
        }

        fn rest(&mut self) -> Rest {
            let price = |price: u128| u64::try_from(price).expect("a price of the flow");
            let depth =
                |side| self.book.total_depth_at_levels(usize::MAX, side).expect("no sum that overflows");
            Rest {
                bid: self.book.best_bid().map(price),
                ask: self.book.best_ask().map(price),
                lots: depth(Its::Buy) + depth(Its::Sell),
            }
        }
    }
}
