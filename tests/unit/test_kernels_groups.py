"""Money of associations: what families save, what is paid for them, and what lies with the lender."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import district, flows, gauges, groups, household, households, quick, rule, section, state

from cbhi.kernels import codes, notes, start
from cbhi.kernels import groups as associations
from cbhi.kernels.records import District, Member, Section, record_table
from cbhi.replicates import make_watch

R: dict[str, Any] = dict(group_savings=1, group_saving_rwf=433.4, buffer_months=0.25, group_pays_together=1)
WISHES = dict(standing=codes.STANDING_UNAFFORDABLE)


def save(premium: int = 4_000, rules: Any = None, **fields: Any) -> tuple[int, Any]:
    """Let one household go through the month's saving, its premium as given."""
    f, hhs = flows(), households(1)
    hhs[0], _ = household(**{"cash": 20_000, "income": 10_000, "group": 1, **WISHES, **fields})
    world = state(hhs, record_table(Member, (1, 1)), record_table(Section, 1), record_table(District, 1), 3)
    gg, hh = world.groups, hhs[0]
    gg.fund[2] = 50
    before, balance = int(hh.cash), int(hh.group_balance)
    prices = dict(premium_by_household=1, premium_middle_rwf=premium, household_covers=codes.MEMBER_SLOTS)
    start.put_savings_aside(
        world, 0, 1, section(group_first=1, group_end=3), rule(**{**R, **prices, **(rules or {})}),
        f, np.zeros(1, dtype=np.int64),
    )  # fmt: skip
    saved = before - int(hh.cash)
    assert (
        saved == f[codes.GROUP_SAVING] == f.sum() == int(gg.fund[2]) - 50 == int(hh.group_balance) - balance
    )
    assert gg.fund[:2].sum() == 0
    return saved, hh


class TestSaving:
    @pytest.mark.parametrize(
        ("fields", "saved"),
        [
            ({}, 433),
            ({"standing": 0, "standing_next": codes.STANDING_UNAFFORDABLE}, 433),
            # 2,500 is the buffer
            ({"cash": 2_700}, 200),
            ({"cash": 2_400}, 0),
            # until the balance is a year's premium
            ({"group_balance": 3_900}, 100),
            ({"group_balance": 4_000}, 0),
            # who does not wish owes what was paid for it, and no more
            ({"standing": codes.STANDING_PAID, "group_balance": -300}, 300),
            ({"standing": codes.STANDING_PAID}, 0),
            ({"standing": codes.STANDING_UNWILLING, "group_balance": -9_000}, 433),
            # paid for by the association last time
            ({"standing": codes.STANDING_PAID, "financed_by": codes.BY_GROUP, "paid_before": 1}, 433),
            ({"standing": codes.STANDING_PAID, "financed_by": codes.BY_GROUP}, 0),
            ({"standing": codes.STANDING_PAID, "financed_by": codes.BY_LOAN, "paid_before": 1}, 0),
            ({"formal": 1}, 0),
            ({"subsidised": 1}, 0),
            ({"group": codes.NO_GROUP}, 0),
        ],
    )
    def test_by_hand(self, fields: Any, saved: int) -> None:
        assert save(**fields)[0] == saved

    def test_what_the_watched_save_is_noted(self) -> None:
        hhs, watch = households(6), make_watch(4, 12)
        hhs["watched"] = [3, 0, 0, 1, 2, 0]
        savings, places = np.array([70, 60, 50, 40, 30]), np.array([2, 3])
        # the block begins at the second row
        notes.note_savings(watch, hhs, 1, 2, places, savings)
        assert watch.flows[:, codes.GROUP_SAVING].tolist() == [50, 40, 0, 0]
        assert watch.flows.sum() == 90

    def test_the_dead_save_nothing(self) -> None:
        assert save(alive=0)[0] == 0

    def test_spare_cash_is_above_the_buffer(self) -> None:
        hh, _ = household(cash=12_000, income=30_000)
        assert associations.spare_cash(hh, rule(buffer_months=0.25)) == 4_500

    @given(st.integers(0, 20_000), st.integers(-5_000, 5_000), st.integers(0, 9_000), st.floats(0, 5_000))
    @quick
    def test_saves_no_more_than_it_has_needs_or_agreed(
        self, cash: int, balance: int, premium: int, monthly: float
    ) -> None:
        saved, hh = save(premium, {"group_saving_rwf": monthly}, cash=cash, group_balance=balance)
        assert 0 <= saved <= max(0, min(cash - 2_500, premium - balance, monthly + 0.5))
        assert hh.cash >= 0


