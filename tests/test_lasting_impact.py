"""Holders' quotes around the start price lean on what they sold (docs/AGENTS.md, section 4)."""

import pytest

import perpcore as pc

BOOK = {"tick_size": "0.01", "lot_size": 1}


def world(*, agents=(), unlocks=(), **quote):
    """Quotes of 100 tokens a cent from 9.90 down and 10.10 up, moved by 0.001 a token."""
    terms = {"side": "both", "around": "start", "skew": "0.001", "half_spread": "0.1", "levels": 50}
    return pc.Scenario(
        start_price=10,
        total_supply=1_000_000,
        circulating=100_000,
        spot=pc.Market(**BOOK, quote=pc.Quote(**(terms | {"level_qty": 100} | quote))),
        perp=pc.Market(**BOOK, asks=pc.Linear(depth=1_000)),
        venue=pc.presets.rocketcoin().venue,
        market_maker=pc.MarketMaker(capital=1_000, hedge_ratio=0),
        positions=(),
        time=pc.Time(step_s=1, horizon_s=20),
        agents=(pc.agents.External(name="me", tokens=5_000), *agents),
        unlocks=unlocks,
    )


def quotes(sim):
    sim.step()
    return round(sim.spot.best_bid, 6), round(sim.spot.best_ask, 6)


def test_what_holders_sell_moves_their_quotes_for_good():
    sim = world().simulation(seed=1)
    assert quotes(sim) == (9.9, 10.1)
    sim.submit("spot", "buy", agent="me", qty=250)  # three levels; 0.25 to the nearest tick
    assert quotes(sim) == (10.15, 10.35)
    assert quotes(sim) == (10.15, 10.35)
    sim.submit("spot", "sell", agent="me", qty=255)  # 5 more than they sold: 0.005, half up
    assert quotes(sim) == (9.9, 10.1)
    sim.submit("spot", "sell", agent="me", qty=1_000)
    assert quotes(sim) == (8.9, 9.1)


def test_tokens_unlocked_to_holders_move_nothing():
    sim = world(unlocks=[pc.agents.Unlock(at_s=1, qty=5_000)]).simulation(seed=1)
    assert [quotes(sim) for _ in range(4)] == [(9.9, 10.1)] * 4


def test_without_a_skew_quotes_stay_at_the_start_price():
    sim = world(skew=0).simulation(seed=1)
    sim.step()
    sim.submit("spot", "buy", agent="me", qty=250)
    assert quotes(sim) == (9.9, 10.1)


@pytest.mark.parametrize("around", ["mark", "spot_mid", "last", "mid"])
def test_a_skew_needs_the_start_price(around):
    with pytest.raises(pc.ScenarioError, match=r"spot\.quote\.skew: 0\.001 .*around the start price"):
        world(around=around)


def test_a_skew_needs_time_and_no_negative():
    with pytest.raises(pc.ScenarioError, match=r"spot\.quote\.skew: 0\.001 .*in a run through time"):
        world().replace({"time": None, "agents": (), "ignition": pc.Ignition(qty=1)})
    with pytest.raises(pc.ScenarioError, match=r"spot\.quote\.skew: -0\.001"):
        world(skew="-0.001")
