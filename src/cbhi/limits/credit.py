"""Default of premium loans: the one-factor model, joint liability, break-even interest."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbhi.limits import _normal
from cbhi.limits._checks import finite, inner_share, integer, nonnegative, real, share


def vasicek_quantile(default_probability: float, correlation: float, level: float) -> float:
    """Return a quantile of the default rate of a large portfolio with one common factor.

    Parameters
    ----------
    default_probability : float
        Probability of default of a loan, in (0, 1).
    correlation : float
        Asset correlation rho, in [0, 1).
    level : float
        Probability that the rate stays below the quantile, in (0, 1).

    Returns
    -------
    float
        Share of loans in default.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``Phi((Phi^-1(PD) + sqrt(rho) Phi^-1(level)) / sqrt(1 - rho))``.

    References
    ----------
    Vasicek (2002), The distribution of loan portfolio value, Risk 15(12).

    Examples
    --------
    >>> round(vasicek_quantile(0.05, 0.2, 0.999), 6)
    0.384422
    """
    pd = inner_share("default_probability", default_probability)
    rho = real("correlation", correlation, 0.0, 1.0, open_high=True)
    a = inner_share("level", level)
    if rho == 0.0:
        return pd
    return _normal.cdf((_normal.quantile(pd) + math.sqrt(rho) * _normal.quantile(a)) / math.sqrt(1.0 - rho))


def vasicek_cdf(loss_share: float, default_probability: float, correlation: float) -> float:
    """Return the probability that the default rate of a large portfolio stays below a share.

    Parameters
    ----------
    loss_share : float
        Share of loans in default, in (0, 1).
    default_probability : float
        Probability of default of a loan, in (0, 1).
    correlation : float
        Asset correlation rho, in (0, 1).

    Returns
    -------
    float
        Probability; the inverse of `vasicek_quantile`.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``Phi((sqrt(1 - rho) Phi^-1(x) - Phi^-1(PD)) / sqrt(rho))``.

    References
    ----------
    Vasicek (2002), The distribution of loan portfolio value, Risk 15(12).

    Examples
    --------
    >>> round(vasicek_cdf(0.25, 0.05, 0.2), 4)
    0.9901
    """
    x = inner_share("loss_share", loss_share)
    pd = inner_share("default_probability", default_probability)
    rho = inner_share("correlation", correlation)
    return _normal.cdf((math.sqrt(1.0 - rho) * _normal.quantile(x) - _normal.quantile(pd)) / math.sqrt(rho))


@dataclass(frozen=True)
class DefaultMoments:
    """Moments of the default rate of a large portfolio (see `vasicek_moments`)."""

    sd: float
    """Standard deviation of the default rate."""
    joint_probability: float
    """Probability that two given loans both default."""
    default_correlation: float
    """Correlation of two default indicators."""


def vasicek_moments(default_probability: float, correlation: float) -> DefaultMoments:
    """Return the spread of the default rate of a large portfolio and the correlation of defaults.

    Parameters
    ----------
    default_probability : float
        Probability of default of a loan, in (0, 1).
    correlation : float
        Asset correlation rho, in [0, 1].

    Returns
    -------
    DefaultMoments
        Standard deviation, joint default probability and default correlation.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    The variance is ``Phi2(k, k; rho) - PD^2`` with ``k = Phi^-1(PD)``, computed as
    ``int_0^asin(rho) exp(-k^2 / (1 + sin t)) dt / (2 pi)``, which does not cancel.

    References
    ----------
    Vasicek (2002), Risk 15(12); Sheppard (1899) for the integral.

    Examples
    --------
    >>> moments = vasicek_moments(0.05, 0.2)
    >>> round(moments.sd, 6), round(moments.default_correlation, 6)
    (0.052397, 0.057799)
    """
    pd = inner_share("default_probability", default_probability)
    rho = share("correlation", correlation)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    half = 0.5 * math.asin(rho)
    angles = half * (1.0 + nodes)
    k = _normal.quantile(pd)
    variance = half * float(weights @ np.exp(-k * k / (1.0 + np.sin(angles)))) / (2.0 * math.pi)
    return DefaultMoments(math.sqrt(variance), pd * pd + variance, variance / (pd * (1.0 - pd)))


def _conditional_success(
    success: float, correlation: float, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return success and failure probabilities given the factor, with the weights of the factor."""
    from scipy.special import ndtr

    if correlation == 0.0 or success in (0.0, 1.0):
        return np.array([success]), np.array([1.0 - success]), np.ones(1)
    if correlation == 1.0:
        return np.array([0.0, 1.0]), np.array([1.0, 0.0]), np.array([1.0 - success, success])
    # x = Phi^-1(conditional success) is normal; integrate over the factor while it is the flatter of the two
    centre = _normal.quantile(success) / math.sqrt(1.0 - correlation)
    width = math.sqrt(correlation / (1.0 - correlation))
    reach = 9.0
    n_panels = max(20, math.ceil(reach * math.sqrt(n)))
    base, base_weights = np.polynomial.legendre.leggauss(20)
    edges = np.linspace(-reach, reach, n_panels + 1)
    half = reach / n_panels
    grid = (0.5 * (edges[:-1] + edges[1:])[:, None] + half * base).ravel()
    weights = np.tile(half * base_weights, n_panels)
    if width <= 1.0:
        density = np.exp(-0.5 * grid**2) / math.sqrt(2.0 * math.pi)
        x = centre + width * grid
        return ndtr(x), ndtr(-x), weights * density
    density = np.exp(-0.5 * ((grid - centre) / width) ** 2) / (width * math.sqrt(2.0 * math.pi))
    tails = [_normal.cdf((-reach - centre) / width), _normal.cdf((centre - reach) / width)]
    return (
        np.concatenate([ndtr(grid), [0.0, 1.0]]),
        np.concatenate([ndtr(-grid), [1.0, 0.0]]),
        np.concatenate([weights * density, tails]),
    )


