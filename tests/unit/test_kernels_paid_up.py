"""Who counts as paid up, and where partners are looked for: what the review of the engine found."""

from __future__ import annotations

import numpy as np

import cbhi
from cbhi.kernels import codes
from cbhi.kernels.cover import is_paid_up, is_recent_member
from cbhi.kernels.records import Household, record_table


def household(**fields: int) -> Household:
    row = record_table(Household, 1)[0]
    for name, value in fields.items():
        setattr(row, name, value)
    return row


def test_waiting_counts_and_buying_ahead_does_not() -> None:
    now = 24_000
    waiting = household(cover_from=now + 2, cover_until=now + 14, standing=codes.STANDING_PAID)
    assert is_paid_up(waiting, now)
    ahead = household(cover_from=now + 1, cover_until=now + 13, standing_next=codes.STANDING_PAID)
    assert not is_paid_up(ahead, now)
    assert is_paid_up(ahead, now + 1)
    renewed_early = household(cover_from=now - 6, cover_until=now + 13, standing_next=codes.STANDING_PAID)
    assert is_paid_up(renewed_early, now)
    assert not is_paid_up(household(cover_from=now - 12, cover_until=now), now)
    assert not is_paid_up(household(cover_from=now - 6, cover_until=now + 6, formal=1), now)


def test_recent_means_this_month_or_one_of_the_twelve_before() -> None:
    now = 24_000
    assert not is_recent_member(household(), now)
    # cover_until is the first month without benefits
    assert is_recent_member(household(cover_until=now - 11), now)
    assert not is_recent_member(household(cover_until=now - 12), now)


def test_nobody_is_paid_up_before_the_year_they_paid_for() -> None:
    """The first membership year is on sale from August on; until January nobody has cover."""
    scenario = cbhi.scenario("rwanda-rules").replace(
        {"scheme.calendar": "fixed", "scheme.premium_basis": "person", "switches.rollout": False},
        start="2007-07",
        end="2008-06",
    )
    tallies = cbhi.simulate(scenario, households=500, seed=2).arrays.tallies[0].sum(axis=1)
    enrolments = tallies[:, codes.ENROLMENTS]
    assert enrolments[1:6].sum() > 0
    assert np.all(tallies[:6, codes.PAID] == 0)
    assert tallies[6, codes.PAID] > 0


def test_brides_of_a_small_section_find_grooms() -> None:
    """With one household in twelve celebrating each month, most grooms are found among the others."""
    base = cbhi.scenario("rwanda-rules").replace(end="2005-06")
    formed = {}
    for households, replicates in ((60, 20), (1_200, 1)):
        # one section each: 1,200 households are four sections of 300
        results = cbhi.simulate(base, households=households, replicates=replicates, seed=3, workers=2)
        tallies = results.arrays.tallies.sum(axis=(0, 1, 2))
        formed[households] = tallies[codes.HOUSEHOLDS_FORMED] / tallies[codes.HOUSEHOLDS_ALIVE] * 12
    # per household and year, the same law at both sizes: about 3 %, standard error about 0.2 %
    assert formed[60] == np.clip(formed[60], 0.75 * formed[1_200], 1.1 * formed[1_200])
