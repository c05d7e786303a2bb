"""The search for modes follows every mode to its end, and asks for no point in vain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from calibration_problems import linear_problem, problem_of

from cbhi.calibration.core import Problem
from cbhi.calibration.mode import search_modes
from cbhi.kernels.records import F8


class Asked:
    """A problem that remembers what it was asked."""

    def __init__(self, problem: Problem) -> None:
        self.plain = problem
        self.batches: list[F8] = []
        self.failed = 0

    def evaluate(self, step: str, points: F8) -> F8:
        """Return what the problem says."""
        simulated = np.asarray(self.plain.evaluate(step, points))
        self.batches.append(points)
        self.failed += int((~np.isfinite(simulated).all(axis=1)).sum())
        return simulated

    @property
    def problem(self) -> Problem:
        """Return the problem that asks here."""
        return replace(self.plain, evaluate=self.evaluate)

    @property
    def points(self) -> F8:
        """Return all points."""
        return np.vstack(self.batches)

    def closest(self) -> float:
        """Return the smallest distance between two points."""
        apart = np.linalg.norm(self.points[:, None] - self.points[None], axis=2)
        return float(apart[np.triu_indices(len(apart), 1)].min())


def lopsided_problem(n: int, seed: int) -> Problem:
    """Return one with two modes about two nats apart, at some 1.55 and -1.55 of the first parameter."""

    def simulate(z: F8) -> F8:
        rest = z[:, 1:].sum(axis=1)
        return np.column_stack(
            [z[:, 0] ** 2, 0.7 * rest + 0.3 * z[:, 0], 0.8 * z[:, 1] + 0.2 * z[:, 2] ** 2, 0.3 * z[:, 0]]
        )

    return problem_of(simulate, np.array([2.5, 0.9, 0.5, 0.8]), np.array([0.4, 0.3, 0.3, 0.7]), n, seed)


@pytest.mark.parametrize("n", [4, 8, 12])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_second_mode_is_followed_to_its_end(n: int, seed: int) -> None:
    asked = Asked(lopsided_problem(n, seed))
    search = search_modes(asked.problem)
    assert [mode.point[0] > 0.0 for mode in search.modes] == [True, False]
    losses = asked.plain.loss(asked.points, asked.plain.evaluate("", asked.points))
    for mode in search.modes:
        there = (asked.points[:, 0] > 0.0) == (mode.point[0] > 0.0)
        assert mode.loss <= losses[there].min() + 0.05
    assert asked.closest() > 0.02
    assert search.n_simulations <= 150


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_point_that_failed_is_not_asked_again(seed: int) -> None:
    problem, mean, covariance = linear_problem(12, 18, seed)
    precision = np.linalg.inv(covariance)

    def with_a_hole(step: str, points: F8) -> F8:
        simulated = np.array(problem.evaluate(step, points))
        away = points - mean
        simulated[np.sum((away @ precision) * away, axis=1) < 0.25] = np.nan
        return simulated

    asked = Asked(replace(problem, evaluate=with_a_hole))
    search_modes(asked.problem)
    assert asked.failed < 15
    assert asked.closest() > 0.02


@pytest.mark.parametrize("n", [4, 6, 12])
def test_no_more_is_simulated_than_was_said(n: int) -> None:
    """Many modes: with three starts at most a third of the simulations more for each of two others."""

    def simulate(z: F8) -> F8:
        return np.sin(4.0 * z) + 0.1 * np.cos(37.0 * z)

    problem = problem_of(simulate, np.full(n, 0.3), np.full(n, 0.1), n, 5)
    asked = Asked(problem)
    search = search_modes(asked.problem, max_simulations=60, n_screen=24)
    # three modes are followed to the last
    assert len(search.history) == search.n_simulations == len(asked.points) == 100
    assert search_modes(problem, max_simulations=90, n_screen=24).n_simulations <= 150


def test_the_neighbourhood_of_a_mode_is_looked_at_in_every_direction() -> None:
    asked = Asked(linear_problem(12, 18, 2)[0])
    mode = search_modes(asked.problem, n_screen=0).modes[0]
    around = [batch for batch in asked.batches[1:] if len(batch) == 12]
    assert around
    steps = around[0] - mode.point
    assert np.linalg.norm(steps, axis=1).max() < 1.5
    assert np.linalg.matrix_rank(steps) == 12


def test_too_few_points_to_start_with_are_refused() -> None:
    with pytest.raises(ValueError, match="n_screen must be at least 1 with 1 parameter, got 0"):
        search_modes(linear_problem(1, 2)[0], n_screen=0)
