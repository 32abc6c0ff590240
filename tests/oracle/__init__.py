"""The oracle: a plain, slow, obvious engine for one instant cascade, in exact integers.

It is written from docs/MODEL.md alone and shares nothing with the Rust engine: no code, no tables, no tricks.
Where two engines that know nothing of each other agree fill by fill, a defect would have to be made twice.
So nothing here is fast or clever: books are sorted lists, thresholds are found by bisection over the trigger
itself, every account is looked at in every round, and every conservation law is asserted after every round.
"""

from .engine import run
from .scenarios import is_valid, random_scenario
from .state import Result

__all__ = ["Result", "is_valid", "random_scenario", "run"]
