"""The whale (AGENTS section 3): it accumulates, goes long, ignites, and leaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from .agents_hand import Actor, Hand
from .agents_plan import Whale
from .book import BUY, SELL
from .state import IGNITION, WHALE
from .units import RATE_ONE


class Igniter(Actor):
    """Legs of purchases, then the exit."""

    def __init__(self, hand: Hand, plan: Whale, profit: Callable[[], int]) -> None:
        super().__init__(hand)
        self.plan = plan
        self.profit = profit
        self.left_in: int | None = None
        self.peak = 0
        self.paper: int | None = None

    def act(self, step: int) -> None:
        """Buys what is due, or leaves."""
        if self.left_in is None and self._leaves(step):
            self.left_in = step
            self.paper = self.profit()
        if self.left_in is not None:
            self._leave(step - self.left_in)
            return
        plan, hand = self.plan, self.hand
        if plan.accumulate is not None:
            hand.spot(BUY, plan.accumulate.due(step), WHALE)
        if plan.longs is not None:
            hand.perp(BUY, plan.longs.due(step), WHALE)
        if plan.ignite is not None:
            traded = hand.spot(BUY, plan.ignite.due(step), IGNITION)
            self.state.ignition_qty += traded.qty
            self.state.ignition_value += traded.value

    def _leaves(self, step: int) -> bool:
        plan = self.plan
        if plan.exit is None:
            return False
        if plan.exit.first is not None and plan.exit.first <= step:
            return True
        if plan.exit.drawdown is None or plan.ignite is None or plan.ignite.first >= step:
            return False
        return self.state.index * RATE_ONE <= self.peak * (RATE_ONE - plan.exit.drawdown)

    def _leave(self, e: int) -> None:
        hand, leaves = self.hand, self.plan.exit
        assert leaves is not None
        left = max(1, leaves.steps - e)
        hand.spot(SELL, math.ceil(Fraction(hand.tokens, left)), WHALE)
        position = hand.position
        side = SELL if position > 0 else BUY
        hand.perp(side, math.ceil(Fraction(abs(position), left)), WHALE)

    def after_step(self, step: int) -> None:
        """The highest index since the ignition began."""
        if self.plan.ignite is not None and step >= self.plan.ignite.first:
            self.peak = max(self.peak, self.state.index)