class TestPaying:
    @pytest.mark.parametrize(
        ("together", "need", "waiting", "lender", "limit"),
        [
            # 3,000 in the box and 2,000 with the lender
            (0, 99_000, 0, 9_000, 5_000),
            (0, 99_000, 0, 1_200, 4_200),
            # what others do not wait for
            (1, 0, 0, 9_000, 5_000),
            (1, 4_500, 0, 9_000, 500),
            (1, 4_500, 1_500, 9_000, 2_000),
            (1, 5_000, 1_500, 9_000, 1_500),
            (1, 5_001, 1_500, 9_000, 1_499),
            (1, 9_000, 1_500, 9_000, 0),
        ],
    )
    def test_limit_by_hand(self, together: int, need: int, waiting: int, lender: int, limit: int) -> None:
        gg = groups(2)
        gg.fund[1], gg.deposit[1], gg.need[1] = 3_000, 2_000, need
        sec, dist = section(group_first=1, group_end=2), district(lender_cash=lender, deposits=2_000)
        hh, _ = household(group=0)
        r = rule(**{**R, "group_pays_together": together})
        assert associations.group_limit(hh, sec, dist, gg, waiting, r) == limit
        assert associations.group_limit(hh, sec, dist, gg, waiting, rule(group_savings=0)) == 0
        outside, _ = household()
        assert associations.group_limit(outside, sec, dist, gg, waiting, r) == 0

    def test_all_who_wait_are_paid_for_once_there_is_enough(self) -> None:
        # three families need 4,000 together: with 3,999 none is paid for, with 4,000 all are, in any order
        for fund, paid in ((3_999, 0), (4_000, 3)):
            gg, sec, dist = groups(), section(group_end=1), district()
            gg.fund[0], gg.need[0] = fund, 4_000
            n = 0
            for own in (1_000, 2_500, 500):
                hh, _ = household(group=0)
                if own <= associations.group_limit(hh, sec, dist, gg, own, rule(**R)):
                    associations.pay_from_group(hh, sec, dist, gg, own, own, flows())
                    n += 1
            assert n == paid
            assert sec.fund == 4_000 - gg.fund[0] - (0 if paid else 1)

    def test_from_the_box_first_then_from_the_lender(self) -> None:
        gg, f = groups(), flows()
        gg.fund[0], gg.deposit[0], gg.need[0] = 300, 2_000, 1_000
        sec, dist = section(fund=10), district(lender_cash=5_000, deposits=7_000)
        hh, _ = household(group=0, group_balance=100, cash=7)
        associations.pay_from_group(hh, sec, dist, gg, 1_100, 800, f)
        assert (gg.fund[0], gg.deposit[0], gg.need[0]) == (0, 1_200, 200)
        assert (dist.lender_cash, dist.deposits) == (4_200, 6_200)
        assert (f[codes.GROUP_WITHDRAWAL], f[codes.GROUP_CONTRIBUTION], f.sum()) == (800, 1_100, 1_900)
        assert (sec.fund, hh.group_balance, hh.cash) == (1_110, -1_000, 7)
        associations.pay_from_group(hh, sec, dist, gg, 0, 0, f)
        assert f.sum() == 1_900


class TestDeposits:
    def test_to_the_lender_and_home_again(self) -> None:
        gg = groups(3)
        gg.fund[:] = [9, 700, 500]
        sec = section(group_first=1, group_end=3)
        # the lender's own money: 40
        dist = district(lender_open=1, lender_cash=40)
        r = rule(group_deposits=1)
        f = flows()
        associations.deposit_savings(sec, dist, gg, r, f)
        assert (gg.fund.tolist(), gg.deposit.tolist()) == ([9, 0, 0], [0, 700, 500])
        assert (dist.deposits, dist.lender_cash, f[codes.GROUP_DEPOSIT], f.sum()) == (
            1_200,
            1_240,
            1_200,
            1_200,
        )
        # the lender has lent most of it
        dist.lender_cash = 900
        f = flows()
        associations.deposit_savings(sec, dist, gg, rule(group_deposits=0), f)
        assert (gg.fund.tolist(), gg.deposit.tolist()) == ([9, 700, 200], [0, 0, 300])
        assert (dist.deposits, dist.lender_cash, f[codes.GROUP_WITHDRAWAL], f.sum()) == (300, 0, 900, 900)

    @pytest.mark.parametrize(
        ("books", "trusted"),
        [
            # 900 of deposits; cash and loans less deposits and borrowing
            ({"lender_cash": 901}, True),
            ({"lender_cash": 900}, False),
            ({"lender_cash": 500, "loans": 401}, True),
            ({"lender_cash": 500, "loans": 400}, False),
            ({"lender_cash": 5_000, "borrowing": 4_099}, True),
            ({"lender_cash": 5_000, "borrowing": 4_100}, False),
            ({"lender_cash": 0, "loans": 100}, False),
        ],
    )
    def test_only_with_a_lender_that_has_equity_left(self, books: dict[str, int], trusted: bool) -> None:
        gg, f = groups(3), flows()
        gg.fund[:], gg.deposit[:] = [10, 20, 30], [0, 600, 300]
        dist = district(lender_open=1, deposits=900, **books)
        cash = int(dist.lender_cash)
        associations.deposit_savings(section(group_end=3), dist, gg, rule(group_deposits=1), f)
        if trusted:
            assert (gg.fund.tolist(), gg.deposit.tolist()) == ([0, 0, 0], [10, 620, 330])
            assert (f[codes.GROUP_DEPOSIT], f.sum(), dist.lender_cash, dist.deposits) == (
                60,
                60,
                cash + 60,
                960,
            )
        else:
            # home as far as its cash goes, those who come first first
            home = [0, min(600, cash), min(300, max(0, cash - 600))]
            assert gg.fund.tolist() == [10, 20 + home[1], 30 + home[2]]
            assert gg.deposit.tolist() == [0, 600 - home[1], 300 - home[2]]
            assert f[codes.GROUP_WITHDRAWAL] == f.sum() == sum(home) == cash - dist.lender_cash
            assert dist.deposits == 900 - sum(home)

    def test_deposits_make_no_equity(self) -> None:
        # a lender with a franc of its own is trusted by every association, whatever the others brought
        gg, f = groups(2), flows()
        gg.fund[:] = 700
        dist = district(lender_open=1, lender_cash=1)
        for g in range(2):
            sec = section(group_first=g, group_end=g + 1)
            associations.deposit_savings(sec, dist, gg, rule(group_deposits=1), f)
        assert (dist.deposits, dist.lender_cash, gg.fund.sum()) == (1_400, 1_401, 0)
        dist.borrowing = 1
        associations.deposit_savings(section(group_end=2), dist, gg, rule(group_deposits=1), f)
        assert (dist.deposits, dist.lender_cash, gg.fund.tolist()) == (0, 1, [700, 700])

    def test_not_where_no_lender_is_open(self) -> None:
        gg, f = groups(), flows()
        gg.fund[0] = 700
        associations.deposit_savings(section(group_end=1), district(), gg, rule(group_deposits=1), f)
        assert (gg.fund[0], f.sum()) == (700, 0)

    def test_interest_by_hand(self) -> None:
        gg, f = groups(3), flows()
        gg.deposit[:] = [10_000, 599, 20_000]
        dist = district(lender_cash=100, deposits=30_599)
        associations.credit_deposit_interest(
            section(group_end=3), dist, gg, rule(lender_deposit_interest=0.06), f
        )
        # half a per cent: 50, 2.995 rounded down, and what is left of the lender's cash
        assert gg.fund.tolist() == [50, 2, 48]
        assert (dist.lender_cash, f[codes.DEPOSIT_INTEREST], f.sum()) == (0, 100, 100)
        assert dist.deposits == 30_599


