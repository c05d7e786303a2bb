"""Equity indicators against worked examples, published tables and lognormal closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from cbhi import indicators as ind

X = [10, 20, 30, 40, 100]
OOP = [2, 3, 4, 5, 6]
SIGMA = math.sqrt(2) * norm.ppf((1 + 0.49) / 2)

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
positive = st.lists(st.integers(1, 50), min_size=2, max_size=20)


def lognormal_bins(sigma: float, n: int = 20_000) -> np.ndarray:
    """Exact means of a unit-mean lognormal inside n equal quantile bins."""
    edges = np.linspace(0, 1, n + 1)
    return np.diff(norm.cdf(norm.ppf(edges) - sigma)) * n


class TestToy:
    def test_gini_of_five_households(self) -> None:
        # ranks .1 .3 .5 .7 .9; sum x (2R - 1) = -8 - 8 + 0 + 16 + 80 = 80 over 200
        assert ind.gini(X) == pytest.approx(0.4, abs=1e-12)

    def test_concentration_and_kakwani(self) -> None:
        assert ind.concentration_index(OOP, X) == pytest.approx(0.2, abs=1e-12)
        assert ind.kakwani_index(OOP, X) == pytest.approx(-0.2, abs=1e-12)

    def test_generalised_is_index_times_mean(self) -> None:
        assert ind.generalised_concentration_index(OOP, X) == pytest.approx(0.2 * 4, abs=1e-12)

    def test_fractional_rank_shares_ties(self) -> None:
        assert ind.fractional_rank([5, 1, 5, 9]).tolist() == [0.5, 0.125, 0.5, 0.875]
        # weights 1, 3 on the tie of value 5: group runs from 1/6 to 5/6
        assert ind.fractional_rank([5, 1, 5, 9], [1, 1, 3, 1]) == pytest.approx([0.5, 1 / 12, 0.5, 11 / 12])

    def test_standard_error_by_hand(self) -> None:
        # a = 1.4 1.2 1.1 1.1 1.2; mean of squares 1.452; (1 + C)^2 = 1.44; variance .012 / 5
        estimate = ind.concentration_index_estimate(OOP, X)
        assert estimate.value == pytest.approx(0.2, abs=1e-12)
        assert estimate.standard_error == pytest.approx(math.sqrt(0.012 / 5), abs=1e-12)
        assert estimate.t_ratio == pytest.approx(0.2 / math.sqrt(0.0024))

    def test_curves(self) -> None:
        lorenz = ind.lorenz_curve(X)
        assert lorenz.population_share == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
        assert lorenz.value_share == pytest.approx([0, 0.05, 0.15, 0.3, 0.5, 1])
        curve = ind.concentration_curve(OOP, X, points=[0, 0.1, 0.4, 1])
        assert curve.value_share == pytest.approx([0, 0.05, 0.25, 1])

    def test_quantile_shares_split_a_tie_at_the_border(self) -> None:
        # three equal poor rows hold 3 of 6; the border of halves cuts nothing, that of thirds cuts the tie
        assert ind.quantile_shares([4, 1, 1, 6], [1, 1, 1, 2], n_groups=2) == pytest.approx([1 / 3, 2 / 3])

    def test_reynolds_smolensky_equals_kakwani_times_average_rate(self) -> None:
        assert ind.reynolds_smolensky_index(OOP, X) == pytest.approx(-0.2 * 0.1 / 0.9, abs=1e-12)

    def test_redistribution_with_reranking(self) -> None:
        # before 10 12 20: G = (10(-2/3) + 20(2/3)) / 42; after 10 7 20 by old rank and by new rank
        effect = ind.redistributive_effect([0, 5, 0], [10, 12, 20])
        before, same, after = (20 / 3) / 42, (20 / 3) / 37, (13 * 2 / 3) / 37
        assert effect.vertical == pytest.approx(before - same)
        assert effect.reranking == pytest.approx(after - same)
        assert effect.total == pytest.approx(before - after)
        assert effect.reranking > 0

    def test_erreygers_and_wagstaff_by_hand(self) -> None:
        # one ill among the poorest of four: mean .25, C = -.75
        ill, rank = [1, 0, 0, 0], [1, 2, 3, 4]
        assert ind.concentration_index(ill, rank) == pytest.approx(-0.75)
        assert ind.erreygers_index(ill, rank) == pytest.approx(4 * 0.25 * -0.75)
        assert ind.wagstaff_index(ill, rank) == pytest.approx(-0.75 / (1 - 0.25))

    def test_bounded_indices_with_other_bounds(self) -> None:
        # 0 and 1 recoded as 10 and 30 must not move an index that corrects for the bounds
        recoded = [30, 10, 10, 10]
        assert ind.erreygers_index(recoded, [1, 2, 3, 4], lower=10, upper=30) == pytest.approx(-0.75)
        assert ind.wagstaff_index(recoded, [1, 2, 3, 4], lower=10, upper=30) == pytest.approx(-1.0)

    def test_erreygers_equals_wagstaff_at_mean_one_half(self) -> None:
        # the identity behind the published .34530408 -> .17265204 -> .69060816
        binary, rank = [1, 0, 1, 0, 0, 1], [6, 2, 5, 1, 3, 4]
        c = ind.concentration_index(binary, rank)
        assert ind.generalised_concentration_index(binary, rank) == pytest.approx(c / 2)
        assert ind.erreygers_index(binary, rank) == pytest.approx(2 * c)
        assert ind.wagstaff_index(binary, rank) == pytest.approx(2 * c)

    def test_extended_index_by_hand(self) -> None:
        # weights 19/27, 7/27, 1/27 on 1, 1, 2: 28/27 over a mean of 4/3
        assert ind.extended_concentration_index([1, 1, 2], [1, 2, 3], aversion=3) == pytest.approx(2 / 9)
        assert ind.extended_concentration_index(OOP, X, aversion=2) == pytest.approx(0.2)
        assert ind.extended_concentration_index(OOP, X, aversion=1) == pytest.approx(0.0)
        assert ind.extended_concentration_index([7, 7, 7], [1, 2, 3], aversion=4.5) == pytest.approx(0.0)

    def test_benefit_incidence_by_hand(self) -> None:
        result = ind.benefit_incidence(
            [2, 1, 1, 0], [1, 2, 3, 4], unit_cost=100, fees=[0, 0, 50, 0], n_groups=2
        )
        assert result.subsidy.tolist() == [200, 100, 50, 0]
        assert result.mean_by_group == pytest.approx([150, 25])
        assert result.share_by_group == pytest.approx([300 / 350, 50 / 350])
        # (200(-.75) + 100(-.25) + 50(.25)) / 350
        assert result.concentration_index == pytest.approx(-162.5 / 350)

    def test_horizontal_inequity_by_hand(self) -> None:
        # need predicts 1.5 for everybody, so all of C = 2.5 / 6 is inequity
        assert ind.horizontal_inequity([0, 1, 2, 3], [1, 2, 3, 4], [1, 0, 0, 1]) == pytest.approx(2.5 / 6)

    def test_horizontal_inequity_holds_controls_at_their_mean(self) -> None:
        # use = need + 2 * insured exactly; need is flat over rank, so inequity is all of C
        rank, need, insured = [1, 2, 3, 4], [1, 0, 0, 1], [0, 0, 1, 1]
        use = [1, 0, 2, 3]
        c = ind.concentration_index(use, rank)
        assert ind.horizontal_inequity(use, rank, need, controls=insured) == pytest.approx(c)
        assert c == pytest.approx((1 * -0.75 + 2 * 0.25 + 3 * 0.75) / 6)


class TestPublished:
    births = np.array([29939, 28776, 26528, 24689, 19739])
    deaths = np.array([4632, 4400, 3170, 2145, 1072])

    def test_world_bank_table_8_1(self) -> None:
        india = ind.grouped_concentration_index(self.births, self.deaths / self.births)
        assert india.terms.round(4).tolist() == [-0.0008, -0.0267, -0.0592, -0.0827, 0.0]
        assert round(india.value, 4) == -0.1694
        assert round(india.standard_error, 4) == 0.0616
        assert round(india.t_ratio, 2) == -2.75

    def test_two_groups_by_hand(self) -> None:
        # means 1 and 3 hold .25 and .75 of the total: C = .5 * 1 - 1 * .25
        two = ind.grouped_concentration_index([10, 10], [1, 3])
        assert two.value == pytest.approx(0.25)
        a = (0.5 * (-0.5 - 0.25) + 2 - 0 - 0.25, 1.5 * (0.5 - 0.25) + 2 - 0.25 - 1)
        assert a == pytest.approx((1.375, 1.125))
        variance = ((a[0] ** 2 + a[1] ** 2) / 2 - 1.25**2) / 2
        assert two.standard_error == pytest.approx(math.sqrt(variance))

    def test_grouped_agrees_with_rows(self) -> None:
        rank = np.repeat(np.arange(5), self.births)
        died = np.concatenate([np.arange(b) < d for b, d in zip(self.births, self.deaths, strict=True)])
        share = self.deaths / self.births
        grouped = ind.grouped_concentration_index(self.births, share, share * (1 - share))
        rows = ind.concentration_index_estimate(died, rank)
        assert rows.value == pytest.approx(grouped.value, rel=1e-10)
        assert rows.standard_error == pytest.approx(grouped.standard_error, rel=1e-10)
        assert rows.standard_error < 0.01  # 129,671 births tell more than five means

    def test_standard_error_matches_simulation(self) -> None:
        rng = np.random.default_rng(5)
        rank = rng.lognormal(size=(1500, 120))
        y = rank**0.3 * rng.lognormal(sigma=0.4, size=rank.shape)
        fits = [ind.concentration_index_estimate(a, b) for a, b in zip(y, rank, strict=True)]
        spread = np.std([fit.value for fit in fits])
        assert np.mean([fit.standard_error for fit in fits]) == pytest.approx(spread, rel=0.1)


class TestLognormal:
    """Closed forms for lognormal living standards with Gini .49."""

    x = lognormal_bins(SIGMA)

    def test_gini(self) -> None:
        assert ind.gini(self.x) == pytest.approx(0.49, abs=1e-6)

    @pytest.mark.parametrize(
        ("elasticity", "concentration", "kakwani"),
        [
            (0.0, 0.0, -0.49),
            (0.5, 0.258161, -0.231839),
            (0.8, 0.401855, -0.088145),
            (1.0, 0.49, 0.0),
            (1.2, 0.570826, 0.080826),
        ],
    )
    def test_payments_with_an_elasticity(
        self, elasticity: float, concentration: float, kakwani: float
    ) -> None:
        payment = lognormal_bins(elasticity * SIGMA)
        assert ind.concentration_index(payment, self.x) == pytest.approx(concentration, abs=2e-6)
        assert ind.kakwani_index(payment, self.x) == pytest.approx(kakwani, abs=2e-6)

    def test_shares_of_the_poorest(self) -> None:
        curve = ind.lorenz_curve(self.x, points=[0.2, 0.4])
        assert curve.value_share.round(6).tolist() == [0.038085, 0.117992]
        assert ind.quantile_shares(self.x, self.x)[0] == pytest.approx(0.038085, abs=1e-6)

    def test_poverty_indices(self) -> None:
        n = 200_000
        grid = np.exp(SIGMA * norm.ppf((np.arange(n) + 0.5) / n) - SIGMA**2 / 2)
        line = 0.574931
        assert ind.poverty_headcount(grid, poverty_line=line) == pytest.approx(0.449, abs=1e-5)
        gap = ind.foster_greer_thorbecke(grid, poverty_line=line, alpha=1)
        assert gap == pytest.approx(0.197510, abs=2e-6)
        assert ind.poverty_gap(grid, poverty_line=line) == pytest.approx(gap * line)
        squared = ind.foster_greer_thorbecke(grid, poverty_line=line, alpha=2)
        assert squared == pytest.approx(0.113267, abs=2e-6)

    def test_pareto_gini(self) -> None:
        alpha = 1.5204
        p = np.linspace(0, 1, 200_001)
        bins = np.diff(1 - (1 - p) ** (1 - 1 / alpha))
        assert ind.gini(bins) == pytest.approx(1 / (2 * alpha - 1), abs=1e-4)
        assert round(1 / (2 * alpha - 1), 2) == 0.49


class TestProperties:
    @quick
    @given(positive, st.floats(0.01, 1000))
    def test_gini_ignores_the_currency(self, values: list[int], factor: float) -> None:
        assert ind.gini(np.multiply(values, factor)) == pytest.approx(ind.gini(values), abs=1e-10)

    @quick
    @given(positive)
    def test_gini_bounds(self, values: list[int]) -> None:
        n = len(values)
        assert -1e-12 <= ind.gini(values) <= 1 - 1 / n + 1e-12

    def test_gini_extremes(self) -> None:
        assert ind.gini([3, 3, 3]) == pytest.approx(0.0, abs=1e-12)
        assert ind.gini([0, 0, 0, 8]) == pytest.approx(0.75)

    @quick
    @given(positive)
    def test_gini_falls_when_everybody_gets_the_same_sum(self, values: list[int]) -> None:
        assert ind.gini(np.add(values, 10)) <= ind.gini(values) + 1e-12

    @quick
    @given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), min_size=2, max_size=20))
    def test_concentration_index_lies_within_the_gini(self, rows: list[tuple[int, int]]) -> None:
        values, rank = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
        values[0] += 1
        assert abs(ind.concentration_index(values, rank)) <= ind.gini(values) + 1e-12

    @quick
    @given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 6)), min_size=2, max_size=20))
    def test_reversing_the_rank_flips_the_sign(self, rows: list[tuple[int, int]]) -> None:
        values, rank = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
        forward, backward = ind.concentration_index(values, rank), ind.concentration_index(values, -rank)
        assert forward == pytest.approx(-backward, abs=1e-12)

    @quick
    @given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 6)), min_size=2, max_size=20))
    def test_index_is_twice_the_area_to_the_diagonal(self, rows: list[tuple[int, int]]) -> None:
        values, rank = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
        p, share = ind.concentration_curve(values, rank)
        area = 1 - 2 * np.trapezoid(share, p)
        assert ind.concentration_index(values, rank) == pytest.approx(area, abs=1e-12)

    @quick
    @given(st.lists(st.booleans(), min_size=2, max_size=20))
    def test_bounded_indices_mirror(self, ill: list[bool]) -> None:
        rank = np.arange(len(ill))
        well = [not i for i in ill]
        total = ind.erreygers_index(ill, rank) + ind.erreygers_index(well, rank)
        assert total == pytest.approx(0, abs=1e-12)
        wagstaff = ind.wagstaff_index(ill, rank) + ind.wagstaff_index(well, rank)
        assert math.isnan(wagstaff) if all(ill) or all(well) else wagstaff == pytest.approx(0, abs=1e-12)

    @quick
    @given(positive)
    def test_proportional_payments_change_nothing(self, values: list[int]) -> None:
        payments = np.multiply(values, 0.25)
        assert ind.kakwani_index(payments, values) == pytest.approx(0, abs=1e-12)
        assert ind.redistributive_effect(payments, values) == pytest.approx((0, 0, 0), abs=1e-12)


class TestAbsence:
    def test_nothing_to_distribute_is_absent(self) -> None:
        zero, rank = [0, 0, 0], [1, 2, 3]
        assert math.isnan(ind.gini(zero))
        assert math.isnan(ind.concentration_index(zero, rank))
        assert math.isnan(ind.extended_concentration_index(zero, rank))
        assert math.isnan(ind.kakwani_index(zero, rank))
        assert math.isnan(ind.horizontal_inequity(zero, rank, [1, 0, 1]))
        assert all(math.isnan(v) for v in ind.concentration_index_estimate(zero, rank))
        assert np.isnan(ind.quantile_shares(zero, rank)).all()
        assert np.isnan(ind.concentration_curve(zero, rank).value_share).all()
        assert math.isnan(ind.grouped_concentration_index([1, 1], [0, 0]).value)
        assert ind.generalised_concentration_index(zero, rank) == 0.0

    def test_no_subsidy_left_is_absent_but_means_are_not(self) -> None:
        result = ind.benefit_incidence([1, 1], [1, 2], unit_cost=10, fees=[20, 0], n_groups=2)
        assert result.mean_by_group.tolist() == [-10, 10]
        assert np.isnan(result.share_by_group).all()
        assert math.isnan(result.concentration_index)

    def test_one_rank_has_no_standard_error(self) -> None:
        estimate = ind.concentration_index_estimate([1, 2], [5, 5])
        assert estimate.value == 0.0
        assert math.isnan(estimate.standard_error)
        assert math.isnan(ind.grouped_concentration_index([3], [2]).standard_error)


def test_collinear_controls_are_refused() -> None:
    with pytest.raises(ValueError, match="controls"):
        ind.horizontal_inequity([0, 1, 2, 3], [1, 2, 3, 4], [1, 0, 0, 1], controls=[2, 0, 0, 2])


def test_values_outside_the_bounds_are_refused() -> None:
    for index in (ind.erreygers_index, ind.wagstaff_index):
        with pytest.raises(ValueError, match="values must lie between"):
            index([0, 2], [1, 2])
        with pytest.raises(ValueError, match="upper"):
            index([0, 1], [1, 2], lower=1, upper=1)
