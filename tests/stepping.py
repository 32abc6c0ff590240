"""A world to be stepped through, and what its tests share."""

from decimal import Decimal

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
    pc.agents.ShortCrowd(
        name="crowd", rate_per_s=2, base="0.5", slope=1, qty=pc.Pareto(5, 1.5, high=500), leverage=5
    ),
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


def look(sim):
    """At everything that may be looked at without changing anything."""
    for book in (sim.spot, sim.perp):
        prices, sizes = book.depth("ask", levels=5)
        assert (np.diff(prices) > 0).all()
        assert (sizes > 0).all()
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


def lone(agent=None, **changes):
    """One external agent, nobody else; `agent` programs it."""
    me = pc.agents.External(name="me", tokens=300, capital=10_000, leverage=2)
    programs = [] if agent is None else [agent]
    return world(me, **changes).simulation(seed=1, agents=programs)
