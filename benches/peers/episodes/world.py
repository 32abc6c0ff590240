"""The episode's random numbers, drawn before any clock runs: every contestant gets the same."""

from dataclasses import dataclass

import numpy as np

START, STEP, LEVELS, A_LEVEL = 10_000, 5, 100, 5
TRIGGER, HEDGED, MAINTENANCE = 4_000, 0.8, 0.005
POSTED, ROUNDS = 10, 500

Order = tuple[int, int]  # price in ticks, lots


@dataclass(frozen=True)
class World:
    """Orders from the touch outwards; entry, lots and leverage of each short; what is posted each round."""

    perp: tuple[list[Order], list[Order]]  # bids, asks
    spot: tuple[list[Order], list[Order]]
    shorts: list[tuple[int, int, float]]
    posts: list[tuple[list[Order], list[Order]]]  # above the spot mid, perpetual and spot


@dataclass(frozen=True)
class Outcome:
    """`price` is the last mark; `fund` what the insurance fund gained."""

    liquidations: int
    rounds: int
    price: float
    fund: float


def side_of(rng: np.random.Generator, direction: int) -> list[Order]:
    prices = START + direction * STEP * np.arange(1, LEVELS + 1).repeat(A_LEVEL)
    return list(zip(prices.tolist(), rng.integers(1, 21, LEVELS * A_LEVEL).tolist(), strict=True))


def posts_of(rng: np.random.Generator, spread: int) -> list[list[Order]]:
    """Ticks above the spot mid, and lots, of each round's asks."""
    above = 10 * np.arange(1, POSTED + 1) + rng.integers(0, spread + 1, (ROUNDS, POSTED))
    lots = rng.integers(1, 21, (ROUNDS, POSTED))
    return [
        list(zip(ticks, sizes, strict=True))
        for ticks, sizes in zip(above.tolist(), lots.tolist(), strict=True)
    ]


def draw(seed: int, accounts: int) -> World:
    rng = np.random.default_rng(seed)
    perp, spot = ((side_of(rng, -1), side_of(rng, 1)) for _ in range(2))
    lots, leverage = rng.integers(5, 41, accounts), rng.uniform(5, 60, accounts)
    shorts = list(zip([START] * accounts, lots.tolist(), leverage.tolist(), strict=True))
    return World(perp, spot, shorts, list(zip(posts_of(rng, 40), posts_of(rng, 20), strict=True)))
