"""The scenario in integers (MODEL sections 1 to 4): what exists at the start, or a ValueError."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .book import BUY, SELL, Book
from .ladders import Contract, Trader, expand
from .liquidity import Liquidity, cut, parse_liquidity
from .margin import MarginRules, Tier
from .units import RATE_ONE, choice, decimal_places, exact, integer, rate, required, table, whole

ATTACKER, MARKET_MAKER, SPOT_DESK, HOLDERS, REST, TAKEOVER_DESK = range(6)
FIRST_TRADER = 8
OUTSIDE, FEE_INCOME, INSURANCE_FUND, CLEARING, VENUE_LOSS = -1, -2, -3, -4, -5

TOP_KEYS = (
    "schema_version name start_price total_supply circulating spot perp venue market_maker positions ignition"
)
MARKET_KEYS = "tick_size lot_size maker_fee taker_fee asks bids"
VENUE_KEYS = "trigger tiers mark liquidation_order unwind liquidations_per_round max_rounds insurance_fund"
MAKER_KEYS = "capital hedge_ratio residual spot_inventory quote"
QUOTE_KEYS = "side half_spread levels level_gap level_qty"


@dataclass(frozen=True)
class Market:
    """One market's grid and fees; `scale` is the steps of one tick of one lot."""

    tick: Fraction
    lot: Fraction
    scale: int
    maker_fee: int
    taker_fee: int
    start: int
    bids: Liquidity | None
    asks: Liquidity | None

    def book(self, owner: int, ask_lots: int | None) -> Book:
        """The book as it rests at the start; asks never beyond `ask_lots`."""
        bids = iter(()) if self.bids is None else self.bids.walk()
        asks = iter(()) if self.asks is None else self.asks.walk()
        return Book(bids, asks if ask_lots is None else cut(asks, ask_lots), owner)


@dataclass(frozen=True)
class Quote:
    """The market maker's quotes, in ticks and lots of the perpetual."""

    sides: tuple[int, ...]
    half_spread: int
    levels: int
    level_gap: int
    level_qty: int


@dataclass(frozen=True)
class World:
    """Everything a run starts from, in integers."""

    spot: Market
    perp: Market
    rules: MarginRules
    circulating: int
    free_float: int
    spot_inventory: int
    capital: int
    hedge_ratio: int
    absorbed_by_longs: bool
    quote: Quote | None
    limit_at_bankruptcy: bool
    unwind_at_once: bool
    liquidations_per_round: int | None
    max_rounds: int
    insurance_fund: int
    ignition_side: int
    ignition_qty: int
    traders: tuple[Trader, ...]


def build(scenario: Mapping[str, Any], seed: int = 0, path: int = 0) -> World:
    """The world of one path of the scenario."""
    top = table(scenario, "scenario", tuple(TOP_KEYS.split()))
    integer(required(top, "schema_version", "scenario"), "schema_version", 1)
    start = exact(required(top, "start_price", "scenario"), "start_price")
    grids = [_grid(top, name) for name in ("spot", "perp")]
    places = max(6, *(decimal_places(tick * lot) for tick, lot in grids))
    step = Fraction(1, 10**places)
    spot, perp = (
        _market(top, name, grid, start, step) for name, grid in zip(("spot", "perp"), grids, strict=True)
    )
    venue = table(required(top, "venue", "scenario"), "venue", tuple(VENUE_KEYS.split()))
    maker = table(required(top, "market_maker", "scenario"), "market_maker", tuple(MAKER_KEYS.split()))
    ignition = table(required(top, "ignition", "scenario"), "ignition", ("side", "qty"))
    buys = choice(ignition.get("side", "buy"), "ignition.side", ("buy", "sell")) == "buy"
    ignition_qty = _amount(required(ignition, "qty", "ignition"), spot.lot, "ignition.qty", 1)
    circulating = _amount(required(top, "circulating", "scenario"), spot.lot, "circulating", 1)
    supply = _amount(required(top, "total_supply", "scenario"), spot.lot, "total_supply", circulating)
    inventory = _amount(maker.get("spot_inventory", 0), spot.lot, "market_maker.spot_inventory", 0)
    free_float = circulating - inventory - (0 if buys else ignition_qty)
    if free_float < 0 or supply < circulating:
        raise ValueError("circulating: the float is smaller than what is held of it")
    trigger = choice(venue.get("trigger", "at_or_below"), "venue.trigger", ("at_or_below", "below"))
    rules = MarginRules(_tiers(required(venue, "tiers", "venue"), step), trigger == "at_or_below", perp.scale)
    contract = Contract(perp.tick, perp.lot, perp.start, rules)
    ladders = top.get("positions", ())
    traders = tuple(
        trader
        for index, ladder in enumerate(ladders)
        for trader in expand(ladder, index, contract, seed, path)
    )
    hedge_ratio = rate(maker.get("hedge_ratio", 1), "market_maker.hedge_ratio")
    if not 0 <= hedge_ratio <= RATE_ONE:
        raise ValueError("market_maker.hedge_ratio: not between 0 and 1")
    per_round = venue.get("liquidations_per_round")
    residual = choice(maker.get("residual", "carried"), "residual", ("carried", "absorbed_by_longs"))
    orders = choice(venue.get("liquidation_order", "market"), "order", ("market", "limit_at_bankruptcy"))
    return World(
        spot=spot,
        perp=perp,
        rules=rules,
        circulating=circulating,
        free_float=free_float,
        spot_inventory=inventory,
        capital=_amount(required(maker, "capital", "market_maker"), step, "market_maker.capital", 0),
        hedge_ratio=hedge_ratio,
        absorbed_by_longs=residual == "absorbed_by_longs",
        quote=_quote(maker.get("quote"), perp),
        limit_at_bankruptcy=orders == "limit_at_bankruptcy",
        unwind_at_once=choice(venue.get("unwind", "hold"), "unwind", ("hold", "at_once")) == "at_once",
        liquidations_per_round=None if per_round is None else integer(per_round, "per_round", 1),
        max_rounds=integer(venue.get("max_rounds", 100_000), "venue.max_rounds", 1),
        insurance_fund=_amount(venue.get("insurance_fund", 0), step, "venue.insurance_fund", 0),
        ignition_side=BUY if buys else SELL,
        ignition_qty=ignition_qty,
        traders=traders,
    )


