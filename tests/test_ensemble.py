"""Ensembles: a row a path, the same bits everywhere, columns for everybody; Ctrl-C keeps what is finished."""

import math
import subprocess
import sys

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from pyarrow import parquet

import perpcore as pc

PATHS = 400


def scenario() -> pc.Scenario:
    """A few hundred accounts, Poisson placed: paths differ."""
    shorts = pc.Ladder(side="short", qty=30_000, lump=100, liquidation_price=(11, 13), placement="poisson")
    return pc.presets.rocketcoin().replace(
        {"positions": (shorts,), "market_maker.hedge_ratio": 0.6, "ignition.qty": 20_500}
    )


@pytest.fixture(scope="module")
def ensemble() -> pc.Ensemble:
    return scenario().monte_carlo(paths=PATHS, seed=1, progress=False)


@pytest.fixture(scope="module")
def statistics() -> pc.Ensemble:
    return scenario().monte_carlo(paths=PATHS, seed=1, keep="statistics", progress=False)


def same(a: object, b: object) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


#: Pinned: whatever changes one bit of a draw, a price or a balance changes these; the commit then says so.
PINNED = {
    "reference": (pc.presets.reference, {}, 0x141096F76942D1C0),
    "light": (pc.presets.reference, {"smallest_size": 20}, 0x6F3755BBA5E2F38A),
    "requote": (pc.presets.reference, {"requote": True}, 0x66B78CF59E07C0AC),
    "two books": (pc.presets.two_books, {}, 0x4CC26939456CED0D),
}


@pytest.mark.parametrize("name", PINNED)
def test_the_reference_ensembles_have_their_bits_on_any_number_of_threads(name):
    preset, options, pinned = PINNED[name]
    for n_threads in (1, 2, 3, 8):
        ensemble = preset(**options).monte_carlo(paths=2_000, seed=1, n_threads=n_threads, progress=False)
        assert ensemble.hash() == pinned, f"{n_threads} threads: {ensemble.hash():#x}"


RULES = {
    **{name: {"venue": pc.venues.load(name)} for name in pc.venues.NAMES if "inverse" not in name},
    "hyperliquid": {"venue": pc.venues.hyperliquid(max_leverage=20).replace(mark="index")},
    "a liquidation fee": {"venue.liquidation_fee": 0.005},
    "a price band": {"venue.price_band": 0.02},
}


@pytest.mark.parametrize("rules", RULES)
def test_rows_are_the_summaries_of_runs_under_every_rule(rules):
    ruled = scenario().replace(RULES[rules])
    ensemble = ruled.monte_carlo(paths=3, seed=1, progress=False)
    for path in range(3):
        summary = ruled.run(seed=1, path=path).summary
        assert summary["liquidated_accounts"] > 0
        for name, value in summary.items():
            assert same(ensemble[name][path].item(), value), name


@pytest.mark.parametrize("path", [0, 7, PATHS - 1])
def test_a_row_is_the_summary_of_the_run_of_its_path(ensemble, path):
    run = ensemble.run(path=path)
    assert list(run.summary) == ensemble.columns
    for name, value in run.summary.items():
        assert same(ensemble[name][path].item(), value), name
    exact = run.exact("summary")
    table = ensemble.table(exact=True)
    assert list(exact) == table.columns
    for name, value in exact.items():
        assert table[name][path].item() == value, name


def test_an_ensemble_has_its_paths_and_runs_one_for_its_samples(ensemble):
    assert ensemble.paths == len(ensemble) == PATHS
    bare = ensemble.run(path=7, keep="samples")
    assert bare.summary == ensemble.run(path=7).summary
    with pytest.raises(pc.ScenarioError, match="keep='samples'"):
        _ = bare.fills


def test_any_number_of_threads_gives_the_same_bits(ensemble, statistics):
    assert len(np.unique(ensemble["final_price"])) > 3
    for n_threads in (1, 3, 8):
        other = scenario().monte_carlo(paths=PATHS, seed=1, n_threads=n_threads, progress=False)
        assert other.n_threads == n_threads
        assert other.hash() == ensemble.hash()
        assert other.table(exact=True).to_pyarrow().equals(ensemble.table(exact=True).to_pyarrow())
        assert other.describe() == ensemble.describe() == statistics.describe()
    assert statistics.hash() == ensemble.hash()


