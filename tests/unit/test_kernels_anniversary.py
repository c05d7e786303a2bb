"""The yearly events of a twelfth of households: nobody and nothing is lost."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from support import (
    NOW,
    by_quintile,
    fixed,
    flows,
    household,
    record_table,
    rule,
    settle_section,
    state,
    strata,
    tallies,
    work,
)

from cbhi.kernels import codes
from cbhi.kernels.anniversary import (
    count_catastrophic,
    list_anniversaries,
    pass_anniversaries,
    refresh_household,
    refresh_section,
)
from cbhi.kernels.draws import LANES
from cbhi.kernels.records import District, Household, Member, Section, State

N = 600


def village(limit: int = 2 * N, **changes: Any) -> State:
    ss = record_table(Section, 1)
    ss[0].number, ss[0].limit = 3, limit
    s = state(
        record_table(Household, limit),
        record_table(Member, (limit, codes.MEMBER_SLOTS)),
        ss,
        record_table(District, 1),
    )
    settle_section(s, 0, N, NOW - 1, rule(), fixed(**changes))
    return s


def year(s: State, r: Any, months: int = 12) -> tuple[Any, Any, Any]:
    f, t, q = flows(), tallies(), strata()
    for now in range(NOW, NOW + months):
        pass_anniversaries(s, s.sections[0], now, r, fixed(), work(1000), q, f, t)
    return f, t, q


class TestYear:
    @pytest.mark.parametrize("deaths", [1.0, 5.0])
    def test_people_cash_and_debt_are_conserved(self, deaths: float) -> None:
        s = village()
        s.households["debt"][:N] = 13
        people, cash, debt = (int(s.households[name].sum()) for name in ("n_members", "cash", "debt"))
        f, t, _ = year(s, rule(marriages=4.0, deaths=deaths))
        alive = s.households["alive"] == 1
        assert t[codes.HOUSEHOLDS_FORMED] > 10
        assert t[codes.DEATHS] > 10 < t[codes.BIRTHS]
        assert s.households["n_members"].astype(int).sum() == people + t[codes.BIRTHS] - t[codes.DEATHS]
        assert s.households["cash"].sum() == cash - f[codes.ESTATE]
        assert s.households["debt"].sum() == debt - t[codes.DEBT_WRITTEN_OFF]
        assert alive.sum() == N + t[codes.HOUSEHOLDS_FORMED] - t[codes.HOUSEHOLDS_DISSOLVED]
        assert (s.households["n_members"][alive] > 0).all()
        assert s.sections[0].end == N + t[codes.HOUSEHOLDS_FORMED]
        # members insured, by flags and by count
        slots = np.arange(codes.MEMBER_SLOTS)[None, :] < s.households["n_members"][:, None]
        assert ((s.members["enrolled"] * slots).sum(axis=1) == s.households["n_enrolled"])[alive].all()

    def test_without_room_nobody_moves(self) -> None:
        s = village(limit=N)
        _, t, _ = year(s, rule(marriages=4.0))
        assert t[codes.HOUSEHOLDS_FORMED] == 0
        assert t[codes.MARRIAGES_WITHOUT_ROOM] > 10
        assert s.sections[0].end == N

    def test_every_household_has_one_anniversary_a_year(self) -> None:
        s = village()
        s.households["out_of_pocket"][:N] = 10**9
        still = rule(marriages=0.0, births=0.0, deaths=0.0, chronic_onset=0.0)
        size = s.households["n_members"][:N].astype(int)
        for now in range(NOW, NOW + 12):
            before = s.households["out_of_pocket"][:N].copy()
            t, q = tallies(), strata()
            pass_anniversaries(s, s.sections[0], now, still, fixed(), work(1000), q, flows(), t)
            changed = before != s.households["out_of_pocket"][:N]
            np.testing.assert_array_equal(changed, (3 + np.arange(N)) % 12 == now % 12)
            assert (
                t[codes.CATASTROPHIC] == size[changed].sum() == by_quintile(q)[:, codes.S_CATASTROPHIC].sum()
            )
        assert (s.households["out_of_pocket"] == 0).all()

    def test_catastrophic_is_a_tenth_of_consumption(self) -> None:
        still = rule(marriages=0.0, births=0.0, deaths=0.0)
        for over, expected in ((0, 0), (1, 1)):
            s = village()
            # annual consumption of 12 x 10,000: the line is at 12,000
            s.households["income"][:N] = 10_000
            s.households["out_of_pocket"][:N] = 12_000 + over
            _, t, _ = year(s, still)
            assert t[codes.CATASTROPHIC] == expected * s.households["n_members"][:N].astype(int).sum()

    @pytest.mark.parametrize(
        ("percent", "tenth", "quarter"), [(9, 0, 0), (15, 1, 0), (24, 1, 0), (26, 1, 1), (30, 1, 1)]
    )
    def test_both_lines_of_one_household(self, percent: int, tenth: int, quarter: int) -> None:
        # a year's consumption is 120,000
        hh, _ = household((40, 35, 10), income=10_000, out_of_pocket=1_200 * percent)
        t, q = tallies(), np.zeros(codes.N_STRATUM_TALLIES, dtype=np.int64)
        count_catastrophic(hh, q, t)
        assert t[codes.CATASTROPHIC] == q[codes.S_CATASTROPHIC] == 3 * tenth
        assert t[codes.CATASTROPHIC_25] == q[codes.S_CATASTROPHIC_25] == 3 * quarter
        assert t[codes.AT_ANNIVERSARY] == q[codes.S_AT_ANNIVERSARY] == 3

    def test_consumption_moves_around_the_district(self) -> None:
        s = village()
        before = s.households["z"][:N].copy()
        year(s, rule(marriages=0.0, births=0.0, deaths=0.0))
        after = s.households["z"][:N]
        fx = fixed()
        residual = after - fx.persistence * before
        assert abs(residual.mean()) < 4 * residual.std() / N**0.5
        assert residual.std() == pytest.approx(
            fx.within_sd * (1 - fx.persistence**2) ** 0.5, rel=4 / (2 * N) ** 0.5
        )

    def test_rates_and_income_are_up_to_date(self) -> None:
        s = village()
        year(s, rule(marriages=3.0))
        for h in range(int(s.sections[0].end)):
            hh = s.households[h]
            if not hh.alive or (3 + h) % 12 != (NOW + 11) % 12:
                continue
            stored = float(hh.rate_other), int(hh.income)
            refresh_household(hh, s.members[h], NOW + 11, rule(), fixed())
            assert (float(hh.rate_other), int(hh.income)) == stored


class TestWhoseMonthItIs:
    @pytest.mark.parametrize("gap", [False, True])
    def test_by_ordinal_whatever_a_supplied_population_leaves_out(self, gap: bool) -> None:
        s = village()
        for now in range(NOW, NOW + 12):
            pass_anniversaries(
                s, s.sections[0], now, rule(marriages=4.0), fixed(), work(1000), strata(), flows(), tallies()
            )
        sec = s.sections[0]
        founders = np.arange(N)
        if gap:
            # the ordinals 100 to 106 do not occur
            s.households["ordinal"][:N] = founders + np.where(founders >= 100, 7, 0)
        s.households["alive"][30:40] = 0
        assert sec.founded > 20
        seen: list[int] = []
        for now in range(NOW, NOW + 12):
            rows = np.zeros(1000, dtype=np.int64)
            n = list_anniversaries(s.households, sec, now, rows)
            assert (np.diff(rows[:n]) > 0).all()
            assert ((3 + s.households["ordinal"][rows[:n]]) % 12 == now % 12).all()
            seen.extend(rows[:n].tolist())
        alive = np.flatnonzero(s.households["alive"][: int(sec.end)])
        assert sorted(seen) == alive.tolist()

    def test_no_founders_at_all(self) -> None:
        s = village()
        s.sections[0].end = s.sections[0].first
        rows = np.zeros(8, dtype=np.int64)
        assert [list_anniversaries(s.households, s.sections[0], NOW + m, rows) for m in range(12)] == [0] * 12


class TestManyAtOnce:
    def test_the_same_as_one_at_a_time(self) -> None:
        one, many = village(), village()
        r = rule(formal_share=0.04, fee_outpatient_rwf=3_000.0, mean_consumption_rwf=90_000.0)
        for s in (one, many):
            s.households["alive"][5:9] = 0
            s.households["formal_score"][::7] = 0.01
        assert N > LANES
        refresh_section(many, many.sections[0], NOW + 5, r, fixed(), work(1000))
        for h in range(N):
            if one.households[h].alive:
                refresh_household(one.households[h], one.members[h], NOW + 5, r, fixed())
        assert (one.households["formal"][:N] == 1).sum() > 50
        for name in one.households.dtype.names:
            np.testing.assert_array_equal(one.households[name], many.households[name], err_msg=name)


class TestFormal:
    COVERED: ClassVar = dict(
        cover_from=NOW - 3, cover_until=NOW + 9, standing=codes.STANDING_PAID, wish=0.7, paid_before=1,
        subsidised=1, formal_score=0.04, n_enrolled=4, m_enrolled=[1] * 4,
    )  # fmt: skip

    def test_formal_cover_replaces_membership(self) -> None:
        hh, mm = household(**self.COVERED)
        refresh_household(hh, mm, NOW, rule(formal_share=0.05), fixed())
        assert (hh.formal, hh.cover_until, hh.standing, hh.paid_before, hh.subsidised) == (1, NOW, 0, 0, 0)

    def test_below_the_share_of_the_year_only(self) -> None:
        hh, mm = household(**self.COVERED)
        refresh_household(hh, mm, NOW, rule(formal_share=0.03), fixed())
        assert (hh.formal, hh.cover_until, hh.standing) == (0, NOW + 9, codes.STANDING_PAID)

    def test_a_lost_job_ends_it(self) -> None:
        hh, mm = household(formal=1, formal_score=0.04)
        refresh_household(hh, mm, NOW, rule(formal_share=0.0), fixed())
        assert hh.formal == 0
