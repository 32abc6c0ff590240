"""Shards on executors: a pool of processes, a real Dask cluster, a real Ray, each with a worker killed."""

import hashlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import perpcore as pc
from perpcore.runs import Job, RayExecutor, run_shard
from perpcore.runs.executors import UNKNOWN, workers_of
from running import name_of

PATHS, EACH = 40_000, 4_000
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def scenario() -> pc.Scenario:
    return pc.presets.reference(smallest_size=200)


@pytest.fixture(scope="module")
def alone(scenario, tmp_path_factory) -> dict[str, str]:
    """What one process writes."""
    place = tmp_path_factory.mktemp("alone")
    found = into(scenario, place)
    assert found.hash() == scenario.monte_carlo(paths=PATHS, seed=1, progress=False).hash()
    return digests(place)


def into(scenario, place, **options):
    options = {"progress": False} | options
    return scenario.monte_carlo(paths=PATHS, seed=1, directory=place, shard_paths=EACH, **options)


def digests(place: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(place.iterdir())}


def until(true, seconds: float = 60) -> None:
    """Waits, but not for ever."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def once_one_is_finished(place: Path, act) -> threading.Thread:
    """Acts in a thread of its own while shards run."""

    def wait_and_act() -> None:
        until(lambda: list(place.glob("part-*.parquet")))
        act()

    thread = threading.Thread(target=wait_and_act, daemon=True)
    thread.start()
    return thread


def writer_of(place: Path) -> int | None:
    """The process that is writing a shard."""
    found = (re.fullmatch(r"part-\d+\..*-(\d+)-\w+\.tmp", draft.name) for draft in place.glob("*.tmp"))
    return next((int(match[1]) for match in found if match), None)


def kill_a_writer(place: Path, killed: list[int]) -> None:
    """Kills -9 a process in the middle of a shard."""
    until(lambda: writer_of(place) is not None)
    pid = writer_of(place)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)


def test_processes_write_what_one_does(scenario, alone, tmp_path):
    told = []
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        into(scenario, tmp_path, executor=pool, progress=lambda done, total: told.append((done, total)))
    assert digests(tmp_path) == alone
    assert told[-1] == (PATHS, PATHS)
    assert len({done for done, _ in told}) > 2


def test_a_dead_process_ends_the_call_and_the_same_call_goes_on(scenario, alone, tmp_path):
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        killer = once_one_is_finished(tmp_path, lambda: os.kill(next(iter(pool._processes)), signal.SIGKILL))
        with pytest.raises(pc.RunError, match="a worker of the executor died"):
            into(scenario, tmp_path, executor=pool)
        killer.join()
        with pytest.raises(pc.RunError, match="a worker of the executor died"):
            into(scenario, tmp_path, executor=pool)
    finished = len(list(tmp_path.glob("part-*.parquet")))
    assert 0 < finished < PATHS // EACH
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        into(scenario, tmp_path, executor=pool)
    assert digests(tmp_path) == alone


def test_dask_survives_a_killed_worker(scenario, alone, tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        pool = client.get_executor(pure=False)
        assert workers_of(pool) == 2
        pids, killed = list(client.run(os.getpid).values()), []
        killer = once_one_is_finished(tmp_path, lambda: kill_a_writer(tmp_path, killed))
        into(scenario, tmp_path, executor=pool)
        killer.join()
        assert set(killed) < set(pids)
        assert len(killed) == 1
        grid = {"market_maker.hedge_ratio": [0.1, 0.2, 0.3]}
        here = scenario.sweep(grid, paths=2, seed=1, progress=False)
        assert scenario.sweep(grid, paths=2, seed=1, progress=False, executor=pool).hash() == here.hash()
    assert digests(tmp_path) == alone


def test_a_cluster_that_gives_a_shard_up_is_a_run_error(scenario, alone, tmp_path):
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
    ):
        killed = []
        killer = once_one_is_finished(tmp_path, lambda: kill_a_writer(tmp_path, killed))
        with pytest.raises(pc.RunError, match="a worker of the executor died"):
            into(scenario, tmp_path, executor=client.get_executor(pure=False))
        killer.join()
    assert len(killed) == 1
    into(scenario, tmp_path)
    assert digests(tmp_path) == alone


@pytest.fixture(scope="module")
def on_ray():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield RayExecutor()
    ray.shutdown()


def test_ray_survives_a_killed_worker(on_ray, scenario, alone, tmp_path):
    assert workers_of(on_ray) == 2
    killed = []
    killer = once_one_is_finished(tmp_path, lambda: kill_a_writer(tmp_path, killed))
    into(scenario, tmp_path, executor=on_ray)
    killer.join()
    assert len(killed) == 1
    assert digests(tmp_path) == alone


def test_what_a_task_of_ray_raises_is_raised(on_ray):
    with pytest.raises(ZeroDivisionError):
        on_ray.submit(divmod, 1, 0).result()
    assert on_ray.submit(divmod, 7, 2).result() == (3, 1)


def test_a_sweep_on_ray_is_the_sweep_here(on_ray):
    scenario, grid = pc.presets.rocketcoin(), {"market_maker.hedge_ratio": [0.1, 0.2, 0.3]}
    here = scenario.sweep(grid, paths=2, seed=1, progress=False)
    assert scenario.sweep(grid, paths=2, seed=1, progress=False, executor=on_ray).hash() == here.hash()


INTERRUPTED = """
import multiprocessing, os, signal, sys, threading, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import perpcore as pc

