"""Pictures of one run, round by round or through time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perpcore._structs import problem, shown
from perpcore.plots import through_time
from perpcore.plots._draw import (
    GREEN,
    GREY,
    INK,
    LEGEND,
    ORANGE,
    PERP,
    PUSH,
    SKY,
    SPOT,
    Clock,
    axes,
    check_ending,
    compact,
    count,
    dress,
    short,
    whole_numbers,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from perpcore.results import Run, Table

    Floats = NDArray[np.float64]

#: What `RunPlots.save` can write.
Page = Literal["rounds", "series", "agents", "heat_map"]

KINDS = {"liquidated": ORANGE, "stopped": GREEN, "taken over": SKY}
ATTACKER, MARKET_MAKER = 0, 1
MAX_COLUMNS, MAX_ROWS = 80, 70  # of rounds and of prices, into which batches are gathered
MAX_LEVELS = 200_000  # of a side of a book that are looked at
PAGES: dict[Page, tuple[float, float]] = {
    "rounds": (11.0, 8.2),
    "series": through_time.SERIES_SIZE,
    "agents": through_time.AGENTS_SIZE,
    "heat_map": through_time.HEAT_MAP_SIZE,
}
MARKED_ROUNDS, LABELLED_ROUNDS = 80, 16  # up to here every round has its dot, its batch a figure


class RunPlots:
    """Pictures of one run; `Run.plot` is one of these.

    `price`, `depth`, `cost` and `figure` are of rounds and fills: of a run with ``keep="everything"``.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._buys = run.scenario.push.side == "buy"

    @cached_property
    def _clock(self) -> Clock:
        """The axis of the rounds."""
        self._check_rounds()
        return Clock(self.run)

    def _check_rounds(self) -> None:
        """Before anything is opened to draw on: their pictures count rounds and look at fills."""
        keep = self.run._keep
        if keep != "everything":
            raise problem("plot", f"the rounds of a run with keep={keep!r}", "only with keep='everything'")

    def _axes(self, ax: Axes | None) -> Axes:
        self._check_rounds()
        return axes(ax)

    def price(self, ax: Axes | None = None) -> Axes:
        """Spot by round, or over time, with the batches that went in each at their thresholds.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            New ones if not given.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = self._axes(ax)
        stages, s = self.run.stages, self.run.summary
        x, last = self._clock.x, stages["spot_last"]
        marker = "o" if len(x) <= MARKED_ROUNDS else ""
        ax.plot(x, last, color=SPOT, lw=1.6, marker=marker, ms=3.5, zorder=3, label="spot, last trade")
        pushed = self._pushed()
        if pushed is not None:
            before = last[pushed - 1] if pushed else s["start_price"]
            ax.plot([x[pushed]] * 2, [before, last[pushed]], color=PUSH, lw=3, zorder=2, label="the push")
        right = max(float(x[-1]), self._batches(ax))
        if s["market_maker_liquidated"]:
            out = self.run.liquidations
            gone = out["round"][(out["account"] == MARKET_MAKER) & (out["mechanism"] == "liquidation")]
            ax.axvline(float(x[gone[0]]), color=PERP, ls=":", lw=1.4, label="the market maker is liquidated")
        low, high = min(s["start_price"], last.min()), max(s["start_price"], last.max())
        room = 0.09 * max(high - low, 0.01 * s["start_price"])
        margin = 0.02 * float(x[-1]) + 0.06 * self._clock.scale
        ax.set_xlim(-margin, right + margin)
        ax.set_ylim(low - room, high + room)
        self._label(ax)
        ax.set_ylabel("price (quote per token)")
        dress(ax, self._price_title())
        early = (float(last[int(0.45 * len(last))]) - low) / max(high - low, 1e-12)
        if self._clock.timed:
            ax.legend(loc="best", **LEGEND)
        elif self._buys:
            ax.legend(loc="upper left" if early < 0.6 else "lower right", **LEGEND)
        else:
            ax.legend(loc="lower left" if early > 0.4 else "upper right", **LEGEND)
        return ax

    def depth(self, ax: Axes | None = None) -> Axes:
        """What rested in both books before the push, with the range the run went through.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            New ones if not given.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = self._axes(ax)
        s = self.run.summary
        low, high = sorted((s["start_price"], s["peak_price"]))
        low, high = min(low, s["final_price"]), max(high, s["final_price"])
        reach = max(high - low, 0.02 * s["start_price"])
        below, above = (0.15, 0.4) if self._buys else (0.4, 0.15)
        window = (max(0.0, low - below * reach), high + above * reach)
        curves = self._curves(window)
        for label, color, style, prices, tokens in curves:
            ax.plot(prices, tokens, color=color, ls=style, lw=1.8, drawstyle="steps-post", label=label)
        ax.axvspan(low, high, color=GREY, alpha=0.15, lw=0, label="range of the run")
        tops = [float(tokens[-1]) for *_, tokens in curves]
        if tops and max(tops) > 30 * min(tops):
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
        ax.set_xlim(*window)
        ax.set_xlabel("price before the push (quote per token)")
        contracts, _ = self.run.scenario.venue.units
        unit = " (tokens)" if contracts == "tokens" else f"\n(tokens; perpetual: {contracts})"
        ax.set_ylabel(f"cumulative depth{unit}")
        compact(ax)
        dress(ax, self._depth_title())
        ax.legend(loc="best", **LEGEND)
        return ax

    def cost(self, ax: Axes | None = None) -> Axes:
        """Forced trades, summed up to each round, beside what the push cost.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            New ones if not given.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = self._axes(ax)
        stages, s = self.run.stages, self.run.summary
        clock = self._clock
        edges = np.append(clock.x, clock.count * clock.scale) - 0.5 * (not clock.timed)
        below = np.zeros(len(stages))
        columns = ("liquidated_notional", "stopped_notional", "taken_over_notional")
        for (kind, color), column in zip(KINDS.items(), columns, strict=True):
            if stages[column].any():
                above = below + np.cumsum(stages[column])
                ax.stairs(above, edges, baseline=below, fill=True, color=color, alpha=0.85, lw=0, label=kind)
                below = above
        cost, top = s["ignition_cost"], max(s["ignition_cost"], float(below[-1]), 1e-9)
        if cost:
            ax.axhline(cost, color=PUSH, lw=1.6, ls="--", label=f"what the push cost: {short(cost)}")
        ax.set_xlim(edges[0], edges[-1])
        entries = len(ax.get_legend_handles_labels()[1])
        ax.set_ylim(0, top / (0.93 - 0.075 * entries))  # room for the legend
        self._label(ax)
        ax.set_ylabel("cumulative notional (quote)")
        compact(ax)
        dress(ax, self._cost_title())
        if entries:
            ax.legend(loc="upper left", **LEGEND)
        return ax

    def series(self) -> Figure:
        """What a run through time records: `perpcore.plots.series`."""
        return through_time.series(self.run)

    def agents(self) -> Figure:
        """Position, tokens and profit of those who act: `perpcore.plots.agents`."""
        return through_time.agents(self.run)

    def heat_map(self, ax: Axes | None = None) -> Axes:
        """Liquidations ahead over time: `perpcore.plots.heat_map`."""
        return through_time.heat_map(self.run, ax)

    def figure(self) -> Figure:
        """`price`, `depth` and `cost` on one page.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib import pyplot

        self._check_rounds()
        return self._compose(pyplot.figure(figsize=PAGES["rounds"], layout="constrained"), "rounds")

    def save(self, path: str | Path, *, of: Page = "rounds", dpi: float = 160) -> None:
        """Write a page to a file, whole or not at all.

        Parameters
        ----------
        path : str or Path
            Its ending says which format: png, svg, pdf.
        of : {"rounds", "series", "agents", "heat_map"}
            Which page: that of `figure`, or one of a run through time.
        dpi : float
            Dots per inch, for formats that have dots.

        Raises
        ------
        ScenarioError
            No such page, or not of an instant cascade, or of what the run did not keep.
        ValueError
            A format that matplotlib doesn't write.
        OSError
            The file can't be written.
        """
        from matplotlib.figure import Figure

        if of not in PAGES:
            raise problem("of", shown(of), " or ".join(map(repr, PAGES)))
        path = Path(path)
        figure = Figure(figsize=PAGES[of], layout="constrained")
        check_ending(figure, path)
        self._compose(figure, of)
        write(figure, path, dpi)

    def _compose(self, figure: Figure, of: Page) -> Figure:
        if of == "series":
            return through_time.series_on(figure, self.run)
        if of == "agents":
            return through_time.agents_on(figure, self.run)
        if of == "heat_map":
            self.heat_map(figure.subplots())
            return figure
        panels = figure.subplot_mosaic([["price", "price"], ["depth", "cost"]], height_ratios=[1.25, 1])
        self.price(panels["price"])
        self.depth(panels["depth"])
        self.cost(panels["cost"])
        figure.suptitle(self._headline(), x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK)
        return figure

    def _label(self, ax: Axes) -> None:
        ax.set_xlabel(self._clock.label)
        if not self._clock.timed:
            whole_numbers(ax)

    def _pushed(self) -> int | None:
        """The stage of a push in spot, unless it is a whale's."""
        ignition = self.run.scenario.ignition
        if ignition is None or ignition.market != "spot":
            return None
        fills = self.run.fills
        pushes = fills["round"][(fills["cause"] == "ignition") & (fills["taker"] == ATTACKER)]
        return int(pushes[0]) if len(pushes) else None

    def _batches(self, ax: Axes) -> float:
        """What went in each round, as bars at the thresholds, longer for more tokens; how far they reach."""
        from matplotlib.collections import PolyCollection

        batches, right = _Batches(self.run, self._clock), 0.0
        contracts, _ = self.run.scenario.venue.units
        for kind, corners in batches.bars(self._clock.scale):
            total = short(float(batches.qty[kind].sum()))
            label = f"{kind}, at the threshold: {total} {contracts}"
            right = max(right, *(float(bar[1][0]) for bar in corners))
            ax.add_collection(
                PolyCollection(corners, color=KINDS[kind], lw=0, alpha=0.9, zorder=2.5, label=label)
            )
        if len(self.run.stages) > LABELLED_ROUNDS:
            return right
        for i in np.unique(batches.round):
            here = batches.round == i
            prices = batches.price[here]
            tokens = sum(float(qty[here].sum()) for qty in batches.qty.values())
            edge, drop, va = (prices.min(), -5, "top") if self._buys else (prices.max(), 5, "bottom")
            ax.annotate(
                short(tokens),
                (i * self._clock.scale, edge),
                (2, drop),
                textcoords="offset points",
                va=va,
                fontsize=8,
                color=INK,
            )
        return right

    def _curves(self, window: tuple[float, float]) -> list[tuple[str, str, Any, Floats, Floats]]:
        """Label, colour, line, prices and cumulative tokens of each side of each book, inside the window."""
        table = self._resting()
        books, sides, prices, sizes = table["book"], table["side"], table["price"], table["qty"]
        found = []
        for book, name, color in (("spot", "spot", SPOT), ("perp", "perpetual", PERP)):
            for side, style, edge in (("ask", "-", window[1]), ("bid", (0, (4, 1.5)), window[0])):
                here = (books == book) & (sides == side)
                here &= (prices <= edge) if side == "ask" else (prices >= edge)
                if here.any():
                    at, tokens = prices[here], np.cumsum(sizes[here])
                    at, tokens = np.append(at, edge), np.append(tokens, tokens[-1])
                    found.append((f"{name}, {side}s", color, style, at, tokens))
        return found

    def _resting(self) -> Table:
        """What rested before the push."""
        return self.run.scenario.depth(levels=MAX_LEVELS, seed=self.run.seed, path=self.run.path)

    def _headline(self) -> str:
        s = self.run.summary
        name = self.run.scenario.name or "a run"
        forced = s["liquidated_accounts"] + s["stopped_accounts"]
        closed = count(forced, "account") if forced else ""
        if self.run.scenario.time is not None:
            peak, end = (s[price] / s["start_price"] for price in ("peak_price", "final_price"))
            who = f"{closed} closed by force" if closed else "nobody liquidated"
            far = "peak" if self._buys else "low"
            return f"{name}: {far} {peak:.3g} times the start, end {end:.3g} times; {who}"
        push = f"a push of {short(s['ignition_cost'])} moves spot" if s["ignition_cost"] else "spot moves"
        share = 100 * (s["final_price"] / s["start_price"] - 1)
        who = f"closes {closed} by force" if closed else "liquidates nobody"
        return f"{name}: {push} by {share:+.1f} % and {who}"

    def _price_title(self) -> str:
        s = self.run.summary
        ends = {
            "quiet": ", until it is quiet",
            "spot_exhausted": ", until the spot book is empty",
            "horizon": "",
        }
        end = ends.get(s["stop_reason"], ", and is cut off")
        way = f"{s['start_price']:,.8g} to {s['final_price']:,.8g}"
        rounds = count(s["rounds"], "round")
        span = f"{self._clock.span()} ({rounds})" if self._clock.timed else rounds
        return f"Spot goes from {way} in {span}{end}"

    def _depth_title(self) -> str:
        fills, scenario = self.run.fills, self.run.scenario
        taken = (fills["book"] == "spot") & (fills["taker_side"] == scenario.push.side)
        used = short(float(fills["qty"][taken].sum()))
        table = self._resting()
        side = (table["book"] == "spot") & (table["side"] == ("ask" if self._buys else "bid"))
        there = "offered" if self._buys else "bid for"
        if scenario.spot.quote is not None or np.count_nonzero(side) >= MAX_LEVELS:  # more than was counted
            return f"It took {used} of the tokens {there} in spot"
        return f"It took {used} of the {short(float(table['qty'][side].sum()))} tokens {there} in spot"

    def _cost_title(self) -> str:
        s = self.run.summary
        deed = "buying" if self._buys else "selling"
        forced = s["forced_buy_notional"] + s["forced_sell_notional"]
        if forced == 0:
            return f"No forced {deed}"
        if not s["ignition_cost"]:
            return f"{short(forced)} are closed by force"
        return f"Forced {deed} is {s['amplification']:,.3g} times the cost of the push"


