"""What surveyed households tell: microdata of a panel that is interviewed once a year.

A keyed lot picks the households, those founded during the run included. Each is interviewed in its
anniversary month about the twelve months before, as household surveys ask; a first interview may cover fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

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


class Run(Protocol):
    """A run with its interviews; ``cbhi.Results`` is one."""

    @property
    def arrays(self) -> Any: ...
    @property
    def scenario(self) -> Any: ...
    @property
    def periods(self) -> Sequence[tuple[str, int, int]]: ...
    @property
    def weight(self) -> float: ...
    @property
    def households(self) -> int: ...
    @property
    def survey(self) -> int: ...


def survey_frame(run: Run) -> pd.DataFrame:
    """Return the interviews of a run.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``; without rows when it surveyed nobody (``survey=0``).

    Returns
    -------
    pandas.DataFrame
        One row an interview: ``replicate``, ``period`` (reporting year), ``month`` ("2006-03"), ``months``
        that it covers (12 but for the first), ``section`` and ``district`` (numbers from 1), ``household``
        (number within its section), ``weight`` (real households for which it stands).

        At the interview: ``persons``, ``adult_equivalents``, ``consumption_rwf`` (household, twelve months),
        ``quintile`` (1 the poorest), ``category`` as it truly is and ``listed_category`` ("poorest",
        "middle", "rich"), ``has_slot`` (a subsidy), ``is_formal`` (formal cover), ``is_member`` (paid up),
        ``expected_episodes`` a year as its risk has it, ``public_expected_episodes`` at the mean rate.

        Over the months before: ``insured_person_months``, ``contribution_rwf`` (premiums paid by own
        means), ``sponsored_rwf`` (premiums paid by others), ``out_of_pocket_rwf``, ``visits``,
        ``admissions``, ``episodes``, ``forgone`` (episodes without care), ``claims_rwf`` (care billed to
        third parties), ``loans_rwf`` (borrowed for premiums).
    """
    import pandas as pd

    told = run.arrays.interviews
    place, _ = np.nonzero(told["month"])
    rows = told[told["month"] > 0]
    months = rows["month"].astype(np.int64)
    ends = np.array([end for _, _, end in run.periods])
    labels = np.array([label for label, _, _ in run.periods], dtype=object)
    # a survey of some of the households: each stands for more
    stands_for = run.households / run.survey if run.survey else 1.0
    categories = np.array(GROUPS["category"], dtype=object)
    made: dict[str, Any] = {
        "replicate": run.arrays.replicates[place],
        "period": labels[np.searchsorted(ends, months - run.scenario.start, side="right")],
        "month": [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in months],
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
