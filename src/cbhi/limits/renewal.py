"""Membership over the years: entry and drop-out, movers and stayers, waiting periods."""

import math
from dataclasses import dataclass

from cbhi.limits._checks import fail, inner_share, integer, nonnegative, positive, real, share


@dataclass(frozen=True)
class RenewalChain:
    """Long run of entry and drop-out (see `renewal_chain`)."""

    steady_share: float
    """Share enrolled in the long run."""
    eigenvalue: float
    """Factor by which the distance to it shrinks in a year."""


def renewal_chain(entry: float, dropout: float) -> RenewalChain:
    """Return the long run of a two-state chain of membership.

    Parameters
    ----------
    entry : float
        e, probability that an uninsured person enrols in a year, in [0, 1].
    dropout : float
        d, probability that an insured person does not renew, in [0, 1]; e + d > 0.

    Returns
    -------
    RenewalChain
        Steady share and second eigenvalue.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``e / (e + d)`` and ``1 - e - d``.

    References
    ----------
    Kemeny and Snell, Finite Markov Chains.

    Examples
    --------
    >>> round(renewal_chain(entry=0.25, dropout=0.18).steady_share, 4)
    0.5814
    """
    e = share("entry", entry)
    d = share("dropout", dropout)
    if e + d == 0.0:
        raise fail("entry + dropout", "> 0", 0.0, "every share is steady")
    return RenewalChain(e / (e + d), 1.0 - e - d)


def coverage_after(n_years: int, initial_share: float, entry: float, dropout: float) -> float:
    """Return the share enrolled some years on.

    Parameters
    ----------
    n_years : int
        Years ahead, >= 0.
    initial_share : float
        Share enrolled now, in [0, 1].
    entry : float
        Probability that an uninsured person enrols in a year, in [0, 1].
    dropout : float
        Probability that an insured person does not renew, in [0, 1]; entry + dropout > 0.

    Returns
    -------
    float
        Share enrolled.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``C* + (C0 - C*) (1 - e - d)^n``.

    References
    ----------
    Kemeny and Snell, Finite Markov Chains.

    Examples
    --------
    >>> round(coverage_after(1, 0.41, entry=0.25, dropout=0.18), 4)
    0.4837
    """
    n = integer("n_years", n_years, 0)
    now = share("initial_share", initial_share)
    chain = renewal_chain(entry, dropout)
    return chain.steady_share + (now - chain.steady_share) * chain.eigenvalue**n


def years_to_steady(initial_share: float, entry: float, dropout: float, tolerance: float = 0.01) -> float:
    """Return the years until the share enrolled is close to its long run.

    Parameters
    ----------
    initial_share : float
        Share enrolled now, in [0, 1].
    entry : float
        Probability that an uninsured person enrols in a year, in [0, 1].
    dropout : float
        Probability that an insured person does not renew, in [0, 1]; entry + dropout in (0, 2).
    tolerance : float
        Distance that counts as close, share, in (0, 1).

    Returns
    -------
    float
        Years, as a real number; at most 1 if entry + dropout = 1.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``ln(tolerance / |C0 - C*|) / ln |1 - e - d|``.

    References
    ----------
    Kemeny and Snell, Finite Markov Chains.

    Examples
    --------
    >>> round(years_to_steady(0.41, entry=0.25, dropout=0.18), 2)
    5.05
    """
    now = share("initial_share", initial_share)
    close = inner_share("tolerance", tolerance)
    chain = renewal_chain(entry, dropout)
    factor = abs(chain.eigenvalue)
    distance = abs(now - chain.steady_share)
    if distance <= close:
        return 0.0
    if factor == 1.0:
        raise fail("entry + dropout", "in (0, 2)", 1.0 - chain.eigenvalue, "it never settles")
    if factor == 0.0:
        return 1.0
    return math.log(close / distance) / math.log(factor)


def implied_entry(steady_share: float, dropout: float) -> float:
    """Return the yearly entry that a steady share and its drop-out imply.

    Parameters
    ----------
    steady_share : float
        Share enrolled, taken as steady, in [0, 1).
    dropout : float
        Probability that an insured person does not renew, in [0, 1].

    Returns
    -------
    float
        Probability that an uninsured person enrols in a year.

    Raises
    ------
    ValueError
        If an argument is outside its domain or the two contradict each other.

    Notes
    -----
    ``e = d C / (1 - C)``.

    References
    ----------
    Kemeny and Snell, Finite Markov Chains.

    Examples
    --------
    >>> round(implied_entry(0.052, 0.309), 3)
    0.017
    """
    c = real("steady_share", steady_share, 0.0, 1.0, open_high=True)
    d = share("dropout", dropout)
    entry = d * c / (1.0 - c)
    if entry > 1.0:
        raise fail("dropout", f"<= 1 / steady_share - 1 = {(1.0 - c) / c:g}", d, "entry would exceed 1")
    return entry


def beta_geometric_renewal(tenure: int, a: float, b: float) -> float:
    """Return the renewal rate of members of a given tenure who differ in their drop-out.

    Parameters
    ----------
    tenure : int
        Which renewal, 1 for the first, >= 1.
    a, b : float
        Parameters of the beta distribution of the yearly drop-out probability, > 0.

    Returns
    -------
    float
        Share who renew among those still there.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``(b + t - 1) / (a + b + t - 1)``: it rises with tenure although nobody changes, because those who
    leave easily have left.

    References
    ----------
    Fader and Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1).

    Examples
    --------
    >>> [round(beta_geometric_renewal(t, 1, 3), 4) for t in (1, 2, 3)]
    [0.75, 0.8, 0.8333]
    """
    t = integer("tenure", tenure, 1)
    leave = positive("a", a)
    stay = positive("b", b) + (t - 1)
    return 1.0 / (1.0 + leave / stay)


def beta_geometric_survival(tenure: int, a: float, b: float) -> float:
    """Return the share of a cohort who are still members after some renewals.

    Parameters
    ----------
    tenure : int
        Renewals since enrolment, >= 0.
    a, b : float
        Parameters of the beta distribution of the yearly drop-out probability, > 0.

    Returns
    -------
    float
        Share still enrolled.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``B(a, b + t) / B(a, b)``, the product of `beta_geometric_renewal`.

    References
    ----------
    Fader and Hardie (2007), Journal of Interactive Marketing 21(1).

    Examples
    --------
    >>> [round(beta_geometric_survival(t, 1, 3), 4) for t in (1, 2, 3)]
    [0.75, 0.6, 0.5]
    """
    t = integer("tenure", tenure, 0)
    leave = positive("a", a)
    stay = positive("b", b)
    return math.exp(-math.fsum(math.log1p(leave / (stay + k)) for k in range(t)))


def waiting_period_share(waiting_years: float, mean_spell_years: float) -> float:
    """Return the share of strategic cost still payable after a waiting period.

    Parameters
    ----------
    waiting_years : float
        Waiting period, years, >= 0.
    mean_spell_years : float
        Mean length of the illness for which people join, years, > 0; exponential.

    Returns
    -------
    float
        Share of the cost that falls after the waiting period.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``exp(-w / mean)``; by lack of memory the same for spells and for their cost.

    Examples
    --------
    >>> round(waiting_period_share(1 / 12, 0.25), 4)
    0.7165
    """
    w = nonnegative("waiting_years", waiting_years)
    return math.exp(-w / positive("mean_spell_years", mean_spell_years))
