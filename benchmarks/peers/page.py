"""The table of docs/peers.md, from what a run saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN = "<!-- from python benchmarks/peers --page docs/peers.md -->"
END = "<!-- end -->"

_HEAD = (
    "| peer | ns a household and year | the same, cbhi | ratio (smallest - largest) | must | aim | met"
    " | a step of each | furthest apart |\n|---|---|---|---|---|---|---|---|---|\n"
)


def number(value: float | None) -> str:
    """Return a figure to three digits, with separators from a thousand on."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows that a run saved as a table."""
    lines = []
    for row in rows:
        apart = row["furthest_apart"]
        spread = f"{number(row['ratio_smallest'])} - {number(row['ratio_largest'])}"
        met = "-" if row["must"] is None else "yes" if row["ok"] else "no"
        cells = [
            row["name"],
            number(row["peer_ns_per_household_year"]),
            number(row["cbhi_ns_per_household_year"]),
            f"{number(row['value'])} ({spread})",
            number(row["must"]),
            number(row["aim"]),
            met,
            number(row["ratio_per_step"]),
            f"{apart['name']}: {apart['standard_errors']:+.1f} s.e.",
        ]
        lines.append("| " + " | ".join(cells) + " |\n")
    return _HEAD + "".join(lines)


def fill_in(page: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the table of a run between the marks of a page.

    Raises
    ------
    ValueError
        When the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"'{page}' has no place for the table, between '{BEGIN}' and '{END}'")
    page.write_text(f"{before}{BEGIN}\n\n{table(rows)}\n{END}{after}", encoding="utf-8")
