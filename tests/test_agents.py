"""Agents, unlocks and frictions as frozen data: forms, defaults, TOML, digests, errors with the field."""

import pickle
from decimal import Decimal

import msgspec
import pytest

import perpcore as pc
from perpcore._structs import read
from perpcore.agents import AnyAgent
from perpcore.analysis.without import FRICTIONS
from perpcore.scenario import MarketMaker

HOUR = 3_600
CROWD_QTY = pc.Pareto(10, "1.6", high=5_000)

# One of each kind, with what must be given only.
LEAST = {
    "noise": pc.agents.Noise(name="noise", market="spot", rate_per_s=1, qty=50),
    "momentum": pc.agents.Momentum(
        name="momentum", window_s=60, threshold="0.01", order_qty=50, max_qty=2_000
    ),
    "holders": pc.agents.Holders(name="holders", elasticity="0.5", order_qty=100),
    "spot_market_maker": pc.agents.SpotMarketMaker(
        name="spot_market_maker", half_spread="0.02", level_qty=100
    ),
    "funding_arbitrageur": pc.agents.FundingArbitrageur(
        name="funding_arbitrageur", enter_rate="0.0002", exit_rate=0, order_qty=100, max_qty=50_000
    ),
    "short_crowd": pc.agents.ShortCrowd(name="short_crowd", rate_per_s="0.1", qty=100, leverage=5),
    "liquidation_hunter": pc.agents.LiquidationHunter(
        name="liquidation_hunter", reach="0.03", min_notional=100_000, order_qty=100, max_qty=5_000
    ),
    "whale": pc.agents.Whale(name="whale"),
    "stock_arbitrageur": pc.agents.StockArbitrageur(name="stock_arbitrageur", kappa=1_000),
    "external": pc.agents.External(name="external"),
}
ALL = {"name", "from_s", "until_s"}
MARGINED = {"capital", "leverage"}
FIELDS = {
    "noise": MARGINED
    | {"market", "rate_per_s", "qty", "limit_rate_per_s", "limit_gap", "lifetime_s", "tokens"}
    | {"branching", "decay_s"},
    "momentum": MARGINED | {"market", "window_s", "threshold", "order_qty", "max_qty", "long_only"},
    "holders": {"tokens", "threshold", "elasticity", "order_qty"},
    "spot_market_maker": {
        *("tokens", "half_spread", "levels", "level_gap", "level_qty", "skew", "inventory_limit")
    },
    "funding_arbitrageur": MARGINED
    | {"enter_rate", "exit_rate", "min_basis", "order_qty", "max_qty", "lock_s"},
    "short_crowd": {"side", "rate_per_s", "base", "slope", "qty", "leverage", "max_accounts", "hold_s"},
    "liquidation_hunter": MARGINED | {"market", "reach", "min_notional", "order_qty", "max_qty"},
    "whale": MARGINED | {"accumulate", "longs", "ignite", "exit"},
    "stock_arbitrageur": MARGINED | {"kappa", "tokens"},
    "external": MARGINED | {"tokens"},
}
WHALE = pc.agents.Whale(
    name="whale",
    accumulate=pc.agents.Leg(qty=30_000, at_s=0, over_s=HOUR),
    longs=pc.agents.Leg(qty=pc.Uniform(10_000, 20_000), at_s=HOUR),
    ignite=pc.agents.Leg(qty=20_000, at_s=2 * HOUR, over_s=30),
    exit=pc.agents.Exit(over_s=600, at_s=3 * HOUR, drawdown="0.1"),
    capital=1_000_000,
    leverage=2,
)


def live(*agents, unlocks=(), **changes) -> pc.Scenario:
    """RocketCoin through time, with these agents and no push from outside."""
    time = pc.Time(step_s=60, horizon_s=4 * HOUR, sample_s=changes.pop("sample_s", None))
    usual = {"time": time, "ignition": None, "agents": agents, "unlocks": unlocks}
    return pc.presets.rocketcoin().replace({**usual, **changes})


def refusal(make) -> pc.ScenarioError:
    with pytest.raises(pc.ScenarioError) as caught:
        make()
    return caught.value


