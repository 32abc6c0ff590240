//! Who and which: account and order ids.

use serde::Serialize;

/// An account of the simulated venue: an index into dense arrays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AccountId(pub u32);

impl AccountId {
    /// Whoever ignites.
    pub const ATTACKER: AccountId = AccountId(0);
    /// The market maker's account at the perpetual's venue.
    pub const MARKET_MAKER: AccountId = AccountId(1);
    /// The market maker's spot desk: cash and tokens of his hedges.
    pub const MARKET_MAKER_SPOT: AccountId = AccountId(2);
    /// Whoever holds the float and rests in the spot book.
    pub const HOLDERS: AccountId = AccountId(3);
    /// The other side of every position the scenario does not name.
    pub const REST_OF_MARKET: AccountId = AccountId(4);
    /// The insurance fund's desk: positions it took over, with their margin.
    pub const TAKEOVER_DESK: AccountId = AccountId(5);
    /// The backstop vault: positions it took over before they were bankrupt.
    pub const VAULT: AccountId = AccountId(6);
    /// The first account of an agent; where nobody acts, of the scenario's own positions.
    pub const FIRST_AGENT: AccountId = AccountId(8);

    /// Its slot in arrays kept by account.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An order's id: its slot in the book's slab and the slot's generation, so that an old id never names a new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

impl OrderId {
    /// From a slot and its generation.
    #[inline]
    pub const fn new(slot: u32, generation: u32) -> OrderId {
        OrderId(((generation as u64) << 32) | slot as u64)
    }

    /// The slot in the slab.
    #[inline]
    pub const fn slot(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// The slot's generation.
    #[inline]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
