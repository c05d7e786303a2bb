"""Change one thing in the code, see whether a test notices, and say how often.

Kernels, checks and indicators are mutated: an operator, a comparison, a constant, an index, the order of
two arguments, a returned value, or a statement left out. Kernels run as plain Python functions
(``NUMBA_DISABLE_JIT=1``), so that a change takes effect without compiling anything; checks and indicators
are plain Python anyway, and the runs that their tests look at are made by the compiled engine. Each mutant
meets only the tests that reach the changed statement. What was found is kept in a state folder outside the
repository, so that a run can be taken up again and a change of one function asks only for its own mutants
anew.

    python benchmarks/mutation.py --sample 2000 --json mutation.json  # about an hour on one core
    python benchmarks/mutation.py --modules money checks --sample 0   # every mutant of these modules
    python benchmarks/mutation.py --resume --again    # survivors meet the tests of today
    python benchmarks/mutation.py --resume --report-only --page docs/mutation.md
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REASONS = Path(__file__).with_name("mutation_survivors.toml")
# at least so many mutants of each module (or all of them), the rest of the sample in proportion to size
FLOOR = 40
WHOLE = ("cbhi.kernels.money", "cbhi.kernels.cover", "cbhi.kernels.records", "cbhi.checks")
# its work is done before any kernel runs and its tests run it in processes of their own
LEFT_OUT = ("cbhi.kernels.compiling",)
KERNEL_TESTS = (
    "tests/unit/test_kernels_*.py",
    "tests/unit/test_mutants_kernels*.py",
    "tests/properties/test_mutants_kernels*.py",
    "tests/unit/test_populations.py",
)
PLAIN_TESTS = (
    "tests/unit/test_indicators_*.py",
    "tests/unit/test_mutants_checks*.py",
    "tests/unit/test_mutants_indicators*.py",
    "tests/unit/test_run_indicators.py",
    "tests/unit/test_raises.py",
    "tests/unit/test_family.py",
    "tests/properties/test_identities.py",
)
# runs that the tests of checks look at: made by kernels alone, so that no mutant of a check can change them
KEPT = ("test_identities.rich_run",)


def modules() -> list[str]:
    """Return the names of all modules that are mutated."""
    package = ROOT / "src" / "cbhi"
    files = [
        *(package / "kernels").glob("*.py"),
        package / "checks.py",
        *(package / "indicators").glob("*.py"),
    ]
    names = [".".join(("cbhi", *path.relative_to(package).with_suffix("").parts)) for path in sorted(files)]
    return [name.removesuffix(".__init__") for name in names if name not in LEFT_OUT]


def picked(wanted: list[str]) -> list[str]:
    """Return the modules that the command line asks for, by full name or by its last part."""
    known = modules()
    if not wanted:
        return known
    found = []
    for word in wanted:
        parents = (f"{word}.", f"cbhi.{word}.")
        fits = [name for name in known if f".{name}".endswith(f".{word}") or name.startswith(parents)]
        if not fits:
            raise SystemExit(f"no module {word!r} is mutated; there are: {', '.join(known)}")
        found += [name for name in fits if name not in found]
    return found


def sizes(counts: dict[str, int], sample: int) -> dict[str, int]:
    """Share a sample among modules: a floor for each, whole modules whole, the rest in proportion to size."""
    if sample <= 0:
        return dict(counts)
    shares = {name: n if name in WHOLE else min(n, FLOOR) for name, n in counts.items()}
    left = sample - sum(shares.values())
    room = sum(counts[name] - shares[name] for name in counts)
    if left > 0 and room > 0:
        for name in counts:
            shares[name] += min(
                counts[name] - shares[name], round(left * (counts[name] - shares[name]) / room)
            )
    return shares


def tests(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the test files that match, relative to the repository."""
    return tuple(str(path.relative_to(ROOT)) for pattern in patterns for path in sorted(ROOT.glob(pattern)))


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--modules", nargs="+", default=[], metavar="NAME", help="only these modules")
    parser.add_argument(
        "--sample", type=int, default=1500, help="mutants in all; 0 for every one (default: 1500)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default: 1)")
    parser.add_argument(
        "--resume", action="store_true", help="keep what an earlier run found in the state folder"
    )
    parser.add_argument(
        "--again", action="store_true", help="try again what survived or met no test and has no reason"
    )
    parser.add_argument(
        "--slow", type=float, default=10.0, help="tests that take longer, s, do not serve (default: 10)"
    )
    parser.add_argument("--budget", type=float, default=20.0, help="tests of one mutant, s (default: 20)")
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "cbhi-mutation")
    parser.add_argument("--json", type=Path, help="write what was found for machines")
    parser.add_argument("--page", type=Path, help="write the page of the documentation")
    parser.add_argument(
        "--report-only", action="store_true", help="run nothing, report what is in the state folder"
    )
    parser.add_argument("--plan", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.sample < 0 or given.slow <= 0 or given.budget <= 0:
        parser.error("--sample must be 0 or more, --slow and --budget must be above 0 seconds")
    if given.state.resolve().is_relative_to(ROOT):
        parser.error(f"--state {given.state} lies inside the repository; take a folder outside")
    return given


def _of_group(group: str) -> list[str]:
    """Return all modules whose functions are watched in a group, whichever of them are mutated."""
    return [name for name in modules() if (group == "kernels") == name.startswith("cbhi.kernels")]


def _run_group(
    group: str,
    names: tuple[str, ...],
    files: tuple[str, ...],
    shares: dict[str, int],
    given: argparse.Namespace,
) -> None:
    """Run the mutants of a group in a process of its own: the compiler is on or off for a whole process."""
    from mutants import report

    if not given.resume:
        (given.state / f"{group}.jsonl").unlink(missing_ok=True)
    plan = {
        "name": group,
        "modules": names,
        "watched": _of_group(group),
        "tests": files,
        "sizes": {name: shares[name] for name in names},
        "seed": given.seed,
        "slow": given.slow,
        "budget": given.budget,
        "again": given.again,
        "reasoned": sorted(report.reasons(REASONS)),
        "kept": KEPT if group == "plain" else (),
        "state": str(given.state),
        "root": str(ROOT),
    }
    path = given.state / f"{group}.plan.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1" if group == "kernels" else "0"}
    command = [sys.executable, str(Path(__file__).resolve()), "--plan", str(path)]
    log = given.state / f"{group}.log"
    with log.open("w", encoding="utf-8") as out:
        code = subprocess.run(command, env=environment, cwd=ROOT, check=False, stdout=out).returncode
    if code:
        raise SystemExit(f"the {group} group ended with exit code {code}; see {log}")


