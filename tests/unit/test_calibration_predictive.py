"""Posterior predictive checks: exact mixtures, uniform probabilities where the model holds, and alarms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from calibration_support import exact_draws, linear_fit
from scipy import stats

from cbhi.calibration.core import Draws
from cbhi.calibration.predictive import check_predictions, mixture_quantiles


def _checks(fit, rng, n=4000):
    return check_predictions(fit.problem, fit.mode, exact_draws(fit, n, rng))


def test_the_predictive_of_a_linear_problem_is_normal():
    rng = np.random.default_rng(1)
    fit = linear_fit(rng, n=6, d=3)
    checks = _checks(fit, rng, 20_000)
    posterior = np.linalg.inv(fit.fisher() + np.eye(3))
    sd = np.sqrt(np.diag(fit.problem.covariance + fit.jacobian @ posterior @ fit.jacobian.T))
    for found, share in ((checks.low, 0.05), (checks.median, 0.5), (checks.high, 0.95)):
        exact = fit.mode.simulated + stats.norm.ppf(share) * sd
        np.testing.assert_allclose(found, exact, atol=0.03 * sd.max())
    exact = 2.0 * stats.norm.sf(np.abs(fit.problem.observed - fit.mode.simulated) / sd)
    np.testing.assert_allclose(checks.tail, exact, atol=0.03)


def test_carried_parameters_are_as_the_figures_have_them():
    """Explored and carried parameters of a linear problem are jointly normal, and so is what they publish."""
    rng = np.random.default_rng(11)
    fit = linear_fit(rng, n=6, d=3, n_carried=2)
    slopes = fit.carried_slopes
    draws = exact_draws(fit, 20_000, rng)
    checks = check_predictions(fit.problem, fit.mode, draws, slopes)
    everything = np.hstack([fit.jacobian, slopes])
    errors = fit.problem.covariance - slopes @ slopes.T
    posterior = np.linalg.inv(np.eye(5) + everything.T @ np.linalg.solve(errors, everything))
    level = fit.mode.simulated - fit.jacobian @ fit.mode.point
    mean = posterior @ everything.T @ np.linalg.solve(errors, fit.problem.observed - level)
    sd = np.sqrt(np.diag(errors + everything @ posterior @ everything.T))
    for found, share in ((checks.low, 0.05), (checks.median, 0.5), (checks.high, 0.95)):
        exact = level + everything @ mean + stats.norm.ppf(share) * sd
        np.testing.assert_allclose(found, exact, atol=0.03 * sd.max())
    # with carried parameters at their centres the bands lie elsewhere, and are wider
    without = check_predictions(fit.problem, fit.mode, draws)
    assert np.abs(without.median - checks.median).max() > 0.1 * sd.max()
    assert (without.high - without.low > checks.high - checks.low).all()
    # the mode's own values, carried ones at their mean, give the same middle
    np.testing.assert_allclose(fit.point_simulated, level + everything @ mean, atol=1e-9)


def test_a_figure_left_out_is_predicted_by_the_others():
    rng = np.random.default_rng(2)
    fit = linear_fit(rng, n=8, d=2)
    checks = _checks(fit, rng, 20_000)
    marginal = fit.problem.covariance + fit.jacobian @ fit.jacobian.T
    level = fit.mode.simulated - fit.jacobian @ fit.mode.point
    precision = np.linalg.inv(marginal)
    exact = (precision @ (fit.problem.observed - level)) / np.sqrt(np.diag(precision))
    # in standard deviations, where five per cent would show
    found = stats.norm.isf(checks.left_out / 2.0)
    np.testing.assert_allclose(found, np.abs(exact), rtol=0.02, atol=0.02)


def test_probabilities_are_uniform_where_the_model_holds():
    whole, left_out, outside = [], [], 0
    for seed in range(120):
        rng = np.random.default_rng(1000 + seed)
        fit = linear_fit(rng, n=7, d=3)
        checks = _checks(fit, rng, 400)
        whole.append(checks.probability)
        left_out.append(checks.left_out[seed % 7])
        outside += 7 - checks.n_within
    assert stats.kstest(whole, "uniform").pvalue > 0.01
    assert stats.kstest(left_out, "uniform").pvalue > 0.01
    # the figures helped to fit: fewer than one in ten lie outside their own band
    assert outside / (120 * 7) < 0.1


def test_a_wrong_figure_is_found_and_the_whole_is_called_poor():
    rng = np.random.default_rng(3)
    fit = linear_fit(rng, n=9, d=2)
    observed = fit.problem.observed.copy()
    observed[4] += 8.0
    problem = replace(fit.problem, observed=observed)
    information = fit.fisher() + np.eye(2)
    shift = np.linalg.solve(
        information, fit.jacobian.T @ np.linalg.solve(problem.covariance, observed - fit.problem.observed)
    )
    point = fit.mode.point + shift
    simulated = fit.mode.simulated + fit.jacobian @ shift
    mode = replace(fit.mode, point=point, simulated=simulated, loss=float(problem.loss(point, simulated)))
    targets = tuple(replace(t, value=float(v)) for t, v in zip(fit.targets, observed, strict=True))
    wrong = replace(fit, problem=problem, mode=mode, targets=targets)
    checks = _checks(wrong, rng)
    assert checks.targets[checks.worst] == "figure_4"
    assert checks.probability < 0.001
    assert checks.realised < 0.01
    assert checks.worst_probability < 0.01


def test_errors_that_are_stated_too_large_show():
    rng = np.random.default_rng(4)
    fit = linear_fit(rng, n=40, d=2, sd=0.05)
    generous = replace(fit.problem, covariance=400.0 * fit.problem.covariance)
    mode = replace(fit.mode, loss=float(generous.loss(fit.mode.point, fit.mode.simulated)))
    checks = check_predictions(generous, mode, exact_draws(fit, 500, rng))
    assert checks.realised > 0.99
    assert checks.probability > 0.99


def test_what_the_draws_cannot_tell_is_reckoned_to_first_order():
    rng = np.random.default_rng(8)
    fit = linear_fit(rng, n=3, d=3, scale=30.0)  # each figure alone holds a direction
    checks = _checks(fit, rng, 500)
    assert checks.n_first_order == 3
    assert np.isfinite(checks.left_out).all()
    assert (checks.left_out > 0.01).all()


def test_weights_count_and_failed_draws_do_not():
    rng = np.random.default_rng(5)
    fit = linear_fit(rng, n=5, d=2)
    draws = exact_draws(fit, 3000, rng)
    half = draws.points[:, 0] > fit.mode.point[0]
    doubled = Draws(
        points=np.concatenate([draws.points, draws.points[half], draws.points[:1]]),
        log_weights=np.log(
            np.concatenate([np.full(3000, 1.0), np.full(half.sum(), 2.0), [1.0]]) / (3001 + 2 * half.sum())
        ),
        simulated=np.concatenate([draws.simulated, draws.simulated[half], np.full((1, 5), np.nan)]),
        method="importance", effective_size=1.0, pareto_k=0.1, n_simulations=1,
    )  # fmt: skip
    weights = np.where(half, 3.0, 1.0)
    single = replace(draws, log_weights=np.log(weights / weights.sum()))
    one, two = (check_predictions(fit.problem, fit.mode, d) for d in (doubled, single))
    for name in ("low", "median", "high", "tail", "realised"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
def test_mixture_quantiles_invert_the_distribution(share):
    rng = np.random.default_rng(6)
    centres, sd = rng.standard_normal((30, 3)) * 1e3, np.array([0.1, 10.0, 1e4])
    weights = rng.random(30)
    weights /= weights.sum()
    found = mixture_quantiles(centres, sd, weights, share)
    below = weights @ stats.norm.cdf((found - centres) / sd)
    np.testing.assert_allclose(below, share, atol=1e-4)


def test_a_single_draw_is_a_normal():
    found = mixture_quantiles(np.zeros((1, 1)), np.ones(1), np.ones(1), 0.95)
    assert found[0] == pytest.approx(1.6448536, abs=1e-5)
