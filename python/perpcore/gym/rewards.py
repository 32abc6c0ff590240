"""What an action was worth."""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

from perpcore._structs import problem, shown
from perpcore.simulation import Inventory


class Reward(Protocol):
    """Anything that is called with what the agent had before an action and has after it, and the mark."""

    def __call__(self, before: Inventory, after: Inventory, mark: float, /) -> float:
        """The reward of the action."""


@dataclasses.dataclass(frozen=True, slots=True)
class Profit:
    """What the profit changed by, less a charge for the position that is carried.

    ``(profit after - profit before) / scale - inventory_penalty (qty mark / scale)^2``: without the penalty
    the rewards of an episode sum to its profit over `scale`. The penalty is the running one of Cartea,
    Jaimungal and Penalva, "Algorithmic and High-Frequency Trading" (2015), section 10.2, by the action.

    Parameters
    ----------
    scale : float
        In quote currency: a profit of so much is a reward of 1.
    inventory_penalty : float
        For a position worth `scale`, each action.

    Examples
    --------
    >>> from perpcore.simulation import Inventory
    >>> before = Inventory(qty=0, tokens=0, balance=1000, equity=1000, profit=0)
    >>> after = Inventory(qty=-20, tokens=0, balance=1000, equity=1050, profit=50)
    >>> pc.gym.Profit(scale=1000)(before, after, 10)
    0.05
    >>> pc.gym.Profit(scale=1000, inventory_penalty=0.25)(before, after, 10)
    0.04
    """

    scale: float
    inventory_penalty: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no scale.

        Raises
        ------
        ScenarioError
            With the field, its value and what is allowed.
        """
        if not _finite(self.scale) or self.scale <= 0:
            raise problem("scale", shown(self.scale), "a finite number above 0")
        if not _finite(self.inventory_penalty) or self.inventory_penalty < 0:
            raise problem("inventory_penalty", shown(self.inventory_penalty), "a finite number from 0")

    def __call__(self, before: Inventory, after: Inventory, mark: float, /) -> float:
        """The reward of the action."""
        made = (after.profit - before.profit) / self.scale
        if not self.inventory_penalty:
            return made
        return made - self.inventory_penalty * (after.qty * mark / self.scale) ** 2


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
