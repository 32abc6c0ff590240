"""Distributions (MODEL section 9): quantile and distribution functions, their ends, tables of 4,096 points.

Everything here is in doubles, computed as the text writes it. Laws are frozen: a table is kept for each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, Protocol

from .beta import beta_cdf, beta_quantile
from .units import exact, required, table

POINTS = 4096
FAR = 1e-9
STANDARD = NormalDist()


class Law(Hashable, Protocol):
    """A quantile function, a distribution function, and the ends that the law names itself."""

    def quantile(self, u: float) -> float: ...
    def cdf(self, x: float) -> float: ...
    def named_ends(self) -> tuple[float | None, float | None]: ...


@dataclass(frozen=True)
class Number:
    """A number where a law might stand."""

    value: float

    def quantile(self, u: float) -> float:  # noqa: ARG002
        return self.value

    def cdf(self, x: float) -> float:
        return 1.0 if x >= self.value else 0.0

    def named_ends(self) -> tuple[float | None, float | None]:
        return self.value, self.value


@dataclass(frozen=True)
class Uniform:
    low: float
    high: float

    def quantile(self, u: float) -> float:
        return self.low + u * (self.high - self.low)

    def cdf(self, x: float) -> float:
        return min(max((x - self.low) / (self.high - self.low), 0.0), 1.0)

    def named_ends(self) -> tuple[float | None, float | None]:
        return self.low, self.high


@dataclass(frozen=True)
class Normal:
    mean: float
    sd: float

    def quantile(self, u: float) -> float:
        return self.mean + self.sd * STANDARD.inv_cdf(u)

    def cdf(self, x: float) -> float:
        return phi((x - self.mean) / self.sd)

    def named_ends(self) -> tuple[float | None, float | None]:
        return None, None


@dataclass(frozen=True)
class LogNormal:
    median: float
    sigma: float

    def quantile(self, u: float) -> float:
        return self.median * math.exp(self.sigma * STANDARD.inv_cdf(u))

    def cdf(self, x: float) -> float:
        return phi(math.log(x / self.median) / self.sigma) if x > 0 else 0.0

    def named_ends(self) -> tuple[float | None, float | None]:
        return 0.0, None


@dataclass(frozen=True)
class Exponential:
    mean: float

    def quantile(self, u: float) -> float:
        return -self.mean * math.log(1 - u)

    def cdf(self, x: float) -> float:
        return -math.expm1(-x / self.mean) if x > 0 else 0.0

    def named_ends(self) -> tuple[float | None, float | None]:
        return 0.0, None


@dataclass(frozen=True)
class Pareto:
    low: float
    alpha: float

    def quantile(self, u: float) -> float:
        return float(self.low * (1 - u) ** (-1 / self.alpha))

    def cdf(self, x: float) -> float:
        return float(1 - (self.low / x) ** self.alpha) if x > self.low else 0.0

    def named_ends(self) -> tuple[float | None, float | None]:
        return self.low, None


@dataclass(frozen=True)
class Beta:
    alpha: float
    beta: float
    low: float
    high: float

    def quantile(self, u: float) -> float:
        return self.low + (self.high - self.low) * beta_quantile(self.alpha, self.beta, u)

    def cdf(self, x: float) -> float:
        return beta_cdf(self.alpha, self.beta, (x - self.low) / (self.high - self.low))

    def named_ends(self) -> tuple[float | None, float | None]:
        return self.low, self.high


@dataclass(frozen=True)
class Trapezoid:
    a: float
    b: float
    c: float
    d: float

    @property
    def height(self) -> float:
        return 2 / (self.d + self.c - self.a - self.b)

    def quantile(self, u: float) -> float:
        rising = self.height * (self.b - self.a) / 2
        falling = self.height * (self.d - self.c) / 2
        if u < rising:
            return self.a + math.sqrt(2 * u * (self.b - self.a) / self.height)
        if u > 1 - falling:
            return self.d - math.sqrt(2 * (1 - u) * (self.d - self.c) / self.height)
        return self.b + (u - rising) / self.height

    def cdf(self, x: float) -> float:
        if x <= self.a or x >= self.d:
            return float(x >= self.d)
        if x < self.b:
            return self.height * (x - self.a) ** 2 / (2 * (self.b - self.a))
        if x > self.c:
            return 1 - self.height * (self.d - x) ** 2 / (2 * (self.d - self.c))
        return self.height * ((self.b - self.a) / 2 + x - self.b)

    def named_ends(self) -> tuple[float | None, float | None]:
        return self.a, self.d


@dataclass(frozen=True)
class Choice:
    """Values in rising order, each with its weight."""

    rows: tuple[tuple[float, float], ...]

    def quantile(self, u: float) -> float:
        aim = u * sum(weight for _, weight in self.rows)
        reached = 0.0
        for value, weight in self.rows:
            reached += weight
            if reached >= aim:
                return value
        return self.rows[-1][0]

    def cdf(self, x: float) -> float:
        total = sum(weight for _, weight in self.rows)
        return sum(weight for value, weight in self.rows if value <= x) / total

    def named_ends(self) -> tuple[float | None, float | None]:
        return self.rows[0][0], self.rows[-1][0]


@dataclass(frozen=True)
class Empirical:
    """Values in rising order, each as likely as the others."""

    values: tuple[float, ...]

    def quantile(self, u: float) -> float:
        return self.values[max(math.ceil(u * len(self.values)) - 1, 0)]

    def cdf(self, x: float) -> float:
        return sum(value <= x for value in self.values) / len(self.values)

    def named_ends(self) -> tuple[float | None, float | None]:
        return self.values[0], self.values[-1]


@dataclass(frozen=True)
class Mixture:
    """Components in the order written, each with its weight."""

    rows: tuple[tuple[Law, float], ...]

    def quantile(self, u: float) -> float:
        total = sum(weight for _, weight in self.rows)
        aim, before = u * total, 0.0
        for law, weight in self.rows:
            if aim < before + weight:
                return law.quantile((aim - before) / weight)
            before += weight
        raise AssertionError("u is below 1")

    def cdf(self, x: float) -> float:
        total = sum(weight for _, weight in self.rows)
        return sum(weight * law.cdf(x) for law, weight in self.rows) / total

    def named_ends(self) -> tuple[float | None, float | None]:
        ends_of = [ends(law) for law, _ in self.rows]
        return min(low for low, _ in ends_of), max(high for _, high in ends_of)


@dataclass(frozen=True)
class Cut:
    """A law between two bounds: its `u` runs from F(low) to F(high)."""

    law: Law
    low: float | None
    high: float | None

    @property
    def shares(self) -> tuple[float, float]:
        return (
            0.0 if self.low is None else self.law.cdf(self.low),
            1.0 if self.high is None else self.law.cdf(self.high),
        )

    def quantile(self, u: float) -> float:
        first, last = self.shares
        return self.law.quantile(first + u * (last - first))

    def cdf(self, x: float) -> float:
        first, last = self.shares
        return min(max((self.law.cdf(x) - first) / (last - first), 0.0), 1.0)

    def named_ends(self) -> tuple[float | None, float | None]:
        low, high = self.law.named_ends()
        return (low if self.low is None else self.low), (high if self.high is None else self.high)


def phi(z: float) -> float:
    """The distribution function of the standard normal."""
    return math.erfc(-z / math.sqrt(2)) / 2


def ends(law: Law) -> tuple[float, float]:
    """The ends of a law; in place of an infinite one its quantile at 1e-9 or 1 - 1e-9."""
    low, high = law.named_ends()
    return (
        law.quantile(FAR) if low is None else low,
        law.quantile(1 - FAR) if high is None else high,
    )


@lru_cache(maxsize=256)
def points(law: Law) -> tuple[float, ...]:
    """The quantiles at `(m + 1/2) / 4096`, rising (those of a mixture are not by themselves)."""
    return tuple(sorted(law.quantile((m + 0.5) / POINTS) for m in range(POINTS)))


def is_distribution(value: object) -> bool:
    """Whether a value of the scenario is a distribution."""
    return isinstance(value, Mapping) and "dist" in value


KEYS = {
    "uniform": "low high",
    "normal": "mean sd low high",
    "log_normal": "median sigma low high",
    "exponential": "mean low high",
    "pareto": "low alpha high",
    "beta": "alpha beta low high",
    "trapezoid": "a b c d",
    "choice": "values weights",
    "empirical": "values",
    "mixture": "components weights",
}


def parse_law(value: Any, name: str) -> Law:
    """A number or a distribution as a law."""
    if not is_distribution(value):
        return Number(float(exact(value, name)))
    kind = value["dist"]
    if kind not in KEYS:
        raise ValueError(f"{name}.dist: {kind!r}")
    entry = table(value, name, ("dist", *KEYS[kind].split()))
    if kind in ("choice", "empirical", "mixture"):
        return _from_lists(kind, entry, name)
    numbers = {key: float(exact(entry[key], f"{name}.{key}")) for key in entry if key != "dist"}
    if kind == "beta":
        numbers = {"low": 0.0, "high": 1.0} | numbers
    law, cut = _from_numbers(kind, numbers, name)
    if cut == (None, None):
        return law
    first, last = Cut(law, *cut).shares
    if first >= last:
        raise ValueError(f"{name}: nothing is between low and high")
    return Cut(law, *cut)


def _from_numbers(
    kind: str, numbers: dict[str, float], name: str
) -> tuple[Law, tuple[float | None, float | None]]:
    cuts = {"normal": "low high", "log_normal": "low high", "exponential": "low high", "pareto": "high"}
    cut = {key: numbers.pop(key, None) for key in cuts.get(kind, "").split()}
    missing = set(KEYS[kind].split()) - set(cut) - set(numbers)
    if missing:
        raise ValueError(f"{name}: {sorted(missing)} missing")
    known = {
        "uniform": Uniform, "normal": Normal, "log_normal": LogNormal, "exponential": Exponential,
        "pareto": Pareto, "beta": Beta, "trapezoid": Trapezoid,
    }  # fmt: skip
    law: Law = known[kind](**numbers)
    if isinstance(law, Trapezoid):
        sound = law.a <= law.b <= law.c <= law.d and law.a < law.d
    else:
        positive = ("sd", "median", "sigma", "alpha", "beta") + (() if kind != "exponential" else ("mean",))
        positive += ("low",) if kind == "pareto" else ()
        sound = all(numbers[key] > 0 for key in positive if key in numbers)
        if kind in ("uniform", "beta"):
            sound = sound and numbers["low"] < numbers["high"]
    if not sound:
        raise ValueError(f"{name}: no such {kind} distribution")
    return law, (cut.get("low"), cut.get("high"))


def _from_lists(kind: str, entry: Mapping[str, Any], name: str) -> Law:
    things = required(entry, "components" if kind == "mixture" else "values", name)
    weights = entry.get("weights")
    if kind == "mixture" and weights is None:
        raise ValueError(f"{name}.weights: missing")
    if not things or (weights is not None and len(weights) != len(things)):
        raise ValueError(f"{name}: a weight for each")
    shares = [1.0] * len(things) if weights is None else [float(exact(w, f"{name}.weights")) for w in weights]
    if min(shares) <= 0:
        raise ValueError(f"{name}.weights: not positive")
    if kind == "mixture":
        laws = [parse_law(thing, f"{name}.components[{i}]") for i, thing in enumerate(things)]
        return Mixture(tuple(zip(laws, shares, strict=True)))
    values = [float(exact(thing, f"{name}.values")) for thing in things]
    if kind == "empirical":
        return Empirical(tuple(sorted(values)))
    rows = sorted(zip(values, shares, strict=True))
    if any(one[0] == other[0] for one, other in itertools.pairwise(rows)):
        raise ValueError(f"{name}.values: one twice")
    return Choice(tuple(rows))
