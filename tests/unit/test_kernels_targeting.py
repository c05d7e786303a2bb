"""Ranks, the list by each rule of targeting, slots, money for them, and capture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import KEY, NOW, base, fixed, households, quick, record_table, rule, section, tallies, work

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


OFFER = dict(
    subsidy_offered=1,
    premium_by_household=0,
    premium_middle_rwf=1_000,
    subsidy_premium_share=1.0,
    capture_share=0.0,
)


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

    @pytest.mark.parametrize("n", [1, 2, 7, 40])
    def test_the_line_is_in_order_of_scores_and_rows(self, n: int) -> None:
        hhs, sec = village(n)
        hhs["on_list"] = 1
        # many have the same score
        hhs["list_score"] = np.random.default_rng(n).integers(0, 4, n)
        scores, rows = np.empty(n), np.empty(n, dtype=np.int64)
        size = targeting.line_up(hhs, sec, NOW, rule(), KEY, scores, rows)
        assert size == n
        line = []
        while size > 0:
            line.append(int(rows[0]))
            size -= 1
            scores[0], rows[0] = scores[size], rows[size]
            targeting.sink(scores, rows, 0, size)
        assert line == sorted(range(n), key=lambda h: (hhs["list_score"][h], h))

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
        sec.premium_factor = 1.1
        targeting.allot_slots(hhs, sec, NOW, r, price, fixed(), tallies())
        assert sec.subsidy_left == 1_650 * hhs["n_members"].astype(int).sum()

    def test_slots_without_money_stay_empty(self) -> None:
        hhs, _ = village(10)
        hhs["n_members"], hhs["on_list"] = 1, 1
        r = rule(**OFFER, subsidy_slots_share=0.4, subsidy_funded=0.25)
        targeting.allot_slots(hhs, section(end=10), NOW, r, r, fixed(), tallies())
        # exactly one person, whatever the draw
        assert hhs["subsidised"].sum() == 1

    @pytest.mark.parametrize(("state_share", "n"), [(0.0, 10), (0.25, 10), (0.5, 8), (1.0, 4)])
    def test_governments_part_stays_within_its_budget(self, state_share: float, n: int) -> None:
        hhs, sec = village(10)
        hhs["n_members"], hhs["on_list"], hhs["listed_category"] = 1, 1, codes.MIDDLE
        hhs["list_score"] = hhs["z"]
        # 10 persons x 430 = 4,300 a year of a franc in `state_share`
        r = rule(
            **OFFER,
            subsidy_slots_share=1.0,
            subsidy_state_share=state_share,
            subsidy_state_budget_rwf=430.0,
        )
        targeting.allot_slots(hhs, sec, NOW, r, r, fixed(), tallies())
        assert hhs["subsidised"].sum() == n
        assert sec.subsidy_left == 1_000 * n
        assert set(np.argsort(hhs["z"])[:n]) == set(np.flatnonzero(hhs["subsidised"]))

    def test_geographic_slots_follow_the_poor(self) -> None:
        hhs, sec = village(100)
        hhs["n_members"], hhs["on_list"] = 1, 1
        hhs["category"] = np.where(np.arange(100) < 50, codes.POOREST, codes.MIDDLE)
        r = rule(**OFFER, targeting=codes.TARGET_GEOGRAPHIC, subsidy_slots_share=0.1, poorest_share=0.25)
        targeting.draw_up_list(hhs, sec, NOW, r, fixed())
        targeting.allot_slots(hhs, sec, NOW, r, r, fixed(), tallies())
        # twice the country's share of the poor, twice the slots; within the section anybody
        assert hhs["subsidised"].sum() == 20
        assert 0 < hhs["subsidised"][50:].sum() < 20
        many = rule(**OFFER, targeting=codes.TARGET_GEOGRAPHIC, subsidy_slots_share=0.9, poorest_share=0.1)
        targeting.allot_slots(hhs, sec, NOW, many, many, fixed(), tallies())
        assert hhs["subsidised"].sum() == 100

    @pytest.mark.parametrize(("share", "funded", "n"), [(0.01, 1.0, 80), (0.0, 1.0, 0), (0.3, 0.5, 40)])
    def test_universal_slots_need_no_list(self, share: float, funded: float, n: int) -> None:
        hhs, sec = village(100)
        hhs["n_members"], hhs["formal"], hhs["alive"] = 1, np.arange(100) < 10, np.arange(100) < 90
        r = rule(**OFFER, targeting=codes.TARGET_UNIVERSAL, subsidy_slots_share=share, subsidy_funded=funded)
        targeting.allot_slots(hhs, sec, NOW, r, r, fixed(), tallies())
        assert hhs["subsidised"].sum() == n
        assert not hhs["subsidised"][:10].any()
        assert not hhs["subsidised"][90:].any()


def scored(n: int, **fields: object):
    """A large village with its list drawn up by some rule, and the truth: a quarter are poor."""
    hhs, sec = village(n)
    poor = float(np.quantile(hhs["z"], 0.24))
    hhs["category"] = np.where(hhs["z"] < poor, codes.POOREST, codes.MIDDLE)
    hhs["n_members"] = 1
    r = rule(**{"poorest_share": 0.24, "rich_share": 0.01, **fields})
    targeting.draw_up_list(hhs, sec, NOW, r, fixed())
    return hhs, sec


def sensitivity(hhs, share: float = 0.24) -> float:
    """The part of the truly poor among the slots, if there are slots for ``share`` of people."""
    chosen = np.argsort(hhs["list_score"])[: round(share * hhs.size)]
    poor = hhs["category"] == codes.POOREST
    return float(poor[chosen].sum() / poor.sum())


class TestRules:
    """Sensitivities of section 3, V19: bivariate normal score and poverty, 24 % poor."""

    n = 20_000

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            (dict(targeting=codes.TARGET_PROXY, proxy_noise=1.0), 0.600),  # R2 of one half: r = 0.707
            (dict(targeting=codes.TARGET_PROXY, proxy_noise=math.sqrt(1 / 0.81 - 1)), 0.768),
            (dict(targeting=codes.TARGET_COMMUNITY, list_noise=math.sqrt(1 / 0.25 - 1)), 0.472),
            (dict(targeting=codes.TARGET_MERIT, merit_gradient=0.3 / math.sqrt(1 - 0.09)), 0.128),
            (dict(targeting=codes.TARGET_MERIT, merit_gradient=0.0), 0.240),
            (dict(targeting=codes.TARGET_RANDOM), 0.240),
            (dict(targeting=codes.TARGET_GEOGRAPHIC), 0.240),
            # the mean of two errors of variance 1 has variance 1/2: r = 0.8165
            (dict(targeting=codes.TARGET_HYBRID, proxy_noise=1.0, list_noise=1.0), 0.686),
        ],
    )
    def test_sensitivity(self, fields: dict[str, float], expected: float) -> None:
        hhs, _ = scored(self.n, consultant_share=0.0, training=0.0, **fields)
        error = math.sqrt(expected * (1 - expected) / (0.24 * self.n))
        assert abs(sensitivity(hhs) - expected) < 4 * error + 0.0005

    def test_a_proxy_misses_the_same_every_time_and_a_community_does_not(self) -> None:
        for target, kept in ((codes.TARGET_PROXY, True), (codes.TARGET_COMMUNITY, False)):
            r = rule(targeting=target, proxy_noise=1.0, list_noise=1.0)
            hhs, sec = village(2_000)
            targeting.draw_up_list(hhs, sec, NOW, r, fixed())
            first = hhs["list_score"] - hhs["z"]
            targeting.draw_up_list(hhs, sec, NOW + 36, r, fixed())
            second = hhs["list_score"] - hhs["z"]
            assert (np.corrcoef(first, second)[0, 1] > 0.999) == kept

    def test_hybrid_is_the_mean_of_both(self) -> None:
        scores = []
        for target in (codes.TARGET_COMMUNITY, codes.TARGET_PROXY, codes.TARGET_HYBRID):
            hhs, _ = scored(50, targeting=target, proxy_noise=0.8, list_noise=1.3)
            scores.append(hhs["list_score"].astype(float))
        np.testing.assert_allclose((scores[0] + scores[1]) / 2, scores[2], atol=1e-6)

    @pytest.mark.parametrize("target", [codes.TARGET_MERIT, codes.TARGET_RANDOM, codes.TARGET_UNIVERSAL])
    def test_blind_rules_leave_the_categories_to_the_community(self, target: int) -> None:
        blind, _ = scored(400, targeting=target)
        community, _ = scored(400, targeting=codes.TARGET_COMMUNITY)
        np.testing.assert_array_equal(blind["listed_category"], community["listed_category"])
        assert np.corrcoef(blind["list_score"], community["list_score"])[0, 1] < 0.5

    def test_consultants_write_for_the_better_off_half(self) -> None:
        merit = dict(targeting=codes.TARGET_MERIT, training=0.0)
        plain, _ = scored(4_000, **merit, consultant_share=0.0)
        helped, _ = scored(4_000, **merit, consultant_share=0.3, consultant_boost=1.5)
        gain = plain["list_score"].astype(float) - helped["list_score"]
        better_off = plain["z"] > np.median(plain["z"])
        # the middle household of an even number may count to either half
        assert np.abs(gain[~better_off]).max() == 0
        np.testing.assert_allclose(gain[gain > 0], 1.5, atol=1e-6)
        assert abs((gain[better_off] > 0).mean() - 0.3) < 4 * math.sqrt(0.21 / 2_000)

    def test_training_helps_the_poorest(self) -> None:
        merit = dict(targeting=codes.TARGET_MERIT, consultant_share=0.0)
        plain, _ = scored(500, **merit, training=0.0)
        trained, _ = scored(500, **merit, training=0.7)
        gain = plain["list_score"].astype(float) - trained["list_score"]
        np.testing.assert_allclose(gain, np.where(plain["category"] == codes.POOREST, 0.7, 0.0), atol=1e-6)

    @pytest.mark.parametrize(
        ("target", "trust_fixed", "trust"),
        [
            (codes.TARGET_COMMUNITY, 0, 0.55),
            (codes.TARGET_HYBRID, 0, 0.55),
            (codes.TARGET_PROXY, 0, 0.5),
            (codes.TARGET_COMMUNITY, 1, 0.5),
        ],
    )
    def test_a_community_trusts_its_own_list(self, target: int, trust_fixed: int, trust: float) -> None:
        _, sec = scored(20, targeting=target, list_trust_bonus=0.05, trust_fixed=trust_fixed)
        assert sec.trust == pytest.approx(trust)


def captured(n: int = 300, seed: int = 0, size: int = 0, **fields: object):
    """Slots for a third of a village's people, some captured: holders before, the village, tallies."""
    hhs, sec = village(n, seed, number=3 + seed)
    if size:
        hhs["n_members"] = size
    hhs["on_list"], hhs["listed_category"], hhs["list_score"] = 1, codes.MIDDLE, hhs["z"]
    hhs["formal"] = np.arange(n) % 9 == 0
    r = rule(**{**OFFER, "subsidy_slots_share": 0.33, **fields})
    none = rule(**{**OFFER, "subsidy_slots_share": 0.33, **fields, "capture_share": 0.0})
    targeting.allot_slots(hhs, sec, NOW, none, none, fixed(), tallies())
    before, t = hhs["subsidised"].copy(), tallies()
    targeting.allot_slots(hhs, sec, NOW, r, r, fixed(), t)
    return before == 1, hhs, sec, t


