"""Frictions of the market maker and of the venue, and unlocks (AGENTS section 4), in integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .agents_plan import Agent, Fields, Grids, Holders
from .units import RATE_ONE, table

MAKER_KEYS = "hedge_latency_s hedge_band inventory_limit skew widen withdraw_move withdraw_s"
VENUE_KEYS = "price_band halt stress_margin spot_margin"


@dataclass(frozen=True)
class MakerFrictions:
    """What keeps the market maker: `skew` in ticks a lot, exact; times in steps."""

    latency: int = 0
    hedge_band: int = 0
    inventory_limit: int | None = None
    skew: Fraction = Fraction(0)
    widen: int = 0
    withdraw_move: int | None = None
    withdraw: int = 0


@dataclass(frozen=True)
class Halt:
    """How far the mark moves in how many steps, and how many the halt holds on."""

    move: int
    window: int
    pause: int


@dataclass(frozen=True)
class Stress:
    """How far the mark moves in how many steps, and what maintenance is multiplied by."""

    move: int
    window: int
    factor: int


@dataclass(frozen=True)
class VenueFrictions:
    """What the venue does against moves; rates in billionths."""

    band: int | None
    halt: Halt | None
    stress: Stress | None
    spot_margin: int


@dataclass(frozen=True)
class Unlock:
    """Tokens that come into being in a step, with the holders if with no agent."""

    step: int
    lots: int
    agent: Agent | None


def parse_maker_frictions(maker: Mapping[str, Any], grids: Grids, *, quotes: bool) -> MakerFrictions:
    """The market maker's."""
    fields = Fields(maker, "market_maker", grids)
    if not quotes and any(fields.given(key) for key in ("inventory_limit", "withdraw_move")):
        raise ValueError("market_maker: needs a quote")
    if fields.given("withdraw_s") and fields.number("withdraw_s") and not fields.given("withdraw_move"):
        raise ValueError("market_maker.withdraw_s: without withdraw_move")
    return MakerFrictions(
        latency=fields.long("hedge_latency_s"),
        hedge_band=fields.lots("hedge_band", "spot") if fields.given("hedge_band") else 0,
        inventory_limit=fields.lots("inventory_limit", "perp") if fields.given("inventory_limit") else None,
        skew=Fraction(fields.rate("skew", 0), RATE_ONE) * grids.lots["perp"] / grids.ticks["perp"],
        widen=fields.rate("widen", 0),
        withdraw_move=fields.rate("withdraw_move") if fields.given("withdraw_move") else None,
        withdraw=fields.long("withdraw_s"),
    )


def parse_venue_frictions(venue: Mapping[str, Any], grids: Grids) -> VenueFrictions:
    """The venue's."""
    fields = Fields(venue, "venue", grids)
    halt = stress = None
    if fields.given("halt"):
        inner = _inner(fields, "halt", "move window_s pause_s")
        halt = Halt(inner.rate("move"), max(inner.long("window_s", None), 1), inner.long("pause_s", None))
    if fields.given("stress_margin"):
        inner = _inner(fields, "stress_margin", "move window_s factor")
        stress = Stress(inner.rate("move"), max(inner.long("window_s", None), 1), inner.rate("factor"))
        if stress.factor < RATE_ONE:
            raise ValueError("venue.stress_margin.factor: below 1")
    band = fields.rate("price_band") if fields.given("price_band") else None
    if band is not None and not 0 < band < RATE_ONE:
        raise ValueError("venue.price_band: not between 0 and 1")
    return VenueFrictions(band, halt, stress, fields.rate("spot_margin", 0))


def _inner(fields: Fields, key: str, keys: str) -> Fields:
    name = f"{fields.name}.{key}"
    return Fields(table(fields.values[key], name, tuple(keys.split())), name, fields.grids)


def parse_unlocks(entries: Sequence[Any], agents: tuple[Agent, ...], grids: Grids) -> tuple[Unlock, ...]:
    """The unlocks in their order."""
    found = []
    for i, entry in enumerate(entries):
        name = f"unlocks[{i}]"
        fields = Fields(table(entry, name, ("at_s", "qty", "holder")), name, grids)
        holder = fields.values.get("holder")
        agent = next((agent for agent in agents if agent.name == holder), None)
        if holder is not None and (agent is None or not isinstance(agent.plan, Holders)):
            raise ValueError(f"{name}.holder: not an agent of kind holders")
        found.append(Unlock(fields.when("at_s"), fields.lots("qty", "spot"), agent))
    return tuple(found)
