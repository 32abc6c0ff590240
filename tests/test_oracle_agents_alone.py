"""The oracle's agents and frictions, alone: cases worked by hand; random worlds come to all of it."""

import collections
import random
from decimal import Decimal
from fractions import Fraction

import pytest

import oracle.engine
from oracle.agents_hand import Hand
from oracle.agents_plan import Leg
from oracle.engine import Run
from oracle.funding_plan import parse_funding
from oracle.lively import lively_scenario, lively_things
from oracle.margin import MarginRules, Position, Tier
from oracle.state import IGNITION, WHALE, State
from oracle.worked import by_hand
from oracle.world import build

UNIT = 10**6  # steps of one unit of money
WORLDS = 120
#: How many of the worlds must at least come to this.
LEAST = {"a halt": 15, "stress": 15, "withdrawn": 10, "an agent deleveraged": 2, "an agent liquidated": 10}


def acting(*agents, steps=4, **fields):
    """By hand, without a push, in steps of a second; spot has bids too."""
    scenario = by_hand(1, longs=(), **fields)
    del scenario["ignition"]
    scenario["spot"]["bids"] = {"kind": "linear", "depth": 1}
    time = {"step_s": 1, "horizon_s": steps}
    return scenario | {"time": time, "agents": [{"name": a["kind"], **a} for a in agents]}


def fills(result, *columns):
    return [tuple(fill[column] for column in columns) for fill in result.fills]


@pytest.mark.parametrize(("qty", "steps"), [(7, 3), (1, 5), (12, 4), (3, 1)])
def test_a_leg_buys_all_of_it(qty, steps):
    leg = Leg(qty, 2, steps)
    due = [leg.due(step) for step in range(12)]
    assert sum(due) == qty
    assert not any(due[:2] + due[2 + steps :])


def test_a_whale_buys_lights_and_leaves():
    """Linear asks of one token a tick: 2 tokens go at 101 and 102, 3 more ignite to 105, then 5 are sold."""
    whale = {
        "kind": "whale",
        "accumulate": {"qty": 2, "at_s": 0},
        "ignite": {"qty": 3, "at_s": 1},
        "exit": {"at_s": 2, "over_s": 2},
    }
    result = oracle.engine.run(acting(whale))
    assert fills(result, "price", "qty", "taker_side", "cause") == [
        *((price, 1, 1, WHALE) for price in (101, 102)),
        *((price, 1, 1, IGNITION) for price in (103, 104, 105)),
        *((price, 1, -1, WHALE) for price in (99, 98, 97, 96, 95)),
    ]
    assert [fill["round"] for fill in result.fills[5:]] == [3, 3, 3, 4, 4]
    assert (result.summary["ignition_qty"], result.summary["ignition_cost"]) == (3, 312 * UNIT)
    assert result.summary["attacker_paper_pnl"] == (5 * 105 - 515) * UNIT
    assert result.summary["attacker_pnl"] == (485 - 515) * UNIT


def test_margin_cuts_what_opens_and_never_what_closes():
    """300 of equity at 100: six lots at 2 x; less what is open on that side."""
    agent = {"kind": "momentum", "window_s": 1, "threshold": 1, "order_qty": 1, "max_qty": 1}
    state = State(build(acting(agent | {"capital": 300, "leverage": 2})))
    hand = Hand(state, state.world.agents[0])
    assert (hand.cut(1, 9), hand.cut(-1, 4)) == (6, 4)
    state.positions[8] = Position(4, 400 * UNIT, 0)
    assert (hand.cut(1, 9), hand.cut(-1, 20), hand.cut(-1, 4)) == (2, 10, 4)
    state.balances[8] = -100 * UNIT
    assert (hand.cut(1, 9), hand.cut(-1, 20)) == (0, 4)


def test_tokens_count_as_margin():
    agent = {"kind": "stock_arbitrageur", "kappa": 1, "capital": 100, "tokens": 3}
    state = State(build(acting(agent, spot_margin=Decimal("0.5"))))
    assert state.collateral(8) == (100 + 150) * UNIT


