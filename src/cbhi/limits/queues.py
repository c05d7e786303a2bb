"""Waiting at a health centre: Erlang's formulas, finite queues, Little's law."""

import math
from dataclasses import dataclass

import numpy as np

from cbhi.limits._checks import fail, finite, integer, nonnegative, real


def erlang_b(n_servers: int, load: float) -> float:
    """Return the probability that all servers are busy when nobody waits.

    Parameters
    ----------
    n_servers : int
        Number of servers (clinicians), >= 1.
    load : float
        Arrival rate over the service rate of one server, erlangs, >= 0.

    Returns
    -------
    float
        Share of arrivals turned away.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    Recursion ``B(k) = a B(k-1) / (k + a B(k-1))``, safe for any number of servers.

    References
    ----------
    Erlang (1917); Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory.

    Examples
    --------
    >>> round(erlang_b(4, 3.2), 6)
    0.228145
    """
    c = integer("n_servers", n_servers, 1)
    a = nonnegative("load", load)
    blocked = 1.0
    for k in range(1, c + 1):
        blocked = a * blocked / (k + a * blocked)
    return blocked


def _stable_load(n_servers: int, load: float) -> tuple[int, float]:
    c = integer("n_servers", n_servers, 1)
    a = nonnegative("load", load)
    if a >= c:
        raise fail("load", f"< n_servers = {c}", a, "the queue grows without bound")
    return c, a


def erlang_c(n_servers: int, load: float) -> float:
    """Return the probability that an arrival has to wait.

    Parameters
    ----------
    n_servers : int
        Number of servers (clinicians), >= 1.
    load : float
        Arrival rate over the service rate of one server, erlangs, in [0, n_servers).

    Returns
    -------
    float
        Probability of waiting.

    Raises
    ------
    ValueError
        If an argument is outside its domain; at ``load >= n_servers`` the queue has no steady state.

    Notes
    -----
    ``C = c B / (c - a (1 - B))`` with B of `erlang_b`.

    References
    ----------
    Erlang (1917); Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory.

    Examples
    --------
    >>> round(erlang_c(3, 2), 6)
    0.444444
    """
    c, a = _stable_load(n_servers, load)
    blocked = erlang_b(c, a)
    return blocked / (blocked + (1.0 - a / c) * (1.0 - blocked))


@dataclass(frozen=True)
class Queue:
    """Steady state of a queue with several servers (see `multi_server_queue`)."""

    utilisation: float
    """Share of server time in use."""
    wait_probability: float
    """Probability that an arrival waits."""
    mean_wait: float
    """Mean wait before service, in the time unit of the rates."""
    mean_queue: float
    """Mean number waiting."""
    mean_in_system: float
    """Mean number waiting or in service."""


def _stable_rates(arrival_rate: float, service_rate: float, n_servers: int) -> tuple[float, float, int]:
    arrivals = real("arrival_rate", arrival_rate, 1e-100, 1e100)
    service = real("service_rate", service_rate, 1e-100, 1e100)
    c = integer("n_servers", n_servers, 1)
    if arrivals >= c * service:
        raise fail(
            "arrival_rate",
            f"< n_servers * service_rate = {c * service:g}",
            arrivals,
            "the queue grows without bound",
        )
    return arrivals, service, c


def multi_server_queue(arrival_rate: float, service_rate: float, n_servers: int) -> Queue:
    """Return the steady state of the M/M/c queue.

    Parameters
    ----------
    arrival_rate : float
        Arrivals per unit of time, >= 1e-100 and < n_servers * service_rate.
    service_rate : float
        Services per unit of time and server, in [1e-100, 1e100].
    n_servers : int
        Number of servers, >= 1.

    Returns
    -------
    Queue
        Utilisation, waiting probability, mean wait and mean numbers.

    Raises
    ------
    ValueError
        If an argument is outside its domain or the queue has no steady state.

    Notes
    -----
    Mean wait ``C / (c mu - lambda)`` with C of `erlang_c`; numbers by Little's law.

    References
    ----------
    Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory.

    Examples
    --------
    >>> centre = multi_server_queue(arrival_rate=10, service_rate=4, n_servers=3)
    >>> round(centre.wait_probability, 6), round(60 * centre.mean_wait, 2)
    (0.702247, 21.07)
    """
    arrivals, service, c = _stable_rates(arrival_rate, service_rate, n_servers)
    load = arrivals / service
    waits = erlang_c(c, load)
    mean_wait = waits / (c * service - arrivals)
    queue = arrivals * mean_wait
    return Queue(load / c, waits, mean_wait, queue, queue + load)