def _amount(value: object, unit: Fraction, name: str, least: int) -> int:
    amount = whole(exact(value, name) / unit, name)
    if amount < least:
        raise ValueError(f"{name}: too small")
    return amount


def _grid(top: Mapping[str, Any], name: str) -> tuple[Fraction, Fraction]:
    values = table(required(top, name, "scenario"), name, tuple(MARKET_KEYS.split()))
    tick = exact(required(values, "tick_size", name), f"{name}.tick_size")
    lot = exact(required(values, "lot_size", name), f"{name}.lot_size")
    if tick <= 0 or lot <= 0:
        raise ValueError(f"{name}: tick_size and lot_size must be positive")
    return tick, lot


def _market(
    top: Mapping[str, Any], name: str, grid: tuple[Fraction, Fraction], price: Fraction, step: Fraction
) -> Market:
    values, (tick, lot) = top[name], grid
    start = whole(price / tick, "start_price")
    if start < 1:
        raise ValueError("start_price: not positive")
    market = Market(
        tick=tick,
        lot=lot,
        scale=whole(tick * lot / step, f"{name}: scale"),
        maker_fee=rate(values.get("maker_fee", 0), f"{name}.maker_fee"),
        taker_fee=rate(values.get("taker_fee", 0), f"{name}.taker_fee"),
        start=start,
        bids=parse_liquidity(values.get("bids"), BUY, start, tick, lot, f"{name}.bids"),
        asks=parse_liquidity(values.get("asks"), SELL, start, tick, lot, f"{name}.asks"),
    )
    if market.book(0, None).is_crossed():
        raise ValueError(f"{name}: the book is crossed at the start")
    return market


def _tiers(rows: object, step: Fraction) -> tuple[Tier, ...]:
    if not isinstance(rows, list | tuple) or not rows:
        raise ValueError("venue.tiers: at least one")
    tiers: list[Tier] = []
    for row in rows:
        values = table(row, "venue.tiers", ("min_notional", "maintenance_rate", "max_leverage"))
        floor = _amount(required(values, "min_notional", "tier"), step, "tier.min_notional", 0)
        maintenance = rate(required(values, "maintenance_rate", "tier"), "tier.maintenance_rate")
        leverage = exact(required(values, "max_leverage", "tier"), "tier.max_leverage")
        before = tiers[-1] if tiers else Tier(-1, maintenance, leverage, 0)
        if floor <= before.min_notional or (not tiers and floor != 0):
            raise ValueError("venue.tiers: min_notional must start at 0 and rise")
        if not 0 < maintenance < RATE_ONE or leverage <= 0:
            raise ValueError("venue.tiers: rate or leverage out of range")
        deduction = before.deduction + (floor * (maintenance - before.rate) if tiers else 0)
        tiers.append(Tier(floor, maintenance, leverage, deduction))
    return tuple(tiers)


def _quote(value: object, perp: Market) -> Quote | None:
    if value is None or value == "none":
        return None
    values = table(value, "quote", tuple(QUOTE_KEYS.split()))
    side = choice(required(values, "side", "quote"), "quote.side", ("asks", "bids", "both"))
    sides = {"asks": (SELL,), "bids": (BUY,), "both": (SELL, BUY)}[side]
    return Quote(
        sides=sides,
        half_spread=_amount(values.get("half_spread", 0), perp.tick, "quote.half_spread", 0),
        levels=integer(values.get("levels", 1), "quote.levels", 1),
        level_gap=1 if values.get("level_gap") is None else _amount(values["level_gap"], perp.tick, "gap", 1),
        level_qty=_amount(required(values, "level_qty", "quote"), perp.lot, "quote.level_qty", 1),
    )


def in_perp_ticks(world: World, index: int) -> int:
    """The index, in spot ticks, to the nearest tick of the perpetual."""
    return math.floor(index * world.spot.tick / world.perp.tick + Fraction(1, 2))


def lots_across(lots: int, source: Market, target: Market, share: Fraction = Fraction(1)) -> int:
    """A share of lots of one market in lots of the other, cut toward zero."""
    return math.trunc(lots * source.lot * share / target.lot)
