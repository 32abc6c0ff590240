"""Quotes (MODEL section 7, phase 2): what holders and the market maker post anew in every round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .book import BUY, SELL, Level
from .liquidity import Lots, Words, parse_lots
from .units import RATE_ONE, choice, exact, integer, rate, required, table, whole

KEYS = "side around half_spread levels level_gap jitter level_qty recovery_half_life_s follows_float skew"
MAX_PRICE = 2**40


@dataclass(frozen=True)
class Quote:
    """One market's quotes, in its ticks and lots; a stream of words for each side."""

    sides: tuple[int, ...]
    around: str
    half_spread: int
    levels: int
    level_gap: int
    jitter: int
    lots: Lots
    words: Mapping[int, Words]
    #: The share of what is gone that comes back in a step, of 2^32; none if all of it always.
    recovery: int | None
    #: Whether asks shrink with what holders have left to sell.
    follows_float: bool = False
    #: Ticks a lot, exact: how holders' quotes move with what they bought.
    skew: Fraction = Fraction(0)

    @property
    def usual(self) -> int:
        """The lots a side usually has."""
        table = self.lots.table
        return max(1, self.levels * (sum(table) // len(table)))

    def orders(self, side: int, around: int, round_number: int, wider: int = 0) -> list[Level]:
        """One side's quotes in the order they are posted: the best price first, then the lower level."""
        found: list[Level] = []
        for i in range(self.levels):
            drawn = self.words[side][round_number * self.levels + i]
            away = self.half_spread + wider + i * self.level_gap + ((drawn % 2**32) * (self.jitter + 1) >> 32)
            price = around - side * away
            if not 1 <= price <= MAX_PRICE:
                break
            found.append((price, self.lots.at(drawn >> 52)))
        return sorted(found, key=lambda level: -side * level[0])


def parse_quote(
    value: object, tick: Fraction, lot: Fraction, name: str, words: Mapping[int, Words], seconds: Fraction
) -> Quote | None:
    """The quotes of one market, or nothing at all."""
    if value is None or value == "none":
        return None
    values = table(value, name, tuple(KEYS.split()))
    side = choice(required(values, "side", name), f"{name}.side", ("asks", "bids", "both"))

    def ticks(key: str, default: int, least: int) -> int:
        number = default if values.get(key) is None else whole(exact(values[key], name) / tick, name)
        if number < least:
            raise ValueError(f"{name}.{key}: too small")
        return number

    return Quote(
        sides={"asks": (SELL,), "bids": (BUY,), "both": (SELL, BUY)}[side],
        around=choice(values.get("around", "mark"), name, ("mark", "spot_mid", "last", "mid", "start")),
        half_spread=ticks("half_spread", 0, 0),
        levels=integer(values.get("levels", 1), f"{name}.levels", 1),
        level_gap=ticks("level_gap", 1, 1),
        jitter=ticks("jitter", 0, 0),
        lots=parse_lots(required(values, "level_qty", name), lot, f"{name}.level_qty"),
        words=words,
        recovery=_recovery(values.get("recovery_half_life_s"), name, seconds),
        follows_float=bool(values.get("follows_float", False)),
        skew=_skew(values.get("skew"), name) * lot / tick,
    )


def _skew(value: object, name: str) -> Fraction:
    return Fraction(0) if value is None else Fraction(rate(value, f"{name}.skew"), RATE_ONE)


def _recovery(value: object, name: str, seconds: Fraction) -> int | None:
    half_life = Fraction(0) if value is None else exact(value, name)
    if half_life == 0:
        return None
    return math.floor(-math.expm1(-(float(seconds) * math.log(2.0) / float(half_life))) * 2.0**32)
