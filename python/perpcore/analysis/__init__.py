"""What many runs of a scenario, and of scenarios like it, tell."""

from perpcore.analysis.effects import Ablation, ablation
from perpcore.analysis.without import frictions

__all__ = ["Ablation", "ablation", "frictions"]
