"""V7 and V8: probabilities of ruin."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom

from cbhi import limits


@pytest.mark.parametrize(("capital", "psi"), [(0, 0.833333), (5, 0.362165), (10, 0.157396), (20, 0.029728)])
def test_exponential_anchor(capital, psi):
    assert limits.ruin_exponential(capital, 0.2, 1) == pytest.approx(psi, abs=5e-7)


def test_mixture_anchor():
    terms = limits.ruin_mixture_terms(0.4, [0.5, 0.5], [3, 7])
    assert terms.roots == pytest.approx((1.0, 6.0), rel=1e-12)
    assert terms.coefficients == pytest.approx((24 / 35, 1 / 35), rel=1e-12)
    assert limits.ruin_mixture(1, 0.4, [0.5, 0.5], [3, 7]) == pytest.approx(0.252331, abs=5e-7)


MIXTURES = [([0.5, 0.5], [3.0, 7.0], 0.4), ([0.2, 0.5, 0.3], [0.4, 1.0, 9.0], 0.15), ([1.0], [1.0], 0.2)]


@pytest.mark.parametrize(("weights", "rates", "loading"), MIXTURES)
@pytest.mark.parametrize("capital", [0.3, 2.0, 7.0])
def test_mixture_solves_the_integro_differential_equation(weights, rates, loading, capital):
    w, b = np.array(weights), np.array(rates)
    terms = limits.ruin_mixture_terms(loading, weights, rates)
    income = (1 + loading) * float((w / b).sum())

    def psi(u):
        return limits.ruin_mixture(u, loading, weights, rates)

    slope = -sum(c * r * math.exp(-r * capital) for r, c in zip(terms.roots, terms.coefficients, strict=True))
    jump = quad(lambda x: psi(capital - x) * float((w * b * np.exp(-b * x)).sum()), 0, capital, epsabs=1e-13)[
        0
    ]
    beyond = float((w * np.exp(-b * capital)).sum())
    assert income * slope == pytest.approx(psi(capital) - jump - beyond, abs=1e-11)


@pytest.mark.parametrize(("weights", "rates", "loading"), MIXTURES)
def test_lundberg_roots_and_ruin_without_reserve(weights, rates, loading):
    w, b = np.array(weights), np.array(rates)
    terms = limits.ruin_mixture_terms(loading, weights, rates)
    for root in terms.roots:
        moment = float((w * b / (b - root)).sum())
        assert moment == pytest.approx(1 + (1 + loading) * float((w / b).sum()) * root, rel=1e-9)
    assert sum(terms.coefficients) == pytest.approx(1 / (1 + loading), rel=1e-12)


def test_equal_rates_are_one_exponential():
    mixed = limits.ruin_mixture(3, 0.2, [0.25, 0.75], [0.5, 0.5])
    assert mixed == pytest.approx(limits.ruin_exponential(3, 0.2, 2), rel=1e-12)


@given(st.floats(0, 50), st.floats(0.01, 3), st.floats(0.1, 10), st.floats(0.01, 0.99))
@settings(derandomize=True, deadline=None)
def test_ruin_falls_with_capital_and_loading(capital, loading, mean, weight):
    psi = limits.ruin_exponential(capital, loading, mean)
    assert 0 <= psi <= 1 / (1 + loading)
    assert limits.ruin_exponential(capital + 1, loading, mean) <= psi
    assert limits.ruin_exponential(capital, loading + 0.1, mean) <= psi
    assert limits.ruin_exponential(capital, 1e12, mean) < 1e-11
    mixed = limits.ruin_mixture(capital, loading, [weight, 1 - weight], [1 / mean, 3 / mean])
    assert 0 <= mixed <= 1 / (1 + loading) + 1e-12
    assert (
        limits.ruin_mixture(capital + 1, loading, [weight, 1 - weight], [1 / mean, 3 / mean]) <= mixed + 1e-15
    )


def test_without_a_loading_ruin_is_certain():
    with pytest.raises(
        ValueError, match=r"^loading must be > 0, got -0.1: ruin is certain without a positive loading$"
    ):
        limits.ruin_exponential(10, -0.1, 1)


@pytest.mark.parametrize(("capital", "psi"), [(4, 0.366648), (9, 0.134431), (19, 0.018072)])
def test_walk_anchor(capital, psi):
    assert limits.ruin_walk(capital, 0.45) == pytest.approx(psi, abs=5e-7)


@pytest.mark.parametrize(("years", "psi"), [(10, 0.063895), (50, 0.261984), (500, 0.365497)])
def test_walk_within_anchor(years, psi):
    assert limits.ruin_walk_within(4, 0.45, years) == pytest.approx(psi, abs=5e-7)


def walk_by_recursion(capital, q, years):
    alive = np.zeros(capital + years + 2)
    alive[capital] = 1.0
    ruined = 0.0
    for _ in range(years):
        ruined += q * alive[0]
        alive = q * np.append(alive[1:], 0.0) + (1 - q) * np.insert(alive[:-1], 0, 0.0)
    return ruined


@pytest.mark.parametrize(
    ("capital", "q", "years"), [(0, 0.5, 7), (4, 0.45, 50), (2, 0.7, 33), (10, 0.3, 9), (3, 0.4, 300)]
)
def test_walk_within_against_recursion_and_reflection(capital, q, years):
    value = limits.ruin_walk_within(capital, q, years)
    assert value == pytest.approx(walk_by_recursion(capital, q, years), rel=1e-11, abs=1e-300)
    level = capital + 1
    reflected = 0.0
    for losses in range(years + 1):
        end = years - 2 * losses
        mass = binom.pmf(losses, years, q)
        reflected += mass if end <= -level else 0.0
        mirror = -2 * level - end
        if end > -level and mirror >= -years:
            reflected += ((1 - q) / q) ** (end + level) * binom.pmf((years - mirror) // 2, years, q)
    assert value == pytest.approx(reflected, rel=1e-9, abs=1e-15)


@given(st.integers(0, 30), st.floats(0.05, 0.95), st.integers(0, 200))
@settings(derandomize=True, deadline=None)
def test_walk_within_rises_to_the_limit(capital, q, years):
    value = limits.ruin_walk_within(capital, q, years)
    assert 0 <= value <= limits.ruin_walk(capital, q) * (1 + 1e-10)
    assert value <= limits.ruin_walk_within(capital, q, years + 2)
    if q < 0.4:
        assert limits.ruin_walk_within(capital, q, 5_000) == pytest.approx(
            limits.ruin_walk(capital, q), rel=1e-8
        )
    if q >= 0.5:
        assert limits.ruin_walk(capital, q) == 1.0
    assert limits.ruin_walk(capital, 0.501) == 1.0


@pytest.mark.parametrize("loading", [1e-3, 1e-7, 1e-12])
def test_adjustment_coefficient_keeps_its_digits_at_thin_margins(loading):
    single = limits.ruin_mixture_terms(loading, [1.0], [0.5])
    assert single.roots[0] == pytest.approx(0.5 * loading / (1 + loading), rel=1e-12)
    root = limits.ruin_mixture_terms(loading, [0.5, 0.5], [3, 7]).roots[0]
    # a quadratic in this case: mu (1 + theta) = sum of w / (b - r), free of cancellation for its small root
    mean = 0.5 / 3 + 0.5 / 7
    a, b, c = mean * (1 + loading), mean * (1 + loading) * 10 - 1, 21 * mean * loading
    assert root == pytest.approx(2 * c / (b + math.sqrt(b * b - 4 * a * c)), rel=1e-12)


@pytest.mark.parametrize("loss", [0.3, 0.45, 0.6])
@pytest.mark.parametrize(("capital", "periods"), [(0, 1), (0, 7), (4, 10), (4, 50), (9, 200)])
def test_lattice_of_a_walk_is_the_walk(loss, capital, periods):
    lattice = limits.ruin_lattice_within(capital, 1, [1 - loss, 0, loss], periods)
    assert lattice == pytest.approx(limits.ruin_walk_within(capital, loss, periods), abs=1e-12)


def test_lattice_by_hand():
    # reserve 1, income 2, claims 1 (.5), 3 (.3) or 5 (.2): only 5 ruins at once; otherwise 2 (.5) or 0 (.3)
    # are left, 4 or 2 with the next income: only 5 ruins the first, 3 or 5 the second
    pmf = [0, 0.5, 0, 0.3, 0, 0.2]
    assert limits.ruin_lattice_within(1, 2, pmf, 0) == 0.0
    assert limits.ruin_lattice_within(1, 2, pmf, 1) == pytest.approx(0.2, abs=1e-15)
    assert limits.ruin_lattice_within(1, 2, pmf, 2) == pytest.approx(0.2 + 0.5 * 0.2 + 0.3 * 0.5, abs=1e-15)


def test_lattice_against_every_path():
    pmf = np.array([0.4, 0.1, 0.2, 0.3])
    ruined = 0.0
    for path in np.ndindex(4, 4, 4, 4):
        level = 2 + np.cumsum(1 - np.array(path))
        if (level < 0).any():
            ruined += float(np.prod(pmf[list(path)]))
    assert limits.ruin_lattice_within(2, 1, pmf, 4) == pytest.approx(ruined, abs=1e-14)


def test_claims_beyond_the_terms_ruin():
    law = limits.aggregate_poisson(2, [0, 0.5, 0.3, 0.2], 200)
    short = law.pmf[: 6 + 4 * 5 + 1]
    assert limits.ruin_lattice_within(6, 4, short, 5) == pytest.approx(
        limits.ruin_lattice_within(6, 4, law.pmf, 5), abs=1e-12
    )
    with pytest.raises(ValueError, match="27 terms"):
        limits.ruin_lattice_within(6, 4, law.pmf[:26], 5)


def test_lattice_tends_to_cramer_and_lundberg():
    """Exponential claims on a fine grid and short periods: the error of both falls with the step."""
    loading, capital, mean_claim = 0.5, 2.0, 1.0
    exact = limits.ruin_exponential(capital, loading, mean_claim)
    errors = []
    for step in (0.2, 0.1, 0.05):
        # income of one step a period; claims rounded to the grid so that their mean is kept
        edges = np.exp(-np.arange(0, 14 / step + 1) * step)
        below = np.concatenate([[1.0], (edges[:-1] - edges[1:]) / step])
        severity = below[:-1] - below[1:]
        severity[-1] += 1.0 - severity.sum()
        count = step / ((1 + loading) * mean_claim)
        claims = limits.aggregate_poisson(count, severity, severity.size).pmf
        claims = claims / claims.sum()
        periods = round(90 / step)
        errors.append(limits.ruin_lattice_within(round(capital / step), 1, claims, periods) - exact)
    assert abs(errors[2]) < 0.015
    assert abs(errors[2]) < 0.7 * abs(errors[1]) < 0.7 * 0.7 * abs(errors[0])
