"""What books look like: the spread, and how much rests how far from the mid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perpcore._structs import problem
from perpcore.analysis.facts._columns import rising, span

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from perpcore.analysis.facts._columns import Floats

    Mask = NDArray[np.bool_]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
WITHIN_BP = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
FIELDS = ("bid_price", "bid_qty", "ask_price", "ask_qty")


@dataclass(frozen=True, slots=True)
class Spreads:
    """Spreads in one unit, over all snapshots with both sides.

    Attributes
    ----------
    mean, median : float
    quantiles : dict of float to float
        5, 25, 50, 75 and 95 %: spreads that were there, the least with so much time (or so many snapshots) up
        to them.
    """

    mean: float
    median: float
    quantiles: dict[float, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """The quoted spread: best ask less best bid.

    Attributes
    ----------
    price : Spreads
        In the unit of prices.
    bp : Spreads
        In hundredths of a percent of the mid.
    ticks : Spreads or None
        In ticks; None where no tick was given.
    snapshots : int
        With both sides, which is what was measured.
    one_sided : int
        Without a bid or without an ask; left out.
    time_weighted : bool
        Each snapshot counts for as long as it stood, the last for nothing.
    """

    price: Spreads
    bp: Spreads
    ticks: Spreads | None
    snapshots: int
    one_sided: int
    time_weighted: bool


@dataclass(frozen=True, slots=True, eq=False)
class DepthProfile:
    """What rests within a distance of the mid, on average; arrays of one value a distance.

    Attributes
    ----------
    within_bp : numpy.ndarray
        Distances from the mid, hundredths of a percent of it; what is at the distance itself is in.
    bid, ask : numpy.ndarray
        Mean of price times quantity.
    bid_qty, ask_qty : numpy.ndarray
        Mean quantity.
    bid_seen, ask_seen : numpy.ndarray
        Share of snapshots whose recorded levels reach so far; where it is below 1 the mean is too small.
    snapshots : int
        With both sides, which is what was measured.
    one_sided : int
        Without a bid or without an ask; left out.
    time_weighted : bool
        Each snapshot counts for as long as it stood, the last for nothing.
    """

    within_bp: Floats
    bid: Floats
    ask: Floats
    bid_qty: Floats
    ask_qty: Floats
    bid_seen: Floats
    ask_seen: Floats
    snapshots: int
    one_sided: int
    time_weighted: bool


class _Books(NamedTuple):
    """Books with both sides; prices are nan where no level is, quantities 0."""

    bid_price: Floats
    bid_qty: Floats
    ask_price: Floats
    ask_qty: Floats
    weight: Floats
    one_sided: int
    timed: bool

    @property
    def mid(self) -> Floats:
        middle: Floats = (self.bid_price[:, 0] + self.ask_price[:, 0]) / 2
        return middle


def padded(sides: Sequence[tuple[ArrayLike, ArrayLike]]) -> tuple[Floats, Floats]:
    """Levels of a side at several times as two arrays of one shape, as `spread` and `depth_profile` take.

    Parameters
    ----------
    sides : sequence of (prices, quantities)
        From the best price away, as ``sim.spot.depth("bid")`` returns them; however many levels each.

    Returns
    -------
    price, qty : numpy.ndarray
        Shape (snapshots, levels); where a side had fewer levels, nan and 0.

    Examples
    --------
    >>> pc.analysis.facts.padded([([9.9, 9.8], [5, 7]), ([9.7], [3])])
    (array([[9.9, 9.8],
           [9.7, nan]]), array([[5., 7.],
           [3., 0.]]))
    """
    read = [(np.asarray(price, np.float64), np.asarray(qty, np.float64)) for price, qty in sides]
    for row, (price, qty) in enumerate(read):
        if price.ndim != 1 or price.shape != qty.shape:
            said = f"prices of shape {price.shape} and quantities of {qty.shape}"
            raise problem(f"sides[{row}]", said, "two columns of one length")
    levels = max((len(price) for price, _ in read), default=0)
    prices, qtys = np.full((len(read), levels), np.nan), np.zeros((len(read), levels))
    for row, (price, qty) in enumerate(read):
        prices[row, : len(price)], qtys[row, : len(qty)] = price, qty
    return prices, qtys


def spread(
    bid_price: ArrayLike,
    bid_qty: ArrayLike,
    ask_price: ArrayLike,
    ask_qty: ArrayLike,
    *,
    tick_size: float | None = None,
    time: ArrayLike | None = None,
) -> Spread:
    """The quoted spread over many books.

    Parameters
    ----------
    bid_price, bid_qty, ask_price, ask_qty : array of shape (snapshots, levels)
        From the best price away; a level that is not there has the quantity 0 or nan, whatever its price.
        The two sides may have different numbers of levels.
    tick_size : float, optional
        In the unit of prices.
    time : array of shape (snapshots,), optional
        Of each snapshot, seconds; then each counts for as long as it stood.

    Returns
    -------
    Spread

    Raises
    ------
    ScenarioError
        Shapes that do not fit, prices not above 0, levels in the wrong order, a bid above the ask, no
        snapshot with both sides, times that fall or are all the same.

    Examples
    --------
    >>> pc.analysis.facts.spread([[9.9]], [[5]], [[10.1]], [[5]], tick_size=0.1).bp.mean.__round__(6)
    200.0
    """
    books = _read((bid_price, bid_qty, ask_price, ask_qty), time)
    apart = books.ask_price[:, 0] - books.bid_price[:, 0]
    ticks = None
    if tick_size is not None:
        tick = span("tick_size", tick_size, allowed="a finite number, more than 0")
        ticks = _law(np.round(apart / tick, 9), books.weight)
    return Spread(
        price=_law(apart, books.weight),
        bp=_law(10_000 * apart / books.mid, books.weight),
        ticks=ticks,
        snapshots=len(apart),
        one_sided=books.one_sided,
        time_weighted=books.timed,
    )


def depth_profile(
    bid_price: ArrayLike,
    bid_qty: ArrayLike,
    ask_price: ArrayLike,
    ask_qty: ArrayLike,
    *,
    within_bp: ArrayLike = WITHIN_BP,
    time: ArrayLike | None = None,
) -> DepthProfile:
    """What rests within distances of the mid, the mean over many books.

    Parameters
    ----------
    bid_price, bid_qty, ask_price, ask_qty : array of shape (snapshots, levels)
        As `spread` takes them.
    within_bp : array of float
        Distances, hundredths of a percent of the mid.
    time : array of shape (snapshots,), optional
        As `spread` takes it.

    Returns
    -------
    DepthProfile
        Its `bid_seen` and `ask_seen` say where the recorded levels end before the distance does: a side whose
        every level is filled may go on beyond the last.

    Raises
    ------
    ScenarioError
        What `spread` refuses; distances that are not above 0, or do not rise.
    """
    wanted = np.atleast_1d(np.asarray(within_bp, np.float64))
    if wanted.ndim != 1 or not len(wanted) or not np.isfinite(wanted).all() or wanted[0] <= 0:
        raise problem("within_bp", wanted.tolist(), "finite numbers, more than 0")
    if (np.diff(wanted) <= 0).any():
        raise problem("within_bp", wanted.tolist(), "numbers that rise")
    books = _read((bid_price, bid_qty, ask_price, ask_qty), time)
    bid = _side(books.bid_price, books.bid_qty, books, wanted)
    ask = _side(books.ask_price, books.ask_qty, books, wanted)
    return DepthProfile(
        within_bp=wanted,
        bid=bid[0],
        ask=ask[0],
        bid_qty=bid[1],
        ask_qty=ask[1],
        bid_seen=bid[2],
        ask_seen=ask[2],
        snapshots=len(books.weight),
        one_sided=books.one_sided,
        time_weighted=books.timed,
    )


def _side(price: Floats, qty: Floats, books: _Books, within: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean value and quantity within each distance, and the share of snapshots that reach it."""
    away = 10_000 * np.abs(price / books.mid[:, None] - 1)
    value = np.where(qty > 0, price * qty, 0.0)
    last = np.where(qty[:, -1] > 0, away[:, -1], np.inf)
    found = np.empty((3, len(within)))
    for i, distance in enumerate(within):
        inside = away <= distance * (1 + 1e-12) + 1e-9
        found[0, i] = books.weight @ np.where(inside, value, 0.0).sum(axis=1)
        found[1, i] = books.weight @ np.where(inside, qty, 0.0).sum(axis=1)
        found[2, i] = books.weight @ (last * (1 + 1e-12) + 1e-9 >= distance)
    return found[0], found[1], np.minimum(found[2], 1.0)


