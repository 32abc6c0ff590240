"""What an action does to the books, what an observation says of them, and what is refused."""

import math

import numpy as np
import pytest

import perpcore as pc
from gymnasia import SMALL, market, steps, zero
from stepping import world

QUIET = world()  # nobody but the market maker and the push at 20 s


def fresh(scenario=QUIET, **terms):
    env = market(scenario, **terms)
    env.reset(options={"path": 0})
    return env


def test_market_orders_trade_what_they_say():
    env = fresh(max_order=1_000, tokens=500)
    _, _, _, _, info = env.step(pc.gym.action(spot=0.35))
    fills = env.simulation.result().fills
    mine = fills["cause"] == "external"
    assert fills["price"][mine].tolist() == [10.01, 10.02]
    assert fills["qty"][mine].tolist() == [200, 150]
    assert (info["spot_filled"], info["tokens"]) == (350, 850)
    _, _, _, _, info = env.step(pc.gym.action(spot=-0.1, perp=-0.2509))
    assert (info["spot_filled"], info["tokens"]) == (-100, 750)
    assert (info["perp_filled"], info["qty"]) == (-250, -250)
    assert info["refused"] == ""


def test_quotes_are_in_the_book_while_the_steps_pass_and_gone_afterwards():
    env, idle = fresh(max_order=1_000), fresh(max_order=1_000)
    sim, seen = env.simulation, []
    step = sim.step

    def looking(n):
        seen.append([sim.perp.depth(side, levels=1_000) for side in ("bid", "ask")])
        step(n)

    sim.step = looking
    env.step(pc.gym.action(bid=0.3, ask=0.2, half_spread=0.25, skew=-0.1))
    idle.step(zero())
    others = [idle.simulation.perp.depth(side, levels=1_000) for side in ("bid", "ask")]
    # The mark is 10, so max_spread is 0.2: around the mid less 0.02, by 0.05.
    for (prices, sizes), price, qty in zip(seen[0], (9.93, 10.03), (300, 200), strict=True):
        assert sizes[prices == price].sum() == qty
    for side, (prices, sizes) in zip(("bid", "ask"), others, strict=True):
        left, there = sim.perp.depth(side, levels=1_000)
        np.testing.assert_array_equal(left, prices)
        np.testing.assert_array_equal(there, sizes)


@pytest.mark.parametrize("steps_per_action", [1, 4, 60])
def test_what_quotes_filled_is_what_the_fills_say(steps_per_action):
    env = market(SMALL, steps_per_action=steps_per_action, max_order=500, capital=500_000)
    _, info = env.reset(options={"path": 5})
    account = 8 + 2 * (len(env.scenario.agents) - 1)
    bids = asks = 0
    over = False
    while not over:
        observation, _, terminated, truncated, info = env.step(
            pc.gym.action(bid=0.6, ask=1, half_spread=0.02)
        )
        over = terminated or truncated
        named = env.named(observation)
        assert named["bid_filled"] == pytest.approx(info["bid_filled"] / 500)
        assert named["ask_filled"] == pytest.approx(info["ask_filled"] / 500)
        bids, asks = bids + info["bid_filled"], asks + info["ask_filled"]
        fills = env.simulation.result().fills
        mine = fills["maker"] == account
        assert bids == fills["qty"][mine & (fills["taker_side"] == "sell")].sum()
        assert asks == fills["qty"][mine & (fills["taker_side"] == "buy")].sum()
    assert bids + asks > 0


def test_an_order_is_cut_to_what_is_allowed_and_says_so():
    env = fresh(capital=1_000, leverage=5, max_order=1_000, tokens=30)
    _, _, _, _, info = env.step(pc.gym.action(perp=1, spot=-1))
    assert (info["perp_filled"], info["spot_filled"]) == (500, -30)
    lines = info["refused"].splitlines()
    assert [line.partition(":")[0] for line in lines] == ["spot", "perp"]
    assert "at most 30, the tokens" in lines[0]
    assert "at most 500, what the margin" in lines[1]
    _, _, _, _, info = env.step(pc.gym.action(perp=1, spot=1))
    assert (info["perp_filled"], info["spot_filled"]) == (0, 130)  # what it brought and 1,000 buys at 10
    assert "by max_tokens" in info["refused"]


