"""Illness, visits and who pays: expectations, and money by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    NOW,
    district,
    fixed,
    flows,
    gauges,
    household,
    households,
    quick,
    quintiles,
    record_table,
    rule,
    section,
    state,
    tallies,
    update,
    work,
)

from cbhi.kernels import care, codes
from cbhi.kernels.provider import first_place_refused
from cbhi.kernels.records import District, Member, Section

U = (np.arange(4000) + 0.5) / 4000
ACTIVE = dict(cover_from=NOW - 1, cover_until=NOW + 5, n_enrolled=2)


class TestCover:
    @pytest.mark.parametrize(
        ("start", "until", "enrolled", "has"),
        [
            (NOW, NOW + 1, 1, True),
            (NOW + 1, NOW + 9, 1, False),
            (NOW - 9, NOW, 1, False),
            (NOW, NOW + 9, 0, False),
            (0, 0, 0, False),
        ],
    )
    def test_has_cover(self, start: int, until: int, enrolled: int, has: bool) -> None:
        assert (
            care.has_cover(household(cover_from=start, cover_until=until, n_enrolled=enrolled)[0], NOW) == has
        )

    @pytest.mark.parametrize(
        ("fields", "suspended", "expected"),
        [
            (ACTIVE, False, (5.0, 2.0)),
            (ACTIVE, True, (0.0, 7.0)),
            ({}, False, (0.0, 7.0)),
            ({"formal": 1}, True, (7.0, 0.0)),
        ],
    )
    def test_rates(self, fields: dict[str, int], suspended: bool, expected: tuple[float, float]) -> None:
        hh, _ = household(rate_enrolled=5.0, rate_other=2.0, **fields)
        assert tuple(care.rates_by_cover(hh, NOW, suspended)) == expected


def by_hand(hh: Any, service: float, severe_share: float) -> tuple[float, float]:
    """Probabilities of seeking care with and without cover."""

    def p(odds: float) -> float:
        return float(odds) * service / (1 + float(odds) * service)

    return (
        (1 - severe_share) * p(hh.odds_insured) + severe_share * p(hh.odds_severe_insured),
        (1 - severe_share) * p(hh.odds_uninsured) + severe_share * p(hh.odds_severe_uninsured),
    )


class TestNeed:
    @pytest.mark.parametrize("fields", [ACTIVE, {}, {"formal": 1}])
    def test_means(self, fields: dict[str, int]) -> None:
        hh, _ = household(rate_enrolled=9.0, rate_other=4.0, **fields)
        r, service, share = rule(severe_share=0.15), 0.8, 1.2 / 12
        with_cover, without = by_hand(hh, service, 0.15)
        covered, other = care.rates_by_cover(hh, NOW, False)
        sought = share * (covered * with_cover + other * without)
        t = tallies()
        wanted = [care.need_care(hh, NOW, share, service, False, r, u, 0.5, t) for u in U]
        assert np.mean(wanted) == pytest.approx(sought, abs=1e-3)
        assert hh.contacts == wanted[-1]
        assert t[codes.CONTACTS_WANTED] == sum(wanted)
        t = tallies()
        for u in U:
            care.need_care(hh, NOW, share, service, False, r, 1e-9, u, t)
        unsought = share * 13.0 - sought
        assert t[codes.FORGONE_UNSOUGHT] / U.size == pytest.approx(unsought, abs=1e-3)
        assert t[codes.EPISODES] == t[codes.FORGONE_UNSOUGHT] + t[codes.CONTACTS_WANTED]


class TestExplanation:
    @given(
        st.floats(0, 50), st.floats(0, 50), st.floats(0.05, 1), st.floats(0, 1), st.floats(-2, 2),
        st.floats(0, 20), st.floats(0, 3000), st.sampled_from([{}, ACTIVE, {"formal": 1}]),
    )  # fmt: skip
    @quick
    def test_parts_sum_to_the_expected_unsought(
        self, enrolled: float, other: float, service: float, severe: float, intercept: float, distance: float,
        fee: float, fields: dict[str, int],
    ) -> None:  # fmt: skip
        from cbhi.kernels.health import refresh_odds

        r = rule(severe_share=severe, seek_intercept=intercept, fee_outpatient_rwf=fee, copayment_rwf=100)
        hh, mm = household(distance_km=distance, rate_enrolled=enrolled, rate_other=other, **fields)
        refresh_odds(hh, mm, NOW, r, fixed())
        g = gauges()
        care.explain_unsought(hh, NOW, 1.0, service, False, r, g)
        covered, uncovered = care.rates_by_cover(hh, NOW, False)
        with_cover, without = by_hand(hh, service, severe)
        expected = covered * (1 - with_cover) + uncovered * (1 - without)
        assert g.sum() == pytest.approx(expected, rel=1e-9, abs=1e-9)
        parts = [
            codes.GAUGE_FORGONE_NO_NEED, codes.GAUGE_FORGONE_DISTANCE, codes.GAUGE_FORGONE_PRICE,
            codes.GAUGE_FORGONE_SERVICE,
        ]  # fmt: skip
        assert g[parts].sum() == pytest.approx(g.sum())
        # odds are kept in single precision
        assert g[parts].min() >= -1e-6 * (1 + enrolled + other)

    def test_what_is_free_near_and_good_is_not_forgone_for_that(self) -> None:
        from cbhi.kernels.health import refresh_odds

        r = rule(fee_outpatient_rwf=0.0, fee_admission_rwf=0.0)
        hh, mm = household(distance_km=0.0, rate_other=10.0)
        refresh_odds(hh, mm, NOW, r, fixed())
        g = gauges()
        care.explain_unsought(hh, NOW, 1.0, 1.0, False, r, g)
        assert g[codes.GAUGE_FORGONE_NO_NEED] > 1
        assert g.sum() == pytest.approx(g[codes.GAUGE_FORGONE_NO_NEED], rel=1e-6)


class TestPatient:
    def test_in_proportion_to_contacts(self) -> None:
        hh, mm = household(
            (30, 30, 30), **{**ACTIVE, "n_enrolled": 2}, m_enrolled=[1, 1, 0], m_frailty=[1.0, 3.0, 2.0]
        )
        r = rule(severe_share=0.2)
        with_cover, without = by_hand(hh, 0.9, 0.2)
        weight = np.array([1 * with_cover, 3 * with_cover, 2 * without])
        picked = [care.pick_patient(hh, mm, NOW, True, 0.9, r, fixed(), u) for u in U]
        shares = np.bincount([slot for slot, _ in picked], minlength=3) / U.size
        np.testing.assert_allclose(shares, weight / weight.sum(), atol=1.5 / U.size)
        assert all(insured == (slot < 2) for slot, insured in picked)

    def test_without_active_cover_nobody_is_insured(self) -> None:
        hh, mm = household((30, 30), **ACTIVE, m_enrolled=[1, 1])
        assert not any(care.pick_patient(hh, mm, NOW, False, 0.9, rule(), fixed(), u)[1] for u in U[::100])
        hh.formal = 1
        assert all(care.pick_patient(hh, mm, NOW, False, 0.9, rule(), fixed(), u)[1] for u in U[::100])


PLAIN = dict(
    cost_log_sd=0.0, cost_outpatient_rwf=1_000.0, cost_admission_rwf=20_000.0, fee_outpatient_rwf=700.0,
    fee_admission_rwf=9_000.0, copayment_rwf=200, coinsurance_share=0.1, formal_coinsurance_share=0.15,
    severe_share=0.0, admission_if_severe=1.0, debt_cap_months=1.0,
)  # fmt: skip


def visited(
    fields: dict[str, int], *, refusal: float = 0.0, active: bool = True, cash: int = 10**6, **changes: Any
):
    columns = {"m_enrolled": [1, 1]} if "cover_until" in fields else {}
    hh, mm = household((30, 30), cash=cash, quintile=3, **fields, **columns)
    sec = section()
    f, t, q, hospital = flows(), tallies(), quintiles(), np.zeros(2, dtype=np.int64)
    claim = care.visit(
        hh, mm, sec, 0, NOW, active, 0.9, refusal, rule(**{**PLAIN, **changes}), fixed(), hospital, q, f, t
    )
    own = cash - int(hh.cash) + int(hh.debt)
    assert own == hh.out_of_pocket == q[3, codes.Q_OUT_OF_POCKET]
    patient = [
        codes.COPAYMENT_HEALTH_CENTRE, codes.COPAYMENT_HOSPITAL, codes.FEE_HEALTH_CENTRE, codes.FEE_HOSPITAL
    ]  # fmt: skip
    assert f[patient].sum() == own
    visits = t[[codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL]].sum()
    forgone = t[[codes.FORGONE_CASH, codes.FORGONE_REFUSED]].sum()
    assert visits + forgone == 1
    assert visits == q[3, codes.Q_VISITS]
    # every franc billed is somebody's: patients, the fund, the pool, formal insurers
    formal = f[[codes.FORMAL_CLAIMS_HEALTH_CENTRE, codes.FORMAL_CLAIMS_HOSPITAL]].sum()
    billed = t[codes.BILLED_HEALTH_CENTRE] + t[codes.BILLED_HOSPITAL]
    assert billed == own + claim + hospital[0] + formal
    assert sec.health_centre_cash + hospital[1] == own + formal
    assert (claim, hospital[0]) == (t[codes.CLAIMS_APPROVED_SECTION], t[codes.CLAIMS_APPROVED_POOL])
    return own, int(claim), int(hospital[0]), t


class TestVisit:
    @pytest.mark.parametrize(
        ("fields", "severe", "expected"),
        [
            (ACTIVE, 0.0, (200, 800, 0)),
            (ACTIVE, 1.0, (2_200, 800, 18_000)),
            ({}, 0.0, (700, 0, 0)),
            ({}, 1.0, (9_700, 0, 0)),
            ({"formal": 1}, 0.0, (150, 0, 0)),
            ({"formal": 1}, 1.0, (3_150, 0, 0)),
        ],
    )
    def test_money_by_hand(
        self, fields: dict[str, int], severe: float, expected: tuple[int, int, int]
    ) -> None:
        own, claim, hospital, t = visited(fields, severe_share=severe)
        assert (own, claim, hospital) == expected
        assert t[codes.ADMISSIONS] == severe

    def test_no_active_cover_pays_the_fee(self) -> None:
        assert visited(ACTIVE, active=False)[0] == 700

    def test_refusal_is_for_members_only(self) -> None:
        t = visited(ACTIVE, refusal=1.0)[3]
        assert t[codes.VISITS_INSURED] == 0
        assert t[codes.FORGONE_REFUSED] + t[codes.REFUSED_AND_PAID] == 1
        assert t[codes.VISITS_UNINSURED] == t[codes.REFUSED_AND_PAID]
        assert visited({}, refusal=1.0)[3][codes.VISITS_UNINSURED] == 1
        assert visited({"formal": 1}, refusal=1.0)[3][codes.VISITS_FORMAL] == 1

    def test_a_member_turned_away_pays_the_fee_as_often_as_it_would_not_have_deterred(self) -> None:
        r = rule(**{**PLAIN, "severe_share": 0.0})
        hh, _ = household((30, 30), odds_insured=1.0, odds_uninsured=0.25)
        # 0.25 / 1.25 over 1 / 2
        assert care.chance_at_the_fee(hh, 1.0, r) == pytest.approx(0.4)
        paid = 0
        n = 2000
        for contact in range(n):
            hh, mm = household((30, 30), cash=10**6, odds_insured=1.0, odds_uninsured=0.25, **ACTIVE)
            mm["enrolled"] = 1
            t = tallies()
            care.visit(
                hh, mm, section(), contact, NOW, True, 1.0, 1.0, r, fixed(), np.zeros(2, dtype=np.int64),
                quintiles(), flows(), t,
            )  # fmt: skip
            assert t[codes.REFUSED_AND_PAID] + t[codes.FORGONE_REFUSED] == 1
            paid += int(t[codes.VISITS_UNINSURED])
        assert abs(paid / n - 0.4) < 4 * (0.24 / n) ** 0.5

    @pytest.mark.parametrize(
        ("cash", "cap", "forgone"), [(699, 0.0, 1), (700, 0.0, 0), (0, 1.0, 0), (0, 0.02, 1)]
    )
    def test_without_money_or_credit(self, cash: int, cap: float, forgone: int) -> None:
        # monthly income of 30,000: a cap of 0.02 months is 600
        t = visited({}, cash=cash, debt_cap_months=cap)[3]
        assert t[codes.FORGONE_CASH] == forgone
        assert (t[codes.BILLED_HEALTH_CENTRE] == 0) == bool(forgone)

    def test_severity_given_a_contact_follows_bayes(self) -> None:
        r = rule(**{**PLAIN, "severe_share": 0.2})
        admitted = 0
        n = 3000
        for contact in range(n):
            hh, mm = household((30, 30), cash=10**6)
            t = tallies()
            care.visit(
                hh, mm, section(), contact, NOW, False, 0.9, 0.0, r, fixed(), np.zeros(2, dtype=np.int64),
                quintiles(), flows(), t,
            )  # fmt: skip
            admitted += int(t[codes.ADMISSIONS])
        ordinary, severe = 0.4 * 0.9 / 1.36, 0.8 * 0.9 / 1.72
        p = 0.2 * severe / (0.8 * ordinary + 0.2 * severe)
        assert abs(admitted / n - p) < 4 * (p * (1 - p) / n) ** 0.5


class TestSection:
    @pytest.mark.parametrize("capacity", [0, 1, 17, 60, 10_000])
    def test_serves_its_capacity(self, capacity: int) -> None:
        n = 80
        hhs = households(n)
        mms = record_table(Member, (n, codes.MEMBER_SLOTS))
        template, members = household((30, 30), cash=10**6)
        for h in range(n):
            update(
                hhs[h],
                **{name: getattr(template, name) for name in template.dtype.names if name != "ordinal"},
            )
            mms[h][:] = members
        hhs["contacts"] = np.random.default_rng(1).poisson(1.0, n)
        hhs["alive"][3] = 0
        hhs["contacts"][3] = 0
        wanted = int(hhs["contacts"].sum())
        ss, dd = record_table(Section, 1), record_table(District, 1)
        update(ss[0], number=3, end=n, persons=160)
        s = state(hhs, mms, ss, dd)
        t, f = tallies(), flows()
        care.give_care(
            s, ss[0], NOW, capacity, wanted, 0.9, rule(**PLAIN), fixed(), work(), np.zeros(2, dtype=np.int64),
            quintiles(), f, t,
        )  # fmt: skip
        served = min(capacity, wanted)
        assert t[codes.VISITS_UNINSURED] == served
        assert t[codes.FORGONE_CAPACITY] == wanted - served
        assert f[codes.FEE_HEALTH_CENTRE] == 700 * served
        assert (
            first_place_refused(hhs, ss[0], NOW, capacity, wanted, fixed().key, work().histogram) > 0
            or not served
        )
        assert district().pool == 0
