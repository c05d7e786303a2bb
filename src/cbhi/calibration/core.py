"""What fitting is about: a problem in standardised space, its modes, and draws from its posterior.

Parameters are standardised: each has a standard normal prior, whatever its range and its shape (see
``cbhi.calibration.priors``). The simulator shares its draws between all points (common random numbers), so
that what it returns is a smooth function of them but for a fixed offset, whose variance is part of the
covariance.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cbhi.kernels.records import F8

__all__ = ["CalibrationNotConverged", "Draws", "Mode", "ModeSearch", "Problem"]

Evaluate = Callable[[str, F8], F8]
"""Called with the name of a step and points (n, parameters); returns what was simulated, (n, targets).

A row of a simulation that failed is not a number. A step's name is unique within a calibration: it is what a
checkpoint knows a batch by, so an algorithm must ask for the same points under the same name every time.
"""


class CalibrationNotConverged(RuntimeError):
    """No method gave draws that its own diagnostics accept.

    Attributes
    ----------
    table
        One row a batch of every method that was tried: method, draws, effective size, Pareto k.
    """

    def __init__(self, message: str, table: Any = None) -> None:
        super().__init__(message)
        self.table = table


@dataclass(frozen=True)
class Problem:
    """Targets, their errors and a simulator, as the algorithms see them.

    Attributes
    ----------
    names
        Parameters, in the order of the columns of points.
    targets
        Targets, in the order of the columns of what is simulated.
    observed
        Published values, shape (targets,).
    covariance
        Of published minus simulated at the true parameters: errors of the figures, noise of the simulator,
        discrepancy of the model and parameters that are carried, shape (targets, targets).
    evaluate
        The simulator (``Evaluate``).
    seed
        Seed of all that the algorithms draw.
    """

    names: tuple[str, ...]
    targets: tuple[str, ...]
    observed: F8
    covariance: F8
    evaluate: Evaluate
    seed: int = 1

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return len(self.names)

    @functools.cached_property
    def _root(self) -> F8:
        """The lower Cholesky factor of the covariance."""
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=np.float64)

    def whiten(self, values: F8) -> F8:
        """Return values, shape (..., targets), in units in which the covariance is the identity."""
        from scipy.linalg import solve_triangular

        flat = np.atleast_2d(values).reshape(-1, len(self.targets))
        whitened: F8 = solve_triangular(self._root, flat.T, lower=True, check_finite=False).T
        return whitened.reshape(np.shape(values))

    def residuals(self, simulated: F8) -> F8:
        """Return simulated minus observed, whitened, shape (..., targets)."""
        return self.whiten(np.asarray(simulated, dtype=float) - self.observed)

    def misfit(self, simulated: F8) -> F8:
        """Return half the squared distance from the targets, shape (...,); infinite where a run failed."""
        residuals = self.residuals(simulated)
        half = 0.5 * np.sum(residuals**2, axis=-1)
        return np.asarray(np.where(np.isfinite(half), half, np.inf), dtype=np.float64)

    def loss(self, points: F8, simulated: F8) -> F8:
        """Return minus the log of the posterior density but for a constant, in nats, shape (...,)."""
        prior: F8 = 0.5 * np.sum(np.asarray(points, dtype=np.float64) ** 2, axis=-1)
        return np.asarray(self.misfit(simulated) + prior)

    def with_covariance(self, covariance: F8) -> Problem:
        """Return the same problem with other errors."""
        return replace(self, covariance=np.asarray(covariance, dtype=float))


@dataclass(frozen=True)
class Mode:
    """A local maximum of the posterior density.

    Attributes
    ----------
    point
        Standardised parameters, shape (parameters,).
    simulated
        What is simulated there, shape (targets,).
    loss
        ``Problem.loss`` there, in nats.
    jacobian
        Change of each target for one prior standard deviation of each parameter, (targets, parameters).
    """

    point: F8
    simulated: F8
    loss: float
    jacobian: F8


@dataclass(frozen=True)
class ModeSearch:
    """What the search for modes found.

    Attributes
    ----------
    modes
        All local modes within five nats of the best, best first, no two the same.
    n_simulations
        Points that were simulated.
    history
        Best loss after each simulation, shape (n_simulations,).
    """

    modes: tuple[Mode, ...]
    n_simulations: int
    history: F8


@dataclass(frozen=True)
class Draws:
    """Weighted draws from a posterior.

    Attributes
    ----------
    points
        Standardised parameters, shape (draws, parameters).
    log_weights
        Smoothed logarithms of weights that add up to one, shape (draws,).
    simulated
        What is simulated at each, shape (draws, targets).
    method
        ``"laplace"``, ``"importance"`` or ``"tempered"``.
    effective_size
        Draws from the posterior itself that would tell as much: of weights (Kish), or of particles with
        ancestors in common (``cbhi.calibration.tempered.effective_size_of_families``).
    pareto_k
        Shape of the tail of the weights; above 0.7 they cannot be trusted. Not a number where there are none.
    n_simulations
        Points that were simulated for them.
    table
        One row a batch: method, batch, draws, effective size, Pareto k.
    """

    points: F8
    log_weights: F8
    simulated: F8
    method: str
    effective_size: float
    pareto_k: float
    n_simulations: int
    table: tuple[dict[str, Any], ...] = field(default=())

    @property
    def weights(self) -> F8:
        """Weights that add up to one, shape (draws,)."""
        return np.exp(self.log_weights)