def test_a_refused_quote_is_no_error():
    env = fresh(max_order=100)
    _, _, _, _, info = env.step(pc.gym.action(bid=1, ask=1, half_spread=0, skew=1))
    assert info["refused"].startswith("bid: ")
    assert "a post-only order trades with nobody" in info["refused"]
    assert info["qty"] == 0


def naive(env, info):
    """Every component that the public simulation says, worked out one by one."""
    sim, found = env.simulation, {}
    mark, capital = sim.mark, env.capital
    for market_, book in (("spot", sim.spot), ("perp", sim.perp)):
        found[f"{market_}_last"] = book.last / mark - 1
        for side, gone in (("bid", -1), ("ask", 10)):
            prices, sizes = book.depth(side, levels=3)
            for i in range(3):
                there = i < len(prices)
                found[f"{market_}_{side}_{i}_price"] = min(prices[i] / mark - 1, 10) if there else gone
                found[f"{market_}_{side}_{i}_qty"] = math.log(1 + sizes[i] / env.max_order) if there else 0
    accounts = sim.accounts
    agents = accounts["agent"] != ""
    for reach in (0.02, 0.1, 0.2):
        above = below = 0.0
        for account, _ in enumerate(agents):
            price, qty = accounts["liquidation_price"][account], accounts["qty"][account]
            if math.isnan(price) or accounts["account"][account] < 8 + 2 * len(env.scenario.agents):
                continue
            if qty < 0 and mark < price <= mark * (1 + reach) + 1e-9:
                above -= qty * price
            if qty > 0 and mark > price >= mark * (1 - reach) - 1e-9:
                below += qty * price
        found[f"fuel_above_{reach:g}"] = math.log(1 + above / capital)
        found[f"fuel_below_{reach:g}"] = math.log(1 + below / capital)
    found |= {
        "mark": math.log(mark / 10),
        "index": sim.index / mark - 1,
        "basis": (sim.perp.last - sim.spot.last) / mark,
        "funding_rate": 100 * sim.funding_rate,
        "open_interest": math.log(1 + accounts["qty"][accounts["qty"] > 0].sum() * mark / capital),
        "position": info["qty"] * mark / capital,
        "tokens": info["tokens"] * sim.spot.last / capital,
        "balance": info["balance"] / capital,
        "equity": info["equity"] / capital,
        "profit": info["profit"] / capital,
        "cushion": max(-1, min(1, info["equity"] / (abs(info["qty"]) * mark))) if info["qty"] else 1,
        "order": env.max_order * mark / capital,
    }
    return found


@pytest.mark.parametrize("scenario", [SMALL, pc.presets.rocketcoin_live()])
def test_an_observation_is_what_the_simulation_says(scenario):
    start = {} if scenario is SMALL else {"start_s": 7150, "horizon_s": 7300, "steps_per_action": 5}
    env = market(scenario, levels=3, reaches=(0.02, 0.1, 0.2), capital=30_000, max_order=700, **start)
    observation, info = env.reset(options={"path": 3})
    env.action_space.seed(2)
    mark, fuel = env.simulation.mark, 0.0
    for _ in range(30):
        named, expected = env.named(observation), naive(env, info)
        expected["mark_move"] = math.log(env.simulation.mark / mark)
        mark, fuel = env.simulation.mark, fuel + expected["fuel_above_0.2"]
        rest = {"time_left", "funding_in", "bid_filled", "ask_filled"}
        assert set(named) == set(expected) | rest
        for name, value in expected.items():
            assert named[name] == pytest.approx(value, rel=2e-6, abs=2e-6), name
        observation, _, terminated, truncated, info = env.step(0.2 * env.action_space.sample())
        if terminated or truncated:
            break
    assert fuel > 0


def test_funding_is_paid_when_it_was_said_to_be():
    """Path 0 pays 1.8 % in its second hour: from then on the venue's intervals are 15 minutes."""
    env = market("rocketcoin-live", steps_per_action=30)
    observation, info = env.reset(options={"path": 0})
    at, rate, paid = env.where("funding_in"), env.where("funding_rate"), []
    over = False
    while not over:
        before = observation
        observation, _, terminated, truncated, info = env.step(zero())
        over = terminated or truncated
        if observation[rate] != before[rate]:
            paid.append((info["time"], before[at]))
    assert {left for _, left in paid} == {0}
    times = [time for time, _ in paid]
    assert times[:2] == [3_630, 7_230]
    assert (np.diff(times[1:]) % 900 == 0).all()
    assert min(np.diff(times[1:])) == 900


