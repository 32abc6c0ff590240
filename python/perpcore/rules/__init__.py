"""The venues' formulas as vectorised pure functions over numpy arrays, computed in Rust.

In floating point; the engine's own are exact integers (`docs/MODEL.md` section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._arrays import rows, signs
from perpcore.rules.deleveraging import (
    adl_order,
    adl_score,
    adl_threshold,
    deleverage,
    profit_share,
)
from perpcore.rules.funding import (
    average_premium,
    funding_index_delta,
    funding_payment,
    funding_rate,
    interest_rate,
    premium_index,
)
from perpcore.rules.insurance import (
    fund_fee,
    insurance_fund_change,
    liquidation_spread,
    loss_per_unit,
    share_loss,
    take_over,
)
from perpcore.rules.prices import (
    capped_prices,
    composite_price,
    cross_price,
    exponential_average,
    fair_basis,
    fair_basis_rate,
    fair_price,
    impact_notional,
    impact_price,
    index_price,
    limit_step,
    median_price,
    mid_price,
    weighted_price,
)
from perpcore.rules.twap_funding import capped_funding, max_divergence, twap_funding_rate, twap_payment

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from perpcore.venues import MarginTiers

__all__ = [
    "adl_order",
    "adl_score",
    "adl_threshold",
    "average_premium",
    "bankruptcy_price",
    "capped_funding",
    "capped_prices",
    "composite_price",
    "cross_price",
    "deleverage",
    "exponential_average",
    "fair_basis",
    "fair_basis_rate",
    "fair_price",
    "fund_fee",
    "funding_index_delta",
    "funding_payment",
    "funding_rate",
    "impact_notional",
    "impact_price",
    "index_price",
    "insurance_fund_change",
    "interest_rate",
    "limit_step",
    "liquidation_price",
    "liquidation_spread",
    "loss_per_unit",
    "max_divergence",
    "median_price",
    "mid_price",
    "premium_index",
    "profit_share",
    "share_loss",
    "take_over",
    "twap_funding_rate",
    "twap_payment",
    "weighted_price",
]


def liquidation_price(
    *, side: ArrayLike, qty: ArrayLike, entry_price: ArrayLike, margin: ArrayLike, tiers: MarginTiers
) -> Any:
    """Price at which an isolated linear position's equity equals its maintenance margin.

    For a position of size ``q`` and side ``s`` (+1 long, -1 short) in a tier of rate ``r`` and deduction
    ``c``:
    ``(s q entry - margin - c) / (q (s - r))``, in the tier of the notional at that price.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Size in tokens, more than 0.
    entry_price : array_like of float
    margin : array_like of float
        Isolated margin in quote currency.
    tiers : MarginTiers

    Returns
    -------
    float or numpy.ndarray of float64
        Of the arguments' broadcast shape; NaN where no positive price liquidates.

    Raises
    ------
    ScenarioError
        A side that is none, a size that is not positive, an entry or margin that is not finite, shapes that
        do not broadcast.

    References
    ----------
    Binance, "How to Calculate Liquidation Price of USD-M Futures Contracts": LP with one position.
    """
    brackets = [
        (float(floor), float(rate), float(deduction))
        for (floor, rate, _), deduction in zip(tiers.rows, tiers.deductions, strict=True)
    ]
    return _each(_core.liquidation_price, side, qty, entry_price, margin, brackets)


def bankruptcy_price(*, side: ArrayLike, qty: ArrayLike, entry_price: ArrayLike, margin: ArrayLike) -> Any:
    """Price at which nothing of an isolated linear position's margin is left: ``entry - s margin / q``.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Size in tokens, more than 0.
    entry_price : array_like of float
    margin : array_like of float
        Isolated margin in quote currency.

    Returns
    -------
    float or numpy.ndarray of float64
        Of the arguments' broadcast shape.

    Raises
    ------
    ScenarioError
        A side that is none, a size that is not positive, an entry or margin that is not finite, shapes that
        do not broadcast.
    """
    return _each(_core.bankruptcy_price, side, qty, entry_price, margin)


def _each(
    formula: Any, side: ArrayLike, qty: ArrayLike, entry: ArrayLike, margin: ArrayLike, *rest: object
) -> Any:
    (signs_of, size, entries, margins), shape = rows(
        side=signs(side), qty=qty, entry_price=entry, margin=margin
    )
    if not (size > 0).all():
        raise problem("qty", size[~(size > 0)][0], "more than 0")
    prices = formula(signs_of * size, entries, margins, *rest).reshape(shape)
    return prices if shape else float(prices)
