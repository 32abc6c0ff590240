"""Blocks drawn with replacement: intervals of figures of what hangs together in time.

Circular blocks of Politis and Romano (1992): rows follow each other as they did, the end is followed by the
beginning, and every row is as likely as any other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from perpcore._structs import problem
from perpcore.analysis.facts._columns import share, whole

if TYPE_CHECKING:
    from perpcore.analysis.facts._columns import Floats, Integers

RESAMPLES = 1_000
LEAST_BLOCKS = 10


def block_length(count: int, least: int, block: int | None) -> int:
    """Rows of a block: the square root of all, and `least` at the least; or as it is given."""
    block = max(least, math.isqrt(count - 1) + 1) if block is None else whole("block", block, 1)
    if count < LEAST_BLOCKS * block:
        allowed = f"at least {LEAST_BLOCKS * block:,}: {LEAST_BLOCKS} blocks of {block:,} for the interval"
        raise problem("returns", f"{count:,} returns", allowed)
    return block


def starts(count: int, block: int) -> Integers:
    """Where the blocks of each resample begin, shape (resamples, blocks); the same for the same data."""
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, -(-count // block)))


def resampled_blocks(columns: Floats, block: int) -> Floats:
    """Means of the blocks of each resample, of columns of shape (columns, rows).

    Shape (columns, resamples, blocks).
    """
    count = columns.shape[1]
    wrapped = np.concatenate([np.zeros((len(columns), 1)), columns, columns[:, :block]], axis=1)
    sums = wrapped.cumsum(axis=1)
    begin = starts(count, block)
    return np.stack([(line[begin + block] - line[begin]) / block for line in sums])


def interval(draws: Floats, confidence: float) -> tuple[float, float]:
    """The percentiles that leave equal shares outside (Efron and Tibshirani 1993, ch. 13)."""
    reach = share("confidence", confidence) / 2
    low, high = np.quantile(draws, [0.5 - reach, 0.5 + reach])
    return float(low), float(high)
