"""A run, and a scenario, in words and figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from perpcore.agents import ShortCrowd, Whale
from perpcore.cli.expected import drawn, is_drawn, mean, size
from perpcore.cli.table import MAX_LEVELS, decimals, figure, places, push_row
from perpcore.distributions import Law

if TYPE_CHECKING:
    from perpcore._structs import Number
    from perpcore.distributions import Scalar
    from perpcore.results import Run
    from perpcore.scenario import Scenario

FEE_INCOME = -2
FIRST_AGENT = 8


def _money(value: float) -> str:
    return figure(value, decimals([value], 6))


def _tokens(value: float, lot: object) -> str:
    return f"{_figure(value, lot)} tokens"


def _positions(value: float, scenario: Scenario) -> str:
    """A quantity of the perpetual."""
    return f"{_figure(value, scenario.perp.lot_size)} {scenario.venue.units[0]}"


def _figure(value: Number, lot: object) -> str:
    return figure(float(value), decimals([float(value)], places(lot)))


def _share(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{100 * value:.3g} %"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def verdict(run: Run) -> str:
    """How far it ran, who was liquidated, who paid, what the push cost, and why it stopped."""
    return "\n".join((_how_far(run), _who_was_liquidated(run), _who_paid(run), _why_it_stopped(run)))


def _how_far(run: Run) -> str:
    s, scenario = run.summary, run.scenario
    digits, ignition = places(scenario.spot.tick_size), scenario.push
    in_spot = ignition.market == "spot"
    qty = s["ignition_qty"]
    pushed = _tokens(qty, scenario.spot.lot_size) if in_spot else _positions(qty, scenario)
    deed = "A purchase" if ignition.side == "buy" else "A sale"
    push = f"{deed} of {pushed} for {_money(s['ignition_cost'])}"
    row = push_row(run)
    if scenario.agents:
        return _among_agents(run, push, row)
    after, final = float(run.stages["spot_last"][row]), s["final_price"]
    if in_spot:
        text = f"{push} moved spot from {figure(s['start_price'], digits)} to {figure(after, digits)}"
    else:
        text = f"{push} in the perpetual left spot at {figure(after, digits)}"
    took = _count(s["rounds"], "round") if scenario.time is None else _seconds(run, row)
    if final == after == s["peak_price"]:
        return f"{text}, and there it stayed."
    what = "the cascade" if s["liquidated_accounts"] + s["stopped_accounts"] else "the market maker's hedges"
    return f"{text}; {what} carried it{_went(run, digits, f', in {took}')}."


def _among_agents(run: Run, push: str, row: int) -> str:
    """The push was not alone: what it found and paid, and where the run ended."""
    s, digits = run.summary, places(run.scenario.spot.tick_size)
    if not s["ignition_qty"]:
        return f"Nobody ignited; the run{_went(run, digits)}."
    found = figure(float(run.stages["spot_last"][max(0, row - 1)]), digits)
    each = figure(s["ignition_cost"] / s["ignition_qty"], digits)  # agents need a linear contract
    return f"{push}, {each} each, found spot at {found}; the run{_went(run, digits)}."


def _went(run: Run, digits: int, took: str = "") -> str:
    """Where the price ended; among agents nobody carried it there alone."""
    s = run.summary
    final, multiple = figure(s["final_price"], digits), s["final_price"] / s["start_price"]
    peak = figure(s["peak_price"], digits)
    extreme = "" if s["peak_price"] == s["final_price"] else f" ({peak} at its extreme)"
    verb = " ended at" if run.scenario.agents else " to"
    return f"{verb} {final}, {multiple:.2f} times the start{took}{extreme}"


def _seconds(run: Run, push: int) -> str:
    """From the push to the last forced order or hedge."""
    stages = run.stages
    busy = stages["liquidated_accounts"] + stages["stopped_accounts"] + (stages["hedge_qty"] != 0)
    last = int(np.flatnonzero(busy)[-1]) if busy.any() else push
    took = stages["time"][last] - stages["time"][push]
    return f"{took:,g} s" if took else "one step"


def _who_was_liquidated(run: Run) -> str:
    s, scenario = run.summary, run.scenario
    if s["liquidated_accounts"] + s["stopped_accounts"] == 0:
        why = ": the push did not reach a threshold" if s["ignition_qty"] else ""
        return f"Nobody was liquidated{why}."
    said = []
    if s["liquidated_accounts"]:
        who = _count(s["liquidated_accounts"], "account")
        maker = _among_them(run)
        deed = "liquidated or taken over" if s["taken_over_qty"] else "liquidated"
        said.append(f"{who}{maker} with {_positions(s['liquidated_qty'], scenario)} {deed}")
    if s["stopped_accounts"]:
        orders = _count(s["stopped_accounts"], "stop-loss order")
        said.append(f"{orders} over {_positions(s['stopped_qty'], scenario)} fired")
    fuel = "expected" if any(map(is_drawn, scenario.positions)) else "named"
    crowds = " and the crowds'" if scenario.agents else ""
    text = f"{' and '.join(said)}: {_share(s['fuel_burnt'])} of the {fuel} positions{crowds}."
    if s["taken_over_qty"]:
        text += f" The fund took over {_positions(s['taken_over_qty'], scenario)} that the book did not fill."
    forced = {"bought": s["forced_buy_notional"], "sold": s["forced_sell_notional"]}
    trades = " and ".join(f"{_money(value)} {deed}" for deed, value in forced.items() if value)
    times = "n/a" if math.isnan(s["amplification"]) else f"{s['amplification']:,.3g}"
    return f"{text} By force {trades}: {times} times the push."


def _among_them(run: Run) -> str:
    """Those of the liquidated whom the share of positions does not count."""
    first, behind = FIRST_AGENT, FIRST_AGENT + 2 * len(run.scenario.agents)
    closed = run.liquidations["account"]
    agents = len(np.unique(closed[(closed >= first) & (closed < behind)]))
    them = ["the market maker"] * bool(run.summary["market_maker_liquidated"])
    them += [_count(agents, "agent")] * bool(agents)
    return f", {' and '.join(them)} among them," if them else ""


def _who_paid(run: Run) -> str:
    """Losers and winners, the largest first; with coin at the venue, who also trades spot stands apart."""
    s = run.summary
    at_venue = {
        "the scenario's traders": s["positions_pnl"],
        "the insurance fund": s["insurance_fund_change"],
        "the venue (fees less losses)": _fees(run) - s["venue_loss"],
        "the rest of the market": s["rest_of_market_pnl"],
        "the backstop vault": s["vault_pnl"],
    }
    in_both = {"the market maker": s["market_maker_pnl"], "the attacker": s["attacker_pnl"]}
    if others := _other_agents(run):
        in_both["the other agents"] = sum(others)
    if run.scenario.venue.contract == "inverse":
        text = f"In coin: {_profits(at_venue)}. In quote currency: {_profits(in_both)}"
    else:
        text = _profits(at_venue | in_both)
    text += " (at the last prices)." if any([*at_venue.values(), *in_both.values()]) else "."
    if short := s["insurance_fund_shortfall"]:
        text += f" The positions the fund took over stand {_money(short)} beyond what it can pay."
    return text


def _other_agents(run: Run) -> list[float]:
    """What those earned who stand nowhere else: a whale is an attacker, a crowd is among the traders."""
    agents = run.agents
    elsewhere = (agent.name for agent in run.scenario.agents if isinstance(agent, Whale | ShortCrowd))
    apart = {"market_maker", *elsewhere}
    last = agents["time"] == agents["time"].max(initial=0)
    rows = zip(agents["agent"][last], agents["profit"][last], strict=True)
    return [float(profit) for name, profit in rows if name not in apart]


def _profits(profits: dict[str, float]) -> str:
    ranked = sorted(profits.items(), key=lambda item: item[1])
    lost = [f"{who} {_money(-profit)}" for who, profit in ranked if profit < 0]
    won = [f"{who} {_money(profit)}" for who, profit in reversed(ranked) if profit > 0]
    said = [f"{verb}: {', '.join(names)}" for verb, names in (("Lost", lost), ("Gained", won)) if names]
    return ". ".join(said) or "Nobody gained or lost"


def _fees(run: Run) -> float:
    accounts = run.accounts
    return float(accounts["balance"][accounts["account"] == FEE_INCOME].sum())


def _why_it_stopped(run: Run) -> str:
    s, scenario = run.summary, run.scenario
    last = figure(s["final_price"], places(scenario.spot.tick_size))
    if scenario.time is not None and s["stop_reason"] == "horizon":
        return f"It ended at its horizon, {float(scenario.time.horizon_s):,g} s after the start, at {last}."
    if s["stop_reason"] == "max_rounds":
        return f"It did not stop: it was cut off at venue.max_rounds = {s['rounds']:,}."
    side = "asks" if scenario.push.side == "buy" else "bids"
    if s["stop_reason"] == "spot_exhausted":
        return f"It stopped at {last} because the spot book ran out of {side}."
    if s["fuel_burnt"] == 1 and not any(map(is_drawn, scenario.positions)):
        return f"It stopped at {last} because no position was left."
    text = f"It stopped at {last} because no further threshold was reached"
    if s["market_maker_liquidated"]:
        return f"{text}: with the market maker gone nobody hedges in spot."
    if s["taken_over_qty"] and scenario.venue.unwind == "hold":
        return f"{text}: nobody hedges in spot what the fund takes over."
    return f"{text}."


def facts(scenario: Scenario) -> list[tuple[str, str]]:
    """What follows from a scenario before it is run."""
    start, lot = float(mean(scenario.start_price)), scenario.spot.lot_size
    counted = [size(batch, scenario) for batch in scenario.positions]
    about = "about " if any(map(is_drawn, scenario.positions)) else ""
    qty, accounts = sum(float(qty) for qty, _ in counted), sum(count for _, count in counted)
    notional = qty if scenario.venue.contract == "inverse" else qty * start
    share = notional / start / float(mean(scenario.circulating))
    ignition, paths = scenario.push, [*drawn(scenario)]
    buys, in_spot = ignition.side == "buy", ignition.market == "spot"
    depth = scenario.depth(levels=MAX_LEVELS)
    spot = (depth["book"] == "spot") & (depth["side"] == ("ask" if buys else "bid"))
    prices, sizes = depth["price"][spot], depth["qty"][spot]
    more = "more than " if len(prices) >= MAX_LEVELS else ""
    near = (prices <= 1.1 * start) if buys else (prices >= 0.9 * start)
    return [
        (
            "open interest",
            f"{about}{_positions(qty, scenario)} in {about}{_count(accounts, 'account')},"
            f" {_money(notional)} at the start price, {_share(share)} of the float",
        ),
        (
            "float",
            f"{_expected(scenario.circulating, lot)} of {_expected(scenario.total_supply, lot)} tokens;"
            f" {more}{_tokens(float(sizes.sum()), lot)} {'offered' if buys else 'bid for'} in spot",
        ),
        ("spot depth", f"{_money(float((prices * sizes)[near].sum()))} within 10 %"),
        (
            "push",
            f"{ignition.side}s {_expected(ignition.qty, lot if in_spot else scenario.perp.lot_size)}"
            f" {'tokens' if in_spot else f'{scenario.venue.units[0]} of the perpetual'}",
        ),
        *([("drawn", f"{', '.join(paths)}; the depth shown is that of path 0 of seed 0")] if paths else []),
        ("digest", scenario.digest()),
    ]


def _expected(value: Scalar, lot: object) -> str:
    about = "about " if isinstance(value, Law) else ""
    return f"{about}{_figure(mean(value), lot)}"
