"""How searches are compared: data sets, what is counted, the table and the musts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from calibration.engine import problem as engine_problem
from calibration.mean_field import problem as mean_field_problem
from calibration.methods import METHODS, Trace, scipy_least_squares
from cbhi.calibration.core import Problem

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
    return [measure(case, name, trace, float(best)) for name, trace in traces.items()]


def measure(case: Case, name: str, trace: Trace, best: float) -> dict[str, Any]:
    """Return one row: how many simulations one method needed, and how near it came."""
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
        part = [row for row in rows if row["problem"] == kind]
        ratio = float(np.median(_ratios(part)))
        late = sum(row["to_1"] is None for row in part if row["method"] == "Optuna TPE")
        least = "at least " if late else ""
        words = f"{kind}: Optuna TPE needs {least}{ratio:.1f} times as many simulations to +1"
        if late:
            words += f"; {late} of {len(ours)} of its searches never got there, and their budget counts"
        found.append((ratio >= FEWER, f"{words} (median over data sets; must {FEWER:g})"))
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
            *(Case(kind, 0, 750) for kind in engine),
            *(Case(kind, i, 750) for kind in cheap for i in (0, 1)),
        ]
    # the dear ones first, so that no worker is left alone with one at the end
    return [
        *(Case(kind, i, 1200) for kind in engine for i in range(5)),
        *(Case(kind, i, 1200) for kind in cheap for i in range(10)),
    ]
