"""Capacity, who is served, waiting, stock and quality."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import KEY, NOW, households, quick, rule, section, work

from cbhi.kernels import codes, draws, provider


def crowd(n: int, seed: int = 0):
    hhs = households(n)
    hhs["contacts"] = np.random.default_rng(seed).poisson(0.8, n)
    places = [
        int(provider.place_in_queue(KEY, 3, h, NOW, c))
        for h in range(n)
        for c in range(int(hhs["contacts"][h]))
    ]
    return hhs, places


class TestQueue:
    def test_place_is_a_word_of_the_supply_draw(self) -> None:
        u = draws.block(KEY, 3, 7, draws.NOBODY, NOW, codes.DRAW_SUPPLY, 2)[0]
        assert (provider.place_in_queue(KEY, 3, 7, NOW, 2) + 0.5) * 2.0**-32 == u

    def test_exactly_as_many_as_there_is_capacity_for(self) -> None:
        hhs, places = crowd(400)
        ordered = sorted(places)
        assert len(set(places)) == len(places)
        sec = section(end=400)
        for capacity in range(len(places)):
            limit = provider.first_place_refused(hhs, sec, NOW, capacity, len(places), KEY, work().histogram)
            assert sum(place < limit for place in places) == capacity
            assert ordered[capacity] >= limit
        for capacity in (len(places), len(places) + 1, 10**9):
            limit = provider.first_place_refused(hhs, sec, NOW, capacity, len(places), KEY, work().histogram)
            assert limit == provider.NO_LIMIT

    def test_everybody_has_the_same_chance(self) -> None:
        hhs = households(40)
        hhs["contacts"] = 1
        sec = section(end=40)
        served = np.zeros(40)
        for now in range(NOW, NOW + 600):
            limit = provider.first_place_refused(hhs, sec, now, 10, 40, KEY, work().histogram)
            served += [provider.place_in_queue(KEY, 3, h, now, 0) < limit for h in range(40)]
        assert served.sum() == 6_000
        assert np.abs(served - 150).max() < 4.5 * math.sqrt(600 * 0.25 * 0.75)

    def test_count_places_finds_a_prefix(self) -> None:
        hhs, places = crowd(300)
        histogram = work().histogram
        provider.count_places(hhs, section(end=300), NOW, KEY, 20, 12, 0, histogram)
        np.testing.assert_array_equal(
            histogram, np.bincount(np.array(places) >> 20, minlength=histogram.size)
        )
        prefix = places[0] >> 20
        provider.count_places(hhs, section(end=300), NOW, KEY, 8, 12, prefix, histogram)
        assert histogram.sum() == sum(place >> 20 == prefix for place in places)
        assert histogram[(places[0] >> 8) & 0xFFF] >= 1


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


class TestProvider:
    R: ClassVar = dict(
        load_memory=0.3,
        wait_scale_hours=0.5,
        stockout_slope=0.2,
        stock_speed=0.25,
        staff_adequacy=0.9,
        staff_weight=0.6,
    )

    def test_by_hand(self) -> None:
        sec = section(load=0.5, stock=0.8, arrears=3.0, staffing=0.8)
        provider.update_provider(sec, 100, 90, rule(**self.R))
        load = 0.5 + 0.3 * 0.4
        stock = 0.8 + 0.25 * (math.exp(-0.6) - 0.8)
        assert sec.load == pytest.approx(load)
        assert sec.wait_hours == pytest.approx(0.5 * load / (1 - load))
        assert sec.stock == pytest.approx(stock)
        assert sec.quality == pytest.approx(0.6 * 0.72 + 0.4 * stock)

    @pytest.mark.parametrize(
        ("capacity", "wanted", "load"), [(0, 0, 0.0), (0, 5, 2.0), (10, 1000, 2.0), (10, 5, 0.5)]
    )
    def test_load_of_a_month(self, capacity: int, wanted: int, load: float) -> None:
        sec = section(load=0.0)
        provider.update_provider(sec, capacity, wanted, rule(**{**self.R, "load_memory": 1.0}))
        assert sec.load == load
        assert sec.wait_hours <= 0.5 * 0.95 / 0.05 + 1e-9

    def test_half_load_is_the_scale_of_waiting(self) -> None:
        sec = section()
        provider.update_provider(sec, 10, 5, rule(**{**self.R, "load_memory": 1.0}))
        assert sec.wait_hours == pytest.approx(0.5)

    @given(st.floats(0, 60), st.floats(0, 3), st.floats(0, 1), st.floats(0, 1))
    @quick
    def test_shares_stay_shares(self, arrears: float, staffing: float, stock: float, weight: float) -> None:
        sec = section(arrears=arrears, staffing=staffing, stock=stock)
        provider.update_provider(sec, 10, 7, rule(**{**self.R, "staff_weight": weight}))
        assert 0 <= sec.stock <= 1
        assert 0 <= sec.quality <= 1

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
