"""Calibration problems whose answers are known, for the tests of the algorithms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cbhi.calibration.core import Problem

F8 = NDArray[np.float64]


def problem_of(
    simulate: Callable[[F8], F8], observed: F8, errors: F8, n_parameters: int, seed: int = 1
) -> Problem:
    """Return a problem with independent errors."""
    return Problem(
        names=tuple(f"parameter {i}" for i in range(n_parameters)),
        targets=tuple(f"target {i}" for i in range(len(observed))),
        observed=np.asarray(observed, dtype=float),
        covariance=np.diag(np.asarray(errors, dtype=float) ** 2),
        evaluate=lambda step, points: simulate(np.asarray(points)),
        seed=seed,
    )


def linear_problem(n_parameters: int = 6, n_targets: int = 8, seed: int = 1) -> tuple[Problem, F8, F8]:
    """Return a problem with a normal posterior, its mean and its covariance (Bishop 2006, eq. 2.116)."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(n_targets, n_parameters)) * np.linspace(3.0, 0.1, n_parameters)
    errors = rng.uniform(0.5, 1.5, n_targets)
    observed = design @ rng.standard_normal(n_parameters) + errors * rng.standard_normal(n_targets)
    precision = np.eye(n_parameters) + design.T @ np.diag(errors**-2) @ design
    covariance = np.linalg.inv(precision)
    mean = covariance @ design.T @ (observed / errors**2)
    problem = problem_of(lambda z: z @ design.T, observed, errors, n_parameters, seed)
    return problem, mean, covariance


def curved_problem(n_parameters: int = 3, seed: int = 1) -> Problem:
    """Return a banana: only ``z1 + z0^2 - 1`` and, weakly, z0 are observed."""

    def simulate(z: F8) -> F8:
        return np.stack([z[:, 1] + z[:, 0] ** 2 - 1.0, z[:, 0]], axis=1)

    return problem_of(simulate, np.array([0.3, 0.4]), np.array([0.25, 1.2]), n_parameters, seed)


def curved_moments() -> tuple[F8, F8]:
    """Return mean and standard deviation of z0 and z1 of the banana, by a fine grid."""
    problem = curved_problem(2)
    axis = np.linspace(-6.0, 6.0, 1201)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(-problem.loss(grid, problem.evaluate("", grid)))
    density /= density.sum()
    mean = density @ grid
    return mean, np.sqrt(density @ (grid - mean) ** 2)


def two_sided_problem(n_parameters: int = 4, seed: int = 1) -> Problem:
    """Return a posterior with two modes that mirror each other: only the square of z0 is observed."""

    def simulate(z: F8) -> F8:
        return np.stack([z[:, 0] ** 2, z[:, 1]], axis=1)

    return problem_of(simulate, np.array([2.5, 0.5]), np.array([0.4, 0.7]), n_parameters, seed)


def failing(problem: Problem, limit: float = 1.0) -> Problem:
    """Return the problem with simulations that fail where the last parameter is above a limit."""

    def evaluate(step: str, points: F8) -> F8:
        simulated = np.array(problem.evaluate(step, points))
        simulated[points[:, -1] > limit] = np.nan
        return simulated

    return Problem(
        problem.names, problem.targets, problem.observed, problem.covariance, evaluate, problem.seed
    )


@dataclass
class Journal:
    """Answers that are kept by the name of their step, as a checkpoint does."""

    problem: Problem
    asked: dict[str, F8] = field(default_factory=dict)
    answers: dict[str, F8] = field(default_factory=dict)
    n_simulated: int = 0

    def evaluate(self, step: str, points: F8) -> F8:
        """Answer from the journal, or simulate and keep; the same step must ask for the same points."""
        if step in self.answers:
            np.testing.assert_array_equal(points, self.asked[step])
            return self.answers[step]
        self.asked[step] = np.array(points)
        self.answers[step] = self.problem.evaluate(step, points)
        self.n_simulated += len(points)
        return self.answers[step]

    def kept(self) -> Problem:
        """Return the problem with this journal between it and the algorithms."""
        p = self.problem
        return Problem(p.names, p.targets, p.observed, p.covariance, self.evaluate, p.seed)
