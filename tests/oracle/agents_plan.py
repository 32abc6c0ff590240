"""What each agent is told to do (AGENTS sections 1 and 3), in integers: ticks, lots, steps, billionths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .distributions import is_distribution, parse_law, points
from .liquidity import Lots, parse_lots
from .units import RATE_ONE, choice, exact, integer, rate, required, table, whole

FIRST_ACCOUNT = 8
COMMON = "kind name from_s until_s"
KEYS = {
    "noise": "market rate_per_s qty branching decay_s limit_rate_per_s limit_gap lifetime_s tokens "
    "capital leverage",
    "momentum": "market window_s threshold order_qty max_qty long_only capital leverage",
    "holders": "tokens threshold elasticity order_qty",
    "spot_market_maker": "tokens half_spread levels level_gap level_qty skew inventory_limit",
    "funding_arbitrageur": "capital leverage enter_rate exit_rate min_basis order_qty max_qty lock_s",
    "short_crowd": "side rate_per_s base slope qty leverage max_accounts hold_s",
    "liquidation_hunter": "market reach min_notional order_qty max_qty capital leverage",
    "whale": "accumulate longs ignite exit capital leverage",
    "stock_arbitrageur": "kappa tokens capital leverage",
    "external": "capital leverage tokens",
}


@dataclass(frozen=True)
class Grids:
    """The units that an agent's numbers are read in: tick and lot by market, money, seconds of a step."""

    ticks: Mapping[str, Fraction]
    lots: Mapping[str, Fraction]
    money: Fraction
    seconds: Fraction


@dataclass(frozen=True)
class Fields:
    """A table of the scenario, read by unit."""

    values: Mapping[str, Any]
    name: str
    grids: Grids

    def given(self, key: str) -> bool:
        """Whether the field is there."""
        return self.values.get(key) is not None

    def number(self, key: str, default: Fraction | int | None = None) -> Fraction:
        """An exact number."""
        if default is not None and not self.given(key):
            return Fraction(default)
        return exact(required(self.values, key, self.name), f"{self.name}.{key}")

    def whole(self, key: str, unit: Fraction, default: int | None = None) -> int:
        """So many units."""
        if default is not None and not self.given(key):
            return default
        return whole(self.number(key) / unit, f"{self.name}.{key}")

    def lots(self, key: str, market: str, default: int | None = None) -> int:
        """Lots of a market."""
        return self.whole(key, self.grids.lots[market], default)

    def ticks(self, key: str, market: str, default: int | None = None) -> int:
        """Ticks of a market."""
        return self.whole(key, self.grids.ticks[market], default)

    def rate(self, key: str, default: int | None = None) -> int:
        """Billionths."""
        return rate(self.number(key, default), f"{self.name}.{key}")

    def long(self, key: str, default: int | None = 0) -> int:
        """How many steps a time takes."""
        if default == 0 and not self.given(key):
            return 0
        return math.ceil(self.number(key, default) / self.grids.seconds)

    def when(self, key: str, default: int | None = None) -> int:
        """The step in which a time lies."""
        return math.floor(self.number(key, default) / self.grids.seconds) + 1

    def market(self, default: str | None = None) -> str:
        """Which market it trades."""
        value = self.values.get("market", default)
        return choice(value, f"{self.name}.market", ("spot", "perp"))


@dataclass(frozen=True)
class Noise:
    """Orders at random."""

    market: str
    rate_per_s: int
    lots: Lots
    limit_rate_per_s: int
    limit_gap: int
    lifetime: int
    seconds: Fraction
    #: Market orders that each calls forth, in billionths, and the part of them that comes in a step, of 2^32.
    branching: int
    alpha: int

    def mean(self, per_second: Fraction | int) -> float:
        """How many are expected in a step."""
        return float(Fraction(per_second, RATE_ONE) * self.seconds)


@dataclass(frozen=True)
class Momentum:
    """A follower of moves."""

    market: str
    window: int
    threshold: int
    order_qty: int
    max_qty: int
    long_only: bool


@dataclass(frozen=True)
class Holders:
    """Sellers into strength."""

    threshold: int
    elasticity: int
    order_qty: int


@dataclass(frozen=True)
class SpotMarketMaker:
    """Quotes in spot around a price that falls with the inventory: `skew` in ticks a lot, exact."""

    half_spread: int
    levels: int
    level_gap: int
    level_qty: int
    skew: Fraction
    inventory_limit: int | None


@dataclass(frozen=True)
class FundingArbitrageur:
    """Spot against a short, for the funding; lots of spot."""

    enter_rate: int
    exit_rate: int
    min_basis: int
    order_qty: int
    max_qty: int
    lock: int


@dataclass(frozen=True)
class ShortCrowd:
    """Accounts that come; leverages in billionths; `holds` in steps, empty if they stay."""

    side: int
    mean: float
    base: int
    slope: int
    lots: Lots
    leverages: tuple[int, ...]
    max_accounts: int
    holds: tuple[int, ...]


