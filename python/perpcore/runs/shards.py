"""One shard: run it, write it, say so in few words. What a worker does, in this process or in another."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from perpcore import _core
from perpcore._structs import problem
from perpcore._tabular import parquet_options
from perpcore.runs import books, files, manifest
from perpcore.runs.manifest import Manifest

# Rows that are run and written at once: what a shard needs in memory. Part of the format: files show it.
GROUP = 1 << 15


@dataclass(frozen=True)
class Job:
    """One shard to run; small, since the worker reads the scenario from the directory.

    Attributes
    ----------
    directory : str
        Where the manifest is and the shard goes; absolute, and the same for driver and worker.
    number : int
        Which shard.
    run : str
        Which one: `Manifest.name`.
    version : str
        Of perpcore, which must be the worker's.
    n_threads : int
    lazy : bool
    """

    directory: str
    number: int
    run: str
    version: str
    n_threads: int = 1
    lazy: bool = True


@dataclass(frozen=True)
class Done:
    """A shard that is finished.

    Attributes
    ----------
    number : int
        Which shard.
    paths : int
        How many.
    name : str
        Its file in the directory.
    hash : int
        Of its rows (`Ensemble.hash`).
    """

    number: int
    paths: int
    name: str
    hash: int


def run_shard(job: Job, tell: Callable[[int], object] | None = None) -> Done:
    """Run one shard and write its file; one that is there is checked instead.

    Parameters
    ----------
    job : Job
    tell : callable, optional
        Told the paths finished so far some twenty times a second; what it raises ends the shard.

    Returns
    -------
    Done

    Raises
    ------
    ScenarioError
        Another version of perpcore, or another run, than the job is of.
    RunError
        A path could not go on.
    PerpcoreError
        The file could not be written.
    """
    if job.version != _core.__version__:
        allowed = f"the version that began the run, {job.version}, in every worker"
        raise problem("perpcore", _core.__version__, allowed)
    files.check_pyarrow()
    directory, of = Path(job.directory), manifest.cached(job.directory, job.run)
    books.hold(directory, of.json)
    there = sorted(directory.glob(files.shard_name(job.number, "*")))
    if there:
        return checked(there[0], of, job.number)
    with files.draft_of(directory, f"part-{job.number:08}") as draft:
        write = _write_rows if of.keep == "columns" else _write_statistics
        core = write(draft, of, job, tell or (lambda _: None))
        files.settle(draft)
        name = files.shard_name(job.number, files.digest_of(draft))
        draft.rename(directory / name)
        files.settle(directory)
    return Done(job.number, core.paths, name, core.hash())


def _write_rows(draft: Path, of: Manifest, job: Job, tell: Callable[[int], object]) -> _core.Ensemble:
    """Rows in groups, each run when the one before is written."""
    import pyarrow
    from pyarrow import parquet

    _, paths = of.span(job.number)
    dumps: list[bytes] = []
    writer = None
    try:
        for done in range(0, paths, GROUP):
            core = _simulated(of, job, done, min(GROUP, paths - done), partial(_later, tell, done))
            table = pyarrow.RecordBatchReader.from_stream(core.table()).read_all()  # without pandas
            if writer is None:
                writer = parquet.ParquetWriter(draft, table.schema, **parquet_options(table.schema))
            writer.write_table(table, row_group_size=GROUP)
            dumps.append(core.dump())
            del core, table
        whole = _core.Ensemble.merge(dumps)
        if writer is not None:
            writer.add_key_value_metadata(_about(of, job.number, whole))
            writer.close()
    except BaseException:
        _abandon(writer)
        raise
    return whole


def _later(tell: Callable[[int], object], before: int, finished: int) -> None:
    tell(before + finished)


def _write_statistics(draft: Path, of: Manifest, job: Job, tell: Callable[[int], object]) -> _core.Ensemble:
    """No rows, only what is known of them."""
    import pyarrow
    from pyarrow import parquet

    core = _simulated(of, job, 0, of.span(job.number)[1], tell)
    schema = pyarrow.schema([("path", pyarrow.uint64())])
    with parquet.ParquetWriter(draft, schema) as writer:
        writer.add_key_value_metadata(_about(of, job.number, core))
    return core


def _abandon(writer: Any) -> None:
    """Close a file that nobody wants any more, and can perhaps not be written either."""
    if writer is not None:
        try:
            writer.close()
        except Exception:  # the first error is the one to tell
            return


def _simulated(
    of: Manifest, job: Job, offset: int, paths: int, tell: Callable[[int], object]
) -> _core.Ensemble:
    core = _core.monte_carlo(
        of.json,
        paths=paths,
        seed=of.seed,
        first_path=of.span(job.number)[0] + offset,
        n_threads=job.n_threads,
        keep=of.keep,
        lazy=job.lazy,
        progress=tell,
    )
    if core.error is not None:
        raise core.error
    return core


def _about(of: Manifest, number: int, core: _core.Ensemble) -> dict[str, str]:
    """What a file says about itself."""
    return _identity(of, number) | {
        "perpcore.hash": f"{core.hash():016x}",
        "perpcore.statistics": base64.b64encode(core.dump()).decode(),
    }


def _identity(of: Manifest, number: int) -> dict[str, str]:
    first, paths = of.span(number)
    return {
        "perpcore.version": of.perpcore,
        "perpcore.digest": of.digest,
        "perpcore.seed": str(of.seed),
        "perpcore.first_path": str(first),
        "perpcore.paths": str(paths),
        "perpcore.keep": of.keep,
    }


def said_by(path: Path) -> Mapping[str, str]:
    """What a file says about itself, from its last bytes alone.

    Raises
    ------
    ScenarioError
        It is no whole Parquet file.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        found = parquet.read_metadata(path).metadata or {}
    except (OSError, pyarrow.ArrowException) as error:
        raise damaged(path, f"no whole Parquet file ({error})") from None
    return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in found.items()}


def statistics_of(path: Path, of: Manifest, number: int) -> bytes:
    """The statistics in a file of this shard of this run."""
    said = said_by(path)
    for key, wanted in _identity(of, number).items():
        if said.get(key) != wanted:
            raise damaged(path, f"its {key.removeprefix('perpcore.')} is {said.get(key)}, not {wanted}")
    try:
        return base64.b64decode(said["perpcore.statistics"], validate=True)
    except (KeyError, ValueError):
        raise damaged(path, "its statistics are missing or altered") from None


def checked(path: Path, of: Manifest, number: int) -> Done:
    """A finished shard, all its bytes read and found as they were written.

    Raises
    ------
    ScenarioError
        It was cut short or altered, or is of another run.
    """
    match = files.SHARD.fullmatch(path.name)
    try:
        whole = match is not None and files.digest_of(path) == match[2]
    except OSError as error:
        raise damaged(path, f"it can't be read ({error.strerror})") from None
    if not whole:
        raise damaged(path, "its bytes are not those its name is the digest of")
    statistics_of(path, of, number)
    return Done(number, of.span(number)[1], path.name, int(said_by(path).get("perpcore.hash", "0"), 16))


def damaged(path: Path, why: str) -> _core.ScenarioError:
    """A file that can't be trusted, and what to do."""
    allowed = f"a shard as it was written; {why}. Remove the file and run again: only that shard is run anew"
    return problem("directory", path, allowed)
