"""V10, V11 and the break-even rate of section 2.5."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, norm

from cbhi import limits


@pytest.mark.parametrize(
    ("pd", "rho", "level", "rate"),
    [
        (0.05, 0.2, 0.999, 0.384422),
        (0.05, 0.2, 0.99, 0.249575),
        (0.10, 0.10, 0.99, 0.282502),
        (0.02, 0.05, 0.99, 0.057813),
    ],
)
def test_vasicek_quantile_anchor(pd, rho, level, rate):
    assert limits.vasicek_quantile(pd, rho, level) == pytest.approx(rate, abs=5e-7)
    assert limits.vasicek_cdf(rate, pd, rho) == pytest.approx(level, abs=2e-6)


def test_vasicek_moments_anchor():
    moments = limits.vasicek_moments(0.05, 0.2)
    assert moments.sd == pytest.approx(0.052397, abs=5e-7)
    assert moments.default_correlation == pytest.approx(0.057799, abs=5e-7)


@pytest.mark.parametrize(("pd", "rho"), [(0.05, 0.2), (0.3, 0.7), (0.001, 0.1), (0.6, 0.01)])
def test_vasicek_moments_by_quadrature(pd, rho):
    def given_factor(z):
        return norm.cdf((norm.ppf(pd) + math.sqrt(rho) * z) / math.sqrt(1 - rho))

    mean = quad(lambda z: given_factor(z) * norm.pdf(z), -9, 9, epsabs=1e-13)[0]
    square = quad(lambda z: given_factor(z) ** 2 * norm.pdf(z), -9, 9, epsabs=1e-14)[0]
    moments = limits.vasicek_moments(pd, rho)
    assert mean == pytest.approx(pd, rel=1e-8)
    assert moments.joint_probability == pytest.approx(square, rel=1e-7)
    assert moments.sd == pytest.approx(math.sqrt(square - mean**2), rel=1e-6)
    threshold = norm.ppf(pd)
    assert moments.joint_probability == pytest.approx(
        limits.bivariate_normal_cdf(threshold, threshold, rho), rel=1e-11
    )


@given(st.floats(0.001, 0.9), st.floats(0.001, 0.95), st.floats(0.05, 0.999))
@settings(derandomize=True, deadline=None)
def test_vasicek_properties(pd, rho, level):
    rate = limits.vasicek_quantile(pd, rho, level)
    assert 0 <= rate <= 1
    assert limits.vasicek_quantile(pd, 0.0, level) == pd
    assert limits.vasicek_quantile(pd, 1e-14, level) == pytest.approx(pd, rel=1e-4)
    assert limits.vasicek_quantile(pd, rho, min(0.9995, level + 5e-4)) >= rate
    if 1e-6 < rate < 1 - 1e-6:
        assert limits.vasicek_cdf(rate, pd, rho) == pytest.approx(level, abs=1e-9)
    moments = limits.vasicek_moments(pd, rho)
    assert 0 < moments.default_correlation < rho + 1e-12
    assert limits.vasicek_moments(pd, 0.0).sd == 0.0
    assert limits.vasicek_moments(pd, 1.0).default_correlation == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(("success", "repaid"), [(0.8, 0.73728), (0.9, 0.91854), (0.95, 0.97741)])
def test_joint_liability_anchor(success, repaid):
    assert limits.joint_liability_repayment(5, 4, success) == pytest.approx(repaid, abs=5e-6)


def test_joint_liability_factor_anchor():
    assert limits.joint_liability_repayment(5, 4, 0.9, 0.2) == pytest.approx(0.894102, abs=5e-7)
    assert limits.joint_liability_repayment(20, 16, 0.9) == pytest.approx(0.956826, abs=5e-7)
    assert limits.joint_liability_repayment(20, 16, 0.9, 0.2) == pytest.approx(0.879276, abs=5e-7)


@pytest.mark.parametrize(("m", "recovered"), [(1, 0.900), (1.25, 0.977378), (1.5, 0.989145), (2, 0.998100)])
def test_recovery_anchor(m, recovered):
    assert limits.lender_recovery(5, 0.9, m) == pytest.approx(recovered, abs=6e-7)


def test_joint_liability_by_enumeration():
    n, success, k, m = 6, 0.83, 4, 1.4
    repaid = recovered = 0.0
    for outcome in product((0, 1), repeat=n):
        mass = math.prod(success if won else 1 - success for won in outcome)
        repaid += mass * (sum(outcome) >= k)
        recovered += mass * min(n, m * sum(outcome)) / n
    assert limits.joint_liability_repayment(n, k, success) == pytest.approx(repaid, rel=1e-13)
    assert limits.lender_recovery(n, success, m) == pytest.approx(recovered, rel=1e-13)


@pytest.mark.parametrize("rho", [0.05, 0.2, 0.5, 0.8, 0.99])
@pytest.mark.parametrize(("n", "k", "success"), [(5, 4, 0.9), (20, 16, 0.9), (200, 170, 0.85), (3, 1, 0.02)])
def test_one_factor_by_quadrature(n, k, success, rho):
    def given_factor(z):
        return norm.cdf((norm.ppf(success) + math.sqrt(rho) * z) / math.sqrt(1 - rho))

    step = (math.sqrt(1 - rho) * norm.ppf(k / n * 0.999) - norm.ppf(success)) / math.sqrt(rho)
    cuts = [-9.0, *sorted(float(np.clip(step + x, -9, 9)) for x in (-1, -0.3, -0.1, 0, 0.1, 0.3, 1)), 9.0]
    pieces = list(pairwise(cuts))
    repaid = sum(
        quad(lambda z: binom.sf(k - 1, n, given_factor(z)) * norm.pdf(z), a, b)[0] for a, b in pieces
    )
    assert limits.joint_liability_repayment(n, k, success, rho) == pytest.approx(repaid, rel=1e-7, abs=1e-10)


def test_recovery_with_a_factor_adds_up():
    # m = 1 recovers the successes, whatever their correlation; and E min(n, mK) is a sum of tails
    for rho in (0.0, 0.1, 0.6, 0.95, 1.0):
        assert limits.lender_recovery(12, 0.87, 1.0, rho) == pytest.approx(0.87, rel=1e-11)
        tails = [limits.joint_liability_repayment(12, k, 0.87, rho) for k in range(1, 13)]
        paid = [min(12, 1.7 * k) for k in range(13)]
        total = sum(t * (paid[k] - paid[k - 1]) for k, t in enumerate(tails, start=1)) / 12
        assert limits.lender_recovery(12, 0.87, 1.7, rho) == pytest.approx(total, rel=1e-11)


@given(st.integers(1, 40), st.floats(0, 1), st.floats(0, 1), st.floats(1, 4), st.data())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_joint_liability_properties(n, success, rho, m, data):
    k = data.draw(st.integers(0, n))
    repaid = limits.joint_liability_repayment(n, k, success, rho)
    assert -1e-12 <= repaid <= 1
    assert limits.joint_liability_repayment(n, max(0, k - 1), success, rho) >= repaid - 1e-11
    assert limits.joint_liability_repayment(n, k, min(1.0, success + 0.05), rho) >= repaid - 1e-11
    assert limits.joint_liability_repayment(1, 1, success, rho) == pytest.approx(success, rel=1e-9, abs=1e-15)
    recovered = limits.lender_recovery(n, success, m, rho)
    assert success * (1 - 1e-9) - 1e-15 <= recovered <= 1
    if k > 0:
        assert limits.joint_liability_repayment(n, k, success, 1.0) == pytest.approx(success)


def test_one_factor_is_continuous():
    near, independent = (limits.joint_liability_repayment(9, 7, 0.8, rho) for rho in (1e-10, 0.0))
    assert near == pytest.approx(independent, rel=1e-8)
    near, common = (limits.joint_liability_repayment(9, 7, 0.8, rho) for rho in (1 - 1e-10, 1.0))
    assert near == pytest.approx(common, rel=1e-4)
    below, above = (limits.joint_liability_repayment(9, 7, 0.8, rho) for rho in (0.5, 0.5 + 1e-12))
    assert below == pytest.approx(above, rel=1e-10)


@pytest.mark.parametrize(
    ("burden", "individual", "group"),
    [(0.2, 0.80, 0.88), (1 / 3, 2 / 3, 2 / 3), (0.4, 0.60, 0.52), (0.5, 0.50, 0.25)],
)
def test_besley_coate_anchor(burden, individual, group):
    repayment = limits.besley_coate(burden)
    assert (repayment.individual, repayment.group) == pytest.approx((individual, group))


@pytest.mark.parametrize("burden", [0.0, 0.1, 0.3, 0.5, 0.55, 0.8, 1.0])
def test_besley_coate_by_integration(burden):
    def partner_pays(own):
        alone = own >= 2 * burden
        both = max(0.0, 1 - burden) if own >= burden else 0.0
        rescued = max(0.0, 1 - 2 * burden)
        return 1.0 if alone else max(both, rescued)

    cuts = sorted({0.0, burden, min(1.0, 2 * burden), 1.0})
    area = sum(quad(partner_pays, a, b)[0] for a, b in pairwise(cuts))
    assert limits.besley_coate(burden).group == pytest.approx(area, abs=1e-12)
    assert limits.besley_coate(burden).individual == pytest.approx(1 - burden)


def test_break_even_interest_anchor():
    rate = limits.break_even_interest(0.08, 0.15, 0.04)
    assert 100 * rate == pytest.approx(28.1, abs=0.05)
    assert (1 + rate) * (1 - 0.04) == pytest.approx(1 + 0.08 + 0.15)
