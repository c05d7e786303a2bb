"""Inequality: lognormal and Pareto incomes, poverty, concentration indices."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cbhi.limits import _normal
from cbhi.limits._checks import fail, finite, inner_share, nonnegative, positive, real, share, vector


def lognormal_gini(sigma: float) -> float:
    """Return the Gini coefficient of a lognormal distribution.

    Parameters
    ----------
    sigma : float
        Standard deviation of the log, >= 0.

    Returns
    -------
    float
        Gini coefficient.

    Raises
    ------
    ValueError
        If the argument is outside its domain.

    Notes
    -----
    ``2 Phi(sigma / sqrt 2) - 1 = erf(sigma / 2)``.

    References
    ----------
    Aitchison and Brown (1957), The Lognormal Distribution.

    Examples
    --------
    >>> round(lognormal_gini(0.9317), 2)
    0.49
    """
    return math.erf(0.5 * nonnegative("sigma", sigma))


def lognormal_sigma(gini: float) -> float:
    """Return the standard deviation of the log that gives a Gini coefficient.

    Parameters
    ----------
    gini : float
        Gini coefficient, in [0, 1).

    Returns
    -------
    float
        Standard deviation of the log.

    Raises
    ------
    ValueError
        If the argument is outside its domain.

    Notes
    -----
    ``2 erfinv(G)``, the inverse of `lognormal_gini`.

    References
    ----------
    Aitchison and Brown (1957), The Lognormal Distribution.

    Examples
    --------
    >>> round(lognormal_sigma(0.49), 4)
    0.9317
    """
    from scipy.special import erfinv

    return 2.0 * float(erfinv(real("gini", gini, 0.0, 1.0, open_high=True)))


def lognormal_lorenz(population_share: float, sigma: float, elasticity: float = 1.0) -> float:
    """Return the share of income, or of a payment, that falls on the poorest.

    Parameters
    ----------
    population_share : float
        Poorest share of people, in [0, 1].
    sigma : float
        Standard deviation of the log of income, >= 0.
    elasticity : float
        Elasticity of the payment to income; 1 gives the Lorenz curve, 0 the diagonal.

    Returns
    -------
    float
        Share of the total that the poorest have or pay.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``Phi(Phi^-1(p) - beta sigma)``.

    References
    ----------
    Aitchison and Brown (1957), The Lognormal Distribution; Kakwani (1980), Income Inequality and Poverty.

    Examples
    --------
    >>> round(lognormal_lorenz(0.2, lognormal_sigma(0.49)), 6)
    0.038085
    """
    p = share("population_share", population_share)
    shift = finite(
        "elasticity", "small enough", elasticity, real("elasticity", elasticity) * nonnegative("sigma", sigma)
    )
    if p in (0.0, 1.0):
        return p
    return _normal.cdf(_normal.quantile(p) - shift)


def lognormal_concentration(elasticity: float, sigma: float) -> float:
    """Return the concentration index of a payment that has constant elasticity to income.

    Parameters
    ----------
    elasticity : float
        Elasticity beta of the payment to income; negative if the poor pay more.
    sigma : float
        Standard deviation of the log of income, >= 0.

    Returns
    -------
    float
        Concentration index.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``2 Phi(beta sigma / sqrt 2) - 1``, whatever multiplicative noise independent of income is added.

    References
    ----------
    Kakwani (1980), Income Inequality and Poverty.

    Examples
    --------
    >>> round(lognormal_concentration(0.5, lognormal_sigma(0.49)), 6)
    0.258161
    """
    return math.erf(0.5 * real("elasticity", elasticity) * nonnegative("sigma", sigma))


def lognormal_kakwani(elasticity: float, sigma: float) -> float:
    """Return the Kakwani index of a payment that has constant elasticity to income.

    Parameters
    ----------
    elasticity : float
        Elasticity beta of the payment to income; 0 is a flat premium.
    sigma : float
        Standard deviation of the log of income, >= 0.

    Returns
    -------
    float
        Kakwani index; negative means regressive.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Concentration index of the payment minus the Gini coefficient of income.

    References
    ----------
    Kakwani (1977), Measurement of tax progressivity, Economic Journal 87.

    Examples
    --------
    >>> round(lognormal_kakwani(0.8, lognormal_sigma(0.49)), 6)
    -0.088145
    """
    return lognormal_concentration(elasticity, sigma) - lognormal_gini(sigma)


@dataclass(frozen=True)
class Poverty:
    """Foster-Greer-Thorbecke measures (see `lognormal_poverty`)."""

    headcount: float
    """Share of people below the line."""
    gap: float
    """Mean shortfall as a share of the line, the others counting 0."""
    squared_gap: float
    """Mean squared shortfall as a share of the line."""


def lognormal_poverty(line: float, mean: float, sigma: float) -> Poverty:
    """Return headcount, gap and severity of poverty for lognormal consumption.

    Parameters
    ----------
    line : float
        Poverty line, money, > 0.
    mean : float
        Mean consumption, money, > 0.
    sigma : float
        Standard deviation of the log of consumption, > 0.

    Returns
    -------
    Poverty
        The three measures.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    With ``x = (ln(z / m) + s^2 / 2) / s`` and ``t = m / z``: ``H = Phi(x)``, ``PG = H - t Phi(x - s)``,
    ``SPG = H - 2 t Phi(x - s) + t^2 e^(s^2) Phi(x - 2 s)``.

    References
    ----------
    Foster, Greer and Thorbecke (1984), A class of decomposable poverty measures, Econometrica 52(3).

    Examples
    --------
    >>> poverty = lognormal_poverty(0.574931, 1.0, lognormal_sigma(0.49))
    >>> round(poverty.headcount, 4), round(poverty.gap, 5), round(poverty.squared_gap, 5)
    (0.449, 0.19751, 0.11327)
    """
    from scipy.special import log_ndtr

    z = positive("line", line)
    m = positive("mean", mean)
    s = positive("sigma", sigma)
    log_ratio = math.log(m) - math.log(z)
    x = 0.5 * s - log_ratio / s
    head = _normal.cdf(x)
    income = math.exp(log_ratio + float(log_ndtr(x - s)))
    squared = math.exp(2.0 * log_ratio + s * s + float(log_ndtr(x - 2.0 * s)))
    return Poverty(head, max(0.0, head - income), max(0.0, head - 2.0 * income + squared))


def lognormal_poverty_line(headcount: float, mean: float, sigma: float) -> float:
    """Return the poverty line at which a lognormal distribution has a given headcount.

    Parameters
    ----------
    headcount : float
        Share of people below the line, in (0, 1).
    mean : float
        Mean consumption, money, > 0.
    sigma : float
        Standard deviation of the log of consumption, > 0 and < 38.

    Returns
    -------
    float
        Poverty line, money.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``m exp(s Phi^-1(H) - s^2 / 2)``.

    References
    ----------
    Aitchison and Brown (1957), The Lognormal Distribution.

    Examples
    --------
    >>> round(lognormal_poverty_line(0.449, 1.0, lognormal_sigma(0.49)), 6)
    0.574931
    """
    h = inner_share("headcount", headcount)
    m = positive("mean", mean)
    s = real(
        "sigma", sigma, 0.0, 38.0, open_low=True, open_high=True, why="the median vanishes against the mean"
    )
    return finite("mean", "small enough", m, m * math.exp(s * _normal.quantile(h) - 0.5 * s * s))


def pareto_gini(alpha: float) -> float:
    """Return the Gini coefficient of a Pareto distribution.

    Parameters
    ----------
    alpha : float
        Tail exponent, > 1.

    Returns
    -------
    float
        Gini coefficient.

    Raises
    ------
    ValueError
        If the argument is outside its domain.

    Notes
    -----
    ``1 / (2 alpha - 1)``.

    References
    ----------
    Kleiber and Kotz (2003), Statistical Size Distributions in Economics and Actuarial Sciences.

    Examples
    --------
    >>> pareto_gini(1.5)
    0.5
    """
    a = real("alpha", alpha, 1.0, open_low=True, why="the mean is infinite")
    return 0.5 / (a - 0.5)


def pareto_alpha(gini: float) -> float:
    """Return the tail exponent of a Pareto distribution with a given Gini coefficient.

    Parameters
    ----------
    gini : float
        Gini coefficient, in (0, 1).

    Returns
    -------
    float
        Tail exponent, > 1.

    Raises
    ------
    ValueError
        If the argument is outside its domain.

    Notes
    -----
    ``(1 + 1 / G) / 2``, the inverse of `pareto_gini`.

    References
    ----------
    Kleiber and Kotz (2003), Statistical Size Distributions in Economics and Actuarial Sciences.

    Examples
    --------
    >>> round(pareto_alpha(0.49), 4)
    1.5204
    """
    g = inner_share("gini", gini)
    return finite("gini", "large enough", g, 0.5 + 0.5 / g)


@dataclass(frozen=True)
class GroupedConcentration:
    """Concentration index of grouped data (see `grouped_concentration_index`)."""

    index: float
    """Concentration index."""
    terms: tuple[float, ...]
    """The terms of the sum, one fewer than the groups."""
    standard_error: float
    """Standard error from the group means alone."""


def grouped_concentration_index(group_sizes: ArrayLike, group_totals: ArrayLike) -> GroupedConcentration:
    """Return the concentration index of grouped data, poorest group first.

    Parameters
    ----------
    group_sizes : array_like of float, shape (t,)
        People (or births) per group, poorest first, > 0; at least two groups.
    group_totals : array_like of float, shape (t,)
        Total of the health variable (deaths, visits) per group, >= 0, not all 0.

    Returns
    -------
    GroupedConcentration
        Index, the terms of its sum and a standard error.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``C = sum_t (p_t L_(t+1) - p_(t+1) L_t)`` with cumulative shares p of people and L of the variable. The
    standard error is Kakwani, Wagstaff and van Doorslaer's with unknown variances within groups:
    ``Var C = (sum_t f_t a_t^2 - (1 + C)^2) / T``,
    ``a_t = (mu_t / mu) (2 R_t - 1 - C) + 2 - L_(t-1) - L_t``.

    References
    ----------
    Kakwani, Wagstaff and van Doorslaer (1997), Journal of Econometrics 77; O'Donnell, van Doorslaer,
    Wagstaff and Lindelow (2008), Analyzing Health Equity Using Household Survey Data, chapter 8.

    Examples
    --------
    >>> births = [29939, 28776, 26528, 24689, 19739]
    >>> deaths = [4632, 4400, 3170, 2145, 1072]
    >>> result = grouped_concentration_index(births, deaths)
    >>> round(result.index, 4), round(result.standard_error, 4)
    (-0.1694, 0.0616)
    """
    sizes = vector("group_sizes", group_sizes, min_size=2, low=0.0, open_low=True)
    totals = vector("group_totals", group_totals, min_size=2, low=0.0)
    if totals.size != sizes.size:
        raise fail("group_totals", f"as many as group_sizes ({sizes.size})", f"{totals.size} values")
    if not totals.any():
        raise fail("group_totals", "> 0 in some group", 0.0)
    f = sizes / sizes.sum()
    held = totals / totals.sum()
    p, q = np.cumsum(f), np.cumsum(held)
    terms = p[:-1] * q[1:] - p[1:] * q[:-1]
    index = float(terms.sum())
    a = held / f * (2.0 * p - f - 1.0 - index) + 2.0 - 2.0 * q + held
    variance = max(0.0, float(f @ (a - 1.0 - index) ** 2)) / sizes.size
    return GroupedConcentration(index, tuple(map(float, terms)), math.sqrt(variance))


def fractional_ranks(ranking: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return each person's fractional rank, ties sharing the middle of their range.

    Parameters
    ----------
    ranking : array_like of float, shape (n,)
        Income or another variable to rank by; any finite numbers.
    weights : array_like of float, shape (n,), optional
        Survey weights, > 0; 1 each if left out.

    Returns
    -------
    ndarray of float, shape (n,)
        Ranks in (0, 1) with weighted mean 1/2.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Weight of the poorer plus half the weight of the equals, over all weight.

    References
    ----------
    O'Donnell, van Doorslaer, Wagstaff and Lindelow (2008), Analyzing Health Equity Using Household
    Survey Data, chapter 8.

    Examples
    --------
    >>> [float(r) for r in fractional_ranks([10, 30, 30, 20])]
    [0.125, 0.75, 0.75, 0.375]
    """
    x = vector("ranking", ranking)
    w = np.ones(x.size) if weights is None else vector("weights", weights, low=0.0, open_low=True)
    if w.size != x.size:
        raise fail("weights", f"as many as ranking ({x.size})", f"{w.size} values")
    _, tie = np.unique(x, return_inverse=True)
    block = np.bincount(tie, weights=w)
    middle = (np.cumsum(block) - 0.5 * block) / block.sum()
    return np.asarray(middle[tie], dtype=np.float64)


