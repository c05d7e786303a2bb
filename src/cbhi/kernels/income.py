"""Income, season, consumption and cash of one household."""

from __future__ import annotations

import math

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
from cbhi.kernels.records import I8, Household, Rule, Table

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


def adult_equivalents(n_adults: int, n_children: int) -> float:
    """Return adult equivalents of a household; children are under 15."""
    return n_adults + CHILD_EQUIVALENT * n_children


def monthly_income(mean_rwf_per_year: float, sd: float, z: float, equivalents: float) -> int:
    """Return mean monthly household income, RWF: lognormal in ``z`` with the given mean."""
    return to_francs(mean_rwf_per_year * math.exp(sd * z - 0.5 * sd * sd) * equivalents / 12.0)


def next_position(z: float, district_z: float, persistence: float, sd_within: float, normal: float) -> float:
    """Return next year's position: first-order autoregression around the district's level."""
    innovation = math.sqrt(1.0 - persistence * persistence) * sd_within
    return district_z + persistence * (z - district_z) + innovation * normal


def live_a_month(hh: Household, rule: Rule, harvest: float, u: float, flows: I8) -> int:
    """Let a household earn, repay and consume; return its formal-sector contribution, RWF.

    ``u`` is its uniform draw of the month. Consumption is a share of cash above a buffer, so cash is a
    stock that never falls below zero and follows the season.
    """
    base = int(hh.income)
    shock = 1.0 + rule.shock_sd * UNIFORM_SD * (u - 0.5)
    income = to_francs(base * rule.season * harvest * shock)
    contribution = 0
    if hh.formal != 0:
        contribution = min(income, to_francs(income * rule.formal_contribution_share))
    cash = int(hh.cash) + income - contribution
    surplus = max(0, cash - to_francs(base * rule.buffer_months))
    repayment = min(int(hh.debt), int(surplus * rule.repayment_share))
    consumed_share = rule.consumption_share
    if hh.standing == STANDING_UNAFFORDABLE or hh.standing_next == STANDING_UNAFFORDABLE:
        # wishes for cover and could not pay for it yet: it puts something aside
        consumed_share *= 1.0 - rule.premium_saving_share
    spending = int((surplus - repayment) * consumed_share)
    hh.cash = cash - repayment - spending
    hh.debt = int(hh.debt) - repayment
    flows[INCOME] += income
    flows[FORMAL_CONTRIBUTION] += contribution
    flows[INFORMAL_REPAYMENT] += repayment
    flows[CONSUMPTION] += spending
    return contribution


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
