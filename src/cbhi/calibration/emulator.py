"""A statistical emulator of the simulator: what it would return at points that were not simulated.

It says where to simulate next and what the derivatives are. It never enters a likelihood or a weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cbhi.kernels.records import F8

__all__ = ["Emulator", "fit_emulator"]

CONSTANT = 100.0
"""Prior variance of the mean relative to that of the smooth part: large, so that data decide."""
FEWEST = 3
"""Fewest points an emulator can be fitted to."""


@dataclass(frozen=True)
class Emulator:
    """Gaussian process with a linear and a smooth part, shared by all targets but for their variance.

    Attributes
    ----------
    points
        Where it was fitted, standardised parameters, shape (n, parameters).
    coefficients
        Weights of the kernel at each point, shape (n, targets).
    length
        Distance over which the smooth part changes, prior standard deviations.
    slope
        Variance of a linear coefficient relative to that of the smooth part.
    """

    points: F8
    coefficients: F8
    length: float
    slope: float

    def __call__(self, at: F8) -> F8:
        """Return expected outcomes at points, shape (m, targets)."""
        kernel = _kernel(np.atleast_2d(at), self.points, self.length, self.slope)
        return np.asarray(kernel @ self.coefficients, dtype=np.float64)

    def jacobian(self, point: F8) -> F8:
        """Return derivatives of expected outcomes at one point, shape (targets, parameters)."""
        away = self.points - point
        smooth = np.exp(-0.5 * np.sum(away**2, axis=1) / self.length**2)
        gradient = self.slope * self.points + (smooth / self.length**2)[:, None] * away
        return np.asarray(self.coefficients.T @ gradient, dtype=np.float64)


def _kernel(left: F8, right: F8, length: float, slope: float) -> F8:
    product = left @ right.T
    distance = np.sum(left**2, axis=1)[:, None] + np.sum(right**2, axis=1) - 2.0 * product
    smooth = np.exp(-0.5 * np.maximum(distance, 0.0) / length**2)
    return np.asarray(CONSTANT + slope * product + smooth, dtype=np.float64)


def _factor(points: F8, values: F8, length: float, slope: float, nugget: float) -> tuple[F8, float]:
    """Return coefficients and twice minus the profile log likelihood."""
    from scipy.linalg import cho_solve, cholesky

    kernel = _kernel(points, points, length, slope)
    kernel[np.diag_indices_from(kernel)] += nugget
    root = cholesky(kernel, lower=True, check_finite=False)
    coefficients: F8 = cho_solve((root, True), values, check_finite=False)
    # a target that nothing moves must not decide the shape of the others
    variance = np.sum(values * coefficients, axis=0) / len(points) + 1e-6
    log_determinant = 2.0 * np.sum(np.log(np.diag(root)))
    return coefficients, float(len(points) * np.sum(np.log(variance)) + values.shape[1] * log_determinant)


def fit_emulator(points: F8, values: F8, start: Emulator | None = None) -> Emulator:
    """Fit an emulator by the likelihood of what was simulated.

    Parameters
    ----------
    points
        Standardised parameters, shape (n, parameters).
    values
        Outcomes of about the same scale, shape (n, targets); rows that are not numbers are left out.
    start
        An earlier emulator whose shape is near.

    Returns
    -------
    Emulator
        With length of change, slope and roughness (a nugget) of largest likelihood, the variance of each
        target profiled out.

    Raises
    ------
    ValueError
        When fewer than three rows are numbers.

    References
    ----------
    Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, sections 2.7 and 5.4.
    """
    from scipy.optimize import minimize

    good = np.isfinite(values).all(axis=1)
    x, y = points[good], values[good]
    if len(x) < FEWEST:
        raise ValueError(f"only {len(x)} of {len(points)} simulations succeeded; an emulator needs {FEWEST}")
    centre = (np.sqrt(x.shape[1]), 1.0) if start is None else (start.length, start.slope)

    def unlikely(logs: F8) -> float:
        length, slope, nugget = np.exp(np.clip(logs, (-1.0, -7.0, -9.0), (4.0, 7.0, 0.0)))
        away = np.sum((logs - np.clip(logs, (-1.0, -7.0, -9.0), (4.0, 7.0, 0.0))) ** 2)
        return _factor(x, y, float(length), float(slope), float(nugget))[1] + 100.0 * float(away)

    begin = np.log([centre[0], centre[1], 0.01])
    simplex = begin + np.vstack([np.zeros(3), 0.7 * np.eye(3)])
    best = minimize(
        unlikely,
        begin,
        method="Nelder-Mead",
        options={"maxfev": 60, "fatol": 0.5, "initial_simplex": simplex},
    )
    length, slope, nugget = np.exp(np.clip(best.x, (-1.0, -7.0, -9.0), (4.0, 7.0, 0.0)))
    coefficients, _ = _factor(x, y, float(length), float(slope), float(nugget))
    return Emulator(x, coefficients, float(length), float(slope))
