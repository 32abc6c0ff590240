"""Finished cells in a directory: a file each, whole or not there, and a manifest of what they are of."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
import numpy as np

from perpcore._structs import problem, problems
from perpcore.runs import files, manifest
from perpcore.sweeps.cells import CellDone

MANIFEST = "sweep.json"
FORMAT = 1
CELL = re.compile(r"cell-(\d{8})-([0-9a-f]{16})\.msgpack")
DRAFT = re.compile(r"(?:cell-\d{8}|sweep|column-[0-9a-f]{64})\..+\.tmp")
# What two calls must have in common, beside the scenarios of their cells.
COMPARED = ("perpcore", "seed", "paths", "columns", "quantiles", "confidence")


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a directory holds cells of.

    Attributes
    ----------
    format : int
        Of the directory.
    perpcore : str
        The version that writes it.
    seed, paths : int
    columns : tuple of str
    quantiles : tuple of float
    confidence : float
    digest : str
        SHA-256 over the scenarios of all cells, in order.
    cells : int
        How many there are.
    values : dict
        Of every field that is varied, its values in words: along its axis, or one a point of a list.
    scenario : str
        What is varied, as the core reads it, in JSON.
    check : str
        SHA-256 of all the rest: that nobody altered it since.
    """

    format: int
    perpcore: str
    seed: int
    paths: int
    columns: tuple[str, ...]
    quantiles: tuple[float, ...]
    confidence: float
    digest: str
    cells: int
    values: dict[str, list[str]]
    check: str = ""
    scenario: msgspec.Raw


class _Cell(msgspec.Struct, frozen=True, array_like=True):
    """A finished cell as its file has it."""

    sweep: str
    number: int
    paths: int
    hash: int
    shape: tuple[int, int]
    figures: bytes


def digest_of(scenarios: list[str]) -> str:
    """SHA-256 over the scenarios of all cells."""
    found = hashlib.sha256()
    for scenario in scenarios:
        found.update(hashlib.sha256(scenario.encode()).digest())
    return found.hexdigest()


def seed_in(directory: Path) -> int | None:
    """The seed of the sweep that was begun there, if one was."""
    there = _read(directory)
    return None if there is None else there.seed


def _read(directory: Path) -> Plan | None:
    path = directory / MANIFEST
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise problem("directory", path, f"a file that can be read ({error.strerror})") from None
    try:
        found = msgspec.json.decode(data, type=Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise problem("directory", path, f"the manifest of a sweep, which this is not ({error})") from None
    if found.format != FORMAT:
        raise problem("directory", path, f"format {FORMAT}; this one has {found.format}")
    if found.check != manifest.name(found):
        raise problem("directory", path, "a manifest as it was written; this one was altered since")
    return found


def begun(directory: Path, wanted: Plan) -> None:
    """Put the manifest there, or go on with the sweep that is there if it is the same.

    Raises
    ------
    ScenarioError
        The directory holds something else; with every field that differs, what it was and what it is.
    PerpcoreError
        It can't be written to.
    """
    there = _read(directory)
    if there is not None:
        _check_same(directory, there, wanted)
        return
    if (directory / files.MANIFEST).exists():
        raise problem("directory", directory, "an empty one, or a sweep; it holds the run of one scenario")
    if any(CELL.fullmatch(path.name) for path in directory.iterdir()):
        raise problem("directory", directory, f"an empty one, or a sweep; it has cells but no {MANIFEST}")
    with files.draft_of(directory, "sweep") as draft:
        files.write(draft, manifest.text(wanted).encode())
        draft.rename(directory / MANIFEST)
        files.settle(directory)


def _check_same(directory: Path, there: Plan, now: Plan) -> None:
    def begun_with(was: object) -> str:
        return (
            f"the sweep in {directory} was begun with {manifest.short(was)}; take that, or another directory"
        )

    found: list[tuple[str, str, str]] = []
    if there.scenario != now.scenario:
        was, given = bytes(there.scenario).decode(), bytes(now.scenario).decode()
        for name, old, new in manifest.differences(was, given):
            found.append((f"scenario.{name}", manifest.short(new), begun_with(old)))
    for name in COMPARED:
        if getattr(there, name) != getattr(now, name):
            found.append((name, manifest.short(getattr(now, name)), begun_with(getattr(there, name))))
    for field in [*there.values, *(field for field in now.values if field not in there.values)]:
        old_values, new_values = there.values.get(field), now.values.get(field)
        if old_values != new_values:
            found.append((f"grid {field}", manifest.short(new_values), begun_with(old_values)))
    if not found and (there.digest, there.cells) != (now.digest, now.cells):
        found.append(("grid", f"{now.cells} cells", begun_with(f"{there.cells} other cells")))
    if found:
        raise problems(found)


def remove_drafts(directory: Path) -> None:
    """Remove what a killed process left half-written."""
    for path in directory.iterdir():
        if DRAFT.fullmatch(path.name):
            path.unlink(missing_ok=True)


def store(directory: Path, of: str, done: CellDone) -> None:
    """Write a finished cell of the sweep whose `manifest.name` is given: whole, or not at all.

    Raises
    ------
    PerpcoreError
        What the file system refused; cells that were written stay.
    """
    rows, columns = done.figures.shape
    figures = done.figures.astype("<f8").tobytes()
    cell = _Cell(of, done.number, done.paths, done.hash, (rows, columns), figures)
    with files.draft_of(directory, f"cell-{done.number:08}") as draft:
        files.write(draft, msgspec.msgpack.encode(cell))
        draft.rename(directory / f"cell-{done.number:08}-{files.digest_of(draft)}.msgpack")
        files.settle(directory)


def finished(directory: Path, plan: Plan) -> dict[int, CellDone]:
    """The cells that are there, each found as it was written.

    Raises
    ------
    ScenarioError
        A file that was cut short or altered, or is of another sweep: it names the file.
    """
    found: dict[int, CellDone] = {}
    of = manifest.name(plan)
    for path in sorted(directory.iterdir()):
        if (match := CELL.fullmatch(path.name)) is None:
            continue
        number = int(match[1])
        if files.digest_of(path) != match[2]:
            raise _damaged(path, "its bytes are not those its name is the digest of")
        cell = msgspec.msgpack.decode(path.read_bytes(), type=_Cell)
        if cell.sweep != of or cell.number != number or number >= plan.cells:
            raise _damaged(path, "it is of another sweep")
        if number in found:
            raise _damaged(path, "another file is there for the same cell")
        figures = np.frombuffer(cell.figures, dtype="<f8").reshape(cell.shape)
        found[number] = CellDone(number, cell.paths, cell.hash, figures)
    return found


def _damaged(path: Path, why: str) -> Exception:
    allowed = f"a cell as it was written; {why}. Remove the file and run again: only that cell is run anew"
    return problem("directory", path, allowed)
