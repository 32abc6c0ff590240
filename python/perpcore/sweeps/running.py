"""A sweep from the call to its result: who runs cells, what is kept of them, how it ends early."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from perpcore import _core
from perpcore._structs import problem, shown
from perpcore._words import check_call, seed_from
from perpcore.ensemble import shown_to
from perpcore.runs import books, files, locking, manifest
from perpcore.runs.driving import Runner, Threads, drive
from perpcore.runs.executors import Elsewhere, check_executor
from perpcore.sweeps import directory as cells_in
from perpcore.sweeps import grid as grids
from perpcore.sweeps.cells import CellDone, CellJob, run_cell, run_far, share_of, statistics, supplied
from perpcore.sweeps.directory import Plan
from perpcore.sweeps.result import Sweep

if TYPE_CHECKING:
    from perpcore.scenario import Scenario
    from perpcore.sweeps.grid import Points

#: Cells under way for each thread: while a file is written, they have something to do.
AHEAD = 4


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C while cells were run.

    Attributes
    ----------
    sweep : Sweep
        The cells finished until then.
    """

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(
            f"interrupted: {sweep.finished:,} of {sweep.cells:,} cells are finished,"
            " in .sweep of this exception"
        )
        self.sweep = sweep


class _Kept:
    """A runner that keeps what its cells come to, and writes it where it should be written."""

    def __init__(
        self,
        who: Runner[CellJob, CellDone],
        found: dict[int, CellDone],
        place: Path | None,
        plan: Plan,
    ):
        self.who, self.found, self.place, self.plan = who, found, place, plan
        self.threads_each, self.patience_s = who.threads_each, who.patience_s
        self._of = manifest.name(plan)
        self._begun: dict[int, Future[CellDone]] = {}

    @property
    def window(self) -> int:
        """Cells under way at a time."""
        return self.who.window

    def submit(self, job: CellJob) -> Future[CellDone]:
        """Begin a cell."""
        self._begun[job.number] = future = self.who.submit(job)
        return future

    def under_way(self) -> int:
        """Paths finished of cells that are not."""
        return self.who.under_way()

    def stop(self) -> None:
        """End what is under way."""
        self.who.stop()

    def close(self) -> None:
        """No cell will come any more."""
        self.who.close()

    def gather(self) -> None:
        """Keep and write the cells that have been finished since."""
        for number, future in [(n, f) for n, f in self._begun.items() if f.done()]:
            if not future.cancelled() and future.exception() is None:
                done = future.result()
                if self.place is not None:
                    cells_in.store(self.place, self._of, done)
                self.found[number] = done
            # Last: Ctrl-C within the writing leaves the cell for the next call.
            del self._begun[number]


def sweep(
    scenario: Scenario,
    grid: object,
    *,
    paths: int,
    seed: int | None,
    n_threads: int | None,
    progress: bool | Callable[[int, int], object],
    columns: Sequence[str] | None,
    quantiles: Sequence[float],
    confidence: float,
    directory: str | os.PathLike[str] | None,
    executor: Executor | None,
) -> Sweep:
    """Run a sweep; `Scenario.sweep` says what the options are."""
    check_call(paths, n_threads, progress)
    check_executor(executor)
    _check_confidence(confidence)
    asked, levels = _names(columns), _levels(quantiles)
    threads = n_threads or _core.available_threads()
    points = grids.read(scenario, grid)
    place = None if directory is None else files.made(directory)
    with nullcontext() if place is None else locking.writing(place, None):
        if seed is None:
            there = None if place is None else cells_in.seed_in(place)
            seed = seed_from(None) if there is None else there
        scenarios = grids.built(scenario, points, threads)
        plan = Plan(
            format=cells_in.FORMAT,
            perpcore=_core.__version__,
            seed=seed,
            paths=paths,
            columns=_columns(scenarios, asked),
            quantiles=levels,
            confidence=confidence,
            digest=cells_in.digest_of(scenarios),
            cells=len(scenarios),
            values=_values(points),
            scenario=msgspec.Raw(scenario._json().encode()),
        )
        found: dict[int, CellDone] = {}
        if place is not None:
            cells_in.begun(place, plan)
            cells_in.remove_drafts(place)
            found = cells_in.finished(place, plan)
        missing = [number for number in range(len(points)) if number not in found]
        who: Runner[CellJob, CellDone]
        if executor is None:
            who = Threads(run_cell, threads, len(missing), ahead=AHEAD)
        else:
            who = Elsewhere(executor, run_far, n_threads or 1, supplied)
        kept = _Kept(who, found, place, plan)
        jobs = _jobs(
            missing, points, scenarios, plan, who.threads_each, far=executor is not None, place=place
        )
        try:
            _run(kept, jobs, progress)
        except KeyboardInterrupt as interrupt:
            raise SweepInterrupted(Sweep(scenario, points, plan, kept.found)) from interrupt
        finally:
            kept.close()
    return Sweep(scenario, points, plan, found)


