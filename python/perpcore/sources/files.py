"""Recorded files as bytes: plain, compressed, or inside an archive; errors that name file and line."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from perpcore._core import ScenarioError
from perpcore._structs import problem

#: Where a recording lies.
Source = str | PathLike[str]


class Text(NamedTuple):
    """What a file holds, and the name that errors call it by."""

    name: str
    data: bytes


def wrong(name: str, line: int, value: object, allowed: str) -> ScenarioError:
    """The error for a line: its field is ``file:line``."""
    return problem(f"{name}:{line}", short(value), allowed)


def short(value: object, most: int = 60) -> str:
    """What was found, cut to a length that fits in a message."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def no_json(text: Text, error: Exception, allowed: str, line: int = 1) -> ScenarioError:
    """The error for JSON, from `line` on, that cannot be read: where it breaks off, or its wrong part."""
    said, _, path = str(error).partition(" - at ")
    if path:
        return problem(
            f"{text.name}: {path.strip('`').removeprefix('$').lstrip('.')}", "it", f"{allowed} ({said})"
        )
    at = said.rpartition("(byte ")[2].rstrip(")")
    seen = int(at) if at.isdigit() else len(text.data.rstrip()) if "truncated" in said else 0
    return wrong(text.name, line + text.data.count(b"\n", 0, seen), "its text", f"{allowed} ({said})")


def read_bytes(source: Source) -> Text:
    """A file whole; one that ends in ``.gz`` is decompressed."""
    path = Path(source)
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise problem(path.name, "its content", f"gzip, as the name says ({error})") from None
    except OSError as error:
        raise problem(str(path), "this path", f"a file that can be read ({error.strerror})") from None
    return Text(path.name, data)


def from_archive(source: Source, *words: str) -> list[Text]:
    """For each word the one CSV file of a zip archive whose name contains it."""
    path = Path(source)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            found = [[name for name in names if word in name.rpartition("/")[2].lower()] for word in words]
            for word, hits in zip(words, found, strict=True):
                if len(hits) != 1:
                    allowed = f"an archive with one *{word}*.csv: {len(hits)} are in it"
                    raise problem(path.name, "its content", allowed)
            return [Text(hits[0].rpartition("/")[2], archive.read(hits[0])) for hits in found]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise problem(path.name, "its content", f"a zip archive that can be read ({error})") from None
    except OSError as error:
        raise problem(str(path), "this path", f"a file that can be read ({error.strerror})") from None
