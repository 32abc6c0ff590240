"""A run through time (MODEL section 7): its steps, and what a round or a step takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .units import choice, exact, required, table


@dataclass(frozen=True)
class Steps:
    """How many there are, the one that begins with the push (from 1), whether a quiet one is the last."""

    count: int
    ignition: int | None
    until_quiet: bool
    sample: int


def parse_time(top: Mapping[str, Any]) -> tuple[Fraction, Steps | None]:
    """Seconds of a round, or of a step and how many of them."""
    seconds = exact(top.get("round_seconds", 0), "round_seconds")
    ignites = top.get("ignition") is not None
    at = exact(top["ignition"].get("at_s", 0), "ignition.at_s") if ignites else Fraction(0)
    if top.get("time") is None:
        if at != 0:
            raise ValueError("ignition.at_s: without time")
        if not ignites:
            raise ValueError("ignition: missing without time")
        return seconds, None
    if seconds != 0:
        raise ValueError("round_seconds: beside time")
    values = table(top["time"], "time", ("step_s", "horizon_s", "until", "sample_s"))
    step = exact(required(values, "step_s", "time"), "time.step_s")
    count = math.floor(exact(required(values, "horizon_s", "time"), "time.horizon_s") / step)
    ignition = math.floor(at / step) + 1
    if not 1 <= ignition <= count:
        raise ValueError("ignition.at_s: not before the horizon")
    until = choice(values.get("until", "horizon"), "time.until", ("horizon", "quiet"))
    if not ignites and until == "quiet":
        raise ValueError("ignition: missing, until quiet")
    sample_s = values.get("sample_s")
    sample = (
        math.ceil(Fraction(count, 500)) if sample_s is None else math.ceil(exact(sample_s, "time") / step)
    )
    return step, Steps(count, ignition if ignites else None, until == "quiet", max(1, sample))
