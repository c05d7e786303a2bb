"""Need, odds of seeking care and bills, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from support import NOW, fixed, household, quick, rule

from cbhi.kernels import codes, health

NEEDS = np.array([1.7, 0.7, 0.85, 1.4])


class TestNeed:
    @pytest.mark.parametrize(
        ("age", "band"), [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (49, 2), (50, 3), (90, 3)]
    )
    def test_bands_of_age(self, age: int, band: int) -> None:
        need = health.member_need(age, codes.MALE, 0, 1.0, 2.0, NEEDS)
        assert need == pytest.approx([1.7, 0.7, 0.85, 1.4][band])

    @pytest.mark.parametrize(("age", "factor"), [(14, 1.0), (15, 1.25), (49, 1.25), (50, 1.0)])
    def test_women_of_childbearing_age(self, age: int, factor: float) -> None:
        woman = health.member_need(age, codes.FEMALE, 0, 1.0, 2.0, NEEDS)
        man = health.member_need(age, codes.MALE, 0, 1.0, 2.0, NEEDS)
        assert woman / man == pytest.approx(factor)

    def test_frailty_and_illness_multiply(self) -> None:
        assert health.member_need(30, codes.FEMALE, 1, 0.4, 3.0, NEEDS) == pytest.approx(
            0.85 * 1.25 * 0.4 * 3
        )

    def test_rates_are_split_by_cover(self) -> None:
        hh, mm = household(
            (40, 3, 60),
            shared_frailty=0.5,
            m_sex=[codes.MALE] * 3,
            m_frailty=[1.0, 2.0, 1.0],
            m_chronic=[0, 0, 1],
            m_enrolled=[1, 0, 1],
        )
        r = rule(need_rate=3.0, chronic_factor=2.0)
        health.refresh_rates(hh, mm, NOW, r, fixed(need_by_age=NEEDS))
        assert hh.rate_enrolled == pytest.approx(3 * 0.5 * (0.85 + 1.4 * 2), rel=1e-6)
        assert hh.rate_other == pytest.approx(3 * 0.5 * 1.7 * 2, rel=1e-6)

    @pytest.mark.parametrize("lanes", [8, codes.MEMBER_SLOTS])
    def test_members_together_need_what_each_does(self, lanes: int) -> None:
        # every band, its first and last month, sick or not, both sexes; slots without a member are left out
        months = [0, 59, 60, 179, 180, 599, 600, 900]
        r = rule(need_rate=3.0, chronic_factor=2.5)
        terms = fixed(need_by_age=NEEDS)
        for sex in (codes.FEMALE, codes.MALE):
            for chronic in (0, 1):
                hh, mm = household(
                    [0] * 8, shared_frailty=0.7, m_sex=[sex] * 8, m_chronic=[chronic] * 8,
                    m_frailty=np.linspace(0.3, 2.0, 8), m_enrolled=[1, 0, 0, 1, 1, 0, 1, 0],
                )  # fmt: skip
                mm["born"][:8] = [NOW - age for age in months]
                mm["frailty"][8:] = 5.0
                health.refresh_rates(hh, mm, NOW, r, terms)
                alone = (hh.rate_enrolled, hh.rate_other)
                hh.rate_enrolled = hh.rate_other = -1.0
                health.set_rates(hh, mm, NOW, 3.0, 2.5, NEEDS, np.full(lanes, 9.0))
                assert (hh.rate_enrolled, hh.rate_other) == alone
                assert min(alone) > 0.0

    def test_age_is_in_completed_years(self) -> None:
        r = rule(need_rate=1.0)
        hh, mm = household((5,), m_sex=[codes.MALE])
        mm[0].born = NOW - 59
        assert health.member_rate(hh, mm, 0, NOW, r, fixed(need_by_age=NEEDS)) == pytest.approx(1.7)
        mm[0].born = NOW - 60
        assert health.member_rate(hh, mm, 0, NOW, r, fixed(need_by_age=NEEDS)) == pytest.approx(0.7)


CARE = dict(
    mean_consumption_rwf=365_000.0,
    consumption_sd=0.0,
    seek_intercept=0.3,
    seek_price=1.5,
    seek_distance=0.1,
    seek_severity=1.2,
    distance_factor=1.1,
    fee_outpatient_rwf=700.0,
    fee_admission_rwf=9_000.0,
    cost_outpatient_rwf=1_000.0,
    cost_admission_rwf=20_000.0,
    copayment_rwf=200,
    coinsurance_share=0.1,
    admission_if_severe=0.25,
    formal_coinsurance_share=0.15,
)


def refreshed(ages: tuple[float, ...] = (30, 28), formal: int = 0, **changes: float):
    hh, mm = household(ages, distance_km=changes.pop("distance_km", 5.0), formal=formal)
    health.refresh_odds(hh, mm, NOW, rule(**{**CARE, **changes}), fixed())
    return hh


class TestOdds:
    def test_by_hand(self) -> None:
        # two adults at 1,000 a day each: 2,000 a day for the household
        hh = refreshed()
        assert hh.income == 60_833
        per_day = 60_833 * 12 / 365
        free = 0.3 - 0.1 * 5.0 * 1.1
        logit = {
            "odds_near": 0.3,
            "odds_free": free,
            "odds_insured": free - 1.5 * math.log(1 + 200 / per_day),
            "odds_uninsured": free - 1.5 * math.log(1 + 700 / per_day),
            # severe: 0.25 x 20,000 x 10 % on top; and 0.25 x 9,000
            "odds_severe_insured": free + 1.2 - 1.5 * math.log(1 + 700 / per_day),
            "odds_severe_uninsured": free + 1.2 - 1.5 * math.log(1 + 2_950 / per_day),
        }
        for name, value in logit.items():
            assert getattr(hh, name) == pytest.approx(math.exp(value), rel=1e-6), name

    def test_formal_members_pay_their_share(self) -> None:
        hh = refreshed(formal=1)
        free = 0.3 - 0.55
        per_day = 60_833 * 12 / 365
        price, severe = 0.15 * 1_000, 0.15 * (1_000 + 5_000)
        assert hh.odds_insured == pytest.approx(
            math.exp(free - 1.5 * math.log(1 + price / per_day)), rel=1e-6
        )
        assert hh.odds_severe_insured == pytest.approx(
            math.exp(free + 1.2 - 1.5 * math.log(1 + severe / per_day)), rel=1e-6
        )

    def test_children_are_under_fifteen(self) -> None:
        assert refreshed((30, 14.9)).income == round(365_000 * 1.6 / 12)
        assert refreshed((30, 15.0)).income == round(365_000 * 2.0 / 12)

    def test_copayment_is_never_reckoned_above_the_cost(self) -> None:
        dear = refreshed(copayment_rwf=50_000, coinsurance_share=0.0)
        assert dear.odds_insured == pytest.approx(refreshed(copayment_rwf=1_000).odds_insured)

    def test_patients_part_of_the_rest_of_the_bill(self) -> None:
        # 200 + 25 % of 800; with a share of a severe admission of 500
        hh = refreshed(outpatient_coinsurance=0.25)
        per_day = 60_833 * 12 / 365
        logit = 0.3 - 0.55 - 1.5 * math.log(1 + 400 / per_day)
        severe = 0.3 - 0.55 + 1.2 - 1.5 * math.log(1 + 900 / per_day)
        assert hh.odds_insured == pytest.approx(math.exp(logit), rel=1e-6)
        assert hh.odds_severe_insured == pytest.approx(math.exp(severe), rel=1e-6)
        dear = refreshed(outpatient_coinsurance=0.25, copayment_rwf=50_000)
        assert dear.odds_insured == refreshed(copayment_rwf=1_000).odds_insured
        assert (
            refreshed(outpatient_coinsurance=0.25, formal=1).odds_insured == refreshed(formal=1).odds_insured
        )

    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("fee_outpatient_rwf", ["odds_uninsured", "odds_severe_uninsured"]),
            ("fee_admission_rwf", ["odds_severe_uninsured"]),
            ("copayment_rwf", ["odds_insured", "odds_severe_insured"]),
            ("coinsurance_share", ["odds_severe_insured"]),
            ("seek_distance", ["odds_free", "odds_insured", "odds_uninsured"]),
            ("distance_km", ["odds_free", "odds_insured", "odds_uninsured"]),
            ("seek_price", ["odds_insured", "odds_uninsured"]),
        ],
    )
    def test_odds_fall_with(self, name: str, fields: list[str]) -> None:
        low = 5.0 if name == "distance_km" else CARE[name]
        before, after = refreshed(**{name: low}), refreshed(**{name: low * 2})
        for field in fields:
            assert getattr(after, field) < getattr(before, field), field
        assert after.odds_near == before.odds_near

    def test_free_care_costs_nothing_in_odds(self) -> None:
        hh = refreshed(copayment_rwf=0, coinsurance_share=0.0)
        assert hh.odds_insured == hh.odds_free
        assert hh.odds_severe_insured == pytest.approx(float(hh.odds_free) * math.exp(1.2), rel=1e-6)


class TestChance:
    @given(st.floats(0, 1e4), st.floats(0, 1))
    @quick
    def test_is_odds_over_one_plus_odds(self, odds: float, service: float) -> None:
        p = health.chance(odds, service)
        assert 0.0 <= p < 1.0
        assert p == pytest.approx(1 - 1 / (1 + odds * service), abs=1e-12)
        assert p <= health.chance(odds, 1.0)

    def test_severities_are_weighted(self) -> None:
        assert health.seeking_probability(1.0, 3.0, 1.0, 0.2) == pytest.approx(0.8 * 0.5 + 0.2 * 0.75)


class TestBill:
    def test_mean_over_uniforms(self) -> None:
        u = (np.arange(40_000) + 0.5) / 40_000
        bills = np.array([health.bill(1_000.0, 0.83, x, fixed()) for x in u])
        assert bills.mean() == pytest.approx(1_000, rel=3e-3)
        assert bills.min() >= 0
        # sd of a lognormal with log sd 0.83: close to the mean
        exact = 1_000 * math.sqrt(math.exp(0.83**2) - 1)
        assert bills.std() == pytest.approx(exact, rel=0.03)

    def test_quantiles_are_lognormal(self) -> None:
        law = stats.lognorm(s=0.5, scale=20_000 * math.exp(-0.125))
        for u in (0.01, 0.3, 0.5, 0.99):
            assert health.bill(20_000.0, 0.5, u, fixed()) == pytest.approx(law.ppf(u), abs=0.51)
        mean, _ = integrate.quad(law.ppf, 0, 1)
        assert mean == pytest.approx(20_000, rel=1e-4)

    @pytest.mark.parametrize("log_sd", [0.0, 0.83])
    @pytest.mark.parametrize("supplied", [False, True])
    def test_many_at_once_as_one_by_one(self, log_sd: float, supplied: bool) -> None:
        u = np.concatenate([(np.arange(61) + 0.5) / 61, np.zeros(3)])
        sizes = np.array([0.5, 1.0, 2.5]) if supplied else np.empty(0)
        chances = np.array([0.3, 0.8, 1.0]) if supplied else np.empty(0)
        filled = np.zeros(64)
        health.fill_bill_sizes(61, log_sd, u, sizes, chances, filled)
        one_by_one = [health.bill_size(log_sd, x, sizes, chances) for x in u[:61]]
        assert list(filled[:61]) == one_by_one
        assert len(set(one_by_one)) == (3 if supplied else 61 if log_sd > 0 else 1)

    def test_without_spread(self) -> None:
        assert health.bill(999.5, 0.0, 0.99, fixed()) == 1_000
