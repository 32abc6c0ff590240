//! The slow book: sorted vectors and plain loops. It shares the order types with the real book, and no code.
#![allow(dead_code, reason = "each test file uses its part")]

use perpcore::book::{NewOrder, OrderKind, TimeInForce};
use perpcore::error::Reject;
use perpcore::units::Side;

const MAX_PRICE: i64 = 1 << 40;
const MAX_LEVEL: i64 = (1 << 62) - 1;

#[derive(Clone, Debug)]
pub struct Order {
    pub tag: u64,
    pub price: i64,
    pub qty: i64,
    pub owner: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    pub price: i64,
    pub qty: i64,
    pub maker: u64,
    pub maker_owner: u32,
    pub maker_remaining: i64,
}

#[derive(Debug, PartialEq)]
pub struct Done {
    pub rests: bool,
    pub filled: i64,
    pub remaining: i64,
    pub fills: Vec<Fill>,
}

/// Both sides sorted with the next order to trade last.
#[derive(Clone, Default)]
pub struct NaiveBook {
    bids: Vec<Order>,
    asks: Vec<Order>,
    pub last: Option<i64>,
    pub volume: i64,
}

impl NaiveBook {
    pub fn side(&self, side: Side) -> &Vec<Order> {
        if side == Side::Buy { &self.bids } else { &self.asks }
    }

    fn side_mut(&mut self, side: Side) -> &mut Vec<Order> {
        if side == Side::Buy { &mut self.bids } else { &mut self.asks }
    }

    /// The caller names his orders by tags of his own.
    pub fn submit(&mut self, tag: u64, order: NewOrder) -> Result<Done, Reject> {
        let qty = order.qty.0;
        if qty <= 0 {
            return Err(Reject::Quantity);
        }
        let (limit, tif) = match order.kind {
            OrderKind::Market => (None, TimeInForce::Ioc),
            OrderKind::Limit { price, tif } => (Some(price.0), tif),
        };
        if limit.is_some_and(|price| !(1..=MAX_PRICE).contains(&price)) {
            return Err(Reject::Price);
        }
        let within = |price: i64| match (limit, order.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price <= limit,
            (Some(limit), Side::Sell) => price >= limit,
        };
        let against = self.side(order.side.opposite());
        if tif == TimeInForce::PostOnly && against.last().is_some_and(|best| within(best.price)) {
            return Err(Reject::WouldTrade);
        }
        if tif == TimeInForce::Fok {
            let there = against.iter().rev().take_while(|o| within(o.price));
            if there.map(|o| i128::from(o.qty)).sum::<i128>() < i128::from(qty) {
                return Ok(Done { rests: false, filled: 0, remaining: qty, fills: Vec::new() });
            }
        }
        let may_rest = matches!(tif, TimeInForce::Gtc | TimeInForce::PostOnly);
        if may_rest && qty > MAX_LEVEL {
            return Err(Reject::LevelOverflow);
        }
        if let (true, Some(limit)) = (may_rest, limit) {
            if self.level(order.side, limit) + i128::from(qty) > i128::from(MAX_LEVEL) {
                return Err(Reject::LevelOverflow);
            }
        }
        Ok(self.trade(tag, order, limit.filter(|_| may_rest), within))
    }

    fn trade(
        &mut self,
        tag: u64,
        order: NewOrder,
        rest_at: Option<i64>,
        within: impl Fn(i64) -> bool,
    ) -> Done {
        let mut left = order.qty.0;
        let mut fills = Vec::new();
        let against = self.side_mut(order.side.opposite());
        while left > 0 {
            let Some(maker) = against.last_mut().filter(|o| within(o.price)) else { break };
            let qty = left.min(maker.qty);
            maker.qty -= qty;
            left -= qty;
            let (price, maker_owner, maker_remaining) = (maker.price, maker.owner, maker.qty);
            fills.push(Fill { price, qty, maker: maker.tag, maker_owner, maker_remaining });
            if maker_remaining == 0 {
                against.pop();
            }
        }
        for fill in &fills {
            self.last = Some(fill.price);
            self.volume = self.volume.saturating_add(fill.qty);
        }
        let rests = left > 0 && rest_at.is_some();
        if let (true, Some(price)) = (rests, rest_at) {
            self.rest(order.side, Order { tag, price, qty: left, owner: order.owner.0 });
        }
        Done { rests, filled: order.qty.0 - left, remaining: left, fills }
    }

    /// Puts an order behind all that are at its price or better.
    pub fn rest(&mut self, side: Side, order: Order) {
        let orders = self.side_mut(side);
        let at = orders.partition_point(|o| match side {
            Side::Buy => o.price < order.price,
            Side::Sell => o.price > order.price,
        });
        orders.insert(at, order);
    }

    pub fn level(&self, side: Side, price: i64) -> i128 {
        let orders = self.side(side);
        let from = orders.partition_point(|o| match side {
            Side::Buy => o.price < price,
            Side::Sell => o.price > price,
        });
        orders[from..].iter().take_while(|o| o.price == price).map(|o| i128::from(o.qty)).sum()
    }

    fn find(&self, tag: u64) -> Option<(Side, usize)> {
        for side in Side::BOTH {
            if let Some(at) = self.side(side).iter().position(|o| o.tag == tag) {
                return Some((side, at));
            }
        }
        None
    }

    pub fn order(&self, tag: u64) -> Option<(Side, Order)> {
        self.find(tag).map(|(side, at)| (side, self.side(side)[at].clone()))
    }

    pub fn cancel(&mut self, tag: u64) -> Result<i64, Reject> {
        let (side, at) = self.find(tag).ok_or(Reject::UnknownOrder)?;
        Ok(self.side_mut(side).remove(at).qty)
    }

    pub fn reduce(&mut self, tag: u64, by: i64) -> Result<i64, Reject> {
        if by <= 0 {
            return Err(Reject::Quantity);
        }
        let (side, at) = self.find(tag).ok_or(Reject::UnknownOrder)?;
        let order = &mut self.side_mut(side)[at];
        if by >= order.qty {
            self.side_mut(side).remove(at);
            return Ok(0);
        }
        order.qty -= by;
        Ok(order.qty)
    }

    pub fn cancel_owner(&mut self, owner: u32) -> i64 {
        let mut total = 0;
        for side in Side::BOTH {
            total += self.side(side).iter().filter(|o| o.owner == owner).map(|o| o.qty).sum::<i64>();
            self.side_mut(side).retain(|o| o.owner != owner);
        }
        total
    }

    pub fn best(&self, side: Side) -> Option<i64> {
        self.side(side).last().map(|o| o.price)
    }

    pub fn depth(&self, side: Side, levels: usize) -> Vec<(i64, i64)> {
        let mut out: Vec<(i64, i64)> = Vec::new();
        for order in self.side(side).iter().rev() {
            let full = out.len() == levels;
            match out.last_mut().filter(|level| level.0 == order.price) {
                Some(level) => level.1 += order.qty,
                None if full => break,
                None => out.push((order.price, order.qty)),
            }
        }
        out
    }
}

/// SplitMix64: enough for a test, and the seed is all there is to print.
pub struct Rng(pub u64);

impl Rng {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `n - 1`.
    pub fn below(&mut self, n: i64) -> i64 {
        i64::try_from((u128::from(self.word()) * u128::from(n.unsigned_abs())) >> 64).unwrap()
    }

    pub fn range(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }

    pub fn one_in(&mut self, n: i64) -> bool {
        self.below(n) == 0
    }
}
