"""What a due liquidation does (MODEL section 7, phase 4 under more rules): which mechanism, how many lots."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from .margin import Position
from .state import State
from .units import RATE_ONE
from .venue import Sizing
from .world import INSURANCE_FUND

BY_ORDER, BY_STOP, TO_VAULT, BY_ADL = range(4)


@dataclass(frozen=True)
class Decision:
    """The mechanism and, of an order, its lots and its limit (none: a market order)."""

    mechanism: int
    lots: int = 0
    limit: int | None = None


def decide(state: State, account: int, mark: int) -> Decision | None:
    """What happens to an account whose liquidation is due; nothing while it cools down."""
    position, collateral = state.positions[account], state.collateral(account)
    equity = state.world.rules.equity(position, collateral, mark)
    required = state.world.rules.required(position, mark)
    if state.is_cross(account):
        return Decision(BY_ORDER, abs(position.qty), _limit(state, account, mark))
    venue = state.world.venue
    if _is_within(state, account, venue.sizing.cooldown):
        return None
    if venue.backstop is not None:
        if equity >= 0 and equity * RATE_ONE < venue.backstop.below * required:
            return Decision(TO_VAULT)
        if venue.adl is not None and equity < 0:
            return Decision(BY_ADL)
    return Decision(BY_ORDER, _lots(state, account, mark), _limit(state, account, mark))


def _is_within(state: State, account: int, rounds: int | None) -> bool:
    """Whether the last partial order is so many rounds, or steps, ago or less (none: however many)."""
    sent = state.partial_orders.get(account)
    return sent is not None and rounds != 0 and (rounds is None or state.clock <= sent + rounds)


def _lots(state: State, account: int, mark: int) -> int:
    sizing, position = state.world.venue.sizing, state.positions[account]
    if sizing.kind == "tiers":
        return _down_to_a_tier(state, sizing, position, mark)
    if sizing.kind == "share":
        return _share(state, sizing, account, mark)
    return abs(position.qty)


def _down_to_a_tier(state: State, sizing: Sizing, position: Position, mark: int) -> int:
    """All but the most lots that lie so many tiers below."""
    rules, qty = state.world.rules, abs(position.qty)
    tier = rules.tier_number(rules.value(mark, qty))
    if tier < sizing.tiers:
        return qty
    too_much = rules.tiers[tier - sizing.tiers + 1].min_notional
    return qty - (math.ceil(Fraction(too_much, rules.value(mark, 1))) - 1)


def _share(state: State, sizing: Sizing, account: int, mark: int) -> int:
    qty, lot_value = abs(state.positions[account].qty), state.world.rules.value(mark, 1)
    if qty * lot_value <= sizing.whole_below or _is_within(state, account, sizing.whole_within):
        return qty
    share = math.ceil(Fraction(qty * sizing.share, RATE_ONE))
    return min(qty, max(share, math.ceil(Fraction(sizing.least_notional, lot_value))))


def _limit(state: State, account: int, mark: int) -> int | None:
    position, collateral = state.positions[account], state.collateral(account)
    rules, venue = state.world.rules, state.world.venue
    if venue.order == "market":
        return None
    if venue.order == "limit_at_bankruptcy":
        return rules.bankruptcy_tick(position, collateral)
    required, notional = rules.required(position, mark), abs(rules.value(mark, position.qty))
    short = required - rules.equity(position, collateral, mark)
    spread = required * venue.fillable_spread // notional
    part = short * venue.bankruptcy_adjustment // required if required else RATE_ONE
    away = spread * min(max(part, 0), RATE_ONE) // RATE_ONE
    tick = mark - position.side * (mark * away // RATE_ONE)
    room = max(state.balances[INSURANCE_FUND] - state.owed, 0)
    bearable = rules.bankruptcy_tick(position, collateral + room)
    return min(tick, bearable) if position.side < 0 else max(tick, bearable)
