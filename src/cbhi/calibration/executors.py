"""Where simulations run: in this thread, in threads, in processes, or on a cluster, to the same results.

Everything goes through ``map`` over chunks of tasks. What is asked for is drawn before, in the process that
calibrates, and answers are taken in the order of the questions, so no choice made here can change a result.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from cbhi.simulation import whole_number
from cbhi.words import listed, suggest

__all__ = ["EXECUTORS", "Executor", "Workers", "available_workers", "cut", "lost_a_worker"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

EXECUTORS = ("serial", "threads", "processes", "joblib", "dask")
"""Names that stand for an executor; any object with ``map`` will do as well."""

_PACKAGES = {"joblib": "joblib", "dask": "distributed"}
LARGEST_CHUNK = 25
MAX_CHUNK = 1_000_000
MAX_WORKERS = 256


class Executor(Protocol):
    """Anything with ``map``: ``concurrent.futures`` executors, a ``distributed.Client``."""

    def map(self, function: Any, /, *iterables: Any) -> Any:
        """Return what the function gives for each item, in order, or futures of it."""
        ...


def available_workers() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(MAX_WORKERS, len(os.sched_getaffinity(0)))
    return min(MAX_WORKERS, os.cpu_count() or 1)


def lost_a_worker(error: BaseException) -> bool:
    """Say whether an error of an executor means that the system ended a worker.

    Parameters
    ----------
    error
        What ``Workers.map`` raised.
    """
    from concurrent.futures import BrokenExecutor

    # joblib's error is one of these as well; dask's is known only where dask is in use
    killed = getattr(sys.modules.get("distributed.scheduler"), "KilledWorker", BrokenExecutor)
    return isinstance(error, (BrokenExecutor, killed))


def cut(items: Sequence[Item], workers: int, chunk: int | None = None) -> list[Sequence[Item]]:
    """Cut items into chunks, in order: some for each worker, so that all of them end at about the same time.

    Parameters
    ----------
    items
        What is to be done.
    workers
        How many work at once.
    chunk
        Items of a chunk; chosen if not given.
    """
    size = chunk or max(1, min(LARGEST_CHUNK, -(-len(items) // (4 * workers))))
    return [items[first : first + size] for first in range(0, len(items), size)]


class Workers:
    """An executor that starts when it is first needed and can be started again after it was closed.

    What it started is closed as well when nobody has it any more.

    Parameters
    ----------
    executor
        A name from ``EXECUTORS``, ``"threads"`` if not given, or an object with ``map``, which is used as it
        is and never closed here.
    workers
        How many work at once, 1 to 256; all processors if not given.

    Raises
    ------
    ValueError
        For an unknown name (with the nearest one), an object without ``map``, or a number of workers out of
        range.
    ModuleNotFoundError
        When the executor needs a package that is not installed; the message is the line that installs it.
    """

    def __init__(self, executor: str | Executor | None = None, workers: int | None = None) -> None:
        self.name = executor if isinstance(executor, str) else "threads" if executor is None else "given"
        self._given = None if executor is None or isinstance(executor, str) else executor
        if self._given is not None and not callable(getattr(self._given, "map", None)):
            raise ValueError(f"executor must be {listed(EXECUTORS, 'or')}, or have a map; got {executor!r}")
        if self._given is None and self.name not in EXECUTORS:
            near = suggest(self.name, EXECUTORS)
            raise ValueError(f"unknown executor '{self.name}'{near}; there are {listed(EXECUTORS)}")
        if workers is not None:
            workers = whole_number("workers", workers, 1, MAX_WORKERS)
        self.count = 1 if self.name == "serial" else workers or available_workers()
        _check_package(self.name)
        self._running: Any = None
        self._dropped: weakref.finalize[..., Workers] | None = None
        self._busy = False
        self._asked: Any = None

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield what the function gives for each item, in the order of the items.

        What was started is closed when not all answers are taken, so that nothing goes on that nobody wants.

        Parameters
        ----------
        function, items
            Both must be picklable for other processes.
        """
        if self.name == "serial":
            yield from map(function, items)
            return
        if self._running is None:
            self._start()
        self._busy, running = True, self._running
        try:
            yield from self._answers(function, items)
        except BaseException:
            if self._running is running:
                self.close()
            raise
        self._busy = False

    def _answers(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        if self.name == "joblib":
            from joblib import delayed

            self._asked = self._running(delayed(function)(item) for item in items)
            yield from self._asked
            return
        answers = self._running.map(function, list(items))
        if hasattr(self._running, "gather"):  # a client of dask.distributed hands out futures
            yield from (future.result() for future in answers)
        else:
            yield from answers

    def close(self) -> None:
        """Stop what was started here, with what is under way; the next ``map`` starts it again."""
        asked, self._asked = self._asked, None
        if asked is not None and self._busy:
            with warnings.catch_warnings():
                # joblib says that what is not wanted any more was cancelled
                warnings.simplefilter("ignore", UserWarning)
                asked.close()
        dropped, self._dropped, self._running = self._dropped, None, None
        found = None if dropped is None else dropped.detach()
        if found is not None:
            found[1](wait=True, at_once=self._busy)
        self._busy = False

    def __enter__(self) -> Workers:
        """Return itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _start(self) -> None:
        if self._given is not None:
            self._running = self._given
        elif self.name == "joblib":
            from joblib import Parallel

            self._running = Parallel(n_jobs=self.count, return_as="generator")
        else:
            self._running, close = _STARTS[self.name](self.count)
            self._dropped = weakref.finalize(self, close, wait=False, at_once=True)
            # at the end of the program, executors end by themselves
            self._dropped.atexit = False


class _Close(Protocol):
    """Ends an executor: whether to wait until it has ended, and whether in the middle of what it does."""

    def __call__(self, *, wait: bool, at_once: bool) -> None: ...


def _start_threads(count: int) -> tuple[Any, _Close]:
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(count)

    def close(*, wait: bool, at_once: bool) -> None:
        # a thread ends after what it does, whoever waits for it
        pool.shutdown(wait=wait, cancel_futures=True)

    return pool, close


def _start_processes(count: int) -> tuple[Any, _Close]:
    from cbhi.calibration.processes import Processes

    pool = Processes(count)
    return pool, pool.close


def _start_dask(count: int) -> tuple[Any, _Close]:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
    client = Client(cluster)

    def close_both() -> None:
        client.close()
        cluster.close()

    def close(*, wait: bool, at_once: bool) -> None:
        if wait:
            close_both()
        else:
            # whoever drops it may be the thread that closing needs
            threading.Thread(target=close_both, daemon=True).start()

    return client, close


_STARTS: dict[str, Callable[[int], tuple[Any, _Close]]] = {
    "threads": _start_threads,
    "processes": _start_processes,
    "dask": _start_dask,
}


def _check_package(executor: str) -> None:
    """Say at once, and not in the middle of a calibration, that a package is missing."""
    import importlib.util

    package = _PACKAGES.get(executor)
    if package is not None and importlib.util.find_spec(package) is None:
        raise ModuleNotFoundError(
            f"executor '{executor}' needs the package {package}; pip install 'cbhi[{executor}]'", name=package
        )
