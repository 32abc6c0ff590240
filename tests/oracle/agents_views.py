"""Agents with a view: momentum, holders, the hunter, the spot market maker (AGENTS section 3)."""

from __future__ import annotations

import math
from fractions import Fraction

from .agents_hand import Actor, Hand
from .agents_plan import Holders, LiquidationHunter, Momentum, SpotMarketMaker
from .book import BUY, SELL, Order
from .state import HOLDERS_SALE, HUNTING, MOMENTUM, SPOT
from .units import RATE_ONE


class Chartist(Actor):
    """Buys what has risen, sells what has fallen."""

    def __init__(self, hand: Hand, plan: Momentum) -> None:
        super().__init__(hand)
        self.plan = plan
        self.target = 0

    def act(self, step: int) -> None:
        """A new target if the mark has moved far enough."""
        plan, marks = self.plan, self.state.marks
        before = marks[max(step - 1 - plan.window, 0)]
        moved = (marks[step - 1] - before) * RATE_ONE
        if moved >= plan.threshold * before:
            self.target = plan.max_qty
        elif moved <= -plan.threshold * before:
            self.target = 0 if plan.long_only or plan.market == "spot" else -plan.max_qty
        self.hand.toward(plan.market, self.target, plan.order_qty, MOMENTUM)


class Seller(Actor):
    """Sells into strength, a share of its tokens per rise."""

    def __init__(self, hand: Hand, plan: Holders) -> None:
        super().__init__(hand)
        self.plan = plan
        self.sold = 0

    def act(self, step: int) -> None:  # noqa: ARG002
        """So many of its tokens as the price asks for."""
        plan, start = self.plan, self.state.world.spot.start
        tokens = self.hand.tokens + self.sold
        gain = (self.state.index - start) * RATE_ONE - plan.threshold * start
        wanted = math.floor(Fraction(tokens * plan.elasticity * gain, RATE_ONE**2 * start))
        wanted = min(max(wanted, 0), tokens) - self.sold
        if wanted > 0:
            self.sold += self.hand.spot(SELL, min(wanted, plan.order_qty), HOLDERS_SALE).qty


class SpotMaker(Actor):
    """Quotes in spot, lower the more it holds."""

    def __init__(self, hand: Hand, plan: SpotMarketMaker) -> None:
        super().__init__(hand)
        self.plan = plan
        self.resting: list[tuple[int, Order]] = []

    def act(self, step: int) -> None:  # noqa: ARG002
        """All its orders anew."""
        plan, hand = self.plan, self.hand
        for side, order in self.resting:
            hand.cancel("spot", side, order)
        self.resting = []
        held = hand.tokens - hand.agent.tokens
        centre = self.state.last[SPOT] + math.floor(Fraction(1, 2) - plan.skew * held)
        for side in (SELL, BUY):
            if plan.inventory_limit is not None and side * held >= plan.inventory_limit:
                continue
            for i in range(plan.levels):
                price = centre - side * (plan.half_spread + i * plan.level_gap)
                placed = hand.rest("spot", side, price, plan.level_qty)
                if placed is not None:
                    self.resting.append((side, placed))


class Hunter(Actor):
    """Buys before shorts break, sells before longs do."""

    def __init__(self, hand: Hand, plan: LiquidationHunter) -> None:
        super().__init__(hand)
        self.plan = plan

    def act(self, step: int) -> None:  # noqa: ARG002
        """Look how much breaks within reach, and trade toward it."""
        plan, mark = self.plan, self.state.mark
        reach = mark * plan.reach // RATE_ONE
        above, below = self._within(-1, reach), self._within(1, reach)
        target = 0
        if above >= plan.min_notional and above >= below:
            target = plan.max_qty
        elif below >= plan.min_notional and below > above:
            target = -plan.max_qty if plan.market == "perp" else 0
        self.hand.toward(plan.market, target, plan.order_qty, HUNTING)

    def _within(self, side: int, reach: int) -> int:
        """The value of what breaks on one side."""
        state, mark = self.state, self.state.mark
        rules, found = state.world.rules, 0
        for account in state.traders:
            position = state.positions[account]
            if position.side != side:
                continue
            tick = rules.tick_of(position, state.collateral(account))
            if tick is not None and 1 <= side * (mark - tick) <= reach:
                found += abs(rules.value(mark, position.qty))
        return found
