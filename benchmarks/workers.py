"""Threads or processes for many small runs: python benchmarks/workers.py [--json]

The same replicates of Rwanda by one thread, by two threads of ``simulate(workers=2)`` and by two processes,
each of which simulates its half and sends its results back; then one parameter set after another by
``cbhi.simulate`` and by a ``cbhi.Simulator``. Rounds of all kinds stand side by side, and all kinds have to
come to the same integers. Processes run and have loaded the engine before the clock starts; what starting
them takes is told apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import cbhi

WORKERS = 2


def point() -> cbhi.Scenario:
    """Return Rwanda with its own values only, so that every run costs the same."""
    return cbhi.scenario("rwanda").at_point()


def some_replicates(first: int, replicates: int, households: int) -> cbhi.Results:
    """Return replicates that follow each other, by one thread."""
    return cbhi.simulate(
        point(), households=households, replicates=replicates, first_replicate=first, survey=0
    )


def by_processes(pool: Executor, replicates: int, households: int) -> cbhi.Results:
    """Return replicates of which every process simulates a part."""
    each = -(-replicates // WORKERS)
    parts = [
        pool.submit(some_replicates, first, min(each, replicates - first), households)
        for first in range(0, replicates, each)
    ]
    results = parts[0].result()
    for part in parts[1:]:
        results = results + part.result()
    return results


def a_second(run: Callable[[], Any], simulations: int) -> tuple[float, Any]:
    """Return simulations a second by the clock, and what they came to."""
    begin = time.perf_counter()
    found = run()
    return simulations / (time.perf_counter() - begin), found


def replicates_a_second(households: int, replicates: int, rounds: int) -> dict[str, float]:
    """Return medians of replicates a second by one thread, two threads and two processes."""
    begin = time.perf_counter()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        for started in [pool.submit(some_replicates, 0, 1, 100) for _ in range(WORKERS)]:
            started.result()
        starting = time.perf_counter() - begin
        kinds: dict[str, Callable[[], cbhi.Results]] = {
            "one thread": lambda: some_replicates(0, replicates, households),
            "two threads": lambda: cbhi.simulate(
                point(), households=households, replicates=replicates, survey=0, workers=WORKERS
            ),
            "two processes": lambda: by_processes(pool, replicates, households),
        }
        speeds: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            found = []
            for kind, run in kinds.items():
                speed, results = a_second(run, replicates)
                speeds[kind].append(speed)
                found.append(results)
            if not found[0] == found[1] == found[2]:
                raise SystemExit("threads and processes do not come to the same integers")
    medians = {kind: statistics.median(of) for kind, of in speeds.items()}
    return medians | {"seconds to start the processes": starting}


def parameter_sets_a_second(households: int, sets: int, rounds: int) -> dict[str, float]:
    """Return medians of parameter sets a second by ``simulate`` and by a simulator."""
    base = point()
    changes = [{"enrolment.intercept": -1.0 - i / 10.0} for i in range(sets)]
    simulator = cbhi.Simulator(base, households=households)
    simulator.run()
    alone: list[float] = []
    kept: list[float] = []
    for _ in range(rounds):
        speed, ours = a_second(
            lambda: [cbhi.simulate(base.replace(c), households=households, survey=0) for c in changes], sets
        )
        alone.append(speed)
        speed, theirs = a_second(lambda: [simulator.run(c) for c in changes], sets)
        kept.append(speed)
        if ours != theirs:
            raise SystemExit("a simulator does not come to the integers of simulate")
    return {"simulate": statistics.median(alone), "Simulator": statistics.median(kept)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    some_replicates(0, 1, 100)
    found = {
        f"{households:,} households": replicates_a_second(households, runs, arguments.rounds)
        | parameter_sets_a_second(households, runs, arguments.rounds)
        for households, runs in ((2_000, 12), (20_000, 4))
    }
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for size, kinds in found.items():
        print(size)
        for kind, value in kinds.items():
            print(f"  {kind:32} {value:8.2f}" + ("" if kind.startswith("seconds") else " a second"))


if __name__ == "__main__":
    main()
