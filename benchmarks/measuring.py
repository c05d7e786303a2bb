"""What the benchmarks share: cases, rounds side by side, fresh processes, tables between markers.

A household-month is a month lived by a simulated household that exists (the tally ``HOUSEHOLDS_ALIVE``).
The number of households grows by 45 % from July 1999 to June 2012, so the cost per household-month is not
the cost per household of the start and month.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import cbhi
from cbhi.kernels import codes
from cbhi.layouts import lay_out
from cbhi.replicates import begin_replicate, run_between

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "properties"))
import eventful_cases as eventful_cases  # noqa: E402


def full_model() -> cbhi.Scenario:
    """Return Rwanda with every partner at work: the monthly model with all its mechanisms on."""
    point = cbhi.scenario("rwanda").at_point()
    return point.replace(eventful_cases.PARTNERS_AT_WORK, name="every partner at work")


def one_year(scenario: cbhi.Scenario) -> cbhi.Scenario:
    """Return 2008 of a scenario, every scheme open from the start."""
    return scenario.replace({"switches.rollout": False}, start="2008-01", end="2008-12")


class Cost(NamedTuple):
    """Seconds of work, and the household-months that they bought."""

    seconds: float
    household_months: int

    @property
    def ns(self) -> float:
        """Nanoseconds per household-month."""
        return self.seconds / self.household_months * 1e9


def household_months(results: cbhi.Results) -> int:
    """Return the months lived by simulated households in all replicates."""
    return int(results.arrays.tallies[..., codes.HOUSEHOLDS_ALIVE].sum())


def cost_of_months(scenario: cbhi.Scenario, households: int, replicates: Sequence[int] = (0,)) -> Cost:
    """Return the processor time of all months of replicates on one thread; setting up is not timed."""
    layout = lay_out(scenario, households)
    seconds, lived = 0.0, 0
    for replicate in replicates:
        engine = begin_replicate(scenario, layout, 1, replicate)
        begin = time.process_time()
        run_between(engine, 0, scenario.n_months)
        seconds += time.process_time() - begin
        lived += int(engine.output.tallies[..., codes.HOUSEHOLDS_ALIVE].sum())
    return Cost(seconds, lived)


class Spread(NamedTuple):
    """Median, least and largest of some rounds."""

    median: float
    low: float
    high: float
    rounds: int

    def __str__(self) -> str:
        return f"{self.low:.3g} to {self.high:.3g} in {self.rounds} rounds"


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of values measured in rounds."""
    return Spread(statistics.median(values), min(values), max(values), len(values))


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """Return the spread of ratios of what was measured in the same round."""
    return spread([a / b for a, b in zip(over, under, strict=True)])


def interleaved(jobs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Do every job once a round, forwards and backwards in turn, so that drift meets all alike."""
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds):
        for name in list(jobs) if number % 2 == 0 else reversed(list(jobs)):
            found[name].append(jobs[name]())
    return found


def bytes_in(thing: Any) -> int:
    """Return the bytes of all arrays in something: it knows them itself, or it is made of arrays.

    Raises
    ------
    TypeError
        For what is neither, rather than counting it as nothing.
    """
    if hasattr(thing, "nbytes"):
        return int(thing.nbytes)
    if isinstance(thing, (tuple, list)):
        return sum(bytes_in(part) for part in thing)
    if isinstance(thing, dict):
        return sum(bytes_in(part) for part in thing.values())
    if hasattr(thing, "__dict__"):
        return bytes_in(vars(thing))
    if thing is None or isinstance(thing, (str, int, float)):
        return 0
    raise TypeError(f"do not know how many bytes {type(thing).__name__} takes")


class Finished(NamedTuple):
    """A process that has ended well."""

    seconds: float  # by the clock
    processors: float  # seconds of processors, its own processes included
    peak_bytes: int
    printed: str


# a process begins with the peak of the one that made it, so a small one stands between
_BETWEEN = """
import json, os, subprocess, sys, time
begin = time.perf_counter()
process = subprocess.Popen([sys.executable, *sys.argv[2:]], stderr=subprocess.STDOUT)
_, status, used = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as file:
    processors = used.ru_utime + used.ru_stime
    json.dump([process.returncode, time.perf_counter() - begin, processors, used.ru_maxrss], file)
"""


def fresh_process(arguments: Sequence[str], cache: str | None = None, **environment: str) -> Finished:
    """Run Python with arguments in a folder of its own; return time, peak memory and what it printed.

    ``cache`` is the folder of compiled kernels; the usual one if not given.

    Raises
    ------
    RuntimeError
        When it fails, with what it said.
    """
    variables = {**os.environ, **environment}
    # as for users: modules are translated once and not in every process
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    if cache is not None:
        variables["NUMBA_CACHE_DIR"] = cache
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("r") as took:
        done = subprocess.run(
            [sys.executable, "-c", _BETWEEN, took.name, *arguments],
            env=variables,
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        code, seconds, processors, peak = json.load(took)
    if code:
        raise RuntimeError(f"{' '.join(arguments)} ended with {code}: {done.stdout[-2_000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Finished(seconds, processors, peak * unit, done.stdout)


def machine() -> str:
    """Return in words what was measured on, and how busy it was."""
    import llvmlite.binding
    import numba

    vectors = "AVX-512" if has_avx512() else "no AVX-512"
    name = llvmlite.binding.get_host_cpu_name()
    return (
        f"{os.cpu_count()} processors ({name}, {vectors}), {platform.system()}, Python"
        f" {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}; on average"
        f" {os.getloadavg()[1]:.1f} programs were running"
    )


def has_avx512() -> bool:
    """Say whether the machine has AVX-512."""
    import llvmlite.binding

    return bool(llvmlite.binding.get_host_cpu_features().get("avx512f", False))


def put_between(page: Path, name: str, content: str) -> None:
    """Put a table into a page between the markers that are named for it, through a temporary file.

    Raises
    ------
    ValueError
        When the page has no such part.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- measured: {name} -->\n", f"<!-- measured to here: {name} -->"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page.name} has no part between '{begin.strip()}' and '{end}'")
    temporary = page.with_name(f".writing-{page.name}")
    temporary.write_text(f"{head}{begin}\n{content}\n\n{end}{tail}", encoding="utf-8")
    os.replace(temporary, page)
