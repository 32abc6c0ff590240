"""Random worlds in which somebody acts: small books, all kinds of agents, frictions that bite."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .agents_plan import FIRST_ACCOUNT
from .book import SELL
from .lively_agents import Cast
from .scenarios import Scenario, is_valid, log_uniform, number, on_grid
from .state import (
    ARBITRAGE,
    COLLATERAL,
    CROWD,
    HOLDERS_SALE,
    HUNTING,
    MOMENTUM,
    NOISE,
    WHALE,
    Result,
)
from .world import build

TICKS = ("0.01", "0.02", "0.05", "0.1")
STEPS = (1, 2, Decimal("0.5"), 36, 60, 90, 600)


@dataclass(frozen=True)
class Scales:
    """What must fit each other: `unit` is the tokens that move spot by about one in a hundred."""

    start: int
    tick: dict[str, str]
    lot: dict[str, str]
    unit: float
    step: Decimal | int
    steps: int

    @classmethod
    def draw(cls, rng: random.Random) -> Scales:
        """A market of some steps."""
        lot = rng.choice(("1", "1", "0.1", "0.5", "2"))
        across = rng.choice((1, 1, 2, 5, 10))
        return cls(
            start=rng.randint(5, 60),
            tick={"spot": rng.choice(TICKS), "perp": rng.choice(TICKS)},
            lot={"spot": lot, "perp": str(number(Fraction(lot) * across, 3))},
            unit=float(lot) * across * log_uniform(rng, 5, 200),
            step=rng.choice(STEPS),
            steps=rng.choice((5, 12, 25, rng.randint(5, 60))),
        )

    def qty(self, market: str, units: float) -> Decimal | int:
        """So many units of tokens, on the market's lots."""
        return on_grid(self.unit * units, self.lot[market])

    def gap(self, market: str, ticks: int) -> Decimal | int:
        """So many ticks."""
        return number(ticks * Fraction(self.tick[market]), 6)

    def spread(self, market: str, share: float) -> Decimal | int:
        """A share of the price, on the market's ticks."""
        return on_grid(self.start * share, self.tick[market])

    def money(self, units: float) -> Decimal | int:
        """The worth of so many units of tokens."""
        return number(self.unit * units * self.start, 2) or 1

    def some_time(self, rng: random.Random, most: int) -> Decimal | int:
        """Some steps, or a little more or less."""
        steps = rng.randint(0, most)
        return number(Fraction(self.step) * steps + Fraction(rng.choice((0, 0, 0, 1)), 10), 6)

    def any_time(self, rng: random.Random, last: float = 0.9) -> Decimal | int:
        """When: the beginning of a step, or a little later."""
        at = rng.randint(0, int((self.steps - 1) * last))
        return number(Fraction(self.step) * at + Fraction(rng.choice((0, 0, 1)), 10), 6)


def lively_scenario(rng: random.Random, seed: int = 0) -> Scenario:
    """A world that is valid, drawn again until it is one."""
    while True:
        scales = Scales.draw(rng)
        scenario = _world(rng, scales)
        _add(random.Random(scenario["name"] + " also"), scales, scenario)
        if not is_valid(scenario, seed) or not _has_somebody_to_trade_with(scenario):
            continue
        world = build(scenario, seed)
        if world.spot.quote is None or SELL not in world.spot.quote.sides or world.quotable > 0:
            return scenario


def _add(rng: random.Random, scales: Scales, scenario: Scenario) -> None:
    """Quotes around the start, orders that call forth others; of its own numbers, so other worlds stay."""
    if (quote := scenario["spot"].get("quote")) and rng.random() < 0.3:
        quote["around"] = "start"
        lean = float(scales.spread("spot", 0.01)) / (scales.unit * rng.uniform(1, 20))
        quote["skew"] = number(lean, rng.choice((4, 9)))
    if (quote := scenario["market_maker"].get("quote")) and rng.random() < 0.15:
        quote["around"] = "start"
    for agent in scenario["agents"]:
        if agent["kind"] == "noise" and rng.random() < 0.3:
            agent["branching"] = number(rng.uniform(0.1, 0.98), 4)
            agent["decay_s"] = number(Fraction(scales.step) * rng.randint(1, 20) / 2, 6)


