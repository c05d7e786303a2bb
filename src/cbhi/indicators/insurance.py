"""Key performance indicators of the Microinsurance Network.

Arguments are totals of a scheme for a period, one number or one a period. A figure that was not recorded
is ``None`` (or NaN inside an array); it makes the indicator absent (NaN), never zero, as does a denominator
of zero.

Reference: Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed., ADA.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._checks import (
    Ratio,
    Total,
    as_ratio,
    check_shapes,
    check_total,
    check_values,
    check_weights,
    divide,
    mean,
    total_ratio,
)

__all__ = [
    "ClaimsPromptness",
    "claims_promptness",
    "claims_rejection_ratio",
    "combined_ratio",
    "coverage_ratio",
    "earned_premium",
    "growth_ratio",
    "incurred_claims",
    "incurred_claims_ratio",
    "incurred_expense_ratio",
    "liquidity_ratio",
    "net_income_ratio",
    "renewal_ratio",
    "social_investment_ratio",
    "solvency_ratio",
]


class ClaimsPromptness(NamedTuple):
    """Shares of claims settled within a week, a month, a quarter, and later; they sum to 1."""

    within_7_days: float
    from_8_to_30_days: float
    from_31_to_90_days: float
    beyond_90_days: float


def earned_premium(
    premium_per_year: ArrayLike, months_exposed: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Add up the premium earned by cover already given.

    Parameters
    ----------
    premium_per_year : array, shape (n,)
        Premium of each contract for a year of cover, money, not negative.
    months_exposed : array, shape (n,)
        Months of cover of each contract that fall into the period, not negative.
    weights : array, shape (n,), optional
        Number of contracts each row stands for, not negative.

    Returns
    -------
    float
        Earned premium, money.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    ``sum premium * months / 12``: Wipf and Garand (2010).

    Examples
    --------
    >>> earned_premium([1200, 2400], [12, 3])
    1800.0
    """
    premium = check_values("premium_per_year", premium_per_year, lower=0.0)
    months = check_values("months_exposed", months_exposed, length=premium.size, lower=0.0)
    return float(np.dot(premium * months, check_weights(weights, premium.size)) / 12)


def incurred_claims(paid: Total, reserve_opening: Total, reserve_closing: Total) -> Ratio:
    """Compute the claims of a period, paid or still to be paid.

    Parameters
    ----------
    paid : float or array, shape (t,)
        Claims paid in the period, money.
    reserve_opening, reserve_closing : float or array, shape (t,)
        Reserves for claims not yet paid, at the start and the end of the period, money.

    Returns
    -------
    float or array
        Incurred claims, money; negative when old reserves are released. NaN where a figure is absent.

    Raises
    ------
    ValueError
        If a figure is negative or infinite, or shapes differ.

    References
    ----------
    ``paid + closing - opening``: Wipf and Garand (2010).

    Examples
    --------
    >>> incurred_claims(100, 20, 35)
    115.0
    """
    names = ("paid", "reserve_opening", "reserve_closing")
    flow, opening, closing = (
        check_total(name, value)
        for name, value in zip(names, (paid, reserve_opening, reserve_closing), strict=True)
    )
    check_shapes(names, flow, opening, closing)
    return as_ratio(np.asarray(flow + closing - opening))


def combined_ratio(incurred_claims: Total, incurred_expenses: Total, earned_premium: Total) -> Ratio:
    """Compute claims and expenses together relative to earned premium.

    Parameters
    ----------
    incurred_claims : float or array, shape (t,)
        Claims paid plus the rise in claim reserves, money.
    incurred_expenses : float or array, shape (t,)
        Expenses of the period, whether paid or not, money.
    earned_premium : float or array, shape (t,)
        Premium earned in the period, money.

    Returns
    -------
    float or array
        Ratio, unit-free; above 1 the scheme loses money before other income. NaN where a figure is absent
        or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite, expenses or premium are negative, or shapes differ.

    References
    ----------
    Incurred claims ratio plus incurred expense ratio: Wipf and Garand (2010).

    Examples
    --------
    >>> combined_ratio(70, 25, 100)
    0.95
    """
    names = ("incurred_claims", "incurred_expenses", "earned_premium")
    claims = check_total(names[0], incurred_claims, allow_negative=True)
    expenses = check_total(names[1], incurred_expenses)
    premium = check_total(names[2], earned_premium)
    check_shapes(names, claims, expenses, premium)
    return divide(np.asarray(claims + expenses), premium, ("claims and expenses", names[2]))


