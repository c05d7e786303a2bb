"""Income, consumption and cash of one household, by hand and in distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, flows, household, households, live_a_month, quick, rule, within_4_se

from cbhi.kernels import codes, income, notes
from cbhi.kernels.draws import normal_quantile
from cbhi.replicates import make_watch


class TestLevels:
    def test_children_count_less(self) -> None:
        assert income.adult_equivalents(2, 3) == pytest.approx(3.8)
        assert income.adult_equivalents(0, 0) == 0

    @given(st.lists(st.integers(170, 190), min_size=1, max_size=codes.MEMBER_SLOTS), st.integers(0, 12))
    @quick
    def test_children_are_those_under_fifteen_however_they_are_counted(
        self, months: list[int], n: int
    ) -> None:
        # slots behind the last member hold others, who do not count
        n = min(n, len(months))
        hh, mm = household([age / 12 for age in months], n_members=n)
        expected = sum(age < 180 for age in months[:n])
        assert income.count_children(hh, mm, NOW) == expected
        for slots in {n, max(n, 8), codes.MEMBER_SLOTS}:
            assert income.children_in_slots(mm, n, slots, NOW) == expected

    def test_mean_income_is_the_mean(self) -> None:
        # midpoint rule over the distribution: the lognormal is parametrised by its mean
        z = [normal_quantile((i + 0.5) / 20_000) for i in range(20_000)]
        mean = np.mean([income.monthly_income(120_000.0, 0.932, x, 3.0) for x in z])
        assert mean == pytest.approx(120_000 * 3 / 12, rel=3e-3)

    def test_by_hand(self) -> None:
        assert income.monthly_income(240_000.0, 0.0, 1.7, 2.6) == 52_000
        assert income.monthly_income(120_000.0, 0.5, 0.25, 1.0) == 10_000


class TestPosition:
    def test_variance_stays_one(self) -> None:
        # many households, each from the stationary distribution of its district, over twenty years
        rng = np.random.default_rng(0)
        n, within, persistence, level = 8000, math.sqrt(0.9), 0.8, 0.4
        z = level + within * rng.standard_normal(n)
        first = z.copy()
        for year in range(20):
            z = np.array(
                [
                    income.next_position(x, level, persistence, within, e)
                    for x, e in zip(z, rng.standard_normal(n), strict=True)
                ]
            )
            if year == 0:
                lag = np.corrcoef(first, z)[0, 1]
                assert lag == pytest.approx(persistence, abs=4 * (1 - persistence**2) / math.sqrt(n))
        assert within_4_se(z, level)
        assert z.var() == pytest.approx(within**2, abs=4 * within**2 * math.sqrt(2 / n))

    def test_limits(self) -> None:
        assert income.next_position(1.3, 0.2, 0.0, 0.9, 2.0) == pytest.approx(0.2 + 1.8)
        assert income.next_position(1.3, 0.2, 0.8, 0.0, 2.0) == pytest.approx(0.2 + 0.8 * 1.1)


class TestMonth:
    @given(
        st.integers(0, 10**7),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.floats(0.2, 2),
        st.floats(1e-9, 1 - 1e-9),
        st.booleans(),
    )
    @quick
    def test_the_identity_of_cash(
        self, cash: int, debt: int, base: int, harvest: float, u: float, formal: bool
    ) -> None:
        r = rule(shock_sd=0.5, season=1.2, buffer_months=0.25, consumption_share=0.8, repayment_share=0.3)
        hh, _ = household(cash=cash, debt=debt, income=base, formal=int(formal))
        f = flows()
        contribution = live_a_month(hh, r, harvest, u, f)
        assert hh.cash >= 0
        assert 0 <= hh.debt <= debt
        assert hh.cash == (
            cash
            + f[codes.INCOME]
            - f[codes.FORMAL_CONTRIBUTION]
            - f[codes.INFORMAL_REPAYMENT]
            - f[codes.CONSUMPTION]
        )
        assert debt - hh.debt == f[codes.INFORMAL_REPAYMENT]
        assert contribution == f[codes.FORMAL_CONTRIBUTION]
        assert (contribution > 0) <= formal
        assert f.min() >= 0

    def test_by_hand(self) -> None:
        r = rule(
            shock_sd=0.0, season=1.25, buffer_months=0.5, consumption_share=0.6, repayment_share=0.1,
            formal_contribution_share=0.1,
        )  # fmt: skip
        hh, _ = household(cash=4_000, debt=100_000, income=20_000, formal=1)
        f = flows()
        assert live_a_month(hh, r, 0.8, 0.3, f) == 2_000
        # 4,000 + 20,000 - 2,000 = 22,000; 12,000 above the buffer; 1,200 repays; 6,480 is consumed
        assert (hh.cash, hh.debt) == (14_320, 98_800)
        assert f[codes.CONSUMPTION] == 6_480

    def test_debt_is_never_overpaid(self) -> None:
        hh, _ = household(cash=1_000_000, debt=7, income=10_000)
        live_a_month(hh, rule(repayment_share=1.0), 1.0, 0.5, flows())
        assert hh.debt == 0

    def test_nobody_below_the_buffer_consumes(self) -> None:
        hh, _ = household(cash=0, debt=500, income=10_000)
        f = flows()
        live_a_month(hh, rule(shock_sd=0.0, season=1.0, buffer_months=1.5), 1.0, 0.5, f)
        assert (hh.cash, hh.debt, f[codes.CONSUMPTION]) == (10_000, 500, 0)

    def test_shock_has_the_sd_asked_for(self) -> None:
        r = rule(shock_sd=0.3, season=1.0)
        seen = []
        for i in range(2000):
            hh, _ = household(income=100_000)
            f = flows()
            live_a_month(hh, r, 1.0, (i + 0.5) / 2000, f)
            seen.append(f[codes.INCOME] / 100_000)
        assert np.mean(seen) == pytest.approx(1.0, abs=1e-4)
        assert np.std(seen) == pytest.approx(0.3, rel=1e-3)

    def test_the_widest_shock_allowed_leaves_income_positive(self) -> None:
        hh, _ = household(income=100_000)
        f = flows()
        live_a_month(hh, rule(shock_sd=0.57, season=1.0), 1.0, 1e-12, f)
        assert f[codes.INCOME] > 0


class TestBlock:
    """A block in one pass: as one by one, the dead left as they are, and the watched noted."""

    def test_as_one_by_one(self) -> None:
        r = rule(
            shock_sd=0.4, season=1.1, buffer_months=0.5, consumption_share=0.7, premium_saving_share=0.5,
            repayment_share=0.2, formal_contribution_share=0.05,
        )  # fmt: skip
        rng = np.random.default_rng(4)
        hhs = households(40)
        hhs["cash"], hhs["debt"] = rng.integers(0, 60_000, 40), rng.integers(0, 9_000, 40)
        hhs["income"], hhs["formal"] = rng.integers(0, 90_000, 40), rng.integers(0, 2, 40)
        hhs["alive"] = np.arange(40) % 5 != 0
        hhs["standing"] = rng.choice([codes.STANDING_PAID, codes.STANDING_UNAFFORDABLE], 40)
        hhs["standing_next"] = rng.choice([codes.STANDING_PAID, codes.STANDING_UNAFFORDABLE], 40)
        u = rng.random(40)
        before, f, alone = hhs.copy(), flows(), flows()
        # rows 5 to 34; draws count from the first of them
        contributed = income.live_through(hhs, 5, 30, 0.9, u, r, f)
        expected = 0
        for h in range(40):
            hh = before[h].copy()
            if 5 <= h < 35 and hh.alive:
                expected += live_a_month(hh, r, 0.9, u[h - 5], alone)
                assert (hh.cash, hh.debt) != (before[h].cash, before[h].debt)
            assert (hhs[h].cash, hhs[h].debt) == (hh.cash, hh.debt)
        assert contributed == expected > 0
        assert f.tolist() == alone.tolist()
        assert f[codes.INFORMAL_REPAYMENT] > 0

    def test_the_watched_are_noted_as_they_live(self) -> None:
        r = rule(
            shock_sd=0.4, season=1.1, buffer_months=0.5, consumption_share=0.7, repayment_share=0.2,
            formal_contribution_share=0.05,
        )  # fmt: skip
        rng = np.random.default_rng(5)
        hhs, watch, u = households(40), make_watch(9, 12), rng.random(30)
        hhs["cash"], hhs["debt"] = rng.integers(20_000, 60_000, 40), rng.integers(500, 9_000, 40)
        hhs["income"], hhs["formal"] = rng.integers(500, 9_000, 40), np.arange(40) % 2
        # row 2 is not in the block, row 9 is gone
        for place, h in enumerate([2, 8, 9, 17, 34]):
            hhs[h].watched = place + 1
        hhs[9].alive = 0
        places = np.zeros(64, dtype=np.int64)
        n = notes.list_watched(hhs, 5, 30, places)
        assert (5 + places[:n]).tolist() == [8, 17, 34]
        before = hhs.copy()
        notes.note_cash(watch, hhs, 5, n, places, 0.9, u, r)
        # nothing has happened yet
        assert (hhs["cash"] == before["cash"]).all()
        for place, h in ((1, 8), (3, 17), (4, 34)):
            alone = flows()
            live_a_month(hhs[h], r, 0.9, u[h - 5], alone)
            assert watch.flows[place].tolist() == alone.tolist()
            assert alone[codes.INFORMAL_REPAYMENT] > 0
        assert watch.flows[[0, 2, 5]].sum() == 0
        assert watch.flows[:, codes.FORMAL_CONTRIBUTION].nonzero()[0].tolist() == [3]

    def test_who_hopes_for_next_years_cover_saves_too(self) -> None:
        r = rule(
            shock_sd=0.0, season=1.0, buffer_months=0.5, consumption_share=0.8, premium_saving_share=0.4,
            repayment_share=0.0,
        )  # fmt: skip
        f = flows()
        hh, _ = household(cash=10_000, income=20_000, standing_next=codes.STANDING_UNAFFORDABLE)
        live_a_month(hh, r, 1.0, 0.5, f)
        assert f[codes.CONSUMPTION] == 9_600


class TestPaying:
    @given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 24))
    @quick
    def test_what_can_be_raised_can_be_paid(self, cash: int, debt: int, amount: int, cap: int) -> None:
        r = rule(debt_cap_months=float(cap))
        hh, _ = household(cash=cash, debt=debt, income=10_000)
        can = income.can_raise(hh, amount, r)
        assert can == (amount <= cash + max(0, 10_000 * cap - debt))
        if can:
            f = flows()
            income.pay_from_cash_or_debt(hh, amount, f)
            assert hh.cash >= 0
            assert cash - hh.cash + f[codes.INFORMAL_LOAN] == amount
            assert hh.debt == debt + f[codes.INFORMAL_LOAN]
            assert hh.debt <= max(debt, 10_000 * cap)
            # nobody borrows who has the money
            assert f[codes.INFORMAL_LOAN] == max(0, amount - cash)
