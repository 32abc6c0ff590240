"""Pictures of what a run through time records: its series, those who act, and liquidations ahead."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from perpcore._structs import problem
from perpcore.plots._draw import (
    AMBER,
    GREEN,
    GREY,
    INK,
    LEGEND,
    ORANGE,
    PERP,
    PUSH,
    SKY,
    SPOT,
    axes,
    compact,
    dress,
    short,
    time_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perpcore.plots._draw import Floats
    from perpcore.results import Run

COLOURS = (SPOT, ORANGE, GREEN, PERP, AMBER, SKY, INK, GREY)
STYLES = ("-", "--", ":", "-.")
FLOATS = {"free": SKY, "locked": GREEN, "whale": ORANGE, "hedge": PERP}
FRAMED = {**LEGEND, "frameon": True, "framealpha": 0.8, "edgecolor": "none"}
SERIES_SIZE, AGENTS_SIZE, HEAT_MAP_SIZE = (11.0, 13.0), (11.0, 10.0), (11.0, 6.0)
REACH = 0.5  # of the highest and below the lowest mark that the heat map shows


def series(run: Run) -> Figure:
    """Prices, basis and funding, open interest, volumes, and who holds the float.

    Parameters
    ----------
    run : Run
        Through time.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ScenarioError
        An instant cascade.
    """
    from matplotlib import pyplot

    _check(run)
    return series_on(pyplot.figure(figsize=SERIES_SIZE, layout="constrained"), run)


def series_on(figure: Figure, run: Run) -> Figure:
    """`series` on a figure."""
    x, label = _times(run, run.series["time"])
    panels = figure.subplots(5, 1, sharex=True, height_ratios=[1.6, 1, 1, 1, 1])
    for panel, draw in zip(panels, (_prices, _basis, _interest, _volumes, _floats), strict=True):
        draw(panel, run, x)
        panel.margins(x=0)
    panels[-1].set_xlabel(label)
    figure.suptitle(run.scenario.name or "a run", x=0.012, ha="left", fontsize=13, fontweight="bold")
    return figure


def agents(run: Run) -> Figure:
    """Position, tokens and profit of each of those who act.

    Parameters
    ----------
    run : Run
        Through time.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ScenarioError
        An instant cascade.
    """
    from matplotlib import pyplot

    _check(run)
    return agents_on(pyplot.figure(figsize=AGENTS_SIZE, layout="constrained"), run)


def agents_on(figure: Figure, run: Run) -> Figure:
    """`agents` on a figure."""
    x, label = _times(run, run.series["time"])
    panels = figure.subplots(3, 1, sharex=True)
    contracts, _ = run.scenario.venue.units
    held = [*_each(run)]
    columns = (("qty", f"position ({contracts})"), ("tokens", "tokens, less those at the start"))
    for panel, (column, name) in zip(panels, (*columns, ("profit", "profit (quote)")), strict=True):
        for agent, colour, style, rows in held:
            values = rows[column] - rows[column][0] if column == "tokens" else rows[column]
            if values.any():
                panel.plot(x, values, color=colour, ls=style, lw=1.5, label=agent)
        panel.axhline(0, color=GREY, lw=0.8)
        panel.set_ylabel(name)
        compact(panel)
        panel.margins(x=0)
    last = {agent: float(rows["profit"][-1]) for agent, _, _, rows in held}
    best, worst = max(last, key=last.__getitem__), min(last, key=last.__getitem__)
    dress(panels[0], "What they hold in the perpetual")
    dress(panels[1], "What they bought in spot, or sold")
    dress(panels[2], f"Best: {best} with {short(last[best])}; worst: {worst} with {short(last[worst])}")
    seen = dict(
        pair for panel in panels for pair in zip(*reversed(panel.get_legend_handles_labels()), strict=True)
    )
    figure.legend(seen.values(), seen.keys(), loc="outside right upper", **LEGEND)
    panels[-1].set_xlabel(label)
    figure.suptitle(run.scenario.name or "a run", x=0.012, ha="left", fontsize=13, fontweight="bold")
    return figure


def heat_map(run: Run, ax: Axes | None = None) -> Axes:
    """Liquidations ahead over time, by price, with the mark on top.

    Parameters
    ----------
    run : Run
        Through time.
    ax : matplotlib.axes.Axes, optional
        New ones if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ScenarioError
        An instant cascade.
    """
    from matplotlib.colors import PowerNorm

    times, mark = run.series["time"], run.series["mark"]
    x, label = _times(run, times)
    ax = axes(ax)
    low, high = (1 - REACH) * mark.min(), (1 + REACH) * mark.max()
    edges, grids = _grids(run)
    bounds = np.append(x, x[-1] + (x[-1] - x[-2] if len(x) > 1 else 1))
    largest = max((float(grid.max(initial=0)) for grid in grids.values()), default=0.0)
    figure = ax.get_figure()
    for (name, grid), colours in zip(grids.items(), ("Oranges", "Blues"), strict=True):
        if not grid.any():
            continue
        shown = np.ma.masked_equal(grid, 0)
        mesh = ax.pcolormesh(bounds, edges, shown, cmap=colours, norm=PowerNorm(0.4, 0, largest))
        mesh.set_rasterized(True)
        if figure is not None:
            bar = figure.colorbar(mesh, ax=ax, pad=0.02, label=f"{name} (quote)")
            compact(bar.ax)
    ax.plot(x, mark, color=PUSH, lw=1.4, label="mark")
    ax.set_ylim(min(max(low, edges[0]), 0.97 * mark.min()), max(min(high, edges[-1]), 1.03 * mark.max()))
    ax.set_xlim(x[0], bounds[-1])
    ax.set_xlabel(label)
    ax.set_ylabel("price (quote per token)")
    dress(ax, f"Liquidations ahead: {short(largest)} in a bucket of {edges[1] - edges[0]:.3g} at most")
    ax.grid(False)
    ax.legend(loc="best", **FRAMED)
    return ax


def _check(run: Run) -> None:
    """Refuse an instant cascade, before a figure is open."""
    if run.scenario.time is None:
        raise problem("time", None, "a run through time: pictures of its series need one")


def _times(run: Run, seconds: Floats) -> tuple[Floats, str]:
    """Where times stand on the axis, and what it says."""
    _check(run)
    unit, name = time_unit(float(seconds[-1]))
    return seconds / unit, f"time ({name})"


def _prices(ax: Axes, run: Run, x: Floats) -> None:
    table = run.series
    ax.plot(x, table["index"], color=GREY, lw=1, ls="--", label="index")
    ax.plot(x, table["spot_last"], color=SPOT, lw=1.5, label="spot, last trade")
    ax.plot(x, table["perp_last"], color=PERP, lw=1.5, label="perpetual, last trade")
    ax.plot(x, table["mark"], color=INK, lw=1, label="mark")
    ax.set_ylabel("price (quote per token)")
    s = run.summary
    way = f"{s['start_price']:,.6g} to {s['final_price']:,.6g}"
    dress(ax, f"Spot goes from {way}, its peak is {s['peak_price']:,.6g}")
    ax.legend(loc="best", ncols=2, **LEGEND)


def _basis(ax: Axes, run: Run, x: Floats) -> None:
    table = run.series
    basis, spot = table["basis"], table["spot_last"]
    ax.fill_between(x, basis, color=PERP, alpha=0.35, lw=0, label="basis")
    ax.plot(x, basis, color=PERP, lw=1)
    ax.set_ylabel("basis (quote per token)")
    widest = int(np.abs(basis).argmax())
    share = 100 * basis[widest] / spot[widest]
    title = f"The basis is widest at {basis[widest]:+.3g}, {share:+.3g} % of spot"
    paid = run.summary["funding_positive_share"]
    if np.isfinite(paid):
        right = ax.twinx()
        right.step(x, 100 * table["funding_rate"], color=INK, lw=1.2, where="post")
        right.set_ylabel("funding (% an interval)")
        right.spines[["top"]].set_visible(False)
        ax.plot([], [], color=INK, lw=1.2, label="funding rate paid last (right)")
        _in_front(ax, right)
        title += f", longs pay funding in {paid:.0%} of payments"
    dress(ax, title)
    ax.legend(loc="best", **FRAMED)


def _interest(ax: Axes, run: Run, x: Floats) -> None:
    table = run.series
    contracts, _ = run.scenario.venue.units
    ax.plot(x, table["open_interest"], color=PERP, lw=1.6, label="open interest")
    ax.set_ylabel(f"open interest ({contracts})")
    ax.set_ylim(bottom=0)
    compact(ax)
    peak = short(run.summary["peak_open_interest"])
    liquidated = np.cumsum(table["liquidated_notional"])
    title = f"Open interest peaks at {peak} {contracts}"
    if liquidated[-1] > 0:
        right = ax.twinx()
        right.fill_between(x, liquidated, color=ORANGE, alpha=0.3, lw=0, step="pre")
        right.set_ylabel("liquidated so far (quote)")
        right.set_ylim(bottom=0)
        right.spines[["top"]].set_visible(False)
        compact(right)
        _in_front(ax, right)
        ax.fill_between([], [], color=ORANGE, alpha=0.3, lw=0, label="liquidated (right)")
        title += f", {short(float(liquidated[-1]))} are liquidated"
    dress(ax, title)
    ax.legend(loc="best", **FRAMED)


def _in_front(ax: Axes, of: Axes) -> None:
    """Lines and legend lie above what the other axis shows."""
    ax.set_zorder(of.get_zorder() + 1)
    ax.patch.set_visible(False)


def _volumes(ax: Axes, run: Run, x: Floats) -> None:
    table = run.series
    contracts, _ = run.scenario.venue.units
    for column, name, colour in (("spot_volume", "spot", SPOT), ("perp_volume", "perpetual", PERP)):
        ax.step(x, table[column], color=colour, lw=1.2, where="pre", label=name)
    ax.set_ylabel("volume between samples")
    ax.set_ylim(bottom=0)
    compact(ax)
    s = run.summary
    spot, perp = short(s["spot_volume"]), short(s["perp_volume"])
    dress(ax, f"{spot} tokens are traded in spot, {perp} {contracts} in the perpetual")
    ax.legend(loc="best", **FRAMED)


def _floats(ax: Axes, run: Run, x: Floats) -> None:
    table = run.series
    whole = table["circulating"]
    parts = {name: table[f"{name}_float"] / whole for name in FLOATS}
    held = {name: part for name, part in parts.items() if part.any()}
    ax.stackplot(
        x,
        *(100 * part for part in held.values()),
        colors=[FLOATS[name] for name in held],
        labels=[*held],
        lw=0,
    )
    ax.set_ylabel("of circulating tokens (%)")
    ax.set_ylim(0, 100)
    free = parts["free"]
    dress(ax, f"The free float goes from {free[0]:.1%} of circulating tokens to {free[-1]:.1%}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True, **LEGEND)


def _each(run: Run) -> Iterator[tuple[str, str, str, dict[str, Floats]]]:
    """Name, colour and line of each of those who act, and its rows."""
    table = run.agents
    each = table["agent"]
    names = [str(name) for name in each[: int(np.searchsorted(table["time"], table["time"][0], "right"))]]
    looks = cycle((colour, style) for style in STYLES for colour in COLOURS)
    for at, (name, (colour, style)) in enumerate(zip(names, looks, strict=False)):
        rows = slice(at, None, len(names))
        yield name, colour, style, {column: table[column][rows] for column in ("qty", "tokens", "profit")}


def _grids(run: Run) -> tuple[Floats, dict[str, Floats]]:
    """Edges of the buckets of prices, and what is liquidated in each at each time: shorts, longs."""
    exact, table = run.exact("series"), run.heat_map
    start = int(exact["mark"][0])
    bucket = float(run.series["mark"][0]) / start * max(1, start // 100)
    rows = np.rint(table["price"] / bucket).astype(np.int64)
    first, last = (int(rows.min()), int(rows.max())) if len(rows) else (0, 0)
    columns = np.searchsorted(run.series["time"], table["time"])
    grids: dict[str, Floats] = {}
    for name in ("short", "long"):
        grid = np.zeros((last - first + 1, len(run.series)))
        grid[rows - first, columns] = table[f"{name}_notional"]
        grids[f"{name}s"] = grid
    return np.arange(first, last + 2, dtype=np.float64) * bucket, grids