class TestElite:
    @pytest.mark.parametrize(("share", "correlation"), [(0.15, 0.055), (0.3, 0.8)])
    def test_share_and_tie_to_consumption(self, share: float, correlation: float) -> None:
        hhs, _ = village(20_000)
        r = rule(elite_share=share, elite_correlation=correlation)
        tied = np.array([targeting.is_elite(hh, 3, r, fixed().key) for hh in hhs])
        assert abs(tied.mean() - share) < 4 * math.sqrt(share * (1 - share) / tied.size)
        # mean z above a threshold of a bivariate normal: rho phi(c) / share
        c = draws.normal_quantile(1 - share)
        expected = correlation * math.exp(-c * c / 2) / math.sqrt(2 * math.pi) / share
        assert abs(hhs["z"][tied].mean() - expected) < 4 / math.sqrt(tied.sum())

    def test_a_tie_by_hand(self) -> None:
        hhs, _ = village(1)
        hhs["z"] = 1.5
        found = targeting.tie_to_leaders(hhs[0], 0.9, rule(elite_correlation=0.6))
        assert found == pytest.approx(0.6 * 1.5 + 0.8 * 1.2815516, abs=1e-4)

    @pytest.mark.parametrize("share", [0.0, 0.15, 1.0])
    def test_many_at_a_time_are_those_one_by_one(self, share: float) -> None:
        _, hhs, sec, _ = captured(1_300, capture_share=0.1, elite_share=share, elite_correlation=0.5)
        r = rule(elite_share=share, elite_correlation=0.5)
        expected = [hh.formal == 0 and targeting.is_elite(hh, sec.number, r, fixed().key) for hh in hhs]
        np.testing.assert_array_equal(hhs["elite"] == 1, expected)

    @pytest.mark.parametrize(("share", "tied"), [(0.0, False), (1.0, True)])
    def test_nobody_and_everybody(self, share: float, tied: bool) -> None:
        hhs, _ = village(5)
        r = rule(elite_share=share)
        assert {targeting.is_elite(hh, 3, r, fixed().key) for hh in hhs} == {tied}


