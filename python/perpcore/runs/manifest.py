"""What a directory holds: the scenario and the numbers from which every shard follows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from perpcore._structs import problem, problems
from perpcore.runs import files

FORMAT = 1
# What two calls must have in common.
COMPARED = ("perpcore", "seed", "first_path", "paths", "keep", "shard_paths", "slices")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is run, and how it is cut into shards.

    Attributes
    ----------
    format : int
        Of the directory.
    perpcore : str
        The version that writes it.
    digest : str
        SHA-256 of `scenario`, which is `Scenario.digest`.
    seed, first_path, paths : int
    shard_paths : int
        Paths of a shard; the last one has what is left.
    keep : {"columns", "statistics"}
    slices : int, optional
        How many independent slices share it, where they do.
    check : str
        SHA-256 of all the rest: that nobody altered it since.
    scenario : str
        As the core reads it, in JSON.
    """

    format: int
    perpcore: str
    digest: str
    seed: int
    first_path: int
    paths: int
    shard_paths: int
    keep: str
    slices: int | None = None
    check: str = ""
    scenario: msgspec.Raw

    @property
    def json(self) -> str:
        """The scenario as the core reads it."""
        return bytes(self.scenario).decode()

    @property
    def shards(self) -> int:
        """How many there are."""
        return -(-self.paths // self.shard_paths)

    def span(self, number: int) -> tuple[int, int]:
        """First path and number of paths of a shard."""
        start = number * self.shard_paths
        return self.first_path + start, min(self.shard_paths, self.paths - start)

    def slice(self, shard: tuple[int, int] | None) -> range:
        """Which shards are of slice `i` of `n`, from 1: as many for each, give or take one."""
        if shard is None:
            return range(self.shards)
        i, n = shard
        return range((i - 1) * self.shards // n, i * self.shards // n)

    def in_slice(self, shard: tuple[int, int] | None) -> int:
        """How many paths."""
        numbers = self.slice(shard)
        return min(numbers.stop * self.shard_paths, self.paths) - min(
            numbers.start * self.shard_paths, self.paths
        )

    def text(self) -> str:
        """As the file has it."""
        return text(self)

    def name(self) -> str:
        """Which run it is, of all there are."""
        return name(self)


def name(of: Any) -> str:
    """SHA-256 of all that a manifest says."""
    return hashlib.sha256(_lines(of, "").encode()).hexdigest()


def text(of: Any) -> str:
    """A manifest as its file has it: a field a line, the scenario last and byte for byte."""
    return _lines(of, name(of))


def _lines(of: Any, check: str) -> str:
    fields = [field for field in of.__struct_fields__ if field not in ("check", "scenario")]
    plain = {field: getattr(of, field) for field in fields} | {"check": check}
    each = [f'  "{field}": {json.dumps(value)},' for field, value in plain.items()]
    return "\n".join(["{", *each, f'  "scenario": {bytes(of.scenario).decode()}', "}", ""])


def read(directory: Path) -> Manifest | None:
    """The manifest of a directory; none if there is none.

    Raises
    ------
    ScenarioError
        It can't be read, is no manifest, or was altered.
    """
    path = directory / files.MANIFEST
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise problem("directory", path, f"a file that can be read ({error.strerror})") from None
    try:
        found = msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise problem("directory", path, f"the manifest of a run, which this is not ({error})") from None
    if found.format != FORMAT:
        raise problem("directory", path, f"format {FORMAT}; this one has {found.format}")
    numbers = found.paths >= 1 and found.shard_paths >= 1 and found.keep in ("columns", "statistics")
    same = hashlib.sha256(bytes(found.scenario)).hexdigest() == found.digest and found.check == found.name()
    if not same or not numbers:
        raise problem("directory", path, "a manifest as it was written; this one was altered since")
    return found


def make(directory: Path, wanted: Manifest) -> Manifest:
    """Put a manifest there, unless somebody else was first; what is there then."""
    place = directory / files.MANIFEST
    with files.draft_of(directory, "manifest") as draft:
        files.write(draft, wanted.text().encode())
        try:
            os.link(draft, place)  # unlike a rename it takes nobody's place
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            if not place.exists():
                draft.rename(place)
        files.settle(directory)
    found = read(directory)
    if found is None:
        raise problem("directory", place, "a directory that nobody else empties meanwhile")
    return found


def check_same(directory: Path, there: Manifest, asked: dict[str, Any], scenario: str, digest: str) -> None:
    """Refuse to go on with anything but what was begun.

    Parameters
    ----------
    directory : Path
    there : Manifest
        What was begun.
    asked : dict
        Fields of `COMPARED` that the call gives.
    scenario, digest : str
        The scenario of the call.

    Raises
    ------
    ScenarioError
        With every field that differs, what it was and what it is.
    """
    found = [
        (f"scenario.{name}", short(now), _begun(directory, was))
        for name, was, now in (differences(there.json, scenario) if digest != there.digest else ())
    ]
    for name in COMPARED:
        if name in asked and asked[name] != getattr(there, name):
            found.append((name, short(asked[name]), _begun(directory, getattr(there, name))))
    if found:
        raise problems(found)


def _begun(directory: Path, was: object) -> str:
    return f"the run in {directory} was begun with {short(was)}; take that, or another directory"


MISSING = object()


def differences(was: str, now: str) -> Iterator[tuple[str, object, object]]:
    """Where two scenarios differ: a dotted path, what was there and what is."""
    yield from _walk("", json.loads(was), json.loads(now))


def _walk(at: str, was: Any, now: Any) -> Iterator[tuple[str, object, object]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in [*was, *(name for name in now if name not in was)]:
            below = f"{at}.{name}" if at else name
            yield from _walk(below, was.get(name, MISSING), now.get(name, MISSING))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for i, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _walk(f"{at}[{i}]", one, other)
    elif was != now:
        yield at, was, now


def short(value: object) -> str:
    """A value in few words, for a message."""
    if value is None or value is MISSING:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


@lru_cache(maxsize=8)
def cached(directory: str, name: str) -> Manifest:
    """The manifest of a directory, read once a process: what workers start from."""
    found = read(Path(directory))
    if found is None or found.name() != name:
        raise problem(
            "directory", directory, "the directory of the run this job is of, as its worker sees it"
        )
    return found
