"""Arbitrage between spot and the perpetual: for the funding, and for the basis (AGENTS section 3)."""

from __future__ import annotations

import math
from fractions import Fraction

from .agents_hand import Actor, Hand
from .agents_plan import FundingArbitrageur, StockArbitrageur
from .book import BUY, SELL
from .state import ARBITRAGE
from .units import RATE_ONE
from .world import in_perp_ticks

MOST = 10_000


class FundingTrader(Actor):
    """Spot against a short while the funding pays for it."""

    def __init__(self, hand: Hand, plan: FundingArbitrageur) -> None:
        super().__init__(hand)
        self.plan = plan
        self.uncovered_since: int | None = None

    def act(self, step: int) -> None:
        """The first of three cases that applies; lots of spot."""
        plan, hand, rate = self.plan, self.hand, self.state.last_funding
        tokens, short = hand.tokens, max(-hand.position, 0) * hand.across
        if tokens <= short:
            self.uncovered_since = None
        if tokens > short:
            if self.uncovered_since is None:
                self.uncovered_since = step
            if step >= self.uncovered_since + plan.lock:
                hand.spot(SELL, min(tokens - short, plan.order_qty), ARBITRAGE)
        elif rate >= plan.enter_rate and short < plan.max_qty:
            self._both(SELL, min(plan.max_qty - short, plan.order_qty, self._pays() * hand.across))
        elif rate <= plan.exit_rate and short > 0:
            self._both(BUY, min(short, plan.order_qty))

    def _pays(self) -> int:
        """Lots of the perpetual at a bid that is far enough above what spot costs."""
        perp, spot = self.state.perp, self.state.spot
        bid, ask = perp.best(BUY), spot.best(SELL)
        if bid is None or ask is None:
            return 0
        cost = in_perp_ticks(self.state.world, ask)
        if bid - cost < cost * Fraction(self.plan.min_basis, RATE_ONE):
            return 0
        return min(perp.sides[BUY].lots_at_best(), spot.sides[SELL].lots_at_best() // self.hand.across)

    def _both(self, side: int, qty: int) -> None:
        """The perpetual first, then the other way in spot what was filled."""
        filled = self.hand.perp(side, qty // self.hand.across, ARBITRAGE).qty
        self.hand.spot(-side, filled * self.hand.across, ARBITRAGE)


class StockTrader(Actor):
    """Holds tokens against a short in proportion to the basis; acts in phase 6 of every round."""

    def __init__(self, hand: Hand, plan: StockArbitrageur) -> None:
        super().__init__(hand)
        self.plan = plan

    def every_round(self) -> None:
        """As often as there is something to do."""
        for _ in range(MOST):
            if self.state.halted or not self._once():
                return

    def _once(self) -> bool:
        """One pair of orders; whether there was anything to trade."""
        state, hand, kappa = self.state, self.hand, self.plan.kappa
        spot, perp = state.spot, state.perp
        spot_bid, spot_ask, bid, ask = spot.best(BUY), spot.best(SELL), perp.best(BUY), perp.best(SELL)
        short, across = -hand.position, hand.across
        if bid is not None and spot_ask is not None:
            target = math.floor(kappa * (bid - self._converted(spot_ask)))
            if short < target:
                lots = (perp.sides[BUY].lots_at_best(), spot.sides[SELL].lots_at_best() // across)
                return self._trade(SELL, min(target - short, *lots), bid)
        if ask is not None and spot_bid is not None:
            target = math.ceil(kappa * (ask - self._converted(spot_bid)))
            if short > target:
                lots = (perp.sides[SELL].lots_at_best(), spot.sides[BUY].lots_at_best() // across)
                return self._trade(BUY, min(short - target, *lots, hand.sellable // across), ask)
        return False

    def _converted(self, price: int) -> Fraction:
        return in_perp_ticks(self.state.world, price)

    def _trade(self, side: int, qty: int, price: int) -> bool:
        filled = self.hand.perp(side, qty, ARBITRAGE, price).qty
        self.hand.spot(-side, filled * self.hand.across, ARBITRAGE)
        return filled > 0
