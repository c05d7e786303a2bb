"""The targets of speed and memory, and what is measured here: python benchmarks/targets.py

    python benchmarks/targets.py                        # all of it; compiles the engine twice from nothing
    python benchmarks/targets.py --quick                # within a minute once the engine is compiled
    python benchmarks/targets.py --json                 # list of name, value, must, aim, ok (and unit, note)
    python benchmarks/targets.py --only nation many     # some groups
    python benchmarks/targets.py --keep rows.json --page docs/performance.md

``--keep`` merges what was measured into a file, group by group, so that a long measurement can be made in
parts; ``--page`` writes the table of the page from all rows that are then known. A target that is missed is
shown as missed, with its cause; one that was not measured says why. With ``--quick`` runs are shorter or
smaller, and the note of a row says so; what needs minutes is left out.

Seconds and simulations a second are by the clock and belong to a machine that does nothing else; what is
counted in blocks and ratios is processor time, the two sides of a ratio measured in turn in one process.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measuring import (
    ROOT,
    Finished,
    bytes_in,
    cost_of_months,
    eventful_cases,
    fresh_process,
    full_model,
    has_avx512,
    interleaved,
    machine,
    one_year,
    put_between,
    ratios,
    spread,
)
from units import seconds_per_block

import cbhi
from cbhi.layouts import lay_out
from cbhi.replicates import begin_replicate
from cbhi.simulation import households_at_start


class Target(NamedTuple):
    """What is to be reached: at most (or at least) ``must``, better ``aim``."""

    name: str
    unit: str
    must: float
    aim: float
    at_least: bool = False
    cause: str = ""  # why it is missed, where it is

    def reached(self, value: float, bound: float) -> bool:
        """Say whether a value is within a bound."""
        return value >= bound if self.at_least else value <= bound


_PASSES = "the sum of the passes over households; docs/performance.md has what each of them costs, and why"
_RUN = "the months, at the cost of the first row, and setting up and wrapping, whose part the note gives"
_COMPILER = "all kernels are typed and translated to LLVM code on one processor"
_IMPORTS = "pydantic and the models of the parameters are half of it, the modules of kernels most of the rest"
_TWELVE = "a peer makes one step a year, the engine twelve months with all their accounts"
GROUPS: dict[str, tuple[Target, ...]] = {
    "kernel": (Target("full monthly model", "Philox blocks per household-month", 15, 9, cause=_PASSES),),
    "peers": (
        Target("NumPy twin over cbhi", "times", 10, 20, True, _TWELVE),
        Target("LASER twin over cbhi", "times", 6, 12, True, _TWELVE),
        Target("Starsim twin over cbhi", "times", 80, 150, True, _TWELVE),
        Target("Mesa twin over cbhi", "times", 250, 500, True, _TWELVE),
    ),
    "size": (
        Target(
            "cost per household-month, large over small",
            "ratio",
            1.25,
            1.05,
            cause="a month reads more state than the caches hold; see the bytes moved in docs/performance.md",
        ),
    ),
    "nation": (
        Target("all of Rwanda, time", "s", 15, 8, cause=_PASSES),
        Target("all of Rwanda, peak memory", "MB", 1000, 400, cause="state per household, see its row"),
    ),
    "many": (
        Target("simulations a second, 20,000 households", "1/s", 8, 14, True, _RUN),
        Target("simulations a second, 2,000 households", "1/s", 60, 120, True, _RUN),
    ),
    "state": (
        Target(
            "state per household",
            "bytes",
            200,
            110,
            cause="every household has room for twelve members, of whom four or five are there",
        ),
    ),
    "start": (
        Target("whole engine compiled cold", "s", 30, 20, cause=_COMPILER),
        Target("first run from the cache", "s", 1.0, 0.4, cause="loading compiled kernels from their files"),
        Target("import beyond numba and pandas", "s", 0.3, 0.1, cause=_IMPORTS),
        Target("cbhi --help", "s", 0.3, 0.2, cause="Python itself and click"),
    ),
    "same": (
        Target("same integers: workers, order, batches", "differences", 0, 0, cause="an error"),
        Target("same integers: AVX2 and AVX-512", "differences", 0, 0, cause="an error"),
    ),
}  # fmt: skip


class Measured(NamedTuple):
    """A value, or None with the reason in the note."""

    value: float | None
    note: str = ""


class Size(NamedTuple):
    """How much is run."""

    quick: bool
    rounds: int


# --- groups: each returns one Measured for each of its targets, in their order --------------------------


def kernel(size: Size) -> list[Measured]:
    """Time all months of the full model beside the unit, on one thread."""
    households = 20_000  # sections of one district are then there to visit each other
    scenario = full_model()
    cost_of_months(scenario, 250)
    jobs: dict[str, Callable[[], float]] = {
        "unit": seconds_per_block,
        "full": lambda: cost_of_months(scenario, households).ns * 1e-9,
        "unit again": seconds_per_block,
        "rwanda": lambda: cost_of_months(cbhi.scenario("rwanda").at_point(), households).ns * 1e-9,
    }
    found = interleaved(jobs, size.rounds)
    units = [(a + b) / 2 for a, b in zip(found["unit"], found["unit again"], strict=True)]
    full, rwanda = ratios(found["full"], units), ratios(found["rwanda"], units)
    note = (
        f"{full}; a block is {statistics.median(units) * 1e9:.2f} ns, a household-month"
        f" {statistics.median(found['full']) * 1e9:.0f} ns; Rwanda as shipped {rwanda.median:.1f} blocks;"
        f" {households:,} households x 156 months"
    )
    return [Measured(full.median, note)]


def peers(size: Size) -> list[Measured]:
    """Run the peers, where they are, and take over their ratios."""
    folder = ROOT / "benchmarks" / "peers"
    if not folder.is_dir():
        return [Measured(None, "benchmarks/peers is not there")] * len(GROUPS["peers"])
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "peers.json"
        try:
            fresh_process(
                [str(folder), "--json", str(file), *(["--quick", "--rounds", "2"] if size.quick else [])]
            )
        except RuntimeError:
            if not file.exists():
                raise  # else programs disagree, which their rows say
        return peer_rows(json.loads(file.read_text(encoding="utf-8")))


def peer_rows(content: dict[str, Any]) -> list[Measured]:
    """Return the ratios that ``benchmarks/peers --json`` wrote; a peer that disagrees is not compared."""
    found = []
    for target in GROUPS["peers"]:
        library = target.name.split()[0]
        rows = [row for row in content["targets"] if row["name"].startswith(f"{library} /")]
        missing = [line for line in content["left_out"] if line.startswith(library)]
        if not rows:
            found.append(Measured(None, missing[0] if missing else "its program was not run"))
        elif not rows[0]["agrees"]:
            found.append(Measured(None, rows[0]["cause"]))
        else:
            row = rows[0]
            spread_text = (
                f"{row['ratio_smallest']:.3g} to {row['ratio_largest']:.3g} in {row['rounds']} rounds"
            )
            step = f"{row['ratio_per_step']:.3g} for one step of each"
            found.append(Measured(row["value"], f"{spread_text}; {row['households']:,} households; {step}"))
    return found


def size_of_country(size: Size) -> list[Measured]:
    """Time a year of a large and of a small country; the small one often, so that both last."""
    scenario = one_year(cbhi.scenario("rwanda").at_point())
    small, large = 20_000, 200_000 if size.quick else 2_000_000
    cost_of_months(scenario, 250)
    jobs: dict[str, Callable[[], float]] = {
        "small": lambda: cost_of_months(scenario, small, range(5)).ns,
        "large": lambda: cost_of_months(scenario, large).ns,
    }
    found = interleaved(jobs, 3)
    cost = ratios(found["large"], found["small"])
    note = (
        f"{cost}; {large:,} over {small:,} households, one year, {statistics.median(found['large']):.0f} over"
        f" {statistics.median(found['small']):.0f} ns"
    )
    return [Measured(cost.median, note)]


def nation(size: Size) -> list[Measured]:
    """Run the whole country by command in a fresh process, tables and picture included."""
    if size.quick:
        return [Measured(None, "left out by --quick")] * 2
    cbhi.simulate("rwanda", households=250)  # compiled before
    command = "run rwanda --point --households all --replicates 1"
    done = fresh_process(["-m", "cbhi", *command.split(), "-q", "-o", "country"])
    households = households_at_start(cbhi.scenario("rwanda"), "all")
    note = f"`cbhi {command}`, {households:,} households at the start, 156 months; start and tables included"
    note += f"; {done.processors:.1f} s of processors, of which there are {os.cpu_count()}"
    return [Measured(done.seconds, note), Measured(done.peak_bytes / 1e6, note)]


def many(size: Size) -> list[Measured]:
    """Run small simulations of many parameter sets in one process."""
    return [
        simulations_per_second(20_000, 2 if size.quick else 8),
        simulations_per_second(2_000, 10 if size.quick else 60),
    ]


def simulations_per_second(households: int, simulations: int) -> Measured:
    """Return how many parameter sets are simulated a second, by the better number of workers."""
    base = cbhi.scenario("rwanda").at_point()
    sets = [{"care.copayment_rwf": 150 + i} for i in range(simulations)]
    mine = threading.local()

    def one(changes: dict[str, int]) -> None:
        if not hasattr(mine, "simulator"):
            mine.simulator = cbhi.Simulator(base, households=households)
        mine.simulator.run(changes)

    one({})
    found = {}
    for workers in (1, 2):
        begin = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, sets))
        found[workers] = simulations / (time.perf_counter() - begin)
    months = cost_of_months(base, households).seconds * found[1]
    note = (
        f"{found[1]:.3g} with one worker, {found[2]:.3g} with two; 156 months, {simulations} parameter sets;"
        f" the months are {months:.0%} of the time with one worker"
    )
    return Measured(max(found.values()), note)


def state(size: Size) -> list[Measured]:
    """Count the bytes that stay from month to month for each household that there is room for."""
    scenario = cbhi.scenario("rwanda").at_point()
    engine = begin_replicate(scenario, lay_out(scenario, 20_000), 1, 0)
    held = bytes_in(engine.state.households) + bytes_in(engine.state.members)
    room = int(engine.layout.limit.sum())
    note = (
        f"all arrays of households and members; room for {room:,} where 20,000 start, for those founded later"
    )
    return [Measured(held / room, note)]


_FIRST_RUN = """
import json, time
import numba, pandas
def mark():
    marks.append((time.perf_counter(), time.process_time()))
