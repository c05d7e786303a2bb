"""Financial protection against worked examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbhi import indicators as ind

X = [10, 20, 30, 40, 100]
OOP = [2, 3, 4, 5, 6]

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
rows = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), min_size=1, max_size=15)


class TestCatastrophic:
    def test_ten_percent(self) -> None:
        assert ind.catastrophic_headcount(OOP, X, threshold=0.10) == 0.8
        assert round(ind.catastrophic_overshoot(OOP, X, threshold=0.10), 6) == 0.041667
        assert round(ind.mean_positive_overshoot(OOP, X, threshold=0.10), 6) == 0.052083
        assert ind.catastrophic_concentration_index(OOP, X, threshold=0.10) == pytest.approx(-0.20)
        assert ind.rank_weighted_headcount(OOP, X, threshold=0.10) == pytest.approx(0.96)

    def test_fifteen_percent_where_one_household_sits_on_the_threshold(self) -> None:
        assert ind.catastrophic_headcount(OOP, X, threshold=0.15) == 0.2
        assert ind.catastrophic_overshoot(OOP, X, threshold=0.15) == pytest.approx(0.01)
        assert ind.catastrophic_concentration_index(OOP, X, threshold=0.15) == pytest.approx(-0.8)
        assert ind.rank_weighted_headcount(OOP, X, threshold=0.15) == pytest.approx(0.36)
        # only the poorest overshoots: O = .01, C_O = -.8
        assert ind.rank_weighted_overshoot(OOP, X, threshold=0.15) == pytest.approx(0.018)

    @pytest.mark.parametrize("scale", [1, 0.1, 3.3, 1e9])
    @pytest.mark.parametrize("percent", range(1, 100))
    def test_rounding_never_breaks_a_tie(self, scale: float, percent: int) -> None:
        consumption = np.array([7.0, 13.0, 41.0]) * scale
        payments = consumption * percent / 100
        assert ind.catastrophic_headcount(payments, consumption, threshold=percent / 100) == 0
        assert ind.catastrophic_headcount(payments * (1 + 1e-9), consumption, threshold=percent / 100) == 1

    def test_rank_can_be_another_variable(self) -> None:
        by_hand = ind.catastrophic_concentration_index(OOP, X, threshold=0.15, rank_by=[5, 4, 3, 2, 1])
        assert by_hand == pytest.approx(0.8)

    def test_nobody_is_a_true_zero_and_its_spread_is_absent(self) -> None:
        none = [0, 0, 0, 0, 0]
        assert ind.catastrophic_headcount(none, X) == 0
        assert ind.catastrophic_overshoot(none, X) == 0
        assert ind.rank_weighted_headcount(none, X) == 0
        assert math.isnan(ind.mean_positive_overshoot(none, X))
        assert math.isnan(ind.catastrophic_concentration_index(none, X))

    @quick
    @given(rows)
    def test_a_higher_threshold_catches_fewer(self, data: list[tuple[int, int]]) -> None:
        oop, total = zip(*data, strict=True)
        heads = [ind.catastrophic_headcount(oop, total, threshold=t) for t in (0.05, 0.1, 0.25, 0.4)]
        assert heads == sorted(heads, reverse=True)
        assert all(0 <= h <= 1 for h in heads)

    @quick
    @given(rows)
    def test_weighted_identities(self, data: list[tuple[int, int]]) -> None:
        oop, total = zip(*data, strict=True)
        h, c = ind.catastrophic_headcount(oop, total), ind.catastrophic_concentration_index(oop, total)
        o, mpo = ind.catastrophic_overshoot(oop, total), ind.mean_positive_overshoot(oop, total)
        if h > 0:
            assert ind.rank_weighted_headcount(oop, total) == pytest.approx(h * (1 - c))
            assert o == pytest.approx(h * mpo)


class TestSdg:
    def test_old_form_counts_people(self) -> None:
        # shares .20 .15 .133 .125 .06 with sizes 5 4 3 2 1
        sizes = [5, 4, 3, 2, 1]
        assert ind.large_budget_share_headcount(OOP, X, household_size=sizes) == pytest.approx(14 / 15)
        assert ind.large_budget_share_headcount(OOP, X, threshold=0.25) == 0
        assert ind.large_budget_share_headcount(
            [3, 1], [10, 10], threshold=0.25, weights=[2, 1], household_size=[3, 4]
        ) == pytest.approx(6 / 10)

    def test_new_form_toy(self) -> None:
        # discretionary -2 8 18 28 88: only the poor household is above 40 %
        result = ind.financial_hardship(OOP, X, poverty_line=12)
        assert result == pytest.approx((0.2, 0.2, 0.0))

    def test_large_but_not_impoverishing(self) -> None:
        # budgets 10 10 10 0 0; shares .5 (large), .4 (tie, out), 1.1 (impoverishing), any, none
        result = ind.financial_hardship([5, 4, 11, 1, 0], [20, 20, 20, 10, 10], poverty_line=10)
        assert result == pytest.approx((0.6, 0.4, 0.2))

    def test_people_and_own_lines(self) -> None:
        result = ind.financial_hardship(
            [5, 1], [20, 20], poverty_line=[10, 10], household_size=[6, 2], weights=[1, 3]
        )
        assert result.total == pytest.approx(0.5)

    def test_poor_without_payment_do_not_count(self) -> None:
        assert ind.financial_hardship([0, 0], [1, 50], poverty_line=10).total == 0

    def test_societal_poverty_line(self) -> None:
        assert ind.societal_poverty_line([1, 2, 5]) == 2.15  # 1.15 + 1 = 2.15, the floor itself
        assert ind.societal_poverty_line([1, 1.5, 5]) == 2.15
        assert ind.societal_poverty_line([3, 4, 5]) == pytest.approx(3.15)
        assert ind.societal_poverty_line([3, 4, 6, 7]) == pytest.approx(1.15 + 2.5)
        assert ind.societal_poverty_line([3, 9], weights=[1, 2]) == pytest.approx(1.15 + 4.5)
        assert ind.societal_poverty_line([0], floor=0, base=0, median_share=0) == 0
        assert ind.societal_poverty_line([3, 9, 12], weights=[1, 1, 0]) == pytest.approx(1.15 + 3.0)


class TestCapacityToPay:
    food = (20, 30, 40, 50, 60)
    total = (100, 100, 100, 100, 100)
    single = (1, 1, 1, 1, 1)

    def test_subsistence_is_the_middle_household(self) -> None:
        assert ind.subsistence_food(self.food, self.total, self.single) == pytest.approx(40)

    def test_scale_of_a_larger_family(self) -> None:
        sizes = [1, 1, 4, 1, 1]
        need = ind.subsistence_food(self.food, self.total, sizes)
        assert need == pytest.approx(40 / 4**0.56)
        left = ind.capacity_to_pay(self.food, self.total, sizes, own_food_if_lower=False)
        assert left[2] == pytest.approx(60)
        assert left[0] == pytest.approx(100 - 40 / 4**0.56)

    def test_band_splits_households_at_its_border(self) -> None:
        # two households meet at the median: half of the band belongs to each
        assert ind.subsistence_food([2, 4], [10, 10], [1, 1]) == pytest.approx(3)
        # the upper one holds 52 % of the weight: .45-.48 from the lower, .48-.55 from the upper
        weighted = ind.subsistence_food([2, 4], [10, 10], [1, 1], weights=[48, 52])
        assert weighted == pytest.approx(0.3 * 2 + 0.7 * 4)

    def test_capacity_with_and_without_own_food(self) -> None:
        assert ind.capacity_to_pay(self.food, self.total, self.single) == pytest.approx([80, 70, 60, 60, 60])
        plain = ind.capacity_to_pay(self.food, self.total, self.single, own_food_if_lower=False)
        assert plain == pytest.approx([60] * 5)

    def test_households_are_ordered_by_food_share_not_by_food(self) -> None:
        # shares .5 .2 .8: the middle one spends 10, though 10 is the least of the three
        assert ind.subsistence_food([10, 60, 80], [20, 300, 100], self.single[:3]) == pytest.approx(10)

    def test_default_scale_of_the_headcount(self) -> None:
        # the bill of the family of four sits just below, then just above, 40 % of its capacity at .56
        sizes, food, total = [1, 4, 1], [50, 50, 49], [100, 100, 100]
        need = ind.subsistence_food(food, total, sizes, scale=0.56)
        capacity = 100 - need * 4**0.56
        just_below, just_above = [0, 0.4 * capacity * 0.999, 0], [0, 0.4 * capacity * 1.001, 0]
        plain = {"own_food_if_lower": False}
        assert ind.catastrophic_headcount_capacity_to_pay(just_below, food, total, sizes, **plain) == 0
        assert ind.catastrophic_headcount_capacity_to_pay(just_above, food, total, sizes, **plain) > 0.3

    def test_catastrophic_headcount(self) -> None:
        # Xu's limits 32 28 24 24 24 and plain 24s; 24 itself is a tie
        oop = [31, 29, 24, 25, 0]
        arguments = (oop, self.food, self.total, self.single)
        assert ind.catastrophic_headcount_capacity_to_pay(*arguments) == pytest.approx(0.4)
        assert ind.catastrophic_headcount_capacity_to_pay(
            *arguments, own_food_if_lower=False
        ) == pytest.approx(0.6)


class TestPoverty:
    def test_toy(self) -> None:
        result = ind.impoverishment(OOP, X, poverty_line=18)
        assert result == pytest.approx((0.2, 0.4, 0.2, 1.6, 2.2, 0.6))

    def test_on_the_line_is_not_poor(self) -> None:
        assert ind.poverty_headcount([18, 17.9], poverty_line=18) == 0.5
        assert ind.poverty_headcount([0.1 + 0.2], poverty_line=0.3) == 0

    def test_gap_and_its_powers(self) -> None:
        # line 20: shortfalls 15 10 0 0 -> shares .75 .5
        values = [5, 10, 20, 40]
        assert ind.poverty_gap(values, poverty_line=20) == pytest.approx(25 / 4)
        powers = [ind.foster_greer_thorbecke(values, poverty_line=20, alpha=a) for a in (0, 1, 2)]
        assert powers == pytest.approx([0.5, 0.3125, (0.5625 + 0.25) / 4])

    def test_a_line_of_zero_has_no_poor(self) -> None:
        assert ind.poverty_headcount([0, 1], poverty_line=0) == 0
        assert ind.financial_hardship([3, 5], [10, 10], poverty_line=0).total == 0.5

    def test_each_household_can_have_its_line(self) -> None:
        assert ind.poverty_headcount([10, 10], poverty_line=[5, 20]) == 0.5

    @quick
    @given(rows)
    def test_payments_never_reduce_poverty(self, data: list[tuple[int, int]]) -> None:
        oop, total = zip(*data, strict=True)
        result = ind.impoverishment(oop, total, poverty_line=15)
        assert result.headcount_rise >= 0
        assert result.gap_rise >= -1e-12
