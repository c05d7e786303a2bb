"""Premium loans: cost, who may borrow, grant, fate, collection, joint liability, and the lender's limits.

A loan has a term of n months and equal instalments; principal and all its interest are fixed at grant. The
months left fall by one at the start of each collection, so a loan of this month is first due in the next.
What is due is whatever is owed beyond the instalments still to come; a household pays it from all its
cash. Three things end a loan badly: it stops paying for reasons outside the model (one latent factor drawn
at grant, Vasicek 2002), it has no cash for too long, or default is worth more to it than credit and the
group's good will (Besley and Coate 1995, uniform penalties).
"""

from __future__ import annotations

import math

from cbhi.kernels.codes import (
    DRAW_GROUP,
    DRAW_LOAN,
    LENDER_BORROWING,
    LENDER_EQUITY,
    LENDER_INTEREST,
    LENDER_OPERATING_COST,
    LENDER_REPAYMENT,
    LIST_APPLICANTS,
    LIST_BORROWERS,
    LOAN,
    LOAN_COVERED_BY_GROUP,
    LOAN_DEFAULTS,
    LOAN_DEFAULTS_INSURED,
    LOAN_DEFAULTS_STRATEGIC,
    LOAN_INTEREST,
    LOAN_INTEREST_CHARGED,
    LOAN_INTEREST_WRITTEN_OFF,
    LOAN_MONTHS,
    LOAN_MONTHS_INSURED,
    LOAN_MONTHS_LATE,
    LOAN_REPAYMENT,
    LOAN_WRITTEN_OFF,
    LOANS,
    LOANS_REFUSED,
    NO_GROUP,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import has_cover
from cbhi.kernels.draws import NOBODY, block, normal_quantile, uniform
from cbhi.kernels.money import to_francs
from cbhi.kernels.notes import note_after, note_before
from cbhi.kernels.records import I8, District, Groups, Household, Rule, Section, State, Table, Work

# in place of the month in which a loan stops paying: it never does, and, while a section's loans are
# collected, in default this month
NEVER = -1
FAILS_LATE = -2
FAILS_AT_WILL = -3
FAILS_WITH_GROUP = -4


def loan_cost(amount: int, rule: Rule) -> int:
    """Return interest and fee of a loan, RWF: ``amount * rate * (n + 1) / 24`` plus the fee's share.

    Interest of rate / 12 a month on what is left after equal parts of principal in n months.
    """
    interest = to_francs(amount * rule.loan_interest * (rule.loan_months + 1) / 24.0)
    return interest + to_francs(rule.loan_fee_share * amount)


def outstanding(hh: Household) -> int:
    """Return principal and interest that a household owes the lender, RWF."""
    return int(hh.loan) + int(hh.loan_interest)


def may_borrow(hh: Household, sec: Section, gg: Groups, now: int, rule: Rule) -> bool:
    """Return whether the lender's rules admit an application of this household."""
    if rule.loans_offered == 0 or hh.formal != 0 or outstanding(hh) > 0 or int(hh.barred_until) > now:
        return False
    if int(hh.group) == NO_GROUP:
        return bool(rule.loans_to_members == 0 and rule.joint_liability == 0)
    return int(gg.barred_until[sec.group_first + int(hh.group)]) <= now


def lot(hh: Household, sec: Section, now: int, key: tuple[int, int]) -> float:
    """Return a household's lot among the applications of a month, uniform between 0 and 1."""
    _, _, _, u = block(key, sec.number, int(hh.ordinal), NOBODY, now, DRAW_LOAN, 0)
    return u


def is_granted(hh: Household, sec: Section, amount: int, now: int, key: tuple[int, int]) -> bool:
    """Return whether an application of this month is granted: pro rata by lot, within the month's line."""
    if sec.collecting != 0 or amount > sec.credit_line:
        return False
    return bool(lot(hh, sec, now, key) < sec.credit_share)


def is_hit(
    u: float, hh: Household, sec: Section, dist: District, now: int, rule: Rule, key: tuple[int, int]
) -> bool:
    """Return whether a loan granted now will stop paying for reasons outside the model.

    It does iff ``sqrt(a) D + sqrt(b) G + sqrt(1 - a - b) E < Phi^-1(p)`` (Vasicek 2002, with two common
    factors): D is shared by the district's loans of a year, G by the association's; ``u`` gives E.
    """
    share = rule.loan_default_share
    if share <= 0.0 or share >= 1.0:
        return bool(share >= 1.0)
    section = sec.number
    if int(hh.group) == NO_GROUP:
        v = uniform(key, section, int(hh.ordinal), NOBODY, now, DRAW_LOAN, 1)
    else:
        v = uniform(key, section, int(hh.group) + 1, NOBODY, now - now % 12, DRAW_GROUP, 0)
    a = rule.loan_district_correlation
    b = rule.loan_group_correlation
    latent = (
        math.sqrt(a) * dist.credit_luck
        + math.sqrt(b) * normal_quantile(v)
        + math.sqrt(max(0.0, 1.0 - a - b)) * normal_quantile(u)
    )
    return bool(latent < normal_quantile(share))


def borrow(
    hh: Household,
    sec: Section,
    dist: District,
    amount: int,
    now: int,
    rule: Rule,
    key: tuple[int, int],
    flows: I8,
    tallies: I8,
) -> bool:
    """Apply for a loan of ``amount`` RWF; return whether it was granted and paid out.

    A lender whose cash above its liquid reserve does not suffice borrows the difference.
    """
    if sec.collecting != 0:
        hh.applied = amount
        sec.applied += amount
        return False
    if not is_granted(hh, sec, amount, now, key):
        tallies[LOANS_REFUSED] += 1
        return False
    reserve = int(rule.lender_liquidity_share * dist.deposits)
    short = max(0, amount - max(0, int(dist.lender_cash) - reserve))
    dist.borrowing += short
    flows[LENDER_BORROWING] += short
    dist.lender_cash += short - amount
    flows[LOAN] += amount
    hh.cash = int(hh.cash) + amount
    sec.credit_line -= amount
    cost = loan_cost(amount, rule)
    n = int(rule.loan_months)
    u0, u1, u2, _ = block(key, sec.number, int(hh.ordinal), NOBODY, now, DRAW_LOAN, 0)
    hh.loan = amount
    hh.loan_interest = cost
    hh.instalment = (amount + cost + n - 1) // n
    hh.loan_months_left = n
    hh.loan_stops = n - int(u1 * n) if is_hit(u0, hh, sec, dist, now, rule, key) else NEVER
    hh.loan_resolve = u2
    dist.loans += amount
    dist.loan_interest += cost
    tallies[LOANS] += 1
    tallies[LOAN_INTEREST_CHARGED] += cost
    return True


def forget_loan(hh: Household) -> None:
    """Clear the terms of a loan that has come to its end."""
    hh.loan = 0
    hh.loan_interest = 0
    hh.instalment = 0
    hh.loan_months_left = 0
    hh.loan_stops = NEVER
    hh.loan_resolve = 0.0


def reduce_debt(hh: Household, dist: District, amount: int, flows: I8) -> None:
    """Give the lender ``amount`` RWF for this household's loan; whoever pays has it taken off already.

    Interest is paid in proportion to what is owed, rounded down, and exactly with the last franc.
    """
    interest = amount * int(hh.loan_interest) // max(1, outstanding(hh))
    hh.loan = int(hh.loan) - (amount - interest)
    hh.loan_interest = int(hh.loan_interest) - interest
    dist.loans -= amount - interest
    dist.loan_interest -= interest
    dist.lender_cash += amount
    flows[LOAN_REPAYMENT] += amount - interest
    flows[LOAN_INTEREST] += interest
    if outstanding(hh) == 0:
        forget_loan(hh)


def write_off(hh: Household, dist: District, tallies: I8) -> None:
    """Strike out what a household still owes the lender."""
    tallies[LOAN_WRITTEN_OFF] += int(hh.loan)
    tallies[LOAN_INTEREST_WRITTEN_OFF] += int(hh.loan_interest)
    dist.loans -= int(hh.loan)
    dist.loan_interest -= int(hh.loan_interest)
    forget_loan(hh)


def settle_estate(hh: Household, dist: District, flows: I8, tallies: I8) -> None:
    """Repay a dead household's loan from what it leaves; the rest is written off and is no default."""
    if outstanding(hh) == 0:
        return
    paid = min(int(hh.cash), outstanding(hh))
    hh.cash = int(hh.cash) - paid
    reduce_debt(hh, dist, paid, flows)
    write_off(hh, dist, tallies)


def take_over_loan(hh: Household, origin: Household) -> None:
    """Move the loan of a household that nobody stays in to the one that its last member founds."""
    hh.barred_until = max(int(hh.barred_until), int(origin.barred_until))
    if outstanding(origin) == 0:
        return
    if outstanding(hh) == 0:
        hh.loan_resolve = float(origin.loan_resolve)
        hh.loan_months_left = int(origin.loan_months_left)
        hh.loan_stops = int(origin.loan_stops)
    hh.loan = int(hh.loan) + int(origin.loan)
    hh.loan_interest = int(hh.loan_interest) + int(origin.loan_interest)
    hh.instalment = int(hh.instalment) + int(origin.instalment)
    hh.loan_months_left = max(int(hh.loan_months_left), int(origin.loan_months_left))
    hh.loan_stops = max(int(hh.loan_stops), int(origin.loan_stops))
    forget_loan(origin)


def due_now(hh: Household) -> int:
    """Return what is due on a loan this month, arrears included, RWF."""
    to_come = int(hh.instalment) * max(0, int(hh.loan_months_left))
    return max(0, outstanding(hh) - to_come)


def has_stopped(hh: Household) -> bool:
    """Return whether a loan that was hit has come to the instalment from which it pays no more."""
    return int(hh.loan_stops) > 0 and int(hh.loan_months_left) < int(hh.loan_stops)


def months_overdue(hh: Household, overdue: int) -> int:
    """Return how many months a payment is behind: instalments missed, and months since the term ended."""
    if overdue <= 0:
        return 0
    instalment = max(1, int(hh.instalment))
    return (overdue + instalment - 1) // instalment + max(0, -int(hh.loan_months_left))


def is_liable_with_group(hh: Household, rule: Rule) -> bool:
    """Return whether a household's association answers for its loan."""
    return bool(rule.joint_liability != 0 and int(hh.group) != NO_GROUP)


def would_rather_default(hh: Household, sec: Section, gg: Groups, extra: int, now: int, rule: Rule) -> bool:
    """Return whether paying what is owed and ``extra`` for others is worth less than not paying.

    The penalty is a uniform part, the household's resolve, of access to credit, unless that is lost
    already, and of the group's displeasure under joint liability, both in months of consumption.
    """
    months = 0.0
    barred = int(hh.barred_until) > now
    if int(hh.group) != NO_GROUP:
        barred = barred or int(gg.barred_until[sec.group_first + int(hh.group)]) > now
    if not barred:
        months += rule.loan_exclusion_value
    if is_liable_with_group(hh, rule):
        months += rule.loan_social_sanction
    return bool(outstanding(hh) + extra > 1.0 * float(hh.loan_resolve) * months * int(hh.income))


def expected_arrears(hh: Household) -> int:
    """Return what will be overdue after this month's payment from the household's cash, RWF."""
    due = due_now(hh)
    return due if has_stopped(hh) else due - min(due, int(hh.cash))


def pay_due(hh: Household, dist: District, flows: I8, tallies: I8) -> int:
    """Let a household pay what is due, as far as its cash goes; return what stays overdue, RWF."""
    due = due_now(hh)
    overdue = expected_arrears(hh)
    if due > overdue:
        hh.cash = int(hh.cash) - (due - overdue)
        reduce_debt(hh, dist, due - overdue, flows)
    if overdue > 0:
        tallies[LOAN_MONTHS_LATE] += 1
    return overdue


def declare_default(hh: Household, at_will: bool, now: int, rule: Rule, tallies: I8) -> None:
    """Count a default and bar the household from credit."""
    tallies[LOAN_DEFAULTS] += 1
    if at_will:
        tallies[LOAN_DEFAULTS_STRATEGIC] += 1
    if has_cover(hh, now):
        tallies[LOAN_DEFAULTS_INSURED] += 1
    hh.barred_until = now + int(rule.loan_exclusion_months)


def collect_alone(
    hh: Household, sec: Section, dist: District, gg: Groups, now: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Collect from a household that alone answers for its loan."""
    if would_rather_default(hh, sec, gg, 0, now, rule):
        declare_default(hh, True, now, rule, tallies)
        write_off(hh, dist, tallies)
        return
    overdue = pay_due(hh, dist, flows, tallies)
    if overdue > 0 and months_overdue(hh, overdue) >= rule.loan_default_after:
        declare_default(hh, False, now, rule, tallies)
        write_off(hh, dist, tallies)


def find_failures(
    hh: Household, sec: Section, dist: District, gg: Groups, now: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Mark a borrower who by itself would default this month, and tell its association.

    Who has fallen too far behind gives what cash it has first. Nobody else pays yet.
    """
    g = sec.group_first + int(hh.group)
    if would_rather_default(hh, sec, gg, 0, now, rule):
        hh.loan_stops = FAILS_AT_WILL
        gg.failing[g] += outstanding(hh)
    elif months_overdue(hh, expected_arrears(hh)) >= rule.loan_default_after:
        pay_due(hh, dist, flows, tallies)
        hh.loan_stops = FAILS_LATE
        gg.failing[g] += outstanding(hh)
    elif not has_stopped(hh):
        gg.paying[g] += 1


def pay_for_others(
    hh: Household, sec: Section, dist: District, gg: Groups, now: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Let a borrower pay its due, and a part for those of its association who fail.

    Each who still pays is asked for an equal part, at most ``loan_joint_cap`` instalments in all and no
    more than its cash after its own due. It decides on both at once, and may default instead.
    ``gg.paying`` holds the part asked for, ``gg.failing`` what nobody has paid for yet.
    """
    g = sec.group_first + int(hh.group)
    part = 0
    if int(gg.failing[g]) > 0 and not has_stopped(hh):
        cap = int((rule.loan_joint_cap - 1.0) * int(hh.instalment))
        part = min(min(int(gg.paying[g]), int(gg.failing[g])), min(cap, int(hh.cash) - due_now(hh)))
        part = max(0, part)
        if would_rather_default(hh, sec, gg, part, now, rule):
            hh.loan_stops = FAILS_WITH_GROUP
            return
    pay_due(hh, dist, flows, tallies)
    hh.cash = int(hh.cash) - part
    gg.failing[g] -= part
    tallies[LOAN_COVERED_BY_GROUP] += part


def settle_failure(
    hh: Household, sec: Section, dist: District, gg: Groups, now: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """End a loan in default under joint liability: what others paid goes to the lender, the rest is lost.

    An association that leaves something unpaid is barred from credit as a whole.
    """
    g = sec.group_first + int(hh.group)
    late = int(hh.loan_stops) == FAILS_LATE
    lost = outstanding(hh)
    if int(hh.loan_stops) != FAILS_WITH_GROUP:
        lost = min(lost, int(gg.failing[g]))
        gg.failing[g] -= lost
    declare_default(hh, not late, now, rule, tallies)
    reduce_debt(hh, dist, outstanding(hh) - lost, flows)
    if lost > 0:
        write_off(hh, dist, tallies)
        gg.barred_until[g] = now + int(rule.loan_exclusion_months)


def call_in_groups(
    state: State, sec: Section, dist: District, now: int, rule: Rule, work: Work, flows: I8, tallies: I8
) -> None:
    """Collect under joint liability, once those who fail by themselves are marked."""
    gg = state.groups
    households = state.households
    for g in range(sec.group_first, sec.group_end):
        payers = max(1, int(gg.paying[g]))
        gg.paying[g] = (int(gg.failing[g]) + payers - 1) // payers
    failures = 0
    n = int(work.counts[LIST_BORROWERS])
    for i in range(n):
        hh = households[int(work.lists[LIST_BORROWERS, i])]
        if outstanding(hh) > 0 and is_liable_with_group(hh, rule):
            if int(hh.loan_stops) >= NEVER:
                if hh.watched != 0:
                    note_before(state.watch, flows, tallies)
                pay_for_others(hh, sec, dist, gg, now, rule, flows, tallies)
                if hh.watched != 0:
                    note_after(state.watch, hh, flows, tallies)
            if int(hh.loan_stops) < NEVER:
                failures += 1
    if failures == 0:
        return
    for i in range(n):
        hh = households[int(work.lists[LIST_BORROWERS, i])]
        if int(hh.loan_stops) < NEVER:
            if hh.watched != 0:
                note_before(state.watch, flows, tallies)
            settle_failure(hh, sec, dist, gg, now, rule, flows, tallies)
            if hh.watched != 0:
                note_after(state.watch, hh, flows, tallies)


def collect_section(
    state: State, sec: Section, dist: District, now: int, rule: Rule, work: Work, flows: I8, tallies: I8
) -> None:
    """Collect this month's instalments of a section's loans; end those in default.

    Who owes one is in ``work.lists``.
    """
    if dist.loans == 0 and dist.loan_interest == 0:
        return
    gg = state.groups
    households = state.households
    joint = False
    for g in range(sec.group_first, sec.group_end):
        gg.failing[g] = 0
        gg.paying[g] = 0
    for i in range(int(work.counts[LIST_BORROWERS])):
        hh = households[int(work.lists[LIST_BORROWERS, i])]
        if hh.watched != 0:
            note_before(state.watch, flows, tallies)
        hh.loan_months_left = int(hh.loan_months_left) - 1
        tallies[LOAN_MONTHS] += 1
        if has_cover(hh, now):
            tallies[LOAN_MONTHS_INSURED] += 1
        if is_liable_with_group(hh, rule):
            joint = True
            find_failures(hh, sec, dist, gg, now, rule, flows, tallies)
        else:
            collect_alone(hh, sec, dist, gg, now, rule, flows, tallies)
        if hh.watched != 0:
            note_after(state.watch, hh, flows, tallies)
    if joint:
        call_in_groups(state, sec, dist, now, rule, work, flows, tallies)


def open_lender(dist: District, persons: int, rule: Rule, flows: I8) -> None:
    """Give a district's lender its equity in the first month in which loans are offered."""
    if rule.loans_offered == 0 or dist.lender_open != 0:
        return
    equity = to_francs(persons * rule.lender_equity_rwf)
    dist.lender_open = 1
    dist.lender_cash += equity
    flows[LENDER_EQUITY] += equity


def lender_equity(dist: District) -> int:
    """Return cash and loans less deposits and borrowing, RWF; interest counts once it is paid."""
    return int(dist.lender_cash) + int(dist.loans) - int(dist.deposits) - int(dist.borrowing)


def lending_capacity(dist: District, rule: Rule) -> int:
    """Return what the lender can lend this month within its capital, liquidity and borrowing limits, RWF."""
    if rule.loans_offered == 0 or dist.lender_open == 0:
        return 0
    equity = lender_equity(dist)
    room = max(0.0, rule.lender_borrowing_limit * equity - dist.borrowing)
    capacity = dist.lender_cash - rule.lender_liquidity_share * dist.deposits + room
    if rule.lender_capital_ratio > 0.0:
        capacity = min(capacity, equity / rule.lender_capital_ratio - dist.loans)
    return int(max(0.0, capacity))


def set_credit_lines(sections: Table, dist: District, rule: Rule) -> None:
    """Divide what the lender can lend this month among the district's sections, by people."""
    capacity = lending_capacity(dist, rule)
    persons = 0
    for s in range(dist.first_section, dist.end_section):
        persons += int(sections[s].persons)
    for s in range(dist.first_section, dist.end_section):
        sec = sections[s]
        sec.credit_line = int(capacity * (int(sec.persons) / max(1, persons)))
        sec.credit_share = 1.0
        sec.applied = 0


def answer_applications(households: Table, sec: Section, now: int, work: Work, key: tuple[int, int]) -> None:
    """Set below which lot a section's applications of the month are granted, as far as its line suffices.

    Applicants are in ``work.lists``. Lots are keyed, so that the order in which households are stored
    decides nothing.
    """
    sec.collecting = 0
    if int(sec.applied) <= int(sec.credit_line):
        return
    low = 0.0
    high = 1.0
    for _ in range(32):
        middle = 0.5 * (low + high)
        granted = 0
        for i in range(int(work.counts[LIST_APPLICANTS])):
            hh = households[int(work.lists[LIST_APPLICANTS, i])]
            if lot(hh, sec, now, key) < middle:
                granted += int(hh.applied)
        if granted <= int(sec.credit_line):
            low = middle
        else:
            high = middle
    sec.credit_share = low


def close_lender_month(dist: District, rule: Rule, flows: I8) -> None:
    """Let the lender pay interest and its costs, and repay other banks from cash above its reserve."""
    if dist.lender_open == 0:
        return
    interest = min(int(dist.lender_cash), to_francs(dist.borrowing * rule.lender_borrowing_interest / 12.0))
    dist.lender_cash -= interest
    flows[LENDER_INTEREST] += interest
    cost = min(int(dist.lender_cash), to_francs(dist.loans * rule.lender_operating_cost / 12.0))
    dist.lender_cash -= cost
    flows[LENDER_OPERATING_COST] += cost
    free = int(dist.lender_cash) - math.ceil(rule.lender_liquidity_share * dist.deposits)
    repaid = min(int(dist.borrowing), max(0, free))
    dist.lender_cash -= repaid
    dist.borrowing -= repaid
    flows[LENDER_REPAYMENT] += repaid


compile_kernels(globals())
