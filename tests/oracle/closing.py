"""The settlement price (MODEL section 7): after the last round the venue closes every position."""

from __future__ import annotations

from .margin import FLAT
from .state import State
from .waterfall import cover
from .world import ATTACKER, CLEARING, MARKET_MAKER, REST, TAKEOVER_DESK, VAULT


def close_all(state: State, price: int) -> None:
    """Everybody's position against clearing, at one price; then everybody's debts."""
    state.reach_all()
    for account, position in sorted(state.positions.items()):
        state.transfer(CLEARING, account, state.world.rules.profit(position, price))
        state.positions[account] = FLAT
    state.finance()
    for account in (ATTACKER, REST):
        state.deposit(account, max(-state.balances[account], 0))
    for account in (MARKET_MAKER, TAKEOVER_DESK, VAULT, *state.agents, *state.traders):
        if state.balances[account] < 0:
            deficit = -state.balances[account]
            state.settlement_deficit += deficit
            state.settlement_paid += cover(state, account, deficit)
