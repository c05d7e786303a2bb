"""Births, deaths and marriages conserve what they must."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    KEY,
    NOW,
    district,
    fill_members,
    fixed,
    flows,
    groups,
    household,
    households,
    quick,
    record_table,
    rule,
    section,
    tallies,
    within_4_se,
    work,
)

from cbhi.kernels import codes, demography, draws
from cbhi.kernels.records import Member

NAMES = ("born", "ordinal", "sex", "chronic", "enrolled", "married", "frailty")


def rows(mm: Any, n: int) -> list[tuple[Any, ...]]:
    return [tuple(getattr(mm[k], name) for name in NAMES) for k in range(n)]


class TestReferenceRates:
    def test_are_probabilities_and_zero_outside_their_ages(self) -> None:
        for age in range(100):
            assert 0 < demography.yearly_death_probability(age) < 1
            assert 0 < demography.yearly_chronic_onset(age) < 0.02
            assert (demography.yearly_birth_probability(age) > 0) == (15 <= age < 50)
            assert (demography.yearly_marriage_probability(age) > 0) == (17 <= age < 45)

    def test_infants_and_the_old_die_most(self) -> None:
        risk = [demography.yearly_death_probability(age) for age in range(100)]
        assert risk[0] > risk[1] > risk[10] < risk[40] < risk[60] < risk[70] < risk[85]

    def test_fertility_of_a_married_life(self) -> None:
        # 5 x .30 + 10 x .34 + 10 x .24 + 10 x .07
        assert sum(map(demography.yearly_birth_probability, range(60))) == pytest.approx(8.0)


class TestRemoveMember:
    @given(st.integers(1, 12), st.data())
    @quick
    def test_keeps_the_others_in_order(self, n: int, data: st.DataObject) -> None:
        k = data.draw(st.integers(0, n - 1))
        enrolled = data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
        hh, mm = household(
            list(range(60, 60 - n, -1)),
            m_enrolled=enrolled,
            m_sex=[i % 2 for i in range(n)],
            m_chronic=[i % 3 == 0 for i in range(n)],
            m_married=[i < 2 for i in range(n)],
            m_frailty=[0.5 + i for i in range(n)],
        )
        expected = rows(mm, n)
        expected.pop(k)
        demography.remove_member(hh, mm, k)
        assert rows(mm, n - 1) == expected
        assert hh.n_members == n - 1
        assert hh.n_enrolled == sum(enrolled) - enrolled[k]


class TestNewborn:
    @pytest.mark.parametrize("insured", [True, False])
    def test_takes_the_last_slot_and_a_fresh_name(self, insured: bool) -> None:
        hh, mm = household((30, 28, 3), next_member=7, n_enrolled=3, m_enrolled=[1, 1, 1])
        demography.add_newborn(hh, mm, NOW, insured, KEY, 3, 5, fixed())
        assert (hh.n_members, hh.next_member, hh.n_enrolled) == (4, 8, 3 + insured)
        assert (mm[3].born, mm[3].ordinal, mm[3].chronic, mm[3].married) == (NOW, 7, 0, 0)
        assert mm[3].enrolled == insured

    def test_half_are_girls(self) -> None:
        girls = []
        for ordinal in range(3000):
            hh, mm = household((30,))
            demography.add_newborn(hh, mm, NOW, False, KEY, 3, ordinal, fixed())
            girls.append(mm[1].sex == codes.FEMALE)
        assert within_4_se(girls, 0.5)


def a_year(
    hh: Any, mm: Any, r: Any, *, sec: Any = None, gg: Any = None, buffers: Any = None
) -> tuple[Any, Any, Any, Any]:
    f, t, w, s = flows(), tallies(), buffers or work(), sec or section()
    n = demography.list_members(hh, mm, NOW, w.addresses, w.persons, 0)
    draws.fill_blocks(KEY, int(s.number), NOW, codes.DRAW_LIFE, n, w.addresses, w.uniforms)
    demography.judge_year(n, w.persons, w.uniforms, r, w.events)
    counts = demography.live_a_year(
        hh, mm, 9, s, district(), gg or groups(), NOW, r, fixed(), w, 0, 0, 0, f, t
    )
    return f, t, w, counts


NOBODY_CHANGES = dict(births=0.0, deaths=0.0, marriages=0.0, chronic_onset=0.0)


class TestYear:
    def test_without_rates_nothing_happens_but_men_look_around(self) -> None:
        hh, mm = household((45, 40, 22, 19), m_sex=[0, 1, 0, 1], m_married=[1, 1, 0, 0])
        before = rows(mm, 4)
        f, t, w, counts = a_year(hh, mm, rule(**NOBODY_CHANGES))
        assert rows(mm, 4) == before
        assert f.sum() == t.sum() == 0
        assert tuple(counts) == (0, 1)
        assert (w.partners[0], w.partner_member[0]) == (9, 2)

    @pytest.mark.parametrize(("age", "looks"), [(19, 0), (20, 1), (49, 1), (50, 0)])
    def test_ages_of_grooms(self, age: int, looks: int) -> None:
        hh, mm = household((age,), m_sex=[codes.MALE])
        assert tuple(a_year(hh, mm, rule(**NOBODY_CHANGES))[3]) == (0, looks)

    def test_the_last_to_die_leaves_an_estate(self) -> None:
        hh, mm = household(
            (90, 85),
            cash=700,
            debt=300,
            group=0,
            contacts=4,
            m_sex=[0, 1],
            m_married=[1, 1],
            m_enrolled=[1, 1],
        )
        gg = groups()
        gg.households[0] = 5
        f, t, _, _ = a_year(hh, mm, rule(**{**NOBODY_CHANGES, "deaths": 100.0}), gg=gg)
        assert (hh.alive, hh.n_members, hh.n_enrolled, hh.cash, hh.debt) == (0, 0, 0, 0, 0)
        assert f[codes.ESTATE] == 700
        assert (t[codes.DEATHS], t[codes.DEBT_WRITTEN_OFF], t[codes.HOUSEHOLDS_DISSOLVED]) == (2, 300, 1)
        assert gg.households[0] == 4
        # nobody is left in the queue of the health centre
        assert hh.contacts == 0

    def test_the_lender_is_repaid_before_the_heirs(self) -> None:
        dist = district(loans=500, loan_interest=50)
        for cash, estate, written_off in ((700, 150, 0), (220, 0, 300)):
            dist.loans, dist.loan_interest = 500, 50
            hh, _ = household(
                (), cash=cash, group=1, group_balance=-40, loan=500, loan_interest=50, instalment=100,
                wants_group=1,
            )  # fmt: skip
            gg = groups(3)
            gg.households[:] = 5
            gg.fund[:] = 70
            f, t = flows(), tallies()
            demography.dissolve(hh, section(group_first=1), dist, gg, f, t)
            # 220 x 50 / 550 = 20 of interest
            assert f[codes.LOAN_REPAYMENT] + f[codes.LOAN_INTEREST] == min(cash, 550)
            assert (f[codes.ESTATE], t[codes.LOAN_WRITTEN_OFF]) == (estate, written_off)
            assert t[codes.LOAN_INTEREST_WRITTEN_OFF] == written_off // 10
            assert t[codes.LOAN_DEFAULTS] == 0
            assert (hh.cash, hh.loan, hh.loan_interest, hh.group_balance, hh.wants_group) == (0, 0, 0, 0, 0)
            assert (dist.loans, dist.loan_interest) == (0, 0)
            # its association keeps what is in the box
            assert (gg.households.tolist(), gg.fund.sum()) == ([5, 5, 4], 210)

    @pytest.mark.parametrize(("by_person", "n_enrolled", "insured"), [(0, 2, 1), (0, 0, 0), (1, 2, 0)])
    def test_newborns_are_insured_with_their_household(
        self, by_person: int, n_enrolled: int, insured: int
    ) -> None:
        enrolled = [int(n_enrolled > 0)] * 2
        hh, mm = household((30, 25), m_sex=[0, 1], m_married=[1, 1], m_enrolled=enrolled)
        _, t, _, _ = a_year(hh, mm, rule(**{**NOBODY_CHANGES, "births": 3.0, "enrolment_unit": by_person}))
        assert t[codes.BIRTHS] == 1
        assert (hh.n_members, hh.n_enrolled, mm[2].enrolled) == (3, n_enrolled + insured, insured)

    def test_no_birth_without_a_slot(self) -> None:
        hh, mm = household((30, 25, *[5] * 10), m_sex=[0, 1] + [0] * 10, m_married=[1, 1])
        _, t, _, _ = a_year(hh, mm, rule(**{**NOBODY_CHANGES, "births": 3.0}))
        assert (t[codes.BIRTHS], t[codes.BIRTHS_WITHOUT_ROOM], hh.n_members) == (0, 1, 12)

    def test_names_run_out_before_the_key_does(self) -> None:
        hh, mm = household((30, 25), next_member=127, m_sex=[0, 1], m_married=[1, 1])
        _, t, _, _ = a_year(hh, mm, rule(**{**NOBODY_CHANGES, "births": 3.0}))
        assert (t[codes.BIRTHS_WITHOUT_ROOM], hh.next_member) == (1, 127)

    def test_events_come_at_the_reference_rates(self) -> None:
        died, born, ill, brides = [], [], [], []
        r = rule(births=1.0, deaths=1.0, marriages=1.0, chronic_onset=1.0)
        for ordinal in range(3000):
            hh, mm = household((55, 30, 24), ordinal=ordinal, m_sex=[0, 1, 1], m_married=[1, 1, 0])
            _, t, w, counts = a_year(hh, mm, r)
            died.append(t[codes.DEATHS])
            born.append(t[codes.BIRTHS])
            ill.append(sum(int(mm[k].chronic) for k in range(int(hh.n_members))))
            brides.append(counts[0])
            if counts[0]:
                assert (w.movers[0], w.mover_member[0]) == (9, 2)
        alive = 1 - 0.007
        assert within_4_se(died, 0.018 + 0.007 + 0.007)
        assert within_4_se(born, 0.24 * alive)
        assert within_4_se(brides, 0.22 * alive)
        assert within_4_se(ill, (1 - 0.018) * 0.015 + 2 * alive * 0.004)

    @pytest.mark.parametrize(("age", "risk"), [(1, 0.085), (2, 0.016), (5, 0.016), (6, 0.003)])
    def test_the_year_that_ends_was_lived_at_the_age_before(self, age: int, risk: float) -> None:
        died = []
        for ordinal in range(2000):
            hh, mm = household((40, age), ordinal=ordinal, m_married=[1, 0])
            t = a_year(hh, mm, rule(**{**NOBODY_CHANGES, "deaths": 1.0}))[1]
            died.append(t[codes.DEATHS])
        assert within_4_se(died, 0.007 + risk)

    def test_a_full_buffer_is_not_overrun(self) -> None:
        hh, mm = household((30, 29, 28, 24, 23), m_sex=[0, 0, 0, 1, 1])
        w = work(1)
        counts = a_year(hh, mm, rule(**{**NOBODY_CHANGES, "marriages": 10.0}), buffers=w)[3]
        assert tuple(counts) == (1, 1)


class TestJudging:
    """What becomes of a member depends on its age, sex and state, and on one draw for each event."""

    SURE: ClassVar = dict(births=100.0, deaths=0.0, marriages=100.0, chronic_onset=1000.0)

    @pytest.mark.parametrize(
        ("age", "sex", "married", "chronic", "expected"),
        [
            (30, codes.FEMALE, 1, 0, demography.BEARS | demography.FALLS_ILL),
            (30, codes.FEMALE, 1, 1, demography.BEARS),
            (30, codes.FEMALE, 0, 1, demography.MARRIES),
            (30, codes.MALE, 0, 1, demography.LOOKS_AROUND),
            (30, codes.MALE, 1, 1, 0),
            (14, codes.FEMALE, 1, 1, 0),
            (16, codes.FEMALE, 0, 1, 0),
            (50, codes.FEMALE, 1, 1, 0),
            (45, codes.FEMALE, 0, 1, 0),
        ],
    )
    def test_who_can_what(self, age: int, sex: int, married: int, chronic: int, expected: int) -> None:
        hh, mm = household((age,), m_sex=[sex], m_married=[married], m_chronic=[chronic])
        w = work()
        n = demography.list_members(hh, mm, NOW, w.addresses, w.persons, 0)
        w.uniforms[:, :n] = 0.5
        demography.judge_year(n, w.persons, w.uniforms, rule(**self.SURE), w.events)
        assert w.events[0] == expected

    @pytest.mark.parametrize(("draw", "event"), [(0, "DIES"), (1, "BEARS"), (2, "MARRIES"), (3, "FALLS_ILL")])
    def test_each_event_has_its_own_draw(self, draw: int, event: str) -> None:
        married = 1 if event == "BEARS" else 0
        hh, mm = household((30,), m_sex=[codes.FEMALE], m_married=[married])
        w = work()
        n = demography.list_members(hh, mm, NOW, w.addresses, w.persons, 0)
        w.uniforms[:, :n] = 1.0 - 1e-9
        w.uniforms[draw, 0] = 1e-9
        demography.judge_year(n, w.persons, w.uniforms, rule(), w.events)
        assert w.events[0] == getattr(demography, event)

    def test_the_very_old(self) -> None:
        hh, mm = household((160,), m_chronic=[1], m_married=[1])
        w = work()
        n = demography.list_members(hh, mm, NOW, w.addresses, w.persons, 0)
        for u, dies in ((0.159, True), (0.161, False)):
            w.uniforms[:, 0] = u
            demography.judge_year(n, w.persons, w.uniforms, rule(deaths=1.0), w.events)
            assert (w.events[0] == demography.DIES) == dies

    def test_looks_up_no_age_in_what_other_passes_have_left(self) -> None:
        # the rows of households of a large country, in lanes up to the end of a vector; uncompiled, an index
        # outside a table is an error
        judge = getattr(demography.judge_year, "py_func", demography.judge_year)
        hh, mm = household((30, 5), m_married=[1, 0])
        w = work()
        w.persons[:] = 1_759_808 + np.arange(w.persons.size)
        n = demography.list_members(hh, mm, NOW, w.addresses, w.persons, 0)
        assert n % draws.VECTOR != 0
        w.uniforms[:] = 0.5
        judge(n, w.persons, w.uniforms, rule(), w.events)
        assert list(w.events[:n]) == [0, 0]


class TestMarriage:
    def couple_to_be(self, *, alone: bool = False) -> tuple[Any, Any, Any]:
        hhs = households(3)
        mms = record_table(Member, (3, codes.MEMBER_SLOTS))
        hhs["alive"] = [1, 1, 0]
        fill_members(mms[0], (50, 45, 24), sex=[0, 1, 1], married=[1, 1, 0], enrolled=[1, 1, 1])
        fill_members(mms[1], (27,) if alone else (27, 60), sex=[0, 1], married=[0, 1], enrolled=[1, 1])
        mms[1][0].chronic, mms[1][0].frailty = 1, 2.5
        hhs["n_members"] = [3, 1 if alone else 2, 0]
        hhs["n_enrolled"] = hhs["n_members"]
        hhs["cash"] = [1_000, 501, 77]
        hhs["debt"] = [90, 40, 0]
        hhs["z"] = [-1.0, 1.5, 0.0]
        return hhs, mms, section(first=0, end=2, limit=3)

    @pytest.mark.parametrize("alone", [False, True])
    def test_conserves_people_cash_and_debt(self, alone: bool) -> None:
        hhs, mms, sec = self.couple_to_be(alone=alone)
        people = int(hhs["n_members"].sum())
        gg = groups(2)
        h = demography.marry(hhs, mms, sec, gg, 0.0, 0, 2, 1, 0, NOW, fixed(group_share=0.0))
        new = hhs[2]
        assert (h, sec.end, new.alive, new.ordinal, new.n_members, new.next_member) == (
            2, 3, 1, codes.FIRST_FOUNDED, 2, 2,
        )  # fmt: skip
        assert sec.founded == 1
        assert hhs["n_members"].sum() == people
        assert hhs["cash"].sum() == 1_501
        assert hhs["debt"].sum() == 130
        # equal parts: 1,000 // 3 and 501 // 2, or everything with the debt when nobody stays
        assert new.cash == 333 + (501 if alone else 250)
        assert new.debt == (40 if alone else 0)
        # he first, both married, neither insured any more, traits kept
        assert [(mms[2][k].sex, mms[2][k].married, mms[2][k].enrolled) for k in (0, 1)] == [
            (0, 1, 0),
            (1, 1, 0),
        ]
        assert (mms[2][0].born, mms[2][0].chronic, mms[2][0].frailty) == (NOW - 27 * 12, 1, 2.5)
        assert hhs["n_enrolled"].tolist() == [2, 0 if alone else 1, 0]
        assert new.group == codes.NO_GROUP

    def test_quintile_follows_the_grooms_household_until_ranks_are_taken(self) -> None:
        hhs, mms, sec = self.couple_to_be()
        hhs["quintile"] = [1, 3, 0]
        demography.marry(hhs, mms, sec, groups(), 0.0, 0, 2, 1, 0, NOW, fixed())
        assert hhs[2].quintile == 3

    def test_position_follows_the_groom(self) -> None:
        z, own = [], []
        for now in range(NOW, NOW + 800):
            hhs, mms, sec = self.couple_to_be()
            demography.marry(hhs, mms, sec, groups(), 0.2, 0, 2, 1, 0, now, fixed())
            z.append(float(hhs[2].z))
            own.append(float(hhs[2].taste))
        fx = fixed()
        expected = 0.2 + fx.persistence * (1.5 - 0.2)
        assert within_4_se(z, expected)
        spread = fx.within_sd * (1 - fx.persistence**2) ** 0.5
        assert np.std(z) == pytest.approx(spread, rel=4 / (2 * 800) ** 0.5)
        assert np.std(own) == pytest.approx(fx.taste_sd, rel=4 / (2 * 800) ** 0.5)

    def test_joins_the_smallest_group(self) -> None:
        hhs, mms, sec = self.couple_to_be()
        gg = groups(3)
        gg.households[:] = [5, 2, 2]
        sec.group_end = 3
        demography.marry(hhs, mms, sec, gg, 0.0, 0, 2, 1, 0, NOW, fixed(group_share=1.0))
        assert hhs[2].group == 1
        assert gg.households.tolist() == [5, 3, 2]

    def test_a_row_without_households_is_no_group(self) -> None:
        gg = groups(4)
        for households_of, smallest in (
            ([0, 5, 2, 0], 2),
            ([0, 0, 0, 7], 3),
            ([3, 0, 3, 4], 0),
            ([0, 0, 0, 0], 0),
        ):
            gg.households[:] = households_of
            assert demography.smallest_group(gg, 0, 4) == smallest

    @pytest.mark.parametrize("alone", [False, True])
    def test_loans_stay_where_the_household_stays(self, alone: bool) -> None:
        hhs, mms, sec = self.couple_to_be(alone=alone)
        hhs["loan"] = [300, 500, 9]
        hhs["loan_interest"] = [30, 50, 9]
        hhs["instalment"] = [33, 55, 9]
        hhs["group_balance"] = [7, -8, 9]
        hhs["barred_until"] = [0, NOW + 3, 9]
        hhs["wants_group"] = [0, 0, 1]
        hhs["financed_by"] = codes.BY_LOAN
        demography.marry(hhs, mms, sec, groups(), 0.0, 0, 2, 1, 0, NOW, fixed(group_share=0.0))
        assert hhs["loan"].tolist() == ([300, 0, 500] if alone else [300, 500, 0])
        assert hhs["loan_interest"].tolist() == ([30, 0, 50] if alone else [30, 50, 0])
        assert hhs["barred_until"].tolist() == [0, NOW + 3, NOW + 3 if alone else 0]
        assert hhs["group_balance"].tolist() == [7, -8, 0]
        new = hhs[2]
        assert (new.instalment, new.wants_group, new.financed_by) == (55 if alone else 0, 0, codes.BY_CASH)

    def test_new_posts_are_near_for_new_households_too(self) -> None:
        km = []
        for scale in (1.0, 0.25):
            hhs, mms, sec = self.couple_to_be()
            sec.distance_scale = scale
            demography.marry(hhs, mms, sec, groups(), 0.0, 0, 2, 1, 0, NOW, fixed())
            km.append(float(hhs[2].distance_km))
        assert km[1] == pytest.approx(0.25 * km[0], rel=1e-6)

    def test_section_without_groups(self) -> None:
        hhs, mms, sec = self.couple_to_be()
        demography.marry(hhs, mms, sec, groups(), 0.0, 0, 2, 1, 0, NOW, fixed(group_share=1.0))
        assert hhs[2].group == codes.NO_GROUP

    def test_nearest_partner_is_free_and_no_brother(self) -> None:
        w = work()
        w.partners[:4] = [7, 8, 9, 9]
        w.partner_member[:4] = [0, -1, 1, 2]
        w.partner_draw[:4] = [0.1, 0.0, 0.5, 0.4]
        assert demography.nearest_partner(w, 4, 5) == 0
        assert demography.nearest_partner(w, 4, 7) == 3
        assert demography.nearest_partner(w, 3, 7) == 2
        assert demography.nearest_partner(w, 0, 7) == -1

    def test_slot_of(self) -> None:
        hh, mm = household((30, 20, 10))
        mm["ordinal"][:3] = [4, 9, 2]
        assert [demography.slot_of(hh, mm, i) for i in (9, 2, 5)] == [1, 2, -1]


class TestTraits:
    def test_distributions(self) -> None:
        fx = fixed(within_sd=0.9, distance_log_sd=0.6, distance_median_km=4.0, taste_sd=1.0, trust_sd=0.1)
        z, distance, taste, offset, score, frailty = [], [], [], [], [], []
        for ordinal in range(6000):
            hh, _ = household(ordinal=ordinal)
            demography.draw_traits(hh, 3, 0, 0.5, fx)
            z.append(float(hh.z))
            distance.append(np.log(float(hh.distance_km)))
            taste.append(float(hh.taste))
            offset.append(float(hh.trust_offset))
            score.append(float(hh.formal_score))
            frailty.append(float(hh.shared_frailty))
        assert within_4_se(z, 0.5)
        assert within_4_se(distance, np.log(4.0))
        assert within_4_se(taste, 0.0)
        assert within_4_se(offset, 0.0)
        assert within_4_se(frailty, 1.0)
        for values, sd in ((z, 0.9), (distance, 0.6), (taste, 1.0), (offset, 0.1)):
            assert np.std(values) == pytest.approx(sd, rel=4 / (2 * 6000) ** 0.5)
        rich = np.array(z) > 0
        assert (np.array(score)[~rich] == demography.NEVER_FORMAL).all()
        assert np.array(score)[rich].max() < 0.5
        # a share p of everybody is formal: 2p of the better-off half
        assert within_4_se(np.array(score)[rich] < 0.05, 0.1)
        correlations = np.corrcoef([z, distance, taste, offset])
        assert np.abs(correlations[~np.eye(4, dtype=bool)]).max() < 4 / 6000**0.5

    def test_month_of_founding_gives_other_draws(self) -> None:
        one, _ = household(ordinal=4)
        two, _ = household(ordinal=4)
        demography.draw_traits(one, 3, 0, 0.0, fixed())
        demography.draw_traits(two, 3, NOW, 0.0, fixed())
        assert one.z != two.z
        u = draws.uniform(KEY, 3, 4, 0, 0, codes.DRAW_HOUSEHOLD, 0)
        assert demography.draw_traits(one, 3, 0, 0.0, fixed())[0] == u

    def test_reset_leaves_no_trace(self) -> None:
        hh, _ = household(
            cover_from=9, cover_until=30, standing=3, wish=0.5, cash=5, debt=7, subsidised=1, on_list=1,
            formal=1, contacts=3, paid_before=1, out_of_pocket=8,
        )  # fmt: skip
        demography.reset_household(hh, 12)
        assert (hh.alive, hh.ordinal) == (1, 12)
        for name in (
            "cover_from", "cover_until", "standing", "wish", "debt", "subsidised", "on_list", "formal",
            "contacts", "paid_before", "out_of_pocket", "n_enrolled",
        ):  # fmt: skip
            assert getattr(hh, name) == 0, name
