"""A recorded order book of a Gate.io perpetual as a scenario.

`docs/SOURCES.md` gives the format, and every assumption with its reason.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from perpcore._structs import Number, Range, number, plain, problem
from perpcore.markets import Levels, Market, MarketMaker, Quote
from perpcore.positions import Ladder
from perpcore.scenario import Ignition, Scenario
from perpcore.sources.gate_files import BookSource, ContractsSource, Recording, Rows, recording
from perpcore.venues import Tier, Venue

__all__ = ["assumptions", "scenario"]

#: The push lifts spot this far if no other size is asked for.
LIFT = Decimal("0.1")
#: The open interest is cut into about so many accounts.
ACCOUNTS = 2000
#: Without a figure for it, the float is this many times the open interest.
FLOAT_TO_OPEN_INTEREST = 10
#: From one of the market maker's quotes to the next, as a share of the start price.
QUOTE_GAP = Decimal("0.01")


class _Spot(NamedTuple):
    """The spot book that stands in for one that was not recorded."""

    asks: Rows
    bids: Rows
    ask_tail: Decimal
    bid_tail: Decimal


def scenario(
    book: BookSource,
    *,
    contracts: ContractsSource | None = None,
    contract: str | None = None,
    spot_depth_ratio: Number = Decimal("0.5"),
    circulating: Number | None = None,
    total_supply: Number | None = None,
    ignition_qty: Number | None = None,
    ignition_quote: Number | None = None,
    ignition_lift: Number | None = None,
    hedge_ratio: Number = Decimal(1),
    lump: Number | None = None,
    short_leverage: Range | None = None,
    capital: Number | None = None,
    insurance_fund: Number = Decimal(0),
) -> Scenario:
    """Build a scenario from a recorded order book and its contract.

    Recorded are the perpetual's book, grid, fees, mark price, maintenance rate, leverage limits and open
    interest. The spot book, the float, who holds the shorts and the market maker are not: each is an argument
    whose default is an assumption that the scenario's `description` names. Read it before the result.

    Parameters
    ----------
    book : path or mapping
        A reply of ``GET /futures/usdt/order_book``, as a JSON file or parsed.
    contracts : path, sequence or mapping, optional
        A reply of ``GET /futures/usdt/contracts``; the one ``*contracts*.json`` beside the book if not given.
    contract : str, optional
        Name of the contract, as ``"OMG_USDT"``; the one that the book's file name contains if not given.
    spot_depth_ratio : number
        Tokens resting in spot for each that rests in the perpetual's recorded book at the same price.
    circulating : number, optional
        The float in tokens; ten times the open interest if not given.
    total_supply : number, optional
        In tokens; `circulating` if not given.
    ignition_qty, ignition_quote, ignition_lift : number, optional
        The push, in one of three ways: tokens, quote currency to spend, or the share by which it lifts spot
        (0.1 if none is given).
    hedge_ratio : number
        Share of what the market maker sells that he buys in spot.
    lump : number, optional
        Tokens an account; a two-thousandth of the open interest if not given.
    short_leverage : number or (number, number), optional
        Of the shorts, entered at the mark; `leverage_min` to `leverage_max` of the contract if not given.
        Their liquidation prices are spread evenly between those of the two ends.
    capital : number, optional
        The market maker's, in quote currency; the notional of the open interest if not given.
    insurance_fund : number
        Its balance at the start, in quote currency.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        A file that is not what it should be, or an argument that is not allowed.
    """
    rec = recording(book, contracts, contract)
    spec, tick = rec.contract, rec.contract.order_price_round
    start = _grid(spec.mark_price, tick, ROUND_HALF_UP)
    ratio = _positive("spot_depth_ratio", spot_depth_ratio)
    spot = _spot(rec, start, ratio)
    quote = _quote(rec, start)
    push = _push(rec, spot, start, qty=ignition_qty, quote=ignition_quote, lift=ignition_lift)
    if circulating is None:
        resting = sum(qty for _, qty in spot.asks)
        circulating = max(FLOAT_TO_OPEN_INTEREST * rec.open_interest, Decimal(resting))
    if lump is None:
        lump = _grid(rec.open_interest / ACCOUNTS, rec.lot_size, ROUND_CEILING)
    if capital is None:
        capital = (rec.open_interest * start).to_integral_value(ROUND_CEILING)
    new = Scenario(
        name=spec.name,
        start_price=start,
        total_supply=circulating if total_supply is None else total_supply,
        circulating=circulating,
        spot=Market(
            tick_size=tick,
            lot_size=rec.lot_size,
            asks=Levels(levels=spot.asks, tail_depth=spot.ask_tail),
            bids=Levels(levels=spot.bids, tail_depth=spot.bid_tail),
        ),
        perp=Market(
            tick_size=tick,
            lot_size=rec.lot_size,
            maker_fee=spec.maker_fee_rate,
            taker_fee=spec.taker_fee_rate,
            asks=Levels(levels=rec.asks),
            bids=Levels(levels=rec.bids),
        ),
        venue=Venue(
            tiers=(
                Tier(min_notional=0, maintenance_rate=spec.maintenance_rate, max_leverage=spec.leverage_max),
            ),
            insurance_fund=insurance_fund,
        ),
        market_maker=MarketMaker(capital=capital, hedge_ratio=hedge_ratio, quote=quote),
        positions=(_shorts(rec, start, short_leverage, lump),),
        ignition=Ignition(qty=push),
    )
    return new.replace(description=_description(rec, new, ratio, spot.ask_tail, quote))


def assumptions(scenario: Scenario) -> dict[str, str]:
    """What a scenario of this module assumes beside what was recorded, as its description says.

    Parameters
    ----------
    scenario : Scenario
        As `scenario` built it; what was replaced afterwards is not in it.

    Returns
    -------
    dict of str to str
        By the name of what is assumed.
    """
    lines = (line.removeprefix("- ") for line in scenario.description.splitlines() if line.startswith("- "))
    return {name: text for name, _, text in (line.partition(": ") for line in lines)}


# ---- what was not recorded ----


def _spot(rec: Recording, start: Decimal, ratio: Decimal) -> _Spot:
    """The perpetual's levels scaled, and beyond them a tail as deep as they are on average."""
    asks, bids = (_scaled(rows, ratio, rec.lot_size) for rows in (rec.asks, rec.bids))
    if not asks or not bids:
        raise problem(
            "spot_depth_ratio", plain(ratio), "enough to leave at least a lot on each side of the spot book"
        )
    tails = [_tail(rows, start, ratio, rec) for rows in (rec.asks, rec.bids)]
    return _Spot(asks, bids, *tails)