marks = []
mark()
import cbhi
simulate, scenario = cbhi.simulate, cbhi.scenario
mark()
for _ in range(2):
    simulate(scenario("rwanda").at_point(), households=2_000)
    mark()
print(json.dumps([[b - a for a, b in zip(*pair)] for pair in zip(marks, marks[1:])]))
"""


def first_run(cache: str | None = None) -> list[tuple[float, float]]:
    """Return the seconds by the clock and of processors of importing, a first run and a second.

    All in one fresh process.
    """
    found = json.loads(fresh_process(["-c", _FIRST_RUN], cache).printed.splitlines()[-1])
    return [(float(clock), float(processors)) for clock, processors in found]


def start(size: Size) -> list[Measured]:
    """Compile into an empty cache, start from a full one, import, ask for help; all in fresh processes."""
    times = 3 if size.quick else 5
    with tempfile.TemporaryDirectory() as folder:
        if size.quick:
            cold = Measured(None, "left out by --quick")
            first_run()
            warm = [first_run() for _ in range(times)]
        else:
            _, first, second = first_run(folder)
            note = f"first run of Rwanda with an empty cache, less the second; {first[1]:.0f} s of processors"
            cold = Measured(first[0] - second[0], note)
            warm = [first_run(folder) for _ in range(times)]
    helped = spread([fresh_process(["-m", "cbhi", "--help"]).seconds for _ in range(times)])
    return [
        cold,
        _clocked(
            [run[1] for run in warm],
            "simulate(Rwanda at its point, households=2000) after imports, itself included",
        ),
        _clocked([run[0] for run in warm], "with all that `cbhi.simulate` needs"),
        Measured(helped.median, f"{helped}; the whole process"),
    ]


def _clocked(times: list[tuple[float, float]], what: str) -> Measured:
    """Return the median by the clock, with that of processors in the note."""
    clock, processors = (spread(values) for values in zip(*times, strict=True))
    return Measured(clock.median, f"{clock}, {processors.median:.2g} s of processors; {what}")


def same(size: Size) -> list[Measured]:
    """Compare integers however the work is cut, and on an instruction set without AVX-512."""
    scenario, households = eventful_cases.cases()["partners"]
    run = functools.partial(cbhi.simulate, scenario, households=households, seed=11)
    whole = integers(run(replicates=4))
    others = {
        "2 workers": run(replicates=4, workers=2),
        "5 workers": run(replicates=4, workers=5),
        "batches of 2": run(replicates=2) + run(replicates=2, first_replicate=2),
        "one by one, last first": functools.reduce(
            lambda joined, one: joined + one, [run(first_replicate=number) for number in (3, 2, 1, 0)]
        ),
    }
    differ = [name for name, results in others.items() if integers(results) != whole]
    return [
        Measured(len(differ), f"differ: {', '.join(differ)}" if differ else ", ".join(others)),
        vectors(size),
    ]


def integers(results: cbhi.Results) -> str:
    """Return a fingerprint of all whole numbers of a run."""
    digest = hashlib.sha256()
    for array in results.arrays:
        if array.dtype.kind != "f":
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def eventful_integers() -> str:
    """Return the fingerprint of two eventful runs, for a process of its own."""
    found = []
    for scenario, households in (eventful_cases.cases()["partners"], (full_model(), 500)):
        found.append(integers(cbhi.simulate(scenario, households=households, seed=11)))
    return " ".join(found)


def without_avx512() -> dict[str, str]:
    """Return the environment in which Numba compiles for a processor with AVX2 only."""
    import llvmlite.binding

    wide = ("avx512", "avx10", "amx", "evex512")
    features = llvmlite.binding.get_host_cpu_features()
    kept = {name: has and not name.startswith(wide) for name, has in features.items()}
    flags = ",".join(f"{'+' if has else '-'}{name}" for name, has in sorted(kept.items()))
    return {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": flags}


def vectors(size: Size) -> Measured:
    """Compare integers of this processor with those of one without AVX-512."""
    if size.quick:
        return Measured(None, "left out by --quick")
    if not has_avx512():
        return Measured(None, "no AVX-512 here")
    with tempfile.TemporaryDirectory() as folder:
        path = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r})"
        check = "import targets, units; assert not units.is_wide(), 'compiled for AVX-512 all the same'"
        code = f"{path}; {check}; print(targets.eventful_integers())"
        narrow: Finished = fresh_process(["-c", code], folder, **without_avx512())
    ours, theirs = eventful_integers().split(), narrow.printed.splitlines()[-1].split()
    differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
    return Measured(differ, "every partner at work, two scenarios, compiled for each")


MEASURES: dict[str, Callable[[Size], list[Measured]]] = {
    "kernel": kernel,
    "peers": peers,
    "size": size_of_country,
    "nation": nation,
    "many": many,
    "state": state,
    "start": start,
    "same": same,
}


# --- rows -----------------------------------------------------------------------------------------------


def row(target: Target, measured: Measured) -> dict[str, Any]:
    """Return one target and its measured value as plain values."""
    value = measured.value
    return {
        "name": target.name,
        "value": value,
        "must": target.must,
        "aim": target.aim,
        "ok": None if value is None else target.reached(value, target.must),
        "unit": target.unit,
        "note": measured.note,
    }


def measure(groups: list[str], size: Size) -> list[dict[str, Any]]:
    """Measure groups; one that cannot be measured says why and stops no other."""
    rows = []
    for group in groups:
        targets = GROUPS[group]
        print(f"measuring: {group}", file=sys.stderr, flush=True)
        try:
            found = MEASURES[group](size)
        except (RuntimeError, OSError, ImportError) as error:
            found = [Measured(None, f"failed: {str(error).strip()[-200:]}")] * len(targets)
        rows += [row(target, measured) for target, measured in zip(targets, found, strict=True)]
    return rows


def verdict(target: Target, value: float | None) -> str:
    """Return what a value means for its target."""
    if value is None:
        return "not measured"
    if not target.reached(value, target.must):
        return "MISSED"
    return "aim" if target.reached(value, target.aim) else "must"


def number(value: float | None) -> str:
    """Return three figures, or all of a large whole number."""
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def lines_of(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return name, measured, must, aim, verdict and remark of every row, in the order of the targets."""
    known = {row["name"]: row for row in rows}
    lines: list[tuple[str, ...]] = []
    for target in (target for targets in GROUPS.values() for target in targets):
        if target.name not in known:
            continue
        found = known[target.name]
        sign = "" if target.must == target.aim else ">= " if target.at_least else "<= "
        said = verdict(target, found["value"])
        remark = f"cause: {target.cause}. {found['note']}" if said == "MISSED" else found["note"]
        bounds = (f"{sign}{number(target.must)}", f"{sign}{number(target.aim)}")
        lines.append((f"{target.name}, {target.unit}", number(found["value"]), *bounds, said, remark))
    return lines


