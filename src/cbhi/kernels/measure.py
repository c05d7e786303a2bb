"""Counting people and money at the end of a month, and judging renewal at the end of a year."""

from __future__ import annotations

from cbhi.kernels.codes import (
    CHRONIC,
    FEMALE,
    GAUGE_ARREARS,
    GAUGE_EXPECTED_PAID,
    GAUGE_LOAD,
    GAUGE_QUALITY,
    GAUGE_STOCK,
    GAUGE_TRUST,
    GAUGE_WAIT,
    HOUSEHOLDS,
    HOUSEHOLDS_ALIVE,
    LAPSE_INATTENTIVE,
    LAPSE_SUBSIDY_LOST,
    LAPSE_UNAFFORDABLE,
    LAPSE_UNWILLING,
    NO_GROUP,
    PAID,
    PERSONS,
    PERSONS_FORMAL,
    PERSONS_OPEN,
    POOR,
    POOR_PAID,
    POOR_SLOTS,
    POOREST,
    Q_FORMAL,
    Q_PAID,
    Q_PERSONS,
    Q_SLOTS,
    RECENT_MEMBERS,
    RENEWALS,
    RENEWALS_DUE,
    SLOTS,
    STANDING_INATTENTIVE,
    STANDING_PAID,
    STANDING_UNAFFORDABLE,
    STANDING_UNWILLING,
    STOCK_DEBT,
    SUBSIDISED_PAID,
    WOMEN,
    WOMEN_INSURED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.enrolment import is_recent_member
from cbhi.kernels.records import F8, I8, CalendarMonth, Households, Section, State


def close_membership_year(hh: Households, h: int, now: int, tallies: I8) -> None:
    """Judge renewal at the end of a membership year and turn to the next one."""
    paid = int(hh.cover_until[h]) > now and hh.formal[h] == 0
    if hh.paid_before[h] != 0:
        tallies[RENEWALS_DUE] += 1
        if paid:
            tallies[RENEWALS] += 1
        elif hh.subsidised_before[h] != 0 and hh.subsidised[h] == 0:
            tallies[LAPSE_SUBSIDY_LOST] += 1
        elif hh.standing[h] == STANDING_UNAFFORDABLE:
            tallies[LAPSE_UNAFFORDABLE] += 1
        elif hh.standing[h] == STANDING_UNWILLING:
            tallies[LAPSE_UNWILLING] += 1
        else:
            tallies[LAPSE_INATTENTIVE] += 1
    hh.paid_before[h] = 1 if paid else 0
    hh.subsidised_before[h] = hh.subsidised[h]
    if int(hh.cover_until[h]) > now + 1 and hh.standing_next[h] != STANDING_PAID:
        # rolling cover runs on into the next year
        return
    hh.standing[h] = hh.standing_next[h]
    hh.wish[h] = hh.wish_next[h]
    hh.standing_next[h] = STANDING_INATTENTIVE
    hh.wish_next[h] = 0.0


def measure_section(
    state: State,
    sec: Section,
    now: int,
    cal: CalendarMonth,
    quintiles: I8,
    stocks: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Count people and money of section ``s`` at the end of the month, and what neighbours can see."""
    hh = state.households
    mm = state.members
    gg = state.groups
    is_open = now >= sec.opens
    for g in range(sec.group_first, sec.group_end):
        gg.recent[g] = 0
    persons = 0
    eligible = 0
    recent_households = 0
    for h in range(sec.first, sec.end):
        if hh.alive[h] == 0:
            continue
        n = int(hh.n_members[h])
        q = int(hh.quintile[h])
        formal = hh.formal[h] != 0
        paid_up = int(hh.cover_until[h]) > now and not formal
        paid = int(hh.n_enrolled[h]) if paid_up else 0
        persons += n
        tallies[HOUSEHOLDS_ALIVE] += 1
        tallies[PAID] += paid
        if formal:
            tallies[PERSONS_FORMAL] += n
        else:
            eligible += 1
            if is_recent_member(hh, h, now):
                recent_households += 1
                tallies[RECENT_MEMBERS] += n
                if int(hh.group[h]) != NO_GROUP:
                    gg.recent[sec.group_first + int(hh.group[h])] += 1
        if hh.subsidised[h] != 0:
            tallies[SLOTS] += n
            tallies[SUBSIDISED_PAID] += paid
        if hh.category[h] == POOREST:
            tallies[POOR] += n
            tallies[POOR_PAID] += paid
            if hh.subsidised[h] != 0:
                tallies[POOR_SLOTS] += n
        if hh.standing[h] == STANDING_PAID or hh.standing[h] == STANDING_UNWILLING:
            gauges[GAUGE_EXPECTED_PAID] += n * float(hh.wish[h])
        stocks[HOUSEHOLDS] += int(hh.cash[h])
        stocks[STOCK_DEBT] += int(hh.debt[h])
        if cal.closes != 0:
            quintiles[q, Q_PERSONS] += n
            quintiles[q, Q_PAID] += paid
            quintiles[q, Q_FORMAL] += n if formal else 0
            quintiles[q, Q_SLOTS] += n if hh.subsidised[h] != 0 else 0
            for k in range(n):
                tallies[CHRONIC] += int(mm.chronic[h, k])
                if mm.sex[h, k] == FEMALE:
                    tallies[WOMEN] += 1
                    if paid_up and mm.enrolled[h, k] != 0:
                        tallies[WOMEN_INSURED] += 1
        if cal.year_ends != 0:
            close_membership_year(hh, h, now, tallies)
    sec.persons = persons
    sec.member_share = recent_households / max(1, eligible)
    tallies[PERSONS] += persons
    if is_open:
        tallies[PERSONS_OPEN] += persons
    gauges[GAUGE_TRUST] += persons * sec.trust
    gauges[GAUGE_QUALITY] += persons * sec.quality
    gauges[GAUGE_STOCK] += persons * sec.stock
    gauges[GAUGE_LOAD] += persons * sec.load
    gauges[GAUGE_WAIT] += persons * sec.wait_hours
    gauges[GAUGE_ARREARS] += persons * sec.arrears


def take_opening_stocks(state: State, stocks: I8) -> None:
    """Write what everybody holds before the first month."""
    hh = state.households
    for s in range(state.sections.size):
        sec = state.sections[s]
        d = sec.district
        for h in range(sec.first, sec.end):
            if hh.alive[h] != 0:
                stocks[d, HOUSEHOLDS] += int(hh.cash[h])
                stocks[d, STOCK_DEBT] += int(hh.debt[h])


compile_kernels(globals())
