"""Public posts that follow need, own clinicians, new health posts: numbers by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    KEY,
    NOW,
    fixed,
    household,
    households,
    quick,
    record_table,
    rule,
    section,
    state,
    tallies,
    update,
)

from cbhi.kernels import codes, draws, posts
from cbhi.kernels.records import District, Member, Section, Table


def sections(persons: list[int], staffing: list[float], load: list[float]) -> Table:
    table = record_table(Section, len(persons))
    table["persons"], table["staffing"], table["load"] = persons, staffing, load
    return table


class TestFollowNeed:
    def test_by_hand(self) -> None:
        ss = sections([100, 300], [1.0, 1.0], [1.2, 0.4])
        # mean load (120 + 120) / 400 = 0.6: weights 1.1 and 1 - 0.1 / 3, scaled from 400 / 400
        posts.follow_need(ss, rule(posting_response=0.1))
        assert posts.mean_load(ss) == pytest.approx(0.6)
        scale = 400 / (110 + 290)
        np.testing.assert_allclose(ss["staffing"], [1.1 * scale, (1 - 0.1 / 3) * scale])

    def test_scaled_to_the_posts_there_were(self) -> None:
        ss = sections([100, 300], [0.5, 1.5], [1.2, 0.4])
        posts.follow_need(ss, rule(posting_response=0.3))
        # weights 0.5 x 1.3 and 1.5 x 0.9
        scale = 500 / (65 + 405)
        np.testing.assert_allclose(ss["staffing"], [0.65 * scale, 1.35 * scale])

    @given(
        st.lists(st.tuples(st.integers(0, 10**5), st.floats(0, 5), st.floats(0, 2)), min_size=1, max_size=12),
        st.floats(0, 1),
    )
    @quick
    def test_posts_of_the_country_stay(self, rows: list[tuple[int, float, float]], response: float) -> None:
        ss = sections(*(list(column) for column in zip(*rows, strict=True)))
        before = ss["staffing"].copy()
        posts.follow_need(ss, rule(posting_response=response))
        assert (ss["staffing"] >= 0).all()
        total = (ss["persons"] * ss["staffing"]).sum()
        assert total == pytest.approx((ss["persons"] * before).sum(), rel=1e-9, abs=1e-12)

    def test_posts_where_nobody_comes_stay_if_there_are_no_others(self) -> None:
        ss = sections([100, 300], [0.5, 0.0], [0.0, 1.0])
        posts.follow_need(ss, rule(posting_response=1.0))
        assert ss["staffing"].tolist() == [0.5, 0.0]

    def test_without_response_or_load_nothing_moves(self) -> None:
        for response, load in ((0.0, [1.0, 0.1]), (0.5, [0.0, 0.0])):
            ss = sections([100, 300], [0.5, 1.5], load)
            posts.follow_need(ss, rule(posting_response=response))
            assert ss["staffing"].tolist() == [0.5, 1.5]


HIRE = dict(hire_share=0.3, hire_years=2.0, salary_rwf=60_000.0)


class TestHire:
    def test_by_hand(self) -> None:
        # 0.3 x 100,000 / 60,000 = 0.5 clinicians, half of the way a year
        sec = section(revenue_average=100_000.0)
        posts.hire(sec, rule(**HIRE))
        assert sec.own_posts == pytest.approx(0.25)
        posts.hire(sec, rule(**HIRE))
        assert sec.own_posts == pytest.approx(0.375)

    def test_only_where_bills_are_paid_on_time(self) -> None:
        for arrears, own in ((0.99, 0.25), (1.0, 0.0)):
            sec = section(revenue_average=100_000.0, arrears=arrears)
            posts.hire(sec, rule(**HIRE))
            assert sec.own_posts == pytest.approx(own)

    def test_falls_with_revenue_and_at_once_at_most(self) -> None:
        sec = section(revenue_average=20_000.0, own_posts=0.5)
        posts.hire(sec, rule(**{**HIRE, "hire_years": 0.5}))
        assert sec.own_posts == pytest.approx(0.1)

    def test_off(self) -> None:
        sec = section(revenue_average=100_000.0)
        posts.hire(sec, rule(**{**HIRE, "hire_share": 0.0}))
        posts.hire(sec, rule(**{**HIRE, "salary_rwf": 0.0}))
        assert sec.own_posts == 0.0


POST = dict(post_hazard=1.0, post_load=0.8, post_distance_km=4.0, distance_factor=1.0)


def place(load: float = 0.9, distances: tuple[float, ...] = (4.0, 8.0), **fields: float):
    hhs = households(len(distances) + 1)
    mms = record_table(Member, (len(distances) + 1, codes.MEMBER_SLOTS))
    for h, distance in enumerate(distances):
        template, members = household((30, 28), distance_km=distance)
        for name in template.dtype.names:
            if name != "ordinal":
                setattr(hhs[h], name, getattr(template, name))
        mms[h][:] = members
    hhs["alive"][-1] = 0
    hhs["distance_km"][-1] = 90.0
    ss, dd = record_table(Section, 1), record_table(District, 1)
    update(ss[0], number=3, end=len(hhs), load=load, distance_scale=1.0, **fields)
    return state(hhs, mms, ss, dd)


class TestHealthPost:
    def test_distances_shrink_with_the_number_of_facilities(self) -> None:
        s = place()
        sec, t = s.sections[0], tallies()
        # 6 km; then 6 / sqrt(2) = 4.24 km; then 6 / sqrt(3) = 3.46 km, which is near enough
        opened = [posts.open_post(s, sec, NOW, rule(**POST), fixed(), t) for _ in range(4)]
        assert opened == [True, True, False, False]
        assert t[codes.POSTS_OPENED] == 2
        assert sec.distance_scale == pytest.approx(1 / math.sqrt(3))
        np.testing.assert_allclose(
            s.households["distance_km"], [4 / math.sqrt(3), 8 / math.sqrt(3), 90.0], rtol=1e-6
        )

    def test_people_seek_care_more_readily(self) -> None:
        s = place()
        r = rule(**POST, seek_intercept=0.3, seek_distance=0.1)
        posts.open_post(s, s.sections[0], NOW, r, fixed(), tallies())
        assert s.households["odds_free"][0] == pytest.approx(math.exp(0.3 - 0.1 * 4 / math.sqrt(2)), rel=1e-6)
        assert s.households["odds_free"][2] == 0

    @pytest.mark.parametrize(
        ("load", "changes", "opens"),
        [
            (0.9, {}, True),
            (0.8, {}, False),
            (0.9, {"post_distance_km": 6.0}, False),
            (0.9, {"post_distance_km": 5.9}, True),
            (0.9, {"distance_factor": 0.6}, False),
            (0.9, {"post_hazard": 0.0}, False),
        ],
    )
    def test_where_care_is_far_and_wanting(self, load: float, changes: dict[str, float], opens: bool) -> None:
        s = place(load)
        assert posts.open_post(s, s.sections[0], NOW, rule(**POST | changes), fixed(), tallies()) == opens

    def test_by_keyed_chance(self) -> None:
        u = draws.uniform(KEY, 3, 0, draws.NOBODY, NOW, codes.DRAW_POST, 0)
        for hazard, opens in ((u * 0.99, False), (u * 1.01, True)):
            s = place()
            r = rule(**POST | {"post_hazard": hazard})
            assert posts.open_post(s, s.sections[0], NOW, r, fixed(), tallies()) == opens

    def test_nobody_lives_there(self) -> None:
        s = place(distances=())
        assert posts.mean_distance(s, s.sections[0], rule(**POST)) == 0.0
        assert not posts.open_post(s, s.sections[0], NOW, rule(**POST), fixed(), tallies())
