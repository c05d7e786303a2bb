"""Tests of even spread for places that are continuous and for places among few members."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbhi.calibration.evenness import (
    chi_square_p,
    kolmogorov_smirnov_p,
    members_behind,
    share_expected,
    snapped,
)
from cbhi.calibration.scoring import interval_holds, position_among

PLACES = np.array([position_among(np.arange(60.0), k - 0.5) for k in range(61)])
"""All places among 60 members as ``position_among`` gives them: sums of sixtieths."""


def studies(n_studies: int, n_sets: int, seed: int) -> list[np.ndarray]:
    """Return places of truths in studies of a procedure that is right."""
    rng = np.random.default_rng(seed)
    return [PLACES[rng.integers(61, size=n_sets)] for _ in range(n_studies)]


@pytest.mark.parametrize("n_sets", [50, 200])
def test_a_right_procedure_is_found_wrong_as_seldom_as_said(n_sets: int) -> None:
    found = studies(600, n_sets, seed=4)
    # 20 equal bins say so of 15 in 100 studies of 200 sets; 600 studies know a share of 0.05 to 0.009
    chi_square = np.mean([chi_square_p(places, 60) < 0.05 for places in found])
    assert 0.02 < chi_square < 0.08
    # too careful, but not blind
    assert 0.01 < np.mean([kolmogorov_smirnov_p(places, 60) < 0.05 for places in found]) < 0.075


def test_places_that_are_not_even_are_found() -> None:
    rng = np.random.default_rng(5)
    # intervals half as wide as they should be
    truth = 2.0 * rng.standard_normal((200, 1))
    places = np.array([position_among(rng.standard_normal(60), float(one)) for one in truth[:, 0]])
    assert chi_square_p(places, 60) < 1e-6
    assert kolmogorov_smirnov_p(places**2, 60) < 1e-6


def test_the_count_of_a_bin_is_that_of_its_places() -> None:
    # each place once is as even as can be, whatever the error of its sum
    assert chi_square_p(PLACES, 60) > 0.999
    assert kolmogorov_smirnov_p(PLACES, 60) > 0.999
    # Pearson's statistic by hand: two bins of 31 and 30 places, ten truths in the first
    from scipy.stats import chi2

    expected = np.array([10 * 31 / 61, 10 * 30 / 61])
    statistic = float(np.sum((np.array([10, 0]) - expected) ** 2 / expected))
    assert chi_square_p(PLACES[:10], 60) == pytest.approx(float(chi2.sf(statistic, 1)))


@given(st.integers(20, 60), st.data())
def test_members_are_known_from_a_place(n: int, data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, n))
    place = np.array([float(position_among(np.arange(float(n)), rank - 0.5))])
    behind = int(members_behind(place, 60)[0])
    assert n <= behind <= 60
    assert snapped(place, 60)[0] == pytest.approx(rank / n, abs=1e-15)
    assert round(place[0] * behind) * n == rank * behind
    # the interval's ends are places themselves
    assert interval_holds(snapped(place, 60), 0.9)[0] == (0.05 * n <= rank + 1e-9 and rank <= 0.95 * n + 1e-9)


def test_the_share_that_is_expected_is_that_of_the_places() -> None:
    assert share_expected(60, 0.9) == pytest.approx(55 / 61)
    assert share_expected(60, 0.5) == pytest.approx(31 / 61)
    assert share_expected(0, 0.9) == 0.9
    assert interval_holds(PLACES, 0.9).mean() == pytest.approx(55 / 61)


def test_continuous_places_are_left_alone() -> None:
    places = np.random.default_rng(1).random(200)
    np.testing.assert_array_equal(snapped(places, 0), places)
    assert chi_square_p(places) > 0.01
    assert kolmogorov_smirnov_p(places) > 0.01
    assert math.isnan(chi_square_p(places[:9]))