@dataclass(frozen=True)
class LiquidationHunter:
    """A trader ahead of thresholds."""

    market: str
    reach: int
    min_notional: int
    order_qty: int
    max_qty: int


@dataclass(frozen=True)
class Leg:
    """A purchase over some steps."""

    qty: int
    first: int
    steps: int

    def due(self, step: int) -> int:
        """Lots to buy in a step."""
        i = step - self.first
        if not 0 <= i < self.steps:
            return 0
        return self.qty * (i + 1) // self.steps - self.qty * i // self.steps


@dataclass(frozen=True)
class Exit:
    """When a whale sells, and over how many steps."""

    steps: int
    first: int | None
    drawdown: int | None


@dataclass(frozen=True)
class Whale:
    """Who accumulates, goes long, ignites and leaves."""

    accumulate: Leg | None
    longs: Leg | None
    ignite: Leg | None
    exit: Exit | None


@dataclass(frozen=True)
class StockArbitrageur:
    """Tokens held per unit of price of the basis; `kappa` in lots of the perpetual per its tick, exact."""

    kappa: Fraction


@dataclass(frozen=True)
class External:
    """Nothing but what its user submits."""


Plan = (
    Noise
    | Momentum
    | Holders
    | SpotMarketMaker
    | FundingArbitrageur
    | ShortCrowd
    | LiquidationHunter
    | Whale
    | StockArbitrageur
    | External
)


@dataclass(frozen=True)
class Agent:
    """Who acts, from which step to before which, with what; money in steps, tokens in lots of spot."""

    number: int
    name: str
    first: int
    end: int | None
    capital: int | None
    leverage: int
    tokens: int
    plan: Plan

    @property
    def venue(self) -> int:
        """Its account at the perpetual's venue."""
        return FIRST_ACCOUNT + 2 * self.number

    @property
    def desk(self) -> int:
        """Its account in spot."""
        return FIRST_ACCOUNT + 1 + 2 * self.number

    def acts(self, step: int) -> bool:
        """Whether it acts in a step."""
        return self.first <= step and (self.end is None or step < self.end)


def parse_agents(entries: Any, grids: Grids) -> tuple[Agent, ...]:
    """The agents of a scenario in their order."""
    agents = tuple(_agent(entry, number, grids) for number, entry in enumerate(entries))
    if len({agent.name for agent in agents}) != len(agents) or not all(agent.name for agent in agents):
        raise ValueError("agents: each a name of its own")
    if agents and (grids.lots["perp"] / grids.lots["spot"]).denominator != 1:
        raise ValueError("agents: a lot of the perpetual is not whole lots of spot")
    return agents


def _agent(entry: Any, number: int, grids: Grids) -> Agent:
    name = f"agents[{number}]"
    kind = choice(entry.get("kind"), f"{name}.kind", tuple(KEYS))
    fields = Fields(table(entry, name, tuple(f"{COMMON} {KEYS[kind]}".split())), name, grids)
    own = str(required(fields.values, "name", name))
    crowd = kind == "short_crowd"
    return Agent(
        number=number,
        name=own,
        first=fields.when("from_s", 0),
        end=fields.when("until_s") if fields.given("until_s") else None,
        capital=fields.whole("capital", grids.money) if fields.given("capital") else None,
        leverage=RATE_ONE if crowd else fields.rate("leverage", 1),
        tokens=fields.lots("tokens", "spot", 0),
        plan=_plan(kind, fields),
    )


def _plan(kind: str, fields: Fields) -> Plan:
    if kind in ("noise", "momentum", "liquidation_hunter"):
        return _trader(kind, fields)
    if kind == "holders":
        return Holders(
            fields.rate("threshold", 0), fields.rate("elasticity"), fields.lots("order_qty", "spot")
        )
    if kind == "spot_market_maker":
        return _spot_market_maker(fields)
    if kind == "funding_arbitrageur":
        across = whole(fields.grids.lots["perp"] / fields.grids.lots["spot"], fields.name)
        return FundingArbitrageur(
            enter_rate=fields.rate("enter_rate"),
            exit_rate=fields.rate("exit_rate"),
            min_basis=fields.rate("min_basis", 0),
            order_qty=fields.lots("order_qty", "perp") * across,
            max_qty=fields.lots("max_qty", "perp") * across,
            lock=fields.long("lock_s"),
        )
    if kind == "short_crowd":
        return _short_crowd(fields)
    if kind == "whale":
        return _whale(fields)
    if kind == "stock_arbitrageur":
        per_price = Fraction(fields.rate("kappa"), RATE_ONE) / fields.grids.lots["perp"]
        return StockArbitrageur(per_price * fields.grids.ticks["perp"])
    return External()


