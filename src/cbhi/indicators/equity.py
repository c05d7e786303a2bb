"""Inequality and equity: who pays, who benefits, and how that lines up with living standards.

All functions take one row a person or household, an optional weight a row, and rank rows so that ties
share their mean fractional rank. An index of something whose total is zero (or negative) is absent (NaN).

References: O'Donnell, van Doorslaer, Wagstaff and Lindelow (2008), Analyzing Health Equity Using Household
Survey Data, World Bank; Erreygers (2009), J Health Econ 28; Wagstaff (2005), Health Econ 14.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._checks import (
    ABSENT,
    FloatArray,
    check_columns,
    check_count,
    check_number,
    check_per_row,
    check_values,
    check_weights,
    mean,
)
from ._ranks import TieGroups, cumulative_at, shares_by_group, tie_groups

__all__ = [
    "BenefitIncidence",
    "Curve",
    "GroupedConcentration",
    "IndexEstimate",
    "RedistributiveEffect",
    "benefit_incidence",
    "concentration_curve",
    "concentration_index",
    "concentration_index_estimate",
    "erreygers_index",
    "extended_concentration_index",
    "fractional_rank",
    "generalised_concentration_index",
    "gini",
    "grouped_concentration_index",
    "horizontal_inequity",
    "kakwani_index",
    "lorenz_curve",
    "quantile_shares",
    "redistributive_effect",
    "reynolds_smolensky_index",
    "wagstaff_index",
]


class Curve(NamedTuple):
    """Points of a Lorenz or concentration curve."""

    population_share: FloatArray
    value_share: FloatArray


class IndexEstimate(NamedTuple):
    """An index with its standard error and the ratio of the two."""

    value: float
    standard_error: float
    t_ratio: float


class GroupedConcentration(NamedTuple):
    """A concentration index from group means; ``terms`` sum to ``value``."""

    value: float
    terms: FloatArray
    standard_error: float
    t_ratio: float


class RedistributiveEffect(NamedTuple):
    """Fall in the Gini caused by payments: ``total = vertical - reranking``."""

    total: float
    vertical: float
    reranking: float


class BenefitIncidence(NamedTuple):
    """Who receives public spending, from the poorest group to the richest."""

    subsidy: FloatArray
    mean_by_group: FloatArray
    share_by_group: FloatArray
    concentration_index: float


def _read(
    name: str, values: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None, lower: float | None = None
) -> tuple[FloatArray, FloatArray, TieGroups]:
    array = check_values(name, values, lower=lower)
    ranks = check_values("rank_by", rank_by, length=array.size)
    checked = check_weights(weights, array.size)
    return array, checked, tie_groups(ranks, checked)


def _generalised(totals: FloatArray, groups: TieGroups) -> float:
    return float(np.dot(totals, 2 * groups.midpoints - 1) / groups.weight.sum())


def _index(totals: FloatArray, groups: TieGroups) -> float:
    everything = float(totals.sum())
    return float(np.dot(totals, 2 * groups.midpoints - 1) / everything) if everything > 0 else ABSENT


def _kakwani_variance(
    share: FloatArray, group_mean: FloatArray, variance: FloatArray, index: float, n: float
) -> float:
    """Return the Kakwani-Wagstaff-van Doorslaer (1997) variance of a concentration index."""
    overall = float(np.dot(share, group_mean))
    edges = np.concatenate(([0.0], np.cumsum(share)))
    position = edges[:-1] + edges[1:] - 1 - index
    cumulative = np.concatenate(([0.0], np.cumsum(share * group_mean))) / overall
    a = group_mean / overall * position + 2 - cumulative[:-1] - cumulative[1:]
    between = float(np.dot(share, a**2)) - (1 + index) ** 2
    within = float(np.dot(share, variance * position**2)) / overall**2
    return max(between + within, 0.0) / n


def fractional_rank(rank_by: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """Rank rows from poorest to richest on the scale 0 to 1.

    Tied rows share the mean rank of their tie group, so the weighted mean of the ranks is always 0.5.

    Parameters
    ----------
    rank_by : array, shape (n,)
        Living standard; any unit, larger is richer.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    array, shape (n,)
        Fractional rank, unit-free, strictly between 0 and 1 for rows of positive weight.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values, another length, or negative weights.

    References
    ----------
    O'Donnell et al. (2008), chapter 8; ties as in van Ourti (2004), Health Econ 13.

    Examples
    --------
    >>> fractional_rank([30, 10, 20, 20]).tolist()
    [0.875, 0.125, 0.5, 0.5]
    """
    ranks = check_values("rank_by", rank_by)
    groups = tie_groups(ranks, check_weights(weights, ranks.size))
    return groups.midpoints[groups.row]


def gini(values: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the Gini index of inequality.

    Parameters
    ----------
    values : array, shape (n,)
        Consumption or income, any unit, not negative.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Gini index, unit-free, from 0 to below 1; NaN when every value is zero.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    ``2 cov(x, R) / mean(x)`` with R the fractional rank: Lerman and Yitzhaki (1984), Econ Lett 15.

    Examples
    --------
    >>> round(gini([10, 20, 30, 40, 100]), 4)
    0.4
    """
    array = check_values("values", values, lower=0.0)
    checked = check_weights(weights, array.size)
    groups = tie_groups(array, checked)
    return _index(groups.total(array, checked), groups)


