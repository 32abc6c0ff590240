"""One cell: an ensemble of one scenario, and the statistics of its columns. What a worker does, wherever."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perpcore import _core
from perpcore._structs import problem, problems
from perpcore.columns import Column
from perpcore.runs import books

#: Statistics of a column, before its quantiles.
FIGURES = ("paths", "mean", "mean_low", "mean_high", "std", "min", "max")
DIGITS = r"\d+(?:_\d+)*"
SHARE = re.compile(rf"\s*(\w+)\s*>\s*([+-]?(?:{DIGITS}\.?(?:{DIGITS})?|\.{DIGITS})(?:[eE][+-]?\d+)?)\s*")
# Up to so many paths it is cheaper to keep the rows and count the columns that are asked for: the same bits.
ROWS_KEPT = 1 << 16


@dataclass(frozen=True)
class CellJob:
    """One cell to run: all that a worker needs.

    Attributes
    ----------
    number : int
        Which cell.
    label : str
        How errors name it.
    scenario : str
        As the core reads it.
    paths, seed : int
    columns : tuple of str
        Columns of `Ensemble`, or shares as in ``peak_multiple > 2``.
    quantiles : tuple of float
    confidence : float
        Of the intervals.
    version : str
        Of perpcore, which must be the worker's.
    n_threads : int
    accounts : str or tuple of Column
        Columns that the scenario names and the worker lacks; or the directory they are in, if they are.
    """

    number: int
    label: str
    scenario: str
    paths: int
    seed: int
    columns: tuple[str, ...]
    quantiles: tuple[float, ...]
    confidence: float
    version: str
    n_threads: int = 1
    accounts: str | tuple[Column, ...] = ""


@dataclass(frozen=True)
class Lacking:
    """A cell that was not run: its worker does not hold the columns it names.

    Attributes
    ----------
    digests : tuple of str
    """

    digests: tuple[str, ...]


@dataclass(frozen=True)
class CellDone:
    """A cell that is finished.

    Attributes
    ----------
    number, paths : int
    hash : int
        Of its rows (`Ensemble.hash`).
    figures : numpy.ndarray
        A row a column, in the order of `statistics`.
    """

    number: int
    paths: int
    hash: int
    figures: NDArray[np.float64]


def statistics(quantiles: tuple[float, ...]) -> tuple[str, ...]:
    """Names of a column's statistics, in their order.

    >>> statistics((0.5,))[-3:]
    ('q0.5', 'q0.5_low', 'q0.5_high')
    """
    return (*FIGURES, *(f"q{q:g}{end}" for q in quantiles for end in ("", "_low", "_high")))


def share_of(column: str) -> tuple[str, float] | None:
    """Column and threshold of a share.

    >>> share_of("peak_multiple > 2")
    ('peak_multiple', 2.0)
    """
    match = SHARE.fullmatch(column)
    return None if match is None else (match[1], float(match[2]))


def supplied(job: CellJob, came: CellDone | Lacking) -> CellJob | None:
    """The job with what its worker lacked of it; none if it is done."""
    if not isinstance(came, Lacking):
        return None
    held = (_core.Column.find(digest) for digest in came.digests)
    return replace(job, accounts=tuple(Column(column) for column in held if column is not None))


def run_far(job: CellJob) -> CellDone | Lacking:
    """What a worker does with a job: run it, unless it lacks columns."""
    _check_version(job)
    if isinstance(job.accounts, tuple):
        books.take(job.accounts)
    elif job.accounts:
        books.hold(Path(job.accounts), job.scenario)
    elif lacking := tuple(d for d in books.digests(job.scenario) if _core.Column.find(d) is None):
        return Lacking(lacking)
    return run_cell(job)


def run_cell(job: CellJob, tell: Callable[[int], object] | None = None) -> CellDone:
    """Run one cell.

    Parameters
    ----------
    job : CellJob
    tell : callable, optional
        Told the paths finished so far some twenty times a second; what it raises ends the cell.

    Returns
    -------
    CellDone

    Raises
    ------
    ScenarioError
        Another version of perpcore than the job's, or a scenario that can't be run.
    RunError
        A path could not go on; the message has the cell, the seed and the path.
    """
    _check_version(job)
    try:
        core = _core.monte_carlo(
            job.scenario,
            paths=job.paths,
            seed=job.seed,
            n_threads=job.n_threads,
            keep="columns" if job.paths <= ROWS_KEPT else "statistics",
            progress=tell,
        )
    except _core.ScenarioError as error:
        named = [(f"{job.label}: {field}", value, allowed) for field, value, allowed in error.problems]
        raise problems(named) from None
    except _core.PerpcoreError as error:
        raise type(error)(f"{job.label}: {error}") from None
    if core.error is not None:
        raise core.error
    rows = [_row(core, column, job.quantiles, job.confidence) for column in job.columns]
    return CellDone(job.number, job.paths, core.hash(), np.array(rows))


def _check_version(job: CellJob) -> None:
    if job.version != _core.__version__:
        allowed = f"the version that began the sweep, {job.version}, in every worker"
        raise problem("perpcore", _core.__version__, allowed)


def _row(core: _core.Ensemble, column: str, quantiles: tuple[float, ...], confidence: float) -> list[float]:
    if (share := share_of(column)) is not None:
        return _share(core, *share, quantiles, confidence)
    moments = core.moments(column)
    ends = [moments["min"], moments["max"]]
    row = [moments["count"], *core.mean(column, confidence), math.sqrt(moments["variance"]), *ends]
    if quantiles:
        value, low, high = core.quantiles(column, np.array(quantiles), confidence)
        row += np.stack([value, low, high], axis=1).ravel().tolist()
    return row


def _share(
    core: _core.Ensemble, column: str, above: float, quantiles: tuple[float, ...], confidence: float
) -> list[float]:
    """Of paths above a threshold: a column of zeros and ones, its interval Wilson's."""
    count = core.moments(column)["count"]
    share, low, high = (float(part[0]) for part in core.exceedance(column, np.array([above]), confidence))
    spread = math.sqrt(share * (1 - share) * count / (count - 1)) if count > 1 else math.nan
    row = [count, share, low, high, spread, float(share == 1), float(share > 0)]
    return row + [math.nan] * (3 * len(quantiles))
