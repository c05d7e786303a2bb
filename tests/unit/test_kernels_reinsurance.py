"""Quota share and stop-loss against closed forms, simulation and hand-worked months."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, flows, quick, rule, section, within_4_se

from cbhi.kernels import codes, reinsurance

JANUARY = NOW - NOW % 12
COVER: dict[str, Any] = dict(
    stop_loss=1, stop_loss_retention=1.25, stop_loss_loading=0.2, stop_loss_cv=0.25, quota_share=0.0,
    cost_outpatient_rwf=500.0,
)  # fmt: skip
MONTHS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40_000)), min_size=12, max_size=12)


def covered(rate: float = 100.0, **fields: Any) -> Any:
    """A section whose cover expects ``rate`` RWF per insured person-month, with money for premiums."""
    return section(**{"stop_loss_rate": rate, "fund": 10**9, **fields})


def settle(sec: Any, months: Any, r: Any, first: int = 0) -> tuple[list[int], list[int]]:
    """Settle months of (insured, claims) from the first on; return the premiums and recoveries of each."""
    premiums, recoveries = [], []
    for m, (insured, claims) in enumerate(months, first):
        f = flows()
        sec.insured = insured
        reinsurance.reinsure(sec, claims, JANUARY + m, r, f)
        premiums.append(int(f[codes.REINSURANCE_PREMIUM]))
        recoveries.append(int(f[codes.REINSURANCE_RECOVERY]))
        assert f.sum() == premiums[-1] + recoveries[-1]
    return premiums, recoveries


class TestExcessRatio:
    def test_at_the_mean_it_is_the_half_normal_mean(self) -> None:
        assert reinsurance.excess_ratio(0.3, 1.0) == pytest.approx(0.3 / math.sqrt(2 * math.pi))

    def test_by_hand(self) -> None:
        # k = 1: phi(1) - (1 - Phi(1)) = 0.2419707 - 0.1586553
        assert reinsurance.excess_ratio(0.25, 1.25) == pytest.approx(0.25 * 0.0833155, rel=1e-5)

    @pytest.mark.parametrize("retention", [0.4, 0.9, 1.3])
    def test_puts_and_calls_agree(self, retention: float) -> None:
        # E(S - d) = E(S - d)+ - E(d - S)+, and a normal is symmetric
        above = reinsurance.excess_ratio(0.3, retention)
        below = reinsurance.excess_ratio(0.3, 2.0 - retention)
        assert above - below == pytest.approx(1.0 - retention, abs=1e-9)

    @pytest.mark.parametrize(("cv", "retention"), [(0.3, 1.25), (0.1, 0.9), (0.5, 2.0)])
    def test_against_simulation(self, cv: float, retention: float) -> None:
        claims = 1.0 + cv * np.random.default_rng(5).standard_normal(200_000)
        assert within_4_se(np.maximum(0.0, claims - retention), reinsurance.excess_ratio(cv, retention))


class TestStartOfYear:
    def experienced(self, **fields: Any) -> Any:
        usual = dict(
            stop_loss_claims=120_000, stop_loss_months=1_200, stop_loss_cost=1_200 * 400.0,
            stop_loss_recovered=9, stop_loss_rate=7.0,
        )  # fmt: skip
        return section(**{**usual, **fields})

    @pytest.mark.parametrize(("cost", "rate"), [(400.0, 100.0), (500.0, 125.0), (300.0, 75.0)])
    def test_last_years_claims_at_this_years_cost(self, cost: float, rate: float) -> None:
        sec = self.experienced()
        reinsurance.start_reinsurance_year(sec, rule(**{**COVER, "cost_outpatient_rwf": cost}))
        assert sec.stop_loss_rate == pytest.approx(rate)
        assert (sec.stop_loss_claims, sec.stop_loss_months, sec.stop_loss_cost) == (0, 0, 0.0)
        assert sec.stop_loss_recovered == 0

    @pytest.mark.parametrize(
        ("fields", "changes"),
        [({}, {"stop_loss": 0}), ({"stop_loss_months": 0, "stop_loss_cost": 0.0, "stop_loss_claims": 0}, {})],
    )
    def test_without_the_rule_or_experience_there_is_no_cover(self, fields: Any, changes: Any) -> None:
        sec, r = self.experienced(fund=10**6, **fields), rule(**{**COVER, **changes})
        reinsurance.start_reinsurance_year(sec, r)
        assert sec.stop_loss_rate == 0.0
        assert settle(sec, [(40, 10**6)] * 12, r) == ([0] * 12, [0] * 12)
        assert sec.fund == 10**6
        # the year is experience for the next
        reinsurance.start_reinsurance_year(sec, rule(**COVER))
        assert sec.stop_loss_rate == pytest.approx(10**6 / 40)

    def test_a_year_is_the_experience_of_the_next(self) -> None:
        # retained: 3/4 of 4,000 of 20 people, 6,000 of 40; costs were 500 and are 600
        sec = section(fund=10**6)
        settle(sec, [(20, 4_000), (40, 8_000)] * 6, rule(**{**COVER, "quota_share": 0.25}))
        assert (sec.stop_loss_claims, sec.stop_loss_months) == (54_000, 360)
        reinsurance.start_reinsurance_year(sec, rule(**{**COVER, "cost_outpatient_rwf": 600.0}))
        assert sec.stop_loss_rate == pytest.approx(150.0 * 1.2)


class TestMonth:
    @pytest.mark.parametrize(("insured", "premium"), [(0, 0), (40, 311), (80, 622), (4, 31)])
    def test_premium_by_exposure(self, insured: int, premium: int) -> None:
        # this year's claims and the expectation vary: 0.25 sqrt(1 + 1.25^2) = 0.40020, k = 0.62469,
        # 0.40020 (0.32824 - 0.62469 x 0.26609) = 0.064838; 1.2 x that x 100 RWF is 7.7806 a person-month
        sec = covered(fund=1_000)
        assert settle(sec, [(insured, 0)], rule(**COVER)) == ([premium], [0])
        assert sec.fund == 1_000 - premium

    def test_limit_by_hand(self) -> None:
        # January: 1.25 x 100 x (40 + 11 x 40) = 60,000; from July on twice the members: 90,000
        sec, r = covered(), rule(**COVER)
        premiums, recoveries = settle(sec, [(40, 50_000), (40, 10_001)] + [(40, 0)] * 4, r)
        assert recoveries == [0, 1, 0, 0, 0, 0]
        assert premiums == [311] * 6
        f = flows()
        sec.insured = 80
        reinsurance.reinsure(sec, 29_999, JANUARY + 6, r, f)
        assert (f[codes.REINSURANCE_PREMIUM], f[codes.REINSURANCE_RECOVERY]) == (622, 0)
        # 90,000 of the year so far; what lies beyond the limit is 501, of which 1 was paid
        reinsurance.reinsure(sec, 501, JANUARY + 7, r, f)
        assert (f[codes.REINSURANCE_RECOVERY], sec.stop_loss_recovered) == (500, 501)

    def test_quota_share_comes_before_the_stop_loss(self) -> None:
        # December: the limit is 1.25 x 100 x 8 = 1,000; a quarter of 401 is 100 and 301 stay, 201 beyond it
        sec = covered(fund=100, stop_loss_claims=900, insured=4, stop_loss_months=4)
        f = flows()
        reinsurance.reinsure(sec, 401, JANUARY + 11, rule(**{**COVER, "quota_share": 0.25}), f)
        assert (f[codes.REINSURANCE_PREMIUM], f[codes.REINSURANCE_RECOVERY]) == (31, 301)
        assert (sec.fund, sec.stop_loss_claims, sec.stop_loss_recovered) == (370, 1_201, 201)

    def test_an_unpaid_premium_ends_cover(self) -> None:
        sec, f = covered(fund=99, insured=40), flows()
        reinsurance.reinsure(sec, 10**6, JANUARY, rule(**COVER), f)
        assert (sec.fund, f[codes.REINSURANCE_PREMIUM], f[codes.REINSURANCE_RECOVERY]) == (0, 99, 0)
        sec.fund = 1_000
        reinsurance.reinsure(sec, 10**6, JANUARY + 1, rule(**COVER), f)
        assert (sec.fund, f[codes.REINSURANCE_PREMIUM], f[codes.REINSURANCE_RECOVERY]) == (1_000, 99, 0)
        assert (sec.stop_loss_claims, sec.stop_loss_months) == (2 * 10**6, 80)


class TestYear:
    def test_twice_the_members_have_twice_the_limit_and_premium(self) -> None:
        year = [(3_000, 0)] * 11 + [(3_000, 6_000_000)]
        double = [(2 * n, 2 * claims) for n, claims in year]
        premiums, recoveries = settle(covered(), year, rule(**COVER))
        more_premiums, more_recoveries = settle(covered(), double, rule(**COVER))
        assert sum(recoveries) == 6_000_000 - 1.25 * 100 * 36_000
        assert sum(more_recoveries) == 2 * sum(recoveries)
        assert sum(more_premiums) == pytest.approx(2 * sum(premiums), abs=12)

    @given(st.lists(st.integers(0, 500), min_size=12, max_size=12), st.floats(1.0, 2.0))
    @quick
    def test_growth_alone_recovers_nothing(self, joiners: list[int], retention: float) -> None:
        members = [10 + int(n) for n in np.cumsum(joiners)]
        months = [(n, 100 * n) for n in members]
        _, recoveries = settle(covered(), months, rule(**{**COVER, "stop_loss_retention": retention}))
        assert sum(recoveries) == 0
        # dearer members are another matter
        _, recoveries = settle(covered(), [(n, 201 * n) for n in members], rule(**COVER))
        assert sum(recoveries) > 0

    @given(MONTHS)
    @quick
    def test_in_december_the_limit_is_that_of_the_years_person_months(self, months: Any) -> None:
        # all claims in December, so that no limit before it counts
        year = [(n, 0) for n, _ in months[:-1]] + [(months[-1][0], sum(claims for _, claims in months))]
        _, recoveries = settle(covered(), year, rule(**COVER))
        limit = 1.25 * 100 * sum(n for n, _ in year)
        assert recoveries[:-1] == [0] * 11
        assert recoveries[-1] == pytest.approx(max(0.0, year[-1][1] - limit), abs=0.51)

    @given(MONTHS, st.floats(0, 1))
    @quick
    def test_paid_once_and_never_taken_back(self, months: Any, quota: float) -> None:
        sec = covered()
        r = rule(**{**COVER, "quota_share": quota})
        premiums, recoveries = settle(sec, months, r)
        so_far = people = most = total = 0
        for m, (insured, claims) in enumerate(months):
            ceded = int(claims * quota)
            so_far += claims - ceded
            people += insured
            limit = 125 * (people + (11 - m) * insured)
            # as much as the worst month so far, whatever the limit becomes later
            most = max(most, so_far - limit)
            total += ceded
            assert recoveries[m] >= ceded
            assert sum(recoveries[: m + 1]) == total + most
        assert sec.fund == 10**9 - sum(premiums) + sum(recoveries)
        assert sec.stop_loss_recovered == most

    @given(MONTHS, st.integers(0, 3_000), st.floats(0, 1))
    @quick
    def test_never_on_credit(self, months: Any, money: int, quota: float) -> None:
        sec, r = covered(fund=money), rule(**{**COVER, "quota_share": quota})
        for m, month in enumerate(months):
            before, had_cover = int(sec.fund), sec.stop_loss_rate > 0
            (premium,), (recovery,) = settle(sec, [month], r, m)
            assert 0 <= premium <= before
            assert sec.fund == before - premium + recovery >= 0
            if sec.stop_loss_rate == 0.0:
                assert recovery == int(month[1] * quota)
                assert had_cover or premium == 0

    def test_the_premium_is_what_recoveries_cost_with_its_loading(self) -> None:
        rng, r = np.random.default_rng(8), rule(**{**COVER, "stop_loss_cv": 0.3})
        paid, received = [], []
        for _ in range(2_000):
            # people come and go; the year before varied as much as this one
            insured = rng.integers(500, 1_500, 12)
            before = max(1, round(12_000_000 * (1.0 + 0.3 * rng.standard_normal())))
            sec = section(
                fund=10**9, stop_loss_claims=before, stop_loss_months=12_000,
                stop_loss_cost=12_000 * 500.0,
            )  # fmt: skip
            reinsurance.start_reinsurance_year(sec, r)
            expected = 1_000 * int(insured.sum())
            claims = max(0, round(expected * (1.0 + 0.3 * rng.standard_normal())))
            # the bulk comes in December, when the limit is that of the year
            premiums, recoveries = settle(
                sec, [(int(n), 0) for n in insured[:-1]] + [(int(insured[-1]), claims)], r
            )
            assert recoveries[-1] == max(0, claims - math.floor(1.25 * before / 12_000 * insured.sum() + 0.5))
            paid.append(sum(premiums))
            received.append(sum(recoveries))
        assert within_4_se(np.array(received) - np.array(paid) / 1.2, 0.0)
        assert sum(received) / sum(paid) == pytest.approx(1 / 1.2, rel=0.15)
