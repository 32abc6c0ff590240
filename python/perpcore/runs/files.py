"""Files of a run: named by content, written whole or not at all."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from perpcore import _core
from perpcore._structs import problem, shown

MANIFEST = "manifest.json"
SHARD = re.compile(r"part-(\d{8})-([0-9a-f]{16})\.parquet")
DRAFT = re.compile(r"(?:part-(\d{8})|manifest|column-[0-9a-f]{64})\..+\.tmp")


def check_pyarrow() -> None:
    """Refuse where the extra is missing."""
    if importlib.util.find_spec("pyarrow") is None:
        allowed = "only with pyarrow: pip install perpcore[runs]"
        raise problem("directory", "a run in a directory", allowed)


def shard_name(number: int, digest: str) -> str:
    """How the file of a shard is called; names sort by path."""
    return f"part-{number:08}-{digest}.parquet"


def digest_of(path: Path) -> str:
    """64 bits of BLAKE2b of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def listed(directory: Path, shards: int | None = None) -> dict[int, Path]:
    """The finished shards by number, upward, of a run of so many.

    Raises
    ------
    ScenarioError
        Two files claim to be the same shard, or one to be a shard that the run does not have.
    """
    found: dict[int, Path] = {}
    for path in sorted(directory.iterdir()):
        if (match := SHARD.fullmatch(path.name)) is None:
            continue
        number = int(match[1])
        if number in found:
            allowed = f"{found[number].name} is there for the same paths; remove one of them"
            raise problem("directory", path, allowed)
        if shards is not None and number >= shards:
            allowed = f"a shard of this run, which has 0 to {shards - 1}. Remove the file and run again"
            raise problem("directory", path, allowed)
        found[number] = path
    return found


def has_drafts(directory: Path) -> bool:
    """Whether something half-written is there."""
    return any(DRAFT.fullmatch(path.name) for path in directory.iterdir())


def remove_drafts(directory: Path, numbers: range, *, manifest: bool) -> None:
    """Remove what a killed process left half-written: drafts of these shards, and of the manifest."""
    for path in directory.iterdir():
        if (match := DRAFT.fullmatch(path.name)) is None:
            continue
        if manifest if match[1] is None else int(match[1]) in numbers:
            path.unlink(missing_ok=True)


@contextmanager
def draft_of(directory: Path, stem: str) -> Iterator[Path]:
    """A place to write to, which is gone afterwards unless it was renamed.

    Raises
    ------
    PerpcoreError
        What the file system refused, with the name of the file.
    """
    name = f"{stem}.{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    draft = directory / name
    try:
        yield draft
    except OSError as error:
        raise failed(directory / stem, error) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write(draft: Path, data: bytes | memoryview) -> None:
    """Write a file and wait until the disk has it."""
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def placed(directory: str | os.PathLike[str]) -> Path:
    """Where a directory is, whole.

    Raises
    ------
    ScenarioError
        It is no path.
    """
    given: object = directory
    name = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(name, str) or not name or "\0" in name:
        raise problem("directory", shown(directory), "the path of a directory")
    return Path(name).absolute()


def made(directory: str | os.PathLike[str]) -> Path:
    """A directory, made with those above it if it is not there.

    Raises
    ------
    ScenarioError
        It can't be.
    """
    place = placed(directory)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(place, error) from None
    return place


def unwritable(directory: Path, error: OSError) -> _core.ScenarioError:
    """The directory can't be written to."""
    why = os.strerror(error.errno) if error.errno else str(error)
    return problem("directory", directory, f"a directory that can be written to ({why})")


def failed(path: Path, error: OSError) -> _core.PerpcoreError:
    """What the file system refused; others of the run are not touched by it."""
    why = os.strerror(error.errno) if error.errno else str(error)
    return _core.PerpcoreError(
        f"{path} cannot be written: {why}; what was finished before stays, the same call goes on from there"
    )


def settle(path: Path) -> None:
    """Wait until the disk has a file, or the entries of a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
