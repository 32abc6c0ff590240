"""What is measured of a market the same way whether it was simulated or recorded; docs/FACTS.md defines each.

Columns of numpy in, frozen results out. Tests and laws need the extra ``facts`` (scipy).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perpcore.analysis.facts._fact import Fact
    from perpcore.analysis.facts.books import DepthProfile, Spread, Spreads, depth_profile, padded, spread
    from perpcore.analysis.facts.leads import LeadLag, lead_lag
    from perpcore.analysis.facts.orders import InterArrivals, OrderSizes, inter_arrivals, order_sizes
    from perpcore.analysis.facts.returns import (
        Autocorrelation,
        Clustering,
        autocorrelation,
        hill,
        volatility_clustering,
        volume_volatility,
    )
    from perpcore.analysis.facts.sampling import Bars, bars

_LAZY = {
    "Autocorrelation": "returns",
    "Bars": "sampling",
    "Clustering": "returns",
    "DepthProfile": "books",
    "Fact": "_fact",
    "InterArrivals": "orders",
    "LeadLag": "leads",
    "OrderSizes": "orders",
    "Spread": "books",
    "Spreads": "books",
    "autocorrelation": "returns",
    "bars": "sampling",
    "depth_profile": "books",
    "hill": "returns",
    "inter_arrivals": "orders",
    "lead_lag": "leads",
    "order_sizes": "orders",
    "padded": "books",
    "spread": "books",
    "volatility_clustering": "returns",
    "volume_volatility": "returns",
}

__all__ = [
    "Autocorrelation",
    "Bars",
    "Clustering",
    "DepthProfile",
    "Fact",
    "InterArrivals",
    "LeadLag",
    "OrderSizes",
    "Spread",
    "Spreads",
    "autocorrelation",
    "bars",
    "depth_profile",
    "hill",
    "inter_arrivals",
    "lead_lag",
    "order_sizes",
    "padded",
    "spread",
    "volatility_clustering",
    "volume_volatility",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(importlib.import_module(f"perpcore.analysis.facts.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'perpcore.analysis.facts' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
