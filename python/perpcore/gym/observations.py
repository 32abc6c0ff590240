"""What an agent sees: every component with its unit and bounds, in one flat array."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore.simulation import Inventory, Simulation
    from perpcore.venues import Funding

#: Bounds of shares of the mark below and above it, of logarithms of quantities, and of shares of the capital.
DOWN, UP, MANY, RICH = -1.0, 10.0, 30.0, 1e6

_BOOKS: tuple[tuple[Literal["spot", "perp"], Literal["bid", "ask"]], ...] = (
    ("spot", "bid"),
    ("spot", "ask"),
    ("perp", "bid"),
    ("perp", "ask"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Component:
    """A number of the observation: what it is, and the bounds it is cut to."""

    name: str
    meaning: str
    low: float
    high: float


_ZERO = np.zeros(1)

#: Before those of the books and of the liquidations ahead.
SCALARS = (
    Component("time_left", "of the episode; a share of it", 0, 1),
    Component("mark", "mark price: ln(mark / start price)", -MANY, MANY),
    Component("mark_move", "ln(mark / mark of the last observation)", -MANY, MANY),
    Component("index", "index price / mark - 1", DOWN, UP),
    Component("spot_last", "last trade in spot / mark - 1", DOWN, UP),
    Component("perp_last", "last trade in the perpetual / mark - 1", DOWN, UP),
    Component("basis", "last of the perpetual less last of spot, / mark", -UP, UP),
    Component("funding_rate", "paid last, of an interval, in percent; 0 before", -100, 100),
    Component("funding_in", "time to the next payment, in intervals; 1 without funding", 0, 1),
    Component("open_interest", "all longs at the mark: ln(1 + worth / capital)", 0, MANY),
    Component("position", "own position at the mark / capital; below 0 if short", -RICH, RICH),
    Component("tokens", "own tokens at the last spot price / capital", 0, RICH),
    Component("balance", "of the account at the venue / capital", -RICH, RICH),
    Component("equity", "of the account at the venue, at the mark / capital", -RICH, RICH),
    Component("profit", "since the reset / capital", -RICH, RICH),
    Component("cushion", "equity / worth of the position at the mark; 1 without one", -1, 1),
    Component("order", "worth of max_order at the mark / capital", 0, RICH),
    Component("bid_filled", "own bid filled in the last action / max_order", 0, 1),
    Component("ask_filled", "own ask filled in the last action / max_order", 0, 1),
)


def components(levels: int, reaches: Sequence[float]) -> tuple[Component, ...]:
    """All of them, in the order of the observation."""
    found = list(SCALARS)
    for market, side in _BOOKS:
        gone = DOWN if side == "bid" else UP
        for i in range(levels):
            where = f"{market}_{side}_{i}"
            gap = f"price of level {i} of the {side}s in {market} / mark - 1; {gone:g} if there is none"
            qty = "tokens there: ln(1 + qty / max_order); 0 if there is none"
            found += [Component(f"{where}_price", gap, DOWN, UP), Component(f"{where}_qty", qty, 0, MANY)]
    for whose, where in (("shorts", "above"), ("longs", "below")):
        for reach in reaches:
            meaning = f"{whose} that break within {reach:g} of the mark {where}: ln(1 + notional / capital)"
            found.append(Component(f"fuel_{where}_{reach:g}", meaning, 0, MANY))
    return tuple(found)


class Payments:
    """When funding is paid, as an observer reckons it: by the interval, and by the rate paid last.

    Where one action spans several payments and the venue shortens its intervals under stress, the time may be
    late by what fell between.
    """

    def __init__(self, funding: Funding | None) -> None:
        self._funding = funding
        self._interval = float(funding.interval_h) * 3600 if funding else math.inf
        first = funding.next_in_s if funding else None
        self._next = self._interval if first is None else float(first)

    def left(self, ended: float, began: float, rate: float) -> float:
        """Intervals to the next payment, at second `ended`, the last step having begun at `began`."""
        if self._funding is None:
            return 1.0
        if began >= self._next:
            bound = self._funding.stress_above
            if bound is not None and abs(rate) > float(bound):
                self._interval = float(self._funding.stress_interval_h) * 3600
            self._next += self._interval * (math.floor((began - self._next) / self._interval) + 1)
        return max(0.0, (self._next - ended) / self._interval)


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What an observation needs beside the simulation, which does not know it."""

    held: Inventory
    profit: float  # since the reset
    time_left: float
    began: float  # second at which the last step began
    bid_filled: float
    ask_filled: float