def test_hashes_of_parts_add_up(ensemble):
    parts = [
        scenario().monte_carlo(paths=n, first_path=first, seed=1, progress=False).hash()
        for first, n in ((0, 150), (150, PATHS - 150))
    ]
    assert sum(parts) % 2**64 == ensemble.hash()


def test_columns_are_views_and_read_only(ensemble):
    for name in ensemble:
        first, second = ensemble[name], ensemble[name]
        assert len(first) == len(ensemble) == PATHS
        if first.dtype.kind == "U":
            assert set(first) == {"quiet"}
            continue
        assert np.shares_memory(first, second), name
        assert not first.flags.writeable, name
    assert ensemble["path"].tolist() == list(range(PATHS))
    assert ensemble["spot_exhausted"].dtype == bool
    assert ensemble.exact("final_price").dtype == np.int64
    assert ensemble.exact("stop_reason").dtype == np.uint8
    np.testing.assert_array_equal(
        ensemble["fuel_burnt"], ensemble.exact("burnt_qty") / ensemble.exact("named_qty")
    )


def test_arrow_reaches_polars_pyarrow_and_pandas(ensemble):
    for frame in (ensemble.to_polars(), ensemble.to_pandas(), polars.DataFrame(ensemble)):
        assert list(frame.columns) == ensemble.columns
        assert len(frame) == PATHS
    arrow = ensemble.to_pyarrow()
    assert isinstance(arrow, pyarrow.Table)
    for name, column in ensemble.to_numpy().items():
        np.testing.assert_array_equal(arrow[name].to_numpy(), column)
    assert isinstance(ensemble.to_pandas()["stop_reason"].dtype, pandas.CategoricalDtype)


def test_a_parquet_file_is_whole_and_says_where_it_comes_from(ensemble, tmp_path):
    place = tmp_path / "rows.parquet"
    ensemble.to_parquet(place)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]
    back = parquet.read_table(place)
    assert back.column_names == ensemble.columns
    np.testing.assert_array_equal(back["final_price"].to_numpy(), ensemble["final_price"])
    again = pc.Scenario.from_toml(back.schema.metadata[b"perpcore.scenario"].decode())
    assert again == ensemble.scenario
    assert back.schema.metadata[b"perpcore.seed"] == b"1"
    column = parquet.ParquetFile(place).metadata.row_group(0).column(ensemble.columns.index("final_price"))
    assert column.compression == "ZSTD"
    assert "BYTE_STREAM_SPLIT" in column.encodings
    with pytest.raises(OSError, match="nowhere"):
        ensemble.to_parquet(tmp_path / "nowhere" / "rows.parquet")
    table = ensemble.run(path=0).stages
    table.to_parquet(str(tmp_path / "stages.parquet"))
    assert len(parquet.read_table(tmp_path / "stages.parquet")) == len(table)


def test_statistics_have_no_rows(statistics):
    assert len(statistics) == PATHS
    for rows in (
        lambda: statistics["final_price"],
        lambda: statistics.exact("rounds"),
        statistics.table,
        statistics.to_polars,
        lambda: statistics["path"],
    ):
        with pytest.raises(pc.PerpcoreError, match='keep="columns"'):
            rows()


def test_an_unknown_column_is_an_error_that_lists_them(ensemble):
    for ask in (ensemble.__getitem__, ensemble.exact, ensemble.mean, ensemble.moments):
        with pytest.raises(KeyError, match="final_price"):
            ask("nonsense")
    with pytest.raises(KeyError):
        ensemble["named_qty"]
    with pytest.raises(KeyError):
        ensemble.exact("peak_multiple")
    with pytest.raises(KeyError, match="column of numbers"):
        ensemble.mean("stop_reason")


