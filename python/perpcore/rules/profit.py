"""What a position is worth and what it has made.

Linear: the quantity is in tokens, money in quote currency. Inverse: the quantity is a face value in quote
currency, money in coin, worth ``q / price``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import Contract, each, is_inverse, numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def notional(
    *, qty: ArrayLike, price: ArrayLike, contract_size: ArrayLike = 1.0, contract: Contract = "linear"
) -> Any:
    """Worth of a quantity at a price: ``q price``; inverse ``q / price``.

    Parameters
    ----------
    qty : array_like of float
        Contracts, tokens or face value; its sign is kept.
    price : array_like of float
    contract_size : array_like of float
        What one contract holds: tokens, inverse quote currency.
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        In quote currency; inverse in coin.

    Raises
    ------
    ScenarioError
        Numbers that are not finite, a price or size of 0 or less, shapes that do not broadcast.

    References
    ----------
    BitMEX, "Inverse Perpetuals Guide"; OKX, "Perpetual contracts": face value and multiplier.
    """
    flag = is_inverse(contract)
    return each(_core.notional, flag, qty=qty, price=price, contract_size=contract_size)


def implied_price(
    *, notional: ArrayLike, qty: ArrayLike, contract_size: ArrayLike = 1.0, contract: Contract = "linear"
) -> Any:
    """The price at which a quantity has a worth: what `notional` goes back to.

    Parameters
    ----------
    notional : array_like of float
        Worth, more than 0.
    qty : array_like of float
        More than 0.
    contract_size : array_like of float
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A number of 0 or less, shapes that do not broadcast.
    """
    flag = is_inverse(contract)
    return each(_core.implied_price, flag, notional=notional, qty=qty, contract_size=contract_size)


def unrealised_pnl(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    entry_price: ArrayLike,
    mark_price: ArrayLike,
    contract_size: ArrayLike = 1.0,
    contract: Contract = "linear",
) -> Any:
    """Profit at a mark: ``s q (mark - entry)``; inverse ``s q (1 / entry - 1 / mark)``.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        0 or more.
    entry_price, mark_price : array_like of float
    contract_size : array_like of float
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        In quote currency; inverse in coin.

    Raises
    ------
    ScenarioError
        A side that is none, a quantity below 0, a price of 0 or less, shapes that do not broadcast.

    References
    ----------
    Bybit, "P&L calculations (USDT contract)" and "(inverse contract)"; Deribit, "Inverse perpetual".
    """
    return each(
        _core.unrealised_pnl,
        is_inverse(contract),
        side=side,
        qty=qty,
        entry_price=entry_price,
        mark_price=mark_price,
        contract_size=contract_size,
    )


def realised_pnl(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    entry_price: ArrayLike,
    exit_price: ArrayLike,
    fees: ArrayLike = 0.0,
    contract_size: ArrayLike = 1.0,
    contract: Contract = "linear",
) -> Any:
    """Profit of what was closed, less fees.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        What was closed.
    entry_price, exit_price : array_like of float
    fees : array_like of float
        What was paid, in the money of the result; below 0 for rebates.
    contract_size : array_like of float
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        In quote currency; inverse in coin.

    Raises
    ------
    ScenarioError
        A side that is none, a quantity below 0, a price of 0 or less, shapes that do not broadcast.

    References
    ----------
    OKX, "Get positions history": ``realizedPnl`` as ``pnl`` and ``fee``.
    """
    return each(
        _core.realised_pnl,
        is_inverse(contract),
        side=side,
        qty=qty,
        entry_price=entry_price,
        exit_price=exit_price,
        contract_size=contract_size,
        fees=fees,
    )


def fee(
    *,
    qty: ArrayLike,
    price: ArrayLike,
    fee_rate: ArrayLike,
    contract_size: ArrayLike = 1.0,
    contract: Contract = "linear",
) -> Any:
    """Fee of a fill: its worth times a rate.

    Parameters
    ----------
    qty : array_like of float
        0 or more.
    price : array_like of float
        For the fee that a venue holds back to close a position: the bankruptcy price.
    fee_rate : array_like of float
    contract_size : array_like of float
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A quantity below 0, a price of 0 or less, shapes that do not broadcast.

    References
    ----------
    Bybit, "Order cost": fee to close at the bankruptcy price.
    """
    return each(
        _core.fee,
        is_inverse(contract),
        qty=qty,
        price=price,
        contract_size=contract_size,
        fee_rate=fee_rate,
    )


def entry_price(*, qty: ArrayLike, price: ArrayLike, contract: Contract = "linear") -> Any:
    """Mean price of fills, over the last axis: by quantity; inverse the harmonic mean.

    Parameters
    ----------
    qty : array_like of float
        Of each fill, 0 or more; inverse its face value.
    price : array_like of float
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        One axis less than the fills have.

    Raises
    ------
    ScenarioError
        Fills of no quantity in sum, prices of 0 or less, shapes that do not broadcast.

    References
    ----------
    Bybit, "Average entry price", USDT and inverse contracts.
    """
    worth = np.atleast_1d(notional(qty=qty, price=price, contract=contract)).sum(axis=-1)
    whole = np.broadcast_arrays(numbers("qty", qty), numbers("price", price))[0]
    total = np.atleast_1d(whole).sum(axis=-1)
    if not np.all(whole >= 0) or not np.all(total > 0):
        raise problem("qty", whole.min(initial=np.inf), "0 or more each, more than 0 together")
    return implied_price(notional=worth, qty=total, contract=contract)


def account_value(*, balance: ArrayLike, side: ArrayLike, qty: ArrayLike, price: ArrayLike) -> Any:
    """What an account is worth whose balance has paid for its positions: ``balance + sum(s q price)``.

    Parameters
    ----------
    balance : array_like of float
        Quote currency after buying longs and selling shorts; one number an account.
    side, qty, price : array_like
        Of its positions, along the last axis.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A side that is none, a price of 0 or less, shapes that do not broadcast.

    References
    ----------
    dYdX, "Margin": total net collateral; Hyperliquid's API: account value and ``totalRawUsd``.
    """
    worth = each(_core.signed_worth, side=side, qty=qty, price=price)
    total = numbers("balance", balance) + np.atleast_1d(worth).sum(axis=-1)
    return total if total.ndim else float(total)


def return_on_margin(*, pnl: ArrayLike, margin: ArrayLike) -> Any:
    """Profit over the margin that was put in (Bybit, "ROI of a position").

    Parameters
    ----------
    pnl : array_like of float
    margin : array_like of float
        More than 0.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A margin of 0 or less, shapes that do not broadcast.
    """
    return each(_core.return_on_margin, pnl=pnl, margin=margin)
