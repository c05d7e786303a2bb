"""Probability that a fund is ever ruined, or ruined within some years."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cbhi.limits._checks import fail, inner_share, integer, nonnegative, positive, probabilities, vector

_WHY = "ruin is certain without a positive loading"


def ruin_exponential(capital: float, loading: float, mean_claim: float) -> float:
    """Return the probability of ruin with Poisson claims of exponential size.

    Parameters
    ----------
    capital : float
        Reserve at the start, money, >= 0.
    loading : float
        Premium income over expected claims, minus one, > 0.
    mean_claim : float
        Mean claim, money, > 0.

    Returns
    -------
    float
        Probability that the reserve ever falls below zero.

    Raises
    ------
    ValueError
        If an argument is outside its domain; without a positive loading ruin is certain.

    Notes
    -----
    ``exp(-theta u / ((1 + theta) mu)) / (1 + theta)``, whatever the claim rate.

    References
    ----------
    Asmussen and Albrecher (2010), Ruin Probabilities, 2nd edition.

    Examples
    --------
    >>> round(ruin_exponential(10, loading=0.2, mean_claim=1), 6)
    0.157396
    """
    u = nonnegative("capital", capital)
    theta = positive("loading", loading, _WHY)
    mu = positive("mean_claim", mean_claim)
    return math.exp(-(theta / (1.0 + theta)) * (u / mu)) / (1.0 + theta)


@dataclass(frozen=True)
class RuinTerms:
    """Exponential terms of a ruin probability (see `ruin_mixture_terms`)."""

    roots: tuple[float, ...]
    """Roots of Lundberg's equation, ascending, per unit of money; the first is the adjustment coefficient."""
    coefficients: tuple[float, ...]
    """Weight of each term; together they make the probability of ruin from no reserve."""


def _adjustment_coefficient(
    loading: float, weights: NDArray[np.float64], rates: NDArray[np.float64], estimate: float
) -> float:
    """Return the least root to full relative precision, which an eigenvalue near zero lacks."""
    from scipy.optimize import brentq

    surplus = loading * float((weights / rates).sum())

    def excess(r: float) -> float:
        return r * float((weights / (rates * (rates - r))).sum()) - surplus

    high = float(rates.min()) * (1.0 - 1e-15)
    if excess(high) <= 0.0:
        return estimate
    return float(brentq(excess, 0.0, high, xtol=1e-300, maxiter=3000))


def ruin_mixture_terms(loading: float, weights: ArrayLike, rates: ArrayLike) -> RuinTerms:
    """Split the probability of ruin into exponentials when claims are a mixture of exponentials.

    Parameters
    ----------
    loading : float
        Premium income over expected claims, minus one, > 0.
    weights : array_like of float, shape (k,)
        Share of claims of each kind; non-negative, sums to 1.
    rates : array_like of float, shape (k,)
        One over the mean claim of each kind, per unit of money, > 0.

    Returns
    -------
    RuinTerms
        ``psi(u) = sum_i coefficients[i] exp(-roots[i] u)``.

    Raises
    ------
    ValueError
        If an argument is outside its domain; without a positive loading ruin is certain.

    Notes
    -----
    The roots solve ``sum_i w_i / (b_i - r) = (1 + theta) mu``. They are the eigenvalues of
    ``diag(b) - v v' / ((1 + theta) mu)`` with ``v = sqrt(w)``, a symmetric matrix, so that equal or close
    rates do no harm; the coefficients come from its eigenvectors.

    References
    ----------
    Asmussen and Albrecher (2010), Ruin Probabilities, 2nd edition (phase-type claims).

    Examples
    --------
    >>> terms = ruin_mixture_terms(0.4, weights=[0.5, 0.5], rates=[3, 7])
    >>> [round(r, 9) for r in terms.roots], [round(35 * c, 9) for c in terms.coefficients]
    ([1.0, 6.0], [24.0, 1.0])
    """
    theta = positive("loading", loading, _WHY)
    w = probabilities("weights", weights)
    b = vector("rates", rates, low=0.0, open_low=True)
    if b.size != w.size:
        raise fail("rates", f"as many as weights ({w.size})", f"{b.size} values")
    scale = (1.0 + theta) * float((w / b).sum())
    v = np.sqrt(w)
    roots, vectors = np.linalg.eigh(np.diag(b) - np.outer(v, v) / scale)
    roots[0] = _adjustment_coefficient(theta, w[w > 0.0], b[w > 0.0], float(roots[0]))
    coefficients = (v @ vectors) * ((v / b) @ vectors) / scale
    return RuinTerms(tuple(map(float, roots)), tuple(map(float, coefficients)))


def ruin_mixture(capital: float, loading: float, weights: ArrayLike, rates: ArrayLike) -> float:
    """Return the probability of ruin with Poisson claims that are a mixture of exponentials.

    Parameters
    ----------
    capital : float
        Reserve at the start, money, >= 0.
    loading : float
        Premium income over expected claims, minus one, > 0.
    weights : array_like of float, shape (k,)
        Share of claims of each kind; non-negative, sums to 1.
    rates : array_like of float, shape (k,)
        One over the mean claim of each kind, per unit of money, > 0.

    Returns
    -------
    float
        Probability that the reserve ever falls below zero.

    Raises
    ------
    ValueError
        If an argument is outside its domain; without a positive loading ruin is certain.

    Notes
    -----
    The sum of exponentials of `ruin_mixture_terms`.

    References
    ----------
    Asmussen and Albrecher (2010), Ruin Probabilities, 2nd edition.

    Examples
    --------
    >>> round(ruin_mixture(1, 0.4, weights=[0.5, 0.5], rates=[3, 7]), 6)
    0.252331
    """
    u = nonnegative("capital", capital)
    terms = ruin_mixture_terms(loading, weights, rates)
    return sum(c * math.exp(-r * u) for r, c in zip(terms.roots, terms.coefficients, strict=True))


