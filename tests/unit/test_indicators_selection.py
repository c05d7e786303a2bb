"""Adverse-selection indicators against worked examples and published estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2, norm

from cbhi import indicators as ind
from cbhi.indicators._probit import fit_probit


class TestCostCurve:
    def test_regression_by_hand(self) -> None:
        # Sxy 3.5, Sxx 5, residuals -.7 .6 .9 -.8, RSS 2.3; sum e^2 d^2 = 2.835
        classical = ind.cost_curve_slope([1, 2, 3, 4], [2, 4, 5, 4], robust=False)
        assert classical.slope == pytest.approx(0.7)
        assert classical.intercept == pytest.approx(2.0)
        assert classical.standard_error == pytest.approx(math.sqrt(2.3 / 2 / 5))
        assert classical.t_ratio == pytest.approx(0.7 / math.sqrt(0.23))
        robust = ind.cost_curve_slope([1, 2, 3, 4], [2, 4, 5, 4])
        assert robust.standard_error == pytest.approx(math.sqrt(2.835 / 25 * 4 / 2))

    def test_published_cost_curve(self) -> None:
        price = np.linspace(50, 900, 40)
        curve = ind.cost_curve_slope(price, 391.690 + 0.15524 * price)
        assert curve.slope == pytest.approx(0.15524)
        assert curve.intercept == pytest.approx(391.690)
        # price at which average cost meets price, with the published demand curve
        equilibrium = curve.intercept / (1 - curve.slope)
        assert equilibrium == pytest.approx(463.67, abs=0.01)
        assert 0.940 - 0.00070 * equilibrium == pytest.approx(0.6154, abs=1e-4)

    def test_coverage_of_the_interval(self) -> None:
        rng = np.random.default_rng(1)
        hits = 0
        for _ in range(400):
            price = rng.uniform(0, 2, 200)
            cost = 1 + 0.5 * price + price * rng.normal(size=200)
            curve = ind.cost_curve_slope(price, cost)
            hits += abs(curve.slope - 0.5) < 1.96 * curve.standard_error
        assert 0.91 < hits / 400 < 0.98

    def test_absence(self) -> None:
        assert all(math.isnan(v) for v in ind.cost_curve_slope([5, 5, 5], [1, 2, 3]))
        assert all(math.isnan(v) for v in ind.cost_curve_slope([5, 5, 6], [1, 2, 3], [1, 1, 0]))
        two = ind.cost_curve_slope([1, 2], [3, 5])
        assert two.slope == pytest.approx(2.0)
        assert math.isnan(two.standard_error)


class TestPositiveCorrelation:
    def test_two_by_two_table_by_hand(self) -> None:
        # counts 12 8 6 14; sum of products 3, of squared products 2.475; phi = 120 / sqrt(20 20 18 22)
        enrolled, claim, count = [1, 1, 0, 0], [1, 0, 1, 0], [12, 8, 6, 14]
        result = ind.positive_correlation_test(enrolled, claim, weights=count)
        assert result.statistic == pytest.approx(9 / 2.475, rel=1e-8)
        assert result.residual_correlation == pytest.approx(120 / math.sqrt(20 * 20 * 18 * 22), rel=1e-8)
        assert result.p_value == pytest.approx(chi2.sf(9 / 2.475, 1), rel=1e-8)

    def test_saturated_covariate_by_hand(self) -> None:
        # within each cell of one binary covariate the probit fits the shares exactly
        table = {  # covariate: counts of (enrolled, claim) = 11, 10, 01, 00
            0: (6, 9, 5, 20),
            1: (14, 4, 6, 6),
        }
        rows = [
            (x, e, c, n)
            for x, counts in table.items()
            for (e, c), n in zip([(1, 1), (1, 0), (0, 1), (0, 0)], counts, strict=True)
        ]
        product = squares = 0.0
        for x, e, c, n in rows:
            t11, t10, t01, t00 = table[x]
            size = t11 + t10 + t01 + t00
            residuals = []
            for d, p in ((e, (t11 + t10) / size), (c, (t11 + t01) / size)):
                residuals.append(norm.pdf(norm.ppf(p)) * (d - p) / (p * (1 - p)))
            product += n * residuals[0] * residuals[1]
            squares += n * (residuals[0] * residuals[1]) ** 2
        x, e, c, n = zip(*rows, strict=True)
        result = ind.positive_correlation_test(e, c, x, n)
        assert result.statistic == pytest.approx(product**2 / squares, rel=1e-7)
        assert result.residual_correlation > 0

    def test_size_and_sign(self) -> None:
        rng = np.random.default_rng(2)
        public = rng.normal(size=(3000, 2))
        private = rng.normal(size=3000)
        claim = public[:, 0] + private + rng.normal(size=3000) > 0
        blind = public @ [1, -0.5] + rng.normal(size=3000) > 0
        knowing = public @ [1, -0.5] + private + rng.normal(size=3000) > 0
        assert ind.positive_correlation_test(blind, claim, public).p_value > 0.01
        adverse = ind.positive_correlation_test(knowing, claim, public)
        assert adverse.p_value < 1e-6
        assert adverse.residual_correlation > 0.2
        assert ind.positive_correlation_test(~knowing, claim, public).residual_correlation < -0.2

    def test_null_distribution(self) -> None:
        rng = np.random.default_rng(3)
        rejected = 0
        for _ in range(200):
            x = rng.normal(size=300)
            one, two = (0.5 * x + rng.normal(size=300) > 0 for _ in range(2))
            rejected += ind.positive_correlation_test(one, two, x).p_value < 0.10
        assert 0.04 < rejected / 200 < 0.18

    def test_covariates_can_be_rescaled_and_replicated(self) -> None:
        rng = np.random.default_rng(4)
        x = rng.normal(size=80)
        e, c = (x + rng.normal(size=80) > 0 for _ in range(2))
        w = rng.integers(1, 4, 80)
        base = ind.positive_correlation_test(e, c, x, w)
        again = ind.positive_correlation_test(*(np.repeat(a, w) for a in (e, c, 1e5 * x + 3)))
        assert again == pytest.approx(base, rel=1e-6)

    def test_one_sided_outcomes_are_absent(self) -> None:
        assert all(math.isnan(v) for v in ind.positive_correlation_test([1, 1, 1], [1, 0, 1]))
        assert all(math.isnan(v) for v in ind.positive_correlation_test([1, 0, 1], [0, 0, 0]))

    def test_bad_covariates(self) -> None:
        e, c = [1, 0, 1, 0, 1, 0], [1, 1, 0, 0, 1, 0]
        with pytest.raises(ValueError, match="collinear"):
            ind.positive_correlation_test(e, c, np.ones(6))
        with pytest.raises(ValueError, match="is_enrolled is predicted perfectly"):
            ind.positive_correlation_test(e, c, [5, 1, 6, 2, 7, 3])


def test_probit_reproduces_spector_and_mazzeo() -> None:
    """Greene, Econometric Analysis: grades and the personalised system of instruction, 32 students."""
    gpa = (
        "2.66 2.89 3.28 2.92 4.00 2.86 2.76 2.87 3.03 3.92 2.63 3.32 3.57 3.26 3.53 2.74 "
        "2.75 2.83 3.12 3.16 2.06 3.62 2.89 3.51 3.54 2.83 3.39 2.67 3.65 4.00 3.10 2.39"
    )
    tuce = "20 22 24 12 21 17 17 21 25 29 20 23 23 25 26 19 25 19 23 25 22 28 14 26 24 27 17 24 21 23 21 19"
    psi = np.arange(32) >= 18
    grade = [c == "1" for c in "00001000010001000001010011101101"]
    design = np.column_stack(
        [np.ones(32), np.array(gpa.split(), dtype=float), np.array(tuce.split(), dtype=float), psi]
    )
    fit = fit_probit("grade", np.array(grade), design, np.ones(32))
    assert fit.coefficients.round(3).tolist() == [-7.452, 1.626, 0.052, 1.426]
    assert fit.residual @ design == pytest.approx(np.zeros(4), abs=1e-8)


class TestRisk:
    def test_gap_by_hand(self) -> None:
        result = ind.risk_gap([9, 7, 4, 2], [1, 1, 0, 0], [1, 3, 1, 1])
        assert result == pytest.approx((7.5, 3.0, 4.5, 2.5))

    @pytest.mark.parametrize(("coverage", "gap"), [(0.1, 1.950), (0.5, 1.596), (0.9, 1.950)])
    def test_gap_with_normal_risk_and_perfect_information(self, coverage: float, gap: float) -> None:
        n = 200_000
        z = norm.ppf((np.arange(n) + 0.5) / n)
        result = ind.risk_gap(20 + z, z >= norm.ppf(1 - coverage))
        assert round(result.difference, 3) == gap

    def test_counterfactual_by_hand(self) -> None:
        result = ind.counterfactual_average_cost([9, 7, 4, 2], [1, 1, 0, 0], [1, 3, 1, 1])
        assert result == pytest.approx((7.5, 6.0, 1.5))

    def test_counterfactual_in_the_uniform_market(self) -> None:
        # cost uniform on 0 to 100, the costliest 20 % buy: they cost 90, everybody 50
        cost = (np.arange(1000) + 0.5) / 10
        assert ind.counterfactual_average_cost(cost, cost > 80) == pytest.approx((90, 50, 40))

    def test_absence(self) -> None:
        everybody = ind.risk_gap([1, 2], [1, 1])
        assert everybody.insured == 1.5
        assert all(math.isnan(v) for v in everybody[1:])
        assert math.isnan(ind.risk_gap([1, 0], [1, 0]).ratio)
        nobody = ind.counterfactual_average_cost([1, 3], [0, 0])
        assert nobody.full_enrolment == 2
        assert math.isnan(nobody.observed)
        assert math.isnan(nobody.selection_cost)
