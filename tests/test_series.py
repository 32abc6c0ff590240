"""What a run through time records: columns, units, sums, and that an instant cascade has none of it."""

import json
import pickle
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import pyplot

import perpcore as pc
from perpcore.cli import main

mpl.use("Agg")

SERIES = [
    *("time", "index", "mark", "spot_last", "perp_last", "basis", "funding_rate", "open_interest"),
    *("spot_volume", "perp_volume", "circulating", "free_float", "locked_float", "whale_float"),
    *("hedge_float", "float_share", "fdv", "insurance_fund", "liquidated_notional", "events"),
    *("spot_spread", "spot_bid_depth", "spot_ask_depth", "perp_spread", "perp_bid_depth", "perp_ask_depth"),
]
AGENTS = ["time", "agent", "qty", "tokens", "balance", "profit"]
HEAT_MAP = ["time", "price", "long_notional", "short_notional"]
ADDED = {
    *("attacker_paper_pnl", "spot_volume", "perp_volume", "events", "funding_positive_share"),
    *("peak_open_interest", "locked_float_share"),
}
PRESETS = ("rocketcoin-live", "funding-trap")


@pytest.fixture(scope="module", params=PRESETS)
def run(request: pytest.FixtureRequest) -> pc.Run:
    return pc.presets.load(request.param).run(seed=1)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def pushed() -> pc.Scenario:
    """An hour in which nobody acts, and a push after ten minutes."""
    time = pc.Time(step_s=60, horizon_s=3_600)
    return pc.presets.rocketcoin().replace({"time": time, "ignition.at_s": 600})


def test_an_instant_cascade_has_none_of_it() -> None:
    run = pc.presets.rocketcoin().run(seed=1)
    for table, columns in ((run.series, SERIES), (run.agents, AGENTS), (run.heat_map, HEAT_MAP)):
        assert table.columns == columns
        assert len(table) == 0
        assert all(len(values) == 0 for values in table.to_numpy().values())
    assert not ADDED & set(run.summary)
    ensemble = run.scenario.monte_carlo(paths=3, seed=1, progress=False)
    assert not ADDED & set(ensemble.columns)
    with pytest.raises(KeyError, match="events"):
        ensemble.mean("events")
    for name in ("series", "agents", "heat_map"):
        with pytest.raises(pc.ScenarioError, match="through time"):
            getattr(pc.plots, name)(run)


def test_columns_and_times(run: pc.Run) -> None:
    for table, columns in ((run.series, SERIES), (run.agents, AGENTS), (run.heat_map, HEAT_MAP)):
        assert table.columns == columns
    time = run.scenario.time
    assert time is not None
    every = float(time.sample_s or 0)
    assert run.series["time"].tolist() == np.arange(0, float(time.horizon_s) + 1, every).tolist()
    assert set(run.heat_map["time"]) <= set(run.series["time"])
    names = ["market_maker", *(agent.name for agent in run.scenario.agents)]
    assert run.agents["agent"].tolist() == names * len(run.series)
    assert set(run.summary) >= ADDED


def test_who_holds_the_float_adds_up(run: pc.Run) -> None:
    exact, table = run.exact("series"), run.series
    parts = sum(exact[f"{name}_float"] for name in ("free", "locked", "whale", "hedge"))
    np.testing.assert_array_equal(parts, exact["circulating"])
    lot, supply = float(run.scenario.spot.lot_size), float(run.scenario.total_supply)
    np.testing.assert_allclose(table["free_float"], exact["free_float"] * lot)
    np.testing.assert_allclose(table["float_share"], table["free_float"] / supply)
    np.testing.assert_allclose(table["fdv"], table["spot_last"] * supply)
    last = exact["locked_float"][-1] / exact["circulating"][-1]
    assert run.summary["locked_float_share"] == pytest.approx(last)


def test_the_end_is_the_summary(run: pc.Run) -> None:
    series, agents, s = run.series, run.agents, run.summary
    last = {
        name: (table[-1])
        for name, table in ((n, agents["profit"][agents["agent"] == n]) for n in np.unique(agents["agent"]))
    }
    assert last["market_maker"] == pytest.approx(s["market_maker_pnl"])
    whales = [agent.name for agent in run.scenario.agents if isinstance(agent, pc.agents.Whale)]
    assert whales
    assert sum(last[name] for name in whales) == pytest.approx(s["attacker_pnl"])
    assert series["spot_last"][-1] == s["final_price"]
    for column in ("spot_volume", "perp_volume", "liquidated_notional", "events"):
        assert series[column].sum() == pytest.approx(s[column]), column
    assert series["open_interest"].max() == s["peak_open_interest"]
    books = run.fills["book"]
    assert run.fills["qty"][books == "spot"].sum() == s["spot_volume"]
    assert len(books) < s["events"]


