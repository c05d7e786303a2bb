"""Conditional cooperation: linear reciprocity, thresholds, sanctions."""

import math
from dataclasses import dataclass
from itertools import pairwise

from cbhi.limits import _normal
from cbhi.limits._checks import fail, finite, inner_share, integer, nonnegative, positive, real, share


def linear_cooperation(unconditional_share: float, conditional_share: float, slope: float) -> float:
    """Return the level of effort at which conditional cooperators settle.

    Parameters
    ----------
    unconditional_share : float
        Share of people who always give full effort, in [0, 1].
    conditional_share : float
        Share phi_C of people who match, at most 1 - unconditional_share.
    slope : float
        Effort b of a matcher per unit of mean effort, >= 0 with phi_C b < 1.

    Returns
    -------
    float
        Mean effort, full effort being 1.

    Raises
    ------
    ValueError
        If an argument is outside its domain or no mean effort in [0, 1] is steady.

    Notes
    -----
    ``e = U + phi_C b e``, so ``e* = U / (1 - phi_C b)``.

    References
    ----------
    Fischbacher, Gachter and Fehr (2001), Economics Letters 71.

    Examples
    --------
    >>> round(linear_cooperation(0.05, 0.5, 0.8), 6)
    0.083333
    """
    u = share("unconditional_share", unconditional_share)
    c = real("conditional_share", conditional_share, 0.0, 1.0 - u)
    b = nonnegative("slope", slope)
    if c * b >= 1.0:
        raise fail("slope", f"< 1 / conditional_share = {1.0 / c:g}", b, "effort would grow without bound")
    effort = u / (1.0 - c * b)
    if effort > 1.0:
        raise fail("slope", "small enough for mean effort <= 1", b, f"mean effort would be {effort:g}")
    return effort


@dataclass(frozen=True)
class FixedPoint:
    """A steady level of effort (see `threshold_cooperation`)."""

    effort: float
    """Mean effort, in [0, 1]."""
    slope: float
    """Slope of the response to mean effort there."""
    stable: bool
    """True if small departures die out (slope < 1)."""


def _fold_score(conditional_share: float, sd: float) -> float | None:
    """Return the standardised threshold at which the response has slope 1, if it is ever as steep."""
    steepest = conditional_share / (sd * math.sqrt(2.0 * math.pi))
    return math.sqrt(2.0 * math.log(steepest)) if steepest > 1.0 else None


def threshold_cooperation(
    unconditional_share: float, conditional_share: float, threshold_mean: float, threshold_sd: float
) -> tuple[FixedPoint, ...]:
    """Find all steady levels of effort when cooperators wait for enough others.

    Parameters
    ----------
    unconditional_share : float
        Share phi_P of people who always give effort, in [0, 1].
    conditional_share : float
        Share phi_C of people who join once mean effort exceeds their own threshold, at most
        1 - unconditional_share.
    threshold_mean, threshold_sd : float
        Mean and standard deviation of the normal thresholds, in units of mean effort;
        threshold_sd >= 1e-12.

    Returns
    -------
    tuple of FixedPoint
        One to three levels, ascending.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``e = phi_P + phi_C Phi((e - mu) / sd)``, solved on each piece where the difference is monotone.

    References
    ----------
    Granovetter (1978), Threshold models of collective behavior, American Journal of Sociology 83(6).

    Examples
    --------
    >>> points = threshold_cooperation(0.05, 0.75, threshold_mean=0.4, threshold_sd=0.1)
    >>> [(round(p.effort, 6), p.stable) for p in points]
    [(0.050176, True), (0.3874, False), (0.799976, True)]
    """
    from scipy.optimize import brentq

    base = share("unconditional_share", unconditional_share)
    c = real("conditional_share", conditional_share, 0.0, 1.0 - base)
    mu = real("threshold_mean", threshold_mean)
    sd = real("threshold_sd", threshold_sd, 1e-12)

    def gap(e: float) -> float:
        return base + c * _normal.cdf((e - mu) / sd) - e

    cuts = [base, base + c]
    score = _fold_score(c, sd)
    if score is not None:
        cuts += [e for e in (mu - sd * score, mu + sd * score) if base < e < base + c]
    cuts.sort()
    efforts: list[float] = []
    for low, high in pairwise(cuts):
        if gap(low) == 0.0:
            efforts.append(low)
        elif gap(high) != 0.0 and (gap(low) < 0.0) != (gap(high) < 0.0):
            efforts.append(float(brentq(gap, low, high, xtol=1e-15, rtol=1e-15)))
    if gap(cuts[-1]) == 0.0:
        efforts.append(cuts[-1])
    points = []
    for e in sorted(set(efforts)):
        slope = c * _normal.pdf((e - mu) / sd) / sd
        points.append(FixedPoint(e, slope, slope < 1.0))
    return tuple(points)


