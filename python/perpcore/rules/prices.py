"""Mark, index and impact prices: what a venue makes of its book and of other markets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import along, chosen, each, one

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def impact_notional(*, base: ArrayLike = 200.0, initial_rate: ArrayLike) -> Any:
    """Notional at which a book's impact prices are read: ``base / initial_rate``.

    Parameters
    ----------
    base : array_like of float, default 200
        Margin that trades it at the highest leverage, in quote currency (Binance: 200).
    initial_rate : array_like of float
        Initial margin rate at that leverage, more than 0.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A rate or base that is not positive.

    References
    ----------
    Binance, "Introduction to Binance Futures Funding Rates": impact margin notional.
    """
    return each(_core.impact_notional, base=base, initial_rate=initial_rate)


def impact_price(*, prices: ArrayLike, sizes: ArrayLike, notional: ArrayLike, thin: str = "nan") -> Any:
    """Mean price of filling a notional along one side of a book.

    Parameters
    ----------
    prices, sizes : array_like of float
        Levels along the last axis, the best first; sizes in tokens.
    notional : array_like of float
        In quote currency, more than 0.
    thin : {"nan", "zero"}
        What a side gives that has less: NaN, or 0 (dYdX v4); `premium_index` takes both for missing.

    Returns
    -------
    float or numpy.ndarray of float64
        ``notional`` over the tokens it fills.

    Raises
    ------
    ScenarioError
        Prices or a notional that are not positive, sizes below 0, another `thin`.

    References
    ----------
    Binance, "Introduction to Binance Futures Funding Rates"; dydxprotocol/v4-chain,
    ``memclob``: impact price.
    """
    zero = chosen("thin", thin, ("nan", "zero")) == "zero"
    levels = {"prices": prices, "sizes": sizes}
    return one(along(_core.impact_price, zero, sequences=levels, notional=notional))


def mid_price(*, bid: ArrayLike, ask: ArrayLike) -> Any:
    """Middle of a book; of impact prices, its impact mid.

    Parameters
    ----------
    bid, ask : array_like of float
        More than 0. They may be crossed, as impact prices of two moments are.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        Prices that are not positive.
    """
    return each(_core.mid_price, bid=bid, ask=ask)


def weighted_price(
    *,
    prices: ArrayLike,
    weights: ArrayLike = 1.0,
    ages: ArrayLike | None = None,
    max_age: ArrayLike | None = None,
    whole: bool = False,
) -> Any:
    """Mean of several sources by weight, along the last axis; the missing and stale ones count for nothing.

    With durations as weights it is a time-weighted average price.

    Parameters
    ----------
    prices : array_like of float
        None or NaN for a source that has none.
    weights : array_like of float, default 1
        0 or more.
    ages, max_age : array_like of float, optional
        In one unit of time, of each source; older than `max_age` is stale.
    whole : bool, default False
        Cut towards zero to whole units (Vega).

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where no source is left.

    Raises
    ------
    ScenarioError
        Weights below 0, ages without a bound or a bound without ages.

    References
    ----------
    Vega specification 0009-MRKP: mark price by weighted average; 0053-PERP: time-weighted averages.
    """
    oldest = _oldest(ages, max_age)
    sources = {"prices": prices, "weights": weights, "ages": 0.0 if ages is None else ages}
    return one(along(_core.weighted_price, whole, sequences=sources, max_age=oldest))


def median_price(*, prices: ArrayLike, weights: ArrayLike = 1.0) -> Any:
    """Median along the last axis, by weight: half of the weight lies on either side.

    Where exactly half lies at or below a price it is the mean of that and the next one. Of three it is the
    mark of Binance and Bybit: of `fair_price` (Price 1), index plus averaged basis (Price 2), and last.

    Parameters
    ----------
    prices : array_like of float
        None or NaN for one that is missing.
    weights : array_like of float, default 1
        0 or more (Hyperliquid: of other venues' perpetuals).

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where none is left.

    Raises
    ------
    ScenarioError
        Weights below 0.

    References
    ----------
    Binance, "Mark price in USD-margined futures"; Hyperliquid documentation, "Robust price indices".
    """
    return one(along(_core.median_price, sequences={"prices": prices, "weights": weights}))


def fair_basis(
    *,
    index_price: ArrayLike,
    funding_rate: ArrayLike,
    hours_to_funding: ArrayLike,
    interval_h: ArrayLike = 8.0,
) -> Any:
    """What funding until the next payment is worth: ``index funding_rate hours_to_funding / interval``.

    Parameters
    ----------
    index_price : array_like of float
        More than 0.
    funding_rate : array_like of float
        Of the interval under way.
    hours_to_funding : array_like of float
        0 or more.
    interval_h : array_like of float, default 8
        More than 0.

    Returns
    -------
    float or numpy.ndarray of float64
        In quote currency.

    Raises
    ------
    ScenarioError
        An index or interval that is not positive, time below 0.

    References
    ----------
    BitMEX, "Fair price marking"; Binance, "Mark price in USD-margined futures": Price 1.
    """
    return each(
        _core.fair_basis,
        index_price=index_price,
        funding_rate=funding_rate,
        hours_to_funding=hours_to_funding,
        interval_h=interval_h,
    )


def fair_price(
    *,
    index_price: ArrayLike,
    funding_rate: ArrayLike,
    hours_to_funding: ArrayLike,
    interval_h: ArrayLike = 8.0,
) -> Any:
    """Index with its fair basis: ``index (1 + funding_rate hours_to_funding / interval)``.

    Arguments of `fair_basis`.

    Returns
    -------
    float or numpy.ndarray of float64
        BitMEX's mark; Binance's and Bybit's Price 1.

    Raises
    ------
    ScenarioError
        As `fair_basis`.
    """
    return each(
        _core.fair_price,
        index_price=index_price,
        funding_rate=funding_rate,
        hours_to_funding=hours_to_funding,
        interval_h=interval_h,
    )


def fair_basis_rate(*, funding_rate: ArrayLike, per_day: ArrayLike = 3.0) -> Any:
    """Funding of a year of 365 days at one rate, not compounded: ``365 per_day funding_rate`` (BitMEX).

    Parameters
    ----------
    funding_rate : array_like of float
        Of one interval.
    per_day : array_like of float, default 3
        Intervals a day, more than 0.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        `per_day` that is not positive.
    """
    return each(_core.fair_basis_rate, funding_rate=funding_rate, per_day=per_day)


def exponential_average(
    *, values: ArrayLike, seconds: ArrayLike, time_constant_s: ArrayLike, kernel: str = "step"
) -> Any:
    """Running average of samples (of the basis, for a mark) that forgets with a time constant.

    Parameters
    ----------
    values : array_like of float
        Samples along the last axis, the oldest first.
    seconds : array_like of float
        Since the sample before, 0 or more.
    time_constant_s : array_like of float
        More than 0; 150 for Hyperliquid's basis.
    kernel : {"step", "time"}
        ``step``: ``a += (1 - exp(-dt / tau)) (x - a)``, from the first sample on. ``time``: sums of ``x dt``
        and of ``dt`` that both decay, one over the other, as Hyperliquid describes its own; early samples
        weigh less there.

    Returns
    -------
    numpy.ndarray of float64
        The average after each sample.

    Raises
    ------
    ScenarioError
        Time below 0, a constant that is not positive, another kernel.

    References
    ----------
    Hyperliquid documentation, "Robust price indices".
    """
    by_time = chosen("kernel", kernel, ("step", "time")) == "time"
    samples = {"values": values, "seconds": seconds}
    return along(_core.exponential_average, by_time, sequences=samples, time_constant_s=time_constant_s)


def composite_price(
    *,
    oracle_price: ArrayLike,
    basis_average: ArrayLike | None = 0.0,
    bid: ArrayLike | None,
    ask: ArrayLike | None,
    last_price: ArrayLike | None,
    others: ArrayLike | None = None,
    book_average: ArrayLike | None = None,
) -> Any:
    """Hyperliquid's mark: the median of three prices.

    Of the oracle with the averaged basis, the book's own median (of best bid, best ask and last), and the
    median of other venues' perpetuals. Where exactly one of the three is missing, the average of the book's
    median stands in for it; where that is missing too, or only one is left, the mean or the one is taken: the
    documentation is silent there.

    Parameters
    ----------
    oracle_price : array_like of float
    basis_average : array_like of float, default 0
        Average of mid minus oracle (`exponential_average`, 150 s).
    bid, ask, last_price : array_like of float or None
    others : array_like of float, optional
        `median_price` of other venues' mids, by weight.
    book_average : array_like of float, optional
        Average of the book's median (30 s).

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where everything is missing.

    Raises
    ------
    ScenarioError
        Prices that are not positive or not finite, shapes that do not broadcast.

    References
    ----------
    Hyperliquid documentation, "Robust price indices": mark price.
    """
    return each(
        _core.composite_price,
        oracle_price=oracle_price,
        basis_average=basis_average,
        bid=bid,
        ask=ask,
        last_price=last_price,
        others=others,
        book_average=book_average,
    )


def limit_step(*, price: ArrayLike, previous: ArrayLike, max_step: ArrayLike) -> Any:
    """A price held to within a share of the one before: ``clamp(price, previous (1 -+ max_step))``.

    Parameters
    ----------
    price, previous : array_like of float
        More than 0.
    max_step : array_like of float
        A share, 0 or more: 0.01 lets a mark or an oracle move 1 % an update.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        Prices that are not positive, a step below 0.
    """
    return each(_core.limit_step, price=price, previous=previous, max_step=max_step)


def capped_prices(*, prices: ArrayLike, cap: ArrayLike, outliers: str = "clamp") -> Any:
    """Sources of an index within a share of their median, along the last axis.

    Parameters
    ----------
    prices : array_like of float
        None or NaN for a source that has none. The median is that of the sources, without weights.
    cap : array_like of float
        0.005 at Deribit, 0.003 at FTX, 0.03 at OKX, 0.05 at Binance.
    outliers : {"clamp", "drop"}
        Beyond it: moved to the bound (Deribit, FTX, OKX), or NaN, out of the index (Binance).

    Returns
    -------
    numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        Prices that are not positive, a cap below 0, another rule for outliers.

    References
    ----------
    Deribit, "Index prices"; OKX, "Index price"; Binance, "What is the price index".
    """
    drop = chosen("outliers", outliers, ("clamp", "drop")) == "drop"
    return along(_core.capped_prices, drop, sequences={"prices": prices}, cap=cap)


def index_price(
    *,
    prices: ArrayLike,
    weights: ArrayLike = 1.0,
    cap: ArrayLike | None = None,
    outliers: str = "clamp",
    ages: ArrayLike | None = None,
    max_age: ArrayLike | None = None,
) -> Any:
    """Index of several spot sources along the last axis: capped at their median, then averaged by weight.

    Stale sources go first, so they move no median; weights are renormalised over what is left.

    Parameters
    ----------
    prices : array_like of float
        None or NaN for a source that has none.
    weights : array_like of float, default 1
        0 or more.
    cap, outliers
        As `capped_prices`; no cap: every source as it is.
    ages, max_age
        As `weighted_price`.

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where no source is left.

    Raises
    ------
    ScenarioError
        As `capped_prices` and `weighted_price`.

    References
    ----------
    Deribit, "Index prices"; OKX, "Index price"; Binance, "What is the price index".
    """
    drop = chosen("outliers", outliers, ("clamp", "drop")) == "drop"
    oldest = _oldest(ages, max_age)
    sources = {"prices": prices, "weights": weights, "ages": 0.0 if ages is None else ages}
    widest: ArrayLike = np.inf if cap is None else cap
    return one(along(_core.index_price, drop, sequences=sources, max_age=oldest, cap=widest))


def cross_price(*, base_price: ArrayLike, quote_price: ArrayLike) -> Any:
    """An index by way of a third currency: ETH in BTC times BTC in USD.

    Parameters
    ----------
    base_price, quote_price : array_like of float
        More than 0.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        Prices that are not positive.

    References
    ----------
    Bybit, "Index price calculation".
    """
    return each(_core.cross_price, base_price=base_price, quote_price=quote_price)


def _oldest(ages: ArrayLike | None, max_age: ArrayLike | None) -> ArrayLike:
    """Age up to which a price counts."""
    if (ages is None) != (max_age is None):
        raise problem("max_age", max_age, "given together with ages, or neither")
    return np.inf if max_age is None else max_age
