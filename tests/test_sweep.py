"""A sweep is an ensemble a cell, over the same random numbers, in the order of its axes."""

import numpy as np
import pytest

import perpcore as pc

RATIOS = [0.1, 0.3, 0.6]
FLOATS = [10**7, 2 * 10**7]
GRID = {"market_maker.hedge_ratio": RATIOS, "circulating": FLOATS}
OPTIONS = {"paths": 60, "seed": 7, "progress": False}


@pytest.fixture(scope="module")
def base() -> pc.Scenario:
    return pc.presets.reference()


@pytest.fixture(scope="module")
def found(base) -> pc.Sweep:
    return base.sweep(GRID, columns=["final_price", "rounds", "peak_multiple > 1.2"], **OPTIONS)


def test_a_cell_is_the_ensemble_of_its_scenario(base, found):
    for i, ratio in enumerate(RATIOS):
        for j, tokens in enumerate(FLOATS):
            changes = {"market_maker.hedge_ratio": ratio, "circulating": tokens}
            alone = base.replace(changes).monte_carlo(**OPTIONS)
            for name in ("final_price", "rounds"):
                values = alone[name]
                assert found.grid(name)[i, j] == pytest.approx(values.mean(), rel=1e-12)
                low, high = alone.mean(name)[1:]
                assert found.grid(name, statistic="mean_low")[i, j] == low
                assert found.grid(name, statistic="mean_high")[i, j] == high
                assert found.grid(name, statistic="std")[i, j] == alone.std(name)
                assert found.grid(name, statistic="max")[i, j] == values.max()
                for q in (0.05, 0.5, 0.95):
                    each = [found.grid(name, statistic=f"q{q}{end}")[i, j] for end in ("", "_low", "_high")]
                    assert each == list(alone.quantile(name, q))
            share = alone.exceedance("peak_multiple", 1.2)
            assert (
                found.grid("peak_multiple > 1.2")[i, j]
                == share.value
                == (alone["peak_multiple"] > 1.2).mean()
            )
            assert found.grid("peak_multiple > 1.2", statistic="mean_high")[i, j] == share.high
            for which in ((i, j), 2 * i + j, changes):
                assert found.cell(which) == alone.scenario


def test_cells_share_their_random_numbers(base):
    drawn = base.sweep(GRID, columns=["ignition_qty", "final_price"], **OPTIONS)
    pushes = drawn.grid("ignition_qty", statistic="std")
    assert pushes[0, 0] > 0
    assert (pushes == pushes[0, 0]).all()
    assert len(set(drawn.grid("final_price")[:, 0])) == len(RATIOS)


def test_no_thread_shows(base, found):
    for n_threads in (1, 3, 16):
        again = base.sweep(GRID, n_threads=n_threads, columns=list(found.measured), **OPTIONS)
        assert again.hash() == found.hash()
        assert all(np.array_equal(again[name], found[name], equal_nan=name[0] == "q") for name in found)


def test_many_paths_are_counted_as_few_are(base, monkeypatch, found):
    from perpcore.sweeps import cells

    monkeypatch.setattr(cells, "ROWS_KEPT", 0)  # statistics only
    again = base.sweep(GRID, n_threads=1, columns=list(found.measured), **OPTIONS)
    assert again.hash() == found.hash()
    assert (again["mean"] == found["mean"]).all()


def test_rows_are_long(found, tmp_path):
    frame = found.to_pandas()
    assert list(frame.columns[:4]) == ["cell", "market_maker.hedge_ratio", "circulating", "column"]
    assert len(found) == len(frame) == 6 * 3
    assert list(frame["circulating"][::3]) == FLOATS * 3
    assert (frame["paths"] == 60).all()
    assert found.to_polars().shape == frame.shape
    found.to_parquet(tmp_path / "sweep.parquet")
    from pyarrow import parquet

    table = parquet.read_table(tmp_path / "sweep.parquet")
    assert table.schema.metadata[b"perpcore.hash"].decode() == f"{found.hash():016x}"
    assert table["mean"].to_pylist() == list(found["mean"])


def test_fields_move_together_and_points_stand_alone(base):
    both = ("circulating", "total_supply")
    tied = base.sweep({both: [(10**7, 10**8), (2 * 10**7, 10**9)]}, columns=["final_price"], **OPTIONS)
    assert tied.shape == (2,)
    assert tied.axes == {both: [(10**7, 10**8), (2 * 10**7, 10**9)]}
    points = [
        {"circulating": 10**7, "total_supply": 10**8},
        {"circulating": 2 * 10**7, "total_supply": 10**9},
    ]
    listed = base.sweep(points, columns=["final_price"], **OPTIONS)
    assert listed.hash() == tied.hash()
    assert listed.axes == {}
    assert list(listed["total_supply"]) == [10**8, 10**9]


def test_words_and_distributions_may_be_swept(base):
    laws = [pc.Uniform(10_000, 12_000), pc.Uniform(20_000, 22_000)]
    grid = {"ignition.qty": laws, "market_maker.residual": ["carried", "absorbed_by_longs"]}
    found = base.sweep(grid, columns=["ignition_qty"], **OPTIONS)
    assert found["ignition.qty"][0] == "Uniform(low=10000, high=12000)"
    assert found.cell({"ignition.qty": laws[1], "market_maker.residual": "carried"}).ignition.qty == laws[1]
    assert (np.diff(found.grid("ignition_qty"), axis=0) > 8_000).all()


