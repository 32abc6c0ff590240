"""The venue's rules beyond margin (MODEL section 2): sizes of orders, rest, vault, deleveraging, sharing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .margin import MarginRules, Tier
from .units import RATE_ONE, choice, exact, integer, rate, required, table, whole

KEYS = (
    "trigger tiers tier_rule maintenance_at close_fee margin_modes open_interest_caps mark liquidation_order "
    "liquidation_size fillable_spread bankruptcy_adjustment rest leftover liquidation_fee backstop adl "
    "loss_sharing unwind liquidations_per_round max_rounds insurance_fund funding impact_notional"
)
SIZE_KEYS = {
    "all": ("kind",),
    "tiers": ("kind", "tiers"),
    "share": ("kind", "share", "least_notional", "whole_below", "cooldown_s", "whole_within_s"),
}
TRIGGERS = ("fund_exhausted", "fund_drawdown", "always")
RANKS = ("profit_leverage", "hyperliquid", "profit_share", "size", "random")
STEEPEST = Fraction(99, 100)


@dataclass(frozen=True)
class Sizing:
    """How much of a position one order closes; times in rounds, none for all rounds."""

    kind: str
    tiers: int = 1
    share: int = RATE_ONE
    least_notional: int = 0
    whole_below: int = 0
    cooldown: int | None = 0
    whole_within: int | None = 0


@dataclass(frozen=True)
class Backstop:
    """The vault that takes over accounts with little equity left."""

    below: int
    capital: int
    isolated: bool


@dataclass(frozen=True)
class Deleveraging:
    """When counterparties are closed, in which order and at which price."""

    trigger: str
    drawdown: int
    rank: str
    at_previous_mark: bool


@dataclass(frozen=True)
class VenueRules:
    """What the venue does with accounts it liquidates; rates in billionths, money in steps."""

    order: str
    sizing: Sizing
    fillable_spread: int
    bankruptcy_adjustment: int
    keeps_rest: bool
    leftover_to_trader: bool
    liquidation_fee: int
    backstop: Backstop | None
    adl: Deleveraging | None
    shares_losses: bool
    time_passes: bool


def parse_rules(venue: Mapping[str, Any], seconds: Fraction, step: Fraction) -> VenueRules:
    """The switches of the waterfall."""

    def pick(key: str, *allowed: str) -> str:
        return choice(venue.get(key, allowed[0]), f"venue.{key}", allowed)

    if seconds < 0:
        raise ValueError("round_seconds: negative")
    return VenueRules(
        order=pick("liquidation_order", "market", "limit_at_bankruptcy", "fillable"),
        sizing=_sizing(venue.get("liquidation_size", {"kind": "all"}), seconds, step),
        fillable_spread=_rate(venue, "fillable_spread", Fraction(3, 2), None),
        bankruptcy_adjustment=_rate(venue, "bankruptcy_adjustment", 1, None),
        keeps_rest=pick("rest", "takeover", "keep") == "keep",
        leftover_to_trader=pick("leftover", "fund", "trader") == "trader",
        liquidation_fee=_rate(venue, "liquidation_fee", 0, Fraction(1, 5)),
        backstop=_backstop(venue.get("backstop"), step),
        adl=_deleveraging(venue.get("adl")),
        shares_losses=pick("loss_sharing", "none", "profits") == "profits",
        time_passes=seconds > 0,
    )


def parse_margin(venue: Mapping[str, Any], step: Fraction, scale: int) -> MarginRules:
    """Tiers, trigger and what is counted on top of maintenance."""
    trigger = choice(venue.get("trigger", "at_or_below"), "venue.trigger", ("at_or_below", "below"))
    kinds = ("marginal", "whole_position", "linear")
    tier_rule = choice(venue.get("tier_rule", "marginal"), "venue.tier_rule", kinds)
    at = choice(venue.get("maintenance_at", "mark"), "venue.maintenance_at", ("mark", "entry"))
    tiers = _tiers(required(venue, "tiers", "venue"), step, marginal=tier_rule == "marginal")
    fee = _rate(venue, "close_fee", 0, Fraction(1, 10))
    _check_slopes(tiers, fee, linear=tier_rule == "linear")
    caps = venue.get("open_interest_caps")
    if caps is not None and not (isinstance(caps, list | tuple) and len(caps) == 2):
        raise ValueError("venue.open_interest_caps: not a pair")
    return MarginRules(tiers, trigger == "at_or_below", scale, tier_rule, at == "entry", fee)


def _tiers(rows: object, step: Fraction, marginal: bool) -> tuple[Tier, ...]:
    if not isinstance(rows, list | tuple) or not rows:
        raise ValueError("venue.tiers: at least one")
    tiers: list[Tier] = []
    for row in rows:
        values = table(row, "venue.tiers", ("min_notional", "maintenance_rate", "max_leverage"))
        floor = _steps(required(values, "min_notional", "tier"), step, "tier.min_notional")
        maintenance = rate(required(values, "maintenance_rate", "tier"), "tier.maintenance_rate")
        leverage = exact(required(values, "max_leverage", "tier"), "tier.max_leverage")
        before = tiers[-1] if tiers else Tier(-1, maintenance, leverage, 0)
        if floor <= before.min_notional or (not tiers and floor != 0):
            raise ValueError("venue.tiers: min_notional must start at 0 and rise")
        if not 0 < maintenance < RATE_ONE or leverage <= 0:
            raise ValueError("venue.tiers: rate or leverage out of range")
        deduction = before.deduction + (floor * (maintenance - before.rate) if tiers and marginal else 0)
        tiers.append(Tier(floor, maintenance, leverage, deduction))
    return tuple(tiers)


def _check_slopes(tiers: tuple[Tier, ...], fee: int, *, linear: bool) -> None:
    """What is held against must not outgrow the notional; a linear rate is steepest where a tier ends."""
    steepest = [Fraction(tier.rate) for tier in tiers]
    for number, (one, after) in enumerate(itertools.pairwise(tiers if linear else ()), 1):
        slope = Fraction(after.rate - one.rate, after.min_notional - one.min_notional)
        steepest[number] += slope * after.min_notional
    if max(steepest) + fee > STEEPEST * RATE_ONE:
        raise ValueError("venue.tiers: maintenance and close_fee grow too fast")


def _sizing(value: Any, seconds: Fraction, step: Fraction) -> Sizing:
    name = "venue.liquidation_size"
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: not a table")
    kind = choice(required(value, "kind", name), f"{name}.kind", tuple(SIZE_KEYS))
    values = table(value, name, SIZE_KEYS[kind])

    def rounds(key: str) -> int | None:
        time = exact(values.get(key, 0), f"{name}.{key}")
        if time < 0:
            raise ValueError(f"{name}.{key}: negative")
        if time == 0:
            return 0
        return math.ceil(time / seconds) if seconds else None

    if kind != "share":
        return Sizing(kind, tiers=integer(values.get("tiers", 1), f"{name}.tiers", 1))
    share = rate(required(values, "share", name), f"{name}.share")
    if not 0 < share <= RATE_ONE:
        raise ValueError(f"{name}.share: not above 0, to 1")
    return Sizing(
        kind,
        share=share,
        least_notional=_steps(values.get("least_notional", 0), step, f"{name}.least_notional"),
        whole_below=_steps(values.get("whole_below", 0), step, f"{name}.whole_below"),
        cooldown=rounds("cooldown_s"),
        whole_within=rounds("whole_within_s"),
    )


def _backstop(value: object, step: Fraction) -> Backstop | None:
    if value is None or value == "none":
        return None
    values = table(value, "venue.backstop", ("below", "capital", "isolated"))
    return Backstop(
        below=_rate(values, "below", Fraction(666_666_667, RATE_ONE), None),
        capital=_steps(values.get("capital", 0), step, "venue.backstop.capital"),
        isolated=bool(values.get("isolated", False)),
    )


def _deleveraging(value: object) -> Deleveraging | None:
    if value is None or value == "none":
        return None
    values = table(value, "venue.adl", ("trigger", "drawdown", "rank", "price"))
    price = choice(values.get("price", "bankruptcy"), "venue.adl.price", ("bankruptcy", "previous_mark"))
    return Deleveraging(
        trigger=choice(values.get("trigger", TRIGGERS[0]), "venue.adl.trigger", TRIGGERS),
        drawdown=_rate(values, "drawdown", Fraction(3, 10), 1),
        rank=choice(values.get("rank", RANKS[0]), "venue.adl.rank", RANKS),
        at_previous_mark=price == "previous_mark",
    )


def _rate(values: Mapping[str, Any], key: str, default: Fraction | int, most: Fraction | int | None) -> int:
    number = rate(values.get(key, Fraction(default)), key)
    if number < 0 or (most is not None and number > most * RATE_ONE):
        raise ValueError(f"venue.{key}: out of range")
    return number


def _steps(value: object, step: Fraction, name: str) -> int:
    steps = whole(exact(value, name) / step, name)
    if steps < 0:
        raise ValueError(f"{name}: negative")
    return steps
