"""V13 and V21: queues."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaincc, gammaln, logsumexp

from cbhi import limits


@pytest.mark.parametrize(
    ("c", "a", "blocked", "waits", "wait"),
    [
        (1, 0.8, 0.444444, 0.8, 4.0),
        (2, 1.5, 0.310345, 0.642857, 1.285714),
        (3, 2, 0.210526, 0.444444, 0.444444),
        (4, 3.2, 0.228145, 0.596432, 0.745541),
    ],
)
def test_erlang_anchor(c, a, blocked, waits, wait):
    assert limits.erlang_b(c, a) == pytest.approx(blocked, abs=5e-7)
    assert limits.erlang_c(c, a) == pytest.approx(waits, abs=5e-7)
    assert limits.multi_server_queue(a, 1, c).mean_wait == pytest.approx(wait, abs=5e-7)


def test_health_centre_anchor():
    centre = limits.multi_server_queue(10, 4, 3)
    assert centre.wait_probability == pytest.approx(0.702247, abs=5e-7)
    assert 60 * centre.mean_wait == pytest.approx(21.07, abs=5e-3)
    assert limits.wait_exceeds(0.5, 10, 4, 3) == pytest.approx(0.258342, abs=5e-7)


def test_finite_queue_anchor():
    queue = limits.finite_queue(3.5, 1, 3, 10)
    assert queue.blocked_share == pytest.approx(0.182952, abs=5e-7)
    assert queue.mean_queue == pytest.approx(3.892578, abs=5e-7)


def birth_death(arrivals, service, c, capacity):
    rates = np.zeros((capacity + 1, capacity + 1))
    for j in range(capacity):
        rates[j, j + 1] = arrivals
        rates[j + 1, j] = service * min(j + 1, c)
    rates -= np.diag(rates.sum(axis=1))
    system = np.vstack([rates.T, np.ones(capacity + 1)])
    return np.linalg.lstsq(system, np.append(np.zeros(capacity + 1), 1.0), rcond=None)[0]


@pytest.mark.parametrize(
    ("arrivals", "service", "c", "capacity"), [(3.5, 1, 3, 10), (10, 4, 3, 3), (0.5, 2, 1, 5)]
)
def test_finite_queue_against_the_linear_system(arrivals, service, c, capacity):
    p = birth_death(arrivals, service, c, capacity)
    queue = limits.finite_queue(arrivals, service, c, capacity)
    assert queue.probabilities == pytest.approx(p, rel=1e-9)
    waiting = sum(max(0, j - c) * p[j] for j in range(capacity + 1))
    assert queue.mean_queue == pytest.approx(waiting, rel=1e-9, abs=1e-12)
    assert queue.served_rate == pytest.approx(arrivals * (1 - p[-1]), rel=1e-9)
    assert queue.mean_wait == pytest.approx(waiting / (arrivals * (1 - p[-1])), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("c", "a"), [(1, "0.8"), (3, "2"), (12, "10.5"), (30, "12.25")])
def test_erlang_b_in_exact_fractions(c, a):
    load = Fraction(a)
    terms = [load**k / math.factorial(k) for k in range(c + 1)]
    blocked = terms[-1] / sum(terms)
    waits = blocked * c / (c - load * (1 - blocked))
    assert limits.erlang_b(c, float(load)) == pytest.approx(float(blocked), rel=1e-13)
    assert limits.erlang_c(c, float(load)) == pytest.approx(float(waits), rel=1e-12)


def test_many_servers_do_not_overflow():
    for c, a in [(5_000, 4_950.0), (100_000, 99_900.0), (2_000, 10.0)]:
        k = np.arange(c + 1)
        logs = k * math.log(a) - gammaln(k + 1.0)
        exact = math.exp(logs[-1] - logsumexp(logs))
        assert limits.erlang_b(c, a) == pytest.approx(exact, rel=1e-7, abs=1e-300)
        assert 0 <= limits.erlang_c(c, a) <= 1


@pytest.mark.parametrize("time", [0.0, 0.1, 0.5, 2.0])
def test_wait_distribution_by_states(time):
    # an arrival that finds j >= c people waits for j - c + 1 departures, an Erlang time
    p = limits.finite_queue(10, 4, 3, 400).probabilities
    tail = sum(p[j] * gammaincc(j - 2, 12 * time) for j in range(3, 400))
    assert limits.wait_exceeds(time, 10, 4, 3) == pytest.approx(tail, rel=1e-9)


@given(st.integers(1, 60), st.floats(0.05, 0.97), st.floats(0.1, 20))
@settings(derandomize=True, deadline=None)
def test_queue_properties(c, utilisation, service):
    arrivals = utilisation * c * service
    queue = limits.multi_server_queue(arrivals, service, c)
    assert queue.utilisation == pytest.approx(utilisation)
    assert limits.erlang_b(c, arrivals / service) <= queue.wait_probability + 1e-15
    assert queue.wait_probability <= utilisation * (1 + 1e-9)
    assert queue.mean_queue == pytest.approx(limits.little_stock(arrivals, queue.mean_wait))
    assert queue.mean_in_system == pytest.approx(limits.little_stock(arrivals, queue.mean_wait + 1 / service))
    assert limits.multi_server_queue(arrivals, service, c + 1).mean_wait <= queue.mean_wait
    roomy = limits.finite_queue(arrivals, service, c, c + 2_000)
    assert roomy.mean_wait == pytest.approx(queue.mean_wait, rel=1e-7, abs=1e-15)
    full = limits.finite_queue(arrivals, service, c, c)
    assert full.blocked_share == pytest.approx(limits.erlang_b(c, arrivals / service), rel=1e-11)
    assert full.mean_queue == 0.0


def test_little_anchor():
    assert limits.little_stock(100, 3) == 300.0