def _scaled(rows: Rows, ratio: Decimal, lot: Decimal) -> Rows:
    """Whole lots; what is cut off a level goes to the next, so that no depth is lost on the way."""
    levels, recorded, placed = [], Decimal(0), Decimal(0)
    for price, qty in rows:
        recorded += qty
        here = _grid(recorded * ratio, lot, ROUND_FLOOR) - placed
        placed += here
        if here:
            levels.append((price, here))
    return tuple(levels)


def _tail(rows: Rows, start: Decimal, ratio: Decimal, rec: Recording) -> Decimal:
    """Mean depth of the recorded side, scaled, in tokens per unit of price."""
    span = max(abs(rows[-1][0] - start), rec.contract.order_price_round)
    depth = ratio * sum(qty for _, qty in rows) / span
    return max(_grid(depth, rec.lot_size, ROUND_FLOOR), rec.lot_size)


def _push(
    rec: Recording,
    spot: _Spot,
    start: Decimal,
    *,
    qty: Number | None,
    quote: Number | None,
    lift: Number | None,
) -> Decimal:
    """Tokens that the push buys."""
    given = {"ignition_qty": qty, "ignition_quote": quote, "ignition_lift": lift}
    chosen = {name: value for name, value in given.items() if value is not None}
    if len(chosen) > 1:
        raise problem(" and ".join(chosen), ", ".join(map(str, chosen.values())), "only one of them")
    name, value = next(iter(chosen.items())) if chosen else ("ignition_lift", LIFT)
    wanted = _positive(name, value)
    if name == "ignition_qty":
        return wanted
    tokens = _for_quote(spot, wanted) if name == "ignition_quote" else _up_to(spot, start * (1 + wanted))
    tokens = _grid(tokens, rec.lot_size, ROUND_FLOOR)
    if tokens <= 0:
        raise problem(
            name, plain(wanted), f"enough to buy a lot at the best spot ask, {plain(spot.asks[0][0])}"
        )
    return tokens


def _up_to(spot: _Spot, limit: Decimal) -> Decimal:
    """Tokens on offer in spot up to a price."""
    inside = sum((qty for price, qty in spot.asks if price <= limit), Decimal(0))
    return inside + max(limit - spot.asks[-1][0], Decimal(0)) * spot.ask_tail


