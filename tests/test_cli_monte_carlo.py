"""`perpcore monte-carlo`: what a person reads, what a script reads, what is written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

import perpcore as pc
from perpcore.cli import main

SETTINGS = [
    "--set",
    'positions=[{side="short", qty=30000, lump=100, liquidation_price=[11, 13], placement="poisson"}]',
    "--set",
    "market_maker.hedge_ratio=0.6",
    "--set",
    "ignition.qty=20500",
]


def monte_carlo(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["monte-carlo", "rocketcoin", *SETTINGS, *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_the_table_has_the_ensembles_figures() -> None:
    result = monte_carlo("--paths", 300, "--seed", 2)
    assert result.stderr == ""
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line}
    found = json.loads(monte_carlo("--paths", 300, "--seed", 2, "--json").stdout)
    for name in ("final_price", "rounds", "liquidated_accounts"):
        shown = [float(cell.replace(",", "")) for cell in rows[name]]
        figures = found["summary"][name]
        expected = [figures["mean"], figures["variance"] ** 0.5, *figures["quantiles"].values()]
        assert shown == pytest.approx(expected, rel=5e-3, abs=5e-3)
    for said in ("300 paths", found["hash"], "Peak above 1.5 x start: ", "Mean venue_loss: worst 5 %"):
        assert said in result.stdout


def test_json_is_the_ensemble() -> None:
    found = json.loads(monte_carlo("--paths", 200, "--seed", 2, "--threads", 2, "--json").stdout)
    assert found["complete"] is True
    assert found["paths"] == 200
    assert found["stop_reasons"] == {"quiet": 200}
    assert [each["above"] for each in found["peak_multiple"]] == [1.5, 2.0, 3.0]
    assert {each["column"] for each in found["tail_expectation"]} == {
        "insurance_fund_change",
        "insurance_fund_shortfall",
        "venue_loss",
    }


def test_a_push_that_sells_is_told_downward() -> None:
    arguments = ["monte-carlo", "rocketcoin", "--paths", "5", "--set", "ignition.side=sell", "--set"]
    bids = 'spot.bids={kind="linear", depth=20000}'
    result = CliRunner().invoke(main, [*arguments, bids])
    assert result.exit_code == 0, result.output
    assert "Peak at most 0.667 x start: " in result.stdout


def test_rows_are_written(tmp_path: Path) -> None:
    place = tmp_path / "rows.parquet"
    result = monte_carlo("--paths", 100, "--out", place)
    assert "100 rows" in result.stderr
    assert len(parquet.read_table(place)) == 100


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "--paths"),
        (["--paths", "0"], 3, "paths: 0"),
        (["--paths", "10", "--threads", "0"], 3, "n_threads: 0"),
        (["--paths", "100000000000", "--keep", "columns"], 3, "GiB"),
        (["--paths", "10", "--keep", "statistics", "--out", "x.parquet"], 2, "--keep columns"),
        (["--paths", "10", "--out", "x.csv"], 2, ".parquet"),
        (["--paths", "10", "--out", "no/where/x.parquet"], 2, "no directory"),
        (["--paths", "10", "--set", "ignition.qty=-1"], 3, "ignition.qty"),
    ],
)
def test_what_is_wrong_is_a_line_and_a_code(arguments: list[str], code: int, said: str) -> None:
    result = monte_carlo(*arguments, code=code)
    assert result.stdout == ""
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_path_that_fails_is_code_4(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: pc.Scenario, **options: object) -> None:
        raise pc.RunError("seed 1, path 7: cost left its 64 bits")

    monkeypatch.setattr(pc.Scenario, "monte_carlo", fail)
    assert "path 7" in monte_carlo("--paths", 10, code=4).stderr


def test_ctrl_c_shows_and_writes_what_is_finished(tmp_path: Path) -> None:
    place = tmp_path / "rows.parquet"
    command = [sys.executable, "-c", "from perpcore.cli import main; main()", "monte-carlo", "rocketcoin"]
    run = subprocess.Popen(
        [*command, *SETTINGS, "--paths", "5000000", "--out", str(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(3)
    os.kill(run.pid, signal.SIGINT)
    shown, said = run.communicate(timeout=120)
    assert run.returncode == 130, said
    assert "interrupted after" in said
    assert "final_price" in shown
    rows = len(parquet.read_table(place))
    assert 0 < rows < 5_000_000
    assert f"{rows:,} of 5,000,000 paths" in said