def test_meetings_take_hours_where_associations_save() -> None:
    gg = groups(3)
    gg.households[:] = [100, 20, 5]
    for saves, hours in ((1, 62.5), (0, 0.0)):
        g = gauges()
        r = rule(group_savings=saves, group_meeting_hours=2.5)
        associations.count_meetings(section(group_first=1, group_end=3), gg, r, g)
        assert g[codes.GAUGE_MEETING_HOURS] == g.sum() == hours


def test_who_leaves_leaves_its_balance() -> None:
    gg = groups(2)
    gg.households[:], gg.fund[:] = 4, 100
    hh, _ = household(group=0, group_balance=60)
    associations.leave_group(hh, section(group_first=1), gg)
    assert (gg.households.tolist(), gg.fund.tolist(), hh.group_balance) == ([4, 3], [100, 100], 0)


EVENT = st.tuples(st.sampled_from(("save", "pay", "deposit", "home", "interest")), st.integers(0, 3_000))


@given(st.lists(EVENT, max_size=25), st.booleans())
@quick
def test_money_is_conserved_and_never_owed(events: Any, together: bool) -> None:
    gg, f = groups(), flows()
    sec, dist = section(group_end=1), district(lender_open=1, lender_cash=500)
    hh, _ = household(group=0, cash=30_000, income=0, **WISHES)
    for what, amount in events:
        r = rule(
            **{**R, "group_saving_rwf": float(amount), "group_pays_together": int(together)},
            group_deposits=int(what == "deposit"), lender_deposit_interest=0.5,
        )  # fmt: skip
        if what == "save":
            saving = associations.saving_of_month(hh, 10**6, amount, r)
            if saving > 0:
                associations.put_into_box(hh, sec, gg, saving)
                f[codes.GROUP_SAVING] += saving
        elif what == "pay" and amount <= associations.group_limit(hh, sec, dist, gg, 0, r):
            associations.pay_from_group(hh, sec, dist, gg, amount, 0, f)
        elif what in ("deposit", "home"):
            associations.deposit_savings(sec, dist, gg, r, f)
        elif what == "interest":
            associations.credit_deposit_interest(sec, dist, gg, r, f)
        assert min(hh.cash, gg.fund[0], gg.deposit[0], dist.lender_cash, dist.deposits) >= 0
        assert dist.deposits == gg.deposit[0]
    assert hh.cash + gg.fund[0] + dist.lender_cash + sec.fund == 30_500
    assert gg.fund[0] == (
        f[codes.GROUP_SAVING] + f[codes.GROUP_WITHDRAWAL] + f[codes.DEPOSIT_INTEREST]
        - f[codes.GROUP_DEPOSIT] - f[codes.GROUP_CONTRIBUTION]
    )  # fmt: skip
    assert dist.deposits == f[codes.GROUP_DEPOSIT] - f[codes.GROUP_WITHDRAWAL]
    assert hh.group_balance == f[codes.GROUP_SAVING] - f[codes.GROUP_CONTRIBUTION]
