"""What targets inform: Fisher information, flat directions, and what a wrong target does."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from calibration_support import linear_fit, make_fit, random_covariance

from cbhi.calibration.identifiability import FLAT, FlatDirections, fisher_information, identify, words_of


@pytest.mark.parametrize("seed", range(5))
def test_posterior_deviation_is_that_of_a_linear_problem(seed):
    fit = linear_fit(np.random.default_rng(seed), n=6, d=4)
    found = fit.identifiability()
    exact = np.linalg.inv(np.eye(4) + fit.jacobian.T @ np.linalg.inv(fit.problem.covariance) @ fit.jacobian)
    np.testing.assert_allclose(found.sd, np.sqrt(np.diag(exact)), rtol=1e-9)
    np.testing.assert_allclose(found.correlations, exact / np.outer(found.sd, found.sd), rtol=1e-9)
    np.testing.assert_allclose(fit.fisher(), np.linalg.inv(exact) - np.eye(4), rtol=1e-8, atol=1e-10)


def test_eigenvalues_come_largest_first_with_their_directions():
    fit = linear_fit(np.random.default_rng(1), n=7, d=5)
    found = fit.identifiability()
    assert (np.diff(found.eigenvalues) <= 0.0).all()
    rebuilt = (found.directions * found.eigenvalues) @ found.directions.T
    np.testing.assert_allclose(rebuilt, fit.fisher(), rtol=1e-9, atol=1e-9)
    largest = np.abs(found.directions).argmax(axis=0)
    assert (found.directions[largest, np.arange(5)] > 0.0).all()


def test_information_counts_parameters():
    covariance = np.diag([1e-8, 1e-8, 1.0, 1e8])
    found = identify("abcd", "1234", np.eye(4), covariance, np.ones(4))
    np.testing.assert_allclose(found.eigenvalues, [1e8, 1e8, 1.0, 1e-8])
    assert found.information == pytest.approx(2.5, abs=1e-6)
    assert (found.n_informed, found.n_flat) == (2, 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_target_that_is_wrong_biases_as_a_refit_of_it_says(seed):
    rng = np.random.default_rng(seed)
    fit = linear_fit(rng, n=6, d=3)
    found, problem = fit.identifiability(), fit.problem
    level = fit.mode.simulated - fit.jacobian @ fit.mode.point
    for target in range(6):
        wrong = problem.observed.copy()
        wrong[target] += fit.errors[target]
        information = fit.fisher() + np.eye(3)
        refit = np.linalg.solve(
            information, fit.jacobian.T @ np.linalg.solve(problem.covariance, wrong - level)
        )
        np.testing.assert_allclose(refit - fit.mode.point, found.bias[:, target], rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(
            found.bias[:, target], found.sensitivity[:, target] * fit.errors[target], rtol=1e-12
        )


def test_fewer_targets_than_parameters_leave_flat_directions_that_are_named():
    fit = linear_fit(np.random.default_rng(2), n=2, d=5, scale=20.0)
    found = fit.identifiability()
    assert found.n_flat == 3
    assert found.eigenvalues[-1] == pytest.approx(0.0, abs=1e-6)
    with pytest.warns(FlatDirections, match="5 parameters, but the 2 targets") as caught:
        fit.warn_of_flat_directions()
    assert caught[0].filename == __file__
    assert caught[0].message.directions == found.flat
    assert len(found.flat) == 3
    assert found.flat[0] in str(caught[0].message)


def test_nothing_is_warned_of_where_the_data_inform_everything():
    fit = linear_fit(np.random.default_rng(3), n=12, d=3, scale=5.0)
    assert fit.identifiability().eigenvalues[-1] > FLAT
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.warn_of_flat_directions()


def test_directions_in_words():
    assert words_of(("a.price_slope", "b.inertia"), np.array([1.0, 0.1])) == "price slope (1.00)"
    assert (
        words_of(("a.price_slope", "b.inertia", "c.x"), np.array([0.6, -0.8, 0.0]))
        == "inertia down with price slope up (0.80, 0.60)"
    )
    # nothing reaches the mark in a direction that is spread over many
    assert words_of([f"p{i}" for i in range(36)], np.full(36, 1 / 6)) == "p0 (0.17)"


def test_information_adds_up_over_independent_targets():
    rng = np.random.default_rng(4)
    one, two = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    c1, c2 = random_covariance(rng, 3), random_covariance(rng, 4)
    joint = np.block([[c1, np.zeros((3, 4))], [np.zeros((4, 3)), c2]])
    both = fisher_information(np.vstack([one, two]), joint)
    np.testing.assert_allclose(both, fisher_information(one, c1) + fisher_information(two, c2), rtol=1e-9)


def test_a_derivative_with_a_hole_is_refused():
    jacobian = np.ones((2, 2))
    jacobian[1, 0] = np.nan
    with pytest.raises(ValueError, match="change of target 'y' with 'a' is not a number"):
        identify(("a", "b"), ("x", "y"), jacobian, np.eye(2), np.ones(2))


def test_parts_that_do_not_belong_together_are_refused():
    from dataclasses import replace

    fit = linear_fit(np.random.default_rng(5), n=4, d=2, n_carried=1)
    with pytest.raises(ValueError, match=r"parts of the covariance .* do not add up"):
        replace(fit, parts={"published errors": fit.problem.covariance, "more": np.eye(4)})
    with pytest.raises(ValueError, match="order of the parameters"):
        replace(fit, priors=fit.priors[::-1])
    with pytest.raises(ValueError, match="order of the targets"):
        replace(fit, targets=fit.targets[::-1])
    with pytest.raises(ValueError, match=r"carried_jacobian has shape \(4, 2\), not \(4, 1\)"):
        replace(fit, carried_jacobian=np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"has shape \(2, 4\)"):
        replace(fit, mode=replace(fit.mode, jacobian=fit.mode.jacobian.T))


def test_a_fit_says_where_its_mode_is_in_the_parameters_own_units():
    fit = make_fit(
        lambda z: 2.0 * z, lambda z: 2.0 * np.eye(2), np.array([0.5, -1.0]), np.zeros(2), np.eye(2)
    )
    assert fit.values == {"law.slope_0": 0.25, "law.slope_1": 1.0 - 1.5}
    assert fit.loss == pytest.approx(0.5 * (1.0 + 4.0) + 0.5 * 1.25)
    assert fit.modes == fit.search.modes


def test_explaining_names_every_parameter_and_the_figure_it_hangs_on():
    fit = linear_fit(np.random.default_rng(6), n=5, d=3)
    text = fit.explain()
    found = fit.identifiability()
    for place, name in enumerate(("slope 0", "slope 1", "slope 2")):
        line = next(line for line in text.splitlines() if line.startswith(f"- {name}: "))
        assert f"'{found.targets[int(np.abs(found.bias[place]).argmax())]} 20" in line
        assert f"{100 * found.sd[place]:.0f} % of the prior's spread" in line
