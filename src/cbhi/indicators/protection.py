"""Financial protection: catastrophic and impoverishing payments for health.

All functions take one row a household (or person). To speak of people, weight each household by its size:
pass ``weights = sampling weight * household size``, or ``household_size`` where a function offers it.
"Exceeds" is strict, with a guard so that rounding cannot push a tie over a threshold.

References: WHO (2025), metadata of SDG indicator 3.8.2; Wagstaff and van Doorslaer (2003), Health Econ 12;
O'Donnell et al. (2008), chapters 18 and 19; Xu (2005), WHO discussion paper EIP/HSF/DP.05.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._checks import (
    ABSENT,
    BoolArray,
    FloatArray,
    check_number,
    check_per_row,
    check_values,
    check_weights,
    exceeds,
    mean,
)
from ._ranks import cumulative_at, median, tie_groups

__all__ = [
    "FinancialHardship",
    "Impoverishment",
    "capacity_to_pay",
    "catastrophic_concentration_index",
    "catastrophic_headcount",
    "catastrophic_headcount_capacity_to_pay",
    "catastrophic_overshoot",
    "financial_hardship",
    "foster_greer_thorbecke",
    "impoverishment",
    "large_budget_share_headcount",
    "mean_positive_overshoot",
    "poverty_gap",
    "poverty_headcount",
    "rank_weighted_headcount",
    "rank_weighted_overshoot",
    "societal_poverty_line",
    "subsistence_food",
]


class FinancialHardship(NamedTuple):
    """SDG 3.8.2 in the form of March 2025: ``total = impoverishing + large``."""

    total: float
    impoverishing: float
    large: float


class Impoverishment(NamedTuple):
    """Poverty before and after payments for health; gaps are means over everybody, in money."""

    headcount_before: float
    headcount_after: float
    headcount_rise: float
    gap_before: float
    gap_after: float
    gap_rise: float


class _Payments(NamedTuple):
    oop: FloatArray
    total: FloatArray
    weights: FloatArray
    catastrophic: BoolArray
    overshoot: FloatArray


def _read(
    out_of_pocket: ArrayLike, consumption: ArrayLike, threshold: float, weights: ArrayLike | None
) -> _Payments:
    oop = check_values("out_of_pocket", out_of_pocket, lower=0.0)
    total = check_values("consumption", consumption, length=oop.size, positive=True)
    limit = check_number("threshold", threshold, above=0.0, below=1.0)
    checked = check_weights(weights, oop.size)
    catastrophic = exceeds(oop, limit * total)
    return _Payments(oop, total, checked, catastrophic, np.where(catastrophic, oop / total - limit, 0.0))


def _person_weights(weights: ArrayLike | None, household_size: ArrayLike | None, length: int) -> FloatArray:
    checked = check_weights(weights, length)
    if household_size is None:
        return checked
    return checked * check_values("household_size", household_size, length=length, positive=True)


def catastrophic_headcount(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.10,
) -> float:
    """Compute the share of rows whose payments exceed a share of total consumption.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Total consumption, money, positive; any base may stand in (non-food consumption, income).
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    threshold : float
        Budget share that must be exceeded, strictly between 0 and 1.

    Returns
    -------
    float
        Headcount H, share from 0 to 1.

    Raises
    ------
    ValueError
        If an argument is empty, has missing, negative or out-of-range values, or another length.

    References
    ----------
    Wagstaff and van Doorslaer (2003); O'Donnell et al. (2008), chapter 18.

    Examples
    --------
    >>> catastrophic_headcount([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], threshold=0.10)
    0.8
    >>> catastrophic_headcount([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], threshold=0.15)
    0.2
    """
    data = _read(out_of_pocket, consumption, threshold, weights)
    return mean(data.catastrophic, data.weights)


def catastrophic_overshoot(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.10,
) -> float:
    """Compute the mean excess of the budget share over the threshold, over everybody.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Total consumption, money, positive.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    threshold : float
        Budget share that must be exceeded, strictly between 0 and 1.

    Returns
    -------
    float
        Overshoot O, share of consumption.

    Raises
    ------
    ValueError
        As `catastrophic_headcount`.

    References
    ----------
    O'Donnell et al. (2008), chapter 18.

    Examples
    --------
    >>> round(catastrophic_overshoot([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], threshold=0.10), 6)
    0.041667
    """
    data = _read(out_of_pocket, consumption, threshold, weights)
    return mean(data.overshoot, data.weights)


def mean_positive_overshoot(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.10,
) -> float:
    """Compute the mean excess over the threshold among those who exceed it.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Total consumption, money, positive.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    threshold : float
        Budget share that must be exceeded, strictly between 0 and 1.

    Returns
    -------
    float
        Overshoot over headcount, share of consumption; NaN when nobody exceeds the threshold.

    Raises
    ------
    ValueError
        As `catastrophic_headcount`.

    References
    ----------
    ``MPO = O / H``: O'Donnell et al. (2008), chapter 18.

    Examples
    --------
    >>> round(mean_positive_overshoot([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], threshold=0.10), 6)
    0.052083
    """
    data = _read(out_of_pocket, consumption, threshold, weights)
    headcount = mean(data.catastrophic, data.weights)
    return mean(data.overshoot, data.weights) / headcount if headcount > 0 else ABSENT


def _rank_weighted(values: FloatArray, data: _Payments, rank_by: ArrayLike | None) -> tuple[float, float]:
    """Return the mean of ``values`` and its generalised concentration index."""
    ranks = data.total if rank_by is None else check_values("rank_by", rank_by, length=data.total.size)
    groups = tie_groups(ranks, data.weights)
    rank = groups.midpoints[groups.row]
    return mean(values, data.weights), mean(values * (2 * rank - 1), data.weights)


def catastrophic_concentration_index(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.10,
    rank_by: ArrayLike | None = None,
) -> float:
    """Compute the concentration index of catastrophic payments: negative when the poor bear more of them.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Total consumption, money, positive.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    threshold : float
        Budget share that must be exceeded, strictly between 0 and 1.
    rank_by : array, shape (n,), optional
        Living standard for the ranking; ``consumption`` by default.

    Returns
    -------
    float
        Index C_E, unit-free, between -1 and 1; NaN when nobody exceeds the threshold.

    Raises
    ------
    ValueError
        As `catastrophic_headcount`.

    References
    ----------
    O'Donnell et al. (2008), chapter 18.

    Examples
    --------
    >>> round(catastrophic_concentration_index([2, 3, 4, 5, 6], [10, 20, 30, 40, 100]), 4)
    -0.2
    """
    data = _read(out_of_pocket, consumption, threshold, weights)
    headcount, generalised = _rank_weighted(data.catastrophic.astype(np.float64), data, rank_by)
    return generalised / headcount if headcount > 0 else ABSENT


def rank_weighted_headcount(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.10,
    rank_by: ArrayLike | None = None,
) -> float:
    """Compute the catastrophic headcount with more weight on the poor.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Total consumption, money, positive.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    threshold : float
        Budget share that must be exceeded, strictly between 0 and 1.
    rank_by : array, shape (n,), optional
        Living standard for the ranking; ``consumption`` by default.

    Returns
    -------
    float
        ``H (1 - C_E)``, from 0 to 2; zero when nobody exceeds the threshold.

    Raises
    ------
    ValueError
        As `catastrophic_headcount`.

    References
    ----------
    Wagstaff and van Doorslaer (2003); O'Donnell et al. (2008), chapter 18.

    Examples
    --------
    >>> round(rank_weighted_headcount([2, 3, 4, 5, 6], [10, 20, 30, 40, 100]), 4)
    0.96
    """
    data = _read(out_of_pocket, consumption, threshold, weights)
    headcount, generalised = _rank_weighted(data.catastrophic.astype(np.float64), data, rank_by)
    return headcount - generalised


def rank_weighted_overshoot(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.10,
    rank_by: ArrayLike | None = None,
) -> float:
    """Compute the catastrophic overshoot with more weight on the poor.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Total consumption, money, positive.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    threshold : float
        Budget share that must be exceeded, strictly between 0 and 1.
    rank_by : array, shape (n,), optional
        Living standard for the ranking; ``consumption`` by default.

    Returns
    -------
    float
        ``O (1 - C_O)``, share of consumption; zero when nobody exceeds the threshold.

    Raises
    ------
    ValueError
        As `catastrophic_headcount`.

    References
    ----------
    Wagstaff and van Doorslaer (2003); O'Donnell et al. (2008), chapter 18.

    Examples
    --------
    >>> round(rank_weighted_overshoot([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], threshold=0.15), 4)
    0.018
    """
    data = _read(out_of_pocket, consumption, threshold, weights)
    overshoot, generalised = _rank_weighted(data.overshoot, data, rank_by)
    return overshoot - generalised


def large_budget_share_headcount(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.10,
    household_size: ArrayLike | None = None,
) -> float:
    """Compute SDG 3.8.2 in its old form: share of people above 10 % or 25 % of the household budget.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments of the household, money, not negative.
    consumption : array, shape (n,)
        Total consumption (or income) of the household, money, positive.
    weights : array, shape (n,), optional
        Household weights, not negative.
    threshold : float
        0.10 or 0.25 in the official series; any value strictly between 0 and 1.
    household_size : array, shape (n,), optional
        Persons in the household. Without it each row counts once.

    Returns
    -------
    float
        Share of people, from 0 to 1.

    Raises
    ------
    ValueError
        As `catastrophic_headcount`.

    References
    ----------
    SDG indicator 3.8.2 as it stood until March 2025.

    Examples
    --------
    >>> large_budget_share_headcount([3, 0], [10, 10], threshold=0.25, household_size=[6, 2])
    0.75
    """
    data = _read(out_of_pocket, consumption, threshold, weights)
    return mean(data.catastrophic, _person_weights(weights, household_size, data.oop.size))


def societal_poverty_line(
    consumption_per_person_day: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    floor: float = 2.15,
    base: float = 1.15,
    median_share: float = 0.5,
) -> float:
    """Compute the societal poverty line, which rises with the median once a country is not among the poorest.

    Parameters
    ----------
    consumption_per_person_day : array, shape (n,)
        Consumption a person and day, 2017 PPP dollars (for the default constants), not negative.
    weights : array, shape (n,), optional
        Weights of people (household weight times household size), not negative.
    floor, base : float
        Absolute line and constant part of the relative line, 2017 PPP dollars a day.
    median_share : float
        Share of the median added to ``base``.

    Returns
    -------
    float
        Poverty line, 2017 PPP dollars a person and day.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    ``max(2.15, 1.15 + 0.5 median)``: WHO (2025), metadata of SDG 3.8.2; Jolliffe and Prydz (2021).

    Examples
    --------
    >>> societal_poverty_line([1.0, 2.0, 6.0]), societal_poverty_line([1.0, 4.0, 6.0])
    (2.15, 3.15)
    """
    values = check_values("consumption_per_person_day", consumption_per_person_day, lower=0.0)
    checked = check_weights(weights, values.size)
    lowest = check_number("floor", floor, at_least=0.0)
    constant = check_number("base", base, at_least=0.0)
    share = check_number("median_share", median_share, at_least=0.0)
    return max(lowest, constant + share * median(values, checked))


def financial_hardship(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    poverty_line: ArrayLike,
    threshold: float = 0.40,
    household_size: ArrayLike | None = None,
) -> FinancialHardship:
    """Compute SDG 3.8.2 in the form of March 2025.

    A row counts when it pays anything at all and pays more than ``threshold`` of its discretionary budget,
    consumption minus the societal poverty line. A household below the line has no discretionary budget, so
    any payment counts, and counts as impoverishing.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Total consumption (payments included), in the unit of ``out_of_pocket``, not negative.
    weights : array, shape (n,), optional
        Household weights, not negative.
    poverty_line : float or array, shape (n,)
        Societal poverty line in the same unit and for the same number of people and days.
    threshold : float
        Share of the discretionary budget, strictly between 0 and 1.
    household_size : array, shape (n,), optional
        Persons in the household. Without it each row counts once.

    Returns
    -------
    FinancialHardship
        Shares of people: total, impoverishing (more than the whole discretionary budget) and large.

    Raises
    ------
    ValueError
        If an argument is empty, has missing, negative or out-of-range values, or another length.

    References
    ----------
    WHO (2025), metadata of SDG 3.8.2 (indicator 376 of the WHO indicator registry).

    Examples
    --------
    >>> financial_hardship([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], poverty_line=12)
    FinancialHardship(total=0.2, impoverishing=0.2, large=0.0)
    """
    oop = check_values("out_of_pocket", out_of_pocket, lower=0.0)
    total = check_values("consumption", consumption, length=oop.size, lower=0.0)
    line = check_per_row("poverty_line", poverty_line, oop.size, lower=0.0)
    limit = check_number("threshold", threshold, above=0.0, below=1.0)
    people = _person_weights(weights, household_size, oop.size)
    discretionary = total - line
    hardship = (oop > 0) & exceeds(oop, limit * discretionary)
    worst = (oop > 0) & exceeds(oop, discretionary)
    everybody, poorest = mean(hardship, people), mean(worst, people)
    return FinancialHardship(everybody, poorest, everybody - poorest)


def subsistence_food(
    food: ArrayLike,
    consumption: ArrayLike,
    household_size: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    scale: float = 0.56,
) -> float:
    """Compute WHO's subsistence food spending of one equivalent adult.

    It is the mean equivalised food spending of the households in the middle of the food share
    distribution, from its 45th to its 55th percentile. Households on the border of the band count for the
    part of their weight that lies inside it.

    Parameters
    ----------
    food : array, shape (n,)
        Food spending of the household, money, not negative.
    consumption : array, shape (n,)
        Total consumption of the household, money, positive.
    household_size : array, shape (n,)
        Persons in the household, positive.
    weights : array, shape (n,), optional
        Household weights, not negative.
    scale : float
        Exponent of the equivalence scale ``household_size ** scale``, positive.

    Returns
    -------
    float
        Money an equivalent adult, in the unit of ``food``.

    Raises
    ------
    ValueError
        If an argument is empty, has missing, negative or out-of-range values, or another length.

    References
    ----------
    Xu (2005), WHO discussion paper EIP/HSF/DP.05.2.

    Examples
    --------
    >>> round(subsistence_food([4, 5, 9], [10, 10, 10], [1, 1, 1]), 6)
    5.0
    """
    spent = check_values("food", food, lower=0.0)
    total = check_values("consumption", consumption, length=spent.size, positive=True)
    adults = _equivalent_adults(household_size, spent.size, scale)
    checked = check_weights(weights, spent.size)
    groups = tie_groups(spent / total, checked)
    band = cumulative_at(np.array([0.45, 0.55]), groups, groups.total(spent / adults, checked))
    return float((band[1] - band[0]) / (0.10 * checked.sum()))


def _equivalent_adults(household_size: ArrayLike, length: int, scale: float) -> FloatArray:
    persons = check_values("household_size", household_size, length=length, positive=True)
    return np.asarray(persons ** check_number("scale", scale, above=0.0))


def capacity_to_pay(
    food: ArrayLike,
    consumption: ArrayLike,
    household_size: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    scale: float = 0.56,
    own_food_if_lower: bool = True,
) -> FloatArray:
    """Compute WHO's capacity to pay: consumption left after subsistence food.

    Parameters
    ----------
    food : array, shape (n,)
        Food spending of the household, money, not negative.
    consumption : array, shape (n,)
        Total consumption of the household, money, positive.
    household_size : array, shape (n,)
        Persons in the household, positive.
    weights : array, shape (n,), optional
        Household weights, not negative.
    scale : float
        Exponent of the equivalence scale, positive.
    own_food_if_lower : bool
        Subtract a household's own food spending where that is below subsistence, as Xu (2005) does;
        otherwise subtract subsistence from everybody, which can leave less than nothing.

    Returns
    -------
    array, shape (n,)
        Capacity to pay of each household, money.

    Raises
    ------
    ValueError
        As `subsistence_food`.

    References
    ----------
    Xu (2005), WHO discussion paper EIP/HSF/DP.05.2.

    Examples
    --------
    >>> capacity_to_pay([4, 5, 9], [10, 10, 10], [1, 1, 1]).round(6).tolist()
    [6.0, 5.0, 5.0]
    """
    need = subsistence_food(food, consumption, household_size, weights, scale=scale)
    spent = np.asarray(food, dtype=np.float64)
    basic = need * _equivalent_adults(household_size, spent.size, scale)
    if own_food_if_lower:
        basic = np.minimum(basic, spent)
    return np.asarray(np.asarray(consumption, dtype=np.float64) - basic)


def catastrophic_headcount_capacity_to_pay(
    out_of_pocket: ArrayLike,
    food: ArrayLike,
    consumption: ArrayLike,
    household_size: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    threshold: float = 0.40,
    scale: float = 0.56,
    own_food_if_lower: bool = True,
) -> float:
    """Compute the share of households whose payments exceed a share of WHO's capacity to pay.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments of the household, money, not negative.
    food : array, shape (n,)
        Food spending of the household, money, not negative.
    consumption : array, shape (n,)
        Total consumption of the household, money, positive.
    household_size : array, shape (n,)
        Persons in the household, positive; it enters the equivalence scale, not the weights.
    weights : array, shape (n,), optional
        Household weights, not negative.
    threshold : float
        Share of capacity to pay, strictly between 0 and 1.
    scale : float
        Exponent of the equivalence scale, positive.
    own_food_if_lower : bool
        See `capacity_to_pay`.

    Returns
    -------
    float
        Share of households, from 0 to 1. A household that pays with no capacity to pay counts.

    Raises
    ------
    ValueError
        As `subsistence_food`, and if the threshold is not between 0 and 1.

    References
    ----------
    Xu et al. (2003), Lancet 362: 111-117; Xu (2005), who writes "at least 40 %" where we ask for more.

    Examples
    --------
    >>> catastrophic_headcount_capacity_to_pay([1, 2, 3], [4, 5, 9], [10, 10, 10], [1, 1, 1]) == 1 / 3
    True
    """
    oop = check_values("out_of_pocket", out_of_pocket, lower=0.0)
    check_values("food", food, length=oop.size)
    limit = check_number("threshold", threshold, above=0.0, below=1.0)
    capacity = capacity_to_pay(
        food, consumption, household_size, weights, scale=scale, own_food_if_lower=own_food_if_lower
    )
    return mean((oop > 0) & exceeds(oop, limit * capacity), check_weights(weights, oop.size))


def foster_greer_thorbecke(
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    poverty_line: ArrayLike,
    alpha: float = 0.0,
) -> float:
    """Compute a poverty index of the Foster-Greer-Thorbecke family.

    Parameters
    ----------
    consumption : array, shape (n,)
        Consumption, money; may be negative after payments.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    poverty_line : float or array, shape (n,)
        Poverty line in the unit of ``consumption``, positive. The poor are strictly below it.
    alpha : float
        0 for the headcount, 1 for the normalised poverty gap, 2 for the squared gap.

    Returns
    -------
    float
        Index, unit-free.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values or another length, a line is not positive or ``alpha``
        is negative.

    References
    ----------
    Foster, Greer and Thorbecke (1984), Econometrica 52: 761-766.

    Examples
    --------
    >>> foster_greer_thorbecke([5, 10, 20, 40], poverty_line=20, alpha=1)
    0.3125
    """
    values, line, checked, poor = _poor(consumption, poverty_line, weights)
    if np.any(line <= 0):
        raise ValueError(f"poverty_line must be positive, smallest value is {line.min():g}")
    power = check_number("alpha", alpha, at_least=0.0)
    return mean(np.where(poor, 1 - values / line, 0.0) ** power * poor, checked)


def _poor(
    consumption: ArrayLike, poverty_line: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    values = check_values("consumption", consumption)
    line = check_per_row("poverty_line", poverty_line, values.size, lower=0.0)
    return values, line, check_weights(weights, values.size), exceeds(line, values)


def poverty_headcount(
    consumption: ArrayLike, weights: ArrayLike | None = None, *, poverty_line: ArrayLike
) -> float:
    """Compute the share of rows strictly below the poverty line.

    Parameters
    ----------
    consumption : array, shape (n,)
        Consumption, money.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    poverty_line : float or array, shape (n,)
        Poverty line in the unit of ``consumption``, not negative.

    Returns
    -------
    float
        Share from 0 to 1.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values or another length.

    References
    ----------
    O'Donnell et al. (2008), chapter 19.

    Examples
    --------
    >>> poverty_headcount([10, 20, 30, 40, 100], poverty_line=18)
    0.2
    """
    _, _, checked, poor = _poor(consumption, poverty_line, weights)
    return mean(poor, checked)


def poverty_gap(
    consumption: ArrayLike, weights: ArrayLike | None = None, *, poverty_line: ArrayLike
) -> float:
    """Compute the mean shortfall from the poverty line, over everybody.

    Parameters
    ----------
    consumption : array, shape (n,)
        Consumption, money.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    poverty_line : float or array, shape (n,)
        Poverty line in the unit of ``consumption``, not negative.

    Returns
    -------
    float
        Money a row, in the unit of ``consumption``; `foster_greer_thorbecke` gives the unit-free gap.

    Raises
    ------
    ValueError
        If an argument is empty, has missing values or another length.

    References
    ----------
    O'Donnell et al. (2008), chapter 19.

    Examples
    --------
    >>> round(poverty_gap([10, 20, 30, 40, 100], poverty_line=18), 6)
    1.6
    """
    values, line, checked, poor = _poor(consumption, poverty_line, weights)
    return mean(np.where(poor, line - values, 0.0), checked)


def impoverishment(
    out_of_pocket: ArrayLike,
    consumption: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    poverty_line: ArrayLike,
) -> Impoverishment:
    """Compare poverty before and after payments for health.

    Parameters
    ----------
    out_of_pocket : array, shape (n,)
        Out-of-pocket payments, money, not negative.
    consumption : array, shape (n,)
        Consumption including those payments, money.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    poverty_line : float or array, shape (n,)
        Poverty line in the unit of ``consumption``, not negative.

    Returns
    -------
    Impoverishment
        Headcounts (shares) and mean gaps (money) before, after, and the rise of each.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Wagstaff and van Doorslaer (2003); O'Donnell et al. (2008), chapter 19.

    Examples
    --------
    >>> result = impoverishment([2, 3, 4, 5, 6], [10, 20, 30, 40, 100], poverty_line=18)
    >>> result.headcount_before, result.headcount_after, round(result.gap_after, 6)
    (0.2, 0.4, 2.2)
    """
    oop = check_values("out_of_pocket", out_of_pocket, lower=0.0)
    before = check_values("consumption", consumption, length=oop.size)
    after = before - oop
    head_before, head_after = (
        poverty_headcount(x, weights, poverty_line=poverty_line) for x in (before, after)
    )
    gap_before, gap_after = (poverty_gap(x, weights, poverty_line=poverty_line) for x in (before, after))
    return Impoverishment(
        head_before, head_after, head_after - head_before, gap_before, gap_after, gap_after - gap_before
    )