def of_crowd(run: pc.Run, side: str) -> float:
    """Profit of all accounts whose first trade was a crowd's on this side."""
    fills, ledger, accounts = run.fills, run.ledger, run.accounts
    theirs = fills["cause"] == "crowd"
    ids, first = np.unique(fills["taker"][theirs], return_index=True)
    ids = ids[fills["taker_side"][theirs][first] == side]
    into = np.isin(ledger["to_account"], ids) & (ledger["from_account"] == -1)
    here = np.isin(accounts["account"], ids)
    open_profit = accounts["position_qty"][here].sum() * run.series["mark"][-1] - accounts["cost"][here].sum()
    assert ids.size > 0
    return float(accounts["balance"][here].sum() + open_profit - ledger["amount"][into].sum())


def test_profits_are_what_the_accounts_say(run: pc.Run) -> None:
    """Of each agent, from the tables of money and accounts alone."""
    accounts, ledger, agents = run.accounts, run.ledger, run.agents
    at = {int(account): row for row, account in enumerate(accounts["account"])}
    spot, mark = run.summary["final_price"], run.series["mark"][-1]
    came = {agent.name: 0.0 for agent in run.scenario.agents}
    for unlock in run.scenario.unlocks:
        assert unlock.holder is None, "tokens that came at another price are not counted here"
    for number, agent in enumerate(run.scenario.agents):
        venue, desk = 8 + 2 * number, 9 + 2 * number
        deposits = 0.0
        for account in (venue, desk):
            into = (ledger["to_account"] == account) & (ledger["from_account"] == -1)
            back = (ledger["from_account"] == account) & (ledger["to_account"] == -1)
            deposits += ledger["amount"][into].sum() - ledger["amount"][back].sum()
        has = sum(accounts["balance"][at[account]] for account in (venue, desk))
        open_profit = accounts["position_qty"][at[venue]] * mark - accounts["cost"][at[venue]]
        tokens = accounts["tokens"][at[desk]] * spot
        brought = float(getattr(agent, "tokens", 0)) * run.summary["start_price"]
        came[agent.name] = has + open_profit + tokens - deposits - brought
        if isinstance(agent, pc.agents.ShortCrowd):
            came[agent.name] += of_crowd(run, "sell" if agent.side == "short" else "buy")
    profits = dict(zip(agents["agent"][-len(came) :], agents["profit"][-len(came) :], strict=True))
    for name, profit in came.items():
        assert profits[name] == pytest.approx(profit, abs=0.01), name


def test_paper_profits_and_causes(run: pc.Run) -> None:
    causes = set(run.fills["cause"])
    known = {
        *("ignition", "liquidation", "stop", "unwind", "hedge", "absorption", "noise", "momentum"),
        *("holders", "arbitrage", "crowd", "hunting", "whale", "external", "collateral"),
    }
    assert {"noise", "crowd", "whale"} <= causes <= known
    if run.scenario.name == "rocketcoin-live":  # whose whale sells out at a loss
        assert run.summary["attacker_paper_pnl"] > run.summary["attacker_pnl"]


def test_open_interest_is_what_the_accounts_hold() -> None:
    run = pushed().run(seed=1)
    held = run.accounts["position_qty"]
    assert run.series["open_interest"][-1] == held[held > 0].sum()
    assert run.series["open_interest"][0] == 787_640  # the ten batches' other side


def test_liquidations_ahead_are_the_batches() -> None:
    run = pushed().run(seed=1)
    table, gone = run.heat_map, run.liquidations
    first = table["time"] == 0
    # Ten batches of a million at their prices of liquidation, 11.0 to 14.6.
    assert table["price"][first] == pytest.approx(np.arange(11, 14.61, 0.4))
    assert table["short_notional"][first] == pytest.approx(1_000_000, rel=0.2)
    assert not table["long_notional"].any()
    # All of them go, each at its threshold.
    ahead = (gone["threshold"] * gone["qty"])[gone["side"] == "short"].sum()
    assert table["short_notional"][first].sum() == pytest.approx(ahead)
    assert table["time"].max() == 600  # the push is in the step after


def test_funding_is_counted() -> None:
    funding = pc.venues.Funding(interval_h="0.25", interest="0.0001")
    run = pushed().replace({"venue.funding": funding}).run(seed=1)
    exact, rates = run.exact("summary"), run.stages["funding_rate"]
    assert (exact["payments"], exact["positive_payments"]) == (3, np.count_nonzero(rates > 0))
    assert run.summary["funding_positive_share"] == exact["positive_payments"] / 3
    paid = rates[np.flatnonzero(rates)]
    assert run.series["funding_rate"][-1] == paid[-1]


