"""Consumption ranks, the list behind subsidies, and slots with their errors and their capture.

A household has two scores at each refresh of the list: the community's, which is its consumption position
plus the community's error, and that of the rule for targeting, which gives the slots away from the lowest
upwards. The second is kept (``list_score``) until the next refresh.
"""

from __future__ import annotations

import math

import numpy as np

from cbhi.kernels.codes import (
    CAPTURED_SLOTS,
    DRAW_CAPTURE,
    DRAW_ELITE,
    DRAW_LIST,
    DRAW_PROXY,
    DRAW_SKILL,
    DRAW_SLOTS,
    MIDDLE,
    POOREST,
    RICH,
    SUBSIDY_BUDGET,
    TARGET_COMMUNITY,
    TARGET_GEOGRAPHIC,
    TARGET_HYBRID,
    TARGET_MERIT,
    TARGET_PROXY,
    TARGET_UNIVERSAL,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import LANES, NOBODY, address, block, fill_blocks, normal_quantile, uniform
from cbhi.kernels.enrolment import premium_due, subsidy_of
from cbhi.kernels.records import F8, I8, Fixed, Household, Rule, Section, Table, Work

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


def skill(hh: Household, section: int, now: int, median_z: float, rule: Rule, key: tuple[int, int]) -> float:
    """Return a household's skill in writing a proposal, standard deviations.

    It rises with consumption; a consultant adds to it for some of the better-off half of the section,
    and training for the poorest category.
    """
    u, v, _, _ = block(key, section, int(hh.ordinal), NOBODY, now, DRAW_SKILL, 0)
    found = rule.merit_gradient * float(hh.z) + normal_quantile(u)
    if float(hh.z) > median_z and v < rule.consultant_share:
        found += rule.consultant_boost
    if hh.category == POOREST:
        found += rule.training
    return found


def two_scores(
    hh: Household, section: int, now: int, median_z: float, rule: Rule, key: tuple[int, int]
) -> tuple[float, float]:
    """Return (score that sorts households into categories, score for slots); lower looks poorer.

    The community's error is drawn anew at every refresh; what a proxy means test misses is the same every
    time. Under targeting that does not look at poverty the community still sorts the categories.
    """
    ordinal = int(hh.ordinal)
    u, v, _, _ = block(key, section, ordinal, NOBODY, now, DRAW_LIST, 0)
    community = float(hh.z) + rule.list_noise * normal_quantile(u)
    if rule.targeting == TARGET_COMMUNITY:
        return community, community
    if rule.targeting == TARGET_PROXY or rule.targeting == TARGET_HYBRID:
        w = uniform(key, section, ordinal, NOBODY, 0, DRAW_PROXY, 0)
        proxy = float(hh.z) + rule.proxy_noise * normal_quantile(w)
        if rule.targeting == TARGET_HYBRID:
            proxy = 0.5 * (proxy + community)
        return proxy, proxy
    if rule.targeting == TARGET_MERIT:
        return community, -skill(hh, section, now, median_z, rule, key)
    return community, v


def is_before(score: float, row: int, other_score: float, other_row: int) -> bool:
    """Return whether a household stands before another in a line: a lower score, then row."""
    return score < other_score or (score == other_score and row < other_row)


def sink(scores: F8, rows: I8, place: int, size: int) -> None:
    """Let the household at ``place`` of a heap of ``size`` sink below those that stand before it."""
    score, row = scores[place], rows[place]
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and is_before(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not is_before(scores[child], rows[child], score, row):
            break
        scores[place], rows[place] = scores[child], rows[child]
        place = child
    scores[place], rows[place] = score, row


def make_heap(scores: F8, rows: I8, size: int) -> None:
    """Put ``size`` households into a heap, the first in line on top."""
    for place in range(size // 2 - 1, -1, -1):
        sink(scores, rows, place, size)


def sort_last_first(scores: F8, rows: I8, size: int) -> None:
    """Sort ``size`` households so that the first in line stands at the end."""
    make_heap(scores, rows, size)
    for last in range(size - 1, 0, -1):
        score, row = scores[0], rows[0]
        scores[0], rows[0] = scores[last], rows[last]
        scores[last], rows[last] = score, row
        sink(scores, rows, 0, last)


def median_position(households: Table, sec: Section) -> float:
    """Return the consumption position of a section's middle household."""
    z = np.empty(sec.end - sec.first, dtype=np.float64)
    rows = np.empty(sec.end - sec.first, dtype=np.int64)
    n = 0
    for h in range(sec.first, sec.end):
        if households[h].alive != 0:
            z[n] = float(households[h].z)
            rows[n] = h
            n += 1
    sort_last_first(z, rows, n)
    return float(z[n - 1 - n // 2]) if n > 0 else 0.0


def draw_up_list(households: Table, sec: Section, now: int, rule: Rule, fixed: Fixed) -> None:
    """Score the households of a section and put them into categories, the poorest and the rich by share.

    Until the next refresh the list goes stale. Households founded later are not on it. A community that
    draws up its own list trusts the scheme more.
    """
    first = sec.first
    n = sec.end - first
    sec.has_list = 1
    median_z = 0.0
    if rule.targeting == TARGET_MERIT and rule.consultant_share > 0.0:
        median_z = median_position(households, sec)
    scores = np.empty(n, dtype=np.float64)
    rows = np.empty(n, dtype=np.int64)
    persons = 0
    for i in range(n):
        hh = households[first + i]
        score, slot_score = two_scores(hh, sec.number, now, median_z, rule, fixed.key)
        hh.list_score = slot_score
        hh.on_list = hh.alive
        scores[i] = score
        rows[i] = first + i
        if hh.alive != 0:
            persons += int(hh.n_members)
    seen = 0
    sort_last_first(scores, rows, n)
    for place in range(n - 1, -1, -1):
        hh = households[int(rows[place])]
        if hh.alive != 0:
            middle_of_household = seen + 0.5 * int(hh.n_members)
            seen += int(hh.n_members)
            if middle_of_household < rule.poorest_share * persons:
                hh.listed_category = POOREST
            elif middle_of_household >= (1.0 - rule.rich_share) * persons:
                hh.listed_category = RICH
            else:
                hh.listed_category = MIDDLE
    if rule.trust_fixed == 0 and (rule.targeting == TARGET_COMMUNITY or rule.targeting == TARGET_HYBRID):
        sec.trust = min(1.0, sec.trust + rule.list_trust_bonus)


def is_eligible(hh: Household, rule: Rule) -> bool:
    """Return whether a household may be given a slot; subsidies for all need no list."""
    return hh.alive != 0 and hh.formal == 0 and (hh.on_list != 0 or rule.targeting == TARGET_UNIVERSAL)


def slots_of(
    households: Table, sec: Section, persons: int, now: int, rule: Rule, key: tuple[int, int]
) -> int:
    """Return how many persons' premiums the slots of a section pay this year.

    The share of its people for which there is money; under geographic targeting in proportion to its
    share of truly poor people; under universal subsidies everybody eligible, as far as there is money. The
    fraction of a person is settled by a keyed draw.
    """
    u = uniform(key, sec.number, 0, NOBODY, now, DRAW_SLOTS, 0)
    share = rule.subsidy_slots_share * rule.subsidy_funded
    counted = persons
    if rule.targeting == TARGET_GEOGRAPHIC or rule.targeting == TARGET_UNIVERSAL:
        poor = 0
        counted = 0
        for h in range(sec.first, sec.end):
            hh = households[h]
            if hh.alive != 0 and hh.category == POOREST:
                poor += int(hh.n_members)
            if is_eligible(hh, rule):
                counted += int(hh.n_members)
        if rule.targeting == TARGET_UNIVERSAL:
            share = float(rule.subsidy_funded) if share > 0.0 else 0.0
        else:
            counted = persons
            if rule.poorest_share > 0.0:
                share = min(1.0, share * poor / max(1, persons) / rule.poorest_share)
    return int(counted * share + u) if share > 0.0 else 0


def can_fund(sec: Section, more_rwf: int, persons: int, rule: Rule) -> bool:
    """Return whether government's part of the section's subsidies stays within its budget of the year."""
    state_part = (sec.subsidy_left + more_rwf) * rule.subsidy_state_share
    return state_part <= rule.subsidy_state_budget_rwf * persons


def subsidy_for(hh: Household, sec: Section, price_rule: Rule) -> int:
    """Return what a slot pays for a household, RWF a year."""
    return subsidy_of(premium_due(hh, price_rule, sec.premium_factor), price_rule)


def tie_to_leaders(hh: Household, u: float, rule: Rule) -> float:
    """Return how close a household is to local leaders: ``rho z + sqrt(1 - rho^2) n``, ``n`` from a draw."""
    rho = rule.elite_correlation
    return rho * float(hh.z) + math.sqrt(1.0 - rho * rho) * normal_quantile(u)


def is_elite(hh: Household, section: int, rule: Rule, key: tuple[int, int]) -> bool:
    """Return whether a household is tied to local leaders: a tie for ever, likelier for the better-off.

    It is above the quantile that the elite's share leaves.
    """
    if rule.elite_share <= 0.0 or rule.elite_share >= 1.0:
        return rule.elite_share >= 1.0
    u = uniform(key, section, int(hh.ordinal), NOBODY, 0, DRAW_ELITE, 0)
    return tie_to_leaders(hh, u, rule) > -normal_quantile(rule.elite_share)


def note_elite(
    households: Table, section: int, rule: Rule, key: tuple[int, int], n: int, rows: I8, addresses: I8, u: F8
) -> None:
    """Note who of the first ``n`` rows listed is of the elite, as ``is_elite`` says."""
    share = rule.elite_share
    if share <= 0.0 or share >= 1.0:
        for i in range(n):
            households[rows[i]].elite = 1 if share >= 1.0 else 0
        return
    fill_blocks(key, section, 0, DRAW_ELITE, n, addresses, u)
    least = -normal_quantile(share)
    for i in range(n):
        hh = households[rows[i]]
        hh.elite = 1 if tie_to_leaders(hh, float(u[0, i]), rule) > least else 0


def draw_turns(
    households: Table,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    losers: F8,
    losing: I8,
    captors: F8,
    taking: I8,
) -> tuple[int, int]:
    """Draw who loses a slot at distribution and in which turn the elite without slots take them.

    Their rows go beside their turns; returns how many they are.
    """
    rows = np.empty(LANES, dtype=np.int64)
    addresses = np.zeros(LANES, dtype=np.int64)
    u = np.empty((4, LANES))
    n_losing, n_taking = 0, 0
    for begin in range(sec.first, sec.end, LANES):
        n = 0
        for h in range(begin, min(begin + LANES, sec.end)):
            hh = households[h]
            hh.elite = 0
            # written always and kept when counted
            rows[n] = h
            addresses[n] = address(int(hh.ordinal), NOBODY)
            n += int(hh.alive) & int(hh.formal == 0)
        note_elite(households, sec.number, rule, fixed.key, n, rows, addresses, u)
        concerned = 0
        for i in range(n):
            hh = households[rows[i]]
            rows[concerned] = rows[i]
            addresses[concerned] = addresses[i]
            concerned += int(hh.subsidised) | int(hh.elite)
        fill_blocks(fixed.key, sec.number, now, DRAW_CAPTURE, concerned, addresses, u)
        for i in range(concerned):
            if households[rows[i]].subsidised == 0:
                captors[n_taking] = u[1, i]
                taking[n_taking] = rows[i]
                n_taking += 1
            elif u[0, i] < rule.capture_share:
                losers[n_losing] = u[0, i]
                losing[n_losing] = rows[i]
                n_losing += 1
    return n_losing, n_taking


def capture_slots(
    households: Table,
    sec: Section,
    persons: int,
    now: int,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    tallies: I8,
) -> None:
    """Let relatives of local leaders take slots at distribution (formal leaders, Alatas et al.).

    Each slot is taken with a keyed probability, by the next household in turn that is tied to leaders,
    has none, is no larger than the one it pushes out and fits into the budget.
    """
    n = sec.end - sec.first
    losers = np.empty(n, dtype=np.float64)
    captors = np.empty(n, dtype=np.float64)
    losing = np.empty(n, dtype=np.int64)
    taking = np.empty(n, dtype=np.int64)
    n_losing, n_taking = draw_turns(households, sec, now, rule, fixed, losers, losing, captors, taking)
    sort_last_first(losers, losing, n_losing)
    sort_last_first(captors, taking, n_taking)
    for i in range(n_losing - 1, -1, -1):
        loser = households[int(losing[i])]
        freed = subsidy_for(loser, sec, price_rule)
        for j in range(n_taking - 1, -1, -1):
            captor = households[int(taking[j])]
            if captor.subsidised != 0 or int(captor.n_members) > int(loser.n_members):
                continue
            taken = subsidy_for(captor, sec, price_rule)
            if can_fund(sec, taken - freed, persons, rule):
                loser.subsidised = 0
                captor.subsidised = 1
                sec.subsidy_left += taken - freed
                tallies[CAPTURED_SLOTS] += int(captor.n_members)
                break


def line_up(
    households: Table, sec: Section, now: int, rule: Rule, key: tuple[int, int], scores: F8, rows: I8
) -> int:
    """Put the eligible households of a section into a heap, the first for a slot on top; return how many."""
    size = 0
    for h in range(sec.first, sec.end):
        hh = households[h]
        if not is_eligible(hh, rule):
            continue
        scores[size] = float(hh.list_score)
        if rule.targeting == TARGET_UNIVERSAL:
            # nobody's place depends on a list
            scores[size] = block(key, sec.number, int(hh.ordinal), NOBODY, now, DRAW_LIST, 0)[1]
        rows[size] = h
        size += 1
    make_heap(scores, rows, size)
    return size


def allot_slots(
    households: Table,
    sec: Section,
    now: int,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    tallies: I8,
) -> None:
    """Give a section's slots to the eligible households with the lowest scores.

    Slots are persons; one too many for the slots or the money left is passed over, a smaller household may
    still fit. The section's budget is what the holders owe at the premiums of the year.
    """
    sec.subsidy_left = 0
    persons = 0
    for h in range(sec.first, sec.end):
        hh = households[h]
        hh.subsidised = 0
        if hh.alive != 0:
            persons += int(hh.n_members)
    if rule.subsidy_offered == 0:
        return
    slots = slots_of(households, sec, persons, now, rule, fixed.key)
    scores = np.empty(sec.end - sec.first, dtype=np.float64)
    rows = np.empty(sec.end - sec.first, dtype=np.int64)
    # slots are few: a heap gives the first of the line without sorting all of it
    waiting = line_up(households, sec, now, rule, fixed.key, scores, rows)
    while waiting > 0 and slots > 0:
        hh = households[int(rows[0])]
        waiting -= 1
        scores[0], rows[0] = scores[waiting], rows[waiting]
        sink(scores, rows, 0, waiting)
        if int(hh.n_members) <= slots:
            subsidy = subsidy_for(hh, sec, price_rule)
            if can_fund(sec, subsidy, persons, rule):
                slots -= int(hh.n_members)
                hh.subsidised = 1
                sec.subsidy_left += subsidy
    if rule.capture_share > 0.0:
        capture_slots(households, sec, persons, now, rule, price_rule, fixed, tallies)
    tallies[SUBSIDY_BUDGET] += sec.subsidy_left


compile_kernels(
    globals(),
    allocating=("median_position", "draw_up_list", "draw_turns", "capture_slots", "allot_slots"),
)
