"""What a venue asks of one position: `perpcore.rules` with the switches of a `Venue`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import rules
from perpcore._structs import problem
from perpcore.venues import MarginTiers

if TYPE_CHECKING:
    from perpcore.accounts.holdings import Holding
    from perpcore.venues import Tier, Venue


@functools.lru_cache(maxsize=256)
def _rows(tiers: tuple[Tier, ...]) -> tuple[tuple[float, float, float], ...]:
    """Checked, and as floats; a tier that is drawn has no number yet and is a ScenarioError."""
    return tuple(
        (float(floor), float(rate), float(most)) for floor, rate, most in MarginTiers(tiers=tiers).rows
    )


def tier_rows(venue: Venue) -> tuple[tuple[float, float, float], ...]:
    """``(min_notional, maintenance_rate, max_leverage)`` of each tier."""
    return _rows(venue.tiers)


def _under_tiers(venue: Venue) -> dict[str, Any]:
    """What `perpcore.rules` is told of them."""
    return {"tiers": [row[:2] for row in tier_rows(venue)], "tier_rule": venue.tier_rule}


def tier_at(venue: Venue, notional: float) -> int:
    """Number of the tier that a notional is in, from 0."""
    return max(i for i, (floor, *_) in enumerate(tier_rows(venue)) if i == 0 or floor <= notional)


def worth(venue: Venue, qty: float, price: float) -> float:
    """Notional of a quantity at a price, in the money of margin."""
    found: float = rules.notional(qty=qty, price=price, contract=venue.contract)
    return found


def profit(venue: Venue, holding: Holding, price: float, qty: float | None = None) -> float:
    """Profit at a price of a position, or of a part of it."""
    found: float = rules.unrealised_pnl(
        side=holding.side,
        qty=holding.qty if qty is None else qty,
        entry_price=holding.entry_price,
        mark_price=price,
        contract=venue.contract,
    )
    return found


def requirement(venue: Venue, holding: Holding, price: float) -> float:
    """Maintenance margin at a mark, and the closing fee where the venue counts it."""
    at = holding.entry_price if venue.maintenance_at == "entry" else price
    notional = worth(venue, holding.qty, at)
    fee = float(venue.close_fee) * worth(venue, holding.qty, price)
    found: float = rules.maintenance_margin(notional=notional, closing_fee=fee, **_under_tiers(venue))
    return found


def max_leverage(venue: Venue, notional: float) -> float:
    """The tier's; under the linear rule its inverse, the initial rate, is straight between the floors."""
    if venue.tier_rule != "linear":
        return tier_rows(venue)[tier_at(venue, notional)][2]
    floors, _, leverages = zip(*tier_rows(venue), strict=True)
    return float(1 / np.interp(notional, floors, np.reciprocal(leverages)))


def check_leverage(field: str, venue: Venue, leverage: float, notional: float) -> None:
    """Refuse what the tier of a notional does not allow, but for the last bits."""
    most = max_leverage(venue, notional)
    if leverage > most * (1 + 1e-9):
        raise problem(field, leverage, f"at most {most:g}, the tier's of a notional of {notional:g}")


def isolated_margin(venue: Venue, holding: Holding) -> float:
    """What is set aside for it; nothing under cross."""
    if holding.margin_mode == "cross":
        return 0.0
    if holding.margin is not None:
        return holding.margin
    assert holding.leverage is not None
    return worth(venue, holding.qty, holding.entry_price) / holding.leverage


def leverage_of(venue: Venue, holding: Holding) -> float:
    """What it was opened with; of a margin, at most its tier's."""
    if holding.leverage is not None:
        return holding.leverage
    notional = worth(venue, holding.qty, holding.entry_price)
    most = max_leverage(venue, notional)
    return min(notional / holding.margin, most) if holding.margin else most


def initial_rate(venue: Venue, leverage: float, notional: float, open_interest: float | None) -> float:
    """Initial margin over notional: ``1 / leverage``, at least the tier's, which open interest may raise."""
    least = 1.0 / max_leverage(venue, notional)
    if venue.open_interest_caps is not None and open_interest is not None:
        lower, upper = map(float, venue.open_interest_caps)
        least = rules.open_interest_rate(
            initial_rate=min(least, 1.0), open_interest=open_interest, lower_cap=lower, upper_cap=upper
        )
    return max(1.0 / leverage, least)


def initial_margin(venue: Venue, holding: Holding, open_interest: float | None) -> float:
    """Initial margin of a position at its mark, or at entry where the venue takes maintenance of that."""
    at = holding.entry_price if venue.maintenance_at == "entry" else holding.mark
    notional = worth(venue, holding.qty, at)
    rate = initial_rate(venue, leverage_of(venue, holding), notional, open_interest)
    found: float = rules.initial_margin(notional=notional, initial_rate=rate)
    return found


def liquidation_price(venue: Venue, holding: Holding, backing: float) -> float:
    """Price at which what stands behind a position, and its profit, is what is asked of it; NaN for none."""
    found: float = rules.liquidation_price(
        side=holding.side,
        qty=holding.qty,
        entry_price=holding.entry_price,
        margin=backing,
        maintenance_at=venue.maintenance_at,
        fee_rate=float(venue.close_fee),
        contract=venue.contract,
        **_under_tiers(venue),
    )
    return found


def bankruptcy_price(venue: Venue, holding: Holding, backing: float) -> float:
    """Price at which nothing of what stands behind a position is left; NaN for none."""
    found: float = rules.bankruptcy_price(
        side=holding.side,
        qty=holding.qty,
        entry_price=holding.entry_price,
        margin=backing,
        contract=venue.contract,
    )
    return found