def press():
    while len(list(place.glob("part-*.parquet"))) < 2:
        time.sleep(0.005)
    pressed.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

if __name__ == "__main__":
    place, pressed = Path(sys.argv[1]), []
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        threading.Thread(target=press, daemon=True).start()
        options = {"directory": place, "shard_paths": 4_000, "executor": pool, "progress": False}
        try:
            pc.presets.reference(smallest_size=200).monte_carlo(paths=10**11, seed=1, **options)
        except pc.Interrupted as interrupted:
            print(time.perf_counter() - pressed[0], len(interrupted.ensemble))
"""


def test_ctrl_c_is_heard_while_workers_run(tmp_path):
    script, place = tmp_path / "script.py", tmp_path / "run"
    script.write_text(INTERRUPTED)
    place.mkdir()
    done = subprocess.run([sys.executable, script, place], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    took, paths = done.stdout.split()
    assert float(took) < 0.5
    assert int(paths) >= 8_000


def test_ctrl_c_leaves_what_is_finished(scenario, alone, tmp_path):
    def press(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        with pytest.raises(pc.Interrupted) as stopped:
            into(scenario, tmp_path, executor=pool, progress=press)
        assert 0 < len(stopped.value.ensemble) < PATHS
    into(scenario, tmp_path)
    assert digests(tmp_path) == alone


def test_a_worker_of_another_version_is_refused(scenario, tmp_path):
    into(scenario, tmp_path)
    job = Job(str(tmp_path), 0, name_of(tmp_path), pc.__version__)
    assert run_shard(job).paths == EACH
    wanted = rf"perpcore: {re.escape(pc.__version__)} is not allowed: the version that began the run, 0\.0\.1"
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, pytest.raises(pc.ScenarioError, match=wanted):
        pool.submit(run_shard, replace(job, version="0.0.1")).result()


@pytest.mark.parametrize("executor", [ProcessPoolExecutor, "ray", 2])
def test_what_is_no_executor_is_refused(scenario, tmp_path, executor):
    with pytest.raises(pc.ScenarioError, match=r"executor: .* is not allowed: a concurrent.futures.Executor"):
        into(scenario, tmp_path, executor=executor)


def test_an_executor_needs_a_directory(scenario):
    with ThreadPoolExecutor(1) as pool, pytest.raises(pc.ScenarioError, match="only with a directory"):
        scenario.monte_carlo(paths=10, executor=pool, progress=False)


def test_workers_are_counted_where_an_executor_says():
    with ThreadPoolExecutor(3) as pool:
        assert workers_of(pool) == 3
    assert workers_of(object()) == UNKNOWN
