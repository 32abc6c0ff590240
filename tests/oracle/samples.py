"""Samples of a run through time (AGENTS section 5): the market, the agents, where positions break."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from .agents_plan import Agent, FundingArbitrageur, StockArbitrageur, Whale
from .book import BUY, SELL, Book
from .recording import profit_of, profit_of_agent
from .state import PERP, SPOT, Result, Row, State
from .world import ATTACKER, INSURANCE_FUND, MARKET_MAKER, SPOT_DESK, in_perp_ticks, nearest


class Samples:
    """The three tables, and the counts of the sample before."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.series: list[Row] = []
        self.agents: list[Row] = []
        self.heat_map: list[Row] = []
        self.fills = self.events = self.liquidated = 0

    def take(self, liquidated: int) -> None:
        """One sample; `liquidated` is the notional of the run so far."""
        self._market(liquidated)
        self._agents()
        self._heat()

    def put_to(self, result: Result, paper_profits: int) -> Result:
        """The result with the samples, and what the summary has of a run through time only."""
        state, world = self.state, self.state.world
        floats = floats_of(state)
        if world.steps is None:
            return result
        result.series, result.agents, result.heat_map = self.series, self.agents, self.heat_map
        result.summary |= {
            "spot_volume": sum(stage["spot_volume"] for stage in result.stages),
            "perp_volume": sum(stage["perp_volume"] for stage in result.stages),
            "events": state.events,
            "attacker_paper_pnl": profit_of(state, ATTACKER) + paper_profits,
            "peak_open_interest": max((row["open_interest"] for row in self.series), default=0),
            "locked_qty": floats["locked_float"],
            "circulating_qty": world.tokens.circulating + state.unlocked,
            "payments": state.payments,
            "positive_payments": state.positive_payments,
        }
        return result

    def _market(self, liquidated: int) -> None:
        state, world = self.state, self.state.world
        floats = floats_of(state)
        new = state.fills[self.fills :]
        spot_last = nearest(in_perp_ticks(world, state.last[SPOT]))
        self.series.append(
            {
                "clock": state.clock,
                "index": state.index,
                "mark": state.mark,
                "spot_last": state.last[SPOT],
                "perp_last": state.last[PERP],
                "basis": state.last[PERP] - spot_last,
                "funding_rate": state.last_funding,
                "open_interest": sum(max(position.qty, 0) for position in state.positions.values()),
                "spot_volume": sum(fill["qty"] for fill in new if fill["book"] == SPOT),
                "perp_volume": sum(fill["qty"] for fill in new if fill["book"] == PERP),
                "circulating": world.tokens.circulating + state.unlocked,
                **floats,
                "fdv": world.tokens.supply * state.last[SPOT] * world.spot.scale,
                "insurance_fund": state.balances[INSURANCE_FUND],
                "liquidated_notional": liquidated - self.liquidated,
                "events": state.events - self.events,
                **_liquidity("spot", state.spot, state.last[SPOT]),
                **_liquidity("perp", state.perp, state.last[PERP]),
            }
        )
        self.fills, self.events, self.liquidated = len(state.fills), state.events, liquidated

    def _agents(self) -> None:
        state = self.state
        profit = profit_of(state, MARKET_MAKER) + profit_of(state, SPOT_DESK)
        self._row(0, [MARKET_MAKER], SPOT_DESK, profit)
        for number, agent in enumerate(state.world.agents, 1):
            venue = [agent.venue, *state.crowds.get(agent.number, ())]
            self._row(number, venue, agent.desk, profit_of_agent(state, agent))

    def _row(self, number: int, venue: list[int], desk: int, profit: int) -> None:
        """The market maker is number 0; a crowd has many accounts at the venue."""
        state = self.state
        self.agents.append(
            {
                "clock": state.clock,
                "agent": number,
                "qty": sum(state.positions[account].qty for account in venue),
                "tokens": state.tokens[desk],
                "balance": sum(state.balances[account] for account in venue),
                "profit": profit,
            }
        )

    def _heat(self) -> None:
        state, rules = self.state, self.state.world.rules
        width = max(1, state.world.perp.start // 100)
        buckets: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for account in state.traders:
            position = state.positions[account]
            tick = rules.tick_of(position, state.collateral(account)) if position.qty else None
            if tick is not None:
                value = abs(rules.value(tick, position.qty))
                buckets[tick // width * width][position.side < 0] += value
        for price, (longs, shorts) in sorted(buckets.items()):
            row = {"clock": state.clock, "price": price, "long_notional": longs, "short_notional": shorts}
            self.heat_map.append(row)


def floats_of(state: State) -> Row:
    """Who holds the tokens."""

    def held(agents: list[Agent]) -> int:
        return sum(state.tokens[agent.desk] for agent in agents)

    agents = state.world.agents
    locked = held([a for a in agents if isinstance(a.plan, FundingArbitrageur | StockArbitrageur)])
    whale = held([a for a in agents if isinstance(a.plan, Whale)]) + state.tokens[ATTACKER]
    hedge = state.tokens[SPOT_DESK]
    return {
        "free_float": sum(state.tokens.values()) - locked - whale - hedge,
        "locked_float": locked,
        "whale_float": whale,
        "hedge_float": hedge,
    }


def _liquidity(name: str, book: Book, last: int) -> Row:
    """Best ask less best bid, and the lots within 2 % of the mid."""
    bid, ask = book.best(BUY), book.best(SELL)
    mid = Fraction(last) if bid is None or ask is None else Fraction(bid + ask, 2)
    near = {side: [order.qty for order in book.near(side, mid / 50, mid)] for side in (BUY, SELL)}
    return {
        f"{name}_spread": 0 if bid is None or ask is None else ask - bid,
        f"{name}_bid_depth": sum(near[BUY]),
        f"{name}_ask_depth": sum(near[SELL]),
    }
