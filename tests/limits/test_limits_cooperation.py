"""V12: conditional cooperation."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from cbhi import limits


def test_linear_anchor():
    assert limits.linear_cooperation(0.05, 0.5, 0.8) == pytest.approx(0.083333, abs=5e-7)


def test_linear_is_the_rest_point_of_matching():
    effort = 0.9
    for _ in range(200):
        effort = 0.05 + 0.5 * 0.8 * effort
    assert limits.linear_cooperation(0.05, 0.5, 0.8) == pytest.approx(effort)
    with pytest.raises(ValueError, match="effort would grow without bound"):
        limits.linear_cooperation(0.0, 0.5, 2.0)
    with pytest.raises(ValueError, match="mean effort would be 2"):
        limits.linear_cooperation(0.4, 0.5, 1.6)


def test_threshold_anchor():
    low, middle, high = limits.threshold_cooperation(0.05, 0.75, 0.4, 0.1)
    assert low.effort == pytest.approx(0.050176, abs=5e-7)
    assert middle.effort == pytest.approx(0.387400, abs=5e-7)
    assert middle.slope == pytest.approx(2.97, abs=5e-3)
    assert high.effort == pytest.approx(0.799976, abs=5e-7)
    assert (low.stable, middle.stable, high.stable) == (True, False, True)


def test_fold_anchor():
    fold = limits.cooperation_folds(0.75, 0.4, 0.1).low_vanishes_at
    assert fold == pytest.approx(0.1999, abs=5e-5)
    assert len(limits.threshold_cooperation(fold - 1e-9, 0.75, 0.4, 0.1)) == 3
    assert len(limits.threshold_cooperation(fold + 1e-9, 0.75, 0.4, 0.1)) == 1


def test_high_fold():
    folds = limits.cooperation_folds(0.6, 0.5, 0.1)
    assert folds.high_exists_above > 0
    assert len(limits.threshold_cooperation(folds.high_exists_above - 1e-6, 0.6, 0.5, 0.1)) == 1
    assert len(limits.threshold_cooperation(folds.high_exists_above + 1e-6, 0.6, 0.5, 0.1)) == 3
    assert limits.threshold_cooperation(folds.high_exists_above - 1e-6, 0.6, 0.5, 0.1)[0].effort < 0.3


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.05, 0.95), st.floats(0.02, 0.5))
@example(0.0, 9.277006347882725e-242, 0.5, 0.5)
@settings(derandomize=True, deadline=None)
def test_every_rest_point_is_found(base, conditional, mean, sd):
    points = limits.threshold_cooperation(base, conditional, mean, sd)
    assert 1 <= len(points) <= 3
    for point in points:
        response = base + conditional * ndtr((point.effort - mean) / sd)
        assert response == pytest.approx(point.effort, abs=1e-12)
        step = (ndtr((point.effort + 1e-6 - mean) / sd) - ndtr((point.effort - 1e-6 - mean) / sd)) / 2e-6
        assert point.slope == pytest.approx(conditional * step, rel=1e-4, abs=1e-6)
        assert point.stable == (point.slope < 1)
    grid = np.linspace(base - 1e-9, base + conditional + 1e-9, 4_001)
    gap = base + conditional * ndtr((grid - mean) / sd) - grid
    assert len(points) >= np.count_nonzero(np.diff(np.signbit(gap)))
    for start, end in ((base, points[0]), (base + conditional, points[-1])):
        effort = start
        for _ in range(500):
            effort = base + conditional * ndtr((effort - mean) / sd)
        if end.slope < 0.9:
            assert effort == pytest.approx(end.effort, abs=1e-9)


def test_no_fold_for_wide_thresholds():
    with pytest.raises(ValueError, match=r"^threshold_sd must be < conditional_share / sqrt\(2 pi\) = 0.299"):
        limits.cooperation_folds(0.75, 0.4, 0.3)


def test_sanction_anchor():
    share = limits.sanction_threshold(20, 0.2, 0.4)
    assert share == pytest.approx(0.1579, abs=5e-5)
    # at the threshold a free rider saves exactly what the punishers take
    assert share * 19 * 0.2 == pytest.approx(1 - 0.4)
    assert limits.sanction_threshold(2, 0.2, 0.4) == pytest.approx(3.0)
