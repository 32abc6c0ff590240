"""Random scenarios with all that is drawn per path: populations, laws, noise, quotes, scalars, copulas.

Ticks are coarse, so that cells are few. Money has a fine unit and is only drawn by laws that need no function
on which C libraries disagree in the last place.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .draws import unit_name
from .liquidity import Liquidity
from .populations import PopulationGroup
from .scenarios import Scenario, Sketch, ignite, is_valid, number, on_grid
from .world import build

TICKS = ("0.05", "0.1", "0.25", "0.5")
FINE_TICKS = ("0.0005", "0.0002")
BETAS = ((2, 3), (Decimal("0.8"), 2), (5, Decimal("1.5")))


def random_dressed_scenario(rng: random.Random, seed: int, paths: int) -> Scenario:
    """A scenario that is valid on so many paths, drawn again until it is one."""
    while True:
        sketch = coarse(rng)
        scenario = sketch.scenario(rng)
        dress(scenario, sketch, rng)
        if not is_valid(scenario, seed):
            continue
        ignite(scenario, build(scenario, seed), rng)
        _draw_scalars(scenario, rng)
        if all(is_quick(scenario, seed, path) for path in range(paths)):
            return scenario


def is_quick(scenario: Scenario, seed: int, path: int) -> bool:
    """Whether it is valid, and no order can walk up more than some thousand levels of a linear book."""
    try:
        world = build(scenario, seed, path)
    except ValueError:
        return False
    fuel = sum(abs(trader.position.qty) for trader in world.traders)
    for batch in world.batches:
        largest = [group.sizes[-1] for group in batch.groups if isinstance(group, PopulationGroup)]
        fuel += batch.expected_lots + max(largest, default=0)
    fuel += world.push.qty if world.push.in_perp else 0
    for market, lots in ((world.spot, world.tokens.free_float), (world.perp, fuel)):
        asks = market.asks
        if isinstance(asks, Liquidity) and asks.depth is not None:
            thin = asks.noise is not None and asks.depth < 5
            if thin or lots / asks.depth > 4000:
                return False
    return True


def coarse(rng: random.Random) -> Sketch:
    """A sketch with few ticks (or so many in the perpetual that a cell holds several)."""
    sketch = Sketch.draw(rng)
    fine = rng.random() < 0.1
    return dataclasses.replace(
        sketch,
        start=sketch.start + 10,
        spot_tick=rng.choice(TICKS),
        perp_tick=rng.choice(FINE_TICKS if fine else TICKS),
        accounts=min(sketch.accounts, 60),
    )


def dress(scenario: Scenario, sketch: Sketch, rng: random.Random) -> None:
    spot, perp, maker, venue = (scenario[key] for key in ("spot", "perp", "market_maker", "venue"))
    fine = sketch.perp_tick in FINE_TICKS
    for market, tick, lot in (
        (spot, sketch.spot_tick, sketch.spot_lot),
        (perp, sketch.perp_tick, sketch.perp_lot),
    ):
        for side in ("asks", "bids"):
            if side not in market and rng.random() < 0.4:
                market[side] = {"kind": "linear", "depth": number(sketch.depth, 6) or 1}
            if side in market:
                market[side] = _liquidity(rng, sketch, market[side], tick, lot, fine and market is perp)
    if rng.random() < 0.4:
        spot["quote"] = sketch.quote(rng)
        _dress_quote(spot["quote"], sketch, rng, sketch.spot_tick, sketch.spot_lot)
    if "quote" in maker:
        _dress_quote(maker["quote"], sketch, rng, sketch.perp_tick, sketch.perp_lot)
    if rng.random() < 0.4:
        venue["mark"] = rng.choice(("mean_of_mids", "mean_of_mids", "index"))
    if rng.random() < 0.45:
        scenario["ignition"]["market"] = rng.choice(("perp", "perp", "spot"))
    if fine:
        scenario["positions"] = scenario["positions"][:1]
    for i, ladder in enumerate(scenario["positions"]):
        if fine or rng.random() < 0.6:
            share = 1 / len(scenario["positions"])
            scenario["positions"][i] = population(rng, sketch, ladder["side"], share, fine)


def _liquidity(
    rng: random.Random, sketch: Sketch, plain: Scenario, tick: str, lot: str, fine: bool
) -> Scenario:
    """Noise on what is there, or orders in its place."""
    if not fine and rng.random() < 0.65:
        thin = sketch.depth * float(tick) < 10 * float(
            lot
        )  # noise would leave little or nothing of a lot or two
        return plain | ({"noise": _noise(rng)} if rng.random() < 0.6 and not thin else {})
    gap = float(tick) * rng.randint(1, 4) * (200 if fine else 1)
    orders = rng.choice((1, 1, 2, 3))
    entry = {
        "kind": "orders",
        "levels": rng.randint(5, 60),
        "level_gap": on_grid(gap, tick),
        "order_qty": _quantity(rng, sketch.depth * gap / orders, lot),
    }
    return entry | ({"orders": orders} if orders > 1 else {})


def _dress_quote(quote: Scenario, sketch: Sketch, rng: random.Random, tick: str, lot: str) -> None:
    """Jitter, another middle, lots by a law; gaps on this market's grid."""
    for key in ("half_spread", "level_gap"):
        if key in quote:
            quote[key] = on_grid(float(quote[key]), tick)
    if rng.random() < 0.5:
        quote["jitter"] = on_grid(float(tick) * rng.randint(1, 12), tick)
    if rng.random() < 0.4:
        quote["around"] = rng.choice(("spot_mid", "spot_mid", "mark"))
    quote["level_qty"] = _quantity(rng, float(quote["level_qty"]) * rng.choice((1, 0.2)), lot)


