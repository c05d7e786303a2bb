"""Adverse selection: are the insured costlier than the rest, and does price drive that?

One row a person or household; weights are frequencies (scale sampling weights to sum to the number of rows
before reading a standard error). What has no denominator (nobody insured, one price only) is absent (NaN).

References: Einav, Finkelstein and Cullen (2010), QJE 125: 877-921; Chiappori and Salanie (2000), JPE 108:
56-78.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._checks import ABSENT, check_columns, check_mask, check_values, check_weights
from ._probit import fit_probit

__all__ = [
    "CostCurve",
    "CounterfactualCost",
    "PositiveCorrelation",
    "RiskGap",
    "cost_curve_slope",
    "counterfactual_average_cost",
    "positive_correlation_test",
    "risk_gap",
]


class CostCurve(NamedTuple):
    """Average cost of the insured as a straight line in the price."""

    slope: float
    intercept: float
    standard_error: float
    t_ratio: float


class PositiveCorrelation(NamedTuple):
    """Chiappori and Salanie's W (chi-squared, one degree of freedom) and the correlation behind it."""

    statistic: float
    p_value: float
    residual_correlation: float


class RiskGap(NamedTuple):
    """Mean risk of insured and uninsured, their difference and their ratio."""

    insured: float
    uninsured: float
    difference: float
    ratio: float


class CounterfactualCost(NamedTuple):
    """Average cost of those insured and of everybody; ``selection_cost = observed - full_enrolment``."""

    observed: float
    full_enrolment: float
    selection_cost: float


def cost_curve_slope(
    price: ArrayLike, cost: ArrayLike, weights: ArrayLike | None = None, *, robust: bool = True
) -> CostCurve:
    """Regress the claim cost of the insured on the price each of them faced.

    Price must vary for reasons that have nothing to do with risk. A positive slope means that a higher
    price leaves a costlier pool: adverse selection. A negative slope means advantageous selection.

    Parameters
    ----------
    price : array, shape (n,)
        Price faced by each insured row, money.
    cost : array, shape (n,)
        Claim cost of that row to the scheme, money.
    weights : array, shape (n,), optional
        Frequency weights, not negative.
    robust : bool
        Standard error robust to unequal variances (HC1); otherwise the classical one.

    Returns
    -------
    CostCurve
        Slope (money per money), intercept (money), standard error and t ratio of the slope; NaN with a
        single price, no standard error with fewer than three rows.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values, another length, or negative weights.

    References
    ----------
    Einav, Finkelstein and Cullen (2010); HC1 of MacKinnon and White (1985).

    Examples
    --------
    >>> curve = cost_curve_slope([1, 2, 3, 4], [2, 4, 5, 4], robust=False)
    >>> round(curve.slope, 4), round(curve.intercept, 4), round(curve.standard_error, 4)
    (0.7, 2.0, 0.4796)
    """
    prices = check_values("price", price)
    costs = check_values("cost", cost, length=prices.size)
    checked = check_weights(weights, prices.size)
    n = float(checked.sum())
    present = prices[checked > 0]
    if present.min() == present.max():
        return CostCurve(ABSENT, ABSENT, ABSENT, ABSENT)
    centred = prices - float(checked @ prices) / n
    spread = float(checked @ centred**2)
    average = float(checked @ costs) / n
    slope = float(checked @ (centred * costs)) / spread
    intercept = average - slope * (float(checked @ prices) / n)
    if not n > 2:
        return CostCurve(slope, intercept, ABSENT, ABSENT)
    squares = (costs - average - slope * centred) ** 2
    if robust:
        variance = float(checked @ (squares * centred**2)) / spread**2 * n / (n - 2)
    else:
        variance = float(checked @ squares) / (n - 2) / spread
    error = math.sqrt(variance)
    return CostCurve(slope, intercept, error, slope / error if error > 0 else ABSENT)


