"""Executors that cancel, shut, lie or grow: a call ends complete or raises, and the same call goes on."""

import multiprocessing
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import perpcore as pc
from perpcore.runs import Done, executors
from running import SHARD, run, scenario

GRID = {"market_maker.hedge_ratio": ["0.1", "0.2", "0.3", "0.4"]}
CELLS = {"paths": 20, "seed": 1, "columns": ["final_price"], "progress": False}


class Here(Executor):
    """Runs jobs at once, as pickled; what becomes of the n-th is asked first."""

    def __init__(self, instead=None):
        self.count, self.workers, self.instead = 0, 1, instead

    def submit(self, fn, /, *args, **kwargs):
        self.count, future = self.count + 1, Future()
        if self.instead is None or not self.instead(self.count, future):
            future.set_result(fn(*pickle.loads(pickle.dumps(args)), **kwargs))
        return future


def cancelled(count, future):
    return count % 3 == 0 and future.cancel() and (future.set_running_or_notify_cancel() or True)


def test_jobs_that_an_executor_cancels_are_no_result(tmp_path):
    with pytest.raises(pc.RunError, match=r"the executor cancelled a job .* the same call goes on"):
        run(tmp_path / "run", executor=Here(cancelled))
    assert not pc.read_results(tmp_path / "run").complete
    assert run(tmp_path / "run", executor=Here()).hash() == run(tmp_path / "whole").hash()
    with pytest.raises(pc.RunError, match="the executor cancelled a job"):
        scenario().sweep(GRID, executor=Here(cancelled), **CELLS)
    with pytest.raises(pc.RunError, match="the executor cancelled a job"):
        scenario().sweep(GRID, executor=Here(cancelled), directory=tmp_path / "sweep", **CELLS)
    found = scenario().sweep(GRID, executor=Here(), directory=tmp_path / "sweep", **CELLS)
    assert found.hash() == scenario().sweep(GRID, **CELLS).hash()


def test_a_cluster_that_is_gone_is_no_result(tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        pool = client.get_executor(pure=False)

        def leave(done, total):
            if 0 < done < total:
                client.close()

        with pytest.raises(pc.RunError, match="the same call goes on"):
            run(tmp_path, executor=pool, progress=leave)
        with pytest.raises(pc.RunError, match="the executor takes no more jobs"):
            run(tmp_path, executor=pool)


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_a_pool_that_was_shut_down_is_a_run_error(kind, tmp_path):
    pool = kind(1)
    pool.shutdown()
    with pytest.raises(pc.RunError, match=r"the executor takes no more jobs .* after shutdown"):
        run(tmp_path, executor=pool)
    with pytest.raises(pc.RunError, match="the executor takes no more jobs"):
        scenario().sweep(GRID, executor=pool, **CELLS)


def test_shards_that_are_not_where_workers_say_are_missed(tmp_path):
    def lies(count, future):
        future.set_result(Done(count - 1, SHARD, "part", 0))
        return True

    with pytest.raises(pc.RunError, match="8 shards are not there that workers said they wrote"):
        run(tmp_path, executor=Here(lies))


def test_a_cluster_that_grows_gets_more_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "ASKED_EVERY_S", 0.0)
    under_way = set()

    class Growing(Here):
        """Has a worker at first and three later, and finishes jobs only when it has four of them."""

        def submit(self, fn, /, *args):
            self.workers = 3
            waiting = [*getattr(self, "waiting", ()), (Future(), fn, args)]
            self.waiting = waiting
            under_way.add(len(waiting))
            if len(waiting) == 4:
                for future, work, of in waiting:
                    future.set_result(work(*of))
                self.waiting = []
            return waiting[-1][0]

    run(tmp_path, executor=Growing())
    assert max(under_way) == 4


def test_accounts_are_sent_to_a_worker_that_lacks_them_and_not_with_every_cell():
    rows = 5_000
    held = {"qty": np.full(rows, 3), "liquidation_price": np.linspace(11, 60, rows)}
    book = pc.Accounts(side=["short"], **held)
    base = pc.presets.rocketcoin().replace(positions=[book])
    here = base.sweep(GRID, **CELLS)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        sizes = []

        class Measured(Here):
            """Hands jobs on to a process that has nothing yet, and weighs them."""

            def submit(self, fn, /, *args, **kwargs):
                sizes.append(len(pickle.dumps(args)))
                return pool.submit(fn, *args, **kwargs)

        assert base.sweep(GRID, executor=Measured(), **CELLS).hash() == here.hash()
        large = [size for size in sizes if size > 8 * rows]
        assert 1 <= len(large) <= 2  # as many as were on their way when the first asked
        assert len(sizes) == 4 + len(large)
        assert base.sweep(GRID, executor=Measured(), **CELLS).hash() == here.hash()
        assert len(sizes) == 8 + len(large)  # the worker holds them now
