"""Break-even premiums, their cap and the assembly's vote, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, fixed, flows, households, quick, record_table, rule, section, state, tallies

from cbhi.kernels import codes, enrolment, fund, premiums
from cbhi.kernels.records import District, Member, Section

# shares that leave half of a premium, no loading, no reserve, no cap to speak of
BREAK_EVEN: dict[str, Any] = dict(
    premium_break_even=1,
    premium_loading=0.0,
    premium_credibility=0.0,
    premium_cap=1.0,
    premium_reserve_months=0.0,
    premium_veto_slope=0.0,
    persons_per_section=20_000.0,
    premium_by_household=0,
    premium_poorest_rwf=1_000,
    premium_middle_rwf=1_000,
    premium_rich_rwf=3_000,
    admin_share=0.1,
    pool_share=0.3,
    national_share=0.1,
    quota_share=0.0,
    cost_outpatient_rwf=500.0,
)


def village(**fields: Any) -> tuple[Any, Any]:
    """Four households of two: a formal one, a dead one, a middle and a rich one: 2,000 RWF a person."""
    hhs = households(4)
    hhs["n_members"] = 2
    hhs["formal"], hhs["alive"] = [1, 0, 0, 0], [1, 0, 1, 1]
    hhs["listed_category"] = [codes.RICH, codes.RICH, codes.MIDDLE, codes.RICH]
    sections = record_table(Section, 1)
    sec = section(**{"end": 4, "claims_year": 60_000, "member_months": 1_200, "persons": 500, **fields})
    sections[0] = sec
    s = state(hhs, record_table(Member, (4, 2)), sections, record_table(District, 1))
    return s, s.sections[0]


def set_premium(s: Any, sec: Any, **changes: Any) -> tuple[float, Any]:
    t = tallies()
    premiums.set_premium(s, sec, NOW, rule(**{**BREAK_EVEN, **changes}), fixed(), t)
    return float(sec.premium_factor), t


class TestBreakEven:
    def test_by_hand(self) -> None:
        s, sec = village()
        # 600 a member-year over the half that stays is 1,200; the schedule asks 2,000
        factor, t = set_premium(s, sec)
        assert factor == pytest.approx(0.6)
        assert (t[codes.PREMIUM_CHANGES], t[codes.PREMIUM_VETOES]) == (1, 0)
        assert (sec.claims_year, sec.member_months) == (0, 0)

    @pytest.mark.parametrize(
        ("fields", "changes", "expected"),
        [
            ({}, {}, 1_200),
            ({}, {"premium_loading": 0.2}, 1_440),
            # 100 member-years here are 4,000 real ones; 900 are half 600 and half 1,200
            ({}, {"premium_credibility": 4_000.0}, 1_800),
            ({}, {"premium_credibility": 12_000.0}, 2_100),
            # a contact cost 400 on average and costs 500 in the year sold; the country's claims likewise
            ({"claims_cost": 1_200 * 400.0}, {}, 1_500),
            ({"claims_cost": 1_200 * 625.0}, {}, 960),
            ({"claims_cost": 1_200 * 400.0}, {"premium_credibility": 4_000.0}, 2_250),
            # 30,000 over 50 people of today are 600
            ({}, {"premium_reserve_months": 3.0}, 2_400),
            # less the 10,000 in the fund, of which 5,000 are owed
            ({"fund": 10_000}, {"premium_reserve_months": 3.0}, 2_000),
            (
                {"fund": 10_000, "payables": 4_000, "payables_hospital": 1_000},
                {"premium_reserve_months": 3.0},
                2_200,
            ),
            ({"payables": 3_000}, {}, 1_320),
            # 15,000 too much are 300 each, given back in three years
            ({"fund": 20_000}, {"premium_reserve_months": 0.5}, 1_000),
            # a half of either
            ({}, {"premium_reserve_months": 3.0, "premium_deficit_share": 0.5}, 1_200 + 600),
            ({"fund": 20_000}, {"premium_reserve_months": 0.5, "premium_surplus_share": 0.5}, 1_200 - 300),
            ({"fund": 20_000, "payables": 40_000}, {"premium_deficit_share": 0.0}, 1_200),
            ({"fund": 10**6}, {"premium_surplus_share": 0.0}, 1_200),
            ({"fund": 10**6}, {"premium_cap": 0.25}, 1_500),
            ({"fund": 10**6}, {}, 0),
            # neither loading nor trend touch the reserve
            ({"claims_cost": 1_200 * 250.0}, {"premium_reserve_months": 1.0, "premium_loading": 0.2}, 3_280),
            # nobody is insured today
            ({"insured": 0}, {"premium_reserve_months": 3.0}, 4_000),
            # the reinsurer takes a quarter of what is left of the premium and pays a quarter of the claims
            ({}, {"quota_share": 0.25}, 1_200),
            ({}, {"quota_share": 0.25, "premium_reserve_months": 3.0}, (450 + 600) / 0.375),
            # nothing stays: reckoned with 5 %, and capped
            ({}, {"admin_share": 1.0}, 4_000),
            ({}, {"admin_share": 0.57, "premium_cap": 100.0}, 12_000),
            ({}, {"premium_cap": 0.25}, 1_500),
            ({}, {"premium_cap": 0.25, "premium_loading": 1.0}, 2_400),
            ({}, {"premium_cap": 0.1, "premium_loading": 1.0}, 2_200),
            ({}, {"premium_cap": 0.0}, 2_000),
        ],
    )
    def test_every_part(self, fields: dict[str, Any], changes: dict[str, float], expected: float) -> None:
        s, sec = village(**{"claims_average": 10_000.0, "insured": 50, **fields})
        s.nation[0].claims_per_member_month = 100.0
        factor, _ = set_premium(s, sec, **changes)
        assert sec.premium_rwf == pytest.approx(expected)
        assert factor == pytest.approx(expected / 2_000)
        assert (sec.claims_year, sec.member_months, sec.claims_cost) == (0, 0, 0.0)

    def test_moves_from_where_it_is(self) -> None:
        s, sec = village(premium_factor=0.4)
        assert set_premium(s, sec, premium_cap=0.25)[0] == pytest.approx(0.5)
        # not a change: within the cap it stays where it was
        s, sec = village(premium_factor=0.6)
        factor, _ = set_premium(s, sec)
        assert factor == pytest.approx(0.6)

    @pytest.mark.parametrize(
        "fields",
        [{"member_months": 0}, {"merged": 1}, {"opens": NOW + 1}, {"premium_factor": 1.3, "merged": 1}],
    )
    def test_without_experience_or_claims_of_its_own_nothing_changes(self, fields: dict[str, Any]) -> None:
        s, sec = village(**fields)
        before = float(sec.premium_factor)
        factor, t = set_premium(s, sec)
        assert (factor, t[codes.PREMIUM_CHANGES]) == (before, 0)

    def test_where_the_pool_pays_nothing_changes(self) -> None:
        s, sec = village()
        assert set_premium(s, sec, pool_pays_outpatient=1)[0] == 1.0

    def test_a_rule_withdrawn_brings_the_schedule_back(self) -> None:
        s, sec = village(premium_factor=1.7, premium_rwf=3_400.0, claims_cost=9.0)
        factor, t = set_premium(s, sec, premium_break_even=0)
        assert (factor, sec.member_months, t[codes.PREMIUM_CHANGES]) == (1.0, 0, 0)
        assert (sec.premium_rwf, sec.claims_cost) == (0.0, 0.0)

    def test_a_free_schedule_cannot_be_scaled(self) -> None:
        s, sec = village()
        free = dict(premium_poorest_rwf=0, premium_middle_rwf=0, premium_rich_rwf=0)
        assert set_premium(s, sec, **free)[0] == 1.0

    def test_a_section_that_broke_even_does_so_again(self) -> None:
        # what is kept of the new premium is what was claimed
        s, sec = village(claims_year=987_654, member_months=4_321)
        factor, _ = set_premium(s, sec, premium_cap=1.0, premium_rich_rwf=20_000)
        income = factor * 10_500 * 4_321 / 12
        assert 0.5 * income == pytest.approx(987_654)

    @given(st.floats(0, 5), st.floats(0.01, 3), st.floats(0, 1), st.integers(0, 10**7), st.integers(1, 10**4))
    @quick
    def test_stays_within_the_cap_and_above_zero(
        self, loading: float, before: float, cap: float, claims: int, months: int
    ) -> None:
        s, sec = village(premium_factor=before, claims_year=claims, member_months=months)
        factor, _ = set_premium(s, sec, premium_loading=loading, premium_cap=cap)
        assert max(0.0, before * (1 - cap)) - 1e-12 <= factor <= before * (1 + cap) + 1e-12

    def test_a_premium_that_fell_to_nothing_can_rise_again(self) -> None:
        s, sec = village(premium_factor=0.0)
        assert set_premium(s, sec)[0] == pytest.approx(0.6)


TRIPLED: dict[str, Any] = dict(
    premium_poorest_rwf=3_000, premium_middle_rwf=3_000, premium_rich_rwf=9_000, premium_cap=0.25
)


def charged(s: Any, sec: Any, **changes: Any) -> float:
    """What the village's middle and rich household of two pay a person, on average."""
    r = rule(**{**BREAK_EVEN, **changes})
    return sum(enrolment.premium_due(hh, r, sec.premium_factor) for hh in list(s.households)[2:]) / 4


