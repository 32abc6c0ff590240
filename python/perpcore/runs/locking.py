"""One writer a part of a directory: a lock that dies with its process, and says who holds it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from perpcore import _core
from perpcore._structs import problem
from perpcore.runs import files

WHOLE = ".lock"
SLICE = ".lock-slice-"

# Descriptors of locks held here. A forked worker closes them: else it would hold them beyond our death.
_held: set[int] = set()


def _forget() -> None:
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextmanager
def writing(directory: Path, shard: tuple[int, int] | None) -> Iterator[None]:
    """Be the only writer of a directory, or of one slice of it beside those of other slices.

    Parameters
    ----------
    directory : Path
    shard : (int, int), optional
        Slice `i` of `n`; the whole directory if not given.

    Raises
    ------
    ScenarioError
        Somebody else writes there, or nobody can.
    """
    name = WHOLE if shard is None else f"{SLICE}{shard[0]}-of-{shard[1]}"
    path = directory / name
    try:
        descriptor = _taken(path)
    except OSError as error:
        raise files.unwritable(directory, error) from None
    if descriptor is None:
        raise _refused(directory, path)
    _held.add(descriptor)
    try:
        _introduce(directory, descriptor)
        _check_others(directory, shard)
        yield
    finally:
        if descriptor in _held:  # not in a forked child
            # Gone before it is free, so that no one takes a lock that others can't see.
            with suppress(OSError):
                path.unlink()
            _held.discard(descriptor)
            os.close(descriptor)


def _introduce(directory: Path, descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
    except OSError as error:
        raise files.unwritable(directory, error) from None


def _check_others(directory: Path, shard: tuple[int, int] | None) -> None:
    """A whole run and slices exclude each other, and so do slices of `n` and of another `n`: they overlap."""
    others = sorted(directory.glob(f"{SLICE}*"))
    if shard is not None:
        others = [path for path in others if not path.name.endswith(f"-of-{shard[1]}")] + [directory / WHOLE]
    for path in others:
        if path.exists() and (descriptor := _taken(path, looking=True)) != FREE:
            if descriptor is None:
                raise _refused(directory, path)
            with suppress(OSError):  # of a process that was killed
                path.unlink()
            os.close(descriptor)


FREE = -1


def _taken(path: Path, *, looking: bool = False) -> int | None:
    """A descriptor that holds the lock; none if somebody else does; `FREE` if there is nothing to hold.

    Who only looks shares it with others who look.
    """
    import fcntl

    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | (0 if looking else os.O_CREAT), 0o644)
        except FileNotFoundError:
            if looking:
                return FREE
            raise
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if looking else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        if _is_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # who held it has just removed it


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))


def _refused(directory: Path, path: Path) -> _core.ScenarioError:
    try:
        who = path.read_text(encoding="utf-8", errors="replace") or "another process"
    except OSError:
        who = "another process"
    part = "" if path.name == WHOLE else f" (slice {path.name.removeprefix(SLICE).replace('-of-', '/')})"
    return problem("directory", directory, f"one writer at a time: {who} is writing there{part}")
