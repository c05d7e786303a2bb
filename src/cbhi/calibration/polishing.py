"""The last steps to a mode, under the covariance that holds there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cbhi.calibration.core import Mode, ModeSearch, Problem
from cbhi.kernels.records import F8

__all__ = ["polish_mode", "rank_modes"]

LENGTHS = np.array([0.25, 0.5, 0.75, 1.0, 1.5])
"""Parts of a Gauss-Newton step that are tried at once."""

SMALL_GAIN = 0.05
"""Gain in nats that is not worth another step."""

SAME = 2.0
"""Posterior standard deviations within which two modes are one."""
NEAR = 0.25
"""Prior standard deviations over which a derivative is taken to hold."""


def polish_mode(problem: Problem, mode: Mode, *, steps: int = 3, name: str = "at the mode") -> Mode:
    """Return a mode after Gauss-Newton steps, with its derivative by central differences.

    Parameters
    ----------
    problem
        With the covariance that holds at the mode.
    mode
        Where to start; what is simulated there is taken from it.
    steps
        Most steps.
    name
        Begins the names of the batches.

    Notes
    -----
    A step solves ``(I + A'A) d = -(A'r + z)`` with the whitened derivative A and residuals r; several lengths
    of it are simulated as one batch and the best is taken if it is better at all.
    """
    from cbhi.calibration.laplace import central_jacobian

    jacobian = central_jacobian(problem, mode.point, name=f"{name}/derivative")
    differentiated_at = mode.point
    point, simulated = mode.point, mode.simulated
    loss = float(problem.loss(point, simulated))
    for turn in range(1, steps + 1):
        direction, gain = _gauss_newton(problem, jacobian, point, simulated)
        if gain < SMALL_GAIN:
            break
        tried = point + LENGTHS[:, None] * direction
        answers = problem.evaluate(f"{name}/step {turn}", tried)
        losses = problem.loss(tried, answers)
        best = int(np.argmin(losses))
        if not losses[best] < loss - 0.01 * gain:
            break
        point, simulated, loss = tried[best], answers[best], float(losses[best])
        if np.linalg.norm(point - differentiated_at) > NEAR:
            jacobian = central_jacobian(problem, point, name=f"{name}/derivative {turn}")
            differentiated_at = point
    return Mode(point=point, simulated=simulated, loss=loss, jacobian=jacobian)


def _gauss_newton(problem: Problem, jacobian: F8, point: F8, simulated: F8) -> tuple[F8, float]:
    """Return the step and the gain that it would bring if residuals were linear, in nats."""
    whitened = problem.whiten(jacobian.T).T
    gradient = whitened.T @ problem.residuals(simulated) + point
    direction = -np.linalg.solve(np.eye(point.size) + whitened.T @ whitened, gradient)
    return np.asarray(direction, dtype=np.float64), float(-0.5 * gradient @ direction)


def rank_modes(problem: Problem, search: ModeSearch, best: Mode, *, within: float = 5.0) -> ModeSearch:
    """Return a search with the losses of another covariance and the polished mode in place of its best.

    Parameters
    ----------
    problem
        With the new covariance.
    search
        What was found under the old one.
    best
        The polished best mode.
    within
        Modes that are worse than the best by more nats are left out, and so are those that are the same as
        a better one.
    """
    others = [
        replace(mode, loss=float(problem.loss(mode.point, mode.simulated))) for mode in search.modes[1:]
    ]
    kept: list[Mode] = []
    for mode in sorted((best, *others), key=lambda mode: mode.loss):
        lowest = kept[0].loss if kept else mode.loss
        if mode.loss <= lowest + within and not any(_is_same(problem, other, mode) for other in kept):
            kept.append(mode)
    return replace(search, modes=tuple(kept))


def _is_same(problem: Problem, better: Mode, other: Mode) -> bool:
    """Say whether two modes lie within so few posterior standard deviations that they are one."""
    whitened = problem.whiten(better.jacobian.T).T
    step = other.point - better.point
    return float(step @ step + np.sum((whitened @ step) ** 2)) < SAME**2
