"""One run (MODEL section 7): the ignition, then rounds of the same phases until it is quiet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .agents import Agents
from .book import BUY, SELL, Book
from .clock import Steps
from .closing import close_all
from .frictions import after_mark, is_restless
from .funding import Funding
from .margin import MarginRules, Position
from .quoting import Quoting
from .recording import burnt, close_stage, end, new_stage, order_row, record_order
from .rounds import Round, Sent
from .samples import Samples
from .sizing import BY_ORDER, BY_STOP, Decision, decide
from .state import HEDGE, IGNITION, LIQUIDATION, PERP, SPOT, STOP, Result, Row, State, Traded
from .waterfall import Waterfall
from .world import (
    ATTACKER,
    HOLDERS,
    MARKET_MAKER,
    REST,
    SPOT_DESK,
    World,
    build,
    in_perp_ticks,
    lots_across,
    nearest,
)

STOP_KIND, LIQUIDATION_KIND = 0, 1


@dataclass(frozen=True, order=True)
class Reached:
    """A threshold the mark has reached, in the order it is served."""

    distance: int
    kind: int
    account: int
    threshold: int


def run(scenario: Mapping[str, Any], seed: int = 0, path: int = 0) -> Result:
    """One instant cascade, or a run through time, exact to the last unit."""
    return Run(State(build(scenario, seed, path))).run()


class Run:
    """One run: the phases over one state."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.stages: list[Row] = []
        self.liquidations: list[Row] = []
        self.stage: Row = {}
        self.quoting = Quoting(state)
        self.agents = Agents(state)
        self.samples = Samples(state)
        self.funding = None if state.world.funding is None else Funding(state, state.world.funding)
        #: In the last round.
        self.somebody_waits = False

    @property
    def world(self) -> World:
        """The scenario; its margin rules change once under stress."""
        return self.state.world

    @property
    def rules(self) -> MarginRules:
        """The venue's margin rules as they are now."""
        return self.state.world.rules

    @property
    def mark(self) -> int:
        """The mark of the last round."""
        return self.state.mark

    def run(self) -> Result:
        """An instant cascade, or steps up to the horizon."""
        state = self.state
        self.stage = new_stage(0, state.index, state.mark)
        state.check()
        if self.world.steps is None:
            self._ignite()
            stop_reason = "max_rounds"
            for _ in range(self.world.max_rounds):
                if self._round(first=True):
                    stop_reason = "spot_exhausted" if state.spot_exhausted else "quiet"
                    break
        else:
            stop_reason = self._through_time(self.world.steps)
        burnt_qty, paper = burnt(state, self.liquidations), self.agents.paper_profits()
        if self.world.settlement_price is not None:
            close_all(state, self.world.settlement_price)
            state.check()
        result = end(state, self.stages, self.liquidations, stop_reason, burnt_qty)
        return self.samples.put_to(result, paper)

    def _through_time(self, steps: Steps) -> str:
        """The start's row, then every step: the push if it is due, and rounds until nothing more is."""
        state, world = self.state, self.world
        if world.agents:
            state.reach_all()
            self.quoting.post(mid(state.spot, state.last[SPOT]), first=True)
        self._close_stage()
        self._sample()
        for step in range(1, steps.count + 1):
            state.clock, self.somebody_waits = step, False
            quiet = step != steps.ignition
            self._unlock()
            if step == steps.ignition:
                state.round += 1
                self.stage = new_stage(state.round, state.index, state.mark) | {"clock": step}
                self._ignite()
            for n in range(world.max_rounds):
                if self._round(first=n == 0):
                    break
                quiet = False
            state.marks.append(state.mark)
            state.targets.append(hedge_target(state))
            self.agents.after_step()
            if step % steps.sample == 0:
                self._sample()
            quiet = quiet and not (self.somebody_waits or self.quoting.is_restless() or is_restless(state))
            if quiet and steps.until_quiet and steps.ignition is not None and step >= steps.ignition:
                return "spot_exhausted" if state.spot_exhausted else "quiet"
        return "horizon"

    def _sample(self) -> None:
        sums = (stage["liquidated_notional"] + stage["taken_over_notional"] for stage in self.stages)
        self.samples.take(sum(sums))

    def _unlock(self) -> None:
        """Tokens whose step this is."""
        for unlock in self.world.unlocks:
            if unlock.step == self.state.clock:
                self.state.unlock(HOLDERS if unlock.agent is None else unlock.agent.desk, unlock.lots)

    def _ignite(self) -> None:
        """Phase 1."""
        state, push = self.state, self.world.push
        ignite = state.trade_perp if push.in_perp else state.trade_spot
        ignition = ignite(ATTACKER, push.side, push.qty, IGNITION)
        state.ignition_qty += ignition.qty
        state.ignition_value += ignition.value
        if push.in_perp:
            self._hedge()
            self._absorb()
            self._bankrupt_maker()
        self._close_stage()

    def _round(self, *, first: bool) -> bool:
        """Phases 2 to 6, agents before them in the first round of a step; whether nothing happened."""
        state, instant = self.state, self.world.steps is None
        state.round += 1
        if instant:
            state.clock = state.round
        previous_mark = state.mark
        self.stage = new_stage(state.round, state.index, state.mark) | {"clock": state.clock}
        if first and not instant:
            self.agents.first_round(self.stage)
        self._prices(first=first)
        self.stage["index"], self.stage["mark"] = state.index, state.mark
        if self.funding is not None and first:
            self.funding.round(self.stage)
        now = Round(self.stage, state.mark, previous_mark)
        orders: list[Sent] = []
        if not state.halted:
            state.reach(state.mark)
            orders = self._orders(self._reached(previous_mark), now)
        fills_before = len(state.fills)
        waterfall = Waterfall(state, now)
        for sent in orders:
            waterfall.order(sent)
        waterfall.desks()
        waterfall.share_losses()
        is_idle = all(self._is_idle(sent) for sent in orders)
        self._hedge()
        self._absorb()
        if self.agents.arbitrage_is_due():
            self.quoting.post(mid(state.spot, state.last[SPOT]), first=False)
            self.agents.every_round()
        self._bankrupt_maker()
        # What the end of a round sells of an agent's tokens asks for no other round.
        is_still = is_idle and len(state.fills) == fills_before
        self._close_stage()
        self.somebody_waits = now.somebody_waits and self.world.venue.time_passes
        waits = instant and (self.somebody_waits or self.quoting.is_restless())
        if instant:
            state.marks.append(state.mark)
        return is_still and not waits

    def _is_idle(self, sent: Sent) -> bool:
        """An order that filled nothing and left all where it was."""
        row = sent.row
        held = self.state.positions[row["account"]].qty
        return row["mechanism"] == BY_ORDER and row["filled_qty"] == 0 and held == row["side"] * row["qty"]

    def _close_stage(self) -> None:
        self._bankrupt_agents()
        self.state.finance()
        close_stage(self.state, self.stage, self.mark)
        self.stages.append(self.stage)
        self.state.highest_fund = max(self.state.highest_fund, self.state.fund_equity(self.mark))
        self.state.check()

    def _prices(self, *, first: bool) -> None:
        """Phase 2: index, mark, what the venue does about it, quotes."""
        state, world = self.state, self.world
        state.index = state.last[SPOT]
        spot_mid, mark = mid(state.spot, state.index), in_perp_ticks(world, state.index)
        if world.mark == "mean_of_mids":
            mark = (in_perp_ticks(world, spot_mid) + mid(state.perp, state.last[PERP])) / 2
        elif world.mark == "last":
            mark = Fraction(state.last[PERP])
        state.mark = max(nearest(mark), 1)
        after_mark(state)
        self.quoting.post(spot_mid, first=first)

    def _reached(self, previous_mark: int) -> list[Reached]:
        """Phase 4, first half: every stop and every account the mark has reached, nearest first."""
        state, mark = self.state, self.mark
        found: list[Reached] = []

        def add(kind: int, account: int, position: Position, threshold: int) -> None:
            distance = position.side * (previous_mark - threshold)
            found.append(Reached(distance, kind, account, threshold))

        for account in (MARKET_MAKER, *state.agents, *state.traders):
            position = state.positions[account]
            if position.qty == 0 or (account == MARKET_MAKER and not state.maker_alive):
                continue
            if state.is_financed(account):
                continue
            stop = None if state.is_cross(account) else state.traders[account].stop
            if stop is not None and account not in state.fired_stops and position.side * (stop - mark) >= 0:
                add(STOP_KIND, account, position, stop)
            if self._is_triggered(account):
                add(LIQUIDATION_KIND, account, position, self._threshold(account))
        return sorted(found)

    def _is_triggered(self, account: int) -> bool:
        return self.rules.triggered(self.state.positions[account], self.state.collateral(account), self.mark)

    def _threshold(self, account: int) -> int:
        return self.rules.threshold(self.state.positions[account], self.state.collateral(account), self.mark)

    def _orders(self, reached: list[Reached], now: Round) -> list[Sent]:
        """Phase 4, second half: orders are sent and match, one after the other."""
        sent: list[Sent] = []
        self.state.owed = 0
        limit = self.world.liquidations_per_round
        for item in reached:
            if limit is not None and len(sent) >= limit:
                break
            if self.state.positions[item.account].qty == 0 or item.account in now.liquidated:
                continue
            if item.kind == STOP_KIND:
                sent.append(self._send_stop(item))
            elif self._is_triggered(item.account):
                decision = decide(self.state, item.account, self.mark)
                if decision is None:
                    now.somebody_waits = True
                    continue
                now.liquidated.add(item.account)
                sent.append(self._send_liquidation(item, decision))
        self.liquidations += [order.row for order in sent]
        return sent

    def _send_stop(self, item: Reached) -> Sent:
        state, position = self.state, self.state.positions[item.account]
        state.fired_stops.add(item.account)
        row = order_row(state, item.account, BY_STOP, item.threshold, self.mark)
        before = self._free_cash(item.account)
        traded = state.trade_perp(item.account, -position.side, abs(position.qty), STOP)
        record_order(state, self.stage, row, traded)
        return self._sent(row, abs(position.qty), before)

    def _send_liquidation(self, item: Reached, decision: Decision) -> Sent:
        account = item.account
        state, position = self.state, self.state.positions[account]
        row = order_row(state, account, decision.mechanism, item.threshold, self.mark)
        if account == MARKET_MAKER:
            state.perp.cancel(MARKET_MAKER, start_levels_too=True)
            state.maker_alive = False
        elif state.is_cross(account):
            state.events += state.perp.cancel(account)
        before, traded = self._free_cash(account), Traded()
        if decision.mechanism == BY_ORDER:
            if decision.lots < abs(position.qty):
                state.partial_orders[account] = state.clock
            if decision.limit is None or decision.limit >= 1:
                traded = state.trade_perp(account, -position.side, decision.lots, LIQUIDATION, decision.limit)
        record_order(state, self.stage, row, traded)
        return self._sent(row, decision.lots, before)

    def _sent(self, row: Row, lots: int, free_before: int) -> Sent:
        """An order that has matched; what it lacks is owed from now on."""
        state, account = self.state, row["account"]
        freed = self._free_cash(account) - free_before
        margin = state.positions[account].margin
        behind = state.balances[account] if state.is_cross(account) else freed + margin
        state.owed += max(-behind, 0)
        return Sent(row, lots, freed)

    def _free_cash(self, account: int) -> int:
        return self.state.balances[account] - self.state.positions[account].margin

    def _hedge(self) -> None:
        """Phase 6: the market maker's spot desk."""
        state = self.state
        if not state.maker_alive:
            return
        latency = self.world.maker.latency
        target = hedge_target(state) if latency == 0 else state.target_at(state.clock - latency)
        wanted = target - state.hedged
        side, qty = (BUY, wanted) if wanted > 0 else (SELL, min(-wanted, state.tokens[SPOT_DESK]))
        if qty == 0 or abs(wanted) <= self.world.maker.hedge_band:
            return
        traded = state.trade_spot(SPOT_DESK, side, qty, HEDGE)
        state.hedged += side * traded.qty
        self.stage["hedge_qty"] += side * traded.qty
        self.stage["hedge_notional"] += traded.value

    def _absorb(self) -> None:
        """Phase 6: what is not hedged is closed against the rest of the market, if so chosen."""
        state = self.state
        if not (state.maker_alive and self.world.absorbed_by_longs) or state.halted:
            return
        hedged_share = lots_across(state.maker_sold, self.world.perp, self.world.perp, hedge_ratio(state))
        wanted = state.maker_sold - hedged_share - state.absorbed
        side = BUY if wanted > 0 else SELL
        rest = state.positions[REST]
        qty = min(abs(wanted), max(side * rest.qty, 0))
        if qty == 0 or self.rules.fill(rest, -side, qty, self.rules.value(self.mark, qty))[1] < 0:
            return
        state.trade_off_book(MARKET_MAKER, REST, side, qty, self.mark)
        state.absorbed += side * qty

    def _bankrupt_maker(self) -> None:
        """Phase 6, at last: a market maker without position and in debt is settled and out."""
        state = self.state
        if not state.maker_alive or state.positions[MARKET_MAKER].qty or state.balances[MARKET_MAKER] >= 0:
            return
        now = Round(self.stage, self.mark, self.mark)
        Waterfall(state, now).deficit(MARKET_MAKER, None, -state.balances[MARKET_MAKER])
        state.perp.cancel(MARKET_MAKER, start_levels_too=True)
        state.maker_alive = False

    def _bankrupt_agents(self) -> None:
        """At the end of a round: agents with capital, no position and debts are settled."""
        state, now = self.state, Round(self.stage, self.mark, self.mark)
        for account in state.agents:
            if not state.is_financed(account) and state.positions[account].qty == 0:
                Waterfall(state, now).deficit(account, None, -state.balances[account])


def mid(book: Book, last: int) -> Fraction:
    """Half of best bid plus best ask; the last trade if a side is empty."""
    bid, ask = book.best(BUY), book.best(SELL)
    return Fraction(last) if bid is None or ask is None else Fraction(bid + ask, 2)


def hedge_ratio(state: State) -> Fraction:
    """The share the market maker hedges, as a fraction."""
    return Fraction(state.world.hedge_ratio, 10**9)


def hedge_target(state: State) -> int:
    """Spot lots the market maker ought to hold against what he sold."""
    return lots_across(state.maker_sold, state.world.perp, state.world.spot, hedge_ratio(state))
