"""Venues' rules as data: a `Venue` is composed of switches, and here is one preset a venue.

Figures are the venues' own where a page said them, else typical ones to be replaced: the docstrings say
which, docs/VENUES.md has the table.

>>> import perpcore as pc
>>> venue = pc.venues.hyperliquid(max_leverage=3)
>>> venue.tiers[0].maintenance_rate
Decimal('0.166666667')
>>> venue.replace({"backstop.isolated": True}).backstop.isolated
True
>>> pc.venues.Venue.from_toml(venue.to_toml()) == venue
True
"""

from perpcore.venues.frictions import Halt, StressMargin
from perpcore.venues.liquidation import Adl, Backstop, ByTier, Share, Whole
from perpcore.venues.presets import (
    NAMES,
    binance_usdtm,
    bitmex_inverse,
    bybit,
    deribit_inverse,
    dydx_v4,
    hyperliquid,
    load,
    okx,
)
from perpcore.venues.pricing import Funding, IndexSource, OwnMark, SpotIndex
from perpcore.venues.rules import Venue
from perpcore.venues.tiers import MarginTiers, Tier

__all__ = [
    "NAMES",
    "Adl",
    "Backstop",
    "ByTier",
    "Funding",
    "Halt",
    "IndexSource",
    "MarginTiers",
    "OwnMark",
    "Share",
    "SpotIndex",
    "StressMargin",
    "Tier",
    "Venue",
    "Whole",
    "binance_usdtm",
    "bitmex_inverse",
    "bybit",
    "deribit_inverse",
    "dydx_v4",
    "hyperliquid",
    "load",
    "okx",
]