def positive_correlation_test(
    is_enrolled: ArrayLike,
    has_claim: ArrayLike,
    covariates: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> PositiveCorrelation:
    """Test whether those who enrol are those who claim, given what the insurer knows.

    Two probits, of enrolment and of claiming, on the same public information; the test looks at the
    correlation of their generalised residuals. In field data moral hazard raises the correlation too; a
    simulator can use untreated need as ``has_claim`` to rule that out. The strength of the correlation
    depends on the level of coverage, so compare it only at like coverage.

    Parameters
    ----------
    is_enrolled : boolean array, shape (n,)
        True for the insured.
    has_claim : boolean array, shape (n,)
        True for those with a claim, observed for insured and uninsured alike.
    covariates : array, shape (n,) or (n, k), optional
        Public information on which the premium could depend. A constant is added.
    weights : array, shape (n,), optional
        Frequency weights, not negative.

    Returns
    -------
    PositiveCorrelation
        W statistic, its p value (chi-squared with one degree of freedom) and the residual correlation,
        whose sign tells adverse (positive) from advantageous (negative) selection; NaN when everybody or
        nobody enrols or claims.

    Raises
    ------
    ValueError
        If an argument is empty, not boolean, has missing values or another length, if covariates are
        collinear, or predict an outcome perfectly.

    References
    ----------
    ``W = (sum e h)^2 / sum (e h)^2``: Chiappori and Salanie (2000), section 4.

    Examples
    --------
    >>> result = positive_correlation_test([1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0])
    >>> round(result.statistic, 4), round(result.residual_correlation, 4)
    (0.6667, 0.3333)
    """
    enrolled = check_mask("is_enrolled", is_enrolled)
    claim = check_mask("has_claim", has_claim, length=enrolled.size)
    columns = [np.ones((enrolled.size, 1))]
    if covariates is not None:
        columns.append(check_columns("covariates", covariates, enrolled.size))
    checked = check_weights(weights, enrolled.size)
    present = checked > 0
    design, checked = np.hstack(columns)[present], checked[present]
    enrolled, claim = enrolled[present], claim[present]
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("covariates are collinear, or one of them is constant; drop it")
    if enrolled.all() or claim.all() or not enrolled.any() or not claim.any():
        return PositiveCorrelation(ABSENT, ABSENT, ABSENT)
    e = fit_probit("is_enrolled", enrolled, design, checked).residual
    h = fit_probit("has_claim", claim, design, checked).residual
    product = float(checked @ (e * h))
    statistic = product**2 / float(checked @ (e * h) ** 2)
    correlation = product / math.sqrt(float(checked @ e**2) * float(checked @ h**2))
    return PositiveCorrelation(statistic, math.erfc(math.sqrt(statistic / 2)), correlation)


def risk_gap(risk: ArrayLike, is_enrolled: ArrayLike, weights: ArrayLike | None = None) -> RiskGap:
    """Compare the expected cost of the insured with that of the uninsured.

    Parameters
    ----------
    risk : array, shape (n,)
        Expected cost (or need) of each row before choice, money or cases, not negative.
    is_enrolled : boolean array, shape (n,)
        True for the insured.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    RiskGap
        Means and difference in the unit of ``risk``, ratio unit-free. What needs an empty group, or divides
        by zero, is NaN.

    Raises
    ------
    ValueError
        If an argument is empty, not boolean, has missing or negative values, or another length.

    References
    ----------
    Difference of conditional means. For normal risk known to the buyer it is smallest at half coverage.

    Examples
    --------
    >>> risk_gap([9, 7, 4, 4], [1, 1, 0, 0])
    RiskGap(insured=8.0, uninsured=4.0, difference=4.0, ratio=2.0)
    """
    risks = check_values("risk", risk, lower=0.0)
    enrolled = check_mask("is_enrolled", is_enrolled, length=risks.size)
    checked = check_weights(weights, risks.size)
    means = []
    for group in (enrolled, ~enrolled):
        size = float(checked[group].sum())
        means.append(float(checked[group] @ risks[group]) / size if size > 0 else ABSENT)
    insured, uninsured = means
    return RiskGap(insured, uninsured, insured - uninsured, insured / uninsured if uninsured != 0 else ABSENT)


def counterfactual_average_cost(
    expected_cost: ArrayLike, is_enrolled: ArrayLike, weights: ArrayLike | None = None
) -> CounterfactualCost:
    """Compare the average cost of those insured with the average cost if everybody were.

    Parameters
    ----------
    expected_cost : array, shape (n,)
        Cost of each row to the scheme *if insured*, for insured and uninsured alike, money, not negative.
    is_enrolled : boolean array, shape (n,)
        True for the insured.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    CounterfactualCost
        Observed average cost, average cost at full enrolment, and the extra cost a member that selection
        causes (positive under adverse selection), money; NaN for what needs members where there are none.

    Raises
    ------
    ValueError
        If an argument is empty, not boolean, has missing or negative values, or another length.

    References
    ----------
    The average cost curve at the observed and at full quantity: Einav, Finkelstein and Cullen (2010).

    Examples
    --------
    >>> counterfactual_average_cost([9, 7, 4, 4], [1, 1, 0, 0])
    CounterfactualCost(observed=8.0, full_enrolment=6.0, selection_cost=2.0)
    """
    costs = check_values("expected_cost", expected_cost, lower=0.0)
    enrolled = check_mask("is_enrolled", is_enrolled, length=costs.size)
    checked = check_weights(weights, costs.size)
    everybody = float(checked @ costs) / float(checked.sum())
    members = float(checked[enrolled].sum())
    observed = float(checked[enrolled] @ costs[enrolled]) / members if members > 0 else ABSENT
    return CounterfactualCost(observed, everybody, observed - everybody)