@dataclass(frozen=True)
class CooperationFolds:
    """Shares of unconditional cooperators between which three levels exist (see `cooperation_folds`)."""

    high_exists_above: float
    """Below it only the low level exists; may be negative."""
    low_vanishes_at: float
    """From it on only the high level exists; may exceed 1."""


def cooperation_folds(
    conditional_share: float, threshold_mean: float, threshold_sd: float
) -> CooperationFolds:
    """Return the shares of unconditional cooperators at which a steady level appears or vanishes.

    Parameters
    ----------
    conditional_share : float
        Share phi_C of people with thresholds, in (0, 1) and > sqrt(2 pi) threshold_sd.
    threshold_mean, threshold_sd : float
        Mean and standard deviation of the thresholds, in units of mean effort;
        threshold_sd >= 1e-12.

    Returns
    -------
    CooperationFolds
        The two tipping points.

    Raises
    ------
    ValueError
        If an argument is outside its domain; with thresholds spread wider there is always one level.

    Notes
    -----
    Tangency: slope 1 at ``mu -+ sd z`` with ``z = sqrt(2 ln(phi_C / (sd sqrt(2 pi))))``.

    References
    ----------
    Granovetter (1978), American Journal of Sociology 83(6).

    Examples
    --------
    >>> round(cooperation_folds(0.75, 0.4, 0.1).low_vanishes_at, 4)
    0.1999
    """
    c = inner_share("conditional_share", conditional_share)
    mu = real("threshold_mean", threshold_mean)
    sd = real("threshold_sd", threshold_sd, 1e-12)
    score = _fold_score(c, sd)
    if score is None:
        raise fail(
            "threshold_sd",
            f"< conditional_share / sqrt(2 pi) = {c / math.sqrt(2.0 * math.pi):g}",
            sd,
            "with wider thresholds there is always exactly one level",
        )
    return CooperationFolds(
        mu + sd * score - c * _normal.cdf(score), mu - sd * score - c * _normal.cdf(-score)
    )


def sanction_threshold(n_members: int, fine: float, marginal_return: float) -> float:
    """Return the share of punishers from which free riding does not pay.

    Parameters
    ----------
    n_members : int
        Group size, >= 2.
    fine : float
        Loss of a free rider per punisher, in units of the contribution, > 0.
    marginal_return : float
        Own return per unit contributed to the common good, in [0, 1).

    Returns
    -------
    float
        Share of the other members who must punish; above 1 no share suffices.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``phi (n - 1) f >= 1 - MPCR``.

    References
    ----------
    Fehr and Gachter (2000), Cooperation and punishment in public goods experiments, American Economic
    Review 90(4).

    Examples
    --------
    >>> round(sanction_threshold(20, fine=0.2, marginal_return=0.4), 4)
    0.1579
    """
    n = integer("n_members", n_members, 2)
    f = positive("fine", fine)
    mpcr = real(
        "marginal_return", marginal_return, 0.0, 1.0, open_high=True, why="from 1 on nobody free rides"
    )
    return finite("fine", "large enough", f, (1.0 - mpcr) / f / (n - 1))