def as_text(rows: list[dict[str, Any]]) -> str:
    """Return the table for a terminal; remarks stand below their rows."""
    head = ("target", "measured", "must", "aim", "verdict")
    lines = lines_of(rows)
    widths = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True))]
    for *cells, remark in lines:
        text.append("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)))
        if remark:
            text.append(f"    {remark}")
    return "\n".join(text)


def as_page(rows: list[dict[str, Any]]) -> str:
    """Return the table for a page."""
    text = [
        "| target | measured | must | aim | verdict | how, and why missed |",
        "|---|---:|---:|---:|---|---|",
    ]
    for *cells, remark in lines_of(rows):
        cells[-1] = f"**{cells[-1].lower()}**" if cells[-1] == "MISSED" else cells[-1]
        text.append("| " + " | ".join((*cells, remark.replace("|", "\\|"))) + " |")
    return "\n".join([*text, "", f"Measured on {machine()}."])


def merged(file: Path | None, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with those of a file that were not measured now; write them all into it."""
    if file is None:
        return rows
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    now = {row["name"] for row in rows}
    every = [row for row in earlier if row["name"] not in now] + rows
    temporary = file.with_name(f".writing-{file.name}")
    temporary.write_text(json.dumps(every, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, file)
    return every


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the targets of speed and memory.")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer runs, within a minute")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--keep", type=Path, metavar="FILE", help="merge the rows into a file")
    parser.add_argument("--page", type=Path, help="write the table of a page")
    arguments = parser.parse_args()
    size = Size(arguments.quick, 3 if arguments.quick else 5)
    rows = merged(arguments.keep, measure(arguments.only or list(GROUPS), size))
    if arguments.page is not None:
        put_between(arguments.page, "targets", as_page(rows))
    print(json.dumps(rows, indent=1) if arguments.json else as_text(rows))


if __name__ == "__main__":
    main()
