"""The scenario in integers (MODEL sections 1 to 4): what exists at the start, or a ValueError."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from .agents_plan import Agent, Grids, parse_agents
from .book import BUY, SELL, Book
from .cells import Batch, Trader
from .clock import Steps, parse_time
from .draws import drawn
from .frictions_plan import MAKER_KEYS as MAKER_FRICTIONS
from .frictions_plan import VENUE_KEYS as VENUE_FRICTIONS
from .frictions_plan import (
    MakerFrictions,
    Unlock,
    VenueFrictions,
    parse_maker_frictions,
    parse_unlocks,
    parse_venue_frictions,
)
from .funding_plan import FundingRules, parse_funding
from .ladders import Contract, expand
from .liquidity import Liquidity, Orders, Words, cut, parse_liquidity
from .margin import MarginRules
from .populations import population
from .quotes import Quote, parse_quote
from .rows import expand_rows
from .units import RATE_ONE, choice, exact, integer, quote_step, rate, required, table, whole
from .venue import KEYS as VENUE_KEYS
from .venue import VenueRules, parse_margin, parse_rules

ATTACKER, MARKET_MAKER, SPOT_DESK, HOLDERS, REST, TAKEOVER_DESK, VAULT = range(7)
FIRST_TRADER = 8
OUTSIDE, FEE_INCOME, INSURANCE_FUND, CLEARING, VENUE_LOSS = -1, -2, -3, -4, -5

TOP_KEYS = (
    "schema_version name start_price total_supply circulating spot perp venue market_maker positions "
    "ignition copula round_seconds time settlement_price agents unlocks"
)
MODES = ("isolated", "cross")
MARKET_KEYS = "tick_size lot_size maker_fee taker_fee asks bids"
MAKER_KEYS = "capital hedge_ratio residual spot_inventory quote"
#: The streams of words: what rests at the start, and quotes.
REST_STREAMS = {("spot", BUY): 1, ("spot", SELL): 2, ("perp", BUY): 3, ("perp", SELL): 4}
QUOTE_STREAMS = {("spot", BUY): 5, ("spot", SELL): 6, ("perp", BUY): 7, ("perp", SELL): 8}


@dataclass(frozen=True)
class Market:
    """One market's grid and fees; `scale` is the steps of one tick of one lot."""

    tick: Fraction
    lot: Fraction
    scale: int
    maker_fee: int
    taker_fee: int
    start: int
    bids: Liquidity | Orders | None
    asks: Liquidity | Orders | None
    quote: Quote | None

    def book(self, owner: int, ask_lots: int | None) -> Book:
        """The book as it rests at the start; asks never beyond `ask_lots`."""
        bids = iter(()) if self.bids is None else self.bids.walk()
        asks = iter(()) if self.asks is None else self.asks.walk()
        return Book(bids, asks if ask_lots is None else cut(asks, ask_lots), owner)


@dataclass(frozen=True)
class Push:
    """The ignition."""

    side: int
    in_perp: bool
    qty: int

    @property
    def tokens_brought(self) -> int:
        """What the attacker holds at the start, to sell in spot."""
        return self.qty if self.side == SELL and not self.in_perp else 0


@dataclass(frozen=True)
class Tokens:
    """Lots of spot: all there ever are, those in circulation at the start, and who has them."""

    supply: int
    circulating: int
    free_float: int
    spot_inventory: int


@dataclass(frozen=True)
class World:
    """Everything a run starts from, in integers."""

    spot: Market
    perp: Market
    rules: MarginRules
    tokens: Tokens
    push: Push
    capital: int
    hedge_ratio: int
    absorbed_by_longs: bool
    mark: str
    impact: int
    """What impact prices are for, in ticks of lots."""
    unwind_at_once: bool
    liquidations_per_round: int | None
    max_rounds: int
    insurance_fund: int
    traders: tuple[Trader, ...]
    batches: tuple[Batch, ...]
    venue: VenueRules
    funding: FundingRules | None
    frictions: VenueFrictions
    maker: MakerFrictions
    agents: tuple[Agent, ...]
    unlocks: tuple[Unlock, ...]
    seconds: Fraction
    """Of a step, or of a round."""
    steps: Steps | None
    settlement_price: int | None
    seed: int
    path: int

    @property
    def first_trader(self) -> int:
        """The account behind those of the agents."""
        return FIRST_TRADER + 2 * len(self.agents)

    @property
    def quotable(self) -> int:
        """What spot asks' quotes may sell in a run: the float less what the start's asks can hold."""
        most = 0 if self.spot.asks is None else self.spot.asks.most()
        return 0 if most is None else max(self.tokens.free_float - most, 0)


