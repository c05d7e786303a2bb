"""Worker processes that end when who started them is gone, or wants no more of them.

Each watches a pipe whose other end is kept where it was started: that end is closed by who wants no more
answers, and by the system when that process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection
from typing import Any, TypeVar

__all__ = ["Processes"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Processes:
    """A pool of processes, started when it is first asked.

    Parameters
    ----------
    workers
        How many.
    """

    def __init__(self, workers: int) -> None:
        # a forked process could inherit a lock that a thread of this one holds
        context = multiprocessing.get_context("spawn")
        watched, self._kept = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_end_with, initargs=(watched,)
        )

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Return what the function gives for each item, in order; both must be picklable."""
        # not the pool's own map: it cancels what is not asked for, and a worker that ends then is an error of
        # the pool itself
        with _without_interrupts():
            answers = [self._pool.submit(function, item) for item in items]
        return (answer.result() for answer in answers)

    def close(self, *, wait: bool, at_once: bool) -> None:
        """Start nothing more.

        Parameters
        ----------
        wait
            Return when the processes have ended.
        at_once
            End them in the middle of what they do.
        """
        if at_once:
            self._kept.close()
        self._pool.shutdown(wait=wait, cancel_futures=True)
        if wait:
            self._kept.close()


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hear of a Ctrl-C afterwards, and let workers that start meanwhile not hear of it at all.

    One that reached a worker before it has learnt to ignore them would print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(watched: Any) -> None:
    """Let this worker end with the process that started it."""
    # Ctrl-C reaches all processes of a terminal; who started this one decides what becomes of it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_end, args=(watched,), daemon=True).start()


def _wait_for_end(watched: Any) -> None:
    parent = multiprocessing.parent_process()
    # the other end of the pipe may live on in a copy that was forked off
    connection.wait([watched] if parent is None else [watched, parent.sentinel])
    os._exit(1)
