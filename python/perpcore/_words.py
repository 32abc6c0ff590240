"""Numbers of a call: seeds, counts of paths and of threads."""

from __future__ import annotations

import operator

import numpy as np

from perpcore._structs import problem, shown


def seed_from(seed: int | np.random.SeedSequence | None) -> int:
    """The seed that is given, or a fresh one."""
    if seed is None:
        seed = np.random.SeedSequence()
    if isinstance(seed, np.random.SeedSequence):
        seed = int(seed.generate_state(1, np.uint64)[0])
    return word("seed", seed)


def word(field: str, value: object) -> int:
    """A whole number of 64 bits."""
    allowed = "a whole number from 0 to 2**64 - 1"
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise problem(field, shown(value), allowed)
    try:
        word = operator.index(value)
    except TypeError:
        raise problem(field, shown(value), allowed) from None
    if not 0 <= word < 2**64:
        raise problem(field, shown(value), allowed)
    return word
