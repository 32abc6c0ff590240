"""The command line: `perpcore run`, `monte-carlo`, `sweep`, `merge`, `presets`, `venues`, `check`, ..."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perpcore import __version__
from perpcore.cli.loading import (
    FailedError,
    NotFoundError,
    RefusedError,
    changed,
    load_scenario,
    under,
    unknown,
    unknown_venue,
)
from perpcore.cli.merge import merge
from perpcore.cli.monte_carlo import monte_carlo
from perpcore.cli.options import INTERRUPTED, WORD, check_plot, said, scenario_argument
from perpcore.cli.replay import replay
from perpcore.cli.sweep import sweep

if TYPE_CHECKING:
    from perpcore.results import Run, Table
    from perpcore.scenario import Scenario


class _Group(click.Group):
    """Whatever goes wrong is a line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        from perpcore import PerpcoreError, ScenarioError

        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal that lacks a letter is no reason to fail
        try:
            return super().invoke(ctx)
        except ScenarioError as error:
            raise RefusedError(str(error)) from None
        except PerpcoreError as error:
            raise FailedError(f"the run failed: {error}") from None
        except KeyboardInterrupt:
            click.echo("perpcore: interrupted", err=True)
            ctx.exit(INTERRUPTED)


EPILOG = """\b
Exit codes:
  0    ok
  2    the command line is wrong: an option, a file that is not there
  3    the scenario is not allowed; a line on stderr for every problem
  4    the run failed, or its picture could not be written
  130  interrupted
"""


@click.group(cls=_Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="perpcore")
def main() -> None:
    """The liquidation cascade of a perpetual that is larger than its float."""


main.add_command(merge)
main.add_command(monte_carlo)
main.add_command(replay)
main.add_command(sweep)


@main.command(epilog=EPILOG)
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
@click.option("--all-rounds", is_flag=True, help="Show every round, however many there are.")
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
    done = world.run(seed=seed, path=world_path)
    try:
        if plot is not None:
            _save_plot(done, Path(plot))
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


def _save_plot(run: Run, path: Path) -> None:
    try:
        run.plot.save(path)
    except OSError as error:
        raise FailedError(f"--plot: cannot write {path}: {error.strerror or error}") from None
    click.echo(f"picture: {path}", err=True)


@main.command()
@click.argument("name", required=False)
def presets(name: str | None) -> None:
    """List the presets, or print the TOML of one.

    `perpcore presets rocketcoin > my.toml` is a scenario to edit.
    """
    from perpcore import presets as known

    if name is None:
        formatter = click.HelpFormatter(width=100)
        formatter.write_dl([(each, known.load(each).description) for each in known.NAMES])
        click.echo(formatter.getvalue(), nl=False)
        return
    if name not in known.NAMES:
        raise NotFoundError(unknown(name, known.NAMES))
    from importlib import resources

    click.echo((resources.files(known) / f"{name}.toml").read_text(encoding="utf-8"), nl=False)


@main.command()
@click.argument("name", required=False)
def venues(name: str | None) -> None:
    """List the venues whose rules are known, or print those of one as TOML.

    What `perpcore venues bybit` prints is the table [venue] of a scenario; `--venue bybit` puts one under it.
    """
    from perpcore import venues as known
    from perpcore.venues import presets as each

    if name is None:
        formatter = click.HelpFormatter(width=100)
        formatter.write_dl([(venue, each.summary(venue)) for venue in known.NAMES])
        click.echo(formatter.getvalue(), nl=False)
        return
    if name not in known.NAMES:
        raise NotFoundError(unknown_venue(name))
    click.echo(known.load(name).to_toml(), nl=False)


@main.command(epilog=EPILOG)
@scenario_argument
def check(
    scenario: str,
    settings: tuple[str, ...],
    contracts: str | None,
    contract: str | None,
    venue: str | None,
    venue_defaults: bool,
) -> None:
    """Say whether SCENARIO can be run, and what follows from it."""
    world = load_scenario(scenario, contracts=contracts, contract=contract)
    world = changed(under(world, venue, defaults=venue_defaults), settings)
    from perpcore.cli.table import one_line

    click.echo(f"ok: {one_line(world.name) or scenario}")
    for label, fact in _facts(world):
        click.echo(f"  {label:<14} {fact}")


def _facts(scenario: Scenario) -> list[tuple[str, str]]:
    from perpcore.cli.verdict import facts

    return facts(scenario)
