"""A run in a directory, begun or gone on with: from the call to the results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from perpcore import _core
from perpcore._structs import problem, shown
from perpcore._words import check_call, seed_from
from perpcore.ensemble import Interrupted, check_keep, shown_to
from perpcore.runs import books, files, locking, manifest, plan, results
from perpcore.runs.driving import Runner, Threads, drive
from perpcore.runs.executors import Elsewhere, check_executor
from perpcore.runs.manifest import Manifest
from perpcore.runs.results import Results
from perpcore.runs.shards import Done, Job, run_shard

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from perpcore.scenario import Scenario

MAX_SHARDS = 100_000_000
MAX_SLICES = 1_000_000


def simulate_into(
    directory: str | os.PathLike[str],
    scenario: Scenario,
    json: str,
    *,
    paths: int,
    seed: int | None,
    first_path: int,
    n_threads: int | None,
    keep: str,
    lazy: bool,
    progress: bool | Callable[[int, int], object],
    shard_paths: int | None,
    shard: tuple[int, int] | None,
    executor: Executor | None = None,
) -> Results:
    """Run paths into a directory; `Scenario.monte_carlo` says what the options are."""
    files.check_pyarrow()
    check_call(paths, n_threads, progress)
    check_keep(keep)
    check_executor(executor)
    shard = _slice(shard)
    if first_path + paths > 2**64:
        left = 2**64 - 1 - first_path
        raise problem(
            "first_path", first_path, f"paths are numbered up to 2^64 - 1, which leaves {left} after it"
        )
    asked = {"paths": paths, "first_path": first_path, "keep": keep, "perpcore": _core.__version__}
    if shard_paths is not None:
        _check_shard_paths(paths, shard_paths)
        asked["shard_paths"] = shard_paths
    if seed is not None:
        asked["seed"] = seed
    place = files.made(directory)
    with locking.writing(place, shard):
        of = _manifest(place, scenario, json, asked, shard)
        books.keep(place, json)
        files.remove_drafts(place, of.slice(shard), manifest=shard is None)
        every = files.listed(place, of.shards).items()
        found = {n: path for n, path in every if n in of.slice(shard)}
        threads = n_threads or (_core.available_threads() if executor is None else 1)
        try:
            results.verify(found, of)
            _finish(place, of, shard, found, threads, lazy, progress, executor)
            if executor is not None:  # a worker that was killed cleared nothing away
                files.remove_drafts(place, of.slice(shard), manifest=False)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(Results(place, shard), of.in_slice(shard)) from interrupt
        return _whole(Results(place, shard))


def _whole(found: Results) -> Results:
    """Results of a call that has ended are complete, or it has not done what it was asked for."""
    if not found.complete:
        count = sum(map(len, found.missing()))
        raise _core.RunError(
            f"{found.directory}: {count:,} shards are not there that workers said they wrote: they must see"
            " the directory by the same path"
        )
    return found


def tidied(directory: Path) -> None:
    """Remove what killed writers of a finished run left half-written, unless somebody is still there."""
    if files.has_drafts(directory):
        with suppress(_core.ScenarioError), locking.writing(directory, None):
            files.remove_drafts(directory, range(MAX_SHARDS), manifest=True)


def _slice(shard: object) -> tuple[int, int] | None:
    """Slice `i` of `n`, from 1 as `jest --shard` and array jobs have it."""
    if shard is None:
        return None
    wanted = "two whole numbers (i, n): slice i of n, from 1 to n"
    if not isinstance(shard, tuple | list) or len(shard) != 2:
        raise problem("shard", shown(shard), wanted)
    if not all(isinstance(x, int) and not isinstance(x, bool) for x in shard):
        raise problem("shard", shown(shard), wanted)
    i, n = shard
    if not 1 <= n <= MAX_SLICES:
        raise problem("shard", f"{i}/{n}", f"of 1 to {MAX_SLICES:,} slices")
    if not 1 <= i <= n:
        raise problem("shard", f"{i}/{n}", f"from 1/{n} to {n}/{n}")
    return i, n


def _check_shard_paths(paths: int, shard_paths: int) -> None:
    least = -(-paths // MAX_SHARDS)
    if shard_paths < least:
        raise problem(
            "shard_paths", shard_paths, f"at least {least:,}, so that there are at most {MAX_SHARDS:,} shards"
        )


def _manifest(
    place: Path, scenario: Scenario, json: str, asked: dict[str, Any], shard: tuple[int, int] | None
) -> Manifest:
    """What the directory holds, made now if it holds nothing; it must be what is asked for."""
    digest = scenario.digest()
    there = manifest.read(place)
    if there is None:
        if files.listed(place):
            raise problem("directory", place, "an empty one, or a run; it has shards but no manifest.json")
        if (place / "sweep.json").exists():
            raise problem("directory", place, "an empty one, or a run; it has a sweep")
        there = manifest.make(place, _new(json, digest, asked, shard))
    if shard is not None and there.slices is not None:
        asked = asked | {"slices": shard[1]}
    manifest.check_same(place, there, asked, json, digest)
    return there


def _new(json: str, digest: str, asked: dict[str, Any], shard: tuple[int, int] | None) -> Manifest:
    of: dict[str, Any] = {"seed": seed_from(None), **asked}
    slices = None if shard is None else shard[1]
    if "shard_paths" not in of:
        options = {name: of[name] for name in ("seed", "first_path", "paths", "keep")}
        each = plan.shard_paths(json, **options, slices=slices or 1)
        of["shard_paths"] = max(each, 1 << (-(-of["paths"] // MAX_SHARDS) - 1).bit_length())
    raw = msgspec.Raw(json.encode())
    return Manifest(format=manifest.FORMAT, digest=digest, slices=slices, scenario=raw, **of)


def _finish(
    place: Path,
    of: Manifest,
    shard: tuple[int, int] | None,
    found: dict[int, Path],
    n_threads: int,
    lazy: bool,
    progress: bool | Callable[[int, int], object],
    executor: Executor | None,
) -> None:
    """Run what is missing."""
    numbers = of.slice(shard)
    total, done = of.in_slice(shard), sum(of.span(number)[1] for number in found)
    missing = len(numbers) - len(found)
    who: Runner[Job, Done]
    if executor is None:
        who = Threads(run_shard, n_threads, missing)
    else:
        who = Elsewhere(executor, run_shard, n_threads)
    jobs = _jobs(place, of, numbers, found, n_threads=who.threads_each, lazy=lazy)
    try:
        with shown_to(progress, total, done) as tell:
            drive(jobs, who, lambda now: tell(done + now) if tell is not None else None)
    finally:
        who.close()


def _jobs(
    place: Path, of: Manifest, numbers: range, found: dict[int, Path], *, n_threads: int, lazy: bool
) -> Iterator[Job]:
    run = of.name()
    for number in numbers:
        if number not in found:
            yield Job(str(place), number, run, of.perpcore, n_threads, lazy)
