"""Ray as an executor."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class RayExecutor(Executor):
    """Jobs as Ray tasks (extra ``ray``), for `Scenario.monte_carlo` and `Scenario.sweep`.

    It uses the Ray that the process is connected to, or starts one (``ray.init()``). A task whose worker
    dies is run again by Ray.

    Parameters
    ----------
    num_cpus : float
        Of a task.
    max_retries : int
        How often a task is run again whose worker died.

    Examples
    --------
    >>> from perpcore.runs import RayExecutor
    >>> pool = RayExecutor()                                                            # doctest: +SKIP
    >>> scenario.monte_carlo(paths=10**9, seed=1, directory="run/", executor=pool)      # doctest: +SKIP
    """

    def __init__(self, *, num_cpus: float = 1, max_retries: int = 3) -> None:
        ray: Any = importlib.import_module("ray")
        if not ray.is_initialized():
            ray.init()
        self._ray = ray
        self._task = ray.remote(num_cpus=num_cpus, max_retries=max_retries)(_call)
        self._num_cpus = num_cpus
        self._open, self._pending = True, set[Future[Any]]()

    @property
    def workers(self) -> int:
        """Tasks at a time, of the cluster as it is now."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1) / max(self._num_cpus, 1e-3)))

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Begin a task."""
        if not self._open:
            raise RuntimeError("this executor was shut down")
        reference = self._task.remote(fn, args, kwargs)
        future: Future[T] = _Cancelling(lambda: self._ray.cancel(reference, force=False))
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        reference.future().add_done_callback(lambda done: _settle(future, done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks; Ray itself stays as it is."""
        self._open = False
        pending = tuple(self._pending)
        for future in pending if cancel_futures else ():
            future.cancel()
        if wait:
            futures.wait(pending)


class _Cancelling(Future[T]):
    """A future whose task is cancelled with it."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        super().__init__()
        self._cancel_task = cancel

    def cancel(self) -> bool:
        """Before it has ended: nobody waits for it any more."""
        cancelled = super().cancel()
        if cancelled:
            self._cancel_task()
        return cancelled


def _settle(future: Future[T], done: Future[T]) -> None:
    """The end of a task, unless nobody waits for it."""
    if not future.set_running_or_notify_cancel():
        return
    error = done.exception()
    if error is None:
        future.set_result(done.result())
    else:  # what the task raised, not Ray's wrapping of it
        cause = getattr(error, "cause", None)
        future.set_exception(cause if isinstance(cause, BaseException) else error)


def _call(fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return fn(*args, **kwargs)