def _comes(fields: Fields) -> int:
    """The part of what is called forth that comes in a step, of 2^32."""
    if fields.given("decay_s") != (fields.rate("branching", 0) > 0):
        raise ValueError(f"{fields.name}.decay_s: with a branching, and only with one")
    if not fields.given("decay_s"):
        return 0
    decay = fields.number("decay_s")
    if decay <= 0 or fields.rate("branching", 0) > 0.99 * RATE_ONE:
        raise ValueError(f"{fields.name}: decay_s is above 0, branching up to 0.99")
    return math.floor(-math.expm1(-(float(fields.grids.seconds) / float(decay))) * 2.0**32)


def _trader(kind: str, fields: Fields) -> Noise | Momentum | LiquidationHunter:
    market = fields.market(None if kind == "noise" else "perp")
    if kind == "noise":
        qty = required(fields.values, "qty", fields.name)
        return Noise(
            market=market,
            rate_per_s=fields.rate("rate_per_s"),
            lots=parse_lots(qty, fields.grids.lots[market], f"{fields.name}.qty"),
            limit_rate_per_s=fields.rate("limit_rate_per_s", 0),
            limit_gap=fields.ticks("limit_gap", market, 1),
            lifetime=fields.long("lifetime_s"),
            seconds=fields.grids.seconds,
            branching=fields.rate("branching", 0),
            alpha=_comes(fields),
        )
    order_qty, max_qty = fields.lots("order_qty", market), fields.lots("max_qty", market)
    if kind == "momentum":
        return Momentum(
            market=market,
            window=max(fields.long("window_s", None), 1),
            threshold=fields.rate("threshold"),
            order_qty=order_qty,
            max_qty=max_qty,
            long_only=bool(fields.values.get("long_only", True)),
        )
    return LiquidationHunter(
        market=market,
        reach=fields.rate("reach"),
        min_notional=fields.whole("min_notional", fields.grids.money),
        order_qty=order_qty,
        max_qty=max_qty,
    )


def _spot_market_maker(fields: Fields) -> SpotMarketMaker:
    ticks_a_lot = fields.grids.lots["spot"] / fields.grids.ticks["spot"]
    return SpotMarketMaker(
        half_spread=fields.ticks("half_spread", "spot"),
        levels=integer(fields.values.get("levels", 1), f"{fields.name}.levels", 1),
        level_gap=fields.ticks("level_gap", "spot", 1),
        level_qty=fields.lots("level_qty", "spot"),
        skew=Fraction(fields.rate("skew", 0), RATE_ONE) * ticks_a_lot,
        inventory_limit=fields.lots("inventory_limit", "spot") if fields.given("inventory_limit") else None,
    )


def _short_crowd(fields: Fields) -> ShortCrowd:
    side = choice(fields.values.get("side", "short"), f"{fields.name}.side", ("short", "long"))
    leverage = fields.values.get("leverage", 1)
    if is_distribution(leverage):
        law = parse_law(leverage, f"{fields.name}.leverage")
        leverages = tuple(math.floor(x * 1e9 + 0.5) for x in points(law))
    else:
        leverages = (rate(leverage, f"{fields.name}.leverage"),)
    if leverages[0] < RATE_ONE:
        raise ValueError(f"{fields.name}.leverage: below 1")
    per_second = Fraction(fields.rate("rate_per_s"), RATE_ONE)
    hold = fields.values.get("hold_s")
    holds: tuple[int, ...] = ()
    if is_distribution(hold):
        step = float(fields.grids.seconds)
        holds = tuple(math.ceil(x / step) for x in points(parse_law(hold, f"{fields.name}.hold_s")))
    elif hold is not None:
        holds = (fields.long("hold_s"),)
    return ShortCrowd(
        side=1 if side == "long" else -1,
        mean=float(per_second * fields.grids.seconds),
        base=fields.rate("base", 1),
        slope=fields.rate("slope", 0),
        lots=parse_lots(
            required(fields.values, "qty", fields.name), fields.grids.lots["perp"], f"{fields.name}.qty"
        ),
        leverages=leverages,
        max_accounts=integer(fields.values.get("max_accounts", 100_000), f"{fields.name}.max_accounts", 1),
        holds=tuple(max(steps, 1) for steps in holds),
    )


def _whale(fields: Fields) -> Whale:
    def leg(key: str, market: str) -> Leg | None:
        if not fields.given(key):
            return None
        name = f"{fields.name}.{key}"
        inner = Fields(table(fields.values[key], name, ("qty", "at_s", "over_s")), name, fields.grids)
        return Leg(inner.lots("qty", market), inner.when("at_s"), max(inner.long("over_s"), 1))

    leaves = None
    if fields.given("exit"):
        name = f"{fields.name}.exit"
        inner = Fields(table(fields.values["exit"], name, ("over_s", "at_s", "drawdown")), name, fields.grids)
        leaves = Exit(
            steps=inner.long("over_s"),
            first=inner.when("at_s") if inner.given("at_s") else None,
            drawdown=inner.rate("drawdown") if inner.given("drawdown") else None,
        )
    return Whale(leg("accumulate", "spot"), leg("longs", "perp"), leg("ignite", "spot"), leaves)
