"""Windows in which liquidations cluster, by one rule for recorded and simulated prints, and their branching.

Times are in seconds throughout. A venue's stream of liquidations has at most one order of a symbol each
second; `thin` makes simulated ones so. That hides what follows within the second, and lowers the fitted
branching ratio: of a true 0.6, 0.57 is left where the kernel's mean delay (``1 / beta``) is 10 s, 0.44 at 1 s
and 0.16 at 0.2 s (measured in tests/test_facts_squeezes.py). So thinned is to be compared with thinned only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perpcore._structs import problem, shown
from perpcore.analysis.facts._columns import rising, span, whole
from perpcore.analysis.facts.hawkes import LEAST_EVENTS, Hawkes, fit_hawkes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from perpcore.results import Run

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prints:
    """Forced orders in the order they came, as columns.

    Attributes
    ----------
    time : array of float
        Seconds: since 1970 (UTC) of recorded ones, since the start of a run's.
    symbol, side : array of str
        ``buy`` closes a short.
    qty, price : array of float
        Tokens that were ordered and the order's limit; of a run, tokens filled and their average price.
    """

    time: Floats
    symbol: NDArray[np.str_]
    side: NDArray[np.str_]
    qty: Floats
    price: Floats

    @property
    def notional(self) -> Floats:
        """Quantity times price, in quote currency."""
        return self.qty * self.price

    def __len__(self) -> int:
        return len(self.time)

    def by_symbol(self) -> dict[tuple[str, str], Floats]:
        """Times of each (symbol, side)."""
        keys = sorted(set(zip(self.symbol.tolist(), self.side.tolist(), strict=True)))
        return {(s, d): self.time[(self.symbol == s) & (self.side == d)] for s, d in keys}


@dataclass(frozen=True, slots=True)
class Window:
    """A squeeze: from the order that made it one, to the end of the pause (or the length) that ended it.

    Attributes
    ----------
    times : array of float
        Seconds, the orders that opened it first: those up to `start` are history, those after it are fitted.
    start, end : float
        Seconds.
    """

    times: Floats
    start: float
    end: float

    @property
    def events(self) -> int:
        """Orders after the one that opened it."""
        return int((self.times > self.start).sum())


def thin(times: ArrayLike, every_s: float = 1.0) -> Floats:
    """Keep the latest order of each started second, as a venue's stream does of one symbol.

    Parameters
    ----------
    times : array
        Seconds, not falling; equal ones are of one order fewer.
    every_s : float
        Length of what counts as a second.

    Raises
    ------
    ScenarioError
        Times that fall.
    """
    read = rising("times", times)
    # prints of steps of 0.1 s are at 0.30000000000000004 and the like: to the microsecond
    second = np.floor(np.round(read / span("every_s", every_s), 6))
    return read[np.append(second[1:] != second[:-1], True)] if len(read) else read


def squeeze_windows(
    times: ArrayLike,
    *,
    orders: int = 5,
    within_s: float = 60.0,
    pause_s: float = 300.0,
    length_s: float = 3_600.0,
    least: int = 5,
    every_s: float = 1.0,
) -> list[Window]:
    """Find the windows in which one symbol's liquidations of one side cluster.

    Thinned first. A window opens with the last of `orders` orders within `within_s` and closes after
    `pause_s` without any, or after `length_s`. Both moments are known when they come (stopping times), so
    that the likelihood of what lies between, given what was before, needs no correction for the choice; the
    orders that opened it are history, not evidence. Only `least` looks at what came: shorter windows, which
    say little, are dropped, which favours clustering.

    Parameters
    ----------
    times : array
        Seconds, not falling, of one symbol and side.
    orders : int
        That open a window, from 2.
    within_s, pause_s, length_s : float
        Seconds.
    least : int
        Orders after the opening one that a window has at least, from 1.
    every_s : float
        As `thin` takes it.

    Returns
    -------
    list of Window
        In order; none overlap.

    Raises
    ------
    ScenarioError
        Times that fall, figures that can't be.
    """
    kept = thin(times, every_s)
    orders, least = whole("orders", orders, 2), whole("least", least, 1)
    within_s, pause_s = span("within_s", within_s), span("pause_s", pause_s)
    length_s = span("length_s", length_s)
    windows, begin, at = [], 0, orders - 1
    while at < len(kept):
        if at - begin < orders - 1 or kept[at] - kept[at - orders + 1] > within_s:
            at += 1
            continue
        start, last = float(kept[at]), at
        stop = start + length_s
        while last + 1 < len(kept) and kept[last + 1] <= min(float(kept[last]) + pause_s, stop):
            last += 1
        end = min(float(kept[last]) + pause_s, stop)
        if last - at >= least:
            windows.append(Window(kept[at - orders + 1 : last + 1], start, end))
        begin, at = last + 1, last + 1
    return windows


def fit_squeezes(windows: Sequence[Window], *, confidence: float = 0.95) -> Hawkes:
    """Branching ratio of several windows together: one kernel, a rate from outside for each.

    Parameters
    ----------
    windows : sequence of Window
        With 20 orders after their opening ones at least, all together.
    confidence : float
        Of the intervals.

    Raises
    ------
    ScenarioError
        Too few orders; see `fit_hawkes`.
    """
    if not windows:
        raise problem("windows", "none", "at least one window; the prints have no squeeze of this rule")
    return fit_hawkes(
        # each from its own opening on: seconds since 1970 would cost the kernel its digits
        [window.times - window.start for window in windows],
        starts=[0.0] * len(windows),
        ends=[window.end - window.start for window in windows],
        confidence=confidence,
    )


def fit_each(windows: Mapping[str, Window], *, confidence: float = 0.95) -> dict[str, Hawkes]:
    """The fit of every window that has 20 orders or more after its opening one, by its name."""
    enough = {name: window for name, window in windows.items() if window.events >= LEAST_EVENTS}
    return {name: fit_squeezes([window], confidence=confidence) for name, window in enough.items()}


def liquidation_times(run: Run) -> Prints:
    """Prints of a simulated run through time: every forced order at the time of its step.

    Orders of one step share its time, so thin them. `price` is the average of what was filled, of an order
    that found nobody the mark.

    Parameters
    ----------
    run : Run

    Raises
    ------
    ScenarioError
        A run without time, in which all liquidations come at once.
    """
    if run.scenario.time is None:
        raise problem("run", shown(run.scenario.name), "a run through time (Scenario.time)")
    table, stages = run.liquidations, run.stages
    rounds = np.asarray(table["round"], dtype=np.int64)
    at = np.searchsorted(np.asarray(stages["round"]), rounds)
    filled = np.asarray(table["fill_price"], dtype=np.float64)
    price = np.where(np.isfinite(filled) & (filled > 0), filled, table["mark"])
    return Prints(
        time=np.asarray(stages["time"], dtype=np.float64)[at],
        symbol=np.full(len(rounds), run.scenario.name),
        # the table has the position's side; its order is the opposite
        side=np.where(np.asarray(table["side"]) == "short", "buy", "sell"),
        qty=np.asarray(table["filled_qty"], dtype=np.float64),
        price=price,
    )
