"""Real accounts of a run in a directory: written once, read by workers and by who comes later."""

import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import perpcore as pc

ROWS = 2_000  # more than a text holds
OPTIONS = {"seed": 1, "progress": False}


@pytest.fixture(scope="module")
def scenario() -> pc.Scenario:
    rng = np.random.default_rng(3)
    book = pc.Accounts(
        side=np.where(rng.random(ROWS) < 0.8, "short", "long"),
        qty=rng.integers(1, 100, ROWS),
        entry_price=np.full(ROWS, 10),
        leverage=rng.uniform(2, 15, ROWS),
    )
    return pc.presets.rocketcoin().replace({"ignition.qty": pc.Uniform(20_000, 40_000)}, positions=[book])


@pytest.fixture(scope="module")
def alone(scenario) -> int:
    return scenario.monte_carlo(paths=60, **OPTIONS).hash()


def elsewhere(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_workers_and_later_processes_find_them(scenario, alone, tmp_path):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        options = {"directory": tmp_path, "shard_paths": 20, "executor": pool}
        assert scenario.monte_carlo(paths=60, **options, **OPTIONS).hash() == alone
        grid = {"circulating": [900_000, 1_000_000]}
        here = scenario.sweep(grid, paths=3, **OPTIONS)
        assert scenario.sweep(grid, paths=3, executor=pool, **OPTIONS).hash() == here.hash()
        cells = tmp_path / "cells"
        there = scenario.sweep(grid, paths=3, executor=pool, directory=cells, **OPTIONS)
        assert there.hash() == here.hash()
        assert len(list(cells.glob("column-*.npy"))) == 4
    found = elsewhere(
        f"import perpcore as pc; found = pc.read_results({str(tmp_path)!r});"
        "print(found.hash(), found.scenario.digest(), found.run(path=7).summary['final_price'])"
    )
    price = scenario.run(seed=1, path=7).summary["final_price"]
    assert found.stdout.split() == [str(alone), scenario.digest(), str(price)], found.stderr


def test_verify_reads_the_accounts_too(scenario, tmp_path):
    found = scenario.monte_carlo(paths=10, directory=tmp_path, **OPTIONS)
    found.verify()
    column = next(tmp_path.glob("column-*.npy"))
    column.write_bytes(column.read_bytes()[:-8] + b"12345678")
    with pytest.raises(pc.ScenarioError, match=f"{column.name}.*altered since"):
        found.verify()


def test_altered_accounts_are_refused(scenario, tmp_path):
    scenario.monte_carlo(paths=10, directory=tmp_path, **OPTIONS)
    column = next(tmp_path.glob("column-*.npy"))
    kept = column.read_bytes()
    for spoiled in (kept[:-8] + bytes(8), kept[:-5], b""):
        column.write_bytes(spoiled)
        said = elsewhere(f"import perpcore as pc; pc.read_results({str(tmp_path)!r}).scenario").stderr
        assert "ScenarioError: directory: " in said
        assert column.name in said
    column.unlink()
    said = elsewhere(f"import perpcore as pc; pc.read_results({str(tmp_path)!r}).scenario").stderr
    assert "can't be read" in said
