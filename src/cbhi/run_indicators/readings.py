"""One indicator of a run before it becomes rows of a table: values, unit, and why there is none."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
Texts: TypeAlias = str | NDArray[np.object_]
"""One text, or an array of them: one a year, or one a replicate and year."""

ABSENT = "absent: "
"""How the status of an indicator begins that cannot be computed."""


class Reading(NamedTuple):
    """An indicator by replicate and reporting year.

    Attributes
    ----------
    family, indicator, unit
        What it is.
    values
        Shape (R, P) or (R, P, groups), with one row for what is counted over the replicates.
    note
        What a user must know where it is computed.
    why
        Why it is absent where it is not a number.
    groups
        Labels of the last axis.
    pooled
        Counted over the replicates.
    """

    family: str
    indicator: str
    unit: str
    values: F8
    note: Texts = ""
    why: Texts = "what it is divided by is zero"
    groups: tuple[str, ...] = ("all",)
    pooled: bool = False


def never(family: str, indicator: str, unit: str, why: str, *, pooled: bool = False) -> Reading:
    """Return an indicator that no run can give, or not this one."""
    return Reading(family, indicator, unit, np.asarray(np.nan), why=why, pooled=pooled)


def status(value: float, note: str, why: str, months: int) -> str:
    """Return what stands beside a value: ok or absent, the note or the reason, a year cut short."""
    if np.isnan(value):
        return ABSENT + why
    parts = [note] if note else []
    if months != 12:
        parts.append(f"{months} month{'' if months == 1 else 's'}")
    return "ok: " + "; ".join(parts) if parts else "ok"
