"""V16 and V17: inequality, poverty, concentration."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import lognorm, norm

from cbhi import limits

SIGMA = limits.lognormal_sigma(0.49)


@pytest.mark.parametrize(
    ("elasticity", "index", "kakwani"),
    [
        (0.5, 0.258161, -0.231839),
        (0.8, 0.401855, -0.088145),
        (1, 0.49, 0.0),
        (1.2, 0.570826, 0.080826),
        (0, 0.0, -0.49),
    ],
)
def test_kakwani_anchor(elasticity, index, kakwani):
    assert limits.lognormal_concentration(elasticity, SIGMA) == pytest.approx(index, abs=5e-7)
    assert limits.lognormal_kakwani(elasticity, SIGMA) == pytest.approx(kakwani, abs=5e-7)


def test_shares_and_poverty_anchor():
    assert limits.lognormal_lorenz(0.2, SIGMA) == pytest.approx(0.038085, abs=5e-7)
    assert limits.lognormal_lorenz(0.4, SIGMA) == pytest.approx(0.117992, abs=5e-7)
    line = limits.lognormal_poverty_line(0.449, 1.0, SIGMA)
    assert line == pytest.approx(0.574931, abs=5e-7)
    poverty = limits.lognormal_poverty(line, 1.0, SIGMA)
    assert poverty.headcount == pytest.approx(0.449)
    assert poverty.gap == pytest.approx(0.197510, abs=5e-7)
    assert poverty.squared_gap == pytest.approx(0.113267, abs=5e-7)
    assert limits.pareto_alpha(0.49) == pytest.approx(1.5204, abs=5e-5)


def test_gini_and_lorenz_by_quadrature():
    income = lognorm(SIGMA)
    area = quad(lambda p: limits.lognormal_lorenz(p, SIGMA), 0, 1, epsabs=1e-12)[0]
    assert limits.lognormal_gini(SIGMA) == pytest.approx(1 - 2 * area, rel=1e-8)
    bottom = quad(lambda x: x * income.pdf(x), 0, income.ppf(0.3))[0] / income.mean()
    assert limits.lognormal_lorenz(0.3, SIGMA) == pytest.approx(bottom, rel=1e-8)
    for elasticity in (-0.5, 0.7, 1.3):
        area = quad(lambda p, b=elasticity: limits.lognormal_lorenz(p, SIGMA, b), 0, 1, epsabs=1e-12)[0]
        assert limits.lognormal_concentration(elasticity, SIGMA) == pytest.approx(1 - 2 * area, rel=1e-7)
        total = quad(lambda z, b=elasticity: math.exp(b * SIGMA * z) * norm.pdf(z), -12, 12)[0]
        poorest = quad(lambda z, b=elasticity: math.exp(b * SIGMA * z) * norm.pdf(z), -12, norm.ppf(0.3))[0]
        assert limits.lognormal_lorenz(0.3, SIGMA, elasticity) == pytest.approx(poorest / total, rel=1e-8)


@pytest.mark.parametrize(("line", "mean", "sigma"), [(0.57, 1.0, 0.93), (300.0, 500.0, 0.4), (2.0, 1.0, 1.5)])
def test_poverty_by_quadrature(line, mean, sigma):
    income = lognorm(sigma, scale=mean * math.exp(-(sigma**2) / 2))
    poverty = limits.lognormal_poverty(line, mean, sigma)
    for power, value in enumerate((poverty.headcount, poverty.gap, poverty.squared_gap)):
        exact = quad(lambda x, k=power: (1 - x / line) ** k * income.pdf(x), 0, line, epsabs=1e-13)[0]
        assert value == pytest.approx(exact, rel=1e-7)
    assert limits.lognormal_poverty_line(poverty.headcount, mean, sigma) == pytest.approx(line, rel=1e-9)


def test_pareto_by_quadrature():
    alpha = 2.3
    area = quad(lambda p: 1 - (1 - p) ** (1 - 1 / alpha), 0, 1)[0]
    assert limits.pareto_gini(alpha) == pytest.approx(1 - 2 * area)


@given(st.floats(0, 3), st.floats(0.01, 0.99), st.floats(-2, 2))
@settings(derandomize=True, deadline=None)
def test_lognormal_properties(sigma, p, elasticity):
    gini = limits.lognormal_gini(sigma)
    assert 0 <= gini < 1
    assert limits.lognormal_sigma(gini) == pytest.approx(sigma, rel=1e-9, abs=1e-15)
    assert limits.lognormal_lorenz(p, sigma) <= p + 1e-12
    assert limits.lognormal_lorenz(p, sigma, 0.0) == pytest.approx(p)
    assert limits.lognormal_lorenz(0.0, sigma) == 0.0
    assert limits.lognormal_lorenz(1.0, sigma) == 1.0
    assert limits.lognormal_concentration(-elasticity, sigma) == -limits.lognormal_concentration(
        elasticity, sigma
    )
    assert limits.lognormal_kakwani(elasticity, sigma) * (elasticity - 1) >= 0
    assert limits.pareto_gini(limits.pareto_alpha(p)) == pytest.approx(p)
    poverty = limits.lognormal_poverty(p, 1.0, sigma + 0.1)
    assert 0 <= poverty.squared_gap <= poverty.gap + 1e-15 <= poverty.headcount + 2e-15


BIRTHS = [29939, 28776, 26528, 24689, 19739]
DEATHS = [4632, 4400, 3170, 2145, 1072]


def test_india_anchor():
    result = limits.grouped_concentration_index(BIRTHS, DEATHS)
    assert result.terms == pytest.approx((-0.0008, -0.0267, -0.0592, -0.0827), abs=5e-5)
    assert result.index == pytest.approx(-0.1694, abs=5e-5)
    assert result.standard_error == pytest.approx(0.0616, abs=5e-5)
    assert result.index / result.standard_error == pytest.approx(-2.75, abs=5e-3)


def test_india_by_area_and_printed_formula():
    n, d = np.array(BIRTHS, float), np.array(DEATHS, float)
    p, q = (np.concatenate([[0.0], np.cumsum(x) / x.sum()]) for x in (n, d))
    result = limits.grouped_concentration_index(BIRTHS, DEATHS)
    assert result.index == pytest.approx(1 - 2 * np.trapezoid(q, p), rel=1e-12)
    f, rank = n / n.sum(), (p[1:] + p[:-1]) / 2
    a = (d / n) / (d.sum() / n.sum()) * (2 * rank - 1 - result.index) + 2 - q[:-1] - q[1:]
    variance = ((f * a**2).sum() - (1 + result.index) ** 2) / 5
    assert result.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=2, max_size=8))
@settings(derandomize=True, deadline=None)
def test_grouped_and_individual_indices_agree(groups):
    sizes, totals = zip(*groups, strict=True)
    if sum(totals) == 0:
        return
    grouped = limits.grouped_concentration_index(sizes, totals)
    rates = [t / n for n, t in groups]
    weighted = limits.concentration_index(rates, range(len(groups)), sizes)
    one_by_one = limits.concentration_index(np.repeat(rates, sizes), np.repeat(np.arange(len(groups)), sizes))
    assert weighted == pytest.approx(grouped.index, abs=1e-12)
    assert one_by_one == pytest.approx(grouped.index, abs=1e-12)
    assert limits.concentration_index(rates, [-k for k in range(len(groups))], sizes) == pytest.approx(
        -weighted, abs=1e-12
    )
    assert -1 < weighted < 1


def test_toy_anchor_of_the_equity_section():
    income, paid = [10, 20, 30, 40, 100], [2, 3, 4, 5, 6]
    gini, index = limits.concentration_index(income, income), limits.concentration_index(paid, income)
    assert (gini, index, index - gini) == pytest.approx((0.4, 0.2, -0.2))
    pairs = np.abs(np.subtract.outer(income, income)).mean() / (2 * np.mean(income))
    assert gini == pytest.approx(pairs)


def test_ties_share_their_rank():
    assert limits.fractional_ranks([5, 1, 5, 5]) == pytest.approx([0.625, 0.125, 0.625, 0.625])
    assert limits.fractional_ranks([2, 1], [3, 1]) == pytest.approx([0.625, 0.125])
    assert limits.concentration_index([1, 7, 2], [4, 4, 4]) == pytest.approx(0.0, abs=1e-15)


def test_rineq_arithmetic_anchor():
    # the data are not shipped; the printed indices hang together at a mean of exactly one half
    index = 0.34530408
    assert limits.generalised_concentration_index(index, 0.5) == pytest.approx(0.17265204, abs=5e-9)
    assert limits.erreygers_index(index, 0.5) == pytest.approx(0.69060816, abs=1e-8)
    assert limits.wagstaff_index(index, 0.5) == pytest.approx(0.69060816, abs=1e-8)


@given(st.floats(-1, 1), st.floats(0.05, 0.95), st.floats(0, 5), st.floats(0.1, 10))
@settings(derandomize=True, deadline=None)
def test_bounded_indices(index, share, low, width):
    mean, high = low + share * width, low + width
    erreygers = limits.erreygers_index(index, mean, low, high)
    assert erreygers == pytest.approx(4 * limits.generalised_concentration_index(index, mean) / (high - low))
    wagstaff = limits.wagstaff_index(index, mean, low, high)
    assert wagstaff * 4 * share * (1 - share) == pytest.approx(erreygers, rel=1e-9, abs=1e-12)
    assert limits.wagstaff_index(index, share) == pytest.approx(index / (1 - share))


def test_binary_variable_attains_the_bound_of_wagstaff():
    # the richest tenth, and only they, have it: C = 1 - mean, so the normalised index is 1
    has = np.repeat([0.0, 1.0], [90, 10])
    index = limits.concentration_index(has, np.arange(100))
    assert index == pytest.approx(0.9)
    assert limits.wagstaff_index(index, 0.1) == pytest.approx(1.0)