def _has_somebody_to_trade_with(scenario: Scenario) -> bool:
    perp, push = scenario["perp"], scenario.get("ignition")
    if push is not None and push.get("market") == "perp":
        return ("bids" if push.get("side") == "sell" else "asks") in perp
    return "asks" in perp or "bids" in perp or "quote" in scenario["market_maker"]


def _world(rng: random.Random, scales: Scales) -> Scenario:
    ignition, venue = _ignition(rng, scales), _venue(rng, scales)
    loud = ignition is not None and (ignition.get("side") == "sell" or ignition.get("market") == "perp")
    without = {"funding_arbitrageur"} if "funding" not in venue else set()
    agents = Cast(rng, scales, without, ignites=not loud).agents()
    held = sum(Fraction(agent.get("tokens", 0)) for agent in agents)
    inventory = scales.qty("spot", rng.uniform(0, 20)) if rng.random() < 0.4 else 0
    push = Fraction(ignition["qty"]) if ignition is not None else Fraction(0)
    free = Fraction(scales.qty("spot", log_uniform(rng, 10, 150)))
    circulating = held + Fraction(inventory) + push + free
    unlocks = _unlocks(rng, scales, agents)
    supply = circulating + sum(Fraction(unlock["qty"]) for unlock in unlocks)
    horizon = Fraction(scales.step) * scales.steps
    scenario: Scenario = {
        "schema_version": 1,
        "name": f"lively {rng.getrandbits(32)}",
        "start_price": scales.start,
        "total_supply": number(supply * rng.choice((1, 1, 3)), 6),
        "circulating": number(circulating, 6),
        "time": {"step_s": scales.step, "horizon_s": number(horizon, 6)},
        "spot": _spot(rng, scales),
        "perp": _market(rng, scales, "perp"),
        "venue": venue,
        "market_maker": _market_maker(rng, scales) | ({"spot_inventory": inventory} if inventory else {}),
        "positions": [_position(rng, scales) for _ in range(rng.choice((1, 2, 2, 3)))],
        "agents": agents,
    }
    if ignition is not None:
        scenario["ignition"] = ignition
    if unlocks:
        scenario["unlocks"] = unlocks
    if rng.random() < 0.5:
        scenario["time"]["sample_s"] = number(Fraction(scales.step) * rng.choice((1, 1, 2, 3, 5)), 6)
    return scenario


def _market(rng: random.Random, scales: Scales, market: str) -> Scenario:
    values: Scenario = {"tick_size": Decimal(scales.tick[market]), "lot_size": _plain(scales.lot[market])}
    depth = scales.unit / (scales.start / 100)
    for key in ("asks", "bids"):
        if market == "spot" or rng.random() < 0.8:
            thin = 1.0 if market == "spot" else log_uniform(rng, 0.02, 1)
            values[key] = _side(rng, scales, market, depth * thin, key == "asks")
    for key, low, high in (("taker_fee", -0.0002, 0.002), ("maker_fee", -0.0005, 0.001)):
        if rng.random() < 0.5:
            values[key] = number(rng.uniform(low, high), 5)
    return values


def _spot(rng: random.Random, scales: Scales) -> Scenario:
    """Holders quote where what rests at the start leaves them something."""
    values = _market(rng, scales, "spot")
    if rng.random() < 0.35:
        values["quote"] = quote = _quote(rng, scales, "spot")
        if quote["side"] != "bids":
            values["asks"] = _levels(rng, scales, "spot", 0.2 * scales.unit / (scales.start / 100), True)
    return values