def growth_ratio(insured_now: Total, insured_before: Total) -> Ratio:
    """Compute the relative change in the number of insured.

    Parameters
    ----------
    insured_now : float or array, shape (t,)
        Persons insured at the end of the period, count.
    insured_before : float or array, shape (t,)
        Persons insured at the end of the period before, count.

    Returns
    -------
    float or array
        Relative change, unit-free. NaN where a figure is absent or nobody was insured before.

    Raises
    ------
    ValueError
        If a figure is negative or infinite, or shapes differ.

    References
    ----------
    ``(now - before) / before``: Wipf and Garand (2010).

    Examples
    --------
    >>> growth_ratio(150, 120)
    0.25
    """
    names = ("insured_now", "insured_before")
    now, before = check_total(names[0], insured_now), check_total(names[1], insured_before)
    check_shapes(names, now, before)
    return divide(np.asarray(now - before), before, names)


def claims_promptness(settlement_days: ArrayLike, weights: ArrayLike | None = None) -> ClaimsPromptness:
    """Compute how fast claims are settled, as shares of all settled claims.

    Parameters
    ----------
    settlement_days : array, shape (n,)
        Days from report to payment of each settled claim, not negative.
    weights : array, shape (n,), optional
        Number of claims each row stands for, not negative.

    Returns
    -------
    ClaimsPromptness
        Shares settled within 7 days, 8 to 30, 31 to 90 and more than 90 days; they sum to 1.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Wipf and Garand (2010), promptness of claims settlement.

    Examples
    --------
    >>> claims_promptness([3, 7, 20, 91])
    ClaimsPromptness(within_7_days=0.5, from_8_to_30_days=0.25, from_31_to_90_days=0.0, beyond_90_days=0.25)
    """
    days = check_values("settlement_days", settlement_days, lower=0.0)
    checked = check_weights(weights, days.size)
    beyond = [mean(days > limit, checked) for limit in (7, 30, 90)]
    return ClaimsPromptness(1 - beyond[0], beyond[0] - beyond[1], beyond[1] - beyond[2], beyond[2])


def net_income_ratio(net_income: Total, earned_premium: Total) -> Ratio:
    """Compute the share of earned premium that is left as net income.

    Parameters
    ----------
    net_income : float or array, shape (t,)
        Income minus incurred claims and expenses of the period, money; may be negative.
    earned_premium : float or array, shape (t,)
        Premium earned in the period, money.

    Returns
    -------
    float or array
        Ratio, unit-free; negative for a loss. NaN where a figure is absent or the denominator is
        zero.

    Raises
    ------
    ValueError
        If a figure is infinite, ``earned_premium`` is negative, or shapes differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> net_income_ratio(-20, 100)
    -0.2
    """
    return total_ratio(("net_income", "earned_premium"), net_income, earned_premium, allow_negative=True)


def incurred_expense_ratio(incurred_expenses: Total, earned_premium: Total) -> Ratio:
    """Compute the share of earned premium that running the scheme takes.

    Parameters
    ----------
    incurred_expenses : float or array, shape (t,)
        Expenses of the period, whether paid or not, money.
    earned_premium : float or array, shape (t,)
        Premium earned in the period, money.

    Returns
    -------
    float or array
        Ratio, unit-free; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> incurred_expense_ratio(25, 100)
    0.25
    """
    return total_ratio(("incurred_expenses", "earned_premium"), incurred_expenses, earned_premium)


def incurred_claims_ratio(incurred_claims: Total, earned_premium: Total) -> Ratio:
    """Compute the share of earned premium that goes back to members as claims.

    Parameters
    ----------
    incurred_claims : float or array, shape (t,)
        Claims paid plus the rise in claim reserves, money; see `incurred_claims`.
    earned_premium : float or array, shape (t,)
        Premium earned in the period, money.

    Returns
    -------
    float or array
        Ratio, unit-free; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite, ``earned_premium`` is negative, or shapes differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> incurred_claims_ratio(70, 100)
    0.7
    """
    return total_ratio(
        ("incurred_claims", "earned_premium"), incurred_claims, earned_premium, allow_negative=True
    )


