"""Parts of the variance over replicates, and errors of means when replicates share their parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support import quick

from cbhi.spread import mean_ci_over_replicates, variance_shares

I8 = np.ndarray


def pairs(sets: int) -> I8:
    return np.repeat(np.arange(sets), 2)


def drawn(sets: int, doubt: float, chance: float, seed: int, size: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(doubt * rng.standard_normal(sets), size) + chance * rng.standard_normal(sets * size)


def test_known_shares_are_found() -> None:
    found = variance_shares(drawn(4_000, 2.0, 1.0, 1), pairs(4_000))
    assert found.parameters == pytest.approx(4.0, rel=0.06)
    assert found.chance == pytest.approx(1.0, rel=0.06)
    assert found.low < 0.8 < found.high
    assert found.high - found.low < 0.04


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_the_interval_of_the_share_covers_it_as_often_as_it_says(share: float) -> None:
    repeats, sets = 1_500, 12
    values = np.stack(
        [drawn(sets, share**0.5, (1.0 - share) ** 0.5, seed) for seed in range(repeats)], axis=1
    )
    found = variance_shares(values, pairs(sets), 0.9)
    # below no share an interval may end: it then begins at 0, which counts as covering it
    covered = np.mean((found.low <= share) & (share <= found.high))
    wanted = 0.95 if share == 0.0 else 0.9
    assert abs(covered - wanted) < 3.0 * np.sqrt(0.09 / repeats)


@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=6).filter(lambda s: max(s) > 1),
    seed=st.integers(0, 1_000),
)
@quick
def test_squares_of_unequal_clusters_add_up(sizes: list[int], seed: int) -> None:
    own = np.repeat(np.arange(len(sizes)), sizes)
    values = np.random.default_rng(seed).standard_normal(own.size)
    found = variance_shares(values, own)
    groups = [values[own == k] for k in range(len(sizes))]
    n, k = own.size, len(sizes)
    f, _ = stats.f_oneway(*groups)
    assert found.chance == pytest.approx(sum(((g - g.mean()) ** 2).sum() for g in groups) / (n - k))
    size = (n - sum(s * s for s in sizes) / n) / (k - 1)
    assert found.parameters == pytest.approx(max(0.0, (f - 1.0) * found.chance / size), abs=1e-12)
    assert 0.0 <= found.low <= found.share + 1e-12
    assert found.share <= found.high + 1e-12 <= 1.0 + 1e-9


def test_order_and_missing_values_do_not_matter() -> None:
    values, own = drawn(30, 1.0, 1.0, 3), pairs(30)
    order = np.random.default_rng(4).permutation(values.size)
    first, second = variance_shares(values, own), variance_shares(values[order], own[order] * 7 + 2)
    assert first.share == pytest.approx(second.share)
    values[[0, 1, 5]] = np.nan
    left = variance_shares(values, own)
    right = variance_shares(values[~np.isnan(values)], own[~np.isnan(values)])
    assert left.share == pytest.approx(right.share)
    assert (left.sets, left.n) == (29, 57)


@pytest.mark.parametrize("own", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_nothing_is_said_where_nothing_can_be(own: list[int]) -> None:
    found = variance_shares(np.array([1.0, 2.0, 3.0, 5.0]), np.array(own))
    assert np.isnan([found.parameters, found.chance, found.share, found.low, found.high]).all()


def test_what_never_differs_within_a_set_is_all_parameters() -> None:
    found = variance_shares(np.array([1.0, 1.0, 2.0, 2.0]), pairs(2))
    assert (found.share, found.low, found.high) == (1.0, 1.0, 1.0)
    still = variance_shares(np.ones(4), pairs(2))
    assert np.isnan(still.share)


def test_pairs_count_as_one_for_the_error_of_a_mean() -> None:
    values = drawn(9, 1.0, 0.5, 6)
    found = mean_ci_over_replicates(values, 0.95, pairs(9))
    means = values.reshape(9, 2).mean(axis=1)
    assert found.mean == pytest.approx(values.mean())
    assert found.standard_error == pytest.approx(means.std(ddof=1) / 3.0)
    low, high = stats.t.interval(0.95, 8, means.mean(), means.std(ddof=1) / 3.0)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.n == 18


def test_clusters_of_one_are_no_clusters() -> None:
    values = np.random.default_rng(2).standard_normal((7, 3))
    values[2, 1] = np.nan
    plain = mean_ci_over_replicates(values, 0.9)
    single = mean_ci_over_replicates(values, 0.9, np.arange(7))
    for one, other in zip(plain, single, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_one_cluster_says_nothing_about_the_error() -> None:
    found = mean_ci_over_replicates(np.array([1.0, 2.0]), 0.9, np.zeros(2, dtype=int))
    assert found.mean == 1.5
    assert np.isnan(found.standard_error)


def test_a_level_is_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="level = 1 must be above 0 and below 1"):
        variance_shares(np.ones(4), pairs(2), 1)
