"""The population of the start."""

from __future__ import annotations

import numpy as np
import pytest
from support import NOW, base, district, fixed, household, record_table, rule, state, within_4_se

from cbhi.kernels import codes, settlement
from cbhi.kernels.records import District, Household, Member, Section, State

N = 4000


def settled(n_groups: int = 0, r: object = None, **changes: object) -> State:
    sections = record_table(Section, 1)
    sections[0].number, sections[0].limit, sections[0].group_end = 3, N, n_groups
    districts = record_table(District, 1)
    s = state(
        record_table(Household, N),
        record_table(Member, (N, codes.MEMBER_SLOTS)),
        sections,
        districts,
        max(1, n_groups),
    )
    settlement.settle_section(s, 0, N, NOW, r if r is not None else rule(), fixed(**changes))
    return s


class TestSection:
    def test_people(self) -> None:
        s = settled()
        hh, mm = s.households, s.members
        size = hh["n_members"].astype(int)
        assert s.sections[0].persons == size.sum()
        assert (s.sections[0].end, s.sections[0].stock, s.sections[0].quality) == (N, 1.0, 0.5)
        assert within_4_se(size, fixed().household_size.mean())
        assert (hh["alive"] == 1).all()
        assert (hh["next_member"] == size).all()
        assert (mm["enrolled"] == 0).all()
        there = np.arange(codes.MEMBER_SLOTS)[None, :] < size[:, None]
        age = (NOW - mm["born"].astype(int)) / 12
        assert age[there].min() >= 0
        assert age[there].max() <= 86
        # heads are adults; a couple is a man and a younger woman
        assert age[:, 0].min() >= 20
        couple = (size >= 2) & (mm["married"][:, 1] == 1)
        assert within_4_se(couple[size >= 2], settlement.COUPLE_SHARE)
        assert (mm["sex"][couple, 0] == codes.MALE).all()
        assert (mm["sex"][couple, 1] == codes.FEMALE).all()
        assert (age[couple, 1] <= age[couple, 0]).all()
        single = ~couple & (size >= 2)
        assert within_4_se(mm["sex"][single, 0] == codes.MALE, settlement.SINGLE_HEAD_MALE_SHARE)
        # the others are unmarried and at least 17 years younger than the head
        others = there.copy()
        others[:, 0] = False
        others[couple, 1] = False
        assert mm["married"][others].max() == 0
        gap = (age[:, :1] - age)[others]
        assert gap.min() >= 17

    def test_cash_is_the_buffer_and_income_is_set(self) -> None:
        s = settled(r=rule(buffer_months=0.5))
        income = s.households["income"]
        assert income.min() > 0
        assert (s.households["cash"] == np.floor(0.5 * income + 0.5)).all()
        assert (s.households["debt"] == 0).all()

    def test_every_household_has_its_group(self) -> None:
        s = settled(n_groups=N // 40, group_share=0.5, group_block=40)
        group = s.households["group"]
        assert within_4_se(group != codes.NO_GROUP, 0.5)
        inside = np.flatnonzero(group != codes.NO_GROUP)
        assert (group[inside] == inside // 40).all()
        assert s.groups.households.tolist() == np.bincount(group[inside], minlength=N // 40).tolist()

    def test_formal_share(self) -> None:
        s = settled(r=rule(formal_share=0.06))
        assert within_4_se(s.households["formal"], 0.06)
        assert (s.households["z"][s.households["formal"] == 1] > 0).all()

    def test_more_households_change_nothing_for_the_first(self) -> None:
        whole = settled()
        part = state(
            record_table(Household, N),
            record_table(Member, (N, codes.MEMBER_SLOTS)),
            record_table(Section, 1),
            record_table(District, 1),
        )
        part.sections[0].number = 3
        settlement.settle_section(part, 0, 50, NOW, rule(), fixed())
        assert (part.households[:50] == whole.households[:50]).all()
        assert (part.members[:50] == whole.members[:50]).all()

    @pytest.mark.parametrize("initial", [0.4, 0.97])
    def test_heritage_raises_trust_of_some(self, initial: float) -> None:
        fx = fixed(trust_initial=initial, heritage_share=0.4, heritage_bonus=0.1, staffing_log_sd=0.3)
        n = 1500
        s = state(
            record_table(Household, n),
            record_table(Member, (n, codes.MEMBER_SLOTS)),
            record_table(Section, n),
            record_table(District, 1),
        )
        s.sections["number"] = np.arange(n)
        s.sections["first"] = np.arange(n)
        for i in range(n):
            settlement.settle_section(s, i, 1, NOW, rule(), fx)
        trust = s.sections["trust"]
        assert set(np.round(trust, 9)) == {initial, min(1.0, round(initial + 0.1, 9))}
        assert within_4_se(trust > initial, 0.4)
        assert within_4_se(s.sections["staffing"], 1.0)
        assert np.log(s.sections["staffing"]).std() == pytest.approx(0.3, rel=4 / (2 * n) ** 0.5)


class TestDistricts:
    def test_levels_have_the_variance_between(self) -> None:
        n = 4000
        dd = record_table(District, n)
        dd["number"] = np.arange(n)
        s = state(record_table(Household, 1), record_table(Member, (1, 12)), record_table(Section, 1), dd)
        settlement.settle_districts(s, fixed(between_sd=0.4))
        assert within_4_se(dd["z"], 0.0)
        assert dd["z"].std() == pytest.approx(0.4, rel=4 / (2 * n) ** 0.5)
        assert (dd["harvest"] == 1).all()
        assert district().illness == 1


class TestChronic:
    def test_share_is_onset_over_the_years_lived(self) -> None:
        # 60 years old, 20 years behind: 11 at .015 (ages 50-60), 9 at .004 (ages 41-49)
        healthy = (1 - 0.015) ** 11 * (1 - 0.004) ** 9
        assert settlement.chronic_at_start(60, 20.0, healthy - 1e-9) == 0
        assert settlement.chronic_at_start(60, 20.0, healthy + 1e-9) == 1

    def test_nobody_is_ill_before_having_lived(self) -> None:
        assert settlement.chronic_at_start(0, 40.0, 1 - 1e-12) == 0
        assert settlement.chronic_at_start(60, 0.0, 1 - 1e-12) == 0

    def test_children_have_lived_fewer_years(self) -> None:
        healthy = (1 - 0.001) ** 10
        assert settlement.chronic_at_start(10, 40.0, healthy - 1e-9) == 0
        assert settlement.chronic_at_start(10, 40.0, healthy + 1e-9) == 1


def test_members_are_filled_by_their_own_draws() -> None:
    # the third member is the same whether or not a fourth lives there
    three, mm3 = household(())
    four, mm4 = household(())
    settlement.settle_members(three, mm3, 3, 8, 3, NOW, fixed())
    settlement.settle_members(four, mm4, 3, 8, 4, NOW, fixed())
    assert (mm3[:3] == mm4[:3]).all()
    assert base().n_months == 12
