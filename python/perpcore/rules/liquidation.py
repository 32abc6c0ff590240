"""Where a position breaks, and where nothing is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import Contract, chosen, each, is_inverse, numbers, scalar
from perpcore.rules._tiers import TierRule, rows_of
from perpcore.rules.margin import maintenance_margin

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from perpcore.rules._tiers import Tiers

MaintenanceAt = Literal["mark", "entry"]


def liquidation_price(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    entry_price: ArrayLike,
    margin: ArrayLike,
    tiers: Tiers | None = None,
    tier_rule: TierRule = "marginal",
    maintenance_rate: ArrayLike | None = None,
    deduction: ArrayLike = 0.0,
    rate_rise: ArrayLike = 0.0,
    maintenance_at: MaintenanceAt = "mark",
    fee_rate: float = 0.0,
    closing_fee: ArrayLike = 0.0,
    extra_margin: ArrayLike = 0.0,
    early: ArrayLike = 0.0,
    contract: Contract = "linear",
) -> Any:
    """Price at which an isolated position's equity equals its maintenance margin.

    For a position of size ``q`` and side ``s`` (+1 long, -1 short) in a tier of rate ``r`` and deduction
    ``c``, with a closing fee of rate ``f``: ``(s q entry - margin - c) / (q (s - r - f))``; inverse
    ``q (1 + s (r + f)) / (q / entry + s (margin + c))``. In the tier of the notional at that price, whichever
    it was at entry.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Size in tokens, more than 0; inverse the face value.
    entry_price : array_like of float
    margin : array_like of float
        Isolated margin, in quote currency; inverse in coin.
    tiers : MarginTiers, or sequence of (min_notional, rate), optional
        Either these or `maintenance_rate`. Inverse: notionals in coin.
    tier_rule : {"marginal", "whole_position", "linear"}
        Whether a tier's rate counts on what lies inside it or on the whole position; or on all of it, rising
        linearly to the next tier's. On the whole position, a long can break in several tiers: the highest
        price is given, which a falling price meets first; what jumps over its equity at a tier's edge breaks
        on the edge.
    maintenance_rate : array_like of float, optional
        One rate for each position, with `deduction`.
    deduction : array_like of float
        "Maintenance amount", with `maintenance_rate`.
    rate_rise : array_like of float
        What a unit of notional adds to `maintenance_rate` (Deribit: linear in the position's size).
    maintenance_at : {"mark", "entry"}
        Maintenance of the notional at the mark, here the liquidation price (Binance, OKX, Gate), or at entry
        (older Bybit).
    fee_rate : float
        Taker fee of closing at the liquidation price, counted into the requirement (OKX, Gate, Phemex).
    closing_fee : array_like of float
        A fee held back as an amount, as `fee` gives it (Bybit: at the bankruptcy price).
    extra_margin : array_like of float
        Added by hand; below 0 for funding paid out of the position's margin.
    early : array_like of float
        Moves the price by as much towards the entry (OKX, inverse: one tick).
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        Of the arguments' broadcast shape; NaN where no positive price liquidates.

    Raises
    ------
    ScenarioError
        A side that is none, a size or an entry that is not positive, a margin that is not finite, neither or
        both of tiers and rate, shapes that do not broadcast.

    References
    ----------
    Binance, "How to Calculate Liquidation Price of USD-M Futures Contracts": LP with one position; OKX,
    "Liquidation price"; Gate, "Liquidation price"; Phemex, "Liquidation price"; Bybit, "Liquidation price
    (isolated)", where text and examples take the maintenance at entry.
    """
    backing = {
        "side": side,
        "qty": qty,
        "entry_price": entry_price,
        "margin": margin,
        "extra_margin": extra_margin,
        "others_pnl": 0.0,
        "others_maintenance": 0.0,
        "closing_fee": closing_fee,
        "early": early,
    }
    own = {"maintenance_rate": maintenance_rate, "deduction": deduction, "rate_rise": rate_rise}
    return _solve(backing, own, tiers, tier_rule, maintenance_at, fee_rate, contract)


def cross_liquidation_price(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    entry_price: ArrayLike,
    wallet: ArrayLike,
    others_pnl: ArrayLike = 0.0,
    others_maintenance: ArrayLike = 0.0,
    tiers: Tiers | None = None,
    tier_rule: TierRule = "marginal",
    maintenance_rate: ArrayLike | None = None,
    deduction: ArrayLike = 0.0,
    rate_rise: ArrayLike = 0.0,
    maintenance_at: MaintenanceAt = "mark",
    fee_rate: float = 0.0,
    closing_fee: ArrayLike = 0.0,
    contract: Contract = "linear",
) -> Any:
    """Price at which a position breaks that shares a wallet, the other positions standing still.

    As `liquidation_price` with ``wallet + others_pnl - others_maintenance`` for a margin. With a mark price
    for the entry, the wallet is the equity at that mark without the others' profit.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Size in tokens, more than 0; inverse the face value.
    entry_price : array_like of float
    wallet : array_like of float
        Balance before unrealised profit, in quote currency; inverse in coin.
    others_pnl : array_like of float
        Unrealised profit of the other cross positions at their marks.
    others_maintenance : array_like of float
        Their maintenance margin at their marks.
    tiers, tier_rule, maintenance_rate, deduction, rate_rise, maintenance_at, fee_rate, closing_fee, contract
        As `liquidation_price` takes them.

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where no positive price liquidates.

    Raises
    ------
    ScenarioError
        As `liquidation_price`.

    References
    ----------
    Binance, "How to Calculate Liquidation Price of USD-M Futures Contracts": WB, TMM1, UPNL1; Bybit,
    "Liquidation price (cross, inverse)", with maintenance at entry and the fee at the bankruptcy price;
    Hyperliquid, "Liquidations".
    """
    backing = {
        "side": side,
        "qty": qty,
        "entry_price": entry_price,
        "wallet": wallet,
        "extra_margin": 0.0,
        "others_pnl": others_pnl,
        "others_maintenance": others_maintenance,
        "closing_fee": closing_fee,
        "early": 0.0,
    }
    own = {"maintenance_rate": maintenance_rate, "deduction": deduction, "rate_rise": rate_rise}
    return _solve(backing, own, tiers, tier_rule, maintenance_at, fee_rate, contract)


def _solve(
    backing: dict[str, ArrayLike],
    own: dict[str, ArrayLike | None],
    tiers: Tiers | None,
    tier_rule: TierRule,
    maintenance_at: MaintenanceAt,
    fee_rate: float,
    contract: Contract,
) -> Any:
    """By tiers, or by one rate for each position."""
    at_entry = chosen("maintenance_at", maintenance_at, ("mark", "entry")) == "entry"
    inverse, fee = is_inverse(contract), scalar("fee_rate", fee_rate, end=1.0)
    rate = own["maintenance_rate"]
    if (tiers is None) == (rate is None):
        given = "nothing" if tiers is None else f"tiers with maintenance_rate {rate!r}"
        raise problem("tiers", given, "either tiers or maintenance_rate")
    if tiers is not None:
        rows = rows_of(tiers, tier_rule, fee)
        return each(_core.liquidation_price, rows, tier_rule, fee, at_entry, inverse, **backing)
    rates = {name: 0.0 if value is None else value for name, value in own.items()}
    formula = _core.liquidation_price_at_rate
    return each(formula, at_entry, inverse, **backing, **rates, fee_rate=fee)


def account_liquidation_price(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    mark_price: ArrayLike,
    equity: ArrayLike,
    maintenance_rate: ArrayLike,
    deduction: ArrayLike = 0.0,
    own_maintenance: Literal["at_liquidation", "at_mark"] = "at_liquidation",
) -> Any:
    """Liquidation prices of all the positions of a cross account, each while the others stand still.

    Parameters
    ----------
    side, qty, mark_price : array_like
        Of the positions, along the last axis.
    equity : array_like of float
        Of the account, at these marks.
    maintenance_rate, deduction : array_like of float
        Of each position.
    own_maintenance : {"at_liquidation", "at_mark"}
        Whether a position's own maintenance moves with its price:
        ``mark - s (equity - maintenance) / q / (1 - s r)``, Hyperliquid's rule of today, with
        `maintenance_rate(max_leverage=...)`; or stays as it is at the mark as the others' does:
        ``mark - s (equity - maintenance) / q``, its rule in March 2023 with 1 % of all positions.

    Returns
    -------
    float or numpy.ndarray of float64
        NaN where no positive price liquidates.

    Raises
    ------
    ScenarioError
        A side that is none, a size, mark or rate that is not positive, shapes that do not broadcast.

    References
    ----------
    Hyperliquid, "Liquidations": liquidation price; the API's recorded replies of 2023 for the older rule.
    """
    moves = chosen("own_maintenance", own_maintenance, ("at_liquidation", "at_mark")) == "at_liquidation"
    worth = each(_core.notional, False, qty=qty, price=mark_price, contract_size=1.0)
    required = maintenance_margin(notional=worth, maintenance_rate=maintenance_rate, deduction=deduction)
    total = np.sum(np.atleast_1d(required), axis=-1, keepdims=True)
    wallet = numbers("equity", equity)
    return cross_liquidation_price(
        side=side,
        qty=qty,
        entry_price=mark_price,
        wallet=wallet[..., None] if wallet.ndim else wallet,
        others_maintenance=total - required,
        maintenance_rate=maintenance_rate,
        deduction=deduction,
        maintenance_at="mark" if moves else "entry",
    )


def bankruptcy_price(
    *,
    side: ArrayLike,
    qty: ArrayLike,
    entry_price: ArrayLike,
    margin: ArrayLike,
    extra_margin: ArrayLike = 0.0,
    fee_rate: ArrayLike = 0.0,
    contract: Contract = "linear",
) -> Any:
    """Price at which nothing of a position's margin is left: ``entry - s margin / q``.

    Inverse ``q / (q / entry + s margin)``. With a fee of rate ``f``, nothing is left after closing there:
    linear ``(q entry - s margin) / (q (1 - s f))``.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Size in tokens, more than 0; inverse the face value.
    entry_price : array_like of float
    margin : array_like of float
        Isolated margin, in quote currency; inverse in coin. Cross: the whole wallet.
    extra_margin : array_like of float
        What else backs the position: free wallet balance in cross margin.
    fee_rate : array_like of float
        Taker fee of closing at the bankruptcy price.
    contract : {"linear", "inverse"}

    Returns
    -------
    float or numpy.ndarray of float64
        Of the arguments' broadcast shape; NaN where no positive price takes all.

    Raises
    ------
    ScenarioError
        A side that is none, a size or an entry that is not positive, a margin that is not finite, shapes that
        do not broadcast.

    References
    ----------
    Bybit, "Bankruptcy price", USDT and inverse contracts, isolated and cross; dYdX, "Liquidations".
    """
    return each(
        _core.bankruptcy_price,
        is_inverse(contract),
        side=side,
        qty=qty,
        entry_price=entry_price,
        margin=margin,
        extra_margin=extra_margin,
        fee_rate=fee_rate,
    )


def round_to_tick(*, side: ArrayLike, price: ArrayLike, tick_size: ArrayLike) -> Any:
    """A liquidation or bankruptcy price on the tick grid: up for a long, down for a short.

    So it is met no later than the exact one.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
        Of the position.
    price, tick_size : array_like of float
        More than 0. A price within 1e-9 of a tick stays on it.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A side that is none, a price or tick of 0 or less, shapes that do not broadcast.

    References
    ----------
    Bybit's API: ``bustPrice`` and ``liqPrice`` of a long are rounded up.
    """
    return each(_core.rounded_against, side=side, price=price, tick_size=tick_size)
