"""District pools and the national pool: income, payment by what is owed, equalisation, clearing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    NOW,
    district,
    flows,
    households,
    quick,
    record,
    record_table,
    rule,
    state,
    tallies,
    update,
)

from cbhi.kernels import codes, fund, pools
from cbhi.kernels.records import District, Member, Nation, Section, State

CARRY = codes.DEFICIT_RULES.index("carry")
amounts = st.integers(0, 10**6)


def country(per_district: tuple[int, ...] = (1, 2, 1)) -> tuple[Any, Any]:
    """Districts with so many sections each."""
    dd, ss = record_table(District, len(per_district)), record_table(Section, sum(per_district))
    ss["district"] = np.repeat(np.arange(len(per_district)), per_district)
    ends = np.cumsum(per_district)
    dd["end_section"], dd["first_section"] = ends, ends - per_district
    return dd, ss


def flow_table(dd: Any) -> Any:
    return np.zeros((dd.size, codes.N_FLOWS), dtype=np.int64)


class TestIncome:
    def test_by_hand(self) -> None:
        dist, f = district(pool=10, formal_contributions=4_001), flows()
        r = rule(pool_grant_rwf=1_000.0, pool_grant_donor_rwf=500.0, levy_share=0.05)
        pools.fund_pool(dist, 601, r, f)
        # 601 x 1,000 / 12 = 50,083.3; half of it is 25,041.7; 200.05
        assert (f[codes.POOL_GRANT], f[codes.POOL_GRANT_DONOR], f[codes.LEVY]) == (50_083, 25_042, 200)
        assert dist.pool == 10 + f.sum()

    def test_there_is_none_where_sections_pay_the_hospital(self) -> None:
        dist, f = district(pool=10, formal_contributions=4_001), flows()
        r = rule(pool_grant_rwf=1.0, pool_grant_donor_rwf=1.0, levy_share=1.0, sections_pay_hospital=1)
        pools.fund_pool(dist, 601, r, f)
        assert (dist.pool, f.sum()) == (10, 0)


class TestSubsidiesOutOfOnePool:
    def test_each_district_may_spend_its_part_by_people(self) -> None:
        dd, ss = country((1, 2, 1))
        ss["persons"] = [100, 50, 50, 200]
        dd[0].pool = 1_001
        pools.allot_national_pool(dd, ss, rule(national_pool=1))
        # quarters and a half, rounded down; the first district holds the money and leaves the others theirs
        assert (dd["pool"] + dd["pool_credit"]).tolist() == [250, 250, 500]

    def test_nothing_is_lent_between_pools_of_their_own(self) -> None:
        dd, ss = country()
        ss["persons"] = 10
        dd["pool"] = 500
        dd["pool_credit"] = 7
        pools.allot_national_pool(dd, ss, rule(national_pool=0))
        assert dd["pool_credit"].tolist() == [0, 0, 0]


class TestSettlement:
    def test_by_hand(self) -> None:
        dist, f = district(pool=5_000, payables=1_000, claims_average=1_000.0), flows()
        pools.book_pool_claims(dist, 3_000, 2_000)
        paid = pools.settle_pool_claims(dist, rule(processing_share=0.5), f)
        assert (paid, dist.pool, dist.payables) == (2_000, 3_000, 2_000)
        assert dist.claims_average == pytest.approx(1_600)
        assert dist.arrears == pytest.approx(2_000 / 1_600 - 1)
        assert f.sum() == 0

    @pytest.mark.parametrize(("deficit", "rescue"), [(codes.DEFICIT_BAIL_OUT, 9_100), (CARRY, 0)])
    def test_bail_out(self, deficit: int, rescue: int) -> None:
        dist, f = district(pool=0, payables=9_100, claims_average=100.0, bad_months=2), flows()
        paid = pools.settle_pool_claims(dist, rule(deficit_rule=deficit, processing_share=1.0), f)
        assert (paid, f[codes.BAIL_OUT_POOL], dist.payables) == (rescue, rescue, 9_100 - rescue)
        assert dist.bad_months == (0 if rescue else 3)

    def test_bad_months_end_when_claims_are_paid(self) -> None:
        dist = district(pool=10**6, payables=9_100, claims_average=100.0, bad_months=7)
        pools.settle_pool_claims(
            dist, rule(deficit_rule=codes.DEFICIT_SUSPEND, processing_share=1.0), flows()
        )
        assert (dist.bad_months, dist.payables) == (0, 0)

    def test_bills_of_hospitals_and_pooled_sections_count_for_the_average(self) -> None:
        dd, ss = country()
        dd["claims_month"] = [10, 20, 40]
        ss["claims_month"], ss["hospital_month"] = [100, 200, 400, 800], [1_000, 2_000, 4_000, 8_000]
        ss["merged"] = [0, 1, 0, 0]
        pools.book_bills(ss, dd, 1, 2, rule())
        assert (dd[1].claims_average, dd[1].payables, dd[1].pool_owes) == (220, 20, 20)
        pools.book_bills(ss, dd, 0, 1, rule(pool_pays_outpatient=1))
        assert (dd[0].claims_average, dd[0].payables, dd[0].pool_owes) == (110, 10, 10)
        dd["claims_average"] = 0.0
        pools.book_bills(ss, dd, 1, 2, rule(sections_pay_hospital=1))
        assert dd[1].claims_average == 20 + 200 + 2_000
        dd["claims_average"] = 0.0
        pools.book_bills(ss, dd, 0, 3, rule(pool_pays_outpatient=1))
        assert dd["claims_average"].tolist() == [1_570, 0, 0]
        assert dd["pool_owes"].tolist() == [20, 60, 40]


class TestOnePool:
    def test_gathering(self) -> None:
        dd = record_table(District, 3)
        dd["pool"], dd["payables"], dd["claims_average"] = [1, 2, 3], [4, 5, 6], [0.5, 1.0, 1.5]
        pools.gather_into_national_pool(dd)
        assert dd["pool"].tolist() == [6, 0, 0]
        assert dd["payables"].tolist() == [15, 0, 0]
        assert dd["claims_average"].tolist() == [3.0, 0.0, 0.0]

    def test_parting(self) -> None:
        dd, ss = country()
        dd["pool"], dd["payables"], dd["claims_average"] = [1_000, 7, 0], [99, 0, 0], [30.0, 0.0, 0.0]
        dd["pool_owes"], ss["pool_owes"] = [10, 20, 30], [1, 4, 14, 20]
        dd["insured"] = [10, 20, 3]
        pools.part_national_pool(dd, ss)
        # 20 / 33 of 1,000 is 606.06, 3 / 33 is 90.9; the rest stays
        assert dd["pool"].tolist() == [304, 613, 90]
        assert dd["payables"].tolist() == [11, 38, 50]
        assert dd["claims_average"] == pytest.approx(np.array([10, 20, 3]) / 33 * 30)


class TestHandOut:
    @given(
        st.floats(0, 1),
        st.lists(st.integers(0, 10**5), min_size=3, max_size=3),
        st.lists(st.integers(0, 10**5), min_size=4, max_size=4),
        st.booleans(),
        st.sampled_from([1, 10**9]),
    )
    @quick
    def test_pays_by_what_is_owed_and_loses_nothing(
        self, part: float, hospitals: list[int], centres: list[int], national: bool, large: int
    ) -> None:
        dd, ss = country()
        owed_hospitals, owed_centres = np.array(hospitals) * large, np.array(centres) * large
        dd["pool_owes"], ss["pool_owes"] = owed_hospitals, owed_centres
        first, end = (0, 3) if national else (1, 2)
        inside = [s for s in range(4) if first <= ss["district"][s] < end]
        total = int(owed_hospitals[first:end].sum() + owed_centres[inside].sum())
        paid = int(total * part)
        f = flow_table(dd)
        pools.hand_out(ss, dd, first, end, paid, f)
        got_hospitals, got_centres = dd["hospital_cash"], ss["health_centre_cash"]
        assert got_hospitals.sum() + got_centres.sum() == paid == f.sum()
        np.testing.assert_array_equal(got_hospitals + dd["pool_owes"], owed_hospitals)
        np.testing.assert_array_equal(got_centres + ss["pool_owes"], owed_centres)
        np.testing.assert_array_equal(ss["revenue_month"], got_centres)
        assert min(dd["pool_owes"].min(), ss["pool_owes"].min(), f.min()) >= 0
        assert f[:, codes.CLAIMS_HOSPITAL].tolist() == got_hospitals.tolist()
        for d in range(3):
            assert f[d, codes.CLAIMS_OUTPATIENT_POOL] == got_centres[ss["district"] == d].sum()
        if total:
            # rounded down, and less than a franc a provider of remainder for the first with room
            owed = [*owed_hospitals[first:end], *owed_centres[inside]]
            got = [*got_hospitals[first:end], *got_centres[inside]]
            for x, y in zip(owed, got, strict=True):
                assert 0 <= int(y) - paid * int(x) // total <= 7

    def test_by_hand(self) -> None:
        dd, ss = country()
        dd["pool_owes"], ss["pool_owes"] = [0, 50, 0], [7, 100, 49, 7]
        pools.hand_out(ss, dd, 1, 2, 100, flow_table(dd))
        # of 199: 25.1, 50.3 and 24.6; the franc left goes to the hospital
        assert dd["hospital_cash"].tolist() == [0, 26, 0]
        assert ss["health_centre_cash"].tolist() == [0, 50, 24, 0]


class TestEqualisation:
    def test_by_hand(self) -> None:
        dd, nation = record_table(District, 3), record(Nation, pool=5)
        # claims per insured of 1, 4 and 2; the mean is 700 / 300
        dd["insured"], dd["claims_average"], dd["pool"] = [100, 100, 100], [100.0, 400.0, 200.0], 1_000
        f = flow_table(dd)
        pools.equalise(dd, nation, rule(equalisation_share=0.5), f)
        assert f[:, codes.EQUALISATION_PAID].tolist() == [66, 0, 16]
        assert f[:, codes.EQUALISATION_RECEIVED].tolist() == [0, 82, 0]
        assert dd["pool"].tolist() == [934, 1_082, 984]
        assert nation.pool == 5

    def test_what_is_not_there_is_not_received(self) -> None:
        dd, nation = record_table(District, 3), record(Nation)
        dd["insured"], dd["claims_average"], dd["pool"] = [100, 100, 100], [0.0, 200.0, 400.0], [101, 0, 0]
        f = flow_table(dd)
        pools.equalise(dd, nation, rule(equalisation_share=1.0), f)
        assert dd["pool"].tolist() == [0, 0, 101]
        # two districts share what one could pay, as 40 to 20
        dd["pool"], dd["claims_average"] = [10, 0, 0], [0.0, 140.0, 160.0]
        pools.equalise(dd, nation, rule(equalisation_share=1.0), flow_table(dd))
        assert dd["pool"].tolist() == [0, 4, 6]
        assert nation.pool == 0

    def test_off_it_moves_nothing(self) -> None:
        dd, f = record_table(District, 2), np.zeros((2, codes.N_FLOWS), dtype=np.int64)
        dd["insured"], dd["claims_average"], dd["pool"] = 10, [1.0, 900.0], 100
        pools.equalise(dd, record(Nation), rule(equalisation_share=0.0), f)
        assert (f.sum(), dd["pool"].tolist()) == (0, [100, 100])

    @given(
        st.lists(st.tuples(st.integers(0, 1_000), st.floats(0, 1e6), amounts), min_size=1, max_size=6),
        st.floats(0, 1),
    )
    @quick
    def test_gives_no_more_than_it_takes(self, rows: list[tuple[int, float, int]], share: float) -> None:
        dd, nation = record_table(District, len(rows)), record(Nation, pool=3)
        for dist, (insured, average, pool) in zip(dd, rows, strict=True):
            update(dist, insured=insured, claims_average=average, pool=pool)
        f = flow_table(dd)
        pools.equalise(dd, nation, rule(equalisation_share=share), f)
        paid, received = f[:, codes.EQUALISATION_PAID], f[:, codes.EQUALISATION_RECEIVED]
        assert f.min() >= 0
        assert dd["pool"].min() >= 0
        assert nation.pool == 3 + paid.sum() - received.sum() >= 3
        np.testing.assert_array_equal(dd["pool"], [row[2] for row in rows] - paid + received)
        # nobody both pays and receives
        assert not (paid * received).any()


class TestSupport:
    def test_by_hand(self) -> None:
        dd, nation = record_table(District, 3), record(Nation, pool=100)
        dd["payables"], dd["pool"] = [90, 50, 300], [20, 80, 70]
        f = flow_table(dd)
        pools.support_pools(dd, nation, f)
        # 70 and 230 are lacking: 23.3 and 76.7
        assert f[:, codes.NATIONAL_SUPPORT].tolist() == [23, 0, 76]
        assert (dd["pool"].tolist(), nation.pool) == ([43, 80, 146], 1)
        nation.pool = 10_000
        pools.support_pools(dd, nation, flow_table(dd))
        assert (dd["pool"].tolist(), nation.pool) == ([90, 80, 300], 10_000 - 47 - 154)

    @given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=5), amounts)
    @quick
    def test_never_more_than_is_lacking(self, rows: list[tuple[int, int]], money: int) -> None:
        dd, nation = record_table(District, len(rows)), record(Nation, pool=money)
        dd["payables"], dd["pool"] = np.array(rows).T
        before, f = dd["pool"].copy(), flow_table(dd)
        pools.support_pools(dd, nation, f)
        given_out = f[:, codes.NATIONAL_SUPPORT]
        assert given_out.min() >= 0
        assert (given_out <= np.maximum(0, dd["payables"] - before)).all()
        np.testing.assert_array_equal(dd["pool"], before + given_out)
        assert nation.pool == money - given_out.sum() >= 0


def owed(s: State) -> Any:
    """What each district's providers are owed by pools."""
    ss, dd = s.sections, s.districts
    return dd["pool_owes"] + np.bincount(ss["district"], ss["pool_owes"], dd.size).astype(np.int64)


