"""The picture of a sweep: a line over one axis, a heat map over two."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore._structs import problem, shown
from perpcore.plots._draw import GREY, INK, SPOT, axes, compact, dress, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from perpcore.sweeps import Sweep

    Floats = NDArray[np.float64]

CONTOURS = (1.5, 2.0, 3.0, 5.0, 10.0)  # multiples of the start price
EVEN = 5e-3  # how far steps may be from even ones: values are rounded
WIDE = 4.0  # a range of positive values by which colours go by ratio
# Of columns of the perpetual: in what it is counted, and its venue's money.
CONTRACTS = (
    *("liquidated_qty", "stopped_qty", "taken_over_qty", "adl_qty", "perp_volume", "peak_open_interest"),
)
MONEY = (
    *("insurance_fund_change", "insurance_fund_shortfall", "bad_debt", "paid_by_fund", "venue_loss"),
    *("adl_relief", "socialised_loss", "liquidation_fees", "funding_paid", "vault_pnl", "positions_pnl"),
    "rest_of_market_pnl",
)
UNITS = (
    ("_price", "quote per token"),
    ("_multiple", "start prices"),
    ("_notional", "quote"),
    ("_cost", "quote"),
    ("_pnl", "quote"),
    ("_qty", "tokens"),
    ("_shortfall", "tokens"),
    ("_volume", "tokens"),
    ("_accounts", "accounts"),
    ("_share", "share"),
    ("fuel_burnt", "share"),
    ("rounds", "rounds"),
)


def sweep(
    sweep: Sweep,
    *,
    x: str | None = None,
    y: str | None = None,
    column: str = "final_price",
    statistic: str = "mean",
    contours: Sequence[float] | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A statistic of a column over a grid: a heat map over two axes, a line over one.

    Axes are logarithmic where their values are geometric, colours where they spread over a factor of four.

    Parameters
    ----------
    sweep : Sweep
        Of a grid with one or two axes of more than one value, in numbers.
    x, y : str, optional
        Which field goes right, and which up: any of those that move together; the first axis and the second
        if not given.
    column, statistic : str
        As `Sweep.grid` takes them.
    contours : sequence of float, optional
        Values at which lines are drawn; multiples of the start price if not given, where the column is a
        price or a multiple.
    label : str, optional
        What the colours, or the line, show; column, statistic and unit if not given.
    ax : matplotlib.axes.Axes, optional
        New ones if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ScenarioError
        A column, statistic or field that is not there, or a sweep that can't be drawn so.
    """
    long = [fields for fields, values in sweep.axes.items() if len(values) > 1]
    if not 1 <= len(long) <= 2:
        allowed = "a grid with one or two axes of more than one value"
        raise problem("sweep", f"{len(long)} axes of more than one value", allowed)
    values = sweep.grid(column, statistic=statistic).reshape([len(sweep.axes[fields]) for fields in long])
    label = label or _label(sweep, column, statistic)
    if len(long) == 1:
        return _line(sweep, _field(x, long[0], "x"), column, statistic, label, ax)
    if (x in long[1] and x is not None) or (y in long[0] and y is not None):
        long, values = long[::-1], values.T
    fields = _field(x, long[0], "x"), _field(y, long[1], "y")
    lines = _contours(sweep, column, statistic) if contours is None else [*contours]
    return _heat_map(sweep, fields, values, lines, label, not _is_share(column), axes(ax))


def _field(asked: str | None, fields: tuple[str, ...], name: str) -> str:
    if asked is None:
        return fields[0]
    if asked not in fields:
        raise problem(name, shown(asked), f"one of {', '.join(fields)}")
    return asked


def _along(sweep: Sweep, field: str) -> Floats:
    """The values of a field along its axis."""
    fields = next(fields for fields in sweep.axes if field in fields)
    place = [*sweep.axes].index(fields)
    column = sweep.parameter(field).reshape(sweep.shape)
    found: NDArray[Any] = np.moveaxis(column, place, 0).reshape(sweep.shape[place], -1)[:, 0]
    if found.dtype.kind != "f":
        others = ", ".join(other for other in fields if other != field)
        hint = f"; {others} moves with it" if others else ""
        raise problem("sweep", f"{field} in words", f"an axis of numbers{hint}")
    return found


def _is_geometric(values: Floats) -> bool:
    """Even by ratio, and not by difference as well as they are.

    >>> _is_geometric(np.array([1.0, 10.0, 100.0])), _is_geometric(np.array([1.0, 2.0, 3.0]))
    (True, False)
    """
    if len(values) < 3 or (values <= 0).any():
        return False
    ratios = values[1:] / values[:-1]
    return bool(np.allclose(ratios, ratios[0], rtol=EVEN) and abs(ratios[0] - 1) > 2 * EVEN)


