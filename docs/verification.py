"""Run all cases of verification and write their table into docs/verification.md.

python docs/verification.py                       # some minutes
python docs/verification.py --rows rows.json      # from the output of `cbhi verify --json`
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent / "verification.md"


def replace_part(text: str, name: str, content: str) -> str:
    """Return the page with a generated part replaced."""
    begin, end = f"<!-- from docs/verification.py: {name} -->\n", f"<!-- to: {name} -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{PAGE.name} has no part '{name}'")
    return head + begin + content + end + tail


def table(records: list[dict[str, Any]]) -> str:
    """Return the rows as a table of the page."""
    from cbhi.verification.report import show_number as number

    lines = [
        "",
        "| limit | what | closed form | simulated | standard error | ok | 5 % wrong in | formula | test |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in records:
        unit = "" if row["unit"] == "-" else f" ({row['unit']})"
        error = "exact" if row["standard_error"] == 0 else number(row["standard_error"])
        test = f"`test_case[{row['case']}]`"
        verdict = "yes" if row["ok"] else "**no**"
        formula = f"`{row['source']}`" if row["source"].startswith("cbhi.") else row["source"]
        blunt = row["wrong_by"] or ("a constant" if row["wrong"] else "the value")
        values = (number(row["closed_form"]), number(row["simulated"]), error)
        cells = (row["limit"], row["name"] + unit, *values, verdict, blunt, formula, test)
        lines.append("| " + " | ".join(cells) + " |")
    good = sum(row["ok"] for row in records)
    lines += [
        "",
        f"{good} of {len(records)} rows are ok. The tests stand in `tests/limits/test_verification.py`.",
        "",
    ]
    return "\n".join(lines) + "\n"


def cases() -> str:
    """Return what each case says about itself."""
    from cbhi.verification import known_cases

    lines = [""]
    for one in known_cases().values():
        lines.append(f"**{one.name}** ({one.limit}). {one.title}")
        if one.about:
            lines.append(inspect.cleandoc(one.about))
        lines.append("")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; exit 1 if a row fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--rows", type=Path, help="output of `cbhi verify --json`, instead of running the cases"
    )
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.rows is not None:
        records = json.loads(arguments.rows.read_text())
    else:
        from cbhi.verification import run_cases
        from cbhi.verification.report import records_of_rows

        records = records_of_rows(run_cases(workers=arguments.workers))
    text = PAGE.read_text()
    PAGE.write_text(replace_part(replace_part(text, "verification", table(records)), "cases", cases()))
    return 0 if all(row["ok"] for row in records) else 1


if __name__ == "__main__":
    sys.exit(main())