def population(rng: random.Random, sketch: Sketch, side: str, share: float, fine: bool) -> Scenario:
    """About so much fuel as a ladder has, in accounts of many sizes."""
    accounts = max(2.0, sketch.accounts * share)
    population: Scenario = {
        "kind": "distribution",
        "side": side,
        "accounts": number(accounts, rng.choice((0, 2))),
        "leverage": _leverage(rng),
        "notional": _notional(rng, sketch.fuel * share * sketch.start / accounts),
    }
    if not fine and rng.random() < 0.6:
        population["entry_price"] = _entry(rng, sketch.start, float(sketch.perp_tick))
    elif rng.random() < 0.5:
        population["entry_price"] = on_grid(sketch.start * rng.uniform(0.97, 1.03), sketch.perp_tick)
    return population


def _leverage(rng: random.Random) -> Any:
    a, b = rng.choice(BETAS)
    return rng.choice(
        (
            number(rng.uniform(2, 40), rng.choice((0, 3))),
            {
                "dist": "log_normal",
                "median": number(rng.uniform(4, 20), 2),
                "sigma": number(rng.uniform(0.2, 0.45), 3),
            },
            {
                "dist": "log_normal",
                "median": 9,
                "sigma": number(rng.uniform(0.5, 1.5), 2),
                "low": 1,
                "high": 125,
            },
            {"dist": "uniform", "low": number(rng.uniform(1, 5), 2), "high": number(rng.uniform(10, 60), 2)},
            {"dist": "choice", "values": [20, 2, 5, 10, 50, 100], "weights": [3, 1, 2, 4, 2, Decimal("0.5")]},
            {"dist": "trapezoid", "a": 1, "b": 5, "c": 15, "d": number(rng.uniform(20, 80), 1)},
            {"dist": "beta", "alpha": a, "beta": b, "low": 1, "high": number(rng.uniform(20, 80), 1)},
            {"dist": "exponential", "mean": number(rng.uniform(5, 20), 1), "low": Decimal("1.5")},
            {"dist": "pareto", "low": 3, "alpha": number(rng.uniform(0.8, 3), 2)},
            {"dist": "normal", "mean": 12, "sd": 6, "low": 1, "high": 60},
            {
                "dist": "empirical",
                "values": [number(rng.uniform(2, 60), 2) for _ in range(rng.randint(1, 9))],
            },
            {
                "dist": "mixture",
                "components": [
                    {"dist": "uniform", "low": 2, "high": 8},
                    {"dist": "log_normal", "median": 25, "sigma": Decimal("0.3")},
                ],
                "weights": [number(rng.uniform(0.2, 3), 2), 1],
            },
        )
    )


