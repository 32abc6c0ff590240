"""A picture of what one price series remembers and how heavy its tail is, with the depth of its books."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perpcore.plots._draw import GREY, LEGEND, ORANGE, PERP, SPOT, compact, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from perpcore.analysis.facts import Autocorrelation, DepthProfile
    from perpcore.plots._draw import Floats

FRAMED = {**LEGEND, "frameon": True, "framealpha": 0.8, "edgecolor": "none"}


def facts(
    returns: ArrayLike, *, depth: DepthProfile | None = None, lags: int = 60, tail: float = 0.01
) -> Figure:
    """Autocorrelations of returns and of absolute returns, the tail, and the depth of the book.

    Parameters
    ----------
    returns : array of shape (n,)
        As `perpcore.analysis.facts.bars` makes them.
    depth : DepthProfile, optional
        Of the same market; without one the picture has three panels.
    lags : int
        Of autocorrelations.
    tail : float
        Share of returns that Hill's exponent is measured on.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ScenarioError
        What `autocorrelation`, `volatility_clustering` and `hill` refuse.
    """
    from matplotlib import pyplot

    from perpcore.analysis.facts import autocorrelation, volatility_clustering

    values = np.asarray(returns, np.float64)
    linear, clustering = autocorrelation(values, lags), volatility_clustering(values, lags)
    count = 3 if depth is None else 4
    figure = pyplot.figure(figsize=(11, 3.8 * ((count + 1) // 2)), layout="constrained")
    panels = [figure.add_subplot(2, 2, place + 1) for place in range(count)]
    _memory(panels[0], linear, SPOT, "returns")
    dress(panels[0], f"Returns: {linear.outside:.0%} of lags outside, the first {linear.first} in a row")
    _memory(panels[1], clustering.autocorrelation, PERP, "absolute returns")
    mean = clustering.mean
    dress(panels[1], f"Absolute returns: mean {mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]")
    _tail(panels[2], values, tail)
    if depth is not None:
        _depth(panels[3], depth)
    return figure


def _memory(ax: Axes, found: Autocorrelation, colour: str, name: str) -> None:
    ax.fill_between(
        found.lag, found.low, found.high, color=GREY, alpha=0.25, lw=0, label="band of none, 95 %"
    )
    ax.vlines(found.lag, 0, found.value, color=colour, lw=1.5)
    ax.plot(found.lag, found.value, "o", ms=3, color=colour, label=name)
    ax.axhline(0, color=GREY, lw=0.8)
    ax.set_xlabel("lag (returns)")
    ax.set_ylabel("autocorrelation")
    ax.legend(loc="upper right", **FRAMED)


def _tail(ax: Axes, returns: Floats, tail: float) -> None:
    from perpcore.analysis.facts import hill

    found = hill(returns, tail)
    sizes = np.sort(np.abs(returns[returns != 0]))
    above = np.arange(len(sizes), 0, -1) / len(returns)
    start = int(np.searchsorted(above[::-1], tail, side="right"))
    begin = sizes[len(sizes) - start - 1]
    ax.loglog(sizes, above, ".", ms=3, color=SPOT, label="absolute returns")
    x = np.array([begin, sizes[-1]])
    ax.loglog(x, tail * (x / begin) ** -found.value, color=ORANGE, lw=1.8, label=f"power {-found.value:.2f}")
    ax.set_xlabel("absolute log return")
    ax.set_ylabel("share of returns beyond")
    interval = f"[{found.low:.2f}, {found.high:.2f}]"
    dress(ax, f"Hill exponent {found.value:.2f} {interval} of the {100 * tail:.3g} % tail")
    ax.legend(loc="lower left", **LEGEND)


def _depth(ax: Axes, depth: DepthProfile) -> None:
    sides = ((depth.bid, depth.bid_seen, SPOT, "bids"), (depth.ask, depth.ask_seen, ORANGE, "asks"))
    for value, seen, colour, name in sides:
        ax.plot(depth.within_bp, value, color=colour, lw=1.5, label=name)
        whole = seen >= 0.999
        ax.plot(depth.within_bp[whole], value[whole], "o", ms=5, color=colour)
        ax.plot(depth.within_bp[~whole], value[~whole], "o", ms=5, mfc="white", color=colour)
    ax.plot([], [], "o", ms=5, mfc="white", color=GREY, label="recorded levels end before")
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    compact(ax)
    ax.set_xlabel("distance from the mid (bp)")
    ax.set_ylabel("price times quantity within it")
    dress(ax, f"Depth, the mean of {depth.snapshots:,} books")
    ax.legend(loc="best", **LEGEND)
