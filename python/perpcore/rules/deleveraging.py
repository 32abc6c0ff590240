"""Auto-deleveraging: who comes first, when it starts, what it closes and at what price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import Contract, along, chosen, each, is_inverse, numbers, one, signs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Rank = Literal["profit_leverage", "hyperliquid", "profit_share", "size"]


class AdlOrder(NamedTuple):
    """Positions in order of rank (`order`, indices), and the fifth of the queue it ends in (`lights`)."""

    order: NDArray[np.int64]
    lights: NDArray[np.float64]


class Deleveraging(NamedTuple):
    """What each of a queue closes and keeps, its cash and the liquidated account's after, what stays open."""

    fills: NDArray[np.float64]
    queue_left: NDArray[np.float64]
    queue_cash: NDArray[np.float64]
    cash: Any
    closed: Any
    left: Any


def profit_share(
    *, side: ArrayLike, profit: ArrayLike, exit_notional: ArrayLike, basis: str = "entry"
) -> Any:
    """Profit of a linear position over its notional, on entry or on exit.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    profit : array_like of float
        In quote currency.
    exit_notional : array_like of float
        What it is closed for, more than 0.
    basis : {"entry", "exit"}
        ``entry``: over ``exit_notional - side profit``. Published data sets of ADL fills use ``exit``.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A side that is none, a notional that is not positive, another basis.
    """
    on_exit = chosen("basis", basis, ("entry", "exit")) == "exit"
    return each(_core.profit_share, on_exit, side=side, profit=profit, exit_notional=exit_notional)


def adl_score(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    entry_price: ArrayLike,
    mark_price: ArrayLike,
    equity: ArrayLike,
    rank: Rank = "profit_leverage",
    contract: Contract = "linear",
    shorts: Literal["inverted", "literal"] = "inverted",
) -> Any:
    """Score for auto-deleveraging: the highest is closed first.

    By `Adl.rank` of a venue. ``profit_leverage``: profit over entry notional, times leverage; a loss, by
    leverage. ``hyperliquid``: mark over entry, times leverage. ``profit_share``: profit over entry notional.
    ``size``: notional at mark. Leverage is notional at mark over equity.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Tokens; of an inverse contract quote currency. More than 0.
    entry_price, mark_price : array_like of float
        More than 0.
    equity : array_like of float
        Margin with open profit: of an isolated position, or of the account; in coin for an inverse contract.
    rank : {"profit_leverage", "hyperliquid", "profit_share", "size"}
    contract : {"linear", "inverse"}
    shorts : {"inverted", "literal"}
        For ``hyperliquid``: the documentation has mark over entry for both sides, by which the shorts with
        the greatest profit come last. ``inverted``, the reading taken, is entry over mark for shorts.

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where it takes a leverage and equity is not positive: such an account is liquidated, not ranked
        (the engine, which has liquidated it or will in the next round, ranks it first).

    Raises
    ------
    ScenarioError
        A side, rank, contract or reading that is none, sizes or prices that are not positive.

    References
    ----------
    BitMEX, "Auto-deleveraging"; Binance, "What is auto-deleveraging"; Hyperliquid documentation,
    "Auto-deleveraging".
    """
    chosen("rank", rank, get_args(Rank))
    literal = chosen("shorts", shorts, ("inverted", "literal")) == "literal" and rank == "hyperliquid"
    given = {"side": side, "qty": qty, "entry_price": entry_price, "mark_price": mark_price, "equity": equity}
    return each(_core.adl_score, rank, is_inverse(contract), literal, **given)


def adl_order(*, score: ArrayLike, qty: ArrayLike) -> AdlOrder:
    """Queue of one side: by falling score, equal ones as they came, with the lights that venues show.

    Parameters
    ----------
    score : array_like of float
        One a position (`adl_score`); NaN comes last.
    qty : array_like of float
        One a position, more than 0.

    Returns
    -------
    AdlOrder
        ``order``, indices into the arguments, and ``lights`` in that order: 20 for who lies within the first
        fifth of the side's open quantity, up to 100.

    Raises
    ------
    ScenarioError
        Arguments of different length, sizes that are not positive.

    References
    ----------
    BitMEX, "Auto-deleveraging examples".
    """
    scores, sizes = numbers("score", score), numbers("qty", qty)
    if scores.ndim != 1 or scores.shape != sizes.shape:
        raise problem("score, qty", f"of the shapes {scores.shape}, {sizes.shape}", "one of each a position")
    order = np.argsort(-scores, kind="stable").astype(np.int64)
    return AdlOrder(order, along(_core.quintiles, sequences={"qty": sizes[order]}))


def adl_threshold(*, average_fund: ArrayLike, share: ArrayLike = 0.3, floor: ArrayLike = 50_000.0) -> Any:
    """Fund below which OKX starts to deleverage: ``average - max(share average, floor)``.

    Parameters
    ----------
    average_fund : array_like of float
        Average of the fund over eight hours, 0 or more.
    share : array_like of float, default 0.3
    floor : array_like of float, default 50,000
        The least fall that counts: "30 % or 50,000, whichever is higher".

    Returns
    -------
    float or numpy.ndarray of float64
        Below 0 for a small fund: then only an empty fund starts it.

    Raises
    ------
    ScenarioError
        Arguments below 0.

    References
    ----------
    OKX, "Automatic-Deleveraging: what it is and how it affects your positions".
    """
    return each(_core.adl_threshold, average_fund=average_fund, share=share, floor=floor)


def deleverage(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    price: ArrayLike | None = None,
    queue_qty: ArrayLike,
    cash: ArrayLike = 0.0,
    queue_cash: ArrayLike = 0.0,
) -> Deleveraging:
    """Close a liquidated position against a queue of the other side, in its order, at one price.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
        Of the position that is liquidated.
    qty : array_like of float
        Of it, in tokens, 0 or more.
    price : array_like of float, optional
        More than 0: the mark price at OKX, say. By default the bankruptcy price of what the account has, at
        which its equity is 0: ``-side cash / qty``.
    queue_qty : array_like of float
        Counterparties' sizes along the last axis, first to be closed first (`adl_order`).
    cash : array_like of float, default 0
        The liquidated account's quote balance.
    queue_cash : array_like of float, default 0
        Counterparties' quote balances.

    Returns
    -------
    Deleveraging
        ``fills`` and ``queue_left``; ``queue_cash`` and ``cash`` after paying for the fills (a long that
        closes receives, a short pays); ``closed`` in all, and ``left``, what the queue was too short for.

    Raises
    ------
    ScenarioError
        A side that is none, sizes below 0, a price that is not positive.

    References
    ----------
    BitMEX, "Auto-deleveraging examples"; dydxprotocol/v4-chain, ``x/clob/keeper/deleveraging.go``.
    """
    if price is None:
        with np.errstate(divide="ignore", invalid="ignore"):
            price = -signs(side) * numbers("cash", cash) / numbers("qty", qty)
    queue = {"queue_qty": queue_qty, "queue_cash": queue_cash}
    given = {"side": side, "qty": qty, "price": price, "cash": cash}
    found = along(_core.deleverage, sequences=queue, **given)
    fills, queue_left, cash_after = np.split(found[..., :-3], 3, axis=-1)
    return Deleveraging(fills, queue_left, cash_after, *(one(found, i) for i in (-3, -2, -1)))
