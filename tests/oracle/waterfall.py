"""Settlement (MODEL section 7, phase 5): what becomes of margin, rests, debts and losses."""

from __future__ import annotations

import math
from fractions import Fraction

from .book import BUY, SELL
from .deleveraging import deleverage
from .recording import (
    record_adl,
    record_deficit,
    record_fee,
    record_shared_loss,
    record_takeover,
)
from .rounds import Round, Sent
from .sizing import BY_ADL, BY_STOP, TO_VAULT
from .state import COLLATERAL, UNWIND, Row, State
from .units import RATE_ONE, trunc_div
from .world import CLEARING, INSURANCE_FUND, TAKEOVER_DESK, VAULT, VENUE_LOSS


class Waterfall:
    """The settlement of one round."""

    def __init__(self, state: State, now: Round) -> None:
        self.state = state
        self.now = now
        self.rules = state.world.rules
        self.venue = state.world.venue

    def order(self, sent: Sent) -> None:
        """An account that had an order, or what came in its place."""
        account, mechanism = sent.row["account"], sent.row["mechanism"]
        position = self.state.positions[account]
        if mechanism == TO_VAULT:
            self._take_over(account, sent.row, VAULT)
        elif mechanism == BY_ADL:
            self._deleverage(account, sent.row)
        elif mechanism == BY_STOP:
            free = self._from_margin(account, sent.freed)
            sent.row["returned"] = max(free, 0)
            self.deficit(account, sent.row, -free)
        elif position.qty == 0:
            free = self.state.balances[account] if self.state.is_cross(account) else sent.freed
            self._settle_cash(account, sent.row, free, self._fee(sent.row))
        elif self._stays(sent):
            self._keep(sent)
        else:
            self._left_open(sent)

    def closed_by_trader(self, account: int, freed: int) -> None:
        """A trader's own order that closed: as after a stop, but that it has no row."""
        self.deficit(account, None, -self._from_margin(account, freed))

    def _fee(self, row: Row) -> int:
        """The liquidation fee of what was filled."""
        return math.ceil(Fraction(row["filled_value"] * self.venue.liquidation_fee, RATE_ONE))

    def _stays(self, sent: Sent) -> bool:
        """Whether what an order left is the trader's still."""
        row, account = sent.row, sent.row["account"]
        if self.state.is_cross(account):
            return False
        if sent.asked < row["qty"] and row["filled_qty"] == sent.asked:
            return True
        equity = self.state.positions[account].margin + sent.freed + self._profit(account)
        return self.venue.keeps_rest and equity >= 0

    def _keep(self, sent: Sent) -> None:
        """All there is stands behind what is left."""
        state, account = self.state, sent.row["account"]
        position = state.positions[account]
        margin = position.margin + sent.freed
        fee = min(max(margin, 0), self._fee(sent.row))
        state.positions[account] = position._replace(margin=max(margin - fee, 0))
        state.transfer(account, INSURANCE_FUND, fee)
        record_fee(self.now.stage, sent.row, fee)
        self.deficit(account, sent.row, -margin)

    def _left_open(self, sent: Sent) -> None:
        """Losses first; then the rest is deleveraged, or the desk takes it over."""
        account, row = sent.row["account"], sent.row
        free = min(self.state.balances[account], 0) if self.state.is_cross(account) else sent.freed
        self._settle_cash(account, row, self._from_margin(account, free), self._fee(row))
        if self._is_deleveraged(account):
            self._deleverage(account, row)
        else:
            self._take_over(account, row, TAKEOVER_DESK)

    def _is_deleveraged(self, account: int) -> bool:
        adl, state = self.venue.adl, self.state
        if adl is None:
            return False
        if (self.venue.keeps_rest and not state.is_cross(account)) or adl.trigger == "always":
            return True
        fund = state.fund_equity(self.now.mark)
        equity = state.margin_of(account) + self._profit(account)
        if equity < 0 and fund + equity < 0:
            return True
        least = math.ceil(Fraction(state.highest_fund * (RATE_ONE - adl.drawdown), RATE_ONE))
        return adl.trigger == "fund_drawdown" and fund + min(equity, 0) < least

    def _deleverage(self, account: int, row: Row | None) -> None:
        """Counterparties close what is left of an account; what they cannot close goes to the desk."""
        state = self.state
        position, money = state.positions[account], state.margin_of(account)
        left, equity = abs(position.qty), money + self._profit(account)
        adl = self.venue.adl
        assert adl is not None
        value = max(self.rules.bankruptcy_value(position, money), 0)
        if row is not None and adl.at_previous_mark:
            value = abs(self.rules.value(self.now.previous_mark, position.qty))
        before = self._free_cash(account)
        closed = deleverage(state, self.now, account, value)
        free = self._free_cash(account) - before
        if state.is_cross(account):
            balance = state.balances[account]
            free = min(balance, 0) if state.positions[account].qty else balance
        free = self._from_margin(account, free)
        self._settle_cash(account, row, free, 0)
        if account != TAKEOVER_DESK and state.positions[account].qty:
            self._take_over(account, row, TAKEOVER_DESK)
        relief = max(-trunc_div(equity * closed.qty, left) - max(-free, 0), 0)
        record_adl(self.now.stage, row, closed, relief)

    def _take_over(self, account: int, row: Row | None, desk: int) -> None:
        position = self.state.positions[account]
        value = self.rules.bankruptcy_value(position, self.state.margin_of(account))
        self.state.take_over(account, desk)
        if row is not None:
            record_takeover(self.now.stage, row, abs(position.qty), value)

    def _settle_cash(self, account: int, row: Row | None, free: int, fee: int) -> None:
        """What is free goes to the fund or (less a fee) stays; what is lacking is a deficit."""
        if free > 0:
            fee = min(free, fee)
            stays = self.venue.leftover_to_trader and account not in (TAKEOVER_DESK, VAULT)
            self.state.transfer(account, INSURANCE_FUND, fee if stays else free)
            if row is not None:
                row["returned"] += free - fee
                record_fee(self.now.stage, row, fee)
        self.deficit(account, row, -free)

    def deficit(self, account: int, row: Row | None, deficit: int) -> None:
        """First an agent's tokens; then the fund pays up to its balance, the venue the rest."""
        if account in self.state.agents:
            deficit -= self._sell_collateral(account, deficit)
        if deficit > 0:
            record_deficit(self.now.stage, row, deficit, cover(self.state, account, deficit))

    def _sell_collateral(self, account: int, deficit: int) -> int:
        """What an agent's tokens bring of what it lacks."""
        state, brought = self.state, 0
        desk, spot = state.agents[account].desk, state.world.spot
        while brought < deficit and state.world.frictions.spot_margin:
            bid = state.spot.best(BUY)
            lots = (
                0 if bid is None else min(state.tokens[desk], -(-(deficit - brought) // (bid * spot.scale)))
            )
            traded = state.trade_spot(desk, SELL, lots, COLLATERAL)
            if traded.qty == 0:
                break
            coming = min(traded.value - traded.fee, deficit - brought)
            state.transfer(desk, account, coming)
            brought += coming
        return brought

    def desks(self) -> None:
        """The takeover desk after the orders, then what it and the vault cannot bear."""
        state = self.state
        desk = state.positions[TAKEOVER_DESK]
        if state.world.unwind_at_once and desk.qty:
            state.trade_perp(TAKEOVER_DESK, -desk.side, abs(desk.qty), UNWIND)
        free = self._from_margin(TAKEOVER_DESK, self._free_cash(TAKEOVER_DESK))
        self._settle_cash(TAKEOVER_DESK, None, free, 0)
        if self.venue.adl is not None:
            self._deleverage_desks()
        for account in (TAKEOVER_DESK, VAULT):
            if state.positions[account].qty == 0:
                self.deficit(account, None, -state.balances[account])

    def _deleverage_desks(self) -> None:
        state, mark = self.state, self.now.mark
        desk = state.positions[TAKEOVER_DESK]
        if desk.qty and state.fund_equity(mark) < 0:
            money = state.balances[INSURANCE_FUND]
            state.transfer(INSURANCE_FUND, TAKEOVER_DESK, money)
            state.positions[TAKEOVER_DESK] = desk._replace(margin=desk.margin + money)
            self._deleverage(TAKEOVER_DESK, None)
        vault, backstop = state.positions[VAULT], self.venue.backstop
        if backstop is None or not backstop.isolated or vault.qty == 0:
            return
        if state.balances[VAULT] + self._profit(VAULT) < 0:
            self.deficit(VAULT, None, -state.balances[VAULT])
            state.positions[VAULT] = vault._replace(margin=state.balances[VAULT])
            self._deleverage(VAULT, None)

    def share_losses(self) -> None:
        """Accounts in profit bear the venue's losses of the round."""
        loss = self.now.stage["venue_loss"]
        if not self.venue.shares_losses or loss <= 0:
            return
        state = self.state
        state.reach_all()
        profits = {account: self._profit(account) for account in sorted(state.positions)}
        profits = {a: p for a, p in profits.items() if p > 0 and a not in (TAKEOVER_DESK, VAULT)}
        total = sum(profits.values())
        loss = min(loss, total)
        shares = {account: loss * profit // total for account, profit in profits.items()}
        left = loss - sum(shares.values())
        for account, profit in profits.items():
            if left and shares[account] < profit:
                shares[account] += 1
                left -= 1
        assert left == 0
        for account, share in shares.items():
            position = state.positions[account]
            state.positions[account] = position._replace(cost=position.cost + share)
            state.transfer(CLEARING, VENUE_LOSS, share)
        record_shared_loss(self.now.stage, loss)

    def _profit(self, account: int) -> int:
        return self.rules.profit(self.state.positions[account], self.now.mark)

    def _free_cash(self, account: int) -> int:
        return self.state.balances[account] - self.state.positions[account].margin

    def _from_margin(self, account: int, free: int) -> int:
        """Losses are met from the margin of what is still open; what is free or lacking then."""
        position = self.state.positions[account]
        used = min(max(-free, 0), position.margin)
        self.state.positions[account] = position._replace(margin=position.margin - used)
        return free + used


def cover(state: State, account: int, deficit: int) -> int:
    """Pay an account what it lacks; what of it the fund could pay."""
    paid = min(deficit, state.balances[INSURANCE_FUND])
    state.transfer(INSURANCE_FUND, account, paid)
    state.transfer(VENUE_LOSS, account, deficit - paid)
    return paid