# ---- what Python alone says ----


@pytest.mark.parametrize("kind", LEAST)
def test_a_kind_has_its_fields_and_no_others(kind):
    agent = LEAST[kind]
    assert set(agent.__struct_fields__) == ALL | FIELDS[kind]
    assert agent.to_dict()["kind"] == kind


@pytest.mark.parametrize("agent", [*LEAST.values(), WHALE], ids=lambda agent: type(agent).__name__)
def test_plain_data_and_pickle_give_an_equal_agent(agent):
    again = read(agent.to_dict(), AnyAgent)
    for same in (again, pickle.loads(pickle.dumps(agent)), agent.replace({"name": agent.name})):
        assert (type(same), same, hash(same)) == (type(agent), agent, hash(agent))
    assert msgspec.json.decode(msgspec.json.encode(agent), type=type(agent)) == agent


def test_defaults_are_those_of_the_page():
    noise, crowd, whale = LEAST["noise"], LEAST["short_crowd"], LEAST["whale"]
    assert (noise.from_s, noise.until_s, noise.capital, noise.leverage, noise.tokens) == (0, None, None, 1, 0)
    assert (noise.limit_rate_per_s, noise.limit_gap, noise.lifetime_s) == (0, None, 0)
    assert (crowd.side, crowd.base, crowd.slope, crowd.max_accounts) == ("short", 1, 0, 100_000)
    assert crowd.hold_s is None
    assert "hold_s" not in crowd.to_dict()
    assert (whale.accumulate, whale.longs, whale.ignite, whale.exit) == (None,) * 4
    assert (LEAST["momentum"].market, LEAST["momentum"].long_only) == ("perp", True)
    assert LEAST["liquidation_hunter"].market == "perp"
    assert LEAST["holders"].threshold == LEAST["funding_arbitrageur"].lock_s == 0
    maker = LEAST["spot_market_maker"]
    assert (maker.levels, maker.level_gap, maker.skew, maker.inventory_limit) == (1, None, 0, None)


def test_numbers_of_an_agent_are_exact_or_drawn():
    crowd = LEAST["short_crowd"].replace(rate_per_s=0.1, qty=CROWD_QTY, leverage=pc.Uniform(5, 20))
    assert crowd.rate_per_s == Decimal("0.1")
    assert (crowd.qty, crowd.leverage) == (CROWD_QTY, pc.Uniform(5, 20))
    assert WHALE.replace({"exit.drawdown": 0.15}).exit.drawdown == Decimal("0.15")


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"kind": "noise", "name": "n", "market": "spot", "qty": 1}, "rate_per_s", "must be given"),
        ({"kind": "nosie", "name": "n"}, "kind", "spot_market_maker"),
        (
            {"kind": "holders", "name": "h", "elasticity": 1, "order_qty": 1, "capital": 5},
            "capital",
            "tokens",
        ),
        ({"kind": "whale", "name": "w", "ignite": {"qty": 1}}, "ignite.at_s", "must be given"),
        ({"kind": "momentum", "name": "m", "market": "moon"}, "market", "one of perp, spot"),
        ({"kind": "external", "name": 7}, "name", "str"),
    ],
)
def test_a_form_that_is_not_one_is_named(data, field, said):
    error = refusal(lambda: read(data, AnyAgent))
    assert [problem[0] for problem in error.problems] == [field]
    assert said in str(error)


def test_parts_of_a_venue_and_of_quotes_round_trip():
    quote = pc.Quote(side="both", level_qty=5, around="last", recovery_half_life_s=30)
    maker = MarketMaker(
        capital=1,
        quote=quote,
        hedge_latency_s=2,
        inventory_limit=9,
        skew="0.001",
        widen=2,
        withdraw_move="0.05",
    )
    for part in (
        quote,
        maker,
        pc.venues.Halt(move="0.1", window_s=60, pause_s=300),
        pc.venues.StressMargin(move="0.2", window_s=600, factor=2),
        pc.agents.Unlock(at_s=60, qty=1_000, holder="holders"),
        pc.Time(step_s=1, horizon_s=60, sample_s=5),
    ):
        assert read(part.to_dict(), type(part)) == part


