//! The state that plain matching never looks at: rules, clock, reported prices, and orders with terms.

use std::collections::VecDeque;

use super::OrderBook;
use super::ladder::{place, unplace};
use super::rules::{Rules, Source, Terms, Trigger};
use super::special::{Due, Net, Special, Specials, Triggers};
use super::supply::Supply;
use super::{Fill, OrderKind};
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks, Time};

/// Where an order is that is in no queue.
pub(super) const NOWHERE: u64 = 0;

#[derive(Default)]
pub(super) struct Rare {
    pub(super) rules: Rules,
    pub(super) halted: bool,
    pub(super) now: Time,
    pub(super) mark: Option<Ticks>,
    pub(super) index: Option<Ticks>,
    /// Given to the next order with terms.
    pub(super) seq: u64,
    pub(super) specials: Specials,
    pub(super) expiries: Due,
    pub(super) triggers: Triggers,
    /// Reduce-only orders, resting or waiting.
    pub(super) reducers: usize,
    /// Whether this command's fills are added to `net`.
    pub(super) tracks: bool,
    pub(super) net: Net,
    /// Orders that triggered and have not entered yet.
    pub(super) triggered: VecDeque<OrderId>,
    // Scratch.
    pub(super) due: Vec<(i64, u64, OrderId)>,
    pub(super) tried: Vec<(AccountId, i64)>,
    pub(super) fills: Vec<Fill>,
}

impl Rare {
    /// As new, under the same rules.
    pub(super) fn clear(&mut self) {
        (self.halted, self.now, self.mark, self.index, self.seq) = (false, Time(0), None, None, 0);
        (self.reducers, self.tracks) = (0, false);
        self.specials.clear();
        self.expiries.clear();
        self.triggers.clear();
        self.net.clear();
        self.triggered.clear();
    }
}

impl<S: Supply> OrderBook<S> {
    /// Keeps an order's terms if it has any.
    pub(super) fn remember(&mut self, slot: u32, terms: Terms, kind: OrderKind) {
        if terms == Terms::default() {
            return;
        }
        let (id, seq) = (self.orders.id(slot), self.rare.seq);
        self.rare.seq += 1;
        self.restore_special(Special { id, terms, kind, seq });
    }

    /// Puts an order's terms where they are looked for.
    pub(super) fn restore_special(&mut self, special: Special) {
        let Special { id, terms, seq, .. } = special;
        let side = self.side_of(id.slot());
        self.rare.specials.put(special);
        let (orders, specials) = (&self.orders, &self.rare.specials);
        // A slot used again has another id, and an order's number is its own.
        let lives = |seq, id| orders.find(id).is_some() && specials.get(id).is_some_and(|s| s.seq == seq);
        if let Some(at) = terms.expires {
            self.rare.expiries.push(at.0, seq, id, lives);
        }
        if let Some(trigger) = terms.trigger {
            let rises = trigger.rises(side);
            let key = if rises { trigger.price.0 } else { -trigger.price.0 };
            let waits =
                |seq, id| lives(seq, id) && specials.get(id).is_some_and(|s| s.terms.trigger.is_some());
            self.rare.triggers.heap(trigger.source, rises).push(key, seq, id, waits);
        }
        self.count(terms, true);
    }

    /// Forgets an order's terms, if it has any. Its slot is about to be freed.
    #[cold]
    pub(super) fn forget(&mut self, slot: u32) {
        if let Some(special) = self.rare.specials.take(self.orders.id(slot)) {
            self.count(special.terms, false);
        }
    }

    /// The trigger of an order that enters has done its work.
    pub(super) fn disarm(&mut self, special: &Special) {
        self.count(special.terms, false);
        let terms = Terms { trigger: None, ..special.terms };
        self.rare.specials.put(Special { terms, ..*special });
        self.count(terms, true);
    }

    /// Plain matching is off while any of these live.
    fn count(&mut self, terms: Terms, comes: bool) {
        let on_last = terms.trigger.is_some_and(|trigger| trigger.source == Source::Last);
        let reduces = usize::from(terms.reduce_only);
        let watched = reduces + usize::from(on_last);
        if comes {
            self.watch += watched;
            self.rare.reducers += reduces;
        } else {
            self.watch -= watched;
            self.rare.reducers -= reduces;
        }
    }

    /// Side of a slot in use, in a queue or not.
    pub(super) fn side_of(&self, slot: u32) -> Side {
        unplace(self.orders.at(slot).place).0
    }

    pub(super) fn terms_of(&self, slot: u32) -> Terms {
        self.rare.specials.get(self.orders.id(slot)).map_or(Terms::default(), |special| special.terms)
    }

    /// The place of an order of this side that is in no queue.
    pub(super) const fn nowhere(side: Side) -> u64 {
        place(side, NOWHERE)
    }

    /// An order that waits for its trigger.
    pub fn waiting(&self, id: OrderId) -> Option<WaitingOrder> {
        let slot = self.orders.find(id)?;
        let special = self.rare.specials.get(id)?;
        let order = self.orders.at(slot);
        Some(WaitingOrder {
            owner: order.owner,
            side: self.side_of(slot),
            qty: Lots(order.qty),
            kind: special.kind,
            trigger: special.terms.trigger?,
        })
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rare.rules
    }

    /// Other rules from now on. Resting orders stay.
    ///
    /// # Errors
    /// `Band` if the new band is none; nothing has changed.
    pub fn set_rules(&mut self, rules: Rules) -> Result<(), Reject> {
        if rules.band.is_some_and(|band| !band.is_valid()) {
            return Err(Reject::Band);
        }
        self.watch -= usize::from(!self.rare.rules.are_plain());
        self.rare.rules = rules;
        self.watch += usize::from(!rules.are_plain());
        Ok(())
    }

    pub(super) fn set_halted(&mut self, halted: bool) {
        self.watch -= usize::from(self.rare.halted);
        self.rare.halted = halted;
        self.watch += usize::from(halted);
    }
}

/// A stop or take-profit before its trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingOrder {
    /// Whose.
    pub owner: AccountId,
    /// Buys or sells.
    pub side: Side,
    /// How much.
    pub qty: Lots,
    /// What enters.
    pub kind: OrderKind,
    /// When.
    pub trigger: Trigger,
}
