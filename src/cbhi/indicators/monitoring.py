"""Monitoring ratios of health microinsurance schemes, after ILO-STEP and CIDR.

Arguments are totals of a scheme for a period, one number or one a period. A figure that was not recorded
is ``None`` (or NaN inside an array); it makes the ratio absent (NaN), never zero, as does a denominator of
zero. The growth rate and the renewal rate of the guide are `growth_ratio` and `renewal_ratio`, its months of
reserve `months_of_reserve`.

Reference: ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.
"""

from __future__ import annotations

from ._checks import Ratio, Total, total_ratio

__all__ = [
    "average_cost_per_case",
    "claims_cost_per_beneficiary",
    "contribution_recovery_rate",
    "dependents_per_member",
    "equity_to_claims_ratio",
    "gross_administration_ratio",
    "gross_penetration_rate",
    "immediate_liquidity_ratio",
    "loss_ratio",
    "self_financing_rate",
    "subsidy_dependence",
    "utilisation_rate",
]


def gross_penetration_rate(members: Total, target_members: Total) -> Ratio:
    """Compute members relative to all who could be members.

    Parameters
    ----------
    members : float or array, shape (t,)
        Members of the scheme (those who sign and pay), count.
    target_members : float or array, shape (t,)
        Potential members, count.

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
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> gross_penetration_rate(200, 1000)
    0.2
    """
    return total_ratio(("members", "target_members"), members, target_members)


def dependents_per_member(dependents: Total, members: Total) -> Ratio:
    """Compute how many dependents each member brings.

    Parameters
    ----------
    dependents : float or array, shape (t,)
        Beneficiaries who are not members themselves, count.
    members : float or array, shape (t,)
        Members of the scheme, count.

    Returns
    -------
    float or array
        Dependents a member; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> dependents_per_member(700, 200)
    3.5
    """
    return total_ratio(("dependents", "members"), dependents, members)


def contribution_recovery_rate(contributions_received: Total, contributions_due: Total) -> Ratio:
    """Compute the share of contributions due that was received.

    Parameters
    ----------
    contributions_received : float or array, shape (t,)
        Contributions received for the period, money.
    contributions_due : float or array, shape (t,)
        Contributions due for the period, money.

    Returns
    -------
    float or array
        Ratio, unit-free; above 1 when old debts are paid. NaN where a figure is absent or the
        denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> contribution_recovery_rate(90, 120)
    0.75
    """
    return total_ratio(
        ("contributions_received", "contributions_due"), contributions_received, contributions_due
    )


def utilisation_rate(cases: Total, beneficiary_years: Total) -> Ratio:
    """Compute the cases of care for each beneficiary and year.

    Parameters
    ----------
    cases : float or array, shape (t,)
        Cases (visits, admissions) covered in the period, count.
    beneficiary_years : float or array, shape (t,)
        Person-years of cover in the period, years.

    Returns
    -------
    float or array
        Cases a beneficiary-year; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> utilisation_rate(1070, 1000)
    1.07
    """
    return total_ratio(("cases", "beneficiary_years"), cases, beneficiary_years)


def average_cost_per_case(claims_cost: Total, cases: Total) -> Ratio:
    """Compute what one case costs the scheme.

    Parameters
    ----------
    claims_cost : float or array, shape (t,)
        Cost of the cases to the scheme, money.
    cases : float or array, shape (t,)
        Cases covered, count.

    Returns
    -------
    float or array
        Money a case; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> average_cost_per_case(9000, 50)
    180.0
    """
    return total_ratio(("claims_cost", "cases"), claims_cost, cases)