def test_what_came_later_is_not_written_at_its_default():
    scenario = pc.presets.rocketcoin()
    same = scenario.replace(
        {
            "agents": (),
            "unlocks": [],
            "market_maker.hedge_latency_s": 0,
            "market_maker.inventory_limit": None,
            "market_maker.skew": "0.0",
            "market_maker.withdraw_s": 0,
            "market_maker.quote.recovery_half_life_s": 0,
            "venue.halt": None,
            "venue.spot_margin": 0,
        }
    )
    assert same.digest() == scenario.digest()
    assert same.to_toml() == scenario.to_toml()
    assert not {"agents", "unlocks"} & set(same.to_dict())
    assert set(pc.Time(step_s=1, horizon_s=9).to_dict()) == {"step_s", "horizon_s", "until"}


# ---- what needs a core that knows them ----


@pytest.mark.parametrize("kind", LEAST)
def test_the_core_knows_every_kind_with_every_field(kind):
    scenario = live(LEAST[kind], **{"venue.funding": pc.venues.Funding(interval_h=1)})
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    pc._core.check(msgspec.json.encode(scenario, enc_hook=str).decode())


def test_everything_survives_toml():
    agents = [LEAST[kind] for kind in LEAST if kind != "whale"]
    scenario = live(
        *agents,
        WHALE,
        unlocks=[
            pc.agents.Unlock(at_s=HOUR, qty=50_000),
            pc.agents.Unlock(at_s=HOUR, qty=9, holder="holders"),
        ],
        **{
            "sample_s": 120,
            "venue.funding": pc.venues.Funding(interval_h=1, stress_above="0.001"),
            "venue.price_band": "0.1",
            "venue.halt": pc.venues.Halt(move="0.1", window_s=60, pause_s=300),
            "venue.stress_margin": pc.venues.StressMargin(move="0.2", window_s=600, factor=2),
            "venue.spot_margin": pc.Uniform("0.5", "0.9"),
            "market_maker.hedge_latency_s": 120,
            "market_maker.inventory_limit": 400_000,
            "market_maker.skew": "0.000001",
            "market_maker.widen": "0.5",
            "market_maker.withdraw_move": "0.08",
            "market_maker.withdraw_s": 300,
            "market_maker.quote.around": "last",
            "market_maker.quote.recovery_half_life_s": 60,
        },
    )
    again = pc.Scenario.from_toml(scenario.to_toml())
    assert again == scenario
    assert again.digest() == scenario.digest() != live(WHALE).digest()


def test_an_agent_is_meant_by_its_place_or_its_name():
    scenario = live(LEAST["noise"], WHALE)
    named = scenario.replace(
        {"agents.whale.capital": 0, "agents.whale.ignite.qty": 5, "agents[0].rate_per_s": "0.5"}
    )
    placed = scenario.replace(
        {"agents[1].capital": 0, "agents[1].ignite.qty": 5, "agents.noise.rate_per_s": "0.5"}
    )
    assert named == placed
    assert (named.agents[1].capital, named.agents[1].ignite.qty, named.agents[0].rate_per_s) == (
        0,
        5,
        Decimal("0.5"),
    )
    error = refusal(lambda: scenario.replace({"agents.wale.capital": 0}))
    assert error.problems == [
        ("agents.wale.capital", "wale", "a position from 0 to 1, or one of noise, whale")
    ]
    assert "together with" in str(
        refusal(lambda: scenario.replace({"agents[1]": WHALE, "agents.whale.leverage": 2}))
    )


