"""V14: pooling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from cbhi import limits


@pytest.mark.parametrize(
    ("n", "percent", "digit"),
    [
        (100, 65.8, 1),
        (1_000, 20.81, 2),
        (10_000, 6.58, 2),
        (20_000, 4.65, 2),
        (300_000, 1.20, 2),
        (10**7, 0.21, 2),
    ],
)
def test_loading_anchor(n, percent, digit):
    assert round(100 * limits.safety_loading(n, 4), digit) == percent


def test_common_shock_anchor():
    # the design text rounds the quantile to 1.645 and prints 9.31 %; with 1.644854 it is 9.3045 %
    assert 100 * limits.safety_loading(10_000, 4, 1e-4) == pytest.approx(9.3045, abs=5e-5)
    assert 100 * limits.safety_loading(10_000, 4, 1e-4) * 1.645 / norm.ppf(0.95) == pytest.approx(
        9.31, abs=5e-3
    )
    assert 100 * limits.safety_loading_floor(4, 1e-4) == pytest.approx(6.58, abs=5e-3)


@pytest.mark.parametrize(
    ("margin", "n", "probability"),
    [
        (0.05, 20_000, 0.0385),
        (0.05, 10_000, 0.1056),
        (0.05, 5_000, 0.1884),
        (0.02, 20_000, 0.2398),
        (0.02, 10_000, 0.3085),
        (0.02, 5_000, 0.3618),
    ],
)
def test_deficit_anchor(margin, n, probability):
    assert limits.deficit_probability(n, 4, margin) == pytest.approx(probability, abs=5e-5)


def test_spread_of_an_equicorrelated_pool():
    n, r, cv = 40, 0.03, 5.0
    covariance = cv**2 * (np.full((n, n), r) + (1 - r) * np.eye(n))
    assert limits.safety_loading(n, cv, r) == pytest.approx(norm.ppf(0.95) * np.sqrt(covariance.mean()))


@given(st.integers(1, 10**9), st.floats(0.1, 10), st.floats(0, 1), st.floats(0.5, 0.999))
@settings(derandomize=True, deadline=None)
def test_pooling_properties(n, cv, r, level):
    loading = limits.safety_loading(n, cv, r, level)
    floor = limits.safety_loading_floor(cv, r, level)
    assert loading >= floor * (1 - 1e-12)
    assert limits.safety_loading(2 * n, cv, r, level) <= loading * (1 + 1e-12)
    assert limits.deficit_probability(n, cv, loading, r) == pytest.approx(1 - level, abs=1e-9)
    assert limits.safety_loading(10**15, cv, r, level) == pytest.approx(floor, abs=1e-5)
    assert limits.safety_loading(1, cv, r, level) == pytest.approx(norm.ppf(level) * cv, abs=1e-12)
