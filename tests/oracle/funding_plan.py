"""The rules of funding (MODEL sections 2 and 7) in billionths and seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .units import choice, exact, integer, rate, table, trunc_div

KEYS = (
    "interval_h next_in_s interest clamp dead_band cap average samples notional "
    "stress_above stress_interval_h"
)
HOUR = 3600


@dataclass(frozen=True)
class FundingRules:
    """How premiums become the rate of an interval."""

    interval: Fraction
    next_in: Fraction
    interest: int
    clamp: int
    dead_band: int
    cap: int | None
    average: str
    samples: int
    at_index: bool
    stress_above: int | None
    stress_interval: Fraction

    def rate(self, premiums: list[int], interval: Fraction) -> int:
        """The rate of an interval in billionths."""
        n = len(premiums)
        total, weights = sum(premiums), n
        if self.average == "ramp":
            total = sum(k * premium for k, premium in enumerate(premiums, 1))
            weights = n * (n + 1) // 2
        elif self.average == "padded":
            weights = max(n, self.samples)
        mean = trunc_div(total, weights)
        if self.dead_band > 0:
            of_eight = max(self.dead_band, mean) + min(-self.dead_band, mean)
        else:
            of_eight = mean + max(-self.clamp, min(self.interest - mean, self.clamp))
        found = int(of_eight * interval / (8 * HOUR))
        return found if self.cap is None else max(-self.cap, min(found, self.cap))


def parse_funding(value: object) -> FundingRules | None:
    """The venue's funding, if it has one."""
    if value is None or value == "none":
        return None
    values = table(value, "venue.funding", tuple(KEYS.split()))

    def hours(key: str, default: int) -> Fraction:
        return exact(_or(values, key, default), f"venue.funding.{key}") * HOUR

    def billionths(key: str, default: Fraction) -> int:
        return rate(_or(values, key, default), f"venue.funding.{key}")

    def optional(key: str) -> int | None:
        return None if values.get(key) is None else billionths(key, Fraction(0))

    interval = hours("interval_h", 8)
    return FundingRules(
        interval=interval,
        next_in=exact(_or(values, "next_in_s", interval), "venue.funding.next_in_s"),
        interest=billionths("interest", Fraction(1, 10_000)),
        clamp=billionths("clamp", Fraction(5, 10_000)),
        dead_band=billionths("dead_band", Fraction(0)),
        cap=optional("cap"),
        average=choice(values.get("average", "plain"), "venue.funding.average", ("plain", "ramp", "padded")),
        samples=integer(_or(values, "samples", 1), "venue.funding.samples", 1),
        at_index=choice(values.get("notional", "mark"), "venue.funding", ("mark", "index")) == "index",
        stress_above=optional("stress_above"),
        stress_interval=hours("stress_interval_h", 1),
    )


def _or(values: Mapping[str, Any], key: str, default: object) -> object:
    return default if values.get(key) is None else values[key]
