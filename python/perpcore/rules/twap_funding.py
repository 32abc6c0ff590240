"""Funding of venues on chains that pay a difference of averages: Drift and Vega."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import chosen, each, numbers, several

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# One over the share of the oracle price that Drift's average may be away from it.
DRIFT_TIERS = {"A": 33, "B": 33, "C": 20, "Speculative": 10, "HighlySpeculative": 10, "Isolated": 10}


class TwapFunding(NamedTuple):
    """What a long pays a token (`payment`), and the same over the external average (`rate`)."""

    payment: Any
    rate: Any


class CappedFunding(NamedTuple):
    """Rates a token for longs and for shorts, and the pool afterwards."""

    long_rate: Any
    short_rate: Any
    pool: Any


def max_divergence(*, oracle_twap: ArrayLike, tier: str | float, whole: bool = False) -> Any:
    """How far Drift's average mark counts as being from the oracle: a share of the oracle, by contract tier.

    Parameters
    ----------
    oracle_twap : array_like of float
        More than 0.
    tier : {"A", "B", "C", "Speculative", "HighlySpeculative", "Isolated"} or float
        1/33 for A and B, 1/20 for C, else 1/10; or what to divide by.
    whole : bool, default False
        Cut to whole units.

    Returns
    -------
    float or numpy.ndarray of float64
        In the oracle's units.

    Raises
    ------
    ScenarioError
        A tier that is none, a divisor or an average that is not positive.

    References
    ----------
    drift-labs/protocol-v2, ``get_max_price_divergence_for_funding_rate``.
    """
    if isinstance(tier, str):
        tier = DRIFT_TIERS[chosen("tier", tier, tuple(DRIFT_TIERS))]
    return each(_core.max_divergence, whole, oracle_twap=oracle_twap, tier=tier)


def twap_funding_rate(
    *,
    mark_twap: ArrayLike,
    oracle_twap: ArrayLike,
    limit: ArrayLike | None = None,
    hours: ArrayLike = 1.0,
    offset: ArrayLike = 0.0,
    buffer: ArrayLike = 1.0,
    whole: bool = False,
) -> Any:
    """Funding a token from two averages: ``clamp(mark - oracle + offset oracle, +-limit) hours / 24``.

    Parameters
    ----------
    mark_twap, oracle_twap : array_like of float
        Averages of the period.
    limit : array_like of float, optional
        Bound of the difference, in their units (`max_divergence`).
    hours : array_like of float, default 1
        Length of the period: a difference is paid off in a day.
    offset : array_like of float, default 0
        Share of the oracle that is added: 1/5000 in Drift's later versions, none in the first.
    buffer : array_like of float, default 1
        Units of the rate in one of the prices: 1000 for Drift's nine digits over its six.
    whole : bool, default False
        Limit and rate cut to whole units, as the programme's integers are.

    Returns
    -------
    float or numpy.ndarray of float64
        What longs pay a token, in quote currency.

    Raises
    ------
    ScenarioError
        A limit below 0, hours or a buffer that are not positive.

    References
    ----------
    drift-labs/protocol-v2, ``controller/funding.rs``.
    """
    return each(
        _core.twap_funding_rate,
        whole,
        mark_twap=mark_twap,
        oracle_twap=oracle_twap,
        limit=np.inf if limit is None else limit,
        hours=hours,
        offset=offset,
        buffer=buffer,
    )


def twap_payment(
    *,
    internal_twap: ArrayLike,
    external_twap: ArrayLike,
    interest: ArrayLike = 0.0,
    years: ArrayLike = 0.0,
    clamp: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    scaling: ArrayLike = 1.0,
    lower_rate: ArrayLike | None = None,
    upper_rate: ArrayLike | None = None,
    whole: bool = False,
) -> TwapFunding:
    """Vega's payment a token: ``f - s + clamp((1 + t i) s - f, lo s, hi s)``, scaled, then bounded.

    Parameters
    ----------
    internal_twap, external_twap : array_like of float
        f, the perpetual's average, and s, that of what it follows (more than 0).
    interest : array_like of float, default 0
        i, of a year.
    years : array_like of float, default 0
        t, the length of the period.
    clamp : pair of array_like of float, default (0, 0)
        lo and hi, bounds of the interest term as shares of s.
    scaling : array_like of float, default 1
    lower_rate, upper_rate : array_like of float, optional
        Bounds of payment / s. They hold after the scaling: the specification lists them in that order.
    whole : bool, default False
        Payment cut to whole units.

    Returns
    -------
    TwapFunding
        ``payment``, which longs pay a token, and ``rate``, payment / s.

    Raises
    ------
    ScenarioError
        Bounds in the wrong order, an external average that is not positive, numbers that are not finite.

    References
    ----------
    Vega specification 0053-PERP, "Funding payment calculation".
    """
    low, high = (
        (-np.inf if lower_rate is None else lower_rate),
        (np.inf if upper_rate is None else upper_rate),
    )
    for name, lower, upper in (("clamp", *clamp), ("lower_rate", low, high)):
        if np.any(beyond := np.greater(numbers(name, lower), numbers(name, upper))):
            first = np.broadcast_to(numbers(name, lower), beyond.shape)[beyond].ravel()[0]
            raise problem(name, first, "not above the upper bound")
    found = several(
        2,
        _core.twap_payment,
        whole,
        internal_twap=internal_twap,
        external_twap=external_twap,
        interest=interest,
        years=years,
        clamp_low=clamp[0],
        clamp_high=clamp[1],
        scaling=scaling,
        lower_rate=low,
        upper_rate=high,
    )
    return TwapFunding(*found)


def capped_funding(
    *,
    long_qty: ArrayLike,
    short_qty: ArrayLike,
    rate: ArrayLike,
    pool: ArrayLike,
    pool_floor: ArrayLike = 0.0,
    share: ArrayLike = 1 / 3,
) -> CappedFunding:
    """Funding between sides of unequal size with a pool between: Drift's capped payout.

    The pool pays what receivers are owed beyond what payers pay, at most `share` of what it holds above its
    floor; beyond that receivers get less a token. What payers pay too much it keeps.

    Parameters
    ----------
    long_qty, short_qty : array_like of float
        Open tokens of each side, 0 or more.
    rate : array_like of float
        What longs pay a token, in quote currency.
    pool, pool_floor : array_like of float
        In quote currency.
    share : array_like of float, default 1/3

    Returns
    -------
    CappedFunding
        ``long_rate``, ``short_rate``, ``pool``.

    Raises
    ------
    ScenarioError
        Sizes, a floor or a share below 0.

    References
    ----------
    drift-labs/protocol-v2, ``math/funding.rs``: ``calculate_funding_rate_long_short``.
    """
    given = {"long_qty": long_qty, "short_qty": short_qty, "rate": rate, "pool": pool}
    found = several(3, _core.capped_funding, **given, pool_floor=pool_floor, share=share)
    return CappedFunding(*found)
