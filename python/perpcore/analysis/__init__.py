"""What runs tell: many of a scenario and of scenarios like it, and (`facts`) any market's data."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from perpcore.analysis.effects import Ablation, ablation
from perpcore.analysis.without import frictions

if TYPE_CHECKING:
    from perpcore.analysis import facts

__all__ = ["Ablation", "ablation", "facts", "frictions"]


def __getattr__(name: str) -> Any:
    if name == "facts":
        return importlib.import_module("perpcore.analysis.facts")
    raise AttributeError(f"module 'perpcore.analysis' has no attribute {name!r}")
