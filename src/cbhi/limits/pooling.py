"""What pooling can and cannot do: safety loadings, common shocks, deficits."""

import math

from cbhi.limits import _normal
from cbhi.limits._checks import finite, integer, real, share


def _spread(n_members: int, cv: float, shock_correlation: float) -> float:
    n = integer("n_members", n_members, 1)
    spread = real("cv", cv, 1e-9, 1e9)
    r = share("shock_correlation", shock_correlation)
    return spread * math.sqrt((1.0 - r) / n + r)


def safety_loading(n_members: int, cv: float, shock_correlation: float = 0.0, level: float = 0.95) -> float:
    """Return the loading that covers a pool's claims with a given probability.

    Parameters
    ----------
    n_members : int
        People in the pool, >= 1.
    cv : float
        Coefficient of variation of one person's yearly claims, in [1e-9, 1e9].
    shock_correlation : float
        Correlation of two people's claims through a common shock, in [0, 1].
    level : float
        Probability that premiums suffice, in [0.5, 1).

    Returns
    -------
    float
        Loading as a share of expected claims, in the normal approximation.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``z CV sqrt((1 - r) / n + r)``; beyond about 1 / r people pooling hardly helps.

    References
    ----------
    Cummins (1991), Statistical and financial models of insurance pricing, Journal of Risk and
    Insurance 58(2).

    Examples
    --------
    >>> round(safety_loading(10_000, cv=4), 4), round(safety_loading(10_000, cv=4, shock_correlation=1e-4), 4)
    (0.0658, 0.093)
    """
    a = real("level", level, 0.5, 1.0, open_high=True)
    return _normal.quantile(a) * _spread(n_members, cv, shock_correlation)


def safety_loading_floor(cv: float, shock_correlation: float, level: float = 0.95) -> float:
    """Return the loading that remains however large the pool.

    Parameters
    ----------
    cv : float
        Coefficient of variation of one person's yearly claims, in [1e-9, 1e9].
    shock_correlation : float
        Correlation of two people's claims through a common shock, in [0, 1].
    level : float
        Probability that premiums suffice, in [0.5, 1).

    Returns
    -------
    float
        Loading as a share of expected claims.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``z CV sqrt(r)``, the limit of `safety_loading`.

    References
    ----------
    Cummins (1991), Journal of Risk and Insurance 58(2).

    Examples
    --------
    >>> round(safety_loading_floor(cv=4, shock_correlation=1e-4), 4)
    0.0658
    """
    a = real("level", level, 0.5, 1.0, open_high=True)
    spread = real("cv", cv, 1e-9, 1e9)
    return _normal.quantile(a) * (spread * math.sqrt(share("shock_correlation", shock_correlation)))


def deficit_probability(n_members: int, cv: float, margin: float, shock_correlation: float = 0.0) -> float:
    """Return the probability that a pool's claims exceed its income in a year.

    Parameters
    ----------
    n_members : int
        People in the pool, >= 1.
    cv : float
        Coefficient of variation of one person's yearly claims, in [1e-9, 1e9].
    margin : float
        Income over expected claims, minus one; may be negative.
    shock_correlation : float
        Correlation of two people's claims through a common shock, in [0, 1].

    Returns
    -------
    float
        Probability, in the normal approximation.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``Phi(-margin / (CV sqrt((1 - r) / n + r)))``.

    References
    ----------
    Cummins (1991), Journal of Risk and Insurance 58(2).

    Examples
    --------
    >>> round(deficit_probability(20_000, cv=4, margin=0.05), 4)
    0.0385
    """
    m = real("margin", margin)
    spread = _spread(n_members, cv, shock_correlation)
    return _normal.cdf(finite("margin", "small enough", m, -m / spread))
