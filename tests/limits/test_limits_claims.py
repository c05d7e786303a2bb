"""V6 and V23: sums and numbers of claims."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from cbhi import limits

SEVERITY = [0.0, 0.5, 0.3, 0.2]


def convolve_directly(count_pmf, severity, n_terms):
    """Sum the convolution powers of the severity, one count at a time."""
    power, total = np.zeros(n_terms), np.zeros(n_terms)
    power[0] = 1.0
    for probability in count_pmf:
        total += probability * power
        power = np.convolve(power, severity)[:n_terms]
    return total


def test_poisson_anchor():
    claims = limits.aggregate_poisson(2, SEVERITY, 60)
    wanted = [0.13533528, 0.13533528, 0.14886881, 0.15789116, 0.12473402, 0.0985692, 0.07295324, 0.04870244]
    assert claims.pmf[:8] == pytest.approx(wanted, abs=5e-9)
    assert (claims.mean, claims.variance) == pytest.approx((3.4, 7.0))
    assert limits.stop_loss_premium(claims, 6) == pytest.approx(0.305874, abs=5e-7)
    assert limits.tail_probability(claims, 10) == pytest.approx(0.0144007, abs=5e-8)


def test_negative_binomial_anchor():
    claims = limits.aggregate_negative_binomial(2, 2, SEVERITY, 60)
    wanted = [0.25, 0.125, 0.121875, 0.121875, 0.08738281, 0.07130859, 0.05655615, 0.04239453]
    assert claims.pmf[:8] == pytest.approx(wanted, abs=5e-9)
    assert claims.variance == pytest.approx(12.78)
    assert limits.stop_loss_premium(claims, 6) == pytest.approx(0.624199, abs=5e-7)
    assert limits.tail_probability(claims, 10) == pytest.approx(0.0489686, abs=5e-8)


@pytest.mark.parametrize("severity", [SEVERITY, [0.4, 0.1, 0.0, 0.0, 0.5], [0.0, 1.0]])
def test_against_direct_convolution(severity):
    counts = np.arange(200)
    pairs = [
        (limits.aggregate_poisson(3.3, severity, 50), stats.poisson.pmf(counts, 3.3)),
        (
            limits.aggregate_negative_binomial(3.3, 0.7, severity, 50),
            stats.nbinom.pmf(counts, 0.7, 0.7 / 4.0),
        ),
        (limits.aggregate_binomial(13, 0.35, severity, 50), stats.binom.pmf(counts, 13, 0.35)),
    ]
    for claims, count_pmf in pairs:
        np.testing.assert_allclose(
            claims.pmf, convolve_directly(count_pmf, severity, 50), rtol=1e-11, atol=1e-300
        )


def test_binomial_against_panjer_recursion():
    n, p = 9, 0.2
    a, b = -p / (1 - p), (n + 1) * p / (1 - p)
    f = [(1 - p + p * SEVERITY[0]) ** n]
    for k in range(1, 20):
        f.append(sum((a + b * j / k) * SEVERITY[j] * f[k - j] for j in range(1, min(k, 3) + 1)))
    np.testing.assert_allclose(limits.aggregate_binomial(n, p, SEVERITY, 20).pmf, f, rtol=1e-9)


@pytest.mark.parametrize("kind", ["poisson", "negative_binomial", "binomial"])
def test_large_pools_do_not_underflow(kind):
    n_terms = 6_000
    claims = {
        "poisson": lambda: limits.aggregate_poisson(2_000, SEVERITY, n_terms),
        "negative_binomial": lambda: limits.aggregate_negative_binomial(2_000, 300, SEVERITY, n_terms),
        "binomial": lambda: limits.aggregate_binomial(4_000, 0.5, SEVERITY, n_terms),
    }[kind]()
    k = np.arange(n_terms)
    assert claims.pmf.sum() == pytest.approx(1.0, rel=1e-11)
    assert claims.pmf @ k == pytest.approx(claims.mean, rel=1e-11)
    assert claims.pmf @ (k - claims.mean) ** 2 == pytest.approx(claims.variance, rel=1e-9)


@given(st.floats(0.05, 6), st.floats(0.2, 30), st.floats(0, 12))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_stop_loss_properties(count, size, retention):
    claims = limits.aggregate_negative_binomial(count, size, SEVERITY, 1_200)
    k = np.arange(1_200)
    direct = claims.pmf @ np.maximum(k - retention, 0)
    assert limits.stop_loss_premium(claims, retention) == pytest.approx(direct, rel=1e-6, abs=1e-9)
    assert limits.stop_loss_premium(claims, 0) == pytest.approx(claims.mean)
    assert (
        limits.stop_loss_premium(claims, retention + 1) <= limits.stop_loss_premium(claims, retention) + 1e-12
    )
    assert limits.tail_probability(claims, retention) == pytest.approx(
        claims.pmf[k > retention].sum(), abs=1e-12
    )
    poisson = limits.aggregate_poisson(count, SEVERITY, 50).pmf
    nearly = limits.aggregate_negative_binomial(count, 1e9, SEVERITY, 50).pmf
    np.testing.assert_allclose(nearly, poisson, rtol=1e-5, atol=1e-15)


def test_retention_beyond_the_terms_is_refused():
    claims = limits.aggregate_poisson(2, SEVERITY, 8)
    with pytest.raises(ValueError, match=r"^retention must be in \[0, 8\], got 8.5: ask for more terms"):
        limits.stop_loss_premium(claims, 8.5)
    with pytest.raises(ValueError, match=r"^threshold must be in \[0, 8\), got 8.0: ask for more terms"):
        limits.tail_probability(claims, 8)


def test_the_distribution_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        limits.aggregate_poisson(2, SEVERITY, 8).pmf[0] = 1.0


def test_count_anchors():
    moments = limits.count_moments(1, 0.5)
    assert moments.zero_probability == pytest.approx(0.577350, abs=5e-7)
    assert moments.variance == pytest.approx(3.0)
    assert limits.count_moments(1, 1e12).zero_probability == pytest.approx(0.367879, abs=5e-7)
    inflated = limits.count_moments(1, 0.5, 0.3)
    assert inflated.zero_probability == pytest.approx(0.704145, abs=5e-7)
    assert inflated.mean == pytest.approx(0.7)
    assert limits.experience_rate(3, 1, 1, 0.5) == pytest.approx(2.3333, abs=5e-5)
    assert limits.two_part_mean(0.04, 9, 1) == pytest.approx(534.389, abs=5e-4)
    assert limits.stop_loss_exponential(1, 2) == pytest.approx(0.135335, abs=5e-7)


@pytest.mark.parametrize(("mean", "size", "zeros"), [(1.0, 0.5, 0.0), (2.5, 3.0, 0.3), (40.0, 1e7, 0.0)])
def test_count_probability_is_the_mixture(mean, size, zeros):
    k = np.arange(500)
    ours = np.array([limits.count_probability(int(j), mean, size, zeros) for j in k])
    theirs = (1 - zeros) * stats.nbinom.pmf(k, size, size / (size + mean)) + zeros * (k == 0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-300)
    moments = limits.count_moments(mean, size, zeros)
    assert ours.sum() == pytest.approx(1.0, rel=1e-9)
    assert ours @ k == pytest.approx(moments.mean, rel=1e-9)
    assert ours @ (k - moments.mean) ** 2 == pytest.approx(moments.variance, rel=1e-8)
    assert ours[0] == pytest.approx(moments.zero_probability)


@pytest.mark.parametrize(
    ("k", "mean", "size"), [(13, 40, 10**7), (200, 40, 10**7), (50, 40, 3), (0, 40, 10**7)]
)
def test_count_probability_in_fifty_digits(k, mean, size):
    with localcontext() as context:
        context.prec = 50
        m, r = Decimal(mean), Decimal(size)
        exact = (r / (r + m)) ** r
        for j in range(k):
            exact *= (r + j) / (j + 1) * m / (r + m)
        assert limits.count_probability(k, mean, size) == pytest.approx(float(exact), rel=1e-12)


def test_gamma_mixing_and_posterior_by_quadrature():
    def weight(rate, k):
        return stats.gamma.pdf(rate, 0.5, scale=2.0) * stats.poisson.pmf(k, rate)

    mass = quad(weight, 0, 1, args=(3,))[0] + quad(weight, 1, 80, args=(3,))[0]
    first = sum(quad(lambda x: x * weight(x, 3), a, b)[0] for a, b in [(0, 1), (1, 80)])
    assert limits.count_probability(3, 1, 0.5) == pytest.approx(mass, rel=1e-8)
    assert limits.experience_rate(3, 1, 1, 0.5) == pytest.approx(first / mass, rel=1e-8)


@given(st.integers(0, 20), st.floats(0, 50), st.floats(0.05, 10), st.floats(0.05, 50))
@settings(derandomize=True, deadline=None)
def test_experience_rate_lies_between_prior_and_record(k, years, mean, size):
    rate = limits.experience_rate(k, years, mean, size)
    assert limits.experience_rate(0, 0, mean, size) == pytest.approx(mean)
    if years > 0:
        low, high = sorted((mean, k / years))
        assert low * (1 - 1e-12) <= rate <= high * (1 + 1e-12)


def test_costs_by_quadrature():
    mean = quad(lambda z: math.exp(9 + z) * stats.norm.pdf(z), -12, 14)[0]
    assert limits.two_part_mean(0.04, 9, 1) == pytest.approx(0.04 * mean, rel=1e-9)
    excess = quad(lambda x: (x - 2) * math.exp(-x / 3) / 3, 2, 200)[0]
    assert limits.stop_loss_exponential(3, 2) == pytest.approx(excess, rel=1e-9)
