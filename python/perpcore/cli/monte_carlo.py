"""`perpcore monte-carlo`: many paths of a scenario, what they come to, and a file of them."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from perpcore.cli.loading import NotFoundError, changed, load_scenario, under
from perpcore.cli.options import (
    INTERRUPTED,
    WORD,
    check_parquet,
    said,
    scenario_argument,
    write_parquet,
)
from perpcore.cli.paths import COUNT, SLICE

if TYPE_CHECKING:
    from perpcore.ensemble import Ensemble, Estimate

EPILOG = """\b
Exit codes:
  0    ok
  2    the command line is wrong: an option, a file that is not there
  3    the scenario is not allowed, or so many paths, or the directory; a line on stderr for every problem
  4    a path failed, or the file could not be written
  130  interrupted; what was finished is shown and written
"""

SHOWN = (
    "final_price peak_multiple rounds liquidated_accounts liquidated_qty liquidated_notional fuel_burnt"
    " amplification hedge_qty insurance_fund_change bad_debt venue_loss market_maker_pnl attacker_pnl"
).split()
QUANTILES = (0.05, 0.5, 0.95, 0.99)
MULTIPLES = (1.5, 2.0, 3.0)
# What the venue and its fund may have to bear, and at which end it is bad.
LOSSES: tuple[tuple[str, Literal["upper", "lower"]], ...] = (
    ("insurance_fund_change", "lower"),
    ("insurance_fund_shortfall", "upper"),
    ("venue_loss", "upper"),
)
TAILS = (0.95, 0.99)


@click.command("monte-carlo", epilog=EPILOG)
@scenario_argument
@click.option("--paths", type=COUNT, required=True, help="How many: 1000000, 1_000_000 or 1e6.")
@click.option("--seed", type=WORD, default=1, show_default=True, help="Names the random world.")
@click.option("--threads", type=WORD, help="As many as this process may use if not given.")
@click.option(
    "--keep",
    type=click.Choice(["columns", "statistics"]),
    help="Every path's figures, or only statistics, in memory that does not grow.  [default: columns if they"
    " are written, else statistics]",
)
@click.option(
    "--out",
    metavar="FILE|DIRECTORY",
    help="Write a row a path: a .parquet file (extra perpcore[frames]); or a directory, shard by shard (extra"
    " perpcore[runs]), where the same command goes on after whatever ended it.",
)
@click.option(
    "--shard",
    type=SLICE,
    help="With a directory: only slice i of n, from 1 to n, for array jobs; `perpcore merge` adds them up.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, nothing else on stdout.")
def monte_carlo(
    scenario: str,
    settings: tuple[str, ...],
    contracts: str | None,
    contract: str | None,
    venue: str | None,
    venue_defaults: bool,
    paths: int,
    seed: int,
    threads: int | None,
    keep: str | None,
    out: str | None,
    shard: tuple[int, int] | None,
    as_json: bool,
) -> None:
    """Run many paths of SCENARIO and show how they are distributed.

    SCENARIO is the name of a preset (see `perpcore presets`), a scenario file (.toml), or a recorded order
    book (.json).
    """
    from perpcore.ensemble import Interrupted

    keep = keep or ("statistics" if out is None else "columns")
    file, directory = _place(out, keep, shard)
    world = load_scenario(scenario, contracts=contracts, contract=contract)
    world = changed(under(world, venue, defaults=venue_defaults), settings)
    kept = cast(Literal["columns", "statistics"], keep)
    try:
        found = world.monte_carlo(
            paths=paths,
            seed=seed,
            n_threads=threads,
            keep=kept,
            progress=not as_json,
            directory=directory,
            shard=shard,
        )
    except Interrupted as interrupted:
        found = interrupted.ensemble
    try:
        if file is not None:
            write_parquet(found, file)
    finally:  # what was computed is shown, file or not
        click.echo(to_json(found) if as_json else as_text(found, said(venue, settings)))
    if not found.complete:
        asked = getattr(found, "asked", paths)
        click.echo(f"perpcore: interrupted after {len(found):,} of {asked:,} paths", err=True)
        click.get_current_context().exit(INTERRUPTED)


def _place(out: str | None, keep: str, shard: tuple[int, int] | None) -> tuple[Path | None, Path | None]:
    """The file or the directory to write to; what would spoil it is said before the paths are run."""
    if out is None or (Path(out).suffix.lower() == ".parquet" and not Path(out).is_dir()):
        if shard is not None:
            raise click.UsageError("--shard goes with --out DIRECTORY")
        if out is not None:
            if keep == "statistics":
                raise click.UsageError("--out writes a row a path: it goes with --keep columns")
            check_parquet(Path(out), "--out")
        return (None if out is None else Path(out)), None
    place = Path(out)
    if place.suffix and not place.is_dir() and not out.endswith(("/", os.sep)):
        raise NotFoundError(f"--out: {place} must end in .parquet, or in / to be a directory")
    if importlib.util.find_spec("pyarrow") is None:
        raise NotFoundError("--out needs pyarrow: pip install perpcore[runs]")
    return None, place


def _beyond(found: Ensemble) -> tuple[str, list[tuple[float, Estimate[float]]]]:
    """How likely the peak is beyond multiples of the start; for a push that sells, below parts of it."""
    if found.scenario.push.side == "buy":
        return "above", [(m, found.exceedance("peak_multiple", m)) for m in MULTIPLES]
    below = []
    for share in (1 / m for m in MULTIPLES):
        above = found.exceedance("peak_multiple", share)
        below.append((share, type(above)(1 - above.value, 1 - above.high, 1 - above.low)))
    return "at most", below


def _tail(found: Ensemble, name: str, tail: Literal["upper", "lower"], share: float) -> Estimate[float]:
    return found.tail_expectation(name, share if tail == "upper" else 1 - share, tail=tail)


def to_json(found: Ensemble) -> bytes:
    """Everything that fits in JSON; what is not a number becomes null."""
    import msgspec

    summary: dict[str, Any] = {}
    for name in found.columns:
        if name not in ("path", "stop_reason"):
            values = found.quantile(name, QUANTILES).value.tolist()
            quantiles = dict(zip(map(str, QUANTILES), values, strict=True))
            summary[name] = found.moments(name) | {"quantiles": quantiles}
    where, chances = _beyond(found)
    return msgspec.json.encode(
        {
            "scenario": found.scenario.name,
            "digest": found.scenario.digest(),
            "seed": found.seed,
            "paths": len(found),
            "complete": found.complete,
            "hash": f"{found.hash():016x}",
            "summary": summary,
            "stop_reasons": found.stop_reasons,
            "peak_multiple": [{where: m} | chance._asdict() for m, chance in chances],
            "tail_expectation": [
                {"column": name, "tail": tail, "share": round(1 - share, 12)}
                | _tail(found, name, tail, share)._asdict()
                for name, tail in LOSSES
                for share in TAILS
            ],
        }
    )


def as_text(found: Ensemble, settings: tuple[str, ...]) -> str:
    """The figures for people; `settings` say what a command line changed in the scenario."""
    from perpcore.cli.table import one_line, wrapped

    scenario = found.scenario
    lines = [one_line(scenario.name) or "a scenario without a name"]
    if settings:
        lines.append(wrapped(f"with {', '.join(settings)}"))
    elif scenario.description:
        lines.append(wrapped(scenario.description))
    lines.append(
        f"digest {scenario.digest()[:16]}, seed {found.seed}, {len(found):,} paths, hash {found.hash():016x}"
    )
    if len(found) == 0:
        return "\n".join(lines)
    reasons = (f"{why} {_share(n / len(found))}" for why, n in found.stop_reasons.items())
    return "\n".join(
        [*lines, "", *_distributions(found), "", *_chances(found), "", f"Stopped: {', '.join(reasons)}."]
    )


def _distributions(found: Ensemble) -> list[str]:
    from perpcore.cli.table import decimals, figure

    head = ["mean", "sd", *(f"{100 * q:g} %" for q in QUANTILES)]
    rows = []
    for name in SHOWN:
        values = [
            found.mean(name).value,
            found.std(name),
            *(float(x) for x in found.quantile(name, QUANTILES).value),
        ]
        digits = decimals(values, 6)
        rows.append((name, [figure(x, digits) for x in values]))
    widths = [max(len(h), *(len(cells[i]) for _, cells in rows)) for i, h in enumerate(head)]
    first = max(len(name) for name in SHOWN)

    def line(name: str, cells: list[str]) -> str:
        written = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        return "  ".join([name.ljust(first), *written]).rstrip()

    return [line("", head), *(line(*row) for row in rows)]


def _chances(found: Ensemble) -> list[str]:
    from perpcore.cli.table import decimals, figure

    where, chances = _beyond(found)
    lines = [
        f"Peak {where} {m:.3g} x start: {_share(c.value)} ({_share(c.low)} to {_share(c.high)})"
        for m, c in chances
    ]
    for name, tail in LOSSES:
        means = [(share, _tail(found, name, tail, share)) for share in TAILS]
        said = (
            f"worst {100 * (1 - share):.3g} % {figure(e.value, decimals([e.value], 6))}" for share, e in means
        )
        lines.append(f"Mean {name}: {', '.join(said)}")
    return [*lines, "Intervals hold with 95 %."]


def _share(x: float) -> str:
    return f"{100 * x:.3g} %"