def concentration_index(values: ArrayLike, ranking: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the concentration index of a variable across people ranked by another.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Health variable or payment, with a mean > 0.
    ranking : array_like of float, shape (n,)
        Income or another variable to rank by; `values` itself gives the Gini coefficient.
    weights : array_like of float, shape (n,), optional
        Survey weights, > 0; 1 each if left out.

    Returns
    -------
    float
        Concentration index.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``2 cov(h, R) / mean(h)`` with `fractional_ranks` R and the covariance of the whole population.

    References
    ----------
    O'Donnell, van Doorslaer, Wagstaff and Lindelow (2008), Analyzing Health Equity Using Household
    Survey Data, chapter 8.

    Examples
    --------
    >>> income = [10, 20, 30, 40, 100]
    >>> round(concentration_index([2, 3, 4, 5, 6], income), 6), round(concentration_index(income, income), 6)
    (0.2, 0.4)
    """
    h = vector("values", values)
    ranks = fractional_ranks(ranking, weights)
    if ranks.size != h.size:
        raise fail("ranking", f"as many as values ({h.size})", f"{ranks.size} values")
    w = np.ones(h.size) if weights is None else np.asarray(weights, dtype=np.float64)
    mean = float(w @ h / w.sum())
    if mean <= 0.0:
        raise fail("mean of values", "> 0", mean, "the index is relative to the mean")
    return 2.0 * float(w @ ((h - mean) * (ranks - 0.5)) / w.sum()) / mean


def generalised_concentration_index(index: float, mean: float) -> float:
    """Return the generalised concentration index.

    Parameters
    ----------
    index : float
        Concentration index, in [-1, 1].
    mean : float
        Mean of the variable, > 0.

    Returns
    -------
    float
        Index in units of the variable.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``mean * C``.

    References
    ----------
    Wagstaff, Paci and van Doorslaer (1991), Social Science and Medicine 33(5).

    Examples
    --------
    >>> round(generalised_concentration_index(0.34530408, 0.5), 8)
    0.17265204
    """
    return positive("mean", mean) * real("index", index, -1.0, 1.0)


def _bounded(index: float, mean: float, lower: float, upper: float) -> tuple[float, float, float, float]:
    c = real("index", index, -1.0, 1.0)
    low = nonnegative("lower", lower)
    high = real("upper", upper, low, open_low=True)
    mu = real("mean", mean, low, high, open_low=True, open_high=True)
    return c, mu, low, high


def erreygers_index(index: float, mean: float, lower: float = 0.0, upper: float = 1.0) -> float:
    """Return Erreygers' corrected concentration index of a bounded variable.

    Parameters
    ----------
    index : float
        Concentration index, in [-1, 1].
    mean : float
        Mean of the variable, in (lower, upper).
    lower, upper : float
        Bounds of the variable, 0 <= lower < upper.

    Returns
    -------
    float
        Corrected index.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``4 mean C / (upper - lower)``.

    References
    ----------
    Erreygers (2009), Correcting the concentration index, Journal of Health Economics 28(2).

    Examples
    --------
    >>> round(erreygers_index(0.34530408, 0.5), 8)
    0.69060816
    """
    c, mu, low, high = _bounded(index, mean, lower, upper)
    return 4.0 * c * (mu / (high - low))


def wagstaff_index(index: float, mean: float, lower: float = 0.0, upper: float = 1.0) -> float:
    """Return Wagstaff's normalised concentration index of a bounded variable.

    Parameters
    ----------
    index : float
        Concentration index, in [-1, 1].
    mean : float
        Mean of the variable, in (lower, upper).
    lower, upper : float
        Bounds of the variable, 0 <= lower < upper.

    Returns
    -------
    float
        Normalised index.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``mean C (upper - lower) / ((upper - mean) (mean - lower))``; ``C / (1 - mean)`` for a binary variable.

    References
    ----------
    Wagstaff (2005), The bounds of the concentration index when the variable of interest is binary,
    Health Economics 14(4).

    Examples
    --------
    >>> round(wagstaff_index(0.34530408, 0.5), 8)
    0.69060816
    """
    c, mu, low, high = _bounded(index, mean, lower, upper)
    return c * (mu / (mu - low)) * ((high - low) / (high - mu))
