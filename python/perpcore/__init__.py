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
    from perpcore import (
        accounts,
        agents,
        analysis,
        distributions,
        events,
        gym,
        plots,
        presets,
        rules,
        runs,
        sources,
        sweeps,
        venues,
    )
    from perpcore.accounts import Account, Holding, Liquidation, RestingOrder
    from perpcore.analysis import Ablation, ablation, frictions
    from perpcore.distributions import (
        Beta,
        Choice,
        Copula,
        Empirical,
        Exponential,
        LogNormal,
        Mixture,
        Normal,
        Pareto,
        Trapezoid,
        Uniform,
    )
    from perpcore.ensemble import Ensemble, Estimate, Interrupted
    from perpcore.markets import Levels, Linear, Market, MarketMaker, Orders, Quote
    from perpcore.positions import Accounts, Ladder, Population
    from perpcore.results import Run, Table
    from perpcore.runs import Results, read_results
    from perpcore.scenario import Ignition, Scenario, Time
    from perpcore.simulation import Simulation
    from perpcore.sweeps import Sweep, SweepInterrupted
    from perpcore.venues import MarginTiers, Tier, Venue

logging.getLogger("perpcore").addHandler(logging.NullHandler())

# Read when first asked for: what a user does not touch he does not wait for.
_LAZY = {
    "Ablation": "analysis",
    "Account": "accounts",
    "Accounts": "positions",
    "Beta": "distributions",
    "Choice": "distributions",
    "Copula": "distributions",
    "Empirical": "distributions",
    "Ensemble": "ensemble",
    "Estimate": "ensemble",
    "Exponential": "distributions",
    "Holding": "accounts",
    "Ignition": "scenario",
    "Interrupted": "ensemble",
    "Ladder": "positions",
    "Levels": "markets",
    "Linear": "markets",
    "Liquidation": "accounts",
    "LogNormal": "distributions",
    "MarginTiers": "venues",
    "Market": "markets",
    "MarketMaker": "markets",
    "Mixture": "distributions",
    "Normal": "distributions",
    "Orders": "markets",
    "Pareto": "distributions",
    "Population": "positions",
    "Quote": "markets",
    "RestingOrder": "accounts",
    "Results": "runs",
    "Run": "results",
    "Scenario": "scenario",
    "Simulation": "simulation",
    "Sweep": "sweeps",
    "SweepInterrupted": "sweeps",
    "Table": "results",
    "Tier": "venues",
    "Time": "scenario",
    "Trapezoid": "distributions",
    "Uniform": "distributions",
    "Venue": "venues",
    "ablation": "analysis",
    "frictions": "analysis",
    "read_results": "runs",
}
_MODULES = (
    "accounts",
    "agents",
    "analysis",
    "distributions",
    "events",
    "gym",
    "plots",
    "presets",
    "rules",
    "runs",
    "sources",
    "sweeps",
    "venues",
)

__all__ = [
    "Ablation",
    "Account",
    "Accounts",
    "Beta",
    "BookEvent",
    "Choice",
    "Copula",
    "Empirical",
    "Ensemble",
    "Estimate",
    "Exponential",
    "Fill",
    "Holding",
    "Ignition",
    "Interrupted",
    "Ladder",
    "Levels",
    "Linear",
    "Liquidation",
    "LogNormal",
    "MarginTiers",
    "Market",
    "MarketMaker",
    "Mixture",
    "Normal",
    "OrderBook",
    "OrderError",
    "OrderResult",
    "Orders",
    "Pareto",
    "PerpcoreError",
    "Population",
    "Quote",
    "RestingOrder",
    "Results",
    "Run",
    "RunError",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "Sweep",
    "SweepInterrupted",
    "Table",
    "Tier",
    "Time",
    "Trapezoid",
    "Uniform",
    "Venue",
    "__version__",
    "ablation",
    "accounts",
    "agents",
    "analysis",
    "distributions",
    "events",
    "frictions",
    "gym",
    "plots",
    "presets",
    "read_results",
    "rules",
    "runs",
    "sources",
    "sweeps",
    "venues",
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
