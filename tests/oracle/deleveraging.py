"""Deleveraging (MODEL section 7): counterparties in the order of their score close against an account."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .margin import Position
from .philox import block
from .rounds import Round
from .state import State
from .units import trunc_div
from .world import MARKET_MAKER, REST, TAKEOVER_DESK, VAULT

RANDOM_STREAM = 9


@dataclass(frozen=True)
class Score:
    """What ranks a counterparty, in doubles."""

    score: float
    profit_share: float
    leverage: float


@dataclass(frozen=True)
class Closed:
    """What was closed against counterparties."""

    accounts: int = 0
    qty: int = 0
    value: int = 0


def deleverage(state: State, now: Round, against: int, value: int) -> Closed:
    """Close all of an account's position, or as much as there are counterparties for, at a value."""
    state.reach_all()
    wanted = abs(state.positions[against].qty)
    left, left_value, accounts = wanted, value, 0
    for account, score in ranking(state, now, against):
        position = state.positions[account]
        qty = min(left, abs(position.qty))
        if qty == 0:
            break
        closing = trunc_div(left_value * qty, left)
        profit = state.world.rules.fill(position, -position.side, qty, closing)[1]
        if not _can_bear(state, account, qty, profit):
            continue
        _record(state, account, against, qty, closing, profit, score)
        for who in (account, against):
            _close(state, who, against, qty, closing)
        if account == REST:
            state.deposit(REST, max(-state.balances[REST], 0))
        left, left_value, accounts = left - qty, left_value - closing, accounts + 1
    return Closed(accounts, wanted - left, value - left_value)


def ranking(state: State, now: Round, against: int) -> list[tuple[int, Score]]:
    """The accounts that may have to close, the first first."""
    out = {TAKEOVER_DESK, VAULT, *now.liquidated} | (set() if state.maker_alive else {MARKET_MAKER})
    side = state.positions[against].side
    found = [
        (account, score(state, account, now.mark))
        for account, position in sorted(state.positions.items())
        if position.side == -side and account not in out
    ]
    return sorted(found, key=lambda item: (-item[1].score, item[0]))


def score(state: State, account: int, mark: int) -> Score:
    """How an account ranks; every operation rounded to a double."""
    rules, position = state.world.rules, state.positions[account]
    notional_steps = abs(rules.value(mark, position.qty))
    equity = rules.equity(position, state.collateral(account), mark) if account != REST else notional_steps
    cost, notional = float(abs(position.cost) or 1), float(notional_steps or 1)
    share = float(rules.profit(position, mark)) / cost
    leverage = notional / float(equity) if equity > 0 else math.inf
    adl = state.world.venue.adl
    assert adl is not None
    if adl.rank == "profit_share":
        return Score(share, share, leverage)
    if adl.rank == "size":
        return Score(notional, share, leverage)
    if adl.rank == "random":
        return Score(_random(state, account), share, leverage)
    if adl.rank == "hyperliquid":
        gain = notional / cost if position.side > 0 else cost / notional
        return Score(gain * leverage, share, leverage)
    return Score(share * leverage if share > 0 else share / leverage, share, leverage)


def _random(state: State, account: int) -> float:
    world = state.world
    return float(block(world.seed, RANDOM_STREAM, (state.round << 32) + account, world.path)[0] >> 11)


def _can_bear(state: State, account: int, qty: int, profit: int) -> bool:
    """Whether closing leaves the account no debt; the rest of the market brings what it lacks."""
    if account == REST or state.is_financed(account):
        return True
    if state.is_cross(account):
        return state.balances[account] + profit >= 0
    position: Position = state.positions[account]
    return trunc_div(position.margin * qty, abs(position.qty)) + profit >= 0


def _close(state: State, account: int, against: int, qty: int, value: int) -> None:
    side = -state.positions[account].side
    state.fill_position(account, side, qty, value)
    if account == MARKET_MAKER and account != against:
        state.maker_sold -= side * qty


def _record(
    state: State, account: int, against: int, qty: int, value: int, profit: int, score: Score
) -> None:
    state.adl.append(
        {
            "round": state.round,
            "account": account,
            "against": against,
            "side": state.positions[account].side,
            "qty": qty,
            "value": value,
            "profit": profit,
            "score": score.score,
            "profit_share": score.profit_share,
            "leverage": score.leverage,
        }
    )
