"""A naive price-time priority book (MODEL sections 3 and 6): two sorted lists.

The levels of section 3 come from an iterator, best first, and enter the list just before anything at their
price or worse could be touched, in front of every order placed later at the same price.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile

BUY, SELL = 1, -1
Level = tuple[int, int]


@dataclass
class Order:
    """A resting order; `number` is 0 for the levels of the start, which therefore come first."""

    price: int
    qty: int
    owner: int
    number: int


@dataclass(frozen=True)
class Match:
    """A fill at the resting order's price; whether that order is one of the start."""

    price: int
    qty: int
    maker: int
    from_start: bool


class BookSide:
    """The resting orders of one side, best first."""

    def __init__(self, side: int, levels: Iterator[Level], owner: int) -> None:
        self.side = side
        self.owner = owner
        self.orders: list[Order] = []
        self.levels = levels
        self.next_level = next(levels, None)

    def _key(self, order: Order) -> tuple[int, int]:
        return (-self.side * order.price, order.number)

    def insert(self, order: Order) -> None:
        """Put an order behind everything at its price, a level of the start before it."""
        bisect.insort(self.orders, order, key=self._key)

    def best(self) -> Order | None:
        """The first order in priority; draws the levels that come before what has been drawn."""
        while self.next_level is not None:
            price, qty = self.next_level
            level = Order(price, qty, self.owner, 0)
            if self.orders and self._key(self.orders[0]) < self._key(level):
                break
            self.insert(level)
            self.next_level = next(self.levels, None)
        return self.orders[0] if self.orders else None

    def walk(self) -> Iterator[Order]:
        """The resting orders from the best on; draws levels of the start as it comes to them."""
        i = 0
        while True:
            while self.next_level is not None:
                level = Order(*self.next_level, self.owner, 0)
                if i < len(self.orders) and self._key(self.orders[i]) < self._key(level):
                    break
                self.insert(level)
                self.next_level = next(self.levels, None)
            if i == len(self.orders):
                return
            yield self.orders[i]
            i += 1

    def remove(self, order: Order) -> bool:
        """Remove one order; whether it was still there."""
        found = any(resting is order for resting in self.orders)
        self.orders = [resting for resting in self.orders if resting is not order]
        return found

    def lots_at_best(self) -> int:
        """All that rests at the best price."""
        best = self.best()
        if best is None:
            return 0
        return sum(order.qty for order in self.orders if order.price == best.price)

    def cancel(self, owner: int, start_levels_too: bool) -> int:
        """Remove the owner's orders, and how many; those of the start only when asked."""
        before = len(self.orders)
        self.orders = [
            order
            for order in self.orders
            if order.owner != owner or (order.number == 0 and not start_levels_too)
        ]
        if start_levels_too and owner == self.owner:
            self.next_level = None
        return before - len(self.orders)


class Book:
    """Bids and asks; price-time priority; every fill at the resting order's price."""

    def __init__(self, bids: Iterator[Level], asks: Iterator[Level], owner: int) -> None:
        self.sides = {BUY: BookSide(BUY, bids, owner), SELL: BookSide(SELL, asks, owner)}
        self.placed = 0

    def take(self, side: int, qty: int, limit: int | None = None) -> list[Match]:
        """A market order, or an IOC order with a limit; what cannot be filled is cancelled."""
        matches: list[Match] = []
        opposite = self.sides[-side]
        while qty > 0:
            resting = opposite.best()
            if resting is None or (limit is not None and side * resting.price > side * limit):
                break
            filled = min(qty, resting.qty)
            matches.append(Match(resting.price, filled, resting.owner, resting.number == 0))
            qty -= filled
            resting.qty -= filled
            if resting.qty == 0:
                opposite.orders.pop(0)
        return matches

    def post_only(self, side: int, price: int, qty: int, owner: int) -> Order | None:
        """A limit order that rests, or is not placed at all if it would cross."""
        resting = self.sides[-side].best()
        if resting is not None and side * price >= side * resting.price:
            return None
        self.placed += 1
        order = Order(price, qty, owner, self.placed)
        self.sides[side].insert(order)
        return order

    def cancel(self, owner: int, start_levels_too: bool = False) -> int:
        """Cancel the owner's orders on both sides; how many there were."""
        return sum(side.cancel(owner, start_levels_too) for side in self.sides.values())

    def offered(self, owner: int, side: int) -> int:
        """Lots that the owner's orders resting on a side would trade."""
        return sum(order.qty for order in self.sides[side].orders if order.owner == owner)

    def near(self, side: int, reach: Fraction, price: Fraction) -> list[Order]:
        """The orders of a side within reach of a price."""
        return list(takewhile(lambda order: side * (price - order.price) <= reach, self.sides[side].walk()))

    def best(self, side: int) -> int | None:
        """The best price of one side."""
        order = self.sides[side].best()
        return None if order is None else order.price

    def is_crossed(self) -> bool:
        """Whether the best bid meets the best ask, which must never rest."""
        bid, ask = self.sides[BUY].best(), self.sides[SELL].best()
        return bid is not None and ask is not None and bid.price >= ask.price
