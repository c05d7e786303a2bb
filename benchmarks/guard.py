"""Has a change made the engine slower? Ratios, before and after.

    python benchmarks/guard.py --save before.json         # before the change
    python benchmarks/guard.py --against before.json      # after it; exit code 1 if slower
    python benchmarks/guard.py --tree OLD --tree NEW      # two source trees, in turn; the sharper way
    python benchmarks/guard.py --save now.json --page docs/performance.md     # and write the page's table

Without trees every cost is a ratio to something measured in the same process in turn with it: to the Philox
block of ``units.py``, or to another size of the same run. Such ratios move little with the machine and what
else it does. With two trees each lives in a process of its own and does the same work in turn; what is
compared is then the time itself, round by round.

A cost is *slower* when three things are above 1 + tolerance: its median ratio, the ratio of at least three
rounds in four, and its best round over the best round before. What else the machine does can only add to a
time, so no disturbed round decides alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TOLERANCE = 0.05
ROUNDS = 7
HOUSEHOLDS = 10_000  # enough for sections of one district to visit each other


class Ratio(NamedTuple):
    """A cost over another one, both in nanoseconds for the same work."""

    over: str
    under: str
    about: str


RATIOS = {
    "every partner": Ratio("full", "philox", "full monthly model, Philox blocks per household-month"),
    "rwanda": Ratio("rwanda", "philox", "Rwanda as shipped, Philox blocks per household-month"),
    "setting up": Ratio(
        "set up", "philox", "households, members and bills of the start, blocks per household"
    ),
    "large": Ratio("large", "year", "a year of 100,000 households over one of 10,000, per household-month"),
    "small": Ratio(
        "small", "rwanda", "a whole run of 500 households over one of 10,000, per household-month"
    ),
    "survey": Ratio("survey", "rwanda", "1,000 households interviewed over none"),
    "saving": Ratio("saving", "rwanda", "a folder of results with a survey over simulating without one"),
}


def jobs() -> dict[str, Callable[[], float]]:
    """Return what is timed: each does its work once and returns nanoseconds of processor time per unit.

    Only names that every version has are used, so that a tree can be older than this file.
    """
    import tempfile
    import time

    from measuring import full_model, household_months, one_year
    from units import seconds_per_block

    import cbhi

    rwanda, full = cbhi.scenario("rwanda").at_point(), full_model()
    year = one_year(rwanda)
    month = rwanda.replace({}, end="1999-07")

    def cost(scenario: cbhi.Scenario, households: int, times: int = 1, survey: int = 0) -> float:
        begin = time.process_time()
        lived = 0
        for _ in range(times):
            lived += household_months(cbhi.simulate(scenario, households=households, survey=survey))
        return (time.process_time() - begin) / lived * 1e9

    surveyed: list[cbhi.Results] = []

    def save() -> float:
        if not surveyed:
            surveyed.append(cbhi.simulate(rwanda, households=HOUSEHOLDS, survey=1_000, replicates=2))
            save()  # loads what draws and writes
        with tempfile.TemporaryDirectory() as folder:
            begin = time.process_time()
            surveyed[0].save(folder)
            return (time.process_time() - begin) / household_months(surveyed[0]) * 1e9

    cbhi.simulate(full, households=1)  # compiled before anything is timed
    seconds_per_block(1)
    return {
        "philox": lambda: seconds_per_block() * 1e9,
        "full": lambda: cost(full, HOUSEHOLDS),
        "rwanda": lambda: cost(rwanda, HOUSEHOLDS),
        "survey": lambda: cost(rwanda, HOUSEHOLDS, survey=1_000),
        "saving": save,
        "small": lambda: cost(rwanda, 500, times=4),
        "year": lambda: cost(year, HOUSEHOLDS, times=2),
        "large": lambda: cost(year, 100_000),
        # one month of life is a small part of it
        "set up": lambda: cost(month, 2 * HOUSEHOLDS),
    }


# --- one tree -------------------------------------------------------------------------------------------


def measured_ratios(rounds: int) -> dict[str, list[float]]:
    """Return every ratio in every round, measured in this process."""
    from measuring import interleaved

    found = interleaved(jobs(), rounds)
    return {
        name: [a / b for a, b in zip(found[ratio.over], found[ratio.under], strict=True)]
        for name, ratio in RATIOS.items()
    }


# --- two trees ------------------------------------------------------------------------------------------


class Tree:
    """The source of a version, living in a process that works when told to."""

    def __init__(self, folder: Path) -> None:
        source = folder.resolve() / "src"
        if not (source / "cbhi" / "__init__.py").is_file():
            raise SystemExit(f"'{folder}' is no source tree: it has no src/cbhi")
        path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH", "")]))
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work"],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        home = Path(self.answer()).resolve()
        if source not in home.parents:
            raise SystemExit(f"'{folder}' is not what its process imports: {home}")

    def answer(self) -> str:
        """Return what the process says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of '{self.folder}' has ended")
        return line.strip()

    def time(self, job: str) -> float:
        """Let the process do a job once; return the nanoseconds that it took."""
        assert self.process.stdin is not None
        self.process.stdin.write(job + "\n")
        self.process.stdin.flush()
        return float(self.answer())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def work() -> None:
    """Say where cbhi comes from; then do the jobs named on standard input, and say what each took."""
    import cbhi

    print(cbhi.__file__, flush=True)
    known = jobs()
    for line in sys.stdin:
        print(known[line.strip()](), flush=True)


