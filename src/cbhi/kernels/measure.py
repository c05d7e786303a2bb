"""Counting people and money at the end of a month, and judging renewal at the end of a year."""

from __future__ import annotations

from cbhi.kernels.codes import (
    BOTTOM40,
    BOTTOM40_SLOTS,
    CHRONIC,
    FEMALE,
    GAUGE_ADMIN_CAPACITY,
    GAUGE_ARREARS,
    GAUGE_BLAME,
    GAUGE_EFFORT,
    GAUGE_LOAD,
    GAUGE_OWN_CLINICIANS,
    GAUGE_PREMIUM_FACTOR,
    GAUGE_QUALITY,
    GAUGE_STOCK,
    GAUGE_TRUST,
    GAUGE_WAIT,
    GROUPS,
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
    RECENT_MEMBERS,
    RENEWALS,
    RENEWALS_DUE,
    S_FORMAL,
    S_PAID,
    S_PERSONS,
    S_RENEWALS,
    S_RENEWALS_DUE,
    S_SLOTS,
    S_WOMEN,
    S_WOMEN_PAID,
    SLOTS,
    STANDING_INATTENTIVE,
    STANDING_PAID,
    STANDING_UNAFFORDABLE,
    STANDING_UNWILLING,
    STOCK_DEBT,
    STOCK_GROUP_DEPOSITS,
    STOCK_LOAN_INTEREST,
    STOCK_LOANS,
    SUBSIDISED_PAID,
    WOMEN,
    WOMEN_INSURED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import stratum_of
from cbhi.kernels.enrolment import is_paid_up, is_recent_member
from cbhi.kernels.records import F8, I8, CalendarMonth, Household, Section, State, Table


def close_membership_year(hh: Household, now: int, stratum: I8, tallies: I8) -> None:
    """Judge renewal at the end of a membership year and turn to the next one."""
    paid = is_paid_up(hh, now)
    if hh.paid_before != 0:
        tallies[RENEWALS_DUE] += 1
        stratum[S_RENEWALS_DUE] += 1
        if paid:
            tallies[RENEWALS] += 1
            stratum[S_RENEWALS] += 1
        elif hh.subsidised_before != 0 and hh.subsidised == 0:
            tallies[LAPSE_SUBSIDY_LOST] += 1
        elif hh.standing == STANDING_UNAFFORDABLE:
            tallies[LAPSE_UNAFFORDABLE] += 1
        elif hh.standing == STANDING_UNWILLING:
            tallies[LAPSE_UNWILLING] += 1
        else:
            tallies[LAPSE_INATTENTIVE] += 1
    hh.paid_before = 1 if paid else 0
    hh.subsidised_before = hh.subsidised
    if int(hh.cover_until) > now + 1 and hh.standing_next != STANDING_PAID:
        # rolling cover runs on into the next year
        return
    hh.standing = hh.standing_next
    hh.wish = hh.wish_next
    hh.standing_next = STANDING_INATTENTIVE
    hh.wish_next = 0.0


def count_at_close(hh: Household, mm: Table, paid: int, stratum: I8, tallies: I8) -> None:
    """Count a household's people at the close of a reporting period; ``paid`` of them are paid up."""
    n = int(hh.n_members)
    stratum[S_PERSONS] += n
    stratum[S_PAID] += paid
    stratum[S_FORMAL] += n if hh.formal != 0 else 0
    stratum[S_SLOTS] += n if hh.subsidised != 0 else 0
    for k in range(n):
        tallies[CHRONIC] += int(mm[k].chronic)
        if mm[k].sex == FEMALE:
            tallies[WOMEN] += 1
            stratum[S_WOMEN] += 1
            if paid > 0 and mm[k].enrolled != 0:
                tallies[WOMEN_INSURED] += 1
                stratum[S_WOMEN_PAID] += 1


def measure_section(
    state: State,
    sec: Section,
    now: int,
    cal: CalendarMonth,
    strata: I8,
    stocks: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Count people and money of section ``s`` at the end of the month, and what neighbours can see."""
    gg = state.groups
    is_open = now >= sec.opens
    for g in range(sec.group_first, sec.group_end):
        gg.recent[g] = 0
        gg.eligible[g] = 0
        stocks[GROUPS] += int(gg.fund[g])
        stocks[STOCK_GROUP_DEPOSITS] += int(gg.deposit[g])
    persons = 0
    eligible = 0
    recent_households = 0
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        mm = state.members[h]
        if hh.alive == 0:
            continue
        n = int(hh.n_members)
        formal = hh.formal != 0
        paid_up = is_paid_up(hh, now)
        paid = int(hh.n_enrolled) if paid_up else 0
        stratum = strata[stratum_of(hh)]
        persons += n
        tallies[HOUSEHOLDS_ALIVE] += 1
        tallies[PAID] += paid
        if formal:
            tallies[PERSONS_FORMAL] += n
        else:
            eligible += 1
            if int(hh.group) != NO_GROUP:
                gg.eligible[sec.group_first + int(hh.group)] += 1
            if is_recent_member(hh, now):
                recent_households += 1
                tallies[RECENT_MEMBERS] += n
                if int(hh.group) != NO_GROUP:
                    gg.recent[sec.group_first + int(hh.group)] += 1
        if hh.subsidised != 0:
            tallies[SLOTS] += n
            tallies[SUBSIDISED_PAID] += paid if hh.sponsored != 0 else 0
        if hh.category == POOREST:
            tallies[POOR] += n
            tallies[POOR_PAID] += paid
            if hh.subsidised != 0:
                tallies[POOR_SLOTS] += n
        stocks[HOUSEHOLDS] += int(hh.cash)
        stocks[STOCK_DEBT] += int(hh.debt)
        stocks[STOCK_LOANS] += int(hh.loan)
        stocks[STOCK_LOAN_INTEREST] += int(hh.loan_interest)
        if hh.quintile < 2:
            tallies[BOTTOM40] += n
            tallies[BOTTOM40_SLOTS] += n if hh.subsidised != 0 else 0
        if cal.closes != 0:
            count_at_close(hh, mm, paid, stratum, tallies)
        if cal.year_ends != 0:
            close_membership_year(hh, now, stratum, tallies)
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
    gauges[GAUGE_ADMIN_CAPACITY] += persons * sec.capacity
    gauges[GAUGE_EFFORT] += persons * sec.effort
    gauges[GAUGE_PREMIUM_FACTOR] += persons * sec.premium_factor
    gauges[GAUGE_BLAME] += persons * sec.blame
    gauges[GAUGE_OWN_CLINICIANS] += sec.own_posts


def take_opening_stocks(state: State, stocks: I8) -> None:
    """Write what everybody holds before the first month."""
    for s in range(state.sections.size):
        sec = state.sections[s]
        d = sec.district
        for h in range(sec.first, sec.end):
            hh = state.households[h]
            if hh.alive != 0:
                stocks[d, HOUSEHOLDS] += int(hh.cash)
                stocks[d, STOCK_DEBT] += int(hh.debt)


compile_kernels(globals())
