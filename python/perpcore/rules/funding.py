"""Funding: from impact prices to a premium, from premiums to a rate, from a rate to what is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import _core
from perpcore._structs import problem, shown
from perpcore.rules._arrays import finite, rows, signs
from perpcore.rules._tables import NO_BOUND, above, along, choice, each, holed, not_below, sequences, shaped

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
    above(index_price=index_price)
    sides = {"impact_bid": holed("impact_bid", impact_bid), "impact_ask": holed("impact_ask", impact_ask)}
    not_below(**sides)
    here = {name: side > 0 for name, side in sides.items()}
    (bid, ask, index, with_bid, with_ask), shape = rows(
        **{name: np.where(here[name], side, 0.0) for name, side in sides.items()},
        index_price=index_price,
        with_bid=here["impact_bid"],
        with_ask=here["impact_ask"],
    )
    bid[with_bid == 0], ask[with_ask == 0] = np.nan, np.nan
    return shaped(_core.premium_index(bid, ask, index, ppm), shape)


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
    choice("weighting", weighting, "plain", "ramp")
    tables = sequences(premiums=premiums)
    finite("premiums", tables["premiums"])
    ramp = weighting == "ramp"
    if ramp and expected is not None:
        raise problem("expected", shown(expected), 'nothing where weighting is "ramp"')
    if ramp and not tables["premiums"].shape[-1]:
        raise problem("premiums", "[]", "at least one sample for a ramp")
    least: ArrayLike = 0.0 if expected is None else expected
    not_below(expected=least)
    (flat,), (needed,), lead, _ = along(tables, {"expected": least})
    return shaped(_core.average_premium(flat, needed, ramp, whole), lead)


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
    above(per_day=per_day)
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
    most: ArrayLike = NO_BOUND if cap is None else cap
    not_below(clamp=clamp, cap=most)
    above(divisor=divisor)
    return each(
        _core.funding_rate, premium=premium, interest=interest, clamp=clamp, divisor=divisor, cap=most
    )


def funding_payment(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    price: ArrayLike,
    rate: ArrayLike,
    share: ArrayLike = 1.0,
    contract: str = "linear",
) -> Any:
    """Cash that a position receives: ``-side qty price rate share``, or ``qty / price`` if inverse.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Tokens; for an inverse contract its size in quote currency. 0 or more.
    price : array_like of float
        Mark price (Binance, Bybit, OKX, BitMEX) or oracle price (Hyperliquid, dYdX), more than 0.
    rate : array_like of float
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
    choice("contract", contract, "linear", "inverse")
    not_below(qty=qty)
    above(price=price)
    (sign, size, at, paid, part), shape = rows(side=signs(side), qty=qty, price=price, rate=rate, share=share)
    return shaped(_core.funding_payment(sign * size, at, paid, part, contract == "inverse"), shape)


def funding_index_delta(
    *,
    samples: ArrayLike,
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
    samples : array_like of float
        Premiums in parts a million of a rate of eight hours, along the last axis.
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
    most: ArrayLike = NO_BOUND if cap is None else cap
    not_below(cap=most)
    above(price=price, hours=hours, units=units)
    average = average_premium(premiums=samples, expected=expected, whole=True)
    return each(
        _core.funding_index_delta,
        samples=average + finite("default", default),
        cap=most,
        price=price,
        hours=hours,
        units=units,
    )