def renewal_ratio(renewals: Total, potential_renewals: Total) -> Ratio:
    """Compute the share of those due for renewal who renew.

    Parameters
    ----------
    renewals : float or array, shape (t,)
        Members (or policies) that renewed, count.
    potential_renewals : float or array, shape (t,)
        Members whose cover ran out and who could renew, count.

    Returns
    -------
    float or array
        Share from 0 to 1; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, ``renewals`` exceeds ``potential_renewals``, or shapes
        differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> renewal_ratio(85, 100)
    0.85
    """
    return total_ratio(("renewals", "potential_renewals"), renewals, potential_renewals, part_of_whole=True)


def coverage_ratio(active_insured: Total, target_population: Total) -> Ratio:
    """Compute the share of the target population that is insured.

    Parameters
    ----------
    active_insured : float or array, shape (t,)
        Persons insured now, count; double counting can push the ratio above 1.
    target_population : float or array, shape (t,)
        Persons the scheme is meant for, count.

    Returns
    -------
    float or array
        Ratio, unit-free; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> coverage_ratio(450, 1000)
    0.45
    """
    return total_ratio(("active_insured", "target_population"), active_insured, target_population)


def claims_rejection_ratio(rejected_claims: Total, reported_claims: Total) -> Ratio:
    """Compute the share of reported claims that are rejected.

    Parameters
    ----------
    rejected_claims : float or array, shape (t,)
        Claims rejected, count.
    reported_claims : float or array, shape (t,)
        Claims reported in the same batch, count.

    Returns
    -------
    float or array
        Share from 0 to 1; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, ``rejected_claims`` exceeds ``reported_claims``, or
        shapes differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> claims_rejection_ratio(5, 100)
    0.05
    """
    return total_ratio(
        ("rejected_claims", "reported_claims"), rejected_claims, reported_claims, part_of_whole=True
    )


def solvency_ratio(admitted_assets: Total, liabilities: Total) -> Ratio:
    """Compute assets relative to liabilities.

    Parameters
    ----------
    admitted_assets : float or array, shape (t,)
        Assets that count towards solvency, money.
    liabilities : float or array, shape (t,)
        All liabilities, money.

    Returns
    -------
    float or array
        Ratio, unit-free; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> solvency_ratio(120, 100)
    1.2
    """
    return total_ratio(("admitted_assets", "liabilities"), admitted_assets, liabilities)


def liquidity_ratio(available_cash: Total, short_term_payables: Total) -> Ratio:
    """Compute cash at hand relative to the bills of the next three months.

    Parameters
    ----------
    available_cash : float or array, shape (t,)
        Cash and what turns into cash at once, money.
    short_term_payables : float or array, shape (t,)
        Payables due within three months, money.

    Returns
    -------
    float or array
        Ratio, unit-free; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    Wipf and Garand (2010), Performance Indicators for Microinsurance, 2nd ed.

    Examples
    --------
    >>> liquidity_ratio(300, 200)
    1.5
    """
    return total_ratio(("available_cash", "short_term_payables"), available_cash, short_term_payables)


def social_investment_ratio(social_expenditure: Total, total_expenditure: Total) -> Ratio:
    """Compute the share of expenditure that informs, educates and prevents.

    Parameters
    ----------
    social_expenditure : float or array, shape (t,)
        Expenditure on information, education and prevention, money.
    total_expenditure : float or array, shape (t,)
        All expenditure, money.

    Returns
    -------
    float or array
        Share from 0 to 1; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, ``social_expenditure`` exceeds ``total_expenditure``, or
        shapes differ.

    References
    ----------
    Sandmark (2013), Social Performance Indicators for Microinsurance.

    Examples
    --------
    >>> social_investment_ratio(3, 60)
    0.05
    """
    return total_ratio(
        ("social_expenditure", "total_expenditure"), social_expenditure, total_expenditure, part_of_whole=True
    )
