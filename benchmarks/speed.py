"""Speed and memory of the engine at this stage: python benchmarks/speed.py [--json]

Prints ns per household-month, the cost at 200,000 households relative to 2,000, bytes of state per
household, the cold compile and the cached start of the command. Ratios were measured side by side in one
process, interleaved; seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import cbhi
from cbhi.kernels import codes
from cbhi.kernels.records import Household, Member, record_table


def seconds(households: int, scenario: cbhi.Scenario) -> float:
    start = time.perf_counter()
    cbhi.simulate(scenario, households=households, seed=1)
    return time.perf_counter() - start


def command(arguments: list[str], cache: str, folder: str) -> float:
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cbhi.cli", *arguments],
        check=True,
        env=environment,
        cwd=folder,
        capture_output=True,
    )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    scenario = cbhi.scenario("rwanda")
    months = scenario.n_months
    seconds(500, scenario)
    small, middle, large = [], [], []
    for _ in range(arguments.rounds):
        # twenty small runs beside one large one, so that both last long enough to time
        small.append(sum(seconds(2_000, scenario) for _ in range(10)) / 10)
        middle.append(seconds(20_000, scenario))
        large.append(seconds(200_000, scenario))
    per_household_month = {
        n: statistics.median(t) / (n * months) * 1e9
        for n, t in ((2_000, small), (20_000, middle), (200_000, large))
    }
    bytes_per_household = (
        record_table(Household, 1).itemsize + codes.MEMBER_SLOTS * record_table(Member, 1).itemsize
    )
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as folder:
        run = ["run", "rwanda", "--households", "2000", "--replicates", "1", "-q"]
        cold = command(run, cache, folder)
        cached = statistics.median(command(run, cache, folder) for _ in range(3))
    found = {
        "seconds_20000_households": statistics.median(middle),
        "ns_per_household_month": per_household_month,
        "cost_200000_over_2000": per_household_month[200_000] / per_household_month[2_000],
        "bytes_of_state_per_household": bytes_per_household,
        "cold_command_seconds": cold,
        "cached_command_seconds": cached,
    }
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    targets = {
        "seconds_20000_households": 1.5,
        "cost_200000_over_2000": 1.3,
        "cold_command_seconds": 60.0,
        "cached_command_seconds": 3.0,
    }
    for name, value in found.items():
        if isinstance(value, dict):
            text = ", ".join(f"{n:,}: {ns:.0f}" for n, ns in value.items())
        else:
            text = f"{value:.3g}"
        limit = f"  (at most {targets[name]:g})" if name in targets else ""
        print(f"{name:32s} {text}{limit}")


if __name__ == "__main__":
    main()
