"""Illness, visits at home and elsewhere, and who pays: expectations, and money by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    KEY,
    NOW,
    by_quintile,
    district,
    fixed,
    flows,
    gauges,
    household,
    households,
    listed,
    quick,
    record_table,
    rule,
    section,
    state,
    strata,
    tallies,
    update,
    work,
)

from cbhi.kernels import care, codes, draws, fraud
from cbhi.kernels.health import bill
from cbhi.kernels.provider import NO_LIMIT, first_place_refused
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


def by_hand(hh: Any, service: float, severe_share: float) -> tuple[float, float]:
    """Probabilities of seeking care with and without cover."""

    def p(odds: float) -> float:
        return float(odds) * service / (1 + float(odds) * service)

    return (
        (1 - severe_share) * p(hh.odds_insured) + severe_share * p(hh.odds_severe_insured),
        (1 - severe_share) * p(hh.odds_uninsured) + severe_share * p(hh.odds_severe_uninsured),
    )


class TestPatient:
    def picked(self, hh: Any, mm: Any, active: bool, r: Any, u: float) -> tuple[int, bool]:
        seeking = care.seeking_of(hh, 0.9)
        need = fixed().need_by_age
        slot = care.pick_patient(hh, mm, NOW, active, seeking, r, need, work().weights, u)
        return slot, bool(mm[slot].enrolled)

    def test_in_proportion_to_contacts(self) -> None:
        hh, mm = household(
            (30, 30, 30), **{**ACTIVE, "n_enrolled": 2}, m_enrolled=[1, 1, 0], m_frailty=[1.0, 3.0, 2.0]
        )
        r = rule(severe_share=0.2)
        with_cover, without = by_hand(hh, 0.9, 0.2)
        weight = np.array([1 * with_cover, 3 * with_cover, 2 * without])
        picked = [self.picked(hh, mm, True, r, u) for u in U]
        shares = np.bincount([slot for slot, _ in picked], minlength=3) / U.size
        np.testing.assert_allclose(shares, weight / weight.sum(), atol=1.5 / U.size)
        assert all(insured == (slot < 2) for slot, insured in picked)

    def test_without_active_cover_all_seek_care_alike(self) -> None:
        hh, mm = household((30, 30), **{**ACTIVE, "n_enrolled": 1}, m_enrolled=[1, 0])
        first = [sum(self.picked(hh, mm, active, rule(), u)[0] == 0 for u in U) for active in (False, True)]
        assert first[0] == U.size / 2 < first[1]
        hh.formal = 1
        assert sum(self.picked(hh, mm, True, rule(), u)[0] == 0 for u in U) == U.size / 2

    def test_the_last_draw_is_the_last_members(self) -> None:
        for ages in ((30,), (30, 30, 30), (40,) * codes.MEMBER_SLOTS):
            hh, mm = household(ages)
            slots = [self.picked(hh, mm, False, rule(), u)[0] for u in (2.0**-33, 1.0 - 2.0**-33, 1.0)]
            assert slots == [0, len(ages) - 1, len(ages) - 1]


PLAIN = dict(
    cost_log_sd=0.0, cost_outpatient_rwf=1_000.0, cost_admission_rwf=20_000.0, fee_outpatient_rwf=700.0,
    fee_admission_rwf=9_000.0, copayment_rwf=200, coinsurance_share=0.1, formal_coinsurance_share=0.15,
    severe_share=0.0, admission_if_severe=1.0, debt_cap_months=1.0,
)  # fmt: skip


def terms(**fields: float) -> care.Terms:
    usual = dict(service=0.9, refusal=0.0, lending=0.0, detection=0.0, discount=0.0, induced=1.0)
    return care.Terms(**{**usual, **fields})


def copy_fields(target: Any, source: Any) -> None:
    update(target, **{name: getattr(source, name) for name in source.dtype.names})


def serve(
    hh: Any, mm: Any, sec: Any, contact: int, active: bool, met: care.Terms, r: Any, hospital: Any, q: Any,
    f: Any, t: Any, host: Any = None,
) -> int:  # fmt: skip
    """Serve one contact at home, or in ``host``; return the claim."""
    hhs, mms = households(1), record_table(Member, (1, codes.MEMBER_SLOTS))
    copy_fields(hhs[0], hh)
    mms[0][:] = mm
    hhs[0].contacts = contact + 1 if host is None else contact
    ss, dd = record_table(Section, 2), record_table(District, 1)
    copy_fields(ss[0], sec)
    ss[0].suspended = 0 if active else 1
    copy_fields(ss[1], section(number=5) if host is None else host)
    update(dd[0], end_section=2)
    w = work()
    update(w.contacts[0], household=0, number=contact)
    w.addresses[0] = draws.address(int(hh.ordinal), draws.NOBODY, contact)
    care.set_prices(w.prices, met, r)
    claim, n_claims = care.treat_contacts(
        state(hhs, mms, ss, dd), ss[0], 0, 1, NOW, NO_LIMIT, met, r, fixed(), w, hospital, q, f, t
    )
    copy_fields(hh, hhs[0])
    copy_fields(sec, ss[0])
    if host is not None:
        copy_fields(host, ss[1])
    assert n_claims == (claim > 0)
    return int(claim)


def visited(
    fields: dict[str, int], *, active: bool = True, cash: int = 10**6, at: dict[str, float] | None = None,
    contact: int = 0, **changes: Any,
):  # fmt: skip
    columns = {"m_enrolled": [1, 1]} if "cover_until" in fields else {}
    hh, mm = household((30, 30), cash=cash, quintile=3, **fields, **columns)
    sec = section()
    f, t, q, hospital = flows(), tallies(), strata(), np.zeros(2, dtype=np.int64)
    r = rule(**{**PLAIN, **changes})
    claim = serve(hh, mm, sec, contact, active, terms(**(at or {})), r, hospital, q, f, t)
    own = cash - int(hh.cash) + int(hh.debt)
    assert own == hh.out_of_pocket == by_quintile(q)[3, codes.S_OUT_OF_POCKET]
    patient = [
        codes.COPAYMENT_HEALTH_CENTRE, codes.COPAYMENT_HOSPITAL, codes.FEE_HEALTH_CENTRE, codes.FEE_HOSPITAL
    ]  # fmt: skip
    assert f[patient].sum() == own
    visits = t[[codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL]].sum()
    forgone = t[[codes.FORGONE_CASH, codes.FORGONE_REFUSED]].sum()
    assert visits + forgone == 1
    assert visits == by_quintile(q)[3, codes.S_VISITS]
    # every franc billed is somebody's: patients, the fund, the pool, formal insurers
    formal = f[[codes.FORMAL_CLAIMS_HEALTH_CENTRE, codes.FORMAL_CLAIMS_HOSPITAL]].sum()
    billed = t[codes.BILLED_HEALTH_CENTRE] + t[codes.BILLED_HOSPITAL]
    assert billed == own + claim + hospital[0] + sec.hospital_month + formal
    assert sec.health_centre_cash + hospital[1] == own + formal
    assert sec.revenue_month == sec.health_centre_cash
    # claims at home are approved when they are reviewed
    assert t[codes.CLAIMS_APPROVED_SECTION] == 0
    assert hospital[0] == t[codes.CLAIMS_APPROVED_POOL]
    assert sec.hospital_month == t[codes.CLAIMS_APPROVED_SECTION_HOSPITAL]
    return own, int(claim), int(hospital[0] + sec.hospital_month), t


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
        t = visited(ACTIVE, at={"refusal": 1.0})[3]
        assert t[codes.VISITS_INSURED] == 0
        assert t[codes.FORGONE_REFUSED] + t[codes.REFUSED_AND_PAID] == 1
        assert t[codes.VISITS_UNINSURED] == t[codes.REFUSED_AND_PAID] == t[codes.VISITS_REFUSED]
        assert visited({}, at={"refusal": 1.0})[3][codes.VISITS_UNINSURED] == 1
        assert visited({"formal": 1}, at={"refusal": 1.0})[3][codes.VISITS_FORMAL] == 1

    def test_a_member_turned_away_pays_the_fee_as_often_as_it_would_not_have_deterred(self) -> None:
        r = rule(**{**PLAIN, "severe_share": 0.0})
        hh, _ = household((30, 30), odds_insured=1.0, odds_uninsured=0.25)
        # 0.25 / 1.25 over 1 / 2
        assert care.chance_at_the_fee(care.seeking_of(hh, 1.0), 0.0) == pytest.approx(0.4)
        paid = 0
        n = 2000
        for contact in range(n):
            hh, mm = household((30, 30), cash=10**6, odds_insured=1.0, odds_uninsured=0.25, **ACTIVE)
            mm["enrolled"] = 1
            t = tallies()
            serve(
                hh, mm, section(), contact, True, terms(service=1.0, refusal=1.0), r,
                np.zeros(2, dtype=np.int64), strata(), flows(), t,
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
            serve(
                hh, mm, section(), contact, False, terms(), r, np.zeros(2, dtype=np.int64), strata(), flows(),
                t,
            )  # fmt: skip
            admitted += int(t[codes.ADMISSIONS])
        ordinary, severe = 0.4 * 0.9 / 1.36, 0.8 * 0.9 / 1.72
        p = 0.2 * severe / (0.8 * ordinary + 0.2 * severe)
        assert abs(admitted / n - p) < 4 * (p * (1 - p) / n) ** 0.5


class TestPackageAndPayment:
    def test_patients_part_of_the_rest_of_the_bill(self) -> None:
        # 200 + 15 % of 800
        assert visited(ACTIVE, outpatient_coinsurance=0.15)[:2] == (320, 680)
        assert visited({}, outpatient_coinsurance=0.15)[:2] == (700, 0)
        assert visited({"formal": 1}, outpatient_coinsurance=0.15)[:2] == (150, 0)

    @pytest.mark.parametrize(
        ("payment", "expected", "induced", "upcoded"),
        [
            (codes.PAY_FEE, (200, 835), 135, 0),
            (codes.PAY_CASE, (200, 727), 0, 27),
            (codes.PAY_CAPITATION, (200, 0), 0, 0),
        ],
    )
    def test_members_by_hand(
        self, payment: int, expected: tuple[int, int], induced: int, upcoded: int
    ) -> None:
        # a discount of 10 % leaves a tariff of 900; 15 % of items added; 3 % coded up
        own, claim, _, t = visited(
            ACTIVE, at={"discount": 0.1, "induced": 1.15}, payment=payment, case_upcoding=0.03
        )
        assert (own, claim) == expected
        assert (t[codes.INDUCED_RWF], t[codes.UPCODED_RWF]) == (induced, upcoded)
        assert t[codes.BILLED_HEALTH_CENTRE] == own + claim

    @pytest.mark.parametrize("payment", [codes.PAY_FEE, codes.PAY_CASE, codes.PAY_CAPITATION])
    @pytest.mark.parametrize(("fields", "own"), [({}, 700), ({"formal": 1}, 150)])
    def test_others_pay_as_ever(self, payment: int, fields: dict[str, int], own: int) -> None:
        paid, claim, _, t = visited(
            fields, at={"discount": 0.1, "induced": 1.15}, payment=payment, case_upcoding=0.03
        )
        assert (paid, claim, t[codes.INDUCED_RWF], t[codes.UPCODED_RWF]) == (own, 0, 0, 0)

    def test_bills_vary_by_fee_and_not_by_case(self) -> None:
        by_fee = {visited(ACTIVE, contact=c, cost_log_sd=0.5)[1] for c in range(8)}
        by_case = {
            visited(ACTIVE, contact=c, cost_log_sd=0.5, payment=codes.PAY_CASE, case_upcoding=0.0)[1]
            for c in range(8)
        }
        assert len(by_fee) == 8
        assert by_case == {800}

    def test_without_what_is_induced_the_bill_is_the_same(self) -> None:
        for c in range(5):
            plain = visited(ACTIVE, contact=c, cost_log_sd=0.5)
            more = visited(ACTIVE, contact=c, cost_log_sd=0.5, at={"induced": 1.2})
            bill = sum(plain[:2])
            assert sum(more[:2]) == pytest.approx(1.2 * bill, abs=1.2)
            assert more[3][codes.INDUCED_RWF] == sum(more[:2]) - bill

    @pytest.mark.parametrize(
        ("fields", "payment", "share"),
        [
            (ACTIVE, codes.PAY_FEE, 0.3),
            (ACTIVE, codes.PAY_CAPITATION, 0.5),
            ({}, codes.PAY_CAPITATION, 0.3),
            ({"formal": 1}, codes.PAY_CAPITATION, 0.3),
        ],
    )
    def test_referral_under_capitation(self, fields: dict[str, int], payment: int, share: float) -> None:
        admitted = 0
        for contact in range(600):
            u = draws.block(KEY, 3, 0, draws.NOBODY, NOW, codes.DRAW_CONTACT, contact)[3]
            t = visited(
                fields, contact=contact, payment=payment, severe_share=1.0, admission_if_severe=0.3,
                capitation_referral=0.2,
            )[3]  # fmt: skip
            assert t[codes.ADMISSIONS] == (u < share)
            admitted += int(t[codes.ADMISSIONS])
        assert abs(admitted / 600 - share) < 4 * (share * (1 - share) / 600) ** 0.5

    def test_hospital_bills_of_a_section_without_a_pool(self) -> None:
        own, claim, hospital, t = visited(ACTIVE, severe_share=1.0, sections_pay_hospital=1)
        assert (own, claim, hospital) == (2_200, 800, 18_000)
        assert t[codes.CLAIMS_APPROVED_SECTION_HOSPITAL] == 18_000
        assert t[codes.CLAIMS_APPROVED_POOL] == 0

    def test_capitation_invoice(self) -> None:
        r = rule(payment=codes.PAY_CAPITATION, capitation_rwf=110.3)
        t = tallies()
        assert care.bill_capitation(section(insured=37), r, t) == 4_081
        for code in (codes.CAPITATION_BILLED, codes.BILLED_HEALTH_CENTRE, codes.CLAIMS_APPROVED_SECTION):
            assert t[code] == 4_081
        assert care.bill_capitation(section(insured=37, suspended=1), r, t) == 0
        assert care.bill_capitation(section(insured=37), rule(capitation_rwf=110.3), t) == 0
        assert t.sum() == 3 * 4_081


class TestBorrowedCard:
    def test_billed_like_a_members(self) -> None:
        own, claim, hospital, t = visited({}, at={"lending": 1.0}, severe_share=1.0)
        assert (own, claim, hospital) == (2_200, 800, 18_000)
        assert t[codes.VISITS_BORROWED_CARD] == t[codes.VISITS_UNINSURED] == 1
        assert t[codes.VISITS_INSURED] == t[codes.CARDS_FOUND] == 0

    def test_found_and_charged_the_fee(self) -> None:
        own, claim, _, t = visited({}, at={"lending": 1.0, "detection": 1.0})
        assert (own, claim) == (700, 0)
        assert (t[codes.CARDS_FOUND], t[codes.VISITS_BORROWED_CARD], t[codes.VISITS_UNINSURED]) == (1, 0, 1)

    def test_no_use_where_members_are_turned_away(self) -> None:
        own, _, _, t = visited({}, at={"lending": 1.0, "refusal": 1.0})
        assert (own, t[codes.VISITS_BORROWED_CARD], t[codes.FORGONE_REFUSED]) == (700, 0, 0)

    @pytest.mark.parametrize("fields", [ACTIVE, {"formal": 1}])
    def test_members_and_formal_employees_show_their_own(self, fields: dict[str, int]) -> None:
        assert visited(fields, at={"lending": 1.0})[3][codes.VISITS_BORROWED_CARD] == 0

    def test_by_keyed_chance(self) -> None:
        for contact in range(40):
            u0, u1, _, _ = draws.block(KEY, 3, 0, draws.NOBODY, NOW, codes.DRAW_CARD, contact)
            t = visited({}, contact=contact, at={"lending": 0.5, "detection": 0.4})[3]
            assert t[codes.VISITS_BORROWED_CARD] == (u0 < 0.5 and u1 >= 0.4)
            assert t[codes.CARDS_FOUND] == (u0 < 0.5 and u1 < 0.4)

    @pytest.mark.parametrize(
        ("fields", "suspended", "lending"),
        [
            ({"opens": NOW, "member_share": 0.1}, False, 0.2),
            ({"opens": NOW + 1, "member_share": 0.1}, False, 0.0),
            ({"opens": NOW, "member_share": 0.0}, False, 0.0),
            ({"opens": NOW, "member_share": 0.1}, True, 0.0),
        ],
    )
    def test_only_where_there_are_members(
        self, fields: dict[str, float], suspended: bool, lending: float
    ) -> None:
        r = rule(card_lending=0.2, audit_hours=0.005, audit_effect=0.1, capacity_effect=0.5, deterrence=0.0)
        met = care.terms_of_month(section(**fields), NOW, 0.9, suspended, r)
        assert met.lending == lending
        # half of what is sure to be found out is not tried
        wary = rule(card_lending=0.2, audit_hours=10.0, audit_effect=0.1, deterrence=0.5)
        tried = care.terms_of_month(section(**fields), NOW, 0.9, suspended, wary).lending
        assert tried == pytest.approx(lending / 2)
        assert met.detection == pytest.approx(1 - np.exp(-0.5) if lending else 0.0)

    def test_terms_by_hand(self) -> None:
        r = rule(
            refusal_slope=0.1, tariff_discount=0.2, members_training=1.0, tariff_half_size=5_000.0,
            persons_per_section=20_000.0, sections_per_fund=1.0, payment=codes.PAY_FEE, induced_share=0.2,
            target_visits=0.05, cost_outpatient_rwf=1_000.0,
        )  # fmt: skip
        met = care.terms_of_month(
            section(insured=25, arrears=2.0, revenue_average=1_250.0), NOW, 0.7, False, r
        )
        assert tuple(met) == pytest.approx((0.7, 1 - np.exp(-0.2), 0.0, 0.0, 0.1, 1.15))


class TestElsewhere:
    @pytest.mark.parametrize(
        ("active", "formal", "sections", "share", "merged"),
        [
            (True, 0, 3, 0.0, 0), (False, 0, 3, 0.5, 0), (True, 1, 3, 0.5, 0), (True, 0, 1, 0.5, 0),
            (True, 0, 3, 0.5, 1),
        ],
    )  # fmt: skip
    def test_who_stays_at_home(
        self, active: bool, formal: int, sections: int, share: float, merged: int
    ) -> None:
        hh, _ = household((30,), contacts=5, away=3, formal=formal)
        dist = district(first_section=2, end_section=2 + sections)
        sec = section(merged=merged)
        assert care.send_elsewhere(hh, sec, dist, NOW, active, rule(portability_share=share), fixed()) == 5
        assert (hh.contacts, hh.away) == (5, 0)

    def test_each_contact_by_itself(self) -> None:
        dist, r = district(end_section=4), rule(portability_share=0.3)
        away = 0
        for ordinal in range(400):
            hh, _ = household((30,), contacts=5, ordinal=ordinal)
            home = care.send_elsewhere(hh, section(), dist, NOW, True, r, fixed())
            u = [draws.uniform(KEY, 3, ordinal, draws.NOBODY, NOW, codes.DRAW_ELSEWHERE, c) for c in range(5)]
            assert home == hh.contacts == 5 - hh.away
            assert hh.away == sum(x < 0.3 for x in u)
            away += int(hh.away)
        assert abs(away / 2_000 - 0.3) < 4 * (0.21 / 2_000) ** 0.5

    @pytest.mark.parametrize("furthest", [1, 2, 5])
    def test_nearer_sections_first(self, furthest: int) -> None:
        counts = np.bincount([care.ring_distance(u, furthest) for u in U], minlength=furthest + 1)
        weight = 0.5 ** np.arange(1, furthest + 1)
        np.testing.assert_allclose(counts[1:] / U.size, weight / weight.sum(), atol=1 / U.size)
        assert counts[0] == 0

    @pytest.mark.parametrize(
        ("n", "place", "expected"),
        [
            (2, 1, {0: 1.0}),
            (3, 0, {1: 0.5, 2: 0.5}),
            (4, 3, {2: 1 / 3, 0: 1 / 3, 1: 1 / 3}),
            (5, 1, {0: 1 / 3, 2: 1 / 3, 4: 1 / 6, 3: 1 / 6}),
        ],
    )
    def test_on_a_ring(self, n: int, place: int, expected: dict[int, float]) -> None:
        dist = district(first_section=7, end_section=7 + n)
        hosts = [care.host_of(dist, section(), place, 0, c, NOW, KEY) - 7 for c in range(3_000)]
        shares = np.bincount(hosts, minlength=n) / 3_000
        for host in range(n):
            p = expected.get(host, 0.0)
            assert abs(shares[host] - p) <= 4 * (p * (1 - p) / 3_000) ** 0.5

    @pytest.mark.parametrize(
        ("fields", "changes", "merged", "owed"),
        [
            (ACTIVE, {}, (0, 0), 800),
            (ACTIVE, {"pool_pays_outpatient": 1}, (0, 0), 0),
            # a merged host passes on to the pool what it is paid
            (ACTIVE, {}, (0, 1), 800),
            ({}, {}, (0, 0), 0),
        ],
    )
    def test_the_host_is_paid_next_month(
        self, fields: dict[str, int], changes: dict[str, int], merged: tuple[int, int], owed: int
    ) -> None:
        columns = {"m_enrolled": [1, 1]} if fields else {}
        hh, mm = household((30, 30), cash=10**6, **fields, **columns)
        home, host = (
            section(merged=merged[0]),
            section(number=5, merged=merged[1], visitors=2, visitor_cash=9),
        )
        f, t, hospital = flows(), tallies(), np.zeros(2, dtype=np.int64)
        own, claim = (200, 800) if fields else (700, 0)
        r = rule(**PLAIN, portability_share=0.5, **changes)
        back = serve(hh, mm, home, 1, True, terms(), r, hospital, strata(), f, t, host)
        assert back == 0
        assert (home.health_centre_cash, host.health_centre_cash, host.visitor_cash) == (0, 0, own + 9)
        assert (host.visitors, host.visitor_claims) == (3, claim)
        assert (t[codes.VISITS_ELSEWHERE], t[codes.PORTABLE_CLAIMS]) == (1, owed)
        assert t[codes.CLAIMS_APPROVED_SECTION] == claim
        assert t[codes.BILLED_HEALTH_CENTRE] == f.sum() + claim == own + claim
        assert home.owes == host.owed == owed
        assert home.owed == host.owes == 0
        care.receive_visitors(host)
        assert (host.health_centre_cash, host.revenue_month, host.visitor_cash) == (own + 9, own + 9, 0)
        assert (host.visitors_before, host.visitor_claims_before) == (3, claim)
        assert (host.visitors, host.visitor_claims) == (0, 0)
        care.receive_visitors(host)
        assert (host.health_centre_cash, host.visitors_before, host.visitor_claims_before) == (own + 9, 0, 0)

    def test_what_is_forgone_is_no_visit_elsewhere(self) -> None:
        hh, mm = household((30, 30), **ACTIVE, m_enrolled=[1, 1])
        host, t = section(number=5), tallies()
        r = rule(**{**PLAIN, "debt_cap_months": 0.0})
        serve(hh, mm, section(), 1, True, terms(), r, np.zeros(2, dtype=np.int64), strata(), flows(), t, host)
        assert (t[codes.FORGONE_CASH], t[codes.VISITS_ELSEWHERE], host.visitors) == (1, 0, 0)

    def test_the_queue_knows_only_contacts_at_home(self) -> None:
        hhs = households(30)
        hhs["contacts"] = 2
        sec = section(end=30)
        before = first_place_refused(hhs, sec, NOW, 25, 60, KEY, listed(hhs, sec))
        assert before < NO_LIMIT
        hhs["away"] = 3
        assert first_place_refused(hhs, sec, NOW, 25, 60, KEY, listed(hhs, sec)) == before

    def test_contacts_elsewhere_have_the_numbers_after_those_at_home(self) -> None:
        s = country(1, 0)
        update(s.households[0], contacts=2, away=2, cover_until=0, formal=0, cash=10**6, out_of_pocket=0)
        r = rule(**{**PLAIN, "cost_log_sd": 0.5, "portability_share": 0.5, "refusal_slope": 0.0})
        t = tallies()
        care.give_care(
            s, s.sections[0], NOW, 9, 2, 0.9, r, fixed(), listed(s.households, s.sections[0]),
            np.zeros(2, dtype=np.int64), strata(), flows(), t,
        )  # fmt: skip
        bills = [
            bill(700.0, 0.5, draws.block(KEY, 3, 0, draws.NOBODY, NOW, codes.DRAW_CONTACT, c)[2], fixed())
            for c in range(4)
        ]
        assert s.households[0].out_of_pocket == sum(bills)
        assert (s.sections[0].health_centre_cash, s.sections[1].visitor_cash) == (
            sum(bills[:2]),
            sum(bills[2:]),
        )
        assert t[codes.VISITS_ELSEWHERE] == s.sections[1].visitors == 2

    def test_place_on_the_ring(self) -> None:
        ss, dd = record_table(Section, 5), record_table(District, 2)
        ss["number"] = [4, 9, 11, 13, 30]
        ss["district"] = [0, 0, 1, 1, 1]
        update(dd[1], first_section=2, end_section=5)
        s = state(households(1), record_table(Member, (1, codes.MEMBER_SLOTS)), ss, dd)
        assert [care.place_on_ring(s, ss[i]) for i in (2, 3, 4)] == [0, 1, 2]


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
        given = care.give_care(
            s, ss[0], NOW, capacity, wanted, 0.9, rule(**PLAIN), fixed(), listed(hhs, ss[0]),
            np.zeros(2, dtype=np.int64), strata(), f, t,
        )  # fmt: skip
        served = min(capacity, wanted)
        assert tuple(given) == (0, 0, served)
        assert t[codes.VISITS_UNINSURED] == served
        assert t[codes.FORGONE_CAPACITY] == wanted - served
        assert f[codes.FEE_HEALTH_CENTRE] == 700 * served
        assert (
            first_place_refused(hhs, ss[0], NOW, capacity, wanted, fixed().key, listed(hhs, ss[0])) > 0
            or not served
        )

    @pytest.mark.parametrize("contacts", [draws.LANES - 1, draws.LANES, 2 * draws.LANES + 9])
    def test_more_contacts_than_are_served_at_once(self, contacts: int) -> None:
        s = country(1, 0)
        update(s.households[0], contacts=contacts, cover_until=0, formal=0, cash=10**9, out_of_pocket=0)
        r = rule(**{**PLAIN, "cost_log_sd": 0.5})
        w, t = listed(s.households, s.sections[0]), tallies()
        claims, n_claims, served = care.give_care(
            s, s.sections[0], NOW, contacts, contacts, 0.9, r, fixed(), w, np.zeros(2, dtype=np.int64),
            strata(), flows(), t,
        )  # fmt: skip
        u = [draws.block(KEY, 3, 0, draws.NOBODY, NOW, codes.DRAW_CONTACT, c)[2] for c in range(contacts)]
        assert s.households[0].out_of_pocket == sum(bill(700.0, 0.5, x, fixed()) for x in u)
        assert (claims, n_claims, served) == (0, 0, contacts)
        assert t[codes.VISITS_UNINSURED] == contacts


def country(n: int, seed: int) -> Any:
    """Two sections of one district: members, people without cover and formal employees."""
    rng = np.random.default_rng(seed)
    hhs = households(2 * n)
    mms = record_table(Member, (2 * n, codes.MEMBER_SLOTS))
    for h in range(2 * n):
        kind = rng.integers(0, 3)
        fields: dict[str, Any] = [dict(ACTIVE), {}, {"formal": 1}][kind]
        columns = {"m_enrolled": [1, 1]} if kind == 0 else {}
        template, members = household(
            (30, 30), cash=int(rng.integers(0, 5_000)), quintile=int(rng.integers(0, 5)),
            contacts=int(rng.poisson(1.5)), **fields, **columns,
        )  # fmt: skip
        update(
            hhs[h], **{name: getattr(template, name) for name in template.dtype.names if name != "ordinal"}
        )
        hhs[h].ordinal = h % n
        mms[h][:] = members
    ss, dd = record_table(Section, 2), record_table(District, 1)
    for i in range(2):
        update(
            ss[i], number=3 + i, first=i * n, end=(i + 1) * n, persons=2 * n, member_share=0.4, fund=10**6,
            insured=n // 2, revenue_average=100.0, hospital_month=77,
        )  # fmt: skip
    update(dd[0], end_section=2)
    return state(hhs, mms, ss, dd)


FRAUD_ON = dict(
    card_lending=0.4, ghost_share=0.1, billing_fraud_share=0.2, honest_rejection=0.1, audit_hours=0.005,
    audit_effect=0.1, capacity_effect=0.5, audit_hour_rwf=1_000.0,
)  # fmt: skip


class TestBills:
    @given(
        st.integers(0, 10**6), st.sampled_from([codes.PAY_FEE, codes.PAY_CASE, codes.PAY_CAPITATION]),
        st.booleans(), st.sampled_from([0.0, 0.3]), st.booleans(), st.booleans(), st.integers(0, 60),
    )  # fmt: skip
    @quick
    def test_every_franc_and_contact_is_accounted_for(
        self, seed: int, payment: int, cheats: bool, portability: float, pooled: bool, own_hospital: bool,
        capacity: int,
    ) -> None:  # fmt: skip
        s = country(12, seed)
        r = rule(
            **{
                **PLAIN, "cost_log_sd": 0.8, "severe_share": 0.3, "admission_if_severe": 0.4,
                "debt_cap_months": 0.05, "payment": payment, "case_upcoding": 0.1, "capitation_rwf": 120.0,
                "outpatient_coinsurance": 0.1, "portability_share": portability, "induced_share": 0.3,
                "target_visits": 0.1, "tariff_discount": 0.2, "members_training": 0.5,
                "pool_pays_outpatient": pooled, "sections_pay_hospital": own_hospital, "refusal_slope": 0.2,
            },
            **(FRAUD_ON if cheats else {}),
        )  # fmt: skip
        f, t, g, q, hospital = flows(), tallies(), gauges(), strata(), np.zeros(2, dtype=np.int64)
        worth = int((s.households["cash"] - s.households["debt"]).sum())
        wanted = int(s.households["contacts"].sum())
        approved = 0
        served = 0
        for sec in s.sections:
            sec.arrears = 1.5
            at_home = sum(
                care.send_elsewhere(hh, sec, s.districts[0], NOW, bool(care.has_cover(hh, NOW)), r, fixed())
                for hh in list(s.households)[sec.first : sec.end]
            )
            claims, n_claims, here = care.give_care(
                s, sec, NOW, capacity, at_home, 0.9, r, fixed(), listed(s.households, sec), hospital, q, f, t
            )
            assert here <= min(capacity, at_home)
            assert n_claims <= here
            served += int(here)
            approved += int(fraud.review_claims(sec, claims, n_claims, r, f, t, g))
            approved += int(care.bill_capitation(sec, r, t))
        ss = s.sections
        visits = t[[codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL]].sum()
        forgone = t[[codes.FORGONE_CAPACITY, codes.FORGONE_CASH, codes.FORGONE_REFUSED]].sum()
        assert wanted == visits + forgone
        assert visits == served + t[codes.VISITS_ELSEWHERE]
        assert t[codes.VISITS_ELSEWHERE] == ss["visitors"].sum()
        # bills are the parts of patients, formal insurers and funds
        patients = f[codes.COPAYMENT_HEALTH_CENTRE] + f[codes.FEE_HEALTH_CENTRE]
        formal = f[codes.FORMAL_CLAIMS_HEALTH_CENTRE]
        assert t[codes.BILLED_HEALTH_CENTRE] == (
            patients + formal + t[codes.CLAIMS_APPROVED_SECTION] + t[codes.CLAIMS_REJECTED_SECTION]
        )
        assert t[codes.CLAIMS_APPROVED_SECTION] == approved + ss["visitor_claims"].sum()
        assert t[codes.PORTABLE_CLAIMS] == (0 if pooled else ss["visitor_claims"].sum())
        at_hospital = f[[codes.COPAYMENT_HOSPITAL, codes.FEE_HOSPITAL, codes.FORMAL_CLAIMS_HOSPITAL]].sum()
        assert t[codes.BILLED_HOSPITAL] == at_hospital + hospital[0] + ss["hospital_month"].sum()
        assert hospital[1] == at_hospital
        assert (hospital[0] == 0) or not own_hospital
        # what patients lose, providers have
        assert ss["health_centre_cash"].sum() + ss["visitor_cash"].sum() == patients + formal
        lost = worth - int((s.households["cash"] - s.households["debt"]).sum())
        assert lost == patients + f[codes.COPAYMENT_HOSPITAL] + f[codes.FEE_HOSPITAL]
        assert s.households["cash"].min() >= 0
        assert ss["owes"].sum() == ss["owed"].sum() == t[codes.PORTABLE_CLAIMS]
        if not cheats:
            invented = [
                codes.GHOST_RWF, codes.CLAIMS_REJECTED_SECTION, codes.VISITS_BORROWED_CARD, codes.CARDS_FOUND
            ]  # fmt: skip
            assert t[invented].sum() == 0
        if payment == codes.PAY_CAPITATION:
            assert t[codes.PORTABLE_CLAIMS] == t[codes.GHOST_RWF] == 0
            assert t[codes.CLAIMS_APPROVED_SECTION] == 2 * 6 * 120

    def test_who_goes_where_does_not_depend_on_the_order_of_sections(self) -> None:
        r = rule(**PLAIN, portability_share=0.5)
        ends = []
        for order in ((0, 1), (1, 0)):
            s, t = country(12, 5), tallies()
            for i in order:
                sec = s.sections[i]
                at_home = sum(
                    care.send_elsewhere(
                        hh, sec, s.districts[0], NOW, bool(care.has_cover(hh, NOW)), r, fixed()
                    )
                    for hh in list(s.households)[sec.first : sec.end]
                )
                care.give_care(
                    s, sec, NOW, 10, at_home, 0.9, r, fixed(), listed(s.households, sec),
                    np.zeros(2, dtype=np.int64), strata(), flows(), t,
                )  # fmt: skip
            ends.append((*(np.asarray(table).tobytes() for table in (s.sections, s.households)), t.tobytes()))
            assert t[codes.VISITS_ELSEWHERE] > 5
        assert ends[0] == ends[1]