def _side(rng: random.Random, scales: Scales, market: str, depth: float, up: bool) -> Scenario:
    if rng.random() < 0.5:
        return {"kind": "linear", "depth": number(depth, 4) or 1}
    return _levels(rng, scales, market, depth, up) | {"tail_depth": number(depth, 4) or 1}


def _levels(rng: random.Random, scales: Scales, market: str, depth: float, up: bool) -> Scenario:
    tick, sign = Fraction(scales.tick[market]), 1 if up else -1
    price, levels = Fraction(scales.start), []
    for _ in range(rng.randint(3, 25)):
        gap = rng.choice((1, 1, 2, rng.randint(1, 10))) * tick
        price += sign * gap
        if price <= 0:
            break
        lots = on_grid(depth * float(gap) * log_uniform(rng, 0.3, 3), scales.lot[market])
        levels.append([number(price, 6), lots])
    return {"kind": "levels", "levels": levels}


def _quote(rng: random.Random, scales: Scales, market: str) -> Scenario:
    levels = rng.choice((1, 2, 4))
    qty = scales.qty(market, log_uniform(rng, 0.3, 8) / levels)
    quote: Scenario = {
        "side": rng.choice(("both", "both", "both", "asks", "bids")),
        "half_spread": scales.gap(market, rng.randint(0, 5)),
        "levels": levels,
        "level_gap": scales.gap(market, rng.randint(1, 5)),
        "level_qty": qty,
    }
    options: list[tuple[str, float, Any]] = [
        ("around", 0.6, rng.choice(("mark", "spot_mid", "last", "mid"))),
        ("jitter", 0.3, scales.gap(market, rng.randint(1, 6))),
        ("recovery_half_life_s", 0.4, number(Fraction(scales.step) * rng.randint(1, 12), 3)),
    ]
    quote |= {key: value for key, share, value in options if rng.random() < share}
    if market == "spot" and rng.random() < 0.3:
        quote["follows_float"] = True
    if rng.random() < 0.3:
        law = {"low": number(float(qty) * 0.2, 4), "high": number(float(qty) * 2 + 0.001, 4)}
        quote["level_qty"] = {"dist": "uniform"} | law
    return quote


def _market_maker(rng: random.Random, scales: Scales) -> Scenario:
    maker: Scenario = {"capital": scales.money(log_uniform(rng, 0.5, 300))}
    if rng.random() < 0.5:
        maker["hedge_ratio"] = number(rng.uniform(0, 1), 2)
    if rng.random() < 0.25:
        maker["residual"] = "absorbed_by_longs"
    if rng.random() < 0.3:
        maker["hedge_latency_s"] = scales.some_time(rng, 5)
    if rng.random() < 0.25:
        maker["hedge_band"] = scales.qty("spot", log_uniform(rng, 0.05, 3))
    if rng.random() < 0.1:
        return maker
    maker["quote"] = _quote(rng, scales, "perp")
    lean = float(scales.spread("perp", 0.01)) / (scales.unit * rng.uniform(1, 20))
    options: list[tuple[str, float, Any]] = [
        ("inventory_limit", 0.3, scales.qty("perp", log_uniform(rng, 0.5, 15))),
        ("skew", 0.3, number(lean, rng.choice((4, 9)))),
        ("widen", 0.3, number(rng.uniform(0, 2), 3)),
    ]
    maker |= {key: value for key, share, value in options if rng.random() < share}
    if rng.random() < 0.3:
        maker["withdraw_move"] = number(log_uniform(rng, 0.001, 0.05), 4)
        maker["withdraw_s"] = scales.some_time(rng, 4)
    return maker


