"""Counting at the end of a month, against numpy; and renewal, case by case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import (
    NOW,
    by_quintile,
    calendar,
    gauges,
    household,
    households,
    record_table,
    section,
    state,
    strata,
    tallies,
)

from cbhi.kernels import codes
from cbhi.kernels.measure import close_membership_year, measure_section, take_opening_stocks
from cbhi.kernels.records import District, Member, Section

LAPSES = (
    codes.LAPSE_INATTENTIVE, codes.LAPSE_SUBSIDY_LOST, codes.LAPSE_UNAFFORDABLE, codes.LAPSE_UNWILLING
)  # fmt: skip


class TestRenewal:
    @pytest.mark.parametrize(
        ("fields", "counted"),
        [
            ({"cover_until": NOW + 1}, codes.RENEWALS),
            ({}, codes.LAPSE_INATTENTIVE),
            ({"standing": codes.STANDING_UNAFFORDABLE}, codes.LAPSE_UNAFFORDABLE),
            ({"standing": codes.STANDING_UNWILLING}, codes.LAPSE_UNWILLING),
            ({"standing": codes.STANDING_UNWILLING, "subsidised_before": 1}, codes.LAPSE_SUBSIDY_LOST),
            (
                {"standing": codes.STANDING_UNWILLING, "subsidised_before": 1, "subsidised": 1},
                codes.LAPSE_UNWILLING,
            ),
        ],
    )
    def test_who_was_due(self, fields: dict[str, int], counted: int) -> None:
        t = tallies()
        close_membership_year(household(paid_before=1, **fields)[0], NOW, strata()[0], t)
        assert (t[codes.RENEWALS_DUE], t[counted], t.sum()) == (1, 1, 2)

    def test_nobody_is_due_who_was_not_paid_up(self) -> None:
        t = tallies()
        hh, _ = household(cover_until=NOW + 1)
        close_membership_year(hh, NOW, strata()[0], t)
        assert t.sum() == 0
        assert hh.paid_before == 1

    def test_the_next_year_becomes_this_one(self) -> None:
        hh, _ = household(
            cover_until=NOW + 13, standing=codes.STANDING_PAID, standing_next=codes.STANDING_PAID, wish=0.2,
            wish_next=0.9, subsidised=1,
        )  # fmt: skip
        close_membership_year(hh, NOW, strata()[0], tallies())
        assert (hh.standing, hh.standing_next, hh.subsidised_before) == (codes.STANDING_PAID, 0, 1)
        assert float(hh.wish) == pytest.approx(0.9)
        assert hh.wish_next == 0

    def test_rolling_cover_runs_on(self) -> None:
        hh, _ = household(cover_until=NOW + 5, standing=codes.STANDING_PAID, wish=0.2)
        close_membership_year(hh, NOW, strata()[0], tallies())
        assert (hh.standing, float(hh.wish)) == (codes.STANDING_PAID, pytest.approx(0.2))


def village() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    n = 200
    hhs = households(n)
    hhs["alive"] = rng.random(n) < 0.9
    hhs["n_members"] = rng.integers(1, 9, n)
    hhs["n_enrolled"] = rng.integers(0, hhs["n_members"] + 1)
    hhs["cover_from"] = NOW - 5
    hhs["cover_until"] = rng.choice([0, NOW - 12, NOW - 11, NOW, NOW + 1, NOW + 7], n)
    hhs["formal"] = rng.random(n) < 0.1
    hhs["cover_until"][hhs["formal"] == 1] = 0
    hhs["quintile"] = rng.integers(0, 5, n)
    hhs["category"] = rng.integers(0, 3, n)
    hhs["subsidised"] = rng.random(n) < 0.3
    hhs["sponsored"] = rng.random(n) < 0.6
    hhs["group"] = rng.integers(-1, 3, n)
    hhs["cash"], hhs["debt"] = rng.integers(0, 1000, n), rng.integers(0, 100, n)
    hhs["loan"], hhs["loan_interest"] = rng.integers(0, 500, n), rng.integers(0, 50, n)
    mms = record_table(Member, (n, codes.MEMBER_SLOTS))
    mms["sex"] = rng.integers(0, 2, mms.shape)
    mms["chronic"] = rng.random(mms.shape) < 0.1
    mms["enrolled"] = np.arange(codes.MEMBER_SLOTS)[None, :] < hhs["n_enrolled"][:, None]
    return hhs, mms


def measured(closes: int = 1, opens: int = 0) -> tuple[Any, ...]:
    hhs, mms = village()
    sec = section(
        end=hhs.size, group_end=3, trust=0.25, quality=0.5, stock=0.75, load=0.8, wait_hours=2.0, arrears=1.5,
        opens=opens, capacity=0.3, effort=0.7, premium_factor=1.2, blame=0.1, own_posts=1.5,
    )  # fmt: skip
    s = state(hhs, mms, record_table(Section, 1), record_table(District, 1), n_groups=5)
    s.groups.fund[:] = [10, 20, 30, 1_000, 1_000]
    s.groups.deposit[:] = [1, 2, 3, 100, 100]
    t, g, q, stocks = tallies(), gauges(), strata(), np.zeros(codes.N_STOCKS, dtype=np.int64)
    measure_section(s, sec, NOW, calendar(closes=closes), q, stocks, t, g)
    return hhs, mms, sec, s, t, g, q, stocks


class TestSection:
    def test_people(self) -> None:
        hhs, _, sec, s, t, _, _, _ = measured()
        alive = hhs["alive"] == 1
        n = hhs["n_members"].astype(int) * alive
        formal = hhs["formal"] == 1
        paid_up = (hhs["cover_until"] > NOW) & ~formal
        paid = hhs["n_enrolled"].astype(int) * alive * paid_up
        recent = alive & ~formal & (hhs["cover_until"] > 0) & (hhs["cover_until"] >= NOW - 11)
        slots, poor = hhs["subsidised"] == 1, hhs["category"] == codes.POOREST
        expected = {
            codes.PERSONS: n.sum(),
            codes.PERSONS_OPEN: n.sum(),
            codes.HOUSEHOLDS_ALIVE: alive.sum(),
            codes.PERSONS_FORMAL: n[formal].sum(),
            codes.PAID: paid.sum(),
            codes.RECENT_MEMBERS: n[recent].sum(),
            codes.SLOTS: n[slots].sum(),
            codes.SUBSIDISED_PAID: paid[slots & (hhs["sponsored"] == 1)].sum(),
            codes.POOR: n[poor].sum(),
            codes.POOR_PAID: paid[poor].sum(),
            codes.POOR_SLOTS: n[poor & slots].sum(),
        }
        for code, value in expected.items():
            assert t[code] == value > 0, codes.TALLIES[code]
        assert sec.persons == n.sum()
        assert sec.member_share == pytest.approx(recent.sum() / (alive & ~formal).sum())
        eligible = alive & ~formal
        counted = [int((eligible & (hhs["group"] == k)).sum()) for k in range(3)]
        # the last two groups are another section's
        assert s.groups.eligible.tolist() == [*counted, 0, 0]
        counted = [int((recent & (hhs["group"] == k)).sum()) for k in range(3)]
        assert s.groups.recent.tolist() == [*counted, 0, 0]

    def test_before_its_scheme_opens(self) -> None:
        assert measured(opens=NOW + 1)[4][codes.PERSONS_OPEN] == 0
        assert measured(opens=NOW)[4][codes.PERSONS_OPEN] > 0

    def test_members_are_counted_when_the_period_closes(self) -> None:
        hhs, mms, _, _, t, _, q, _ = measured()
        there = (np.arange(codes.MEMBER_SLOTS)[None, :] < hhs["n_members"][:, None]) & (hhs["alive"] == 1)[
            :, None
        ]
        women = there & (mms["sex"] == codes.FEMALE)
        paid_up = ((hhs["cover_until"] > NOW) & (hhs["formal"] == 0))[:, None]
        assert t[codes.WOMEN] == women.sum()
        assert t[codes.WOMEN_INSURED] == (women & paid_up & (mms["enrolled"] == 1)).sum()
        assert t[codes.CHRONIC] == (there & (mms["chronic"] == 1)).sum()
        n = there.sum(axis=1)
        np.testing.assert_array_equal(
            by_quintile(q)[:, codes.S_PERSONS], np.bincount(hhs["quintile"], n, minlength=5)
        )
        for column, code in (
            (codes.S_PAID, codes.PAID), (codes.S_FORMAL, codes.PERSONS_FORMAL), (codes.S_SLOTS, codes.SLOTS)
        ):  # fmt: skip
            assert q[:, column].sum() == t[code]
        _, _, _, _, t, _, q, _ = measured(closes=0)
        assert t[codes.WOMEN] == 0
        # people of the month are counted at its start, everything else by stratum at the close
        assert q.sum() == 0

    def test_gauges_are_weighted_by_persons(self) -> None:
        _, _, sec, _, _, g, _, _ = measured()
        for code, value in (
            (codes.GAUGE_TRUST, 0.25), (codes.GAUGE_QUALITY, 0.5), (codes.GAUGE_STOCK, 0.75),
            (codes.GAUGE_LOAD, 0.8), (codes.GAUGE_WAIT, 2.0), (codes.GAUGE_ARREARS, 1.5),
            (codes.GAUGE_ADMIN_CAPACITY, 0.3), (codes.GAUGE_EFFORT, 0.7), (codes.GAUGE_PREMIUM_FACTOR, 1.2),
            (codes.GAUGE_BLAME, 0.1),
        ):  # fmt: skip
            assert g[code] == pytest.approx(value * sec.persons)
        # own clinicians are a number already
        assert g[codes.GAUGE_OWN_CLINICIANS] == 1.5

    @pytest.mark.parametrize("closes", [0, 1])
    def test_the_poorest_two_fifths_are_counted_every_month(self, closes: int) -> None:
        hhs, _, _, _, t, _, _, _ = measured(closes=closes)
        n = hhs["n_members"].astype(int) * (hhs["alive"] == 1)
        low = hhs["quintile"] < 2
        with_slot = low & (hhs["subsidised"] == 1)
        assert t[codes.BOTTOM40] == n[low].sum()
        assert 0 < t[codes.BOTTOM40_SLOTS] == n[with_slot].sum() < t[codes.SLOTS]

    def test_loans_and_savings_are_read_from_the_state(self) -> None:
        hhs, _, _, _, _, _, _, stocks = measured()
        alive = hhs["alive"] == 1
        assert stocks[codes.STOCK_LOANS] == hhs["loan"][alive].sum() > 0
        assert stocks[codes.STOCK_LOAN_INTEREST] == hhs["loan_interest"][alive].sum() > 0
        # boxes and deposits of the section's three associations
        assert (stocks[codes.GROUPS], stocks[codes.STOCK_GROUP_DEPOSITS]) == (60, 6)

    def test_stocks_are_read_from_the_state(self) -> None:
        hhs, _, _, s, _, _, _, stocks = measured()
        alive = hhs["alive"] == 1
        assert stocks[codes.HOUSEHOLDS] == hhs["cash"][alive].sum()
        assert stocks[codes.STOCK_DEBT] == hhs["debt"][alive].sum()
        s.sections[0].end = hhs.size
        opening = np.zeros((1, codes.N_STOCKS), dtype=np.int64)
        take_opening_stocks(s, opening)
        # before the first month nobody lends or saves with others
        partners = (
            codes.GROUPS, codes.STOCK_GROUP_DEPOSITS, codes.STOCK_LOANS, codes.STOCK_LOAN_INTEREST
        )  # fmt: skip
        stocks[list(partners)] = 0
        assert opening[0].tolist() == stocks.tolist()
        assert sum(LAPSES) > 0
