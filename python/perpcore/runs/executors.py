"""Work on an executor of its user: a pool of processes, Dask, Ray."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from typing import Any, Generic, TypeVar

from perpcore._core import RunError
from perpcore._structs import problem, shown

J = TypeVar("J")
D = TypeVar("D")

#: Jobs under way for each worker: while a result travels it has something to do.
AHEAD = 2
#: Whose own errors say that a worker was lost once too often, not that a job failed.
ENGINES = ("distributed", "ray")
#: How often an executor is asked again how many workers it has: clusters grow.
ASKED_EVERY_S = 1.0
#: Workers, where an executor does not say how many it has.
UNKNOWN = 32


class Elsewhere(Generic[J, D]):
    """A runner (`perpcore.runs.driving.Runner`) over an executor, which stays its user's.

    Parameters
    ----------
    executor : concurrent.futures.Executor
    work : callable
        Does a job; can be pickled, and so can the job and what it returns.
    threads_each : int
        Rust threads of a job: one, so that a worker's slot is a core.
    again : callable, optional
        Given a job and what it came to, the job that is to be run in its place; none if it is done.
    """

    #: Nobody waits for what is under way when it is stopped: a shard is whole or not there.
    patience_s: float | None = 0.0

    def __init__(
        self,
        executor: Executor,
        work: Callable[[J], Any],
        threads_each: int,
        again: Callable[[J, Any], J | None] | None = None,
    ) -> None:
        self._executor, self._work, self._again = executor, work, again
        self.threads_each = threads_each
        try:
            self._workers, self._asked = workers_of(executor), time.monotonic()
        except Exception as error:
            raise lost(Closed(str(error))) from error

    @property
    def window(self) -> int:
        """Jobs under way at a time: two for each worker that there is now."""
        if time.monotonic() > self._asked + ASKED_EVERY_S:
            with suppress(Exception):  # whoever is gone is met by a job, which says so better
                self._workers = workers_of(self._executor)
            self._asked = time.monotonic()
        return AHEAD * self._workers

    def submit(self, job: J) -> Future[D]:
        """Begin a job."""
        if self._again is None:
            return self._sent(job)
        return _Relayed(job, self._sent, self._again)

    def _sent(self, job: J) -> Future[D]:
        try:
            return self._executor.submit(self._work, job)
        except Exception as error:  # broken before any of its futures, or shut down
            failed: Future[D] = Future()
            shut = isinstance(error, RuntimeError) and not isinstance(error, BrokenExecutor)
            failed.set_exception(Closed(str(error)) if shut or _of_engine(error) else error)
            return failed

    def under_way(self) -> int:
        """Nobody knows."""
        return 0

    def stop(self) -> None:
        """What is under way there ends by itself; what waits is cancelled by who drives."""

    def close(self) -> None:
        """The executor stays open."""


class _Relayed(Future[D], Generic[J, D]):
    """What a job comes to, be it in its second run."""

    def __init__(self, job: J, send: Callable[[J], Future[Any]], again: Callable[[J, Any], J | None]) -> None:
        super().__init__()
        self._send, self._again = send, again
        self._begin(job)

    def _begin(self, job: J) -> None:
        self._inner = self._send(job)
        self._inner.add_done_callback(lambda done: self._ended(job, done))

    def _ended(self, job: J, done: Future[Any]) -> None:
        if done.cancelled():
            super().cancel()
            self.set_running_or_notify_cancel()
        elif (error := done.exception()) is not None:
            self._settle(lambda: self.set_exception(error))
        elif (other := self._again(job, done.result())) is not None:
            self._begin(other)
        else:
            self._settle(lambda: self.set_result(done.result()))

    def _settle(self, how: Callable[[], None]) -> None:
        if self.set_running_or_notify_cancel():
            how()

    def cancel(self) -> bool:
        """As far as the executor can."""
        return self._inner.cancel()


class Closed(BrokenExecutor):
    """An executor that takes no more jobs."""


def check_executor(executor: Any) -> None:
    """An executor is what it should be.

    Raises
    ------
    ScenarioError
        It is not.
    """
    if executor is not None and (
        isinstance(executor, type) or not callable(getattr(executor, "submit", None))
    ):
        raise problem("executor", shown(executor), "a concurrent.futures.Executor")


def workers_of(executor: Any) -> int:
    """How many jobs an executor does at a time, as far as it says.

    Pools of processes and threads and `RayExecutor` know; Dask's executor asks its client; others are taken
    for 32.
    """
    for name in ("workers", "_max_workers"):
        count = getattr(executor, name, None)
        if isinstance(count, int) and count > 0:
            return count
    client: Any = getattr(executor, "_client", None)
    if callable(getattr(client, "nthreads", None)):
        return max(1, sum(int(threads) for threads in client.nthreads().values()))
    return UNKNOWN


def lost(error: BaseException) -> BaseException:
    """An error of a job as its user should read it: a lost worker is no defect of the run."""
    if isinstance(error, Closed):
        told = f"the executor takes no more jobs ({error})"
    elif isinstance(error, CancelledError) or "cancel" in type(error).__name__.lower():
        told = "the executor cancelled a job that this call did not cancel"
    elif isinstance(error, BrokenExecutor) or _of_engine(error):
        told = f"a worker of the executor died ({error})"
    else:
        return error
    found = RunError(f"{told}; what was finished stays, and the same call goes on")
    found.__cause__ = error
    return found


def _of_engine(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ENGINES
