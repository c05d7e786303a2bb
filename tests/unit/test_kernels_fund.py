"""Shares of premiums, payment, arrears, and what happens to deficits: by hand, and nothing is lost."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, district, flows, quick, record, rule, section, tallies, update

from cbhi.kernels import codes, fund
from cbhi.kernels.records import Nation

CARRY = codes.DEFICIT_RULES.index("carry")
TAKEN = (
    codes.ADMINISTRATION,
    codes.EMBEZZLEMENT,
    codes.POOL_SHARE,
    codes.NATIONAL_SHARE,
    codes.REINSURANCE_PREMIUM,
    codes.MERGED_UP,
)


def share(sec: Any, dist: Any, income: int, r: Any, nation: Any = None) -> Any:
    f = flows()
    fund.share_out(sec, dist, nation if nation is not None else record(Nation), income, r, f, tallies())
    return f


class TestShareOut:
    def test_by_hand(self) -> None:
        sec, dist = section(fund=10_000), district(pool=5)
        f = share(sec, dist, 4_333, rule(admin_share=0.12, pool_share=0.2))
        # 519.96 rounds to 520; 866.6 is cut to 866
        assert (f[codes.ADMINISTRATION], f[codes.POOL_SHARE]) == (520, 866)
        assert (sec.fund, dist.pool) == (10_000 - 520 - 866, 871)
        assert f.sum() == 520 + 866

    def test_every_share_by_hand(self) -> None:
        sec, dist, nation = section(fund=10_000, capacity=0.5), district(), record(Nation, pool=3)
        r = rule(
            admin_share=0.1,
            capacity_effect=0.4,
            embezzled_share=0.05,
            audit_hours=0.0,
            pool_share=0.2,
            national_share=0.0333,
            quota_share=0.1111,
        )
        f = share(sec, dist, 1_005, r, nation)
        # 100.5 less a fifth is 80.4; 50.25; 201; 33.4665; of the 691 that are left 76.77
        assert [int(f[kind]) for kind in TAKEN] == [80, 50, 201, 33, 76, 0]
        assert (sec.fund, dist.pool, nation.pool) == (10_000 - 80 - 50 - 201 - 33 - 76, 201, 36)

    @pytest.mark.parametrize(
        ("shares", "premium"), [((0.0, 0.0, 0.0), 500), ((0.1, 0.3, 0.2), 200), ((0.5, 0.5, 0.5), 0)]
    )
    def test_the_reinsurer_has_its_quota_of_what_is_left_for_claims(
        self, shares: tuple[float, ...], premium: int
    ) -> None:
        names = ("admin_share", "pool_share", "national_share")
        r = rule(**dict(zip(names, shares, strict=True)), quota_share=0.5)
        assert share(section(fund=9_000), district(), 1_000, r)[codes.REINSURANCE_PREMIUM] == premium

    def test_a_section_whose_claims_the_pool_pays_buys_no_quota_share(self) -> None:
        r = rule(admin_share=0.0, pool_share=0.0, quota_share=0.5, pool_pays_outpatient=1)
        assert share(section(fund=100), district(), 100, r).sum() == 0

    def test_a_merged_section_passes_everything_up_but_what_it_owes_others(self) -> None:
        sec, dist = section(fund=1_000, merged=1, owes=70), district()
        f = share(sec, dist, 1_000, rule(admin_share=0.1, pool_share=0.2))
        assert (sec.fund, dist.pool) == (70, 830)
        assert (f[codes.POOL_SHARE], f[codes.MERGED_UP]) == (200, 630)

    @given(
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.lists(st.floats(0, 1), min_size=7, max_size=7),
        st.integers(0, 1),
    )
    @quick
    def test_never_on_credit(self, money: int, income: int, shares: list[float], merged: int) -> None:
        sec, dist, nation = section(fund=money, capacity=shares[5], merged=merged), district(), record(Nation)
        names = ("admin_share", "pool_share", "national_share", "quota_share", "embezzled_share")
        r = rule(**dict(zip(names, shares[:5], strict=True)), capacity_effect=shares[6])
        f = share(sec, dist, income, r, nation)
        assert sec.fund >= 0
        assert f.min() >= 0
        assert sec.fund + f.sum() == money
        assert dist.pool == f[codes.POOL_SHARE] + f[codes.MERGED_UP]
        assert nation.pool == f[codes.NATIONAL_SHARE]
        assert sec.fund == 0 or not merged


class TestProRata:
    @pytest.mark.parametrize(
        ("amount", "part", "whole", "expected"),
        [(61, 50, 200, 15), (100, 2, 3, 2), (7, 5, 10, 3), (5, 0, 0, 0), (0, 5, 5, 0), (9, 9, 9, 9)],
    )
    def test_by_hand(self, amount: int, part: int, whole: int, expected: int) -> None:
        assert fund.pro_rata(amount, part, whole) == expected

    @given(st.integers(0, 2**60), st.lists(st.integers(0, 2**58), min_size=1, max_size=6))
    @quick
    def test_is_exact_however_large(self, amount: int, parts: list[int]) -> None:
        whole = sum(parts)
        found = [fund.pro_rata(amount, part, whole) for part in parts]
        # Python's integers do not overflow
        assert found == [min(amount, whole) * p // whole if whole else 0 for p in parts]
        assert sum(found) <= amount


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

    @pytest.mark.parametrize(
        ("capacity", "effect", "share"), [(0.0, 0.5, 0.6), (1.0, 0.0, 0.6), (0.5, 0.5, 0.7), (1.0, 1.0, 1.0)]
    )
    def test_capacity_speeds_processing_up(self, capacity: float, effect: float, share: float) -> None:
        r = rule(processing_share=0.6, capacity_effect=effect)
        assert fund.processed_share(section(capacity=capacity), r) == pytest.approx(share)


class TestAverage:
    def test_starts_at_the_first_claims_and_then_follows_slowly(self) -> None:
        assert fund.moving_average(0.0, 0) == 0.0
        assert fund.moving_average(0.0, 700) == 700.0
        assert fund.moving_average(1_000.0, 2_000) == pytest.approx(1_150.0)


def settle(sec: Any, approved: int, r: Any, dist: Any = None) -> tuple[Any, Any]:
    f, t = flows(), tallies()
    fund.settle_section_claims(sec, dist if dist is not None else district(), approved, NOW, r, f, t)
    return f, t


class TestSection:
    def test_a_month_by_hand(self) -> None:
        averages = {"claims_average": 2_000.0, "bills_average": 2_000.0}
        sec = section(fund=5_000, payables=1_000, health_centre_cash=7, **averages)
        f, _ = settle(sec, 3_000, rule(processing_share=0.5))
        assert (sec.fund, sec.payables, sec.health_centre_cash) == (3_000, 2_000, 2_007)
        assert f[codes.CLAIMS_OUTPATIENT] == sec.revenue_month == 2_000
        assert sec.claims_average == pytest.approx(2_150)
        assert sec.arrears == 0.0
        settle(sec, 9_000, rule(processing_share=0.5))
        # 11,000 due, 3,000 left to pay with: 8,000 over a mean of 3,177.5, less one month of processing
        assert sec.arrears == pytest.approx(8_000 / 3_177.5 - 1)

    def test_experience_is_noted(self) -> None:
        sec = section(fund=10**6, insured=40, claims_year=5, member_months=60, hospital_month=500)
        settle(sec, 3_000, rule(cost_outpatient_rwf=500.0))
        assert (sec.claims_month, sec.claims_year, sec.member_months) == (3_000, 3_005, 100)
        assert sec.claims_cost == 20_000
        settle(sec, 1_000, rule(sections_pay_hospital=1, cost_outpatient_rwf=600.0))
        assert (sec.claims_month, sec.claims_year, sec.member_months) == (1_000, 4_505, 140)
        assert sec.claims_cost == 44_000

    def test_steady_claims_and_ample_money_settle_at_littles_law(self) -> None:
        # each month pays a share p of stock and new claims: stock = c (1 - p) / p, which is no arrears
        sec = section(fund=10**9)
        for _ in range(200):
            settle(sec, 10_000, rule(processing_share=0.4))
        assert sec.payables == pytest.approx(15_000, abs=2)
        assert sec.arrears == pytest.approx(0.0, abs=1e-3)

    def test_reinsurance_pays_in_before_the_fund_pays_out(self) -> None:
        sec = section(fund=0)
        f, _ = settle(sec, 1_001, rule(processing_share=1.0, quota_share=0.5))
        assert f[codes.REINSURANCE_RECOVERY] == f[codes.CLAIMS_OUTPATIENT] == 500
        assert (sec.fund, sec.payables) == (0, 501)

    def stressed(self, months: int, deficit: int, **changes: Any) -> list[tuple[int, int, float]]:
        sec = section(claims_average=1_000.0, payables=3_500)
        r = rule(**{"deficit_rule": deficit, "arrears_limit_months": 3.0, "processing_share": 1.0, **changes})
        out = []
        for _ in range(months):
            f, t = settle(sec, 1_000, r)
            out.append((int(f[codes.BAIL_OUT_SECTION]), int(sec.suspended), float(sec.arrears)))
            assert f[codes.CLAIMS_OUTPATIENT] == f[codes.BAIL_OUT_SECTION]
            assert t[codes.SECTIONS_SUSPENDED] == sec.suspended
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

    def test_merging_hands_everything_to_the_pool_for_good(self) -> None:
        sec = section(claims_average=100.0, payables=900, bad_months=2, fund=0, owes=30, insured=5)
        dist, r = district(arrears=1.5), rule(deficit_rule=codes.DEFICIT_MERGE, processing_share=1.0)
        _, t = settle(sec, 100, r, dist)
        assert (sec.merged, sec.payables, sec.pool_owes, dist.payables) == (1, 0, 1_000, 1_000)
        assert (t[codes.SECTIONS_MERGED], t[codes.PAYABLES_MOVED_TO_POOL]) == (1, 1_000)
        assert (sec.arrears, sec.bad_months) == (1.5, 0)
        sec.fund = 500
        f, t = settle(sec, 200, rule(), dist)
        # money of the month goes up too, but for what the section owes others; merged once only
        assert (sec.fund, dist.pool, f[codes.MERGED_UP]) == (30, 470, 470)
        assert (sec.pool_owes, t[codes.SECTIONS_MERGED], t[codes.PAYABLES_MOVED_TO_POOL]) == (1_200, 0, 200)


EXPERIENCE = ("claims_year", "claims_average", "stop_loss_claims", "stop_loss_recovered", "arrears")


class TestTreatedElsewhere:
    # December, a limit of 1,000; without a quota share 1,400 of own claims bring 400
    COVER: ClassVar = dict(
        stop_loss=1, stop_loss_retention=1.25, stop_loss_cv=0.25, stop_loss_loading=0.2, processing_share=1.0
    )

    def month(self, approved: int, r: Any, **fields: Any) -> tuple[Any, Any]:
        """One December month of a section with ten members that owes nothing from before."""
        usual = dict(
            fund=10**6, insured=10, stop_loss_rate=80.0, claims_average=1_000.0, bills_average=1_000.0
        )
        sec, f = section(**{**usual, **fields}), flows()
        fund.settle_section_claims(sec, district(), approved, NOW - NOW % 12 + 11, r, f, tallies())
        return sec, f

    @pytest.mark.parametrize("quota", [0.0, 0.25])
    def test_visitors_leave_the_hosts_experience_alone(self, quota: float) -> None:
        r = rule(**self.COVER, quota_share=quota)
        host, f = self.month(1_400 + 5_000, r, visitor_claims_before=5_000)
        alone, g = self.month(1_400, r)
        for name in (*EXPERIENCE, "member_months", "stop_loss_months"):
            assert host[name] == alone[name]
        assert (host.claims_year, host.claims_average) == (1_400, pytest.approx(1_060))
        for kind in (codes.REINSURANCE_RECOVERY, codes.REINSURANCE_PREMIUM):
            assert f[kind] == g[kind] > 0
        assert f[codes.REINSURANCE_RECOVERY] == (400 if quota == 0.0 else 350 + 50)
        # but its fund pays them
        assert f[codes.CLAIMS_OUTPATIENT] == g[codes.CLAIMS_OUTPATIENT] + 5_000 == 6_400

    @pytest.mark.parametrize("away", [0, 300, 1_400])
    def test_own_members_count_at_home_wherever_they_were_treated(self, away: int) -> None:
        r = rule(**self.COVER, quota_share=0.0)
        sec, f = self.month(1_400 - away, r, away_claims=away)
        assert (sec.claims_year, sec.stop_loss_claims, sec.stop_loss_recovered) == (1_400, 1_400, 400)
        assert sec.claims_average == pytest.approx(1_060)
        assert f[codes.REINSURANCE_RECOVERY] == 400
        assert f[codes.CLAIMS_OUTPATIENT] == 1_400 - away

    def test_in_a_country_every_claim_counts_once(self) -> None:
        # 700 of the first section's members were treated in the second last month, 200 are this month
        first, _ = self.month(1_000, rule(), away_claims=200)
        second, _ = self.month(500 + 700, rule(), visitor_claims_before=700)
        assert (first.claims_year, second.claims_year) == (1_200, 500)

    def test_arrears_are_measured_by_all_that_a_fund_has_to_pay(self) -> None:
        # no money at all: 2,500 for visitors and 1,400 of its own over a mean of 1,000 + 0.15 x 2,900
        r = rule(processing_share=1.0, quota_share=0.0)
        host, _ = self.month(1_400 + 2_500, r, fund=0, visitor_claims_before=2_500, owed=2_500)
        assert host.arrears == pytest.approx(3_900 / 1_435)

    @pytest.mark.parametrize("processing", [0.3, 0.6])
    def test_steady_visitors_and_ample_money_are_no_arrears(self, processing: float) -> None:
        sec = section(fund=10**9)
        for _ in range(200):
            sec.visitor_claims_before = 10_000
            settle(sec, 30_000, rule(processing_share=processing))
        assert sec.arrears == pytest.approx(0.0, abs=1e-3)

    def test_what_is_owed_to_other_sections_is_arrears(self) -> None:
        r = rule(processing_share=1.0, quota_share=0.0)
        sec, _ = self.month(400, r, fund=0, away_claims=1_000, owes=3_000)
        assert sec.arrears == pytest.approx(3_400 / 1_060)

    @given(st.tuples(*[st.integers(0, 10**6)] * 5), st.floats(0, 0.9), st.integers(0, 1))
    @quick
    def test_visitors_change_nothing_but_payments(
        self, amounts: tuple[int, ...], quota: float, hospital_paid: int
    ) -> None:
        own, away, hospital, visitors, average = amounts
        r = rule(**self.COVER, quota_share=quota, sections_pay_hospital=hospital_paid)
        fields = dict(away_claims=away, hospital_month=hospital, claims_average=float(average), fund=10**9)
        host, f = self.month(own + visitors, r, visitor_claims_before=visitors, **fields)
        alone, g = self.month(own, r, **fields)
        for name in EXPERIENCE:
            assert host[name] == alone[name]
        assert f[codes.REINSURANCE_RECOVERY] == g[codes.REINSURANCE_RECOVERY]
        assert alone.fund - host.fund == visitors


class TestHospitalPaidBySections:
    def test_by_hand(self) -> None:
        sec = section(fund=700, payables=500, payables_hospital=900, hospital_month=100, claims_average=1.0)
        dist = district(hospital_cash=1)
        f, _ = settle(sec, 1_000, rule(sections_pay_hospital=1, processing_share=0.5), dist)
        # 1,500 and 1,000 owed, half of it due: 1,250; there are 700, of which 280 for the hospital
        assert (f[codes.CLAIMS_OUTPATIENT], f[codes.CLAIMS_HOSPITAL_SECTION]) == (420, 280)
        assert (sec.fund, sec.payables, sec.payables_hospital) == (0, 1_080, 720)
        assert (sec.health_centre_cash, sec.revenue_month, dist.hospital_cash) == (420, 420, 281)
        assert sec.claims_average == pytest.approx(1.0 + 0.15 * 1_099)

    def test_both_are_paid_in_full_where_money_allows(self) -> None:
        sec = section(fund=5_000, hospital_month=100)
        f, _ = settle(sec, 1_000, rule(sections_pay_hospital=1, processing_share=0.6))
        assert (f[codes.CLAIMS_OUTPATIENT], f[codes.CLAIMS_HOSPITAL_SECTION], sec.fund) == (600, 60, 4_340)

    def test_bail_out_pays_both(self) -> None:
        sec = section(payables=900, payables_hospital=600, bad_months=2, claims_average=1.0)
        dist = district()
        r = rule(sections_pay_hospital=1, deficit_rule=codes.DEFICIT_BAIL_OUT, processing_share=0.5)
        f, _ = settle(sec, 0, r, dist)
        assert (f[codes.BAIL_OUT_SECTION], f[codes.CLAIMS_OUTPATIENT]) == (1_500, 900)
        assert f[codes.CLAIMS_HOSPITAL_SECTION] == dist.hospital_cash == 600
        assert (sec.payables, sec.payables_hospital, sec.arrears) == (0, 0, 0.0)

    def test_pools_that_come_back_take_the_hospitals_bills_over(self) -> None:
        sec, dist = section(payables_hospital=600, hospital_month=50), district(pool_owes=5, payables=5)
        f, t = settle(sec, 0, rule(), dist)
        assert (sec.payables_hospital, dist.pool_owes, dist.payables) == (0, 605, 605)
        assert (t[codes.PAYABLES_HOSPITAL_MOVED], f.sum()) == (600, 0)

    def test_of_a_merged_section_the_month_goes_up_as_well(self) -> None:
        sec, dist = section(merged=1, hospital_month=50), district()
        _, t = settle(sec, 20, rule(sections_pay_hospital=1), dist)
        assert (dist.pool_owes, sec.pool_owes, dist.payables) == (50, 20, 70)
        assert (t[codes.PAYABLES_HOSPITAL_MOVED], t[codes.PAYABLES_MOVED_TO_POOL]) == (50, 20)


class TestPooled:
    def test_the_pool_takes_over_what_is_unpaid(self) -> None:
        sec = section(payables=700, fund=1_000, suspended=1)
        dist = district(payables=50, arrears=2.5)
        f, t = settle(sec, 300, rule(pool_pays_outpatient=1), dist)
        assert (sec.payables, sec.fund, dist.payables, sec.pool_owes) == (0, 1_000, 1_050, 1_000)
        assert t[codes.PAYABLES_MOVED_TO_POOL] == 1_000
        assert (sec.arrears, sec.suspended, f.sum()) == (2.5, 0, 0)

    @pytest.mark.parametrize("how", [{"pool_pays_outpatient": 1}, {}])
    def test_experience_goes_on_while_a_pool_pays(self, how: dict[str, int]) -> None:
        # the mean is what a fund that pays again measures its arrears by
        averages = {"claims_average": 1_000.0, "bills_average": 1_000.0}
        sec = section(insured=10, merged=0 if how else 1, **averages)
        for _ in range(2):
            settle(sec, 3_000, rule(**how))
        assert sec.claims_average == pytest.approx(1_000 + 2_000 * (1 - 0.85**2))
        assert (sec.claims_year, sec.member_months) == (6_000, 20)
        if how:
            update(sec, fund=0)
            settle(sec, 1_555, rule(processing_share=1.0))
            # the mean was 1,555, and stays: what is new is as much as the mean
            assert sec.arrears == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("bad_months", "deficit", "suspended"),
        [(2, codes.DEFICIT_SUSPEND, 0), (3, codes.DEFICIT_SUSPEND, 1), (9, codes.DEFICIT_BAIL_OUT, 0)],
    )
    @pytest.mark.parametrize("merged", [0, 1])
    def test_it_is_suspended_with_its_pool(
        self, bad_months: int, deficit: int, suspended: int, merged: int
    ) -> None:
        sec = section(merged=merged)
        r = rule(pool_pays_outpatient=1 - merged, deficit_rule=deficit)
        _, t = settle(sec, 10, r, district(bad_months=bad_months))
        assert sec.suspended == t[codes.SECTIONS_SUSPENDED] == suspended


@given(
    st.tuples(*[st.integers(0, 10**6)] * 6),
    st.floats(0, 1),
    st.integers(0, 3),
    st.integers(0, 4),
    st.tuples(*[st.integers(0, 1)] * 3),
    st.floats(0, 1),
)
@quick
def test_settlement_loses_nothing(
    amounts: tuple[int, ...],
    processing: float,
    deficit: int,
    bad_months: int,
    flags: tuple[int, ...],
    quota: float,
) -> None:
    money, payables, payables_hospital, approved, hospital, average = amounts
    sections_pay, pool_pays, merged = flags
    sec = section(
        fund=money,
        payables=payables,
        payables_hospital=payables_hospital,
        hospital_month=hospital if sections_pay else 0,
        claims_average=float(average),
        bad_months=bad_months,
        merged=merged,
        owes=17,
    )
    dist = district()
    r = rule(
        processing_share=processing,
        deficit_rule=deficit,
        sections_pay_hospital=sections_pay,
        pool_pays_outpatient=pool_pays,
        quota_share=quota,
    )
    f, t = settle(sec, approved, r, dist)
    assert f.min() >= 0
    assert min(sec.fund, sec.payables, sec.payables_hospital, sec.pool_owes, dist.pool_owes) >= 0
    received = f[codes.BAIL_OUT_SECTION] + f[codes.REINSURANCE_RECOVERY]
    paid_centre, paid_hospital = f[codes.CLAIMS_OUTPATIENT], f[codes.CLAIMS_HOSPITAL_SECTION]
    assert sec.fund + paid_centre + paid_hospital + f[codes.MERGED_UP] == money + received
    assert sec.payables == payables + approved - paid_centre - t[codes.PAYABLES_MOVED_TO_POOL]
    hospital_due = payables_hospital + sec.hospital_month
    assert sec.payables_hospital == hospital_due - paid_hospital - t[codes.PAYABLES_HOSPITAL_MOVED]
    assert dist.payables == sec.pool_owes + dist.pool_owes
    assert sec.pool_owes == t[codes.PAYABLES_MOVED_TO_POOL]
    assert (sec.health_centre_cash, dist.hospital_cash) == (paid_centre, paid_hospital)
    assert sec.revenue_month == paid_centre
    assert dist.pool == f[codes.MERGED_UP]
