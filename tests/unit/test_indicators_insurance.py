"""Ratios of scheme accounts: worked examples, absence, refusal."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from cbhi import indicators as ind
from cbhi.indicators import insurance, monitoring

# A scheme of 1,000 members: figures of one year and the ratio worked out beside them.
WORKED = [
    (ind.net_income_ratio, (-50_000, 1_000_000), -0.05),
    (ind.incurred_expense_ratio, (220_000, 1_000_000), 0.22),
    (ind.incurred_claims_ratio, (830_000, 1_000_000), 0.83),
    (ind.combined_ratio, (830_000, 220_000, 1_000_000), 1.05),
    (ind.renewal_ratio, (680, 800), 0.85),
    (ind.coverage_ratio, (4_500, 10_000), 0.45),
    (ind.growth_ratio, (4_500, 3_600), 0.25),
    (ind.claims_rejection_ratio, (12, 400), 0.03),
    (ind.solvency_ratio, (360_000, 300_000), 1.2),
    (ind.liquidity_ratio, (90_000, 120_000), 0.75),
    (ind.social_investment_ratio, (21_000, 1_050_000), 0.02),
    (ind.incurred_claims, (800_000, 70_000, 100_000), 830_000),
    (ind.gross_penetration_rate, (1_000, 2_500), 0.4),
    (ind.dependents_per_member, (3_500, 1_000), 3.5),
    (ind.contribution_recovery_rate, (900_000, 1_200_000), 0.75),
    (ind.utilisation_rate, (4_815, 4_500), 1.07),
    (ind.average_cost_per_case, (830_000, 4_150), 200.0),
    (ind.claims_cost_per_beneficiary, (830_000, 4_150), 200.0),
    (ind.loss_ratio, (830_000, 1_000_000), 0.83),
    (ind.gross_administration_ratio, (220_000, 1_000_000), 0.22),
    (ind.self_financing_rate, (840_000, 1_050_000), 0.8),
    (ind.immediate_liquidity_ratio, (150_000, 120_000), 1.25),
    (ind.equity_to_claims_ratio, (-83_000, 830_000), -0.1),
    (ind.subsidy_dependence, (210_000, 1_050_000), 0.2),
]
NAMES = [function.__name__ for function, _, _ in WORKED]


@pytest.mark.parametrize(("function", "figures", "expected"), WORKED, ids=NAMES)
class TestRatios:
    def test_worked_example(self, function, figures, expected) -> None:
        result = function(*figures)
        assert isinstance(result, float)
        assert result == pytest.approx(expected)

    def test_years_side_by_side(self, function, figures, expected) -> None:
        result = function(*([figure, figure] for figure in figures))
        assert result.shape == (2,)
        assert result == pytest.approx([expected, expected])

    def test_a_missing_figure_is_absent_not_zero(self, function, figures, expected) -> None:
        for i in range(len(figures)):
            gap = [*figures[:i], None, *figures[i + 1 :]]
            assert math.isnan(function(*gap))
            years = [[figure, figure] for figure in figures]
            years[i] = [np.nan, figures[i]]
            result = function(*years)
            assert math.isnan(result[0])
            assert result[1] == pytest.approx(expected)

    def test_zero_denominator_is_absent(self, function, figures, expected) -> None:
        if function is ind.incurred_claims:
            assert function(*figures[:-1], 0) == pytest.approx(figures[0] - figures[1])
            return
        zero = [0] * len(figures)
        assert math.isnan(function(*zero))

    def test_bad_figures_are_named(self, function, figures, expected) -> None:
        names = list(inspect.signature(function).parameters)
        may_be_negative = {"net_income", "equity", "incurred_claims"}
        for i, name in enumerate(names):
            for bad in (math.inf, "many", []):
                with pytest.raises(ValueError, match=name):
                    function(*[*figures[:i], bad, *figures[i + 1 :]])
            if name not in may_be_negative:
                with pytest.raises(ValueError, match=f"{name} must not be negative"):
                    function(*[*figures[:i], -1, *figures[i + 1 :]])
        with pytest.raises(ValueError, match="different shapes"):
            function(*[[1.0] * (i + 2) for i in range(len(figures))])


def test_every_ratio_has_a_worked_example() -> None:
    public = {*insurance.__all__, *monitoring.__all__}
    assert public - set(NAMES) == {"ClaimsPromptness", "claims_promptness", "earned_premium"}


@pytest.mark.parametrize(
    "function",
    [ind.renewal_ratio, ind.claims_rejection_ratio, ind.social_investment_ratio, ind.subsidy_dependence],
)
def test_a_part_cannot_exceed_its_whole(function) -> None:
    assert function(5, 5) == 1
    with pytest.raises(ValueError, match="exceeds"):
        function(6, 5)


def test_coverage_may_exceed_one_because_registers_double_count() -> None:
    assert ind.coverage_ratio(110, 100) == pytest.approx(1.1)


def test_combined_ratio_is_the_sum_of_its_parts() -> None:
    claims, expenses, premium = [70, 90, 110], [30, 20, 10], [100, 100, 80]
    parts = ind.incurred_claims_ratio(claims, premium) + ind.incurred_expense_ratio(expenses, premium)
    assert ind.combined_ratio(claims, expenses, premium) == pytest.approx(parts)


def test_published_first_year_of_a_national_scheme() -> None:
    """Claims 6.45 times premiums, whatever the currency unit."""
    assert ind.incurred_claims_ratio(6.45e9, 1e9) == pytest.approx(6.45)


def test_earned_premium() -> None:
    # a full year, a quarter and a month of 1,200, 2,400 and 600 a year
    assert ind.earned_premium([1200, 2400, 600], [12, 3, 1]) == pytest.approx(1200 + 600 + 50)
    assert ind.earned_premium([1200, 2400], [12, 3], weights=[10, 2]) == pytest.approx(13_200)


def test_claims_promptness_borders() -> None:
    days = [0, 7, 7.5, 8, 30, 31, 90, 91, 400, 12]
    result = ind.claims_promptness(days)
    assert result == pytest.approx((0.2, 0.4, 0.2, 0.2))
    assert sum(result) == pytest.approx(1)
    assert ind.claims_promptness([5, 60], [3, 1]) == pytest.approx((0.75, 0, 0.25, 0))


def test_sectors_of_a_worked_scheme_agree() -> None:
    """Cost a beneficiary is use times cost a case."""
    use = ind.utilisation_rate(4_815, 4_500)
    cost = ind.average_cost_per_case(963_000, 4_815)
    assert ind.claims_cost_per_beneficiary(963_000, 4_500) == pytest.approx(use * cost)
