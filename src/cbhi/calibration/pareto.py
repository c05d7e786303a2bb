"""Pareto smoothing of importance weights, and the diagnostic that comes with it.

The largest weights are replaced by what a generalised Pareto distribution fitted to them expects; its shape k
says whether their mean can be trusted at all.

References
----------
Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling, Journal of Machine
Learning Research 25(72). Zhang and Stephens (2009), A new and efficient estimation method for the
generalized Pareto distribution, Technometrics 51(3).
"""

from __future__ import annotations

import numpy as np

from cbhi.kernels.records import F8

__all__ = ["effective_size", "fit_pareto", "normalise", "smooth_weights"]


def normalise(log_weights: F8) -> F8:
    """Return logarithms of weights that add up to one, shape (n,)."""
    from scipy.special import logsumexp

    return np.asarray(log_weights - logsumexp(log_weights), dtype=np.float64)


def effective_size(log_weights: F8) -> float:
    """Return Kish's effective size, ``(sum w)^2 / sum w^2``, of weights given by their logarithms."""
    weights = np.exp(normalise(log_weights))
    return float(1.0 / np.sum(weights**2))


def fit_pareto(excesses: F8) -> tuple[float, float]:
    """Return shape k and scale of the generalised Pareto distribution of excesses over a threshold.

    Parameters
    ----------
    excesses
        Positive, ascending, shape (n,), at least five.

    Returns
    -------
    tuple of float
        ``k``, drawn towards 0.5 with the weight of ten observations (Vehtari and others, appendix C), and the
        scale.

    Raises
    ------
    ValueError
        When there are fewer than five or they are not positive and ascending.

    Notes
    -----
    Zhang and Stephens (2009): the mean of the profile likelihood over a grid of the ratio of the two
    parameters, weighted by a prior that follows the data.
    """
    x = np.asarray(excesses, dtype=np.float64)
    if x.size < 5 or not (x > 0.0).all() or (np.diff(x) < 0.0).any():
        raise ValueError(f"excesses must be at least five, positive and ascending; got {x.size}")
    n_grid = 30 + int(np.sqrt(x.size))
    quartile = x[int(x.size / 4 + 0.5) - 1]
    grid = 1.0 / x[-1] + (1.0 - np.sqrt(n_grid / (np.arange(1, n_grid + 1) - 0.5))) / (3.0 * quartile)
    shapes = np.mean(np.log1p(-grid[:, None] * x), axis=1)
    log_likelihood = x.size * (np.log(-grid / shapes) - shapes - 1.0)
    weights = np.exp(normalise(log_likelihood))
    ratio = float(np.sum(grid * weights))
    shape = float(np.mean(np.log1p(-ratio * x)))
    scale = -shape / ratio
    return (shape * x.size + 0.5 * 10.0) / (x.size + 10.0), scale


def smooth_weights(log_weights: F8) -> tuple[F8, float]:
    """Return smoothed weights and the shape of their tail.

    Parameters
    ----------
    log_weights
        Logarithms of importance weights up to a constant, minus infinity where a weight is nought, shape
        (n,).

    Returns
    -------
    tuple
        Logarithms of smoothed weights that add up to one, shape (n,), and k; k is infinite when too few
        weights are positive to tell.

    Notes
    -----
    The tail are the ``min(n / 5, 3 sqrt(n))`` largest; smoothed values are expected order statistics, never
    above the largest raw weight.
    """
    raw = np.asarray(log_weights, dtype=np.float64)
    n_positive = int(np.isfinite(raw).sum())
    n_tail = int(np.ceil(min(0.2 * n_positive, 3.0 * np.sqrt(n_positive))))
    if n_tail < 5:
        return (normalise(raw) if n_positive else raw), np.inf
    scaled = raw - raw.max()
    order = np.argsort(scaled, kind="stable")
    threshold = float(np.exp(scaled[order[-n_tail - 1]]))
    if 1.0 - threshold < 1e-12:
        # the largest weights are all the same: there is no tail to smooth
        return normalise(scaled), -np.inf
    excesses = np.exp(scaled[order[-n_tail:]]) - threshold
    tail, excesses = order[-n_tail:][excesses > 0.0], excesses[excesses > 0.0]
    if tail.size < 5:
        # a few weights above many equal ones: too few to tell
        return normalise(scaled), np.inf
    shape, scale = fit_pareto(excesses)
    smoothed = scaled.copy()
    smoothed[tail] = np.log(np.minimum(threshold + _expected(tail.size, shape, scale), 1.0))
    return normalise(smoothed), shape


def _expected(n: int, shape: float, scale: float) -> F8:
    """Return quantiles of the generalised Pareto distribution at ``(i - 1/2) / n``."""
    probability = (np.arange(1, n + 1) - 0.5) / n
    if abs(shape) < 1e-12:
        return -scale * np.log1p(-probability)
    return np.asarray(scale * np.expm1(-shape * np.log1p(-probability)) / shape)
