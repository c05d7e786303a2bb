"""Targeting: does a programme reach the people it is meant for?

One row a person or household; weights are frequencies or sampling weights. A ratio whose denominator is
zero (nobody poor, nobody selected, nothing paid) is absent (NaN).

References: Coady, Grosh and Hoddinott (2004), Targeting of Transfers in Developing Countries, World Bank;
Galasso and Ravallion (2005), J Public Econ 89: 705-727; Cornia and Stewart (1993).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._checks import (
    ABSENT,
    BoolArray,
    FloatArray,
    check_count,
    check_mask,
    check_number,
    check_values,
    check_weights,
)
from ._ranks import cumulative_at, shares_by_group, tie_groups

__all__ = [
    "coady_grosh_hoddinott",
    "cost_per_correctly_covered",
    "coverage_by_quantile",
    "coverage_of_non_poor",
    "coverage_of_poor",
    "decile_incidence",
    "exclusion_error",
    "inclusion_error",
    "leakage",
    "targeting_differential",
]


def _read(
    is_selected: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None
) -> tuple[BoolArray, BoolArray, FloatArray]:
    selected = check_mask("is_selected", is_selected)
    poor = check_mask("is_poor", is_poor, length=selected.size)
    return selected, poor, check_weights(weights, selected.size)


def _share(part: BoolArray, whole: BoolArray, weights: FloatArray) -> float:
    """Return the weight of ``part`` within ``whole``."""
    base = float(weights[whole].sum())
    return float(weights[part & whole].sum()) / base if base > 0 else ABSENT


def coverage_of_poor(is_selected: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the share of the poor who are selected (sensitivity).

    Parameters
    ----------
    is_selected : boolean array, shape (n,)
        True for those who receive the benefit.
    is_poor : boolean array, shape (n,)
        True for those it is meant for.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Share from 0 to 1; NaN when nobody is poor.

    Raises
    ------
    ValueError
        If an argument is empty, not boolean, or of another length, or weights are negative.

    References
    ----------
    Coady, Grosh and Hoddinott (2004).

    Examples
    --------
    >>> coverage_of_poor([1, 1, 0, 0], [1, 0, 1, 0])
    0.5
    """
    selected, poor, checked = _read(is_selected, is_poor, weights)
    return _share(selected, poor, checked)


