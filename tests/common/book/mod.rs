//! What the tests of the order book share: a slow book, flows of orders, and words that both books' answers are put in.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod flow;
pub mod naive;
pub mod rng;

use perpcore::book::{NewOrder, Terms, TimeInForce};

/// A command; orders are named by the number under which they were added, their tag.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    Add(NewOrder, Terms),
    Cancel(u64),
    Reduce(u64, i64),
    Replace(u64, i64, i64, TimeInForce),
    Owner(u32),
    Clock(i64),
    Mark(i64),
    Index(i64),
    Band(Option<(i64, i64)>),
    Halt,
    Resume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    Asked,
    Owner,
    Unfilled,
    Killed,
    SelfTrade,
    ReduceOnly,
    Expired,
    Refused(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Accepted { tag: u64, qty: i64 },
    Filled { taker: u64, owner: u32, maker: u64, maker_owner: u32, price: i64, qty: i64, maker_left: i64 },
    Rested { tag: u64, price: i64, qty: i64 },
    Cancelled { tag: u64, owner: u32, qty: i64, left: i64, why: Why },
    Reduced { tag: u64, left: i64 },
    Replaced { tag: u64, price: i64, qty: i64, kept: bool },
    Triggered { tag: u64 },
}
