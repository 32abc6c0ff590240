"""Results: columns without copies, Arrow for everybody, integers behind the units."""

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import perpcore as pc
from perpcore import results

TABLES = ["stages", "fills", "liquidations", "ledger", "accounts"]


@pytest.fixture(scope="module")
def run():
    return pc.presets.rocketcoin().run(seed=1)


def test_rocketcoin_is_the_story(run):
    summary = run.summary
    assert summary["final_price"] == 19.67
    assert summary["liquidated_qty"] == 787_640
    assert summary["ignition_cost"] == 210_100
    assert summary["stop_reason"] == "quiet"
    assert -3.9e6 < summary["market_maker_pnl"] < -3.7e6 < summary["insurance_fund_change"]


def test_the_300k_reading_stalls():
    assert pc.presets.rocketcoin("300k").run(seed=1).summary["final_price"] == pytest.approx(
        13.36, abs=0.0101
    )


def test_limit_at_bankruptcy_stops_at_twelve():
    """The desk takes over what stands beyond bankruptcy: no market maker sells it, nobody hedges it."""
    scenario = pc.presets.rocketcoin().replace({"venue.liquidation_order": "limit_at_bankruptcy"})
    summary = scenario.run(seed=1).summary
    assert summary["final_price"] == pytest.approx(12.0, abs=0.05)
    assert summary["taken_over_qty"] > 0


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_views_and_read_only(run, name):
    table = getattr(run, name)
    numeric = [column for column in table if table[column].dtype.kind in "if"]
    assert numeric
    for column in numeric:
        first, second = table[column], table[column]
        assert np.shares_memory(first, second)
        assert not first.flags.owndata
        assert not first.flags.writeable


@pytest.mark.parametrize("name", TABLES)
def test_arrow_reaches_polars_pyarrow_and_pandas(run, name):
    table = getattr(run, name)
    for frame in (table.to_polars(), table.to_pandas(), polars.DataFrame(table)):
        assert list(frame.columns) == table.columns
        assert len(frame) == len(table)
    arrow = table.to_pyarrow()
    assert isinstance(arrow, pyarrow.Table)
    for column in table:
        assert arrow[column].to_pylist()[:100] == table[column].tolist()[:100]


def test_a_table_outlives_its_run():
    qty = pc.presets.rocketcoin("300k").run(seed=1).liquidations["qty"]
    assert qty.sum() == 214_270


def test_pandas_takes_names_as_categories(run):
    causes = run.fills.to_pandas()["cause"]
    assert isinstance(causes.dtype, pandas.CategoricalDtype)
    assert set(causes) == {"ignition", "liquidation", "hedge"}


@pytest.mark.parametrize("name", TABLES)
def test_units_are_integers_times_tick_lot_and_step(run, name):
    table, exact = getattr(run, name), run.exact(name)
    assert len(table) == len(exact)
    in_units, behind = {
        "liquidations": ({"bankruptcy_price", "fill_price"}, {"bankruptcy_value", "filled_value"}),
        "stages": ({"time"}, {"clock"}),
    }.get(name, (set(), set()))
    assert (set(table) - set(exact), set(exact) - set(table)) == (in_units, behind)
    for column in set(table) & set(exact):
        if table[column].dtype.kind == "f":
            unit = {"index": 0.01, "mark": 0.01, "price": 0.01, "threshold": 0.01}.get(column)
            unit = unit or (0.01 if column.endswith("_last") else None)
            unit = unit or (1 if column.endswith(("qty", "volume", "tokens")) else 1e-6)
            np.testing.assert_allclose(table[column], exact[column] * unit, rtol=1e-15)


def test_the_exact_summary_has_the_integers_of_its_ratios_and_the_same_names(run):
    ratios, counts = {"peak_multiple", "amplification", "fuel_burnt"}, {"burnt_qty", "named_qty"}
    assert set(run.summary) - set(run.exact("summary")) == ratios
    assert set(run.exact("summary")) - set(run.summary) == counts


@pytest.mark.parametrize("path", [0, 3])
def test_the_summary_begins_with_the_path(path):
    run = pc.presets.rocketcoin("300k").run(seed=np.int64(1), path=np.uint8(path))
    for summary in (run.summary, run.exact("summary")):
        assert next(iter(summary.items())) == ("path", path)
        assert type(summary["path"]) is int


