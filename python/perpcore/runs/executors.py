"""Work on an executor of its user: a pool of processes, Dask, Ray."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, Generic, TypeVar

from perpcore._core import RunError
from perpcore._structs import problem, shown

J = TypeVar("J")
D = TypeVar("D")

#: Jobs under way for each worker: while a result travels it has something to do.
AHEAD = 2
#: Whose own errors say that a worker was lost once too often, not that a job failed.
ENGINES = ("distributed", "ray")
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
    """

    #: Nobody waits for what is under way when it is stopped: a shard is whole or not there.
    patience_s: float | None = 0.0

    def __init__(self, executor: Executor, work: Callable[[J], D], threads_each: int) -> None:
        self._executor, self._work = executor, work
        self.threads_each = threads_each
        self.window = AHEAD * workers_of(executor)

    def submit(self, job: J) -> Future[D]:
        """Begin a job."""
        try:
            return self._executor.submit(self._work, job)
        except BrokenExecutor as error:  # found broken before any of its futures
            failed: Future[D] = Future()
            failed.set_exception(error)
            return failed

    def under_way(self) -> int:
        """Nobody knows."""
        return 0

    def stop(self) -> None:
        """What is under way there ends by itself; what waits is cancelled by who drives."""

    def close(self) -> None:
        """The executor stays open."""


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
    engine = type(error).__module__.partition(".")[0] in ENGINES
    if not isinstance(error, BrokenExecutor) and not engine:
        return error
    told = f"a worker of the executor died ({error}); what was finished stays, and the same call goes on"
    found = RunError(told)
    found.__cause__ = error
    return found