def _venue(rng: random.Random, scales: Scales) -> Scenario:
    tiers, floor, rate, most = [], 0.0, rng.choice((0.005, 0.01, 0.03)), 100.0
    for _ in range(rng.choice((1, 1, 2, 3))):
        tiers.append(
            {
                "min_notional": number(floor, 0),
                "maintenance_rate": number(rate, 6),
                "max_leverage": number(most, 2),
            }
        )
        floor += 1 + scales.unit * scales.start * rng.uniform(0.2, 3)
        rate, most = rate * rng.uniform(1.2, 2), most * rng.uniform(0.3, 0.8)
    venue: Scenario = {
        "tiers": tiers,
        "insurance_fund": scales.money(log_uniform(rng, 0.01, 30)),
        "max_rounds": rng.choice((3, 20, 200)),
    }
    pause = scales.some_time(rng, 5)
    window = number(Fraction(scales.step) * rng.randint(1, 6), 3)
    options: list[tuple[str, float, Any]] = [
        ("mark", 0.6, rng.choice(("mean_of_mids", "mean_of_mids", "last"))),
        ("trigger", 0.3, "below"),
        ("tier_rule", 0.3, "whole_position"),
        ("liquidation_order", 0.5, rng.choice(("limit_at_bankruptcy", "fillable"))),
        ("unwind", 0.5, "at_once"),
        ("rest", 0.3, "keep"),
        ("leftover", 0.3, "trader"),
        ("liquidation_fee", 0.3, number(rng.uniform(0, 0.05), 4)),
        ("adl", 0.5, _adl(rng)),
        ("backstop", 0.2, {"capital": scales.money(1)}),
        ("loss_sharing", 0.2, "profits"),
        ("liquidations_per_round", 0.2, rng.choice((1, 3))),
        ("liquidation_size", 0.3, _size(rng, scales)),
        ("price_band", 0.3, number(log_uniform(rng, 0.002, 0.2), 4)),
        (
            "halt",
            0.35,
            {"move": number(log_uniform(rng, 0.01, 0.1), 4), "window_s": window, "pause_s": pause},
        ),
        ("stress_margin", 0.3, _stress(rng, window)),
        ("spot_margin", 0.6, number(rng.uniform(0.2, 1), 2)),
        ("funding", 0.6, _funding(rng, scales)),
        ("impact_notional", 0.3, scales.money(0.3)),
    ]
    return venue | {key: value for key, share, value in options if rng.random() < share}


def _stress(rng: random.Random, window: Any) -> Scenario:
    factor = number(rng.uniform(1, 3), 3)
    return {"move": number(log_uniform(rng, 0.01, 0.1), 4), "window_s": window, "factor": factor}


def _adl(rng: random.Random) -> Scenario:
    trigger = rng.choice(("fund_exhausted", "fund_drawdown", "always"))
    return {"trigger": trigger, "rank": rng.choice(("profit_leverage", "profit_share", "size", "random"))}


def _size(rng: random.Random, scales: Scales) -> Scenario:
    if rng.random() < 0.5:
        return {"kind": "tiers", "tiers": 1}
    size = {"kind": "share", "share": number(rng.uniform(0.1, 1), 2)}
    return size | ({"cooldown_s": scales.some_time(rng, 3)} if rng.random() < 0.5 else {})


def _funding(rng: random.Random, scales: Scales) -> Scenario:
    hours = float(scales.step) * rng.randint(1, 6) / 3600
    funding: Scenario = {"interval_h": number(max(hours, 0.01), 2) or Decimal("0.01")}
    funding["next_in_s"] = scales.some_time(rng, 3)
    options: list[tuple[str, float, Any]] = [
        ("interest", 0.7, number(rng.uniform(-0.2, 0.4), 4)),
        ("clamp", 0.7, number(rng.uniform(0, 0.5), 4)),
        ("dead_band", 0.2, number(rng.uniform(0, 0.001), 5)),
        ("cap", 0.4, number(rng.uniform(0, 0.02), 5)),
        ("average", 0.5, rng.choice(("ramp", "plain"))),
        ("notional", 0.3, "index"),
    ]
    return funding | {key: value for key, share, value in options if rng.random() < share}


