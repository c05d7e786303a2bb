"""Draws against published vectors, scipy and counting."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri
from support import KEY, households, quick, within_4_se

from cbhi.kernels import codes, draws

ONES = 0xFFFFFFFF


class TestPhilox:
    # known-answer tests of the Random123 distribution (philox4x32, 10 rounds)
    @pytest.mark.parametrize(
        ("counter", "key", "expected"),
        [
            ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
            ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
            (
                (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
                (0xA4093822, 0x299F31D0),
                (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
            ),
        ],
    )
    def test_published_vectors(
        self, counter: tuple[int, ...], key: tuple[int, int], expected: object
    ) -> None:
        assert tuple(int(x) for x in draws.philox(*counter, *key)) == expected

    def test_against_numpys_own_philox_is_another_width(self) -> None:
        # four words of 32 bits each, never more
        words = [draws.philox(i, 0, 0, 0, *KEY) for i in range(1000)]
        assert min(min(w) for w in words) >= 0
        assert max(max(w) for w in words) < 2**32
        assert len(set(words)) == 1000


class TestManyAtOnce:
    @pytest.mark.parametrize("n", [1, 7, 8, 33, draws.LANES])
    def test_the_same_as_one_at_a_time(self, n: int) -> None:
        addresses = np.zeros(draws.LANES, dtype=np.int64)
        uniforms = np.full((4, draws.LANES), -1.0)
        places = [(2**24 + 3 * i, i % 128) for i in range(n)]
        for i, place in enumerate(places):
            addresses[i] = draws.address(*place)
        draws.fill_blocks(KEY, 2**24 - 1, 24_001, codes.DRAW_LIFE, n, addresses, uniforms)
        for i, (ordinal, member) in enumerate(places):
            expected = draws.block(KEY, 2**24 - 1, ordinal, member, 24_001, codes.DRAW_LIFE, 0)
            assert tuple(uniforms[:, i]) == tuple(expected)
        # nothing beyond the last vector
        assert (uniforms[:, draws.whole_vectors(n) :] == -1.0).all()

    @pytest.mark.parametrize(("n", "lanes"), [(0, 0), (1, 8), (8, 8), (9, 16), (511, 512), (512, 512)])
    def test_whole_vectors(self, n: int, lanes: int) -> None:
        assert draws.whole_vectors(n) == lanes <= draws.LANES


class TestAddress:
    def test_no_two_addresses_share_a_counter(self) -> None:
        edges = dict(
            section=(0, 1, 2**24 - 1),
            ordinal=(0, 1, 2**32 - 1),
            member=(0, 1, 255),
            month=(0, 1, 65535),
            decision=(1, 20, 61),
            index=(0, 1, 65535),
        )
        seen = {tuple(map(int, draws.counter(*place))) for place in itertools.product(*edges.values())}
        assert len(seen) == math.prod(len(values) for values in edges.values())

    def test_every_decision_has_its_own_code(self) -> None:
        names = [name for name in vars(codes) if name.startswith("DRAW_")]
        assert len({getattr(codes, name) for name in names}) == len(names) > 10

    @pytest.mark.parametrize("position", range(6))
    def test_every_part_of_the_address_changes_the_draw(self, position: int) -> None:
        here = [3, 5, 1, 24_000, 4, 0]
        there = list(here)
        there[position] += 1
        assert draws.uniform(KEY, *here) != draws.uniform(KEY, *there)

    def test_a_draw_is_a_function_of_its_address(self) -> None:
        assert draws.block(KEY, 1, 2, 3, 4, 5, 6) == draws.block(KEY, 1, 2, 3, 4, 5, 6)
        assert draws.uniform(KEY, 1, 2, 3, 4, 5, 6) == draws.block(KEY, 1, 2, 3, 4, 5, 6)[0]

    def test_uniforms_are_uniform_and_their_words_uncorrelated(self) -> None:
        u = np.array([draws.block(KEY, 1, i, 0, 24_000, 4, 0) for i in range(20_000)])
        assert u.min() > 0.0
        assert u.max() < 1.0
        for k in range(4):
            assert stats.kstest(u[:, k], "uniform").pvalue > 1e-4
        off = np.corrcoef(u.T)[~np.eye(4, dtype=bool)]
        assert np.abs(off).max() < 4 / math.sqrt(20_000)
        # neighbours in the counter do not resemble each other
        assert abs(np.corrcoef(u[1:, 0], u[:-1, 0])[0, 1]) < 4 / math.sqrt(20_000)

    def test_uniforms_stay_inside_the_open_interval(self) -> None:
        assert 0.5 * draws.TO_UNIT > 0.0
        assert (ONES + 0.5) * draws.TO_UNIT < 1.0


class TestManyWithIndex:
    @pytest.mark.parametrize("n", [1, 7, 8, 9, 61])
    def test_as_one_by_one(self, n: int) -> None:
        rng = np.random.default_rng(n)
        who = [(int(rng.integers(2**32)), int(rng.integers(256)), int(rng.integers(2**16))) for _ in range(n)]
        addresses, filled = np.zeros(draws.LANES, dtype=np.int64), np.zeros((4, draws.LANES))
        addresses[:n] = [draws.address(*one) for one in who]
        assert draws.address(7, 3) == draws.address(7, 3, 0)
        draws.fill_blocks(KEY, 2**24 - 1, 24_000, 17, n, addresses, filled)
        for i, (ordinal, member, index) in enumerate(who):
            assert tuple(filled[:, i]) == draws.block(KEY, 2**24 - 1, ordinal, member, 24_000, 17, index)


class TestNormalQuantile:
    def test_against_scipy(self) -> None:
        u = np.concatenate([np.linspace(0.001, 0.999, 1999), 10.0 ** -np.arange(2, 300, 1.7)])
        ours = np.array([draws.normal_quantile(x) for x in u])
        assert np.abs(ours / np.where(u == 0.5, 1.0, ndtri(u)) - 1.0)[u != 0.5].max() < 2e-14
        assert draws.normal_quantile(0.5) == 0.0

    def test_both_tails_where_draws_reach(self) -> None:
        for u in (0.5 * draws.TO_UNIT, (ONES + 0.5) * draws.TO_UNIT, 0.075, 0.925, 1e-6, 1 - 1e-6):
            assert draws.normal_quantile(u) == pytest.approx(ndtri(u), rel=1e-14, abs=1e-14)

    @given(st.floats(1e-10, 1 - 1e-10), st.floats(1e-10, 1 - 1e-10))
    @quick
    def test_monotone(self, a: float, b: float) -> None:
        low, high = sorted((a, b))
        assert draws.normal_quantile(low) <= draws.normal_quantile(high)


class TestPoissonQuantile:
    @pytest.mark.parametrize("mean", [0.001, 0.1, 0.7, 1.0, 3.0, 9.9, 25.0, 49.999])
    def test_against_scipy(self, mean: float) -> None:
        u = np.concatenate([np.linspace(0.00031, 0.99973, 701), [1e-9, 1 - 1e-9]])
        ours = [draws.poisson_quantile(x, mean) for x in u]
        np.testing.assert_array_equal(ours, stats.poisson.ppf(u, mean))

    @pytest.mark.parametrize("mean", [50.001, 75.0, 200.0, 5000.0])
    def test_large_means_are_near(self, mean: float) -> None:
        u = (np.arange(2000) + 0.5) / 2000
        ours = np.array([draws.poisson_quantile(x, mean) for x in u])
        exact = stats.poisson.ppf(u, mean)
        # the normal misses the skewness: up to (z^2 - 1) / 6, and one by rounding
        assert np.abs(ours - exact).max() <= 3
        assert ours.mean() == pytest.approx(mean, rel=1e-3)

    @pytest.mark.parametrize("mean", [0.0, -1.0])
    def test_nothing_to_expect(self, mean: float) -> None:
        assert draws.poisson_quantile(0.999, mean) == 0

    @given(st.floats(1e-9, 1 - 1e-9), st.floats(0, 200), st.floats(0, 49))
    @quick
    def test_never_negative_and_monotone_in_the_mean(self, u: float, large: float, small: float) -> None:
        assert draws.poisson_quantile(u, large) >= 0
        assert draws.poisson_quantile(u, small) <= draws.poisson_quantile(u, small + 1.0)


class TestCountFew:
    @pytest.mark.parametrize("mean", [0.0, 1e-9, 0.02, 0.5, 1.0, 3.0, 5.999, 30.0])
    def test_as_the_quantile_as_far_as_it_counts(self, mean: float) -> None:
        u = np.concatenate(
            [(np.arange(3000) + 0.5) / 3000, [0.5 * draws.TO_UNIT, (ONES + 0.5) * draws.TO_UNIT]]
        )
        ours = np.array([draws.count_few(x, mean) for x in u])
        exact = np.array([draws.poisson_quantile(x, mean) for x in u])
        np.testing.assert_array_equal(ours, np.minimum(exact, draws.FEW))

    def test_never_below_nothing(self) -> None:
        assert draws.count_few(0.999, -1.0) == 0


class TestHouseholds:
    def test_as_block_by_block(self) -> None:
        hhs = households(30)
        hhs["ordinal"] = np.arange(30) * 71_582_787
        lanes = np.full((4, 21), -1.0)
        draws.draw_households(hhs, 7, 20, KEY, 2**24 - 1, 24_001, codes.DRAW_MONTH, *lanes)
        for i in range(20):
            place = (2**24 - 1, int(hhs[7 + i].ordinal), draws.NOBODY, 24_001, codes.DRAW_MONTH, 0)
            assert tuple(lanes[:, i]) == tuple(draws.block(KEY, *place))
        assert (lanes[:, 20] == -1.0).all()


class TestTableQuantile:
    def test_every_entry_has_the_same_chance(self) -> None:
        table = np.array([1.0, 2.0, 4.0, 8.0])
        assert [draws.table_quantile(u, table) for u in (0.01, 0.26, 0.51, 0.76, 1 - 1e-12)] == [
            1,
            2,
            4,
            8,
            8,
        ]


class TestKey:
    def test_seed_and_replicate_are_hashed_not_added(self) -> None:
        keys = {draws.draw_key(seed, replicate) for seed in range(60) for replicate in range(60)}
        assert len(keys) == 3600
        assert draws.draw_key(1, 2) != draws.draw_key(2, 1)

    def test_words_fit_and_bits_are_even(self) -> None:
        keys = np.array([draws.draw_key(seed, 0) for seed in range(4000)])
        assert keys.min() >= 0
        assert keys.max() < 2**32
        for word in range(2):
            for bit in (0, 7, 31):
                assert within_4_se((keys[:, word] >> bit) & 1, 0.5)

    def test_largest_seed(self) -> None:
        low, high = draws.draw_key(2**63 - 1, 99_999)
        assert 0 <= low < 2**32
        assert 0 <= high < 2**32
