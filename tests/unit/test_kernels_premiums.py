"""Break-even premiums, their cap and the assembly's vote, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, fixed, households, quick, record_table, rule, section, state, tallies

from cbhi.kernels import codes, premiums
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
        ("changes", "expected"),
        [
            ({"premium_loading": 0.2}, 0.72),
            # 100 member-years here are 4,000 real ones; 900 are half 600 and half 1,200
            ({"premium_credibility": 4_000.0}, 0.9),
            ({"premium_credibility": 12_000.0}, 1.05),
            # 30,000 less the 10,000 in the fund, over 100 member-years
            ({"premium_reserve_months": 3.0}, 0.8),
            ({"premium_reserve_months": 0.5}, 0.6),
            # the reinsurer takes a quarter of the premium and pays a quarter of the claims
            ({"quota_share": 0.25}, 0.9),
            # nothing stays: reckoned with 5 %, and capped
            ({"admin_share": 1.0}, 2.0),
            ({"premium_cap": 0.25}, 0.75),
            ({"premium_cap": 0.25, "premium_loading": 1.0}, 1.2),
            ({"premium_cap": 0.1, "premium_loading": 1.0}, 1.1),
            ({"premium_cap": 0.0}, 1.0),
        ],
    )
    def test_every_part(self, changes: dict[str, float], expected: float) -> None:
        s, sec = village(claims_average=10_000.0, fund=10_000)
        s.nation[0].claims_per_member_month = 100.0
        assert set_premium(s, sec, **changes)[0] == pytest.approx(expected)

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
        s, sec = village(premium_factor=1.7)
        factor, t = set_premium(s, sec, premium_break_even=0)
        assert (factor, sec.member_months, t[codes.PREMIUM_CHANGES]) == (1.0, 0, 0)

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
