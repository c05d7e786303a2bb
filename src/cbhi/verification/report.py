"""Rows of verification as a table for a person and as records for a machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cbhi.tables import Table
from cbhi.verification.core import STANDARD_ERRORS, Row

__all__ = ["named", "records_of_rows", "show_number", "table_of_rows", "verdict"]

_HEADS = ("limit", "what", "closed form", "simulated", "s.e.", "off by", "verdict")


def show_number(value: float | None) -> str:
    """Return five significant figures, without an exponent where it can be helped.

    Parameters
    ----------
    value
        Any number; what is none, or not finite, is shown as a dash.
    """
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0.0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        decimals = max(0, 4 - math.floor(math.log10(abs(value))))
        return f"{value:,.{decimals}f}"
    return f"{value:.4g}"


def _distance(row: Row) -> str:
    """Return how far the engine is from the closed form: in standard errors where there are any."""
    if not math.isfinite(row.simulated):
        return "-"
    if row.standard_error > 0.0:
        return f"{(row.simulated - row.closed_form) / row.standard_error + 0.0:+.1f} s.e."
    return show_number(row.simulated - row.closed_form) if row.simulated != row.closed_form else "0"


def named(row: Row) -> str:
    """Return what a row compares, with its unit.

    Parameters
    ----------
    row
        The comparison.
    """
    return f"{row.name} ({row.unit})" if row.unit != "-" else row.name


def verdict(row: Row) -> str:
    """Return what is to be said of a row.

    Parameters
    ----------
    row
        The comparison.
    """
    if row.ok:
        return "ok"
    if not math.isfinite(row.simulated):
        return "DID NOT RUN"
    return "MISSES" if not row.agrees else "BLIND"


def table_of_rows(rows: Sequence[Row]) -> Table:
    """Return the comparisons as a table.

    Parameters
    ----------
    rows
        Comparisons, in order.

    Returns
    -------
    Table
        One line a row: limit, what is compared, closed form, simulated value, its standard error, how far
        off, verdict.
    """
    failed = sum(not row.ok for row in rows)
    lines = tuple(
        (
            row.limit,
            named(row),
            show_number(row.closed_form),
            show_number(row.simulated),
            "exact" if row.standard_error == 0.0 else show_number(row.standard_error),
            _distance(row),
            verdict(row),
        )
        for row in rows
    )
    said = f"{len(rows) - failed} of {len(rows)} rows are ok."
    rule = (
        f"A row is ok where the engine is within {STANDARD_ERRORS:g} standard errors of the closed form"
        " (where it is exact: equal, but for whole francs and people), and where a closed form that is"
        " 5 % wrong, or has a constant that is, would be refused."
    )
    words = "MISSES: too far off. BLIND: not precise enough to notice an error of 5 %."
    return Table(
        title="The engine in limits that theory knows",
        heads=(_HEADS,),
        rows=lines,
        notes=(said, rule, *([words] if failed else [])),
        n_labels=2,
        say_once=True,
    )


def records_of_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the comparisons as plain values, ready for JSON.

    Parameters
    ----------
    rows
        Comparisons, in order.

    Returns
    -------
    list of dict
        Keys ``name``, ``limit``, ``case``, ``closed_form``, ``simulated``, ``standard_error``,
        ``resolution``, ``unit``, ``source``, ``wrong`` (closed forms that would be refused, where 5 % of the
        value is not what is asked) and ``wrong_by`` (which constant is 5 % off in them), ``notices``, ``ok``,
        ``test``. Values that do not exist are None.
    """

    def plain(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    return [
        {
            "name": row.name,
            "limit": row.limit,
            "case": row.case,
            "closed_form": plain(row.closed_form),
            "simulated": plain(row.simulated),
            "standard_error": plain(row.standard_error),
            "resolution": plain(row.resolution),
            "unit": row.unit,
            "source": row.source,
            "wrong": [plain(value) for value in row.wrong],
            "wrong_by": row.wrong_by,
            "notices": row.notices,
            "ok": row.ok,
            "test": row.test,
        }
        for row in rows
    ]