def _read(given: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], time: ArrayLike | None) -> _Books:
    """The books with both sides, and how much each counts."""
    sides = []
    for name, (price, qty), away in (("bid", given[:2], -1), ("ask", given[2:], 1)):
        sides.append(_levels(name, price, qty, away))
    (bids, bid_qty), (asks, ask_qty) = sides
    if len(bids) != len(asks):
        raise problem("ask_price", f"{len(asks):,} snapshots", f"{len(bids):,}, as many as of bids")
    weight = np.ones(len(bids))
    if time is not None:
        times = rising("time", time, length=len(bids))
        weight = np.append(np.diff(times), 0.0)
    both = np.isfinite(bids[:, 0]) & np.isfinite(asks[:, 0])
    if not both.any():
        raise problem(
            "ask_price", f"{len(bids):,} snapshots, none with both sides", "one with a bid and an ask"
        )
    crossed = np.flatnonzero(both & (bids[:, 0] > asks[:, 0]))
    if len(crossed):
        row = int(crossed[0])
        said = f"{bids[row, 0]:.15g} in snapshot {row:,}"
        raise problem("bid_price", said, f"at most the ask price, {asks[row, 0]:.15g}")
    if weight[both].sum() <= 0:
        raise problem("time", "no time between snapshots with both sides", "times that rise")
    kept = weight[both] / weight[both].sum()
    one_sided = int((~both).sum())
    return _Books(bids[both], bid_qty[both], asks[both], ask_qty[both], kept, one_sided, time is not None)


