"""The command line: `perpcore run`, `monte-carlo`, `sweep`, `merge`, `presets`, `venues`, `check`, ..."""

from __future__ import annotations

import sys
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
from perpcore.cli.options import EPILOG, INTERRUPTED, scenario_argument
from perpcore.cli.replay import replay
from perpcore.cli.run import run
from perpcore.cli.sweep import sweep

if TYPE_CHECKING:
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


@click.group(cls=_Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="perpcore")
def main() -> None:
    """The liquidation cascade of a perpetual that is larger than its float."""


main.add_command(merge)
main.add_command(monte_carlo)
main.add_command(replay)
main.add_command(run)
main.add_command(sweep)


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