def refusal(**asked: object) -> tuple[str, str, str]:
    with pytest.raises(pc.ScenarioError) as caught:
        scenario().monte_carlo(**{"paths": 10, "seed": 1, "progress": False, **asked})
    ((field, value, allowed),) = caught.value.problems
    return field, value, allowed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paths", 0),
        ("paths", -1),
        ("paths", 1.5),
        ("n_threads", 0),
        ("n_threads", 10_000),
        ("keep", "everything"),
        ("keep", None),
        ("progress", None),
        ("progress", 5),
        ("seed", -1),
        ("first_path", 2**64 - 1),
    ],
)
def test_what_cannot_be_is_refused(field, value):
    assert refusal(**{field: value})[0] == field


def test_what_does_not_fit_the_memory_is_refused_with_the_way_out():
    field, value, allowed = refusal(paths=10**11)
    assert (field, value) == ("paths", str(10**11))
    assert "GiB" in allowed
    assert 'keep="statistics"' in allowed


def test_a_path_that_fails_is_named_with_its_seed():
    """Some 10^18 steps of margin each: the sum of a few accounts leaves 64 bits."""
    huge = pc.presets.rocketcoin().replace(
        {
            "positions": [pc.Ladder(side="short", qty=9 * 10**11, lump=9 * 10**10, leverage=1)],
            "venue.tiers": [pc.Tier(min_notional=0, maintenance_rate=0.01, max_leverage=20)],
        }
    )
    with pytest.raises(pc.RunError, match=r"^seed 9, path 4: .* of account \d+ does not fit 64 bits"):
        huge.monte_carlo(paths=50, seed=9, first_path=4, n_threads=2, progress=False)


def test_progress_is_told_and_ends_with_all_paths():
    told = []
    scenario().monte_carlo(paths=PATHS, seed=1, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (PATHS, PATHS)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_progress_that_raises_stops_the_paths():
    def fail(done: int, total: int) -> None:
        raise LookupError(f"at {done} of {total}")

    with pytest.raises(LookupError, match="of 10000000"):
        scenario().monte_carlo(paths=10_000_000, seed=1, keep="statistics", progress=fail)


def test_nothing_is_shown_where_nobody_looks(capsys):
    scenario().monte_carlo(paths=20, seed=1)
    assert capsys.readouterr() == ("", "")


def test_without_a_seed_every_ensemble_is_another():
    first = scenario().monte_carlo(paths=5, progress=False)
    assert first.seed != scenario().monte_carlo(paths=5, progress=False).seed
    assert first.hash() == scenario().monte_carlo(paths=5, seed=first.seed, progress=False).hash()


def test_an_ensemble_says_what_happened_in_six_lines_and_a_picture(ensemble, statistics):
    for each in (ensemble, statistics):
        text = repr(each)
        assert len(text.splitlines()) == 6
        for fact in (f"{PATHS} paths", "seed 1", "quiet 100.00%", "1.5 x start"):
            assert fact in text
    page = statistics._repr_html_()
    assert page.count("<rect") > 5
    assert "final_price" in page
    assert len(ensemble.describe().splitlines()) == len(ensemble.columns) - 1
    one = pc.presets.rocketcoin().monte_carlo(paths=1, seed=1, progress=False)
    assert "nan" not in repr(one).lower()
    assert "<svg" not in one._repr_html_()


SCRIPT = """
import os, signal, threading, time
import perpcore as pc

shorts = pc.Ladder(side="short", qty=30_000, lump=100, liquidation_price=(11, 13), placement="poisson")
scenario = pc.presets.rocketcoin().replace({"positions": (shorts,), "ignition.qty": 20_500})
pressed, done = [], []
def press():
    while not done or done[-1] < 100:
        time.sleep(0.01)
    pressed.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
try:
    scenario.monte_carlo(paths=5_000_000, seed=1, progress=lambda n, total: done.append(n))
except pc.Interrupted as stop:
    seconds = time.perf_counter() - pressed[0]
    e = stop.ensemble
assert not e.complete and 100 <= len(e) < 5_000_000, len(e)
assert len(e["path"]) == len(e["final_price"]) == len(e)
row = len(e) // 2
assert e.run(path=int(e["path"][row])).summary["final_price"] == e["final_price"][row]
assert scenario.monte_carlo(paths=10, seed=1, progress=False).complete
print(f"{seconds:.3f}")
"""


def test_ctrl_c_stops_within_half_a_second_and_keeps_whole_rows():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 0.5
