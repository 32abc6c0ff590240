"""Ready-made scenarios, each a TOML file beside this one."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Literal

from perpcore._structs import problem

if TYPE_CHECKING:
    from perpcore.scenario import Scenario

#: Names of the presets, as the command line takes them.
NAMES = ("rocketcoin", "rocketcoin-300k", "rocketcoin-consistent")

_READINGS = {None: "rocketcoin", "300k": "rocketcoin-300k", "consistent": "rocketcoin-consistent"}


def rocketcoin(reading: Literal["300k", "consistent"] | None = None) -> Scenario:
    """RocketCoin: a coin of $10 with a float of a million tokens, and $10 M of shorts.

    The story's own figures disagree, so there are three readings of it.

    Parameters
    ----------
    reading : {None, "300k", "consistent"}
        None: ten batches of $1 M that break at 11.0, 11.4, ... 14.6 (787,640 tokens). ``"300k"``: $1 M
        breaks at 11, the rest of 300,000 tokens evenly on [11, 15]. ``"consistent"``: $10 M of open
        interest at $10, of which 300,000
        tokens break evenly on [11, 15] and the rest is out of reach.
    """
    if reading not in _READINGS:
        raise problem("reading", repr(reading), 'None, "300k" or "consistent"')
    return load(_READINGS[reading])


def load(name: str) -> Scenario:
    """The preset of this name, one of `NAMES`."""
    from perpcore.scenario import Scenario

    if name not in NAMES:
        raise problem("preset", repr(name), f"one of {', '.join(NAMES)}")
    return Scenario.from_toml((resources.files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
