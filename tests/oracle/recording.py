"""What is recorded (MODEL section 8): rows of the tables, the summary."""

from __future__ import annotations

import math
from fractions import Fraction

from .agents_plan import Agent, Whale
from .deleveraging import Closed
from .margin import FLAT
from .state import OFF_BOOK, PERP, SPOT, Result, Row, State, Traded
from .world import ATTACKER, INSURANCE_FUND, MARKET_MAKER, REST, SPOT_DESK, VAULT, lots_across

STAGE_COLUMNS = (
    "round", "clock", "index", "mark", "spot_last", "perp_last", "liquidated_accounts", "liquidated_qty",
    "liquidated_notional", "stopped_accounts", "stopped_qty", "stopped_notional", "taken_over_qty",
    "taken_over_notional", "forced_buy_notional", "forced_sell_notional", "hedge_qty", "hedge_notional",
    "spot_volume", "perp_volume", "bad_debt", "paid_by_fund", "venue_loss", "insurance_fund",
    "market_maker_equity", "adl_accounts", "adl_qty", "adl_notional", "adl_relief", "socialised_loss",
    "liquidation_fees",
    "funding_rate",
    "funding_paid",
)  # fmt: skip


def new_stage(number: int, index: int, mark: int) -> Row:
    """The row of a round that begins."""
    return dict.fromkeys(STAGE_COLUMNS, 0) | {"round": number, "index": index, "mark": mark}


def close_stage(state: State, stage: Row, mark: int) -> None:
    """What is known only when the round is over."""
    stage["spot_last"], stage["perp_last"] = state.last[SPOT], state.last[PERP]
    for fill in reversed(state.fills):
        if fill["round"] != stage["round"]:
            break
        if fill["book"] != OFF_BOOK:
            stage["spot_volume" if fill["book"] == SPOT else "perp_volume"] += fill["qty"]
    stage["insurance_fund"] = state.balances[INSURANCE_FUND]
    stage["market_maker_equity"] = perp_equity(state, MARKET_MAKER, mark)


def order_row(state: State, account: int, mechanism: int, threshold: int, mark: int) -> Row:
    """The row of an order of phase 4, as of sending."""
    rules, position, collateral = state.world.rules, state.positions[account], state.collateral(account)
    return {
        "round": state.round,
        "account": account,
        "mechanism": mechanism,
        "side": position.side,
        "threshold": threshold,
        "mark": mark,
        "qty": abs(position.qty),
        "margin": collateral,
        "equity": rules.equity(position, collateral, mark),
        "maintenance": rules.required(position, mark),
        "bankruptcy_value": rules.bankruptcy_value(position, collateral),
        "filled_qty": 0,
        "filled_value": 0,
        "fee": 0,
        "taken_over_qty": 0,
        "adl_qty": 0,
        "adl_value": 0,
        "adl_relief": 0,
        "liquidation_fee": 0,
        "returned": 0,
        "deficit": 0,
        "paid_by_fund": 0,
        "venue_loss": 0,
    }


def record_order(state: State, stage: Row, row: Row, traded: Traded) -> None:
    """The fills of an order of phase 4; of an account only its first liquidation counts."""
    row["filled_qty"], row["filled_value"], row["fee"] = traded.qty, traded.value, traded.fee
    kind = "stopped" if row["mechanism"] == 1 else "liquidated"
    if row["mechanism"] == 1 or row["account"] not in state.met_liquidation:
        stage[f"{kind}_accounts"] += 1
    if row["mechanism"] != 1:
        state.met_liquidation.add(row["account"])
    stage[f"{kind}_qty"] += traded.qty
    stage[f"{kind}_notional"] += traded.value
    stage["forced_buy_notional" if row["side"] < 0 else "forced_sell_notional"] += traded.value


def record_deficit(stage: Row, row: Row | None, deficit: int, paid: int) -> None:
    """What an account lacked, and what of it the fund paid."""
    stage["bad_debt"] += deficit
    stage["paid_by_fund"] += paid
    stage["venue_loss"] += deficit - paid
    if row is not None:
        row["deficit"] += deficit
        row["paid_by_fund"] += paid
        row["venue_loss"] += deficit - paid


def record_takeover(stage: Row, row: Row, qty: int, value: int) -> None:
    """What the desk or the vault took over."""
    row["taken_over_qty"] += qty
    stage["taken_over_qty"] += qty
    stage["taken_over_notional"] += value
    stage["forced_buy_notional" if row["side"] < 0 else "forced_sell_notional"] += value


def record_adl(stage: Row, row: Row | None, closed: Closed, relief: int) -> None:
    """What counterparties had to close, and what it spared the venue."""
    stage["adl_accounts"] += closed.accounts
    stage["adl_qty"] += closed.qty
    stage["adl_notional"] += closed.value
    stage["adl_relief"] += relief
    stage["bad_debt"] += relief
    if row is not None:
        row["adl_qty"] += closed.qty
        row["adl_value"] += closed.value
        row["adl_relief"] += relief


