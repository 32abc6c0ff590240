"""`perpcore merge`: whether the slices of a run are all there and whole, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from perpcore.cli.loading import NotFoundError, RefusedError
from perpcore.cli.monte_carlo import as_text, to_json

if TYPE_CHECKING:
    from perpcore.runs import Results

EPILOG = """\b
Exit codes:
  0    complete and whole
  2    the command line is wrong: a directory that is not there
  3    no run is there, shards are missing or were altered, or somebody still writes
"""
NAMED = 8  # ranges of what is missing that are named


@click.command("merge", epilog=EPILOG)
@click.argument("directory")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, nothing else on stdout.")
def merge(directory: str, as_json: bool) -> None:
    """Check the run in DIRECTORY, every byte of it, and show how its paths are distributed.

    For runs whose slices were run apart: `perpcore monte-carlo --shard i/n --out DIRECTORY`. What it shows is
    what one machine would have shown. Nothing is copied: the directory is the merged run.
    """
    from pathlib import Path

    from perpcore.runs import read_results
    from perpcore.runs.checkpoints import tidied

    if not Path(directory).is_dir():
        raise NotFoundError(f"{directory}: there is no such directory")
    found = read_results(directory)
    if not found.complete:
        raise RefusedError(_missing(directory, found))
    tidied(found.directory)
    found.verify()
    click.echo(to_json(found) if as_json else as_text(found, ()))


def _missing(directory: str, found: Results) -> str:
    """Which shards, and which slices have to be run for them."""
    gaps = found.missing()
    count = sum(len(gap) for gap in gaps)
    ranges = [f"{gap[0]}" if len(gap) == 1 else f"{gap[0]} to {gap[-1]}" for gap in gaps]
    lines = [
        f"{directory}: not complete: {len(found):,} of {found.asked:,} paths are there",
        f"{directory}: missing {count} of {count + len(found.files)} shards: {_few(ranges)}",
    ]
    slices = found.missing_slices()
    if slices:
        lines.append(f"{directory}: run again with --shard: {_few([f'{i}/{n}' for i, n in slices])}")
    return "\n".join(lines)


def _few(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