def _run(kept: _Kept, jobs: Iterator[CellJob], progress: bool | Callable[[int, int], object]) -> None:
    """Run what is missing; what was finished is kept, however it ends."""
    paths = kept.plan.paths
    done = paths * len(kept.found)
    with shown_to(progress, paths * kept.plan.cells, done) as show:

        def tell(now: int) -> None:
            kept.gather()
            if show is not None:
                show(done + now)

        try:
            drive(jobs, kept, tell)
        finally:
            kept.gather()


def _jobs(
    missing: list[int],
    points: Points,
    scenarios: list[str],
    plan: Plan,
    threads_each: int,
    *,
    far: bool,
    place: Path | None,
) -> Iterator[CellJob]:
    for number in missing:
        yield CellJob(
            number=number,
            label=points.label(number),
            scenario=scenarios[number],
            paths=plan.paths,
            seed=plan.seed,
            columns=plan.columns,
            quantiles=plan.quantiles,
            confidence=plan.confidence,
            version=plan.perpcore,
            n_threads=threads_each,
            accounts=_accounts(scenarios[number], place) if far else "",
        )


def _accounts(json: str, place: Path | None) -> str:
    """Where workers find the columns of a cell: in the directory, if there is one; else they ask for them."""
    if place is None or not books.digests(json):
        return ""
    books.keep(place, json)
    return str(place)


def _check_confidence(confidence: object) -> None:
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise problem("confidence", shown(confidence), "more than 0 and less than 1")


def _names(columns: object) -> tuple[str, ...] | None:
    if columns is None:
        return None
    if isinstance(columns, str) or not isinstance(columns, Sequence):
        raise problem("columns", shown(columns), "a sequence of names")
    if not columns or not all(isinstance(name, str) for name in columns):
        raise problem("columns", shown(columns), "names of columns, at least one")
    if len(set(columns)) != len(columns):
        raise problem("columns", shown(columns), "each once")
    return tuple(columns)


def _levels(quantiles: Any) -> tuple[float, ...]:
    try:
        levels = tuple(float(q) for q in quantiles)
    except (TypeError, ValueError):
        raise problem("quantiles", shown(quantiles), "a sequence of numbers from 0 to 1") from None
    for q in levels:
        if not 0 <= q <= 1:
            raise problem("quantiles", q, "from 0 to 1")
    if len(set(statistics(levels))) != len(statistics(levels)):
        raise problem("quantiles", shown(levels), "each once")
    return levels


def _columns(scenarios: list[str], asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """The columns asked for, or all that every cell has.

    Runs through time have columns that instant ones lack, and a sweep may have both.
    """
    kinds = {'"time":' in scenario: scenario for scenario in scenarios}
    each = [_core.Ensemble.nothing(scenario, 0, 0).column_names for scenario in kinds.values()]
    known = [
        name
        for name in each[0]
        if name not in ("path", "stop_reason") and all(name in names for names in each)
    ]
    if asked is None:
        return tuple(known)
    for column in asked:
        share = share_of(column)
        if (column if share is None else share[0]) not in known:
            allowed = f"one of {', '.join(known)}, or a share of paths as in 'peak_multiple > 2'"
            raise problem("columns", shown(column), allowed)
    return asked


def _values(points: Points) -> dict[str, list[str]]:
    if not points.axes:
        each = zip(points.fields, zip(*points.listed, strict=True), strict=True)
        return {field: [*map(grids.said, values)] for field, values in each}
    return {
        field: [grids.said(values[i]) for values in axis.values]
        for axis in points.axes
        for i, field in enumerate(axis.fields)
    }
