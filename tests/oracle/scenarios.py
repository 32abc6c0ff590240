"""Random valid scenarios: small enough for the oracle, wild enough to reach every rule of MODEL."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .world import World, build

Scenario = dict[str, Any]
GRIDS = ("0.01", "0.01", "0.01", "0.005", "0.02", "0.05", "0.001", "0.0005")
LOTS = ("1", "1", "0.1", "0.01", "0.5", "0.001", "3", "10")


def is_valid(scenario: Mapping[str, Any], seed: int = 0, path: int = 0) -> bool:
    """Whether the scenario breaks none of MODEL's rules."""
    try:
        build(scenario, seed, path)
    except ValueError:
        return False
    return True


def random_scenario(rng: random.Random) -> Scenario:
    """A valid scenario, drawn again until it is one."""
    while True:
        scenario = Sketch.draw(rng).scenario(rng)
        if is_valid(scenario):
            ignite(scenario, build(scenario), rng)
            if is_valid(scenario):
                return scenario


def ignite(scenario: Scenario, world: World, rng: random.Random) -> None:
    """Ignite with tokens that move the market past some of the nearest thresholds, or not quite."""
    side = world.push.side
    market = world.perp if world.push.in_perp else world.spot
    liquidity = market.asks if side > 0 else market.bids
    reached = sorted(_thresholds(world), key=lambda tick: side * tick)
    if liquidity is None or not reached:
        return
    aim = reached[min(len(reached) - 1, int(rng.random() ** 2 * len(reached)))]
    target = aim * world.perp.tick / market.tick + side
    lots = 0
    for price, qty in liquidity.walk():
        lots += qty
        if side * (price - target) >= 0:
            break
    lots = round(lots * rng.choice((1, 1.02, 1.2, rng.uniform(0.8, 2)))) + rng.randint(0, 3)
    lots = max(1, min(lots, 10**9))
    scenario["ignition"]["qty"] = number(lots * market.lot, 12)
    if world.push.in_perp:
        return
    held = world.tokens.spot_inventory + round(lots * rng.choice((1.1, rng.uniform(0.9, 1.5))))
    if world.tokens.circulating < held:
        scenario["circulating"] = scenario["total_supply"] = number(held * world.spot.lot, 12)


def _thresholds(world: World) -> list[int]:
    """Where stops and liquidations on the ignition's side begin, of the start and of cells."""
    side, rules = world.push.side, world.rules
    reached = []
    for trader in world.traders:
        if trader.position.side == -side:
            far = world.perp.start * 1000 if side > 0 else 0
            if rules.triggered(trader.position, trader.position.margin, far):
                reached.append(rules.threshold(trader.position, trader.position.margin, far))
            reached += [] if trader.stop is None else [trader.stop]
    for batch in world.batches:
        for group in batch.groups if batch.side == -side else ():
            for cell, (tick, mean) in enumerate(group.cells()[:400]):
                reached += [tick] * len(batch.traders(group, cell, mean))
    return reached


def number(value: float | Fraction, places: int) -> Decimal | int:
    """A decimal in plain notation, a whole one as an integer, as TOML would give it back."""
    decimal = Decimal(round(Fraction(value) * 10**places)).scaleb(-places)
    return int(decimal) if decimal == int(decimal) else Decimal(f"{decimal:f}".rstrip("0"))


def on_grid(value: float, unit: str, least: int = 1) -> Decimal | int:
    """The value on the grid of `unit`, at least `least` units."""
    units = max(least, round(value / float(unit)))
    return number(units * Fraction(unit), 12)