def concentration_curve(
    values: ArrayLike,
    rank_by: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    points: ArrayLike | None = None,
) -> Curve:
    """Trace the share of ``values`` that belongs to the poorest share of the population.

    Parameters
    ----------
    values : array, shape (n,)
        What is distributed; any unit, not negative.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    points : array, shape (k,), optional
        Population shares from 0 to 1 at which the curve is read; the corners of the curve by default.

    Returns
    -------
    Curve
        Population shares and value shares (unit-free); value shares are NaN when every value is zero.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, another length, or points outside 0 to 1.

    References
    ----------
    O'Donnell et al. (2008), chapter 7. The curve is straight inside a tie group.

    Examples
    --------
    >>> curve = concentration_curve([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], points=[0.2, 0.5])
    >>> curve.value_share.round(4).tolist()
    [0.1, 0.35]
    """
    array, checked, groups = _read("values", values, rank_by, weights, lower=0.0)
    if points is None:
        where = groups.edges
    else:
        where = check_values("points", points, lower=0.0)
        if np.any(where > 1):
            raise ValueError(f"points must be at most 1, largest value is {where.max():g}")
    totals = groups.total(array, checked)
    everything = float(totals.sum())
    if not everything > 0:
        return Curve(where, np.full(where.shape, ABSENT))
    return Curve(where, cumulative_at(where, groups, totals) / everything)


def lorenz_curve(
    values: ArrayLike, weights: ArrayLike | None = None, *, points: ArrayLike | None = None
) -> Curve:
    """Trace the share of the total that belongs to the poorest share of the population.

    Parameters
    ----------
    values : array, shape (n,)
        Consumption or income, any unit, not negative.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    points : array, shape (k,), optional
        Population shares from 0 to 1 at which the curve is read; the corners of the curve by default.

    Returns
    -------
    Curve
        Population shares and value shares (unit-free).

    Raises
    ------
    ValueError
        As `concentration_curve`.

    References
    ----------
    O'Donnell et al. (2008), chapter 7.

    Examples
    --------
    >>> lorenz_curve([10, 20, 30, 40, 100], points=[0.2, 0.4]).value_share.round(4).tolist()
    [0.05, 0.15]
    """
    return concentration_curve(values, values, weights, points=points)


def quantile_shares(
    values: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None, *, n_groups: int = 5
) -> FloatArray:
    """Split ``values`` among equal groups of the population, poorest first.

    A tie group that straddles a border is shared between the two groups in proportion, so every group
    holds exactly ``1 / n_groups`` of the weight.

    Parameters
    ----------
    values : array, shape (n,)
        What is distributed; any unit.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    n_groups : int
        Number of groups: 5 for quintiles, 10 for deciles.

    Returns
    -------
    array, shape (n_groups,)
        Shares of the total, unit-free, summing to 1; NaN when the total is not positive.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values, another length, or ``n_groups`` is below 1.

    References
    ----------
    Differences of the concentration curve: O'Donnell et al. (2008), chapters 7 and 14.

    Examples
    --------
    >>> quantile_shares([2, 3, 4, 5, 6], [10, 20, 30, 40, 100]).round(4).tolist()
    [0.1, 0.15, 0.2, 0.25, 0.3]
    """
    array, checked, groups = _read("values", values, rank_by, weights)
    return shares_by_group(
        groups, groups.total(array, checked), check_count("n_groups", n_groups, at_least=1)
    )


