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


def check_call(paths: int, n_threads: int | None, progress: object) -> None:
    """Refuse what would be refused only after something was done."""
    if paths < 1:
        raise problem("paths", paths, "at least 1")
    if n_threads is not None and not 1 <= n_threads <= 1024:
        raise problem("n_threads", n_threads, "from 1 to 1024")
    if not isinstance(progress, bool) and not callable(progress):
        raise problem("progress", shown(progress), "True, False or a callable")


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
