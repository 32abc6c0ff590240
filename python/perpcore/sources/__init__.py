"""Recorded data of venues: as scenarios, as arrays, as order flow to be replayed; one module a format."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perpcore.sources import binance, ccxt, force_orders, gate, levels, lobster, tardis

__all__ = ["binance", "ccxt", "force_orders", "gate", "levels", "lobster", "tardis"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"perpcore.sources.{name}")
    raise AttributeError(f"module 'perpcore.sources' has no attribute {name!r}")
