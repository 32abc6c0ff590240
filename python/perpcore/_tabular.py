"""What everything with columns can become."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from numpy.typing import NDArray


def parquet_options(schema: pyarrow.Schema) -> dict[str, Any]:
    """How columns are written to Parquet: zstd, the bytes of doubles split by place."""
    import pyarrow

    doubles = [field.name for field in schema if pyarrow.types.is_floating(field.type)]
    others = [field.name for field in schema if field.name not in doubles]
    return {"compression": "zstd", "use_byte_stream_split": doubles, "use_dictionary": others}


class Tabular:
    """Named columns of equal length, as numpy arrays and through the Arrow PyCapsule interface."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        raise NotImplementedError

    def _metadata(self) -> Mapping[str, str]:
        """What a file of it says about its origin."""
        return {}

    def to_numpy(self) -> dict[str, NDArray[Any]]:
        """A dict of numpy arrays."""
        return {name: self[name] for name in self.columns}

    def to_polars(self) -> polars.DataFrame:
        """A polars DataFrame (extra ``frames``)."""
        import polars

        return polars.DataFrame(self)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame (extra ``frames``)."""
        return self.to_pyarrow().to_pandas()

    def to_pyarrow(self) -> pyarrow.Table:
        """A pyarrow Table (extra ``frames``)."""
        import pyarrow

        return pyarrow.table(self)

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file (extra ``frames``): zstd, the bytes of doubles split by place.

        The file is complete or not there: it is written beside its place, as ``<path>.tmp``, then renamed.
        """
        from pyarrow import parquet

        table = self.to_pyarrow()
        about = {**(table.schema.metadata or {}), **self._metadata()}
        place = Path(path)
        draft = place.with_name(place.name + ".tmp")
        try:
            parquet.write_table(
                table.replace_schema_metadata(about),
                draft,
                **parquet_options(table.schema),
            )
            draft.replace(place)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
