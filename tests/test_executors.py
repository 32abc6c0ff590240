"""Shards on executors: a pool of processes, a real Dask cluster, a real Ray, each with a worker killed."""

import hashlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import perpcore as pc
from perpcore.runs import Job, RayExecutor, run_shard
from perpcore.runs.executors import UNKNOWN, workers_of

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


def once_one_is_finished(place: Path, act) -> threading.Thread:
    """Acts in a thread of its own while shards run."""

    def wait_and_act() -> None:
        while not list(place.glob("part-*.parquet")):
            time.sleep(0.005)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


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
        pids = list(client.run(os.getpid).values())
        killer = once_one_is_finished(tmp_path, lambda: os.kill(pids[0], signal.SIGKILL))
        into(scenario, tmp_path, executor=pool)
        killer.join()
        assert not psutil.pid_exists(pids[0]) or psutil.Process(pids[0]).status() == "zombie"
    assert digests(tmp_path) == alone


@pytest.fixture(scope="module")
def on_ray():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield RayExecutor()
    ray.shutdown()


def tasks() -> list[int]:
    """Processes in which Ray runs a task now."""
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if child.cmdline()[:1] == ["ray::_call"]]


def test_ray_survives_a_killed_worker(on_ray, scenario, alone, tmp_path):
    assert workers_of(on_ray) == 2
    killed = []

    def kill_one() -> None:
        while not killed:
            for pid in tasks()[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    killer = once_one_is_finished(tmp_path, kill_one)
    into(scenario, tmp_path, executor=on_ray)
    killer.join()
    assert killed
    assert digests(tmp_path) == alone


def test_what_a_task_of_ray_raises_is_raised(on_ray):
    with pytest.raises(ZeroDivisionError):
        on_ray.submit(divmod, 1, 0).result()
    assert on_ray.submit(divmod, 7, 2).result() == (3, 1)


def test_a_sweep_on_ray_is_the_sweep_here(on_ray):
    scenario, grid = pc.presets.rocketcoin(), {"market_maker.hedge_ratio": [0.1, 0.2, 0.3]}
    here = scenario.sweep(grid, paths=2, seed=1, progress=False)
    assert scenario.sweep(grid, paths=2, seed=1, progress=False, executor=on_ray).hash() == here.hash()


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
    job = Job(str(tmp_path), 0, scenario.digest(), pc.__version__)
    assert run_shard(job).paths == EACH
    with pytest.raises(
        pc.ScenarioError, match=r"perpcore: .* is not allowed: the version that began the run"
    ):
        run_shard(replace(job, version="0.0.1"))


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
