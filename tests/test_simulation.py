"""A simulation step by step: the bits of a run when nobody intervenes, agents in Python like the built-in ones, and
errors that leave it as it was."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import perpcore as pc

TABLES = ("stages", "fills", "liquidations", "adl", "ledger", "accounts")
HORIZON = 60


def world(*agents, **changes):
    """RocketCoin for a minute, the push at 20 s, bids in spot, quotes on both sides of the perpetual."""
    bids = pc.Levels(levels=[(Decimal(1000 - i) / 100, 500) for i in range(1, 200)])
    quote = pc.Quote(side="both", half_spread="0.01", level_qty=100_000)
    scenario = pc.presets.rocketcoin().replace(
        {
            "time": pc.Time(step_s=1, horizon_s=HORIZON),
            "ignition.at_s": 20,
            "spot.bids": bids,
            "market_maker.quote": quote,
            "agents": agents,
        }
    )
    return scenario.replace(changes)


CROWD = (
    pc.agents.Noise(name="noise", market="spot", rate_per_s=3, qty=pc.Uniform(1, 50), tokens=5_000),
    pc.agents.Noise(
        name="makers", market="perp", rate_per_s=1, qty=20, limit_rate_per_s=3, limit_gap="0.05", lifetime_s=5
    ),
    pc.agents.Holders(name="holders", tokens=50_000, threshold="0.05", elasticity=2, order_qty=300),
    pc.agents.ShortCrowd(name="crowd", rate_per_s=2, base="0.5", slope=1, qty=pc.Pareto(5, 1.5, high=500), leverage=5),
    pc.agents.LiquidationHunter(
        name="hunter", reach="0.1", min_notional=1_000, order_qty=50, max_qty=500, capital=50_000
    ),
)


def same(run, other, apart=()):
    for name in TABLES:
        ours, theirs = run.exact(name), other.exact(name)
        assert ours.columns == theirs.columns
        for column in set(ours.columns) - set(apart):
            np.testing.assert_array_equal(ours[column], theirs[column], err_msg=f"{name}.{column}")
    drop = {"path", *apart}
    summaries = ({k: v for k, v in r.exact("summary").items() if k not in drop} for r in (run, other))
    assert next(summaries) == next(summaries)


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


def look(sim):
    """At everything that may be looked at without changing anything."""
    for book in (sim.spot, sim.perp):
        prices, sizes = book.depth("ask", levels=5)
        assert (np.diff(prices) > 0).all() and (sizes > 0).all()
        if len(prices):
            assert book.best_ask == prices[0]
        prices, _ = book.depth("bid", levels=5)
        assert (book.best_bid or 0) == (prices[0] if len(prices) else 0)
    assert sim.basis == pytest.approx(sim.perp.last - sim.spot.last)
    accounts = sim.accounts
    assert sim.open_interest == accounts["qty"][accounts["qty"] > 0].sum()
    assert repr(sim).startswith("Simulation('rocketcoin'")
    return accounts


class Idle:
    """Does nothing; says so."""

    def __init__(self, name="idle", **terms):
        self.name, self.calls = name, []
        vars(self).update(terms)

    def on_step(self, sim):
        self.calls.append(sim.time)


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
    sim = world(*CROWD).simulation(seed=seed, agents=[agent])
    while not sim.over:
        sim.step()
        accounts = look(sim)
        assert accounts["qty"].sum() == 0
        assert accounts["tokens"].sum() == 1_000_000
        assert (accounts["tokens"][8:18] >= 0).all()
        bid, ask = sim.spot.best_bid, sim.spot.best_ask
        assert bid is None or ask is None or bid < ask
    assert agent.refused > 0
    assert agent.rested > 0
    mine = sim.result().fills["cause"] == "external"
    assert mine.any()
    np.testing.assert_array_equal(sim.agents["agent"], [*(a.name for a in CROWD), "random", "market_maker"])


def lone(agent=None, **changes):
    """One external agent, nobody else; `agent` programs it."""
    me = pc.agents.External(name="me", tokens=300, capital=10_000, leverage=2)
    programs = [] if agent is None else [agent]
    return world(me, **changes).simulation(seed=1, agents=programs)


def test_an_order_between_steps_begins_the_next():
    sim = lone()
    order = sim.submit("spot", "buy", 350)
    assert (order.filled, order.remaining, order.id) == (350, 0, None)
    assert [(fill.price, fill.qty) for fill in order.fills] == [(10.01, 200), (10.02, 150)]
    assert (sim.time, repr(sim)) == (0, "Simulation('rocketcoin': in step 1 of 60, mark 10)")
    sim.step()
    assert (sim.time, sim.mark, sim.inventory().tokens) == (1, 10.02, 650)
    assert sim.finish().summary["stop_reason"] == "unfinished"
    with pytest.raises(pc.RunError, match="over after 1 steps: unfinished"):
        sim.submit("spot", "buy", 1)


def test_what_rests_can_be_cancelled_or_is_filled_later():
    sim = lone()
    ask = sim.submit("spot", "sell", 200, "10.01")
    assert (ask.filled, ask.remaining) == (0, 200)
    with pytest.raises(pc.OrderError, match="qty: 101 is not allowed: at most 100, the tokens"):
        sim.submit("spot", "sell", 101)
    assert sim.cancel(ask.id) == 200
    with pytest.raises(pc.OrderError, match="no resting order has this id"):
        sim.cancel(ask.id)
    resting = sim.submit("spot", "sell", 300, "10.5", tif="post_only")
    part = sim.submit("spot", "buy", 250, price="10.01")
    assert (part.filled, part.remaining) == (200, 50)
    assert sim.spot.best_bid == 10.01
    sim.run()
    assert sim.inventory().tokens == 200 + 0  # the push bought the 300, nobody sold to the bid
    with pytest.raises(pc.RunError, match="over"):
        sim.cancel(resting.id)


def test_a_liquidation_withdraws_what_rests_in_the_perpetual():
    sim = lone(**{"market_maker.capital": 10**8})
    sim.submit("perp", "sell", 1_900)
    bid = sim.submit("perp", "buy", 100, "9.5")
    offer = sim.submit("spot", "sell", 300, "900")
    sim.step(40)
    mine = sim.accounts["agent"] == "me"
    assert (sim.accounts["qty"][mine] == 0).all()
    with pytest.raises(pc.OrderError, match="no resting order"):
        sim.cancel(bid.id)
    assert sim.cancel(offer.id) == 300


def test_times_in_force():
    sim = lone()
    assert sim.submit("spot", "buy", 500, "10.02", "fok").filled == 0
    assert sim.submit("spot", "buy", 10**9, tif="fok").filled == 0
    assert sim.submit("spot", "buy", 500, "10.02", "ioc").filled == 400
    assert sim.submit("spot", "buy", 200, "10.03", "fok").filled == 200
    with pytest.raises(pc.OrderError, match="post-only order would trade"):
        sim.submit("spot", "buy", 1, "10.04", "post_only")
    assert sim.submit("spot", "buy", 1, "10.03", "post_only").id


NONSENSE = {
    "nan price": (("spot", "buy", 1, float("nan")), "price: NaN is not allowed: a finite decimal"),
    "nan quantity": (("spot", "buy", float("nan")), "qty: NaN is not allowed: a finite decimal"),
    "negative": (("spot", "buy", -1), "qty: -1 is not allowed: .*multiple of lot_size 1"),
    "nothing": (("spot", "buy", 0), "qty: 0 is not allowed"),
    "off the lot": (("spot", "buy", "1.5"), "qty: 1.5 is not allowed: .*multiple of lot_size 1"),
    "off the tick": (("perp", "buy", 1, "9.999"), "price: 9.999 is not allowed: .*multiple of tick_size 0.01"),
    "no price": (("perp", "buy", 1, "cheap"), 'price: "cheap" is not allowed'),
    "side": (("spot", "hold", 1), 'side: "hold" is not allowed: "buy" or "sell"'),
    "market": (("moon", "buy", 1), 'market: "moon" is not allowed: "spot" or "perp"'),
    "time in force": (("spot", "buy", 1, 10, "day"), 'tif: "day" is not allowed: "gtc", "ioc", "fok" or "post_only"'),
    "resting at no price": (("spot", "buy", 1, None, "post_only"), "only with a price"),
    "more tokens than there are": (("spot", "sell", 301), "qty: 301 is not allowed: at most 300, the tokens"),
    "more than margin": (("perp", "sell", 2_001), "qty: 2001 is not allowed: at most 2000, what the margin"),
    "more than margin, resting": (("perp", "buy", 2_001, 9), "qty: 2001 is not allowed: at most 2000"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_and_changes_nothing(name):
    order, message = NONSENSE[name]
    sim = lone()
    sim.step(3)
    with pytest.raises(pc.OrderError, match=message):
        sim.submit(*order)
    same(sim.run(), lone().run())


def test_whose_order_it_is():
    first, second = (pc.agents.External(name=name, until_s=30) for name in ("a", "b"))
    sim = world(first, second).simulation(seed=1)
    with pytest.raises(pc.OrderError, match="agent: None is not allowed: 'a' or 'b'"):
        sim.submit("spot", "buy", 1)
    with pytest.raises(pc.OrderError, match="agent: 'c' is not allowed"):
        sim.submit("spot", "buy", 1, agent="c")
    order = sim.submit("spot", "buy", 1, 9, agent="b")

    class Meddles:
        name = "a"

        def on_step(self, sim):
            with pytest.raises(pc.OrderError, match='id: 1 is not allowed: an order of "a", this one is of "b"'):
                sim.cancel(order.id)
            with pytest.raises(pc.OrderError, match="agent: 'b' is not allowed: 'a'"):
                sim.submit("spot", "buy", 1, agent="b")
            for method in (sim.step, sim.run, sim.finish):
                with pytest.raises(pc.RunError, match="not within on_step: it is the turn of agent 'a'"):
                    method()
            self.met = True

    meddler = Meddles()
    sim = world(first, second).simulation(seed=1, agents=[meddler])
    sim.submit("spot", "buy", 1, 9, agent="b")
    sim.step(31)
    assert meddler.met
    with pytest.raises(pc.OrderError, match='agent "b" does not act in step 32'):
        sim.submit("spot", "buy", 1, agent="b")
    assert sim.cancel(1) == 1


def test_an_agent_that_raises_leaves_all_to_be_looked_at_and_gone_on_with():
    class Stumbles(Idle):
        def on_step(self, sim):
            super().on_step(sim)
            if sim.time == 5:
                sim.submit("spot", "buy", 10)
                raise LookupError("where am I")

    class Behind(Idle):
        def on_step(self, sim):
            super().on_step(sim)
            sim.submit("spot", "buy", 7)

    agent, behind = Stumbles("first"), Behind("second")
    sim = world(*CROWD).simulation(seed=2, agents=[agent, behind])
    with pytest.raises(LookupError, match="where am I") as caught:
        sim.run()
    assert caught.value.__notes__ == ["in on_step of agent 'first', step 6, 5 s"]
    accounts = look(sim)
    assert accounts["qty"].sum() == 0
    assert accounts["tokens"].sum() == 1_000_000
    assert sim.inventory("first").tokens == 10
    assert sim.result().summary["stop_reason"] == "unfinished"
    assert (agent.calls[-1], behind.calls[-1]) == (5, 4)
    sim.step()
    assert (sim.time, agent.calls[-1], behind.calls[-1]) == (6, 5, 5)
    run = sim.run()

    class Keeps(Idle):
        def on_step(self, sim):
            if sim.time == 5:
                sim.submit("spot", "buy", 10)

    same(run, world(*CROWD).simulation(seed=2, agents=[Keeps("first"), Behind("second")]).run())


def test_a_halt_and_a_band():
    halt = pc.venues.Halt(move="0.05", window_s=5, pause_s=10)
    sim = lone(**{"venue.halt": halt})
    sim.step(21)
    with pytest.raises(pc.OrderError, match="trading is halted"):
        sim.submit("perp", "buy", 1)
    assert sim.submit("spot", "buy", 1).filled == 1
    sim = lone(**{"venue.price_band": "0.05"})
    with pytest.raises(pc.OrderError, match="outside the price band"):
        sim.submit("perp", "buy", 1, "10.51")
    assert sim.submit("perp", "buy", 1, "10.50").filled == 1
    assert sim.submit("perp", "buy", 1, tif="fok").filled == 1


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
    assert len(sim.accounts) == before + len(ahead) > before
    accounts = sim.accounts
    expected = dict(zip(accounts["account"], accounts["liquidation_price"], strict=True))
    assert [expected[account] for account in ahead["account"]] == ahead["price"].tolist()


def test_looking_does_not_change_whose_turn_it_is_at_a_price():
    """Quotes that nobody has looked at stand before an order that comes later, as those that somebody has."""
    looked, unseen = (world(pc.agents.External(name="me", capital=10**6)).simulation(seed=1) for _ in range(2))
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


def test_steps_that_are_not_there():
    sim = lone()
    for n, message in ((0, "n: 0 is not"), (True, "n: True is not"), (1.5, "n: 1.5 is not"), (61, "at most 60")):
        with pytest.raises(pc.ScenarioError, match=message):
            sim.step(n)
    sim.step(60)
    assert sim.over
    assert sim.time == HORIZON
    with pytest.raises(pc.RunError, match="the run is over after 60 steps: horizon"):
        sim.step()


def test_what_can_not_be_looked_at():
    sim = lone()
    with pytest.raises(pc.OrderError, match="levels: 10000000 is not allowed: from 0 to 1000000"):
        sim.spot.depth("ask", levels=10**7)
    with pytest.raises(pc.OrderError, match='side: "buy" is not allowed: "bid" or "ask"'):
        sim.perp.depth("buy")


def test_who_may_take_part():
    with pytest.raises(pc.ScenarioError, match="time: none is not allowed"):
        pc.presets.rocketcoin().simulation()
    plain = world(*CROWD)

    class Nameless:
        def on_step(self, sim):
            raise AssertionError

    class Motionless:
        name = "stone"

    cases = {
        r"agents\[0\].name": [Nameless()],
        r"agents\[0\].on_step": [Motionless()],
        r"agents\[0\].name: 'noise'": [Idle("noise")],
        r"agents\[1\].name: 'me'": [Idle("me"), Idle("me")],
        r"agents\[5\].capital: -1": [Idle("me", capital=-1)],
    }
    for message, agents in cases.items():
        with pytest.raises(pc.ScenarioError, match=message):
            plain.simulation(agents=agents)
    sim = plain.simulation(seed=1, agents=[Idle("me", capital=5, tokens=3)])
    assert sim.scenario.agents[-1] == pc.agents.External(name="me", capital=5, tokens=3)
    assert (sim.inventory().balance, sim.inventory().tokens) == (5, 3)


SCRIPT = """
import os, signal, sys, threading, time
import perpcore as pc

long = pc.presets.rocketcoin().replace({"time": pc.Time(step_s=1, horizon_s=10_000_000), "ignition.at_s": 9e6})
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
