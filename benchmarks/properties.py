"""Check every property on many random examples, and say how many and which was the slowest.

    python benchmarks/properties.py [--examples 2000] [--property NAME ...] [--kind always ...]
                                    [--json FILE] [--seed 1] [--page docs/testing.md]

Examples are random scenarios, and random contracts on top of the shipped case; both are new in every
batch of 100. With ``--json`` what is finished is written after every batch, and a second call goes on
from there, so that it can be stopped at any time. ``--page`` writes the table of a page from
what was counted. The exit code is 1 if a property failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from cbhi import Scenario, scenario
from cbhi.engine import engine_hash
from cbhi.testing import KINDS, PROPERTIES, Report, check_properties, properties_of

BATCH = 100
EXPECTATION_HOUSEHOLDS = 4_000
_BEGIN, _END = "<!-- counted: properties -->", "<!-- counted to here -->"


def shipped() -> Scenario:
    """Return the shipped case in its most eventful years: subsidies, loans, targets, pools and the law."""
    return scenario("rwanda").at_point().replace(start="2006-01", end="2008-06", name="Rwanda, 2006 to 2008")


def empty() -> dict[str, Any]:
    """Return a record without any example."""
    return {"engine": engine_hash(), "seconds": 0.0, "batches": 0, "properties": {}}


def read(file: Path | None) -> dict[str, Any]:
    """Return what an earlier call has finished, if it was this engine's."""
    if file is None or not file.exists():
        return empty()
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if found.get("engine") != engine_hash():
        print(f"'{file}' is of another engine; beginning anew")
        return empty()
    return found


def write(file: Path | None, record: dict[str, Any]) -> None:
    """Write the record under a temporary name and rename it."""
    if file is None:
        return
    temporary = file.with_name(f".writing-{file.name}")
    temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, file)


def add(record: dict[str, Any], report: Report) -> None:
    """Add what a batch has seen."""
    for row in report.rows:
        if row.examples == 0:
            continue
        known = record["properties"].setdefault(
            row.checked.name,
            {
                "kind": row.checked.kind, "statement": row.checked.statement, "examples": 0, "met": 0,
                "failed": 0, "seconds": 0.0, "slowest_s": 0.0, "slowest": "", "figure": None,
                "standard_error": None, "unit": "", "failure": "",
            },
        )  # fmt: skip
        known["examples"] += row.examples
        known["met"] += row.exercised
        known["seconds"] += row.seconds
        if row.slowest > known["slowest_s"] and row.slowest_case is not None:
            case = row.slowest_case
            known["slowest_s"] = row.slowest
            known["slowest"] = f"{case.households} households, {case.scenario.n_months} months"
        if row.failure is not None:
            known["failed"] += 1
            known["failure"] = str(row.failure)
        if row.outcome is not None and row.outcome.figure is not None:
            known["figure"] = float(row.outcome.figure)
            known["standard_error"] = float(row.outcome.standard_error or 0.0)
            known["unit"] = row.outcome.unit


def show(record: dict[str, Any]) -> None:
    """Print the record as a table."""
    head = f"{'property':<24}  {'kind':<14}  {'examples':>8}  {'met':>6}  {'slowest, s':>10}  result"
    print(head)
    print("-" * len(head))
    for name in PROPERTIES:
        if (row := record["properties"].get(name)) is None:
            continue
        result = "FAILED" if row["failed"] else "ok" if row["met"] else "not met"
        if row["figure"] is not None and not row["failed"]:
            result = f"{row['figure']:.3g} (s.e. {row['standard_error']:.2g}) {row['unit']}"
        print(
            f"{name:<24}  {row['kind']:<14}  {row['examples']:>8,}  {row['met']:>6,}"
            f"  {row['slowest_s']:>10.2f}  {result}"
        )
    print(f"{record['seconds']:.0f} seconds, engine {record['engine']}")
    for row in record["properties"].values():
        if row["failed"]:
            print(row["failure"])


def fill(page: Path, record: dict[str, Any]) -> None:
    """Write the table of a page between its marks."""
    lines = ["| property | kind | what holds | examples | met | slowest, s |", "|---|---|---|---|---|---|"]
    for name, one in PROPERTIES.items():
        row = record["properties"].get(name)
        counts = (
            "| | | " if row is None else f"| {row['examples']:,} | {row['met']:,} | {row['slowest_s']:.2f} "
        )
        shown = ""
        if row is not None and row["figure"] is not None:
            shown = f" Rwanda: {row['figure']:.3g} (s.e. {row['standard_error']:.1g}) {row['unit']}."
        lines.append(f"| {name} | {one.kind} | {one.statement}{shown} {counts}|")
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    if not after:
        raise SystemExit(f"'{page}' has no marks {_BEGIN} and {_END}")
    temporary = page.with_name(f".writing-{page.name}")
    temporary.write_text("\n".join([f"{before}{_BEGIN}", *lines, f"{_END}{after}"]), encoding="utf-8")
    os.replace(temporary, page)


def run(record: dict[str, Any], chosen: argparse.Namespace) -> None:
    """Run batch after batch until every property has its examples."""
    names = [p.name for p in properties_of(chosen.property, chosen.kind)]
    random = [p.name for p in properties_of(names, ("always", "equal draws"))]

    def batch(base: Scenario | str | None, **more: Any) -> None:
        began = time.perf_counter()
        add(record, check_properties(base, clock=time.perf_counter, **more))
        record["seconds"] += time.perf_counter() - began
        write(chosen.json, record)

    def missing(name: str) -> int:
        row = record["properties"].get(name)
        return int(chosen.examples) - (row["examples"] if row is not None else 0)

    while todo := [name for name in random if missing(name) > 0]:
        number = record["batches"]
        record["batches"] += 1
        batch(
            # every other batch on the shipped case under random contracts and events
            None if number % 2 == 0 else shipped(),
            names=todo,
            examples=min(BATCH, max(missing(name) for name in todo)),
            seed=chosen.seed + number,
        )
        done = min(chosen.examples - missing(name) for name in todo)
        print(f"{done} examples, {record['seconds']:.0f} s", file=sys.stderr, flush=True)
    for one in properties_of(names, ("in expectation",)):
        if one.name not in record["properties"]:
            batch("rwanda", names=[one.name], in_expectation=EXPECTATION_HOUSEHOLDS, seed=chosen.seed)


def main() -> int:
    """Run what is missing; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=2_000, help="examples for each property; 2000")
    parser.add_argument("--property", action="append", help="one property; may be repeated; all if not given")
    parser.add_argument("--kind", action="append", choices=KINDS, help="one kind; may be repeated")
    parser.add_argument("--json", type=Path, help="where to keep what is finished, and to go on from")
    parser.add_argument("--page", type=Path, help="a page whose table is written from what was counted")
    parser.add_argument("--seed", type=int, default=1, help="of the first batch; 1")
    chosen = parser.parse_args()
    record = read(chosen.json)
    try:
        run(record, chosen)
    except KeyboardInterrupt:
        print("interrupted; what is finished is kept", file=sys.stderr)
    show(record)
    if chosen.page is not None:
        fill(chosen.page, record)
    return 1 if any(row["failed"] for row in record["properties"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
