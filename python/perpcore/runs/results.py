"""A run in a directory, read back: statistics from the ends of its files, rows when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from perpcore import _core
from perpcore._structs import problem
from perpcore._tabular import parquet_options
from perpcore.ensemble import Ensemble
from perpcore.runs import books, files, manifest, shards

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray
    from pyarrow import dataset

    from perpcore.results import Table
    from perpcore.runs.manifest import Manifest


class Results(Ensemble):
    """A run in a directory: an `Ensemble` whose rows stay in its files.

    Statistics, `hash` and `stop_reasons` are added up from what each file says at its end, when first asked
    for, and are those of one process to the last bit. Rows are read when a column, a table or the dataset is
    asked for. It shows the shards that were finished when it was read.
    """

    def __init__(self, directory: str | os.PathLike[str], shard: tuple[int, int] | None = None) -> None:
        files.check_pyarrow()
        #: Where its files are.
        self.directory = files.placed(directory)
        self._manifest = _known(self.directory)
        self._shard = shard
        self._numbers = self._manifest.slice(shard)
        every = files.listed(self.directory, self._manifest.shards).items()
        self._found = {number: path for number, path in every if number in self._numbers}
        self._columns_read: dict[str, NDArray[Any]] = {}

    @cached_property
    def scenario(self) -> Any:  # type: ignore[override]
        """The scenario that gives these paths again, with `seed`."""
        from perpcore.scenario import Scenario

        books.hold(self.directory, self._manifest.json)
        return Scenario.from_dict(books.scenario(self._manifest.json))

    @cached_property
    def _core(self) -> _core.Ensemble:  # type: ignore[override]
        of = self._manifest
        if not self._found:
            books.hold(self.directory, of.json)
            return _core.Ensemble.nothing(of.json, of.seed, self.first_path)
        dumps = (shards.statistics_of(path, of, number) for number, path in self._found.items())
        return _core.Ensemble.merge(dumps)

    @property
    def seed(self) -> int:
        """The seed of all paths."""
        return self._manifest.seed

    @property
    def first_path(self) -> int:
        """The number of the first path."""
        return self._manifest.first_path + self._numbers.start * self._manifest.shard_paths

    @property
    def complete(self) -> bool:
        """Whether every path that was asked for is here."""
        return len(self._found) == len(self._numbers)

    @property
    def asked(self) -> int:
        """How many paths were asked for."""
        return self._manifest.in_slice(self._shard)

    @property
    def files(self) -> list[Path]:
        """The file of every finished shard, by path."""
        return list(self._found.values())

    @property
    def _kept(self) -> str:
        return self._manifest.keep

    def __len__(self) -> int:
        of, last = self._manifest, self._manifest.shards - 1
        short = of.shard_paths - of.span(last)[1] if last in self._found else 0
        return len(self._found) * of.shard_paths - short

    def __reduce__(self) -> tuple[Any, ...]:
        return Results, (str(self.directory), self._shard)

    def missing(self) -> list[range]:
        """Shards that are not finished, as ranges of their numbers, upward."""
        gaps, at = [], self._numbers.start
        for number in [*self._found, self._numbers.stop]:
            if number > at:
                gaps.append(range(at, number))
            at = number + 1
        return gaps

    def missing_slices(self) -> list[tuple[int, int]]:
        """Slices `(i, n)` with a shard that is not finished; none of a run that was not shared out."""
        n = self._manifest.slices
        if n is None:
            return []
        cuts = [self._manifest.slice((i, n)) for i in range(1, n + 1)]
        return [(i, n) for i, cut in enumerate(cuts, 1) if any(number not in self._found for number in cut)]

    def verify(self) -> None:
        """Read every byte of every file and compare it with what was written.

        Raises
        ------
        ScenarioError
            A file is gone, was cut short or altered; the first by path.
        """
        verify(self._found, self._manifest)
        books.verify(self.directory, self._manifest.json)

    # ---- rows ----

    def dataset(self) -> dataset.Dataset:
        """The rows as a dataset of pyarrow, read in pieces: for what exceeds the memory."""
        from pyarrow import dataset

        if self._kept == "statistics":
            raise _core.PerpcoreError('only statistics were kept: keep="columns" keeps every path\'s figures')
        if not self._found:
            raise _core.PerpcoreError(f"{self.directory}: no shard is finished yet, so there are no rows")
        return dataset.dataset([str(path) for path in self._found.values()], format="parquet")

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._columns_read:
            rows = self.dataset()
            if name not in self.columns:
                raise KeyError(f"no column {name!r}; there are {self.columns}")
            values = rows.to_table(columns=[name]).column(0).to_numpy()
            values.flags.writeable = False
            self._columns_read[name] = values
        return self._columns_read[name]

    def exact(self, name: str) -> NDArray[Any]:  # noqa: ARG002
        """Files hold units; a path's integers are those of its run."""
        self._only_units()

    def table(self, *, exact: bool = False) -> Table:  # noqa: ARG002
        """Files hold the rows; `to_pyarrow` makes a table of them."""
        self._only_units()

    def _only_units(self) -> NoReturn:
        raise _core.PerpcoreError(
            "the rows of a run in a directory stay in its files, in units: take dataset(), to_pyarrow() or a"
            ' column; .run(path=...).exact("summary") has the integers of a path'
        )

    def to_pyarrow(self) -> pyarrow.Table:
        """A pyarrow Table of all rows, which must fit the memory."""
        return self.dataset().to_table()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.dataset().scanner().to_reader().__arrow_c_stream__(requested_schema)

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write all rows into one Parquet file, a piece at a time; whole or not there."""
        from pyarrow import parquet

        rows, place = self.dataset(), Path(path)
        draft = place.with_name(place.name + ".tmp")
        about = {key.encode(): value.encode() for key, value in self._metadata().items()}
        schema = rows.schema.with_metadata(about)
        try:
            with parquet.ParquetWriter(draft, schema, **parquet_options(schema)) as writer:
                for batch in rows.to_batches(batch_size=shards.GROUP):
                    writer.write_batch(batch.replace_schema_metadata(about), row_group_size=shards.GROUP)
            draft.replace(place)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def read_results(directory: str | os.PathLike[str]) -> Results:
    """Read a run back that `Scenario.monte_carlo` or `perpcore monte-carlo` wrote into a directory.

    What is finished, complete or not. Files are opened when their figures are asked for; `Results.verify`
    reads them whole.

    Parameters
    ----------
    directory : path

    Returns
    -------
    Results

    Raises
    ------
    ScenarioError
        No run is there, its manifest was altered, or two files hold the same paths.
    """
    return Results(directory)


def _known(directory: Path) -> Manifest:
    found = manifest.read(directory)
    if found is None:
        what = "it has no manifest.json" if directory.is_dir() else "there is no such directory"
        raise problem("directory", directory, f"a directory that holds a run; {what}")
    return found


def verify(found: dict[int, Path], of: Manifest) -> None:
    """Read every byte of shards, several at once.

    Raises
    ------
    ScenarioError
        A file was cut short or altered; the first by path.
    """
    from concurrent.futures import ThreadPoolExecutor

    def each(item: tuple[int, Path]) -> None:
        shards.checked(item[1], of, item[0])

    pool = ThreadPoolExecutor(min(8, _core.available_threads()), thread_name_prefix="perpcore-verify")
    try:
        for _ in _bounded(pool, each, iter(found.items())):
            pass
    finally:
        pool.shutdown(cancel_futures=True)


def _bounded(pool: Any, work: Any, items: Iterator[Any]) -> Iterator[None]:
    """As `map`, with few items taken ahead."""
    from collections import deque
    from itertools import islice

    waiting = deque(pool.submit(work, item) for item in islice(items, 32))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(work, item) for item in islice(items, 1))