def _notional(rng: random.Random, mean: float) -> Any:
    """Sizes about the mean, most with a tail that crosses tiers."""
    mean = max(mean, 1.0)

    def x(factor: float) -> Any:
        return number(mean * factor, 3) or Decimal("0.001")

    return rng.choice(
        (
            x(rng.uniform(0.5, 1.5)),
            {"dist": "pareto", "low": x(0.2), "alpha": number(rng.uniform(1, 2), 2)},
            {"dist": "pareto", "low": x(0.25), "alpha": number(rng.uniform(0.8, 1.6), 2), "high": x(40)},
            {"dist": "log_normal", "median": x(0.5), "sigma": number(rng.uniform(0.6, 1.6), 2)},
            {
                "dist": "log_normal",
                "median": x(0.5),
                "sigma": number(rng.uniform(0.6, 1.6), 2),
                "high": x(30),
            },
            {"dist": "exponential", "mean": x(1.01)},
            {"dist": "uniform", "low": x(0.0123), "high": x(2.0177)},
            {"dist": "empirical", "values": [x(rng.uniform(0.1, 4)) for _ in range(rng.randint(2, 7))]},
            {
                "dist": "mixture",
                "components": [
                    {"dist": "uniform", "low": x(0.1003), "high": x(0.5011)},
                    {"dist": "pareto", "low": x(2), "alpha": Decimal("1.5")},
                ],
                "weights": [3, 1],
            },
        )
    )


def _entry(rng: random.Random, start: int, tick: float) -> Any:
    """Entries on a few ticks around the start."""
    reach = tick * rng.uniform(1, 5)

    def at(ticks: float) -> Any:
        return number(start + ticks * reach, 4)

    tails = {"low": at(-2.613), "high": at(1.907)}
    a, b = rng.choice(BETAS)
    return rng.choice(
        (
            {"dist": "uniform", "low": at(-1.03), "high": at(1.07)},
            {"dist": "normal", "mean": at(0.1), "sd": number(reach / 2, 4)},
            {"dist": "normal", "mean": at(0), "sd": number(reach, 4)} | tails,
            {"dist": "log_normal", "median": at(0), "sigma": number(reach / start, 6)} | tails,
            {"dist": "trapezoid", "a": at(-2.01), "b": at(-1.02), "c": at(0.1), "d": at(2.03)},
            {"dist": "beta", "alpha": a, "beta": b, "low": at(-1.51), "high": at(1.53)},
            {
                "dist": "choice",
                "values": [on_grid(start + i * tick, str(tick)) for i in (2, -1, 0)],
                "weights": [1, 2, 2],
            },
        )
    )


def _noise(rng: random.Random) -> Any:
    return rng.choice(
        (
            Decimal("0.7"),
            {"dist": "uniform", "low": number(rng.uniform(0, 0.9), 3), "high": number(rng.uniform(1, 3), 3)},
            {"dist": "log_normal", "median": 1, "sigma": number(rng.uniform(0.1, 1.5), 2)},
            {"dist": "exponential", "mean": 1},
            {"dist": "normal", "mean": 1, "sd": number(rng.uniform(0.1, 0.8), 2)},
            {"dist": "choice", "values": [0, 1, Decimal("2.5")]},
            {"dist": "pareto", "low": Decimal("0.4"), "alpha": 2},
        )
    )