class Observer:
    """Looks at a simulation for an agent; one for each episode."""

    def __init__(
        self, sim: Simulation, *, capital: float, max_order: float, levels: int, reaches: NDArray[np.float64]
    ) -> None:
        self._sim, self._capital, self._max_order = sim, capital, max_order
        self._levels, self._reaches = levels, reaches
        self._furthest = float(reaches[-1])
        self._payments = Payments(sim.scenario.venue.funding)
        parts = components(levels, reaches.tolist())
        self._low = np.array([part.low for part in parts])
        self._high = np.array([part.high for part in parts])
        # Of a book that is empty: no prices, no quantities.
        self._empty = np.zeros(len(parts))
        for side in range(len(_BOOKS)):
            start = len(SCALARS) + 2 * levels * side
            self._empty[start : start + 2 * levels : 2] = DOWN if _BOOKS[side][1] == "bid" else UP
        self._start, self._mark = sim.mark, 0.0  # no mark was seen yet

    def look(self, seen: Seen) -> NDArray[np.float32]:
        """The observation."""
        sim, values = self._sim, self._empty.copy()
        mark = sim.mark
        self._mark = self._mark or mark
        values[: len(SCALARS)] = self._scalars(seen, mark)
        at, levels = len(SCALARS), self._levels
        for market, side in _BOOKS:
            book = sim.spot if market == "spot" else sim.perp
            prices, sizes = book.depth(side, levels=levels)
            end = at + 2 * len(prices)
            values[at:end:2] = prices / mark - 1
            values[at + 1 : end : 2] = np.log1p(sizes / self._max_order)
            at += 2 * levels
        values[at:] = self._fuel(mark)
        self._mark = mark
        cut: NDArray[np.float64] = np.minimum(np.maximum(values, self._low), self._high)
        return cut.astype(np.float32)

    def _scalars(self, seen: Seen, mark: float) -> tuple[float, ...]:
        sim, held, capital = self._sim, seen.held, self._capital
        spot, perp, rate, ended = sim.spot.last, sim.perp.last, sim.funding_rate, sim.time
        worth = held.qty * mark
        return (
            seen.time_left,
            math.log(mark / self._start),
            math.log(mark / self._mark),
            sim.index / mark - 1,
            spot / mark - 1,
            perp / mark - 1,
            (perp - spot) / mark,
            100 * rate,
            self._payments.left(ended, seen.began, rate),
            math.log1p(sim.open_interest * mark / capital),
            worth / capital,
            held.tokens * spot / capital,
            held.balance / capital,
            held.equity / capital,
            seen.profit / capital,
            held.equity / abs(worth) if worth else 1.0,
            self._max_order * mark / capital,
            seen.bid_filled / self._max_order,
            seen.ask_filled / self._max_order,
        )

    def _fuel(self, mark: float) -> NDArray[np.float64]:
        """What breaks within each reach above the mark, then below it."""
        ahead = self._sim.thresholds(self._furthest)
        if not len(ahead):
            return np.zeros(2 * len(self._reaches))
        # Longs below the mark come first, then shorts above it, each from the mark away.
        price, notional = ahead["price"], ahead["notional"]
        longs = int(np.count_nonzero(price < mark))
        sums = np.concatenate((_ZERO, np.cumsum(notional)))
        # A threshold at a reach exactly is within it, whatever its quotient was rounded to.
        bounds = self._reaches * (mark * (1 + 1e-9))
        above = sums[longs + np.searchsorted(price[longs:], mark + bounds, side="right")] - sums[longs]
        below = sums[np.searchsorted(-price[:longs], bounds - mark, side="right")]
        return np.log1p(np.concatenate((above, below)) / self._capital)
