"""Consumption ranks, the community's list, and subsidy slots with their errors."""

from __future__ import annotations

import numpy as np

from cbhi.kernels.codes import (
    DRAW_LIST,
    DRAW_SLOTS,
    MIDDLE,
    POOREST,
    RICH,
    SUBSIDY_BUDGET,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, normal_quantile, uniform
from cbhi.kernels.enrolment import premium_due, subsidy_of
from cbhi.kernels.records import I8, Fixed, Rule, Section, Table, Work

# the consumption position is binned from -6 to 6 standard deviations to find national cuts
BINS_PER_SD = 200
BINS = 12 * BINS_PER_SD


def bin_of(z: float) -> int:
    """Return the histogram bin of a consumption position."""
    return min(BINS - 1, max(0, int((z + 6.0) * BINS_PER_SD)))


def rank_households(
    households: Table, sections: Table, poorest_share: float, rich_share: float, work: Work
) -> None:
    """Set every household's national consumption quintile and true poverty category."""
    work.histogram[:] = 0
    persons = 0
    for s in range(sections.size):
        sec = sections[s]
        for h in range(sec.first, sec.end):
            hh = households[h]
            if hh.alive != 0:
                n = int(hh.n_members)
                work.histogram[bin_of(float(hh.z))] += n
                persons += n
    # a bin's rank is the share of persons below its middle
    below = 0
    for b in range(BINS):
        here = int(work.histogram[b])
        work.histogram[b] = 2 * below + here
        below += here
    for s in range(sections.size):
        sec = sections[s]
        for h in range(sec.first, sec.end):
            hh = households[h]
            if hh.alive != 0:
                rank = int(work.histogram[bin_of(float(hh.z))]) / (2.0 * persons)
                hh.quintile = min(4, int(5.0 * rank))
                if rank < poorest_share:
                    hh.category = POOREST
                elif rank >= 1.0 - rich_share:
                    hh.category = RICH
                else:
                    hh.category = MIDDLE


def draw_up_list(households: Table, sec: Section, now: int, rule: Rule, fixed: Fixed) -> None:
    """Let the community of section ``s`` score its households and put them into categories.

    The score is the consumption position plus the community's error, which is drawn anew at every
    refresh; until the next refresh it goes stale. Households founded later are not on the list.
    """
    first = sec.first
    n = sec.end - first
    sec.has_list = 1
    scores = np.empty(n, dtype=np.float64)
    persons = 0
    for i in range(n):
        hh = households[first + i]
        u = uniform(fixed.key, sec.number, int(hh.ordinal), NOBODY, now, DRAW_LIST, 0)
        score = float(hh.z) + rule.list_noise * normal_quantile(u)
        hh.list_score = score
        hh.on_list = hh.alive
        scores[i] = score
        if hh.alive != 0:
            persons += int(hh.n_members)
    seen = 0
    for i in np.argsort(scores):
        hh = households[first + int(i)]
        if hh.alive != 0:
            middle_of_household = seen + 0.5 * int(hh.n_members)
            seen += int(hh.n_members)
            if middle_of_household < rule.poorest_share * persons:
                hh.listed_category = POOREST
            elif middle_of_household >= (1.0 - rule.rich_share) * persons:
                hh.listed_category = RICH
            else:
                hh.listed_category = MIDDLE


def allot_slots(
    households: Table,
    sec: Section,
    now: int,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    tallies: I8,
) -> None:
    """Give the slots of section ``s`` to the listed households that look poorest.

    Slots are persons: the share of the section's people that the budget pays for, the fraction of a
    person settled by a keyed draw. The section's budget is what these households owe.
    """
    first = sec.first
    n = sec.end - first
    sec.subsidy_left = 0
    scores = np.empty(n, dtype=np.float64)
    persons = 0
    for i in range(n):
        hh = households[first + i]
        hh.subsidised = 0
        scores[i] = float(hh.list_score)
        if hh.alive != 0:
            persons += int(hh.n_members)
    if rule.subsidy_offered == 0:
        return
    u = uniform(fixed.key, sec.number, 0, NOBODY, now, DRAW_SLOTS, 0)
    slots = int(persons * rule.subsidy_slots_share + u)
    for i in np.argsort(scores):
        hh = households[first + int(i)]
        if hh.alive != 0 and hh.on_list != 0 and hh.formal == 0:
            if int(hh.n_members) > slots:
                # too large for what is left; a smaller household may still fit
                continue
            slots -= int(hh.n_members)
            hh.subsidised = 1
            sec.subsidy_left += subsidy_of(premium_due(hh, price_rule), price_rule)
    tallies[SUBSIDY_BUDGET] += sec.subsidy_left


compile_kernels(globals())
