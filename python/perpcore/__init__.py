"""The liquidation cascade of a perpetual that is larger than its float.

>>> import perpcore as pc
>>> run = pc.presets.rocketcoin().run(seed=1)
>>> run.summary["final_price"]
19.67
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from perpcore._core import (
    BookEvent,
    Fill,
    OrderBook,
    OrderError,
    OrderResult,
    PerpcoreError,
    RunError,
    ScenarioError,
    __version__,
)

if TYPE_CHECKING:
    from perpcore import events, plots, presets, rules, sources
    from perpcore.ensemble import Ensemble, Estimate, Interrupted
    from perpcore.results import Run, Table
    from perpcore.scenario import Ignition, Ladder, Levels, Linear, Market, MarketMaker, Quote, Scenario
    from perpcore.venues import MarginTiers, Tier, Venue

logging.getLogger("perpcore").addHandler(logging.NullHandler())

# Read when first asked for: what a user does not touch he does not wait for.
_LAZY = {
    "Ensemble": "ensemble",
    "Estimate": "ensemble",
    "Ignition": "scenario",
    "Interrupted": "ensemble",
    "Ladder": "scenario",
    "Levels": "scenario",
    "Linear": "scenario",
    "MarginTiers": "venues",
    "Market": "scenario",
    "MarketMaker": "scenario",
    "Quote": "scenario",
    "Run": "results",
    "Scenario": "scenario",
    "Table": "results",
    "Tier": "venues",
    "Venue": "venues",
}
_MODULES = ("events", "plots", "presets", "rules", "sources")

__all__ = [
    "BookEvent",
    "Ensemble",
    "Estimate",
    "Fill",
    "Ignition",
    "Interrupted",
    "Ladder",
    "Levels",
    "Linear",
    "MarginTiers",
    "Market",
    "MarketMaker",
    "OrderBook",
    "OrderError",
    "OrderResult",
    "PerpcoreError",
    "Quote",
    "Run",
    "RunError",
    "Scenario",
    "ScenarioError",
    "Table",
    "Tier",
    "Venue",
    "__version__",
    "events",
    "plots",
    "presets",
    "rules",
    "sources",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"perpcore.{name}")
    if name in _LAZY:
        value = getattr(importlib.import_module(f"perpcore.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'perpcore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
