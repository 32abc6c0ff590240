"""Scenarios whose ladders are written out as real accounts, row by row."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from .margin import Position
from .world import World, build


def as_rows(scenario: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Even ladders written out as rows, off the grid and in any order, where that is valid."""
    for index, entry in enumerate(scenario["positions"]):
        if entry.get("kind") == "distribution" or entry.get("placement") == "poisson":
            continue
        try:
            rows = _written(entry, build({**scenario, "positions": [entry]}), rng)
            positions = [*scenario["positions"][:index], rows, *scenario["positions"][index + 1 :]]
            build({**scenario, "positions": positions})
        except ValueError:
            continue
        scenario = {**scenario, "positions": positions}
    return scenario


def _written(entry: Mapping[str, Any], world: World, rng: random.Random) -> dict[str, Any]:
    rules, tick, lot = world.rules, float(world.perp.tick), float(world.perp.lot)
    step = tick * lot / rules.scale
    traders = list(world.traders)
    rng.shuffle(traders)
    noise = rng.choice((0, 1e-4))

    def about(number: float) -> float:
        return number * (1 + rng.uniform(-noise, noise))

    backings: dict[str, Callable[[Position], float | None]] = {
        "margin": lambda p: p.margin * step,
        "leverage": lambda p: abs(p.cost) / p.margin,
        "liquidation_price": lambda p: _scaled(rules.tick_of(p, p.margin), tick),
    }
    field = rng.choice(sorted(backings))
    backing = [backings[field](trader.position) for trader in traders]
    stops = [_scaled(trader.stop, tick) for trader in traders]
    if None in backing:
        raise ValueError("somebody has no liquidation price")
    price = [abs(t.position.cost) / abs(t.position.qty) / rules.scale * tick for t in traders]
    columns = {
        "side": ["long" if trader.position.side > 0 else "short" for trader in traders],
        "qty": [about(abs(trader.position.qty) * lot) for trader in traders],
        "entry_price": list(map(about, price)),
        field: [about(value or 0.0) for value in backing],
        "margin_mode": entry.get("margin_mode", "isolated"),
    }
    if any(stop is not None for stop in stops):
        columns["stop_price"] = stops
    if len(set(columns["side"])) == 1 and rng.random() < 0.5:
        columns["side"] = columns["side"][0]
    return {"kind": "accounts", **columns}


def _scaled(tick: int | None, size: float) -> float | None:
    return None if tick is None else tick * size
