"""What associations do before households enrol: votes on cover, families that wait, new associations."""

from __future__ import annotations

from cbhi.kernels.codes import (
    DRAW_MEETING,
    DRAW_TASTE,
    GROUP_VOTES,
    GROUP_VOTES_PASSED,
    GROUPS_FORMED,
    NO_GROUP,
    UNIT_GROUP,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.demography import smallest_group
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.enrolment import (
    FOUND_GROUP,
    WANTS_GROUP,
    Outlook,
    cover_period,
    has_agreed,
    is_waiting,
    may_seek_cover,
    outlook_of,
    premium_due,
    rate_of_household,
    social_terms,
    sponsored_part,
    taste_month,
    waiting_due,
    waiting_part,
    weigh_cover,
    wish_probability,
    year_share,
)
from cbhi.kernels.records import (
    I8,
    CalendarMonth,
    Fixed,
    Groups,
    Household,
    Rule,
    Section,
    State,
    Table,
)

# voters of a group that does not meet this month
NO_MEETING = -1


def may_join(hh: Household, now: int, cal: CalendarMonth) -> bool:
    """Return whether a household of an association has something to buy this month."""
    return hh.alive != 0 and int(hh.group) != NO_GROUP and may_seek_cover(hh, now, cal)


def is_for_cover(
    hh: Household,
    sec: Section,
    gg: Groups,
    now: int,
    outlook: Outlook,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
) -> bool:
    """Return how a family votes: as it would decide for itself, at its own premium and taste of the year."""
    if is_waiting(hh, cal):
        return True
    start, until, _ = cover_period(int(hh.cover_until), now, cal, waiting_due(int(hh.cover_until), now, rule))
    due = premium_due(hh, price_rule, sec.premium_factor)
    n = int(hh.n_members)
    share = max(0.0, year_share(start, until))
    worth = weigh_cover(hh, rate_of_household(hh), n, outlook, sec, share, rule, fixed)
    own_part = float(due - sponsored_part(hh, sec, due, price_rule))
    probability = wish_probability(hh, worth, own_part, social_terms(hh, sec, gg, outlook, now, rule), rule)
    month = taste_month(now, cal)
    return uniform(fixed.key, sec.number, int(hh.ordinal), NOBODY, month, DRAW_TASTE, 0) < probability


def call_meetings(sec: Section, gg: Groups, now: int, cal: CalendarMonth, rule: Rule, fixed: Fixed) -> int:
    """Let associations without an agreement for the year on sale meet by chance; return how many do.

    An association meets with the probability with which a household thinks of cover in a month.
    """
    attention = float(rule.attention_before if cal.before_start != 0 else rule.attention)
    meetings = 0
    for g in range(sec.group_first, sec.group_end):
        gg.yes[g] = 0
        gg.voters[g] = NO_MEETING
        if int(gg.households[g]) == 0 or has_agreed(int(gg.agreed_until[g]), now, cal):
            continue
        place = g - int(sec.group_first) + 1
        if uniform(fixed.key, sec.number, place, NOBODY, now, DRAW_MEETING, 0) < attention:
            gg.voters[g] = 0
            meetings += 1
    return meetings


def hold_votes(
    state: State,
    sec: Section,
    now: int,
    service: float,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    tallies: I8,
) -> None:
    """Let associations vote on cover for the membership year on sale, where the rules ask for a vote.

    Passed when the families for cover reach the threshold, which binds all where associations enrol as
    one, and otherwise opens cover to those who wish for it. An agreement holds for the membership year,
    or for twelve months.
    """
    binding = rule.enrolment_unit == UNIT_GROUP
    if cal.is_open == 0 or (not binding and rule.group_minimum_share <= 0.0):
        return
    gg = state.groups
    if call_meetings(sec, gg, now, cal, rule, fixed) == 0:
        return
    outlook = outlook_of(sec, service, rule)
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        if not may_join(hh, now, cal):
            continue
        g = sec.group_first + int(hh.group)
        if int(gg.voters[g]) == NO_MEETING:
            continue
        gg.voters[g] += 1
        if is_for_cover(hh, sec, gg, now, outlook, cal, rule, price_rule, fixed):
            gg.yes[g] += 1
    threshold = float(rule.group_vote_threshold if binding else rule.group_minimum_share)
    for g in range(sec.group_first, sec.group_end):
        if int(gg.voters[g]) <= 0:
            continue
        tallies[GROUP_VOTES] += 1
        # a share such as 0.6 of 5 families is 3 of them, whatever its last binary digit
        if int(gg.yes[g]) >= threshold * int(gg.voters[g]) - 1e-9:
            tallies[GROUP_VOTES_PASSED] += 1
            gg.agreed_until[g] = now + 12 if cal.is_rolling != 0 else int(cal.sale_until)


def count_need(
    state: State, sec: Section, now: int, cal: CalendarMonth, rule: Rule, price_rule: Rule
) -> None:
    """Write down what each association's families wish to pay and could not pay so far, RWF."""
    if rule.group_savings == 0:
        return
    gg = state.groups
    for g in range(sec.group_first, sec.group_end):
        gg.need[g] = 0
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        # few wait: what tells them is asked first
        if is_waiting(hh, cal) and may_join(hh, now, cal):
            gg.need[sec.group_first + int(hh.group)] += waiting_part(hh, sec, cal, price_rule)


def wants_group_now(hh: Household) -> bool:
    """Return whether a household waits for an association."""
    return bool(
        hh.alive != 0 and hh.formal == 0 and hh.wants_group == WANTS_GROUP and int(hh.group) == NO_GROUP
    )


def free_row(gg: Groups, sec: Section) -> int:
    """Return the ordinal of the first row without households, or NO_GROUP."""
    for g in range(sec.group_first, sec.group_end):
        if int(gg.households[g]) == 0:
            return int(g - sec.group_first)
    return NO_GROUP


def put_into_groups(households: Table, sec: Section, gg: Groups, first: int, size: int) -> int:
    """Put ``size`` waiting households, from row ``first`` on, into one new group; return the row behind.

    Where no new group fits, each joins the smallest.
    """
    founded = free_row(gg, sec)
    if founded != NO_GROUP:
        g = sec.group_first + founded
        gg.agreed_until[g] = 0
        gg.barred_until[g] = 0
    h = first
    left = size
    while left > 0:
        hh = households[h]
        h += 1
        if not wants_group_now(hh):
            continue
        group = founded if founded != NO_GROUP else smallest_group(gg, sec.group_first, sec.group_end)
        hh.group = group
        hh.group_balance = 0
        hh.wants_group = FOUND_GROUP
        gg.households[sec.group_first + group] += 1
        left -= 1
    return h


def form_groups(state: State, sec: Section, rule: Rule, tallies: I8) -> None:
    """Let households that must join an association for their cover form new ones, in whole blocks."""
    if rule.group_required == 0 or sec.group_end <= sec.group_first:
        return
    waiting = 0
    for h in range(sec.first, sec.end):
        if wants_group_now(state.households[h]):
            waiting += 1
    size = int(rule.group_forming_size)
    row = int(sec.first)
    for _ in range(waiting // size):
        if free_row(state.groups, sec) != NO_GROUP:
            tallies[GROUPS_FORMED] += 1
        row = put_into_groups(state.households, sec, state.groups, row, size)


compile_kernels(globals())
