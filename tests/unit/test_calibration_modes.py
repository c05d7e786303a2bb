"""The search for modes finds them, in few simulations, again and again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from calibration_problems import (
    Journal,
    curved_problem,
    failing,
    linear_problem,
    problem_of,
    two_sided_problem,
)

from cbhi.calibration.core import CalibrationNotConverged, Mode
from cbhi.calibration.emulator import fit_emulator
from cbhi.calibration.laplace import central_jacobian, laplace_covariance, laplace_weights
from cbhi.calibration.mode import search_modes
from cbhi.calibration.polishing import polish_mode, rank_modes
from cbhi.kernels.records import F8


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mode_of_a_linear_problem_is_its_posterior_mean(seed: int) -> None:
    problem, mean, covariance = linear_problem(12, 18, seed)
    search = search_modes(problem)
    mode = search.modes[0]
    best = float(problem.loss(mean, problem.evaluate("", mean[None])[0]))
    assert len(search.modes) == 1
    assert best - 1e-9 <= mode.loss < best + 0.06
    assert search.n_simulations == len(search.history) <= 110
    assert (np.diff(search.history) <= 0.0).all()
    assert search.history[-1] == mode.loss
    np.testing.assert_allclose(laplace_covariance(problem, mode.jacobian), covariance, atol=0.03)


def test_a_mode_is_a_point_that_was_simulated() -> None:
    problem = curved_problem()
    for mode in search_modes(problem).modes:
        simulated = problem.evaluate("", mode.point[None])[0]
        np.testing.assert_array_equal(simulated, mode.simulated)
        assert mode.loss == float(problem.loss(mode.point, simulated))


def test_both_modes_are_found() -> None:
    problem = two_sided_problem()
    search = search_modes(problem)
    sides = sorted(mode.point[0] for mode in search.modes)
    assert len(sides) == 2
    np.testing.assert_allclose(sides, [-sides[1], sides[1]], atol=0.2)
    assert sides[1] == pytest.approx(1.53, abs=0.2)
    np.testing.assert_allclose(laplace_weights(problem, search.modes), 0.5, atol=0.1)


def test_modes_that_the_screen_saw_are_not_forgotten() -> None:
    """Three modes within two nats in six dimensions; after the first rounds the best points lie in one."""
    found = []
    for seed in range(10, 18):
        problem = problem_of(
            lambda z: np.sin(2.0 * z[:, :1]) + 0.2 * z[:, 1:2], np.array([0.3]), np.array([0.15]), 6, seed
        )
        search = search_modes(problem)
        found.append(len(search.modes))
        for mode in search.modes:
            # within two standard errors: none is so far off as a point between two modes
            assert abs(np.sin(2.0 * mode.point[0]) + 0.2 * mode.point[1] - 0.3) < 0.3
        apart = np.diff(sorted(mode.point[0] for mode in search.modes))
        assert (apart > 0.5).all()
    assert np.mean(np.array(found) > 1) >= 0.5


def test_modes_that_became_one_are_counted_once() -> None:
    problem, _, _ = linear_problem(4, 6)
    search = search_modes(problem)
    best = search.modes[0]
    near = replace(best, point=best.point + 0.01)
    far = replace(best, point=best.point + 3.0, loss=best.loss)
    doubled = replace(search, modes=(best, near, far))
    polished = polish_mode(problem, best)
    kept = rank_modes(problem, doubled, polished, within=np.inf).modes
    assert kept[0] is polished
    assert [mode.point.tolist() for mode in kept[1:]] == [far.point.tolist()]


def test_a_mode_five_nats_worse_is_left_out() -> None:
    problem = two_sided_problem()

    def tilted(z: np.ndarray) -> np.ndarray:
        return np.column_stack([problem.evaluate("", z), z[:, 0]])

    # the third target prefers the right side by (1.53 + 1)^2 / 2 - (1.53 - 1)^2 / 2 over 0.3^2, 34 nats
    search = search_modes(problem_of(tilted, np.array([2.5, 0.5, 1.0]), np.array([0.4, 0.7, 0.3]), 4))
    assert [mode.point[0] > 0.0 for mode in search.modes] == [True]


def test_failed_simulations_are_gone_round() -> None:
    problem, mean, _ = linear_problem(6, 8)
    safe = failing(problem, limit=float(mean[-1]) + 0.3)
    search = search_modes(safe)
    best = float(problem.loss(mean, problem.evaluate("", mean[None])[0]))
    assert search.modes[0].loss < best + 0.1
    assert np.isfinite(search.modes[0].jacobian).all()


def test_nothing_but_failures_is_said() -> None:
    with pytest.raises(CalibrationNotConverged, match="only 0 of 55 simulations succeeded"):
        search_modes(failing(linear_problem()[0], limit=-np.inf))


def test_a_second_search_asks_for_the_same() -> None:
    journal = Journal(two_sided_problem())
    first = search_modes(journal.kept())
    asked = journal.n_simulated
    assert asked == first.n_simulations == sum(len(points) for points in journal.asked.values())
    second = search_modes(journal.kept())
    assert journal.n_simulated == asked
    for one, other in zip(first.modes, second.modes, strict=True):
        assert one.loss == other.loss
        np.testing.assert_array_equal(one.point, other.point)
        np.testing.assert_array_equal(one.jacobian, other.jacobian)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_screen": -1}, "n_screen must be at least 0"),
        ({"n_starts": 0}, "n_starts must be at least 1"),
        ({"step": 0.0}, "first_step, step and screen_sd are distances"),
        ({"first_step": 0.0}, "first_step, step and screen_sd are distances"),
        ({"screen_sd": -1.0}, "step and screen_sd are distances"),
        ({"max_simulations": 10}, "max_simulations must be at least"),
    ],
)
def test_senseless_settings_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search_modes(linear_problem()[0], **arguments)  # type: ignore[arg-type]


def test_the_mode_is_there_before_other_modes_are_looked_for() -> None:
    """A linear problem of Rwanda's size: thirteen points, then two batches of steps."""
    problem, mean, _ = linear_problem(12, 18)
    best = float(problem.loss(mean, problem.evaluate("", mean[None])[0]))
    assert search_modes(problem).history[20] < best + 1.0


