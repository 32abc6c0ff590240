"""Funding (MODEL section 7, phase 3): a premium a round, and who pays whom when a payment is due."""

from __future__ import annotations

import math
from fractions import Fraction

from .book import BUY, SELL
from .funding_plan import FundingRules
from .recording import record_deficit
from .state import Row, State
from .units import RATE_ONE, trunc_div
from .waterfall import cover
from .world import ATTACKER, CLEARING, INSURANCE_FUND, REST, TAKEOVER_DESK, VAULT, in_perp_ticks, nearest

FINE = 2**20


class Funding:
    """The premiums since the last payment, and when the next is due."""

    def __init__(self, state: State, rules: FundingRules) -> None:
        self.state = state
        self.rules = rules
        self.premiums: list[int] = []
        self.interval, self.next = rules.interval, rules.next_in

    def round(self, stage: Row) -> None:
        """One more premium; a payment if it is due."""
        state, rules = self.state, self.rules
        index = math.floor(in_perp_ticks(state.world, max(state.index, 1)) * FINE)
        self.premiums.append(self._premium(index))
        now = (state.clock - 1) * state.world.seconds
        if now < self.next:
            return
        found = rules.rate(self.premiums, self.interval)
        self.premiums = []
        state.last_funding = found
        state.payments += 1
        state.positive_payments += found > 0
        if found != 0:
            price = max(nearest(Fraction(index, FINE)), 1) if rules.at_index else state.mark
            self._pay(stage, found, price)
        stage["funding_rate"] = found
        if rules.stress_above is not None and abs(found) > rules.stress_above:
            self.interval = rules.stress_interval
        while self.next <= now:
            self.next += self.interval

    def _premium(self, index: int) -> int:
        bid, ask = self._impact(BUY), self._impact(SELL)
        above = 0 if bid is None else max(0, bid - index)
        below = 0 if ask is None else max(0, index - ask)
        return trunc_div(RATE_ONE * (above - below), index)

    def _impact(self, side: int) -> int | None:
        """The impact price of a side in fine ticks; none if it is thin."""
        wanted = self.state.world.impact
        value = lots = 0
        for order in self.state.perp.sides[side].walk():
            if wanted == 0:
                return order.price * FINE
            taken = min(order.qty, -(-(wanted - value) // order.price))
            value, lots = value + taken * order.price, lots + taken
            if value >= wanted:
                return value * FINE // lots
        return None

    def _pay(self, stage: Row, found: int, price: int) -> None:
        state = self.state
        state.reach_all()
        payer = 1 if found > 0 else -1
        paid = received = 0
        for side in (payer, -payer):
            for account in sorted(state.positions):
                position = state.positions[account]
                if position.side != side:
                    continue
                exact = Fraction(abs(found * state.world.rules.value(price, position.qty)), RATE_ONE)
                if side == payer:
                    self._take(stage, account, math.ceil(exact))
                    paid += math.ceil(exact)
                else:
                    self._give(account, math.floor(exact))
                    received += math.floor(exact)
        state.transfer(CLEARING, INSURANCE_FUND, paid - received)
        stage["funding_paid"] = paid if found > 0 else -received

    def _take(self, stage: Row, account: int, amount: int) -> None:
        """A payer's money: out of margin at once, what that does not hold being a deficit."""
        state, position = self.state, self.state.positions[account]
        if account in (ATTACKER, REST):
            state.deposit(account, amount)
        elif self._has_margin(account):
            deficit = max(amount - position.margin, 0)
            if deficit:
                record_deficit(stage, None, deficit, cover(state, account, deficit))
            state.positions[account] = position._replace(margin=max(position.margin - amount, 0))
        state.transfer(account, CLEARING, amount)
        if account == VAULT:
            left = max(min(position.margin, state.balances[VAULT]), 0)
            state.positions[VAULT] = position._replace(margin=left)

    def _give(self, account: int, amount: int) -> None:
        state, position = self.state, self.state.positions[account]
        state.transfer(CLEARING, account, amount)
        if self._has_margin(account):
            state.positions[account] = position._replace(margin=position.margin + amount)

    def _has_margin(self, account: int) -> bool:
        """Whether it pays out of margin and receives into it."""
        return account == TAKEOVER_DESK or account in self.state.traders
