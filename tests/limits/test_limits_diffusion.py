"""V9: Bass diffusion with drop-out."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from cbhi import limits


@pytest.mark.parametrize(("time", "share"), [(1, 0.035758), (5, 0.331199), (10, 0.812803)])
def test_coverage_anchor(time, share):
    assert limits.bass_coverage(time, 0.03, 0.38) == pytest.approx(share, abs=5e-7)


def test_peak_anchor():
    peak = limits.bass_peak(0.03, 0.38)
    assert peak.time == pytest.approx(6.1926, abs=5e-5)
    assert peak.share == pytest.approx(0.460526, abs=5e-7)
    assert limits.bass_coverage(peak.time, 0.03, 0.38) == pytest.approx(peak.share, rel=1e-12)
    assert limits.bass_peak(0.4, 0.3) == limits.BassPeak(0.0, 0.0)


def test_steady_share_anchor():
    assert limits.bass_steady_share(0.02, 0.4, 0.2) == pytest.approx(0.542214, abs=5e-7)
    assert limits.bass_steady_share(0, 0.4, 0.2) == pytest.approx(0.5)
    assert limits.bass_steady_share(0, 0.2, 0.4) == 0.0
    assert limits.bass_steady_share(0, 0.2, 0.2) == 0.0
    assert limits.bass_steady_share(0.1, 0.3, 0) == pytest.approx(1.0)
    assert limits.bass_steady_share(0.1, 0, 0.3) == pytest.approx(0.25)


CASES = [
    (0.03, 0.38, 0.0, 0.0),
    (0.02, 0.4, 0.2, 0.0),
    (0.0, 0.4, 0.2, 0.1),
    (0.0, 0.2, 0.4, 0.9),
    (0.0, 0.3, 0.3, 0.7),
    (0.1, 0.0, 0.2, 0.5),
    (1e-9, 0.5, 0.1, 0.0),
]


@pytest.mark.parametrize(("p", "q", "d", "start"), CASES)
def test_coverage_by_numerical_integration(p, q, d, start):
    times = np.array([0.5, 3.0, 10.0, 40.0])
    solved = solve_ivp(
        lambda t, c: (p + q * c) * (1 - c) - d * c, (0, 40), [start], t_eval=times, rtol=1e-11, atol=1e-15
    )
    ours = [limits.bass_coverage(t, p, q, d, start) for t in times]
    assert ours == pytest.approx(solved.y[0], rel=1e-7, abs=1e-13)


def test_textbook_form_without_dropout():
    for t in (0.1, 2.0, 30.0):
        gone = math.exp(-0.41 * t)
        assert limits.bass_coverage(t, 0.03, 0.38) == pytest.approx(
            (1 - gone) / (1 + 0.38 / 0.03 * gone), rel=1e-13
        )


rates = st.one_of(st.just(0.0), st.floats(1e-6, 2))


@given(st.floats(0, 60), rates, rates, rates, st.floats(0, 1))
@settings(derandomize=True, deadline=None)
def test_coverage_is_a_share_and_tends_to_the_steady_share(t, p, q, d, start):
    now = limits.bass_coverage(t, p, q, d, start)
    assert -1e-12 <= now <= 1 + 1e-12
    assert limits.bass_coverage(0, p, q, d, start) == pytest.approx(start, abs=1e-15)
    halves = limits.bass_coverage(t / 2, p, q, d, min(1.0, limits.bass_coverage(t / 2, p, q, d, start)))
    assert halves == pytest.approx(now, rel=1e-9, abs=1e-12)
    speed = math.hypot(q - p - d, 2 * math.sqrt(p * q))
    assume(speed > 1e-3 and (start > 1e-6 or p > 0))
    late = limits.bass_coverage(100 / speed, p, q, d, start)
    assert late == pytest.approx(limits.bass_steady_share(p, q, d), abs=1e-9)


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 1), st.floats(0, 1))
@settings(derandomize=True, deadline=None)
def test_path_stays_in_bounds_and_rests_at_the_steady_share(p, q, d, start):
    assert all(0 <= c <= 1 + 1e-12 for c in limits.bass_path(30, p, q, d, start))
    if p + q + d > 0:
        steady = limits.bass_steady_share(p, q, d)
        assert limits.bass_path(1, p, q, d, steady)[1] == pytest.approx(steady, abs=1e-12)


def test_path_by_hand():
    assert limits.bass_path(2, 0.02, 0.4, 0.2, 0.5) == pytest.approx((0.5, 0.51, 0.51 * 0.8 + 0.224 * 0.49))
