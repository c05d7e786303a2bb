"""Births, deaths, marriages that found households, onset of chronic illness.

Every household lives its demographic year in the month of its own anniversary, so that yearly events
are spread over the months. Marriage takes a woman and a man from two households of the section and
founds a third; nobody is created or lost on the way.
"""

from __future__ import annotations

import math

import numpy as np

from cbhi.kernels.codes import (
    BIRTHS,
    BIRTHS_WITHOUT_ROOM,
    BY_CASH,
    DEATHS,
    DEBT_WRITTEN_OFF,
    DRAW_BORN,
    DRAW_HOUSEHOLD,
    DRAW_HOUSEHOLD_2,
    DRAW_PARTNER,
    ESTATE,
    FEMALE,
    FIRST_FOUNDED,
    HOUSEHOLDS_DISSOLVED,
    MALE,
    MEMBER_SLOTS,
    MIDDLE,
    NO_GROUP,
    UNIT_PERSON,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import (
    LANES,
    NOBODY,
    address,
    block,
    fill_blocks,
    normal_quantile,
    table_quantile,
    whole_vectors,
)
from cbhi.kernels.groups import leave_group
from cbhi.kernels.income import next_position
from cbhi.kernels.loans import forget_loan, settle_estate, take_over_loan
from cbhi.kernels.records import (
    F8,
    I8,
    District,
    Fixed,
    Groups,
    Household,
    Member,
    Rule,
    Section,
    Table,
    Work,
)

NEVER_FORMAL = 2.0


def yearly_death_probability(age_years: int) -> float:
    """Return the reference probability of dying within a year (an assumption; scaled by ``deaths``)."""
    if age_years < 1:
        return 0.085
    if age_years < 5:
        return 0.016
    if age_years < 15:
        return 0.003
    if age_years < 50:
        return 0.007
    if age_years < 65:
        return 0.018
    if age_years < 80:
        return 0.055
    return 0.16


def yearly_birth_probability(age_years: int) -> float:
    """Return the reference probability that a married woman bears a child (scaled by ``births``)."""
    if age_years < 15 or age_years >= 50:
        return 0.0
    if age_years < 20:
        return 0.30
    if age_years < 30:
        return 0.34
    if age_years < 40:
        return 0.24
    return 0.07


def yearly_marriage_probability(age_years: int) -> float:
    """Return the reference probability that an unmarried woman marries (scaled by ``marriages``)."""
    if age_years < 17 or age_years >= 45:
        return 0.0
    if age_years < 20:
        return 0.10
    if age_years < 30:
        return 0.22
    return 0.10


def yearly_chronic_onset(age_years: int) -> float:
    """Return the reference probability of falling chronically ill (scaled by ``chronic_onset``)."""
    if age_years < 15:
        return 0.001
    if age_years < 50:
        return 0.004
    return 0.015


# the oldest age with a probability of its own
OLDEST = 120
_AGES = range(OLDEST + 1)
# the same by age, for loops that read them for many members
DEATH_BY_AGE = np.array([yearly_death_probability(age) for age in _AGES])
BIRTH_BY_AGE = np.array([yearly_birth_probability(age) for age in _AGES])
MARRIAGE_BY_AGE = np.array([yearly_marriage_probability(age) for age in _AGES])
ONSET_BY_AGE = np.array([yearly_chronic_onset(age) for age in _AGES])
# probability of being healthy still before an age, had onset been at the reference rate from birth on
HEALTHY_BEFORE_AGE = np.cumprod(np.concatenate([[1.0], 1.0 - ONSET_BY_AGE]))

# what happens to a member in a year, one bit each
DIES = 1
FALLS_ILL = 2
BEARS = 4
MARRIES = 8
LOOKS_AROUND = 16

# a member's traits in one word, as ``describe`` packs them
_IS_MARRIED = 1
_IS_CHRONIC = 2
_IS_WOMAN = 4
_AGE_SHIFT = 3


def remove_member(hh: Household, mm: Table, k: int) -> None:
    """Take member ``k`` out of household ``h``; those behind move up, so heads stay first."""
    n = int(hh.n_members)
    if mm[k].enrolled != 0:
        hh.n_enrolled = int(hh.n_enrolled) - 1
    for j in range(k, n - 1):
        mm[j].born = mm[j + 1].born
        mm[j].ordinal = mm[j + 1].ordinal
        mm[j].sex = mm[j + 1].sex
        mm[j].chronic = mm[j + 1].chronic
        mm[j].enrolled = mm[j + 1].enrolled
        mm[j].married = mm[j + 1].married
        mm[j].frailty = mm[j + 1].frailty
    hh.n_members = n - 1


def dissolve(hh: Household, sec: Section, dist: District, gg: Groups, flows: I8, tallies: I8) -> None:
    """Close a household without members: it repays the lender, the rest of its cash leaves as an estate.

    Informal debt and what is left of a loan are written off; its association keeps its savings.
    """
    hh.alive = 0
    # the queue counts contacts without asking who is alive
    hh.contacts = 0
    hh.away = 0
    hh.wants_group = 0
    settle_estate(hh, dist, flows, tallies)
    flows[ESTATE] += int(hh.cash)
    tallies[DEBT_WRITTEN_OFF] += int(hh.debt)
    tallies[HOUSEHOLDS_DISSOLVED] += 1
    hh.cash = 0
    hh.debt = 0
    leave_group(hh, sec, gg)


def add_newborn(
    hh: Household,
    mm: Table,
    now: int,
    insured: bool,
    key: tuple[int, int],
    section: int,
    ordinal: int,
    fixed: Fixed,
) -> None:
    """Add a newborn; one born into an insured household is insured with it."""
    k = int(hh.n_members)
    identity = int(hh.next_member)
    u0, u1, _, _ = block(key, section, ordinal, identity, now, DRAW_BORN, 0)
    mm[k].born = now
    mm[k].ordinal = identity
    mm[k].sex = FEMALE if u0 < 0.5 else MALE
    mm[k].chronic = 0
    mm[k].married = 0
    mm[k].frailty = table_quantile(u1, fixed.own_frailty)
    mm[k].enrolled = 1 if insured else 0
    hh.n_enrolled = int(hh.n_enrolled) + (1 if insured else 0)
    hh.n_members = k + 1
    hh.next_member = identity + 1


def is_of_age_for_groom(age_years: int) -> bool:
    """Return whether a man of this age may marry: 20 to 49 years."""
    return (age_years >= 20) & (age_years < 50)


def may_become_groom(member: Member, now: int) -> bool:
    """Return whether a member is an unmarried man of an age to marry."""
    age = (now - int(member.born)) // 12
    return member.sex == MALE and member.married == 0 and is_of_age_for_groom(age)


def note_partner(work: Work, place: int, h: int, ordinal: int) -> None:
    """Write the unmarried man with this ordinal in the household of row ``h`` down as a possible partner."""
    work.partners[place] = h
    work.partner_member[place] = ordinal


def draw_partners(
    households: Table, section: int, now: int, fixed: Fixed, work: Work, begin: int, end: int
) -> None:
    """Draw what decides among the possible partners noted in places ``begin`` to ``end - 1``."""
    while begin < end:
        n = min(LANES, end - begin)
        for i in range(n):
            ordinal = int(households[work.partners[begin + i]].ordinal)
            work.addresses[i] = address(ordinal, int(work.partner_member[begin + i]))
        fill_blocks(fixed.key, section, now, DRAW_PARTNER, n, work.addresses, work.uniforms)
        for i in range(n):
            work.partner_draw[begin + i] = work.uniforms[0, i]
        begin += n


def describe(member: Member, now: int) -> int:
    """Return a member's age and what else its year depends on, in one word."""
    word = min(OLDEST, (now - int(member.born)) // 12) << _AGE_SHIFT
    word += 0 if member.married == 0 else _IS_MARRIED
    word += 0 if member.chronic == 0 else _IS_CHRONIC
    return word + (_IS_WOMAN if member.sex == FEMALE else 0)


def list_members(hh: Household, mm: Table, now: int, addresses: I8, persons: I8, lane: int) -> int:
    """Write a household's members down to draw their year, from ``lane`` on; return the next free lane."""
    ordinal = int(hh.ordinal)
    n = int(hh.n_members)
    for k in range(n):
        addresses[lane + k] = address(ordinal, int(mm[k].ordinal))
        persons[lane + k] = describe(mm[k], now)
    return lane + n


def judge_year(n: int, persons: I8, uniforms: F8, rule: Rule, events: I8) -> None:
    """Write into ``events`` what becomes of ``n`` members in their year, by their uniforms."""
    deaths = rule.deaths
    births = rule.births
    marriages = rule.marriages
    onset = rule.chronic_onset
    words = persons[: whole_vectors(n)]
    # other passes leave rows of households in this buffer, which are no ages to look up
    words[n:] = 0
    for_death = uniforms[0]
    for_birth = uniforms[1]
    for_marriage = uniforms[2]
    for_illness = uniforms[3]
    for i in range(words.size):
        word = int(words[i])
        age = word >> _AGE_SHIFT
        married = (word & _IS_MARRIED) != 0
        healthy = (word & _IS_CHRONIC) == 0
        woman = (word & _IS_WOMAN) != 0
        # the year that ends here was lived at the age before
        event = DIES if for_death[i] < deaths * DEATH_BY_AGE[max(0, age - 1)] else 0
        falls_ill = healthy & (for_illness[i] < onset * ONSET_BY_AGE[age])
        bears = woman & married & (for_birth[i] < births * BIRTH_BY_AGE[age])
        marries = woman & (not married) & (for_marriage[i] < marriages * MARRIAGE_BY_AGE[age])
        looks = (not woman) & (not married) & is_of_age_for_groom(age)
        event += FALLS_ILL if falls_ill else 0
        event += BEARS if bears else 0
        event += MARRIES if marries else 0
        events[i] = event + (LOOKS_AROUND if looks else 0)


def happens_to_any(events: I8, lane: int, n: int) -> bool:
    """Return whether anything happens to one of the ``n`` members from ``lane`` on."""
    found = 0
    for i in range(lane, lane + n):
        found |= int(events[i])
    return found != 0


def live_a_year(
    hh: Household,
    mm: Table,
    h: int,
    sec: Section,
    dist: District,
    gg: Groups,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    lane: int,
    n_movers: int,
    n_partners: int,
    flows: I8,
    tallies: I8,
) -> tuple[int, int]:
    """Let the members of a household die, bear, fall ill and look for a partner.

    What happens to each stands in ``work.events`` from ``lane`` on. Women who marry this year and unmarried
    men are noted in ``work`` with the household's row ``h``; the grown counts are returned.
    """
    births = 0
    k = 0
    for place in range(lane, lane + int(hh.n_members)):
        event = int(work.events[place])
        if event & DIES:
            remove_member(hh, mm, k)
            tallies[DEATHS] += 1
            continue
        if event & FALLS_ILL:
            mm[k].chronic = 1
        if event & BEARS:
            births += 1
        if event & MARRIES and n_movers < work.movers.size:
            work.movers[n_movers] = h
            work.mover_member[n_movers] = int(mm[k].ordinal)
            n_movers += 1
        if event & LOOKS_AROUND and n_partners < work.partners.size:
            note_partner(work, n_partners, h, int(mm[k].ordinal))
            n_partners += 1
        k += 1
    if int(hh.n_members) == 0:
        dissolve(hh, sec, dist, gg, flows, tallies)
        return n_movers, n_partners
    insured = int(hh.n_enrolled) > 0 and rule.enrolment_unit != UNIT_PERSON
    for _ in range(births):
        if int(hh.n_members) >= MEMBER_SLOTS or int(hh.next_member) >= 127:
            tallies[BIRTHS_WITHOUT_ROOM] += 1
        else:
            add_newborn(hh, mm, now, insured, fixed.key, sec.number, int(hh.ordinal), fixed)
            tallies[BIRTHS] += 1
    return n_movers, n_partners


def slot_of(hh: Household, mm: Table, identity: int) -> int:
    """Return the slot of the member with this ordinal, or -1 when gone."""
    for k in range(int(hh.n_members)):
        if int(mm[k].ordinal) == identity:
            return k
    return -1


def smallest_group(gg: Groups, first: int, end: int) -> int:
    """Return the ordinal of the group with fewest households, or NO_GROUP when there is none.

    A row without households is no group, and is chosen only where there is no other.
    """
    best = NO_GROUP
    for g in range(first, end):
        n = int(gg.households[g])
        fewest = int(gg.households[first + best]) if best != NO_GROUP else -1
        if fewest < 0 or 0 < n < fewest or (fewest == 0 and n > 0):
            best = g - first
    return best


def take_cash_with_you(hh: Household) -> int:
    """Return one member's equal part of the household's cash, taken out of it."""
    part = int(hh.cash) // max(1, int(hh.n_members))
    hh.cash = int(hh.cash) - part
    return part


def draw_traits(
    hh: Household, section: int, month: int, district_z: float, fixed: Fixed
) -> tuple[float, float]:
    """Draw what a household keeps for life; return the uniforms left for its size and group.

    ``month`` is 0 for households of the start and the month of founding for later ones.
    """
    ordinal = int(hh.ordinal)
    u0, u1, u2, u3 = block(fixed.key, section, ordinal, NOBODY, month, DRAW_HOUSEHOLD, 0)
    v0, v1, v2, v3 = block(fixed.key, section, ordinal, NOBODY, month, DRAW_HOUSEHOLD_2, 0)
    z = district_z + fixed.within_sd * normal_quantile(u1)
    hh.z = z
    hh.distance_km = fixed.distance_median_km * math.exp(fixed.distance_log_sd * normal_quantile(u2))
    hh.shared_frailty = table_quantile(u3, fixed.shared_frailty)
    hh.taste = fixed.taste_sd * normal_quantile(v0)
    hh.trust_offset = fixed.trust_sd * normal_quantile(v1)
    # formal employment is found in the better-off half only, so a share p of everybody is 2p of that half
    hh.formal_score = 0.5 * v3 if z > 0.0 else NEVER_FORMAL
    return u0, v2


def reset_household(hh: Household, ordinal: int) -> None:
    """Set everything that a new household does not bring along."""
    hh.alive = 1
    hh.ordinal = ordinal
    hh.n_enrolled = 0
    hh.formal = 0
    hh.category = MIDDLE
    hh.listed_category = MIDDLE
    hh.on_list = 0
    hh.subsidised = 0
    hh.subsidised_before = 0
    hh.paid_before = 0
    hh.standing = 0
    hh.standing_next = 0
    hh.acts = 0
    hh.contacts = 0
    hh.cover_from = 0
    hh.cover_until = 0
    hh.wish = 0.0
    hh.wish_next = 0.0
    hh.list_score = 0.0
    hh.debt = 0
    hh.out_of_pocket = 0
    hh.away = 0
    hh.elite = 0
    hh.wants_group = 0
    hh.financed_by = BY_CASH
    hh.barred_until = 0
    hh.group_balance = 0
    hh.watched = 0
    forget_loan(hh)


def move_in(hh: Household, mm: Table, slot: int, origin: Household, origin_mm: Table, identity: int) -> None:
    """Move the member ``identity`` of another household into ``slot`` of a new one, as married.

    The newcomer brings an equal part of the old household's cash, and its debts when nobody stays.
    """
    k = slot_of(origin, origin_mm, identity)
    mm[slot].born = origin_mm[k].born
    mm[slot].ordinal = slot
    mm[slot].sex = origin_mm[k].sex
    mm[slot].chronic = origin_mm[k].chronic
    mm[slot].frailty = origin_mm[k].frailty
    mm[slot].married = 1
    mm[slot].enrolled = 0
    hh.cash = int(hh.cash) + take_cash_with_you(origin)
    remove_member(origin, origin_mm, k)
    if int(origin.n_members) == 0:
        hh.debt = int(hh.debt) + int(origin.debt)
        origin.debt = 0
        take_over_loan(hh, origin)


def marry(
    households: Table,
    members: Table,
    sec: Section,
    gg: Groups,
    district_z: float,
    bride_h: int,
    bride: int,
    groom_h: int,
    groom: int,
    now: int,
    fixed: Fixed,
) -> int:
    """Found a household of two in section ``sec``; return its row.

    The couple's position in the consumption distribution follows the groom's household.
    """
    h = sec.end
    sec.end = h + 1
    hh = households[h]
    mm = members[h]
    reset_household(hh, FIRST_FOUNDED + sec.founded)
    sec.founded += 1
    _, u_group = draw_traits(hh, sec.number, now, district_z, fixed)
    hh.distance_km = 1.0 * float(hh.distance_km) * sec.distance_scale
    own_normal = (float(hh.z) - district_z) / max(fixed.within_sd, 1e-9)
    hh.z = next_position(
        float(households[groom_h].z), district_z, fixed.persistence, fixed.within_sd, own_normal
    )
    # until ranks are taken anew
    hh.quintile = int(households[groom_h].quintile)
    hh.category = int(households[groom_h].category)
    hh.cash = 0
    move_in(hh, mm, 0, households[groom_h], members[groom_h], groom)
    move_in(hh, mm, 1, households[bride_h], members[bride_h], bride)
    hh.n_members = 2
    hh.next_member = 2
    hh.group = NO_GROUP
    if u_group < fixed.group_share:
        group = smallest_group(gg, sec.group_first, sec.group_end)
        hh.group = group
        if group != NO_GROUP:
            gg.households[sec.group_first + group] += 1
    return h


def nearest_partner(work: Work, n_partners: int, bride_h: int) -> int:
    """Return the place in ``work`` of the free man with the lowest draw, or -1; not a brother."""
    best = -1
    for i in range(n_partners):
        free = work.partner_member[i] >= 0 and work.partners[i] != bride_h
        if free and (best < 0 or work.partner_draw[i] < work.partner_draw[best]):
            best = i
    return best


compile_kernels(globals())
