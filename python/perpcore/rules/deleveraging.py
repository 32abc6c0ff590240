"""Auto-deleveraging: who comes first, when it starts, what it closes and at what price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._arrays import finite, rows, signs
from perpcore.rules._tables import above, along, choice, each, holed, not_below, sequences, shaped

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
    choice("basis", basis, "entry", "exit")
    above(exit_notional=exit_notional)
    (sign, gain, notional), shape = rows(side=signs(side), profit=profit, exit_notional=exit_notional)
    return shaped(_core.profit_share(sign, gain, notional, basis == "exit"), shape)


def adl_score(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    entry_price: ArrayLike,
    mark_price: ArrayLike,
    equity: ArrayLike,
    form: str = "profit",
    contract: str = "linear",
    shorts: str = "inverted",
) -> Any:
    """Score for auto-deleveraging: the highest is closed first.

    ``profit``: profit over entry notional, times leverage; a loss, by leverage. ``ratio`` (Hyperliquid): mark
    over entry, times leverage. Leverage is notional at mark over equity.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Tokens; of an inverse contract quote currency. More than 0.
    entry_price, mark_price : array_like of float
        More than 0.
    equity : array_like of float
        Margin with open profit: of an isolated position, or of the account; in coin for an inverse contract.
    form : {"profit", "ratio"}
    contract : {"linear", "inverse"}
    shorts : {"inverted", "literal"}
        For ``ratio``: the documentation has mark over entry for both sides, by which the shorts with the
        greatest profit come last. ``inverted``, the reading taken, is entry over mark for shorts.

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where equity is not positive: such an account is liquidated, not ranked.

    Raises
    ------
    ScenarioError
        A side, form, contract or reading that is none, sizes or prices that are not positive.

    References
    ----------
    BitMEX, "Auto-deleveraging"; Binance, "What is auto-deleveraging"; Hyperliquid documentation,
    "Auto-deleveraging".
    """
    choice("form", form, "profit", "ratio")
    choice("contract", contract, "linear", "inverse")
    choice("shorts", shorts, "inverted", "literal")
    above(qty=qty, entry_price=entry_price, mark_price=mark_price)
    flat, shape = rows(
        side=signs(side), qty=qty, entry_price=entry_price, mark_price=mark_price, equity=equity
    )
    inverse, ratio = contract == "inverse", form == "ratio"
    return shaped(_core.adl_score(flat, inverse, ratio, shorts == "inverted"), shape)


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
    above(qty=qty)
    scores, sizes = holed("score", score), finite("qty", qty)
    if scores.ndim != 1 or scores.shape != sizes.shape:
        raise problem("score, qty", f"of the shapes {scores.shape}, {sizes.shape}", "one of each a position")
    order = np.argsort(-scores, kind="stable").astype(np.int64)
    return AdlOrder(order, _core.quintiles(np.ascontiguousarray(sizes[order])))


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
    not_below(average_fund=average_fund, share=share, floor=floor)
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
    not_below(qty=qty, queue_qty=queue_qty)
    if price is None:
        above(qty=qty)
        (sign, size, own), shape = rows(side=signs(side), qty=qty, cash=cash)
        price = shaped(-sign * own / size, shape)
    above(price=price)
    balances = np.atleast_1d(finite("queue_cash", queue_cash))
    tables = {**sequences(queue_qty=queue_qty), "queue_cash": balances}
    finite("queue_qty", tables["queue_qty"])
    (queue, held), (sign, size, at, own), lead, width = along(
        tables, {"side": signs(side), "qty": qty, "price": price, "cash": cash}
    )
    fills = _core.fill_queue(width, queue, size).reshape(len(size), width)
    change = -sign[:, None] * fills * at[:, None]
    shape = (*lead, width)
    closed = fills.sum(axis=1)
    return Deleveraging(
        fills.reshape(shape),
        (queue.reshape(fills.shape) - fills).reshape(shape),
        held.reshape(shape) + change.reshape(shape),
        shaped(own - change.sum(axis=1), lead),
        shaped(closed, lead),
        shaped(np.maximum(size - closed, 0.0), lead),
    )
