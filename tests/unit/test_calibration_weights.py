"""Weights, proposals and streams of a calibration against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cbhi.calibration.core import Draws
from cbhi.calibration.pareto import effective_size, fit_pareto, normalise, smooth_weights
from cbhi.calibration.proposals import Component, Mixture
from cbhi.calibration.sampling import resample
from cbhi.calibration.streams import generator, quasi_normal, quasi_uniform
from cbhi.calibration.tempered import choose_systematically


def test_streams_depend_on_seed_and_name_alone() -> None:
    first = generator(3, "a").standard_normal(5)
    assert np.array_equal(first, generator(3, "a").standard_normal(5))
    assert not np.array_equal(first, generator(4, "a").standard_normal(5))
    assert not np.array_equal(first, generator(3, "b").standard_normal(5))


@pytest.mark.parametrize("n", [1, 2, 63, 64, 100])
def test_quasi_random_points_fill_the_cube(n: int) -> None:
    points = quasi_uniform(1, "cube", n, 12)
    assert points.shape == (n, 12)
    assert ((points > 0.0) & (points < 1.0)).all()
    assert np.array_equal(points, quasi_uniform(1, "cube", n, 12))
    if n == 64:
        # one point in every 64th of each axis, which independent points never manage
        assert (np.sort(np.floor(points * 64), axis=0) == np.arange(64)[:, None]).all()


def test_quasi_normal_points_are_normal() -> None:
    points = quasi_normal(1, "normal", 1024, 3)
    assert np.abs(points.mean(axis=0)).max() < 0.01
    assert np.abs(points.std(axis=0) - 1.0).max() < 0.01


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.6, 1.1])
def test_pareto_shape_is_recovered(shape: float) -> None:
    n = 2000
    excesses = np.sort(stats.genpareto(shape, scale=2.0).ppf((np.arange(n) + 0.5) / n))
    fitted, scale = fit_pareto(excesses)
    assert fitted == pytest.approx(shape, abs=0.05)
    assert scale == pytest.approx(2.0, rel=0.08)


def test_pareto_agrees_with_maximum_likelihood() -> None:
    excesses = np.sort(stats.genpareto(0.4).rvs(3000, random_state=7))
    shape, _, scale = stats.genpareto.fit(excesses, floc=0.0)
    fitted = fit_pareto(excesses)
    assert fitted[0] == pytest.approx(shape, abs=0.02)
    assert fitted[1] == pytest.approx(scale, rel=0.02)


@pytest.mark.parametrize("bad", [[1.0, 2.0], [0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
def test_pareto_refuses_what_is_no_tail(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="at least five, positive and ascending"):
        fit_pareto(np.array(bad))


@pytest.mark.parametrize(("spread", "low", "high"), [(0.6, -np.inf, 0.0), (1.2, 0.0, 0.5), (2.0, 0.5, 2.0)])
def test_k_tells_whether_a_normal_proposal_is_wide_enough(spread: float, low: float, high: float) -> None:
    # weights of N(0, spread^2) by draws from N(0, 1): bounded below 1, of tail 1 - 1 / spread^2 above
    x = quasi_normal(5, "wide", 8000, 1)[:, 0]
    log_weights = stats.norm(0.0, spread).logpdf(x) - stats.norm.logpdf(x)
    smoothed, k = smooth_weights(log_weights)
    assert low < k < high
    assert np.exp(smoothed).sum() == pytest.approx(1.0)


def test_smoothing_tames_the_largest_weight() -> None:
    log_weights = np.log(stats.genpareto(0.8).rvs(20_000, random_state=3) + 0.1)
    smoothed, k = smooth_weights(log_weights)
    assert 0.6 < k < 1.0
    order = np.argsort(log_weights)
    # the tail is never above the largest raw weight, and keeps its order
    assert np.ptp(smoothed) <= np.ptp(log_weights) + 1e-9
    assert (np.diff(smoothed[order]) >= 0.0).all()
    body = np.argsort(log_weights)[:19_000]
    # everything below the tail keeps its proportions
    np.testing.assert_allclose(np.diff(smoothed[body]), np.diff(log_weights[body]), atol=1e-12)


def test_few_or_equal_weights() -> None:
    smoothed, k = smooth_weights(np.zeros(100))
    assert k == -np.inf
    assert effective_size(smoothed) == pytest.approx(100.0)
    assert smooth_weights(np.array([0.0, -1.0, -np.inf]))[1] == np.inf
    spiked = np.zeros(100)
    spiked[0] = 10.0
    assert smooth_weights(spiked)[1] == np.inf


@given(st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=60), st.floats(-300.0, 300.0))
def test_weights_do_not_depend_on_a_constant(values: list[float], shift: float) -> None:
    logs = np.array(values)
    np.testing.assert_allclose(normalise(logs), normalise(logs + shift), atol=1e-9)
    assert 1.0 - 1e-9 <= effective_size(logs) <= len(values) + 1e-9


def _mixture() -> Mixture:
    root = np.linalg.cholesky(np.array([[1.0, 0.6], [0.6, 2.0]]))
    components = (
        Component(np.array([1.0, -1.0]), root, 5.0),
        Component(np.array([-2.0, 0.5]), 0.5 * np.eye(2), 10.0),
        Component(np.zeros(2), np.eye(2), np.inf),
    )
    return Mixture(components, np.array([0.5, 0.3, 0.2]))


def test_densities_are_those_of_scipy() -> None:
    mixture = _mixture()
    x = np.random.default_rng(1).normal(size=(40, 2)) * 3.0
    t5 = stats.multivariate_t([1.0, -1.0], [[1.0, 0.6], [0.6, 2.0]], df=5).pdf(x)
    t10 = stats.multivariate_t([-2.0, 0.5], 0.25 * np.eye(2), df=10).pdf(x)
    normal = stats.multivariate_normal(np.zeros(2)).pdf(x)
    np.testing.assert_allclose(
        np.exp(mixture.log_density(x)), 0.5 * t5 + 0.3 * t10 + 0.2 * normal, rtol=1e-10
    )


def test_draws_have_the_density_they_claim() -> None:
    mixture = _mixture()
    x = mixture.draw(1, "draws", 4096)
    # the mean of q'/q over draws from q is 1, and of f q'/q it is the mean of f under q'
    other = stats.multivariate_normal([0.2, -0.3], 0.6 * np.eye(2))
    ratio = other.pdf(x) / np.exp(mixture.log_density(x))
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(ratio @ x / len(x), [0.2, -0.3], atol=0.02)


def test_one_update_of_a_normal_target_finds_its_moments() -> None:
    start = Mixture((Component(np.array([0.5, -0.5]), 1.5 * np.eye(2), 10.0),), np.ones(1))
    target = stats.multivariate_normal([0.4, -0.2], [[0.5, 0.2], [0.2, 0.7]])
    x = start.draw(1, "update", 4096)
    log_weights = normalise(target.logpdf(x) - start.log_density(x))
    moved = start.adapted(x, np.exp(log_weights)).components[0]
    np.testing.assert_allclose(moved.centre, [0.4, -0.2], atol=0.03)
    np.testing.assert_allclose(moved.root @ moved.root.T, [[0.5, 0.2], [0.2, 0.7]], atol=0.06)


@given(st.integers(1, 40), st.integers(1, 80), st.floats(0.0, 1.0, exclude_max=True), st.integers(0, 999))
@settings(max_examples=60)
def test_systematic_choice_rounds_up_or_down(m: int, n: int, offset: float, seed: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.full(m, 0.5))
    counts = np.bincount(choose_systematically(weights, n, offset), minlength=m)
    assert counts.sum() == n
    assert (np.abs(counts - n * weights) < 1.0 + 1e-6).all()


def test_resampling_keeps_distinct_draws_and_moments() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(1000, 3))
    log_weights = normalise(rng.normal(size=1000) * 0.5)
    draws = Draws(points, log_weights, points[:, :2], "importance", 800.0, 0.1, 1000)
    chosen = resample(draws, 200, seed=1)
    assert np.array_equal(chosen, resample(draws, 200, seed=1))
    assert not np.array_equal(chosen, resample(draws, 200, seed=2))
    assert len(np.unique(chosen)) == 200
    spread = points[chosen].std(axis=0) / np.sqrt(200)
    assert (np.abs(points[chosen].mean(axis=0) - draws.weights @ points) < 4.0 * spread).all()
    # the order is random: the first half is no more to one side than chance allows
    along = points[chosen] @ np.linalg.eigh(np.cov(points.T))[1][:, -1]
    assert abs(along[:100].mean() - along[100:].mean()) < 4.0 * along.std() * np.sqrt(2 / 100)
    with pytest.raises(ValueError, match="n must be at least 1"):
        resample(draws, 0, seed=1)
