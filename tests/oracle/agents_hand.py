"""How an agent sends orders (AGENTS section 2): cut by margin in the perpetual, by its tokens in spot."""

from __future__ import annotations

from .agents_plan import Agent
from .book import SELL, Order
from .philox import word
from .state import PERP, SPOT, Row, State, Traded
from .units import RATE_ONE

FIRST_STREAM = 4096


class Hand:
    """The two accounts of an agent, its orders and its words."""

    def __init__(self, state: State, agent: Agent) -> None:
        self.state = state
        self.agent = agent

    @property
    def position(self) -> int:
        """Lots in the perpetual, signed."""
        return self.state.positions[self.agent.venue].qty

    @property
    def tokens(self) -> int:
        """Lots of spot on the desk."""
        return self.state.tokens[self.agent.desk]

    @property
    def sellable(self) -> int:
        """Lots of spot that no resting ask offers."""
        return self.tokens - self.state.spot.offered(self.agent.desk, SELL)

    @property
    def across(self) -> int:
        """Lots of spot in a lot of the perpetual."""
        return int(self.state.world.perp.lot / self.state.world.spot.lot)

    def word(self, n: int) -> int:
        """Word `n` of the step."""
        world = self.state.world
        return word(world.seed, FIRST_STREAM + self.agent.number, (self.state.clock << 26) + n, world.path)

    def held(self, market: str) -> int:
        """What it holds in a market."""
        return self.position if market == "perp" else self.tokens

    def trade(self, market: str, side: int, qty: int, cause: int) -> Traded:
        """A market order in one of the markets."""
        return self.perp(side, qty, cause) if market == "perp" else self.spot(side, qty, cause)

    def toward(self, market: str, target: int, most: int, cause: int) -> None:
        """Trade from what it holds toward a target, so many lots at most."""
        wanted = target - self.held(market)
        if wanted != 0:
            self.trade(market, 1 if wanted > 0 else -1, min(abs(wanted), most), cause)

    def spot(self, side: int, qty: int, cause: int) -> Traded:
        """A market order in spot; a sale of what is there."""
        qty = min(qty, self.sellable) if side == SELL else qty
        return Traded() if qty <= 0 else self.state.trade_spot(self.agent.desk, side, qty, cause)

    def perp(self, side: int, qty: int, cause: int, limit: int | None = None) -> Traded:
        """A market or IOC order in the perpetual, as large as the margin allows."""
        qty = self.cut(side, qty)
        if qty <= 0 or self.state.halted:
            return Traded()
        return self.state.trade_perp(self.agent.venue, side, qty, cause, limit)

    def cut(self, side: int, qty: int) -> int:
        """The lots of an order in the perpetual that the margin allows."""
        state, agent = self.state, self.agent
        if agent.capital is None:
            return qty
        rules, mark = state.world.rules, state.mark
        equity = rules.equity(state.positions[agent.venue], state.collateral(agent.venue), mark)
        most = self._open(max(equity, 0))
        against = max(-side * self.position, 0)
        room = max(most - side * self.position, against) - state.perp.offered(agent.venue, side)
        return max(min(qty, room), 0)

    def _open(self, equity: int) -> int:
        """The most lots whose value is within its own leverage and that of the tier they are in."""
        rules, mark, stress = self.state.world.rules, self.state.mark, self.state.stress
        lot = rules.value(mark, 1)
        own = equity * self.agent.leverage // (lot * RATE_ONE)
        allowed = [rules.leverage(tier.min_notional, stress) for tier in rules.tiers]
        bounds = [equity * leverage // (lot * RATE_ONE) for leverage in allowed]
        ends = [(tier.min_notional - 1) // lot for tier in rules.tiers[1:]]

        def stands(lots: int) -> bool:
            worth = rules.value(mark, lots)
            return worth * RATE_ONE <= equity * rules.leverage(worth, stress)

        return max(lots for lots in (0, *(min(own, n) for n in (own, *bounds, *ends))) if stands(lots))

    def rest(self, market: str, side: int, price: int, qty: int) -> Order | None:
        """A post-only order; none if it would trade, or below tick 1, or of nothing."""
        state = self.state
        spot = market == "spot"
        if not spot:
            qty = self.cut(side, qty)
        elif side == SELL:
            qty = min(qty, self.sellable)
        if qty <= 0 or price < 1 or (not spot and state.halted):
            return None
        book, owner = (state.spot, self.agent.desk) if spot else (state.perp, self.agent.venue)
        order = book.post_only(side, price, qty, owner)
        state.events += order is not None
        return order

    def cancel(self, market: str, side: int, order: Order) -> None:
        """Take an order back; it may be gone."""
        book = self.state.spot if market == "spot" else self.state.perp
        self.state.events += book.sides[side].remove(order)

    def leave(self) -> None:
        """Take all orders back."""
        state, agent = self.state, self.agent
        state.events += state.spot.cancel(agent.desk) + state.perp.cancel(agent.venue)

    def last(self, market: str) -> int:
        """The last trade of a book."""
        return self.state.last[SPOT if market == "spot" else PERP]


class Actor:
    """An agent that acts in phase 1 of the first round of a step."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.state = hand.state
        #: The row of the round in which it acts.
        self.stage: Row = {}

    def act(self, step: int) -> None:
        """What it does in a step."""

    def after_step(self, step: int) -> None:
        """What it remembers at the end of a step, whether it acted or not."""
