"""A simulation step by step: the bits of a run if nobody intervenes, agents in Python like built-in ones."""

import signal
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import perpcore as pc
from stepping import CROWD, HORIZON, Idle, lone, look, same, world

SCENARIOS = {
    "alone": world(),
    "quiet": world(**{"time": pc.Time(step_s=1, horizon_s=HORIZON, until="quiet")}),
    "settled": world(settlement_price=12),
    "a crowd": world(*CROWD),
    "externals": world(pc.agents.External(name="me", tokens=10), *CROWD),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_nobody_intervening_it_is_the_run(name):
    scenario = SCENARIOS[name]
    run = scenario.run(seed=3)
    whole = scenario.simulation(seed=3)
    same(whole.run(), run)
    by_steps = scenario.simulation(seed=3)
    for n in (1, 3, 17, 2):
        by_steps.step(n)
        by_steps.result()
        look(by_steps)
    while not by_steps.over:
        by_steps.step()
    same(by_steps.finish(), run)
    same(by_steps.result(), run)
    assert by_steps.run() is by_steps.finish()


def test_an_agent_that_does_nothing_changes_nothing():
    agent = Idle("me")
    sim = SCENARIOS["externals"].simulation(seed=3, agents=[agent])
    same(sim.run(), SCENARIOS["externals"].run(seed=3))
    assert agent.calls == list(range(HORIZON))


class Accumulates:
    """A whale's leg: `qty` tokens over `over` steps from `first` on."""

    name, qty, first, over = "whale", 3_001, 10, 7

    def __init__(self):
        self.steps = 0

    def on_step(self, sim):
        self.steps += 1
        i = self.steps - 1 - self.first
        if 0 <= i < self.over:
            qty = self.qty * (i + 1) // self.over - self.qty * i // self.over
            sim.submit("spot", "buy", qty)


class Sells:
    """Holders: a share of the tokens that grows with the index."""

    name, tokens = "holders", 50_000
    threshold, elasticity, most = Fraction(1, 20), 2, 300

    def __init__(self):
        self.sold = 0

    def on_step(self, sim):
        start = 1_000
        rise = Fraction(round(sim.index * 100) - start, start) - self.threshold
        target = min(self.tokens, max(0, self.tokens * self.elasticity * rise // 1))
        qty = min(target - self.sold, self.most, sim.inventory().tokens)
        if qty > 0:
            self.sold += sim.submit("spot", "sell", qty).filled


PAIRS = {
    "a whale's leg": (
        pc.agents.Whale(name="whale", accumulate=pc.agents.Leg(qty=3_001, at_s=10, over_s=7)),
        Accumulates,
    ),
    "holders": (CROWD[2], Sells),
}


@pytest.mark.parametrize("name", PAIRS)
def test_an_agent_in_python_is_slower_but_never_different(name):
    built_in, program = PAIRS[name]
    around = [agent for agent in CROWD if agent.name != built_in.name]
    ours = pc.agents.External(name=built_in.name, tokens=getattr(built_in, "tokens", 0))
    theirs = world(around[0], built_in, *around[1:]).run(seed=5)
    run = world(around[0], ours, *around[1:]).simulation(seed=5, agents=[program()]).run()
    desk = 11  # the second agent's
    assert (run.fills["taker"] == desk).sum() > 5
    same(run, theirs, apart={"cause", "attacker_pnl", "attacker_paper_pnl"})
    assert set(run.fills["cause"][run.fills["taker"] == desk]) == {"external"}


class Random:
    """Sends whatever it likes, in both books; most of it is refused, some rests."""

    def __init__(self, seed, **terms):
        self.name, self.random = "random", np.random.default_rng(seed)
        self.ids, self.refused, self.rested = [], 0, 0
        vars(self).update(terms)

    def on_step(self, sim):
        draw = self.random
        for _ in range(draw.integers(1, 5)):
            price = round(float(sim.spot.last * draw.uniform(0.97, 1.03)), 2) if draw.random() < 0.7 else None
            try:
                order = sim.submit(
                    draw.choice(["spot", "perp"]),
                    draw.choice(["buy", "sell"]),
                    int(draw.integers(1, 2_000)),
                    price,
                    draw.choice(["gtc", "ioc", "fok", "post_only"]),
                )
            except pc.OrderError:
                self.refused += 1
                continue
            assert order.filled == sum(fill.qty for fill in order.fills)
            if order.id is not None:
                self.rested += 1
                self.ids.append(order.id)
        if self.ids and draw.random() < 0.5:
            try:
                sim.cancel(self.ids.pop(int(draw.integers(len(self.ids)))))
            except pc.OrderError:
                self.refused += 1


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("terms", [{"tokens": 500}, {"capital": 20_000, "leverage": 10}])
def test_positions_sum_to_zero_and_tokens_to_the_float_after_every_step(seed, terms):
    agent = Random(seed, **terms)
    sim, two_sided = world(*CROWD).simulation(seed=seed, agents=[agent]), 0
    while not sim.over:
        sim.step()
        accounts = look(sim)
        assert accounts["qty"].sum() == 0
        assert accounts["tokens"].sum() == 1_000_000
        assert (accounts["tokens"][8:18] >= 0).all()
        bid, ask = sim.spot.best_bid, sim.spot.best_ask
        if bid is not None and ask is not None:
            two_sided += 1
            assert bid < ask
    assert two_sided > HORIZON / 2
    assert agent.refused > 0
    assert agent.rested > 0
    mine = sim.result().fills["cause"] == "external"
    assert mine.any()
    names = ["market_maker", *(a.name for a in CROWD), "random"]
    np.testing.assert_array_equal(sim.agents["agent"], names)
    np.testing.assert_array_equal(sim.result().agents["agent"][-len(names) :], names)


@pytest.mark.parametrize("venue", ["binance_usdtm", "deribit_inverse"])
def test_the_thresholds_ahead_are_the_heat_map(venue: str) -> None:
    timed = {"time": pc.Time(step_s=1, horizon_s=60), "ignition.at_s": 30, "venue": pc.venues.load(venue)}
    sim = pc.presets.rocketcoin().replace(timed).simulation(seed=1)
    sim.step(5)
    ahead, heat = sim.thresholds(100), sim.result().heat_map
    now = heat["time"] == heat["time"][-1]
    notional = heat["short_notional"][now].sum()  # in quote currency, not in coin
    assert ahead["notional"].sum() == pytest.approx(notional, rel=1e-12)
    assert notional > 9e6


def test_the_thresholds_ahead():
    sim = lone()
    ahead = sim.thresholds(0.2)
    assert set(ahead["price"]) == {11.0, 11.4, 11.8}
    assert set(ahead["side"]) == {"short"}
    assert (np.diff(ahead["price"]) >= 0).all()
    assert ahead["notional"] == pytest.approx(ahead["price"] * ahead["qty"])
    assert ahead["notional"].sum() == pytest.approx(3_000_000, rel=1e-4)
    assert len(sim.thresholds("0.099")) == 0
    for reach in (0, -1, 101, float("nan"), "far"):
        with pytest.raises(pc.OrderError, match="reach: "):
            sim.thresholds(reach)
    drawn = pc.Population(side="short", accounts=500, leverage=pc.Uniform(2, 10), notional=1_000)
    sim = lone(positions=[drawn])
    before = len(sim.accounts)
    ahead = sim.thresholds(1)
    assert len(sim.accounts) == before  # where agents act everybody is there from the start
    assert len(ahead) > 400
    accounts = sim.accounts
    expected = dict(zip(accounts["account"], accounts["liquidation_price"], strict=True))
    assert [expected[account] for account in ahead["account"]] == ahead["price"].tolist()


def test_looking_does_not_change_whose_turn_it_is_at_a_price():
    """Quotes that nobody has looked at stand before an order that comes later, as those that somebody has."""
    looked, unseen = (
        world(pc.agents.External(name="me", capital=10**6)).simulation(seed=1) for _ in range(2)
    )
    for sim in (looked, unseen):
        sim.step(25)
    looked.perp.depth("ask")
    runs = []
    for sim in (looked, unseen):
        price = round(sim.mark + 0.01, 2)
        sim.submit("perp", "sell", 100, price)
        assert sim.submit("perp", "buy", 50, price).fills[0].maker == 1
        runs.append(sim.run())
    same(*runs)


SCRIPT = """
import os, signal, sys, threading, time
import perpcore as pc

time_ = pc.Time(step_s=1, horizon_s=10_000_000)
long = pc.presets.rocketcoin().replace({"time": time_, "ignition.at_s": 9e6})
sim = long.simulation(seed=1)
pressed = []
def press():
    time.sleep(float(sys.argv[1]))
    pressed.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
try:
    sim.run()
except KeyboardInterrupt:
    print(f"{time.perf_counter() - pressed[0]:.3f}")
at = sim.time
sim.step()
print(at > 0 and sim.time == at + 1)
"""


@pytest.mark.parametrize("after", ["0.1", "0.7"])
def test_ctrl_c_stops_between_two_steps_within_half_a_second(after):
    run = subprocess.run([sys.executable, "-c", SCRIPT, after], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    seconds, goes_on = run.stdout.split()
    assert float(seconds) < 0.5
    assert goes_on == "True"


class NudgedError(Exception):
    """A signal came."""


def test_a_signal_takes_nobodys_turn() -> None:
    class Counts:
        name, turns = "counts", 0

        def on_step(self, _: pc.Simulation) -> None:
            self.turns += 1

    def nudge(*_: object) -> None:
        raise NudgedError

    agent, between, within = Counts(), 0, 0
    sim = pc.presets.rocketcoin_live().replace({"time.horizon_s": 12_600}).simulation(seed=2, agents=[agent])
    before = signal.signal(signal.SIGALRM, nudge)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        while not sim.over:
            try:
                sim.step()
            except NudgedError as error:
                noted = hasattr(error, "__notes__")  # it came while Python had the turn
                between, within = between + (not noted), within + noted
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert between > 5
    assert 12_600 - within <= agent.turns <= 12_600
    assert sim.finish().exact("summary") == alone(sim).exact("summary")


def alone(sim: pc.Simulation) -> pc.Run:
    """The run that nobody disturbs."""
    return sim.scenario.run(seed=sim.seed, path=sim.path)


def test_a_flat_account_is_worth_what_its_tokens_count() -> None:
    me = pc.agents.External(name="me", capital=1_000, leverage=1, tokens=500)
    sim = world(me).replace({"venue.spot_margin": "0.5"}).simulation(seed=1)
    flat = sim.inventory()
    assert (flat.balance, flat.equity) == (1_000, 1_000 + 0.5 * 500 * sim.index)
    accounts = sim.accounts
    assert accounts["equity"][accounts["agent"] == "me"][0] == flat.equity
    sim.submit("perp", "buy", 1)
    assert sim.inventory().equity == pytest.approx(flat.equity, abs=1)
