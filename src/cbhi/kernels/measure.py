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
from cbhi.kernels.cover import is_paid_up, paid_up, recently, stratum_of
from cbhi.kernels.records import F8, I8, CalendarMonth, Groups, Household, Section, State, Table

# an association's families, and those with cover lately, share a word while they are counted
RECENT_BITS = 31
RECENT_MASK = (1 << RECENT_BITS) - 1


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
    chronic, women, insured_women = 0, 0, 0
    for k in range(n):
        member = mm[k]
        # added up rather than asked for: sex follows no pattern that a processor could guess
        woman = int(member.sex == FEMALE)
        chronic += int(member.chronic)
        women += woman
        insured_women += woman & int(member.enrolled != 0)
    insured_women = insured_women if paid > 0 else 0
    tallies[CHRONIC] += chronic
    tallies[WOMEN] += women
    tallies[WOMEN_INSURED] += insured_women
    stratum[S_WOMEN] += women
    stratum[S_WOMEN_PAID] += insured_women


def sum_money(households: Table, first: int, end: int, stocks: I8) -> None:
    """Add up what a section's households own and owe."""
    cash, debt, loans, interest = 0, 0, 0, 0
    for h in range(first, end):
        hh = households[h]
        lives = int(hh.alive)
        cash += lives * int(hh.cash)
        debt += lives * int(hh.debt)
        loans += lives * int(hh.loan)
        interest += lives * int(hh.loan_interest)
    stocks[HOUSEHOLDS] += cash
    stocks[STOCK_DEBT] += debt
    stocks[STOCK_LOANS] += loans
    stocks[STOCK_LOAN_INTEREST] += interest


def count_members(households: Table, first: int, end: int, now: int, tallies: I8) -> tuple[int, int, int]:
    """Count a section's people by cover; return its persons, households that may buy and recent members."""
    alive, persons, paid, formal_persons = 0, 0, 0, 0
    eligible, recent_households, recent_persons = 0, 0, 0
    for h in range(first, end):
        hh = households[h]
        lives = int(hh.alive)
        n = lives * int(hh.n_members)
        informal = lives if hh.formal == 0 else 0
        recent = informal * recently(int(hh.cover_until), now)
        up_to_date = paid_up(
            int(hh.cover_from), int(hh.cover_until), int(hh.formal), int(hh.standing_next), now
        )
        alive += lives
        persons += n
        paid += lives * up_to_date * int(hh.n_enrolled)
        formal_persons += (lives - informal) * n
        eligible += informal
        recent_households += recent
        recent_persons += recent * n
    tallies[HOUSEHOLDS_ALIVE] += alive
    tallies[PAID] += paid
    tallies[PERSONS_FORMAL] += formal_persons
    tallies[RECENT_MEMBERS] += recent_persons
    return persons, eligible, recent_households


def count_poor(households: Table, first: int, end: int, now: int, tallies: I8) -> None:
    """Count people with a slot, those of the poorest category and those of the two lowest quintiles."""
    slots, sponsored, poor, poor_paid, poor_slots, bottom, bottom_slots = 0, 0, 0, 0, 0, 0, 0
    for h in range(first, end):
        hh = households[h]
        n = int(hh.alive) * int(hh.n_members)
        up_to_date = paid_up(
            int(hh.cover_from), int(hh.cover_until), int(hh.formal), int(hh.standing_next), now
        )
        paid = int(hh.alive) * up_to_date * int(hh.n_enrolled)
        with_slot = n if hh.subsidised != 0 else 0
        slots += with_slot
        by_others = paid if hh.sponsored != 0 else 0
        sponsored += by_others if hh.subsidised != 0 else 0
        poor += n if hh.category == POOREST else 0
        poor_paid += paid if hh.category == POOREST else 0
        poor_slots += with_slot if hh.category == POOREST else 0
        bottom += n if hh.quintile < 2 else 0
        bottom_slots += with_slot if hh.quintile < 2 else 0
    tallies[SLOTS] += slots
    tallies[SUBSIDISED_PAID] += sponsored
    tallies[POOR] += poor
    tallies[POOR_PAID] += poor_paid
    tallies[POOR_SLOTS] += poor_slots
    tallies[BOTTOM40] += bottom
    tallies[BOTTOM40_SLOTS] += bottom_slots


def look_at_groups(households: Table, sec: Section, gg: Groups, now: int, stocks: I8) -> None:
    """Let associations see which of their families have cover, and add up their money."""
    for g in range(sec.group_first, sec.group_end):
        gg.recent[g] = 0
        gg.eligible[g] = 0
        stocks[GROUPS] += int(gg.fund[g])
        stocks[STOCK_GROUP_DEPOSITS] += int(gg.deposit[g])
    if sec.group_end == sec.group_first:
        return
    first_group = int(sec.group_first)
    for h in range(sec.first, sec.end):
        hh = households[h]
        # no branches, which nobody could guess: those outside add nothing to the first one; both counts share
        # a word, which the next household may wait for
        mine = int(hh.alive) & int(int(hh.group) != NO_GROUP) & int(hh.formal == 0)
        recent = mine & recently(int(hh.cover_until), now)
        gg.eligible[first_group + max(0, int(hh.group))] += mine + (recent << RECENT_BITS)
    for g in range(sec.group_first, sec.group_end):
        gg.recent[g] = int(gg.eligible[g]) >> RECENT_BITS
        gg.eligible[g] = int(gg.eligible[g]) & RECENT_MASK


def close_periods(state: State, sec: Section, now: int, cal: CalendarMonth, strata: I8, tallies: I8) -> None:
    """Count people at the close of a reporting period, and judge renewal at that of a membership year."""
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        if hh.alive == 0:
            continue
        stratum = strata[stratum_of(hh)]
        if cal.closes != 0:
            paid = int(hh.n_enrolled) if is_paid_up(hh, now) else 0
            count_at_close(hh, state.members[h], paid, stratum, tallies)
        if cal.year_ends != 0:
            close_membership_year(hh, now, stratum, tallies)


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
    """Count people and money of section ``s`` at the end of the month, and what neighbours can see.

    In several passes, each a plain sum over few fields that the compiler turns into vectors.
    """
    households = state.households
    first, end = int(sec.first), int(sec.end)
    look_at_groups(households, sec, state.groups, now, stocks)
    sum_money(households, first, end, stocks)
    persons, eligible, recent_households = count_members(households, first, end, now, tallies)
    count_poor(households, first, end, now, tallies)
    if cal.closes != 0 or cal.year_ends != 0:
        close_periods(state, sec, now, cal, strata, tallies)
    sec.persons = persons
    sec.member_share = recent_households / max(1, eligible)
    tallies[PERSONS] += persons
    if now >= sec.opens:
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
