"""Pooling, payment, arrears, and what happens to deficits: by hand, and nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import district, flows, quick, record_table, rule, section, tallies

from cbhi.kernels import codes, fund
from cbhi.kernels.records import District, Section

CARRY = codes.DEFICIT_RULES.index("carry")


class TestShareOut:
    def test_by_hand(self) -> None:
        sec, dist, f = section(fund=10_000), district(pool=5), flows()
        fund.share_out(sec, dist, 4_333, rule(admin_share=0.12, pool_share=0.2), f)
        # 519.96 rounds to 520; 866.6 is cut to 866
        assert (f[codes.ADMINISTRATION], f[codes.POOL_SHARE]) == (520, 866)
        assert (sec.fund, dist.pool) == (10_000 - 520 - 866, 871)

    @given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
    @quick
    def test_never_on_credit(self, money: int, income: int, admin: float, pool: float) -> None:
        sec, dist, f = section(fund=money), district(), flows()
        fund.share_out(sec, dist, income, rule(admin_share=admin, pool_share=pool), f)
        assert sec.fund >= 0
        assert sec.fund + dist.pool + f[codes.ADMINISTRATION] == money
        assert dist.pool == f[codes.POOL_SHARE]


class TestPayment:
    @pytest.mark.parametrize(
        ("payables", "money", "share", "paid"),
        [
            (1_000, 10_000, 0.6, 600),
            (1_000, 500, 0.6, 500),
            (1, 10, 0.5, 1),  # 0.5 is rounded up, so that nothing is carried for ever
            (3, 10, 0.1, 1),
            (1_000, 10_000, 0.0, 0),
            (1_000, 10_000, 1.0, 1_000),
            (0, 10_000, 0.6, 0),
            (1_000, 0, 1.0, 0),
        ],
    )
    def test_by_hand(self, payables: int, money: int, share: float, paid: int) -> None:
        assert fund.payment(payables, money, share) == paid

    @given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1))
    @quick
    def test_bounds(self, payables: int, money: int, share: float) -> None:
        paid = fund.payment(payables, money, share)
        assert 0 <= paid <= min(payables, money)
        if money >= payables:
            assert payables * share - 1e-3 <= paid <= payables * share + 1.001

    @pytest.mark.parametrize(
        ("payables", "average", "share", "months"),
        [
            (0, 0.0, 0.5, 0.0),
            (3_000, 1_500.0, 1.0, 2.0),
            # half is paid each month: one month's delay is processing, no arrears
            (3_000, 1_500.0, 0.5, 1.0),
            (1_500, 1_500.0, 0.5, 0.0),
            (1_000, 1_500.0, 0.5, 0.0),
            (10**9, 1_500.0, 0.6, 60.0),
            (5, 0.0, 1.0, 5.0),
            (3_000, 1_500.0, 0.0, 2.0),
        ],
    )
    def test_arrears(self, payables: int, average: float, share: float, months: float) -> None:
        assert fund.months_of_arrears(payables, average, share) == pytest.approx(months)


class TestAverage:
    def test_starts_at_the_first_claims_and_then_follows_slowly(self) -> None:
        assert fund.moving_average(0.0, 0) == 0.0
        assert fund.moving_average(0.0, 700) == 700.0
        assert fund.moving_average(1_000.0, 2_000) == pytest.approx(1_150.0)


def settle(sec: Any, approved: int, r: Any, dist: Any = None) -> tuple[Any, Any]:
    f, t = flows(), tallies()
    fund.settle_section_claims(sec, dist if dist is not None else district(), approved, r, f, t)
    return f, t


class TestSection:
    def test_a_month_by_hand(self) -> None:
        sec = section(fund=5_000, payables=1_000, claims_average=2_000.0, health_centre_cash=7)
        f, _ = settle(sec, 3_000, rule(processing_share=0.5))
        assert (sec.fund, sec.payables, sec.health_centre_cash) == (3_000, 2_000, 2_007)
        assert f[codes.CLAIMS_OUTPATIENT] == 2_000
        assert sec.claims_average == pytest.approx(2_150)
        assert sec.arrears == 0.0
        settle(sec, 9_000, rule(processing_share=0.5))
        # 11,000 due, 3,000 left to pay with: 8,000 over a mean of 3,177.5, less one month of processing
        assert sec.arrears == pytest.approx(8_000 / 3_177.5 - 1)

    def test_steady_claims_and_ample_money_settle_at_littles_law(self) -> None:
        # each month pays a share p of stock and new claims: stock = c (1 - p) / p, which is no arrears
        sec = section(fund=10**9)
        for _ in range(200):
            settle(sec, 10_000, rule(processing_share=0.4))
        assert sec.payables == pytest.approx(15_000, abs=2)
        assert sec.arrears == pytest.approx(0.0, abs=1e-3)

    def stressed(self, months: int, deficit: int, **changes: Any) -> list[tuple[int, int, float]]:
        sec = section(claims_average=1_000.0, payables=3_500)
        r = rule(**{"deficit_rule": deficit, "arrears_limit_months": 3.0, "processing_share": 1.0, **changes})
        out = []
        for _ in range(months):
            f, _ = settle(sec, 1_000, r)
            out.append((int(f[codes.BAIL_OUT_SECTION]), int(sec.suspended), float(sec.arrears)))
            assert f[codes.CLAIMS_OUTPATIENT] == f[codes.BAIL_OUT_SECTION]
            assert sec.health_centre_cash + sec.payables == 3_500 + 1_000 * len(out)
        return out

    def test_bail_out_comes_in_the_third_month_and_again(self) -> None:
        out = self.stressed(3, codes.DEFICIT_BAIL_OUT)
        assert [rescue for rescue, _, _ in out] == [0, 0, 6_500]
        assert out[-1][2] == 0.0

    def test_suspension(self) -> None:
        assert [s for _, s, _ in self.stressed(4, codes.DEFICIT_SUSPEND)] == [0, 0, 1, 1]

    def test_carrying_on(self) -> None:
        out = self.stressed(6, CARRY)
        assert {(rescue, s) for rescue, s, _ in out} == {(0, 0)}
        assert out[-1][2] > out[0][2]

    def test_suspension_ends_when_claims_are_paid(self) -> None:
        sec = section(claims_average=1_000.0, payables=9_000, suspended=1, bad_months=9, fund=9_000)
        settle(sec, 0, rule(deficit_rule=codes.DEFICIT_SUSPEND, processing_share=1.0))
        assert (sec.suspended, sec.bad_months, sec.arrears) == (0, 0, 0.0)

    def test_the_pool_takes_over_what_is_unpaid(self) -> None:
        sec = section(payables=700, fund=1_000, suspended=1)
        dist = district(payables=50, arrears=2.5)
        f, t = settle(sec, 300, rule(pool_pays_outpatient=1), dist)
        assert (sec.payables, sec.fund, dist.payables, t[codes.PAYABLES_MOVED_TO_POOL]) == (
            0,
            1_000,
            1_050,
            1_000,
        )
        assert (sec.arrears, sec.suspended, f.sum()) == (2.5, 0, 0)


class TestPool:
    def test_income(self) -> None:
        dist, f = district(pool=10, formal_contributions=4_001), flows()
        fund.fund_pool(dist, 601, rule(pool_grant_rwf=1_000.0, levy_share=0.05), f)
        # 601 x 1,000 / 12 = 50,083.3; 200.05
        assert (f[codes.POOL_GRANT], f[codes.LEVY], dist.pool) == (50_083, 200, 50_293)

    def test_settlement_by_hand(self) -> None:
        dist, f = district(pool=5_000, payables=1_000, claims_average=1_000.0), flows()
        paid = fund.settle_pool_claims(dist, 3_000, 2_000, rule(processing_share=0.5), f)
        assert (paid, dist.pool, dist.payables) == (2_000, 3_000, 2_000)
        assert dist.claims_average == pytest.approx(1_600)
        assert dist.arrears == pytest.approx(2_000 / 1_600 - 1)
        assert f.sum() == 0

    @pytest.mark.parametrize(("deficit", "rescue"), [(codes.DEFICIT_BAIL_OUT, 9_100), (CARRY, 0)])
    def test_bail_out(self, deficit: int, rescue: int) -> None:
        dist, f = district(pool=0, payables=9_000, claims_average=100.0, bad_months=2), flows()
        paid = fund.settle_pool_claims(dist, 100, 0, rule(deficit_rule=deficit, processing_share=1.0), f)
        assert (paid, f[codes.BAIL_OUT_POOL], dist.payables) == (rescue, rescue, 9_100 - rescue)

    def test_one_pool_for_the_country(self) -> None:
        dd = record_table(District, 3)
        dd["pool"], dd["payables"], dd["claims_average"] = [1, 2, 3], [4, 5, 6], [0.5, 1.0, 1.5]
        fund.gather_into_national_pool(dd)
        assert dd["pool"].tolist() == [6, 0, 0]
        assert dd["payables"].tolist() == [15, 0, 0]
        assert dd["claims_average"].tolist() == [3.0, 0.0, 0.0]


class TestHandOut:
    @given(
        st.integers(0, 10**7),
        st.lists(st.integers(0, 10**5), min_size=3, max_size=3),
        st.lists(st.integers(0, 10**5), min_size=4, max_size=4),
        st.booleans(),
        st.booleans(),
    )
    @quick
    def test_loses_nothing(
        self, paid: int, hospitals: list[int], centres: list[int], to_centres: bool, national: bool
    ) -> None:
        dd, ss = record_table(District, 3), record_table(Section, 4)
        dd["claims_month"], ss["claims_month"] = hospitals, centres
        ss["district"] = [0, 1, 1, 2]
        f = np.zeros((3, codes.N_FLOWS), dtype=np.int64)
        first, end = (0, 3) if national else (1, 2)
        fund.hand_out(ss, dd, first, end, paid, to_centres, f)
        inside = [s for s in range(4) if first <= ss["district"][s] < end]
        assert dd["hospital_cash"].sum() + ss["health_centre_cash"].sum() == paid == f.sum()
        assert f[:, codes.CLAIMS_HOSPITAL].tolist() == dd["hospital_cash"].tolist()
        assert f[:, codes.CLAIMS_OUTPATIENT_POOL].sum() == ss["health_centre_cash"].sum()
        if not to_centres:
            assert ss["health_centre_cash"].sum() == 0
        total = sum(hospitals[first:end]) + (sum(centres[s] for s in inside) if to_centres else 0)
        if total:
            for s in inside if to_centres else []:
                assert ss["health_centre_cash"][s] == paid * centres[s] // total
            for d in range(first + 1, end):
                assert dd["hospital_cash"][d] == paid * hospitals[d] // total
        else:
            assert dd["hospital_cash"][first] == paid
        outside = [d for d in range(3) if not first <= d < end]
        assert dd["hospital_cash"][outside].sum() == 0
