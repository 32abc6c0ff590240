"""A run as a table for a terminal: one row a round, and only the columns that have something to say."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore.results import Run

WIDTH = 118
RULE, GAP = "─", "  "
HEAD, TAIL = 15, 10  # rounds of a long run that are shown
FORCED = ("liquidated", "stop-losses", "taken over", "bad debt", "venue loss")
# Levels of a book that are counted before its share is left out.
MAX_LEVELS = 1_000_000


def one_line(text: str) -> str:
    """Text of a file, without what would move the cursor."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def wrapped(text: str) -> str:
    """Paragraphs as wide as a table may be at most."""
    lines = (textwrap.fill(one_line(line), 100, break_on_hyphens=False) for line in text.splitlines())
    return "\n".join(lines)


def places(step: object) -> int:
    """Decimals of a grid.

    >>> [places(step) for step in ("0.01", "1", "10", "0.00050")]
    [2, 0, 0, 4]
    """
    exponent = Decimal(str(step)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def decimals(values: Sequence[float] | NDArray[np.float64], most: int) -> int:
    """Decimals that leave the largest value four digits, at most `most`.

    >>> [decimals([value], 6) for value in (12345.0, 12.3, 0.0123, 0.0)]
    [0, 2, 5, 0]
    """
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    return max(0, min(most, 3 - math.floor(math.log10(largest)))) if largest > 0 else 0


def figure(value: float, digits: int = 0) -> str:
    """With thousands separators; never a minus before zero.

    >>> figure(1234567.891), figure(-1.5, 1), figure(-0.2), figure(-0.001, 2), figure(math.nan)
    ('1,234,568', '-1.5', '0', '0.00', 'n/a')
    """
    if not math.isfinite(value):
        return "n/a"
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Values of every round and how to write them.

    `kind` is ``flow`` (sums up, a dash where nothing flowed) or ``level`` (a price, a balance). The one with
    the highest `spare` goes first when the table is too wide.
    """

    group: str
    unit: str
    values: NDArray[np.float64]
    digits: int
    kind: str = "flow"
    spare: int = 0

    def cell(self, i: int) -> str:
        """What stands in row `i`."""
        value = float(self.values[i])
        return "-" if self.kind == "flow" and value == 0 else figure(value, self.digits)

    @property
    def total(self) -> str:
        """What stands below."""
        if self.kind != "flow":
            return ""
        total = math.fsum(self.values)
        return figure(total, decimals([total], self.digits))


def columns(run: Run) -> list[Column]:
    """Every column of a run that says something."""
    table, scenario = run.stages, run.scenario
    price, perp_price = places(scenario.spot.tick_size), places(scenario.perp.tick_size)
    contracts, venue_money = scenario.venue.units

    def money(group: str, name: str, kind: str = "flow", spare: int = 0) -> Column:
        unit = "quote" if name.endswith("_notional") else venue_money
        return Column(group, unit, table[name], decimals(table[name], 6), kind, spare)

    def qty(group: str, name: str, spare: int = 0) -> Column:
        hedge = name == "hedge_qty"
        unit = "tokens" if hedge else contracts
        most = places(scenario.spot.lot_size if hedge else scenario.perp.lot_size)
        return Column(group, unit, table[name], decimals(table[name], most), spare=spare)

    def accounts(group: str, name: str, spare: int = 0) -> Column:
        return Column(group, "accounts", table[name].astype(np.float64), 0, spare=spare)

    time = (
        []
        if scenario.time is None
        else [Column("time", "s", table["time"], places(scenario.time.step_s), "level")]
    )
    found = [
        *time,
        Column("mark", "quote", table["mark"], perp_price, "level"),
        Column("perp last", "quote", table["perp_last"], perp_price, "level", 9),
        Column("spot last", "quote", table["spot_last"], price, "level"),
        accounts("liquidated", "liquidated_accounts"),
        qty("liquidated", "liquidated_qty"),
        money("liquidated", "liquidated_notional", spare=4),
        accounts("stop-losses", "stopped_accounts", 7),
        qty("stop-losses", "stopped_qty"),
        money("stop-losses", "stopped_notional", spare=8),
        qty("taken over", "taken_over_qty"),
        money("taken over", "taken_over_notional", spare=8),
        qty("hedged", "hedge_qty"),
        *_used(run),
        money("bad debt", "bad_debt", spare=6),
        money("fund", "insurance_fund", "level", 3),
        money("venue loss", "venue_loss", spare=1),
        money("mkt maker", "market_maker_equity", "level", 2),
    ]
    traded = table["perp_volume"] > 0
    silent = {"perp last"} if np.array_equal(table["perp_last"][traded], table["mark"][traded]) else set()
    return [column for column in found if column.group not in silent and _speaks(column)]


def _speaks(column: Column) -> bool:
    if column.group in ("mark", "perp last", "spot last"):
        return True
    if column.kind == "level":
        return bool(np.any(column.values != column.values[0]))
    return bool(np.any(column.values))


def _used(run: Run) -> list[Column]:
    """The share of what rested on the spot book's side of the push that is gone after each round."""
    if run.scenario.spot.quote is not None:  # what rests comes and goes
        return []
    buys = run.scenario.push.side == "buy"
    depth, fills = run.scenario.depth(levels=MAX_LEVELS, seed=run.seed, path=run.path), run.fills
    resting = depth["qty"][(depth["book"] == "spot") & (depth["side"] == ("ask" if buys else "bid"))]
    taken = (fills["book"] == "spot") & (fills["taker_side"] == run.scenario.push.side)
    if not 0 < len(resting) < MAX_LEVELS:
        return []
    by_round = np.bincount(fills["round"][taken], weights=fills["qty"][taken], minlength=len(run.stages))
    share = 100 * np.cumsum(by_round) / resting.sum()
    return [Column("spot asks" if buys else "spot bids", "% used", share, 1, "level", 5)]


def stage_table(run: Run, *, all_rounds: bool = False) -> str:
    """The rounds of a run, aligned, with their total.

    Parameters
    ----------
    run : Run
    all_rounds : bool
        Show the middle of a long run too.
    """
    shown, dropped = columns(run), []
    kept = [*range(len(run.stages))] if all_rounds or run.scenario.time is None else _busy(run, shown)
    quiet = len(run.stages) - len(kept)
    short = all_rounds or len(kept) <= HEAD + TAIL + 1
    rows = kept if short else [*kept[:HEAD], *kept[-TAIL:]]
    while (width := _width(shown, rows)) > WIDTH and any(column.spare for column in shown):
        dropped.append(max(shown, key=lambda column: column.spare))
        shown.remove(dropped[-1])
    push = push_row(run)
    names = ["push" if i == push else "start" if i == 0 else f"{i:,}" for i in rows]
    lines = _lines(shown, rows, names)
    if not short:
        note = f"{len(kept) - HEAD - TAIL:,} rounds left out ({kept[HEAD]:,} to {kept[-TAIL - 1]:,})"
        lines.insert(3 + HEAD, f"... {note}: --all-rounds shows them")
    if quiet:
        what = "nobody was forced" if run.scenario.agents else "nothing happened"
        lines.append(f"Left out: {quiet:,} rounds in which {what} (--all-rounds shows them).")
    if dropped:
        left = ", ".join(f"{column.group} ({column.unit})" for column in dropped)
        lines += textwrap.wrap(f"Not shown for want of width: {left} (see --json).", width)
    return "\n".join(lines)


def agent_table(run: Run) -> str:
    """Who holds and has earned what at the end, the best first."""
    table, scenario = run.agents, run.scenario
    last = np.flatnonzero(table["time"] == table["time"][-1])
    order = last[np.argsort(-table["profit"][last], kind="stable")]
    kinds = {agent.name: type(agent).__struct_config__.tag for agent in scenario.agents}
    rows = [["agent", "", "position", "tokens", "profit"]]
    for i in order:
        name = str(table["agent"][i])
        lots = (("qty", scenario.perp), ("tokens", scenario.spot))
        held = [figure(float(table[column][i]), places(market.lot_size)) for column, market in lots]
        kind = str(kinds.get(name, "")).replace("_", " ")
        rows.append([one_line(name), kind, *held, figure(float(table["profit"][i]))])
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        GAP.join(
            cell.ljust(w) if at < 2 else cell.rjust(w)
            for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lines.insert(1, RULE * max(map(len, lines)))
    return "\n".join(line.rstrip() for line in lines)


def push_row(run: Run) -> int:
    """The round of the push."""
    pushed = run.fills["round"][run.fills["cause"] == "ignition"]
    return int(pushed[0]) if len(pushed) else 0


def _busy(run: Run, shown: list[Column]) -> list[int]:
    """Rounds in which a figure flowed or moved, or where agents trade somebody was forced; both ends."""
    busy = np.zeros(len(run.stages), dtype=bool)
    busy[[0, push_row(run), -1]] = True
    for column in shown:
        if run.scenario.agents:
            busy |= (column.group in FORCED) & (column.values != 0)
        elif column.kind == "flow":
            busy |= column.values != 0
        elif column.group != "time":
            busy[1:] |= column.values[1:] != column.values[:-1]
    return [*map(int, np.flatnonzero(busy))]


def _width(shown: list[Column], rows: list[int]) -> int:
    return len(_lines(shown, rows, [""] * len(rows))[2])


def _lines(shown: list[Column], rows: list[int], names: list[str]) -> list[str]:
    """Header of two lines, a rule, the rows, a rule, the total."""
    body = [[column.cell(i) for i in rows] for column in shown]
    widths = [
        max(len(column.unit), len(column.total), *map(len, cells))
        for column, cells in zip(shown, body, strict=True)
    ]
    first = max(len("round"), *map(len, names))
    title = [" " * first]
    at = 0
    for group, members in groupby(shown, key=lambda column: column.group):
        count = len(list(members))
        span = sum(widths[at : at + count]) + len(GAP) * (count - 1)
        widths[at] += max(0, len(group) - span)
        span = max(span, len(group))
        title.append(group.rjust(span) if count == 1 else f" {group} ".center(span, RULE))
        at += count

    def line(name: str, cells: Sequence[str]) -> str:
        written = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        return GAP.join([name.rjust(first), *written]).rstrip()

    rule = RULE * (first + sum(len(GAP) + width for width in widths))
    totals = [column.total for column in shown]
    return [
        GAP.join(title),
        line("round", [column.unit for column in shown]),
        rule,
        *(line(name, [cells[i] for cells in body]) for i, name in enumerate(names)),
        rule,
        *([line("total", totals)] if any(totals) else []),
    ]
