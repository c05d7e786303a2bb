"""The population of the start."""

from __future__ import annotations

import numpy as np
import pytest
from support import (
    NOW,
    base,
    district,
    fixed,
    household,
    record_table,
    rule,
    settle_section,
    state,
    within_4_se,
)

from cbhi.kernels import codes, settlement
from cbhi.kernels.records import District, Household, Member, Section, State
from cbhi.layouts import lay_out
from cbhi.replicates import begin_replicate
from cbhi.scenarios import Scenario

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
    settle_section(s, 0, N, NOW, r if r is not None else rule(), fixed(**changes))
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
        settle_section(part, 0, 50, NOW, rule(), fixed())
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
            settle_section(s, i, 1, NOW, rule(), fx)
        trust = s.sections["trust"]
        assert set(np.round(trust, 9)) == {initial, min(1.0, round(initial + 0.1, 9))}
        assert within_4_se(trust > initial, 0.4)
        assert within_4_se(s.sections["staffing"], 1.0)
        assert np.log(s.sections["staffing"]).std() == pytest.approx(0.3, rel=4 / (2 * n) ** 0.5)

    def village_of_sections(self, n: int, r: object, **changes: object) -> State:
        s = state(
            record_table(Household, n),
            record_table(Member, (n, codes.MEMBER_SLOTS)),
            record_table(Section, n),
            record_table(District, 1),
        )
        s.sections["number"] = np.arange(n)
        s.sections["first"] = np.arange(n)
        for i in range(n):
            settle_section(s, i, 1, NOW, r, fixed(**changes))
        return s

    def test_owners_of_health_centres_and_their_posts(self) -> None:
        """Public posts are as many as in the series, whoever owns the health centres."""
        s = self.village_of_sections(
            1500, rule(faith_based_posts=0.5), faith_based_share=0.4, staffing_log_sd=0.0
        )
        faith = s.sections["faith_based"] == 1
        assert within_4_se(faith, 0.4)
        # 0.4 x 0.5 + 0.6 = 0.8 of the posts of a country of public centres
        assert s.sections["staffing"][faith] == pytest.approx(0.5 / 0.8)
        assert s.sections["staffing"][~faith] == pytest.approx(1.0 / 0.8)

    @pytest.mark.parametrize("posts", [0.0, 0.5, 3.0])
    def test_mean_staffing_is_one(self, posts: float) -> None:
        s = self.village_of_sections(1500, rule(faith_based_posts=posts), faith_based_share=0.4)
        assert within_4_se(s.sections["staffing"], 1.0)
        # chance apart, an owner's posts relative to the other's
        faith = s.sections["faith_based"] == 1
        same = self.village_of_sections(1500, rule(faith_based_posts=1.0), faith_based_share=0.4)
        scale = s.sections["staffing"] / same.sections["staffing"]
        np.testing.assert_allclose(scale[faith], posts / (1.0 + 0.4 * (posts - 1.0)))
        np.testing.assert_allclose(scale[~faith], 1.0 / (1.0 + 0.4 * (posts - 1.0)))

    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_centres_in_one_hand_have_the_posts_of_the_series(self, share: float) -> None:
        s = self.village_of_sections(
            20, rule(faith_based_posts=0.3), faith_based_share=share, staffing_log_sd=0.0
        )
        assert (s.sections["faith_based"] == share).all()
        np.testing.assert_allclose(s.sections["staffing"], 1.0)

    def test_mutual_aid_has_its_heritage_where_centres_are_faith_based(self) -> None:
        s = self.village_of_sections(
            300, rule(), faith_based_share=0.4, heritage_share=0.4, trust_initial=0.3, heritage_bonus=0.1
        )
        trusted = s.sections["trust"] > 0.35
        assert (trusted == (s.sections["faith_based"] == 1)).all()
        assert trusted.any()

    def test_what_schemes_and_centres_begin_with(self) -> None:
        s = settled(r=rule(effort_base=0.65), capacity_initial=0.2)
        sec = s.sections[0]
        assert (sec.effort, sec.capacity, sec.premium_factor, sec.distance_scale) == (0.65, 0.2, 1.0, 1.0)
        assert (sec.fund, sec.merged, sec.own_posts, sec.blame) == (0, 0, 0.0, 0.0)
        assert (s.households["loan"] == 0).all()
        assert (s.households["group_balance"] == 0).all()


class TestRows:
    """What the simulation lays out before the population settles."""

    def laid_out(self, households: int = 2_000, **changes: object) -> tuple[Scenario, State]:
        values: dict[str, object] = {
            "population.districts": 4, "population.sections": 40, "rollout.pilot_sections": 0,
            "rollout.pilot_districts": 0, "population.group_share": 0.5, "population.group_size": 25.0,
            **{key.replace("__", "."): value for key, value in changes.items()},
        }  # fmt: skip
        s = base().replace(values)
        made = begin_replicate(s, lay_out(s, households), 1, 0).state
        return s, made

    def test_sections_of_a_district_stand_together(self) -> None:
        _, s = self.laid_out()
        first, end = s.districts["first_section"].tolist(), s.districts["end_section"].tolist()
        # eight sections of 250 households over four districts
        assert (first, end) == ([0, 2, 4, 6], [2, 4, 6, 8])
        for d in range(4):
            assert set(s.sections["district"][first[d] : end[d]]) == {d}
        _, s = self.laid_out(250)
        assert (s.districts["first_section"].tolist(), s.districts["end_section"].tolist()) == ([0], [1])

    def test_rows_for_associations_of_the_start(self) -> None:
        _, s = self.laid_out()
        rows = s.sections["group_end"] - s.sections["group_first"]
        # half of 250 households in blocks of 50
        assert rows.tolist() == [5] * 8
        assert s.sections["group_first"][1:].tolist() == s.sections["group_end"][:-1].tolist()
        assert s.groups.households.size == 40
        assert (s.groups.households > 0).all()

    def test_rows_for_associations_that_form(self) -> None:
        s, made = self.laid_out(groups__required=True, groups__forming_size=20)
        rows = made.sections["group_end"] - made.sections["group_first"]
        limit = made.sections["limit"] - made.sections["first"]
        # room for as many as could form if every household that ever fits founded one with nineteen others
        assert rows.tolist() == [5 + -(-int(n) // 20) for n in limit]
        assert made.groups.households.size == rows.sum()
        # an association by an event counts too, of the smallest size in force
        late = s.replace({"groups.required": False}).add_event(
            "2004-06", {"groups.required": True, "groups.forming_size": 10}
        )
        made = begin_replicate(late, lay_out(late, 2_000), 1, 0).state
        rows = made.sections["group_end"] - made.sections["group_first"]
        assert rows.tolist() == [5 + -(-int(n) // 10) for n in limit]

    def test_without_associations_there_are_no_rows(self) -> None:
        _, s = self.laid_out(switches__groups=False)
        assert (s.sections["group_end"] == s.sections["group_first"]).all()
        assert s.groups.households.size == 1
        alive = s.households["alive"] == 1
        assert (s.households["group"][alive] == codes.NO_GROUP).all()


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