class TestCapture:
    @given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 20))
    @quick
    def test_slots_change_hands_and_nothing_else(self, share: float, elite: float, seed: int) -> None:
        before, hhs, sec, t = captured(80, seed, capture_share=share, elite_share=elite)
        after = hhs["subsidised"] == 1
        lost, won = before & ~after, after & ~before
        assert lost.sum() == won.sum()
        size = hhs["n_members"].astype(int)
        assert size[won].sum() <= size[lost].sum()
        assert t[codes.CAPTURED_SLOTS] == size[won].sum()
        assert not (hhs["formal"][won] | (hhs["elite"][won] == 0)).any()
        assert sec.subsidy_left == t[codes.SUBSIDY_BUDGET] == 1_000 * size[after].sum()

    def test_as_often_as_it_should(self) -> None:
        lost, held = 0, 0
        for seed in range(40):
            before, hhs, _, _ = captured(300, seed, size=4, capture_share=0.08, elite_share=0.5)
            lost += int((before & (hhs["subsidised"] == 0)).sum())
            held += int(before.sum())
        assert held > 3_000
        assert abs(lost / held - 0.08) < 4 * math.sqrt(0.08 * 0.92 / held)

    def test_each_loses_to_the_first_in_turn_who_fits(self) -> None:
        before, hhs, _, _ = captured(60, 1, capture_share=0.3, elite_share=0.4)
        key = fixed().key
        pairs = [draws.block(key, 4, i, draws.NOBODY, NOW, codes.DRAW_CAPTURE, 0) for i in range(60)]
        holders, size = list(before), hhs["n_members"].astype(int)
        free = hhs["elite"].astype(bool) & ~before & (hhs["formal"] == 0)
        turns = sorted(np.flatnonzero(free), key=lambda i: pairs[i][1])
        for i in sorted(np.flatnonzero(before), key=lambda i: pairs[i][0]):
            if pairs[i][0] < 0.3:
                fitting = [j for j in turns if size[j] <= size[i] and not holders[j]]
                if fitting:
                    holders[i], holders[fitting[0]] = False, True
        assert holders != list(before)
        np.testing.assert_array_equal(hhs["subsidised"] == 1, holders)

    def test_ties_are_for_ever(self) -> None:
        _, first, _, _ = captured(capture_share=0.04, elite_share=0.15)
        _, second, _, _ = captured(capture_share=0.9, elite_share=0.15)
        np.testing.assert_array_equal(first["elite"], second["elite"])
        assert 0 < first["elite"].sum() < 100

    def test_a_dearer_captor_must_fit_into_the_budget(self) -> None:
        hhs = households(2)
        hhs["n_members"], hhs["on_list"], hhs["list_score"] = 1, 1, [0, 1]
        hhs["listed_category"] = [codes.MIDDLE, codes.RICH]
        for budget, holder in ((1_000.0, 0), (1_500.0, 1)):
            r = rule(
                **{**OFFER, "capture_share": 1.0},
                elite_share=1.0,
                premium_rich_rwf=3_000,
                subsidy_slots_share=0.5,
                subsidy_state_share=1.0,
                subsidy_state_budget_rwf=budget,
            )
            sec = section(end=2)
            targeting.allot_slots(hhs, sec, NOW, r, r, fixed(), tallies())
            assert hhs["subsidised"].tolist() == [1 - holder, holder]
            assert sec.subsidy_left == (3_000 if holder else 1_000)
