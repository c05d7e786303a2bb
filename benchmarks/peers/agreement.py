"""Whether two programs compute the same thing: what they count, within standard errors of the difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from peers.definition import COUNTED, F8, Counts

LIMIT = 4.0
"""Standard errors within which programs agree."""


class Row(NamedTuple):
    """One figure from two programs, a mean over districts and rounds."""

    name: str
    cbhi: float
    peer: float
    standard_error: float

    @property
    def errors(self) -> float:
        """Difference in standard errors, positive where the peer has more."""
        difference = self.peer - self.cbhi
        if self.standard_error == 0.0:
            return 0.0 if difference == 0.0 else math.copysign(math.inf, difference)
        return difference / self.standard_error

    @property
    def agrees(self) -> bool:
        """Whether the two agree within the limit."""
        return abs(self.errors) <= LIMIT


def _figures(counts: Counts) -> dict[str, F8]:
    """Return what is compared, by district: persons covered each year, sums over years, the last fund."""
    figures = {f"covered, year {year + 1}": found for year, found in enumerate(counts["covered"])}
    for name in COUNTED:
        if name == "fund":
            figures["fund at the end"] = counts[name][-1]
        else:
            figures[f"{name}, all years"] = counts[name].sum(axis=0)
    return figures


def compare(cbhi: Sequence[Counts], peer: Sequence[Counts]) -> list[Row]:
    """Return the figures of two programs side by side.

    Both simulate the same households with draws of their own, so that the differences of districts are
    independent around zero where the programs compute the same thing.

    Parameters
    ----------
    cbhi, peer
        Counts by year and district, one of each a round.
    """
    ours = [_figures(counts) for counts in cbhi]
    theirs = [_figures(counts) for counts in peer]
    rows = []
    for name in ours[0]:
        a = np.concatenate([figures[name] for figures in ours])
        b = np.concatenate([figures[name] for figures in theirs])
        error = float((b - a).std(ddof=1)) / math.sqrt(a.size)
        rows.append(Row(name, float(a.mean()), float(b.mean()), error))
    return rows


def worst(rows: Sequence[Row]) -> Row:
    """Return the figure that differs most, in standard errors."""
    return max(rows, key=lambda row: abs(row.errors))
