"""What a sweep returns: a row a cell and column, arrays in the order of the axes, any cell again."""

from __future__ import annotations

import hashlib
import html
import itertools
import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import _core
from perpcore._structs import number, problem, shown
from perpcore._tabular import Tabular
from perpcore.sweeps.cells import statistics
from perpcore.sweeps.grid import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore.scenario import Scenario
    from perpcore.sweeps.cells import CellDone
    from perpcore.sweeps.directory import Plan
    from perpcore.sweeps.grid import Points

SHOWN, NAMED = 4, 3  # columns in the repr, values of an axis before the dots


class Sweep(Tabular):
    """The cells of a sweep, a row for each of them and each of their columns.

    ``cell`` is the cell's number, then come the fields that were varied, by their dotted paths (text where
    not all values are numbers), then ``column``, and what is known of it: ``paths`` that have a figure,
    ``mean``, ``std``, ``min``, ``max`` and quantiles (``q0.5``), with ``_low`` and ``_high`` of their
    intervals, in the units of `Ensemble`. All cells have the same seed and paths.

    Attributes
    ----------
    scenario : Scenario
        What was varied.
    seed, paths : int
        Of every cell.
    confidence : float
        Of the intervals.
    quantiles : tuple of float
    """

    def __init__(self, scenario: Scenario, points: Points, plan: Plan, found: Mapping[int, CellDone]) -> None:
        self.scenario = scenario
        self.seed, self.paths = plan.seed, plan.paths
        self.confidence, self.quantiles = plan.confidence, plan.quantiles
        self._points, self._names = points, plan.columns
        self._kinds = statistics(plan.quantiles)
        self._numbers = np.array(sorted(found), dtype=np.int64)
        self._hashes = [found[int(cell)].hash for cell in self._numbers]
        empty = np.zeros((0, len(self._names), len(self._kinds)))
        self._figures = np.stack([found[int(cell)].figures for cell in self._numbers]) if found else empty

    # ---- what was asked for ----

    @property
    def fields(self) -> tuple[str, ...]:
        """Dotted paths of what was varied."""
        return self._points.fields

    @property
    def axes(self) -> dict[tuple[str, ...], list[Any]]:
        """Of a grid, the fields of each axis and its values; empty for a list of points."""
        each = ((axis.fields, axis.values) for axis in self._points.axes)
        return {fields: [v[0] if len(fields) == 1 else v for v in values] for fields, values in each}

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return self._points.shape

    @property
    def cells(self) -> int:
        """How many cells were asked for."""
        return len(self._points)

    @property
    def finished(self) -> int:
        """How many of them are here."""
        return len(self._numbers)

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return self.finished == self.cells

    @property
    def measured(self) -> tuple[str, ...]:
        """The columns of each cell."""
        return self._names

    # ---- rows ----

    @property
    def columns(self) -> list[str]:
        """Names of the columns, ``cell`` first."""
        return ["cell", *self.fields, "column", *self._kinds]

    def __len__(self) -> int:
        return self.finished * len(self._names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name == "cell":
            return np.repeat(self._numbers, len(self._names))
        if name == "column":
            return np.tile(np.array(self._names), self.finished)
        if name in self._kinds:
            figures: NDArray[Any] = self._figures[:, :, self._kinds.index(name)].ravel()
            return figures.astype(np.int64) if name == "paths" else figures
        if name in self.fields:
            return np.repeat(self._points.column(name)[self._numbers], len(self._names))
        raise KeyError(f"no column {name!r}; there are {self.columns}")

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        import pyarrow

        return pyarrow.table(self.to_numpy()).__arrow_c_stream__(requested_schema)

    def _metadata(self) -> dict[str, str]:
        return {
            "perpcore.version": _core.__version__,
            "perpcore.scenario": self.scenario.to_toml(),
            "perpcore.digest": self.scenario.digest(),
            "perpcore.seed": str(self.seed),
            "perpcore.hash": f"{self.hash():016x}",
        }

    def hash(self) -> int:
        """A 64-bit hash of the exact rows behind all finished cells (`Ensemble.hash`) and their numbers."""
        found = hashlib.blake2b(digest_size=8)
        for cell, rows in zip(self._numbers, self._hashes, strict=True):
            found.update(int(cell).to_bytes(8, "little") + rows.to_bytes(8, "little"))
        return int.from_bytes(found.digest(), "little")

    # ---- cells ----

    def parameter(self, field: str) -> NDArray[Any]:
        """The values of a field that was varied, one a cell, finished or not."""
        if field not in self.fields:
            raise problem("field", shown(field), f"one of {', '.join(self.fields)}")
        return self._points.column(field)

    def grid(self, column: str, *, statistic: str = "mean") -> NDArray[np.float64]:
        """One statistic of one column over the grid.

        Parameters
        ----------
        column : str
            One of `measured`.
        statistic : str
            ``mean``, ``std``, ``q0.5``, ..., as the columns of the rows are called.

        Returns
        -------
        numpy.ndarray
            With the axes of the grid, in their order; of a list of points, one value a point. NaN where the
            cell is not finished.

        Examples
        --------
        >>> import perpcore as pc
        >>> ratios = {"market_maker.hedge_ratio": [0.05, 0.22], "circulating": [10**6, 2 * 10**6]}
        >>> pc.presets.rocketcoin().sweep(ratios, paths=1, seed=1).grid("final_price")
        array([[11.23, 11.23],
               [19.67, 19.67]])
        """
        if column not in self._names:
            raise problem("column", shown(column), f"one of {', '.join(self._names)}")
        if statistic not in self._kinds:
            raise problem("statistic", shown(statistic), f"one of {', '.join(self._kinds)}")
        values = np.full(self.cells, np.nan)
        at = self._names.index(column), self._kinds.index(statistic)
        values[self._numbers] = self._figures[:, at[0], at[1]]
        return values.reshape(self.shape)

    def cell(self, which: int | tuple[int, ...] | Mapping[str, Any]) -> Scenario:
        """The scenario of a cell, to run again: with `seed`, its paths are those of the cell.

        Parameters
        ----------
        which : int, tuple of int, or mapping
            Its number, its place on each axis, or its values by field.

        Returns
        -------
        Scenario
        """
        return self.scenario.replace(self._points[self._number(which)])

    def _number(self, which: object) -> int:
        if isinstance(which, Mapping):
            return self._at(which)
        places = which if isinstance(which, tuple) else (which,)
        shape = self.shape if isinstance(which, tuple) else (self.cells,)
        fits = len(places) == len(shape) and all(isinstance(i, int | np.integer) for i in places)
        if not fits or not all(0 <= i < n for i, n in zip(places, shape, strict=True)):
            allowed = (
                f"from 0 to {self.cells - 1}, or a place on each axis of {' x '.join(map(str, self.shape))}"
            )
            raise problem("cell", shown(which), allowed)
        return int(np.ravel_multi_index(places, shape))

    def _at(self, values: Mapping[Any, Any]) -> int:
        here = np.ones(self.cells, dtype=bool)
        for field, value in values.items():
            if field not in self.fields:
                raise problem("cell", shown(field), f"one of {', '.join(self.fields)}")
            column = self._points.column(field)
            wanted = float(number(field, value)) if column.dtype.kind == "f" else said(value)
            here &= column == wanted
        found = np.flatnonzero(here)
        if len(found) != 1:
            raise problem("cell", shown(dict(values)), f"the values of one cell; {len(found)} have these")
        return int(found[0])

    # ---- for people ----

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        state = "" if self.complete else f", {self.finished:,} of them finished"
        name = self.scenario.name or "a scenario"
        lines = [f"Sweep of {name}: {size} cells{state}, {self.paths:,} paths each, seed {self.seed}"]
        rows = [(", ".join(fields), self._range(fields)) for fields in self._groups()]
        rows += [(column, self._spread(column)) for column in self._names[:SHOWN]] if self.finished else []
        width = max(len(name) for name, _ in rows)
        lines += [f"{name.ljust(width)}  {words}" for name, words in rows]
        left = len(self._names) - SHOWN
        if self.finished and left > 0:
            lines.append(f"and {left} more columns")
        return "\n  ".join(lines)

    def _groups(self) -> list[tuple[str, ...]]:
        """Fields that move together."""
        return [*self.axes] or [(field,) for field in self.fields]

    def _range(self, fields: tuple[str, ...]) -> str:
        words = []
        for field in fields:
            values = [*dict.fromkeys(self._points.column(field).tolist())]
            named = [f"{v:g}" if isinstance(v, float) else v for v in values]
            whole = len(named) <= 2 * NAMED
            words.append(", ".join(named if whole else [*named[:NAMED], "...", named[-1]]))
        return " | ".join(words)

    def _spread(self, column: str) -> str:
        means = self.grid(column).ravel()
        if not np.isfinite(means).any():
            return "n/a"
        low, high = int(np.nanargmin(means)), int(np.nanargmax(means))
        where = "" if low == high else f", the most in {self._points.label(high)}"
        return f"mean {means[low]:.6g} to {means[high]:.6g}{where}"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>{self._picture}"

    @cached_property
    def _picture(self) -> str:
        """A small heat map of the first column, where there are two axes of some length."""
        if not self.axes or sum(n > 1 for n in self.shape) != 2 or not self.finished:
            return ""
        values = self.grid(self._names[0]).reshape([n for n in self.shape if n > 1])
        return _heat(values, self._names[0])


SIDE, MOST = 240, 60


def _heat(values: NDArray[np.float64], name: str) -> str:
    """Cells from white to blue, the second axis upward; some of them, where there are many."""
    steps = [max(1, math.ceil(n / MOST)) for n in values.shape]
    some = values[:: steps[0], :: steps[1]]
    low, high = float(np.nanmin(some)), float(np.nanmax(some))
    shares = (some - low) / ((high - low) or 1.0)
    wide, tall = SIDE / some.shape[0], SIDE / some.shape[1]
    cells = "".join(
        f'<rect x="{i * wide:.1f}" y="{SIDE - (j + 1) * tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
        f' fill-opacity="{shares[i, j]:.2f}"/>'
        for i, j in itertools.product(*map(range, some.shape))
        if math.isfinite(shares[i, j])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE + 20}" width="{SIDE}"'
        f' height="{SIDE + 20}" role="img" aria-label="{name}"><g fill="#4c78a8">{cells}</g>'
        f'<text x="0" y="{SIDE + 14}" font-size="11" fill="currentColor">{name}: {low:.4g} (white)'
        f" to {high:.4g}</text></svg>"
    )
