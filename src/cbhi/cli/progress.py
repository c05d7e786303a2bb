"""Progress on standard error, and whether the engine has been compiled."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from cbhi.calibration.evaluating import Progress

COMPILING = "compiling the engine, once; half a minute, more on one processor"


def is_compiled() -> bool:
    """Say whether the first call of the engine will find it compiled, or needs no compiler."""
    from cbhi.kernels.compiling import CACHE_FOLDER as folder
    from cbhi.kernels.month import run_months

    if not hasattr(run_months, "py_func"):
        return True  # the compiler is off
    # the loop over the months is compiled last, so its file says that all is there
    return folder is not None and any(Path(folder).rglob("month.run_months-*.nbi"))


@contextlib.contextmanager
def show_compiling(quiet: bool) -> Iterator[None]:
    """Say that the engine is compiled while it is, with a bar of its kernels on a terminal."""
    if quiet:
        yield
        return
    click.echo(COMPILING, err=True)
    console = _terminal()
    if console is None:
        yield
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from cbhi.kernels.compiling import needed_kernels, told_of_compiling
    from cbhi.kernels.measure import take_opening_stocks
    from cbhi.kernels.month import run_months
    from cbhi.kernels.settlement import settle_districts, settle_sections

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    engine = (run_months, settle_districts, settle_sections, take_opening_stocks)
    with Progress(*columns, console=console, transient=True) as bar:
        total = len(needed_kernels(*engine))
        task = bar.add_task("compiling", total=total, told=_told(0, total))

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, told=_told(done, total))
            if done == total - 1:
                # the last one is the loop over months, with which all others are joined: a third of the time,
                # of which nobody can say how much is left
                bar.add_task("joining", total=None, told="")

        with told_of_compiling(tell, *engine):
            yield


def _told(done: int, total: int) -> str:
    return f"{done} of {total} kernels"


def _terminal() -> Console | None:
    """Return the terminal that standard error is, where it can show a bar."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal and "NO_COLOR" not in os.environ:
        return console
    return None


@contextlib.contextmanager
def show_progress(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that shows (months done, months in all): a bar on a terminal, else lines."""
    if quiet:
        yield None
        return
    console = _terminal()
    if console is not None:
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


@contextlib.contextmanager
def show_batches(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Give a function that shows how far a calibration is: a bar for the batch on a terminal, else lines."""
    if quiet:
        yield None
        return
    console = _terminal()
    if console is not None:
        from rich import progress as shown

        columns = (
            shown.TextColumn("{task.description}"),
            shown.BarColumn(bar_width=30),
            shown.TextColumn("{task.completed:.0f} of {task.total:.0f}, {task.fields[simulations]:,} in all"),
            shown.TimeElapsedColumn(),
        )
        with shown.Progress(*columns, console=console) as bar:
            task = bar.add_task("calibrating", total=1, simulations=0)

            def move(now: Progress) -> None:
                bar.update(
                    task, description=now.step, completed=now.done, total=now.total,
                    simulations=now.simulations,
                )  # fmt: skip

            yield move
        return
    began, told = time.monotonic(), -math.inf

    def tell(now: Progress) -> None:
        nonlocal told
        if now.done < now.total and time.monotonic() - told < 5.0:
            return
        told = time.monotonic()
        of = f"{now.done} of {now.total}" if now.done < now.total else f"{now.total}"
        failed = f", {now.failures} failed" if now.failures else ""
        so_far = f"{now.simulations:,} in all{failed}, {duration(told - began)}"
        click.echo(f"{now.step}: {of} simulations; {so_far}", err=True)

    yield tell


def duration(seconds: float) -> str:
    """Return a time in whole seconds, or minutes where it is long."""
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 100 else f"{math.ceil(whole / 60)} min"