def _carry_out(path: Path) -> int:
    """Carry out the plan in a file, in this process."""
    from mutants import session

    plan = json.loads(path.read_text(encoding="utf-8"))
    for name in ("state", "root"):
        plan[name] = Path(plan[name])
    for name in ("modules", "watched", "tests", "kept", "reasoned"):
        plan[name] = tuple(plan[name])
    voice = os.fdopen(os.dup(2), "w", encoding="utf-8")  # pytest takes the other one

    def say(text: str) -> None:
        print(text, file=voice, flush=True)

    return session.run(session.Plan(**plan), say)


def main(words: list[str] | None = None) -> int:
    """Run the mutants that the command line asks for and report."""
    given = arguments(words)
    if given.plan:
        return _carry_out(given.plan)
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    from mutants import report
    from mutants.changes import targets

    names = picked(given.modules)
    mutants = {name: [m for target in targets(name) for m in target.mutants()] for name in names}
    shares = sizes({name: len(found) for name, found in mutants.items()}, given.sample)
    given.state.mkdir(parents=True, exist_ok=True)
    if not given.report_only:
        groups = (("kernels", KERNEL_TESTS, "cbhi.kernels"), ("plain", PLAIN_TESTS, "cbhi."))
        done: set[str] = set()
        for group, patterns, prefix in groups:
            mine = tuple(
                name for name in names if name.startswith(prefix) and name not in done and mutants[name]
            )
            done |= set(mine)
            if mine:
                _run_group(group, mine, tests(patterns), shares, given)
    found = report.gather(ROOT, mutants, given.seed, given.state, REASONS)
    print(report.table(found))
    if given.json:
        report.write(given.json, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    if given.page:
        report.write(given.page, report.page(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
