"""Number and sum of claims: Panjer's recursion, mixed counts, two-part costs, stop-loss."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cbhi.limits._checks import (
    fail,
    finite,
    integer,
    nonnegative,
    positive,
    probabilities,
    real,
    share,
)


@dataclass(frozen=True, eq=False)
class AggregateClaims:
    """Distribution of the sum of claims on a money grid (see `aggregate_poisson`)."""

    pmf: NDArray[np.float64]
    """P(S = 0), P(S = 1), ... up to the number of terms asked for; read-only."""
    mean: float
    """Exact mean, in grid units, of the whole distribution."""
    variance: float
    """Exact variance, in grid units squared, of the whole distribution."""


def _aggregate(
    pmf: NDArray[np.float64], severity: NDArray[np.float64], mean_count: float, var_count: float
) -> AggregateClaims:
    sizes = np.arange(severity.size)
    first = float(severity @ sizes)
    spread = float(severity @ (sizes - first) ** 2)
    pmf.flags.writeable = False
    return AggregateClaims(pmf, mean_count * first, mean_count * spread + var_count * first * first)


def _panjer(
    a: float, b: float, log_zero: float, severity: NDArray[np.float64], n_terms: int
) -> NDArray[np.float64]:
    """Run the recursion from f(0) = 1, rescaling, so that no count is too large for it."""
    sizes = np.arange(severity.size)
    first = severity / (1.0 - a * severity[0])
    weighted = sizes * first
    scaled = np.zeros(n_terms)
    scaled[0] = 1.0
    log_scale = log_zero
    for k in range(1, n_terms):
        last = min(k, severity.size - 1)
        past = scaled[k - last : k][::-1]
        scaled[k] = a * float(first[1 : last + 1] @ past) + b / k * float(weighted[1 : last + 1] @ past)
        if scaled[k] > 1e200:
            scaled *= 1e-200
            log_scale += 200.0 * math.log(10.0)
    if log_scale == log_zero and log_zero > -700.0:
        return scaled * math.exp(log_zero)
    pmf = np.zeros(n_terms)
    seen = scaled > 0.0
    pmf[seen] = np.exp(np.log(scaled[seen]) + log_scale)
    return pmf


def aggregate_poisson(mean_count: float, severity_pmf: ArrayLike, n_terms: int) -> AggregateClaims:
    """Return the distribution of the sum of Poisson many claims.

    Parameters
    ----------
    mean_count : float
        Expected number of claims, in [0, 1e9].
    severity_pmf : array_like of float, shape (m,)
        Probability that a claim is 0, 1, 2, ... grid units; non-negative, sums to 1.
    n_terms : int
        Number of probabilities wanted, from S = 0 on, >= 1.

    Returns
    -------
    AggregateClaims
        Probabilities, mean and variance.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Panjer's recursion with a = 0, b = mean_count, rescaled so that large counts do not underflow.

    References
    ----------
    Panjer (1981), Recursive evaluation of a family of compound distributions, ASTIN Bulletin 12.

    Examples
    --------
    >>> claims = aggregate_poisson(2, [0, 0.5, 0.3, 0.2], n_terms=4)
    >>> [round(float(p), 8) for p in claims.pmf]
    [0.13533528, 0.13533528, 0.14886881, 0.15789116]
    """
    count = real("mean_count", mean_count, 0.0, 1e9)
    severity = probabilities("severity_pmf", severity_pmf)
    terms = integer("n_terms", n_terms, 1)
    pmf = _panjer(0.0, count, -count * (1.0 - float(severity[0])), severity, terms)
    return _aggregate(pmf, severity, count, count)


def aggregate_negative_binomial(
    mean_count: float, size: float, severity_pmf: ArrayLike, n_terms: int
) -> AggregateClaims:
    """Return the distribution of the sum of negative binomially many claims.

    Parameters
    ----------
    mean_count : float
        Expected number of claims, in [0, 1e9].
    size : float
        Shape of the gamma heterogeneity, in [1e-9, 1e100]; the count's variance is ``m + m^2 / size``.
    severity_pmf : array_like of float, shape (m,)
        Probability that a claim is 0, 1, 2, ... grid units; non-negative, sums to 1.
    n_terms : int
        Number of probabilities wanted, from S = 0 on, >= 1.

    Returns
    -------
    AggregateClaims
        Probabilities, mean and variance.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Panjer's recursion with ``a = beta / (1 + beta)``, ``b = (size - 1) a``, ``beta = m / size``.

    References
    ----------
    Panjer (1981), Recursive evaluation of a family of compound distributions, ASTIN Bulletin 12.

    Examples
    --------
    >>> claims = aggregate_negative_binomial(2, 2, [0, 0.5, 0.3, 0.2], n_terms=3)
    >>> [round(float(p), 6) for p in claims.pmf], round(claims.variance, 2)
    ([0.25, 0.125, 0.121875], 12.78)
    """
    count = real("mean_count", mean_count, 0.0, 1e9)
    r = real("size", size, 1e-9, 1e100)
    severity = probabilities("severity_pmf", severity_pmf)
    terms = integer("n_terms", n_terms, 1)
    a = count / (r + count)
    b = count * ((r - 1.0) / (r + count))
    log_zero = -r * math.log1p(count / r * (1.0 - float(severity[0])))
    variance = finite("size", "large enough", r, count + count * count / r)
    return _aggregate(_panjer(a, b, log_zero, severity, terms), severity, count, variance)


def aggregate_binomial(
    n_trials: int, probability: float, severity_pmf: ArrayLike, n_terms: int
) -> AggregateClaims:
    """Return the distribution of the sum of binomially many claims.

    Parameters
    ----------
    n_trials : int
        Number of people who claim at most once, >= 1.
    probability : float
        Probability of a claim, in [0, 1].
    severity_pmf : array_like of float, shape (m,)
        Probability that a claim is 0, 1, 2, ... grid units; non-negative, sums to 1.
    n_terms : int
        Number of probabilities wanted, from S = 0 on, >= 1.

    Returns
    -------
    AggregateClaims
        Probabilities, mean and variance.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    The n-th convolution power of one person's loss, by repeated squaring. Panjer's recursion also holds
    (``a = -p / (1 - p)``, ``b = -(n + 1) a``) but subtracts, and loses digits in the tail.

    References
    ----------
    Panjer and Wang (1993), On the stability of recursive formulas, ASTIN Bulletin 23.

    Examples
    --------
    >>> [float(p) for p in aggregate_binomial(2, 0.5, [0, 1], n_terms=4).pmf]
    [0.25, 0.5, 0.25, 0.0]
    """
    n = integer("n_trials", n_trials, 1)
    p = share("probability", probability)
    severity = probabilities("severity_pmf", severity_pmf)
    terms = integer("n_terms", n_terms, 1)
    base = p * severity[:terms]
    base[0] += 1.0 - p
    pmf = np.ones(1)
    left = n
    while left:
        if left & 1:
            pmf = np.convolve(pmf, base)[:terms]
        left >>= 1
        if left:
            base = np.convolve(base, base)[:terms]
    return _aggregate(np.pad(pmf, (0, terms - pmf.size)), severity, n * p, n * p * (1.0 - p))


def stop_loss_premium(claims: AggregateClaims, retention: float) -> float:
    """Return the expected excess of the sum of claims over a retention.

    Parameters
    ----------
    claims : AggregateClaims
        Distribution with more than `retention` terms.
    retention : float
        Amount kept by the scheme, grid units, >= 0 and <= number of terms.

    Returns
    -------
    float
        ``E max(S - d, 0)`` in grid units, exact to rounding relative to the mean.

    Raises
    ------
    ValueError
        If the retention is negative or reaches beyond the terms computed.

    Notes
    -----
    ``E S - d + sum_{k < d} (d - k) f(k)``, so no tail is cut off.

    References
    ----------
    Klugman, Panjer and Willmot, Loss Models (stop-loss insurance).

    Examples
    --------
    >>> claims = aggregate_poisson(2, [0, 0.5, 0.3, 0.2], n_terms=20)
    >>> round(stop_loss_premium(claims, 6), 6)
    0.305874
    """
    d = real("retention", retention, 0.0, float(claims.pmf.size), why="ask for more terms")
    below = np.arange(min(math.ceil(d), claims.pmf.size))
    return max(0.0, claims.mean - d + float((d - below) @ claims.pmf[: below.size]))


def tail_probability(claims: AggregateClaims, threshold: float) -> float:
    """Return the probability that the sum of claims exceeds a threshold.

    Parameters
    ----------
    claims : AggregateClaims
        Distribution with more than `threshold` terms.
    threshold : float
        Amount, grid units, >= 0 and < number of terms.

    Returns
    -------
    float
        ``P(S > threshold)``, exact to absolute rounding.

    Raises
    ------
    ValueError
        If the threshold is negative or reaches beyond the terms computed.

    Notes
    -----
    One minus the sum of the probabilities up to the threshold.

    Examples
    --------
    >>> claims = aggregate_poisson(2, [0, 0.5, 0.3, 0.2], n_terms=20)
    >>> round(tail_probability(claims, 10), 7)
    0.0144007
    """
    t = real("threshold", threshold, 0.0, float(claims.pmf.size), open_high=True, why="ask for more terms")
    return max(0.0, 1.0 - float(claims.pmf[: math.floor(t) + 1].sum()))


def stop_loss_exponential(mean_claim: float, retention: float) -> float:
    """Return the expected excess of an exponential claim over a retention.

    Parameters
    ----------
    mean_claim : float
        Mean claim, money, > 0.
    retention : float
        Amount kept, money, >= 0.

    Returns
    -------
    float
        ``E max(X - d, 0)``, money.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``mu exp(-d / mu)``.

    Examples
    --------
    >>> round(stop_loss_exponential(1, 2), 6)
    0.135335
    """
    mu = positive("mean_claim", mean_claim)
    d = nonnegative("retention", retention)
    return mu * math.exp(-d / mu)


@dataclass(frozen=True)
class CountMoments:
    """Moments of a claim count (see `count_moments`)."""

    mean: float
    """Expected number."""
    variance: float
    """Variance of the number."""
    zero_probability: float
    """Probability of no claim."""


def count_moments(mean: float, size: float, zero_inflation: float = 0.0) -> CountMoments:
    """Return mean, variance and zero probability of a (zero-inflated) negative binomial count.

    Parameters
    ----------
    mean : float
        Mean of the people who can claim, > 0.
    size : float
        Shape of the gamma heterogeneity, in [1e-9, 1e100]; large means Poisson.
    zero_inflation : float
        Share of people who never claim, in [0, 1].

    Returns
    -------
    CountMoments
        Moments of the whole population.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``P0 = pi + (1 - pi) (1 + m / r)^(-r)``; mean ``(1 - pi) m``; variance
    ``(1 - pi) (m + m^2 / r) + pi (1 - pi) m^2``.

    References
    ----------
    Greenwood and Yule (1920), Journal of the Royal Statistical Society 83; Lambert (1992),
    Technometrics 34.

    Examples
    --------
    >>> moments = count_moments(1, 0.5)
    >>> round(moments.zero_probability, 6), moments.variance
    (0.57735, 3.0)
    """
    m = positive("mean", mean)
    r = real("size", size, 1e-9, 1e100)
    pi = share("zero_inflation", zero_inflation)
    zero = pi + (1.0 - pi) * math.exp(-r * math.log1p(finite("size", "large enough", r, m / r)))
    variance = finite("mean", "small enough", m, (1.0 - pi) * (m + m * m / r + pi * m * m))
    return CountMoments((1.0 - pi) * m, variance, zero)


def count_probability(count: int, mean: float, size: float, zero_inflation: float = 0.0) -> float:
    """Return a probability of the (zero-inflated) negative binomial count.

    Parameters
    ----------
    count : int
        Number of claims, >= 0.
    mean : float
        Mean of the people who can claim, > 0.
    size : float
        Shape of the gamma heterogeneity, in [1e-9, 1e100]; large means Poisson.
    zero_inflation : float
        Share of people who never claim, in [0, 1].

    Returns
    -------
    float
        ``P(N = count)``.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``Gamma(r + k) / (Gamma(r) k!) (r / (r + m))^r (m / (r + m))^k`` in logarithms: a Poisson count whose
    rate is gamma with mean m and shape r.

    References
    ----------
    Greenwood and Yule (1920), Journal of the Royal Statistical Society 83.

    Examples
    --------
    >>> round(count_probability(0, 1, 0.5, zero_inflation=0.3), 6)
    0.704145
    """
    k = integer("count", count, 0)
    m = positive("mean", mean)
    r = real("size", size, 1e-9, 1e100)
    pi = share("zero_inflation", zero_inflation)
    ratio = finite("size", "large enough", r, m / r)
    total = finite("mean", "small enough", m, r + m)
    if k == 0:
        return pi + (1.0 - pi) * math.exp(-r * math.log1p(ratio))
    steps = np.arange(k)
    ratios = (r + steps) / total
    logs = np.where(ratios < 0.5, np.log(ratios), np.log1p(np.maximum((steps - m) / total, -0.5)))
    log_pmf = float(logs.sum()) + k * math.log(m) - math.lgamma(k + 1.0) - r * math.log1p(ratio)
    return (1.0 - pi) * math.exp(min(0.0, log_pmf))


def experience_rate(n_claims: int, years: float, mean: float, size: float) -> float:
    """Return a person's expected claims per year after their record has been seen.

    Parameters
    ----------
    n_claims : int
        Claims seen, >= 0.
    years : float
        Years observed, >= 0.
    mean : float
        Mean claims per year in the population, > 0.
    size : float
        Shape of the gamma heterogeneity, in [1e-9, 1e100].

    Returns
    -------
    float
        Posterior mean, claims per year.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    The gamma prior is conjugate: ``(r + k) / (r / m + t)``.

    References
    ----------
    Buehlmann (1967), Experience rating and credibility, ASTIN Bulletin 4.

    Examples
    --------
    >>> round(experience_rate(3, years=1, mean=1, size=0.5), 4)
    2.3333
    """
    k = integer("n_claims", n_claims, 0)
    t = nonnegative("years", years)
    m = positive("mean", mean)
    r = real("size", size, 1e-9, 1e100)
    return finite("mean", "within double precision", m, m * (r + k) / (r + m * t))


def two_part_mean(probability: float, log_mean: float, log_sd: float) -> float:
    """Return the mean of a cost that is zero or lognormal.

    Parameters
    ----------
    probability : float
        Probability of a positive cost, in [0, 1].
    log_mean, log_sd : float
        Mean and standard deviation of the log of a positive cost (money); log_sd >= 0.

    Returns
    -------
    float
        Expected cost, money.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``p exp(m + s^2 / 2)``.

    References
    ----------
    Duan, Manning, Morris and Newhouse (1983), Journal of Business and Economic Statistics 1(2).

    Examples
    --------
    >>> round(two_part_mean(0.04, 9, 1), 3)
    534.389
    """
    p = share("probability", probability)
    m = real("log_mean", log_mean)
    s = nonnegative("log_sd", log_sd)
    exponent = m + 0.5 * s * s
    if exponent > 709.0:
        raise fail("log_mean + log_sd^2 / 2", "<= 709", exponent, "the result overflows double precision")
    return p * math.exp(exponent)
