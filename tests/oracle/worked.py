"""A scenario small enough to be worked by hand: ticks, lots and depth of one, a short against three longs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from .scenarios import Scenario

TOP = ("round_seconds", "settlement_price")


def by_hand(
    buys: int,
    rate: str = "0.01",
    longs: Sequence[tuple[int, int]] = ((100, 2), (80, 2), (100, 10)),
    short: Scenario | None = None,
    asks: Sequence[tuple[int, int]] = (),
    **fields: Any,
) -> Scenario:
    """Buying so many tokens takes the spot so many ticks above 100, and the mark with it.

    The short has 10 lots at 100 and 200; each long (entry price, leverage) has 4. Other fields are those of
    the venue, or of the whole.
    """
    tier = {"min_notional": 0, "maintenance_rate": Decimal(rate), "max_leverage": 20}
    people: list[Scenario] = [{"side": "short", "qty": 10, "leverage": 5} | (short or {})]
    for entry, leverage in longs:
        people.append({"side": "long", "qty": 4, "entry_price": entry, "leverage": leverage})
    # Somebody must rest in the perpetual: one lot, out of everybody's way.
    far = {"kind": "levels", "levels": [[1, 1]]}
    perp: Scenario = {"tick_size": 1, "lot_size": 1, "bids": far}
    if asks:
        perp["asks"] = {"kind": "levels", "levels": [list(level) for level in asks]}
    return {key: fields.pop(key) for key in TOP if key in fields} | {
        "schema_version": 1,
        "name": "by hand",
        "start_price": 100,
        "total_supply": 1000,
        "circulating": 1000,
        "spot": {"tick_size": 1, "lot_size": 1, "asks": {"kind": "linear", "depth": 1}},
        "perp": perp,
        "venue": {"tiers": [tier]} | fields,
        "market_maker": {"capital": 1000, "hedge_ratio": 0},
        "positions": people,
        "ignition": {"qty": buys},
    }


def long_maker(capital: int = 1000) -> Scenario:
    """The attacker sells the market maker 6 lots at 99; a thin spot puts the mark at 125 all the same."""
    scenario = by_hand(6, adl={"trigger": "always", "rank": "size"})
    scenario["spot"] |= {
        "asks": {"kind": "levels", "levels": [[202, 50]]},
        "bids": {"kind": "levels", "levels": [[100, 50]]},
    }
    scenario["perp"]["bids"] = {"kind": "levels", "levels": [[99, 6]]}
    scenario["venue"]["mark"] = "mean_of_mids"
    scenario["market_maker"]["capital"] = capital
    scenario["ignition"] |= {"market": "perp", "side": "sell"}
    return scenario