def ruin_walk(capital: int, loss_probability: float) -> float:
    """Return the probability that a reserve moving by one unit a year ever falls below zero.

    Parameters
    ----------
    capital : int
        Reserve at the start, units, >= 0.
    loss_probability : float
        Probability q of losing a unit in a year (else one is gained), in (0, 1).

    Returns
    -------
    float
        Probability of ruin; 1 if q >= 1/2.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``(q / p)^(u + 1)``.

    References
    ----------
    Feller, An Introduction to Probability Theory and Its Applications, vol. 1, chapter XIV.

    Examples
    --------
    >>> round(ruin_walk(4, 0.45), 6)
    0.366648
    """
    u = integer("capital", capital, 0)
    q = inner_share("loss_probability", loss_probability)
    return 1.0 if q >= 0.5 else math.exp((u + 1) * (math.log(q) - math.log1p(-q)))


def ruin_walk_within(capital: int, loss_probability: float, n_years: int) -> float:
    """Return the probability that a reserve moving by one unit a year falls below zero in n years.

    Parameters
    ----------
    capital : int
        Reserve at the start, units, >= 0.
    loss_probability : float
        Probability q of losing a unit in a year (else one is gained), in (0, 1).
    n_years : int
        Horizon, years, >= 0.

    Returns
    -------
    float
        Probability of ruin within the horizon; tends to `ruin_walk`.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    The first passage to level -(u + 1) takes ``u + 1 + 2 k`` years with probability
    ``(u + 1) / (u + 1 + 2 k) C(u + 1 + 2 k, k) p^k q^(u + 1 + k)`` (ballot theorem); each term is the one
    before times a ratio, and all are positive.

    References
    ----------
    Feller, An Introduction to Probability Theory and Its Applications, vol. 1, chapter XIV.

    Examples
    --------
    >>> round(ruin_walk_within(4, 0.45, 10), 6)
    0.063895
    """
    steps = integer("capital", capital, 0) + 1
    q = inner_share("loss_probability", loss_probability)
    horizon = integer("n_years", n_years, 0)
    log_rate = math.log(q) + math.log1p(-q)
    log_term = steps * math.log(q)
    terms = []
    for k in range((horizon - steps) // 2 + 1):
        terms.append(math.exp(log_term))
        n = steps + 2 * k
        log_term += log_rate + math.log(n) + math.log(n + 1) - math.log(k + 1) - math.log(n - k + 1)
    return min(1.0, math.fsum(terms))


def ruin_lattice_within(capital: int, income: int, claims_pmf: ArrayLike, n_periods: int) -> float:
    """Return the probability that a reserve with fixed income and whole claims falls below zero.

    Parameters
    ----------
    capital : int
        Reserve at the start, units, >= 0.
    income : int
        Income of a period, units, >= 0; it comes before the period's claims.
    claims_pmf : array_like of float, shape (m,)
        Probability that a period's claims are 0, 1, 2, ... units; non-negative. Claims beyond the last term
        count as ruin, so with fewer than ``capital + income * n_periods + 1`` terms they must sum to 1.
    n_periods : int
        Horizon, periods, in [0, 100_000].

    Returns
    -------
    float
        Probability of ruin within the horizon.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    The distribution of the reserve of those not ruined is carried from period to period,
    ``g_k(r) = sum_s f(s) g_(k-1)(r - income + s)``; what is lost is ruined. With income 1 and claims of 0 or
    2 it is `ruin_walk_within`; with Poisson claims, short periods and a long horizon it tends to the
    probabilities of Cramer and Lundberg.

    References
    ----------
    Dickson and Waters (1991), Recursive calculation of survival probabilities, ASTIN Bulletin 21(2).

    Examples
    --------
    >>> round(ruin_lattice_within(4, 1, [0.55, 0, 0.45], 10), 6)
    0.063895
    """
    u = integer("capital", capital, 0)
    c = integer("income", income, 0)
    pmf = vector("claims_pmf", claims_pmf, low=0.0)
    horizon = integer("n_periods", n_periods, 0, 100_000)
    total = float(pmf.sum())
    needed = u + c * horizon + 1
    if total > 1.0 + 1e-9 or (pmf.size < needed and total < 1.0 - 1e-9):
        domain = f"probabilities that sum to 1, or to less with at least {needed} terms"
        raise fail("claims_pmf", domain, f"a sum of {total} in {pmf.size} terms")
    alive = np.zeros(u + 1)
    alive[u] = 1.0
    for _ in range(horizon):
        before = np.concatenate([np.zeros(c), alive])
        # reserve before the claims less claims: a convolution with the claims turned around
        alive = np.convolve(before, pmf[: before.size][::-1])[min(pmf.size, before.size) - 1 :]
    return min(1.0, max(0.0, 1.0 - math.fsum(alive)))