def wait_exceeds(time: float, arrival_rate: float, service_rate: float, n_servers: int) -> float:
    """Return the probability of waiting longer than a given time in the M/M/c queue.

    Parameters
    ----------
    time : float
        Time, in the unit of the rates, >= 0.
    arrival_rate : float
        Arrivals per unit of time, >= 1e-100 and < n_servers * service_rate.
    service_rate : float
        Services per unit of time and server, in [1e-100, 1e100].
    n_servers : int
        Number of servers, >= 1.

    Returns
    -------
    float
        Probability, first come first served.

    Raises
    ------
    ValueError
        If an argument is outside its domain or the queue has no steady state.

    Notes
    -----
    ``C exp(-(c mu - lambda) t)``.

    References
    ----------
    Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory.

    Examples
    --------
    >>> round(wait_exceeds(0.5, arrival_rate=10, service_rate=4, n_servers=3), 6)
    0.258342
    """
    t = nonnegative("time", time)
    arrivals, service, c = _stable_rates(arrival_rate, service_rate, n_servers)
    return erlang_c(c, arrivals / service) * math.exp(-(c * service - arrivals) * t)


@dataclass(frozen=True)
class FiniteQueue:
    """Steady state of a queue with limited room (see `finite_queue`)."""

    probabilities: tuple[float, ...]
    """Probability of 0, 1, ..., capacity people in the system."""
    blocked_share: float
    """Share of arrivals turned away."""
    mean_queue: float
    """Mean number waiting."""
    mean_wait: float
    """Mean wait of those let in, in the time unit of the rates."""
    served_rate: float
    """People served per unit of time."""


def finite_queue(arrival_rate: float, service_rate: float, n_servers: int, capacity: int) -> FiniteQueue:
    """Return the steady state of the M/M/c/K queue.

    Parameters
    ----------
    arrival_rate : float
        Arrivals per unit of time, in [1e-100, 1e100].
    service_rate : float
        Services per unit of time and server, in [1e-100, 1e100].
    n_servers : int
        Number of servers, >= 1.
    capacity : int
        K, most people waiting or in service, >= n_servers.

    Returns
    -------
    FiniteQueue
        Distribution, share turned away, mean queue, mean wait and throughput.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``p(j) ~ a^j / j!`` up to c, then times ``a / c`` for each more; in logarithms. K = c is `erlang_b`.

    References
    ----------
    Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory.

    Examples
    --------
    >>> queue = finite_queue(3.5, 1, n_servers=3, capacity=10)
    >>> round(queue.blocked_share, 6), round(queue.mean_queue, 6)
    (0.182952, 3.892578)
    """
    arrivals = real("arrival_rate", arrival_rate, 1e-100, 1e100)
    service = real("service_rate", service_rate, 1e-100, 1e100)
    c = integer("n_servers", n_servers, 1)
    room = integer("capacity", capacity, c)
    real("arrival_rate / service_rate", arrivals / service, 1e-100, 1e100)
    steps = np.log(arrivals) - np.log(service) - np.log(np.minimum(np.arange(1, room + 1), c))
    log_weights = np.concatenate([[0.0], np.cumsum(steps)])
    weights = np.exp(log_weights - log_weights.max())
    p = weights / weights.sum()
    waiting = float(p[c:] @ np.arange(room - c + 1))
    served = service * float(p @ np.minimum(np.arange(room + 1), c))
    return FiniteQueue(tuple(map(float, p)), float(p[-1]), waiting, waiting / served, served)


def little_stock(rate: float, delay: float) -> float:
    """Return the mean number in a system from the rate of arrival and the time spent there.

    Parameters
    ----------
    rate : float
        Arrivals per unit of time (claims approved per month), >= 0.
    delay : float
        Mean time in the system (months until payment), >= 0.

    Returns
    -------
    float
        Mean number in the system (claims payable).

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    ``L = lambda W``, for any stable system.

    References
    ----------
    Little (1961), A proof for the queuing formula L = lambda W, Operations Research 9(3).

    Examples
    --------
    >>> little_stock(100, 3)
    300.0
    """
    arrivals = nonnegative("rate", rate)
    return finite("rate", "small enough", arrivals, arrivals * nonnegative("delay", delay))
