"""Solvency indicators against ruin theory and aggregate claims in closed form."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from cbhi import indicators as ind

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
PANJER = [0.13533528, 0.13533528, 0.14886881, 0.15789116, 0.12473402, 0.0985692, 0.07295324, 0.04870244]


class TestRuin:
    def test_random_walk_within_ten_years(self) -> None:
        """Every one of the 1,024 walks from a reserve of 4 with loss probability .45."""
        steps = np.array(list(itertools.product([1, -1], repeat=10)))
        probability = np.where(steps > 0, 0.55, 0.45).prod(axis=1)
        ruin = ind.ruin_probability_by_horizon(4 + steps.cumsum(axis=1), probability)
        assert round(float(ruin[-1]), 6) == 0.063895
        assert ruin[:4].tolist() == [0, 0, 0, 0]
        assert ruin[4] == pytest.approx(0.45**5)

    def test_ruin_is_below_not_at_the_barrier(self) -> None:
        assert ind.ruin_probability_by_horizon([[0.0, 1e-9]]).tolist() == [0, 0]
        assert ind.ruin_probability_by_horizon([[0.0, 1.0]], barrier=0.5).tolist() == [1, 1]

    @quick
    @given(st.lists(st.lists(st.integers(-5, 5), min_size=4, max_size=4), min_size=1, max_size=8))
    def test_probability_never_falls(self, paths: list[list[int]]) -> None:
        ruin = ind.ruin_probability_by_horizon(paths)
        assert np.all(np.diff(ruin) >= 0)
        assert np.all((ruin >= 0) & (ruin <= 1))
        assert ruin[-1] == pytest.approx(np.mean(ind.bail_out_cost(paths) > 0))

    def test_bail_out_is_the_deepest_deficit(self) -> None:
        assert ind.bail_out_cost([[5, -1, -3], [5, 2, 4], [-2, 8, -1]]).tolist() == [3, 0, 2]


class TestArrears:
    def test_littles_law(self) -> None:
        # 100 a month with a delay of three months leaves 300 unpaid
        assert ind.arrears_days(300, 100) == pytest.approx(90)
        assert ind.arrears_days([300, 50], [100, 100]) == pytest.approx([90, 15])

    def test_no_approvals_is_absent(self) -> None:
        assert math.isnan(ind.arrears_days(0, 0))  # type: ignore[arg-type]
        assert math.isnan(ind.arrears_days(None, 5))  # type: ignore[arg-type]

    def test_probability(self) -> None:
        table = [[0, 100, 0], [0, 30, 90], [91, 0, 0], [10, 20, 30]]
        assert ind.probability_of_arrears(table) == 0.5
        assert ind.probability_of_arrears(table, [1, 0, 2, 1]) == 0.75
        assert ind.probability_of_arrears([100, 90, 91, 30]) == 0.5
        assert ind.share_of_time_in_arrears(table) == pytest.approx(2 / 12)
        assert ind.share_of_time_in_arrears(table, [3, 0, 0, 1], days=25) == pytest.approx(4 / 12)

    def test_months_of_reserve(self) -> None:
        assert ind.months_of_reserve(600, 200) == 3
        assert ind.months_of_reserve([-100, 50], [50, 0]) == pytest.approx([-2, np.nan], nan_ok=True)


class TestRisk:
    def test_by_hand(self) -> None:
        losses = [0, 0, 0, 10, 50]
        assert ind.value_at_risk(losses, level=0.6) == 0
        assert ind.value_at_risk(losses, level=0.61) == 10
        assert ind.value_at_risk(losses, level=0.8) == 10
        assert ind.tail_value_at_risk(losses, level=0.8) == pytest.approx(50)
        # the worst 30 %: one fifth at 50 and half of the fifth at 10
        assert ind.tail_value_at_risk(losses, level=0.7) == pytest.approx((0.2 * 50 + 0.1 * 10) / 0.3)

    def test_rounding_does_not_move_the_quantile(self) -> None:
        losses = np.arange(10.0)
        for k in range(1, 10):
            assert ind.value_at_risk(losses, level=k / 10) == k - 1

    def test_aggregate_claims(self) -> None:
        """Poisson(2) claims of 1, 2, 3 with .5, .3, .2: Panjer, stop-loss at 6 is .305874."""
        mass = np.zeros(80)
        mass[0] = math.exp(-2)
        for s in range(1, 80):
            mass[s] = sum(2 / s * x * f * mass[s - x] for x, f in ((1, 0.5), (2, 0.3), (3, 0.2)) if x <= s)
        assert mass[:8] == pytest.approx(PANJER, abs=1e-8)
        claims = np.arange(80)
        assert ind.value_at_risk(claims, mass, level=0.85) == 6
        stop_loss = (ind.tail_value_at_risk(claims, mass, level=0.85) - 6) * 0.15
        assert stop_loss == pytest.approx(0.305874, abs=1e-6)

    @pytest.mark.parametrize(
        ("default", "correlation", "level", "loss"),
        [
            (0.05, 0.2, 0.999, 0.384422),
            (0.05, 0.2, 0.99, 0.249575),
            (0.10, 0.10, 0.99, 0.282502),
            (0.02, 0.05, 0.99, 0.057813),
        ],
    )
    def test_one_factor_loan_book(
        self, default: float, correlation: float, level: float, loss: float
    ) -> None:
        n = 1_000_000
        shock = norm.ppf(np.arange(1, n) / n)
        book = norm.cdf((norm.ppf(default) + math.sqrt(correlation) * shock) / math.sqrt(1 - correlation))
        assert ind.value_at_risk(book, level=level) == pytest.approx(loss, abs=2e-6)

    def test_normal_tail(self) -> None:
        n = 400_000
        z = norm.ppf((np.arange(n) + 0.5) / n)
        assert ind.tail_value_at_risk(z, level=0.95) == pytest.approx(
            norm.pdf(norm.ppf(0.95)) / 0.05, abs=1e-4
        )

    @quick
    @given(st.lists(st.integers(-9, 9), min_size=1, max_size=15), st.floats(0.01, 0.99))
    def test_tail_is_never_below_the_quantile_nor_the_mean(self, losses: list[int], level: float) -> None:
        tail = ind.tail_value_at_risk(losses, level=level)
        assert tail >= ind.value_at_risk(losses, level=level) - 1e-12
        assert np.mean(losses) - 1e-9 <= tail <= max(losses) + 1e-9
