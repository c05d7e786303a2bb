"""Whether the places of truths in their posteriors are spread evenly, also where there are few members.

A posterior known by n equally weighted members has n + 1 places for the truth: below all of them, between two
neighbours, above all. If the procedure is right these are equally likely (Talts, Betancourt, Simpson, Vehtari
and Gelman 2018, theorem 1), so a place k / n is one of n + 1 numbers. Tests for continuous numbers are wrong
for them: 20 equal bins hold 3 or 4 of 61 places each, and a sum of sixtieths falls on either side of an edge.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cbhi.kernels.records import F8

__all__ = ["chi_square_p", "kolmogorov_smirnov_p", "members_behind", "share_expected", "snapped"]

I8 = np.ndarray[Any, np.dtype[np.int64]]

MOST_BINS = 20
"""Bins of the chi-square test; fewer where less than five truths a bin are expected."""
_PER_BIN = 5
# positions are sums of up to some hundreds of equal weights
_HAIR = 1e-9


def members_behind(positions: F8, members: int) -> I8:
    """Return among how many members each position was counted, shape (positions,).

    Members whose simulations failed are left out, so a position is a multiple of one over ``members`` or over
    a little less. The largest number that fits is taken: where several fit, the place is the same share.

    Parameters
    ----------
    positions
        From 0 to 1, shape (positions,).
    members
        Asked for, at least 1.
    """
    found = np.full(positions.shape, members, dtype=np.int64)
    for i, place in enumerate(positions.tolist()):
        # half places are ties; a position that fits nothing is rounded among all members
        found[i] = next(
            (n for n in range(members, 0, -1) if abs(place * n - round(place * n)) < _HAIR * n), members
        )
    return found


def snapped(positions: F8, members: int) -> F8:
    """Return positions without the error of floating point: whole numbers of members over their number.

    Parameters
    ----------
    positions
        From 0 to 1, shape (positions,).
    members
        Equally weighted members behind them; 0 for positions that are continuous, which stay as they are.
    """
    if members == 0:
        return positions
    behind = members_behind(positions, members)
    return np.asarray(np.round(positions * behind) / behind, dtype=np.float64)


def share_expected(members: int, level: float) -> float:
    """Return how often the central interval of a level holds the truth if the procedure is right.

    Parameters
    ----------
    members
        As for ``snapped``. With 60 members a truth is in 55 of 61 places inside the interval from 0.05 to
        0.95 of them, which is 90.2 %, not 90.
    level
        Such as 0.9.
    """
    if members == 0:
        return level
    tail = 0.5 * (1.0 - level)
    places = np.arange(members + 1) / members
    return float(np.mean((places >= tail - _HAIR) & (places <= 1.0 - tail + _HAIR)))


def chi_square_p(positions: F8, members: int = 0) -> float:
    """Return the p-value of Pearson's test that positions are spread evenly.

    Parameters
    ----------
    positions
        From 0 to 1, shape (positions,).
    members
        As for ``snapped``. Bins hold whole places, and are expected to hold truths by their number of places.

    Returns
    -------
    float
        Not a number below ten positions: five are expected in each of two bins or more.
    """
    from scipy.stats import chisquare

    n_bins = min(MOST_BINS, positions.size // _PER_BIN, members + 1 if members else MOST_BINS)
    if n_bins < 2:
        return math.nan
    if members == 0:
        counts, _ = np.histogram(positions, bins=n_bins, range=(0.0, 1.0))
        return float(chisquare(counts).pvalue)
    behind = members_behind(positions, members)
    ranks = np.round(positions * behind).astype(np.int64)
    counts = np.bincount(_bin_of(ranks, behind, n_bins), minlength=n_bins)
    expected = np.zeros(n_bins)
    for n, sets in zip(*np.unique(behind, return_counts=True), strict=True):
        places = _bin_of(np.arange(n + 1), np.full(n + 1, n), n_bins)
        expected += sets * np.bincount(places, minlength=n_bins) / (n + 1)
    filled = expected > 0.0
    return float(chisquare(counts[filled], expected[filled]).pvalue)


def _bin_of(ranks: I8, behind: I8, n_bins: int) -> I8:
    """Return the bin of each rank from 0 to the members behind it, all bins of nearly as many ranks."""
    return np.asarray(ranks * n_bins // (behind + 1), dtype=np.int64)


def kolmogorov_smirnov_p(positions: F8, members: int = 0) -> float:
    """Return the p-value of the test of Kolmogorov and Smirnov that positions are spread evenly.

    Parameters
    ----------
    positions
        From 0 to 1, shape (positions,).
    members
        As for ``snapped``. Distribution functions are then compared at the places only, which makes the test
        a little too careful (Conover 1972, Journal of the American Statistical Association 67).
    """
    from scipy.stats import kstest, kstwo

    if members == 0:
        return float(kstest(positions, "uniform").pvalue)
    behind = members_behind(positions, members)
    places = np.unique(snapped(positions, members))
    # just below a place as well: an empty stretch before it is a distance, too
    edges = np.concatenate([places, places - 2.0 * _HAIR])
    reached = np.floor(edges[:, None] * behind + _HAIR * behind) + 1.0
    expected = np.clip(reached / (behind + 1.0), 0.0, 1.0).mean(axis=1)
    seen = np.mean(snapped(positions, members)[None, :] <= edges[:, None] + _HAIR, axis=1)
    return float(kstwo.sf(np.abs(seen - expected).max(), positions.size))
