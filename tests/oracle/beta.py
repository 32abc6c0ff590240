"""The regularised incomplete beta function and its inverse, by the power series and by halving."""

from __future__ import annotations

import math
from functools import lru_cache


def beta_cdf(a: float, b: float, x: float) -> float:
    """The share of a beta distribution at or below `x`."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > a / (a + b):
        return 1 - _series(b, a, 1 - x)
    return _series(a, b, x)


def _series(a: float, b: float, x: float) -> float:
    """`x^a (1-x)^b / (a B(a, b))` times `1 + (a+b)/(a+1) x + (a+b)(a+b+1)/((a+1)(a+2)) x^2 + ...`."""
    log_front = (
        math.lgamma(a + b) - math.lgamma(a + 1) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    terms, term, n = [1.0], 1.0, 0
    while term > terms[0] * 1e-19 or n < b:
        term *= (a + b + n) / (a + 1 + n) * x
        terms.append(term)
        n += 1
    return math.exp(log_front) * math.fsum(terms)


@lru_cache(maxsize=20_000)
def beta_quantile(a: float, b: float, u: float) -> float:
    """The `x` at which the share is `u`, as near as doubles are: Newton's steps, halving where they leave."""
    low, high, x = 0.0, 1.0, a / (a + b)
    log_whole = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    for _ in range(100):
        gap = beta_cdf(a, b, x) - u
        low, high = (low, x) if gap > 0 else (x, high)
        density = math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - log_whole)
        step = gap / density if density > 0 else 1.0
        if abs(step) <= 1e-15 * x or abs(gap) <= 4 * math.ulp(u):
            return x - step
        x = x - step if low < x - step < high else (low + high) / 2
    return x