def joint_liability_repayment(
    n_members: int, min_successes: int, success_probability: float, correlation: float = 0.0
) -> float:
    """Return the probability that a group with joint liability repays.

    Parameters
    ----------
    n_members : int
        Group size, >= 1.
    min_successes : int
        Successful members needed to pay for all, in [0, n_members].
    success_probability : float
        Probability that a member can pay, in [0, 1].
    correlation : float
        Correlation of the members' latent ability to pay through one common factor, in [0, 1].

    Returns
    -------
    float
        Probability of at least `min_successes` successes.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Binomial tail, averaged over the factor by Gauss-Legendre panels when correlated.

    References
    ----------
    Ghatak and Guinnane (1999), The economics of lending with joint liability, Journal of Development
    Economics 60; Vasicek (2002) for the factor.

    Examples
    --------
    >>> round(joint_liability_repayment(5, 4, 0.9), 5)
    0.91854
    >>> round(joint_liability_repayment(5, 4, 0.9, correlation=0.2), 6)
    0.894102
    """
    from scipy.special import betainc

    n = integer("n_members", n_members, 1)
    k = integer("min_successes", min_successes, 0, n)
    success = share("success_probability", success_probability)
    rho = share("correlation", correlation)
    if k == 0:
        return 1.0
    given, _, weights = _conditional_success(success, rho, n)
    return min(1.0, float(weights @ betainc(k, n - k + 1, given)))


def lender_recovery(
    n_members: int, success_probability: float, max_shares: float, correlation: float = 0.0
) -> float:
    """Return the share of a group loan that the lender recovers.

    Parameters
    ----------
    n_members : int
        Group size, >= 1.
    success_probability : float
        Probability that a member can pay, in [0, 1].
    max_shares : float
        Most that a successful member can pay, in shares of one member's due, >= 1.
    correlation : float
        Correlation of the members' latent ability to pay through one common factor, in [0, 1].

    Returns
    -------
    float
        Expected repayment over the amount due.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``E min(n, m K) / n`` with K successes.

    References
    ----------
    Ghatak and Guinnane (1999), Journal of Development Economics 60.

    Examples
    --------
    >>> round(lender_recovery(5, 0.9, max_shares=2), 6)
    0.9981
    """
    from scipy.special import gammaln, xlogy

    n = integer("n_members", n_members, 1)
    success = share("success_probability", success_probability)
    m = real("max_shares", max_shares, 1.0)
    rho = share("correlation", correlation)
    given, failing, weights = _conditional_success(success, rho, n)
    counts = np.arange(n + 1)
    paid = np.minimum(1.0, m * (counts / n))
    log_choose = gammaln(n + 1.0) - gammaln(counts + 1.0) - gammaln(n - counts + 1.0)
    total = 0.0
    for start in range(0, given.size, 1000):
        part = slice(start, start + 1000)
        log_pmf = log_choose + xlogy(counts, given[part, None]) + xlogy(n - counts, failing[part, None])
        total += float(weights[part] @ (np.exp(log_pmf) @ paid))
    return min(1.0, total)


@dataclass(frozen=True)
class StrategicRepayment:
    """Repayment when borrowers may default on purpose (see `besley_coate`)."""

    individual: float
    """Probability of repayment of an individual loan."""
    group: float
    """Probability that a pair with joint liability repays both loans."""


def besley_coate(burden: float) -> StrategicRepayment:
    """Compare strategic default on individual loans and on loans to pairs.

    Parameters
    ----------
    burden : float
        x, share of project returns at which repaying one loan is not worth the penalty avoided, in
        [0, 1]; returns are uniform and the penalty is proportional to them.

    Returns
    -------
    StrategicRepayment
        Probabilities of repayment; the pair does better if and only if x < 1/3 (0 < x).

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Alone one pays if the return exceeds x. A pair pays if one return exceeds 2 x or both exceed x:
    ``1 - 3 x^2`` for x <= 1/2, ``(1 - x)^2`` above. No social sanctions.

    References
    ----------
    Besley and Coate (1995), Group lending, repayment incentives and social collateral, Journal of
    Development Economics 46.

    Examples
    --------
    >>> repayment = besley_coate(0.2)
    >>> round(repayment.individual, 6), round(repayment.group, 6)
    (0.8, 0.88)
    """
    x = share("burden", burden)
    return StrategicRepayment(1.0 - x, 1.0 - 3.0 * x * x if x <= 0.5 else (1.0 - x) ** 2)


def break_even_interest(funding_rate: float, operating_rate: float, default_share: float) -> float:
    """Return the interest rate at which a lender breaks even.

    Parameters
    ----------
    funding_rate : float
        Interest paid on funds, per unit lent and year, >= 0.
    operating_rate : float
        Operating cost per unit lent and year, >= 0.
    default_share : float
        Share of loans lost, principal and interest, in [0, 1).

    Returns
    -------
    float
        Interest rate per year.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``(1 + r)(1 - d) = 1 + i + c``, so ``r = (i + c + d) / (1 - d)``.

    Examples
    --------
    >>> round(break_even_interest(0.08, 0.15, 0.04), 5)
    0.28125
    """
    i = nonnegative("funding_rate", funding_rate)
    c = nonnegative("operating_rate", operating_rate)
    d = real("default_share", default_share, 0.0, 1.0, open_high=True)
    return finite("funding_rate", "within double precision", i, (i + c + d) / (1.0 - d))
