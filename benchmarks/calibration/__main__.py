"""Simulations to the mode: cbhi against Optuna TPE and CMA-ES, from the same starting knowledge.

    pip install 'cbhi[calibration-rivals]'
    python benchmarks/calibration                           # about an hour on two cores
    python benchmarks/calibration --quick        # minutes; few data sets, small budgets
    python benchmarks/calibration --check        # exit 1 where a must is missed

Every method sees the same standardised space, the same centre, the same simulator on common random numbers,
and the same loss: half the squared distance from the targets plus half the squared distance from the prior's
centre, in nats. Data sets are synthetic: a cheap model without chance (``mean_field.py``), and the engine at
small size (``engine.py``), each with errors as published and with a third of them. The best known loss of
a data set is the lowest that any method found, searches from the truth and from each method's best included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

# one thread a data set; before anything imports numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np  # noqa: E402

import cbhi  # noqa: E402
from calibration.engine import problem as engine_problem  # noqa: E402
from calibration.mean_field import problem as mean_field_problem  # noqa: E402
from calibration.methods import METHODS, Trace, scipy_least_squares, versions  # noqa: E402
from cbhi.calibration.core import Problem  # noqa: E402

GAPS = (10.0, 3.0, 1.0)
"""Nats above the best known loss at which simulations are counted."""
MOST_SIMULATIONS = 150
"""Must: the mode within one nat in at most so many simulations, in every data set."""
FEWER = 10.0
"""Must: so many times fewer simulations than Optuna TPE."""

PROBLEMS: dict[str, Callable[[int], tuple[Problem, np.ndarray]]] = {
    "cheap model": mean_field_problem,
    "cheap model, errors a third": partial(mean_field_problem, factor=1 / 3),
    "engine": engine_problem,
    "engine, errors a third": partial(engine_problem, factor=1 / 3),
}


class Case(NamedTuple):
    """One data set, and how many simulations each rival gets."""

    kind: str
    number: int
    budget: int


def run_case(case: Case) -> list[dict[str, Any]]:
    """Run all methods on one data set; return one row a method."""
    problem, truth = PROBLEMS[case.kind](case.number)
    traces = {name: method(problem, case.budget) for name, method in METHODS.items()}
    starts = [truth, *(trace.best for trace in traces.values())]
    polished = [scipy_least_squares(problem, 150, start).losses.min() for start in starts]
    best = min([*polished, *(trace.losses.min() for trace in traces.values())])
    return [_row(case, name, trace, float(best)) for name, trace in traces.items()]


def _row(case: Case, name: str, trace: Trace, best: float) -> dict[str, Any]:
    running = np.minimum.accumulate(np.where(np.isfinite(trace.losses), trace.losses, np.inf))
    needed = {
        f"to_{gap:g}": int(np.argmax(running <= best + gap)) + 1 if running[-1] <= best + gap else None
        for gap in GAPS
    }
    return {
        "problem": case.kind,
        "data_set": case.number,
        "method": name,
        "simulations": len(trace.losses),
        "batches": trace.batches,
        "gap": float(running[-1] - best),
        "best_known": best,
        "own_seconds": round(trace.own_seconds, 3),
        **needed,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return one line a problem and method, as Markdown."""
    lines = [
        "| problem | method | data sets | simulations | batches | gap, nats: median (worst)"
        " | to +10 | to +3 | to +1 | share within +1 | own time, s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in PROBLEMS:
        for name in METHODS:
            part = [row for row in rows if row["problem"] == kind and row["method"] == name]
            if not part:
                continue
            gaps = [row["gap"] for row in part]
            reached = [_reached([row[f"to_{gap:g}"] for row in part]) for gap in GAPS]
            share = np.mean([row["to_1"] is not None for row in part])
            cells = (
                kind,
                name,
                str(len(part)),
                f"{np.median([row['simulations'] for row in part]):,.0f}",
                f"{np.median([row['batches'] for row in part]):,.0f}",
                f"{np.median(gaps):.2f} ({np.max(gaps):.2f})",
                *reached,
                f"{100 * share:.0f} %",
                f"{np.median([row['own_seconds'] for row in part]):.1f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _reached(needed: Sequence[int | None]) -> str:
    """Return the median number of simulations and its range; data sets that never got there are infinite."""
    counts = np.sort([np.inf if count is None else float(count) for count in needed])
    median = counts[(len(counts) - 1) // 2 :][: 2 - len(counts) % 2].mean()
    words = "never" if np.isinf(median) else f"{median:,.0f}"
    low, high = counts[0], counts[-1]
    if np.isinf(low):
        return words
    return f"{words} ({low:,.0f} to {'never' if np.isinf(high) else f'{high:,.0f}'})"


def verdict(rows: Sequence[dict[str, Any]]) -> list[tuple[bool, str]]:
    """Return the musts: whether each is met, and in words."""
    found = []
    for kind in PROBLEMS:
        ours = [row["to_1"] for row in rows if row["problem"] == kind and row["method"] == "cbhi"]
        if not ours:
            continue
        late = [count for count in ours if count is None or count > MOST_SIMULATIONS]
        worst = "never" if None in ours else str(max(ours))
        found.append(
            (
                not late,
                f"{kind}: within one nat in at most {MOST_SIMULATIONS} simulations in"
                f" {len(ours) - len(late)} of {len(ours)} data sets (worst {worst})",
            )
        )
        ratios = _ratios([row for row in rows if row["problem"] == kind])
        found.append(
            (
                bool(np.median(ratios) >= FEWER),
                f"{kind}: Optuna TPE needs at least {np.median(ratios):.1f} times as many simulations to +1"
                f" (median over data sets; must {FEWER:g}; where it never got there its budget counts)",
            )
        )
    return found


def _ratios(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Return, for each data set, TPE's simulations to +1 over ours; its budget where it never got there."""
    ratios = []
    for number in sorted({row["data_set"] for row in rows}):
        part = {row["method"]: row for row in rows if row["data_set"] == number}
        theirs, ours = part["Optuna TPE"], part["cbhi"]["to_1"]
        ratios.append((theirs["to_1"] or theirs["simulations"]) / ours if ours else 0.0)
    return ratios


def cases(quick: bool) -> list[Case]:
    """Return the data sets."""
    cheap, engine = (
        [kind for kind in PROBLEMS if "cheap" in kind],
        [kind for kind in PROBLEMS if "eng" in kind],
    )
    if quick:
        return [
            *(Case(kind, 0, 400) for kind in engine),
            *(Case(kind, i, 300) for kind in cheap for i in (0, 1)),
        ]
    # the dear ones first, so that no worker is left alone with one at the end
    return [
        *(Case(kind, i, 1500) for kind in engine for i in range(6)),
        *(Case(kind, i, 2000) for kind in cheap for i in range(20)),
    ]


def main() -> int:
    """Run the comparison; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few data sets and small budgets")
    parser.add_argument("--check", action="store_true", help="exit 1 where a must is missed")
    parser.add_argument("--only", choices=list(PROBLEMS), help="one of the problems")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/calibration-rivals"))
    given = parser.parse_args()
    wanted = [case for case in cases(given.quick) if given.only in (None, case.kind)]
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(given.workers) as pool:
        for found in pool.map(run_case, wanted):
            rows += found
            line = ", ".join(f"{row['method']} {row['gap']:.2f} (+1 at {row['to_1']})" for row in found)
            print(f"{found[0]['problem']} {found[0]['data_set']}: {line}", file=sys.stderr, flush=True)
    musts = verdict(rows)
    about = {
        "command": " ".join(["python", "benchmarks/calibration/compare.py", *sys.argv[1:]]),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version(), "cbhi": cbhi.__version__, **versions()},
        "musts": [{"met": met, "what": words} for met, words in musts],
        "rows": rows,
    }
    text = "\n".join(
        [
            table(rows),
            "",
            *(f"- {'met' if met else '**missed**'}: {words}" for met, words in musts),
            "",
            f"{about['command']}, {about['date']}, "
            + ", ".join(f"{name} {number}" for name, number in about["versions"].items()),
        ]
    )
    given.output.mkdir(parents=True, exist_ok=True)
    for name, content in (("rivals.json", json.dumps(about, indent=1)), ("rivals.md", text)):
        temporary = given.output / f".{name}.part"
        temporary.write_text(content + "\n", encoding="utf-8")
        os.replace(temporary, given.output / name)
    print(text)
    return 1 if given.check and not all(met for met, _ in musts) else 0


if __name__ == "__main__":
    sys.exit(main())