def build(scenario: Mapping[str, Any], seed: int = 0, path: int = 0) -> World:
    """The world of one path of the scenario."""
    top = table(drawn(scenario, seed, path), "scenario", tuple(TOP_KEYS.split()))
    integer(required(top, "schema_version", "scenario"), "schema_version", 1)
    start = exact(required(top, "start_price", "scenario"), "start_price")
    seconds, steps = parse_time(top)
    ticks, lots = zip(*(_grid(top, name) for name in ("spot", "perp")), strict=True)
    step = quote_step(tick * lot for tick, lot in zip(ticks, lots, strict=True))
    names = ("spot", "perp")
    grids = Grids(dict(zip(names, ticks, strict=True)), dict(zip(names, lots, strict=True)), step, seconds)
    spot, perp = (_market(top, name, grids, start, (seed, path)) for name in names)
    keys = f"{VENUE_KEYS} {VENUE_FRICTIONS}"
    venue = table(required(top, "venue", "scenario"), "venue", tuple(keys.split()))
    keys = f"{MAKER_KEYS} {MAKER_FRICTIONS}"
    maker = table(required(top, "market_maker", "scenario"), "market_maker", tuple(keys.split()))
    push = _ignition(top, spot, perp)
    agents = _agents(top, grids, steps)
    unlocks = parse_unlocks(top.get("unlocks") or (), agents, grids)
    tokens = _tokens(top, maker, spot.lot, push, agents, sum(unlock.lots for unlock in unlocks))
    rules = parse_margin(venue, step, perp.scale)
    contract = Contract(perp.tick, perp.lot, perp.start, rules)
    _check_modes(top.get("positions", ()), venue.get("margin_modes", MODES))
    traders, batches = _positions(top.get("positions", ()), contract, seed, path)
    hedge_ratio = rate(maker.get("hedge_ratio", 1), "market_maker.hedge_ratio")
    if not 0 <= hedge_ratio <= RATE_ONE:
        raise ValueError("market_maker.hedge_ratio: not between 0 and 1")
    per_round = venue.get("liquidations_per_round")
    residual = choice(maker.get("residual", "carried"), "residual", ("carried", "absorbed_by_longs"))
    closing = top.get("settlement_price")
    impact = exact(venue.get("impact_notional") or 0, "venue.impact_notional") / (step * perp.scale)
    return World(
        spot=spot,
        perp=perp,
        rules=rules,
        tokens=tokens,
        push=push,
        capital=_amount(required(maker, "capital", "market_maker"), step, "market_maker.capital", 0),
        hedge_ratio=hedge_ratio,
        absorbed_by_longs=residual == "absorbed_by_longs",
        mark=choice(venue.get("mark", "index"), "venue.mark", ("index", "mean_of_mids", "last")),
        impact=math.ceil(impact),
        unwind_at_once=choice(venue.get("unwind", "hold"), "unwind", ("hold", "at_once")) == "at_once",
        liquidations_per_round=None if per_round is None else integer(per_round, "per_round", 1),
        max_rounds=integer(venue.get("max_rounds", 100_000), "venue.max_rounds", 1),
        insurance_fund=_amount(venue.get("insurance_fund", 0), step, "venue.insurance_fund", 0),
        traders=traders,
        batches=batches,
        venue=parse_rules(venue, seconds, step),
        funding=parse_funding(venue.get("funding")),
        frictions=parse_venue_frictions(venue, grids),
        maker=_in_time(parse_maker_frictions(maker, grids, quotes=perp.quote is not None), steps),
        agents=agents,
        unlocks=unlocks,
        seconds=seconds,
        steps=steps,
        settlement_price=None if closing is None else _amount(closing, perp.tick, "settlement_price", 1),
        seed=seed,
        path=path,
    )


def _ignition(top: Mapping[str, Any], spot: Market, perp: Market) -> Push:
    """The push; of nothing if there is none."""
    if top.get("ignition") is None:
        return Push(BUY, False, 0)
    ignition = table(top["ignition"], "ignition", ("side", "market", "qty", "at_s"))
    buys = choice(ignition.get("side", "buy"), "ignition.side", ("buy", "sell")) == "buy"
    in_perp = choice(ignition.get("market", "spot"), "ignition.market", ("spot", "perp")) == "perp"
    lot = perp.lot if in_perp else spot.lot
    qty = _amount(required(ignition, "qty", "ignition"), lot, "ignition.qty", 1)
    return Push(BUY if buys else SELL, in_perp, qty)


def _agents(top: Mapping[str, Any], grids: Grids, steps: Steps | None) -> tuple[Agent, ...]:
    entries = top.get("agents") or ()
    if (entries or top.get("unlocks")) and steps is None:
        raise ValueError("agents: without time")
    if entries and steps is not None and steps.until_quiet:
        raise ValueError("agents: until quiet")
    return parse_agents(entries, grids)


def _tokens(
    top: Mapping[str, Any],
    maker: Mapping[str, Any],
    lot: Fraction,
    push: Push,
    agents: tuple[Agent, ...],
    unlocked: int,
) -> Tokens:
    """Who has the float at the start."""
    circulating = _amount(required(top, "circulating", "scenario"), lot, "circulating", 1)
    supply = _amount(required(top, "total_supply", "scenario"), lot, "total_supply", circulating + unlocked)
    inventory = _amount(maker.get("spot_inventory", 0), lot, "market_maker.spot_inventory", 0)
    held = inventory + push.tokens_brought + sum(agent.tokens for agent in agents)
    if circulating < held:
        raise ValueError("circulating: the float is smaller than what is held of it")
    return Tokens(supply, circulating, circulating - held, inventory)


