"""Solvency of a scheme over many simulated (or historical) paths.

A path is one replicate of a run: paths lie along the first axis, periods along the second. Weights are one
a path; a weight of 2 equals the path written twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._checks import (
    GUARD,
    FloatArray,
    Ratio,
    Total,
    as_ratio,
    check_number,
    check_total,
    check_values,
    check_weights,
    divide,
    exceeds,
    mean,
)

__all__ = [
    "arrears_days",
    "bail_out_cost",
    "months_of_reserve",
    "probability_of_arrears",
    "ruin_probability_by_horizon",
    "share_of_time_in_arrears",
    "tail_value_at_risk",
    "value_at_risk",
]


def arrears_days(payables: Total, approved_per_month: Total) -> Ratio:
    """Compute how many days of approved claims are still unpaid.

    Parameters
    ----------
    payables : float or array
        Claims approved and not paid, money, not negative.
    approved_per_month : float or array
        Claims approved a month, money, not negative.

    Returns
    -------
    float or array
        Days, months counted as 30 days; NaN when no claims were approved or a figure is absent.

    Raises
    ------
    ValueError
        If a figure is negative or infinite, or shapes differ.

    References
    ----------
    Little's law: delay = stock / flow.

    Examples
    --------
    >>> arrears_days(300, 100)
    90.0
    """
    ratio = divide(
        check_total("payables", payables),
        check_total("approved_per_month", approved_per_month),
        ("payables", "approved_per_month"),
    )
    return as_ratio(np.asarray(30.0 * np.asarray(ratio)))


def _worst(name: str, values: ArrayLike) -> FloatArray:
    """Return the largest value of each path, from one value a path or from a table of paths."""
    ndim = 1 if np.ndim(values) == 1 else 2
    array = check_values(name, values, lower=0.0, ndim=ndim)
    return array if ndim == 1 else array.max(axis=1)


def probability_of_arrears(
    days_in_arrears: ArrayLike, weights: ArrayLike | None = None, *, days: float = 90.0
) -> float:
    """Compute the probability that arrears ever exceed a number of days.

    Parameters
    ----------
    days_in_arrears : array, shape (paths, periods) or (paths,)
        Age of the arrears in days, not negative; with one dimension, the worst of each path.
    weights : array, shape (paths,), optional
        Weights of the paths, not negative.
    days : float
        Days that must be exceeded, not negative.

    Returns
    -------
    float
        Share of paths, from 0 to 1.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Share of paths whose worst arrears pass the limit.

    Examples
    --------
    >>> probability_of_arrears([[0, 100, 0], [0, 30, 90]], days=90)
    0.5
    """
    worst = _worst("days_in_arrears", days_in_arrears)
    limit = check_number("days", days, at_least=0.0)
    return mean(exceeds(worst, limit), check_weights(weights, worst.size))


def share_of_time_in_arrears(
    days_in_arrears: ArrayLike, weights: ArrayLike | None = None, *, days: float = 90.0
) -> float:
    """Compute the share of periods spent with arrears above a number of days.

    Parameters
    ----------
    days_in_arrears : array, shape (paths, periods)
        Age of the arrears in days, not negative.
    weights : array, shape (paths,), optional
        Weights of the paths, not negative.
    days : float
        Days that must be exceeded, not negative.

    Returns
    -------
    float
        Share of path-periods, from 0 to 1.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Weighted share of the cells of the table that pass the limit.

    Examples
    --------
    >>> share_of_time_in_arrears([[0, 100], [0, 90]], days=90)
    0.25
    """
    table = check_values("days_in_arrears", days_in_arrears, lower=0.0, ndim=2)
    limit = check_number("days", days, at_least=0.0)
    return mean(exceeds(table, limit).mean(axis=1), check_weights(weights, table.shape[0]))


def ruin_probability_by_horizon(
    reserves: ArrayLike, weights: ArrayLike | None = None, *, barrier: float = 0.0
) -> FloatArray:
    """Compute the probability that the reserve has fallen below a barrier by each horizon.

    Parameters
    ----------
    reserves : array, shape (paths, periods)
        Reserve at the end of each period, money.
    weights : array, shape (paths,), optional
        Weights of the paths, not negative.
    barrier : float
        Ruin is a reserve strictly below this, money.

    Returns
    -------
    array, shape (periods,)
        Probability of ruin within the first 1, 2, ... periods; never falls.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values or another length.

    References
    ----------
    Discrete-time ruin: Asmussen and Albrecher (2010), Ruin Probabilities, chapter VI.

    Examples
    --------
    >>> ruin_probability_by_horizon([[5, -1, 3], [5, 2, -4]]).tolist()
    [0.0, 0.5, 1.0]
    """
    paths = check_values("reserves", reserves, ndim=2)
    limit = check_number("barrier", barrier)
    checked = check_weights(weights, paths.shape[0])
    ruined = np.minimum.accumulate(paths, axis=1) < limit
    return np.asarray(checked @ ruined / checked.sum())


def bail_out_cost(reserves: ArrayLike) -> FloatArray:
    """Compute what each path needs from outside so that its reserve never falls below zero.

    Parameters
    ----------
    reserves : array, shape (paths, periods)
        Reserve at the end of each period without help, money.

    Returns
    -------
    array, shape (paths,)
        Depth of the worst deficit, money; zero for a path that stays solvent.

    Raises
    ------
    ValueError
        If the argument is empty, has missing values or is not a table.

    References
    ----------
    ``max(0, -min(reserve))``: the smallest single injection, without feedback on later flows.

    Examples
    --------
    >>> bail_out_cost([[5, -1, -3], [5, 2, 4]]).tolist()
    [3.0, 0.0]
    """
    paths = check_values("reserves", reserves, ndim=2)
    return np.asarray(np.maximum(0.0, -paths.min(axis=1)))


def months_of_reserve(reserve: Total, expenditure_per_month: Total) -> Ratio:
    """Compute how many months of expenditure the reserve would pay for.

    Parameters
    ----------
    reserve : float or array
        Reserve, money; negative for a deficit.
    expenditure_per_month : float or array
        Claims and running costs a month, money, not negative.

    Returns
    -------
    float or array
        Months; NaN when nothing is spent or a figure is absent.

    Raises
    ------
    ValueError
        If expenditure is negative, a figure is infinite, or shapes differ.

    References
    ----------
    Ratio of reserve to expenditure, as monitored by ILO-STEP and CIDR (2007).

    Examples
    --------
    >>> months_of_reserve(600, 200)
    3.0
    """
    return divide(
        check_total("reserve", reserve, allow_negative=True),
        check_total("expenditure_per_month", expenditure_per_month),
        ("reserve", "expenditure_per_month"),
    )


def _quantile(losses: FloatArray, weights: FloatArray, level: float) -> float:
    order = np.argsort(losses, kind="stable")
    cumulative = np.cumsum(weights[order])
    position = int(np.searchsorted(cumulative, (level - GUARD) * cumulative[-1]))
    return float(losses[order][min(position, losses.size - 1)])


def value_at_risk(losses: ArrayLike, weights: ArrayLike | None = None, *, level: float = 0.95) -> float:
    """Compute the loss that is not exceeded with a given probability.

    Parameters
    ----------
    losses : array, shape (n,)
        Losses or bail-out costs, money; gains are negative.
    weights : array, shape (n,), optional
        Weights or probabilities of the outcomes, not negative.
    level : float
        Confidence level, strictly between 0 and 1.

    Returns
    -------
    float
        Smallest loss x with ``P(loss <= x) >= level``, money.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values or another length, or the level is out of range.

    References
    ----------
    McNeil, Frey and Embrechts (2015), Quantitative Risk Management, section 2.3.

    Examples
    --------
    >>> value_at_risk([0, 0, 0, 10, 50], level=0.8)
    10.0
    """
    array = check_values("losses", losses)
    confidence = check_number("level", level, above=0.0, below=1.0)
    return _quantile(array, check_weights(weights, array.size), confidence)


def tail_value_at_risk(losses: ArrayLike, weights: ArrayLike | None = None, *, level: float = 0.95) -> float:
    """Compute the mean loss in the worst outcomes beyond a confidence level.

    Parameters
    ----------
    losses : array, shape (n,)
        Losses or bail-out costs, money; gains are negative.
    weights : array, shape (n,), optional
        Weights or probabilities of the outcomes, not negative.
    level : float
        Confidence level, strictly between 0 and 1.

    Returns
    -------
    float
        Mean of the worst ``1 - level`` of the outcomes, money; never below `value_at_risk`.

    Raises
    ------
    ValueError
        As `value_at_risk`.

    References
    ----------
    ``VaR + E(loss - VaR)+ / (1 - level)``, which splits an atom at the quantile: Acerbi and Tasche (2002),
    J Banking & Finance 26.

    Examples
    --------
    >>> round(tail_value_at_risk([0, 0, 0, 10, 50], level=0.7), 6)
    36.666667
    """
    array = check_values("losses", losses)
    confidence = check_number("level", level, above=0.0, below=1.0)
    checked = check_weights(weights, array.size)
    quantile = _quantile(array, checked, confidence)
    return quantile + mean(np.maximum(array - quantile, 0.0), checked) / (1 - confidence)
