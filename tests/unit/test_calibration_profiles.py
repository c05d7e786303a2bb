"""Profile likelihoods: exact on linear problems, honest on others."""

from __future__ import annotations

import numpy as np
import pytest
from calibration_support import linear_fit, make_fit
from scipy import optimize

from cbhi.calibration.profiles import OFFSETS, profile


@pytest.mark.parametrize("unit", ["posterior", "prior"])
def test_the_profile_of_a_linear_problem_is_its_parabola(unit):
    fit = linear_fit(np.random.default_rng(1), n=8, d=4)
    sd = fit.identifiability().sd
    found = fit.profiles(unit=unit)
    for place, one in enumerate(found.profiles):
        by = np.array(OFFSETS) * (sd[place] if unit == "posterior" else 1.0)
        np.testing.assert_allclose(one.values, fit.mode.point[place] + by)
        np.testing.assert_allclose(one.rise, 0.5 * (by / sd[place]) ** 2, rtol=1e-8)
        np.testing.assert_allclose(one.rise, one.expected, rtol=1e-8)
        assert one.sd_below == pytest.approx(sd[place])
        assert one.sd_above == pytest.approx(sd[place])
        assert one.is_settled
        assert one.better_mode == 0.0
        low, high = one.interval(0.9)
        assert low == pytest.approx(fit.mode.point[place] - 1.6448536 * sd[place])
        assert high == pytest.approx(fit.mode.point[place] + 1.6448536 * sd[place])


def test_batches_are_few_large_and_named_apart():
    fit = linear_fit(np.random.default_rng(2), n=8, d=5)
    evaluate = fit.problem.evaluate
    found = fit.profiles()
    assert found.n_simulations == evaluate.points == 5 * 4 * 3
    assert len(evaluate.steps) == 3
    fit.profile("law.slope_2")  # other points, so other names: the counter refuses a name twice
    fit.profile("law.slope_2", offsets=(-1.0, 1.0))
    fit.profile("law.slope_2", offsets=(-1.0, 1.0), unit="prior")
    assert len(set(evaluate.steps)) == 12


def test_the_refit_of_a_curved_problem_is_the_constrained_minimum():
    slopes = np.random.default_rng(3).standard_normal((6, 3))

    def simulate(z):
        u = slopes @ z
        return np.tanh(0.5 * u) + 0.05 * u

    def derivative(z):
        u = slopes @ z
        return (0.5 / np.cosh(0.5 * u) ** 2 + 0.05)[:, None] * slopes

    observed = simulate(np.array([0.6, -0.4, 0.3])) + 0.03
    covariance = np.diag(np.full(6, 0.1**2))

    def residuals(z):
        return np.concatenate([(simulate(z) - observed) / 0.1, z])

    best = optimize.least_squares(residuals, np.zeros(3)).x
    fit = make_fit(simulate, derivative, best, observed, covariance)
    found = fit.profiles(steps=3)
    for place, one in enumerate(found.profiles):
        for value, rise in zip(one.values, one.rise, strict=True):
            others = np.delete(best, place)
            exact = optimize.least_squares(
                lambda free, place=place, value=value: residuals(np.insert(free, place, value)), others
            ).cost
            # an upper limit by its nature, and close
            assert exact - fit.loss - 1e-6 <= rise <= exact - fit.loss + 0.05


def test_a_flat_parameter_rises_like_its_prior_only():
    fit = make_fit(
        lambda z: np.array([z[0], z[0]]), lambda z: np.array([[1.0, 0.0], [1.0, 0.0]]),
        np.array([0.5, 0.0]), np.array([0.75, 0.75]), np.eye(2),
    )  # fmt: skip
    one = fit.profile("law.slope_1")
    np.testing.assert_allclose(one.rise, 0.5 * np.square(OFFSETS))
    assert one.sd_below == pytest.approx(1.0)


def test_a_one_sided_problem_is_told_side_by_side():
    # above zero nothing changes with the parameter, below it the target does
    fit = make_fit(
        lambda z: np.minimum(z, 0.0) * 5.0, lambda z: np.array([[2.0]]),
        np.array([0.0]), np.zeros(1), np.eye(1),
    )  # fmt: skip
    one = fit.profile("law.slope_0", unit="prior")
    assert one.sd_below == pytest.approx(1.0 / np.sqrt(26.0))
    assert one.sd_above == pytest.approx(1.0)


def test_simulations_that_fail_are_infinitely_bad_and_the_rest_goes_on():
    def simulate(z):
        return np.full(2, np.nan) if z[0] > 0.4 else z

    fit = make_fit(simulate, lambda z: np.eye(2), np.zeros(2), np.zeros(2), np.eye(2))
    found = fit.profiles(offsets=(-1.0, 1.0))
    first, second = found.profiles
    assert np.isfinite(first.rise[0])
    assert np.isinf(first.rise[1])
    assert not first.is_settled
    assert np.isfinite(second.rise).all()
    assert first.interval()[1] == np.inf


def test_a_refit_leaves_a_region_where_simulations_fail():
    slopes = np.array([[1.0, 1.0]])

    def simulate(z):
        # the ridge leads where nothing can be simulated
        return np.array([np.nan]) if z[1] < -0.3 else slopes @ z

    fit = make_fit(simulate, lambda z: slopes, np.zeros(2), np.zeros(1), np.array([[0.01]]))
    one = fit.profile("law.slope_0", offsets=(0.7,), steps=2)
    assert np.isfinite(one.rise).all()
    assert one.points[0, 0] == one.values[0]


def test_a_point_better_than_the_mode_is_reported():
    def simulate(z):
        return np.array([np.cos(3.0 * z[0])])

    fit = make_fit(simulate, lambda z: np.zeros((1, 1)), np.array([0.0]), np.array([-1.0]), np.array([[0.1]]))
    one = fit.profile("law.slope_0", offsets=(-1.0, 1.0), unit="prior")
    assert one.better_mode > 10.0


def test_a_better_mode_does_not_break_the_interval():
    fit = make_fit(
        lambda z: np.array([np.cos(3.0 * z[0])]), lambda z: np.zeros((1, 1)),
        np.array([0.0]), np.array([-1.0]), np.array([[0.1]]),
    )  # fmt: skip
    assert fit.profile("law.slope_0", offsets=(-1.0, 1.0), unit="prior").interval() == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"names": ["law.slop_1"]}, "'law.slop_1' is no free parameter; did you mean 'law.slope_1'"),
        ({"offsets": (0.0, 1.0)}, "offsets are distances other than 0"),
        ({"offsets": (np.nan,)}, "offsets are distances other than 0"),
        ({"unit": "own"}, "unit is 'posterior' or 'prior', got 'own'"),
    ],
)
def test_what_cannot_be_held_is_refused(how, message):
    fit = linear_fit(np.random.default_rng(5))
    with pytest.raises(ValueError, match=message):
        profile(fit.problem, fit.mode, **how)


def test_profiles_are_found_by_name():
    found = linear_fit(np.random.default_rng(5)).profiles(["law.slope_1"])
    assert "law.slope_1" in found
    assert "law.slope_0" not in found
    with pytest.raises(KeyError):
        found["law.slope_0"]