def claims_cost_per_beneficiary(claims_cost: Total, beneficiary_years: Total) -> Ratio:
    """Compute what care costs the scheme for each beneficiary and year.

    Parameters
    ----------
    claims_cost : float or array, shape (t,)
        Cost of claims to the scheme, money.
    beneficiary_years : float or array, shape (t,)
        Person-years of cover in the period, years.

    Returns
    -------
    float or array
        Money a beneficiary-year, the product of utilisation and cost a case; NaN where a figure is
        absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> claims_cost_per_beneficiary(9000, 100)
    90.0
    """
    return total_ratio(("claims_cost", "beneficiary_years"), claims_cost, beneficiary_years)


def loss_ratio(claims_cost: Total, contributions: Total) -> Ratio:
    """Compute claims relative to contributions.

    Parameters
    ----------
    claims_cost : float or array, shape (t,)
        Cost of claims to the scheme, money.
    contributions : float or array, shape (t,)
        Contributions for the same period, money.

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
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> loss_ratio(80, 100)
    0.8
    """
    return total_ratio(("claims_cost", "contributions"), claims_cost, contributions)


def gross_administration_ratio(running_costs: Total, contributions: Total) -> Ratio:
    """Compute running costs relative to contributions.

    Parameters
    ----------
    running_costs : float or array, shape (t,)
        Costs of running the scheme, whoever pays them, money.
    contributions : float or array, shape (t,)
        Contributions for the same period, money.

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
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> gross_administration_ratio(30, 120)
    0.25
    """
    return total_ratio(("running_costs", "contributions"), running_costs, contributions)


def self_financing_rate(own_contributions: Total, total_expenditure: Total) -> Ratio:
    """Compute the share of expenditure that members' own contributions pay for.

    Parameters
    ----------
    own_contributions : float or array, shape (t,)
        Contributions paid by members themselves, money.
    total_expenditure : float or array, shape (t,)
        All expenditure of the scheme, money.

    Returns
    -------
    float or array
        Ratio, unit-free; at least 1 for a scheme that needs nobody else. NaN where a figure is
        absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, or shapes differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> self_financing_rate(60, 80)
    0.75
    """
    return total_ratio(("own_contributions", "total_expenditure"), own_contributions, total_expenditure)


def immediate_liquidity_ratio(cash: Total, short_term_debts: Total) -> Ratio:
    """Compute cash relative to short-term debts.

    Parameters
    ----------
    cash : float or array, shape (t,)
        Cash and bank, money.
    short_term_debts : float or array, shape (t,)
        Debts due within the year, money.

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
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> immediate_liquidity_ratio(50, 40)
    1.25
    """
    return total_ratio(("cash", "short_term_debts"), cash, short_term_debts)


def equity_to_claims_ratio(equity: Total, claims_cost: Total) -> Ratio:
    """Compute own funds relative to the claims of a year.

    Parameters
    ----------
    equity : float or array, shape (t,)
        Own funds, money; may be negative.
    claims_cost : float or array, shape (t,)
        Cost of claims in a year, money.

    Returns
    -------
    float or array
        Ratio, unit-free; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite, ``claims_cost`` is negative, or shapes differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> equity_to_claims_ratio(30, 120)
    0.25
    """
    return total_ratio(("equity", "claims_cost"), equity, claims_cost, allow_negative=True)


def subsidy_dependence(subsidies: Total, total_income: Total) -> Ratio:
    """Compute the share of income that comes from outside the membership.

    Parameters
    ----------
    subsidies : float or array, shape (t,)
        Subsidies and grants received, money.
    total_income : float or array, shape (t,)
        All income of the scheme, money.

    Returns
    -------
    float or array
        Share from 0 to 1; NaN where a figure is absent or the denominator is zero.

    Raises
    ------
    ValueError
        If a figure is infinite or negative, ``subsidies`` exceeds ``total_income``, or shapes
        differ.

    References
    ----------
    ILO-STEP and CIDR (2007), Health Microinsurance Schemes: Monitoring and Evaluation Guide.

    Examples
    --------
    >>> subsidy_dependence(25, 100)
    0.25
    """
    return total_ratio(("subsidies", "total_income"), subsidies, total_income, part_of_whole=True)