class _Batches:
    """Forced orders of a run, the market maker's apart, gathered into cells of rounds and thresholds."""

    def __init__(self, run: Run, clock: Clock) -> None:
        orders = run.liquidations
        theirs = orders["account"] != MARKET_MAKER
        stop = orders["mechanism"][theirs] == "stop"
        filled, taken = orders["filled_qty"][theirs], orders["taken_over_qty"][theirs]
        rounds, prices = clock.at[orders["round"][theirs]], orders["threshold"][theirs]
        self.width = max(1, -(-clock.count // MAX_COLUMNS))
        last, tick = run.stages["spot_last"], float(run.scenario.perp.tick_size)
        low = min(run.summary["start_price"], float(last.min()))
        high = max(run.summary["start_price"], float(last.max()))
        self.height = tick * max(
            1, math.ceil((high - low) / (MAX_ROWS * tick))
        )  # whole ticks: rows of equal weight
        column = rounds // self.width
        row = np.floor((prices - low) / self.height + 1e-6).astype(np.int64)
        cells, cell = np.unique(np.stack([column, row]), axis=1, return_inverse=True)
        cell = cell.reshape(-1)

        def summed(weights: Floats) -> Floats:
            return np.bincount(cell, weights=weights, minlength=cells.shape[1]).astype(np.float64)

        parts = (np.where(stop, 0.0, filled), np.where(stop, filled, 0.0), taken)
        self.round = cells[0] * self.width
        self.qty = dict(zip(KINDS, map(summed, parts), strict=True))
        self.price = summed(prices) / np.maximum(summed(np.ones_like(prices)), 1.0)

    def bars(self, scale: float = 1.0) -> Iterator[tuple[str, Sequence[Floats]]]:
        """The corners of the bars of each kind, one kind behind the other; a round is `scale` long."""
        whole = np.sum(list(self.qty.values()), axis=0)
        left = self.round * scale
        for kind, qty in self.qty.items():
            some = qty > 0
            length = np.where(some, np.maximum(0.85 * qty / max(whole.max(initial=0.0), 1e-300), 0.05), 0) * (
                self.width * scale
            )
            right, low, high = left + length, self.price - self.height / 2, self.price + self.height / 2
            corners = np.stack([[left, low], [right, low], [right, high], [left, high]]).transpose(2, 0, 1)
            if some.any():
                yield kind, list(corners[some])
            left = right
