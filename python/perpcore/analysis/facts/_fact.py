"""One measured figure of a market, with its interval and the words that define it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure that was measured, and how sure it is.

    Attributes
    ----------
    name : str
        What it is called.
    value : float
        The estimate.
    low, high : float
        Ends of its interval; nan where there is none.
    n : int
        Observations it was measured on.
    definition : str
        What was measured and how, in one line.
    confidence : float
        Of the interval.

    Examples
    --------
    >>> Fact("hill", 3.02, 2.71, 3.33, 360, "Hill exponent of |r| beyond its 1 % tail")
    hill 3.02 [2.71, 3.33], 95 %, n = 360: Hill exponent of |r| beyond its 1 % tail
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    definition: str
    confidence: float = 0.95

    def __repr__(self) -> str:
        interval = f"[{self.low:.4g}, {self.high:.4g}], {100 * self.confidence:.4g} %"
        return f"{self.name} {self.value:.4g} {interval}, n = {self.n:,}: {self.definition}"
