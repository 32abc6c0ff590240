"""Shards under way: a bounded number at a time, whoever runs them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from perpcore.runs.executors import lost
from perpcore.runs.shards import Done, Job, run_shard

POLL_S = 0.05


class Runner(Protocol):
    """Who runs shards.

    Attributes
    ----------
    window : int
        Shards under way at a time.
    patience_s : float or None
        Seconds that who stops waits for those under way; None: until they have ended.
    """

    window: int
    patience_s: float | None

    def submit(self, job: Job) -> Future[Done]:
        """Begin a shard."""

    def under_way(self) -> int:
        """Paths finished of shards that are not; 0 where nobody knows."""

    def stop(self) -> None:
        """End what is under way, soon."""


class StoppedError(Exception):
    """A shard was told to end."""


class Threads:
    """Shards on threads of this process; each takes its share of the threads that run paths.

    While one shard is written, another is run.

    Parameters
    ----------
    n_threads : int
        For all of them together.
    shards : int
        How many there are to run.
    """

    patience_s: float | None = None

    def __init__(self, n_threads: int, shards: int) -> None:
        self.window = max(1, min(n_threads, shards))
        self.threads_each = max(1, n_threads // self.window)
        self._stopped = threading.Event()
        self._finished: dict[int, int] = {}
        self._pool = ThreadPoolExecutor(self.window, thread_name_prefix="perpcore-shard")

    def submit(self, job: Job) -> Future[Done]:
        """Begin a shard."""
        return self._pool.submit(self._run, job)

    def _run(self, job: Job) -> Done:
        def tell(finished: int) -> None:
            self._finished[job.number] = finished
            if self._stopped.is_set():
                raise StoppedError

        try:
            return run_shard(job, tell)
        finally:
            self._finished.pop(job.number, None)

    def under_way(self) -> int:
        """Paths finished of shards that are not."""
        return sum(self._finished.copy().values())

    def stop(self) -> None:
        """End what is under way, within some milliseconds of a path's end."""
        self._stopped.set()

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(cancel_futures=True)


def drive(jobs: Iterator[Job], runner: Runner, tell: Callable[[int], object]) -> None:
    """Run shards until there are none.

    Parameters
    ----------
    jobs : iterator of Job
        Upward; taken as there is room.
    runner : Runner
    tell : callable
        Told the paths finished so far, some twenty times a second and at the end; what it raises, or a
        signal, stops the run and is raised once nothing is under way.

    Raises
    ------
    PerpcoreError
        Of the lowest shard that failed, once those below it have ended.
    """
    waiting: dict[Future[Done], Job] = {}
    errors: dict[int, BaseException] = {}
    finished = 0
    try:
        while True:
            while not errors and len(waiting) < runner.window and (job := next(jobs, None)) is not None:
                waiting[runner.submit(job)] = job
            if not waiting:
                break
            for future in wait(waiting, timeout=POLL_S, return_when=FIRST_COMPLETED).done:
                job = waiting.pop(future)
                error = None if future.cancelled() else future.exception()
                if error is not None:
                    errors[job.number] = error
                elif not future.cancelled():
                    finished += future.result().paths
            if errors:
                for future, job in waiting.items():
                    if job.number > min(errors):
                        future.cancel()
            tell(finished + runner.under_way())
    except BaseException:
        runner.stop()
        for future in waiting:
            future.cancel()
        wait(waiting, timeout=runner.patience_s)
        raise
    if errors:
        raise lost(errors[min(errors)])
