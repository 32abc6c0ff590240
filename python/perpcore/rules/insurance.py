"""Insurance funds: what they gain and pay, what they take over, how a loss beyond them is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import Contract, along, each, is_inverse, numbers, one, several

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Spread(NamedTuple):
    """How far from the oracle a liquidation may fill, and what of it the fund covers; shares of notional."""

    widest: Any
    fund_covers: Any


class TakeOver(NamedTuple):
    """A position marked, and taken over with its margin where that is too little."""

    loss: Any
    margin_left: Any
    maintenance: Any
    closed_out: Any
    to_fund: Any
    fund: Any


class SharedLoss(NamedTuple):
    """Payouts of winners, their cuts (below 0), what neither fund nor debtor paid, the fund afterwards."""

    payouts: NDArray[np.float64]
    cuts: NDArray[np.float64]
    shortfall: Any
    fund: Any


class UnitLoss(NamedTuple):
    """A loss per unit, and each holder's share of it."""

    per_unit: Any
    shares: NDArray[np.float64]


def insurance_fund_change(
    *,
    side: ArrayLike,
    bankruptcy_price: ArrayLike,
    fill_price: ArrayLike,
    qty: ArrayLike = 1.0,
    fee_rate: ArrayLike = 0.0,
    contract: Contract = "linear",
) -> Any:
    """What a fund gains where a liquidation fills: ``side qty (fill - bankruptcy)``, less a fee.

    Inverse ``side qty (1 / bankruptcy - 1 / fill)``, in coin.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
        Of the position that is closed.
    bankruptcy_price, fill_price : array_like of float
        More than 0.
    qty : array_like of float, default 1
        Tokens: by default, per token; inverse the face value.
    fee_rate : array_like of float, default 0
        Of the filled notional, where the fund pays it.
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        Below 0 where the fund pays.

    Raises
    ------
    ScenarioError
        A side that is none, prices that are not positive, a size below 0.

    References
    ----------
    Bybit, "Insurance fund"; Bitget, "Insurance fund".
    """
    return each(
        _core.insurance_fund_change,
        is_inverse(contract),
        side=side,
        qty=qty,
        bankruptcy_price=bankruptcy_price,
        fill_price=fill_price,
        fee_rate=fee_rate,
    )


def fund_fee(*, bankruptcy_quote: ArrayLike, fill_quote: ArrayLike, max_fee_rate: ArrayLike) -> Any:
    """What a liquidation on dYdX v4 pays its fund: ``min(fill - bankruptcy, max_fee_rate abs(fill))``.

    Parameters
    ----------
    bankruptcy_quote, fill_quote : array_like of float
        Quote currency that closing should and did bring; below 0 for a short, which pays.
    max_fee_rate : array_like of float
        Share of the filled notional, 0 or more.

    Returns
    -------
    float or numpy.ndarray of float64
        Below 0 where the fund pays: the fill was beyond bankruptcy.

    Raises
    ------
    ScenarioError
        A fee below 0.

    References
    ----------
    dydxprotocol/v4-chain, ``x/clob/keeper/liquidations.go``: the insurance fund's delta.
    """
    quotes = {"bankruptcy_quote": bankruptcy_quote, "fill_quote": fill_quote}
    return each(_core.fund_fee, **quotes, max_fee_rate=max_fee_rate)


def liquidation_spread(
    *, spread_ratio: ArrayLike, maintenance_rate: ArrayLike, margin_left: ArrayLike
) -> Spread:
    """How far from the oracle dYdX liquidates, ``spread_ratio maintenance_rate``, and what the fund covers.

    Parameters
    ----------
    spread_ratio : array_like of float
        Spread to maintenance margin ratio.
    maintenance_rate : array_like of float
        Maintenance margin fraction.
    margin_left : array_like of float
        The account's margin over its notional: it is bankrupt that far from the oracle.

    Returns
    -------
    Spread
        ``widest``, and ``fund_covers``: what of it lies beyond bankruptcy.

    Raises
    ------
    ScenarioError
        A ratio or a rate below 0.

    References
    ----------
    dYdX documentation, "Contract loss mechanisms".
    """
    given = {"spread_ratio": spread_ratio, "maintenance_rate": maintenance_rate, "margin_left": margin_left}
    return Spread(*several(2, _core.liquidation_spread, **given))