def times_of_trees(folders: Sequence[Path], rounds: int) -> list[dict[str, list[float]]]:
    """Return for each of two trees every time in every round, measured in turn."""
    trees = [Tree(folder) for folder in folders]
    about = dict.fromkeys(name for ratio in RATIOS.values() for name in (ratio.over, ratio.under))
    found: list[dict[str, list[float]]] = [{name: [] for name in about} for _ in trees]
    try:
        for number in range(rounds):
            order = (0, 1) if number % 2 == 0 else (1, 0)
            for name in about:
                for place in order:
                    found[place][name].append(trees[place].time(name))
    finally:
        for tree in trees:
            tree.close()
    return found


# --- judging --------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """What a cost is now, relative to before."""

    name: str
    ratios: list[float]  # of rounds, sorted
    best: float  # least cost now over least cost before
    tolerance: float

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        n = len(self.ratios)
        return (self.ratios[(n - 1) // 2] + self.ratios[n // 2]) / 2

    @property
    def slower(self) -> bool:
        """Say whether the cost has grown beyond the tolerance, and not in disturbed rounds only."""
        border = 1 + self.tolerance
        above = sum(ratio > border for ratio in self.ratios)
        return self.median > border and self.best > border and 4 * above >= 3 * len(self.ratios)

    @property
    def verdict(self) -> str:
        """Return the judgement in a word."""
        if self.slower:
            return "SLOWER"
        border = 1 - self.tolerance
        return "faster" if self.median < border and self.best < border else "as before"


def changes_of(
    before: dict[str, list[float]], now: dict[str, list[float]], tolerance: float, *, paired: bool
) -> list[Change]:
    """Return every cost relative to before: round by round, or each round now to the median of before."""
    found = []
    for name, values in now.items():
        base = before[name] if paired else [sorted(before[name])[len(before[name]) // 2]] * len(values)
        ratios = sorted(a / b for a, b in zip(values, base, strict=True))
        found.append(Change(name, ratios, min(values) / min(before[name]), tolerance))
    return found


def report(changes: list[Change], about: dict[str, str]) -> int:
    """Print every change with its spread and its verdict; return the exit code."""
    width = max(len(change.name) for change in changes)
    for change in changes:
        low, high = change.ratios[0], change.ratios[-1]
        print(
            f"{change.name:{width}s}  {change.median:6.3f}  ({low:.3f} to {high:.3f} in"
            f" {len(change.ratios)} rounds, best {change.best:.3f})  {change.verdict:9s} "
            f" {about.get(change.name, '')}".rstrip()
        )
    slower = [change.name for change in changes if change.slower]
    print(f"slower: {', '.join(slower)}" if slower else f"nothing is slower by {changes[0].tolerance:.0%}")
    return 1 if slower else 0


def save(file: Path, page: Path | None, found: dict[str, list[float]]) -> None:
    """Write ratios into a file and the table of a page, and print their medians."""
    from measuring import machine, put_between, spread

    content: dict[str, Any] = {"machine": machine(), "ratios": found}
    temporary = file.with_name(f".writing-{file.name}")
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, file)
    for name, values in found.items():
        print(f"{name:14s} {spread(values).median:8.3f}  ({spread(values)})  {RATIOS[name].about}")
    if page is not None:
        lines = ["| ratio | median | spread | what over what |", "|---|---:|---|---|"]
        for name, values in found.items():
            lines.append(
                f"| {name} | {spread(values).median:.3g} | {spread(values)} | {RATIOS[name].about} |"
            )
        put_between(page, "guard", "\n".join([*lines, "", f"Measured on {machine()}."]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Has a change made the engine slower?")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the ratios of this version")
    parser.add_argument("--page", type=Path, help="with --save: write the table of a page")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with what was saved")
    parser.add_argument("--tree", type=Path, action="append", default=[], help="a source tree; give two")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="share  [default: %(default)s]")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work()
        return 0
    if arguments.tree:
        if len(arguments.tree) != 2 or arguments.save or arguments.against:
            parser.error("give --tree twice, the old one first, and no file")
        old, new = times_of_trees(arguments.tree, arguments.rounds)
        return report(changes_of(old, new, arguments.tolerance, paired=True), {})
    if arguments.page is not None and arguments.save is None:
        parser.error("--page goes with --save")
    if (arguments.save is None) == (arguments.against is None):
        parser.error("give --save FILE, --against FILE, or --tree twice")
    if arguments.save is not None:
        save(arguments.save, arguments.page, measured_ratios(arguments.rounds))
        return 0
    before = json.loads(arguments.against.read_text(encoding="utf-8"))["ratios"]
    now = measured_ratios(arguments.rounds)
    about = {name: ratio.about for name, ratio in RATIOS.items()}
    return report(changes_of(before, now, arguments.tolerance, paired=False), about)


if __name__ == "__main__":
    sys.exit(main())
