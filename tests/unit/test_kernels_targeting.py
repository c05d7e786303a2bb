"""Ranks, the community's list and slots."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, base, fixed, households, quick, record_table, rule, section, tallies, work

from cbhi.kernels import codes, draws, targeting
from cbhi.kernels.records import Section
from cbhi.packing import pack_rules


def village(n: int, seed: int = 0, **fields: object):
    rng = np.random.default_rng(seed)
    hhs = households(n)
    hhs["z"] = rng.standard_normal(n)
    hhs["n_members"] = rng.integers(1, 10, n)
    return hhs, section(end=n, limit=n, **fields)


class TestRanks:
    def test_bins_cover_the_line(self) -> None:
        assert targeting.bin_of(-100.0) == 0
        assert targeting.bin_of(100.0) == targeting.BINS - 1
        assert targeting.bin_of(0.0) == targeting.BINS // 2
        assert targeting.bin_of(0.0051) == targeting.BINS // 2 + 1

    def test_quintiles_and_categories_have_equal_parts_of_persons(self) -> None:
        n = 20_000
        hhs, _ = village(n)
        hhs["alive"][::50] = 0
        sections = record_table(Section, 2)
        sections["first"], sections["end"] = [0, 7_000], [7_000, n]
        targeting.rank_households(hhs, sections, 0.25, 0.01, work())
        alive = hhs["alive"] == 1
        persons = hhs["n_members"].astype(int) * alive
        parts = np.bincount(hhs["quintile"], persons, minlength=5) / persons.sum()
        # a bin of 1/200 sd holds at most 0.2 % of persons
        np.testing.assert_allclose(parts, 0.2, atol=0.003)
        shares = np.bincount(hhs["category"], persons, minlength=3) / persons.sum()
        np.testing.assert_allclose(shares, [0.25, 0.74, 0.01], atol=0.003)
        # the poorer the lower, across sections
        z = hhs["z"][alive]
        order = np.argsort(z)
        assert (np.diff(hhs["quintile"][alive][order].astype(int)) >= 0).all()
        assert (
            z[hhs["category"][alive] == codes.POOREST].max() < z[hhs["category"][alive] == codes.RICH].min()
        )

    def test_a_household_ranks_by_its_middle_person(self) -> None:
        # ten equal households: the poorest stands at 5 %, the richest at 95 %
        hhs = households(10)
        hhs["z"], hhs["n_members"] = np.linspace(-2, 2, 10), 3
        sections = record_table(Section, 1)
        sections[0].end = 10
        for share, n in ((0.049, 0), (0.051, 1), (0.149, 1), (0.151, 2)):
            targeting.rank_households(hhs, sections, share, share, work())
            assert np.bincount(hhs["category"], minlength=3).tolist() == [n, 10 - 2 * n, n]
        assert hhs["quintile"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]

    @pytest.mark.parametrize(("poorest", "rich", "category"), [(1, 0, 0), (0, 1, 2), (0, 0, 1)])
    def test_shares_of_everybody(self, poorest: float, rich: float, category: int) -> None:
        hhs, sec = village(300)
        sections = record_table(Section, 1)
        sections[0].end = sec.end
        targeting.rank_households(hhs, sections, float(poorest), float(rich), work())
        assert set(hhs["category"]) == {category}


class TestList:
    @pytest.mark.parametrize("correlation", [0.3, 0.65, 0.9])
    def test_correlation_is_the_one_asked_for(self, correlation: float) -> None:
        n = 8_000
        rules = pack_rules(base().replace({"subsidy.list_correlation": correlation}))
        hhs, sec = village(n)
        targeting.draw_up_list(hhs, sec, NOW, rules[0], fixed())
        found = np.corrcoef(hhs["z"], hhs["list_score"])[0, 1]
        assert abs(found - correlation) < 4 * (1 - correlation**2) / math.sqrt(n)

    def test_a_perfect_list_sorts_by_consumption(self) -> None:
        hhs, sec = village(500)
        hhs["alive"][7] = 0
        targeting.draw_up_list(
            hhs, sec, NOW, rule(list_noise=0.0, poorest_share=0.3, rich_share=0.1), fixed()
        )
        alive = hhs["alive"] == 1
        order = np.flatnonzero(alive)[np.argsort(hhs["z"][alive])]
        size = hhs["n_members"][order].astype(float)
        middle = (np.cumsum(size) - size / 2) / size.sum()
        expected = np.where(middle < 0.3, codes.POOREST, np.where(middle >= 0.9, codes.RICH, codes.MIDDLE))
        np.testing.assert_array_equal(hhs["listed_category"][order], expected)
        np.testing.assert_array_equal(hhs["on_list"], hhs["alive"])

    def test_errors_are_drawn_anew_at_every_list(self) -> None:
        hhs, sec = village(2_000)
        r = rule(list_noise=1.0)
        targeting.draw_up_list(hhs, sec, NOW, r, fixed())
        first = hhs["list_score"] - hhs["z"]
        targeting.draw_up_list(hhs, sec, NOW + 36, r, fixed())
        second = hhs["list_score"] - hhs["z"]
        assert abs(np.corrcoef(first, second)[0, 1]) < 4 / math.sqrt(2_000)
        assert second.std() == pytest.approx(1.0, rel=4 / math.sqrt(4_000))


OFFER = dict(subsidy_offered=1, premium_by_household=0, premium_middle_rwf=1_000, subsidy_premium_share=1.0)


class TestSlots:
    @given(st.floats(0, 1), st.integers(0, 30))
    @quick
    def test_never_more_than_there_are(self, share: float, seed: int) -> None:
        hhs, sec = village(60, seed)
        hhs["on_list"] = np.arange(60) % 7 != 0
        hhs["formal"] = np.arange(60) % 11 == 0
        hhs["alive"][5] = 0
        hhs["list_score"] = hhs["z"]
        hhs["listed_category"] = codes.MIDDLE
        hhs["subsidised"] = 1  # of last year
        r, t = rule(**OFFER, subsidy_slots_share=share), tallies()
        targeting.allot_slots(hhs, sec, NOW, r, r, fixed(), t)
        persons = int(hhs["n_members"][hhs["alive"] == 1].sum())
        chosen = hhs["subsidised"] == 1
        used = int(hhs["n_members"][chosen].sum())
        assert used <= math.floor(persons * share) + 1
        eligible = (hhs["alive"] == 1) & (hhs["on_list"] == 1) & (hhs["formal"] == 0)
        assert not (chosen & ~eligible).any()
        # the poorest first, passing over those too large for what is left
        u = draws.uniform(fixed().key, 3, 0, draws.NOBODY, NOW, codes.DRAW_SLOTS, 0)
        left = math.floor(persons * share + u)
        for i in sorted(np.flatnonzero(eligible), key=lambda i: hhs["list_score"][i]):
            fits = int(hhs["n_members"][i]) <= left
            assert chosen[i] == fits
            left -= int(hhs["n_members"][i]) if fits else 0
        assert sec.subsidy_left == used * 1_000 == t[codes.SUBSIDY_BUDGET]

    def test_fractions_of_a_person_even_out(self) -> None:
        hhs, _ = village(10)
        hhs["n_members"], hhs["on_list"] = 1, 1
        r = rule(**OFFER, subsidy_slots_share=0.137)
        used = []
        for number in range(2_000):
            targeting.allot_slots(hhs, section(end=10, number=number), NOW, r, r, fixed(), tallies())
            used.append(int(hhs["subsidised"].sum()))
        assert set(used) == {1, 2}
        assert np.mean(used) == pytest.approx(1.37, abs=4 * math.sqrt(0.37 * 0.63 / 2_000))

    def test_nothing_offered(self) -> None:
        hhs, sec = village(10)
        hhs["subsidised"], hhs["on_list"] = 1, 1
        r = rule(**{**OFFER, "subsidy_offered": 0}, subsidy_slots_share=1.0)
        sec.subsidy_left = 99
        targeting.allot_slots(hhs, sec, NOW, r, r, fixed(), tallies())
        assert hhs["subsidised"].sum() == sec.subsidy_left == 0

    def test_budget_is_at_the_price_of_the_year_on_sale(self) -> None:
        hhs, sec = village(10)
        hhs["on_list"], hhs["listed_category"] = 1, codes.POOREST
        r = rule(**OFFER, subsidy_slots_share=1.0)
        price = rule(premium_by_household=0, premium_poorest_rwf=2_000, subsidy_premium_share=0.75)
        targeting.allot_slots(hhs, sec, NOW, r, price, fixed(), tallies())
        assert sec.subsidy_left == 1_500 * hhs["n_members"].astype(int).sum()