class TestFrancs:
    def another_year(self, claims: int, **fields: Any) -> tuple[Any, Any]:
        """A village that has set 1,200 RWF, and a year of claims later."""
        s, sec = village(**fields)
        assert set_premium(s, sec)[0] == pytest.approx(0.6)
        assert charged(s, sec) == 1_200
        sec.claims_year, sec.member_months = claims, 1_200
        return s, sec

    @pytest.mark.parametrize(
        ("claims", "premium"), [(200_000, 1_500), (65_000, 1_300), (50_000, 1_000), (10_000, 900)]
    )
    def test_the_cap_holds_whatever_the_schedule_does(self, claims: int, premium: int) -> None:
        s, sec = self.another_year(claims)
        factor, _ = set_premium(s, sec, **TRIPLED)
        assert sec.premium_rwf == pytest.approx(premium)
        # two people pay an uneven part rounded to whole francs
        assert charged(s, sec, **TRIPLED) == pytest.approx(premium, abs=1)
        assert factor == pytest.approx(premium / 6_000)

    @pytest.mark.parametrize("cap", [0.05, 0.3])
    def test_the_schedule_stands_in_before_the_first_setting(self, cap: float) -> None:
        s, sec = village(premium_factor=0.5, claims_year=500_000)
        set_premium(s, sec, premium_cap=cap)
        assert sec.premium_rwf == pytest.approx(1_000 * (1 + cap))

    def test_the_assembly_is_asked_about_francs(self) -> None:
        for number in range(20):
            # the factor falls to a quarter, but people would pay a quarter more
            s, sec = self.another_year(200_000, trust=0.0, number=number)
            factor, t = set_premium(s, sec, **TRIPLED, premium_veto_slope=50.0)
            assert (t[codes.PREMIUM_VETOES], t[codes.PREMIUM_CHANGES]) == (1, 0)
            assert sec.premium_rwf == pytest.approx(1_200)
            assert factor == pytest.approx(0.2)
            # the schedule falls to a half: the factor rises and the premium falls
            s, sec = self.another_year(50_000, trust=0.0, number=number)
            halved = dict(premium_middle_rwf=500, premium_rich_rwf=1_500)
            factor, t = set_premium(s, sec, **halved, premium_veto_slope=50.0)
            assert (t[codes.PREMIUM_VETOES], t[codes.PREMIUM_CHANGES]) == (0, 1)
            assert factor == pytest.approx(1.0)
            assert sec.premium_rwf == pytest.approx(1_000)