def test_a_push_from_outside_may_be_left_out_through_time():
    scenario = live(WHALE)
    assert "ignition" not in scenario.to_dict()
    assert (scenario.push.side, scenario.push.market, scenario.push.qty) == ("buy", "spot", 20_000)
    assert "1 agent, push buy 20000;" in repr(scenario)
    assert live(LEAST["noise"]).push.qty == 0
    error = refusal(lambda: pc.presets.rocketcoin().replace(ignition=None))
    assert [problem[0] for problem in error.problems] == ["ignition"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time": None}, "agents"),
        ({"time.until": "quiet"}, "agents"),
        ({"agents.whale.name": "noise"}, "agents[1].name"),
        ({"agents.noise.name": ""}, "agents[0].name"),
        ({"agents.noise.rate_per_s": -1}, "agents[0].rate_per_s"),
        ({"agents.noise.rate_per_s": 100}, "agents[0].rate_per_s"),  # 6,000 in a step
        ({"agents.noise.qty": "0.5"}, "agents[0].qty"),
        ({"agents.whale.leverage": -1}, "agents[1].leverage"),
        ({"agents.whale.ignite.at_s": -1}, "agents[1].ignite.at_s"),
        ({"unlocks": [pc.agents.Unlock(at_s=0, qty=10_000_000)]}, "unlocks[0].qty"),
        ({"unlocks": [pc.agents.Unlock(at_s=0, qty=1, holder="nobody")]}, "unlocks[0].holder"),
        ({"venue.price_band": 1}, "venue.price_band"),
        ({"venue.halt": pc.venues.Halt(move=0, window_s=1, pause_s=1)}, "venue.halt.move"),
        (
            {"venue.stress_margin": pc.venues.StressMargin(move="0.1", window_s=1, factor="0.5")},
            "venue.stress_margin.factor",
        ),
        ({"venue.spot_margin": "1.1"}, "venue.spot_margin"),
        ({"market_maker.hedge_latency_s": -1}, "market_maker.hedge_latency_s"),
        ({"market_maker.withdraw_s": 5}, "market_maker.withdraw_s"),
        ({"market_maker.quote.recovery_half_life_s": -1}, "market_maker.quote.recovery_half_life_s"),
        ({"time.sample_s": 0}, "time.sample_s"),
    ],
)
def test_what_cannot_be_is_named(changes, field):
    scenario = live(LEAST["noise"], WHALE)
    error = refusal(lambda: scenario.replace(changes))
    assert field.removeprefix("venue.") in {problem[0].removeprefix("venue.") for problem in error.problems}


def test_a_funding_arbitrageur_needs_funding():
    error = refusal(lambda: live(LEAST["funding_arbitrageur"]))
    assert "funding" in str(error)


@pytest.mark.parametrize("make", [pc.presets.rocketcoin_live, pc.presets.funding_trap])
def test_presets_through_time_are_what_they_say(make):
    scenario = make()
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario
    assert scenario.ignition is None
    assert scenario.push.qty > 0
    kinds = [type(agent).__name__ for agent in scenario.agents]
    if scenario.name == "funding-trap":
        arbitrageurs = [a for a in scenario.agents if isinstance(a, pc.agents.FundingArbitrageur)]
        run = scenario.run(seed=1)
        assert run.series["locked_float"].max() > scenario.circulating / 5
        last = dict(zip(run.agents["agent"][-9:], run.agents["profit"][-9:], strict=True))
        assert all(last[a.name] < 0 < last["whale"] for a in arbitrageurs)
        assert run.summary["liquidated_accounts"] == len(arbitrageurs)
        assert {a.leverage for a in arbitrageurs} == {5}
        assert min(a.lock_s for a in arbitrageurs) > 0
    else:
        before = scenario.run(seed=1, path=1).series["time"] < 7_200
        for path in (1, 2, 3):
            locked = scenario.run(seed=1, path=path).series["locked_float"]
            assert locked[before][-1] > scenario.circulating / 20
        assert not {"StockArbitrageur", "External"} & set(kinds)
        missing = {"spot_margin", "hedge_band", "float_in_quotes", "lasting_impact"}
        assert set(pc.frictions(scenario)) == {name for name, _ in FRICTIONS} - missing


def test_the_live_squeeze_has_the_coin_and_the_push_of_the_story():
    live, plain = pc.presets.rocketcoin_live(), pc.presets.rocketcoin()
    for name in ("start_price", "total_supply", "circulating"):
        assert getattr(live, name) == getattr(plain, name)
    assert live.push.qty == plain.push.qty
