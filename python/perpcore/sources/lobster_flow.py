"""The persistent book of a LOBSTER day: known orders by their numbers, and volume that nobody announced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from perpcore.sources.engine import BUY, SELL, EngineBook

NEW, CANCEL, DELETE, EXECUTION = 1, 2, 3, 4

#: Prices and sizes of one side, best first; levels that are not there are left out.
Side = tuple[list[int], list[int]]
#: Bids and asks.
Published = tuple[Side, Side]


class Message(NamedTuple):
    """A message, its price in multiples of the day's tick."""

    kind: int
    side: int
    order: int
    size: int
    price: int


@dataclass(slots=True, kw_only=True)
class Unseen:
    """What the published window hides, counted; sizes in shares.

    Attributes
    ----------
    opening_shares : int
        In the first published book.
    entered, entered_shares : int
        Times a level came into the window with more than the book held there, and how much more.
    left, left_shares : int
        Times it came with less, or not at all: cancelled or executed out of sight.
    cancels, cancelled_shares, executions, executed_shares : int
        Messages that name an order of which no message told before, and their sizes.
    relabelled, relabelled_shares : int
        Times a message showed that a level, right in sum, had changed hands out of sight: volume of known
        orders became unseen volume.
    in_turn, out_of_turn : int
        Executions in which the engine's matching filled exactly the order that the message names; and those
        of an order that is not first in our queue, most often behind unseen volume whose place nobody knows.
    """

    opening_shares: int = 0
    entered: int = 0
    entered_shares: int = 0
    left: int = 0
    left_shares: int = 0
    cancels: int = 0
    cancelled_shares: int = 0
    executions: int = 0
    executed_shares: int = 0
    relabelled: int = 0
    relabelled_shares: int = 0
    in_turn: int = 0
    out_of_turn: int = 0