class TestTenYears:
    N = 2_000

    @pytest.mark.parametrize("at_cost", [True, False])
    @pytest.mark.parametrize("loading", [0.0, 0.1])
    def test_the_fund_neither_runs_dry_nor_piles_up(self, at_cost: bool, loading: float) -> None:
        """Premiums are the only income; claims per member grow by 9 % a year, with cost or without."""
        s, sec = village(claims_year=0, member_months=0, insured=self.N)
        claims, cost, held = 60.0, 500.0, []
        terms: dict[str, Any] = dict(
            premium_loading=loading, premium_reserve_months=3.0, premium_cap=0.3, processing_share=1.0,
            embezzled_share=0.0, capacity_effect=0.0,
        )  # fmt: skip
        for year in range(10):
            r = {**BREAK_EVEN, **terms, "cost_outpatient_rwf": cost}
            if year > 0:
                set_premium(s, sec, **r)
            rules, f, t = rule(**r), flows(), tallies()
            income = round(self.N * 2_000 * sec.premium_factor)
            sec.fund += income
            fund.share_out(sec, s.districts[0], s.nation[0], income, rules, f, t)
            for m in range(12):
                fund.settle_section_claims(
                    sec, s.districts[0], round(claims * self.N), 12 * year + m, rules, f, t
                )
            assert sec.payables == 0
            held.append(sec.fund / sec.claims_average)
            claims *= 1.09
            cost *= 1.09 if at_cost else 1.0
        # in months of claims at the end of each year; three are aimed at
        assert min(held) > 0
        assert 0 < held[-1] < 6
        assert held[-1] == pytest.approx(held[-2], abs=0.1)


class TestPrior:
    def test_by_hand(self) -> None:
        s, _ = village()
        ss = record_table(Section, 3)
        ss["claims_year"], ss["member_months"] = [900, 0, 600], [10, 40, 0]
        premiums.set_national_prior(ss, s.nation[0])
        assert s.nation[0].claims_per_member_month == pytest.approx(30.0)
        ss["member_months"] = 0
        premiums.set_national_prior(ss, s.nation[0])
        assert s.nation[0].claims_per_member_month == pytest.approx(30.0)


class TestAssembly:
    @pytest.mark.parametrize(("trust", "slope"), [(0.2, 0.5), (0.9, 4.0), (0.5, 1.0)])
    def test_a_rise_is_vetoed_as_often_as_distrust_says(self, trust: float, slope: float) -> None:
        vetoed = []
        for number in range(2_000):
            s, sec = village(premium_factor=0.5, trust=trust, number=number)
            factor, t = set_premium(s, sec, premium_veto_slope=slope)
            vetoed.append(int(t[codes.PREMIUM_VETOES]))
            assert factor == (0.5 if vetoed[-1] else pytest.approx(0.6))
            assert t[codes.PREMIUM_CHANGES] == 1 - vetoed[-1]
        expected = 1 - np.exp(-slope * (1 - trust))
        error = np.sqrt(expected * (1 - expected) / len(vetoed))
        assert abs(np.mean(vetoed) - expected) < 4 * error

    def test_nobody_vetoes_a_fall(self) -> None:
        for number in range(50):
            s, sec = village(trust=0.0, number=number)
            factor, t = set_premium(s, sec, premium_veto_slope=50.0)
            assert factor == pytest.approx(0.6)
            assert t[codes.PREMIUM_VETOES] == 0
