"""Votes of associations on cover, families that wait, and associations founded to join."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    KEY,
    NOW,
    calendar,
    district,
    fixed,
    gauges,
    groups,
    households,
    quick,
    record_table,
    rule,
    section,
    state,
    strata,
    tallies,
    update,
    within_4_se,
)

from cbhi.kernels import codes, draws, enrolment, votes
from cbhi.kernels.records import District, Member, Section

# indifferent: every family is for cover with probability 1/2
EVEN: dict[str, Any] = dict(
    intercept=0.0, price_slope=0.0, income_gradient=0.0, peer_weight=0.0, trust_weight=0.0,
    quality_weight=0.0, inertia=0.0, mobilisation_effort=0.0, premium_by_household=0,
    premium_middle_rwf=1_000, attention=1.0, enrolment_unit=codes.UNIT_GROUP,
    group_vote_threshold=0.6, group_minimum_share=0.0, group_savings=1,
)  # fmt: skip
YEAR: dict[str, Any] = dict(is_rolling=0, sale_from=NOW - 2, sale_until=NOW + 10)


def taste(ordinal: int) -> float:
    return draws.uniform(KEY, 3, ordinal, 0, NOW - 2, codes.DRAW_TASTE, 0)


def village(n: int, n_groups: int, **fields: Any) -> Any:
    """``n`` families of two in one section, dealt to its groups in turn."""
    hhs = households(n)
    usual: dict[str, Any] = dict(
        n_members=2, group=np.arange(n) % max(1, n_groups), income=20_000, odds_insured=0.7,
        odds_uninsured=0.4, odds_severe_insured=2.0, odds_severe_uninsured=0.8, rate_other=3.0,
        listed_category=codes.MIDDLE,
    )  # fmt: skip
    for name, values in {**usual, **fields}.items():
        hhs[name] = values
    sections = record_table(Section, 1)
    sections[0] = section(end=n, limit=n, group_end=n_groups)
    world = state(hhs, record_table(Member, (n, 2)), sections, record_table(District, 1), max(1, n_groups))
    for g in hhs["group"][hhs["alive"] != 0]:
        if g >= 0:
            world.groups.households[g] += 1
    return world


def vote(world: Any, rules: Any = None, cal: Any = None, now: int = NOW) -> Any:
    r, t = rule(**{**EVEN, **(rules or {})}), tallies()
    cal = cal if cal is not None else calendar(**YEAR)
    votes.hold_votes(world, world.sections[0], now, 0.9, cal, r, r, fixed(), t)
    return t


class TestVotes:
    @pytest.mark.parametrize("threshold", [0.2, 0.4, 0.45, 0.6, 0.8, 1.0])
    def test_families_for_cover_against_the_threshold(self, threshold: float) -> None:
        n_groups = 8
        world = village(5 * n_groups, n_groups)
        yes = [sum(taste(i) < 0.5 for i in range(g, 5 * n_groups, n_groups)) for g in range(n_groups)]
        t = vote(world, {"group_vote_threshold": threshold})
        assert world.groups.yes.tolist() == yes
        assert world.groups.voters.tolist() == [5] * n_groups
        passed = [y >= math.ceil(5 * threshold - 1e-6) for y in yes]
        assert (world.groups.agreed_until > 0).tolist() == passed
        assert (t[codes.GROUP_VOTES], t[codes.GROUP_VOTES_PASSED]) == (n_groups, sum(passed))
        assert t.sum() == n_groups + sum(passed)

    def test_the_minimum_share_is_the_threshold_where_it_does_not_bind(self) -> None:
        household_unit = dict(enrolment_unit=codes.UNIT_HOUSEHOLD, group_vote_threshold=1.0)
        world = village(20, 2)
        vote(world, {**household_unit, "group_minimum_share": 1e-6})
        assert (world.groups.agreed_until > 0).all()
        world = village(20, 2)
        t = vote(world, {**household_unit, "group_minimum_share": 0.0})
        assert (t.sum(), world.groups.voters.sum()) == (0, 0)

    @pytest.mark.parametrize(("cal", "until"), [(YEAR, NOW + 10), ({}, NOW + 12)])
    def test_an_agreement_holds_for_the_year_and_ends_with_it(self, cal: Any, until: int) -> None:
        eager = {"intercept": 30.0}
        world = village(6, 2)
        vote(world, eager, calendar(**cal))
        assert world.groups.agreed_until.tolist() == [until, until]
        assert vote(world, eager, calendar(**cal)).sum() == 0
        later = {k: v + 12 for k, v in YEAR.items() if k != "is_rolling"}
        again = calendar(**(later | {"is_rolling": 0} if cal else {}))
        assert vote(world, eager, again, now=NOW + 12)[codes.GROUP_VOTES] == 2

    def test_who_has_a_vote(self) -> None:
        world = village(
            8, 1, formal=[1, 0, 0, 0, 0, 0, 0, 0], alive=[1, 0, 1, 1, 1, 1, 1, 1],
            cover_until=[0, 0, NOW + 10, NOW + 2, 0, 0, 0, 0],
            group=[0, 0, 0, 0, codes.NO_GROUP, 0, 0, 0], subsidised=[0, 0, 0, 0, 0, 1, 0, 0],
        )  # fmt: skip
        vote(world)
        # all but the formal, the dissolved, the covered and the one outside
        assert world.groups.voters[0] == 4
        ahead = calendar(is_rolling=0, before_start=1, sale_from=NOW + 3, sale_until=NOW + 15)
        world.groups.agreed_until[0] = NOW + 3
        vote(world, {"attention_before": 1.0}, ahead)
        # the second may buy ahead; not one with a slot of this year, nor one whose cover ends before
        assert world.groups.voters[0] == 3

    def test_those_who_wait_are_for_cover(self) -> None:
        world = village(4, 1, standing=codes.STANDING_UNAFFORDABLE)
        vote(world, {"intercept": -30.0})
        assert world.groups.yes[0] == 4

    def test_meets_with_the_attention_of_the_month(self) -> None:
        world = village(1_200, 600)
        t = vote(world, {"attention": 0.3})
        met = world.groups.voters >= 0
        assert t[codes.GROUP_VOTES] == met.sum()
        assert within_4_se(met, 0.3)
        drawn = [draws.uniform(KEY, 3, g + 1, 0, NOW, codes.DRAW_MEETING, 0) < 0.3 for g in range(600)]
        assert met.tolist() == drawn
        before = calendar(is_rolling=0, before_start=1, sale_from=NOW + 3, sale_until=NOW + 15)
        assert vote(world, {"attention": 1.0, "attention_before": 0.0}, before).sum() == 0
        assert vote(world, {"attention": 1.0}, calendar(**{**YEAR, "is_open": 0})).sum() == 0

    def test_votes_at_its_own_premium_as_it_would_decide(self) -> None:
        # who decides alone on the same day decides the same
        world = village(60, 1)
        world.members["frailty"] = 1.0
        world.members["born"] = NOW - 400
        choice = {"price_slope": 30.0, "trust_weight": 2.0, "group_savings": 0, "waiting_months": 1}
        vote(world, choice)
        r = rule(**{**EVEN, **choice, "enrolment_unit": codes.UNIT_HOUSEHOLD, "cash_gate": 0})
        outlook = enrolment.outlook_of(world.sections[0], 0.9, r)
        month = enrolment.taste_month(NOW, calendar(**YEAR))
        for h in range(60):
            place = (world.sections[0].number, world.households[h].ordinal, draws.NOBODY, month)
            taste = draws.uniform(fixed().key, *place, codes.DRAW_TASTE, 0)
            enrolment.seek_cover_as_household(
                world.households[h], world.members[h], world.sections[0], district(), groups(), NOW, outlook,
                calendar(**YEAR), r, r, fixed(), False, taste, strata(),
                np.zeros(codes.N_FLOWS, dtype=np.int64), tallies(), gauges(),
            )  # fmt: skip
        joined = int((world.households["standing"] == codes.STANDING_PAID).sum())
        assert world.groups.yes[0] == joined
        assert 5 < joined < 55


class TestNeed:
    def test_by_hand(self) -> None:
        world = village(
            7, 2, standing=codes.STANDING_UNAFFORDABLE, n_members=[2, 3, 2, 4, 2, 1, 2],
            subsidised=[0, 0, 1, 0, 0, 0, 0], formal=[0, 0, 0, 0, 1, 0, 0],
        )  # fmt: skip
        world.households[3].standing = codes.STANDING_UNWILLING
        world.households[6].group = codes.NO_GROUP
        world.groups.need[:] = 77
        sec = update(world.sections[0], subsidy_left=1_500, premium_factor=1.5)
        r = rule(**EVEN, subsidy_premium_share=0.5)
        votes.count_need(world, sec, NOW, calendar(**YEAR), r, r)
        # group 0: two persons at 1,500, and two with half of it paid; group 1: three and one
        assert world.groups.need.tolist() == [3_000 + 1_500, 4_500 + 1_500]
        world.groups.need[:] = 77
        votes.count_need(world, sec, NOW, calendar(**YEAR), rule(), rule())
        assert world.groups.need.tolist() == [77, 77]


def form(world: Any, size: int = 3, required: int = 1) -> Any:
    t = tallies()
    votes.form_groups(world, world.sections[0], rule(group_required=required, group_forming_size=size), t)
    return t


class TestForming:
    def test_whole_blocks_in_order(self) -> None:
        world = village(10, 5, group=codes.NO_GROUP, wants_group=1)
        world.households[0].group = 1
        world.households[0].wants_group = 0
        world.households[2].formal = 1
        world.groups.households[1] = 1
        world.groups.agreed_until[0] = NOW + 5
        world.groups.fund[0] = 40
        t = form(world)
        # eight wait: two blocks of three into the first rows without households
        assert world.households["group"].tolist() == [1, 0, -1, 0, 0, 2, 2, 2, -1, -1]
        assert world.groups.households.tolist() == [3, 1, 3, 0, 0]
        assert t[codes.GROUPS_FORMED] == t.sum() == 2
        assert (world.groups.agreed_until[0], world.groups.fund[0]) == (0, 40)
        waits = world.households["wants_group"].tolist()
        assert waits == [0, 2, 1, 2, 2, 2, 2, 2, 1, 1]
        assert form(world).sum() == 0

    def test_without_room_they_join_the_smallest(self) -> None:
        world = village(6, 2, group=[0, 0, 1] + [codes.NO_GROUP] * 3, wants_group=[0, 0, 0, 1, 1, 1])
        t = form(world)
        assert world.households["group"].tolist() == [0, 0, 1, 1, 0, 1]
        assert world.groups.households.tolist() == [3, 3]
        assert t.sum() == 0

    def test_only_where_required(self) -> None:
        world = village(6, 2, group=codes.NO_GROUP, wants_group=1)
        assert form(world, required=0).sum() == 0
        world = village(6, 0, group=codes.NO_GROUP, wants_group=1)
        assert form(world).sum() == 0
        assert (world.households["group"] == codes.NO_GROUP).all()

    @given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.integers(2, 5), st.integers(0, 6))
    @quick
    def test_everybody_is_in_one_group_at_most(self, kinds: list[int], size: int, n_groups: int) -> None:
        n = len(kinds)
        in_group = [k == 0 and n_groups > 0 for k in kinds]
        world = village(
            n,
            n_groups,
            group=[0 if g else codes.NO_GROUP for g in in_group],
            wants_group=[k == 1 for k in kinds],
        )
        t = form(world, size)
        group = world.households["group"]
        waiting = kinds.count(1)
        placed = waiting // size * size if n_groups > 0 else 0
        assert (group >= 0).sum() == sum(in_group) + placed
        assert (world.households["wants_group"] == enrolment.WANTS_GROUP).sum() == waiting - placed
        counted = np.bincount(group[group >= 0], minlength=max(1, n_groups))
        assert counted.tolist() == world.groups.households.tolist()
        free = n_groups - any(in_group)
        assert t[codes.GROUPS_FORMED] == min(placed // size, free)