def test_stress_raises_the_rates_and_the_deductions_follow():
    tiers = (Tier(0, 10**7, Fraction(50), 0), Tier(1000, 2 * 10**7, Fraction(20), 1000 * 10**7))
    rules = MarginRules(tiers, at_or_below=True, scale=1).stressed(3 * 10**9)
    assert [tier.rate for tier in rules.tiers] == [3 * 10**7, 6 * 10**7]
    assert rules.maintenance(999) == rules.maintenance(1000) == 30
    assert (rules.leverage(0, 3 * 10**9), rules.leverage(1000)) == (16_666_666_666, 20 * 10**9)


@pytest.mark.parametrize(("qty", "cost"), [(-3, -300), (3, 300), (-3, 90), (3, -90)])
def test_at_its_bankruptcy_value_a_position_leaves_nothing(qty, cost):
    """Also one that opposite takeovers left a cost of the other sign."""
    rules = MarginRules((Tier(0, 10**7, Fraction(50), 0),), at_or_below=True, scale=1)
    position = Position(qty, cost, 120)
    value = rules.bankruptcy_value(position, 120)
    after, profit = rules.fill(position, -position.side, abs(qty), value)
    assert (after.qty, 120 + profit) == (0, 0)


def test_a_halt_holds_liquidations_back():
    """The push halts the perpetual in its step and the next; the short, due at 119, is liquidated then."""
    scenario = by_hand(30, longs=(), halt={"move": Decimal("0.1"), "window_s": 1, "pause_s": 1})
    scenario |= {"time": {"step_s": 1, "horizon_s": 5}}
    (row,) = oracle.engine.run(scenario).liquidations
    assert (row["threshold"], row["round"]) == (119, 4)  # the push has a round of its own


def test_quotes_come_back_by_half():
    """Two of four lots are bought from the quote; in the next step one of the two is back."""
    scenario = acting({"kind": "whale", "longs": {"qty": 2, "at_s": 0}}, steps=2)
    quote = {"side": "asks", "half_spread": 5, "level_qty": 4, "recovery_half_life_s": 1}
    scenario["market_maker"]["quote"] = quote
    run = Run(State(build(scenario)))
    run.run()
    assert [order.qty for order in run.state.perp.sides[-1].orders] == [3]
    left = oracle.engine.run(scenario | {"time": {"step_s": 1, "horizon_s": 1}})
    assert fills(left, "price", "qty", "cause") == [(105, 2, WHALE)]


def test_the_rate_of_an_interval():
    """Premiums of 1, 2 and 6 in a thousand: 3 on average, 3.83 on the ramp; of eight hours one."""
    premiums = [10**6, 2 * 10**6, 6 * 10**6]
    rules = parse_funding({"interval_h": 1})
    assert rules is not None
    assert rules.rate(premiums, rules.interval) == (3_000_000 - 500_000) // 8
    ramp = parse_funding({"interval_h": 8, "average": "ramp", "clamp": 0, "cap": Decimal("0.003")})
    assert ramp is not None
    assert ramp.rate(premiums, ramp.interval) == 3_000_000
    assert ramp.rate(premiums[:2], ramp.interval) == 5_000_000 // 3


def test_random_worlds_hold_their_invariants_and_come_to_everything():
    """Every round of every world is checked: positions, money, tokens (State.check)."""
    counts = collections.Counter()
    for i in range(WORLDS):
        scenario = lively_scenario(random.Random(i), i)
        run = Run(State(build(scenario, i)))
        counts.update(lively_things(scenario, run.run()))
        counts["a halt"] += run.state.halt_end > 0
        counts["stress"] += run.state.is_stressed
        counts["withdrawn"] += bool(run.quoting.moved_in)
    for what, least in LEAST.items():
        assert counts[what] >= least, f"only {counts[what]} of {WORLDS} worlds: {what}"