def concentration_index(values: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the concentration index: negative when the poor have more, positive when the rich do.

    Parameters
    ----------
    values : array, shape (n,)
        Health, care, spending or subsidy; any unit.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Index, unit-free, between -1 and 1 for values that are not negative; NaN when their total is not
        positive.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values, another length, or negative weights.

    References
    ----------
    ``2 cov(y, R) / mean(y)``: O'Donnell et al. (2008), equation 8.3.

    Examples
    --------
    >>> round(concentration_index([2, 3, 4, 5, 6], [10, 20, 30, 40, 100]), 4)
    0.2
    """
    array, checked, groups = _read("values", values, rank_by, weights)
    return _index(groups.total(array, checked), groups)


def concentration_index_estimate(
    values: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None
) -> IndexEstimate:
    """Compute the concentration index with its standard error.

    Rows with the same rank form a group with a within-group variance, so ties cost precision as they
    should. Weights count rows: scale sampling weights to sum to the number of rows interviewed.

    Parameters
    ----------
    values : array, shape (n,)
        Health, care, spending or subsidy; any unit.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency weights, not negative.

    Returns
    -------
    IndexEstimate
        Index, standard error and t ratio, all unit-free; NaN when the total is not positive, and no
        standard error when all rows are tied.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values, another length, or negative weights.

    References
    ----------
    Kakwani, Wagstaff and van Doorslaer (1997), J Econometrics 77, equation 14.

    Examples
    --------
    >>> estimate = concentration_index_estimate([2, 3, 4, 5, 6], [10, 20, 30, 40, 100])
    >>> round(estimate.value, 4), round(estimate.standard_error, 4)
    (0.2, 0.049)
    """
    array, checked, groups = _read("values", values, rank_by, weights)
    present = groups.weight > 0
    weight = groups.weight[present]
    totals = groups.total(array, checked)
    index = _index(totals, groups)
    if np.isnan(index) or weight.size < 2:
        return IndexEstimate(index, ABSENT, ABSENT)
    group_mean = totals[present] / weight
    row_mean = np.zeros(groups.weight.size)
    row_mean[present] = group_mean
    squares = groups.total((array - row_mean[groups.row]) ** 2, checked)[present]
    n = float(weight.sum())
    error = float(np.sqrt(_kakwani_variance(weight / n, group_mean, squares / weight, index, n)))
    return IndexEstimate(index, error, index / error if error > 0 else ABSENT)


def generalised_concentration_index(
    values: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Compute the generalised concentration index, the index times the mean.

    Parameters
    ----------
    values : array, shape (n,)
        Health, care, spending or subsidy; any unit.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Index in the unit of ``values``; defined for a total of zero as well.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values, another length, or negative weights.

    References
    ----------
    ``2 cov(y, R)``: O'Donnell et al. (2008), chapter 8.

    Examples
    --------
    >>> round(generalised_concentration_index([2, 3, 4, 5, 6], [10, 20, 30, 40, 100]), 4)
    0.8
    """
    array, checked, groups = _read("values", values, rank_by, weights)
    return _generalised(groups.total(array, checked), groups)


def _bounded(values: FloatArray, lower: float, upper: float) -> tuple[float, float]:
    low = check_number("lower", lower)
    high = check_number("upper", upper, above=low)
    if values.min() < low or values.max() > high:
        raise ValueError(
            f"values must lie between lower={low:g} and upper={high:g}, "
            f"they run from {values.min():g} to {values.max():g}"
        )
    return low, high


def erreygers_index(
    values: ArrayLike,
    rank_by: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    lower: float = 0.0,
    upper: float = 1.0,
) -> float:
    """Compute Erreygers' corrected concentration index of a bounded variable.

    Parameters
    ----------
    values : array, shape (n,)
        Bounded variable, such as 0 and 1 for not ill and ill.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    lower, upper : float
        Bounds of the variable, in its unit.

    Returns
    -------
    float
        Index, unit-free, between -1 and 1.

    Raises
    ------
    ValueError
        If values leave the bounds, or an argument is empty, has missing values or another length.

    References
    ----------
    ``4 mean C / (upper - lower)``: Erreygers (2009), J Health Econ 28: 504-515.

    Examples
    --------
    >>> round(erreygers_index([1, 1, 0, 0], [1, 2, 3, 4]), 4)
    -1.0
    """
    array, checked, groups = _read("values", values, rank_by, weights)
    low, high = _bounded(array, lower, upper)
    return 4 * _generalised(groups.total(array, checked), groups) / (high - low)


def wagstaff_index(
    values: ArrayLike,
    rank_by: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    lower: float = 0.0,
    upper: float = 1.0,
) -> float:
    """Compute Wagstaff's normalised concentration index of a bounded variable.

    Parameters
    ----------
    values : array, shape (n,)
        Bounded variable, such as 0 and 1 for not ill and ill.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    lower, upper : float
        Bounds of the variable, in its unit.

    Returns
    -------
    float
        Index, unit-free, between -1 and 1; NaN when the mean sits at a bound.

    Raises
    ------
    ValueError
        If values leave the bounds, or an argument is empty, has missing values or another length.

    References
    ----------
    ``(upper - lower) mean C / ((upper - mean)(mean - lower))``, which is ``C / (1 - mean)`` for a binary
    variable: Wagstaff (2005), Health Econ 14: 429-432.

    Examples
    --------
    >>> round(wagstaff_index([1, 0, 0, 0], [1, 2, 3, 4]), 4)
    -1.0
    """
    array, checked, groups = _read("values", values, rank_by, weights)
    low, high = _bounded(array, lower, upper)
    average = mean(array, checked)
    room = (high - average) * (average - low)
    if not room > 0:
        return ABSENT
    return (high - low) * _generalised(groups.total(array, checked), groups) / room


def extended_concentration_index(
    values: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None, *, aversion: float = 2.0
) -> float:
    """Compute the concentration index with a chosen aversion to inequality.

    Parameters
    ----------
    values : array, shape (n,)
        Health, care, spending or subsidy; any unit.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    aversion : float
        Aversion parameter, at least 1: 1 gives zero, 2 the standard index, more stresses the poorest.

    Returns
    -------
    float
        Index, unit-free, between ``1 - aversion`` and 1 for values that are not negative; NaN when their
        total is not positive.

    Raises
    ------
    ValueError
        If ``aversion`` is below 1, or an argument is empty, has missing values or another length.

    References
    ----------
    Pereira (1998), Health Econ 7; O'Donnell et al. (2008), equation 9.4, with the weight of a rank
    integrated exactly over the width of its tie group, so that equal values give exactly zero at any
    sample size.

    Examples
    --------
    >>> round(extended_concentration_index([1, 1, 2], [1, 2, 3], aversion=3), 4)
    0.2222
    """
    array, checked, groups = _read("values", values, rank_by, weights)
    power = check_number("aversion", aversion, at_least=1.0)
    totals = groups.total(array, checked)
    everything = float(totals.sum())
    if not everything > 0:
        return ABSENT
    present = groups.weight > 0
    steps = -np.diff((1 - groups.edges) ** power)[present]
    group_mean = totals[present] / groups.weight[present]
    return 1 - float(np.dot(steps, group_mean)) * float(groups.weight.sum()) / everything


def grouped_concentration_index(
    group_size: ArrayLike, group_mean: ArrayLike, group_variance: ArrayLike | None = None
) -> GroupedConcentration:
    """Compute the concentration index from group means, poorest group first.

    Parameters
    ----------
    group_size : array, shape (t,)
        Persons (or births, households) in each group, positive.
    group_mean : array, shape (t,)
        Mean of the variable in each group; any unit, not negative.
    group_variance : array, shape (t,), optional
        Variance of the variable within each group. Without it the standard error rests on the group
        means alone, with the number of groups as the sample size.

    Returns
    -------
    GroupedConcentration
        Index, its terms ``p[t] L[t+1] - p[t+1] L[t]`` (shape (t,), the last is zero), standard error and
        t ratio, all unit-free; NaN when every mean is zero, no standard error with a single group.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values, another length, or sizes that are not positive.

    References
    ----------
    Kakwani, Wagstaff and van Doorslaer (1997); O'Donnell et al. (2008), chapter 8, table 8.1.

    Examples
    --------
    >>> births = [29939, 28776, 26528, 24689, 19739]
    >>> deaths = [4632, 4400, 3170, 2145, 1072]
    >>> india = grouped_concentration_index(births, [d / b for d, b in zip(deaths, births)])
    >>> round(india.value, 4), round(india.standard_error, 4), round(india.t_ratio, 2)
    (-0.1694, 0.0616, -2.75)
    """
    size = check_values("group_size", group_size, positive=True)
    group_means = check_values("group_mean", group_mean, length=size.size, lower=0.0)
    if group_variance is None:
        variance, n = np.zeros(size.size), float(size.size)
    else:
        variance = check_values("group_variance", group_variance, length=size.size, lower=0.0)
        n = float(size.sum())
    share = size / size.sum()
    overall = float(np.dot(share, group_means))
    if not overall > 0:
        return GroupedConcentration(ABSENT, np.full(size.size, ABSENT), ABSENT, ABSENT)
    p, curve = np.cumsum(share), np.cumsum(share * group_means) / overall
    terms = np.zeros(size.size)
    terms[:-1] = p[:-1] * curve[1:] - p[1:] * curve[:-1]
    index = float(terms.sum())
    if size.size < 2:
        return GroupedConcentration(index, terms, ABSENT, ABSENT)
    error = float(np.sqrt(_kakwani_variance(share, group_means, variance, index, n)))
    return GroupedConcentration(index, terms, error, index / error if error > 0 else ABSENT)


def kakwani_index(payments: ArrayLike, ability: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the Kakwani index of progressivity: positive when the rich pay a larger share.

    Parameters
    ----------
    payments : array, shape (n,)
        Payments for health, not negative, any unit of money.
    ability : array, shape (n,)
        Ability to pay before the payment, not negative.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Concentration index of payments minus Gini of ability, unit-free; NaN when either total is zero.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Kakwani (1977), Economic Journal 87; O'Donnell et al. (2008), chapter 16.

    Examples
    --------
    >>> round(kakwani_index([2, 3, 4, 5, 6], [10, 20, 30, 40, 100]), 4)
    -0.2
    """
    check_values("ability", ability, lower=0.0)
    paid, checked, groups = _read("payments", payments, ability, weights, lower=0.0)
    base = np.asarray(ability, dtype=np.float64)
    return _index(groups.total(paid, checked), groups) - _index(groups.total(base, checked), groups)


def reynolds_smolensky_index(
    payments: ArrayLike, ability: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Compute the Reynolds-Smolensky index: the fall in inequality at unchanged ranks.

    Parameters
    ----------
    payments : array, shape (n,)
        Payments for health, not negative, in the unit of ``ability``.
    ability : array, shape (n,)
        Ability to pay before the payment, not negative.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Gini before minus concentration index after payment, by rank before; unit-free, positive when
        payments narrow the gap; NaN when nothing is left after payment.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Equals ``Kakwani * g / (1 - g)`` with g the average payment share: O'Donnell et al. (2008), chapter 17.

    Examples
    --------
    >>> round(reynolds_smolensky_index([2, 3, 4, 5, 6], [10, 20, 30, 40, 100]), 6)
    -0.022222
    """
    return redistributive_effect(payments, ability, weights).vertical


def redistributive_effect(
    payments: ArrayLike, ability: ArrayLike, weights: ArrayLike | None = None
) -> RedistributiveEffect:
    """Split the change in inequality caused by payments into a vertical and a reranking part.

    Parameters
    ----------
    payments : array, shape (n,)
        Payments for health, not negative, in the unit of ``ability``.
    ability : array, shape (n,)
        Ability to pay before the payment, not negative.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    RedistributiveEffect
        Total (Gini before minus Gini after), vertical (Reynolds-Smolensky) and reranking (Gini after
        minus concentration index after), unit-free; NaN when nothing is left after payment.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    O'Donnell et al. (2008), chapter 17; horizontal inequity among exact equals is not split off.

    Examples
    --------
    >>> effect = redistributive_effect([0, 5, 0], [10, 12, 20])
    >>> round(effect.total - (effect.vertical - effect.reranking), 12)
    0.0
    """
    check_values("ability", ability, lower=0.0)
    paid, checked, before = _read("payments", payments, ability, weights, lower=0.0)
    base = np.asarray(ability, dtype=np.float64)
    left = base - paid
    after = tie_groups(left, checked)
    gini_before = _index(before.total(base, checked), before)
    gini_after = _index(after.total(left, checked), after)
    same_rank = _index(before.total(left, checked), before)
    return RedistributiveEffect(gini_before - gini_after, gini_before - same_rank, gini_after - same_rank)


def benefit_incidence(
    use: ArrayLike,
    rank_by: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    unit_cost: ArrayLike,
    fees: ArrayLike = 0.0,
    n_groups: int = 5,
) -> BenefitIncidence:
    """Compute who receives public spending on care: use times unit cost, less fees paid.

    Parameters
    ----------
    use : array, shape (n,)
        Units of care used in the period (visits, nights), not negative.
    rank_by : array, shape (n,)
        Living standard; any unit.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    unit_cost : float or array, shape (n,)
        Cost to the public purse of one unit of care, money.
    fees : float or array, shape (n,)
        Fees paid by the row for all its units of care, money. A fee above the cost gives a negative
        subsidy, which is kept.
    n_groups : int
        Number of groups: 5 for quintiles.

    Returns
    -------
    BenefitIncidence
        Subsidy of each row (money, shape (n,)), mean subsidy and share of all subsidy by group (shape
        (n_groups,), poorest first) and the concentration index of the subsidy. Shares and index are NaN
        when the total subsidy is not positive.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    O'Donnell et al. (2008), chapter 14.

    Examples
    --------
    >>> result = benefit_incidence([2, 1, 1, 0], [1, 2, 3, 4], unit_cost=100, fees=[0, 0, 50, 0], n_groups=2)
    >>> result.subsidy.tolist(), result.share_by_group.round(4).tolist()
    ([200.0, 100.0, 50.0, 0.0], [0.8571, 0.1429])
    """
    units, checked, groups = _read("use", use, rank_by, weights, lower=0.0)
    cost = check_per_row("unit_cost", unit_cost, units.size, lower=0.0)
    paid = check_per_row("fees", fees, units.size, lower=0.0)
    parts = check_count("n_groups", n_groups, at_least=1)
    subsidy = units * cost - paid
    totals = groups.total(subsidy, checked)
    cuts = np.arange(parts + 1) / parts
    by_group = np.diff(cumulative_at(cuts, groups, totals)) / (checked.sum() / parts)
    return BenefitIncidence(subsidy, by_group, shares_by_group(groups, totals, parts), _index(totals, groups))


def horizontal_inequity(
    use: ArrayLike,
    rank_by: ArrayLike,
    need: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    controls: ArrayLike | None = None,
) -> float:
    """Compute inequity in the use of care at equal need: positive when the rich use more than they need.

    Parameters
    ----------
    use : array, shape (n,)
        Units of care used, not negative.
    rank_by : array, shape (n,)
        Living standard; any unit.
    need : array, shape (n,) or (n, k)
        Need variables such as age, sex and illness.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    controls : array, shape (n,) or (n, j), optional
        Other causes of use, estimated beside need and then held at their means.

    Returns
    -------
    float
        Concentration index of use minus that of need-predicted use, unit-free; NaN when there is no use.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values or another length, or need and controls are collinear.

    References
    ----------
    Indirect standardisation by linear regression: O'Donnell et al. (2008), chapters 5 and 15.

    Examples
    --------
    >>> round(horizontal_inequity([1, 1, 2, 2], [1, 2, 3, 4], need=[0, 0, 1, 1]), 12)
    0.0
    >>> round(horizontal_inequity([0, 1, 2, 3], [1, 2, 3, 4], need=[1, 0, 0, 1]), 4)
    0.4167
    """
    used, checked, groups = _read("use", use, rank_by, weights, lower=0.0)
    needs = check_columns("need", need, used.size)
    columns = [np.ones((used.size, 1)), needs]
    if controls is not None:
        columns.append(check_columns("controls", controls, used.size))
    design = np.hstack(columns)
    root = np.sqrt(checked)
    coefficients, _, rank, _ = np.linalg.lstsq(design * root[:, None], used * root, rcond=None)
    if controls is not None and rank < design.shape[1]:
        raise ValueError("controls are collinear with need or with each other; drop one of them")
    held = design.copy()
    held[:, 1 + needs.shape[1] :] = np.average(design[:, 1 + needs.shape[1] :], axis=0, weights=checked)
    predicted = held @ coefficients
    total = groups.total(used, checked)
    return float(_index(total, groups) - _index(groups.total(predicted, checked), groups))
