"""What cases of verification are made of: a queue arrival by arrival, slices of a distribution, places."""

import numpy as np
import pytest
from scipy.stats import gamma, poisson

from cbhi import limits
from cbhi.kernels import codes
from cbhi.kernels.reinsurance import excess_ratio
from cbhi.simulation import simulate
from cbhi.verification.arrivals import mean_wait, turned_away
from cbhi.verification.bare import flow, tally
from cbhi.verification.claims import RETENTION, _expected_excess, gamma_needs
from cbhi.verification.insured import (
    MEAN_SIZE,
    SEVERITY,
    UNIT_RWF,
    insured_people,
    insured_scenario,
    places_a_month,
)
from cbhi.verification.solvency import LOG_VARIANCE, SHOCK_VARIANCE, shocked_deficit


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.8), (3, 2.0), (4, 3.2)])
def test_waits_one_by_one_are_those_of_erlang(servers, load):
    wait, error = mean_wait(load, 1.0, servers, n_centres=4_000, n_settling=400, n_counted=800)
    theory = limits.multi_server_queue(load, 1.0, servers).mean_wait
    assert abs(wait - theory) < 4 * error
    assert 4 * error < 0.05 * theory


def test_waits_do_not_depend_on_the_unit_of_time():
    slow = mean_wait(0.5, 1.0, 2, n_centres=50, n_settling=10, n_counted=50, seed=3)
    fast = mean_wait(5.0, 10.0, 2, n_centres=50, n_settling=10, n_counted=50, seed=3)
    assert fast == pytest.approx((slow[0] / 10, slow[1] / 10), rel=1e-9)


def test_who_is_turned_away_comes_when_places_are_gone():
    away = turned_away(6.0, np.full(40_000, 5.0), seed=2)
    beyond = sum((n - 5) * poisson.pmf(n, 6) for n in range(6, 60))
    assert abs(away.mean() - beyond) < 4 * away.std() / 200
    assert (away == 0).mean() == pytest.approx(poisson.cdf(5, 6), abs=0.01)
    assert turned_away(6.0, np.zeros(4_000), seed=2).mean() == pytest.approx(6.0, rel=0.03)


def test_slices_of_a_gamma_distribution():
    need = gamma_needs(1_000, 2.0)
    assert need.mean() == pytest.approx(1.0, abs=1e-12)
    assert need.var() == pytest.approx(0.5, rel=1e-3)
    assert (np.diff(need) > 0).all()
    law = gamma(2.0, scale=0.5)
    assert need[:500].mean() == pytest.approx(2 * law.expect(lambda x: x, ub=law.median()), rel=1e-6)
    assert (need[1:-1] > law.ppf(np.arange(1, 999) / 1_000)).all()


def test_everybody_is_insured_from_january_and_pays_once_a_year():
    scenario = insured_scenario(
        {
            "care.need_per_person_year": 24.0,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), 900),
        },
        3,
        years=2,
    )
    run = simulate(scenario, population=insured_people(np.ones(6), np.repeat([1, 2, 3], 2)), survey=0)
    assert tally(run, codes.INSURED)[0].sum(axis=1).tolist() == [0] + 24 * [6]
    paid = flow(run, codes.CONTRIBUTION)[0].sum(axis=1)
    assert np.flatnonzero(paid).tolist() == [0, 12, 24]
    assert set(paid[[0, 12, 24]]) == {5_400}
    claims = tally(run, codes.CLAIMS_APPROVED_SECTION)[0]
    visits = tally(run, codes.VISITS_INSURED)[0]
    # bills of 1, 2 or 3 whole units
    assert (claims % UNIT_RWF == 0).all()
    assert (visits * UNIT_RWF <= claims).all()
    assert (claims <= 3 * visits * UNIT_RWF).all()
    assert pytest.approx(1.7) == MEAN_SIZE


def test_places_of_a_health_centre():
    scenario = insured_scenario(
        {"care.need_per_person_year": 120.0, "switches.rationing": True, **places_a_month(6, 1.25)}, 3
    )
    run = simulate(scenario, population=insured_people(np.ones(6), np.repeat([1, 2, 3], 2)), survey=0)
    # two people with 1.25 places each: two and three places take turns
    assert sorted(set(tally(run, codes.CAPACITY)[0].ravel().tolist())) == [2, 3]
    assert tally(run, codes.CAPACITY)[0, :12].sum(axis=0).tolist() == [30, 30, 30]


def test_the_price_of_stop_loss_is_near_the_expected_recovery():
    # the normal formula of the scheme, given the claims' own spread; the title of the case says 1.7 %
    mean = 24.0
    spread = (sum(k * k * p for k, p in enumerate(SEVERITY)) / mean) ** 0.5 / MEAN_SIZE
    price = excess_ratio(spread * (1 + RETENTION**2) ** 0.5, RETENTION) * mean * MEAN_SIZE
    assert price / _expected_excess(mean, RETENTION) == pytest.approx(1.017, abs=0.002)


def test_expected_recovery_by_enumeration():
    # claims of whole units of both years, drawn independently
    rng = np.random.default_rng(4)
    years = np.zeros((2, 200_000))
    for year in years:
        counts = rng.poisson(24.0, year.size)
        year += np.bincount(
            np.repeat(np.arange(year.size), counts),
            weights=rng.choice(len(SEVERITY), size=counts.sum(), p=SEVERITY),
            minlength=year.size,
        )
    excess = np.maximum(years[1] - RETENTION * years[0], 0.0)
    assert abs(excess.mean() - _expected_excess(24.0, RETENTION)) < 4 * excess.std() / 200_000**0.5


def test_deficit_with_shocks_by_simulation():
    rng = np.random.default_rng(5)
    n, mean, income = 200_000, 40.0, 150.0
    shocks = rng.lognormal(-0.5 * LOG_VARIANCE, LOG_VARIANCE**0.5, (n, 2))
    assert shocks.var() == pytest.approx(SHOCK_VARIANCE, rel=0.03)
    for districts in (1, 2):
        claims = np.zeros(n)
        for size, chance in enumerate(SEVERITY):
            claims += size * rng.poisson(mean * chance * shocks[:, :districts]).sum(axis=1)
        limit = income * districts / 2
        found = (claims > limit).mean()
        theory = shocked_deficit(mean, [limit, 1e4], districts)
        assert abs(found - theory[0]) < 4 * (found * (1 - found) / n) ** 0.5
        assert theory[1] == pytest.approx(0.0, abs=1e-9)
