"""V5: certainty equivalents."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from cbhi import limits


def test_anchors():
    poisson = limits.ce_compound_poisson(0.1, 2, 3)
    assert poisson == pytest.approx(8.5714, abs=5e-5)
    assert 100 * limits.max_loading(poisson, 6) == pytest.approx(42.86, abs=5e-3)
    assert limits.ce_gamma(0.1, 2, 3) == pytest.approx(7.1335, abs=5e-5)
    assert limits.ce_normal(0.1, 6, 6) == pytest.approx(7.8)


def test_gamma_and_normal_by_quadrature():
    moment = quad(lambda x: math.exp(0.1 * x) * stats.gamma.pdf(x, 2, scale=3), 0, 400)[0]
    assert limits.ce_gamma(0.1, 2, 3) == pytest.approx(math.log(moment) / 0.1, rel=1e-9)
    moment = quad(lambda x: math.exp(0.1 * x) * stats.norm.pdf(x, 6, 6), -80, 110)[0]
    assert limits.ce_normal(0.1, 6, 6) == pytest.approx(math.log(moment) / 0.1, rel=1e-9)


def test_compound_by_series():
    counts = np.arange(400)
    claim_moment = quad(lambda x: math.exp(0.1 * x - x / 3) / 3, 0, 300)[0]
    poisson = stats.poisson.pmf(counts, 2) @ claim_moment**counts
    assert limits.ce_compound_poisson(0.1, 2, 3) == pytest.approx(math.log(poisson) / 0.1, rel=1e-9)
    binomial = stats.nbinom.pmf(counts, 4, 4 / 6) @ claim_moment**counts
    assert limits.ce_compound_negative_binomial(0.1, 2, 4, 3) == pytest.approx(
        math.log(binomial) / 0.1, rel=1e-9
    )


@given(st.floats(1e-3, 0.2), st.floats(0, 5), st.floats(0.1, 4), st.floats(0.5, 20))
@settings(derandomize=True, deadline=None)
def test_order_and_limits(gamma, count, severity, size):
    poisson = limits.ce_compound_poisson(gamma, count, severity)
    assert poisson >= count * severity * (1 - 1e-12)
    assert limits.ce_compound_poisson(gamma / 2, count, severity) <= poisson
    assert limits.ce_compound_poisson(1e-9, count, severity) == pytest.approx(count * severity, rel=1e-6)
    assert limits.ce_compound_negative_binomial(gamma, count, 1e9, severity) == pytest.approx(
        poisson, rel=1e-6
    )
    if count * gamma * severity / (1 - gamma * severity) < 0.99 * size:
        assert limits.ce_compound_negative_binomial(gamma, count, size, severity) >= poisson * (1 - 1e-12)


def test_an_infinite_certainty_equivalent_is_refused():
    with pytest.raises(
        ValueError, match=r"^scale must be < 1 / risk_aversion = 10, got 10.0: the certainty equ"
    ):
        limits.ce_gamma(0.1, 2, 10)
    with pytest.raises(ValueError, match=r"^mean_severity must be < 1 / risk_aversion"):
        limits.ce_compound_poisson(0.1, 2, 11)
    with pytest.raises(ValueError, match=r"^mean_count must be < size"):
        limits.ce_compound_negative_binomial(0.1, 10, 4, 3)
