"""V15 and V22: renewal and waiting periods."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta

from cbhi import limits


def test_ethiopia_anchor():
    assert limits.coverage_after(1, 0.41, 0.25, 0.18) == pytest.approx(0.4837, abs=5e-5)
    chain = limits.renewal_chain(0.25, 0.18)
    assert chain.steady_share == pytest.approx(0.5814, abs=5e-5)
    assert chain.eigenvalue == pytest.approx(0.57)
    assert limits.years_to_steady(0.41, 0.25, 0.18) == pytest.approx(5.05, abs=5e-3)


def test_nouna_anchor():
    assert 100 * limits.implied_entry(0.052, 0.309) == pytest.approx(1.7, abs=0.05)
    assert 100 * limits.implied_entry(0.063, 0.457) == pytest.approx(3.1, abs=0.05)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0, 1), st.integers(0, 30))
@settings(derandomize=True, deadline=None)
def test_chain_against_matrix_powers(entry, dropout, start, years):
    matrix = np.array([[1 - entry, entry], [dropout, 1 - dropout]])
    state = np.array([1 - start, start]) @ np.linalg.matrix_power(matrix, years)
    assert limits.coverage_after(years, start, entry, dropout) == pytest.approx(state[1], abs=1e-12)
    chain = limits.renewal_chain(entry, dropout)
    assert sorted(np.linalg.eigvals(matrix)) == pytest.approx(sorted([1.0, chain.eigenvalue]), abs=1e-7)
    assert limits.implied_entry(chain.steady_share, dropout) == pytest.approx(entry)
    wait = limits.years_to_steady(start, entry, dropout)
    assert (
        abs(limits.coverage_after(math.ceil(wait), start, entry, dropout) - chain.steady_share)
        <= 0.01 + 1e-12
    )
    if wait > 1:
        before = limits.coverage_after(math.ceil(wait) - 1, start, entry, dropout)
        assert abs(before - chain.steady_share) >= 0.01 - 1e-12


def test_years_to_steady_at_the_edges():
    assert limits.years_to_steady(0.5, 0.25, 0.25) == 0.0
    assert limits.years_to_steady(0.0, 0.5, 0.5) == 1.0
    with pytest.raises(ValueError, match="it never settles"):
        limits.years_to_steady(0.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="entry would exceed 1"):
        limits.implied_entry(0.9, 0.5)


def test_mover_stayer_anchor():
    tenures = range(1, 6)
    renewal = [limits.beta_geometric_renewal(t, 1, 3) for t in tenures]
    survival = [limits.beta_geometric_survival(t, 1, 3) for t in tenures]
    assert renewal == pytest.approx([0.75, 0.80, 0.8333, 0.8571, 0.875], abs=5e-5)
    assert survival == pytest.approx([0.75, 0.60, 0.50, 0.4286, 0.375], abs=5e-5)


@pytest.mark.parametrize(("a", "b"), [(1, 3), (0.6, 2.5), (4, 1.5)])
def test_mover_stayer_by_quadrature(a, b):
    def surviving(t):
        density = beta(a, b)
        # x = dropout probability; substitute x = y^2 to tame the pole at 0
        return quad(lambda y: 2 * y * (1 - y * y) ** (t + b - 1) * y ** (2 * a - 2) / density, 0, 1)[0]

    for t in (1, 3, 8):
        assert limits.beta_geometric_survival(t, a, b) == pytest.approx(surviving(t), rel=1e-8)
        assert limits.beta_geometric_renewal(t, a, b) == pytest.approx(
            surviving(t) / surviving(t - 1), rel=1e-7
        )
    assert limits.beta_geometric_survival(0, a, b) == 1.0


@given(st.integers(1, 50), st.floats(0.05, 20), st.floats(0.05, 20))
@settings(derandomize=True, deadline=None)
def test_renewal_rises_with_tenure(t, a, b):
    assert limits.beta_geometric_renewal(t + 1, a, b) > limits.beta_geometric_renewal(t, a, b)
    assert limits.beta_geometric_survival(t, a, b) == pytest.approx(
        limits.beta_geometric_survival(t - 1, a, b) * limits.beta_geometric_renewal(t, a, b)
    )
    alike = limits.beta_geometric_renewal(t, a * 1e9, b * 1e9)
    assert alike == pytest.approx(b / (a + b), rel=1e-6)


@pytest.mark.parametrize(("months", "left"), [(1, 0.7165), (3, 0.3679), (6, 0.1353)])
def test_waiting_period_anchor(months, left):
    assert limits.waiting_period_share(months / 12, 0.25) == pytest.approx(left, abs=5e-5)
    after = quad(lambda t: (t - months / 12) * math.exp(-4 * t) * 4, months / 12, 12)[0]
    assert limits.waiting_period_share(months / 12, 0.25) == pytest.approx(after / 0.25, rel=1e-8)
