"""What is measured of a market the same way whether it was simulated or recorded; docs/FACTS.md defines each.

Columns of numpy in, frozen results out. Tests and laws need the extra ``facts`` (scipy).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perpcore.analysis.facts._fact import Fact
    from perpcore.analysis.facts.books import DepthProfile, Spread, Spreads, depth_profile, padded, spread
    from perpcore.analysis.facts.hawkes import Hawkes, fit_hawkes, simulate_hawkes
    from perpcore.analysis.facts.impact import Impact, metaorder_impact
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
    from perpcore.analysis.facts.squeezes import (
        Prints,
        Window,
        fit_each,
        fit_squeezes,
        liquidation_times,
        squeeze_windows,
        thin,
    )

_LAZY = {
    "Autocorrelation": "returns",
    "Bars": "sampling",
    "Clustering": "returns",
    "DepthProfile": "books",
    "Fact": "_fact",
    "Hawkes": "hawkes",
    "Impact": "impact",
    "InterArrivals": "orders",
    "LeadLag": "leads",
    "OrderSizes": "orders",
    "Prints": "squeezes",
    "Spread": "books",
    "Spreads": "books",
    "Window": "squeezes",
    "autocorrelation": "returns",
    "bars": "sampling",
    "depth_profile": "books",
    "fit_each": "squeezes",
    "fit_hawkes": "hawkes",
    "fit_squeezes": "squeezes",
    "hill": "returns",
    "inter_arrivals": "orders",
    "lead_lag": "leads",
    "liquidation_times": "squeezes",
    "metaorder_impact": "impact",
    "order_sizes": "orders",
    "padded": "books",
    "simulate_hawkes": "hawkes",
    "spread": "books",
    "squeeze_windows": "squeezes",
    "thin": "squeezes",
    "volatility_clustering": "returns",
    "volume_volatility": "returns",
}

__all__ = [
    "Autocorrelation",
    "Bars",
    "Clustering",
    "DepthProfile",
    "Fact",
    "Hawkes",
    "Impact",
    "InterArrivals",
    "LeadLag",
    "OrderSizes",
    "Prints",
    "Spread",
    "Spreads",
    "Window",
    "autocorrelation",
    "bars",
    "depth_profile",
    "fit_each",
    "fit_hawkes",
    "fit_squeezes",
    "hill",
    "inter_arrivals",
    "lead_lag",
    "liquidation_times",
    "metaorder_impact",
    "order_sizes",
    "padded",
    "simulate_hawkes",
    "spread",
    "squeeze_windows",
    "thin",
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