def record_fee(stage: Row, row: Row, fee: int) -> None:
    """The liquidation fee that went to the fund."""
    stage["liquidation_fees"] += fee
    row["liquidation_fee"] += fee


def record_shared_loss(stage: Row, shared: int) -> None:
    """Losses of the venue that accounts in profit bear; they stay bad debt."""
    stage["venue_loss"] -= shared
    stage["socialised_loss"] += shared


def perp_equity(state: State, account: int, mark: int) -> int:
    """Money and unrealised profit of an account in the perpetual."""
    return state.world.rules.equity(state.positions[account], state.balances[account], mark)


def profit_of(state: State, account: int) -> int:
    """Equity at the last mark and the last spot price less what was deposited or brought."""
    tokens = state.tokens.get(account, 0) * state.last[SPOT] - state.brought.get(account, 0)
    cash = perp_equity(state, account, state.mark) - state.deposits[account]
    return cash + tokens * state.world.spot.scale


def profit_of_agent(state: State, agent: Agent) -> int:
    """The profit of both of an agent's accounts, and of those of its crowd."""
    accounts = (agent.venue, agent.desk, *state.crowds.get(agent.number, ()))
    return sum(profit_of(state, account) for account in accounts)


def burnt(state: State, liquidations: list[Row]) -> int:
    """Lots of the scenario's positions that forced orders closed: filled, taken over, deleveraged."""
    rows = (row for row in liquidations if row["account"] >= state.world.first_trader)
    return sum(row["filled_qty"] + row["taken_over_qty"] + row["adl_qty"] for row in rows)


def _summary(state: State, stages: list[Row], burnt_qty: int) -> dict[str, int]:
    world, mark = state.world, state.mark
    total = {column: sum(stage[column] for stage in stages) for column in STAGE_COLUMNS}
    buys = world.push.side > 0
    lasts = [stage["spot_last"] for stage in stages]
    maker = state.positions[MARKET_MAKER]
    whales = [agent for agent in world.agents if isinstance(agent.plan, Whale)]
    named = sum(abs(trader.position.qty) for trader in world.traders)
    named += state.opened
    named += sum(batch.expected_lots for batch in world.batches)
    target = lots_across(state.maker_sold, world.perp, world.spot, Fraction(world.hedge_ratio, 10**9))
    summed = (
        "liquidated_accounts stopped_accounts stopped_qty stopped_notional taken_over_qty "
        "forced_buy_notional forced_sell_notional hedge_qty bad_debt paid_by_fund venue_loss "
        "adl_accounts adl_qty adl_notional adl_relief socialised_loss liquidation_fees funding_paid"
    )
    total["bad_debt"] += state.settlement_deficit
    total["paid_by_fund"] += state.settlement_paid
    total["venue_loss"] += state.settlement_deficit - state.settlement_paid
    return {column: total[column] for column in summed.split()} | {
        "ignition_qty": state.ignition_qty,
        "ignition_cost": state.ignition_value,
        "peak_price": max(lasts) if buys else min(lasts),
        "final_price": state.last[SPOT],
        "rounds": state.round,
        "liquidated_qty": total["liquidated_qty"] + total["taken_over_qty"],
        "liquidated_notional": total["liquidated_notional"] + total["taken_over_notional"],
        "hedge_shortfall": abs(target - state.hedged),
        "insurance_fund_change": max(state.fund_equity(mark), 0) - world.insurance_fund,
        "insurance_fund_shortfall": max(-state.fund_equity(mark), 0),
        "positions_pnl": sum(profit_of(state, account) for account in state.traders),
        "market_maker_pnl": profit_of(state, MARKET_MAKER) + profit_of(state, SPOT_DESK),
        "market_maker_unhedged_qty": math.trunc(-maker.qty * world.perp.lot / world.spot.lot) - state.hedged,
        "market_maker_liquidated": int(not state.maker_alive),
        "vault_pnl": profit_of(state, VAULT),
        "rest_of_market_pnl": profit_of(state, REST),
        "attacker_pnl": profit_of(state, ATTACKER) + sum(profit_of_agent(state, whale) for whale in whales),
        "spot_exhausted": int(state.spot_exhausted),
        "burnt_qty": burnt_qty,
        "named_qty": named,
    }


def end(state: State, stages: list[Row], liquidations: list[Row], stop_reason: str, burnt_qty: int) -> Result:
    """The result of a run that is over; samples are put to it by who took them."""
    held = {account: position for account, position in state.positions.items() if position != FLAT}
    return Result(
        fills=state.fills,
        liquidations=liquidations,
        stages=stages,
        adl=state.adl,
        balances=state.balances,
        tokens=state.tokens,
        positions={account: (p.qty, p.cost, p.margin) for account, p in held.items()},
        summary=_summary(state, stages, burnt_qty) | {"stop_reason": stop_reason},
        first_late=state.world.first_trader + len(state.world.traders),
    )
