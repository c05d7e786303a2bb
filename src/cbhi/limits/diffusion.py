"""Bass diffusion of membership, with drop-out."""

import math
from dataclasses import dataclass

from cbhi.limits._checks import fail, integer, nonnegative, real, share


def _rate(name: str, value: float) -> float:
    return real(name, value, 0.0, 1e6)


def _discriminant(innovation: float, imitation: float, dropout: float) -> tuple[float, float, float]:
    """Return D = sqrt(B^2 + 4 p q), D - B and D + B with B = q - p - d, without cancellation."""
    drift = imitation - innovation - dropout
    root = math.hypot(drift, 2.0 * math.sqrt(innovation) * math.sqrt(imitation))
    product = 4.0 * innovation * imitation
    if drift > 0.0:
        return root, product / (root + drift), root + drift
    if drift < 0.0:
        return root, root - drift, product / (root - drift)
    return root, root, root


def bass_coverage(
    time: float, innovation: float, imitation: float, dropout: float = 0.0, initial_share: float = 0.0
) -> float:
    """Return the share enrolled after some time of Bass diffusion with drop-out.

    Parameters
    ----------
    time : float
        Time since the start, years, >= 0.
    innovation : float
        p, rate of joining on one's own, per year, in [0, 1e6].
    imitation : float
        q, rate of joining per share already enrolled, per year, in [0, 1e6].
    dropout : float
        d, rate of leaving, per year, in [0, 1e6].
    initial_share : float
        Share enrolled at time 0, in [0, 1].

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
    Exact solution of ``C' = (p + q C)(1 - C) - d C``, a Riccati equation; with d = 0 and C(0) = 0 it is
    ``(1 - e^(-(p+q) t)) / (1 + (q/p) e^(-(p+q) t))``. The limit of an agent model on a complete graph.

    References
    ----------
    Bass (1969), A new product growth for model consumer durables, Management Science 15(5).

    Examples
    --------
    >>> round(bass_coverage(5, innovation=0.03, imitation=0.38), 6)
    0.331199
    """
    t = nonnegative("time", time)
    p = _rate("innovation", innovation)
    q = _rate("imitation", imitation)
    d = _rate("dropout", dropout)
    c = share("initial_share", initial_share)
    root, below, above = _discriminant(p, q, d)
    if root * t == 0.0:
        return c / (1.0 + q * c * t)
    left = math.exp(-root * t)
    gone = -math.expm1(-root * t)
    pull = below + above * left + 2.0 * q * c * gone
    if pull == 0.0:
        return 0.0 if p == 0.0 else bass_steady_share(p, q, d)
    return (c * (above + below * left) + 2.0 * p * gone) / pull


@dataclass(frozen=True)
class BassPeak:
    """Moment of fastest joining (see `bass_peak`)."""

    time: float
    """Years since the start."""
    share: float
    """Share enrolled at that time."""


def bass_peak(innovation: float, imitation: float) -> BassPeak:
    """Return when joining is fastest without drop-out.

    Parameters
    ----------
    innovation : float
        p, rate of joining on one's own, per year, in (0, 1e6].
    imitation : float
        q, rate of joining per share already enrolled, per year, in [0, 1e6].

    Returns
    -------
    BassPeak
        Time and share; time 0 if imitation does not exceed innovation.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``t* = ln(q / p) / (p + q)`` and ``F(t*) = 1/2 - p / (2 q)``.

    References
    ----------
    Bass (1969), A new product growth for model consumer durables, Management Science 15(5).

    Examples
    --------
    >>> peak = bass_peak(0.03, 0.38)
    >>> round(peak.time, 4), round(peak.share, 6)
    (6.1926, 0.460526)
    """
    p = real("innovation", innovation, 0.0, 1e6, open_low=True, why="without innovation nobody joins first")
    q = _rate("imitation", imitation)
    if q <= p:
        return BassPeak(0.0, 0.0)
    return BassPeak((math.log(q) - math.log(p)) / (p + q), 0.5 - 0.5 * p / q)


def bass_steady_share(innovation: float, imitation: float, dropout: float) -> float:
    """Return the share enrolled in the long run of Bass diffusion with drop-out.

    Parameters
    ----------
    innovation : float
        p, rate of joining on one's own, per year, in [0, 1e6].
    imitation : float
        q, rate of joining per share already enrolled, per year, in [0, 1e6].
    dropout : float
        d, rate of leaving, per year, in [0, 1e6]; the three may not all be 0.

    Returns
    -------
    float
        Stable share. Without innovation it is reached only from a positive share.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Root in [0, 1] of ``-q C^2 + (q - p - d) C + p = 0``; with p = 0 it is ``max(0, 1 - d / q)``, so that
    ``q / d`` plays the part of a reproduction number.

    References
    ----------
    Bass (1969), with a rate of leaving; derived in the notes.

    Examples
    --------
    >>> round(bass_steady_share(0.02, 0.4, 0.2), 6)
    0.542214
    """
    p = _rate("innovation", innovation)
    q = _rate("imitation", imitation)
    d = _rate("dropout", dropout)
    if p + q + d == 0.0:
        raise fail("innovation + imitation + dropout", "> 0", 0.0, "every share is steady")
    _, below, above = _discriminant(p, q, d)
    if above > below:
        return min(1.0, 0.5 * above / q)
    return 2.0 * p / below if below > 0.0 else 0.0


def bass_path(
    n_years: int, innovation: float, imitation: float, dropout: float = 0.0, initial_share: float = 0.0
) -> tuple[float, ...]:
    """Iterate Bass diffusion with drop-out in yearly steps.

    Parameters
    ----------
    n_years : int
        Number of steps, >= 0.
    innovation : float
        p, probability of joining on one's own in a year, in [0, 1].
    imitation : float
        q, probability of joining per share enrolled, >= 0 with p + q <= 1.
    dropout : float
        d, probability of leaving in a year, in [0, 1].
    initial_share : float
        Share enrolled in year 0, in [0, 1].

    Returns
    -------
    tuple of float
        Shares of years 0 to n_years.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``C' = C + (p + q C)(1 - C) - d C``: the mean of a yearly agent model on a complete graph as the number
    of agents grows. Its fixed point is `bass_steady_share`.

    References
    ----------
    Bass (1969), A new product growth for model consumer durables, Management Science 15(5), in
    discrete time.

    Examples
    --------
    >>> [round(c, 6) for c in bass_path(3, 0.02, 0.4, dropout=0.2)]
    [0.0, 0.02, 0.04344, 0.070504]
    """
    n = integer("n_years", n_years, 0)
    p = share("innovation", innovation)
    q = real("imitation", imitation, 0.0, 1.0 - p, why="a yearly probability of joining may not exceed 1")
    d = share("dropout", dropout)
    path = [share("initial_share", initial_share)]
    for _ in range(n):
        c = path[-1]
        path.append(c * (1.0 - d) + (p + q * c) * (1.0 - c))
    return tuple(path)