def _levels(name: str, price: ArrayLike, qty: ArrayLike, away: int) -> tuple[Floats, Floats]:
    """A side with nan and 0 where no level is; what stands out of order is refused."""
    prices, qtys = np.asarray(price, np.float64), np.asarray(qty, np.float64)
    for field, array in ((f"{name}_price", prices), (f"{name}_qty", qtys)):
        if array.ndim != 2 or not array.size:
            raise problem(field, f"an array of shape {array.shape}", "one of shape (snapshots, levels)")
    if prices.shape != qtys.shape:
        raise problem(f"{name}_qty", f"an array of shape {qtys.shape}", f"that of the prices, {prices.shape}")
    there = ~np.isnan(qtys) & (qtys != 0)
    _refuse(f"{name}_qty", qtys, there & ~((qtys > 0) & np.isfinite(qtys)), "0 or more, or nan for no level")
    _refuse(f"{name}_price", prices, there & ~((prices > 0) & np.isfinite(prices)), "more than 0")
    _refuse(
        f"{name}_price", prices[:, 1:], there[:, 1:] & ~there[:, :-1], "none behind one that is not there", 1
    )
    prices = np.where(there, prices, np.nan)
    order = there[:, 1:] & ~(away * np.diff(np.where(there, prices, 0.0), axis=1) > 0)
    _refuse(f"{name}_price", prices[:, 1:], order, "a price beyond that of the level before it", 1)
    return prices, np.where(there, qtys, 0.0)


def _refuse(field: str, values: Floats, bad: Mask, allowed: str, offset: int = 0) -> None:
    found = np.argwhere(bad)
    if len(found):
        row, level = map(int, found[0])
        said = f"{values[row, level]:.15g} at level {level + offset} of snapshot {row:,}"
        raise problem(field, said, allowed)


def _law(values: Floats, weight: Floats) -> Spreads:
    """Mean and quantiles of what counts so much."""
    order = np.argsort(values, kind="stable")
    upto = weight[order].cumsum()
    at = np.searchsorted(upto, np.array(QUANTILES) * upto[-1] * (1 - 1e-12))
    found = values[order][np.minimum(at, len(values) - 1)]
    quantiles = dict(zip(QUANTILES, map(float, found), strict=True))
    return Spreads(float(weight @ values), quantiles[0.5], quantiles)
