"""How good a forecast was: a score in the unit of what was forecast, and whether intervals held it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cbhi.kernels.records import F8

__all__ = [
    "carried_forward",
    "crps_of_draws",
    "crps_of_normal",
    "interval_holds",
    "position_among",
    "skill",
]


def crps_of_draws(draws: ArrayLike, value: ArrayLike) -> F8:
    """Return the continuous ranked probability score of equally weighted draws.

    The fair version: its expectation does not depend on how many draws there are, so that a forecast is not
    punished for being written down with few of them.

    Parameters
    ----------
    draws
        Of the forecast, shape (n,) or (n, figures), n at least 2.
    value
        What was published, a number or shape (figures,).

    Returns
    -------
    numpy.ndarray
        Score in the unit of the draws, 0 at best, shape () or (figures,).

    Raises
    ------
    ValueError
        When there are fewer than two draws, or the shapes do not fit.

    References
    ----------
    Gneiting and Raftery (2007), Strictly proper scoring rules, Journal of the American Statistical
    Association 102, equation 21; Ferro (2014), Fair scores for ensemble forecasts, Quarterly Journal of the
    Royal Meteorological Society 140.

    Examples
    --------
    >>> float(crps_of_draws([0.0, 1.0], 0.5))
    0.0
    """
    ensemble, truth = np.asarray(draws, dtype=np.float64), np.asarray(value, dtype=np.float64)
    n = ensemble.shape[0] if ensemble.ndim else 0
    if n < 2 or ensemble.shape[1:] != truth.shape:
        raise ValueError(
            f"a score needs two or more draws of each figure: shape (n,) or (n, figures); got draws of shape"
            f" {ensemble.shape} for figures of shape {truth.shape}"
        )
    error = np.mean(np.abs(ensemble - truth), axis=0)
    # the sum over all pairs of |x_i - x_j|, from the sorted draws
    place = 2.0 * np.arange(1, n + 1) - n - 1.0
    pairs = 2.0 * np.tensordot(place, np.sort(ensemble, axis=0), axes=(0, 0))
    return np.asarray(error - pairs / (2.0 * n * (n - 1)), dtype=np.float64)


def crps_of_normal(mean: ArrayLike, sd: ArrayLike, value: ArrayLike) -> F8:
    """Return the continuous ranked probability score of a normal forecast.

    Parameters
    ----------
    mean, sd
        Of the forecast; the standard deviation is above 0.
    value
        What was published, in the same unit.

    Returns
    -------
    numpy.ndarray
        Score in that unit, 0 at best.

    Raises
    ------
    ValueError
        When a standard deviation is not above 0.

    Notes
    -----
    ``sd (u (2 Phi(u) - 1) + 2 phi(u) - 1 / sqrt(pi))`` with ``u = (value - mean) / sd``.

    References
    ----------
    Gneiting and Raftery (2007), Strictly proper scoring rules, Journal of the American Statistical
    Association 102, section 4.2.
    """
    from scipy.stats import norm

    spread = np.asarray(sd, dtype=np.float64)
    # a missing forecast has a missing score
    if np.any(spread <= 0.0):
        raise ValueError(f"the standard deviation of a normal forecast must be above 0, got {spread}")
    u = (np.asarray(value, dtype=np.float64) - np.asarray(mean, dtype=np.float64)) / spread
    score = spread * (u * (2.0 * norm.cdf(u) - 1.0) + 2.0 * norm.pdf(u) - 1.0 / math.sqrt(math.pi))
    return np.asarray(score, dtype=np.float64)


def position_among(draws: ArrayLike, value: ArrayLike, weights: ArrayLike | None = None) -> F8:
    """Return the share of draws below a value, half of those equal to it counted.

    Over many forecasts it is spread evenly from 0 to 1 if the forecasts are right.

    Parameters
    ----------
    draws
        Shape (n,) or (n, figures), n at least 1.
    value
        A number or shape (figures,).
    weights
        Of the draws, >= 0, shape (n,); equal if not given.

    Raises
    ------
    ValueError
        When the shapes do not fit, or weights are below 0 or all 0.
    """
    ensemble, truth = np.asarray(draws, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if ensemble.ndim == 0 or ensemble.shape[0] == 0 or ensemble.shape[1:] != truth.shape:
        raise ValueError(
            f"draws of shape {ensemble.shape} do not fit figures of shape {truth.shape}; (n,) or (n, figures)"
        )
    n = ensemble.shape[0]
    share = np.full(n, 1.0 / n) if weights is None else np.asarray(weights, dtype=np.float64)
    if share.shape != (n,) or not np.all(share >= 0.0) or not 0.0 < share.sum() < math.inf:
        raise ValueError(f"weights must be {n} numbers >= 0 that are not all 0")
    below = (ensemble < truth) + 0.5 * (ensemble == truth)
    return np.asarray(np.tensordot(share / share.sum(), below, axes=(0, 0)), dtype=np.float64)


def interval_holds(position: ArrayLike, level: float) -> np.ndarray:
    """Say whether the central interval of a level holds the value at a position.

    Parameters
    ----------
    position
        From ``position_among``.
    level
        Share of the draws inside, above 0 and below 1, such as 0.9.

    Raises
    ------
    ValueError
        When the level is out of range.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"the level of an interval must lie between 0 and 1, such as 0.9; got {level}")
    tail = 0.5 * (1.0 - level)
    place = np.asarray(position, dtype=np.float64)
    # a hair of room: positions are sums of weights
    return np.asarray((place >= tail - 1e-12) & (place <= 1.0 - tail + 1e-12))


def carried_forward(last: float, last_sd: float, sd: float) -> tuple[float, float]:
    """Return mean and standard deviation of the forecast that nothing changes.

    The rival of any forecast: the next published figure is the last one, but for the errors of both.

    Parameters
    ----------
    last, last_sd
        The last published figure and its standard error.
    sd
        Standard error of the figure to come.
    """
    return last, math.hypot(last_sd, sd)


def skill(scores: ArrayLike, rival: ArrayLike) -> float:
    """Return by how much a forecast beats a rival: 1 is perfect, 0 as good, below 0 worse.

    Parameters
    ----------
    scores, rival
        Scores of the same figures in the same units; figures where either has none are left out.

    Returns
    -------
    float
        One minus the ratio of the mean scores; not a number where no figure has both.
    """
    ours, theirs = np.asarray(scores, dtype=np.float64), np.asarray(rival, dtype=np.float64)
    both = np.isfinite(ours) & np.isfinite(theirs)
    if not both.any() or theirs[both].mean() == 0.0:
        return math.nan
    return float(1.0 - ours[both].mean() / theirs[both].mean())
