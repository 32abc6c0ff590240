"""What the commands have in common."""

from __future__ import annotations

from typing import Any

import click

WORD = click.IntRange(0, 2**64 - 1)
INTERRUPTED = 130


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


def said(venue: str | None, settings: tuple[str, ...]) -> tuple[str, ...]:
    """What a command line changed in the scenario, in words."""
    return settings if venue is None else (f"the rules of {venue}", *settings)