def test_the_summary_is_the_sum_of_the_stages(run):
    stages, summary = run.stages, run.summary
    assert stages["liquidated_accounts"].sum() == summary["liquidated_accounts"] == 78_764
    assert stages["forced_buy_notional"].sum() == pytest.approx(summary["forced_buy_notional"])
    assert stages["round"].tolist() == list(range(summary["rounds"] + 1))
    assert summary["amplification"] == summary["forced_buy_notional"] / summary["ignition_cost"]


def test_the_ledger_sums_to_zero(run):
    assert run.exact("accounts")["balance"].sum() == 0
    assert run.exact("accounts")["position_qty"].sum() == 0
    assert run.exact("accounts")["tokens"].sum() == 1_000_000


def test_the_same_seed_gives_the_same_run_and_no_seed_another():
    positions = [
        pc.Ladder(side="short", qty=10_000, lump=10, liquidation_price=(11, 12), placement="poisson")
    ]
    scenario = pc.presets.rocketcoin().replace({"positions": positions, "ignition.qty": 21_000})
    first = scenario.run(seed=7)
    assert first.summary == scenario.run(seed=7).summary
    assert first.summary["rounds"] > 0
    assert {**first.summary, "path": 1} != scenario.run(seed=7, path=1).summary
    again = scenario.run()
    assert again.summary == scenario.run(seed=again.seed).summary
    assert (
        scenario.run(seed=np.random.SeedSequence(3)).seed == scenario.run(seed=np.random.SeedSequence(3)).seed
    )


def test_an_unknown_table_or_column_is_an_error(run):
    with pytest.raises(pc.PerpcoreError, match="no table"):
        run.exact("nonsense")
    with pytest.raises(KeyError, match="no column"):
        run.stages["nonsense"]


def test_a_run_says_what_happened_in_six_lines(run):
    text = repr(run)
    assert len(text.splitlines()) == 6
    for fact in ("19.67", "210,100", "78,764 accounts", "52.1 times"):
        assert fact in text


def test_a_run_without_positions_says_so():
    text = repr(pc.presets.rocketcoin().replace(positions=()).run(seed=1))
    assert "nan" not in text
    assert "no positions" in text


@pytest.mark.parametrize("timed", [False, True])
def test_a_notebook_shows_a_run_with_a_picture(timed):
    time = {"time": pc.Time(step_s=1, horizon_s=60), "ignition.at_s": 30} if timed else {}
    scenario = pc.presets.rocketcoin().replace({"name": "a < b"} | time)
    shown = scenario.run(seed=1)._repr_html_()
    assert "Run of a &lt; b" in shown
    assert "spot, last trade: 10 to 19.67</text></svg>" in shown
    bare = scenario.run(seed=1, keep="samples")._repr_html_()
    assert ("<svg" in bare) == timed


def test_the_ends_of_a_picture_are_those_of_all_its_values():
    values = np.zeros(5_000)
    values[[1, 2]] = 7, -3
    assert "name: -3 to 7</text>" in results._line(values, "name")


def test_a_notebook_shows_ten_rows_of_a_table(run):
    shown = run.fills._repr_html_()
    assert shown.count("<tr>") == 11
    assert all(f"<th>{name}</th>" in shown for name in run.fills.columns)
    assert f"<td>{run.fills['price'][9]:g}</td>" in shown
    assert shown.endswith(f"</table><p>10 of {len(run.fills):,} rows</p>")
    short = pc.presets.rocketcoin().replace({"venue.max_rounds": 1}).run(seed=1)
    assert short.stages._repr_html_().endswith("</table><p>2 rows</p>")
    assert short.adl._repr_html_().endswith("</table><p>0 rows</p>")
    live = {"time": pc.Time(step_s=1, horizon_s=2), "ignition": None}
    named = pc.presets.rocketcoin().replace(live | {"agents": [pc.agents.External(name="<b>")]}).run(seed=1)
    assert "<td>&lt;b&gt;</td>" in named.agents._repr_html_()


@pytest.mark.parametrize("market", ["spot", "perp"])
def test_a_push_is_counted_in_the_lots_of_its_market(market):
    perp = pc.Market(tick_size="0.01", lot_size=10, asks=pc.Linear(depth=20_000))
    lots = {"spot.lot_size": 1, "perp": perp, "positions": ()}
    push = pc.Ignition(qty=5_000, market=market)
    scenario = pc.presets.rocketcoin().replace(lots | {"ignition": push})
    assert scenario.run(seed=1).summary["ignition_qty"] == 5_000
    assert scenario.monte_carlo(paths=1, seed=1, progress=False)["ignition_qty"].tolist() == [5_000]
