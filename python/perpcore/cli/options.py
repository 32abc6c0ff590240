"""What the commands have in common."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perpcore.cli.loading import FailedError, NotFoundError

if TYPE_CHECKING:
    from perpcore._tabular import Tabular

WORD = click.IntRange(0, 2**64 - 1)
INTERRUPTED = 130
EPILOG = """\b
Exit codes:
  0    ok
  2    the command line is wrong: an option, a file that is not there
  3    the scenario is not allowed; a line on stderr for every problem
  4    the run failed, or its picture could not be written
  130  interrupted
"""


def scenario_argument(command: Any) -> Any:
    """Add the scenario and how to change it."""
    for decorate in (
        click.option(
            "--venue-defaults",
            is_flag=True,
            help="With --venue: its own tiers and insurance fund too.",
        ),
        click.option(
            "--venue",
            metavar="NAME",
            help="Under the rules of a venue, see `perpcore venues`. The scenario's tiers, insurance fund,"
            " liquidations_per_round and max_rounds are kept; --set changes what comes of it.",
        ),
        click.option(
            "--contract", metavar="NAME", help="Which contract of that file; the book's own if not given."
        ),
        click.option(
            "--contracts", metavar="FILE", help="For a recorded book: the venue's list of contracts."
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="PATH=VALUE",
            help="Change a field, as in market_maker.hedge_ratio=0.3 or positions[0].qty=1000; nothing after"
            " the equals sign removes it. Repeatable.",
        ),
        click.argument("scenario"),
    ):
        command = decorate(command)
    return command


def check_place(path: Path, option: str) -> None:
    """What would spoil a file is said before the run, not after it."""
    if path.is_dir():
        raise NotFoundError(f"{option}: {path} is a directory")
    if not path.absolute().parent.is_dir():
        raise NotFoundError(f"{option}: there is no directory {path.parent}")


def check_plot(path: Path) -> None:
    """The same of a picture."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NotFoundError("--plot needs matplotlib: pip install perpcore[plot]") from None
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in known:
        endings = ", ".join(f".{ending}" for ending in sorted(known))
        raise NotFoundError(f"--plot: {path} must end in one of {endings}")
    check_place(path, "--plot")


def check_parquet(path: Path, option: str) -> None:
    """The same of a Parquet file."""
    if importlib.util.find_spec("pyarrow") is None:
        raise NotFoundError(f"{option} needs pyarrow: pip install perpcore[frames]")
    if path.suffix.lower() != ".parquet":
        raise NotFoundError(f"{option}: {path} must end in .parquet")
    check_place(path, option)


def write_parquet(found: Tabular, path: Path) -> None:
    """Write the rows, and say so."""
    try:
        found.to_parquet(path)
    except OSError as error:
        raise FailedError(f"--out: cannot write {path}: {error.strerror or error}") from None
    click.echo(f"{len(found):,} rows: {path}", err=True)


def said(venue: str | None, settings: tuple[str, ...]) -> tuple[str, ...]:
    """What a command line changed in the scenario, in words."""
    return settings if venue is None else (f"the rules of {venue}", *settings)
