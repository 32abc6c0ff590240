"""How much of a position is closed, at which price, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import each, numbers, scalar

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MAX_SLICES = 1_000_000


def quantity_to_tier(*, qty: ArrayLike, max_qty: ArrayLike) -> Any:
    """What must be closed so that the rest fits a lower tier: ``max(0, q - max_qty)``.

    Parameters
    ----------
    qty : array_like of float
        Size of the position, in the tiers' unit.
    max_qty : array_like of float
        Largest size in the tier that it goes back to. OKX cuts two tiers at a time until the margin ratio is
        safe: the tier two below the present one, then on.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A size below 0, shapes that do not broadcast.

    References
    ----------
    OKX, "Liquidation": partial liquidation.
    """
    return each(_core.quantity_to_tier, qty=qty, max_qty=max_qty)


def quantity_to_cover(
    *,
    shortage: ArrayLike,
    margin_rate: ArrayLike,
    price: ArrayLike,
    liquidator_fee_rate: ArrayLike = 0.0,
    fund_fee_rate: ArrayLike = 0.0,
    quote_price: ArrayLike = 1.0,
) -> Any:
    """What must be closed so that the margin it frees, less fees, covers a shortage.

    ``shortage / (price quote_price (margin_rate - liquidator_fee_rate - fund_fee_rate))``.

    Parameters
    ----------
    shortage : array_like of float
        Requirement less equity.
    margin_rate : array_like of float
        Of the requirement that must hold afterwards, a buffer above maintenance counted.
    price : array_like of float
        Oracle price.
    liquidator_fee_rate, fund_fee_rate : array_like of float
        Rates on what is closed, for who closes and for the insurance fund.
    quote_price : array_like of float
        Of the currency that the margin is in.

    Returns
    -------
    float or numpy.ndarray of float64
        In tokens; 0 where nothing is short, infinite where the fees eat what is freed. It can be more than
        the position.

    Raises
    ------
    ScenarioError
        A price of 0 or less, rates below 0, shapes that do not broadcast.

    References
    ----------
    Drift v2, "Liquidations": base asset amount to cover a margin shortage.
    """
    return each(
        _core.quantity_to_cover,
        shortage=shortage,
        margin_rate=margin_rate,
        price=price,
        liquidator_fee_rate=liquidator_fee_rate,
        fund_fee_rate=fund_fee_rate,
        quote_price=quote_price,
    )


def after_takeover(
    *,
    balance: float,
    side: ArrayLike,
    qty: float,
    closed: float,
    price: float,
    liquidator_fee_rate: float = 0.0,
    fund_fee_rate: float = 0.0,
) -> dict[str, float]:
    """An account after a liquidator took a part of its position over at a discount.

    The liquidator pays ``price (1 - s liquidator_fee_rate)``, the fund gets its rate of the worth at `price`.

    Parameters
    ----------
    balance : float
        Quote currency after buying a long or selling a short.
    side : {"long", "short", 1, -1}
    qty : float
        Size of the position.
    closed : float
        What is taken over; no more than there is.
    price : float
        Oracle price.
    liquidator_fee_rate, fund_fee_rate : float
        Rates.

    Returns
    -------
    dict of str to float
        ``qty`` and ``balance`` that are left, ``liquidator_balance``: what the liquidator's changed by, and
        ``fund``: what the insurance fund got.

    Raises
    ------
    ScenarioError
        A size below 0, a price of 0 or less, rates below 0.

    References
    ----------
    Drift v2, "Liquidations".
    """
    taken = min(scalar("closed", closed), scalar("qty", qty))
    discount, rate = (
        scalar("liquidator_fee_rate", liquidator_fee_rate),
        scalar("fund_fee_rate", fund_fee_rate),
    )
    worth = each(_core.signed_worth, side=side, qty=taken, price=price)
    paid, fund = worth - discount * abs(worth), rate * abs(worth)
    left = {"qty": qty - taken, "balance": float(numbers("balance", balance)) + paid - fund}
    return {**left, "liquidator_balance": -paid, "fund": fund}


def disposal_slices(
    *, qty: float, fraction: float, full_size: float, max_slice: float
) -> NDArray[np.float64]:
    """Slices in which a position that was taken over is given away, one after the other.

    Each is a fraction of what is left, rounded up to whole units; all of it from `full_size` down; never more
    than `max_slice`.

    Parameters
    ----------
    qty : float
        Size of the position.
    fraction : float
        Above 0, at most 1.
    full_size : float
        What is left is one slice from here down.
    max_slice : float
        Largest slice: a share of the book's volume.

    Returns
    -------
    numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A fraction or largest slice of 0, or more than a million slices.

    References
    ----------
    Vega protocol, "Liquidation strategy": disposal fraction, full disposal size, maximum fraction consumed.
    """
    size, full = scalar("qty", qty), scalar("full_size", full_size)
    share, most = scalar("fraction", fraction), scalar("max_slice", max_slice)
    if not 0 < share <= 1:
        raise problem("fraction", fraction, "above 0, at most 1")
    if not most > 0 or size / most > MAX_SLICES or size * share > MAX_SLICES * most:
        raise problem("max_slice", max_slice, f"more than 0, and no more than {MAX_SLICES:,} slices")
    return np.array(_core.disposal_slices(size, share, full, most))


def disposal_pnl(
    *, side: ArrayLike, slices: ArrayLike, takeover_price: ArrayLike, fill_price: ArrayLike
) -> NDArray[np.float64]:
    """Profit of who takes a position over and gives it away in slices, summed up after each.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
        Of the position.
    slices : array_like of float
        As `disposal_slices` gives them.
    takeover_price, fill_price : array_like of float

    Returns
    -------
    numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A side that is none, a slice below 0, prices of 0 or less, shapes that do not broadcast.
    """
    made = each(
        _core.unrealised_pnl,
        False,
        side=side,
        qty=slices,
        entry_price=takeover_price,
        mark_price=fill_price,
        contract_size=1.0,
    )
    return np.asarray(np.cumsum(np.atleast_1d(made), axis=-1))


def fund_fee_rate(
    *,
    maintenance_rate: ArrayLike,
    liquidator_fee_rate: ArrayLike,
    shortage: ArrayLike,
    notional: ArrayLike,
    max_fee_rate: ArrayLike,
    share: ArrayLike = 0.95,
) -> Any:
    """The insurance fund's rate: a share of what the margin leaves after the liquidator and the shortage.

    ``share (maintenance_rate - liquidator_fee_rate - shortage / notional)``, between 0 and `max_fee_rate`.

    Parameters
    ----------
    maintenance_rate : array_like of float
        Maintenance margin rate.
    liquidator_fee_rate : array_like of float
    shortage : array_like of float
        Requirement less equity.
    notional : array_like of float
        Of the position, more than 0.
    max_fee_rate : array_like of float
    share : array_like of float
        Drift's is 0.95.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A notional of 0 or less, rates below 0, shapes that do not broadcast.

    References
    ----------
    Drift v2, "Liquidations": insurance fund fee.
    """
    return each(
        _core.fund_fee_rate,
        maintenance_rate=maintenance_rate,
        liquidator_fee_rate=liquidator_fee_rate,
        shortage=shortage,
        notional=notional,
        max_fee_rate=max_fee_rate,
        share=share,
    )


def rising_fee(
    *, fee_rate: ArrayLike, per_step: ArrayLike, elapsed: ArrayLike, grace: ArrayLike, max_fee_rate: ArrayLike
) -> Any:
    """A liquidator's fee that rises with the time a liquidation has waited, after a grace period.

    ``min(fee_rate + per_step max(0, elapsed - grace), max_fee_rate)``.

    Parameters
    ----------
    fee_rate, max_fee_rate : array_like of float
        Rates at the start and at most.
    per_step : array_like of float
        What one step of time adds.
    elapsed, grace : array_like of float
        Steps of time (Drift: slots).

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A number below 0, shapes that do not broadcast.

    References
    ----------
    Drift v2, "Liquidations": dynamic liquidation fee.
    """
    return each(
        _core.rising_fee,
        fee_rate=fee_rate,
        per_step=per_step,
        elapsed=elapsed,
        grace=grace,
        max_fee_rate=max_fee_rate,
    )


def fillable_price(
    *,
    side: ArrayLike,
    price: ArrayLike,
    maintenance_rate: ArrayLike,
    equity: ArrayLike,
    maintenance_margin: ArrayLike,
    adjustment: ArrayLike = 1.0,
    spread: ArrayLike = 0.1,
) -> Any:
    """Limit price of a liquidation order: the worse the account stands, the further from the oracle's.

    ``price (1 - s r spread a)`` with ``a = adjustment (1 - equity / maintenance_margin)`` between 0 and 1.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
        Of the position.
    price : array_like of float
        Oracle price, in the unit of the result.
    maintenance_rate : array_like of float
        Of the position's market.
    equity, maintenance_margin : array_like of float
        Of the whole account, in one unit.
    adjustment : array_like of float
        dYdX's "bankruptcy adjustment".
    spread : array_like of float
        Largest spread over maintenance margin ("spread to maintenance margin ratio").

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A side that is none, a price or maintenance margin of 0 or less, shapes that do not broadcast.

    References
    ----------
    dYdX v4, "Liquidations": fillable price.
    """
    return each(
        _core.fillable_price,
        side=side,
        price=price,
        maintenance_rate=maintenance_rate,
        equity=equity,
        maintenance_margin=maintenance_margin,
        adjustment=adjustment,
        spread=spread,
    )


def bankruptcy_quote(
    *,
    position: ArrayLike,
    change: ArrayLike,
    price: ArrayLike,
    maintenance_rate: ArrayLike,
    equity: ArrayLike,
    maintenance_margin: ArrayLike,
) -> Any:
    """What an account must get for a change of position so that this takes just its share of the equity.

    ``ceil(-change of worth - equity |change of requirement| / maintenance_margin)``: equity is shared over
    the account's positions by maintenance margin.

    Parameters
    ----------
    position, change : array_like of float
        Signed whole quantums before, and what is added to them: against the position, at most all of it.
    price : array_like of float
        Quote quantums for one quantum.
    maintenance_rate : array_like of float
        Of the market, in millionths.
    equity, maintenance_margin : array_like of float
        Of the whole account, in quote quantums.

    Returns
    -------
    float or numpy.ndarray of float64
        Whole quote quantums, below 0 where the account pays.

    Raises
    ------
    ScenarioError
        Numbers that are not finite, a price or maintenance margin of 0 or less, shapes that do not broadcast.

    References
    ----------
    dYdX v4, "Liquidations": bankruptcy price in quote quantums. Each requirement is rounded up.
    """
    return each(
        _core.bankruptcy_quote,
        position=position,
        change=change,
        price=price,
        maintenance_rate=maintenance_rate,
        equity=equity,
        maintenance_margin=maintenance_margin,
    )
