"""V1-V4: markets with adverse selection."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

from cbhi import limits
from cbhi.limits import _normal

EFC = {"demand_intercept": 0.940, "demand_slope": 0.00070, "cost_intercept": 391.690, "cost_slope": 0.15524}


def test_linear_market_anchor():
    market = limits.linear_market(**EFC)
    assert market.price == pytest.approx(463.67, abs=5e-3)
    assert market.coverage_share == pytest.approx(0.6154, abs=5e-5)
    assert market.marginal_cost_intercept == pytest.approx(183.22, abs=5e-3)
    assert market.marginal_cost_slope == pytest.approx(0.31048, abs=5e-6)
    assert market.efficient_price == pytest.approx(265.73, abs=5e-3)
    assert market.efficient_share == pytest.approx(0.7540, abs=5e-5)
    assert market.deadweight_loss == pytest.approx(9.456, abs=5e-4)
    assert market.efficient_surplus == pytest.approx(280.0, abs=0.05)
    assert 100 * market.deadweight_loss / market.efficient_surplus == pytest.approx(3.38, abs=5e-3)
    assert market.mandate_loss == pytest.approx(29.81, abs=5e-3)


@pytest.mark.parametrize(("penalty", "price", "share"), [(50, 454.48, 0.6569), (100, 445.29, 0.6983)])
def test_linear_market_penalty_anchor(penalty, price, share):
    market = limits.linear_market(**EFC, penalty=penalty)
    assert market.price == pytest.approx(price, abs=5e-3)
    assert market.coverage_share == pytest.approx(share, abs=5e-5)


@pytest.mark.parametrize("penalty", [0.0, 60.0, 200.0])
def test_linear_market_against_total_cost_and_integration(penalty):
    a, b, c, d = EFC.values()
    market = limits.linear_market(**EFC, penalty=penalty)

    def total_cost(quantity):
        return (c + d * (a - quantity) / b) * quantity

    def net_value(quantity):
        step = 1e-4
        marginal = (total_cost(quantity + step) - total_cost(quantity - step)) / (2 * step)
        return (a - quantity) / b - marginal

    def profit(price):
        quantity = a - b * (price - penalty)
        return price * quantity - total_cost(quantity)

    assert market.price == pytest.approx(brentq(profit, 300, 700), rel=1e-10)
    best = minimize_scalar(lambda q: -quad(net_value, 0, q)[0], bounds=(0, 1), method="bounded").x
    assert market.efficient_share == pytest.approx(best, abs=1e-5)
    loss = quad(net_value, market.coverage_share, market.efficient_share)[0]
    assert market.deadweight_loss == pytest.approx(loss, rel=1e-6)
    assert market.mandate_loss == pytest.approx(-quad(net_value, market.efficient_share, 1)[0], rel=1e-6)
    assert market.efficient_surplus == pytest.approx(quad(net_value, 0, market.efficient_share)[0], rel=1e-6)


def test_linear_market_corner_where_everybody_should_be_insured():
    market = limits.linear_market(1.0, 0.001, 300.0, 0.4)
    assert market.efficient_share == 1.0
    assert market.mandate_loss == 0.0
    assert market.deadweight_loss > 0.0


@given(
    st.floats(0.8, 1.0),
    st.floats(0.0005, 0.001),
    st.floats(50, 500),
    st.floats(-0.3, 0.45),
    st.floats(0, 100),
)
@settings(derandomize=True, deadline=None)
def test_linear_market_losses_are_never_negative(a, b, c, d, penalty):
    try:
        market = limits.linear_market(a, b, c, d, penalty)
    except ValueError:
        assume(False)
    assert market.deadweight_loss >= -1e-9
    assert market.mandate_loss >= -1e-9
    assert market.efficient_surplus >= -1e-9
    if penalty == 0 and d > 0 and market.efficient_share < 1:
        assert market.coverage_share <= market.efficient_share + 1e-12
    average = c + d * (market.price - penalty)
    assert market.price == pytest.approx(average, rel=1e-12)


@pytest.mark.parametrize(
    ("premium", "share", "price"), [(0, 0.0, 100.0), (10, 0.2, 90.0), (30, 0.6, 70.0), (50, 1.0, 50.0)]
)
def test_akerlof_anchor(premium, share, price):
    market = limits.akerlof_market(100, premium)
    assert market.coverage_share == pytest.approx(share, abs=1e-12)
    assert market.price == pytest.approx(price, abs=1e-12)


@pytest.mark.parametrize(
    ("loading", "price", "share"), [(0.05, 99.47, 0.105), (0.10, 110.0, 0.0), (0.2, 135.0, 0.0)]
)
def test_akerlof_loading_anchor(loading, price, share):
    market = limits.akerlof_market(100, 10, loading=loading)
    assert market.price == pytest.approx(price, abs=5e-3)
    assert market.coverage_share == pytest.approx(share, abs=5e-4)


def test_akerlof_breaks_even_on_a_population():
    costs = (np.arange(200_000) + 0.5) / 2_000
    for premium, slope, loading in [(10, 1.0, 0.05), (30, 0.9, 0.0), (-20, 1.4, 0.1), (5, 0.95, 0.0)]:
        market = limits.akerlof_market(100, premium, slope, loading)
        buyers = costs[premium + slope * costs >= market.price]
        assert buyers.size / costs.size == pytest.approx(market.coverage_share, abs=1e-5)
        if buyers.size:
            assert (1 + loading) * buyers.mean() == pytest.approx(market.price, abs=1e-3)


def test_akerlof_nobody_buys_below_the_slope_bound():
    # with slope < 1 a positive risk premium does not suffice: A <= C (1 - B)
    assert limits.akerlof_market(100, 19.9, slope=0.8).coverage_share == 0.0
    assert limits.akerlof_market(100, 20.1, slope=0.8).coverage_share > 0.0
    assert limits.akerlof_market(100, -5, slope=1.2).coverage_share > 0.0


def test_akerlof_cara_normal_premium():
    premium = limits.ce_normal(0.05, mean=0, sd=20)
    assert premium == pytest.approx(10.0)
    assert limits.akerlof_market(100, premium).coverage_share == pytest.approx(0.2)


def test_repricing_anchor():
    path = limits.akerlof_repricing(100, 10, first_price=50, n_years=60)
    assert path.prices[:5] == pytest.approx((50, 70, 80, 85, 87.5))
    assert path.coverage_shares[:5] == pytest.approx((0.60, 0.40, 0.30, 0.25, 0.225))
    assert path.prices[-1] == pytest.approx(90.0)
    assert path.rate == 0.5
    assert path.collapse_year is None
    dead = limits.akerlof_repricing(100, 10, first_price=50, n_years=60, loading=0.2)
    assert dead.limit_price == pytest.approx(135.0)
    assert dead.collapse_year == len(dead.prices) - 1 == 3
    assert dead.coverage_shares[-1] == 0.0


@given(st.floats(1, 49), st.floats(0, 140), st.floats(0, 0.15), st.floats(0.8, 1.5))
@settings(derandomize=True, deadline=None)
def test_repricing_tends_to_the_equilibrium(premium, start, loading, slope):
    market = limits.akerlof_market(100, premium, slope, loading)
    path = limits.akerlof_repricing(100, premium, start, 400, slope, loading)
    assert path.limit_price == pytest.approx(market.price)
    if path.collapse_year is None:
        assert path.prices[-1] == pytest.approx(market.price, rel=1e-6)
        assert path.coverage_shares[-1] == pytest.approx(market.coverage_share, abs=1e-6)
    else:
        assert path.coverage_shares[path.collapse_year] == 0.0


@pytest.mark.parametrize(
    ("premium", "percent"), [(0.3, 0.28), (0.5, 12.9), (0.8, 50.2), (1.0, 68.5), (1.5, 90.6)]
)
def test_normal_market_anchor(premium, percent):
    market = limits.normal_market(2, 1, premium)
    assert 100 * market.coverage_share == pytest.approx(percent, abs=0.05 if percent > 1 else 5e-3)


def test_bundling_anchor():
    household = limits.bundling_factor(4.5, 0.2)
    group = household * limits.bundling_factor(20, 0.05)
    assert household == pytest.approx(0.615, abs=5e-4)
    assert group == pytest.approx(0.192, abs=5e-4)
    assert 100 * limits.normal_market(2, household, 0.3).coverage_share == pytest.approx(11.6, abs=0.05)
    assert 100 * limits.normal_market(2, group, 0.3).coverage_share == pytest.approx(91.9, abs=0.05)
    assert limits.normal_market(2, 1, 0.3, 0.05) == limits.NormalMarket(0.0, None, None)
    assert limits.normal_market(2, household, 0.3, 0.05).coverage_share == 0.0
    assert 100 * limits.normal_market(2, group, 0.3, 0.05).coverage_share == pytest.approx(69.7, abs=0.05)
    assert limits.normal_market(2, 1, 0.8, 0.1).coverage_share == 0.0
    assert 100 * limits.normal_market(2, household, 0.8, 0.1).coverage_share == pytest.approx(61.5, abs=0.05)
    assert 100 * limits.normal_market(2, group, 0.8, 0.1).coverage_share == pytest.approx(99.9, abs=0.05)


def test_bundling_is_the_sd_of_a_mean():
    n, rho = 7, 0.3
    covariance = np.full((n, n), rho) + (1 - rho) * np.eye(n)
    assert limits.bundling_factor(n, rho) == pytest.approx(math.sqrt(covariance.mean()))
    assert limits.bundling_factor(1, 0.4) == 1.0
    assert limits.bundling_factor(1e12, 0.25) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("mean", "sd", "premium", "loading"), [(2, 1, 0.5, 0), (5, 2, 2.5, 0.08), (2, 0.6, 0.8, 0.1)]
)
def test_normal_market_breaks_even_by_quadrature(mean, sd, premium, loading):
    market = limits.normal_market(mean, sd, premium, loading)
    cutoff = market.price - premium
    density = norm(mean, sd).pdf
    mass = quad(density, cutoff, mean + 12 * sd)[0]
    cost = quad(lambda c: c * density(c), cutoff, mean + 12 * sd)[0] / mass
    assert market.coverage_share == pytest.approx(mass, rel=1e-9)
    assert market.price == pytest.approx((1 + loading) * cost, rel=1e-9)


def test_normal_market_collapse_is_real():
    # at every price the loaded average cost of the buyers exceeds the price
    for price in np.linspace(0, 8, 400):
        z = price - 2 - 0.3
        assert 1.05 * (2 + norm.pdf(z) / norm.sf(z)) > price


def test_normal_market_returns_the_larger_equilibrium():
    market = limits.normal_market(2, 1, 0.8, 0.05)
    lower = list(np.linspace(-5, market.threshold - 1e-6, 500))
    assert all(1.05 * (2 + norm.pdf(z) / norm.sf(z)) > 2.8 + z for z in lower)


@given(st.floats(0.02, 3), st.floats(0.01, 0.5))
@settings(derandomize=True, deadline=None)
def test_normal_market_grows_with_risk_premium_and_shrinks_with_loading(premium, extra):
    base = limits.normal_market(2, 1, premium)
    assert 0 <= base.coverage_share <= 1
    assert limits.normal_market(2, 1, premium + extra).coverage_share >= base.coverage_share
    assert limits.normal_market(2, 1, premium, extra).coverage_share <= base.coverage_share
    assert limits.normal_market(2, 0.5, premium).coverage_share >= base.coverage_share


def test_normal_market_small_premium_keeps_precision():
    # h(z) - z ~ 1/z: a premium of 1/1000 sd leaves a threshold near 1000 sd
    assert limits.normal_market(0, 1, 1e-3).threshold == pytest.approx(1000 - 2e-3, abs=1e-5)
    assert limits.normal_market(0, 1, 0.0).coverage_share == 0.0


def test_rothschild_stiglitz_anchor():
    result = limits.rothschild_stiglitz(100, 75, 0.1, 0.4)
    assert result.low_indemnity == pytest.approx(19.1115, abs=5e-5)
    assert 100 * result.low_indemnity / 75 == pytest.approx(25.48, abs=5e-3)
    assert result.low_premium == pytest.approx(1.9111, abs=5e-5)
    assert result.low_certainty_equivalent == pytest.approx(90.155, abs=5e-4)
    assert result.low_uninsured_certainty_equivalent == pytest.approx(87.055, abs=5e-4)
    assert result.low_full_information_certainty_equivalent == pytest.approx(92.5)
    assert result.high_certainty_equivalent == pytest.approx(70.0)
    assert result.min_high_share == pytest.approx(0.13319, abs=5e-6)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 4.0])
def test_rothschild_stiglitz_by_brute_force(gamma):
    def utility(x):
        return np.log(x) if gamma == 1 else x ** (1 - gamma) / (1 - gamma)

    def expected(p, price, q):
        return (1 - p) * utility(100 - price * q) + p * utility(25 + (1 - price) * q)

    result = limits.rothschild_stiglitz(100, 75, 0.1, 0.4, gamma)
    q = result.low_indemnity
    assert expected(0.4, 0.1, q) == pytest.approx(utility(70.0), rel=1e-11)
    assert utility(result.low_certainty_equivalent) == pytest.approx(expected(0.1, 0.1, q), rel=1e-11)
    grid = np.linspace(0, 75, 20_001)
    for shift, pooling_wins in [(-1e-3, True), (1e-3, False)]:
        share = result.min_high_share + shift
        best = expected(0.1, 0.1 + 0.3 * share, grid).max()
        assert (best > expected(0.1, 0.1, q)) is np.bool_(pooling_wins)


def test_rothschild_stiglitz_is_continuous_at_log_utility():
    near = limits.rothschild_stiglitz(100, 75, 0.1, 0.4, 1 + 1e-7)
    assert near.low_indemnity == pytest.approx(
        limits.rothschild_stiglitz(100, 75, 0.1, 0.4).low_indemnity, rel=1e-6
    )


@pytest.mark.parametrize("loading", [1e-7, 1e-10, 1e-13])
def test_normal_market_is_continuous_at_no_loading(loading):
    free, thin = (limits.normal_market(2, 1, 0.3, extra).coverage_share for extra in (0.0, loading))
    assert thin == pytest.approx(free, rel=1e3 * loading + 1e-10)


def test_normal_market_tips_where_the_curves_touch():
    # the highest loading with trade is the maximum of (a + z - h(z)) / (m / s + h(z)) over thresholds
    grid = np.linspace(-6, 6, 200_001)
    hazard = norm.pdf(grid) / norm.sf(grid)
    highest = ((0.8 + grid - hazard) / (2 + hazard)).max()
    assert limits.normal_market(2, 1, 0.8, highest * (1 - 1e-6)).coverage_share > 0.0
    assert limits.normal_market(2, 1, 0.8, highest * (1 + 1e-6)).coverage_share == 0.0


@pytest.mark.parametrize("z", [50.001, 60.0, 120.0])
def test_asymptotic_hazard_against_the_continued_fraction(z):
    # h(z) = z + 1 / (z + 2 / (z + 3 / (z + ...))), all terms positive
    rest = z
    for k in range(60, 2, -1):
        rest = z + k / rest
    inner = 2 / rest
    excess = 1 / (z + inner)
    assert _normal.excess_hazard(z) == pytest.approx(excess, rel=2e-13)
    assert _normal.hazard(z) == pytest.approx(z + excess, rel=1e-15)
    assert _normal.truncated_variance(z) == pytest.approx(excess * (inner - excess), rel=1e-12)
    assert _normal.hazard(z) == pytest.approx(math.exp(norm.logpdf(z) - norm.logsf(z)), rel=1e-11)


def test_hazard_is_continuous_where_the_expansion_takes_over():
    for function in (_normal.excess_hazard, _normal.truncated_variance):
        assert function(50.0) == pytest.approx(function(50.0 + 1e-9), rel=1e-7)
