"""Capacity, who is served, waiting, drugs, effort, quality and money of a health centre, by hand."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import KEY, NOW, flows, households, listed, quick, rule, section

from cbhi.kernels import codes, draws, provider


def crowd(n: int, seed: int = 0):
    hhs = households(n)
    hhs["contacts"] = np.random.default_rng(seed).poisson(0.8, n)
    places = [
        draws.uniform(KEY, 3, h, draws.NOBODY, NOW, codes.DRAW_SUPPLY, c)
        for h in range(n)
        for c in range(int(hhs["contacts"][h]))
    ]
    return hhs, places


class TestQueue:
    @given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.integers(0, 79))
    @quick
    def test_kth_smallest(self, values: list[float], k: int) -> None:
        k = min(k, len(values) - 1)
        assert provider.kth_smallest(np.array(values), k) == sorted(values)[k]

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(0, 39))
    @quick
    def test_kth_smallest_among_equals(self, values: list[int], k: int) -> None:
        k = min(k, len(values) - 1)
        assert provider.kth_smallest(np.array(values, dtype=float), k) == sorted(values)[k]

    def test_exactly_as_many_as_there_is_capacity_for(self) -> None:
        hhs, places = crowd(400)
        ordered = sorted(places)
        assert len(set(places)) == len(places)
        sec = section(end=400)
        w = listed(hhs, sec)
        for capacity in range(len(places)):
            limit = provider.first_place_refused(hhs, sec, NOW, capacity, len(places), KEY, w)
            assert sum(place < limit for place in places) == capacity
            assert ordered[capacity] == limit
        for capacity in (len(places), len(places) + 1, 10**9):
            limit = provider.first_place_refused(hhs, sec, NOW, capacity, len(places), KEY, w)
            assert limit == provider.NO_LIMIT

    def test_everybody_has_the_same_chance(self) -> None:
        hhs = households(40)
        hhs["contacts"] = 1
        sec = section(end=40)
        served = np.zeros(40)
        w = listed(hhs, sec)
        for now in range(NOW, NOW + 600):
            limit = provider.first_place_refused(hhs, sec, now, 10, 40, KEY, w)
            u = [draws.uniform(KEY, 3, h, draws.NOBODY, now, codes.DRAW_SUPPLY, 0) for h in range(40)]
            served += np.array(u) < limit
        assert served.sum() == 6_000
        assert np.abs(served - 150).max() < 4.5 * math.sqrt(600 * 0.25 * 0.75)


class TestCapacity:
    @given(st.integers(0, 5000), st.floats(0, 0.5), st.floats(0, 2))
    @quick
    def test_the_fraction_is_carried(self, persons: int, per_person: float, staffing: float) -> None:
        sec = section(persons=persons, staffing=staffing)
        r = rule(consultations_per_person=per_person)
        total = sum(provider.monthly_capacity(sec, r) for _ in range(24))
        exact = 24 * persons * per_person * staffing
        assert exact - 1 - 1e-6 <= total <= exact + 1e-6
        assert 0 <= sec.capacity_carry < 1
        assert total + sec.capacity_carry == pytest.approx(exact)

    def test_own_posts_see_as_many_as_public_ones(self) -> None:
        # 1,000 people, 0.5 per 1,000 clinicians: 0.5 at staffing 1, of 100 consultations each
        r = rule(consultations_per_person=0.05, clinicians_per_person=0.0005)
        assert provider.monthly_capacity(section(persons=1_000, staffing=1.2), r) == 60
        assert provider.monthly_capacity(section(persons=1_000, staffing=1.2, own_posts=0.303), r) == 90
        assert provider.clinicians(section(persons=1_000, staffing=1.2, own_posts=0.3), r) == pytest.approx(
            1.8
        )

    def test_own_posts_where_nobody_lives_or_no_public_ones_exist(self) -> None:
        r = rule(clinicians_per_person=0.0)
        assert provider.clinicians(section(staffing=1.2, own_posts=3.0), r) == 1.2
        assert provider.clinicians(section(staffing=1.2, own_posts=3.0, persons=0), rule()) == 1.2

    def test_visitors_take_up_places(self) -> None:
        sec = section(visitors_before=7)
        assert provider.places_at_home(sec, 20, 30, rule(rationing=1)) == 13
        assert provider.places_at_home(sec, 5, 30, rule(rationing=1)) == 0
        assert provider.places_at_home(sec, 5, 30, rule(rationing=0)) == 30


class TestService:
    def test_by_hand(self) -> None:
        r = rule(seek_wait=0.2, seek_quality=1.5)
        assert provider.service_factor(section(wait_hours=2.5, quality=0.8), r) == pytest.approx(
            math.exp(-0.8)
        )
        assert provider.service_factor(section(wait_hours=0.0, quality=1.0), r) == 1.0

    @given(st.floats(0, 24), st.floats(0, 24), st.floats(0, 1), st.floats(0, 1))
    @quick
    def test_falls_with_waiting_and_rises_with_quality(
        self, w1: float, w2: float, q1: float, q2: float
    ) -> None:
        r = rule(seek_wait=0.2, seek_quality=1.5)
        short, long = sorted((w1, w2))
        bad, good = sorted((q1, q2))
        worst = provider.service_factor(section(wait_hours=long, quality=bad), r)
        best = provider.service_factor(section(wait_hours=short, quality=good), r)
        assert 0 < worst <= best <= 1


PROVIDER = dict(
    load_memory=0.3,
    wait_scale_hours=0.5,
    staff_adequacy=0.9,
    staff_weight=0.6,
    effort_weight=0.25,
    effort_base=0.6,
    effort_paid=0.9,
    effort_speed=0.2,
    performance_rwf=0.0,
    performance_half_rwf=50.0,
    clinicians_per_person=0.0005,
    payment=codes.PAY_FEE,
    capitation_effort_loss=0.1,
)


class TestProvider:
    def test_by_hand(self) -> None:
        sec = section(load=0.5, stock=0.8, staffing=0.8, effort=0.5, blame=0.1)
        provider.update_provider(sec, 100, 90, rule(**PROVIDER))
        load = 0.5 + 0.3 * 0.4
        effort = 0.5 + 0.2 * 0.1
        assert sec.load == pytest.approx(load)
        assert sec.wait_hours == pytest.approx(0.5 * load / (1 - load))
        assert sec.stock == 0.8
        assert sec.effort == pytest.approx(effort)
        assert sec.quality == pytest.approx((0.75 * (0.6 * 0.72 + 0.4 * 0.8) + 0.25 * effort) * 0.9)

    def test_own_posts_count_as_staff(self) -> None:
        # 0.02 own clinicians for 100 people, as many as 0.4 of the country's mean
        sec = section(staffing=0.5, own_posts=0.02)
        assert provider.centre_quality(sec, rule(**PROVIDER)) == pytest.approx(
            0.75 * (0.6 * 0.9 * 0.9 + 0.4) + 0.25
        )
        sec.own_posts = 5.0
        assert provider.centre_quality(sec, rule(**PROVIDER)) == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("changes", "aim"),
        [
            ({}, 0.6),
            # half of the way at 50, two thirds at 100, nearly all at a million
            ({"performance_rwf": 50.0}, 0.75),
            ({"performance_rwf": 100.0}, 0.8),
            ({"performance_rwf": 1e6}, 0.6 + 0.3 * 1e6 / (1e6 + 50)),
            ({"payment": codes.PAY_CASE}, 0.6),
            ({"payment": codes.PAY_CAPITATION}, 0.54),
            ({"payment": codes.PAY_CAPITATION, "performance_rwf": 100.0}, 0.72),
        ],
    )
    def test_effort_nears_its_aim(self, changes: dict[str, float], aim: float) -> None:
        sec = section(effort=0.2)
        r = rule(**{**PROVIDER, **changes})
        for _ in range(5):
            provider.update_provider(sec, 10, 5, r)
        assert sec.effort == pytest.approx(aim - (aim - 0.2) * 0.8**5)

    @pytest.mark.parametrize(
        ("capacity", "wanted", "visitors", "load"),
        [
            (0, 0, 0, 0.0),
            (0, 5, 0, 2.0),
            (0, 0, 5, 2.0),
            (10, 1000, 0, 2.0),
            (10, 5, 0, 0.5),
            (10, 5, 2, 0.7),
        ],
    )
    def test_load_of_a_month(self, capacity: int, wanted: int, visitors: int, load: float) -> None:
        sec = section(load=0.0, visitors_before=visitors)
        provider.update_provider(sec, capacity, wanted, rule(**{**PROVIDER, "load_memory": 1.0}))
        assert sec.load == load
        assert sec.wait_hours <= 0.5 * 0.95 / 0.05 + 1e-9

    def test_half_load_is_the_scale_of_waiting(self) -> None:
        sec = section()
        provider.update_provider(sec, 10, 5, rule(**{**PROVIDER, "load_memory": 1.0}))
        assert sec.wait_hours == pytest.approx(0.5)

    @given(
        st.floats(0, 3), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 9)
    )
    @quick
    def test_shares_stay_shares(
        self, staffing: float, stock: float, weight: float, effort: float, blame: float, own: float
    ) -> None:
        sec = section(staffing=staffing, stock=stock, effort=effort, blame=blame, own_posts=own)
        r = rule(**{**PROVIDER, "staff_weight": weight})
        provider.update_provider(sec, 10, 7, r)
        provider.update_blame(sec, blame)
        assert 0 <= sec.effort <= 1
        assert 0 <= sec.quality <= 1
        assert 0 <= sec.blame <= 1

    def test_blame_sinks_in_slowly(self) -> None:
        sec = section(blame=0.2)
        provider.update_blame(sec, 0.7)
        assert sec.blame == pytest.approx(0.25)

    @given(st.floats(0, 60), st.floats(0, 5))
    @quick
    def test_refusals(self, arrears: float, slope: float) -> None:
        p = provider.refusal_probability(arrears, slope)
        assert p == pytest.approx(-math.expm1(-arrears * slope), abs=1e-15)
        assert 0 <= p <= 1

    @given(st.integers(0, 10**9), st.floats(0, 1))
    @quick
    def test_providers_spend_what_they_have(self, cash: int, share: float) -> None:
        assert 0 <= provider.spend(cash, share) <= cash
        assert abs(provider.spend(cash, share) - cash * share) < 1.001


class TestTariff:
    R: ClassVar = dict(
        payment=codes.PAY_FEE, induced_share=0.2, target_visits=0.05, cost_outpatient_rwf=1_000.0,
        tariff_discount=0.2, tariff_half_size=50_000.0, members_training=0.5, persons_per_section=20_000.0,
        sections_per_fund=1.0,
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("revenue", "factor"), [(0.0, 1.0), (1.0, 1.19996), (1_250.0, 1.15), (5_000.0, 1.0), (9e9, 1.0)]
    )
    def test_induced_items_by_hand(self, revenue: float, factor: float) -> None:
        # target: 0.05 contacts x 100 people x 1,000 RWF = 5,000 RWF a month
        assert provider.induced_factor(section(revenue_average=revenue), rule(**self.R)) == pytest.approx(
            factor
        )

    def test_nothing_is_induced_under_other_payments_or_without_a_target(self) -> None:
        sec = section(revenue_average=1_250.0)
        for changes in (
            {"payment": codes.PAY_CASE}, {"payment": codes.PAY_CAPITATION}, {"target_visits": 0.0},
            {"induced_share": 0.0},
        ):  # fmt: skip
            assert provider.induced_factor(sec, rule(**{**self.R, **changes})) == 1.0

    def test_discount_by_hand(self) -> None:
        r = rule(**self.R)
        assert provider.negotiated_discount(0.0, r) == 0.0
        assert provider.negotiated_discount(50_000.0, r) == pytest.approx(0.05)
        assert provider.negotiated_discount(150_000.0, r) == pytest.approx(0.075)
        assert provider.negotiated_discount(150_000.0, rule(**{**self.R, "tariff_discount": 0.0})) == 0.0
        assert provider.negotiated_discount(150_000.0, rule(**{**self.R, "members_training": 0.0})) == 0.0

    def test_members_are_counted_in_real_people(self) -> None:
        # 25 of 100 people stand for 5,000 of 20,000
        r = rule(**self.R)
        assert provider.members_of_fund(section(insured=25), r) == pytest.approx(5_000)
        assert provider.members_of_fund(
            section(insured=25), rule(**{**self.R, "sections_per_fund": 13.0})
        ) == pytest.approx(65_000)
        assert provider.members_of_fund(section(insured=0, persons=0), r) == 0


CENTRE = dict(
    performance_rwf=0.0, performance_donor_share=0.25, running_cost_share=0.5, drug_cost_rwf=350.0,
    drug_months=2.0, empty_shelves=1, load_memory=0.3, salary_rwf=60_000.0,
)  # fmt: skip


class TestDrugs:
    def test_first_month_by_hand(self) -> None:
        sec = section(health_centre_cash=10_000)
        f = flows()
        provider.use_and_order_drugs(sec, 20, rule(**CENTRE), f)
        # a gift of 40, 20 used, 20 bought at 350
        assert sec.contacts_average == 20
        assert sec.doses == pytest.approx(40)
        assert sec.health_centre_cash == 3_000
        assert f[codes.DRUGS] == 7_000
        assert sec.stock == 1.0

    def test_a_later_month_by_hand(self) -> None:
        sec = section(health_centre_cash=4_900, doses=25.0, contacts_average=20.0)
        f = flows()
        provider.use_and_order_drugs(sec, 30, rule(**CENTRE), f)
        # average 23, none left, cash for 14 of the 46 wanted
        assert sec.contacts_average == pytest.approx(23)
        assert f[codes.DRUGS] == 4_900
        assert sec.health_centre_cash == 0
        assert sec.doses == pytest.approx(14)
        assert sec.stock == pytest.approx(14 / 23)

    def test_cycle_of_stock_out_and_recovery(self) -> None:
        r, f = rule(**CENTRE), flows()
        sec = section()

        def month(income: int) -> float:
            sec.health_centre_cash += income
            provider.use_and_order_drugs(sec, 100, r, f)
            return float(sec.stock)

        # use costs 35,000 a month; money enough keeps shelves full for ever
        assert [month(35_000) for _ in range(12)] == [1.0] * 12
        assert sec.doses == pytest.approx(200)
        # no income: two months of stock last one month and leave nothing after two
        assert [month(0) for _ in range(4)] == pytest.approx([1.0, 0.0, 0.0, 0.0])
        # 60 % of the cost: what is bought is used within the month; and nothing accumulates
        assert [month(21_000) for _ in range(3)] == pytest.approx([0.6] * 3)
        # money for 220 a month: 220, 340 cut at 200
        assert month(77_000) == 1.0
        assert sec.doses == pytest.approx(200)
        bought = 12 * 35_000 + 3 * 21_000 + 70_000
        assert f[codes.DRUGS] == bought
        assert sec.health_centre_cash == 7_000

    def test_shelves_that_cannot_empty(self) -> None:
        r, f = rule(**{**CENTRE, "empty_shelves": 0}), flows()
        sec = section(health_centre_cash=350)
        for _ in range(3):
            provider.use_and_order_drugs(sec, 100, r, f)
            assert sec.stock == 1.0
            assert sec.doses == pytest.approx(200)
        assert f[codes.DRUGS] == 350
        assert sec.health_centre_cash == 0

    def test_free_drugs_never_run_out(self) -> None:
        r, f = rule(**{**CENTRE, "drug_cost_rwf": 0.0}), flows()
        sec = section(health_centre_cash=350)
        for used in (0, 10, 300, 0):
            provider.use_and_order_drugs(sec, used, r, f)
            assert sec.stock == 1.0
        assert f.sum() == 0
        assert sec.health_centre_cash == 350

    @given(
        st.lists(st.tuples(st.integers(0, 200), st.integers(0, 100_000)), max_size=20), st.floats(0.1, 6),
        st.floats(0.01, 2_000), st.booleans(),
    )  # fmt: skip
    @quick
    def test_money_is_conserved_and_shelves_hold_what_was_paid_for(
        self, months: list[tuple[int, int]], drug_months: float, price: float, empty: bool
    ) -> None:
        r, f = (
            rule(**{**CENTRE, "drug_months": drug_months, "drug_cost_rwf": price, "empty_shelves": empty}),
            flows(),
        )
        sec = section()
        income = 0
        for used, cash in months:
            sec.health_centre_cash += cash
            income += cash
            provider.use_and_order_drugs(sec, used, r, f)
            assert sec.health_centre_cash >= 0
            assert 0 <= sec.stock <= 1
            # half a franc is less than half a franc's worth of drugs
            full = drug_months * sec.contacts_average
            assert 0 <= sec.doses <= max(full, 0.0) + 0.5 / price + max(m[0] for m in months) * drug_months
            assert sec.stock == 1 or sec.doses < sec.contacts_average
        assert income == sec.health_centre_cash + f[codes.DRUGS]


class TestMoneyOfTheCentre:
    def test_order_by_hand(self) -> None:
        sec = section(
            health_centre_cash=60_000, revenue_month=30_000, revenue_average=20_000.0, own_posts=0.5,
            quality=0.8, doses=30.0, contacts_average=50.0, visitors_before=10,
        )  # fmt: skip
        f = flows()
        changes = {"performance_rwf": 101.0, "committed_share": 0.6, "reserve_months": 2.0}
        provider.run_health_centre(sec, 40, rule(**{**CENTRE, **changes}), f)
        # 50 contacts at 101 x 0.8 = 4,040, a quarter of it from donors; 12,000 committed, and half of what
        # 64,040 is above that and a reserve of 40,000; then half a wage; then 100 doses lacking at 350, of
        # which 16,020 buys 45.8
        assert f[codes.PERFORMANCE_DONOR] == 1_010
        assert f[codes.PERFORMANCE_STATE] == 3_030
        assert f[codes.RUNNING_COST_HEALTH_CENTRE] == 12_000 + 6_020
        assert f[codes.OWN_WAGES] == 30_000
        assert f[codes.DRUGS] == 16_020
        assert sec.health_centre_cash == 0
        assert sec.own_posts == 0.5
        assert sec.stock == pytest.approx(16_020 / 350 / 50)
        assert sec.revenue_average == pytest.approx(20_000 + 0.15 * 14_040)
        assert sec.revenue_month == 0

    def test_committed_cost_takes_what_little_there_is(self) -> None:
        r = rule(committed_share=0.6, reserve_months=2.0, running_cost_share=0.5)
        assert provider.running_cost(section(health_centre_cash=5_000, revenue_average=20_000.0), r) == 5_000
        assert (
            provider.running_cost(section(health_centre_cash=30_000, revenue_average=20_000.0), r) == 12_000
        )
        # before there is an average, the month's own revenue stands in
        assert provider.running_cost(section(health_centre_cash=9_000, revenue_month=10_000), r) == 6_000

    def test_own_clinicians_who_cannot_be_paid_leave(self) -> None:
        sec = section(health_centre_cash=15_000, own_posts=0.5)
        f = flows()
        provider.pay_own_wages(sec, rule(**CENTRE), f)
        assert sec.own_posts == pytest.approx(0.25)
        assert (f[codes.OWN_WAGES], sec.health_centre_cash) == (15_000, 0)

    def test_average_revenue_starts_at_the_first_month_that_has_any(self) -> None:
        sec = section()
        averages = []
        for revenue in (0, 1_000, 0):
            sec.revenue_month = revenue
            provider.run_health_centre(sec, 0, rule(**CENTRE), flows())
            averages.append(sec.revenue_average)
        assert averages == pytest.approx([0, 1_000, 850])

    @given(
        st.integers(0, 10**6), st.integers(0, 500), st.floats(0, 3), st.floats(0, 300), st.floats(0, 1),
        st.floats(0, 1),
    )  # fmt: skip
    @quick
    def test_money_is_conserved_and_never_negative(
        self, cash: int, served: int, own: float, performance: float, donors: float, quality: float
    ) -> None:
        sec = section(health_centre_cash=cash, own_posts=own, quality=quality)
        f = flows()
        r = rule(**{**CENTRE, "performance_rwf": performance, "performance_donor_share": donors})
        provider.run_health_centre(sec, served, r, f)
        paid = f[[codes.RUNNING_COST_HEALTH_CENTRE, codes.OWN_WAGES, codes.DRUGS]].sum()
        received = f[[codes.PERFORMANCE_STATE, codes.PERFORMANCE_DONOR]].sum()
        assert f.min() >= 0
        assert f.sum() == paid + received
        assert received == pytest.approx(performance * served * quality, abs=0.51)
        assert sec.health_centre_cash == cash + received - paid >= 0
        assert 0 <= sec.own_posts <= own
