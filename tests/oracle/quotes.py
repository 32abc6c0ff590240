"""Quotes (MODEL section 7, phase 2): what holders and the market maker post anew in every round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .book import BUY, SELL, Level
from .liquidity import Lots, Words, parse_lots
from .units import choice, exact, integer, required, table, whole

KEYS = ("side", "around", "half_spread", "levels", "level_gap", "jitter", "level_qty")
MAX_PRICE = 2**40


@dataclass(frozen=True)
class Quote:
    """One market's quotes, in its ticks and lots; a stream of words for each side."""

    sides: tuple[int, ...]
    around_spot_mid: bool
    half_spread: int
    levels: int
    level_gap: int
    jitter: int
    lots: Lots
    words: Mapping[int, Words]

    def orders(self, side: int, around: int, round_number: int) -> list[Level]:
        """One side's quotes in the order they are posted: the best price first, then the lower level."""
        found: list[Level] = []
        for i in range(self.levels):
            drawn = self.words[side][round_number * self.levels + i]
            away = self.half_spread + i * self.level_gap + ((drawn % 2**32) * (self.jitter + 1) >> 32)
            price = around - side * away
            if not 1 <= price <= MAX_PRICE:
                break
            found.append((price, self.lots.at(drawn >> 52)))
        return sorted(found, key=lambda level: -side * level[0])


def parse_quote(
    value: object, tick: Fraction, lot: Fraction, name: str, words: Mapping[int, Words]
) -> Quote | None:
    """The quotes of one market, or nothing at all."""
    if value is None or value == "none":
        return None
    values = table(value, name, KEYS)
    side = choice(required(values, "side", name), f"{name}.side", ("asks", "bids", "both"))

    def ticks(key: str, default: int, least: int) -> int:
        number = default if values.get(key) is None else whole(exact(values[key], name) / tick, name)
        if number < least:
            raise ValueError(f"{name}.{key}: too small")
        return number

    return Quote(
        sides={"asks": (SELL,), "bids": (BUY,), "both": (SELL, BUY)}[side],
        around_spot_mid=choice(values.get("around", "mark"), name, ("mark", "spot_mid")) == "spot_mid",
        half_spread=ticks("half_spread", 0, 0),
        levels=integer(values.get("levels", 1), f"{name}.levels", 1),
        level_gap=ticks("level_gap", 1, 1),
        jitter=ticks("jitter", 0, 0),
        lots=parse_lots(required(values, "level_qty", name), lot, f"{name}.level_qty"),
        words=words,
    )
