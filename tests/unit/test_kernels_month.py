"""The order of a month: sanctions, and what moves only where a scheme is open."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support import (
    NOW,
    calendar,
    fixed,
    flows,
    gauges,
    household,
    households,
    quintiles,
    rule,
    section,
    state,
    tallies,
    work,
)

from cbhi.kernels import codes, demography, income, month, targeting
from cbhi.kernels.records import District, Member, Section, record_table


class TestSanction:
    def test_fines_and_refusals_come_at_their_rates(self) -> None:
        r = rule(enforcement_max=0.9, gate_probability=0.5, penalty_rwf=5_000)
        t, f = tallies(), flows()
        n = 6_000
        for ordinal in range(n):
            hh, _ = household(cash=3_000)
            month.sanction(hh, 5, ordinal, NOW, 0.8, r, fixed().key, f, t)
        for found, p in ((t[codes.PENALTIES], 0.9 * 0.8 / 12.0), (t[codes.GATE_REFUSALS], 0.5 * 0.8)):
            # four standard errors; a rate 5 % off lies outside for the gate
            assert abs(found / n - p) < 4 * math.sqrt(p * (1 - p) / n)
        # nobody pays more than the cash there is
        assert f[codes.PENALTY] == 3_000 * t[codes.PENALTIES]

    def test_without_capacity_nothing_happens(self) -> None:
        t = tallies()
        for ordinal in range(200):
            hh, _ = household(cash=3_000)
            month.sanction(hh, 5, ordinal, NOW, 0.0, rule(enforcement_max=1.0), fixed().key, flows(), t)
        assert t[codes.PENALTIES] == t[codes.GATE_REFUSALS] == 0


@pytest.mark.parametrize("opens", [NOW, NOW + 1])
def test_trust_moves_only_where_a_scheme_is_open_and_capacity_everywhere(opens: int) -> None:
    sections = record_table(Section, 1)
    for name, value in {"opens": opens, "trust": 0.4, "quality": 0.9, "enforcement": 0.3}.items():
        sections[name] = value
    nobody = state(
        households(0), record_table(Member, (0, codes.MEMBER_SLOTS)), sections, record_table(District, 1)
    )
    r = rule(trust_quality=0.1, mobilisation_effort=1.0, enforcement_growth=0.6)
    month.month_of_section(
        nobody, sections[0], NOW, calendar(), r, r, fixed(), work(), np.zeros(2, dtype=np.int64), quintiles(),
        flows(), np.zeros(codes.N_STOCKS, dtype=np.int64), tallies(), gauges(),
    )  # fmt: skip
    moved = sections[0]
    assert (moved.trust != 0.4) == (opens == NOW)
    assert moved.enforcement == pytest.approx(0.3 + 0.6 / 12 * 0.7)


def test_saving_for_a_premium_by_hand() -> None:
    r = rule(
        shock_sd=0.0, season=1.0, buffer_months=0.5, consumption_share=0.8, premium_saving_share=0.4,
        repayment_share=0.0,
    )  # fmt: skip
    spent = {}
    for standing in (codes.STANDING_PAID, codes.STANDING_UNAFFORDABLE):
        hh, _ = household(cash=10_000, income=20_000, standing=standing)
        f = flows()
        income.live_a_month(hh, r, 1.0, 0.5, f)
        spent[standing] = int(f[codes.CONSUMPTION])
    # 30,000 in hand, 20,000 above the buffer; 80 % of it, or 60 % of that
    assert spent == {codes.STANDING_PAID: 16_000, codes.STANDING_UNAFFORDABLE: 9_600}


def test_a_household_is_listed_by_its_middle_person() -> None:
    hhs = households(4)
    hhs["n_members"] = 2
    hhs["z"] = [-1.0, 0.0, 1.0, 2.0]
    # the second household stands from the third to the fourth of eight people, its middle at three
    for share, expected in ((3.02 / 8, codes.POOREST), (2.98 / 8, codes.MIDDLE)):
        r = rule(list_noise=0.0, poorest_share=share, rich_share=0.0)
        targeting.draw_up_list(hhs, section(first=0, end=4, limit=4), NOW, r, fixed())
        assert hhs["listed_category"].tolist() == [
            codes.POOREST, expected, codes.MIDDLE, codes.MIDDLE,
        ]  # fmt: skip


def test_a_child_dies_before_five_as_often_as_the_table_says() -> None:
    """The reference, an assumption, gives an under-five mortality of 142 per thousand births."""
    survival = np.prod([1.0 - demography.yearly_death_probability(age) for age in range(5)])
    assert 1000 * (1 - survival) == pytest.approx(142, abs=3)