class Flow:
    """One engine book that follows the messages of a day.

    Parameters
    ----------
    levels : int
        Of a side, that are published.
    unseen : Unseen
        Where to count.
    """

    def __init__(self, levels: int, unseen: Unseen) -> None:
        self.levels, self.unseen = levels, unseen
        self._clear()
        self._last_ref = 0

    def _clear(self) -> None:
        self.engine = EngineBook()
        # At each price the orders in their turn (some may be gone), and the one that is the unseen volume.
        self._queues: tuple[dict[int, dict[int, None]], ...] = ({}, {})
        self._nameless: tuple[dict[int, int], ...] = ({}, {})

    def open(self, published: Published) -> bool:
        """Start from a published book, all of it unseen."""
        self.unseen.opening_shares += sum(sum(sizes) for _, sizes in published)
        return self._load(published)

    def _load(self, published: Published) -> bool:
        self._clear()
        levels = [(side, *level) for side in (BUY, SELL) for level in zip(*published[side], strict=True)]
        held = [self._add_nameless(*level) for level in levels]
        return all(held)

    # ---- messages ----

    def apply(self, message: Message) -> bool:
        """Do what a message says; False if the engine's answer contradicts it."""
        _, side, order, size, price = message
        if message.kind == NEW:
            return self._add(order, side, price, size)
        known = order in self.engine
        if known and not self.engine.rests_at(order, side, price):
            return False
        ref = order if known else self._nameless_for(side, price, size)
        if not known:
            self._count_unseen(message)
        if message.kind == EXECUTION:
            return self._execute(ref, side, price, size)
        if message.kind == DELETE and known:
            surplus = self.engine.cancel(order) - size
            # It had shrunk out of sight while as much came in: the level is right, part of it is another's.
            if surplus > 0:
                self._count_relabelled(surplus)
                return self._add_nameless(side, price, surplus)
            return surplus == 0
        return self.engine.reduce(ref, size)

    def _execute(self, ref: int, side: int, price: int, size: int) -> bool:
        if self._head(side, price) == ref and self.engine.left(ref) >= size:
            self.unseen.in_turn += 1
            return self.engine.take(1 - side, price, size) == [(ref, size)]
        self.unseen.out_of_turn += 1
        at_best = self.engine.depth(side, 1)[0] == [price]
        return self.engine.reduce(ref, size) and at_best

    def _head(self, side: int, price: int) -> int | None:
        """Who is first in the queue at a price."""
        queue = self._queues[side].get(price, {})
        while queue:
            first = next(iter(queue))
            if first in self.engine:
                return first
            del queue[first]
        self._queues[side].pop(price, None)
        return None

    def _nameless_for(self, side: int, price: int, size: int) -> int:
        """The unseen order of a level, with at least this size if the level has it."""
        ref = self._nameless[side].get(price, 0)
        if self.engine.left(ref) < size:
            shares = self._drop(side, price)
            if shares:
                self._count_relabelled(shares)
                self._add_nameless(side, price, shares)
            ref = self._nameless[side].get(price, 0)
        return ref

    # ---- orders ----

    def _add(self, ref: int, side: int, price: int, size: int) -> bool:
        if not self.engine.add(ref, side, price, size):
            return False
        queue = self._queues[side].setdefault(price, {})
        queue.pop(ref, None)
        queue[ref] = None
        return True

    def _add_nameless(self, side: int, price: int, size: int) -> bool:
        """Unseen volume joins a level: one order of it, at the end of the queue."""
        size += self.engine.cancel(self._nameless[side].get(price, 0))
        self._last_ref -= 1  # recorded numbers are above 0
        self._nameless[side][price] = self._last_ref
        return self._add(self._last_ref, side, price, size)

    def _drop(self, side: int, price: int) -> int:
        """Take a whole level out; what it held."""
        self._nameless[side].pop(price, None)
        return sum(self.engine.cancel(ref) for ref in self._queues[side].pop(price, {}))

    # ---- the published window ----

    def settle(self, before: Published, after: Published) -> bool:
        """Take in what the window newly shows; False if the book differs where it could be seen before."""
        agrees = True
        for side in (BUY, SELL):
            agrees &= self._settle_side(side, before[side], after[side])
        if not agrees:  # one step that is wrong shall be counted once
            self._load(after)
        return agrees

    def _settle_side(self, side: int, before: Side, after: Side) -> bool:
        agrees = True
        # Every turn mends one level, and no more levels can differ than are held or published.
        for _ in range(len(self._queues[side]) + self.levels + 1):
            held = self.engine.depth(side, self.levels)
            if held == after:
                return agrees
            price, have, want = _difference(side, held, after)
            agrees &= self._is_hidden(side, price, before)
            self._mend(side, price, have, want)
        return False

    def _is_hidden(self, side: int, price: int, before: Side) -> bool:
        """Whether a price lay beyond the window before the message."""
        if len(before[0]) < self.levels:
            return False
        worst = before[0][-1]
        return price > worst if side == SELL else price < worst

    def _mend(self, side: int, price: int, have: int, want: int) -> None:
        if want > have:
            self.unseen.entered += 1
            self.unseen.entered_shares += want - have
            self._add_nameless(side, price, want - have)
            return
        self.unseen.left += 1
        self.unseen.left_shares += have - want
        # Nobody tells whose volume is gone: what is left has no name.
        self._drop(side, price)
        if want:
            self._add_nameless(side, price, want)

    # ---- counting ----

    def _count_unseen(self, message: Message) -> None:
        if message.kind == EXECUTION:
            self.unseen.executions += 1
            self.unseen.executed_shares += message.size
        else:
            self.unseen.cancels += 1
            self.unseen.cancelled_shares += message.size

    def _count_relabelled(self, shares: int) -> None:
        self.unseen.relabelled += 1
        self.unseen.relabelled_shares += shares


def _difference(side: int, held: Side, wanted: Side) -> tuple[int, int, int]:
    """The best price at which two sides differ: what one holds there, what the other."""
    away = 1 if side == SELL else -1
    ours, theirs = (dict(zip(*levels, strict=True)) for levels in (held, wanted))
    for price in sorted(ours.keys() | theirs.keys(), key=lambda price: away * price):
        have, want = ours.get(price, 0), theirs.get(price, 0)
        if have != want:
            return price, have, want
    raise AssertionError("they do not differ")
