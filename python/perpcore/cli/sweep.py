"""`perpcore sweep`: a scenario over a grid, what each cell comes to, a file and a picture of them."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perpcore.cli.loading import FailedError, changed, load_scenario, under
from perpcore.cli.options import (
    INTERRUPTED,
    WORD,
    check_parquet,
    check_plot,
    said,
    scenario_argument,
    write_parquet,
)
from perpcore.cli.paths import COUNT

if TYPE_CHECKING:
    from perpcore.sweeps import Sweep

EPILOG = """\b
Exit codes:
  0    ok
  2    the command line is wrong: an option, a file that is not there
  3    a scenario of the grid is not allowed, or the directory is of another sweep
  4    a path failed, or a file could not be written
  130  interrupted; what was finished is shown and written
"""
ROWS = 60  # cells that are shown
MOST = 10_000  # values of an axis that is spelled lo:hi:n


@click.command("sweep", epilog=EPILOG)
@scenario_argument
@click.option(
    "--axis",
    "axes",
    multiple=True,
    required=True,
    metavar="PATH=VALUES",
    help="Values of a field: a,b,c or low:high:count or low:high:count:log. Fields that move together:"
    " PATH+PATH=a/b,c/d. Repeatable: all combinations are run.",
)
@click.option("--paths", type=COUNT, required=True, help="Of each cell: 1000, 1_000 or 1e3.")
@click.option("--seed", type=WORD, default=1, show_default=True, help="Names the random world.")
@click.option("--threads", type=WORD, help="As many as this process may use if not given.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME",
    help="What is measured, as final_price or 'peak_multiple > 2'. Repeatable; the first is shown and drawn."
    "  [default: final_price, peak_multiple, fuel_burnt, 'peak_multiple > 2']",
)
@click.option("--directory", metavar="DIR", help="Keep finished cells there, and go on with what is there.")
@click.option("--out", metavar="FILE", help="Write the rows: a .parquet file (extra perpcore[frames]).")
@click.option("--plot", metavar="FILE", help="Draw one or two axes: png, svg, pdf (extra perpcore[plot]).")
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON, nothing else on stdout.")
def sweep(
    scenario: str,
    settings: tuple[str, ...],
    contracts: str | None,
    contract: str | None,
    venue: str | None,
    venue_defaults: bool,
    axes: tuple[str, ...],
    paths: int,
    seed: int,
    threads: int | None,
    columns: tuple[str, ...],
    directory: str | None,
    out: str | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Run SCENARIO over a grid of values, every cell over the same random numbers.

    SCENARIO is the name of a preset (see `perpcore presets`), a scenario file (.toml), or a recorded order
    book (.json).
    """
    from perpcore.sweeps import SweepInterrupted

    grid = dict(_axis(text) for text in axes)
    if len(grid) < len(axes):
        raise click.UsageError("--axis: every field once")
    if out is not None:
        check_parquet(Path(out), "--out")
    if plot is not None:
        check_plot(Path(plot))
        _check_axes(grid)
    world = load_scenario(scenario, contracts=contracts, contract=contract)
    world = changed(under(world, venue, defaults=venue_defaults), settings)
    measured = columns or ("final_price", "peak_multiple", "fuel_burnt", "peak_multiple > 2")
    try:
        found = world.sweep(
            grid,
            paths=paths,
            seed=seed,
            n_threads=threads,
            columns=measured,
            directory=directory,
            progress=not as_json,
        )
    except SweepInterrupted as interrupted:
        found = interrupted.sweep
    try:
        if out is not None:
            write_parquet(found, Path(out))
        if plot is not None and found.finished:
            _draw(found, Path(plot))
    finally:  # what was computed is shown, file or not
        click.echo(_json(found) if as_json else _text(found, said(venue, settings)))
    if not found.complete:
        click.echo(f"perpcore: interrupted after {found.finished:,} of {found.cells:,} cells", err=True)
        click.get_current_context().exit(INTERRUPTED)


def _axis(text: str) -> tuple[Any, list[Any]]:
    """Fields and values of an axis as a command line has them."""
    path, equals, values = text.partition("=")
    fields = tuple(field.strip() for field in path.split("+"))
    if not equals or not all(fields) or not values.strip():
        raise click.UsageError(f"--axis {text!r}: PATH=VALUES is wanted, as in circulating=1e5,2e5")
    if values.count(":") in (2, 3) and "{" not in values:
        if len(fields) > 1:
            raise click.UsageError(f"--axis {text!r}: fields that move together want values a/b,c/d")
        return fields[0], _spaced(text, values)
    if len(fields) == 1:
        return fields[0], _listed(values)
    steps = [tuple(_listed(step.replace("/", ","))) for step in values.split(",")]
    return fields, [*steps]


