"""A day of LOBSTER data through the engine's book, compared with the published book after every message.

Two ways. *Stepwise*: before each message the book is set to the published one, one order a level; after it,
the levels that both know must agree. *Persistent*: one book lives through the day, order by order; it must
show the published levels after every message, and only what no message tells is taken from them: volume that
enters the published window unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from perpcore.sources.engine import BUY, SELL, EngineBook
from perpcore.sources.lobster_flow import EXECUTION, NEW, Flow, Message, Published, Side, Unseen

if TYPE_CHECKING:
    from perpcore.sources.lobster import Day

#: Rows that are turned into Python objects at once.
ROWS = 2048

#: Told now and then how many more messages are done.
Progress = Callable[[int], object]


@dataclass(slots=True, kw_only=True)
class Count:
    """What a replay has shown.

    Attributes
    ----------
    steps : int
        Messages that move the visible book (kinds 1 to 4) and have a book before them.
    unmoved : int
        Other messages (hidden executions, crosses, halts): the published book must stay as it was.
    mismatches : int
        Steps and others after which the books differ.
    first : int or None
        Line of the first of them.
    """

    steps: int = 0
    unmoved: int = 0
    mismatches: int = 0
    first: int | None = None

    def differs(self, line: int) -> None:
        """Note a mismatch."""
        self.mismatches += 1
        if self.first is None:
            self.first = line


@dataclass(slots=True, kw_only=True)
class Replay:
    """The verdict on a day: `stepwise`, `persistent`, and what entered or left the window `unseen`."""

    name: str
    levels: int
    messages: int
    stepwise: Count = field(default_factory=Count)
    persistent: Count = field(default_factory=Count)
    unseen: Unseen = field(default_factory=Unseen)

    @property
    def mismatches(self) -> int:
        """Of both ways."""
        return self.stepwise.mismatches + self.persistent.mismatches


def replay(day: Day, *, progress: Progress | None = None) -> Replay:
    """Play a day into the engine's book, both ways.

    Parameters
    ----------
    day : Day
    progress : callable, optional
        Called now and then with how many messages were done since; each message is done twice.

    Returns
    -------
    Replay
        `mismatches` is 0 if every published book was met.
    """
    found = Replay(name=day.name, levels=day.levels, messages=len(day.messages))
    _stepwise(day, found.stepwise, progress)
    _persistent(day, found, progress)
    return found


def tick(day: Day) -> int:
    """The step on which every visible price stands, in the file's unit."""
    book, flow = day.book, day.messages
    prices = [flow["price"][flow["kind"] <= EXECUTION]]
    prices += [book[f"{side}_price"][book[f"{side}_size"] > 0] for side in ("bid", "ask")]
    return max(1, int(np.gcd.reduce(np.concatenate(prices), initial=0)))


def _rows(day: Day, progress: Progress | None) -> Iterator[tuple[Message, Published]]:
    """Message by message what a day holds, as Python numbers."""
    unit = tick(day)
    for start in range(0, len(day.messages), ROWS):
        part = slice(start, start + ROWS)
        flow, book = day.messages[part], day.book[part]
        columns = [flow[name].tolist() for name in ("kind", "side", "order", "size")]
        messages = zip(*columns, (flow["price"] // unit).tolist(), strict=True)
        sides = [_side(book[f"{side}_price"] // unit, book[f"{side}_size"]) for side in ("bid", "ask")]
        for message, bids, asks in zip(messages, *sides, strict=True):
            yield Message(*message), (bids, asks)
        if progress is not None:
            progress(len(flow))


def _side(prices: np.ndarray, sizes: np.ndarray) -> Iterator[Side]:
    there = (sizes > 0).sum(axis=1).tolist()
    for many, price, size in zip(there, prices.tolist(), sizes.tolist(), strict=True):
        yield (price[:many], size[:many])


# ---- stepwise ----


class _Levels:
    """A book that is set to a published one: one order a level, known by side and price."""

    def __init__(self) -> None:
        self.engine = EngineBook()
        self._extra: list[int] = []

    def apply(self, message: Message) -> bool:
        """Do to the levels what the message says."""
        ref = _ref(message.side, message.price)
        if message.kind == NEW:
            there = ref in self.engine
            self._extra = [~ref] if there else []
            return self.engine.add(~ref if there else ref, message.side, message.price, message.size)
        if message.kind == EXECUTION:
            fills = self.engine.take(1 - message.side, message.price, message.size)
            return fills == [(ref, message.size)]
        return self.engine.reduce(ref, message.size)

    def shows(self, side: int, published: Side, levels: int) -> bool:
        """Whether it agrees with a published side as far as both go."""
        prices, sizes = self.engine.depth(side, levels)
        both = min(len(prices), len(published[0]))
        return prices[:both] == published[0][:both] and sizes[:both] == published[1][:both]

    def set(self, before: Published, after: Published, touched: Message | None) -> bool:
        """Become the published book; False if the engine cannot hold it."""
        for ref in self._extra:
            self.engine.cancel(ref)
        self._extra = []
        new = []
        for side in (BUY, SELL):
            moved = touched is not None and touched.side == side
            if before[side] == after[side] and not moved:
                continue
            old, now = dict(zip(*before[side], strict=True)), dict(zip(*after[side], strict=True))
            changed = {price for price, _ in old.items() ^ now.items()}
            if touched is not None and moved:
                changed.add(touched.price)
            for price in changed:
                self.engine.cancel(_ref(side, price))
            new += [(_ref(side, price), side, price, now[price]) for price in changed if price in now]
        held = [self.engine.add(*order) for order in new]
        return all(held)


def _ref(side: int, price: int) -> int:
    return 2 * price + side


def _stepwise(day: Day, count: Count, progress: Progress | None) -> None:
    """Every message on the published book before it."""
    levels, book = day.levels, _Levels()
    before: Published = (([], []), ([], []))
    for line, (message, after) in enumerate(_rows(day, progress), 1):
        moves = message.kind <= EXECUTION
        agrees = True
        if line > 1:
            count.steps += moves
            count.unmoved += not moves
            if moves:
                agrees = book.apply(message)
            agrees &= all(book.shows(side, after[side], levels) for side in (BUY, SELL))
            agrees &= moves or before == after
        if not (book.set(before, after, message if line > 1 else None) and agrees):
            count.differs(line)
        before = after


# ---- persistent ----


def _persistent(day: Day, found: Replay, progress: Progress | None) -> None:
    """One book for the whole day."""
    flow, count = Flow(day.levels, found.unseen), found.persistent
    before: Published = (([], []), ([], []))
    for line, (message, after) in enumerate(_rows(day, progress), 1):
        if line == 1:
            agrees = flow.open(after)
        else:
            moves = message.kind <= EXECUTION
            count.steps += moves
            count.unmoved += not moves
            agrees = flow.apply(message) if moves else True
            agrees &= flow.settle(before, after)
        if not agrees:
            count.differs(line)
        before = after