def test_an_ensemble_has_what_a_run_has() -> None:
    scenario = pushed().replace({"ignition.qty": pc.Uniform(19_000, 22_000)})
    ensemble = scenario.monte_carlo(paths=8, seed=3, progress=False)
    assert set(ensemble.columns) >= ADDED
    for path in (0, 5):
        exact = scenario.run(seed=3, path=path).exact("summary")
        for name in ("spot_volume", "perp_volume", "events", "peak_open_interest", "attacker_paper_pnl"):
            assert ensemble.exact(name)[path] == exact[name], name


def test_pictures(run: pc.Run) -> None:
    series, agents, heat = pc.plots.series(run), pc.plots.agents(run), pc.plots.heat_map(run)
    assert heat.get_xlabel() == "time (hours)"
    lines = {str(line.get_label()): line for line in series.axes[0].get_lines()}
    np.testing.assert_array_equal(lines["mark"].get_ydata(), run.series["mark"])
    np.testing.assert_allclose(lines["mark"].get_xdata(), run.series["time"] / 3_600)
    profits = {str(line.get_label()): line for line in agents.axes[2].get_lines()}
    for name, line in profits.items():
        if not name.startswith("_"):
            rows = run.agents["agent"] == name
            np.testing.assert_array_equal(line.get_ydata(), run.agents["profit"][rows])
    np.testing.assert_array_equal(heat.get_lines()[0].get_ydata(), run.series["mark"])
    shown = sum(float(np.ma.sum(mesh.get_array())) for mesh in heat.collections)
    table = run.heat_map
    assert shown == pytest.approx((table["long_notional"] + table["short_notional"]).sum())
    assert run.plot.price().get_xlabel() == "time (hours)"


def test_the_command_line_has_them(tmp_path) -> None:
    file = tmp_path / "pushed.toml"
    file.write_text(pushed().to_toml(), encoding="utf-8")
    told = json.loads(CliRunner().invoke(main, ["run", str(file), "--json"]).output)
    assert [len(told[name]) for name in ("series", "agents")] == [61, 61]
    assert told["series"][-1]["spot_last"] == told["summary"]["final_price"]
    instant = json.loads(CliRunner().invoke(main, ["run", "rocketcoin", "--json"]).output)
    assert "series" not in instant


def test_a_run_may_keep_its_samples_only():
    scenario = pc.presets.rocketcoin_live().replace(**{"time.horizon_s": 11_000})
    whole, kept = scenario.run(seed=3), scenario.run(seed=3, keep="samples")
    assert kept.summary == whole.summary
    for name in ("series", "agents", "heat_map", "accounts"):
        assert kept.exact(name).to_pyarrow().equals(whole.exact(name).to_pyarrow()), name
    for name in ("stages", "fills", "liquidations", "adl", "ledger"):
        with pytest.raises(pc.ScenarioError, match=f"^{name}: .*only with keep='everything'"):
            getattr(kept, name)
        with pytest.raises(pc.ScenarioError, match=f"^{name}: "):
            kept.exact(name)
    assert pickle.loads(pickle.dumps(kept)).series["mark"][-1] == whole.series["mark"][-1]
    with pytest.raises(pc.ScenarioError, match=r"^keep: 'all' is not allowed"):
        scenario.run(seed=3, keep="all")


def test_a_run_may_keep_its_liquidations_beside_its_samples():
    scenario = pc.presets.rocketcoin_live().replace(**{"time.horizon_s": 11_000})
    whole, kept = scenario.run(seed=3), scenario.run(seed=3, keep="liquidations")
    assert kept.summary == whole.summary
    for name in ("series", "agents", "accounts", "liquidations", "adl"):
        assert kept.exact(name).to_pyarrow().equals(whole.exact(name).to_pyarrow()), name
    rounds = np.unique(whole.liquidations["round"])
    assert 1 < len(rounds) < len(whole.stages) / 100
    stages = whole.stages.to_pyarrow().filter(np.isin(whole.stages["round"], rounds))
    assert kept.stages.to_pyarrow().equals(stages)
    told = r"only with keep='everything'$"
    with pytest.raises(pc.ScenarioError, match=told):
        _ = kept.fills
    with pytest.raises(pc.ScenarioError, match=r"only with keep='everything' or 'liquidations'$"):
        _ = scenario.run(seed=3, keep="samples").adl
