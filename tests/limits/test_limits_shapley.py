"""V18: Shapley values and interactions."""

import math
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cbhi import limits

TOY = [0, 20, 5, 28, 30, 60, 40, 78]  # nobody, S, L, SL, M, SM, LM, SLM


def by_size_then_name(n, worths):
    """Turn a game listed by coalition size, then lexicographically, into positions."""
    players = [str(i) for i in range(n)]
    coalitions = [frozenset(c) for k in range(1, n + 1) for c in combinations(players, k)]
    return limits.game_array(players, dict(zip(coalitions, worths, strict=True)))


def test_aumann_anchor():
    worths = [120, 60, 40, 30, 120, 120, 120, 60, 60, 40, 120, 120, 120, 60, 120]
    values = limits.shapley_values(by_size_then_name(4, worths))
    assert values == pytest.approx([80.83333, 20.83333, 10.83333, 7.5], abs=5e-6)


def test_product_game_anchor():
    game = by_size_then_name(3, [68, 102, 0, 170, 710, 762, 992])
    assert limits.shapley_values(game) == pytest.approx([229, 272, 491])
    index = limits.shapley_interactions(game)
    assert (index[0, 1], index[0, 2], index[1, 2]) == pytest.approx((-240, 402, 420))


def test_toy_anchor():
    assert limits.shapley_values(TOY) == pytest.approx([28.1667, 10.6667, 39.1667], abs=5e-5)
    assert limits.total_synergy(TOY) == 23.0
    index = limits.shapley_interactions(TOY)
    assert (index[0, 1], index[0, 2], index[1, 2]) == pytest.approx((5.5, 12.5, 7.5))
    assert limits.moebius_transform(TOY)[-1] == 5.0


def by_permutations(v, n):
    values = np.zeros(n)
    for order in permutations(range(n)):
        members = 0
        for i in order:
            values[i] += v[members | 1 << i] - v[members]
            members |= 1 << i
    return values / math.factorial(n)


games = st.integers(1, 5).flatmap(lambda n: arrays(float, 1 << n, elements=st.integers(-50, 50).map(float)))


@given(games)
@settings(derandomize=True, deadline=None)
def test_values_against_permutations_and_dividends(v):
    n = v.size.bit_length() - 1
    values = limits.shapley_values(v)
    assert values == pytest.approx(by_permutations(v, n), abs=1e-9)
    assert values.sum() == pytest.approx(v[-1] - v[0], abs=1e-9)
    dividends = limits.moebius_transform(v)
    inside = {s: [t for t in range(v.size) if t & s == t] for s in range(v.size)}
    assert [dividends[inside[s]].sum() for s in range(v.size)] == pytest.approx(list(v), abs=1e-9)
    share = [sum(dividends[s] / s.bit_count() for s in range(v.size) if s >> i & 1) for i in range(n)]
    assert values == pytest.approx(share, abs=1e-9)
    halves = [
        sum(dividends[s] / 2 ** (s.bit_count() - 1) for s in range(v.size) if s >> i & 1) for i in range(n)
    ]
    assert limits.banzhaf_values(v) == pytest.approx(halves, abs=1e-9)
    assert limits.total_synergy(v) == pytest.approx(
        sum(d for s, d in enumerate(dividends) if s.bit_count() >= 2), abs=1e-9
    )
    if n >= 2:
        index = limits.shapley_interactions(v)
        assert np.array_equal(index, index.T)
        for i, j in combinations(range(n), 2):
            both = 1 << i | 1 << j
            total = sum(dividends[s] / (s.bit_count() - 1) for s in range(v.size) if s & both == both)
            assert index[i, j] == pytest.approx(total, abs=1e-9)


@given(arrays(float, 16, elements=st.integers(-50, 50).map(float)), st.permutations(range(4)))
@settings(derandomize=True, deadline=None)
def test_symmetry_dummy_and_baseline(v, order):
    relabelled = np.empty(16)
    for s in range(16):
        relabelled[sum(1 << order[i] for i in range(4) if s >> i & 1)] = v[s]
    values = limits.shapley_values(v)
    assert limits.shapley_values(relabelled)[list(order)] == pytest.approx(values, abs=1e-9)
    assert limits.shapley_values(v + 7) == pytest.approx(values, abs=1e-9)
    with_dummy = np.concatenate([v, v + 3])  # a fifth player who always adds 3
    assert limits.shapley_values(with_dummy) == pytest.approx([*values, 3.0], abs=1e-9)
    assert limits.banzhaf_values(with_dummy)[4] == pytest.approx(3.0)
    assert limits.shapley_interactions(with_dummy)[4] == pytest.approx(np.zeros(5), abs=1e-9)
    assert limits.total_synergy(with_dummy) == pytest.approx(limits.total_synergy(v), abs=1e-9)


def test_inputs_are_left_alone():
    v = np.array(TOY, float)
    limits.moebius_transform(v)
    assert np.array_equal(v, TOY)


def test_game_array_names_what_is_wrong():
    worths = {frozenset("a"): 1.0, frozenset("b"): 2.0, frozenset("ab"): 4.0}
    assert limits.game_array(["b", "a"], worths) == pytest.approx([0, 2, 1, 4])
    with pytest.raises(
        ValueError, match=r"^worths must be given for every coalition, got none for \['a', 'b'\]"
    ):
        limits.game_array(["a", "b"], {frozenset("a"): 1.0, frozenset("b"): 2.0})
    with pytest.raises(ValueError, match=r"unknown \['c'\]"):
        limits.game_array(["a", "b"], worths | {frozenset("c"): 1.0})
    with pytest.raises(ValueError, match="distinct names"):
        limits.game_array(["a", "a"], worths)
    with pytest.raises(ValueError, match=r"^worths\[\['a'\]\] must be a finite number, got nan"):
        limits.game_array(["a", "b"], worths | {frozenset("a"): math.nan})
