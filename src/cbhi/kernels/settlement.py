"""The population of the start: districts, sections, households and members, drawn by key."""

from __future__ import annotations

import math

from cbhi.kernels.codes import (
    DRAW_DISTRICT,
    DRAW_HOUSEHOLD_3,
    DRAW_MEMBER,
    DRAW_SECTION,
    FEMALE,
    MALE,
    MEMBER_SLOTS,
    NO_GROUP,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.demography import HEALTHY_BEFORE_AGE, OLDEST, draw_traits, reset_household
from cbhi.kernels.draws import NOBODY, block, normal_quantile, table_quantile, uniform
from cbhi.kernels.health import refresh_odds, refresh_rates
from cbhi.kernels.money import to_francs
from cbhi.kernels.notes import start_watching
from cbhi.kernels.records import I8, Fixed, Household, Rule, State, Table

# shares of households of two and more: headed by a couple, and by a man where there is no couple
COUPLE_SHARE = 0.72
SINGLE_HEAD_MALE_SHARE = 0.30
# assumptions about ages within a household
YEARS_PER_CHILD = 3.5
OLDEST_CHILD = 28.0


def settle_districts(state: State, fixed: Fixed) -> None:
    """Draw each district's part of the consumption position."""
    dd = state.districts
    for d in range(dd.size):
        dist = dd[d]
        u = uniform(fixed.key, dist.number, 0, NOBODY, 0, DRAW_DISTRICT, 0)
        dist.z = fixed.between_sd * normal_quantile(u)
        dist.harvest = 1.0
        dist.illness = 1.0


def chronic_at_start(age: int, years: float, u: float) -> int:
    """Return 1 for the chronically ill: onset at the reference rate over the years lived."""
    oldest = min(age, OLDEST)
    lived = min(oldest, int(years))
    healthy = float(HEALTHY_BEFORE_AGE[oldest + 1]) / float(HEALTHY_BEFORE_AGE[oldest + 1 - lived])
    return 1 if u > healthy else 0


def settle_members(
    hh: Household, mm: Table, section: int, ordinal: int, size: int, now: int, fixed: Fixed
) -> None:
    """Fill a household: a head or a couple, then their children and other relatives."""
    u0, u1, u2, _ = block(fixed.key, section, ordinal, NOBODY, 0, DRAW_HOUSEHOLD_3, 0)
    couple = size >= 2 and u1 < COUPLE_SHARE
    # heads are mostly young, and older the more children there are: the ages of Rwanda's census as a whole
    # come out (under 15, 14 to 35, 60 and over), see docs/data.md
    n_children = size - 2 if couple else size - 1
    head_age = max(20.0 + 58.0 * u0 * u0, 20.0 + YEARS_PER_CHILD * n_children)
    for k in range(size):
        v0, v1, v2, v3 = block(fixed.key, section, ordinal, k, 0, DRAW_MEMBER, 0)
        sex = FEMALE if v1 < 0.5 else MALE
        married = 0
        if k == 0:
            age = head_age
            sex = MALE if couple or u2 < SINGLE_HEAD_MALE_SHARE else FEMALE
            married = 1 if couple or head_age > 30.0 else 0
        elif k == 1 and couple:
            age = max(17.0, head_age - 1.0 - 8.0 * v0)
            sex = FEMALE
            married = 1
        else:
            # children of the head and other young relatives
            age = v0 * max(1.0, min(head_age - 19.0, OLDEST_CHILD))
        mm[k].born = now - int(age * 12.0)
        mm[k].ordinal = k
        mm[k].sex = sex
        mm[k].married = married
        mm[k].enrolled = 0
        mm[k].frailty = table_quantile(v2, fixed.own_frailty)
        mm[k].chronic = chronic_at_start(int(age), fixed.chronic_years, v3)
    hh.n_members = size
    hh.next_member = size


def settle_section(
    state: State, s: int, n_households: int, now: int, rule: Rule, fixed: Fixed, numbers: I8, sizes: I8
) -> None:
    """Settle ``n_households`` in section ``s`` in the month before the first.

    ``numbers`` are the households' ordinals and ``sizes`` their members, where supplied; where empty,
    ordinals count up and sizes are drawn.
    """
    sec = state.sections[s]
    section = sec.number
    u0, u1, _, _ = block(fixed.key, section, 0, NOBODY, 0, DRAW_SECTION, 0)
    sd = fixed.staffing_log_sd
    sec.faith_based = 1 if u1 < fixed.faith_based_share else 0
    # public posts as in the series, whoever owns the health centre
    mean_posts = 1.0 + fixed.faith_based_share * (rule.faith_based_posts - 1.0)
    owner_posts = rule.faith_based_posts if sec.faith_based != 0 else 1.0
    sec.staffing = math.exp(sd * normal_quantile(u0) - 0.5 * sd * sd) * owner_posts / max(1e-9, mean_posts)
    bonus = fixed.heritage_bonus if u1 < fixed.heritage_share else 0.0
    sec.trust = min(1.0, fixed.trust_initial + bonus)
    sec.stock = 1.0
    sec.quality = 0.5
    sec.effort = rule.effort_base
    sec.capacity = fixed.capacity_initial
    sec.premium_factor = 1.0
    sec.distance_scale = 1.0
    sec.enforcement = fixed.enforcement_initial
    sec.end = sec.first + n_households
    district_z = state.districts[sec.district].z
    persons = 0
    for i in range(n_households):
        hh = state.households[sec.first + i]
        mm = state.members[sec.first + i]
        ordinal = int(numbers[i]) if numbers.size > 0 else i
        reset_household(hh, ordinal)
        u_size, u_group = draw_traits(hh, section, 0, district_z, fixed)
        size = min(MEMBER_SLOTS, int(table_quantile(u_size, fixed.household_size)))
        if sizes.size > 0:
            size = int(sizes[i])
        settle_members(hh, mm, section, ordinal, size, now, fixed)
        persons += size
        hh.group = NO_GROUP
        group = ordinal // fixed.group_block
        if u_group < fixed.group_share and sec.group_first + group < sec.group_end:
            hh.group = group
            state.groups.households[sec.group_first + group] += 1
        if float(hh.formal_score) < rule.formal_share:
            hh.formal = 1
        refresh_rates(hh, mm, now, rule, fixed)
        refresh_odds(hh, mm, now, rule, fixed)
        hh.cash = to_francs(int(hh.income) * rule.buffer_months)
        start_watching(state.watch, hh, sec, now, fixed)
    sec.persons = persons


def settle_sections(
    state: State,
    first_section: int,
    end_section: int,
    bounds: I8,
    now: int,
    rule: Rule,
    fixed: Fixed,
    numbers: I8,
    sizes: I8,
) -> None:
    """Settle a range of sections; section ``s`` has the households ``bounds[s]`` to ``bounds[s + 1] - 1``.

    ``numbers`` and ``sizes`` of all households are as in ``settle_section``.
    """
    for s in range(first_section, end_section):
        first = int(bounds[s])
        end = int(bounds[s + 1])
        settle_section(state, s, end - first, now, rule, fixed, numbers[first:end], sizes[first:end])


def settle_again(state: State, s: int, now: int, has_cash: bool, rule: Rule, fixed: Fixed) -> None:
    """Recompute what follows from households' traits, after supplied ones have taken the place of drawn ones.

    ``has_cash`` keeps the cash as it is; otherwise it is the buffer, as for everybody.
    """
    sec = state.sections[s]
    for g in range(sec.group_first, sec.group_end):
        state.groups.households[g] = 0
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        mm = state.members[h]
        if int(hh.group) != NO_GROUP:
            state.groups.households[sec.group_first + int(hh.group)] += 1
        refresh_rates(hh, mm, now, rule, fixed)
        refresh_odds(hh, mm, now, rule, fixed)
        if not has_cash:
            hh.cash = to_francs(int(hh.income) * rule.buffer_months)


def settle_sections_again(state: State, now: int, has_cash: bool, rule: Rule, fixed: Fixed) -> None:
    """Do ``settle_again`` for all sections."""
    for s in range(state.sections.size):
        settle_again(state, s, now, has_cash, rule, fixed)


compile_kernels(globals())