def _listed(text: str) -> list[Any]:
    """As TOML has an array, where it is one; otherwise the words between commas."""
    try:
        return list(tomllib.loads(f"values = [{text}]", parse_float=Decimal)["values"])
    except ValueError:
        return [word.strip() for word in text.split(",")]


def _spaced(axis: str, text: str) -> list[Decimal]:
    """low:high:count, evenly by difference (nine digits) or by ratio (log, four: most grids allow them)."""
    low_text, high_text, count_text, *scale = (part.strip() for part in text.split(":"))
    try:
        low, high, count = Decimal(low_text), Decimal(high_text), int(count_text)
    except (ArithmeticError, ValueError):
        raise click.UsageError(f"--axis {axis!r}: low:high:count is wanted, as in 0.1:0.9:9") from None
    if scale not in ([], ["log"]) or not (low.is_finite() and high.is_finite()):
        raise click.UsageError(f"--axis {axis!r}: low:high:count or low:high:count:log is wanted")
    if not 2 <= count <= MOST:
        raise click.UsageError(f"--axis {axis!r}: from 2 to {MOST:,} values")
    if scale and not (low > 0 and high > 0):
        raise click.UsageError(f"--axis {axis!r}: a log axis has ends above 0")
    steps = [Decimal(i) / (count - 1) for i in range(count)]
    if scale:
        between = [low * (high / low) ** step for step in steps[1:-1]]
    else:
        between = [low + (high - low) * step for step in steps[1:-1]]
    return [low, *(Decimal(f"{value:.{4 if scale else 9}g}") for value in between), high]


def _check_axes(grid: dict[Any, list[Any]]) -> None:
    """What can be drawn."""
    long = [key for key, values in grid.items() if len(values) > 1]
    if not 1 <= len(long) <= 2:
        raise click.UsageError("--plot draws one or two axes of more than one value")
    for key in long:
        first = [value[0] if isinstance(value, tuple) else value for value in grid[key]]
        if not all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in first):
            raise click.UsageError("--plot draws axes of numbers")


def _draw(found: Sweep, path: Path) -> None:
    from matplotlib.figure import Figure

    from perpcore import plots
    from perpcore.plots._draw import write

    figure = Figure(figsize=(7.5, 5.5), layout="constrained")
    plots.sweep(found, column=found.measured[0], ax=figure.subplots())
    try:
        write(figure, path, 160)
    except OSError as error:
        raise FailedError(f"--plot: cannot write {path}: {error.strerror or error}") from None
    click.echo(f"picture: {path}", err=True)


def _json(found: Sweep) -> bytes:
    """Everything that fits in JSON; what is not a number becomes null."""
    import msgspec

    columns = {name: values.tolist() for name, values in found.to_numpy().items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return msgspec.json.encode(
        {
            "scenario": found.scenario.name,
            "digest": found.scenario.digest(),
            "seed": found.seed,
            "paths": found.paths,
            "cells": found.cells,
            "complete": found.complete,
            "hash": f"{found.hash():016x}",
            "fields": list(found.fields),
            "shape": list(found.shape),
            "rows": rows,
        }
    )


def _text(found: Sweep, settings: tuple[str, ...]) -> str:
    from perpcore.cli.table import decimals, figure, one_line, wrapped

    lines = [one_line(found.scenario.name) or "a scenario without a name"]
    if settings:
        lines.append(wrapped(f"with {', '.join(settings)}"))
    size = " x ".join(map(str, found.shape))
    lines.append(
        f"digest {found.scenario.digest()[:16]}, seed {found.seed}, {size} cells of {found.paths:,} paths,"
        f" hash {found.hash():016x}"
    )
    column = found.measured[0]
    kinds = ("mean", "mean_low", "mean_high", *(f"q{q:g}" for q in found.quantiles))
    head = [*found.fields, column, "from", "to", *(f"{100 * q:g} %" for q in found.quantiles)]
    others = found.measured[1:]
    figures = [found.grid(column, statistic=kind).ravel() for kind in kinds]
    figures += [found.grid(other).ravel() for other in others]
    digits = [decimals(values, 6) for values in figures]
    rows = [[*head, *others]]
    finished = [int(cell) for cell in found["cell"][:: len(found.measured)]]
    for cell in finished[:ROWS]:
        given = [found.parameter(field)[cell] for field in found.fields]
        cells = [f"{value:g}" if isinstance(value, float) else str(value) for value in given]
        rows.append([*cells, *(figure(v[cell], d) for v, d in zip(figures, digits, strict=True))])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines.append("")
    lines += ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    if len(finished) > ROWS:
        lines.append(f"... {len(finished) - ROWS:,} cells left out: --json and --out have them.")
    return "\n".join(
        [*lines, "", f"Means; the interval of {column} holds with {100 * found.confidence:g} %."]
    )
