"""Interviews before they become indicators: checked, kept where they are about a year, as arrays.

What a household did is told of the months before its interview. Indicators set it beside consumption and
risk of a year, so interviews about fewer months (the first of a run, or of a new family) are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from cbhi.indicators import UndefinedError
from cbhi.run_indicators.readings import F8
from cbhi.strata import GROUPS

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_POSITIVE = ("weight", "persons", "consumption_rwf")
_COUNTED = (
    "contribution_rwf",
    "sponsored_rwf",
    "out_of_pocket_rwf",
    "visits",
    "episodes",
    "claims_rwf",
    "expected_episodes",
    "public_expected_episodes",
)
_FLAGS = ("is_formal", "is_member")
NEEDED = ("replicate", "period", *_POSITIVE, "category", *_FLAGS, *_COUNTED)
"""Columns that a survey must have. ``adult_equivalents`` and ``months`` are used where they are there."""

ENOUGH = 0.2
"""Least part of a year's interviews that must be about twelve months: those of three months in twelve are."""


class Lines(NamedTuple):
    """What a year needs from outside the run: a poverty line and a purchasing power, or why there is none."""

    poverty: float
    poverty_note: str
    poverty_why: str
    ppp: float
    ppp_why: str


class Sample:
    """The interviews of one replicate and year as arrays, and the lines of the year."""

    def __init__(self, rows: pd.DataFrame, lines: Lines) -> None:
        self.rows = rows
        self.lines = lines
        self._columns: dict[str, F8] = {}
        self._found: dict[Any, Any] = {}
        self.persons = self["persons"]
        self.equivalents = self["adult_equivalents"] if "adult_equivalents" in rows else self.persons
        self.households = self["weight"]
        self.people = self.households * self.persons
        self.consumption = self["consumption_rwf"]
        self.out_of_pocket = self["out_of_pocket_rwf"]
        self.living = self.consumption / self.equivalents

    def __getitem__(self, column: str) -> F8:
        if column not in self._columns:
            values = self.rows[column].to_numpy(dtype=float)
            # what one indicator reads the next one reads too
            values.flags.writeable = False
            self._columns[column] = values
        return self._columns[column]

    def once(self, work: Callable[[Sample], T]) -> T:
        """Return what some work finds in this sample; the same work is done once."""
        if work not in self._found:
            try:
                self._found[work] = work(self)
            except UndefinedError as error:
                self._found[work] = error
        found: T | UndefinedError = self._found[work]
        if isinstance(found, UndefinedError):
            raise found
        return found

    def a_person(self, column: str) -> F8:
        """Return a household's total a person."""
        return self[column] / self.persons

    def an_equivalent(self, column: str) -> F8:
        """Return a household's total a person, or an adult equivalent where these are known."""
        return self[column] / self.equivalents

    def only(self, keep: F8) -> Sample:
        """Return the part of the sample for which ``keep`` is not zero."""
        return Sample(self.rows[keep != 0], self.lines)


class Year(NamedTuple):
    """The interviews of one replicate and reporting year: those in use, and what to say of them."""

    sample: Sample | None
    note: str = ""  # which part of the interviews is used; empty for all
    why: str = ""  # why none is


def read_years(
    survey: pd.DataFrame, numbers: Sequence[int], labels: Sequence[str], lines: Mapping[str, Lines]
) -> dict[tuple[int, str], Year]:
    """Return the interviews about twelve months by replicate and reporting year.

    Parameters
    ----------
    survey
        One row a household and interview, checked; may be empty. Without ``months`` all are taken to be about
        a year.
    numbers, labels
        Replicates and reporting years of the run.
    lines
        Poverty line and purchasing power by label of the reporting year.

    Returns
    -------
    dict
        For every replicate and year, with a reason where no interview can be used.
    """
    nobody = Year(None, why="no household was interviewed" if len(survey) else "this run kept no survey")
    years = {(number, label): nobody for number in numbers for label in labels}
    for key, rows in survey.groupby(["replicate", "period"]) if len(survey) else ():
        number, label = int(str(key[0])), str(key[1])
        if (number, label) in years:
            years[number, label] = _read_year(rows, label, lines[label])
    return years


def _read_year(rows: pd.DataFrame, label: str, lines: Lines) -> Year:
    if "months" not in rows:
        return Year(Sample(rows, lines))
    months = _numbers(rows, "months")
    whole = rows[months == 12]
    if whole.empty:
        least, most = int(months.min()), int(months.max())
        cover = f"{least} to {most} months" if least < most else f"{most} month{'' if most == 1 else 's'}"
        return Year(None, why=f"interviews of {label} cover {cover}, not 12")
    if len(whole) < ENOUGH * len(rows):
        return Year(None, why=f"only {len(whole):,} of {len(rows):,} interviews of {label} cover 12 months")
    note = (
        "" if len(whole) == len(rows) else f"{len(whole):,} of {len(rows):,} interviews, those of 12 months"
    )
    return Year(Sample(whole, lines), note)


def check_survey(survey: pd.DataFrame) -> None:
    """Raise for columns that are missing and for cells that no household can have.

    Parameters
    ----------
    survey
        One row a household and interview; an empty one is none and passes.

    Raises
    ------
    ValueError
        Naming all missing columns, or the first column with bad rows, how many, and what is allowed.
    """
    if not len(survey):
        return
    missing = [column for column in NEEDED if column not in survey]
    if missing:
        raise ValueError(f"the survey has no column {', '.join(missing)}; it needs {', '.join(NEEDED)}")
    optional = [column for column in ("adult_equivalents",) if column in survey]
    for column in (*_POSITIVE, *optional):
        cells = _numbers(survey, column)
        _refuse(survey, column, ~(np.isfinite(cells) & (cells > 0)), "be above 0")
    for column in _COUNTED:
        cells = _numbers(survey, column)
        _refuse(survey, column, ~(np.isfinite(cells) & (cells >= 0)), "be 0 or more")
    for column in _FLAGS:
        _refuse(survey, column, ~np.isin(_numbers(survey, column), (0.0, 1.0)), "be true or false (1 or 0)")
    if "months" in survey:
        cells = _numbers(survey, "months")
        _refuse(
            survey, "months", ~np.isin(cells, np.arange(13.0)), "be the months told of: whole, from 0 to 12"
        )
    known = GROUPS["category"]
    _refuse(survey, "category", ~survey["category"].isin(known).to_numpy(), f"be one of {', '.join(known)}")


def _numbers(survey: pd.DataFrame, column: str) -> F8:
    """Return a column as numbers, not a number where a cell is none."""
    import pandas as pd

    return pd.to_numeric(survey[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _refuse(survey: pd.DataFrame, column: str, bad: np.ndarray, must: str) -> None:
    if bad.any():
        first = survey[column].iloc[int(np.argmax(bad))]
        raise ValueError(
            f"survey column {column} must {must}; {int(bad.sum())} of {len(survey)} rows are not,"
            f" the first has {first if isinstance(first, (int, float, np.number)) else repr(first)}"
        )
