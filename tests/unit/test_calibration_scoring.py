"""Scores of forecasts against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from cbhi.calibration.scoring import (
    carried_forward,
    crps_of_draws,
    crps_of_normal,
    interval_holds,
    position_among,
    skill,
)


@given(st.floats(-3, 3), st.floats(0.1, 5), st.floats(-6, 6))
def test_the_score_of_a_normal_is_the_integral_that_defines_it(mean: float, sd: float, value: float) -> None:
    below = (
        quad(lambda x: norm.cdf(x, mean, sd) ** 2, mean - 12 * sd, value)[0]
        if value > mean - 12 * sd
        else 0.0
    )
    above = quad(lambda x: norm.sf(x, mean, sd) ** 2, value, max(value, mean) + 12 * sd)[0]
    assert crps_of_normal(mean, sd, value) == pytest.approx(below + above, abs=1e-6)


def test_the_score_of_draws_is_that_of_the_normal_they_come_from() -> None:
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000, 1.0, 2.0)
    for value in (-4.0, 0.0, 1.0, 3.5):
        assert crps_of_draws(draws, value) == pytest.approx(crps_of_normal(1.0, 2.0, value), abs=2e-3)


def test_the_score_of_few_draws_is_fair() -> None:
    # its mean over ensembles of three is the score of the distribution; the plain version is off by 0.19
    ensembles = np.random.default_rng(1).normal(size=(3, 60_000))
    scores = crps_of_draws(ensembles, np.full(60_000, 0.7))
    error = scores.std() / math.sqrt(scores.size)
    assert abs(scores.mean() - crps_of_normal(0.0, 1.0, 0.7)) < 4 * error
    assert error < 0.01


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.floats(-1e3, 1e3))
def test_the_score_is_the_sum_over_all_pairs(draws: list[float], value: float) -> None:
    x = np.array(draws)
    n = x.size
    slow = np.abs(x - value).mean() - np.abs(x[:, None] - x).sum() / (2 * n * (n - 1))
    assert crps_of_draws(x, value) == pytest.approx(slow, abs=1e-8)


def test_figures_side_by_side_are_scored_one_by_one() -> None:
    draws = np.random.default_rng(2).normal(size=(30, 4))
    values = np.array([0.0, 1.0, -1.0, 4.0])
    together = crps_of_draws(draws, values)
    assert together == pytest.approx([float(crps_of_draws(draws[:, i], values[i])) for i in range(4)])


def test_a_position_is_a_share_and_ties_count_half() -> None:
    assert position_among([1.0, 2.0, 3.0, 4.0], 2.5) == 0.5
    assert position_among([1.0, 2.0, 2.0, 4.0], 2.0) == 0.5
    assert position_among([1.0, 2.0], 1.5, weights=[3.0, 1.0]) == 0.75


def test_an_interval_holds_what_lies_between_its_tails() -> None:
    assert interval_holds([0.04, 0.05, 0.5, 0.95, 0.96], 0.9).tolist() == [False, True, True, True, False]


def test_carry_forward_holds_both_errors() -> None:
    assert carried_forward(0.85, 0.06, 0.08) == (0.85, pytest.approx(0.1))


def test_skill_leaves_out_figures_without_a_rival() -> None:
    assert skill([0.5, 9.0], [1.0, math.nan]) == 0.5
    assert skill([1.0], [1.0]) == 0.0
    assert math.isnan(skill([1.0], [math.nan]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: crps_of_draws([1.0], 0.0), "two or more draws"),
        (lambda: crps_of_draws([[1.0], [2.0]], 0.0), "shape"),
        (lambda: crps_of_normal(0.0, 0.0, 1.0), "above 0"),
        (lambda: position_among([1.0], 0.0, weights=[0.0]), "not all 0"),
        (lambda: interval_holds(0.5, 1.0), "between 0 and 1"),
    ],
)
def test_what_cannot_be_scored_is_refused(call, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        call()