def _quantity(rng: random.Random, mean: float, lot: str) -> Any:
    """Lots of an order: a number or a law."""
    mean = max(mean, float(lot))

    def x(factor: float) -> Any:
        return number(mean * factor, 6) or Decimal("0.000001")

    a, b = rng.choice(BETAS)
    return rng.choice(
        (
            on_grid(mean, lot),
            {"dist": "uniform", "low": x(0.1), "high": x(1.9)},
            {"dist": "log_normal", "median": x(0.7), "sigma": number(rng.uniform(0.2, 1.5), 2)},
            {"dist": "exponential", "mean": x(1)},
            {"dist": "pareto", "low": x(0.4), "alpha": number(rng.uniform(1.1, 3), 2)},
            {"dist": "normal", "mean": x(1), "sd": x(0.4), "low": x(0.05)},
            {"dist": "beta", "alpha": a, "beta": b, "high": x(2)},
            {"dist": "choice", "values": [x(0.5), x(1.5), x(1)]},
        )
    )


def _numbers(value: object, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Every number that may be drawn: its path, and where it hangs."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        inside = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else str(key)
        if isinstance(inner, dict | list):
            if not (isinstance(inner, dict) and "dist" in inner):
                yield from _numbers(inner, inside)
        elif isinstance(value, dict) and value.get("kind") == "distribution" and key != "accounts":
            continue
        elif isinstance(inner, int | Decimal) and not isinstance(inner, bool):
            try:
                unit_name(inside)
            except ValueError:
                continue
            yield inside, value, key


def _draw_scalars(scenario: Scenario, rng: random.Random) -> None:
    """Distributions in the place of some numbers, and a copula over some of them."""
    found = [(path, place, key) for path, place, key in _numbers(scenario, "") if place[key]]
    count = rng.choice((0, 0, 1, 2, 3, 5))
    chosen = rng.sample(found, min(count, len(found)))
    for path, place, key in chosen:
        place[key] = _around(rng, float(place[key]), unit_name(path) == "step", path == "start_price")
    if len(chosen) < 2 or rng.random() < 0.4:
        return
    fields = [path for path, _, _ in chosen][: rng.randint(2, 3)]
    rho = [number(rng.uniform(-0.45, 0.9), 2) for _ in range(3)]
    matrix: list[list[Any]] = [[1, rho[0], rho[1]], [rho[0], 1, rho[2]], [rho[1], rho[2], 1]]
    scenario["copula"] = {"fields": fields, "matrix": [row[: len(fields)] for row in matrix[: len(fields)]]}


def _around(rng: random.Random, value: float, plain: bool, narrow: bool) -> Scenario:
    """A distribution about a number."""
    spread = 0.03 if narrow else 0.2

    def x(factor: float) -> Any:
        return number(value * (1 + spread * factor), 9)

    low, high = sorted((x(-1), x(1)))
    a, b = rng.choice(BETAS)
    laws: list[Scenario] = [
        {"dist": "uniform", "low": low, "high": high},
        {"dist": "choice", "values": [x(0), x(0.75), x(-0.5)]},
        {"dist": "empirical", "values": [x(rng.uniform(-1, 1)) for _ in range(5)]},
    ]
    if value > 0:
        laws.append({"dist": "trapezoid", "a": x(-1), "b": x(-0.2), "c": x(0.1), "d": x(1.5)})
    laws.append({"dist": "mixture", "components": [laws[0], laws[-1]], "weights": [1, 2]})
    if not plain and value > 0:
        laws += [
            {"dist": "normal", "mean": x(0), "sd": number(value * spread, 9)},
            {"dist": "log_normal", "median": x(0), "sigma": number(spread, 3), "low": low, "high": high},
            {"dist": "exponential", "mean": x(0), "low": low, "high": high},
            {"dist": "pareto", "low": low, "alpha": 8},
            {"dist": "beta", "alpha": a, "beta": b, "low": low, "high": high},
        ]
    return rng.choice(laws)
