"""Progress on standard error, and whether the engine has been compiled."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

COMPILING = "compiling the engine, once; one to two minutes"


def is_compiled() -> bool:
    """Say whether the first call of the engine will find it compiled, or needs no compiler."""
    from cbhi.kernels.compiling import CACHE_FOLDER as folder
    from cbhi.kernels.month import run_months

    if not hasattr(run_months, "py_func"):
        return True  # the compiler is off
    # the loop over the months is compiled last, so its file says that all is there
    return folder is not None and any(Path(folder).rglob("month.run_months-*.nbi"))


@contextlib.contextmanager
def show_progress(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that shows (months done, months in all): a bar on a terminal, else lines."""
    if quiet:
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal and "NO_COLOR" not in os.environ:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("simulating"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("simulating", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    told = -math.inf
    first: tuple[float, int] | None = None

    def tell(done: int, total: int) -> None:
        nonlocal told, first
        now = time.monotonic()
        first = first or (now, done)
        if now - told < 2.0 and done < total:
            return
        told = now
        left = ""
        if first[1] < done < total:
            left = f", {duration((now - first[0]) * (total - done) / (done - first[1]))} left"
        click.echo(f"simulating: {100 * done // total} %{left}", err=True)

    yield tell


def duration(seconds: float) -> str:
    """Return a time in whole seconds, or minutes where it is long."""
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 100 else f"{math.ceil(whole / 60)} min"
