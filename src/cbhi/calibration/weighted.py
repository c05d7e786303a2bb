"""Means, spreads and quantiles of weighted draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cbhi.kernels.records import F8

__all__ = ["weighted_correlations", "weighted_mean_sd", "weighted_quantiles"]


def weighted_mean_sd(values: F8, weights: F8) -> tuple[F8, F8]:
    """Return mean and standard deviation of columns.

    Parameters
    ----------
    values
        Shape (draws, columns).
    weights
        Adding up to one, (draws,).
    """
    mean = weights @ values
    return mean, np.sqrt(weights @ (values - mean) ** 2)


def weighted_correlations(values: F8, weights: F8) -> F8:
    """Return correlations between columns; see ``weighted_mean_sd``."""
    mean, sd = weighted_mean_sd(values, weights)
    standard = (values - mean) / sd
    return np.asarray(standard.T @ (weights[:, None] * standard), dtype=np.float64)


def weighted_quantiles(values: F8, weights: F8, shares: Sequence[float]) -> F8:
    """Return quantiles of columns, shape (shares, columns).

    The distribution function rises by a draw's weight around the middle of which it stands, and quantiles are
    interpolated between draws, so that equal weights give the usual (Hazen) quantiles.

    Parameters
    ----------
    values
        Shape (draws, columns).
    weights
        Adding up to one, (draws,).
    shares
        Each from 0 to 1.
    """
    found = np.empty((len(shares), values.shape[1]))
    for column, mine in enumerate(values.T):
        order = np.argsort(mine, kind="stable")
        share = np.cumsum(weights[order]) - 0.5 * weights[order]
        found[:, column] = np.interp(shares, share, mine[order])
    return found
