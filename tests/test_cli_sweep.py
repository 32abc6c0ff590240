"""`perpcore sweep`: what a person reads, what a script reads, what is written."""

import json

import pytest
from click.testing import CliRunner
from matplotlib import cbook
from pyarrow import parquet

import perpcore as pc
from perpcore.cli import main

AXES = ["--axis", "market_maker.hedge_ratio=0.1:0.5:3", "--axis", "circulating=1e5:1e6:3:log"]


def sweep(*arguments: object, code: int = 0):
    result = CliRunner().invoke(main, ["sweep", "rocketcoin", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_json_file_and_picture_are_of_the_sweep(tmp_path):
    out, plot, kept = tmp_path / "s.parquet", tmp_path / "s.png", tmp_path / "run"
    options = ["--paths", 2, "--json", "--out", out, "--plot", plot, "--directory", kept]
    found = json.loads(sweep(*AXES, *options).stdout)
    grid = {"market_maker.hedge_ratio": [0.1, 0.3, 0.5], "circulating": [1e5, 316200, 1e6]}
    same = pc.presets.rocketcoin().sweep(grid, paths=2, seed=1, columns=["final_price"])
    assert found["hash"] == f"{same.hash():016x}"
    assert found["shape"] == [3, 3]
    means = [row["mean"] for row in found["rows"] if row["column"] == "final_price"]
    assert means == same.grid("final_price").ravel().tolist()
    assert parquet.read_table(out).num_rows == len(found["rows"]) == 9 * 4
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert len(list(kept.glob("cell-*"))) == 9
    assert json.loads(sweep(*AXES, *options).stdout) == found


def test_a_picture_that_fails_leaves_no_file(tmp_path, monkeypatch):
    def half(_, place, **__):
        with cbook.open_file_cm(place, "wb") as file:
            file.write(b"\x89PNG")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", half)
    failed = sweep(*AXES, "--paths", 1, "--plot", tmp_path / "s.png", code=4)
    assert "cannot write" in failed.stderr
    assert list(tmp_path.iterdir()) == []


def test_paths_as_monte_carlo_takes_them():
    axis = ["--axis", "circulating=1e6,2e6", "--json", "--paths"]
    assert json.loads(sweep(*axis, "1e1").stdout) == json.loads(sweep(*axis, 10).stdout)


def test_a_row_a_cell():
    shown = sweep(
        "--axis", "market_maker.hedge_ratio=0.05,0.22", "--paths", 2, "--set", "circulating=2000000"
    )
    rows = [line.split() for line in shown.stdout.splitlines() if line.startswith(" ")]
    assert [row[:2] for row in rows] == [["0.05", "11.23"], ["0.22", "19.67"]]
    assert "with circulating=2000000" in shown.stdout
    assert shown.stderr == ""


def test_fields_that_move_together():
    axis = "market_maker.hedge_ratio+market_maker.residual=0.1/carried,0.2/absorbed_by_longs"
    found = json.loads(sweep("--axis", axis, "--paths", 1, "--json").stdout)
    assert found["shape"] == [2]
    values = {(row["market_maker.hedge_ratio"], row["market_maker.residual"]) for row in found["rows"]}
    assert values == {(0.1, "carried"), (0.2, "absorbed_by_longs")}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--axis", "circulating"], 2, "PATH=VALUES is wanted"),
        (["--axis", "circulating=1:2:x"], 2, "low:high:count is wanted"),
        (["--axis", "circulating=0:2:3:log"], 2, "ends above 0"),
        (["--axis", "circulating=1:2:1"], 2, "from 2 to 10,000 values"),
        (["--axis", "circulating=1e5", "--axis", "circulating=2e5"], 2, "every field once"),
        (["--axis", "circulating=1e5", "--out", "x.csv"], 2, "must end in .parquet"),
        (["--axis", "circulating=1e5", "--plot", "x.png"], 2, "--plot draws one or two axes"),
        (["--axis", "circulatin=1e5"], 3, "did you mean circulating?"),
        (["--axis", "circulating=1e5,-1"], 3, "cell 1 (circulating = -1): circulating: -1 is not allowed"),
    ],
)
def test_what_can_not_be_has_its_code(arguments, code, said):
    assert said in sweep("--paths", 1, *arguments, code=code).stderr


def test_pictures_have_the_axes_of_the_sweep():
    from matplotlib.figure import Figure

    grid = {"market_maker.hedge_ratio": [0.1, 0.2, 0.3], "circulating": [10**5, 10**6, 10**7]}
    found = pc.presets.rocketcoin().sweep(grid, paths=1, seed=1, columns=["final_price"])
    ax = pc.plots.sweep(found, y="market_maker.hedge_ratio", ax=Figure().subplots())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("circulating", "market_maker.hedge_ratio")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    (mesh,) = [each for each in ax.collections if hasattr(each, "get_coordinates")]
    assert (mesh.get_array().reshape(3, 3) == found.grid("final_price")).all()
    line = pc.presets.rocketcoin().sweep({"circulating": [10**5, 10**6]}, paths=1, seed=1)
    drawn = pc.plots.sweep(line, ax=Figure().subplots())
    assert list(drawn.lines[0].get_ydata()) == list(line.grid("final_price"))
    with pytest.raises(pc.ScenarioError, match=r"^x: 'name'"):
        pc.plots.sweep(found, x="name", ax=Figure().subplots())
    with pytest.raises(pc.ScenarioError, match=r"^sweep: 0 axes"):
        pc.plots.sweep(pc.presets.rocketcoin().sweep([{"circulating": 10**6}], paths=1))
