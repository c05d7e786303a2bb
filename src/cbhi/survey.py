"""What surveyed households tell: microdata of a panel that is interviewed once a year.

A keyed lot picks the households, those founded during the run included. Each is interviewed in its
anniversary month about the twelve months that end with it, as surveys ask; a first interview may cover fewer.
So the interviews of a year are not a census of it: ``survey_frame`` says what their sums stand for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cbhi.months import format_month
from cbhi.runs import Run
from cbhi.strata import GROUPS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "survey_frame"]

COLUMNS = (
    "replicate",
    "period",
    "month",
    "months",
    "section",
    "district",
    "household",
    "weight",
    "persons",
    "adult_equivalents",
    "consumption_rwf",
    "quintile",
    "category",
    "listed_category",
    "has_slot",
    "is_formal",
    "is_member",
    "insured_person_months",
    "contribution_rwf",
    "sponsored_rwf",
    "out_of_pocket_rwf",
    "visits",
    "admissions",
    "episodes",
    "forgone",
    "claims_rwf",
    "loans_rwf",
    "expected_episodes",
    "public_expected_episodes",
)
_FLAGS = ("has_slot", "is_formal", "is_member")


class SurveyedRun(Run, Protocol):
    """A run with its interviews; ``cbhi.Results`` is one."""

    @property
    def households(self) -> int: ...
    @property
    def survey(self) -> int: ...


def survey_frame(run: SurveyedRun) -> pd.DataFrame:
    """Return the interviews of a run.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``; without rows when it surveyed nobody (``survey=0``).

    Returns
    -------
    pandas.DataFrame
        One row an interview: ``replicate``, ``period`` (reporting year), ``month`` ("2006-03"), ``months``
        that it covers (12; fewer for a first interview), ``section`` and ``district`` (numbers from 1),
        ``household`` (number within its section), ``weight`` (real households for which it stands).

        At the interview: ``persons``, ``adult_equivalents``, ``consumption_rwf`` (household, twelve months),
        ``quintile`` (1 the poorest), ``category`` as it truly is and ``listed_category`` ("poorest",
        "middle", "rich"), ``has_slot`` (a subsidy), ``is_formal`` (formal cover), ``is_member`` (paid up),
        ``expected_episodes`` a year as its risk has it, ``public_expected_episodes`` at the mean rate.

        Over the months told of, the last of them that of the interview: ``insured_person_months``,
        ``contribution_rwf`` (premiums paid by own means), ``sponsored_rwf`` (premiums paid by others),
        ``out_of_pocket_rwf``, ``visits``, ``admissions``, ``episodes``, ``forgone`` (episodes without care),
        ``claims_rwf`` (care billed to third parties), ``loans_rwf`` (borrowed for premiums).

    Notes
    -----
    ``weight`` is the same in every row, since every household has the same chance: real households for one
    simulated, times households of the start over those drawn. Shares and means need no more than
    ``weight * persons``. Sums are something else:

    - Amounts are of the twelve months up to each interview, so a sum over the interviews of 2007 is about
      2006 and 2007, half each. Interviews with ``months`` below 12 (all in the first twelve months of a run,
      and a few per cent in each year, of families just founded) must be left out of means of amounts.
    - In a whole year the weights add up to one or two per cent less than the households of the country, give
      or take the luck of the draw: a family founded on the way is first interviewed at its first anniversary.
    - In a reporting year of fewer than 12 months only households with an anniversary in it are interviewed:
      of half a year (Rwanda's 1999 and 2011) half the households, so that weighted sums are half the
      country's. For totals use ``cbhi.Results.values``, which counts everybody.
    """
    import pandas as pd

    told = run.arrays.interviews
    place, _ = np.nonzero(told["month"])
    rows = told[told["month"] > 0]
    months = rows["month"].astype(np.int64)
    first, last = (int(months.min()), int(months.max())) if months.size else (0, -1)
    names_of_months = np.array([format_month(month) for month in range(first, last + 1)], dtype=object)
    ends = np.array([end for _, _, end in run.periods])
    labels = np.array([label for label, _, _ in run.periods], dtype=object)
    # a survey of some of the households: each stands for more
    stands_for = run.households / run.survey if run.survey else 1.0
    categories = np.array(GROUPS["category"], dtype=object)
    made: dict[str, Any] = {
        "replicate": run.arrays.replicates[place],
        "period": labels[np.searchsorted(ends, months - run.scenario.start, side="right")],
        "month": names_of_months[months - first],
        "section": rows["section"].astype(np.int64) + 1,
        "district": run.arrays.districts[rows["district"]] + 1,
        "weight": np.full(rows.size, run.weight * stands_for),
        "quintile": rows["quintile"].astype(np.int64) + 1,
        "category": categories[rows["category"]],
        "listed_category": categories[rows["listed_category"]],
        **{name: rows[name] != 0 for name in _FLAGS},
    }
    for name in COLUMNS:
        if name not in made:
            kind = np.float64 if rows[name].dtype.kind == "f" else np.int64
            made[name] = rows[name].astype(kind)
    return pd.DataFrame({name: made[name] for name in COLUMNS})
