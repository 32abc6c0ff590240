"""Small worlds in which a metaorder's impact is known, or measured."""

from typing import Any

import perpcore as pc

TICK = 0.0001


def power_rows(a: float, *, total: float = 12_000, reach: float = 5.0) -> list[list[float]]:
    """Levels whose sum up to a distance of x is `total` (x / `reach`)^a, in whole ticks and lots of 0.001."""
    rows, before, x = [], 0, 0.0
    count = 1_500
    for k in range(1, count + 1):
        # equal shares of the logarithm: as fine near the start as far away
        x = max(round(reach * 1e-8 ** ((count - k) / count) / TICK), round(x / TICK) + 1) * TICK
        upto = int(total * (x / reach) ** a * 1_000)
        if upto > before:
            rows.append([round(100 + x, 4), (upto - before) / 1_000])
        before = max(before, upto)
    return rows


def static(asks: dict[str, Any]) -> pc.Scenario:
    """A book that is there at the start and never comes back; nobody else acts."""
    market = {"tick_size": TICK, "lot_size": 0.001}
    return pc.Scenario.from_dict(
        {
            "schema_version": 1,
            "start_price": 100,
            "total_supply": 1_000_000,
            "circulating": 1_000_000,
            "time": {"step_s": 1, "horizon_s": 60},
            "spot": market | {"asks": asks},
            "perp": market | {"asks": asks},
            "venue": VENUE,
            "market_maker": {"capital": 100_000_000, "hedge_ratio": 0},
            "positions": [],
        }
    )


VENUE = {
    "mark": "index",
    "trigger": "at_or_below",
    "liquidation_order": "market",
    "insurance_fund": 1_000_000,
    "tiers": [{"min_notional": 0, "maintenance_rate": 0.01, "max_leverage": 20}],
}


def latent(
    *, limits: float = 4, zone: float = 4, lifetime_s: float = 3_600, takers: float = 1
) -> pc.Scenario:
    """Orders that are placed far and wide, taken at the best and cancelled in time, and a thin market maker.

    The zero-intelligence book of Toth et al. (2011): what trades near the price has used up what rests there,
    and it is refilled only slowly, so that depth grows with the distance. The market maker alone, with some
    tokens around the last trade, keeps the spread.
    """
    return pc.Scenario.from_dict(
        {
            "schema_version": 1,
            "start_price": 100,
            "total_supply": 100_000_000,
            "circulating": 50_000_000,
            "time": {"step_s": 1, "horizon_s": 3_600},
            "spot": {
                "tick_size": 0.01,
                "lot_size": 0.1,
                "quote": QUOTE,
            },
            "perp": {"tick_size": 0.01, "lot_size": 0.1, "asks": {"kind": "linear", "depth": 1_000}},
            "venue": VENUE,
            "market_maker": {"capital": 100_000_000, "hedge_ratio": 0},
            "positions": [],
            "agents": [
                {
                    "kind": "noise",
                    "name": "noise",
                    "market": "spot",
                    "rate_per_s": 1,
                    "qty": 10,
                    "limit_rate_per_s": 4,
                    "limit_gap": 4,
                    "lifetime_s": lifetime_s,
                    "tokens": 10_000_000,
                },
                {
                    "kind": "spot_market_maker",
                    "name": "maker",
                    "tokens": 1_000_000,
                    "half_spread": 0.02,
                    "levels": 3,
                    "level_gap": 0.02,
                    "level_qty": 2,
                },
            ],
        }
    )


#: Somebody quotes at the very start, before orders were placed: far away, next to nothing.
QUOTE = {"side": "both", "around": "last", "half_spread": 20, "level_qty": 0.1}