class TestMonth:
    @given(
        st.lists(amounts, min_size=3, max_size=3),
        st.lists(amounts, min_size=3, max_size=3),
        st.lists(amounts, min_size=4, max_size=4),
        st.lists(st.booleans(), min_size=4, max_size=4),
        st.integers(0, 3),
        amounts,
    )
    @quick
    def test_payables_are_what_providers_are_owed_and_money_is_kept(
        self,
        money: list[int],
        hospitals: list[int],
        centres: list[int],
        national: list[bool],
        deficit: int,
        support: int,
    ) -> None:
        dd, ss = country()
        dd["pool"], dd["insured"] = money, [5, 0, 9]
        ss["merged"] = [1, 0, 0, 0]
        s = state(households(1), record_table(Member, (1, 1)), ss, dd)
        s.nation[0].pool = support
        in_providers = 0
        total = sum(money) + support
        for together in national:
            f = flow_table(dd)
            r = rule(
                national_pool=together,
                pool_pays_outpatient=1,
                deficit_rule=deficit,
                equalisation_share=0.7,
                processing_share=0.6,
                arrears_limit_months=0.1,
            )
            dd["claims_month"] = hospitals
            for sec, claims in zip(ss, centres, strict=True):
                fund.settle_section_claims(sec, dd[sec.district], claims, NOW, r, f[sec.district], tallies())
            pools.settle_pools(s, r, f)
            np.testing.assert_array_equal(dd["payables"], owed(s) if not together else [owed(s).sum(), 0, 0])
            assert min(dd["payables"].min(), dd["pool"].min(), s.nation[0].pool, f.min()) >= 0
            total += f[:, codes.BAIL_OUT_POOL].sum()
            in_providers += f[:, codes.CLAIMS_HOSPITAL].sum() + f[:, codes.CLAIMS_OUTPATIENT_POOL].sum()
            assert in_providers == dd["hospital_cash"].sum() + ss["health_centre_cash"].sum()
            assert dd["pool"].sum() + s.nation[0].pool + in_providers == total
        bills = len(national) * (sum(hospitals) + sum(centres))
        assert in_providers + dd["payables"].sum() == bills

    def test_a_provider_that_bills_nothing_this_month_is_still_paid(self) -> None:
        # payments once followed the month's bills instead of what is owed
        dd, ss = country((2,))
        ss["pool_owes"], dd["pool_owes"], dd["payables"], dd["pool"] = [600, 0], 400, 1_000, 500
        dd["claims_month"], ss["claims_month"] = 0, [0, 0]
        s = state(households(1), record_table(Member, (1, 1)), ss, dd)
        pools.settle_pools(s, rule(processing_share=1.0), flow_table(dd))
        assert ss["health_centre_cash"].tolist() == [300, 0]
        assert dd["hospital_cash"].tolist() == [200]

    def test_arrears_of_one_pool_are_everybodys(self) -> None:
        dd, ss = country()
        dd["claims_month"] = [0, 0, 900]
        s = state(households(1), record_table(Member, (1, 1)), ss, dd)
        r = rule(national_pool=1, processing_share=1.0, arrears_limit_months=0.5)
        for month in range(1, 4):
            pools.settle_pools(s, r, flow_table(dd))
            assert dd["bad_months"].tolist() == [month] * 3
            assert dd["arrears"] == pytest.approx([month] * 3)


