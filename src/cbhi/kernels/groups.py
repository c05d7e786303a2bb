"""Money of associations (ibimina): saving for premiums, paying for families, deposits with the lender.

A household's ``group_balance`` is what it paid into its association's fund less what was paid out for it;
it may be negative, which is what it owes the association.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    BY_GROUP,
    DEPOSIT_INTEREST,
    GAUGE_MEETING_HOURS,
    GROUP_CONTRIBUTION,
    GROUP_DEPOSIT,
    GROUP_WITHDRAWAL,
    NO_GROUP,
    STANDING_UNAFFORDABLE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.loans import lender_equity
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import F8, I8, District, Groups, Household, Rule, Section


def spare_cash(hh: Household, rule: Rule) -> int:
    """Return cash above the household's buffer, RWF; what it can pay a premium from."""
    return int(hh.cash) - to_francs(int(hh.income) * rule.buffer_months)


def saving_goal(hh: Household, premium: int) -> int:
    """Return the balance up to which a household saves with its association, RWF.

    A year's premium for those who wish for cover and could not pay for it, and for those whom the
    association paid for last time; nothing but what is owed for everybody else.
    """
    # one choice after the other, so that loops over it become vectors
    relied = premium if hh.financed_by == BY_GROUP else 0
    goal = relied if hh.paid_before != 0 else 0
    goal = premium if hh.standing == STANDING_UNAFFORDABLE else goal
    return premium if hh.standing_next == STANDING_UNAFFORDABLE else goal


def saving_of_month(hh: Household, premium: int, most: int, rule: Rule) -> int:
    """Return what a household would put into its association's box this month, RWF; 0 or less for nothing.

    From cash above its buffer, at most ``most``; ``premium`` is what a year of cover would cost it now.
    """
    missing = saving_goal(hh, premium) - int(hh.group_balance)
    return min(min(missing, most), spare_cash(hh, rule))


def put_into_box(hh: Household, sec: Section, gg: Groups, saving: int) -> None:
    """Move a household's saving into its association's box."""
    hh.cash = int(hh.cash) - saving
    hh.group_balance = int(hh.group_balance) + saving
    gg.fund[sec.group_first + int(hh.group)] += saving


def group_limit(hh: Household, sec: Section, dist: District, gg: Groups, waiting: int, rule: Rule) -> int:
    """Return the most that its association would pay for a household now, RWF.

    All savings that can be had, where each is paid for in turn; where they pay together, what the savings
    hold beyond the needs of the others who wait. ``waiting`` is this household's part of ``gg.need``.
    """
    if rule.group_savings == 0 or int(hh.group) == NO_GROUP:
        return 0
    g = sec.group_first + int(hh.group)
    savings = int(gg.fund[g]) + min(int(gg.deposit[g]), int(dist.lender_cash))
    if rule.group_pays_together != 0:
        savings -= max(0, int(gg.need[g]) - waiting)
    return max(0, savings)


def pay_from_group(
    hh: Household, sec: Section, dist: District, gg: Groups, own_part: int, waiting: int, flows: I8
) -> None:
    """Let an association pay a household's own part into the section's fund, from its box first.

    The amount must be within `group_limit`.
    """
    g = sec.group_first + int(hh.group)
    withdrawn = max(0, own_part - int(gg.fund[g]))
    gg.deposit[g] -= withdrawn
    dist.deposits -= withdrawn
    dist.lender_cash -= withdrawn
    flows[GROUP_WITHDRAWAL] += withdrawn
    gg.fund[g] += withdrawn - own_part
    sec.fund += own_part
    flows[GROUP_CONTRIBUTION] += own_part
    hh.group_balance = int(hh.group_balance) - own_part
    gg.need[g] = max(0, int(gg.need[g]) - waiting)


def deposit_savings(sec: Section, dist: District, gg: Groups, rule: Rule, flows: I8) -> None:
    """Let associations take their boxes to the lender, or their deposits home as far as its cash goes.

    They trust a lender as long as its equity is positive.
    """
    if rule.group_deposits == 0 and dist.deposits == 0:
        return
    equity = lender_equity(dist)
    for g in range(sec.group_first, sec.group_end):
        if rule.group_deposits != 0 and dist.lender_open != 0 and equity > 0:
            moved = int(gg.fund[g])
            flows[GROUP_DEPOSIT] += moved
        else:
            moved = -min(int(gg.deposit[g]), int(dist.lender_cash))
            flows[GROUP_WITHDRAWAL] -= moved
        gg.fund[g] -= moved
        gg.deposit[g] += moved
        dist.deposits += moved
        dist.lender_cash += moved


def credit_deposit_interest(sec: Section, dist: District, gg: Groups, rule: Rule, flows: I8) -> None:
    """Let the lender pay a month's interest on each association's deposit, rounded down, into its box."""
    if dist.deposits == 0:
        return
    for g in range(sec.group_first, sec.group_end):
        interest = min(int(dist.lender_cash), int(int(gg.deposit[g]) * rule.lender_deposit_interest / 12.0))
        gg.fund[g] += interest
        dist.lender_cash -= interest
        flows[DEPOSIT_INTEREST] += interest


def count_meetings(sec: Section, gg: Groups, rule: Rule, gauges: F8) -> None:
    """Add the hours that families give to associations which save."""
    if rule.group_savings == 0:
        return
    for g in range(sec.group_first, sec.group_end):
        gauges[GAUGE_MEETING_HOURS] += int(gg.households[g]) * rule.group_meeting_hours


def leave_group(hh: Household, sec: Section, gg: Groups) -> None:
    """Take a household out of its association, which keeps what it saved and bears what it owed."""
    if int(hh.group) != NO_GROUP:
        gg.households[sec.group_first + int(hh.group)] -= 1
    hh.group_balance = 0


compile_kernels(globals())
