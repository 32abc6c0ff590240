"""Real accounts beside the manifest: each column a file, for workers and for who reads the run back."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from perpcore import _core
from perpcore._structs import problem
from perpcore.columns import Column
from perpcore.runs import files

DIGEST = re.compile(r"[0-9a-f]{64}")

# Columns of jobs of this process, those needed last at the end; the core finds them by digest as long as
# somebody holds them.
_held: dict[str, _core.Column] = {}
MOST_HELD = 32


def digests(json: str) -> list[str]:
    """Columns that a scenario as the core reads it names by their digests, each once."""
    return sorted({value for _, _, value in _named(msgspec.json.decode(json))})


def _named(scenario: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    for entry in scenario.get("positions") or ():
        if entry.get("kind") == "accounts":
            for field, value in list(entry.items()):
                if isinstance(value, str) and DIGEST.fullmatch(value):
                    yield entry, field, value


def _file(directory: Path, digest: str) -> Path:
    return directory / f"column-{digest}.npy"


def keep(directory: Path, json: str) -> None:
    """Write the columns of a scenario, which this process holds, where they are not there yet.

    Raises
    ------
    PerpcoreError
        What the file system refused.
    """
    for digest in digests(json):
        place, held = _file(directory, digest), _core.Column.find(digest)
        if held is None or place.exists():
            continue
        with files.draft_of(directory, f"column-{digest}") as draft:
            data = io.BytesIO()
            np.save(data, held.values, allow_pickle=False)
            files.write(draft, data.getbuffer())
            draft.rename(place)
            files.settle(directory)


def hold(directory: Path, json: str) -> None:
    """Read the columns that a scenario names, unless this process holds them.

    Raises
    ------
    ScenarioError
        A file is missing, or is not what was written.
    """
    needed = digests(json)
    for digest in needed:
        if (there := _core.Column.find(digest)) is not None:
            _held.pop(digest, None)
            _held[digest] = there
            continue
        _held[digest] = _core.Column(digest, _read(directory, digest))
    _let_go(len(needed))


def take(columns: tuple[Column, ...]) -> None:
    """Hold columns that came with a job, for those that follow."""
    for column in columns:
        _held.pop(column.digest, None)
        _held[column.digest] = column.held
    _let_go(len(columns))


def _let_go(needed: int) -> None:
    for digest in [*_held][: -max(MOST_HELD, needed)]:
        del _held[digest]


def verify(directory: Path, json: str) -> None:
    """Read the columns of a scenario, and compare them with what was written.

    Raises
    ------
    ScenarioError
        As of `hold`.
    """
    for digest in digests(json):
        _read(directory, digest)


def _read(directory: Path, digest: str) -> NDArray[np.float64]:
    place = _file(directory, digest)
    try:
        values = np.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise problem("directory", place, f"the accounts of the run, which can't be read ({error})") from None
    values = np.ascontiguousarray(values, "<f8")
    if hashlib.sha256(values.data).hexdigest() != digest:
        raise problem("directory", place, "the accounts as they were written; they were altered since")
    return values


def scenario(json: str) -> dict[str, Any]:
    """A scenario as plain data, its columns by name."""
    plain: dict[str, Any] = msgspec.json.decode(json)
    for entry, field, digest in _named(plain):
        entry[field] = {"sha256": digest}
    return plain
