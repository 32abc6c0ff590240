"""The agents of a run (AGENTS section 2): who acts when."""

from __future__ import annotations

from .agents_arbitrage import FundingTrader, StockTrader
from .agents_flow import Crowd, NoiseTrader
from .agents_hand import Actor, Hand
from .agents_plan import (
    Agent,
    FundingArbitrageur,
    Holders,
    LiquidationHunter,
    Momentum,
    Noise,
    ShortCrowd,
    SpotMarketMaker,
    StockArbitrageur,
    Whale,
)
from .agents_views import Chartist, Hunter, Seller, SpotMaker
from .agents_whale import Igniter
from .recording import profit_of_agent
from .state import Row, State


class Agents:
    """All of them in their order."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.actors = [(agent, actor(Hand(state, agent))) for agent in state.world.agents]

    def first_round(self, stage: Row) -> None:
        """Phase 1 of the first round of a step, into whose row goes what it costs the venue."""
        step = self.state.clock
        for agent, who in self.actors:
            who.stage = stage
            if step == agent.end:
                who.hand.leave()
            if agent.acts(step) and not isinstance(who, StockTrader):
                who.act(step)

    def arbitrage_is_due(self) -> bool:
        """Whether anybody acts in phase 6 of this step."""
        step = self.state.clock
        stock = (agent.acts(step) for agent, who in self.actors if isinstance(who, StockTrader))
        return any(stock) and not self.state.halted

    def every_round(self) -> None:
        """Phase 6, after the market maker."""
        for agent, who in self.actors:
            if agent.acts(self.state.clock) and isinstance(who, StockTrader):
                who.every_round()

    def after_step(self) -> None:
        """The end of a step."""
        for _, who in self.actors:
            who.after_step(self.state.clock)

    def paper_profits(self) -> int:
        """What the whales had when they began to leave, or have if they never did."""
        total = 0
        for agent, who in self.actors:
            if isinstance(who, Igniter):
                total += profit_of_agent(self.state, agent) if who.paper is None else who.paper
        return total


def actor(hand: Hand) -> Actor:
    """Who does what an agent's plan says."""
    state, agent, plan = hand.state, hand.agent, hand.agent.plan

    def profit(agent: Agent = agent) -> int:
        return profit_of_agent(state, agent)

    match plan:
        case Noise():
            return NoiseTrader(hand, plan)
        case Momentum():
            return Chartist(hand, plan)
        case Holders():
            return Seller(hand, plan)
        case SpotMarketMaker():
            return SpotMaker(hand, plan)
        case FundingArbitrageur():
            return FundingTrader(hand, plan)
        case ShortCrowd():
            return Crowd(hand, plan)
        case LiquidationHunter():
            return Hunter(hand, plan)
        case Whale():
            return Igniter(hand, plan, profit)
        case StockArbitrageur():
            return StockTrader(hand, plan)
    return Actor(hand)