def test_progress_is_of_all_paths(base):
    told = []
    options = {**OPTIONS, "progress": lambda done, total: told.append((done, total))}
    base.sweep(GRID, columns=["final_price"], **options)
    assert told[-1] == (360, 360)
    assert told == sorted(told)


def test_all_columns_unless_asked(base):
    whole = base.sweep({"circulating": [10**7]}, **OPTIONS)
    alone = base.monte_carlo(**OPTIONS)
    assert set(whole.measured) == set(alone.columns) - {"path", "stop_reason"}
    through_time = [{"time": None}, {"time": pc.Time(step_s=1, horizon_s=2)}]
    mixed = base.sweep(through_time, paths=2, seed=1, progress=False)
    assert mixed.measured == whole.measured


def test_it_says_what_it_is(found):
    said = repr(found)
    assert said.startswith("Sweep of reference: 3 x 2 cells, 60 paths each, seed 7\n")
    assert "the most in cell 4 (market_maker.hedge_ratio = 0.6, circulating = 10000000)" in said
    assert found._repr_html_().count("<rect") == 6


ERRORS = [
    ({}, "grid: {} is not allowed: at least one field"),
    ([], "grid: [] is not allowed: at least one point"),
    (7, "grid: 7 is not allowed: a mapping of dotted paths"),
    ({"circulating": []}, "circulating: an axis without values"),
    ({"circulating": 5}, "circulating: 5 is not allowed: a sequence"),
    ({"circulating": "12"}, "circulating: '12' is not allowed: a sequence"),
    ({"circulating": [10**7, 10_000_000.0]}, "circulating: 10000000 at 0 and 1 is not allowed: every value"),
    ({"circulatin": [1]}, "circulatin: the name 'circulatin' is not allowed"),
    ({"positions[3].accounts": [1]}, "positions[3].accounts: 3 is not allowed: a position from 0 to 0"),
    ({("circulating", "total_supply"): [5]}, "circulating, total_supply: 5 is not allowed: 2 values each"),
    ({"positions[0].side": ["long"], "positions.0.side": ["short"]}, "every field once"),
    ([{"circulating": 5}, {"total_supply": 5}], "grid[1]: a point with total_supply"),
    ([{"circulating": 10**7}, {"circulating": 1e7}], "grid: cell 0 (circulating = 10000000) and cell 1"),
    ({"market_maker.hedge_ratio": [1, -1], "circulating": [10**7]}, "cell 1 (market_maker.hedge_ratio = -1,"),
    ({"circulating": [10**7, 10**12]}, "cell 1 (circulating = 1000000000000): circulating: "),
]


@pytest.mark.parametrize(("grid", "said"), ERRORS)
def test_what_can_not_be_is_said_before_any_path(base, grid, said, monkeypatch):
    def never(*_, **__):
        raise AssertionError("paths were run")

    monkeypatch.setattr("perpcore._core.monte_carlo", never)
    with pytest.raises(pc.ScenarioError) as raised:
        base.sweep(grid, **OPTIONS)
    assert said in str(raised.value)
    assert raised.value.problems


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"paths": 0}, "paths"),
        ({"n_threads": 0}, "n_threads"),
        ({"progress": 3}, "progress"),
        ({"quantiles": [1.5]}, "quantiles"),
        ({"quantiles": [0.5, 0.5]}, "quantiles"),
        ({"columns": "final_price"}, "columns"),
        ({"columns": ["final_prize"]}, "columns"),
        ({"columns": ["stop_reason"]}, "columns"),
        ({"confidence": 1.0}, "confidence"),
        ({"executor": 3}, "executor"),
    ],
)
def test_options_that_can_not_be(base, options, field):
    with pytest.raises(pc.ScenarioError, match=f"^{field}: "):
        base.sweep(GRID, **{**OPTIONS, **options})


def test_cells_and_statistics_that_are_not_there(found):
    for which in (6, (0, 2), -1, {"circulating": 10**7}, {"name": "x"}, "first"):
        with pytest.raises(pc.ScenarioError, match=r"^cell: "):
            found.cell(which)
    with pytest.raises(pc.ScenarioError, match=r"^column: 'bad_debt'"):
        found.grid("bad_debt")
    with pytest.raises(pc.ScenarioError, match=r"^statistic: 'q0.2'"):
        found.grid("rounds", statistic="q0.2")
    with pytest.raises(KeyError, match="no column 'x'"):
        found["x"]


@pytest.mark.parametrize("share", ["peak_multiple > 1.2.3", "peak_multiple > _", "peak_multiple > 1__0"])
def test_a_threshold_that_is_no_number_is_no_column(share):
    with pytest.raises(pc.ScenarioError, match=r"columns: .* is not allowed: one of"):
        pc.presets.rocketcoin().sweep({"circulating": [10**6]}, paths=1, columns=[share])
