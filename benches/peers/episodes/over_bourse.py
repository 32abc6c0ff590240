"""The episode over bourse's books, in numpy batches: its fastest way, and here a harmless one.

A step shuffles its batch. The lots and the value that a round's liquidations take together do not depend on
their order, nor does a cancel on a post elsewhere in the batch.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from bourse import core
from world import HEDGED, MAINTENANCE, POSTED, TRIGGER, Order, Outcome, World

NEW, CANCEL = 1, 2
EMPTY = 2**32 - 1  # the best ask of no asks, and the price of a market buy
KINDS = np.array([CANCEL] * POSTED + [NEW] * POSTED, np.uint32)
SELLS = np.zeros(2 * POSTED, bool)
NOBODY = np.zeros(2 * POSTED, np.uint32)


@dataclass(frozen=True)
class Arrays:
    """The world as bourse wants it."""

    perp: tuple[Any, ...]
    spot: tuple[Any, ...]
    entry: Any
    lots: Any
    leverage: Any
    posts: list[Any]  # ticks above the mid and lots, of either book


def orders_of(book: tuple[list[Order], list[Order]]) -> tuple[Any, ...]:
    bids, asks = book
    prices, lots = np.array(bids + asks, np.uint32).T.copy()
    buys = np.arange(len(prices)) < len(bids)
    return buys, lots, np.zeros(len(prices), np.uint32), prices


def prepare(world: World) -> Arrays:
    entry, lots, leverage = (np.array(column) for column in zip(*world.shorts, strict=True))
    posts = [tuple(np.array(book, np.uint32).T.copy() for book in posts) for posts in world.posts]
    return Arrays(
        orders_of(world.perp), orders_of(world.spot), entry, lots.astype(np.uint32), leverage, posts
    )


class Book:
    def __init__(self, orders: tuple[Any, ...]):
        self.env = core.StepEnvNumpy(1, 0, 1, 10**9)
        self.env.submit_limit_orders(orders)
        self.env.step()
        self.posted = None

    def mid(self) -> float:
        _, bid, ask = self.env.level_1_data()[:3].tolist()
        return self.env.get_trades()[-1][2] if ask == EMPTY else (bid + ask) / 2

    def take(self, lots: Any) -> int:
        """Market orders of so many lots each; what they fill."""
        n, env = len(lots), self.env
        zeros = np.zeros(n, np.uint32)
        env.submit_instructions(
            (zeros + NEW, zeros == 0, lots, zeros, zeros + np.uint32(EMPTY), np.zeros(n, np.uint64))
        )
        env.step()
        return int(env.level_1_data()[0])

    def repost(self, mid: int, posts: Any) -> None:
        above, lots = posts
        if self.posted is None:
            ids = self.env.submit_limit_orders(
                (SELLS[:POSTED], lots, NOBODY[:POSTED], above + np.uint32(mid))
            )
        else:
            prices, sizes, ids = NOBODY.copy(), NOBODY.copy(), np.zeros(2 * POSTED, np.uint64)
            prices[POSTED:], sizes[POSTED:], ids[:POSTED] = above + np.uint32(mid), lots, self.posted
            ids = self.env.submit_instructions((KINDS, SELLS, sizes, NOBODY, prices, ids))[POSTED:]
        self.env.step()
        self.posted = ids


def play(world: Arrays) -> Outcome:
    perp, spot = Book(world.perp), Book(world.spot)
    worth = world.entry * (1 + 1 / world.leverage)  # of one lot: what closing it may cost
    order = np.argsort(worth)
    thresholds, lots, worth = worth[order] / (1 + MAINTENANCE), world.lots[order], worth[order]
    fund, done, rounds = 0.0, 0, 0
    sold = perp.take(np.array([TRIGGER], np.uint32))
    before_cascade = len(perp.env.get_trades())
    spot.take(np.array([int(HEDGED * sold)], np.uint32))
    for posts in world.posts:
        rounds += 1
        middle = spot.mid()
        mark = (perp.mid() + middle) / 2
        perp.repost(int(middle), posts[0])
        spot.repost(int(middle), posts[1])
        reached = int(np.searchsorted(thresholds, mark, "right"))
        if reached <= done:
            break
        these = lots[done:reached]
        sold = perp.take(these)
        fund += float(these @ worth[done:reached]) - (int(these.sum()) - sold) * mark
        done = reached
        spot.take(np.array([int(HEDGED * sold)], np.uint32))
    fund -= sum(trade[2] * trade[3] for trade in perp.env.get_trades()[before_cascade:])
    return Outcome(done, rounds, mark, fund)
