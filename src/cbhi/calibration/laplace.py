"""The posterior near a mode as a normal distribution, from how the targets change with the parameters."""

from __future__ import annotations

import numpy as np

from cbhi.calibration.core import Mode, Problem
from cbhi.kernels.records import F8

__all__ = ["central_jacobian", "laplace_covariance", "laplace_precision", "laplace_weights"]


def laplace_precision(problem: Problem, jacobian: F8) -> F8:
    """Return the inverse of the posterior covariance near a point, shape (parameters, parameters).

    Parameters
    ----------
    problem
        Whose covariance of errors is used.
    jacobian
        Change of each target for one prior standard deviation, shape (targets, parameters).

    Notes
    -----
    ``I + J' Sigma^-1 J``: the prior's precision and the Fisher information (Gauss-Newton).
    """
    whitened = problem.whiten(jacobian.T)
    return np.eye(problem.n_parameters) + whitened @ whitened.T


def laplace_covariance(problem: Problem, jacobian: F8) -> F8:
    """Return the posterior covariance near a point, shape (parameters, parameters)."""
    return np.asarray(np.linalg.inv(laplace_precision(problem, jacobian)), dtype=np.float64)


def laplace_weights(problem: Problem, modes: tuple[Mode, ...]) -> F8:
    """Return the share of the posterior under each mode, were it normal near each, shape (modes,).

    Notes
    -----
    The mass under a mode is its density times ``sqrt(det(2 pi C))``.
    """
    log_mass = np.array(
        [-mode.loss - 0.5 * np.linalg.slogdet(laplace_precision(problem, mode.jacobian))[1] for mode in modes]
    )
    share = np.exp(log_mass - log_mass.max())
    return np.asarray(share / share.sum(), dtype=np.float64)


def central_jacobian(problem: Problem, point: F8, *, name: str, step: float = 0.2) -> F8:
    """Return central differences at a point from one batch of two simulations a parameter.

    Parameters
    ----------
    problem
        What to simulate.
    point
        Standardised parameters, shape (parameters,).
    name
        Name of the step, unique within the calibration.
    step
        Half the distance between the two simulations, prior standard deviations. Large on purpose: under
        common random numbers a simulator of chance events is rough over small distances.

    Returns
    -------
    numpy.ndarray
        Change of each target for one prior standard deviation, shape (targets, parameters). Where one of the
        two simulations failed, the difference of the other from a third at the point itself is used; where
        both failed, nought.
    """
    d = problem.n_parameters
    moves = step * np.eye(d)
    simulated = problem.evaluate(name, np.vstack([point + moves, point - moves]))
    up, down = simulated[:d], simulated[d:]
    derivative = (up - down) / (2.0 * step)
    failed = ~np.isfinite(derivative).all(axis=1)
    if failed.any():
        middle = problem.evaluate(f"{name}/centre", point[None])[0]
        one_sided = np.where(np.isfinite(up), up - middle, middle - down) / step
        derivative[failed] = np.nan_to_num(one_sided[failed], nan=0.0)
    return np.asarray(derivative.T, dtype=np.float64)
