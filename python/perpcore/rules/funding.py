"""Funding: from impact prices to a premium, from premiums to a rate, from a rate to what is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import _core
from perpcore._structs import problem, shown
from perpcore.rules._columns import Contract, along, chosen, each, is_inverse, one

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def premium_index(
    *,
    impact_bid: ArrayLike | None = None,
    impact_ask: ArrayLike | None = None,
    index_price: ArrayLike,
    ppm: bool = False,
) -> Any:
    """Premium of a book over its index: ``(max(0, bid - index) - max(0, index - ask)) / index``.

    Parameters
    ----------
    impact_bid, impact_ask : array_like of float, optional
        Impact prices (`impact_price`), 0 or more. A side that is missing (None, NaN, 0) adds nothing.
    index_price : array_like of float
        More than 0.
    ppm : bool, default False
        In whole parts a million, cut towards zero, as dYdX v4 keeps its samples.

    Returns
    -------
    float or numpy.ndarray of float64
        A share of the index, or parts a million.

    Raises
    ------
    ScenarioError
        An index that is not positive, a price below 0, numbers that are not finite,
        shapes that do not broadcast.

    References
    ----------
    Binance, "Introduction to Binance Futures Funding Rates"; Hyperliquid documentation, "Funding" (with the
    oracle price as the index); dYdX v4 chain, ``GetPricePremium``.
    """
    sides = {"impact_bid": impact_bid, "impact_ask": impact_ask}
    return each(_core.premium_index, ppm, **sides, index_price=index_price)


def average_premium(
    *, premiums: ArrayLike, weighting: str = "plain", expected: ArrayLike | None = None, whole: bool = False
) -> Any:
    """Average of an interval's premiums, samples along the last axis.

    Parameters
    ----------
    premiums : array_like of float
        Oldest first.
    weighting : {"plain", "ramp"}
        ``ramp``: the k-th sample counts k times (Binance, Bybit).
    expected : array_like of float, optional
        Samples an interval should have; what is missing counts as 0 (dYdX v4). With ``plain`` only: no venue
        says where in a ramp a missing sample would stand.
    whole : bool, default False
        Cut towards zero, for samples in parts a million.

    Returns
    -------
    float or numpy.ndarray of float64
        0 for no samples at all.

    Raises
    ------
    ScenarioError
        Another weighting, `expected` below 0 or with a ramp, a ramp over no samples.

    References
    ----------
    Binance, "Introduction to Binance Futures Funding Rates": the time-weighted average of the premium index;
    dYdX v4 chain, ``x/perpetuals``: premium samples, padded up to ``MinNumVotesPerSample``.
    """
    ramp = chosen("weighting", weighting, ("plain", "ramp")) == "ramp"
    if ramp and expected is not None:
        raise problem("expected", shown(expected), 'nothing where weighting is "ramp"')
    if ramp and np.shape(premiums)[-1:] == (0,):
        raise problem("premiums", "[]", "at least one sample for a ramp")
    least: ArrayLike = 0.0 if expected is None else expected
    given = {"premiums": premiums}
    return one(along(_core.average_premium, ramp, whole, sequences=given, expected=least))


def interest_rate(*, quote_rate: ArrayLike, base_rate: ArrayLike, per_day: ArrayLike = 3.0) -> Any:
    """Interest of one funding interval: ``(quote_rate - base_rate) / per_day``.

    Parameters
    ----------
    quote_rate, base_rate : array_like of float
        Of a day, as shares.
    per_day : array_like of float, default 3
        Funding intervals a day.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        `per_day` that is not positive.

    References
    ----------
    Bybit, "Funding fee calculation"; BitMEX, "Perpetual contracts guide".
    """
    return each(_core.interest_rate, quote_rate=quote_rate, base_rate=base_rate, per_day=per_day)


def funding_rate(
    *,
    premium: ArrayLike,
    interest: ArrayLike = 0.0,
    clamp: ArrayLike = 0.0,
    divisor: ArrayLike = 1.0,
    cap: ArrayLike | None = None,
) -> Any:
    """Funding rate: ``(premium + clamp(interest - premium, -clamp, clamp)) / divisor``, within ``+-cap``.

    Where premium and interest are less than `clamp` apart it is the interest: the flat zone. With no
    interest this is Deribit's dead band, ``max(b, premium) + min(-b, premium)``: 0 within it,
    beyond it what is beyond.

    Parameters
    ----------
    premium : array_like of float
        Average premium of the interval.
    interest : array_like of float, default 0
        Of the same interval.
    clamp : array_like of float, default 0
        Half of the flat zone, 0 or more: 0.0005 at Binance, Bybit and Hyperliquid, 0.00025 at Deribit.
    divisor : array_like of float, default 1
        What is paid at once: 8 for an eighth an hour (Hyperliquid), 24 for a day's premium (Kraken), 2 for
        Binance's intervals of four hours.
    cap : array_like of float, optional
        Bound of the rate that is paid, after the divisor: that is how Hyperliquid (4 % an hour) and Kraken
        (0.25 % an hour) state theirs. For a cap before it, pass ``cap / divisor``.

    Returns
    -------
    float or numpy.ndarray of float64
        What longs pay shorts, as a share of the notional.

    Raises
    ------
    ScenarioError
        A clamp or cap below 0, a divisor that is not positive.

    References
    ----------
    Binance, "Introduction to Binance Futures Funding Rates"; Hyperliquid documentation, "Funding"; Deribit,
    "Inverse perpetual"; Kraken Futures, "Funding rates".
    """
    most: ArrayLike = np.inf if cap is None else cap
    return each(
        _core.funding_rate, premium=premium, interest=interest, clamp=clamp, divisor=divisor, cap=most
    )


def funding_payment(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    price: ArrayLike,
    funding_rate: ArrayLike,
    share: ArrayLike = 1.0,
    contract: Contract = "linear",
) -> Any:
    """Cash that a position receives: ``-side qty price funding_rate share``, or ``qty / price`` if inverse.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Tokens; for an inverse contract its size in quote currency. 0 or more.
    price : array_like of float
        Mark price (Binance, Bybit, OKX, BitMEX) or oracle price (Hyperliquid, dYdX), more than 0.
    funding_rate : array_like of float
        What longs pay.
    share : array_like of float, default 1
        Of the interval that the position was held, for venues that settle continuously.
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        In quote currency, or in coin for an inverse contract; below 0 where it pays.

    Raises
    ------
    ScenarioError
        A side that is none, a size below 0, a price that is not positive, another contract.

    References
    ----------
    Binance, "Introduction to Binance Futures Funding Rates"; Kraken Futures, "Funding rates" (inverse).
    """
    given = {"side": side, "qty": qty, "price": price, "funding_rate": funding_rate, "share": share}
    return each(_core.funding_payment, is_inverse(contract), **given)


def funding_index_delta(
    *,
    premiums: ArrayLike,
    price: ArrayLike,
    expected: ArrayLike = 0.0,
    default: ArrayLike = 0.0,
    cap: ArrayLike | None = None,
    hours: ArrayLike = 1.0,
    units: ArrayLike = 100.0,
) -> Any:
    """What dYdX v4's cumulative funding index gains in a funding tick, in integers.

    ``clamp(average + default, +-cap) price hours units / 8``, each division cut towards zero; the average is
    padded with zeros (`average_premium`).

    Parameters
    ----------
    premiums : array_like of float
        In parts a million of a rate of eight hours, along the last axis.
    price : array_like of float
        Oracle price, more than 0.
    expected : array_like of float, default 0
        Samples a tick should have.
    default : array_like of float, default 0
        The market's default funding, in parts a million.
    cap : array_like of float, optional
        In parts a million: 6 (initial - maintenance margin rate).
    hours : array_like of float, default 1
        Length of the tick.
    units : array_like of float, default 100
        Index units for one of quote currency a token: 100 for BTC, whose atoms are 1e-10.

    Returns
    -------
    float or numpy.ndarray of float64
        A whole number.

    Raises
    ------
    ScenarioError
        A price, hours or units that are not positive, a cap or `expected` below 0.

    References
    ----------
    dydxprotocol/v4-chain, ``x/perpetuals/keeper/perpetual.go``: ``MaybeProcessNewFundingTickEpoch``.
    """
    return each(
        _core.funding_index_delta,
        premium=average_premium(premiums=premiums, expected=expected, whole=True),
        default=default,
        cap=np.inf if cap is None else cap,
        price=price,
        hours=hours,
        units=units,
    )
