"""Jobs under way: a bounded number at a time, whoever runs them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from typing import Generic, Protocol, TypeVar

from perpcore.runs.executors import lost

POLL_S = 0.05


class Numbered(Protocol):
    """A job."""

    @property
    def number(self) -> int:
        """Which one, upward."""


class Sized(Protocol):
    """What a job comes to."""

    @property
    def paths(self) -> int:
        """How many were run."""


J = TypeVar("J", bound=Numbered)
D = TypeVar("D", bound=Sized)
J_contra = TypeVar("J_contra", bound=Numbered, contravariant=True)


class Runner(Protocol[J_contra, D]):
    """Who runs jobs: shards, or cells of a sweep.

    Attributes
    ----------
    threads_each : int
        Rust threads of a job.
    patience_s : float or None
        Seconds that who stops waits for those under way; None: until they have ended.
    """

    threads_each: int
    patience_s: float | None

    @property
    def window(self) -> int:
        """Jobs under way at a time, now."""

    def submit(self, job: J_contra) -> Future[D]:
        """Begin a job."""

    def under_way(self) -> int:
        """Paths finished of jobs that are not; 0 where nobody knows."""

    def stop(self) -> None:
        """End what is under way, soon."""

    def close(self) -> None:
        """No job will come any more."""


class StoppedError(Exception):
    """A job was told to end."""


class Threads(Generic[J, D]):
    """Jobs on threads of this process, each with its share of the threads that run paths.

    Parameters
    ----------
    work : callable
        Does a job, and tells the paths finished of it to what it is given.
    n_threads : int
        For all of them together.
    jobs : int
        How many there are to do.
    ahead : int
        Jobs in the window for each thread: more than one where a job is short.
    """

    patience_s: float | None = None

    def __init__(
        self, work: Callable[[J, Callable[[int], object]], D], n_threads: int, jobs: int, *, ahead: int = 1
    ) -> None:
        workers = max(1, min(n_threads, jobs))
        self.threads_each = max(1, n_threads // workers)
        self._window = ahead * workers
        self._work = work
        self._stopped = threading.Event()
        self._finished: dict[int, int] = {}
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="perpcore-job")

    @property
    def window(self) -> int:
        """Jobs under way at a time."""
        return self._window

    def submit(self, job: J) -> Future[D]:
        """Begin a job."""
        return self._pool.submit(self._run, job)

    def _run(self, job: J) -> D:
        def tell(finished: int) -> None:
            self._finished[job.number] = finished
            if self._stopped.is_set():
                raise StoppedError

        try:
            return self._work(job, tell)
        finally:
            self._finished.pop(job.number, None)

    def under_way(self) -> int:
        """Paths finished of jobs that are not."""
        return sum(self._finished.copy().values())

    def stop(self) -> None:
        """End what is under way, within some milliseconds of a path's end."""
        self._stopped.set()

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(cancel_futures=True)


def drive(jobs: Iterator[J], runner: Runner[J, D], tell: Callable[[int], object]) -> None:
    """Run jobs until there are none.

    Parameters
    ----------
    jobs : iterator
        Upward; taken as there is room.
    runner : Runner
    tell : callable
        Told the paths finished so far, some twenty times a second and at the end; what it raises, or a
        signal, stops the run and is raised once nothing is under way.

    Raises
    ------
    PerpcoreError
        Of the lowest job that failed, once those below it have ended.
    """
    waiting: dict[Future[D], J] = {}
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
                if future.cancelled():
                    if not errors:  # else it may have been this loop
                        errors[job.number] = CancelledError()
                elif (error := future.exception()) is not None:
                    errors[job.number] = error
                else:
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
