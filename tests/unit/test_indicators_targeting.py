"""Targeting indicators against worked examples and the bivariate normal."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from cbhi import indicators as ind

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)

# sensitivity = specificity = .7 with 40 % poor: 28 12 18 42 of every hundred
SELECTED = [1, 0, 1, 0]
POOR = [1, 1, 0, 0]
COUNT = [28, 12, 18, 42]


class TestByHand:
    def test_errors(self) -> None:
        assert ind.coverage_of_poor(SELECTED, POOR, COUNT) == pytest.approx(0.7)
        assert ind.coverage_of_non_poor(SELECTED, POOR, COUNT) == pytest.approx(0.3)
        assert ind.exclusion_error(SELECTED, POOR, COUNT) == pytest.approx(0.3)
        assert round(ind.inclusion_error(SELECTED, POOR, COUNT), 4) == 0.3913
        assert ind.targeting_differential(SELECTED, POOR, COUNT) == pytest.approx(0.4)

    def test_coady_grosh_hoddinott(self) -> None:
        rank = [1, 1, 2, 2]  # all poor are tied below all others
        assert round(ind.coady_grosh_hoddinott(SELECTED, rank, COUNT), 4) == 1.5217

    def test_border_through_a_tie_is_split(self) -> None:
        # everybody tied: the poorest 40 % are a fair sample of all
        assert ind.coady_grosh_hoddinott([5, 0, 1], [3, 3, 3]) == pytest.approx(1.0)
        assert ind.coady_grosh_hoddinott([1, 0], [1, 2], poor_share=0.25) == pytest.approx(2.0)

    def test_leakage_is_money_not_heads(self) -> None:
        assert ind.leakage([30, 10, 0, 60], [1, 0, 1, 0]) == pytest.approx(0.7)
        assert ind.leakage(SELECTED, POOR, COUNT) == pytest.approx(18 / 46)

    def test_decile_incidence(self) -> None:
        shares = ind.decile_incidence([2, 1, 1, 0, 0], [1, 2, 3, 4, 5])
        assert shares == pytest.approx([0.25, 0.25, 0.125, 0.125, 0.125, 0.125, 0, 0, 0, 0])

    def test_coverage_by_quantile(self) -> None:
        assert ind.coverage_by_quantile([1, 0, 1, 1], [1, 2, 3, 4], n_groups=2).tolist() == [0.5, 1]
        assert ind.coverage_by_quantile([1, 0, 1, 1], [1, 2, 3, 4], n_groups=1).tolist() == [0.75]
        # group of 3 tied rows over halves of 4: the border cuts the tie in 2 and 1
        halves = ind.coverage_by_quantile([1, 0, 0, 1], [1, 1, 1, 2], n_groups=2)
        assert halves == pytest.approx([1 / 3, (1 / 3 + 1) / 2])

    def test_cost_per_correctly_covered(self) -> None:
        assert ind.cost_per_correctly_covered(5600, SELECTED, POOR, COUNT) == pytest.approx(200)

    def test_absence(self) -> None:
        assert math.isnan(ind.coverage_of_poor([1, 0], [0, 0]))
        assert math.isnan(ind.exclusion_error([1, 0], [0, 0]))
        assert math.isnan(ind.coverage_of_non_poor([1, 0], [1, 1]))
        assert math.isnan(ind.targeting_differential([1, 0], [1, 1]))
        assert math.isnan(ind.inclusion_error([0, 0], [1, 0]))
        assert math.isnan(ind.leakage([0, 0], [1, 0]))
        assert math.isnan(ind.coady_grosh_hoddinott([0, 0], [1, 2]))
        assert math.isnan(ind.cost_per_correctly_covered(10, [0, 1], [1, 0]))
        assert np.isnan(ind.decile_incidence([0, 0], [1, 2])).all()


class TestBivariateNormal:
    """A score correlated with living standard: each quantile appears selected and not, by probability."""

    m = 20_000
    z = norm.ppf((np.arange(m) + 0.5) / m)
    standard = np.concatenate([z, z])
    selected = np.repeat([True, False], m)

    def weights(self, r: float, slots: float) -> np.ndarray:
        chosen = norm.cdf((norm.ppf(slots) - r * self.z) / math.sqrt(1 - r**2))
        return np.concatenate([chosen, 1 - chosen])

    @pytest.mark.parametrize(
        ("r", "sensitivity", "ratio"),
        [
            (0.9, 0.768, 2.364),
            (math.sqrt(0.5), 0.600, 2.000),
            (0.5, 0.472, 1.671),
            (0.3, 0.371, 1.389),
            (0.0, 0.240, 1.000),
            (-0.3, 0.128, 0.633),
        ],
    )
    def test_as_many_slots_as_poor(self, r: float, sensitivity: float, ratio: float) -> None:
        weights = self.weights(r, 0.24)
        poor = self.standard < norm.ppf(0.24)
        assert round(ind.coverage_of_poor(self.selected, poor, weights), 3) == sensitivity
        assert round(ind.exclusion_error(self.selected, poor, weights), 3) == round(1 - sensitivity, 3)
        assert round(ind.coady_grosh_hoddinott(self.selected, self.standard, weights), 3) == ratio

    @pytest.mark.parametrize(("r", "sensitivity"), [(math.sqrt(0.5), 0.800), (-0.3, 0.253)])
    def test_more_slots_than_poor(self, r: float, sensitivity: float) -> None:
        poor = self.standard < norm.ppf(0.24)
        reached = ind.coverage_of_poor(self.selected, poor, self.weights(r, 0.40))
        assert round(reached, 3) == sensitivity


@quick
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_complements(rows: list[tuple[bool, bool]]) -> None:
    selected, poor = zip(*rows, strict=True)
    if any(poor):
        covered = ind.coverage_of_poor(selected, poor)
        assert covered + ind.exclusion_error(selected, poor) == pytest.approx(1)
    if any(selected):
        assert ind.inclusion_error(selected, poor) == pytest.approx(ind.leakage(selected, poor))


@quick
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=20))
def test_quantile_coverage_averages_to_coverage(rows: list[tuple[bool, int]]) -> None:
    selected, rank = zip(*rows, strict=True)
    assert ind.coverage_by_quantile(selected, rank).mean() == pytest.approx(np.mean(selected))
    if any(selected):
        assert ind.decile_incidence(selected, rank).sum() == pytest.approx(1)
