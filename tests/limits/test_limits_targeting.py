"""V19 and V20: targeting, the risk gap, liquidity."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import lognorm, norm

from cbhi import limits


@pytest.mark.parametrize(
    ("r", "sensitivity", "cgh"),
    [
        (0.9, 0.768, 2.364),
        (math.sqrt(0.5), 0.600, 2.000),
        (0.5, 0.472, 1.671),
        (0.3, 0.371, 1.389),
        (0.0, 0.240, 1.000),
        (-0.3, 0.128, 0.633),
    ],
)
def test_targeting_anchor(r, sensitivity, cgh):
    assert limits.score_targeting(r, 0.24).sensitivity == pytest.approx(sensitivity, abs=5e-4)
    assert limits.cgh_ratio(r, 0.24) == pytest.approx(cgh, abs=5e-4)


def test_more_slots_anchor():
    assert 100 * limits.score_targeting(0.9, 0.24).exclusion_error == pytest.approx(23, abs=0.5)
    assert limits.score_targeting(math.sqrt(0.5), 0.24, 0.4).sensitivity == pytest.approx(0.800, abs=5e-4)
    assert limits.score_targeting(-0.3, 0.24, 0.4).sensitivity == pytest.approx(0.253, abs=5e-4)


def by_quadrature(x, y, r):
    spread = math.sqrt(1 - r * r)
    low, high = -9.0, min(x, 9.0)
    step = min(max(y / r, low), high) if r else low
    return sum(
        quad(lambda z: norm.pdf(z) * norm.cdf((y - r * z) / spread), a, b, epsabs=1e-13, epsrel=1e-11)[0]
        for a, b in ((low, step), (step, high))
    )


@pytest.mark.parametrize("r", [-0.99, -0.5, -0.1, 0.0, 0.3, 0.8, 0.99])
@pytest.mark.parametrize(
    ("x", "y"), [(0.3, -1.2), (-0.7, -0.7), (0.0, 1.1), (2.0, 0.0), (0.0, 0.0), (-1.5, 1.5), (0.0, -1.0)]
)
def test_bivariate_normal_by_quadrature(x, y, r):
    assert limits.bivariate_normal_cdf(x, y, r) == pytest.approx(by_quadrature(x, y, r), abs=2e-11)


@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(-1, 1))
@settings(derandomize=True, deadline=None)
def test_bivariate_normal_properties(x, y, r):
    p = limits.bivariate_normal_cdf(x, y, r)
    assert p == pytest.approx(limits.bivariate_normal_cdf(y, x, r), abs=1e-14)
    assert max(0, norm.cdf(x) + norm.cdf(y) - 1) - 1e-15 <= p <= min(norm.cdf(x), norm.cdf(y)) + 1e-15
    assert p + limits.bivariate_normal_cdf(x, -y, -r) == pytest.approx(norm.cdf(x), abs=1e-13)
    assert limits.bivariate_normal_cdf(x, y, 0) == pytest.approx(norm.cdf(x) * norm.cdf(y), abs=1e-14)
    assert limits.bivariate_normal_cdf(x, y, 1) == pytest.approx(norm.cdf(min(x, y)), abs=1e-15)
    assert limits.bivariate_normal_cdf(x, y, min(1, r + 0.01)) >= p - 1e-14


@given(st.floats(-1, 1), st.floats(0.02, 0.98), st.floats(0.02, 0.98))
@settings(derandomize=True, deadline=None)
def test_targeting_properties(r, poor, selected):
    result = limits.score_targeting(r, poor, selected)
    assert result.exclusion_error == pytest.approx(1 - result.sensitivity)
    assert result.sensitivity * poor == pytest.approx((1 - result.inclusion_error) * selected, abs=1e-12)
    assert limits.score_targeting(0, poor, selected).sensitivity == pytest.approx(selected)
    assert limits.score_targeting(1, poor, selected).sensitivity == pytest.approx(min(1, selected / poor))
    assert limits.score_targeting(min(1, r + 0.05), poor, selected).sensitivity >= result.sensitivity - 1e-12
    assert limits.cgh_ratio(r, selected, poor) == pytest.approx(
        result.sensitivity / selected, rel=1e-9, abs=1e-12
    )


def test_targeting_on_a_grid_of_people():
    # quantile grids of welfare and of the score's own noise stand in for a population
    grid = norm.ppf((np.arange(1_500) + 0.5) / 1_500)
    score = 0.6 * grid[:, None] + 0.8 * grid[None, :]
    poor = grid < norm.ppf(0.24)
    chosen = score < norm.ppf(0.3)
    result = limits.score_targeting(0.6, 0.24, 0.3)
    assert chosen[poor].mean() == pytest.approx(result.sensitivity, abs=2e-3)
    assert 1 - chosen[poor].sum() / chosen.sum() == pytest.approx(result.inclusion_error, abs=2e-3)


@pytest.mark.parametrize(("coverage", "gap"), [(0.1, 1.950), (0.9, 1.950), (0.5, 1.596)])
def test_risk_gap_anchor(coverage, gap):
    assert limits.insured_risk_gap(coverage) == pytest.approx(gap, abs=5e-4)


@given(st.floats(0.01, 0.99), st.floats(0, 10))
@settings(derandomize=True, deadline=None)
def test_risk_gap_by_quadrature(coverage, sd):
    cutoff = norm.isf(coverage)
    insured = quad(lambda z: z * norm.pdf(z), cutoff, 12)[0] / coverage
    others = quad(lambda z: z * norm.pdf(z), -12, cutoff)[0] / (1 - coverage)
    gap = limits.insured_risk_gap(coverage, sd)
    assert gap == pytest.approx(sd * (insured - others), rel=1e-7, abs=1e-12)
    assert gap >= limits.insured_risk_gap(0.5, sd) * (1 - 1e-12)


def test_liquidity_anchor():
    assert limits.affordable_share(1_000, 4.6, 6_000, 1.0) == pytest.approx(0.6048, abs=5e-5)
    assert limits.affordable_share(1_000, 4.6, 6_000, 1.0) == pytest.approx(
        lognorm(1.0, scale=6_000).sf(4_600)
    )


@given(st.floats(100, 10_000), st.floats(1, 10), st.floats(500, 50_000), st.floats(0.1, 3))
@settings(derandomize=True, deadline=None)
def test_liquidity_properties(premium, size, cash, log_sd):
    share = limits.affordable_share(premium, size, cash, log_sd)
    assert limits.affordable_share(premium * 1.1, size, cash, log_sd) <= share
    assert limits.affordable_share(premium, 1, premium, log_sd) == pytest.approx(0.5)
    # n families in one payment are n times the premium
    assert limits.affordable_share(premium * size, 1, cash, log_sd) == pytest.approx(share, abs=1e-12)
