"""Random scenarios under venue rules: every switch of the waterfall, with counterparties to deleverage."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from .book import SELL
from .dressed import coarse, dress, is_quick, population
from .scenarios import Scenario, Sketch, ignite, is_valid, log_uniform, number, on_grid
from .venue import RANKS, TRIGGERS
from .world import World, build


def ruled_scenario(rng: random.Random, seed: int = 0, paths: int = 1) -> Scenario:
    """A scenario under random rules that is valid on so many paths, drawn again until it is one."""
    while True:
        sketch = coarse(rng)
        scenario = sketch.scenario(rng)
        if rng.random() < 0.4:
            dress(scenario, sketch, rng)
        _people(scenario, sketch, rng)
        _margin_rules(scenario["venue"], rng)
        _waterfall(scenario, sketch, rng)
        if "adl" not in scenario["venue"] and "backstop" in scenario["venue"]:
            scenario["venue"]["backstop"].pop("isolated", None)
        if not is_valid(scenario, seed):
            continue
        ignite(scenario, build(scenario, seed), rng)
        pushed = _has_somebody_to_push(scenario) and is_valid(scenario, seed)
        if not pushed or not _leaves_holders_something(build(scenario, seed)):
            continue
        if all(is_quick(scenario, seed, path) for path in range(paths)):
            return scenario


def _has_somebody_to_push(scenario: Scenario) -> bool:
    ignition = scenario["ignition"]
    side = "bids" if ignition.get("side") == "sell" else "asks"
    return side in scenario[ignition.get("market", "spot")]


def _leaves_holders_something(world: World) -> bool:
    quote = world.spot.quote
    return quote is None or SELL not in quote.sides or world.quotable > 0


def _people(scenario: Scenario, sketch: Sketch, rng: random.Random) -> None:
    """Counterparties in profit and in loss, by laws and in ladders; wallets behind some accounts."""
    against = "long" if sketch.up else "short"
    coarse_ticks = float(sketch.perp_tick) >= 0.05
    if coarse_ticks and rng.random() < 0.6:
        some = population(rng, sketch, against, rng.uniform(0.1, 0.6), False)
        some["accounts"] = min(some["accounts"], 25)
        scenario["positions"].append(some)
    if rng.random() < 0.7:
        scenario["positions"].append(_counterparties(sketch, rng, against))
    for entry in scenario["positions"]:
        if entry.get("kind") == "distribution" or "leverage" not in entry or rng.random() < 0.3:
            continue
        entry["margin_mode"] = "cross"
        if rng.random() < 0.8:
            entry["wallet"] = number(sketch.fuel * sketch.start / sketch.accounts * rng.random() * 0.1, 2)


def _counterparties(sketch: Sketch, rng: random.Random, side: str) -> Scenario:
    """A ladder of the other side, entered where it has gained or will gain."""
    sign = 1 if side == "long" else -1
    lots = sketch.fuel * rng.choice((0.02, rng.uniform(0.1, 1.5))) / rng.randint(1, 12)
    count = rng.randint(1, 12)
    return {
        "side": side,
        "entry_price": on_grid(sketch.start * (1 - sign * rng.uniform(-0.03, 0.2)), sketch.perp_tick),
        "qty": on_grid(max(lots * count, float(sketch.perp_lot)), sketch.perp_lot),
        "lump": on_grid(lots, sketch.perp_lot),
        "leverage": [number(rng.uniform(1.2, 5), 2), number(rng.uniform(3, 25), 2)],
    }


def _margin_rules(venue: Scenario, rng: random.Random) -> None:
    options: list[tuple[str, float, tuple[Any, ...]]] = [
        ("tier_rule", 0.6, ("whole_position", "linear", "marginal")),
        ("maintenance_at", 0.35, ("entry", "entry", "mark")),
        ("close_fee", 0.5, (Decimal("0.0005"), number(rng.uniform(0, 0.01), 9))),
        ("open_interest_caps", 0.1, ([1000, 20000],)),
    ]
    venue |= {key: rng.choice(values) for key, share, values in options if rng.random() < share}


def _waterfall(scenario: Scenario, sketch: Sketch, rng: random.Random) -> None:
    venue, notional = scenario["venue"], sketch.fuel * sketch.start
    each = notional / sketch.accounts
    venue["liquidation_size"] = _size(rng, each)
    orders = ("market", "limit_at_bankruptcy", "fillable", "fillable")
    options: list[tuple[str, float, tuple[Any, ...]]] = [
        ("liquidation_order", 0.8, orders),
        ("fillable_spread", 0.4, (1, 3, number(rng.uniform(1, 4), 3))),
        ("bankruptcy_adjustment", 0.4, (1, 2, number(rng.uniform(1, 4), 3))),
        ("rest", 0.6, ("keep", "keep", "takeover")),
        ("leftover", 0.5, ("trader", "trader", "fund")),
        ("liquidation_fee", 0.5, (Decimal("0.005"), number(rng.uniform(0, 0.2), 9))),
        ("backstop", 0.45, (_backstop(rng, notional),)),
        ("adl", 0.75, (_adl(rng),)),
        ("loss_sharing", 0.4, ("profits", "profits", "none")),
    ]
    venue |= {key: rng.choice(values) for key, share, values in options if rng.random() < share}
    if rng.random() < 0.15:
        _lose_the_vault(scenario, notional, rng)
    if rng.random() < 0.75:
        venue["insurance_fund"] = rng.choice((0, number(each * log_uniform(rng, 1e-3, 1), 2)))
    if rng.random() < 0.7:
        scenario["round_seconds"] = rng.choice((0, 1, 2, 10, 60, number(rng.uniform(0.5, 60), 1)))
    if rng.random() < 0.3:
        factor = rng.choice((1, rng.uniform(0.3, 1), rng.uniform(1, 2)))
        scenario["settlement_price"] = on_grid(sketch.start * factor, sketch.perp_tick)
    if "max_rounds" not in venue:
        venue["max_rounds"] = 300
    if rng.random() < 0.3:
        _through_time(scenario, rng)


def _through_time(scenario: Scenario, rng: random.Random) -> None:
    """Steps, the push in one of them, and few rounds in each now and then."""
    step = scenario.pop("round_seconds", 0) or number(rng.uniform(0.5, 60), 1)
    steps = rng.choice((1, 2, 5, 20, 60))
    scenario["time"] = {"step_s": step, "horizon_s": step * steps, "until": rng.choice(("horizon", "quiet"))}
    if rng.random() < 0.7:
        scenario["ignition"]["at_s"] = step * rng.randrange(steps)
    if rng.random() < 0.3:
        scenario["venue"]["max_rounds"] = rng.choice((1, 2, 5))


def _size(rng: random.Random, each: float) -> Scenario:
    kind = rng.choice(("all", "tiers", "share", "share"))
    if kind == "all":
        return {"kind": kind}
    if kind == "tiers":
        return {"kind": kind, "tiers": rng.choice((1, 1, 2, 3))}
    size: Scenario = {
        "kind": kind,
        "share": rng.choice((Decimal("0.2"), Decimal("0.5"), 1, number(rng.uniform(0.01, 1), 9))),
    }
    options: list[tuple[str, float, Any]] = [
        ("least_notional", 0.4, number(each * rng.uniform(0, 1), 2)),
        ("whole_below", 0.4, number(each * rng.uniform(0, 1.2), 2)),
        ("cooldown_s", 0.4, rng.choice((1, 5, 30, number(rng.uniform(0, 60), 1)))),
        ("whole_within_s", 0.4, rng.choice((1, 5, 30, number(rng.uniform(0, 60), 1)))),
    ]
    return size | {key: value for key, share, value in options if rng.random() < share}


def _backstop(rng: random.Random, notional: float) -> Scenario:
    backstop: Scenario = {}
    if rng.random() < 0.5:
        backstop["below"] = rng.choice((Decimal("0.5"), 1, number(rng.uniform(0, 1), 9)))
    if rng.random() < 0.6:
        backstop["capital"] = number(notional * log_uniform(rng, 1e-6, 0.1), 2)
    if rng.random() < 0.8:
        backstop["isolated"] = rng.random() < 0.8
    return backstop


def _lose_the_vault(scenario: Scenario, notional: float, rng: random.Random) -> None:
    """A vault with next to nothing of its own, and orders that go on moving the market."""
    venue = scenario["venue"]
    capital = number(notional * log_uniform(rng, 1e-6, 1e-3), 2)
    venue["backstop"] = {"below": number(rng.uniform(0.3, 0.95), 2), "capital": capital, "isolated": True}
    venue |= {"adl": _adl(rng), "liquidation_order": "market"}
    scenario["market_maker"] |= {"capital": number(notional, 2), "hedge_ratio": 1}


def _adl(rng: random.Random) -> Scenario:
    adl: Scenario = {}
    options: list[tuple[str, float, Any]] = [
        ("trigger", 0.8, rng.choice(TRIGGERS)),
        ("drawdown", 0.5, number(rng.uniform(0, 1), 2)),
        ("rank", 0.85, rng.choice(RANKS)),
        ("price", 0.6, rng.choice(("previous_mark", "bankruptcy"))),
    ]
    adl |= {key: value for key, share, value in options if rng.random() < share}
    return adl


def reached(scenario: Scenario, result: Any) -> set[str]:
    """Which rules a run has come to."""
    adl = scenario["venue"].get("adl")
    rows, stages = result.liquidations, result.stages
    found = {
        "an order": any(row["mechanism"] == 0 for row in rows),
        "a vault takeover": any(row["mechanism"] == 2 for row in rows),
        "deleveraging in place of an order": any(row["mechanism"] == 3 for row in rows),
        "the desk deleveraged": any(row["against"] == 5 for row in result.adl),
        "the vault deleveraged": any(row["against"] == 6 for row in result.adl),
        "the rest of the market deleveraged": any(row["account"] == 4 for row in result.adl),
        "the market maker deleveraged": any(row["account"] == 1 for row in result.adl),
        "the attacker deleveraged": any(row["account"] == 0 for row in result.adl),
        "relief": any(stage["adl_relief"] for stage in stages),
        "a second order": len({row["account"] for row in rows if row["mechanism"] != 1})
        < sum(row["mechanism"] != 1 for row in rows),
        "shared losses": any(stage["socialised_loss"] for stage in stages),
        "a liquidation fee": any(stage["liquidation_fees"] for stage in stages),
        "settlement": "settlement_price" in scenario,
        "a takeover": any(row["taken_over_qty"] for row in rows),
    }
    found |= {f"an order by {scenario['venue']['liquidation_size']['kind']}": found["an order"]}
    partial = any(0 < row["filled_qty"] < row["qty"] and not row["taken_over_qty"] for row in rows)
    found |= {f"a rest kept under {scenario['venue'].get('rest', 'takeover')}": partial}
    if adl is not None and result.adl:
        found[f"rank {adl.get('rank', RANKS[0])}"] = True
        found[f"price {adl.get('price', 'bankruptcy')}"] = True
        if any(row["mechanism"] == 0 and row["adl_qty"] for row in rows):
            found[f"trigger {adl.get('trigger', TRIGGERS[0])}"] = scenario["venue"].get("rest") != "keep"
    return {what for what, happened in found.items() if happened}
