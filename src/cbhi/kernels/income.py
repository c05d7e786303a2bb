"""Income, season, consumption and cash of one household."""

from __future__ import annotations

import math

from cbhi.kernels.approx import exp
from cbhi.kernels.codes import (
    CONSUMPTION,
    FORMAL_CONTRIBUTION,
    INCOME,
    INFORMAL_LOAN,
    INFORMAL_REPAYMENT,
    STANDING_UNAFFORDABLE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import F8, I8, Household, Rule, Table

# a child's consumption relative to an adult's
CHILD_EQUIVALENT = 0.6
UNIFORM_SD = math.sqrt(12.0)


def count_children(hh: Household, mm: Table, now: int) -> int:
    """Return the household's members under 15."""
    children = 0
    for k in range(int(hh.n_members)):
        if now - int(mm[k].born) < 15 * 12:
            children += 1
    return children


def children_in_slots(mm: Table, n: int, slots: int, now: int) -> int:
    """Return what ``count_children`` does for ``n`` members, going through more slots that need no guess."""
    children = 0
    for k in range(slots):
        young = 1 if now - int(mm[k].born) < 15 * 12 else 0
        children += young if k < n else 0
    return children


def adult_equivalents(n_adults: int, n_children: int) -> float:
    """Return adult equivalents of a household; children are under 15."""
    return n_adults + CHILD_EQUIVALENT * n_children


def monthly_income(mean_rwf_per_year: float, sd: float, z: float, equivalents: float) -> int:
    """Return mean monthly household income, RWF: lognormal in ``z`` with the given mean."""
    return to_francs(mean_rwf_per_year * exp(sd * z - 0.5 * sd * sd) * equivalents / 12.0)


def next_position(z: float, district_z: float, persistence: float, sd_within: float, normal: float) -> float:
    """Return next year's position: first-order autoregression around the district's level."""
    innovation = math.sqrt(1.0 - persistence * persistence) * sd_within
    return district_z + persistence * (z - district_z) + innovation * normal


def month_of_cash(
    base: int,
    had: int,
    owed: int,
    contribution_share: float,
    season: float,
    harvest: float,
    shock: float,
    consumed_share: float,
    rule: Rule,
) -> tuple[int, int, int, int]:
    """Return a month's (income, formal contribution, repayment, spending) of a household, RWF.

    ``base`` is its mean income, which ``season``, ``harvest`` and ``shock`` multiply, ``had`` its cash and
    ``owed`` its informal debt. Consumption is a share of cash above a buffer, so cash is a stock that never
    falls below zero and follows the season.
    """
    income = to_francs(base * season * harvest * shock)
    contribution = min(income, to_francs(income * contribution_share))
    cash = had + income - contribution
    surplus = max(0, cash - to_francs(base * rule.buffer_months))
    repayment = min(owed, int(surplus * rule.repayment_share))
    spending = int((surplus - repayment) * consumed_share)
    return income, contribution, repayment, spending


def month_of_household(hh: Household, u: float, harvest: float, rule: Rule) -> tuple[int, int, int, int]:
    """Return what ``month_of_cash`` does for a household by its uniform draw; zeros where nobody is left."""
    lives = int(hh.alive)
    shock = 1.0 + rule.shock_sd * UNIFORM_SD * (u - 0.5)
    consumed = rule.consumption_share
    # who wishes for cover and could not pay for it yet puts something aside
    careful = consumed * (1.0 - rule.premium_saving_share)
    share = careful if hh.standing == STANDING_UNAFFORDABLE else consumed
    share = careful if hh.standing_next == STANDING_UNAFFORDABLE else share
    levy = rule.formal_contribution_share if hh.formal != 0 else 0.0
    return month_of_cash(
        int(hh.income) * lives, int(hh.cash) * lives, int(hh.debt) * lives, levy, rule.season, harvest, shock,
        share, rule,
    )  # fmt: skip


def live_through(households: Table, start: int, n: int, harvest: float, u: F8, rule: Rule, flows: I8) -> int:
    """Let a block earn, repay and consume; return its formal-sector contributions, RWF.

    ``u`` are the uniform draws of the month.
    """
    incomes, contributions, repayments, spendings = 0, 0, 0, 0
    for i in range(n):
        hh = households[start + i]
        income, contribution, repayment, spending = month_of_household(hh, u[i], harvest, rule)
        hh.cash = int(hh.cash) + income - contribution - repayment - spending
        hh.debt = int(hh.debt) - repayment
        incomes += income
        contributions += contribution
        repayments += repayment
        spendings += spending
    flows[INCOME] += incomes
    flows[FORMAL_CONTRIBUTION] += contributions
    flows[INFORMAL_REPAYMENT] += repayments
    flows[CONSUMPTION] += spendings
    return contributions


def can_raise(hh: Household, amount: int, rule: Rule) -> bool:
    """Return whether a household can meet a bill from its cash and what informal credit it has left."""
    cap = to_francs(int(hh.income) * rule.debt_cap_months)
    return amount <= int(hh.cash) + max(0, cap - int(hh.debt))


def pay_from_cash_or_debt(hh: Household, amount: int, flows: I8) -> None:
    """Take ``amount`` from the household's cash, borrowing informally what is missing."""
    short = max(0, amount - int(hh.cash))
    hh.debt = int(hh.debt) + short
    hh.cash = int(hh.cash) + short - amount
    flows[INFORMAL_LOAN] += short


compile_kernels(globals())