BAD_ACTIONS = {
    "nan": ([0, float("nan"), 0, 0, 0, 0], "action.perp: nan is not allowed: from -1 to 1"),
    "infinite": ([0, 0, 0, float("inf"), 0, 0], "action.ask: inf is not allowed: from 0 to 1"),
    "too large": ([1.5, 0, 0, 0, 0, 0], "action.spot: 1.5 is not allowed: from -1 to 1"),
    "too small": ([0, 0, -0.1, 0, 0, 0], "action.bid: -0.1 is not allowed: from 0 to 1"),
    "short": (np.zeros(5), r"action: an array of shape \(5,\) is not allowed: 6 numbers"),
    "deep": (np.zeros((6, 1)), r"action: an array of shape \(6, 1\) is not allowed"),
    "words": ("buy", "action: 'buy' is not allowed: 6 numbers"),
    "none": (None, "action: None is not allowed: 6 numbers"),
}


@pytest.mark.parametrize("name", BAD_ACTIONS)
def test_a_bad_action_says_what_is_wrong_and_changes_nothing(name):
    action, message = BAD_ACTIONS[name]
    env, other = fresh(SMALL), fresh(SMALL)
    with pytest.raises(pc.OrderError, match=message):
        env.step(action)
    assert env.simulation.time == 0
    good = pc.gym.action(perp=0.1, bid=0.2)
    ours, theirs = steps(env, good, 10), steps(other, good, 10)
    np.testing.assert_array_equal(ours[0], theirs[0])
    assert ours[1:] == theirs[1:]


def test_a_bad_option_says_what_is_allowed():
    env = market()
    for options, message in (
        ({"pth": 3}, r"options\['pth'\]: 3 is not allowed: none: the only option is \"path\""),
        ({"path": -1}, "options.path: -1 is not allowed"),
        ({"path": 1.5}, "options.path: 1.5 is not allowed"),
        ([3], r"options: \[3\] is not allowed: a mapping"),
    ):
        with pytest.raises(pc.ScenarioError, match=message):
            env.reset(options=options)
    env.reset(options={})


BAD = {
    "scenario": [pc.presets.rocketcoin(), 3, "moon"],
    "agent": ["", None, "noise"],
    "capital": [0, -1, float("nan"), "much", pc.Uniform(1, 2)],
    "leverage": [0, 1e9],
    "tokens": [-1],
    "seed": [-1, 1.5, None],
    "paths": [[], range(0), 7, [-1], "12", range(-3, 4)],
    "start_s": [-1, 60, float("inf")],
    "horizon_s": [0, 61, 0.5],
    "steps_per_action": [0, 61, 1.5, True],
    "max_order": [0, -1, "0.5"],
    "max_tokens": [-1],
    "max_spread": [0, 1, float("nan"), "wide"],
    "levels": [0, 101, 2.0],
    "reaches": [[], [0], [0.2, 0.1], [0.1, 0.1], [float("nan")], 0.1, [101], ["near"]],
    "reward": [3, "profit"],
    "render_mode": ["human", 3],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_what_an_environment_can_t_be_made_of_is_named(field, value):
    with pytest.raises(pc.ScenarioError, match=f"(?m)^(preset|{field}|.*\\.{field}).*not allowed"):
        market(**{"scenario": SMALL, field: value})
    with pytest.raises(pc.ScenarioError, match=r"capital: .* is not allowed: none: the scenario has it"):
        market(world(pc.agents.External(name="trader", capital=5)), capital=6)


def test_the_learner_may_be_one_of_the_scenario():
    me = pc.agents.External(name="me", capital=7_000, leverage=3, tokens=20)
    env = fresh(world(me, *SMALL.agents), agent="me")
    assert env.scenario == world(me, *SMALL.agents)
    assert (env.capital, env.simulation.inventory("me").tokens) == (7_000, 20)
    assert env.step(pc.gym.action(perp=1))[4]["qty"] == 210


@pytest.mark.parametrize("made", [pc.gym.Hunter, pc.gym.Quoter])
def test_the_examples_are_for_markets(made):
    with pytest.raises(pc.ScenarioError, match=r"env: .* is not allowed: a Market"):
        made(type("Other", (), {"unwrapped": 3})())
    with pytest.raises(pc.ScenarioError, match=r"reach: 0\.3 is not allowed"):
        pc.gym.Hunter(market(), reach=0.3)
