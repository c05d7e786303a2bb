"""Months as whole numbers: 12 * year + month - 1, so that any run may start anywhere."""

from __future__ import annotations

import datetime
import re

_TEXT = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
FIRST_YEAR, LAST_YEAR = 1900, 2200


def parse_month(value: str | datetime.date) -> int:
    """Return the month number of ``"2004-12"`` or of a date.

    Raises
    ------
    ValueError
        When the text is not a month or its year lies outside 1900 to 2200.
    """
    if isinstance(value, datetime.date):
        year, month = value.year, value.month
    else:
        match = _TEXT.match(str(value))
        if match is None:
            raise ValueError(f"'{value}' is not a month; write it like '2004-12'")
        year, month = int(match[1]), int(match[2])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"year {year} is outside {FIRST_YEAR} to {LAST_YEAR}")
    return 12 * year + month - 1


def format_month(month: int) -> str:
    """Return ``"2004-12"`` for a month number."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"