def _for_quote(spot: _Spot, quote: Decimal) -> Decimal:
    """Tokens that a sum buys in spot."""
    tokens, left = Decimal(0), quote
    for price, qty in spot.asks:
        take = min(qty, left / price)
        tokens, left = tokens + take, left - take * price
    # Beyond the levels a quantity x costs (last + x / (2 tail)) x.
    last, tail = spot.asks[-1][0], spot.ask_tail
    return tokens + tail * ((last * last + 2 * left / tail).sqrt() - last)


def _shorts(rec: Recording, start: Decimal, leverage: Range | None, lump: Number) -> Ladder:
    """The open interest's shorts, their liquidation prices spread over those of the two leverages."""
    spec, tick = rec.contract, rec.contract.order_price_round
    pair = (spec.leverage_min, spec.leverage_max) if leverage is None else leverage
    if not isinstance(pair, tuple | list):
        pair = (pair, pair)
    if len(pair) != 2:
        raise problem("short_leverage", leverage, "a number or a pair of them")
    ends = [_positive("short_leverage", x) for x in pair]
    if not spec.leverage_min <= ends[0] <= ends[1] <= spec.leverage_max:
        allowed = f"rising, from {plain(spec.leverage_min)} to {plain(spec.leverage_max)}, the contract's"
        raise problem("short_leverage", " to ".join(map(plain, ends)), allowed)
    first, last = (start * (1 + 1 / x) / (1 + spec.maintenance_rate) for x in reversed(ends))
    first = max(_grid(first, tick, ROUND_CEILING), start + tick)
    last = max(_grid(last, tick, ROUND_FLOOR), first)
    prices = (first, last) if first < last else first
    return Ladder(side="short", qty=rec.open_interest, lump=lump, liquidation_price=prices)


def _quote(rec: Recording, start: Decimal) -> Quote:
    """What was on offer within the venue's price band, offered anew above every new mark."""
    spec = rec.contract
    band = start * spec.order_price_deviate
    gap = max(_grid(start * QUOTE_GAP, spec.order_price_round, ROUND_FLOOR), spec.order_price_round)
    levels = max(int(band / gap), 1)
    offered = sum((qty for price, qty in rec.asks if price <= start + band), Decimal(0))
    qty = max(_grid(offered / levels, rec.lot_size, ROUND_FLOOR), rec.lot_size)
    return Quote(side="asks", levels=levels, level_gap=gap, level_qty=qty)


def _description(rec: Recording, new: Scenario, ratio: Decimal, tail: Decimal, quote: Quote) -> str:
    """What was recorded, then a line for each thing that was not."""
    oi, start, maker = rec.open_interest, rec.contract.mark_price, new.market_maker
    shorts, rate = new.positions[0], _text(rec.contract.maintenance_rate)
    assert isinstance(shorts, Ladder)
    assumed = {
        "spot depth": f"{_text(ratio)} tokens rest in spot for each that rests in the perpetual at its price;"
        f" beyond the last ask {_text(tail)} tokens per unit of price, that side's mean",
        "spot market": "one book is the whole index; its tick and lot are the perpetual's; no fees",
        "float": f"{_text(new.circulating)} tokens on {_text(oi)} of open interest",
        "shorts": "all open interest is short against long, in isolated accounts of"
        f" {_text(shorts.lump)} tokens entered at the mark, liquidated {_where(shorts.liquidation_price)}",
        "maintenance": f"{rate} of the notional of every size (risk limits are not used), no fees in it",
        "market maker": f"{_text(maker.capital)} of capital; buys {_text(maker.hedge_ratio)} of what he sold"
        f" in spot; offers {_text(quote.level_qty)} tokens at each of {quote.levels} levels from the mark up,"
        " anew in every round",
        "insurance fund": f"{_text(new.venue.insurance_fund)} at the start; it holds what it takes over",
        "push": f"a market order for {_text(new.push.qty)} tokens of spot",
    }
    recorded = (
        f"{rec.contract.name} from {rec.source}: {len(rec.asks)} asks and {len(rec.bids)} bids of the"
        f" perpetual, {_text(oi)} tokens of open interest, worth {oi * start:,.0f} at the mark price"
        f" {_text(start)}."
    )
    return "\n".join(
        (recorded, "Assumed, not recorded:", *(f"- {name}: {text}" for name, text in assumed.items()))
    )


def _text(value: object) -> str:
    digits = f"{number('description', value):,f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _where(price: object) -> str:
    return f"evenly on [{', '.join(map(_text, price))}]" if isinstance(price, tuple) else f"at {_text(price)}"


def _grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding) * step


def _positive(field: str, value: object) -> Decimal:
    found = number(field, value)
    if found <= 0:
        raise problem(field, plain(found), "more than 0")
    return found
