"""What each partner adds in the Rwanda case: the fitted run with and without it, on common random numbers.

    python benchmarks/partners_rwanda.py              # some minutes on two cores; rewrites docs/partners.md
    python benchmarks/partners_rwanda.py --dry-run    # prints, writes nothing

Every variant keeps the seeds of the base, so that each replicate has its pair; a difference is the mean over
pairs, and its standard error is that of the pairs. Nothing is fitted again: a variant says what the model
does without a partner while everything else stays as it was, not what history would have been. All runs have
the scenario's own values, the mode of its calibration: doubt about the parameters is left out here.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

import cbhi

PAGE = Path(__file__).resolve().parents[1] / "docs" / "partners.md"
BEGIN, END = "<!-- begin: comparison -->", "<!-- end: comparison -->"
YEAR = "2012"


class Variant(NamedTuple):
    """One partner taken out, in one line of a scenario."""

    name: str
    change: dict[str, object]


VARIANTS = (
    Variant("without loans", {"loans.offered": False}),
    Variant("without associations' savings", {"groups.savings": False}),
    Variant("without associations at all", {"switches.groups": False}),
    Variant("without loans and savings", {"loans.offered": False, "groups.savings": False}),
    Variant("without subsidies", {"switches.subsidies": False}),
    Variant("without donors", {"switches.donors": False}),
    Variant("without a mandate", {"switches.mandate": False}),
    Variant("without mobilisation and mandate", {"switches.mandate": False, "switches.mobilisation": False}),
    Variant("without supply growth", {"switches.supply_growth": False}),
    Variant("without payment for performance", {"provider.performance_rwf": 0.0}),
    Variant("without pools", {"switches.pooling": False}),
)


class Outcome(NamedTuple):
    """A column: a variable of the results, of one quintile or of everybody, in a unit for reading."""

    name: str
    variable: str
    quintile: int | None
    factor: float
    digits: int


OUTCOMES = (
    Outcome("coverage, points", "coverage_end_share", None, 100.0, 2),
    *(Outcome(f"Q{q + 1}", "coverage_end_share", q, 100.0, 2) for q in range(5)),
    Outcome("visits a person and year", "visits_per_person_year", None, 1.0, 2),
    Outcome("reserves, bn RWF", "reserves_rwf", None, 1e-9, 2),
    Outcome("unpaid claims, bn RWF", "arrears_rwf", None, 1e-9, 2),
    Outcome("households' debt, bn RWF", "debt", None, 1e-9, 2),
)


def outcomes(results: cbhi.Results) -> np.ndarray:
    """Return the outcomes of the year, shape (replicates, outcomes)."""
    place = [label for label, _, _ in results.periods].index(YEAR)
    columns = []
    for outcome in OUTCOMES:
        if outcome.variable == "debt":
            values = results.values("household_debt_rwf") + results.values("loans_outstanding_rwf")
            column = values[:, place, 0]
        elif outcome.quintile is None:
            column = results.values(outcome.variable)[:, place, 0]
        else:
            column = results.values(outcome.variable, by="quintile")[:, place, outcome.quintile]
        columns.append(column * outcome.factor)
    return np.stack(columns, axis=1)


def cell(values: np.ndarray, digits: int, *, signed: bool) -> str:
    """Return mean and standard error of paired values, for a table."""
    error = values.std(ddof=1) / math.sqrt(values.size)
    return f"{values.mean():{'+' if signed else ''}.{digits}f} ({error:.{digits}f})"


def table(rows: list[tuple[str, np.ndarray]]) -> list[str]:
    """Return the comparison as a Markdown table: the base, then differences from it."""
    base = rows[0][1]
    lines = [
        "| " + " | ".join((YEAR, *(outcome.name for outcome in OUTCOMES))) + " |",
        "|---|" + "---:|" * len(OUTCOMES),
    ]
    for i, (name, values) in enumerate(rows):
        shown = values if i == 0 else values - base
        cells = [cell(shown[:, j], o.digits, signed=i > 0) for j, o in enumerate(OUTCOMES)]
        lines.append("| " + " | ".join((name, *cells)) + " |")
    return lines


def write(page: Path, text: str) -> None:
    """Put the text between the markers, through a temporary file."""
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(before):
        raise SystemExit(f"{page} has no part between {BEGIN} and {END}")
    after = pattern.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", before)
    handle, temporary = tempfile.mkstemp(dir=page.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(after)
    os.chmod(temporary, 0o644)
    os.replace(temporary, page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--households", type=int, default=20_000)
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    base = cbhi.scenario("rwanda").at_point()
    rows = []
    for name, change in (("Rwanda, at the mode of its calibration", {}), *VARIANTS):
        results = cbhi.simulate(
            base.replace(change),
            households=arguments.households,
            replicates=arguments.replicates,
            seed=1,
            workers=arguments.workers,
        )
        rows.append((name, outcomes(results)))
        print(table([rows[0], rows[-1]])[-1], flush=True)
    lines = table(rows)
    lines += [
        "",
        f"Means of {arguments.replicates} runs of {arguments.households:,} households with the same seeds;"
        " standard errors of the paired differences in brackets; the first row levels, the others differences"
        " from it. All at the scenario's own values, the mode of its calibration (`--point`), so that the"
        " errors are chance alone.",
    ]
    if not arguments.dry_run:
        write(PAGE, "\n".join(lines))


if __name__ == "__main__":
    main()