def _edges(values: Floats, geometric: bool) -> Floats:
    """Where cells end: half-way between their values."""
    at = np.log(values) if geometric else values
    between = (at[1:] + at[:-1]) / 2
    edges = np.concatenate([[2 * at[0] - between[0]], between, [2 * at[-1] - between[-1]]])
    return np.exp(edges) if geometric else edges


def _heat_map(
    sweep: Sweep,
    fields: tuple[str, str],
    values: Floats,
    lines: list[float],
    label: str,
    spread: bool,
    ax: Axes,
) -> Axes:
    from matplotlib.colors import LogNorm, Normalize

    x, y = (_along(sweep, field) for field in fields)
    scales = [_is_geometric(each) for each in (x, y)]
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    spread = spread and low > 0 and high / low >= WIDE
    norm = LogNorm(low, high) if spread else Normalize(low, high if high > low else low + 1)
    edges = _edges(x, scales[0]), _edges(y, scales[1])
    mesh = ax.pcolormesh(*edges, values.T, norm=norm, cmap="viridis", rasterized=True)
    for set_scale, is_log in zip((ax.set_xscale, ax.set_yscale), scales, strict=True):
        if is_log:
            set_scale("log")
    inside = [level for level in lines if low < level < high]
    if inside and min(values.shape) > 1:
        # After the scales: a label takes as much of its line as it covers there.
        drawn = ax.contour(x, y, values.T, levels=inside, colors="white", linewidths=1.1)
        ax.clabel(drawn, fmt=lambda level: f"{level:g}", fontsize=9)
    ax.set_xlabel(fields[0])
    ax.set_ylabel(fields[1])
    bar = ax.figure.colorbar(mesh, ax=ax, label=label)
    if spread:
        _figures(bar.ax)
    ax.set_title(_title(sweep), loc="left", fontsize=11, color=INK)
    return ax


def _figures(ax: Axes) -> None:
    """Plain figures along a logarithmic bar."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _line(sweep: Sweep, field: str, column: str, statistic: str, label: str, ax: Axes | None) -> Axes:
    ax = axes(ax)
    x, values = _along(sweep, field), sweep.grid(column, statistic=statistic).ravel()
    if f"{statistic}_low" in sweep.columns:
        low, high = (sweep.grid(column, statistic=f"{statistic}_{end}").ravel() for end in ("low", "high"))
        said = f"interval, {100 * sweep.confidence:g} %"
        ax.fill_between(x, low, high, color=GREY, alpha=0.3, lw=0, label=said)
    ax.plot(x, values, color=SPOT, lw=1.6, marker="o" if len(x) <= 40 else "", ms=3.5, label=statistic)
    if _is_geometric(x):
        ax.set_xscale("log")
    ax.set_xlabel(field)
    ax.set_ylabel(label)
    compact(ax)
    dress(ax, _title(sweep))
    ax.legend(frameon=False, fontsize=9, labelcolor=INK)
    return ax


def _title(sweep: Sweep) -> str:
    name = sweep.scenario.name or "a scenario"
    return f"{name}: {sweep.paths:,} paths a cell, seed {sweep.seed}"


def _label(sweep: Sweep, column: str, statistic: str) -> str:
    if ">" in column:
        return f"share of paths with {column}"
    contracts, money = sweep.scenario.venue.units
    pushed = column == "ignition_qty" and sweep.scenario.push.market == "perp"
    if column in CONTRACTS or pushed:
        unit = contracts
    elif column in MONEY:
        unit = money
    else:
        unit = next((unit for end, unit in UNITS if column.endswith(end)), "")
    kind = {"q0.5": "median"}.get(statistic, statistic)
    return f"{column}, {kind}" + (f" ({unit})" if unit else "")


def _is_share(column: str) -> bool:
    return ">" in column or column.endswith(("_share", "fuel_burnt"))


def _contours(sweep: Sweep, column: str, statistic: str) -> list[float]:
    """Multiples of the start price, where the column can be measured by it."""
    if statistic == "std":
        return []
    if column.endswith("_multiple"):
        return [*CONTOURS]
    start = sweep.scenario.start_price
    if column.endswith("_price") and "start_price" not in sweep.fields and isinstance(start, Decimal):
        return [multiple * float(start) for multiple in CONTOURS]
    return []
