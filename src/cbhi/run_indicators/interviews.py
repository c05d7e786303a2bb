"""Interviews before they become indicators: checked, kept where they are about a year, as arrays.

What a household did is told of the months before its interview. Indicators set it beside consumption and
risk of a year, so interviews about fewer months (the first of a run, or of a new family) are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

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


class Interviews:
    """The interviews of a whole survey, each column an array that is made once."""

    def __init__(self, survey: pd.DataFrame) -> None:
        self.survey = survey
        self._columns: dict[tuple[str, str], F8] = {}

    def numbers(self, column: str) -> F8:
        """Return a column as numbers."""
        return self._kept(column, "", lambda: _numbers(self.survey, column))

    def equal(self, column: str, text: str) -> F8:
        """Return 1 where a column of texts is ``text``, else 0."""
        return self._kept(column, text, lambda: (self.survey[column] == text).to_numpy().astype(float))

    def _kept(self, column: str, text: str, make: Callable[[], F8]) -> F8:
        if (column, text) not in self._columns:
            self._columns[column, text] = make()
        return self._columns[column, text]


class Sample:
    """The interviews of one replicate and year as arrays, and the lines of the year."""

    def __init__(self, interviews: Interviews, rows: NDArray[np.intp], lines: Lines) -> None:
        self.interviews = interviews
        self.rows = rows
        self.lines = lines
        self._columns: dict[str, F8] = {}
        self._found: dict[Any, Any] = {}
        self.persons = self["persons"]
        with_equivalents = "adult_equivalents" in interviews.survey
        self.equivalents = self["adult_equivalents"] if with_equivalents else self.persons
        self.households = self["weight"]
        self.people = self.households * self.persons
        self.consumption = self["consumption_rwf"]
        self.out_of_pocket = self["out_of_pocket_rwf"]
        self.living = self.consumption / self.equivalents

    def __getitem__(self, column: str) -> F8:
        if column not in self._columns:
            values = self.interviews.numbers(column)[self.rows]
            # what one indicator reads the next one reads too
            values.flags.writeable = False
            self._columns[column] = values
        return self._columns[column]

    def equal(self, column: str, text: str) -> NDArray[np.bool_]:
        """Return where a column of texts is ``text``."""
        return np.asarray(self.interviews.equal(column, text)[self.rows] != 0)

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
        return Sample(self.interviews, self.rows[keep != 0], self.lines)


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
    interviews = Interviews(survey)
    of_years: Any = survey.groupby(["replicate", "period"]).indices if len(survey) else {}
    for key, rows in of_years.items():
        number, label = int(str(key[0])), str(key[1])
        if (number, label) in years:
            years[number, label] = _read_year(interviews, rows, label, lines[label])
    return years


def _read_year(interviews: Interviews, rows: NDArray[np.intp], label: str, lines: Lines) -> Year:
    if "months" not in interviews.survey:
        return Year(Sample(interviews, rows, lines))
    months = interviews.numbers("months")[rows]
    whole = rows[months == 12]
    if not whole.size:
        least, most = int(months.min()), int(months.max())
        cover = f"{least} to {most} months" if least < most else f"{most} month{'' if most == 1 else 's'}"
        return Year(None, why=f"interviews of {label} cover {cover}, not 12")
    if len(whole) < ENOUGH * len(rows):
        return Year(None, why=f"only {len(whole):,} of {len(rows):,} interviews of {label} cover 12 months")
    note = (
        "" if len(whole) == len(rows) else f"{len(whole):,} of {len(rows):,} interviews, those of 12 months"
    )
    return Year(Sample(interviews, whole, lines), note)


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