class TestClearing:
    def test_by_hand(self) -> None:
        dd, ss = country((4, 1))
        ss["fund"], ss["owes"], ss["owed"] = [100, 1_000, 0, 0, 9], [160, 40, 0, 0, 9], [0, 50, 100, 50, 9]
        t = tallies()
        pools.clear_between_sections(ss, dd[0], t)
        # 140 paid of 200: 35, 70 and 35
        assert ss["fund"].tolist() == [0, 995, 70, 35, 9]
        assert ss["owes"].tolist() == [60, 0, 0, 0, 9]
        assert ss["owed"].tolist() == [0, 15, 30, 15, 9]
        assert t[codes.PORTABLE_SETTLED] == 140

    @given(st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=6))
    @quick
    def test_debts_and_claims_stay_equal(self, rows: list[tuple[int, int, int]]) -> None:
        dd, ss = country((len(rows),))
        ss["fund"], ss["owes"], ss["owed"] = np.array(rows).T
        # what owes and what is owed must agree: the first section makes up the difference
        gap = int(ss["owes"].sum() - ss["owed"].sum())
        ss["owed"][0] += max(0, gap)
        ss["owes"][0] += max(0, -gap)
        money, before, t = int(ss["fund"].sum()), int(ss["owes"].sum()), tallies()
        payable = int(np.minimum(ss["fund"], ss["owes"]).sum())
        pools.clear_between_sections(ss, dd[0], t)
        assert ss["fund"].sum() == money
        assert ss["owes"].sum() == ss["owed"].sum() == before - payable
        assert min(ss["fund"].min(), ss["owes"].min(), ss["owed"].min()) >= 0
        assert t[codes.PORTABLE_SETTLED] == payable
