"""What chance alone does to shares of few sets, when many of them are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cbhi.kernels.records import F8

__all__ = ["at_least", "binomial_p", "holm", "share_outside"]


def share_outside(n: int, expected: float, bounds: tuple[float, float]) -> float:
    """Return the probability that a share of n trials lies outside bounds by chance.

    Parameters
    ----------
    n
        Trials, at least 1.
    expected
        Probability of each.
    bounds
        Lowest and highest share that counts as inside.
    """
    from scipy.stats import binom

    # a hair of room, because shares are ratios
    lowest, highest = np.ceil(bounds[0] * n - 1e-9), np.floor(bounds[1] * n + 1e-9)
    return float(binom.cdf(lowest - 1, n, expected) + binom.sf(highest, n, expected))


def binomial_p(count: int, n: int, expected: float) -> float:
    """Return the probability that as few trials, or as many, succeed by chance: exact and two-sided.

    Parameters
    ----------
    count, n
        Successes and trials, n at least 1.
    expected
        Probability of each.
    """
    from scipy.stats import binomtest

    return float(binomtest(count, n, expected).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values with an allowance for how many there are, in their order.

    Where all is right, the smallest of them is below a level with at most that probability, however the tests
    depend on each other. Values that are not a number stay so and do not count.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6.
    """
    values = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(order.size, 0, -1)
    found = values.copy()
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if order.size else steps
    return [float(p) for p in found]


def at_least(count: int, chances: F8) -> float:
    """Return the probability that so many of independent events happen, or more.

    Parameters
    ----------
    count
        From 0 up.
    chances
        Probability of each event, shape (events,); those that are not a number do not count.

    Notes
    -----
    The distribution of the number of events (Poisson's binomial) by adding one event after another.
    """
    number = np.zeros(len(chances) + 1)
    number[0] = 1.0
    for chance in chances[~np.isnan(chances)]:
        number[1:] = number[1:] * (1.0 - chance) + number[:-1] * chance
        number[0] *= 1.0 - chance
    return float(min(1.0, number[count:].sum()))
