"""`perpcore replay`: recorded order flow through the engine's book becomes the published book, or not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from perpcore.sources.level_replay import LevelReplay
    from perpcore.sources.levels import Updates
    from perpcore.sources.lobster_replay import Count, Replay

MISMATCH = 1

EPILOG = """\b
Exit codes:
  0    every published book was met
  1    one or more were not
  2    the command line is wrong
  3    a file is not what it should be; its line on stderr
  130  interrupted
"""

FILE = click.Path(path_type=Path)


@click.group(epilog=EPILOG)
def replay() -> None:
    """Play recorded order flow into the engine's book and compare it with the published one."""


def _options(command: Any) -> Any:
    as_json = click.option(
        "--json", "as_json", is_flag=True, help="The verdict as JSON, nothing else on stdout."
    )
    return as_json(command)


def _symbol(command: Any) -> Any:
    return click.option("--symbol", help="Whose; needed only where a file holds several.")(command)


@contextmanager
def _progress(total: int, what: str, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    """A bar, where somebody sees it."""
    from tqdm import tqdm

    hidden = quiet or not sys.stderr.isatty()
    with tqdm(total=total, unit=f" {what}", unit_scale=True, leave=False, disable=hidden) as bar:
        yield bar.update


def _finish(found: Replay | LevelReplay, lines: list[str], *, as_json: bool) -> None:
    """Show the verdict; it is also the exit code."""
    if as_json:
        import msgspec

        verdict = msgspec.to_builtins(found) | {"mismatches": found.mismatches}
        click.echo(msgspec.json.encode(verdict))
    else:
        click.echo("\n".join(lines))
        good = "ok: every published book was met"
        bad = f"not ok: {found.mismatches:,} published books were not met"
        click.secho(bad if found.mismatches else good, bold=True)
    if found.mismatches:
        click.get_current_context().exit(MISMATCH)


# ---- LOBSTER ----


@replay.command(epilog=EPILOG)
@click.argument("messages", type=FILE)
@click.argument("orderbook", type=FILE, required=False)
@_options
def lobster(messages: Path, orderbook: Path | None, as_json: bool) -> None:
    """Replay a day of LOBSTER data: MESSAGES and ORDERBOOK, or one .zip of both.

    Stepwise, each message on the published book before it; and persistent, one book through the whole day.
    """
    from perpcore.sources import lobster as source

    day = source.read(messages, orderbook)
    with _progress(2 * len(day.messages), "messages", quiet=as_json) as progress:
        found = source.replay(day, progress=progress)
    _finish(found, _of_lobster(found), as_json=as_json)


def _of_lobster(found: Replay) -> list[str]:
    u = found.unseen
    levels = "level" if found.levels == 1 else "levels"
    return [
        f"{found.name}: {found.messages:,} messages, {found.levels} {levels} of a side",
        "",
        f"{'':<12}{'steps':>12}{'unmoved':>12}{'mismatches':>12}",
        _counted("stepwise", found.stepwise, found.name),
        _counted("persistent", found.persistent, found.name),
        "",
        "The persistent book, what the file's window hides:",
        f"{'':<44}{'times':>12}{'shares':>14}",
        _row("in the first book", None, u.opening_shares),
        _row("entered the window unseen", u.entered, u.entered_shares),
        _row("gone unseen when the window came back", u.left, u.left_shares),
        _row("changed hands unseen", u.relabelled, u.relabelled_shares),
        _row("cancels of orders never seen", u.cancels, u.cancelled_shares),
        _row("executions of orders never seen", u.executions, u.executed_shares),
        "",
        f"{u.in_turn:,} executions filled exactly the order named when the engine matched them;"
        f" {u.out_of_turn:,} named one that is not first in our queue.",
    ]


def _counted(name: str, count: Count, file: str) -> str:
    line = f"{name:<12}{count.steps:>12,}{count.unmoved:>12,}{count.mismatches:>12,}"
    return line if count.first is None else f"{line}   the first at {file}:{count.first}"


def _row(name: str, times: int | None, shares: int) -> str:
    return f"  {name:<42}{'' if times is None else format(times, ','):>12}{shares:>14,}"


# ---- levels ----


@replay.command(epilog=EPILOG)
@click.argument("snapshot", type=FILE)
@click.argument("diffs", type=FILE)
@_symbol
@_options
def binance(snapshot: Path, diffs: Path, symbol: str | None, as_json: bool) -> None:
    """Replay a depth SNAPSHOT of Binance USD-M futures and the DIFFS recorded after it."""
    from perpcore.sources import binance as source

    start, stream = source.read_snapshot(snapshot), source.read_diffs(diffs, symbol=symbol)
    updates = source.chain(start, stream)
    earlier = len(stream.messages) - int(updates.rows["update"][-1])
    note = f"The diffs continue the snapshot without a gap; {earlier:,} before it were passed over."
    _replay_levels(updates, [note], as_json=as_json)


@replay.command(epilog=EPILOG)
@click.argument("file", type=FILE)
@_symbol
@_options
def tardis(file: Path, symbol: str | None, as_json: bool) -> None:
    """Replay a FILE of Tardis' incremental_book_L2."""
    from perpcore.sources import tardis as source

    _replay_levels(source.read(file, symbol=symbol), [], as_json=as_json)


def _replay_levels(updates: Updates, notes: list[str], *, as_json: bool) -> None:
    from perpcore.sources import levels

    with _progress(int(updates.rows["update"][-1]) + 1, "updates", quiet=as_json) as progress:
        found = levels.replay(updates, progress=progress)
    _finish(found, [*_of_levels(found, updates), *notes], as_json=as_json)


def _of_levels(found: LevelReplay, updates: Updates) -> list[str]:
    best = " x ".join("none" if price is None else f"{price:f}" for price in (found.best_bid, found.best_ask))
    first = "" if found.first is None else f", the first at update {found.first:,}"
    skipped = f", {found.skipped:,} before the first snapshot passed over" if found.skipped else ""
    return [
        f"{found.symbol or 'no name'}: tick {updates.tick_size:f}, lot {updates.lot_size:f}",
        f"snapshots {found.snapshots:,}, diffs {found.steps:,}, levels set {found.rows:,}{skipped}",
        f"states compared {found.compared:,}, mismatches {found.mismatches:,}{first}",
        f"at the end {found.bids:,} bids and {found.asks:,} asks, best {best}",
    ]
