"""A health centre's queue arrival by arrival: an independent check of what the engine makes of a month.

Nothing here comes from the engine. Every patient arrives at a moment of its own, waits for a clinician in the
order of arrival, and is served for a time of its own.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_wait", "turned_away"]

F8 = NDArray[np.float64]


def mean_wait(
    arrival_rate: float,
    service_rate: float,
    n_servers: int,
    *,
    n_centres: int = 8_000,
    n_settling: int = 700,
    n_counted: int = 1_300,
    seed: int = 1,
) -> tuple[float, float]:
    """Return the mean wait before service of patients who arrive one by one, and its standard error.

    Parameters
    ----------
    arrival_rate
        Arrivals an hour at a health centre, Poisson.
    service_rate
        Patients an hour that a clinician sees, exponential times.
    n_servers
        Clinicians; each patient goes to the one who is free first.
    n_centres
        Health centres side by side, independent of each other, empty at the start.
    n_settling, n_counted
        Patients of each centre before those who count, and who count.
    seed
        Seed of the moments.

    Returns
    -------
    tuple of float
        Mean wait, hours, and its standard error over centres.

    Notes
    -----
    Kiefer and Wolfowitz's recursion: the times until each clinician is free, ascending; a patient waits for
    the first of them, adds a service to it, and the time to the next arrival is taken off all.
    """
    rng = np.random.default_rng(seed)
    busy = np.zeros((n_centres, n_servers))
    total = np.zeros(n_centres)
    for patient in range(n_settling + n_counted):
        if patient >= n_settling:
            total += busy[:, 0]
        busy[:, 0] += rng.exponential(1.0 / service_rate, n_centres)
        busy -= rng.exponential(1.0 / arrival_rate, n_centres)[:, None]
        np.maximum(busy, 0.0, out=busy)
        busy.sort(axis=1)
    means = total / n_counted
    return float(means.mean()), float(means.std(ddof=1)) / math.sqrt(n_centres)


def turned_away(arrivals_a_month: float, places: F8, seed: int) -> F8:
    """Return the patients of each month who come when its places are gone.

    Parameters
    ----------
    arrivals_a_month
        Poisson arrivals a month.
    places
        Places of each month, shape (n,); who comes when none is left goes away and does not come back.
    seed
        Seed of the moments.

    Returns
    -------
    ndarray of float, shape (n,)
        Patients turned away.
    """
    rng = np.random.default_rng(seed)
    room = int(arrivals_a_month + 12.0 * math.sqrt(arrivals_a_month) + 20.0)
    away = np.zeros(places.size)
    for month in range(places.size):
        # moments of arrival within the month, which ends at 1
        moments = np.cumsum(rng.exponential(1.0 / arrivals_a_month, room))
        left = places[month]
        for moment in moments[moments < 1.0].tolist():
            if left >= 1.0 and moment < 1.0:
                left -= 1.0
            else:
                away[month] += 1.0
    return away