def _positions(
    entries: Sequence[Any], contract: Contract, seed: int, path: int
) -> tuple[tuple[Trader, ...], tuple[Batch, ...]]:
    """The accounts that are there from the start, and the batches of those that may come."""
    traders: list[Trader] = []
    batches: list[Batch] = []
    for index, entry in enumerate(entries):
        if isinstance(entry, Mapping) and entry.get("kind") == "distribution":
            batches.append(population(entry, index, contract, seed, path))
            continue
        rows = isinstance(entry, Mapping) and entry.get("kind") == "accounts"
        found = expand_rows(entry, index, contract) if rows else expand(entry, index, contract, seed, path)
        if isinstance(found, Batch):
            batches.append(found)
        else:
            traders += found
    return tuple(traders), tuple(batches)


def _check_modes(entries: Sequence[Any], modes: Sequence[str]) -> None:
    """A venue without a margin mode takes no positions of it; those of populations are isolated."""
    if not set(modes) <= set(MODES) or len({*modes}) != len(modes) or not modes:
        raise ValueError("venue.margin_modes: isolated, cross or both")
    if any(entry.get("margin_mode", "isolated") not in modes for entry in entries):
        raise ValueError("positions: a margin mode the venue does not have")


def _amount(value: object, unit: Fraction, name: str, least: int) -> int:
    amount = whole(exact(value, name) / unit, name)
    if amount < least:
        raise ValueError(f"{name}: too small")
    return amount


def _grid(top: Mapping[str, Any], name: str) -> tuple[Fraction, Fraction]:
    keys = MARKET_KEYS + (" quote" if name == "spot" else "")
    values = table(required(top, name, "scenario"), name, tuple(keys.split()))
    tick = exact(required(values, "tick_size", name), f"{name}.tick_size")
    lot = exact(required(values, "lot_size", name), f"{name}.lot_size")
    if tick <= 0 or lot <= 0:
        raise ValueError(f"{name}: tick_size and lot_size must be positive")
    return tick, lot


def _market(
    top: Mapping[str, Any],
    name: str,
    grids: Grids,
    price: Fraction,
    draw: tuple[int, int],
) -> Market:
    values, tick, lot, (seed, path) = top[name], grids.ticks[name], grids.lots[name], draw
    rest, quoted = (
        {side: Words(seed, streams[name, side], path) for side in (BUY, SELL)}
        for streams in (REST_STREAMS, QUOTE_STREAMS)
    )
    quote_of = name if name == "spot" else "market_maker"
    quote = required(top, quote_of, "scenario").get("quote")
    start = whole(price / tick, "start_price")
    if start < 1:
        raise ValueError("start_price: not positive")
    market = Market(
        tick=tick,
        lot=lot,
        scale=whole(tick * lot / grids.money, f"{name}: scale"),
        maker_fee=rate(values.get("maker_fee", 0), f"{name}.maker_fee"),
        taker_fee=rate(values.get("taker_fee", 0), f"{name}.taker_fee"),
        start=start,
        bids=parse_liquidity(values.get("bids"), BUY, start, tick, lot, f"{name}.bids", rest[BUY]),
        asks=parse_liquidity(values.get("asks"), SELL, start, tick, lot, f"{name}.asks", rest[SELL]),
        quote=parse_quote(quote, tick, lot, f"{quote_of}.quote", quoted, grids.seconds),
    )
    bid, ask = (_first_level(side) for side in (market.bids, market.asks))
    if bid is not None and ask is not None and bid >= ask:
        raise ValueError(f"{name}: the book is crossed at the start")
    return market


def _first_level(side: Liquidity | Orders | None) -> int | None:
    """The best price, whatever noise leaves of it."""
    if side is None:
        return None
    plain = replace(side, noise=None) if isinstance(side, Liquidity) else side
    return next((price for price, _ in plain.walk()), None)


def nearest(price: Fraction | int) -> int:
    """A price on the nearest tick, a half up."""
    return math.floor(price + Fraction(1, 2))


def in_perp_ticks(world: World, price: Fraction | int) -> Fraction:
    """A price in spot ticks in those of the perpetual."""
    return price * world.spot.tick / world.perp.tick


def lots_across(lots: int, source: Market, target: Market, share: Fraction = Fraction(1)) -> int:
    """A share of lots of one market in lots of the other, cut toward zero."""
    return math.trunc(lots * source.lot * share / target.lot)


def _in_time(maker: MakerFrictions, steps: Steps | None) -> MakerFrictions:
    """A hedge comes before the horizon."""
    if steps is not None and maker.latency >= steps.count:
        raise ValueError("market_maker.hedge_latency_s: not within the horizon")
    return maker