def take_over(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    margin: ArrayLike,
    previous_price: ArrayLike,
    price: ArrayLike,
    risk_factor: ArrayLike | None = None,
    slippage: ArrayLike = 0.0,
    fund: ArrayLike = 0.0,
    fill_price: ArrayLike | None = None,
    fee_rate: ArrayLike = 0.0,
) -> TakeOver:
    """Vega's close-out: a position is marked, and where its margin is short the network takes both.

    All margin that is left goes to the fund. Where the network has closed the position at `fill_price`, the
    fund gains or pays the difference to the mark it took it over at, and the fee.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Tokens, 0 or more.
    margin : array_like of float
        Before marking, in quote currency.
    previous_price, price : array_like of float
        Marks before and now, more than 0.
    risk_factor, slippage : array_like of float, optional
        Maintenance is ``qty price (risk_factor + slippage)``. No risk factor: it is closed out in any case.
    fund : array_like of float, default 0
        Before.
    fill_price : array_like of float, optional
        Where the network closes it, more than 0.
    fee_rate : array_like of float, default 0
        Of the filled notional.

    Returns
    -------
    TakeOver
        ``loss`` of marking, ``margin_left`` (below 0: a loss to share), ``maintenance`` (NaN without a risk
        factor), ``closed_out``, ``to_fund`` and ``fund`` afterwards.

    Raises
    ------
    ScenarioError
        A side that is none, sizes below 0, prices that are not positive.

    References
    ----------
    Vega specifications 0012-POSR (position resolution), 0015-INSR (insurance pool), 0019-MCAL (margins).
    """
    loss, left, maintenance, closed, to_fund, after = several(
        6,
        _core.take_over,
        side=side,
        qty=qty,
        margin=margin,
        previous_price=previous_price,
        price=price,
        risk_factor=risk_factor,
        slippage=slippage,
        fund=fund,
        fill_price=fill_price,
        fee_rate=fee_rate,
    )
    return TakeOver(loss, left, maintenance, closed > 0, to_fund, after)


def share_loss(
    *,
    owed: ArrayLike,
    available: ArrayLike,
    gains: ArrayLike,
    fund: ArrayLike = 0.0,
    whole: bool = False,
) -> SharedLoss:
    """Share what debtors cannot pay: the fund first, then all winners are cut alike (Vega).

    Parameters
    ----------
    owed, available : array_like of float
        What those who lost must pay and can pay.
    gains : array_like of float
        What each winner is due, along the last axis, 0 or more.
    fund : array_like of float, default 0
    whole : bool, default False
        In whole units: payouts are cut towards zero and the last winner gets what is left.

    Returns
    -------
    SharedLoss
        ``payouts``, ``cuts`` (below 0), ``shortfall`` after the fund and ``fund`` afterwards. Payouts are not
        below 0, so of a shortfall above all gains a part stays uncovered.

    Raises
    ------
    ScenarioError
        Arguments below 0, no winners.

    References
    ----------
    Vega specifications 0002-STTL (settlement: loss socialisation), 0053-PERP.
    """
    if np.shape(gains)[-1:] == (0,):
        raise problem("gains", "[]", "at least one winner")
    given = {"owed": owed, "available": available, "fund": fund}
    found = along(_core.share_loss, whole, sequences={"gains": gains}, **given)
    payouts = found[..., :-2]
    return SharedLoss(payouts, payouts - numbers("gains", gains), one(found, -2), one(found, -1))


def loss_per_unit(*, loss: ArrayLike, units: ArrayLike, decimals: int | None = None) -> UnitLoss:
    """Spread a loss over all units alike: Drift's, over open tokens of both sides, or over deposits.

    Parameters
    ----------
    loss : array_like of float
        In quote currency, 0 or more.
    units : array_like of float
        Along the last axis, 0 or more: tokens of longs and of shorts, or deposits.
    decimals : int, optional
        Round the loss per unit up at this digit (Drift: 6), so that no loss is left.

    Returns
    -------
    UnitLoss
        ``per_unit``, and ``shares``, what each of `units` bears.

    Raises
    ------
    ScenarioError
        A loss or units below 0, no units at all, decimals that are not an int from 0 to 12.

    References
    ----------
    drift-labs/protocol-v2, ``math/liquidation.rs``: ``calculate_funding_rate_deltas_to_resolve_bankruptcy``.
    """
    if decimals is not None and (type(decimals) is not int or not 0 <= decimals <= 12):
        raise problem("decimals", decimals, "an int from 0 to 12, or None")
    scale = 0.0 if decimals is None else 10.0**decimals
    found = along(_core.loss_per_unit, sequences={"units": units}, loss=loss, scale=scale)
    if np.isnan(found).any() or np.isinf(found).any():
        raise problem("units", 0.0, "more than 0 together")
    return UnitLoss(one(found), found * numbers("units", units))
