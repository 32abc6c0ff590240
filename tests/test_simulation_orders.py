"""Orders and agents of a user: what they come to, and errors that leave the simulation as it was."""

import pytest

import perpcore as pc
from stepping import CROWD, HORIZON, Idle, lone, look, same, world


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
    with pytest.raises(pc.OrderError, match=f"id: {ask.id} is not allowed: an order that rests"):
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
    with pytest.raises(pc.OrderError, match=f"id: {bid.id} is not allowed"):
        sim.cancel(bid.id)
    assert sim.cancel(offer.id) == 300


def test_times_in_force():
    sim = lone()
    assert sim.submit("spot", "buy", 500, "10.02", "fok").filled == 0
    assert sim.submit("spot", "buy", 10**9, tif="fok").filled == 0
    assert sim.submit("spot", "buy", 500, "10.02", "ioc").filled == 400
    assert sim.submit("spot", "buy", 200, "10.03", "fok").filled == 200
    with pytest.raises(pc.OrderError, match=r"price: .* a post-only order trades with nobody"):
        sim.submit("spot", "buy", 1, "10.04", "post_only")
    assert sim.submit("spot", "buy", 1, "10.03", "post_only").id


NONSENSE = {
    "nan price": (("spot", "buy", 1, float("nan")), "price: NaN is not allowed: a finite decimal"),
    "nan quantity": (("spot", "buy", float("nan")), "qty: NaN is not allowed: a finite decimal"),
    "negative": (("spot", "buy", -1), "qty: -1 is not allowed: .*multiple of lot_size 1"),
    "nothing": (("spot", "buy", 0), "qty: 0 is not allowed"),
    "off the lot": (("spot", "buy", "1.5"), "qty: 1.5 is not allowed: .*multiple of lot_size 1"),
    "off the tick": (
        ("perp", "buy", 1, "9.999"),
        "price: 9.999 is not allowed: .*multiple of tick_size 0.01",
    ),
    "no price": (("perp", "buy", 1, "cheap"), 'price: "cheap" is not allowed'),
    "side": (("spot", "hold", 1), 'side: "hold" is not allowed: "buy" or "sell"'),
    "market": (("moon", "buy", 1), 'market: "moon" is not allowed: "spot" or "perp"'),
    "time in force": (
        ("spot", "buy", 1, 10, "day"),
        'tif: "day" is not allowed: "gtc", "ioc", "fok" or "post_only"',
    ),
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
            with pytest.raises(
                pc.OrderError, match='id: 1 is not allowed: an order of "a", this one is of "b"'
            ):
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
    with pytest.raises(pc.OrderError, match="id: 1 is not allowed: an order that rests"):
        sim.cancel(1)  # who left has taken it back


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
    with pytest.raises(pc.OrderError, match=r'^market: "perp" is not allowed: "spot" while the perpetual is'):
        sim.submit("perp", "buy", 1)
    assert sim.submit("spot", "buy", 1).filled == 1
    sim = lone(**{"venue.price_band": "0.05"})
    with pytest.raises(pc.OrderError, match=r"^price: 10.51 is not allowed: at most 10.5 to buy, by venue"):
        sim.submit("perp", "buy", 1, "10.51")
    with pytest.raises(pc.OrderError, match=r"^price: 9.49 is not allowed: at least 9.5 to sell, by venue"):
        sim.submit("perp", "sell", 1, "9.49", "post_only")
    assert sim.submit("perp", "buy", 1, "10.50").filled == 1
    assert sim.submit("perp", "buy", 1, tif="fok").filled == 1


def test_steps_that_are_not_there():
    sim = lone()
    for n, message in (
        (0, "n: 0 is not"),
        (True, "n: True is not"),
        (1.5, "n: 1.5 is not"),
        (61, "at most 60"),
    ):
        with pytest.raises(pc.ScenarioError, match=message):
            sim.step(n)
    sim.step(60)
    assert sim.over
    assert sim.time == HORIZON
    with pytest.raises(pc.RunError, match="the run is over after 60 steps: horizon"):
        sim.step()


def test_what_can_not_be_looked_at():
    sim = lone()
    for levels in (10**7, -1, 1.5, None):
        with pytest.raises(pc.OrderError, match=f"levels: {levels} is not allowed: a whole number from 0 to"):
            sim.spot.depth("ask", levels=levels)
    with pytest.raises(pc.OrderError, match='side: "buy" is not allowed: "bid" or "ask"'):
        sim.perp.depth("buy")


def test_who_may_take_part():
    with pytest.raises(pc.ScenarioError, match="time: none is not allowed"):
        pc.presets.rocketcoin().simulation()
    plain = world(*CROWD)

    class Nameless:
        def on_step(self, _):
            raise AssertionError

    class Motionless:
        name = "stone"

    cases = {
        r"agents\[0\].name": [Nameless()],
        r"agents\[0\].on_step": [Motionless()],
        r"agents\[0\]: <class .*> is not allowed: an instance": [Idle],
        r"^agents: .* is not allowed: a sequence of agents": Idle("me"),
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
