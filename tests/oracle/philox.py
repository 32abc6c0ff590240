"""Philox4x64-10 (Salmon and others, 2011) in plain integers: four words from a key and a counter."""

from __future__ import annotations

from functools import lru_cache

MASK = 2**64 - 1
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
Words = tuple[int, int, int, int]


@lru_cache(maxsize=4096)
def block(seed: int, stream: int, counter: int, path: int) -> Words:
    """The block `(counter, path, 0, 0)` under the key `(seed, stream)`."""
    x0, x1, x2, x3 = counter & MASK, path & MASK, 0, 0
    k0, k1 = seed & MASK, stream & MASK
    for _ in range(10):
        left, right = MULTIPLIERS[0] * x0, MULTIPLIERS[1] * x2
        x0, x1, x2, x3 = (right >> 64) ^ x1 ^ k0, right & MASK, (left >> 64) ^ x3 ^ k1, left & MASK
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return x0, x1, x2, x3


def word(seed: int, stream: int, n: int, path: int) -> int:
    """Word `n`: four to a block."""
    return block(seed, stream, n // 4, path)[n % 4]
