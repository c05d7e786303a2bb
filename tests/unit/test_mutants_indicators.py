"""What a mutation run found that no other test noticed: small numbers, empty groups, rows without weight."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cbhi import indicators as ind
from cbhi.indicators._ranks import median


def test_totals_below_one_are_totals() -> None:
    # a tenth of a franc among two people, all of it with the second
    curve = ind.concentration_curve([0.0, 0.1], [1.0, 2.0], points=[0.5, 1.0])
    np.testing.assert_allclose(curve.value_share, [0.0, 1.0], atol=1e-12)
    assert ind.gini([0.0, 0.1]) == pytest.approx(0.5)


def test_nothing_varies_so_there_is_no_ratio() -> None:
    same = ind.concentration_index_estimate([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    assert same.value == pytest.approx(0.0, abs=1e-15)
    assert same.standard_error == pytest.approx(0.0, abs=1e-7)
    alone = ind.grouped_concentration_index([5.0], [2.0])
    assert alone.value == 0.0
    assert alone.terms.tolist() == [0.0]
    assert math.isnan(alone.standard_error)
    assert math.isnan(alone.t_ratio)


@pytest.mark.parametrize(
    ("values", "weights", "middle"),
    [
        ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0], 2.0),
        ([1.0, 2.0, 4.0], [1.0, 0.0, 1.0], 2.5),
        ([1.0, 2.0, 4.0], [1.0, 1.0, 0.0], 1.5),
        ([0.0, 1.0, 2.0, 4.0], [0.0, 1.0, 2.0, 1.0], 2.0),
        # ten parts of a tenth each do not sum to one exactly; the middle is still between the fifth and sixth
        (list(range(10)), [0.1] * 10, 4.5),
        (list(range(6)), [0.7] * 6, 2.5),
    ],
)
def test_rows_without_weight_are_not_in_the_middle(
    values: list[float], weights: list[float], middle: float
) -> None:
    assert median(np.array(values, dtype=float), np.array(weights)) == pytest.approx(middle)


class TestSmallBounds:
    """The bounds of arguments are zero and not a little more."""

    def test_the_last_day_of_a_period_belongs_to_it(self) -> None:
        found = ind.openimis_policy_indicators(
            "2020-01-01", "2020-01-31", enrolment_date=["2020-01-31", "2020-02-01"],
            effective_date=["2020-01-31", "2020-02-01"], expiry_date=["2020-01-31", "2020-12-31"],
            is_active=[1, 1], is_suspended=[0, 0], is_expired=[1, 0], is_renewal=[0, 0], n_insurees=[4, 5],
            payment_date=["2020-01-01", "2020-01-31", "2020-02-01"], payment=[0.01, 0.02, 7.0],
        )  # fmt: skip
        assert found.p1_policies == found.p2_new_policies == found.p4_expired_policies == 1
        assert found.p6_insurees == found.p7_newly_insured == 4
        # payments of centimes count, too
        assert found.p8_newly_collected_contributions == pytest.approx(0.03)

    def test_a_scale_near_zero_counts_households_as_persons(self) -> None:
        paid = ind.subsistence_food([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 4.0, 9.0], scale=0.01)
        assert paid == pytest.approx(
            ind.subsistence_food([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 1.0, 1.0]), rel=0.03
        )

    def test_arrears_of_less_than_two_hours(self) -> None:
        # one hour is a twenty-fourth of a day
        owed = np.array([[0.0, 0.03, 0.05]])
        assert ind.share_of_time_in_arrears(owed, days=0.04) == pytest.approx(1 / 3)

    def test_small_consumption_is_consumption(self) -> None:
        # 0.006 is more than 40 % of the centime above the line, and less than all of it
        found = ind.financial_hardship(
            [0.006, 0.0], [0.04, 0.0], poverty_line=0.03, household_size=[3.0, 1.0]
        )
        assert found == pytest.approx((0.75, 0.0, 0.75))


class TestLessThanOneMember:
    """Weights may be shares of a person: what is positive is somebody."""

    def test_costs_of_few(self) -> None:
        gap = ind.risk_gap([10.0, 30.0], [True, False], [0.2, 0.3])
        assert gap == pytest.approx((10.0, 30.0, -20.0, 1 / 3))
        cost = ind.counterfactual_average_cost([10.0, 30.0], [True, False], [0.2, 0.2])
        assert cost == pytest.approx((10.0, 20.0, -10.0))

    def test_a_household_of_few_francs_is_catastrophic_too(self) -> None:
        # half a franc of the one that is left above food
        assert ind.catastrophic_headcount_capacity_to_pay([0.5], [1.0], [2.0], [1.0]) == 1.0


def test_variance_inside_groups_counts_by_squared_place() -> None:
    """Kakwani, Wagstaff and van Doorslaer (1997), equation 14, with all the variance in one group.

    Two groups of one half each, means 1 and 3, variance 2 in the second, 100 persons: p = (1/2, 1), curve
    q = (1/4, 1), index 1/4. Fractional ranks are 1/4 and 3/4, so the places 2 R - 1 - C are -3/4 and 1/4.
    """
    found = ind.grouped_concentration_index([50.0, 50.0], [1.0, 3.0], group_variance=[0.0, 2.0])
    index = 2 * (0.5 * 1 * 0.25 + 0.5 * 3 * 0.75) / 2 - 1
    assert found.value == pytest.approx(index) == pytest.approx(0.25)
    place = [2 * 0.25 - 1 - index, 2 * 0.75 - 1 - index]
    before, after = [0.0, 0.25], [0.25, 1.0]
    a = [
        mean / 2 * slot + 2 - low - high
        for mean, slot, low, high in zip([1.0, 3.0], place, before, after, strict=True)
    ]
    between = 0.5 * a[0] ** 2 + 0.5 * a[1] ** 2 - (1 + index) ** 2
    within = 0.5 * 2.0 * place[1] ** 2 / 2**2
    assert found.standard_error == pytest.approx(math.sqrt((between + within) / 100))