def _position(rng: random.Random, scales: Scales) -> Scenario:
    """Shorts above, longs below, or many by laws."""
    side = rng.choice(("short", "short", "long"))
    sign, accounts = (1 if side == "short" else -1), rng.randint(2, 20)
    units = log_uniform(rng, 1, 30)
    if rng.random() < 0.25 and max(float(tick) for tick in scales.tick.values()) >= 0.05:
        leverage = {"dist": "log_normal", "median": 12, "sigma": Decimal("0.4"), "low": 2, "high": 60}
        return {
            "kind": "distribution",
            "side": side,
            "accounts": accounts,
            "leverage": leverage,
            "notional": {
                "dist": "uniform",
                "low": scales.money(units / accounts / 3),
                "high": scales.money(units / accounts * 1.7),
            },
        }
    lump = scales.qty("perp", units / accounts)
    qty = number(Fraction(lump) * accounts, 6)
    near = rng.uniform(0.01, 0.06)
    ends = sorted(scales.start * (1 + sign * share) for share in (near, near + rng.uniform(0.03, 0.15)))
    ladder = {"side": side, "qty": qty, "lump": lump, "liquidation_price": [number(end, 3) for end in ends]}
    if rng.random() < 0.3:
        return ladder | {"placement": "poisson"}
    if rng.random() < 0.3:
        ladder["stop_price"] = number(scales.start * (1 + sign * (near + 0.01)), 3)
    return ladder


def _ignition(rng: random.Random, scales: Scales) -> Scenario | None:
    if rng.random() < 0.5:
        return None
    market = rng.choice(("spot", "perp"))
    push: Scenario = {"qty": scales.qty(market, rng.uniform(2, 12)), "at_s": scales.any_time(rng)}
    if rng.random() < 0.5:
        push["market"] = market
    elif market == "perp":
        push["qty"] = scales.qty("spot", rng.uniform(2, 12))
    return push | ({"side": "sell"} if rng.random() < 0.4 else {})


def _unlocks(rng: random.Random, scales: Scales, agents: list[Scenario]) -> list[Scenario]:
    found = []
    holders = [agent["name"] for agent in agents if agent["kind"] == "holders"]
    for _ in range(rng.choice((0, 0, 1, 2))):
        unlock: Scenario = {"at_s": scales.any_time(rng), "qty": scales.qty("spot", rng.uniform(0.5, 20))}
        if holders and rng.random() < 0.6:
            unlock["holder"] = rng.choice(holders)
        found.append(unlock)
    return found


def _plain(text: str) -> Decimal | int:
    return number(Fraction(text), 6)


def lively_things(scenario: Scenario, result: Result) -> set[str]:
    """What has happened in a world that only agents and frictions make happen."""
    agents = scenario["agents"]
    own = range(FIRST_ACCOUNT, FIRST_ACCOUNT + 2 * len(agents))
    causes = {fill["cause"] for fill in result.fills}
    crowd = [fill for fill in result.fills if fill["cause"] == CROWD]
    names = {
        NOISE: "noise",
        MOMENTUM: "momentum",
        HOLDERS_SALE: "holders sell",
        ARBITRAGE: "arbitrage",
        CROWD: "a crowd",
        HUNTING: "hunting",
        WHALE: "a whale",
        COLLATERAL: "collateral sold",
    }
    first, last = result.series[0], result.series[-1]
    found = {name: cause in causes for cause, name in names.items()}
    found |= {
        "an agent liquidated": any(row["account"] in own for row in result.liquidations),
        "an agent deleveraged": any(row["account"] in own for row in result.adl),
        "an agent's order hit": any(fill["maker"] in own for fill in result.fills),
        "a crowd leaves": len({(f["taker"], f["taker_side"]) for f in crowd})
        > len({f["taker"] for f in crowd}),
        "a liquidation": bool(result.liquidations),
        "funding": any(stage["funding_rate"] for stage in result.stages),
        "an unlock": first["circulating"] < last["circulating"],
        "locked tokens": last["locked_float"] > first["locked_float"],
        "a way out": result.summary["attacker_paper_pnl"] != result.summary["attacker_pnl"],
    }
    return {what for what, happened in found.items() if happened}
