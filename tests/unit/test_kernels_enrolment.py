"""Premiums, the gain from cover, the wish to join, and what cover is bought."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from support import (
    KEY,
    NOW,
    by_quintile,
    calendar,
    district,
    fixed,
    flows,
    gauges,
    groups,
    household,
    inverse_draw,
    quick,
    rule,
    section,
    strata,
    tallies,
)

from cbhi.kernels import codes, draws, enrolment
from cbhi.kernels.health import refresh_odds, refresh_rates


class TestPremium:
    @pytest.mark.parametrize(("n", "units"), [(1, 1), (7, 1), (8, 2), (12, 2)])
    def test_by_household(self, n: int, units: int) -> None:
        r = rule(premium_by_household=1, household_covers=7, premium_middle_rwf=2500, premium_rich_rwf=9999)
        hh, _ = household([30] * n, listed_category=codes.RICH)
        assert enrolment.premium_due(hh, r, 1.0) == 2500 * units
        # one person alone owes an equal part, rounded up
        assert enrolment.premium_of_person(hh, r, 1.0) == -(-2500 * units // n)

    @pytest.mark.parametrize(
        ("category", "price"), [(codes.POOREST, 2000), (codes.MIDDLE, 3000), (codes.RICH, 7000)]
    )
    def test_by_person_and_category_as_listed(self, category: int, price: int) -> None:
        r = rule(
            premium_by_household=0, premium_poorest_rwf=2000, premium_middle_rwf=3000, premium_rich_rwf=7000
        )
        hh, _ = household([30] * 5, listed_category=category, category=codes.POOREST)
        assert enrolment.premium_due(hh, r, 1.0) == 5 * price
        assert enrolment.premium_of_person(hh, r, 1.0) == price

    def test_relative_to_the_schedule(self) -> None:
        # rounded for one person, or for one household: 1,000 x 1.2345 is 1,235 (1,234.5 rounded up)
        r = rule(premium_by_household=0, premium_middle_rwf=1_000)
        hh, _ = household([30] * 3)
        assert enrolment.premium_due(hh, r, 1.2345) == 3 * 1_235
        assert enrolment.premium_of_person(hh, r, 0.5) == 500
        r = rule(premium_by_household=1, premium_middle_rwf=2_501, household_covers=2)
        # 1,250.5 twice for three members, and a third of it
        assert enrolment.premium_due(hh, r, 0.5) == 2 * 1_251
        assert enrolment.premium_of_person(hh, r, 0.5) == 834

    @given(st.integers(0, 10**7), st.integers(0, 100))
    @quick
    def test_subsidy_never_exceeds_the_premium(self, due: int, percent: int) -> None:
        paid = enrolment.subsidy_of(due, rule(subsidy_premium_share=percent / 100))
        assert 0 <= paid <= due
        assert abs(paid - due * percent / 100) <= 0.5001


class TestPerceivedRate:
    @given(st.floats(0.01, 100), st.floats(0.01, 100))
    @quick
    def test_limits(self, own: float, public: float) -> None:
        assert enrolment.perceived_rate(own, public, 0.0) == public
        assert enrolment.perceived_rate(own, public, 1.0) == pytest.approx(own)
        half = enrolment.perceived_rate(own, public, 0.5)
        assert half == pytest.approx(math.sqrt(own * public))

    def test_nothing_to_reckon_with(self) -> None:
        assert enrolment.perceived_rate(0.0, 1.0, 0.5) == 0.0
        assert enrolment.perceived_rate(1.0, 0.0, 0.5) == 0.0


ODDS = dict(odds_uninsured=0.4, odds_severe_uninsured=0.9, odds_insured=0.8, odds_severe_insured=2.2)
PRICES = dict(
    severe_share=0.1,
    admission_if_severe=0.3,
    fee_outpatient_rwf=700.0,
    fee_admission_rwf=9_000.0,
    cost_outpatient_rwf=1_000.0,
    cost_admission_rwf=12_000.0,
    copayment_rwf=200,
    coinsurance_share=0.1,
    risk_aversion=2.0,
    risk_premium_cap=1e9,
    access_value=0.5,
    private_information=0.25,
)


def value(rate: float = 14.0, service: float = 0.9, cv2: float = 0.0, **changes: Any) -> Any:
    odds = {**ODDS, **{k: changes.pop(k) for k in list(changes) if k in ODDS}}
    return enrolment.value_of_cover(
        rate, odds["odds_uninsured"], odds["odds_severe_uninsured"], odds["odds_insured"],
        odds["odds_severe_insured"], service, changes.pop("consumption", 300_000.0),
        rule(**{**PRICES, **changes}), fixed(cost_cv2=cv2, shared_frailty_variance=0.4),
    )  # fmt: skip


def spending(
    rng: np.random.Generator, rate: float, odds: float, severe_odds: float, centre: Any, ward: Any, n: int
) -> np.ndarray:
    """Yearly out-of-pocket spending of ``n`` households, drawn one visit at a time."""
    frailty = rng.gamma(1 / 0.3, 0.3, n)  # variance 0.4 x (1 - 0.25)
    episodes = rng.poisson(rate * frailty)
    owner = np.repeat(np.arange(n), episodes)
    severe = rng.random(owner.size) < 0.1
    o = np.where(severe, severe_odds, odds) * 0.9
    contact = rng.random(owner.size) < o / (1 + o)
    admitted = contact & severe & (rng.random(owner.size) < 0.3)
    bill = np.zeros(owner.size)
    bill[contact] += centre(int(contact.sum()))
    bill[admitted] += ward(int(admitted.sum()))
    return np.bincount(owner, bill, minlength=n)


def variance_se(x: np.ndarray) -> float:
    centred = x - x.mean()
    return float(np.sqrt(((centred**4).mean() - x.var() ** 2) / x.size))


class TestValueOfCover:
    def test_against_drawn_visits(self) -> None:
        rng = np.random.default_rng(7)
        n = 60_000
        u = spending(rng, 14.0, 0.4, 0.9, lambda k: 700.0, lambda k: 9_000.0, n)
        i = spending(rng, 14.0, 0.8, 2.2, lambda k: 200.0, lambda k: 1_200.0, n)
        saving, risk, _, capped = value()
        se = math.sqrt(u.var() / n + i.var() / n)
        assert abs(saving - (u.mean() - i.mean())) < 4 * se
        scale = 0.5 * 2.0 / 300_000
        assert abs(risk - scale * (u.var() - i.var())) < 4 * scale * math.hypot(
            variance_se(u), variance_se(i)
        )
        assert not capped

    def test_one_price_by_hand(self) -> None:
        # contacts of one kind at 700, free for members: a mixed Poisson count with frailty variance 0.3
        p = 0.4 * 0.9 / 1.36
        mean = 14.0 * p
        saving, risk, _, _ = value(severe_share=0.0, copayment_rwf=0, cv2=0.5)
        assert saving == pytest.approx(700 * mean)
        variance = 700**2 * (1.5 * mean + 0.3 * mean**2)
        assert risk == pytest.approx(0.5 * 2.0 / 300_000 * variance)

    def test_a_part_of_the_bill_beside_the_copayment_by_hand(self) -> None:
        # 200 of 1,000 and a quarter of the other 800: 400 a contact, of which 200 vary
        p_u, p_i = (o * 0.9 / (1 + o * 0.9) for o in (0.4, 0.8))
        saving, risk, _, _ = value(
            severe_share=0.0, copayment_rwf=200, outpatient_coinsurance=0.25, cv2=0.5, private_information=1.0
        )
        assert saving == pytest.approx(14 * (700 * p_u - 400 * p_i))
        squares = p_u * 1.5 * 700**2 - p_i * (200**2 + 2 * 200 * 200 + 1.5 * 200**2)
        assert risk == pytest.approx(0.5 * 2.0 / 300_000 * 14 * squares)
        # nothing is left of a bill below the co-payment
        assert value(copayment_rwf=1_000, outpatient_coinsurance=0.25) == value(copayment_rwf=1_000)

    def test_reckoning_is_that_of_the_bills_that_are_written(self) -> None:
        # bills of the health centre and the ward vary apart; a co-payment does not vary
        rng = np.random.default_rng(8)
        n, log_sd = 60_000, 0.83
        cv2 = math.exp(log_sd**2) - 1

        def lognormal(mean: float) -> Any:
            return lambda k: mean * np.exp(log_sd * rng.standard_normal(k) - 0.5 * log_sd**2)

        u = spending(rng, 14.0, 0.4, 0.9, lognormal(700.0), lognormal(9_000.0), n)
        i = spending(rng, 14.0, 0.8, 2.2, lambda k: 200.0, lognormal(1_200.0), n)
        saving, risk, _, _ = value(cv2=cv2)
        assert abs(saving - (u.mean() - i.mean())) < 4 * math.sqrt(u.var() / n + i.var() / n)
        scale = 0.5 * 2.0 / 300_000
        assert abs(risk - scale * (u.var() - i.var())) < 4 * scale * math.hypot(
            variance_se(u), variance_se(i)
        )

    def test_no_difference_of_price_no_saving_no_risk_no_access(self) -> None:
        same = dict(
            odds_insured=0.4, odds_severe_insured=0.9, fee_outpatient_rwf=200.0, fee_admission_rwf=1_200.0
        )
        saving, risk, access, _ = value(**same)
        assert (saving, risk, access) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)

    def test_access_is_paid_for_contacts_that_cover_makes_possible(self) -> None:
        rate, service = 14.0, 0.9
        p = [o * service / (1 + o * service) for o in (0.4, 0.8, 0.9, 2.2)]
        more, more_severe = 0.9 * (p[1] - p[0]), 0.1 * (p[3] - p[2])
        expected = rate * 0.5 * (more * 1_000 + more_severe * (1_000 + 0.3 * 12_000))
        assert value()[2] == pytest.approx(expected)
        assert value(access_value=0.0)[2] == 0.0

    def test_cap(self) -> None:
        saving, risk, _, capped = value(risk_premium_cap=0.01)
        assert capped
        # the cap is on what would be spent without cover, which free cover saves entirely
        spent = value(copayment_rwf=0, coinsurance_share=0.0)[0]
        assert spent > saving
        assert risk == pytest.approx(0.01 * spent)
        assert value(risk_premium_cap=0.0)[1] == 0.0

    def test_limits(self) -> None:
        assert value(risk_aversion=0.0)[1] == 0.0
        assert value(rate=0.0)[:3] == (0.0, 0.0, 0.0)
        assert value(rate=28.0)[0] == pytest.approx(2 * value(rate=14.0)[0])
        assert value(consumption=150_000.0)[1] == pytest.approx(2 * value()[1])
        # without private information all of the shared frailty is risk; with it, none
        informed, ignorant = value(private_information=1.0)[1], value(private_information=0.0)[1]
        half = value(private_information=0.5)[1]
        assert informed < half < ignorant
        assert half == pytest.approx((informed + ignorant) / 2)

    @given(st.floats(0, 50), st.floats(0, 1), st.integers(0, 3000), st.floats(0, 1))
    @quick
    def test_a_lower_copayment_never_lowers_the_saving(
        self, rate: float, service: float, copayment: int, coinsurance: float
    ) -> None:
        # at unchanged use
        dear = value(rate, service, copayment_rwf=copayment + 100, coinsurance_share=coinsurance)
        cheap = value(rate, service, copayment_rwf=copayment, coinsurance_share=coinsurance)
        assert cheap[0] >= dear[0] - 1e-9


class TestSanction:
    def test_by_hand(self) -> None:
        r = rule(
            compulsory=1, enforcement_max=0.2, penalty_rwf=5_000, gate_probability=0.1, gate_cost_share=0.03
        )
        # fine: .2 x .5 x 5,000; services: twelve months, .1 x .5 of them at 3 % of 20,000
        assert enrolment.expected_sanction(20_000.0, 0.5, r) == pytest.approx(500 + 360)
        assert enrolment.expected_sanction(20_000.0, 0.0, r) == 0.0

    def test_none_without_a_mandate(self) -> None:
        assert enrolment.expected_sanction(20_000.0, 1.0, rule(compulsory=0, penalty_rwf=10**6)) == 0.0


def social(hh: Any, sec: Any, gg: Any, r: Any) -> float:
    return float(enrolment.social_terms(hh, sec, gg, enrolment.outlook_of(sec, 0.9, r), NOW, r))


class TestSocialTerms:
    R: ClassVar = dict(
        peer_weight=2.0, group_share_of_peers=0.25, trust_weight=1.5, quality_weight=0.8, inertia=1.2,
        mobilisation_weight=3.0, mobilisation_effort=0.5,
    )  # fmt: skip

    def test_by_hand(self) -> None:
        sec = section(member_share=0.4, trust=0.7, quality=0.9, enforcement=0.6, group_first=1, group_end=3)
        gg = groups(3)
        gg.eligible[:] = [9, 9, 11]
        gg.recent[:] = [0, 0, 9]  # eight of the ten others
        hh, _ = household(group=1, trust_offset=0.125, cover_until=NOW - 3)
        peers = 0.75 * 0.4 + 0.25 * 0.8
        expected = 2 * peers + 1.5 * 0.325 + 0.8 * 0.4 + 1.2 + 3 * 0.5 * 0.6
        assert social(hh, sec, gg, rule(**self.R)) == pytest.approx(expected)
        hh.group = codes.NO_GROUP
        expected -= 2 * (peers - 0.4)
        assert social(hh, sec, gg, rule(**self.R)) == pytest.approx(expected)

    @pytest.mark.parametrize(("offset", "felt"), [(0.9, 1.0), (-0.9, 0.0)])
    def test_felt_trust_stays_between_zero_and_one(self, offset: float, felt: float) -> None:
        r = rule(peer_weight=0.0, trust_weight=1.0, quality_weight=0.0, inertia=0.0, mobilisation_effort=0.0)
        hh, _ = household(trust_offset=offset)
        assert social(hh, section(), groups(), r) == pytest.approx(felt - 0.5)

    @pytest.mark.parametrize(
        ("until", "recent"), [(0, False), (NOW - 12, False), (NOW - 11, True), (NOW + 5, True)]
    )
    def test_habit_lasts_a_year(self, until: int, recent: bool) -> None:
        assert enrolment.is_recent_member(household(cover_until=until)[0], NOW) == recent


def weigh(
    hh: Any, sec: Any, r: Any, rate: float = 16.0, n: int | None = None, share: float = 1.0, cv2: float = 1.0
) -> Any:
    outlook = enrolment.outlook_of(sec, 0.9, r)
    n = int(hh.n_members) if n is None else n
    return enrolment.weigh_cover(hh, rate, n, outlook, sec, share, r, fixed(cost_cv2=cv2))


def wish(hh: Any, premium: float, r: Any, rate: float = 16.0, social: float = 0.2, share: float = 1.0) -> Any:
    weighed = weigh(hh, section(enforcement=0.4), r, rate, share=share)
    return enrolment.wish_probability(hh, weighed, premium, social, r), weighed.capped


class TestWish:
    def test_by_hand(self) -> None:
        r = rule(
            **{
                **PRICES,
                "intercept": -0.7,
                "price_slope": 20.0,
                "income_gradient": 0.3,
                "consumption_sd": 0.9,
                "hassle_rwf": 250.0,
                "need_rate": 3.0,
                "compulsory": 1,
                "penalty_rwf": 4_000,
                "enforcement_max": 0.5,
                "gate_probability": 0.0,
            }
        )
        hh, _ = household((40, 35, 10), income=25_000, z=0.8, taste=-0.4, **ODDS)
        reckoned = 9.0 * (16.0 / 9.0) ** 0.25
        worth = enrolment.value_of_cover(reckoned, *ODDS.values(), 0.9, 300_000.0, r, fixed(cost_cv2=1.0))
        gain = 0.5 * (sum(worth[:3]) + 0.5 * 0.4 * 4_000) - 3_000 - 250
        utility = -0.7 + 20 * gain / 300_000 + 0.3 * (0.9 * 0.8 - 0.405) + 0.2 - 0.4
        probability, capped = wish(hh, 3_000.0, r, share=0.5)
        assert probability == pytest.approx(expit(utility), rel=1e-6)
        assert capped == worth[3]

    @given(
        st.integers(0, 40_000),
        st.integers(0, 20_000),
        st.integers(0, 200_000),
        st.floats(-2, 2),
        st.floats(0, 60),
    )
    @quick
    def test_a_lower_premium_never_lowers_it(
        self, low: int, more: int, income: int, taste: float, rate: float
    ) -> None:
        hh, _ = household(income=income, taste=taste, **ODDS)
        r = rule(**PRICES)
        cheap, dear = wish(hh, low, r, rate)[0], wish(hh, low + more, r, rate)[0]
        assert 0.0 <= dear <= cheap <= 1.0

    def test_one_person_weighs_an_equal_part(self) -> None:
        # a member at the household's mean risk, alone, decides as a household of one would
        r = rule(**{**PRICES, "compulsory": 1})
        hh, _ = household((30, 30, 30, 30), income=40_000, z=0.3, **ODDS)
        alone, _ = household((30,), income=10_000, z=0.3, **ODDS)
        r1 = rule(**{**PRICES, "compulsory": 1, "hassle_rwf": float(r.hassle_rwf) / 4, "penalty_rwf": 1_250})
        sec = section(enforcement=0.4)
        member = enrolment.wish_probability(hh, weigh(hh, sec, r, 4.0, 1), 900.0, 0.2, r)
        single = enrolment.wish_probability(alone, weigh(alone, sec, r1, 4.0, 1), 900.0, 0.2, r1)
        assert member == pytest.approx(single)

    @pytest.mark.parametrize(
        ("fields", "share"),
        [({}, 1.0), ({"arrears": 5.0}, np.exp(-0.5)), ({"arrears": 5.0, "suspended": 1}, 0.0)],
    )
    def test_benefits_count_as_far_as_they_are_honoured(self, fields: dict[str, float], share: float) -> None:
        r = rule(**{**PRICES, "refusal_slope": 0.1, "compulsory": 1, "price_slope": 20.0})
        hh, _ = household(income=20_000, **ODDS)
        sec = section(enforcement=0.4, **fields)
        assert enrolment.honoured_share(sec, r) == pytest.approx(share)

        def logit(s: Any, access: float = float(r.access_value)) -> float:
            changed = rule(**{**PRICES, "refusal_slope": 0.1, "compulsory": 1, "price_slope": 20.0})
            changed.access_value = access
            weighed = weigh(hh, s, changed, cv2=fixed().cost_cv2)
            p = enrolment.wish_probability(hh, weighed, 900.0, 0.2, changed)
            return float(np.log(p / (1 - p)))

        # the weight of what cover is worth shrinks, that of the premium and the sanction does not
        sound = section(enforcement=0.4)
        more = logit(sound, 9.0) - logit(sound, 1.0)
        assert logit(sec, 9.0) - logit(sec, 1.0) == pytest.approx(share * more)
        assert more > 0.1

    def test_rises_with_gain_social_terms_and_taste(self) -> None:
        r = rule(**PRICES)
        hh, _ = household(**ODDS)
        base = wish(hh, 2_000, r)[0]
        assert wish(hh, 2_000, r, social=0.4)[0] > base
        assert wish(hh, 2_000, r, rate=30.0)[0] > base
        assert wish(hh, 2_000, r, share=0.4)[0] < base
        hh.taste = 1.0
        assert wish(hh, 2_000, r)[0] > base

    def test_without_private_information_risk_is_no_reason(self) -> None:
        r = rule(**{**PRICES, "private_information": 0.0})
        hh, _ = household(**ODDS)
        assert wish(hh, 2_000, r, rate=2.0) == wish(hh, 2_000, r, rate=80.0)

    @given(st.floats(-800, 800))
    @quick
    def test_logistic(self, x: float) -> None:
        assert enrolment.logistic(x) == pytest.approx(expit(x), rel=1e-12, abs=1e-300)


FIXED_YEAR = dict(is_rolling=0, sale_from=NOW - 2, sale_until=NOW + 10)
NEXT_YEAR = dict(is_rolling=0, before_start=1, sale_from=NOW + 3, sale_until=NOW + 15)


class TestCover:
    @pytest.mark.parametrize(
        ("until", "waiting", "cal", "expected"),
        [
            # rolling: a newcomer waits, one whose cover ends with this month does not
            (0, 1, {}, (NOW + 2, NOW + 14, False)),
            (0, 0, {}, (NOW + 1, NOW + 13, False)),
            (NOW, 1, {}, (NOW + 2, NOW + 14, False)),
            (NOW + 1, 6, {}, (NOW + 1, NOW + 13, True)),
            # a membership year that runs
            (0, 1, FIXED_YEAR, (NOW + 2, NOW + 10, False)),
            (0, 24, FIXED_YEAR, (NOW + 25, NOW + 10, False)),
            (NOW - 2, 1, FIXED_YEAR, (NOW + 2, NOW + 10, False)),
            (NOW + 1, 1, FIXED_YEAR, (NOW + 1, NOW + 10, True)),
            # rolling cover of before that reaches into it goes on to its end
            (NOW + 4, 1, FIXED_YEAR, (NOW + 4, NOW + 10, True)),
            # on sale ahead: benefits start with the year, or after the waiting period
            (0, 1, NEXT_YEAR, (NOW + 3, NOW + 15, False)),
            (0, 5, NEXT_YEAR, (NOW + 6, NOW + 15, False)),
            (NOW + 3, 5, NEXT_YEAR, (NOW + 3, NOW + 15, True)),
            (NOW + 1, 0, NEXT_YEAR, (NOW + 3, NOW + 15, False)),
        ],
    )
    def test_period(
        self, until: int, waiting: int, cal: dict[str, int], expected: tuple[int, int, bool]
    ) -> None:
        assert tuple(enrolment.cover_period(until, NOW, calendar(**cal), waiting)) == expected

    @pytest.mark.parametrize(
        ("until", "cal", "may"),
        [
            (0, {}, True),
            (NOW + 1, {}, True),
            (NOW + 2, {}, False),
            (0, {"is_open": 0}, False),
            (NOW + 9, FIXED_YEAR, True),
            (NOW + 10, FIXED_YEAR, False),
            (NOW + 3, NEXT_YEAR, True),
            # running cover would be cut short by a policy that starts after a gap
            (NOW + 2, NEXT_YEAR, False),
            (NOW + 1, NEXT_YEAR, True),
            (NOW + 15, NEXT_YEAR, False),
            (0, {**FIXED_YEAR, "is_open": 0}, False),
        ],
    )
    def test_may_buy(self, until: int, cal: dict[str, int], may: bool) -> None:
        assert enrolment.may_buy(until, NOW, calendar(**cal)) == may

    @pytest.mark.parametrize(
        ("until", "grace", "waits"),
        [
            (0, 3, True),  # never a member
            (NOW + 1, 0, False),  # no gap: cover lasts to the end of this month
            (NOW, 0, True),
            (NOW, 1, False),
            (NOW - 2, 3, False),
            (NOW - 3, 3, True),
        ],
    )
    def test_waiting_and_grace(self, until: int, grace: int, waits: bool) -> None:
        r = rule(waiting_months=5, grace_months=grace)
        assert enrolment.waiting_due(until, NOW, r) == (5 if waits else 0)

    def test_a_late_renewal_within_grace_starts_at_once(self) -> None:
        r = rule(**EAGER, **NO_SUBSIDY, waiting_months=2, grace_months=3)
        starts = []
        for until in (NOW - 2, NOW - 3):
            hh, mm = household(cash=10**5, cover_from=NOW - 20, cover_until=until)
            seek(hh, mm, r)
            starts.append(int(hh.cover_from))
        assert starts == [NOW + 1, NOW + 3]

    def test_year_share(self) -> None:
        assert enrolment.year_share(NOW, NOW + 6) == 0.5
        assert enrolment.year_share(NOW, NOW + 18) == 1.0

    def test_taste_lasts_a_membership_year(self) -> None:
        first = NOW - NOW % 12
        assert {enrolment.taste_month(first + m, calendar()) for m in range(12)} == {first}
        assert enrolment.taste_month(NOW, calendar(**NEXT_YEAR)) == NOW + 3

    def test_start_cover_writes_the_policy(self) -> None:
        hh, mm = household((40, 35, 5), m_enrolled=[1, 1, 0], cover_from=NOW - 11, cover_until=NOW + 1)
        t = tallies()
        enrolment.start_cover(hh, mm, NOW + 1, NOW + 13, True, NOW, rule(), fixed(), t)
        assert (hh.cover_from, hh.cover_until, hh.n_enrolled) == (NOW - 11, NOW + 13, 2)
        assert (t[codes.HOUSEHOLD_MONTHS_SOLD], t[codes.ENROLMENTS]) == (12, 1)
        assert hh.rate_enrolled > 0 < hh.rate_other
        enrolment.start_cover(hh, mm, NOW + 2, NOW + 14, False, NOW, rule(), fixed(), t)
        assert hh.cover_from == NOW + 2


class TestPayment:
    @given(
        st.integers(0, 50_000),
        st.integers(0, 50_000),
        st.integers(0, 100),
        st.integers(0, 100),
        st.integers(0, 100),
        st.integers(0, 20_000),
    )
    @quick
    def test_sponsors_share_the_subsidy_exactly(
        self, own: int, sponsored: int, state: int, donor: int, pool: int, in_pool: int
    ) -> None:
        donor = min(donor, 100 - state)
        pool = min(pool, 100 - state - donor)
        r = rule(
            subsidy_state_share=state / 100, subsidy_donor_share=donor / 100, subsidy_pool_share=pool / 100
        )
        hh, _ = household(cash=20_000, quintile=2)
        dist = district(pool=in_pool)
        sec = section(fund=10, subsidy_left=60_000)
        f, t, q = flows(), tallies(), strata()
        enrolment.pay_premium(hh, sec, dist, groups(), own, sponsored, codes.BY_CASH, 0, r, q, f, t)
        parts = [
            int(f[c])
            for c in (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_POOL, codes.SUBSIDY_NGO)
        ]
        assert sum(parts) == sponsored
        assert min(parts) >= 0
        assert abs(parts[1] - sponsored * donor / 100) <= 1.0001
        # what the pool cannot bear of its part, the state bears
        assert abs(parts[2] - min(in_pool, sponsored * pool / 100)) <= 1.0001
        assert abs(parts[0] + parts[2] - sponsored * (state + pool) / 100) <= 2.0001
        assert dist.pool == in_pool - parts[2] >= 0
        assert f[codes.CONTRIBUTION] == own == by_quintile(q)[2, codes.S_CONTRIBUTIONS]
        assert sec.fund == 10 + own + sponsored
        assert sec.subsidy_left == 60_000 - sponsored
        assert hh.cash == max(0, 20_000 - own)
        assert hh.debt == max(0, own - 20_000) == f[codes.INFORMAL_LOAN]
        assert t[codes.PREMIUMS_BORROWED] == (own > 20_000)

    def test_spare_cash_is_above_the_buffer(self) -> None:
        hh, _ = household(cash=12_000, income=30_000)
        assert enrolment.spare_cash(hh, rule(buffer_months=0.25)) == 4_500


# everybody wishes or nobody does
EAGER, UNWILLING = dict(intercept=20.0, price_slope=0.0), dict(intercept=-20.0, price_slope=0.0)
NO_SUBSIDY = dict(premium_by_household=0, premium_middle_rwf=1_000, buffer_months=0.0, cash_gate=1)


def seek(
    hh: Any,
    mm: Any,
    r: Any,
    *,
    sec: Any = None,
    dist: Any = None,
    gg: Any = None,
    registered: bool = False,
    cal: Any = None,
) -> Any:
    sec = sec if sec is not None else section()
    refresh_rates(hh, mm, NOW, r, fixed())
    f, t, g, q = flows(), tallies(), gauges(), strata()
    cal = cal if cal is not None else calendar()
    dist = dist if dist is not None else district()
    args = (hh, mm, sec, dist, gg or groups(), NOW, enrolment.outlook_of(sec, 0.9, r), cal, r, r, fixed())
    if r.enrolment_unit == codes.UNIT_PERSON:
        enrolment.seek_cover_as_persons(*args, q, f, t, g)
    else:
        month = enrolment.taste_month(NOW, cal)
        taste = draws.uniform(fixed().key, sec.number, hh.ordinal, draws.NOBODY, month, codes.DRAW_TASTE, 0)
        enrolment.seek_cover_as_household(*args, registered, taste, q, f, t, g)
    return sec, f, t, g


class TestSeekingAsHousehold:
    def test_everybody_is_enrolled_and_paid_for(self) -> None:
        hh, mm = household(cash=5_000)
        sec, f, t, _ = seek(hh, mm, rule(**EAGER, **NO_SUBSIDY, waiting_months=1))
        assert (hh.n_enrolled, hh.standing, hh.cash) == (4, codes.STANDING_PAID, 1_000)
        assert (hh.cover_from, hh.cover_until) == (NOW + 2, NOW + 14)
        assert mm["enrolled"][:4].tolist() == [1, 1, 1, 1]
        assert sec.fund == f[codes.CONTRIBUTION] == 4_000
        assert t[codes.ENROLMENTS] == 1

    @pytest.mark.parametrize(
        ("will", "cash", "gate", "standing"),
        [
            (UNWILLING, 10**6, 1, codes.STANDING_UNWILLING),
            (EAGER, 3_999, 1, codes.STANDING_UNAFFORDABLE),
            (EAGER, 4_000, 1, codes.STANDING_PAID),
            (EAGER, 3_999, 0, codes.STANDING_PAID),
        ],
    )
    def test_what_becomes_of_it(self, will: dict[str, float], cash: int, gate: int, standing: int) -> None:
        hh, mm = household(cash=cash)
        sec, f, _, _ = seek(hh, mm, rule(**will, **{**NO_SUBSIDY, "cash_gate": gate}))
        assert hh.standing == standing
        paid = standing == codes.STANDING_PAID
        assert sec.fund == 4_000 * paid == f[codes.CONTRIBUTION]
        assert (hh.cover_until > 0) == paid

    def test_decisions_on_the_next_year_are_kept_apart(self) -> None:
        hh, mm = household(cash=10**5, standing=codes.STANDING_UNWILLING)
        seek(hh, mm, rule(**EAGER, **NO_SUBSIDY), cal=calendar(**NEXT_YEAR))
        assert (hh.standing, hh.standing_next) == (codes.STANDING_UNWILLING, codes.STANDING_PAID)
        assert hh.cover_from == NOW + 3

    def test_a_slot_pays_and_the_registered_are_not_asked(self) -> None:
        r = rule(**UNWILLING, **NO_SUBSIDY, subsidy_premium_share=1.0, subsidy_state_share=1.0)
        hh, mm = household(subsidised=1)
        sec, f, _, _ = seek(hh, mm, r, sec=section(subsidy_left=4_000), registered=True)
        assert hh.standing == codes.STANDING_PAID
        assert (sec.subsidy_left, f[codes.SUBSIDY_STATE], f[codes.CONTRIBUTION]) == (0, 4_000, 0)

    def test_with_a_part_of_its_own_it_is_asked(self) -> None:
        r = rule(**UNWILLING, **NO_SUBSIDY, subsidy_premium_share=0.5)
        hh, mm = household(subsidised=1, cash=10**5)
        seek(hh, mm, r, sec=section(subsidy_left=4_000), registered=True)
        assert hh.standing == codes.STANDING_UNWILLING

    def test_an_empty_budget_pays_nothing(self) -> None:
        r = rule(**EAGER, **NO_SUBSIDY, subsidy_premium_share=1.0)
        hh, mm = household(subsidised=1, cash=10**5)
        sec, f, _, _ = seek(hh, mm, r, sec=section(subsidy_left=3_999))
        assert (f[codes.CONTRIBUTION], sec.subsidy_left) == (4_000, 3_999)

    def test_no_cover_left_to_buy(self) -> None:
        hh, mm = household(cash=10**5)
        sec, _, t, _ = seek(
            hh, mm, rule(**EAGER, **{**NO_SUBSIDY, "waiting_months": 24}), cal=calendar(**FIXED_YEAR)
        )
        assert sec.fund == t.sum() == 0

    def test_taste_of_the_year_is_the_uniform_of_the_household(self) -> None:
        # indifferent: the wish has probability 1/2, and u decides
        r = rule(
            price_slope=0.0, intercept=0.0, income_gradient=0.0, peer_weight=0.0, trust_weight=0.0,
            quality_weight=0.0, inertia=0.0, mobilisation_effort=0.0, **NO_SUBSIDY,
        )  # fmt: skip

        def u(ordinal: int) -> float:
            return draws.uniform(KEY, 3, ordinal, 0, NOW - NOW % 12, codes.DRAW_TASTE, 0)

        for below in (True, False):
            ordinal = inverse_draw(lambda i, below=below: (u(i) < 0.5) == below)
            hh, mm = household(ordinal=ordinal, cash=10**5)
            seek(hh, mm, r)
            assert (hh.standing == codes.STANDING_PAID) == below


class TestSeekingAsPersons:
    R: ClassVar = dict(enrolment_unit=1, **NO_SUBSIDY)

    def test_as_many_as_can_be_paid_for(self) -> None:
        hh, mm = household(cash=2_500)
        sec, f, _, _ = seek(hh, mm, rule(**EAGER, **self.R))
        assert mm["enrolled"][:4].tolist() == [1, 1, 0, 0]
        assert (hh.n_enrolled, sec.fund, f[codes.CONTRIBUTION], hh.cash) == (2, 2_000, 2_000, 500)
        assert hh.standing == codes.STANDING_PAID

    def test_nobody_wishes_or_nobody_can_pay(self) -> None:
        hh, mm = household(cash=2_500)
        seek(hh, mm, rule(**UNWILLING, **self.R))
        assert hh.standing == codes.STANDING_UNWILLING
        hh, mm = household(cash=999)
        seek(hh, mm, rule(**EAGER, **self.R))
        assert hh.standing == codes.STANDING_UNAFFORDABLE
        assert hh.n_enrolled == 0

    def test_the_budget_pays_for_whole_persons(self) -> None:
        hh, mm = household(subsidised=1, cash=0)
        r = rule(**EAGER, **self.R, subsidy_premium_share=1.0, subsidy_donor_share=1.0)
        sec, f, _, _ = seek(hh, mm, r, sec=section(subsidy_left=2_700))
        assert (hh.n_enrolled, sec.subsidy_left, f[codes.SUBSIDY_DONOR]) == (2, 700, 2_000)

    def test_those_at_risk_join_more(self) -> None:
        joined = np.zeros(2)
        r = rule(**self.R, intercept=-1.0, price_slope=60.0, private_information=1.0)
        for ordinal in range(400):
            hh, mm = household((30, 30), ordinal=ordinal, cash=10**5, m_frailty=[4.0, 0.1], m_sex=[1, 1])
            refresh_odds(hh, mm, NOW, r, fixed())
            seek(hh, mm, r)
            joined += mm["enrolled"][:2]
        assert joined[0] > joined[1] + 4 * math.sqrt(400 * 0.5)


class TestExpectation:
    @given(st.floats(0, 1), st.floats(0, 0.999))
    @quick
    def test_chance_of_turning(self, probability: float, highest: float) -> None:
        # P(u < p | u >= highest) with u uniform
        turned = enrolment.chance_of_turning(probability, highest, codes.STANDING_UNWILLING)
        assert turned == pytest.approx(max(0.0, probability - highest) / (1 - highest))
        assert enrolment.chance_of_turning(probability, highest, codes.STANDING_UNAFFORDABLE) == 1.0
        assert enrolment.chance_of_turning(probability, 0.0, codes.STANDING_INATTENTIVE) == probability

    @pytest.mark.parametrize("by_person", [0, 1])
    def test_luck_has_mean_zero(self, by_person: int) -> None:
        # two decisions in one membership year, the second at a lower premium; some cannot pay at first
        luck = []
        year = dict(is_rolling=0, sale_from=NOW - 2, sale_until=NOW + 10)
        for ordinal in range(1500):
            hh, mm = household(ordinal=ordinal, cash=3_000 if ordinal % 3 == 0 else 10**6, **ODDS)
            expected = enrolled = 0.0
            for premium in (3_000, 500):
                if hh.cover_until:
                    break
                r = rule(
                    **{**NO_SUBSIDY, "premium_middle_rwf": premium}, enrolment_unit=by_person, intercept=-0.5,
                    price_slope=40.0,
                )  # fmt: skip
                _, _, t, g = seek(hh, mm, r, cal=calendar(**year))
                expected += g[codes.GAUGE_EXPECTED_ENROLLED]
                enrolled += t[codes.PERSONS_ENROLLED]
            luck.append(enrolled - expected)
        assert np.std(luck) > 0.3
        assert abs(np.mean(luck)) < 4 * np.std(luck) / math.sqrt(len(luck))


def lending(**books: Any) -> Any:
    """A district whose lender has money, and loans of a year at 12 % (cost: 6.5 %)."""
    return district(lender_open=1, **{"lender_cash": 100_000, **books})


LOANS = dict(
    loans_offered=1, loans_to_members=0, joint_liability=0, loan_months=12, loan_interest=0.12,
    loan_fee_share=0.0, loan_default_share=0.0,
)  # fmt: skip
SAVINGS = dict(group_savings=1, group_pays_together=0)
BY = {
    codes.BY_CASH: (codes.PERSONS_BY_CASH, codes.POOR_BY_CASH),
    codes.BY_GROUP: (codes.PERSONS_BY_GROUP, codes.POOR_BY_GROUP),
    codes.BY_LOAN: (codes.PERSONS_BY_LOAN, codes.POOR_BY_LOAN),
}


class TestMeans:
    @pytest.mark.parametrize("unit", [codes.UNIT_HOUSEHOLD, codes.UNIT_PERSON])
    @pytest.mark.parametrize(
        ("cash", "fund", "rules", "by"),
        [
            (4_000, 9_000, {**SAVINGS, **LOANS}, codes.BY_CASH),
            (3_999, 4_000, {**SAVINGS, **LOANS}, codes.BY_GROUP),
            (3_999, 3_999, {**SAVINGS, **LOANS}, codes.BY_LOAN),
            (3_000, 9_000, LOANS, codes.BY_LOAN),
        ],
    )
    def test_cash_then_savings_then_a_loan(
        self, unit: int, cash: int, fund: int, rules: Any, by: int
    ) -> None:
        hh, mm = household(cash=cash, group=0, quintile=1, category=codes.POOREST)
        gg = groups()
        gg.fund[0] = fund
        dist = lending()
        sec = section(credit_line=10**6, credit_share=1.0)
        sec, f, t, g = seek(
            hh, mm, rule(**EAGER, **NO_SUBSIDY, enrolment_unit=unit, **rules), sec=sec, dist=dist, gg=gg
        )
        assert (hh.standing, hh.n_enrolled, hh.financed_by, sec.fund) == (codes.STANDING_PAID, 4, by, 4_000)
        assert f[codes.CONTRIBUTION] == (0 if by == codes.BY_GROUP else 4_000)
        assert f[codes.GROUP_CONTRIBUTION] == (4_000 if by == codes.BY_GROUP else 0)
        lent = 4_000 - cash if by == codes.BY_LOAN else 0
        assert (f[codes.LOAN], hh.loan, dist.lender_cash) == (lent, lent, 100_000 - lent)
        assert hh.cash == (cash if by == codes.BY_GROUP else cash + lent - 4_000)
        assert gg.fund[0] == fund - 4_000 * (by == codes.BY_GROUP)
        assert t[codes.PERSONS_ENROLLED] == 4 == pytest.approx(g[codes.GAUGE_EXPECTED_ENROLLED], abs=1e-6)
        for means, tallied in BY.items():
            assert tuple(t[c] for c in tallied) == ((4, 4) if means == by else (0, 0))

    def test_counted_by_quintile_and_poverty(self) -> None:
        for by, place in ((codes.BY_GROUP, codes.S_BY_GROUP), (codes.BY_LOAN, codes.S_BY_LOAN)):
            hh, _ = household(n_enrolled=3, quintile=2, financed_by=by)
            q, t = strata(), tallies()
            enrolment.count_means(hh, 100, 50, q, t)
            assert by_quintile(q)[2, place] == q.sum() == 3
            assert t[BY[by][0]] == t.sum() == 3
        hh, _ = household(n_enrolled=3, category=codes.POOREST)
        q, t = strata(), tallies()
        enrolment.count_means(hh, 0, 400, q, t)
        assert (t[codes.PERSONS_BY_SUBSIDY], t[codes.POOR_BY_SUBSIDY], t.sum(), q.sum()) == (3, 3, 6, 3)
        assert q[hh.category, codes.S_BY_SUBSIDY] == 3
        # cover that costs nobody anything is no subsidy
        enrolment.count_means(hh, 0, 0, q, t)
        assert (t[codes.PERSONS_BY_CASH], t[codes.PERSONS_BY_SUBSIDY]) == (3, 3)

    def test_a_slot_counts_as_subsidy(self) -> None:
        r = rule(
            **EAGER, **NO_SUBSIDY, subsidy_premium_share=1.0, subsidy_pool_share=0.25,
            subsidy_state_share=0.0, subsidy_donor_share=0.0,
        )  # fmt: skip
        hh, mm = household(subsidised=1)
        dist = district(pool=600)
        _, f, t, _ = seek(hh, mm, r, sec=section(subsidy_left=4_000), dist=dist)
        assert t[codes.PERSONS_BY_SUBSIDY] == 4
        assert (f[codes.SUBSIDY_POOL], f[codes.SUBSIDY_STATE], f[codes.SUBSIDY_NGO]) == (600, 400, 3_000)
        assert dist.pool == 0

    def test_refused_by_the_lender_it_waits(self) -> None:
        r = rule(**EAGER, **NO_SUBSIDY, **LOANS)
        hh, mm = household(cash=3_000)
        dist = lending()
        sec, f, t, g = seek(hh, mm, r, sec=section(credit_line=999, credit_share=1.0), dist=dist)
        assert (hh.standing, hh.loan, sec.fund, f.sum()) == (codes.STANDING_UNAFFORDABLE, 0, 0, 0)
        assert t[codes.LOANS_REFUSED] == 1
        assert g[codes.GAUGE_EXPECTED_ENROLLED] == 0
        # next month there is money
        sec, f, t, g = seek(hh, mm, r, sec=section(credit_line=1_000, credit_share=1.0), dist=dist)
        assert (hh.standing, hh.loan, sec.fund, sec.credit_line) == (codes.STANDING_PAID, 1_000, 4_000, 0)
        assert g[codes.GAUGE_EXPECTED_ENROLLED] == 4

    @pytest.mark.parametrize("line", [999, 1_000])
    def test_while_applications_are_collected_it_applies_and_is_answered_later(self, line: int) -> None:
        r = rule(**EAGER, **NO_SUBSIDY, **LOANS)
        hh, mm = household(cash=3_000)
        sec, dist = section(credit_line=line, collecting=1), lending()
        _, f, t, g = seek(hh, mm, r, sec=sec, dist=dist)
        assert (hh.applied, sec.applied, hh.loan) == (1_000, 1_000, 0)
        assert hh.standing == codes.STANDING_UNAFFORDABLE
        assert (t[codes.DECISIONS], t[codes.LOANS_REFUSED], f.sum()) == (1, 0, 0)
        assert g[codes.GAUGE_EXPECTED_ENROLLED] == 0
        # one application: granted unless the line is too small for it
        sec.collecting, sec.credit_share = 0, 1.0
        _, f, t, g = seek(hh, mm, r, sec=sec, dist=dist)
        granted = line == 1_000
        assert (hh.loan, t[codes.LOANS_REFUSED]) == (1_000 * granted, not granted)
        assert hh.standing == (codes.STANDING_PAID if granted else codes.STANDING_UNAFFORDABLE)
        # neither decided twice nor expected twice
        assert t[codes.DECISIONS] == 0
        assert g[codes.GAUGE_EXPECTED_ENROLLED] == t[codes.PERSONS_ENROLLED] == 4 * granted

    def test_a_loan_is_taken_only_if_cover_is_worth_its_cost(self) -> None:
        # 65 % dearer by the loan: the wish falls from p to q, and tastes in between wait for cash
        dear = dict(LOANS, loan_interest=1.2)
        r = rule(
            price_slope=60.0, intercept=1.0, income_gradient=0.0, peer_weight=0.0, trust_weight=0.0,
            quality_weight=0.0, inertia=0.0, mobilisation_effort=0.0, **NO_SUBSIDY, **dear,
        )  # fmt: skip
        hh, mm = household()
        refresh_rates(hh, mm, NOW, r, fixed())
        weighed = weigh(hh, section(), r, float(hh.rate_other), cv2=fixed().cost_cv2)
        p, q = (enrolment.wish_probability(hh, weighed, net, 0.0, r) for net in (4_000.0, 4_000.0 + 2_600.0))
        assert p - q > 0.05
        outcome = []
        for low, high in ((0.0, q), (q, p), (p, 1.0)):
            ordinal = inverse_draw(
                lambda i, low=low, high=high: (
                    low < draws.uniform(KEY, 3, i, 0, NOW - NOW % 12, codes.DRAW_TASTE, 0) < high
                )
            )
            hh, mm = household(ordinal=ordinal)
            sec = section(credit_line=10**6, credit_share=1.0)
            _, _, t, g = seek(hh, mm, r, sec=sec, dist=lending())
            outcome.append((hh.standing, int(hh.loan)))
            assert g[codes.GAUGE_EXPECTED_ENROLLED] == pytest.approx(4 * q, rel=1e-5)
            assert t[codes.DECISIONS] == 1
        assert outcome == [
            (codes.STANDING_PAID, 4_000),
            (codes.STANDING_UNAFFORDABLE, 0),
            (codes.STANDING_UNWILLING, 0),
        ]

    def test_persons_borrow_for_as_many_as_the_line_allows(self) -> None:
        hh, mm = household(cash=1_000)
        r = rule(**EAGER, **NO_SUBSIDY, **LOANS, enrolment_unit=codes.UNIT_PERSON)
        sec = section(credit_line=1_500, credit_share=1.0)
        _, _, t, _ = seek(hh, mm, r, sec=sec, dist=lending())
        assert (hh.n_enrolled, hh.loan, hh.cash, sec.fund) == (2, 1_000, 0, 2_000)
        assert (t[codes.PERSONS_BY_LOAN], t[codes.LOANS_REFUSED]) == (2, 2)


class TestAssociations:
    R: ClassVar = dict(**EAGER, **NO_SUBSIDY)

    def gate(self, hh: Any, agreed: int, cal: Any, **fields: Any) -> int:
        gg = groups(3)
        gg.agreed_until[2] = agreed
        sec = section(group_first=1, group_end=3)
        usual = dict(enrolment_unit=codes.UNIT_HOUSEHOLD, group_minimum_share=0.0, group_required=0)
        return int(enrolment.group_gate(hh, sec, gg, NOW, cal, rule(**{**usual, **fields})))

    def test_gates(self) -> None:
        alone, _ = household()
        member, _ = household(group=1)
        year = calendar(**FIXED_YEAR)
        by_vote = dict(enrolment_unit=codes.UNIT_GROUP)
        for rules, hh, agreed, gate in (
            ({}, member, 0, enrolment.GATE_FREE),
            ({}, alone, 0, enrolment.GATE_FREE),
            (by_vote, alone, 0, enrolment.GATE_FREE),
            (by_vote, member, NOW + 10, enrolment.GATE_BOUND),
            (by_vote, member, NOW + 9, enrolment.GATE_SHUT),
            ({"group_minimum_share": 0.5}, member, NOW + 10, enrolment.GATE_VOTED),
            ({"group_minimum_share": 0.5}, member, 0, enrolment.GATE_SHUT),
            ({"group_minimum_share": 0.5}, alone, 0, enrolment.GATE_FREE),
            ({"group_required": 1}, alone, 0, enrolment.GATE_ALONE),
            ({"group_required": 1, **by_vote}, alone, 0, enrolment.GATE_ALONE),
            ({"group_required": 1}, member, 0, enrolment.GATE_FREE),
        ):
            assert self.gate(hh, agreed, year, **rules) == gate
        # an agreement of a rolling calendar holds for twelve months
        assert self.gate(member, NOW + 1, calendar(), **by_vote) == enrolment.GATE_BOUND
        assert self.gate(member, NOW, calendar(), **by_vote) == enrolment.GATE_SHUT

    def test_bound_by_a_vote_even_the_unwilling_join(self) -> None:
        r = rule(**UNWILLING, **NO_SUBSIDY, enrolment_unit=codes.UNIT_GROUP)
        for agreed, standing in ((0, codes.STANDING_INATTENTIVE), (NOW + 1, codes.STANDING_PAID)):
            hh, mm = household(cash=5_000, group=0)
            gg = groups()
            gg.agreed_until[0] = agreed
            _, _, t, g = seek(hh, mm, r, gg=gg)
            assert hh.standing == standing
            assert g[codes.GAUGE_EXPECTED_ENROLLED] == t[codes.PERSONS_ENROLLED] == 4 * (agreed > 0)
            assert t[codes.DECISIONS] == 0
        # one that cannot pay waits, and keeps wishing
        hh, mm = household(cash=3_999, group=0)
        seek(hh, mm, r, gg=gg)
        assert hh.standing == codes.STANDING_UNAFFORDABLE

    def test_the_registered_need_no_vote(self) -> None:
        r = rule(
            **UNWILLING, **NO_SUBSIDY, enrolment_unit=codes.UNIT_GROUP, group_required=1,
            subsidy_premium_share=1.0,
        )  # fmt: skip
        for group in (0, codes.NO_GROUP):
            hh, mm = household(subsidised=1, group=group)
            seek(hh, mm, r, sec=section(subsidy_left=4_000), registered=True)
            assert hh.standing == codes.STANDING_PAID

    @pytest.mark.parametrize("unit", [codes.UNIT_HOUSEHOLD, codes.UNIT_PERSON])
    def test_outside_any_association_it_asks_for_one(self, unit: int) -> None:
        hh, mm = household(cash=10**5, standing=codes.STANDING_UNAFFORDABLE)
        r = rule(**self.R, group_required=1, enrolment_unit=unit)
        sec, _, t, g = seek(hh, mm, r)
        assert (hh.wants_group, hh.standing) == (enrolment.WANTS_GROUP, codes.STANDING_INATTENTIVE)
        assert (sec.fund, g[codes.GAUGE_EXPECTED_ENROLLED], hh.cover_until) == (0, 0, 0)
        # while it waits it does not think again; put into one, it joins, as is known by now
        _, _, t, _ = seek(hh, mm, r)
        assert t.sum() == 0
        hh.group, hh.wants_group = 0, enrolment.FOUND_GROUP
        sec, _, t, g = seek(hh, mm, r)
        assert (hh.standing, hh.wants_group, sec.fund) == (codes.STANDING_PAID, 0, 4_000)
        assert g[codes.GAUGE_EXPECTED_ENROLLED] == t[codes.PERSONS_ENROLLED] == 4

    def test_the_unwilling_ask_for_no_association(self) -> None:
        hh, mm = household(cash=10**5)
        seek(hh, mm, rule(**UNWILLING, **NO_SUBSIDY, group_required=1))
        assert (hh.wants_group, hh.standing) == (0, codes.STANDING_UNWILLING)


class TestLuckOfTheFinanced:
    @pytest.mark.parametrize("by_person", [0, 1])
    def test_has_mean_zero_with_loans(self, by_person: int) -> None:
        # two decisions in one membership year; some are refused at first, all lack cash
        luck, joined = [], 0
        for ordinal in range(1200):
            hh, mm = household(ordinal=ordinal, cash=0, **ODDS)
            expected = enrolled = 0.0
            for premium, line in ((2_500, 10**6 if ordinal % 3 else 0), (1_500, 10**6)):
                if hh.cover_until:
                    break
                r = rule(
                    **{**NO_SUBSIDY, "premium_middle_rwf": premium}, **{**LOANS, "loan_interest": 0.5},
                    enrolment_unit=by_person, intercept=0.2, price_slope=40.0,
                )  # fmt: skip
                sec = section(credit_line=line, credit_share=0.7)
                _, _, t, g = seek(hh, mm, r, sec=sec, dist=lending(), cal=calendar(**FIXED_YEAR))
                expected += g[codes.GAUGE_EXPECTED_ENROLLED]
                enrolled += t[codes.PERSONS_ENROLLED]
            luck.append(enrolled - expected)
            joined += enrolled > 0
        assert 100 < joined < 1_000
        assert abs(np.mean(luck)) < 4 * np.std(luck) / math.sqrt(len(luck))


@given(
    st.integers(1, codes.MEMBER_SLOTS), st.sampled_from([codes.POOREST, codes.MIDDLE, codes.RICH]),
    st.booleans(), st.integers(1, 9), st.floats(0.0, 3.0),
)  # fmt: skip
@quick
def test_a_sections_prices_give_what_is_due(
    n: int, category: int, by_household: bool, covers: int, factor: float
) -> None:
    r = rule(
        premium_by_household=int(by_household), household_covers=covers, premium_poorest_rwf=2_003,
        premium_middle_rwf=3_001, premium_rich_rwf=7_007,
    )  # fmt: skip
    hh, _ = household((30,) * n, listed_category=category)
    prices = enrolment.prices_of(r, factor)
    assert enrolment.due_at(hh, prices) == enrolment.premium_due(hh, r, factor)
