"""Orders and accounts that come at random: noise and the crowd (AGENTS section 3)."""

from __future__ import annotations

import math
from fractions import Fraction

from .agents_hand import Actor, Hand
from .agents_plan import Noise, ShortCrowd
from .book import BUY, SELL, Order
from .cells import Trader, poisson_count
from .margin import Position
from .rounds import Round
from .state import CROWD, NOISE
from .units import RATE_ONE
from .waterfall import Waterfall


class NoiseTrader(Actor):
    """Market and limit orders by the words of the step."""

    def __init__(self, hand: Hand, plan: Noise) -> None:
        super().__init__(hand)
        self.plan = plan
        self.resting: list[tuple[int, int, Order]] = []
        #: Market orders called forth that have yet to come, in units of 2^-32.
        self.pending = 0

    def act(self, step: int) -> None:
        """Old orders go, market orders, limit orders."""
        plan, hand = self.plan, self.hand
        for placed, side, order in self.resting:
            if placed <= step - plan.lifetime:
                hand.cancel(plan.market, side, order)
        self.resting = [item for item in self.resting if item[0] > step - plan.lifetime]
        uncalled = Fraction(plan.rate_per_s) * (RATE_ONE - plan.branching) / RATE_ONE
        orders = poisson_count(plan.mean(uncalled), hand.word(0))
        if plan.branching:
            orders += self._called(orders)
        limits = poisson_count(plan.mean(plan.limit_rate_per_s), hand.word(1))
        for j in range(orders):
            drawn = hand.word(4 + j)
            hand.trade(plan.market, SELL if drawn % 2 else BUY, plan.lots.at(drawn >> 52), NOISE)
        for i in range(limits):
            self._limit(step, hand.word(4 + orders + i))

    def _called(self, uncalled: int) -> int:
        """Orders due that others called forth; all of the step call forth more."""
        due = self.pending * self.plan.alpha // 2**32
        called = due // 2**32 + (self.hand.word(2) % 2**32 < due % 2**32)
        each = self.plan.branching * 2**32 // RATE_ONE
        self.pending += (uncalled + called) * each - due
        return called

    def _limit(self, step: int, drawn: int) -> None:
        plan, hand = self.plan, self.hand
        side = SELL if drawn % 2 else BUY
        book = self.state.spot if plan.market == "spot" else self.state.perp
        away = ((drawn >> 1) % 2**32) * plan.limit_gap >> 32
        best = book.best(side)
        price = hand.last(plan.market) - side * (away + 1) if best is None else best - side * away
        order = hand.rest(plan.market, side, price, plan.lots.at(drawn >> 52))
        if order is not None:
            self.resting.append((step, side, order))


class Crowd(Actor):
    """Accounts of their own, each with one order and the margin for it."""

    def __init__(self, hand: Hand, plan: ShortCrowd) -> None:
        super().__init__(hand)
        self.plan = plan
        self.accounts = 0
        #: The step from which an account closes, and its number.
        self.leaving: list[tuple[int, int]] = []

    def act(self, step: int) -> None:
        """Those whose time is over leave, then those who come in this step."""
        state, plan = self.state, self.plan
        if state.halted:
            return
        for due, account in sorted(self.leaving):
            if due <= step:
                self._close(account)
        self.leaving = [(due, account) for due, account in self.leaving if state.positions[account].qty]
        start = state.world.perp.start
        gone = -plan.side * (state.marks[max(step - 1, 0)] - start)
        share = max(0, min(plan.base + plan.slope * gone // start, RATE_ONE))
        for j in range(poisson_count(plan.mean, self.hand.word(0))):
            u, v = self.hand.word(4 + 2 * j), self.hand.word(5 + 2 * j)
            if self.accounts < plan.max_accounts and (u % 2**32) * RATE_ONE < share * 2**32:
                self._open(step, u >> 52, v)

    def _close(self, account: int) -> None:
        """A market order for what an account still has; what it sets free stays its trader's."""
        state, held = self.state, self.state.positions[account]
        if held.qty == 0:
            return
        before = state.balances[account] - held.margin
        state.trade_perp(account, -held.side, abs(held.qty), CROWD)
        freed = state.balances[account] - state.positions[account].margin - before
        Waterfall(state, Round(self.stage, state.mark, state.mark)).closed_by_trader(account, freed)

    def _open(self, step: int, size: int, drawn: int) -> None:
        state, plan = self.state, self.plan
        account = state.next_account
        state.begin(account)
        traded = state.trade_perp(account, plan.side, plan.lots.at(size), CROWD)
        if traded.qty == 0:
            state.forget(account)
            return
        self.accounts += 1
        state.opened += traded.qty
        state.crowds.setdefault(self.hand.agent.number, []).append(account)
        wanted = plan.leverages[drawn >> 52 if len(plan.leverages) > 1 else 0]
        most = state.world.rules.leverage(traded.value, state.stress)
        margin = math.ceil(Fraction(traded.value * RATE_ONE, min(wanted, most)))
        state.deposit(account, max(traded.fee, 0) + margin)
        position: Position = state.positions[account]._replace(margin=margin)
        state.positions[account] = position
        state.traders[account] = Trader(position, None)
        if plan.holds:
            steps = plan.holds[(drawn >> 40) % 4096 if len(plan.holds) > 1 else 0]
            self.leaving.append((step + steps, account))
