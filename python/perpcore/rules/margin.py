"""What a position must bring and keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore.rules._columns import chosen, each, numbers, scalar
from perpcore.rules._tiers import TierRule, rows_of
from perpcore.venues import MarginTiers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from perpcore.rules._tiers import Tiers


def initial_margin(
    *,
    notional: ArrayLike,
    leverage: ArrayLike | None = None,
    initial_rate: ArrayLike | None = None,
    tiers: MarginTiers | None = None,
    closing_fee: ArrayLike = 0.0,
    step: float = 0.0,
) -> Any:
    """What opening a position takes: ``N / leverage`` or ``N initial_rate``, and a fee held back for closing.

    Parameters
    ----------
    notional : array_like of float
        Worth at entry (Bybit), at mark (Binance, OKX), as `notional` gives it; its sign does not count.
    leverage : array_like of float, optional
        More than 0. Either this or `initial_rate`.
    initial_rate : array_like of float, optional
        Initial margin over notional.
    tiers : MarginTiers, optional
        Leverage is at most that of the notional's tier.
    closing_fee : array_like of float
        Held back on top, as `fee` gives it at the bankruptcy price (Bybit's order cost).
    step : float
        The margin is rounded up to whole ones of these (dYdX: quantums); 0 for none.

    Returns
    -------
    float or numpy.ndarray of float64
        In the money of the notional.

    Raises
    ------
    ScenarioError
        Neither or both of leverage and rate, a leverage of 0 or less, shapes that do not broadcast.

    References
    ----------
    Binance, "Leverage and Margin of USD-M Futures"; OKX, "Initial margin"; dYdX, "Margin".
    """
    if (leverage is None) == (initial_rate is None):
        raise problem("leverage", f"{leverage!r} with initial_rate {initial_rate!r}", "one of the two")
    if leverage is not None:
        if tiers is not None:
            leverage = np.minimum(numbers("leverage", leverage), _max_leverage(notional, tiers))
        initial_rate = each(_core.leverage_rate, leverage=leverage)
    elif tiers is not None:
        initial_rate = np.maximum(numbers("initial_rate", initial_rate), 1 / _max_leverage(notional, tiers))
    return each(
        _core.initial_margin,
        notional=notional,
        initial_rate=initial_rate,
        closing_fee=closing_fee,
        step=scalar("step", step),
    )


def _max_leverage(notional: ArrayLike, tiers: MarginTiers) -> NDArray[np.float64]:
    if not isinstance(tiers, MarginTiers):
        raise problem("tiers", type(tiers).__name__, "MarginTiers, which know leverages")
    floors = np.array([float(floor) for floor, *_ in tiers.rows])
    leverages = np.array([float(leverage) for *_, leverage in tiers.rows])
    at = np.searchsorted(floors, np.abs(numbers("notional", notional)), side="right") - 1
    return np.asarray(leverages[at])


def maintenance_margin(
    *,
    notional: ArrayLike,
    maintenance_rate: ArrayLike | None = None,
    tiers: Tiers | None = None,
    tier_rule: TierRule = "marginal",
    deduction: ArrayLike = 0.0,
    rate_rise: ArrayLike = 0.0,
    fee_rate: float = 0.0,
    closing_fee: ArrayLike = 0.0,
    step: float = 0.0,
) -> Any:
    """What keeping a position takes: ``N (r + fee) - c`` in the tier of ``N``, or at one rate.

    Parameters
    ----------
    notional : array_like of float
        Worth at mark (Binance, OKX), at entry (older Bybit, BitMEX); its sign does not count.
    maintenance_rate : array_like of float, optional
        Either this or `tiers`.
    tiers : MarginTiers, or sequence of (min_notional, rate), optional
    tier_rule : {"marginal", "whole_position", "linear"}
        Whether a tier's rate counts on what lies inside it (with deductions, as Binance and Bybit) or on the
        whole position (BitMEX, OKX); or on all of it, rising linearly to the next tier's (Deribit).
    deduction : array_like of float
        With `maintenance_rate`: what the lower tiers save ("maintenance amount").
    rate_rise : array_like of float
        With `maintenance_rate`: what a unit of notional adds to it (Deribit: linear in the position's size).
    fee_rate : float
        Taker fee on the same notional, where the venue counts it.
    closing_fee : array_like of float
        A fee held back as an amount, where it is taken at another price.
    step : float
        With `maintenance_rate`: rounded up to whole ones of these (dYdX: quantums); 0 for none.

    Returns
    -------
    float or numpy.ndarray of float64
        In the money of the notional.

    Raises
    ------
    ScenarioError
        Neither or both of rate and tiers, rates below 0, shapes that do not broadcast.

    References
    ----------
    Binance, "Maintenance margin"; Bybit, "Maintenance margin calculation"; BitMEX, "Risk limits"; OKX,
    "Position tiers"; Deribit, "Margins"; dYdX, "Margin".
    """
    fee = scalar("fee_rate", fee_rate)
    if (maintenance_rate is None) == (tiers is None):
        given = f"tiers with maintenance_rate {maintenance_rate!r}" if tiers else "neither"
        raise problem("tiers", given, "one of tiers and maintenance_rate")
    if tiers is not None:
        options = (rows_of(tiers, tier_rule, fee), tier_rule, fee)
        return each(_core.tier_maintenance, *options, notional=notional, closing_fee=closing_fee)
    return each(
        _core.maintenance_margin,
        notional=notional,
        maintenance_rate=maintenance_rate,
        deduction=deduction,
        rate_rise=rate_rise,
        fee_rate=fee,
        closing_fee=closing_fee,
        step=scalar("step", step),
    )


def open_interest_rate(
    *,
    initial_rate: ArrayLike,
    open_interest: ArrayLike,
    lower_cap: ArrayLike,
    upper_cap: ArrayLike,
    step: float = 0.0,
) -> Any:
    """Initial margin rate that rises with the market's open interest.

    ``initial_rate + scale (1 - initial_rate)``, with
    ``scale = (open_interest - lower_cap) / (upper_cap - lower_cap)`` held between 0 and 1.

    Parameters
    ----------
    initial_rate : array_like of float
        Of a market with little open interest.
    open_interest, lower_cap, upper_cap : array_like of float
        Notionals, in one unit. Caps that are equal: 1 from there on.
    step : float
        The rate is cut to whole ones of these (dYdX: 1e-6); 0 for none.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A number below 0, an upper cap of 0, shapes that do not broadcast.

    References
    ----------
    dYdX v4, "Open-interest-adjusted initial margin fraction". Maintenance margin does not scale.
    """
    return each(
        _core.open_interest_rate,
        initial_rate=initial_rate,
        open_interest=open_interest,
        lower_cap=lower_cap,
        upper_cap=upper_cap,
        step=scalar("step", step),
    )


def stepped_rate(
    *, notional: ArrayLike, base: ArrayLike, step: ArrayLike, rate: ArrayLike, rate_rise: ArrayLike
) -> Any:
    """A rate that rises by `rate_rise` for each step of notional above a base, whole or begun.

    Parameters
    ----------
    notional : array_like of float
    base, step : array_like of float
        In the money of the notional.
    rate, rate_rise : array_like of float
        Initial or maintenance rate up to the base, and what each step adds. It counts on the whole position.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A step of 0 or less, shapes that do not broadcast.

    References
    ----------
    BitMEX, "Risk limits": base risk limit and step. A notional just at a step is still below it.
    """
    return each(_core.stepped_rate, notional=notional, base=base, step=step, rate=rate, rate_rise=rate_rise)


def size_scaled_weight(
    *,
    weight: ArrayLike,
    factor: ArrayLike,
    size: ArrayLike,
    of: Literal["liability", "asset"],
    step: float = 0.0,
) -> Any:
    """A margin weight that grows worse with the root of the size.

    Of a liability ``max(w, 0.8 w + f sqrt(size))``, of an asset ``min(w, 1.1 / (1 + f sqrt(size)))``.

    Parameters
    ----------
    weight : array_like of float
        Of a small one, 1.1 say or 0.9.
    factor : array_like of float
        Drift's "IMF factor".
    size : array_like of float
        In tokens.
    of : {"liability", "asset"}
    step : float
        The weight is cut to whole ones of these (Drift: 1e-4); 0 for none.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A number below 0, shapes that do not broadcast.

    References
    ----------
    Drift v2, "Account health": size-adjusted weights.
    """
    asset = chosen("of", of, ("liability", "asset")) == "asset"
    formula = _core.weight_of_asset if asset else _core.weight_of_liability
    return each(formula, weight=weight, factor=factor, size=size, step=scalar("step", step))


def slippage_margin(
    *,
    qty: ArrayLike,
    mark_price: ArrayLike,
    slippage_cap: ArrayLike,
    risk_factor: ArrayLike,
    exit_price: ArrayLike = np.inf,
) -> Any:
    """Maintenance margin by what leaving through the book costs, and a risk factor.

    ``q (min(|exit - mark|, cap mark) + risk mark)``.

    Parameters
    ----------
    qty : array_like of float
    mark_price : array_like of float
    slippage_cap : array_like of float
        Largest slippage, over the mark price.
    risk_factor : array_like of float
        Of the side that the position is on.
    exit_price : array_like of float
        Mean price at which the book would take it; infinite where the book is empty.

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A mark price of 0 or less, numbers below 0, shapes that do not broadcast.

    References
    ----------
    Vega protocol, "Margin calculator" (specification 0019), slippage capped by the market's factor.
    """
    return each(
        _core.slippage_margin,
        qty=qty,
        mark_price=mark_price,
        exit_price=exit_price,
        slippage_cap=slippage_cap,
        risk_factor=risk_factor,
    )


def margin_levels(
    *,
    maintenance_margin: ArrayLike,
    search: float = 1.1,
    initial: float = 1.2,
    release: float = 1.4,
    step: float = 0.0,
) -> dict[str, Any]:
    """Margins at which a venue looks for more, opens, and gives back: multiples of maintenance.

    Parameters
    ----------
    maintenance_margin : array_like of float
    search, initial, release : float
        Their factors.
    step : float
        Each is cut down to whole ones of these; 0 for none.

    Returns
    -------
    dict of str to float or numpy.ndarray of float64
        ``search``, ``initial`` and ``release``.

    Raises
    ------
    ScenarioError
        A factor, step or margin below 0.

    References
    ----------
    Vega protocol, "Margin calculator" (specification 0019): scaling factors, by default as here.
    """
    factors = {"search": search, "initial": initial, "release": release}
    least = scalar("step", step)
    return {
        name: each(
            _core.margin_level,
            maintenance_margin=maintenance_margin,
            factor=scalar(name, factor),
            step=least,
        )
        for name, factor in factors.items()
    }


def available_margin(*, wallet: ArrayLike, initial_margin: ArrayLike, unrealised_pnl: ArrayLike = 0.0) -> Any:
    """What is free for new positions: ``wallet - initial margin + min(0, profit)``.

    Parameters
    ----------
    wallet : array_like of float
        Balance; the account's equity where the venue lets profit be used (Hyperliquid's ``withdrawable``).
    initial_margin : array_like of float
        Of all positions.
    unrealised_pnl : array_like of float
        Net, of all positions. Losses count, profit does not.

    Returns
    -------
    float or numpy.ndarray of float64
        Below 0 where losses have eaten into initial margin.

    Raises
    ------
    ScenarioError
        Numbers that are not finite, shapes that do not broadcast.

    References
    ----------
    Bybit, "Available balance" in cross margin, before hedged losses were locked.
    """
    return each(
        _core.available_margin, wallet=wallet, initial_margin=initial_margin, unrealised_pnl=unrealised_pnl
    )


def sustainable_loss(
    *, available: ArrayLike, initial_margin: ArrayLike, maintenance_margin: ArrayLike
) -> Any:
    """What a cross position may lose before its liquidation: free margin and what it holds above maintenance.

    Parameters
    ----------
    available, initial_margin, maintenance_margin : array_like of float

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        Numbers that are not finite, shapes that do not broadcast.

    References
    ----------
    Bybit, "Liquidation price in cross margin": ``available + IM - MM``.
    """
    held = available_margin(wallet=initial_margin, initial_margin=maintenance_margin)
    return available_margin(wallet=available, initial_margin=np.negative(held))


def margin_ratio(*, equity: ArrayLike, maintenance_margin: ArrayLike) -> Any:
    """Equity over maintenance margin: a position breaks at 1 (OKX, "Margin ratio").

    Venues that show it the other way round (Bybit, Toobit) show one over this.

    Parameters
    ----------
    equity : array_like of float
        Margin and unrealised profit.
    maintenance_margin : array_like of float
        With the fee for closing, where the venue counts it.

    Returns
    -------
    float or numpy.ndarray of float64
        Infinite where nothing must be kept.

    Raises
    ------
    ScenarioError
        Numbers that are not finite, shapes that do not broadcast.
    """
    return each(_core.margin_ratio, equity=equity, maintenance_margin=maintenance_margin)


def is_liquidatable(
    *,
    equity: ArrayLike,
    maintenance_margin: ArrayLike,
    trigger: Literal["at_or_below", "below"] = "at_or_below",
) -> Any:
    """Whether equity has reached maintenance margin.

    Parameters
    ----------
    equity, maintenance_margin : array_like of float
    trigger : {"at_or_below", "below"}
        Whether equity that just equals maintenance is liquidated: Binance, Bybit, OKX yes, dYdX and
        Hyperliquid no.

    Returns
    -------
    bool or numpy.ndarray of bool

    Raises
    ------
    ScenarioError
        Numbers that are not finite, shapes that do not broadcast.
    """
    strict = chosen("trigger", trigger, ("at_or_below", "below")) == "below"
    free = each(_core.excess_margin, equity=equity, maintenance_margin=maintenance_margin)
    return free < 0 if strict else free <= 0