def coverage_of_non_poor(
    is_selected: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Compute the share of the non-poor who are selected (one minus specificity).

    Parameters
    ----------
    is_selected : boolean array, shape (n,)
        True for those who receive the benefit.
    is_poor : boolean array, shape (n,)
        True for those it is meant for.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Share from 0 to 1; NaN when everybody is poor.

    Raises
    ------
    ValueError
        As `coverage_of_poor`.

    References
    ----------
    Galasso and Ravallion (2005).

    Examples
    --------
    >>> coverage_of_non_poor([1, 1, 0, 0, 0], [1, 0, 1, 0, 0]) == 1 / 3
    True
    """
    selected, poor, checked = _read(is_selected, is_poor, weights)
    return _share(selected, ~poor, checked)


def exclusion_error(is_selected: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the share of the poor who are left out.

    Parameters
    ----------
    is_selected : boolean array, shape (n,)
        True for those who receive the benefit.
    is_poor : boolean array, shape (n,)
        True for those it is meant for.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Share from 0 to 1; NaN when nobody is poor.

    Raises
    ------
    ValueError
        As `coverage_of_poor`.

    References
    ----------
    Coady, Grosh and Hoddinott (2004); the F-mistakes of Cornia and Stewart (1993).

    Examples
    --------
    >>> exclusion_error([1, 1, 0, 0], [1, 0, 1, 0])
    0.5
    """
    selected, poor, checked = _read(is_selected, is_poor, weights)
    return _share(~selected, poor, checked)


def inclusion_error(is_selected: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the share of the selected who are not poor.

    Parameters
    ----------
    is_selected : boolean array, shape (n,)
        True for those who receive the benefit.
    is_poor : boolean array, shape (n,)
        True for those it is meant for.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Share from 0 to 1; NaN when nobody is selected.

    Raises
    ------
    ValueError
        As `coverage_of_poor`.

    References
    ----------
    Coady, Grosh and Hoddinott (2004). The share of the non-poor who are selected is another quantity:
    `coverage_of_non_poor`.

    Examples
    --------
    >>> inclusion_error([1, 1, 0, 0], [1, 0, 1, 0])
    0.5
    """
    selected, poor, checked = _read(is_selected, is_poor, weights)
    return _share(~poor, selected, checked)


def leakage(benefit: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Compute the share of the money that goes to people who are not poor.

    Parameters
    ----------
    benefit : array, shape (n,)
        Benefit received, money, not negative.
    is_poor : boolean array, shape (n,)
        True for those it is meant for.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Share from 0 to 1; NaN when nothing is paid.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Coady, Grosh and Hoddinott (2004).

    Examples
    --------
    >>> leakage([30, 10, 0, 0], [1, 0, 1, 0])
    0.25
    """
    money = check_values("benefit", benefit, lower=0.0)
    poor = check_mask("is_poor", is_poor, length=money.size)
    paid = money * check_weights(weights, money.size)
    everything = float(paid.sum())
    return float(paid[~poor].sum()) / everything if everything > 0 else ABSENT


def targeting_differential(
    is_selected: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Compute the coverage of the poor minus the coverage of the non-poor.

    Parameters
    ----------
    is_selected : boolean array, shape (n,)
        True for those who receive the benefit.
    is_poor : boolean array, shape (n,)
        True for those it is meant for.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.

    Returns
    -------
    float
        Difference of shares: 1 when only the poor and all of them are reached, 0 when selection is blind,
        -1 when it is exactly wrong; NaN when nobody or everybody is poor.

    Raises
    ------
    ValueError
        As `coverage_of_poor`.

    References
    ----------
    Galasso and Ravallion (2005); Ravallion (2009), World Bank Research Observer 24.

    Examples
    --------
    >>> targeting_differential([1, 0, 0, 0], [1, 1, 0, 0])
    0.5
    """
    selected, poor, checked = _read(is_selected, is_poor, weights)
    return _share(selected, poor, checked) - _share(selected, ~poor, checked)


def coady_grosh_hoddinott(
    benefit: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None, *, poor_share: float = 0.40
) -> float:
    """Compute the share of benefits that goes to the poorest, relative to their share of the population.

    Parameters
    ----------
    benefit : array, shape (n,)
        Benefit received (money, or 1 for the selected), not negative.
    rank_by : array, shape (n,)
        Living standard; any unit. Ties that straddle the border are split in proportion.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    poor_share : float
        Share of the population regarded as poor, strictly between 0 and 1.

    Returns
    -------
    float
        Ratio: 1 when benefits are spread evenly, above 1 when the poor get more; NaN when nothing is paid.

    Raises
    ------
    ValueError
        If an argument is empty, has missing, negative or out-of-range values, or another length.

    References
    ----------
    Coady, Grosh and Hoddinott (2004), chapter 3.

    Examples
    --------
    >>> coady_grosh_hoddinott([1, 1, 0, 0, 0], [1, 2, 3, 4, 5])
    2.5
    """
    received = check_values("benefit", benefit, lower=0.0)
    ranks = check_values("rank_by", rank_by, length=received.size)
    checked = check_weights(weights, received.size)
    share = check_number("poor_share", poor_share, above=0.0, below=1.0)
    groups = tie_groups(ranks, checked)
    totals = groups.total(received, checked)
    everything = float(totals.sum())
    if not everything > 0:
        return ABSENT
    return float(cumulative_at(np.array([share]), groups, totals)[0]) / everything / share


def decile_incidence(
    benefit: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None, *, n_groups: int = 10
) -> FloatArray:
    """Compute the share of benefits received by each tenth of the population, poorest first.

    Parameters
    ----------
    benefit : array, shape (n,)
        Benefit received (money, or 1 for the selected), not negative.
    rank_by : array, shape (n,)
        Living standard; any unit. Ties that straddle a border are split in proportion.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    n_groups : int
        Number of equal groups.

    Returns
    -------
    array, shape (n_groups,)
        Shares that sum to 1; NaN when nothing is paid.

    Raises
    ------
    ValueError
        If an argument is empty, has missing or negative values, or another length.

    References
    ----------
    Coady, Grosh and Hoddinott (2004).

    Examples
    --------
    >>> decile_incidence([3, 1, 0, 0], [1, 2, 3, 4], n_groups=4).tolist()
    [0.75, 0.25, 0.0, 0.0]
    """
    received = check_values("benefit", benefit, lower=0.0)
    ranks = check_values("rank_by", rank_by, length=received.size)
    checked = check_weights(weights, received.size)
    groups = tie_groups(ranks, checked)
    return shares_by_group(
        groups, groups.total(received, checked), check_count("n_groups", n_groups, at_least=1)
    )


def coverage_by_quantile(
    is_selected: ArrayLike, rank_by: ArrayLike, weights: ArrayLike | None = None, *, n_groups: int = 5
) -> FloatArray:
    """Compute the share of each fifth of the population that is selected, poorest first.

    Parameters
    ----------
    is_selected : boolean array, shape (n,)
        True for those who receive the benefit (or are enrolled).
    rank_by : array, shape (n,)
        Living standard; any unit. Ties that straddle a border are split in proportion.
    weights : array, shape (n,), optional
        Frequency or sampling weights, not negative.
    n_groups : int
        Number of equal groups.

    Returns
    -------
    array, shape (n_groups,)
        Coverage in each group, from 0 to 1.

    Raises
    ------
    ValueError
        If an argument is empty, not boolean, has missing values or another length.

    References
    ----------
    Coady, Grosh and Hoddinott (2004).

    Examples
    --------
    >>> coverage_by_quantile([1, 0, 1, 1], [1, 2, 3, 4], n_groups=2).tolist()
    [0.5, 1.0]
    """
    selected = check_mask("is_selected", is_selected)
    ranks = check_values("rank_by", rank_by, length=selected.size)
    checked = check_weights(weights, selected.size)
    parts = check_count("n_groups", n_groups, at_least=1)
    groups = tie_groups(ranks, checked)
    reached = cumulative_at(
        np.arange(parts + 1) / parts, groups, groups.total(selected.astype(np.float64), checked)
    )
    return np.asarray(np.diff(reached) * parts / checked.sum())


def cost_per_correctly_covered(
    total_cost: float, is_selected: ArrayLike, is_poor: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Compute what the programme costs for each poor person it reaches.

    Parameters
    ----------
    total_cost : float
        Benefits and administration of the whole programme, money, not negative.
    is_selected : boolean array, shape (n,)
        True for those who receive the benefit.
    is_poor : boolean array, shape (n,)
        True for those it is meant for.
    weights : array, shape (n,), optional
        Frequency weights on the scale of ``total_cost``: they must count the people whom that cost covers.

    Returns
    -------
    float
        Money a poor person reached; NaN when no poor person is reached.

    Raises
    ------
    ValueError
        As `coverage_of_poor`, and if the cost is negative.

    References
    ----------
    Ratio of total cost to the count of selected poor, after Coady, Grosh and Hoddinott (2004).

    Examples
    --------
    >>> cost_per_correctly_covered(900, [1, 1, 1, 0], [1, 1, 0, 1])
    450.0
    """
    cost = check_number("total_cost", total_cost, at_least=0.0)
    selected, poor, checked = _read(is_selected, is_poor, weights)
    reached = float(checked[selected & poor].sum())
    return cost / reached if reached > 0 else ABSENT