def test_a_first_batch_that_fails_is_made_up_for_by_the_screen() -> None:
    """All first points but the centre fail, and the centre alone is no ground for an emulator."""
    problem, mean, _ = linear_problem(6, 8)

    def near_the_axes_fails(step: str, points: F8) -> F8:
        simulated = np.array(problem.evaluate(step, points))
        simulated[(points != 0.0).sum(axis=1) == 1] = np.nan
        return simulated

    search = search_modes(replace(problem, evaluate=near_the_axes_fails))
    best = float(problem.loss(mean, problem.evaluate("", mean[None])[0]))
    assert search.modes[0].loss < best + 0.1


def test_what_is_left_is_spent_where_the_simulator_is_rough() -> None:
    """A rough simulator is looked at near the best until the limit; a smooth one is not."""
    problem, _, _ = linear_problem(4, 6)

    def rough(step: str, points: F8) -> F8:
        ripple = 0.5 * np.sin(1e4 * points.sum(axis=1, keepdims=True))
        return np.asarray(problem.evaluate(step, points) + ripple)

    assert search_modes(problem).n_simulations < 90
    assert search_modes(replace(problem, evaluate=rough)).n_simulations >= 150


def test_simulations_are_limited() -> None:
    assert search_modes(linear_problem(12, 18)[0], max_simulations=64).n_simulations == 64


def test_central_differences_are_exact_for_a_square() -> None:
    problem = curved_problem()
    point = np.array([0.7, -0.2, 0.1])
    expected = [[1.4, 1.0, 0.0], [1.0, 0.0, 0.0]]
    np.testing.assert_allclose(central_jacobian(problem, point, name="differences"), expected, atol=1e-12)


def test_one_sided_differences_where_a_simulation_failed() -> None:
    problem, mean, _ = linear_problem()
    whole = central_jacobian(problem, mean, name="differences")
    safe = failing(problem, limit=float(mean[-1]) + 0.1)
    np.testing.assert_allclose(central_jacobian(safe, mean, name="differences"), whole, atol=1e-10)
    lost = central_jacobian(failing(problem, limit=float(mean[-1]) - 9.0), mean, name="differences")
    assert (lost == 0.0).all()


def test_mass_under_a_mode_counts_its_width() -> None:
    problem, mean, _ = linear_problem(2, 3)
    narrow, wide = np.diag([3.0, 0.0, 0.0])[:, :2], np.zeros((3, 2))
    problem = problem.with_covariance(np.eye(3))
    modes = (Mode(mean, mean, 1.0, narrow), Mode(mean, mean, 1.0, wide))
    # determinants of the precisions are 1 + 9 and 1
    np.testing.assert_allclose(laplace_weights(problem, modes), np.array([10**-0.5, 1.0]) / (1.0 + 10**-0.5))


def test_an_emulator_knows_a_plane_and_its_slope() -> None:
    rng = np.random.default_rng(4)
    x, slope = rng.normal(size=(40, 5)), rng.normal(size=(3, 5))
    emulator = fit_emulator(x, x @ slope.T + 2.0)
    new = rng.normal(size=(10, 5))
    np.testing.assert_allclose(emulator(new), new @ slope.T + 2.0, atol=0.1)
    np.testing.assert_allclose(emulator.jacobian(new[0]), slope, atol=0.1)


def test_an_emulators_derivatives_are_its_own() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 3))
    emulator = fit_emulator(x, np.column_stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2]]))
    point, h = np.array([0.3, -0.5, 0.8]), 1e-5
    moves = h * np.eye(3)
    differences = (emulator(point + moves) - emulator(point - moves)).T / (2.0 * h)
    np.testing.assert_allclose(emulator.jacobian(point), differences, atol=1e-6)


def test_an_emulator_needs_points() -> None:
    with pytest.raises(ValueError, match="only 2 of 3 simulations succeeded"):
        fit_emulator(np.eye(3), np.array([[1.0], [2.0], [np.nan]]))
