"""Tiers in floating point, from the scenario's own or from pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from perpcore import _core
from perpcore._structs import problem, shown
from perpcore.rules._columns import chosen, each, numbers
from perpcore.venues import MarginTiers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Tiers = MarginTiers | Sequence[tuple[float, float]]

TierRule = Literal["marginal", "whole_position", "linear"]


def rows_of(
    tiers: Tiers, tier_rule: TierRule = "marginal", fee_rate: float = 0.0
) -> list[tuple[float, float, float]]:
    """``(min_notional, rate, deduction)`` of each tier; refused are those that outgrow the notional."""
    chosen("tier_rule", tier_rule, get_args(TierRule))
    if isinstance(tiers, MarginTiers):
        deductions = [float(deduction) for deduction in tiers.deductions]
        pairs = [(float(floor), float(rate)) for floor, rate, _ in tiers.rows]
    else:
        pairs = _pairs(tiers)
        floors, rates = zip(*pairs, strict=True)
        deductions = tier_deductions(min_notional=floors, maintenance_rate=rates).tolist()
    rows = [(floor, rate, c) for (floor, rate), c in zip(pairs, deductions, strict=True)]
    _refuse_steep(rows, fee_rate, linear=tier_rule == "linear")
    return rows


def _pairs(tiers: Any) -> list[tuple[float, float]]:
    try:
        pairs = [(float(floor), float(rate)) for floor, rate in tiers]
    except (TypeError, ValueError):
        raise problem("tiers", shown(tiers), "MarginTiers, or pairs (min_notional, rate)") from None
    if not pairs:
        raise problem("tiers", "[]", "at least one tier")
    for i, (floor, rate) in enumerate(pairs):
        before = pairs[i - 1] if i else (-np.inf, 0.0)
        if not before[0] < floor < np.inf or (i == 0 and floor != 0):
            raise problem(f"tiers[{i}].min_notional", floor, "0 in the first tier, then rising")
        if not before[1] <= rate < 1:
            allowed = "0 or more, below 1, and no less than the tier before"
            raise problem(f"tiers[{i}].maintenance_rate", rate, allowed)
    return pairs


def _refuse_steep(rows: list[tuple[float, float, float]], fee_rate: float, *, linear: bool) -> None:
    """What is asked of a position may not grow as fast as its worth, or no price breaks it."""
    for i, (floor, rate, _) in enumerate(rows):
        below, slower = rows[i - 1][:2] if i and linear else (0.0, rate)
        if rate + fee_rate + (rate - slower) * floor / (floor - below or 1.0) >= 1:
            allowed = "a rate at which maintenance and fee grow more slowly than the notional"
            raise problem(f"tiers[{i}].maintenance_rate", rate, allowed)


def tiers_by_leverage(*, min_notional: ArrayLike, max_leverage: ArrayLike) -> list[tuple[float, float]]:
    """Tiers whose maintenance rate is half the initial one: ``1 / (2 max_leverage)``.

    Parameters
    ----------
    min_notional : array_like of float
        Lower ends of the tiers, the first 0.
    max_leverage : array_like of float
        Largest leverage in each.

    Returns
    -------
    list of (float, float)
        ``(min_notional, rate)``, what `liquidation_price` and `maintenance_margin` take as tiers.

    Raises
    ------
    ScenarioError
        A leverage of 0 or less, floors that do not rise from 0, leverages that rise.

    References
    ----------
    Hyperliquid, "Margin tiers": maintenance margin is half of initial margin at max leverage.
    """
    floors = np.atleast_1d(numbers("min_notional", min_notional))
    rates = np.atleast_1d(maintenance_rate(max_leverage=max_leverage))
    if floors.shape != rates.shape or floors.ndim != 1:
        raise problem("max_leverage", f"{rates.size} of them", f"one for each of {floors.size} tiers")
    return _pairs(zip(floors.tolist(), rates.tolist(), strict=True))


def maintenance_rate(*, max_leverage: ArrayLike) -> Any:
    """Maintenance rate of a market of a largest leverage: ``1 / (2 max_leverage)``.

    Parameters
    ----------
    max_leverage : array_like of float

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A leverage of 0 or less.

    References
    ----------
    Hyperliquid, "Margining".
    """
    return each(_core.half_leverage_rate, max_leverage=max_leverage)


def tier_deductions(
    *, min_notional: ArrayLike, maintenance_rate: ArrayLike, first: float = 0.0
) -> NDArray[np.float64]:
    """Deduction of each tier: ``c_n = c_(n-1) + floor_n (r_n - r_(n-1))``.

    Parameters
    ----------
    min_notional : array_like of float
        Lower ends of the tiers.
    maintenance_rate : array_like of float
    first : float
        Deduction of the first one, for a table that is given from its middle on.

    Returns
    -------
    numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        As many rates as floors are not given.

    References
    ----------
    Binance, "Leverage and Margin of USD-M Futures": maintenance amount; Bybit, "Maintenance Margin":
    ``mmDeduction``.
    """
    floors, rates = numbers("min_notional", min_notional), numbers("maintenance_rate", maintenance_rate)
    if floors.ndim != 1 or floors.shape != rates.shape:
        allowed = f"the shape {floors.shape} of min_notional, one axis"
        raise problem("maintenance_rate", f"shape {rates.shape}", allowed)
    steps = floors[1:] * np.diff(rates)
    return first + np.concatenate([[0.0], np.cumsum(steps)])


def tier_rate(*, notional: ArrayLike, tiers: Tiers) -> Any:
    """Maintenance rate of the tier that a notional is in; one on a floor is in the tier above.

    Parameters
    ----------
    notional : array_like of float
    tiers : MarginTiers, or sequence of (min_notional, rate)

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A notional that is not finite, tiers that do not rise from 0.
    """
    return each(_core.tier_rate, rows_of(tiers), notional=notional)


def tier_deduction(*, notional: ArrayLike, tiers: Tiers) -> Any:
    """Deduction of the tier that a notional is in ("maintenance amount").

    Parameters
    ----------
    notional : array_like of float
    tiers : MarginTiers, or sequence of (min_notional, rate)

    Returns
    -------
    float or numpy.ndarray of float64

    Raises
    ------
    ScenarioError
        A notional that is not finite, tiers that do not rise from 0.
    """
    return each(_core.tier_deduction, rows_of(tiers), notional=notional)
