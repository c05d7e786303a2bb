"""Equally weighted members of a posterior, with the parameters that were carried along.

A carried parameter was not explored: to first order it moves the targets by ``Jc``, and its standard normal
prior is part of the covariance of the problem. What the targets say about it, given the explored ones, is a
normal distribution in closed form; a member of the ensemble gets its carried values from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cbhi.calibration.core import Draws, Problem
from cbhi.calibration.streams import generator
from cbhi.kernels.records import F8, I8

if TYPE_CHECKING:
    from cbhi.calibration.fit import Fit

__all__ = ["carried_given_targets", "carried_sd", "draw_members", "resample_places"]


def resample_places(weights: F8, n: int, random: np.random.Generator) -> I8:
    """Return places of n equally weighted draws, in random order, by systematic resampling.

    A draw of weight w is taken ``n w`` times, rounded up or down.

    Parameters
    ----------
    weights
        Adding up to one, (draws,).
    n
        How many.
    random
        Where chance comes from.

    Raises
    ------
    ValueError
        When n is not positive.
    """
    if n < 1:
        raise ValueError(f"at least one member is wanted, got {n}")
    # neighbours in weight first in a random order, so that no pattern of the draws meets the comb
    order = random.permutation(len(weights))
    ends = np.cumsum(weights[order])
    comb = (np.arange(n) + random.random()) / n * ends[-1]
    places = order[np.minimum(np.searchsorted(ends, comb, side="right"), len(weights) - 1)]
    return np.asarray(random.permutation(places), dtype=np.int64)


def carried_given_targets(problem: Problem, slopes: F8, simulated: F8) -> tuple[F8, F8]:
    """Return mean and covariance of carried parameters given the targets and the explored parameters.

    Parameters
    ----------
    problem
        Whose covariance holds ``slopes @ slopes.T``.
    slopes
        Change of each target for one prior standard deviation of each carried parameter, (targets, carried).
    simulated
        With carried parameters at their centres, (n, targets).

    Returns
    -------
    numpy.ndarray
        Means, (n, carried).
    numpy.ndarray
        Covariance, the same for all, (carried, carried).

    Notes
    -----
    With ``r = observed - simulated``: ``Jc' Sigma^-1 r`` and ``I - Jc' Sigma^-1 Jc``.
    """
    whitened = problem.whiten(slopes.T)
    means = -problem.residuals(simulated) @ whitened.T
    return means, np.eye(slopes.shape[1]) - whitened @ whitened.T


def carried_sd(fit: Fit) -> F8:
    """Return the standard deviation of carried parameters given the targets, to first order, (carried,).

    In prior standard deviations, the explored parameters not known but by prior and targets.
    """
    slopes, jacobian = fit.carried_slopes, fit.jacobian
    everything = fit.problem.covariance + jacobian @ jacobian.T
    left = np.eye(slopes.shape[1]) - slopes.T @ np.linalg.solve(everything, slopes)
    return np.sqrt(np.diag(left))


def draw_members(fit: Fit, draws: Draws, n: int, seed: int) -> tuple[F8, F8]:
    """Return standardised values of equally weighted members, in an order that is random.

    Parameters
    ----------
    fit
        With the problem and the carried parameters.
    draws
        Weighted draws of the explored ones.
    n
        Members.
    seed
        Of the choice and of the carried values.

    Returns
    -------
    numpy.ndarray
        Explored, (n, parameters).
    numpy.ndarray
        Carried, (n, carried).
    """
    random = generator(seed, f"members {n}")
    places = resample_places(draws.weights, n, random)
    means, covariance = carried_given_targets(fit.problem, fit.carried_slopes, draws.simulated[places])
    # the covariance may lose full rank where targets pin a carried parameter down
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return draws.points[places], means + random.standard_normal(means.shape) @ root.T
