"""Cells in a directory and on executors: killed or not, wherever they are run, the same bits."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

import perpcore as pc

GRID = {"market_maker.hedge_ratio": [0.1, 0.3, 0.5, 0.7], "circulating": [10**7, 2 * 10**7, 3 * 10**7]}
OPTIONS = {"paths": 100, "seed": 3, "progress": False, "columns": ["final_price"]}

SCRIPT = """
import sys
import perpcore as pc
grid = {"market_maker.hedge_ratio": [0.1, 0.3, 0.5, 0.7], "circulating": [10**7, 2 * 10**7, 3 * 10**7]}
print("begun", flush=True)
pc.presets.reference().sweep(
    grid, paths=100, seed=3, progress=False, columns=["final_price"], directory=sys.argv[1], n_threads=1
)
"""


@pytest.fixture(scope="module")
def base() -> pc.Scenario:
    return pc.presets.reference()


@pytest.fixture(scope="module")
def undisturbed(base) -> pc.Sweep:
    return base.sweep(GRID, **OPTIONS)


def files(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_cells_of_another_sweep_are_refused(base, tmp_path):
    grid = {"market_maker.hedge_ratio": [0.1, 0.3]}
    base.sweep(grid, directory=tmp_path / "a", **OPTIONS)
    other = {"seed": {"seed": 4}, "paths": {"paths": 50}, "columns": {"columns": ["rounds"]}}
    for name, change in other.items():
        place = tmp_path / name
        base.sweep(grid, directory=place, **OPTIONS | change)
        theirs = min((tmp_path / "a").glob("cell-00000000-*"))
        min(place.glob("cell-00000000-*")).unlink()
        (place / theirs.name).write_bytes(theirs.read_bytes())
        with pytest.raises(pc.ScenarioError, match="it is of another sweep"):
            base.sweep(grid, directory=place, **OPTIONS | change)
    manifest = tmp_path / "a" / "sweep.json"
    manifest.write_text(manifest.read_text().replace('"paths": 100', '"paths": 50'))
    with pytest.raises(pc.ScenarioError, match=r"sweep.json is not allowed: .* altered since"):
        base.sweep(grid, directory=tmp_path / "a", **OPTIONS | {"paths": 50})
    manifest.unlink()
    with pytest.raises(pc.ScenarioError, match=r"it has cells but no sweep.json"):
        base.sweep(grid, directory=tmp_path / "a", **OPTIONS)


def test_a_directory_is_gone_on_with(base, undisturbed, tmp_path, monkeypatch):
    assert base.sweep(GRID, directory=tmp_path, **OPTIONS).hash() == undisturbed.hash()
    first = files(tmp_path)
    assert len(first) == 12 + 1
    for name in sorted(first)[3:7]:
        (tmp_path / name).unlink()
    (tmp_path / "cell-00000004.x-1-2.tmp").write_bytes(b"half")
    ran = []
    from perpcore.sweeps import running

    once = running.run_cell
    monkeypatch.setattr(running, "run_cell", lambda job, tell: ran.append(job.number) or once(job, tell))
    again = base.sweep(GRID, directory=tmp_path, **{**OPTIONS, "seed": None})  # the one it was begun with
    assert sorted(ran) == [3, 4, 5, 6]
    assert again.hash() == undisturbed.hash()
    assert (again["mean"] == undisturbed["mean"]).all()
    assert files(tmp_path) == first


def test_killed_at_any_moment_it_ends_the_same(undisturbed, base, tmp_path):
    for i in range(5):
        run = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert run.stdout.readline() == "begun\n"
        time.sleep(0.05 + 0.12 * i)
        run.kill()
        run.wait()
        run.stdout.close()
    assert base.sweep(GRID, directory=tmp_path, **OPTIONS).hash() == undisturbed.hash()
    clean = tmp_path.parent / "clean"
    base.sweep(GRID, directory=clean, **OPTIONS)
    mine = {name: data for name, data in files(tmp_path).items() if name != ".lock"}
    assert mine == files(clean)


def test_what_differs_is_refused(base, tmp_path):
    base.sweep(GRID, directory=tmp_path, **OPTIONS)
    before = files(tmp_path)
    others = [
        (base.replace(circulating=2 * 10**7), GRID, {}, "scenario.circulating: 20000000"),
        (base, {**GRID, "circulating": [10**7]}, {}, "grid circulating: "),
        (base, GRID, {"paths": 99}, "paths: 99"),
        (base, GRID, {"seed": 4}, "seed: 4"),
        (base, GRID, {"columns": ["rounds"]}, "columns: "),
        (base, GRID, {"quantiles": [0.5]}, "quantiles: "),
    ]
    for scenario, grid, options, said in others:
        with pytest.raises(pc.ScenarioError) as raised:
            scenario.sweep(grid, directory=tmp_path, **{**OPTIONS, **options})
        assert str(raised.value).startswith(said)
        assert "was begun with" in str(raised.value)
    assert files(tmp_path) == before


def test_a_damaged_cell_is_named(base, tmp_path):
    base.sweep({"circulating": [10**7, 10**6]}, directory=tmp_path, **OPTIONS)
    path = next(tmp_path.glob("cell-00000001-*"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(pc.ScenarioError, match=path.name):
        base.sweep({"circulating": [10**7, 10**6]}, directory=tmp_path, **OPTIONS)


def test_a_file_is_no_directory(base, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(pc.ScenarioError, match=r"^directory: "):
        base.sweep(GRID, directory=tmp_path / "file", **OPTIONS)


def test_processes_and_threads_give_the_same_bits(base, undisturbed, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert base.sweep(GRID, executor=pool, directory=tmp_path, **OPTIONS).hash() == undisturbed.hash()
    with ThreadPoolExecutor(2) as pool:
        assert base.sweep(GRID, executor=pool, **OPTIONS).hash() == undisturbed.hash()


def test_a_worker_of_another_version_is_refused(undisturbed):
    from perpcore.sweeps import CellJob, run_cell

    job = CellJob(0, "cell 0", "{}", 1, 1, ("rounds",), (), 0.95, "0.0.0")
    with pytest.raises(pc.ScenarioError, match=r"the version that began the sweep, 0\.0\.0"):
        run_cell(job)


def test_ctrl_c_returns_the_finished_cells(base, tmp_path):
    pressed = []

    def press() -> None:
        while not list(tmp_path.glob("cell-*.msgpack")):
            time.sleep(0.005)
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    points = [{"ignition.qty": 20_000 + i} for i in range(60)]
    thread.start()
    with pytest.raises(pc.SweepInterrupted) as raised:
        base.sweep(points, **{**OPTIONS, "paths": 5_000}, directory=tmp_path)
    took = time.perf_counter() - pressed[0]
    thread.join()
    found = raised.value.sweep
    assert took < 0.5
    assert 0 < found.finished < found.cells == 60
    assert not found.complete
    assert isinstance(raised.value, KeyboardInterrupt)
    assert len(list(tmp_path.glob("cell-*.msgpack"))) == found.finished == len(found)
    assert f"{found.finished} of them finished" in repr(found)


def test_ctrl_c_within_the_writing_of_a_cell_keeps_it(base, tmp_path, monkeypatch):
    from perpcore.runs import files

    settle, pressed = files.settle, []

    def press(path: Path) -> None:
        if not pressed and list(tmp_path.glob("cell-*.msgpack")):
            pressed.append(path)
            raise KeyboardInterrupt
        settle(path)

    monkeypatch.setattr(files, "settle", press)
    with pytest.raises(pc.SweepInterrupted) as raised:
        base.sweep(GRID, directory=tmp_path, **OPTIONS)
    assert pressed
    found = raised.value.sweep
    assert found.finished == len(list(tmp_path.glob("cell-*.msgpack"))) > 0


def test_a_path_that_fails_names_its_cell(base, monkeypatch):
    from perpcore import _core

    def fail(*_, seed, **__):
        raise pc.RunError(f"seed {seed}, path 5: no")

    monkeypatch.setattr(_core, "monte_carlo", fail)
    with pytest.raises(pc.RunError, match=r"cell 0 \(circulating = 5000000\): seed 3, path 5: no"):
        base.sweep({"circulating": [5_000_000, 6_000_000]}, **OPTIONS)


def test_a_run_does_not_go_into_the_directory_of_a_sweep(tmp_path):
    scenario = pc.presets.rocketcoin()
    scenario.sweep({"circulating": [300_000]}, paths=1, seed=1, directory=tmp_path, progress=False)
    with pytest.raises(pc.ScenarioError, match="it has a sweep"):
        scenario.monte_carlo(paths=1, seed=1, directory=tmp_path, progress=False)