def log_uniform(rng: random.Random, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


@dataclass(frozen=True)
class Sketch:
    """The sizes that must fit each other for a cascade to run."""

    start: int
    spot_tick: str
    perp_tick: str
    spot_lot: str
    perp_lot: str
    depth: float
    circulating: float
    up: bool
    first: float
    last: float
    hedge: float
    fuel: float
    accounts: int

    @classmethod
    def draw(cls, rng: random.Random) -> Sketch:
        """Depth, distance and fuel such that most cascades run, and many run far."""
        start = rng.randint(3, 40)
        spot_tick, perp_tick = rng.choice(GRIDS), rng.choice(GRIDS)
        spot_lot, perp_lot = rng.choice(LOTS), rng.choice(LOTS)
        up = rng.random() < 0.65
        depth = log_uniform(rng, 50, 30_000) / start * max(float(spot_lot), 0.05)
        first = rng.uniform(0.02, 0.12)
        last = first + rng.choice((rng.uniform(0.02, 0.2), rng.uniform(0.1, 0.8 if up else 0.5)))
        hedge = rng.choice((1.0, 1.0, rng.uniform(0.05, 1), rng.uniform(0.05, 1), 0.22, rng.random() * 0.1))
        branching = log_uniform(rng, 0.8, 8)
        fuel = branching * depth * (last - first) * start / max(hedge, 0.1)
        accounts = rng.choice((rng.randint(3, 12), rng.randint(8, 60), rng.randint(20, 140)))
        fuel = max(fuel, accounts * float(perp_lot))
        sold = depth * start * last + hedge * fuel
        circulating = sold * rng.choice((log_uniform(rng, 0.3, 1.2), log_uniform(rng, 1, 8)))
        return cls(
            start, spot_tick, perp_tick, spot_lot, perp_lot,
            depth, circulating, up, first, last, hedge, fuel, accounts,
        )  # fmt: skip

    def scenario(self, rng: random.Random) -> Scenario:
        """The scenario, not yet checked."""
        reach = self.depth * self.start * self.first
        circulating = on_grid(self.circulating, self.spot_lot, 10)
        spot = {"tick_size": Decimal(self.spot_tick), "lot_size": number(Fraction(self.spot_lot), 12)}
        perp = {"tick_size": Decimal(self.perp_tick), "lot_size": number(Fraction(self.perp_lot), 12)}
        self._spot_liquidity(rng, spot)
        quote = self.quote(rng) if rng.random() < 0.8 else None
        if quote is None or rng.random() < 0.35:
            self._perp_liquidity(rng, perp)
        for market in (spot, perp):
            self._fees(rng, market)
        maker = self._market_maker(rng)
        if quote is not None:
            maker["quote"] = quote
        ladders = self._ladders(rng)
        ignition: Scenario = {"qty": on_grid(reach, self.spot_lot)}
        if not self.up or rng.random() < 0.5:
            ignition["side"] = "buy" if self.up else "sell"
        return {
            "schema_version": 1,
            "name": f"random {rng.getrandbits(32)}",
            "start_price": self.start,
            "total_supply": circulating * rng.choice((1, 1, 10)),
            "circulating": circulating,
            "spot": spot,
            "perp": perp,
            "venue": self._venue(rng, [ladder["lump"] for ladder in ladders if "lump" in ladder]),
            "market_maker": maker,
            "positions": ladders,
            "ignition": ignition,
        }

    def _fees(self, rng: random.Random, market: Scenario) -> None:
        if rng.random() < 0.5:
            market["taker_fee"] = number(rng.uniform(-0.0002, 0.002), rng.choice((4, 5, 9)))
        if rng.random() < 0.5:
            market["maker_fee"] = number(rng.uniform(-0.0005, 0.001), rng.choice((4, 5, 9)))

    def _side(self, rng: random.Random, up: bool, tick: str, lot: str, depth: float) -> Scenario:
        """Liquidity on one side: linear, or levels with or without a tail."""
        if rng.random() < 0.6:
            return {"kind": "linear", "depth": number(depth, 6) or 1}
        direction = 1 if up else -1
        price, levels = Fraction(self.start), []
        for _ in range(rng.randint(1, 40)):
            gap = rng.choice((1, 1, rng.randint(1, 8), rng.randint(1, 60))) * Fraction(tick)
            price += direction * gap
            if price <= 0:
                break
            qty = depth * float(gap) * log_uniform(rng, 0.3, 3)
            levels.append([number(price, 12), on_grid(qty, lot)])
        if not levels:
            return {"kind": "linear", "depth": number(depth, 6) or 1}
        side: Scenario = {"kind": "levels", "levels": levels}
        if rng.random() < 0.85:
            side["tail_depth"] = number(depth, 6) or 1
        return side

    def _spot_liquidity(self, rng: random.Random, spot: Scenario) -> None:
        for key, up in (("asks", True), ("bids", False)):
            if up == self.up or rng.random() < 0.5:
                spot[key] = self._side(rng, up, self.spot_tick, self.spot_lot, self.depth)

    def _perp_liquidity(self, rng: random.Random, perp: Scenario) -> None:
        depth = self.fuel / (self.start * (self.last + 0.1)) * log_uniform(rng, 0.2, 10)
        for key, up in (("asks", True), ("bids", False)):
            if up == self.up or rng.random() < 0.5:
                perp[key] = self._side(rng, up, self.perp_tick, self.perp_lot, depth)

    def quote(self, rng: random.Random) -> Scenario:
        main = "asks" if self.up else "bids"
        levels = rng.choice((1, 1, 2, rng.randint(2, 6)))
        qty = self.fuel * rng.choice((2, log_uniform(rng, 0.01, 2))) / levels
        quote: Scenario = {
            "side": rng.choice((main, main, "both", "both", rng.choice(("asks", "bids")))),
            "level_qty": on_grid(qty, self.perp_lot),
        }
        if rng.random() < 0.6:
            quote["half_spread"] = number(rng.randint(0, 6) * Fraction(self.perp_tick), 12)
        if levels > 1:
            quote["levels"] = levels
        if rng.random() < 0.4:
            quote["level_gap"] = number(rng.randint(1, 9) * Fraction(self.perp_tick), 12)
        return quote

    def _market_maker(self, rng: random.Random) -> Scenario:
        notional = self.fuel * self.start
        capital = notional * rng.choice((log_uniform(rng, 0.001, 0.1), rng.uniform(0.1, 0.6), 3, 10))
        maker: Scenario = {"capital": number(capital, rng.choice((0, 2, 6))) or 1}
        if self.hedge != 1 or rng.random() < 0.5:
            maker["hedge_ratio"] = number(self.hedge, rng.choice((2, 9)))
        if rng.random() < 0.4:
            maker["residual"] = rng.choice(("carried", "absorbed_by_longs", "absorbed_by_longs"))
        if not self.up or rng.random() < 0.3:
            inventory = min(self.fuel * self.hedge * rng.uniform(0.1, 1.5), self.circulating * 0.6)
            maker["spot_inventory"] = on_grid(inventory, self.spot_lot, 0)
        return maker

    def _venue(self, rng: random.Random, lumps: list[Decimal | int]) -> Scenario:
        notional = max(float(lump) for lump in lumps) * self.start if lumps else self.fuel * self.start
        rate, leverage = rng.choice((0.004, 0.005, 0.01, 0.02)), rng.choice((125, 100, 50, 40))
        tiers: list[Scenario] = []
        floor, cap = 0.0, float(leverage)
        for _ in range(rng.randint(1, 6)):
            tiers.append(
                {
                    "min_notional": number(floor, 0),
                    "maintenance_rate": number(rate, 9),
                    "max_leverage": number(cap, 1),
                }
            )
            floor = floor * rng.uniform(1.2, 3) + 1 if floor else notional * rng.uniform(0.2, 1.4) + 1
            rate, cap = min(rate * rng.uniform(1.1, 1.9), 0.3), max(cap * rng.uniform(0.7, 1), 3)
        fund = notional * self.accounts * rng.choice((log_uniform(rng, 1e-4, 0.05), 5))
        venue: Scenario = {"tiers": tiers, "insurance_fund": number(fund, rng.choice((0, 6)))}
        options: list[tuple[str, float, tuple[Any, ...]]] = [
            ("trigger", 0.5, ("below", "at_or_below")),
            ("liquidation_order", 0.5, ("market", "limit_at_bankruptcy", "limit_at_bankruptcy")),
            ("unwind", 0.6, ("hold", "at_once", "at_once")),
            ("liquidations_per_round", 0.4, (1, 2, 3, 8, 20)),
            ("max_rounds", 0.12, (1, 2, 3, 5, 10, 30)),
        ]
        venue |= {key: rng.choice(values) for key, share, values in options if rng.random() < share}
        if rng.random() < 0.15:
            del venue["insurance_fund"]
        return venue

    def _ladders(self, rng: random.Random) -> list[Scenario]:
        count = rng.choice((1, 1, 2, 3, 4))
        shares = [rng.uniform(0.3, 1) for _ in range(count)]
        ladders: list[Scenario] = []
        for share in shares:
            against = rng.random() < (0.05 if len(ladders) == 0 else 0.3)
            ladders.append(self._ladder(rng, share / sum(shares), up=self.up != against))
        return ladders

    def _ladder(self, rng: random.Random, share: float, up: bool) -> Scenario:
        """A ladder that breaks on the way up (shorts) or down (longs)."""
        sign, qty, accounts = (1 if up else -1), self.fuel * share, max(1, round(self.accounts * share))
        ladder: Scenario = {"side": "short" if up else "long"}
        lump = on_grid(qty / accounts, self.perp_lot)
        if accounts > 1 or rng.random() < 0.5:
            ladder["lump"] = lump
        if rng.random() < 0.3 and "lump" in ladder:
            ladder["notional"] = number(qty * self.start, 2) or 1
        else:
            ladder["qty"] = on_grid(max(qty, float(lump)), self.perp_lot)
        if rng.random() < 0.3:
            entry = self.start * (1 + sign * rng.uniform(-0.04, 0.04))
            ladder["entry_price"] = on_grid(entry, self.perp_tick)
        near = self.first * rng.uniform(0.7, 1.2)
        far = max(self.last * rng.uniform(0.5, 1.2), near + 0.01)
        stretch = sorted((near, min(far, 0.9)))
        if rng.random() < 0.75:
            pair = [number(self.start * (1 + sign * x), rng.choice((2, 6))) for x in stretch]
            ladder["liquidation_price"] = pair if rng.random() < 0.8 else pair[rng.randrange(2)]
            ticks = (stretch[1] - stretch[0]) * self.start / float(self.perp_tick)
            paired = "lump" in ladder and isinstance(ladder["liquidation_price"], list)
            if paired and ticks < 600 and rng.random() < 0.35:
                ladder["liquidation_price"].sort()
                ladder["placement"] = "poisson"
        else:
            pair = [number(1 / x, rng.choice((0, 2))) for x in stretch]
            ladder["leverage"] = pair if rng.random() < 0.8 else pair[rng.randrange(2)]
        if "placement" not in ladder and rng.random() < 0.3:
            stops = [number(self.start * (1 + sign * x * rng.uniform(0.6, 1.3)), 4) for x in stretch]
            ladder["stop_price"] = stops if rng.random() < 0.7 else stops[0]
        return ladder
