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
