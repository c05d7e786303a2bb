"""Simulations to the mode: cbhi against Optuna TPE and CMA-ES, from the same starting knowledge.

    pip install 'cbhi[calibration-rivals]'
    python benchmarks/calibration               # a quarter of an hour on two cores
    python benchmarks/calibration --quick        # minutes; few data sets, small budgets
    python benchmarks/calibration --check        # exit 1 where a must is missed

Every method sees the same standardised space, the same centre, the same simulator on common random numbers,
and the same loss: half the squared distance from the targets plus half the squared distance from the prior's
centre, in nats. Data sets are synthetic: a cheap model of Rwanda's size (``mean_field.py``), and the engine
at small size (``engine.py``), each with errors as published and with a third of them. The best known loss of
a data set is the lowest that any method found, searches from the truth and from each method's best included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# one thread a data set; before anything imports numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[0] = str(Path(__file__).resolve().parents[1])

import cbhi  # noqa: E402
from calibration.comparing import PROBLEMS, cases, run_case, table, verdict  # noqa: E402
from calibration.methods import versions  # noqa: E402


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
        "command": " ".join(["python", "benchmarks/calibration", *sys.argv[1:]]),
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
