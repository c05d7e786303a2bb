"""Months as whole numbers: 12 * year + month - 1, so that any run may start anywhere."""

from __future__ import annotations

import calendar
import datetime
import re

_TEXT = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
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
        match = _TEXT.fullmatch(str(value))
        if match is None:
            raise ValueError(explain_date(value))
        year, month = int(match[1]), int(match[2])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"year {year} is outside {FIRST_YEAR} to {LAST_YEAR}")
    return 12 * year + month - 1


def format_month(month: int) -> str:
    """Return ``"2004-12"`` for a month number."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def explain_date(value: object) -> str:
    """Return why something is not a month, and how to write the one that was probably meant.

    Parameters
    ----------
    value
        What was written for a month or a date.
    """
    text = str(value)
    said = f"'{text}' is not a month"
    if re.fullmatch(r"\d{4}", text):
        return f"{said} but a year; write '{text}-01', or {text}-01-01 as a date"
    match = re.fullmatch(r"(\d{4})([-/.])(\d{1,2})(?:[-/.](\d{1,2}))?", text)
    if match is None:
        turned = re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", text)
        hint = f"; the year comes first, like {turned[3]}-07-01" if turned else "; write it like '2004-12'"
        return said + hint
    year, month, day = int(match[1]), int(match[3]), int(match[4] or 1)
    if not 1 <= month <= 12:
        return (
            f"{said}: months run from 1 to 12; write it like '{year:04d}-12', or {year:04d}-12-01 as a date"
        )
    if year < 1:
        return f"{said}: years run from {FIRST_YEAR} to {LAST_YEAR}"
    length = calendar.monthrange(year, month)[1]
    if not 1 <= day <= length:
        name = calendar.month_name[month]
        return f"{said}: {name} {year} has {length} days; write {year:04d}-{month:02d}-{length:02d}"
    if match[4] is None and match[2] == "-" and len(match[3]) == 2:
        return f"{text} is a month without a day; write {text}-01, or '{text}' in quotes"
    return f"{said}; write '{year:04d}-{month:02d}', or {year:04d}-{month:02d}-{day:02d} as a date"
