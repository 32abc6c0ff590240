"""What numbers and batches of a scenario are on average, for words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from perpcore._structs import number
from perpcore.distributions import (
    Beta,
    Choice,
    Count,
    Empirical,
    Exponential,
    Law,
    LogNormal,
    Mixture,
    Normal,
    Pareto,
    Scalar,
    Trapezoid,
    Uniform,
)
from perpcore.positions import Accounts, Population

if TYPE_CHECKING:
    from perpcore._structs import Number
    from perpcore.positions import Ladder
    from perpcore.scenario import Scenario

POINTS = 4096  # equally likely ones, where no formula is short


def drawn(part: Any, at: str = "") -> Iterator[str]:
    """Paths of all distributions of a scenario.

    >>> import perpcore as pc
    >>> list(drawn(pc.presets.rocketcoin().replace({"ignition.qty": pc.Uniform(1, 5)})))
    ['ignition.qty']
    """
    if isinstance(part, Law):
        yield at
    elif isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            yield from drawn(getattr(part, name), f"{at}.{name}" if at else name)
    elif isinstance(part, tuple):
        for i, item in enumerate(part):
            yield from drawn(item, f"{at}[{i}]")


def mean(value: Scalar | Count) -> Decimal:
    """A number itself; of a distribution the mean.

    >>> import perpcore as pc
    >>> [f"{mean(x):.4g}" for x in ("0.3", pc.Uniform(2, 6), pc.Pareto(1, 3), pc.Normal(5, 1, low=5))]
    ['0.3', '4.0', '1.499', '5.798']
    """
    return Decimal(repr(_mean(value))) if isinstance(value, Law) else number("number", value)


def _mean(law: Law) -> float:
    match law:
        case Uniform(low, high):
            return (float(low) + float(high)) / 2
        case Beta(alpha, beta, low, high):
            share = float(alpha) / (float(alpha) + float(beta))
            return float(low) + share * (float(high) - float(low))
        case Trapezoid(a, b, c, d):
            ends = [float(end) for end in (a, b, c, d)]
            at = ends[0] + (np.arange(POINTS) + 0.5) / POINTS * (ends[3] - ends[0])
            weights = np.interp(at, ends, [0, 1, 1, 0])
            return float(np.average(at, weights=weights)) if weights.any() else ends[0]
        case Choice(values, weights):
            return _average(map(float, values), weights)
        case Empirical(values):
            return float(np.mean(np.asarray(values)))
        case Mixture(components, weights):
            return _average(map(_mean, components), weights)
    return _mean_of_points(law)


def _average(values: Iterator[float], weights: Any) -> float:
    return float(np.average([*values], weights=None if weights is None else [*map(float, weights)]))


def _mean_of_points(law: Law) -> float:
    """Of a law that may be cut off: the mean of equally likely points."""
    normal = NormalDist()
    low: Number | None
    match law:
        case Normal(middle, sd, low, high):
            bell = NormalDist(float(middle), float(sd))
            return _points(bell.cdf, bell.inv_cdf, low, high)
        case LogNormal(median, sigma, low, high):
            centre, spread = math.log(float(median)), float(sigma)
            return _points(
                lambda x: normal.cdf((math.log(x) - centre) / spread) if x > 0 else 0.0,
                lambda u: math.exp(centre + spread * normal.inv_cdf(u)),
                low,
                high,
            )
        case Exponential(middle, low, high):
            scale = float(middle)
            return _points(
                lambda x: -math.expm1(-max(x, 0.0) / scale), lambda u: -scale * math.log1p(-u), low, high
            )
        case Pareto(least, alpha, high):
            start, tail = float(least), float(alpha)
            return _points(
                lambda x: 1 - (start / max(x, start)) ** tail,
                lambda u: start * (1 - u) ** (-1 / tail),
                None,
                high,
            )
    raise TypeError(f"{type(law).__name__} is not a distribution")


def _points(
    below: Callable[[float], float],
    quantile: Callable[[float], float],
    low: Number | None,
    high: Number | None,
) -> float:
    first = 0.0 if low is None else below(float(low))
    last = 1.0 if high is None else below(float(high))
    us = first + (np.arange(POINTS) + 0.5) / POINTS * (last - first)
    return math.fsum(map(quantile, np.clip(us, 1e-16, 1 - 1e-16).tolist())) / POINTS


def is_drawn(batch: Ladder | Population | Accounts) -> bool:
    """Whether its accounts differ from path to path."""
    if isinstance(batch, Accounts):
        return False
    return isinstance(batch, Population) or batch.placement == "poisson" or any(drawn(batch))


def size(batch: Ladder | Population | Accounts, scenario: Scenario) -> tuple[Decimal, int]:
    """Tokens and accounts of a batch, as docs/MODEL.md section 4 builds it; expected ones if drawn."""
    if isinstance(batch, Accounts):
        tokens = np.broadcast_to(batch.qty.values, len(batch))
        return Decimal(float(tokens.sum())), len(batch)
    face = scenario.venue.contract == "inverse"  # there quantities are face value, each worth 1
    if isinstance(batch, Population):
        accounts = mean(batch.accounts)
        return accounts * mean(batch.notional) / (1 if face else mean(scenario.start_price)), round(accounts)
    lump = None if batch.lump is None else mean(batch.lump)
    if batch.qty is not None:
        qty = mean(batch.qty)
        return qty, 1 if lump is None else math.ceil(qty / lump)
    middle = Decimal(1) if face else _middle(batch, scenario)
    assert batch.notional is not None
    assert lump is not None
    count = max(1, math.floor(mean(batch.notional) / (middle * lump) + Decimal("0.5")))
    return count * lump, count


def _middle(batch: Ladder, scenario: Scenario) -> Decimal:
    """The price at which a ladder's notional is cut into lumps."""
    price = batch.liquidation_price
    if isinstance(price, tuple):
        return (mean(price[0]) + mean(price[1])) / 2
    return mean(price or batch.entry_price or scenario.start_price)
