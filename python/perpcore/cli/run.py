"""`perpcore run`: one path, told round by round."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perpcore.cli.loading import FailedError, NotFoundError, changed, load_scenario, under
from perpcore.cli.options import EPILOG, WORD, check_plot, said, scenario_argument

if TYPE_CHECKING:
    from perpcore.plots.rounds import Page
    from perpcore.results import Run, Table


@click.command(epilog=EPILOG)
@scenario_argument
@click.option("--seed", type=WORD, default=1, show_default=True, help="Names the random world.")
@click.option("--path", "world_path", type=WORD, default=0, show_default=True, help="Which path of it.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Summary, stages and what time adds (series, agents, heat_map) as JSON.",
)
@click.option("--plot", metavar="FILE", help="Write a picture: png, svg, pdf (extra perpcore[plot]).")
@click.option(
    "--page",
    type=click.Choice(["rounds", "series", "agents", "heat_map"]),
    help="What --plot shows: price, depth and cost of the rounds, or of a run through time its series, those"
    " who act, or the liquidations ahead.  [default: series through time, else rounds]",
)
@click.option(
    "--all-rounds",
    is_flag=True,
    help="Every round, however many there are; else, of a run through time, those in which somebody was"
    " forced.",
)
def run(
    scenario: str,
    settings: tuple[str, ...],
    contracts: str | None,
    contract: str | None,
    venue: str | None,
    venue_defaults: bool,
    seed: int,
    world_path: int,
    as_json: bool,
    plot: str | None,
    page: Page | None,
    all_rounds: bool,
) -> None:
    """Run SCENARIO once and show its stages, round by round.

    SCENARIO is the name of a preset (see `perpcore presets`), a scenario file (.toml), or a recorded order
    book (.json).
    """
    if plot is not None:
        check_plot(Path(plot))
    world = load_scenario(scenario, contracts=contracts, contract=contract)
    world = changed(under(world, venue, defaults=venue_defaults), settings)
    timed = world.time is not None
    shown: Page = page or ("series" if timed else "rounds")
    if shown != "rounds" and not timed:
        raise NotFoundError(f"--page {page}: an instant cascade has rounds only, no time")
    some = timed and as_json and not all_rounds and (plot is None or shown != "rounds")
    done = world.run(seed=seed, path=world_path, keep="liquidations" if some else "everything")
    try:
        if plot is not None:
            _save_plot(done, Path(plot), shown)
    finally:  # what was computed is shown, picture or not
        if as_json:
            click.echo(_json(done))
        else:
            _show(done, said(venue, settings), all_rounds=all_rounds)


def _json(run: Run) -> bytes:
    """Everything of a run that fits in JSON; what is not a number becomes null."""
    import msgspec

    def rows(table: Table) -> list[dict[str, Any]]:
        columns = {name: column.tolist() for name, column in table.to_numpy().items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    sampled = {"series": run.series, "agents": run.agents, "heat_map": run.heat_map}
    through_time = run.scenario.time is not None
    return msgspec.json.encode(
        {
            "scenario": run.scenario.name,
            "digest": run.scenario.digest(),
            "seed": run.seed,
            "path": run.path,
            "summary": dict(run.summary),
            "stages": rows(run.stages),
            **({name: rows(table) for name, table in sampled.items()} if through_time else {}),
        }
    )


def _show(run: Run, settings: tuple[str, ...], *, all_rounds: bool) -> None:
    from perpcore.cli.table import RULE, agent_table, one_line, stage_table, wrapped
    from perpcore.cli.verdict import verdict

    scenario = run.scenario
    click.secho(one_line(scenario.name) or "a scenario without a name", bold=True)
    if settings:  # the description is of what it was
        click.echo(wrapped(f"with {', '.join(settings)}"))
    elif scenario.description:
        click.echo(wrapped(scenario.description))
    click.echo(f"digest {scenario.digest()[:16]}, seed {run.seed}, path {run.path}\n")
    text = stage_table(run, all_rounds=all_rounds)
    if scenario.agents:
        text += f"\n\n{agent_table(run)}"
    click.echo(text if _can_draw() else text.replace(RULE, "-"))
    click.echo("\n" + wrapped(verdict(run)))


def _can_draw() -> bool:
    try:
        "─".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _save_plot(run: Run, path: Path, page: Page) -> None:
    try:
        run.plot.save(path, of=page)
    except OSError as error:
        raise FailedError(f"--plot: cannot write {path}: {error.strerror or error}") from None
    click.echo(f"picture: {path}", err=True)
