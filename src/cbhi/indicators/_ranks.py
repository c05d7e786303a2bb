"""Weighted ranks in which tied rows share one rank, so that row order never matters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._checks import ABSENT, FloatArray


class TieGroups(NamedTuple):
    """Rows with the same value of the ranking variable, in ascending order of that value."""

    row: NDArray[np.intp]
    """Tie group of each row, shape (n,)."""
    weight: FloatArray
    """Total weight of each tie group, shape (m,)."""
    edges: FloatArray
    """Cumulative population share at the borders of the groups, shape (m + 1,), from 0 to 1."""

    @property
    def midpoints(self) -> FloatArray:
        """Mean fractional rank of each tie group, shape (m,)."""
        return np.asarray((self.edges[:-1] + self.edges[1:]) / 2)

    def total(self, values: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the weighted total of ``values`` in each tie group, shape (m,)."""
        totals = np.bincount(self.row, weights=values * weights, minlength=self.weight.size)
        return np.asarray(totals, dtype=np.float64)


def tie_groups(rank_by: FloatArray, weights: FloatArray) -> TieGroups:
    """Group rows by the value of ``rank_by``."""
    distinct, row = np.unique(rank_by, return_inverse=True)
    weight = np.asarray(np.bincount(row, weights=weights, minlength=distinct.size), dtype=np.float64)
    edges = np.concatenate(([0.0], np.cumsum(weight)))
    return TieGroups(row, weight, edges / edges[-1])


def cumulative_at(points: FloatArray, groups: TieGroups, totals: FloatArray) -> FloatArray:
    """Return the cumulative total of the poorest ``points`` share, splitting a tie group evenly."""
    return np.interp(points, groups.edges, np.concatenate(([0.0], np.cumsum(totals))))


def shares_by_group(groups: TieGroups, totals: FloatArray, n_groups: int) -> FloatArray:
    """Return the share of the total that goes to each of ``n_groups`` equal parts of the population."""
    everything = float(totals.sum())
    if not everything > 0:
        return np.full(n_groups, ABSENT)
    cuts = np.arange(n_groups + 1) / n_groups
    return np.diff(cumulative_at(cuts, groups, totals)) / everything


def median(values: FloatArray, weights: FloatArray) -> float:
    """Return the weighted median, the midpoint of the two middle values when the weight splits evenly."""
    groups = tie_groups(values, weights)
    distinct = np.unique(values)
    present = groups.weight > 0
    distinct, upper_edge = distinct[present], groups.edges[1:][present]
    lower = int(np.searchsorted(upper_edge, 0.5 - 1e-12))
    upper = int(np.searchsorted(upper_edge, 0.5 + 1e-12))
    return float((distinct[lower] + distinct[upper]) / 2)
